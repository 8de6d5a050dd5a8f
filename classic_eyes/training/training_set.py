"""What a classifier is trained on: images, their variants and synthetic eyes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..datasets import group_folds
from ..errors import ParameterError
from ..preprocessing.augmentation import augment, flip
from ..synthetic import make_eyes

__all__ = ["MIN_CALIBRATING", "TrainingSet", "add_synthetic", "make_training_set", "split_for_calibration"]

MIN_CALIBRATING = 100
"""Fewest synthetic eyes that take part in the calibration: together they weigh as much as all images."""

_AUGMENTATIONS = ("flip", "shift_scale_rotate", "clahe", "blur")
_N_FOLDS = 3
# Far from the seeds of documents and tests, so that no model is evaluated on synthetic eyes that it was trained on.
_SYNTHETIC_SEED = 1_000_000_000
_HARD_SHARE = 0.5


class TrainingSet(NamedTuple):
    """Rows to train on, and the images that they are variants of.

    Parameters
    ----------
    images : uint8 array of shape (m, size, size)
        Rows; the images themselves first.
    source : int array of shape (m,)
        Which image each row is a variant of.
    labels : int array of shape (n,)
        0 and 1, of each image.
    groups : array of shape (n,)
        Person of each image.
    weight : float array of shape (n,) or None
        Of each image, and of each of its rows.
    """

    images: NDArray[np.uint8]
    source: NDArray[np.intp]
    labels: NDArray[np.int8]
    groups: NDArray[Any]
    weight: NDArray[np.float64] | None

    @property
    def first_rows(self) -> NDArray[np.intp]:
        """The row of each image itself."""
        return np.unique(self.source, return_index=True)[1]


def make_training_set(
    images: NDArray[np.uint8],
    labels: NDArray[np.int8],
    groups: NDArray[Any],
    weight: NDArray[np.float64] | None,
    *,
    mirror: bool,
    n_copies: int,
    random_state: int,
) -> TrainingSet:
    """Return images with their mirror images, if ``mirror``, and ``n_copies`` randomly varied copies of each."""
    parts = [images]
    if mirror:
        parts.append(flip(images))
    if n_copies:
        parts.append(augment(images, n_copies=n_copies, augmentations=_AUGMENTATIONS, random_state=random_state))
    rows = np.concatenate(parts)
    return TrainingSet(rows, np.tile(np.arange(len(images)), len(rows) // len(images)), labels, groups, weight)


def add_synthetic(training: TrainingSet, n_synthetic: int, *, random_state: int = 0) -> TrainingSet:
    """Append synthetic eyes.

    Each is a person of its own. Its one row weighs as much as all rows of an image together, or less where the
    synthetic eyes would weigh more than all images. Half of them are harder to tell than most eyes, see
    `classic_eyes.synthetic.harder`: their labels are certain, so they keep the decision threshold from being that of a
    single source.

    References
    ----------
    Wood, Baltrusaitis, Morency, Robinson, Bulling, "Learning an appearance-based gaze estimator from one million
    synthesised images", ETRA 2016, doi:10.1145/2857491.2857492: the idea; no image or model of theirs is used.

    Examples
    --------
    >>> images = np.zeros((4, 24, 24), np.uint8)
    >>> training = TrainingSet(images, np.array([0, 1, 0, 1]), np.array([0, 1], np.int8), np.array(["a", "b"]), None)
    >>> more = add_synthetic(training, 3)
    >>> more.images.shape, more.source.tolist(), more.groups.tolist(), more.weight.round(2).tolist()
    ((7, 24, 24), [0, 1, 0, 1, 2, 3, 4], [0, 1, 2, 3, 4], [1.0, 1.0, 1.33, 1.33, 1.33])
    """
    n = len(training.labels)
    side, seed = training.images.shape[1], _SYNTHETIC_SEED + int(random_state)
    eyes = make_eyes(n_synthetic, size=side, hard_share=_HARD_SHARE, random_state=seed)
    names, person = np.unique(training.groups, return_inverse=True)
    weight = np.ones(n) if training.weight is None else training.weight
    each = weight.mean() * len(training.images) / max(n, n_synthetic)
    return TrainingSet(
        np.concatenate([training.images, eyes.images]),
        np.concatenate([training.source, n + np.arange(n_synthetic)]),
        np.concatenate([training.labels, eyes.labels]),
        np.concatenate([person, len(names) + np.arange(n_synthetic)]),
        np.concatenate([weight, np.full(n_synthetic, each)]),
    )


def split_for_calibration(
    labels: NDArray[np.int8], groups: NDArray[Any], *, random_state: int = 0
) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Return up to three folds by group, as positions (train, test); ParameterError for too few groups of a class."""
    groups_of = [len(np.unique(groups[labels == label])) for label in (0, 1)]
    n_folds = min(_N_FOLDS, *groups_of)
    if n_folds < 2:
        raise ParameterError(
            f"closed eyes come from {groups_of[0]} groups and open ones from {groups_of[1]}; calibration needs 2 of "
            "each, add images of other people"
        )
    folds = group_folds(labels, groups, n_folds, random_state=random_state)
    for train, _ in folds:
        if len(np.unique(labels[train])) < 2:
            raise ParameterError(
                "groups: without one fold of groups, one class only is left; give finer groups or more people"
            )
    return folds
