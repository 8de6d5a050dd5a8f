"""What is judged on: images, labels, who is on them, and who learns from what."""

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
    EyeSet,
    LoadedSet,
    concatenate,
    fingerprint,
    group_folds,
    load_labelled,
    mrl_fields,
    read_eyes,
)
from classic_eyes.errors import ParameterError
from classic_eyes.evaluation import agreed_by_all
from classic_eyes.synthetic import make_eyes

__all__ = [
    "MOST_PEOPLE",
    "Protocol",
    "Workload",
    "folder_workload",
    "parse_protocol",
    "image_files",
    "synthetic_workload",
    "slices_of",
    "trained_elsewhere_workload",
]

Fold = tuple[NDArray[np.intp], NDArray[np.intp]]

# More groups than this are faces or images, not people whom one could list, or leave out one at a time.
MOST_PEOPLE = 100

_WORDS: dict[str, tuple[str, ...]] = {
    "gender": ("male", "female"),
    "glasses": ("no", "yes"),
    "reflections": ("none", "small", "big"),
    "lighting": ("bad", "good"),
}
_SENSORS = {1: "RealSense", 2: "IDS", 3: "Aptina"}


@dataclass(frozen=True)
class Protocol:
    """Who learns from what.

    Parameters
    ----------
    kind : str
        ``cv``, ``leave-people-out`` or ``train``.
    train, test : str, default ""
        The two folders of ``train``.
    """

    kind: str
    train: str = ""
    test: str = ""


