"""Whether images are among those that a model was trained on, as far as its card says."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .._utils.files import SHIPPED_MODELS, shipped_model
from ..datasets import UNLABELLED, EyeSet
from ..datasets.names import as_text
from ..errors import ModelError
from ..images.arrays import MAX_PIXELS
from ..images.files import is_url, read_batch
from ..images.finding import quoted
from ..persistence.card import card_path, read_card, trained_on
from .arguments import model_file

__all__ = ["card_of_model", "card_of_start", "print_training_images", "which_to_label"]

# Of a folder, so many files are compared: this takes 25 ms. Where images for labelling are looked for, more.
_N_SAMPLED, _N_EXAMINED = 64, 500
_N_NAMED = 3


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
    examined = _sample(others, _N_EXAMINED)
    images, errors, _ = read_batch([path for path, _ in examined], size, MAX_PIXELS, bits)
    usable = np.array([error is None for error in errors], dtype=bool) & ~trained_on(card, images)
    names = [name for (_, name), is_usable in zip(examined, usable, strict=True) if is_usable]
    if not examined:
        return "label images of another source"
    if not names:
        which = f"all {len(others):,}" if len(examined) == len(others) else f"{len(examined):,} examined"
        return f"label images of another source, because it was trained on those without a label too ({which})"
    return f"label images that it was not trained on, such as {', '.join(map(quoted, names[:_N_NAMED]))}"


def _sample(items: list[Any], n: int) -> list[Any]:
    return items[:: -(-len(items) // n) or 1]
