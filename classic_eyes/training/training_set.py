"""What a classifier is trained on: labels, groups and weights as they are given; images, variants, synthetic eyes."""

from __future__ import annotations

import warnings
from numbers import Real
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import column_or_1d

from ..datasets import UNLABELLED, group_folds
from ..errors import ParameterError
from ..images import SIZE
from ..preprocessing.augmentation import augment, flip
from ..synthetic import make_eyes

__all__ = [
    "MIN_CALIBRATING",
    "TrainingSet",
    "add_synthetic",
    "balanced_weight",
    "check_groups",
    "check_labels",
    "check_sources",
    "check_weight",
    "make_training_set",
    "source_weight",
    "split_for_calibration",
]

MIN_CALIBRATING = 100
"""Fewest synthetic eyes that take part in the calibration: together they weigh as much as all images."""

_AUGMENTATIONS = ("flip", "shift_scale_rotate", "clahe", "blur", "resample")
# A source counts as the root of its size: neither is a small one lost, nor does one image of it count as a thousand.
_SOURCE_POWER = 0.5
_N_FOLDS = 3
# Far from the seeds of documents and tests, so that no model is evaluated on synthetic eyes that it was trained on.
_SYNTHETIC_SEED = 1_000_000_000
_HARD_SHARE = 0.5
# numpy makes "nan" of a NaN among texts.
_WORDS = {"closed": 0, "open": 1, "unknown": UNLABELLED, "nan": UNLABELLED, "": UNLABELLED}


def check_labels(
    y: ArrayLike | None, n: int, *, allow_one_class: bool = False
) -> tuple[NDArray[np.int8], NDArray[Any]]:
    """Return labels of n images as 1, 0 and -1 (unknown), and the classes closed and open as ``y`` has them.

    >>> check_labels(["OPEN", "CLOSED", None], 3)
    (array([ 1,  0, -1], dtype=int8), array(['CLOSED', 'OPEN'], dtype='<U6'))
    """
    if y is None:
        return np.full(n, UNLABELLED, dtype=np.int8), np.array([0, 1])
    given = np.asarray(y)
    if given.shape == (n, 1):
        given = column_or_1d(given, warn=True)
    if given.shape != (n,):
        raise ParameterError(f"y has shape {given.shape}; allowed is ({n},) for {n} images, a label each")
    values = given.tolist()
    read = [_label_of(value) for value in values]
    wrong = {str(value): value for value, label in zip(values, read, strict=True) if label is None}
    if wrong:
        raise ParameterError(
            f"y holds {list(wrong.values())[:5]}; allowed are 1 (open), 0 (closed) and -1 (unknown), or 'open', "
            "'closed' and 'unknown'"
        )
    labels = np.array(read, dtype=np.int8)
    classes = _classes([value for value, label in zip(values, read, strict=True) if label != UNLABELLED])
    present = set(labels.tolist())
    if allow_one_class:
        return labels, classes
    if len(present) == 1 and UNLABELLED not in present:
        raise ParameterError(
            f"y holds one class only ({'open' if 1 in present else 'closed'}); training needs open and closed eyes"
        )
    if len(present) == 2 and UNLABELLED in present and any(isinstance(v, Real) and v == UNLABELLED for v in values):
        _warn_of_one_class(1 in present)
    return labels, classes


def _label_of(value: Any) -> int | None:
    """Return the label that a value states, None if it states none."""
    if isinstance(value, str):
        return _WORDS.get(value.strip().lower())
    # NAType is pandas's missing value, which compares to nothing.
    if value is None or type(value).__name__ == "NAType" or (isinstance(value, Real) and value != value):
        return UNLABELLED
    return int(float(value)) if isinstance(value, Real) and value in (0, 1, UNLABELLED) else None


