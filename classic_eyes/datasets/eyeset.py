"""`EyeSet`, which every reader returns, and functions of whole sets: joining, splitting, fingerprints."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._utils.dependencies import check_training_packages
from ..errors import DataError, ImageError, ParameterError
from ..images import read_bytes
from .csvfile import UNLABELLED

__all__ = ["UNLABELLED", "EyeSet", "concatenate", "describe", "fingerprint", "group_folds"]


@dataclass(frozen=True, eq=False)
class EyeSet:
    """Paths of eye images with their labels and groups.

    Parameters
    ----------
    paths : sequence of str, length n
        Paths that open the files.
    labels : array-like of int, shape (n,)
        1 open, 0 closed, -1 unknown.
    groups : array-like of str, shape (n,)
        Images of one person or face share a group; a group must not be split between training and test.
    names : sequence of str, length n
        Paths relative to the folder that was read, with ``/``.
    source : str, default=""
        The name of the folder, for summaries.
    chosen : array-like of str, shape (n,), optional
        How each image was chosen for labelling: the order of the label page that showed it, such as ``priority`` or
        ``random``, or empty if unknown; by default all empty.
    predicted : bool, default=False
        Whether the labels are predictions of a model. No accuracy can be measured on them.

    Raises
    ------
    ParameterError
        If the lengths differ or a label is not 1, 0 or -1.

    Notes
    -----
    The arrays ``labels`` (int8), ``groups`` and ``chosen`` are read-only. Readers sort by name.

    Examples
    --------
    >>> from classic_eyes.datasets import EyeSet
    >>> eyes = EyeSet(["d/a.png", "d/b.png"], labels=[1, -1], groups=["a", "b"], names=["a.png", "b.png"])
    >>> len(eyes), eyes.take([1]).names
    (2, ('b.png',))
    >>> eyes.summary()
    '2 images: 1 open, 0 closed, 1 unlabelled, in 2 groups'
    """

    paths: Sequence[str]
    labels: NDArray[np.int8]
    groups: NDArray[np.str_]
    names: Sequence[str]
    source: str = ""
    chosen: NDArray[np.str_] = ()  # type: ignore[assignment]  # an empty array would be shared by all sets
    predicted: bool = False

    def __post_init__(self) -> None:
        labels = np.array(self.labels).reshape(-1)
        groups = np.array(self.groups, dtype=np.str_).reshape(-1)
        chosen = np.array(self.chosen, dtype=np.str_).reshape(-1)
        if not chosen.size:
            chosen = np.full(len(labels), "")
        columns: dict[str, Any] = {
            "paths": self.paths,
            "labels": labels,
            "groups": groups,
            "names": self.names,
            "chosen": chosen,
        }
        lengths = {name: len(column) for name, column in columns.items()}
        if len(set(lengths.values())) != 1:
            raise ParameterError(
                f"paths, labels, groups, names and chosen have the lengths {lengths}; allowed is one length"
            )
        others = labels[~np.isin(labels, (0, 1, UNLABELLED))]
        if others.size:
            raise ParameterError(f"labels holds {others[0]!r}; allowed are 1 open, 0 closed and -1 unknown")
        labels = labels.astype(np.int8)
        for array in (labels, groups, chosen):
            array.flags.writeable = False
        stored = {"paths": tuple(self.paths), "labels": labels, "names": tuple(self.names)}
        for field, value in (columns | stored).items():
            object.__setattr__(self, field, value)

    def __len__(self) -> int:
        return len(self.paths)

    def take(self, index: ArrayLike) -> EyeSet:
        """Return a subset, in the order of `index`.

        Parameters
        ----------
        index : array-like of int or of bool
            Positions, or a mask of length n.

        Returns
        -------
        EyeSet
            The subset, with the same source.
        """
        rows = np.arange(len(self))[np.asarray(index, dtype=None if np.size(index) else np.intp)]
        return EyeSet(
            [self.paths[row] for row in rows],
            self.labels[rows],
            self.groups[rows],
            [self.names[row] for row in rows],
            self.source,
            self.chosen[rows],
            self.predicted,
        )

    def summary(self) -> str:
        """Count images, labels and groups in one line.

        Returns
        -------
        str
            One line.
        """
        n_open, n_closed, n_unknown = (int((self.labels == label).sum()) for label in (1, 0, UNLABELLED))
        head = f"{self.source}: " if self.source else ""
        return (
            f"{head}{len(self)} images: {n_open} open, {n_closed} closed, {n_unknown} unlabelled, "
            f"in {len(np.unique(self.groups))} groups"
        )


def concatenate(sets: Iterable[EyeSet]) -> EyeSet:
    """Join data sets, keeping the order of the images.

    Parameters
    ----------
    sets : iterable of EyeSet
        At least one. If there are several, the groups of set i get the prefix ``i/``, so that equal names in two
        sets stay two groups.

    Returns
    -------
    EyeSet
        All images.

    Raises
    ------
    DataError
        If two sets hold the same file, which could then be in training and test at once.
    ParameterError
        If there is no set.
    """
    parts = list(sets)
    if not parts:
        raise ParameterError("sets is empty; at least one EyeSet is needed")
    if len(parts) == 1:
        return parts[0]
    paths = [path for eyes in parts for path in eyes.paths]
    seen: set[str] = set()
    for path in map(os.path.abspath, paths):
        if path in seen:
            raise DataError(f"{path!r} is in two of the data sets; give each folder once, and none inside another")
        seen.add(path)
    groups = [f"{number}/{group}" for number, eyes in enumerate(parts) for group in eyes.groups]
    names = [name for eyes in parts for name in eyes.names]
    sources = " + ".join(eyes.source for eyes in parts if eyes.source)
    return EyeSet(
        paths,
        np.concatenate([eyes.labels for eyes in parts]),
        np.array(groups),
        names,
        sources,
        np.concatenate([eyes.chosen for eyes in parts]),
        any(eyes.predicted for eyes in parts),
    )


def group_folds(
    labels: ArrayLike, groups: ArrayLike, n_splits: int = 5, *, random_state: int | None = 0
) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Split into stratified folds that keep groups together.

    No group is on both sides of a split, and the labels are balanced as well as the groups allow.

    Parameters
    ----------
    labels : array-like of int, shape (n,)
        1 open, 0 closed; -1, unknown, is a class of its own.
    groups : array-like, shape (n,)
        Person or face of each image.
    n_splits : int, default=5
        Number of folds, at least 2.
    random_state : int or None, default=0
        Seed of the shuffling.

    Returns
    -------
    list of (ndarray of int, ndarray of int)
        Positions of training and test images, `n_splits` times; every image is in one test set.

    Raises
    ------
    ParameterError
        If `labels` and `groups` have other shapes, `n_splits` is not an integer of at least 2, or there are fewer
        groups, or fewer images of the most frequent label, than folds.

    Examples
    --------
    >>> from classic_eyes.datasets import group_folds
    >>> folds = group_folds([0, 1, 0, 1], ["a", "a", "b", "b"], 2)
    >>> sorted(test.tolist() for _, test in folds)
    [[0, 1], [2, 3]]
    """
    check_training_packages()
    from sklearn.model_selection import StratifiedGroupKFold

    labels, groups = np.asarray(labels), np.asarray(groups)
    if labels.ndim != 1 or labels.shape != groups.shape or labels.size == 0:
        raise ParameterError(
            f"labels has shape {labels.shape} and groups {groups.shape}; allowed is (n,) for both, n at least 1"
        )
    if not isinstance(n_splits, int | np.integer) or isinstance(n_splits, bool) or n_splits < 2:
        raise ParameterError(f"n_splits is {n_splits!r}; allowed is an integer of at least 2")
    n_groups = len(np.unique(groups))
    if n_groups < n_splits:
        raise ParameterError(
            f"n_splits is {n_splits}, but there are {n_groups} groups; at most {n_groups} folds are possible"
        )
    n_most = int(np.unique(labels, return_counts=True)[1].max())
    if n_most < n_splits:
        raise ParameterError(f"n_splits is {n_splits}, but no label has more than {n_most} images; use fewer folds")
    splitter = StratifiedGroupKFold(n_splits, shuffle=True, random_state=random_state)
    return list(splitter.split(np.empty(len(labels)), labels, groups))


