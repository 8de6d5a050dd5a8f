"""Evaluate how well an audit finds wrong labels, by the votes of raters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classic_eyes.labeling.audit import Audit, Reviewer

__all__ = ["RuleScore", "contradicted_by_most", "evaluate_audit"]

FIRST = (50, 100, 200)


@dataclass(frozen=True)
class RuleScore:
    """A ranking rule, and the number of wrong labels among the first 50, 100 and 200 it ranks."""

    rule: str
    found: tuple[int, ...]


def contradicted_by_most(labels: NDArray[np.int8], votes: list[list[int]]) -> NDArray[np.bool_]:
    """Return which labels more than half of their raters contradict; False without a label or a rater.

    Examples
    --------
    >>> contradicted_by_most(np.array([1, 1], np.int8), [[0, 0, 1], [0, 1]]).tolist()
    [True, False]
    """
    against = [2 * sum(vote != label for vote in each) > len(each) for label, each in zip(labels, votes, strict=True)]
    return np.array(against, dtype=bool) & (labels >= 0)


def evaluate_audit(
    audit: Audit, reviewers: tuple[Reviewer, ...], labels: NDArray[np.int8], wrong: NDArray[np.bool_]
) -> list[RuleScore]:
    """Compare an audit with rankings by one reviewer, and by cleanlab if it is installed.

    The first reviewer holds out-of-fold predictions; `wrong` marks the labels that are wrong by the raters.
    """
    known = np.flatnonzero(labels >= 0)
    scores = reviewers[0].scores[known]
    right = np.where(labels[known] == 1, scores, 1 - scores)
    ranked = {"this audit": audit.ranked(), "out-of-fold predictions alone": known[np.argsort(right, kind="stable")]}
    if len(reviewers) > 1:
        second = reviewers[1].scores[known]
        against = np.where(labels[known] == 1, 1 - second, second)
        ranked["clusters without labels alone"] = known[np.argsort(-against, kind="stable")]
    for name, quality in _by_cleanlab(labels[known], scores).items():
        ranked[name] = known[np.argsort(quality, kind="stable")]
    return [RuleScore(rule, tuple(int(wrong[order[:n]].sum()) for n in FIRST)) for rule, order in ranked.items()]


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
