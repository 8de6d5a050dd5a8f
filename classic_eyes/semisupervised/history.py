"""How missing labels were found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..datasets import UNLABELLED
from .consensus import Consensus
from .priors import ClusterOrientation, PriorScores
from .selftraining import Round

__all__ = ["GOOD_CONFIDENCE", "MIN_CONFIDENCE", "History"]

# `find_labels` raises an error below the first and warns below the second; measured in docs/guides/no-labels.md.
MIN_CONFIDENCE = 0.55
GOOD_CONFIDENCE = 0.6


@dataclass(frozen=True, eq=False)
class History:
    """How missing labels were found.

    Parameters
    ----------
    labels : int8 array of shape (n,)
        1 open, 0 closed, -1 uncertain.
    scores : float64 array of shape (n,)
        Out-of-fold probability of open.
    given : int8 array of shape (n,)
        Labels that the user gave; -1 where none.
    confidence : float
        Confidence of the consensus, 0 to 1: agreement between views, and with the prior of synthetic eyes. See
        `find_consensus`.
    consensus : Consensus
        Votes of the views, and all initializations.
    orientation : ClusterOrientation
        Which cluster is open, and the evidence for it.
    priors : PriorScores
        Scores that need no labels.
    rounds : tuple of Round
        Rounds of self-training.
    stop_reason : str
        Why self-training stopped.
    warnings : tuple of str
        Problems to look at before using the labels.
    """

    labels: NDArray[np.int8]
    scores: NDArray[np.float64]
    given: NDArray[np.int8]
    confidence: float
    consensus: Consensus
    orientation: ClusterOrientation
    priors: PriorScores
    rounds: tuple[Round, ...]
    stop_reason: str
    warnings: tuple[str, ...]

    def most_uncertain(self, limit: int | None = None) -> NDArray[np.intp]:
        """Return the images that are best labelled next, the most uncertain first.

        Images without a given label are sorted by the distance of their score from 0.5. Ties are broken by the
        standard deviation of the views' votes.

        Parameters
        ----------
        limit : int, optional
            Maximum number of images.

        Returns
        -------
        int array
            Positions of the images.
        """
        disagreement = self.consensus.votes.std(axis=0)
        order = np.lexsort((-disagreement, np.abs(self.scores - 0.5)))
        return order[self.given[order] < 0][:limit]

    def contradicted(self) -> NDArray[np.intp]:
        """Return the images whose given label all views contradict; their labels are not changed.

        Returns
        -------
        int array
            Positions of the images.
        """
        votes = self.consensus.unanimous
        return np.flatnonzero((self.given >= 0) & (votes >= 0) & (votes != self.given))

    @property
    def is_out_of_fold(self) -> bool:
        """Whether the scores are out of fold: not where no round of self-training was kept."""
        return any(np.array_equal(self.scores, each.scores) for each in self.rounds)

    def origins(self) -> list[str]:
        """Return where the label of each image comes from.

        Returns
        -------
        list of str
            ``given``, ``clustering``, or ``round 2`` for the last round of self-training that set it; empty where the
            label is uncertain.
        """
        origins = np.full(len(self.labels), "clustering", dtype=object)
        for number, each in enumerate(self.rounds, start=1):
            if each is self.rounds[-1] and not np.array_equal(each.labels, self.labels):
                continue  # it was undone
            for change in ("added", "flipped"):
                origins[each.positions(change)] = f"round {number}"
        origins[self.labels == UNLABELLED] = ""
        origins[self.given != UNLABELLED] = "given"
        return [str(each) for each in origins]

    def summary(self) -> str:
        """Return a summary of a few lines.

        Returns
        -------
        str
            Agreement, orientation, rounds, labels and confidence.
        """
        unanimous = self.consensus.unanimous
        evidence = ", ".join(f"{name} {area:.2f}" for name, area in self.orientation.evidence.items())
        lines = [
            f"views {', '.join(self.consensus.views)} agree on {np.mean(unanimous >= 0):.0%} of {len(self.labels)} "
            f"images (mean kappa {self.consensus.best.agreement:.2f})",
            f"orientation of the clusters: confidence {self.orientation.confidence:.2f} ({evidence})",
        ]
        for number, each in enumerate(self.rounds, start=1):
            counts = [f"{len(each.positions(name))} {name}" for name in ("added", "flipped", "removed", "unlabelled")]
            lines.append(f"round {number}: trained on {np.sum(each.trained_on >= 0)} labels; {', '.join(counts)}")
        lines.append(f"self-training stopped: {self.stop_reason}")
        n_given = np.sum(self.given >= 0)
        if n_given:
            lines.append(f"given labels: {n_given}; all views disagree with {len(self.contradicted())}")
        lines.append(
            f"labels: {np.sum(self.labels == 1)} open, {np.sum(self.labels == 0)} closed, {np.sum(self.labels < 0)} "
            f"uncertain; confidence {self.confidence:.2f} (good from {GOOD_CONFIDENCE:g}, refused below "
            f"{MIN_CONFIDENCE:g})"
        )
        return "\n".join(lines)

    def to_dict(self, files: Sequence[str]) -> dict[str, Any]:
        """Return the history as plain data, for reports and model cards.

        Parameters
        ----------
        files : sequence of str, length n
            Names of the images.

        Returns
        -------
        dict
            Numbers, strings and lists; it can be written as JSON.
        """
        return {
            "files": list(files),
            "labels": self.labels.tolist(),
            "scores": np.round(self.scores, 4).tolist(),
            "given": self.given.tolist(),
            "confidence": self.confidence,
            "good_confidence": GOOD_CONFIDENCE,
            "min_confidence": MIN_CONFIDENCE,
            "views": list(self.consensus.views),
            "consensus": self.consensus.unanimous.tolist(),
            "unanimous": float((self.consensus.unanimous >= 0).mean()),
            "orientation_confidence": self.orientation.confidence,
            "evidence": dict(self.orientation.evidence),
            "initializations": [
                {**asdict(each), "open_shares": list(each.open_shares), "kept": each is self.consensus.best}
                for each in self.consensus.tried
            ],
            "rounds": [
                {
                    "trained_on": int((each.trained_on >= 0).sum()),
                    "added": _changed_labels(each, "added"),
                    "flipped": _changed_labels(each, "flipped"),
                    "removed": len(each.positions("removed")),
                    "unlabelled": len(each.positions("unlabelled")),
                    "agreement": each.agreement,
                    "prior_auc": each.prior_auc,
                }
                for each in self.rounds
            ],
            "contradicted": self.contradicted().tolist(),
            "most_uncertain": self.most_uncertain().tolist(),
            "stop_reason": self.stop_reason,
            "warnings": list(self.warnings),
        }


def _changed_labels(each: Round, change: str) -> dict[str, int]:
    return {str(k): int(each.labels[k]) for k in each.positions(change)}
