"""Whether labelled images are enough for a training and its cross-validation: refused before the long work."""

from __future__ import annotations

import numpy as np

from ..datasets import EyeSet, group_folds
from ..errors import DataError, ParameterError

__all__ = ["check_folds", "check_labels"]

_NAMES = ("closed", "open")
# The calibration of a classifier splits its training data by group.
_MIN_GROUPS = 2


def check_labels(eyes: EyeSet) -> None:
    """Refuse labels of which one class is missing, or has images of one person only; every image is labelled."""
    shown = repr(eyes.source)
    for label, name in enumerate(_NAMES):
        if not (eyes.labels == 1 - label).any():
            raise DataError(
                f"{shown}: all {len(eyes)} labels are {name}; training needs open and closed eyes, add images of the "
                "other kind"
            )
    n_groups = _n_groups(eyes)
    if min(n_groups) < _MIN_GROUPS:
        raise DataError(f"{shown}: {_too_few(n_groups)}; add images of other people")


def check_folds(eyes: EyeSet, n_folds: int, *, remedy: str, random_state: int = 0) -> None:
    """Refuse a cross-validation for which there are too few images or groups; ``remedy`` ends the message."""
    shown, n_groups = repr(eyes.source), len(np.unique(eyes.groups))
    try:
        folds = group_folds(eyes.labels, eyes.groups, n_folds, random_state=random_state)
    except ParameterError as error:
        raise DataError(
            f"{shown}: {len(eyes)} labelled images of {n_groups} groups (a group is a person or face) are too few for "
            f"{n_folds} folds; {remedy}"
        ) from error
    for train, _ in folds:
        left = _n_groups(eyes.take(train))
        if min(left) < _MIN_GROUPS:
            raise DataError(f"{shown}: without one of {n_folds} folds, {_too_few(left)}; {remedy}")


def _n_groups(eyes: EyeSet) -> list[int]:
    return [len(np.unique(eyes.groups[eyes.labels == label])) for label in (0, 1)]


def _too_few(n_groups: list[int]) -> str:
    n_closed, n_open = (f"{n} group{'s' * (n != 1)}" for n in n_groups)
    return (
        f"closed eyes are of {n_closed} and open ones of {n_open} (a group is a person or face), and training needs "
        f"{_MIN_GROUPS} of each"
    )
