"""What the audit is worth, where somebody else has looked again: the only place here that knows better."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classic_eyes.labeling.audit import Audit, Witness

__all__ = ["Judged", "contradicted_by_most", "evaluate_audit"]

FIRST = (50, 100, 200)


@dataclass(frozen=True)
class Judged:
    """How many of the first labels that a rule names are wrong by the judges.

    Parameters
    ----------
    rule : str
        What ranks.
    found : tuple of int
        Wrong ones among the first 50, 100 and 200.
    """

    rule: str
    found: tuple[int, ...]


def contradicted_by_most(labels: NDArray[np.int8], votes: list[list[int]]) -> NDArray[np.bool_]:
    """Say which labels more than half of the raters contradict.

    Parameters
    ----------
    labels : int8 array of shape (n,)
        1 open, 0 closed, -1 not given.
    votes : list of list of int
        For each image the raters' labels, without those who left it out.

    Returns
    -------
    bool array of shape (n,)
        False where no label is given, and where nobody rated.

    Examples
    --------
    >>> contradicted_by_most(np.array([1, 1], np.int8), [[0, 0, 1], [0, 1]]).tolist()
    [True, False]
    """
    against = [2 * sum(vote != label for vote in each) > len(each) for label, each in zip(labels, votes, strict=True)]
    return np.array(against, dtype=bool) & (labels >= 0)


def evaluate_audit(
    audit: Audit, witnesses: tuple[Witness, ...], labels: NDArray[np.int8], wrong: NDArray[np.bool_]
) -> list[Judged]:
    """Compare the audit with the plain rule, and with cleanlab's where it is installed.

    Parameters
    ----------
    audit : Audit
        What is judged.
    witnesses : tuple of Witness
        Its witnesses; the first is what was left out of the training by group, with which the plain rule ranks.
    labels : int8 array of shape (n,)
        1 open, 0 closed, -1 not given.
    wrong : bool array of shape (n,)
        What is wrong by the judges.

    Returns
    -------
    list of Judged
        One for each rule.
    """
    known = np.flatnonzero(labels >= 0)
    scores = witnesses[0].scores[known]
    right = np.where(labels[known] == 1, scores, 1 - scores)
    ranked = {"this audit": audit.ranked(), "left out of the training alone": known[np.argsort(right, kind="stable")]}
    if len(witnesses) > 1:
        second = witnesses[1].scores[known]
        against = np.where(labels[known] == 1, 1 - second, second)
        ranked["the images without labels alone"] = known[np.argsort(-against, kind="stable")]
    for name, quality in _by_cleanlab(labels[known], scores).items():
        ranked[name] = known[np.argsort(quality, kind="stable")]
    return [Judged(rule, tuple(int(wrong[order[:n]].sum()) for n in FIRST)) for rule, order in ranked.items()]


def _by_cleanlab(labels: NDArray[np.int8], scores: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    try:
        from cleanlab.rank import get_label_quality_scores
    except ImportError:
        return {}
    both = np.column_stack([1 - scores, scores])
    return {
        f"cleanlab, {method}{', adjusted' if adjusted else ''}": get_label_quality_scores(
            labels.astype(int), both, method=method, adjust_pred_probs=adjusted
        )
        for method, adjusted in (("self_confidence", False), ("self_confidence", True), ("normalized_margin", True))
    }
