"""Notice when whole photographs are taken for patches of one eye."""

from __future__ import annotations

import os
import sys
from itertools import islice
from typing import TYPE_CHECKING, Any

from ..errors import ImageError
from ..images import read_bytes, read_images, stated_size
from ..images.remote import is_url

if TYPE_CHECKING:
    from .predict import ListedImages

__all__ = ["warn_of_photographs"]

# Images looked at, spread over all; and the shorter side in pixels from which they are, and from which, where the
# model knows nothing of what is no eye, they are taken for photographs.
_LOOKED_AT = 32
_LEAST_SIDE, _LARGE = 64, 320
# Files of fewer bytes hold no image of that side.
_LEAST_BYTES = 600
# One eye in a hundred is taken for none, so that a fourth of several is no accident.
_SHARE = 0.25


def warn_of_photographs(paths: list[str] | ListedImages, model: Any, *, max_pixels: int) -> None:
    """Say once on standard error if many of the larger images do not look like an eye.

    Parameters
    ----------
    paths : list of str, or ListedImages
        What opens the images; up to 32 of them, spread evenly, are looked at.
    model : EyePredictor or EyeClassifier
        What answers.
    max_pixels : int
        Larger ones are not decoded.
    """
    step = max(1, len(paths) // _LOOKED_AT)
    large = []
    for path in islice(paths, 0, step * _LOOKED_AT, step):
        side = 0 if is_url(path) else _side(path)
        if side >= (_LEAST_SIDE if model.novelty_ is not None else _LARGE):
            large.append(path)
    if not large:
        return
    strange = len(large) if model.novelty_ is None else _strange(large, model, max_pixels)
    if strange and strange >= _SHARE * len(large):
        print(
            f"classic-eyes: warning: {strange} of {len(large)} larger images looked at do not look like a patch of "
            "one eye, and answers about such mean nothing; for photographs of faces there is classic-eyes faces",
            file=sys.stderr,
        )


def _side(path: str) -> int:
    try:
        return min(stated_size(read_bytes(path)) or (0,)) if os.stat(path).st_size >= _LEAST_BYTES else 0
    except (OSError, ValueError, ImageError):
        return 0  # it will be a row with its reason


def _strange(paths: list[str], model: Any, max_pixels: int) -> int:
    images, errors = read_images(paths, size=model.size, max_pixels=max_pixels)
    good = images[[error is None for error in errors]]
    return model.verdict(good).count("not-an-eye") if len(good) else 0
