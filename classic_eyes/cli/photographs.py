"""Photographs: each read so that none ends a run; and messages where they are given as patches."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sized
from functools import partial
from itertools import islice
from typing import Protocol, TypeVar

from ..errors import ClassicEyesError, ImageError
from ..images import read_bytes, read_images, stated_size
from ..images.archives import Member
from ..images.files import is_url, unexpected
from ..predictor import EyePredictor

__all__ = ["LARGE_SIDE", "attempt", "describe_photographs", "warn_of_photographs"]

_Result = TypeVar("_Result")

# Number of images examined, spread evenly. The shorter side in pixels from which an image is examined, and that from
# which it counts as a photograph where the model has no non-eye detection.
_EXAMINED = 32
_MIN_SIDE, LARGE_SIDE = 64, 320
# Smaller files hold no image of that side.
_MIN_BYTES = 600
# One eye in a hundred is classified as a non-eye; a quarter of several images is no accident.
_MIN_SHARE = 0.25


def attempt(action: Callable[[], _Result]) -> tuple[_Result | None, str | None]:
    """Return the result of an action on one photograph, or None and why it failed; no photograph can end a run.

    Raised are errors of the model and of other arguments, which every photograph would have, and lack of memory.
    """
    try:
        return action(), None
    except ImageError as error:
        return None, str(error)
    except (ClassicEyesError, MemoryError):
        raise
    except Exception as error:
        return None, str(unexpected(error))


class _Paths(Sized, Iterable[str], Protocol):
    """A list of paths, or a list file."""


def warn_of_photographs(paths: _Paths, model: EyePredictor, *, max_pixels: int, bits: int | None) -> None:
    """Warn once on standard error if many of the larger images are non-eyes."""
    found = describe_photographs(paths, model, max_pixels=max_pixels, bits=bits)
    if found is not None:
        print(
            f"classic-eyes: warning: {found}; predictions for such images mean nothing; use classic-eyes faces for "
            "photographs of faces",
            file=sys.stderr,
        )


def describe_photographs(paths: _Paths, model: EyePredictor, *, max_pixels: int, bits: int | None) -> str | None:
    """Return how many of the larger images are non-eyes, if these are many; up to 32 images are examined."""
    detects = model.program.novelty is not None
    step = max(1, len(paths) // _EXAMINED)
    large = []
    for path in islice(paths, 0, step * _EXAMINED, step):
        side, _ = attempt(partial(_shorter_side, path))
        if (side or 0) >= (_MIN_SIDE if detects else LARGE_SIDE):
            large.append(path)
    if not large:
        return None
    n_non_eyes, _ = attempt(partial(_count_non_eyes, large, model, max_pixels, bits)) if detects else (len(large), None)
    if not n_non_eyes or n_non_eyes < _MIN_SHARE * len(large):
        return None
    return f"{n_non_eyes} of {len(large)} larger images examined do not look like a patch of one eye"


def _shorter_side(path: str) -> int:
    if is_url(path) or (path.size if isinstance(path, Member) else os.stat(path).st_size) < _MIN_BYTES:
        return 0
    return min(stated_size(read_bytes(path)) or (0,))


def _count_non_eyes(paths: list[str], model: EyePredictor, max_pixels: int, bits: int | None) -> int:
    images, errors = read_images(paths, size=model.size, max_pixels=max_pixels, bits=bits)
    good = images[[error is None for error in errors]]
    return model.verdict(good).count("not-an-eye") if len(good) else 0
