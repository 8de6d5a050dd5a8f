"""Compare two runs: better, worse or the same, for each scenario and metric."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from classic_eyes.errors import DataError

__all__ = ["RULES", "Change", "Rule", "compare_results"]

BETTER, WORSE, SAME = "better", "worse", "same"


@dataclass(frozen=True)
class Rule:
    """When a measure counts as changed.

    Parameters
    ----------
    measure : str
        A metric of `classic_eyes.metrics.METRICS`, or ``over_decode``.
    direction : int
        1 if more is better, -1 if less is.
    ratio : float or None, default None
        Factor that the change must exceed; None: half the width of the wider of the two intervals.
    """

    measure: str
    direction: int
    ratio: float | None = None


RULES: tuple[Rule, ...] = (
    Rule("accuracy", +1),
    Rule("precision", +1),
    Rule("recall", +1),
    Rule("f1", +1),
    Rule("auc", +1),
    Rule("eer", -1),
    Rule("brier", -1),
    Rule("calibration_error", -1),
    Rule("selective_accuracy", +1),
    # Absolute times depend on the machine and its load; the ratio to decoding the same files does not.
    Rule("over_decode", -1, ratio=1.2),
)


@dataclass(frozen=True)
class Change:
    """The change of one measure of a scenario.

    Parameters
    ----------
    data, scenario, measure : str
        Names; the measure is ``scenario`` where a scenario failed or is in one run only.
    old, new : float or None
        The two values; None where not defined.
    verdict : str
        ``better``, ``worse``, ``same``, ``only in OLD`` or ``only in NEW``.
    tolerance : float or None, default None
        What the change had to exceed: a difference, or for ``over_decode`` a factor.
    """

    data: str
    scenario: str
    measure: str
    old: float | None
    new: float | None
    verdict: str
    tolerance: float | None = None


def _half_width(entry: dict[str, Any]) -> float:
    if entry["low"] is None or entry["high"] is None:
        return 0.0
    return float(entry["high"] - entry["low"]) / 2


def _exceeds(rule: Rule, old: float, new: float, tolerance: float) -> bool:
    if rule.ratio is None:
        return abs(new - old) > tolerance
    return max(new, old) > tolerance * min(new, old)


def _verdict(rule: Rule, old: dict[str, Any], new: dict[str, Any]) -> tuple[float | None, float | None, str, float]:
    """Return both values, the verdict and the tolerance for one measure of a scenario."""
    if rule.ratio is not None:
        before, after, tolerance = old["speed"][rule.measure], new["speed"][rule.measure], rule.ratio
    else:
        undefined = {"value": None, "low": None, "high": None}
        # A run of another version may lack a metric, which says nothing about either.
        known = rule.measure in old["metrics"] and rule.measure in new["metrics"]
        entries = [run["metrics"][rule.measure] if known else undefined for run in (old, new)]
        before, after = entries[0]["value"], entries[1]["value"]
        tolerance = max(map(_half_width, entries))
    if before is None or after is None:
        # A measure that is no longer defined is a loss, one that is defined now a gain.
        verdict = SAME if before is after else WORSE if after is None else BETTER
    elif not _exceeds(rule, before, after, tolerance):
        verdict = SAME
    else:
        verdict = BETTER if (after - before) * rule.direction > 0 else WORSE
    return before, after, verdict, tolerance


def _compare_scenario(data: str, old: dict[str, Any], new: dict[str, Any]) -> list[Change]:
    name = old["name"]
    if old["error"] or new["error"]:
        verdict = SAME if old["error"] and new["error"] else WORSE if new["error"] else BETTER
        return [Change(data, name, "scenario", None, None, verdict)]
    changes = []
    for rule in RULES:
        before, after, verdict, tolerance = _verdict(rule, old, new)
        changes.append(Change(data, name, rule.measure, before, after, verdict, tolerance))
    return changes


def _by_protocol(results: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(data["name"], data["protocol"]): data for data in results["datasets"]}


def compare_results(old: dict[str, Any], new: dict[str, Any]) -> list[Change]:
    """Compare two runs on the same data; DataError if no data set is in both, or one has changed.

    Data sets are paired by name and protocol, scenarios by name. `RULES` says which change counts and which direction
    is better. Scenarios of one run only come last in their data set.
    """
    before, after = _by_protocol(old), _by_protocol(new)
    both = [key for key in before if key in after]
    if not both:
        raise DataError(
            f"OLD evaluated {_list(before)} and NEW {_list(after)}; "
            "only runs on the same data and protocol can be compared"
        )
    changes: list[Change] = []
    for key in both:
        if before[key]["sha256"] != after[key]["sha256"]:
            raise DataError(
                f"{key[0]!r} is not the same data in OLD ({before[key]['sha256'][:12]}) and NEW "
                f"({after[key]['sha256'][:12]}): images, labels or groups differ; run the old code on the new data"
            )
        changes += _compare_data(key[0], before[key]["scenarios"], after[key]["scenarios"])
    return changes


def _list(datasets: dict[tuple[str, str], Any]) -> str:
    return "; ".join(f"{name!r} by {protocol}" for name, protocol in datasets) or "nothing"


def _compare_data(data: str, old: list[dict[str, Any]], new: list[dict[str, Any]]) -> list[Change]:
    before, after = ({entry["name"]: entry for entry in entries} for entries in (old, new))
    changes = [change for key in before if key in after for change in _compare_scenario(data, before[key], after[key])]
    removed = [Change(data, name, "scenario", None, None, "only in OLD") for name in before if name not in after]
    added = [Change(data, name, "scenario", None, None, "only in NEW") for name in after if name not in before]
    return changes + removed + added