def _classes(known: list[Any]) -> NDArray[Any]:
    """Return the two classes, closed first, as known labels spell them."""
    if not any(isinstance(value, str) for value in known):
        truths = bool(known) and all(isinstance(value, bool) for value in known)
        return np.array([False, True]) if truths else np.array([0, 1])
    spelled = {str(value) for value in known}
    if len(spelled) == 1:
        # The other word in the same case.
        (word,) = spelled
        other = "closed" if word.lower().strip() == "open" else "open"
        spelled.add(other.upper() if word.isupper() else other.title() if word.istitle() else other)
    classes = sorted(spelled)
    if [_label_of(value) for value in classes] != [0, 1]:
        # scikit-learn takes the second in the order of the alphabet for the positive class.
        raise ParameterError(f"y holds {classes[:5]}; write open and closed alike, for example np.char.lower(y)")
    return np.array(classes)


def _warn_of_one_class(is_open: bool) -> None:
    one, other = ("open (1)", "closed (0)") if is_open else ("closed (0)", "open (1)")
    remedy = "; in Python, where -1 in y means closed, pass (y > 0).astype(int)" if is_open else ""
    warnings.warn(
        f"all labels are {one} or unknown (-1), none is {other}: {other.split()[0]} eyes are found without labels, "
        f"label some of them too{remedy}",
        UserWarning,
        stacklevel=5,
    )


def check_groups(groups: ArrayLike | None, n: int) -> NDArray[Any]:
    """Return the group of each of n images; by default each is a group."""
    names = np.arange(n) if groups is None else _column("groups", groups, n)
    try:
        np.unique(names)
    except TypeError as error:
        kinds = sorted({type(value).__name__ for value in names.tolist()})
        raise ParameterError(
            f"groups holds values of the types {', '.join(kinds)}, which cannot be told apart; allowed is one type, "
            "without missing values"
        ) from error
    return names


def check_weight(weight: ArrayLike | None, n: int) -> NDArray[np.float64] | None:
    """Return the weight of each of n images; None for equal weights."""
    if weight is None:
        return None
    try:
        weights = np.asarray(_column("sample_weight", weight, n), dtype=np.float64)
    except (TypeError, ValueError) as error:
        if isinstance(error, ParameterError):
            raise
        raise ParameterError(f"sample_weight holds something else than numbers: {error}") from error
    if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.any()):
        raise ParameterError(
            "sample_weight holds a negative or non-finite number, or zeros only; allowed are positive numbers"
        )
    return weights


def check_sources(sources: ArrayLike | None, n: int) -> NDArray[np.intp]:
    """Return the number of the source of each of n images; by default all are of one."""
    return np.unique(np.zeros(n) if sources is None else _column("sources", sources, n), return_inverse=True)[1]


def source_weight(sources: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the weight of each image by its source: 1 over the root of the size, and 1 on average.

    >>> source_weight(np.array([0, 0, 0, 0, 1])).round(2).tolist()
    [0.83, 0.83, 0.83, 0.83, 1.67]
    """
    weight = np.bincount(sources)[sources] ** -_SOURCE_POWER
    return np.asarray(weight / weight.mean())


def balanced_weight(sources: NDArray[np.intp], labels: NDArray[np.int8]) -> NDArray[np.float64]:
    """Return weights with which each class of each source counts alike, 1 on average.

    >>> balanced_weight(np.array([0, 0, 0, 1, 1]), np.array([0, 1, 1, 0, 1])).round(2).tolist()
    [1.25, 0.62, 0.62, 1.25, 1.25]
    """
    parts = 2 * sources + labels
    weight = 1 / np.bincount(parts)[parts]
    return np.asarray(weight / weight.mean())


def _column(name: str, given: ArrayLike, n: int) -> NDArray[Any]:
    column = np.asarray(given)
    if column.shape != (n,):
        raise ParameterError(f"{name} has shape {column.shape}; allowed is ({n},) for {n} images")
    return column


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
    images = eyes.images
    if side > SIZE:
        # Half of them as a camera of fewer pixels shows them.
        small = make_eyes(n_synthetic, size=SIZE, hard_share=_HARD_SHARE, random_state=seed).images
        images = images.copy()
        images[::2] = [cv2.resize(image, (side, side), interpolation=cv2.INTER_LINEAR) for image in small[::2]]
    names, person = np.unique(training.groups, return_inverse=True)
    weight = np.ones(n) if training.weight is None else training.weight
    each = weight.mean() * len(training.images) / max(n, n_synthetic)
    return TrainingSet(
        np.concatenate([training.images, images]),
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
