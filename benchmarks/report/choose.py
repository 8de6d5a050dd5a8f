"""The scenarios of a data set that a figure shows where it cannot show all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Entry = dict[str, Any]
MOST_CURVES = 5


@dataclass(frozen=True)
class Scored:
    """A scenario with the labels, scores and row numbers of the images that have a score."""

    number: int
    entry: Entry
    labels: NDArray[np.int8]
    scores: NDArray[np.float64]
    rows: NDArray[np.intp]

    @property
    def name(self) -> str:
        """Name of the scenario."""
        return str(self.entry["name"])

    @property
    def has_both_classes(self) -> bool:
        """Whether error rates of both kinds are defined."""
        return 0 < int(self.labels.sum()) < len(self.labels)


def metric_value(entry: Entry, metric: str) -> float | None:
    """Return a metric of a scenario; None where the scenario failed or the metric is not defined."""
    return ((entry.get("metrics") or {}).get(metric) or {}).get("value")


def finished(dataset: Entry) -> list[tuple[int, Entry]]:
    """Return the scenarios that did not fail, each with its number in the table."""
    return [(number, entry) for number, entry in enumerate(dataset["scenarios"], start=1) if not entry.get("error")]


def best(dataset: Entry) -> tuple[int, Entry] | None:
    """Return number and entry of the most accurate scenario; of equals the first.

    A scenario with a note (for example: trained on these images) is the best only if all have one.
    """
    known = [pair for pair in finished(dataset) if metric_value(pair[1], "accuracy") is not None]
    ranked = [pair for pair in known if not pair[1].get("note")]
    return max(ranked or known, key=_accuracy, default=None)


def _accuracy(pair: tuple[int, Entry]) -> float:
    return metric_value(pair[1], "accuracy") or 0.0


def scored(dataset: Entry, number: int, entry: Entry) -> Scored:
    """Join the scores of a scenario with the labels, without images that have no score."""
    labels = np.array(dataset.get("labels") or [], dtype=np.int8)
    scores = np.array([np.nan if s is None else s for s in entry.get("scores") or []], dtype=np.float64)
    if len(scores) != len(labels):
        scores = np.full(len(labels), np.nan)
    rows = np.flatnonzero(np.isfinite(scores))
    return Scored(number, entry, labels[rows], scores[rows], rows)


def curve_scenarios(dataset: Entry) -> list[Scored]:
    """Choose at most five scenarios for curves, the most accurate first.

    1. The best one; then the shipped model and the baseline.
    2. The best of each other kind, then the most accurate of the rest.
    """
    able = sorted((pair for pair in finished(dataset) if pair[1].get("scores")), key=lambda pair: -_accuracy(pair))
    order = ([pair for pair in able if not pair[1].get("note")] or able)[:1]
    for kind in ("shipped", "baseline", "together", "alone", "classifier"):
        order += [pair for pair in able if pair[1].get("kind") == kind][:1]
    kept = list(dict([*order, *able]).items())[:MOST_CURVES]
    shown = [scored(dataset, number, entry) for number, entry in sorted(kept, key=lambda pair: -_accuracy(pair))]
    return [one for one in shown if len(one.rows)]


def ablations(dataset: Entry) -> list[tuple[str, Scored, Scored]]:
    """Return (missing feature, scenario without it, scenario with all features) for each ablation."""
    able = [(number, entry) for number, entry in finished(dataset) if entry.get("scores")]
    complete = [pair for pair in able if pair[1].get("kind") == "together"]
    found = []
    for number, entry in able:
        if entry.get("kind") != "ablation":
            continue
        for other, full in complete:
            missing = [name for name in full["features"] if name not in entry["features"]]
            same = entry.get("classifier") == full.get("classifier")
            if same and len(missing) == 1 and len(full["features"]) == len(entry["features"]) + 1:
                found.append((missing[0], scored(dataset, number, entry), scored(dataset, other, full)))
                break
    return found
