"""Data sets with a protocol: images, labels, groups and folds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from classic_eyes.datasets import (
    UNLABELLED,
    EyeSet,
    LoadedSet,
    concatenate,
    fingerprint,
    group_folds,
    load_labelled,
    mrl_fields,
    read_eyes,
)
from classic_eyes.errors import DataError, ParameterError
from classic_eyes.evaluation import Measurable, agreed_by_all, find_measurable
from classic_eyes.images import SIZE
from classic_eyes.synthetic import make_eyes

__all__ = [
    "MAX_PEOPLE",
    "Protocol",
    "Workload",
    "folder_workload",
    "image_files",
    "parse_protocol",
    "slices_of",
    "synthetic_workload",
    "train_test_workload",
]

Fold = tuple[NDArray[np.intp], NDArray[np.intp]]

# More groups than this are faces or images, not people to list or to leave out one at a time.
MAX_PEOPLE = 100

_WORDS: dict[str, tuple[str, ...]] = {
    "gender": ("male", "female"),
    "glasses": ("no", "yes"),
    "reflections": ("none", "small", "big"),
    "lighting": ("bad", "good"),
}
_SENSORS = {1: "RealSense", 2: "IDS", 3: "Aptina"}


@dataclass(frozen=True)
class Protocol:
    """Which images are trained on and evaluated: ``cv``, ``leave-people-out`` or ``train`` with two folders."""

    kind: str
    train: str = ""
    test: str = ""


def parse_protocol(text: str) -> Protocol:
    """Parse ``cv``, ``leave-people-out`` or ``train:PATH,test:PATH``.

    Examples
    --------
    >>> parse_protocol("train:eyes24,test:mrl")
    Protocol(kind='train', train='eyes24', test='mrl')
    """
    if text in ("cv", "leave-people-out"):
        return Protocol(text)
    train, found, test = text.removeprefix("train:").partition(",test:")
    if not (text.startswith("train:") and found and train and test):
        raise ParameterError(f"protocol {text!r} is not known; known are cv, leave-people-out and train:PATH,test:PATH")
    return Protocol("train", train, test)


@dataclass(frozen=True, eq=False)
class Workload:
    """A data set and a protocol.

    Parameters
    ----------
    name, protocol : str
        Shown in tables.
    images : uint8 array of shape (m, size, size)
        All images that are trained on or evaluated.
    labels : int8 array of shape (m,)
        1 open, 0 closed.
    groups : array of shape (m,)
        Person or face of each image.
    folds : list of (train, test)
        Positions; every evaluated image is in one test part.
    evaluated : int array of shape (n,)
        Positions of the evaluated images, in the order of the results.
    files, paths : tuple of str, length n
        Names and paths of the evaluated images; no paths for synthetic eyes.
    sha256 : str
        Fingerprint of all images with their labels and groups.
    fingerprints : tuple of str, default ()
        Fingerprints of the evaluated images, and of the whole set they are taken from, as in model cards.
    slices : dict, optional
        Name of a property to its value for each evaluated image.
    agreed : bool array of shape (n,), optional
        Where all raters agree with the label.
    failed : tuple of (name, reason), default ()
        Files that could not be read.
    """

    name: str
    protocol: str
    images: NDArray[np.uint8]
    labels: NDArray[np.int8]
    groups: NDArray[Any]
    folds: list[Fold]
    evaluated: NDArray[np.intp]
    files: tuple[str, ...]
    paths: tuple[str, ...]
    sha256: str
    fingerprints: tuple[str, ...] = ()
    slices: dict[str, list[str]] = field(default_factory=dict)
    agreed: NDArray[np.bool_] | None = None
    failed: tuple[tuple[str, str], ...] = ()

    @property
    def synthetic(self) -> bool:
        """Whether the eyes are synthetic, without files."""
        return not self.paths

    @property
    def of_people(self) -> bool:
        """Whether the groups of the evaluated images are few and large enough to be people."""
        n_groups = len(np.unique(self.groups[self.evaluated]))
        return n_groups <= MAX_PEOPLE and n_groups < len(self.evaluated)

    def described(self) -> dict[str, Any]:
        """Return the description of the data in the results: plain data, no images."""
        labels, groups = self.labels[self.evaluated], self.groups[self.evaluated]
        return {
            "name": self.name,
            "protocol": self.protocol,
            "n": len(labels),
            "n_groups": len(np.unique(groups)),
            "open": int((labels == 1).sum()),
            "closed": int((labels == 0).sum()),
            "sha256": self.sha256,
            "synthetic": self.synthetic,
            "labels": labels.tolist(),
            "groups": [str(group) for group in groups],
            "files": list(self.files),
            "slices": self.slices,
        }


def slices_of(names: Sequence[str]) -> dict[str, list[str]]:
    """Return the properties in MRL file names; empty unless every name is one.

    Examples
    --------
    >>> slices_of(["s0002_00001_0_1_1_2_0_03.png"])["reflections"]
    ['big']
    >>> slices_of(["000000.jpg"])
    {}
    """
    fields = [known for known in map(mrl_fields, names) if known]
    if len(fields) < len(names):
        return {}
    slices = {key: [words[int(each[key])] for each in fields] for key, words in _WORDS.items()}
    sensors = [int(each["sensor"]) for each in fields]
    return {**slices, "sensor": [_SENSORS.get(sensor, f"{sensor:02}") for sensor in sensors]}


def _thinned(eyes: EyeSet, every: int) -> tuple[EyeSet, str]:
    """Keep one image in `every` of each group larger than that; also return a note for the protocol."""
    names, group_of, sizes = np.unique(eyes.groups, return_inverse=True, return_counts=True)
    if every == 1 or sizes.max() <= every:
        return eyes, ""
    seen = np.zeros(len(names), dtype=np.intp)
    kept = []
    for row, group in enumerate(group_of):
        if sizes[group] <= every or seen[group] % every == 0:
            kept.append(row)
        seen[group] += 1
    note = f", {eyes.source} thinned to one image in {every} of each group of more than {every}"
    return eyes.take(kept), note


def _folds(kind: str, labels: NDArray[np.int8], groups: NDArray[Any], folds: int, seed: int) -> list[Fold]:
    if kind == "cv":
        return group_folds(labels, groups, folds, random_state=seed)
    people = np.unique(groups)
    if not 2 <= len(people) <= MAX_PEOPLE or len(people) == len(labels):
        raise ParameterError(
            f"protocol 'leave-people-out' needs 2 to {MAX_PEOPLE} people with several images each, and there are "
            f"{len(people)} groups of {len(labels)} images; use cv, which holds out many groups at a time"
        )
    return [(np.flatnonzero(groups != person), np.flatnonzero(groups == person)) for person in people]


def _describe(kind: str, folds: int) -> str:
    return f"{folds}-fold cross-validation by group" if kind == "cv" else f"leave-one-person-out over {folds} people"


def synthetic_workload(n: int, *, kind: str = "cv", folds: int = 5, random_state: int = 0) -> Workload:
    """Return `n` synthetic eyes as a data set, each its own group.

    Examples
    --------
    >>> synthetic_workload(40, folds=2).protocol
    '2-fold cross-validation by group'
    """
    eyes = make_eyes(n, random_state=random_state)
    names = tuple(f"synthetic_{number:05}" for number in range(n))
    groups = np.array(names)
    digest = hashlib.sha256(eyes.images.tobytes() + eyes.labels.tobytes()).hexdigest()
    splits = _folds(kind, eyes.labels, groups, folds, random_state)
    protocol = _describe(kind, len(splits))
    return Workload(
        "synthetic eyes", protocol, eyes.images, eyes.labels, groups, splits, np.arange(n), names, (), digest
    )


def _read(
    path: str, labels: str | None, every: int, size: int, labelled_only: bool, *, evaluated: bool = True
) -> tuple[LoadedSet, str]:
    eyes, note = read_eyes(path, labels=labels), ""
    if labelled_only:
        eyes, note = _labelled(eyes, evaluated)
    if (eyes.labels == UNLABELLED).any():
        raise DataError(
            f"{int((eyes.labels == UNLABELLED).sum()):,} of {len(eyes):,} images of {eyes.source!r} have no label; "
            "leave them out with --labelled-only (labelled_only=True), or label them"
        )
    eyes, thinned = _thinned(eyes, every)
    return load_labelled(eyes, size=size), note + thinned


def _labelled(eyes: EyeSet, evaluated: bool) -> tuple[EyeSet, str]:
    """Leave out images without a label and, of those evaluated, labels that are no measure; return a note too."""
    measurable = find_measurable(eyes) if evaluated else Measurable(eyes.labels != UNLABELLED)
    if measurable.why_not or not measurable.rows.any():
        raise DataError(measurable.why_not or f"{eyes.source!r}: none of {len(eyes):,} images has a label")
    kept = eyes.take(measurable.rows)
    how = "chosen at random for labelling" if measurable.note else "labelled"
    note = f", of {eyes.source} the {len(kept):,} of {len(eyes):,} images that are {how}"
    return kept, note if len(kept) < len(eyes) else ""


def _fingerprints(path: str, labels: str | None, evaluated: EyeSet, failed: Sequence[Any]) -> tuple[str, ...]:
    """Return the fingerprints of the evaluated images, and of the whole folder if they are a part of it."""
    whole = read_eyes(path, labels=labels)
    own = fingerprint(evaluated)
    if len(whole) == len(evaluated) or failed:
        return (own,)
    return own, fingerprint(whole)


def folder_workload(
    path: str,
    *,
    labels: str | None = None,
    kind: str = "cv",
    folds: int = 5,
    every: int = 1,
    votes: dict[str, list[int]] | None = None,
    size: int = SIZE,
    labelled_only: bool = False,
    random_state: int = 0,
) -> Workload:
    """Return a labelled folder as a data set.

    `kind` is ``cv`` or ``leave-people-out``. With `every`, only every N-th image is kept of each group with more than
    N. `votes` are raters' labels as `classic_eyes.datasets.read_votes` returns them. `size` is the side of the images.
    With `labelled_only`, images without a label are left out.
    """
    data, note = _read(path, labels, every, size, labelled_only)
    eyes = data.eyes
    splits = _folds(kind, eyes.labels, eyes.groups, folds, random_state)
    fingerprints = _fingerprints(path, labels, eyes, data.failed)
    work = Workload(
        name=eyes.source,
        protocol=_describe(kind, len(splits)) + note,
        images=data.images,
        labels=eyes.labels,
        groups=eyes.groups,
        folds=splits,
        evaluated=np.arange(len(eyes)),
        files=tuple(eyes.names),
        paths=tuple(eyes.paths),
        sha256=fingerprints[0],
        fingerprints=fingerprints,
        slices=slices_of(eyes.names),
        failed=data.failed,
    )
    return _with_votes(work, eyes, votes)


def _with_votes(work: Workload, eyes: EyeSet, votes: dict[str, list[int]] | None) -> Workload:
    if votes is None:
        return work
    agreed = agreed_by_all(eyes, votes)
    # The raters rated other images.
    if not agreed.any():
        return work
    words = np.where(agreed, "all agree", "not all").tolist()
    return replace(work, agreed=agreed, slices={**work.slices, "raters": words})


def train_test_workload(
    train: str,
    test: str,
    *,
    every: int = 1,
    votes: dict[str, list[int]] | None = None,
    size: int = SIZE,
    labelled_only: bool = False,
) -> Workload:
    """Return two labelled folders as a data set: one to train on, one to evaluate on; a file in both is an error."""
    train_data, train_note = _read(train, None, every, size, labelled_only, evaluated=False)
    test_data, test_note = _read(test, None, every, size, labelled_only)
    trained, tested = train_data.eyes, test_data.eyes
    both = concatenate([trained, tested])
    evaluated = np.arange(len(trained), len(both))
    fingerprints = _fingerprints(test, None, tested, test_data.failed)
    pair = "\n".join((fingerprint(trained), fingerprints[0]))
    work = Workload(
        name=f"{trained.source} to {tested.source}",
        protocol=f"trained on {trained.source}, evaluated on {tested.source}" + train_note + test_note,
        images=np.concatenate([train_data.images, test_data.images]),
        labels=both.labels,
        # No person is in both parts, so people keep the names of their data set.
        groups=np.concatenate([trained.groups, tested.groups]),
        folds=[(np.arange(len(trained)), evaluated)],
        evaluated=evaluated,
        files=tuple(tested.names),
        paths=tuple(tested.paths),
        sha256=hashlib.sha256(pair.encode()).hexdigest(),
        fingerprints=fingerprints,
        slices=slices_of(tested.names),
        failed=train_data.failed + test_data.failed,
    )
    return _with_votes(work, tested, votes)


@contextmanager
def image_files(work: Workload, most: int) -> Iterator[tuple[str, ...]]:
    """Yield paths of at most `most` evaluated images, spread evenly: the data's own files, or temporary PNGs."""
    chosen = np.unique(np.linspace(0, len(work.evaluated) - 1, min(most, len(work.evaluated))).astype(int))
    if work.paths:
        yield tuple(work.paths[row] for row in chosen)
        return
    with TemporaryDirectory(prefix="classic_eyes_") as folder:
        paths = [str(Path(folder) / f"{work.files[row]}.png") for row in chosen]
        for path, row in zip(paths, chosen, strict=True):
            cv2.imwrite(path, work.images[work.evaluated[row]])
        yield tuple(paths)
