"""Which scenarios of a data set are shown where a figure cannot hold them all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Scored", "ablations", "best", "chosen", "finished", "scored", "value"]

Entry = dict[str, Any]
MOST_CURVES = 5


@dataclass(frozen=True)
class Scored:
    """A scenario with the images that it answered."""

    number: int
    entry: Entry
    labels: NDArray[np.int8]
    scores: NDArray[np.float64]
    rows: NDArray[np.intp]

    @property
    def name(self) -> str:
        """Return its name.

        Returns
        -------
        str
            As the results have it.
        """
        return str(self.entry["name"])

    @property
    def both_classes(self) -> bool:
        """Say whether error rates of both kinds exist.

        Returns
        -------
        bool
            True where open and closed eyes were answered.
        """
        return 0 < int(self.labels.sum()) < len(self.labels)


def value(entry: Entry, metric: str) -> float | None:
    """Return a metric of a scenario.

    Parameters
    ----------
    entry : dict
        The scenario.
    metric : str
        Name of the metric.

    Returns
    -------
    float or None
        None where the scenario failed or the metric is not defined.

    Examples
    --------
    >>> value({"metrics": {"accuracy": {"value": 0.9}}}, "accuracy")
    0.9
    """
    return ((entry.get("metrics") or {}).get(metric) or {}).get("value")


def finished(dataset: Entry) -> list[tuple[int, Entry]]:
    """Return the scenarios that did not fail, each with its number in the table.

    Parameters
    ----------
    dataset : dict
        One data set of the results.

    Returns
    -------
    list of tuple
        Number from 1, scenario.

    Examples
    --------
    >>> finished({"scenarios": [{"name": "a", "error": "broken"}, {"name": "b", "error": None}]})
    [(2, {'name': 'b', 'error': None})]
    """
    return [(number, entry) for number, entry in enumerate(dataset["scenarios"], start=1) if not entry.get("error")]


def best(dataset: Entry) -> tuple[int, Entry] | None:
    """Return the scenario with the highest accuracy; of equals, the first.

    One with a note (trained on these very images) is best only where there is no other.

    Parameters
    ----------
    dataset : dict
        One data set of the results.

    Returns
    -------
    tuple or None
        Number and scenario, None where none has an accuracy.

    Examples
    --------
    >>> best({"scenarios": [{"name": "a", "metrics": {"accuracy": {"value": 0.9}}}]})[0]
    1
    """
    able = [pair for pair in finished(dataset) if value(pair[1], "accuracy") is not None]
    fair = [pair for pair in able if not pair[1].get("note")]
    return max(fair or able, key=_accuracy, default=None)


def _accuracy(pair: tuple[int, Entry]) -> float:
    return value(pair[1], "accuracy") or 0.0


def scored(dataset: Entry, number: int, entry: Entry) -> Scored:
    """Join the scores of a scenario with the labels, leaving out images without a score.

    Parameters
    ----------
    dataset : dict
        One data set of the results.
    number : int
        The scenario's number in the table.
    entry : dict
        The scenario.

    Returns
    -------
    Scored
        Labels, scores and the rows they stand in.

    Examples
    --------
    >>> scored({"labels": [1, 0]}, 1, {"name": "a", "scores": [0.9, None]}).rows.tolist()
    [0]
    """
    labels = np.array(dataset.get("labels") or [], dtype=np.int8)
    scores = np.array([np.nan if s is None else s for s in entry.get("scores") or []], dtype=np.float64)
    if len(scores) != len(labels):
        scores = np.full(len(labels), np.nan)
    rows = np.flatnonzero(np.isfinite(scores))
    return Scored(number, entry, labels[rows], scores[rows], rows)


def chosen(dataset: Entry, most: int = MOST_CURVES) -> list[Scored]:
    """Pick a handful of scenarios for curves, the most accurate first.

    1. The best; then the shipped model and the baseline, against which everything is held.
    2. The best of each other kind, then whatever is most accurate.

    Parameters
    ----------
    dataset : dict
        One data set of the results.
    most : int, default 5
        How many at most.

    Returns
    -------
    list of Scored
        Those with scores, in order of accuracy.

    Examples
    --------
    >>> entry = {"name": "a", "kind": "alone", "scores": [0.9], "metrics": {"accuracy": {"value": 1.0}}}
    >>> [one.name for one in chosen({"labels": [1], "scenarios": [entry]})]
    ['a']
    """
    able = sorted((pair for pair in finished(dataset) if pair[1].get("scores")), key=lambda pair: -_accuracy(pair))
    order = ([pair for pair in able if not pair[1].get("note")] or able)[:1]
    for kind in ("shipped", "baseline", "together", "alone", "classifier"):
        order += [pair for pair in able if pair[1].get("kind") == kind][:1]
    kept = list(dict([*order, *able]).items())[:most]
    shown = [scored(dataset, number, entry) for number, entry in sorted(kept, key=lambda pair: -_accuracy(pair))]
    return [one for one in shown if len(one.rows)]


def ablations(dataset: Entry) -> list[tuple[str, Scored, Scored]]:
    """Pair each scenario that lacks a feature with the one that has them all.

    Parameters
    ----------
    dataset : dict
        One data set of the results.

    Returns
    -------
    list of tuple
        The feature that is missing, the scenario without it, the scenario with it.

    Examples
    --------
    >>> ablations({"labels": [], "scenarios": []})
    []
    """
    able = [(number, entry) for number, entry in finished(dataset) if entry.get("scores")]
    wholes = [pair for pair in able if pair[1].get("kind") == "together"]
    found = []
    for number, entry in able:
        if entry.get("kind") != "ablation":
            continue
        for other, whole in wholes:
            missing = [name for name in whole["features"] if name not in entry["features"]]
            same = entry.get("classifier") == whole.get("classifier")
            if same and len(missing) == 1 and len(whole["features"]) == len(entry["features"]) + 1:
                found.append((missing[0], scored(dataset, number, entry), scored(dataset, other, whole)))
                break
    return found
