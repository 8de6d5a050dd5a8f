"""Notes from a look at some of the images: photographs given as patches, and images that the model was trained on."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Callable, Iterable, Sequence, Sized
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np

from .._utils.files import SHIPPED_MODELS, shipped_model
from ..datasets import UNLABELLED, EyeSet
from ..datasets.names import as_text
from ..errors import ClassicEyesError, ImageError, ModelError
from ..images import read_bytes, read_images, stated_size
from ..images.archives import Member
from ..images.arrays import MAX_PIXELS
from ..images.files import is_url, read_batch, unexpected
from ..images.finding import quoted
from ..persistence.card import card_path, read_card, trained_on
from ..predictor import EyePredictor
from .arguments import model_file

__all__ = [
    "LARGE_SIDE",
    "attempt",
    "card_of_model",
    "card_of_start",
    "describe_photographs",
    "print_training_images",
    "warn_of_photographs",
    "which_to_label",
]

_Result = TypeVar("_Result")

# Number of images examined, spread evenly. The shorter side in pixels from which an image is examined, and that from
# which it counts as a photograph where the model has no non-eye detection.
_EXAMINED = 32
_MIN_SIDE, LARGE_SIDE = 64, 320
# Smaller files hold no image of that side.
_MIN_BYTES = 600
# One eye in a hundred is classified as a non-eye; a quarter of several images is no accident.
_MIN_SHARE = 0.25
# Of a folder, so many files are compared: this takes 25 ms. Where images for labelling are looked for, more.
_N_SAMPLED, _N_FOR_LABELS = 64, 500
_N_NAMED = 3


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


def card_of_model(arguments: Namespace) -> dict[str, Any] | None:
    """Return the card of ``--model``; None if there is none that can be read."""
    try:
        return read_card(card_path(model_file(arguments)))
    except (ModelError, OSError):
        return None


def card_of_start(name: str | None) -> dict[str, Any] | None:
    """Return the card of ``--start-from``; None if there is none."""
    if name is None:
        return None
    path = shipped_model(name) if name in SHIPPED_MODELS and not os.path.exists(name) else Path(name)
    return read_card(path) if card_path(path).exists() else None


def print_training_images(arguments: Namespace, paths: object, size: int) -> None:
    """Print a note if the model was trained on images of a folder; only a sample of them is compared."""
    card = card_of_model(arguments)
    # Lists and tar files may be too long for a second look.
    if card is None or not isinstance(paths, list):
        return
    files = [path for path in _sample(paths, _N_SAMPLED) if not is_url(path)]
    images, errors, _ = read_batch(files, size, MAX_PIXELS, arguments.bits)
    read = images[[error is None for error in errors]]
    if n_known := int(trained_on(card, read).sum()):
        which = f"these {len(read):,}" if len(files) == len(paths) else f"{len(read):,} sampled"
        print(
            f"note: {n_known:,} of {which} images are among those that {as_text(arguments.model)} was trained on; how "
            "well it predicts them says nothing about other images",
            file=sys.stderr,
        )


def which_to_label(card: dict[str, Any], sets: Sequence[EyeSet], size: int, bits: int | None) -> str:
    """Return which images to label for an accuracy of a model that was trained on the labelled ones."""
    others = [
        (path, name)
        for eyes in sets
        for path, name, label in zip(eyes.paths, eyes.names, eyes.labels, strict=True)
        if label == UNLABELLED and not is_url(path)
    ]
    examined = _sample(others, _N_FOR_LABELS)
    images, errors, _ = read_batch([path for path, _ in examined], size, MAX_PIXELS, bits)
    usable = np.array([error is None for error in errors], dtype=bool) & ~trained_on(card, images)
    names = [name for (_, name), is_usable in zip(examined, usable, strict=True) if is_usable]
    if not examined:
        return "label images of another source"
    if not names:
        which = f"all {len(others):,}" if len(examined) == len(others) else f"{len(examined):,} examined"
        return f"label images of another source: those without a label were used to train it too ({which})"
    return f"label images that it was not trained on, such as {', '.join(map(quoted, names[:_N_NAMED]))}"


def _sample(items: list[Any], n: int) -> list[Any]:
    return items[:: -(-len(items) // n) or 1]