def fingerprint(eyes: EyeSet) -> str:
    """Hash a data set; order and location of the images do not matter.

    Parameters
    ----------
    eyes : EyeSet
        The data set; its files are read but not decoded.

    Returns
    -------
    str
        SHA-256 in 64 hexadecimal digits, over the sorted (name, label, group, SHA-256 of the file).

    Raises
    ------
    DataError
        If a file cannot be read.
    """
    rows = []
    for path, name, label, group in zip(eyes.paths, eyes.names, eyes.labels, eyes.groups, strict=True):
        try:
            content = hashlib.sha256(read_bytes(path)).hexdigest()
        except ImageError as error:
            raise DataError(f"{path!r}: {error}; a fingerprint needs every file") from error
        rows.append((name, int(label), str(group), content))
    # JSON keeps the fields apart and writes names that are not UTF-8 as escapes.
    return hashlib.sha256(json.dumps(sorted(rows)).encode("ascii")).hexdigest()


def describe(eyes: EyeSet, path: str) -> dict[str, Any]:
    """Describe a data set for a model card.

    Parameters
    ----------
    eyes : EyeSet
        The data set.
    path : str
        Where it was read from.

    Returns
    -------
    dict
        ``path``, numbers of ``images``, ``open``, ``closed``, ``unlabelled`` and ``groups``, and ``sha256``, the
        `fingerprint`.
    """
    return {
        "path": path,
        "images": len(eyes),
        "open": int((eyes.labels == 1).sum()),
        "closed": int((eyes.labels == 0).sum()),
        "unlabelled": int((eyes.labels == UNLABELLED).sum()),
        "groups": len(np.unique(eyes.groups)),
        "sha256": fingerprint(eyes),
    }
