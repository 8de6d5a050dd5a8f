"""Which of the given labels are most likely wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from ..semisupervised import DOUBTFUL, learn_labels

__all__ = ["ALIKE", "Audit", "Witness", "audit_labels", "second_witness"]

# Correlation of two images from which they count as the same shot.
ALIKE = 0.98
# How often two eyes of one face are both open or both closed; the rest are winks and one eye hidden.
_TOGETHER = 0.95
_BLOCK = 2048
_WORDS = ("closed", "open")


@dataclass(frozen=True, eq=False)
class Witness:
    """Who says what of every image without having seen its label.

    Parameters
    ----------
    name : str
        What it learnt from, for the reasons.
    scores : float64 array of shape (n,)
        Probability of open.
    """

    name: str
    scores: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Audit:
    """How much each given label is to be doubted, and why.

    Parameters
    ----------
    doubts : float64 array of shape (n,)
        Probability that the label is wrong; nan where none is given.
    partners : int array of shape (n,)
        The image that makes a label doubtful, nearly the same one or the other eye; -1 where there is none.
    same : bool array of shape (n,)
        Whether the partner is nearly the same image.
    reasons : tuple of str
        One line for each image; empty where no label is given.
    """

    doubts: NDArray[np.float64]
    partners: NDArray[np.intp]
    same: NDArray[np.bool_]
    reasons: tuple[str, ...]

    def ranked(self, limit: int | None = None) -> NDArray[np.intp]:
        """Return the labels to look at, the most doubtful first.

        Parameters
        ----------
        limit : int, optional
            How many, at most.

        Returns
        -------
        int array
            Positions of images with a label.
        """
        order = np.argsort(-np.nan_to_num(self.doubts, nan=-1.0), kind="stable")
        return order[np.isfinite(self.doubts[order])][:limit]


def second_witness(
    images: NDArray[np.uint8], groups: NDArray[np.str_], *, random_state: int = 0
) -> tuple[Witness | None, str]:
    """Ask the images themselves, without any label.

    Wrong labels teach the machines that judge them; what `classic_eyes.semisupervised.learn_labels` finds without a label
    cannot repeat a mistake of the labeller.

    Parameters
    ----------
    images : uint8 array of shape (n, h, w)
        Grey images.
    groups : array of shape (n,)
        Person or face of each image.
    random_state : int, default 0
        Seed of all that is random.

    Returns
    -------
    tuple of (Witness or None, str)
        None where it is not to be trusted; a sentence that says how far it is.
    """
    try:
        history = learn_labels(images, None, groups, random_state=random_state)
    except DataError as error:
        return None, f"no second witness: {error}"
    told = f"trust {history.trust:.2f}, {DOUBTFUL:g} is needed"
    if history.trust < DOUBTFUL:
        return None, f"no second witness: without labels the images part too uncertainly ({told})"
    return Witness(
        "by the images without labels", history.scores
    ), f"second witness: the images without labels ({told})"


def audit_labels(
    images: NDArray[np.uint8],
    labels: NDArray[np.int8],
    groups: NDArray[np.str_],
    names: tuple[str, ...],
    witnesses: tuple[Witness, ...],
) -> Audit:
    """Say how much each given label is to be doubted.

    1. Its doubt is the mean, over the witnesses, of the probability that they give to the other label.
    2. Of two images that are nearly the same (correlation of .98 and more) and have different labels, exactly one is
       wrong: with doubts ``a`` and ``b``, the first has ``a (1 - b) / (a (1 - b) + b (1 - a))``.
    3. Of two eyes of one face (a group of two images) with different labels the same holds in 95 of 100 cases, the
       rest being winks.

    Parameters
    ----------
    images : uint8 array of shape (n, h, w)
        Grey images.
    labels : int8 array of shape (n,)
        1 open, 0 closed, -1 not given.
    groups : array of shape (n,)
        Person or face of each image.
    names : tuple of str
        Of the images, for the reasons.
    witnesses : tuple of Witness
        At least one.

    Returns
    -------
    Audit
        Doubts and reasons.

    References
    ----------
    Northcutt, Jiang and Chuang, "Confident learning: estimating uncertainty in dataset labels", Journal of Artificial
    Intelligence Research 70, 2021, doi:10.1613/jair.1.12125: ranking by what was left out of the training is theirs
    too; the second witness is not.

    Examples
    --------
    >>> images = np.random.default_rng(0).integers(0, 256, (3, 24, 24), dtype=np.uint8)
    >>> audit = audit_labels(images, np.array([1, 0, -1], np.int8), np.array(["a", "b", "c"]), ("a", "b", "c"),
    ...                      (Witness("by the other labels", np.array([0.2, 0.1, 0.5])),))
    >>> audit.ranked().tolist(), audit.reasons[0]
    ([0, 1], 'labelled open, but closed with .80 by the other labels')
    """
    given = labels >= 0
    said = np.array([np.where(labels == 1, 1 - witness.scores, witness.scores) for witness in witnesses])
    doubts = np.where(given, said.mean(axis=0), np.nan)
    partners = np.full(len(labels), -1, dtype=np.intp)
    same = np.zeros(len(labels), dtype=bool)
    own = doubts.copy()
    alike = _alike(images, labels)
    for one, other, sure in [
        *((*pair, 1.0) for pair in alike),
        *((*pair, _TOGETHER) for pair in _faces(labels, groups)),
    ]:
        for k, partner in ((one, other), (other, one)):
            # Of several partners the one that speaks most against the label.
            raised = sure * _the_wrong_one(own[k], own[partner]) + (1 - sure) * own[k]
            if partners[k] < 0 or raised > doubts[k]:
                doubts[k], partners[k], same[k] = raised, partner, sure == 1
    reasons = tuple(
        _reason(k, labels, said, witnesses, names, int(partners[k]), bool(same[k])) if given[k] else ""
        for k in range(len(labels))
    )
    return Audit(doubts, partners, same, reasons)


def _the_wrong_one(doubt: float, other: float) -> float:
    """Return the probability that it is this one of two, if exactly one is wrong."""
    mine, theirs = doubt * (1 - other), other * (1 - doubt)
    return 0.5 if mine + theirs == 0 else mine / (mine + theirs)


def _alike(images: NDArray[np.uint8], labels: NDArray[np.int8]) -> list[tuple[int, int]]:
    """Return the pairs of nearly the same image with different labels."""
    rows = images.reshape(len(images), -1).astype(np.float32)
    rows -= rows.mean(axis=1, keepdims=True)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    rows /= np.where(length == 0, 1, length)
    opened, closed = np.flatnonzero(labels == 1), np.flatnonzero(labels == 0)
    pairs = []
    for start in range(0, len(opened), _BLOCK):
        part = opened[start : start + _BLOCK]
        first, second = np.nonzero(rows[part] @ rows[closed].T >= ALIKE)
        pairs += [(int(part[i]), int(closed[j])) for i, j in zip(first, second, strict=True)]
    return pairs


def _faces(labels: NDArray[np.int8], groups: NDArray[np.str_]) -> list[tuple[int, int]]:
    """Return the pairs of eyes of one face with different labels."""
    _, numbers, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = np.argsort(numbers, kind="stable")
    twos = order[sizes[numbers[order]] == 2].reshape(-1, 2)
    told = np.sort(labels[twos], axis=1) if len(twos) else np.empty((0, 2))
    return [(int(one), int(other)) for one, other in twos[(told == [0, 1]).all(axis=1)]]


def _reason(
    k: int,
    labels: NDArray[np.int8],
    said: NDArray[np.float64],
    witnesses: tuple[Witness, ...],
    names: tuple[str, ...],
    partner: int,
    same: bool,
) -> str:
    other = _WORDS[1 - labels[k]]
    told = [
        f"{f'{against:.2f}'.removeprefix('0')} {witness.name}"
        for against, witness in zip(said[:, k], witnesses, strict=True)
    ]
    parts = [f"but {other} with {', '.join(told)}"]
    if partner >= 0:
        what = "nearly the same image as" if same else "the other eye of this face is"
        parts.append(f"{what} {names[partner]}, labelled {other}")
    return f"labelled {_WORDS[labels[k]]}, {'; '.join(parts)}"
