"""The recipes that ship: parameters of `EyeClassifier` as plain data, each the best trade-off of accuracy and speed."""

from __future__ import annotations

from typing import Any

from .errors import ParameterError

__all__ = ["RECIPES", "recipe"]

_IMAGE_24 = ("hog", "lbp")
_EYE_24 = ("hog", "words_tt")
_IMAGE_48 = (("hog", {"cells": (8,)}), ("lbp", {"radii": (1, 2, 4, 6, 8), "grid": 4}))
_EYE_48 = (("hog", {"cells": (12,)}), ("words_tt", {"patch": 8, "stride": 5}))

RECIPES: dict[str, dict[str, Any]] = {
    "default": {
        "features": (_IMAGE_24, _EYE_24, _EYE_48),
        "classifier": "metric",
        "n_components": 700,
        "n_copies": 3,
        "n_synthetic": "auto",
        "remove_glare": True,
        "align": "others",
        "cascade": 0.2,
        "detect_non_eyes": "auto",
        "size": (24, 24, 48),
    },
    "fast": {
        "features": (("lbp",), ("hog", "words_tt")),
        "classifier": (("metric", {"n_support": 1000}), ("metric", {"n_support": 1500})),
        "n_components": 700,
        "n_copies": 3,
        "n_synthetic": "auto",
        "remove_glare": True,
        "align": "others",
        "cascade": 0.08,
        "detect_non_eyes": "auto",
        "size": 24,
    },
    "accurate": {
        "features": (_IMAGE_48, _EYE_24, _EYE_48),
        "classifier": ("metric", {"n_support": 3000}),
        "n_components": 700,
        "n_copies": 3,
        "n_synthetic": "auto",
        "remove_glare": True,
        "align": "others",
        "cascade": None,
        "detect_non_eyes": "auto",
        "size": (48, 24, 48),
    },
}
"""Name to parameters. ``default`` is what `EyeClassifier` uses; ``fast`` predicts most images a second; ``accurate``
runs all views on all images, with more support vectors."""


def recipe(name: str) -> dict[str, Any]:
    """Return a copy of the parameters of a recipe.

    Parameters
    ----------
    name : str
        A key of `RECIPES`.

    Returns
    -------
    dict
        Keyword arguments of `classic_eyes.EyeClassifier`.

    Raises
    ------
    ParameterError
        For an unknown name.

    Examples
    --------
    >>> recipe("fast")["cascade"]
    0.08
    """
    if name not in RECIPES:
        raise ParameterError(f"recipe {name!r} is not known; known are {', '.join(RECIPES)}")
    return dict(RECIPES[name])