def parse_protocol(text: str) -> Protocol:
    """Read a protocol as it is written on the command line.

    Parameters
    ----------
    text : str
        ``cv``, ``leave-people-out`` or ``train:PATH,test:PATH``.

    Returns
    -------
    Protocol
        The same, in parts.

    Raises
    ------
    ParameterError
        For anything else.

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
    """A data set and a protocol, ready to be run.

    Parameters
    ----------
    name : str
        Shown.
    protocol : str
        In words.
    images : uint8 array of shape (m, size, size)
        All that are learnt from or judged.
    labels : int8 array of shape (m,)
        1 open, 0 closed.
    groups : array of shape (m,)
        Person or face of each.
    folds : list of (train, test)
        Positions; every judged image is in one test part.
    judged : int array of shape (n,)
        Positions of the images that are judged, in the order of the results.
    files : tuple of str, length n
        Names of the judged images.
    paths : tuple of str, length n
        Paths that open them; empty for synthetic eyes.
    sha256 : str
        Fingerprint of all images with their labels and groups.
    seen_as : tuple of str, default ()
        Fingerprints by which a model's card may know the judged images.
    slices : dict, optional
        Name of a property to its value for each judged image.
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
    judged: NDArray[np.intp]
    files: tuple[str, ...]
    paths: tuple[str, ...]
    sha256: str
    seen_as: tuple[str, ...] = ()
    slices: dict[str, list[str]] = field(default_factory=dict)
    agreed: NDArray[np.bool_] | None = None
    failed: tuple[tuple[str, str], ...] = ()

    @property
    def synthetic(self) -> bool:
        """Whether the eyes are drawn, not photographed.

        Returns
        -------
        bool
            True where there are no files.
        """
        return not self.paths

    @property
    def of_people(self) -> bool:
        """Whether the judged images' groups are few enough, and large enough, to be people.

        Returns
        -------
        bool
            True for at most `MOST_PEOPLE` groups, fewer than images.
        """
        n_groups = len(np.unique(self.groups[self.judged]))
        return n_groups <= MOST_PEOPLE and n_groups < len(self.judged)

    def described(self) -> dict[str, Any]:
        """Return what the results tell about the data.

        Returns
        -------
        dict
            Plain data; no images.
        """
        labels, groups = self.labels[self.judged], self.groups[self.judged]
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
    """Return what MRL file names tell about the images.

    Parameters
    ----------
    names : sequence of str
        File names.

    Returns
    -------
    dict
        Property to a word for each image; empty unless every name is an MRL name.

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
    """Keep the first, the every-th and so on of each group larger than that, by name; say so if any was."""
    names, group_of, sizes = np.unique(eyes.groups, return_inverse=True, return_counts=True)
    if every == 1 or sizes.max() <= every:
        return eyes, ""
    seen = np.zeros(len(names), dtype=np.intp)
    kept = []
    for row, group in enumerate(group_of):
        if sizes[group] <= every or seen[group] % every == 0:
            kept.append(row)
        seen[group] += 1
    said = f", {eyes.source} thinned to one image in {every} of each group of more than {every}"
    return eyes.take(kept), said


def _cut(kind: str, labels: NDArray[np.int8], groups: NDArray[Any], folds: int, seed: int) -> list[Fold]:
    if kind == "cv":
        return group_folds(labels, groups, folds, random_state=seed)
    people = np.unique(groups)
    if not 2 <= len(people) <= MOST_PEOPLE or len(people) == len(labels):
        raise ParameterError(
            f"protocol 'leave-people-out' needs 2 to {MOST_PEOPLE} people with several images each, and there are "
            f"{len(people)} groups of {len(labels)} images; take cv, which leaves out many groups at a time"
        )
    return [(np.flatnonzero(groups != person), np.flatnonzero(groups == person)) for person in people]


def _in_words(kind: str, folds: int) -> str:
    return f"{folds}-fold cross-validation by group" if kind == "cv" else f"each of {folds} people left out in turn"


def synthetic_workload(n: int, *, kind: str = "cv", folds: int = 5, random_state: int = 0) -> Workload:
    """Return synthetic eyes to judge on, each its own group.

    Parameters
    ----------
    n : int
        How many.
    kind : str, default ``"cv"``
        Protocol; ``leave-people-out`` is refused, for there are no people.
    folds : int, default 5
        Folds.
    random_state : int, default 0
        Seed of the eyes and the folds.

    Returns
    -------
    Workload
        Ready to run.

    Raises
    ------
    ParameterError
        For a protocol or folds that are not possible.

    Examples
    --------
    >>> synthetic_workload(40, folds=2).protocol
    '2-fold cross-validation by group'
    """
    eyes = make_eyes(n, random_state=random_state)
    names = tuple(f"synthetic_{number:05}" for number in range(n))
    groups = np.array(names)
    digest = hashlib.sha256(eyes.images.tobytes() + eyes.labels.tobytes()).hexdigest()
    cut = _cut(kind, eyes.labels, groups, folds, random_state)
    said = _in_words(kind, len(cut))
    return Workload("synthetic eyes", said, eyes.images, eyes.labels, groups, cut, np.arange(n), names, (), digest)


def _read(path: str, labels: str | None, every: int) -> tuple[LoadedSet, str]:
    eyes, said = _thinned(read_eyes(path, labels=labels), every)
    return load_labelled(eyes), said


def _seen_as(path: str, labels: str | None, judged: EyeSet, failed: Sequence[Any]) -> tuple[str, ...]:
    """Return the fingerprints of what is judged and of all that lies there, of which it may be a part."""
    whole = read_eyes(path, labels=labels)
    own = fingerprint(judged)
    if len(whole) == len(judged) or failed:
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
    random_state: int = 0,
) -> Workload:
    """Return a labelled folder to judge on.

    Parameters
    ----------
    path : str
        As `classic_eyes.datasets.read_eyes` takes it.
    labels : str, optional
        A label file.
    kind : str, default ``"cv"``
        ``cv`` or ``leave-people-out``.
    folds : int, default 5
        Folds of ``cv``.
    every : int, default 1
        Keep only every N-th image of each group that has more than N.
    votes : dict, optional
        Raters' labels, as `classic_eyes.datasets.read_votes` gives them.
    random_state : int, default 0
        Seed of the folds.

    Returns
    -------
    Workload
        Ready to run.

    Raises
    ------
    DataError
        For a folder that cannot be used.
    ParameterError
        For a protocol or folds that are not possible.
    """
    data, thinned = _read(path, labels, every)
    eyes = data.eyes
    cut = _cut(kind, eyes.labels, eyes.groups, folds, random_state)
    seen_as = _seen_as(path, labels, eyes, data.failed)
    work = Workload(
        name=eyes.source,
        protocol=_in_words(kind, len(cut)) + thinned,
        images=data.images,
        labels=eyes.labels,
        groups=eyes.groups,
        folds=cut,
        judged=np.arange(len(eyes)),
        files=tuple(eyes.names),
        paths=tuple(eyes.paths),
        sha256=seen_as[0],
        seen_as=seen_as,
        slices=slices_of(eyes.names),
        failed=data.failed,
    )
    return _with_votes(work, eyes, votes)


def _with_votes(work: Workload, eyes: EyeSet, votes: dict[str, list[int]] | None) -> Workload:
    if votes is None:
        return work
    agreed = agreed_by_all(eyes, votes)
    # Raters of other images say nothing about these.
    if not agreed.any():
        return work
    words = np.where(agreed, "all agree", "not all").tolist()
    return replace(work, agreed=agreed, slices={**work.slices, "raters": words})


def trained_elsewhere_workload(
    train: str, test: str, *, every: int = 1, votes: dict[str, list[int]] | None = None
) -> Workload:
    """Return two labelled folders, one to learn from and one to judge on.

    Parameters
    ----------
    train : str
        Folder to learn from.
    test : str
        Folder to judge on.
    every : int, default 1
        Keep only every N-th image of each group that has more than N, in both folders.
    votes : dict, optional
        Raters' labels of the judged images.

    Returns
    -------
    Workload
        Ready to run.

    Raises
    ------
    DataError
        For a folder that cannot be used, or a file that is in both.
    """
    from_, learnt_thinned = _read(train, None, every)
    to, asked_thinned = _read(test, None, every)
    learnt, asked = from_.eyes, to.eyes
    both = concatenate([learnt, asked])
    judged = np.arange(len(learnt), len(both))
    seen_as = _seen_as(test, None, asked, to.failed)
    pair = "\n".join((fingerprint(learnt), seen_as[0]))
    work = Workload(
        name=f"{learnt.source} to {asked.source}",
        protocol=f"trained on {learnt.source}, judged on {asked.source}" + learnt_thinned + asked_thinned,
        images=np.concatenate([from_.images, to.images]),
        labels=both.labels,
        # Nobody is both learnt from and judged here, so people keep the names that their data set gives them.
        groups=np.concatenate([learnt.groups, asked.groups]),
        folds=[(np.arange(len(learnt)), judged)],
        judged=judged,
        files=tuple(asked.names),
        paths=tuple(asked.paths),
        sha256=hashlib.sha256(pair.encode()).hexdigest(),
        seen_as=seen_as,
        slices=slices_of(asked.names),
        failed=from_.failed + to.failed,
    )
    return _with_votes(work, asked, votes)


@contextmanager
def image_files(work: Workload, most: int) -> Iterator[tuple[str, ...]]:
    """Give files of judged images to time with: the data's own, or PNGs written for the while.

    Parameters
    ----------
    work : Workload
        Whose images.
    most : int
        At most so many, spread evenly over all.

    Yields
    ------
    tuple of str
        Paths.
    """
    chosen = np.unique(np.linspace(0, len(work.judged) - 1, min(most, len(work.judged))).astype(int))
    if work.paths:
        yield tuple(work.paths[row] for row in chosen)
        return
    with TemporaryDirectory(prefix="classic_eyes_") as folder:
        paths = [str(Path(folder) / f"{work.files[row]}.png") for row in chosen]
        for path, row in zip(paths, chosen, strict=True):
            cv2.imwrite(path, work.images[work.judged[row]])
        yield tuple(paths)
