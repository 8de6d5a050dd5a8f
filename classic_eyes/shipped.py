"""Which models ship with the library, and where they lie."""

from __future__ import annotations

from pathlib import Path

from .errors import ModelError

__all__ = ["SHIPPED_MODELS", "shipped_model"]

# Names in models/ and the digests of their joblib files; a joblib file that is not here needs trusted=True.
SHIPPED_MODELS = {
    "default": "2982a0d3d7b72b9a01f1e9466b4e6a5ceddb177d3940f2cc38ddaf0bdd067ab0",
    "fast": "723b9f40d63c70f9709b80012ed380d8955dd4e726b3e11d2026cd7cd76ae860",
}


def shipped_model(name: str = "default", ending: str = ".joblib") -> Path:
    """Return the path of a model that ships with the library, from a wheel or a clone.

    Parameters
    ----------
    name : str, default ``"default"``
        A key of `SHIPPED_MODELS`.
    ending : str, default ``".joblib"``
        ``.joblib`` for the estimator, ``.npz`` for its compiled form.

    Returns
    -------
    pathlib.Path
        The file; its card, ending in ``.json``, lies beside it.

    Raises
    ------
    ModelError
        For an unknown name, or where the file is missing.

    Examples
    --------
    >>> shipped_model().name
    'default.joblib'
    """
    if name not in SHIPPED_MODELS:
        raise ModelError(f"no shipped model is called {name!r}; there are {', '.join(SHIPPED_MODELS)}")
    package = Path(__file__).resolve().parent
    places = [package / "models", package.parent / "models"]
    for place in places:
        if (path := place / f"{name}{ending}").is_file():
            return path
    raise ModelError(f"the shipped model {name + ending!r} is missing from {places[0]}; install classic-eyes again")
