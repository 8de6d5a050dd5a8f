"""Results of `benchmarks.video` as Markdown tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.video import THRESHOLDS, WAYS
from classic_eyes.cli.tables import markdown

__all__ = ["alarm_table", "clip_table", "error_list", "group_table", "method_table"]

_HEAD = (
    *("precision", "recall"),
    *("F1, any overlap", "F1, IoU > 0.2", "F1, IoU > 0.5"),
    *("false alarms a minute", "start, ms", "end, ms"),
    *("blink rate off by at most", "closed share off by at most", "frames/s"),
)


def method_table(evaluations: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a line for each method and each way to count partial blinks.

    Precision, recall and false alarms are those at IoU > 0.2. Edges are the median and the 90th percentile of absolute
    errors, and the median of signed ones: positive is late. Blink rate, blinks a minute, and closed share are those of
    clips of 10 s and more.
    """
    rows = [
        [name, way, *_scores(evaluation["groups"]["all"], way)]
        for way in WAYS
        for name, evaluation in evaluations.items()
    ]
    return _markdown(["method", "partial blinks", *_HEAD], rows)


def group_table(evaluation: Mapping[str, Any], way: str = "optional") -> str:
    """Return a line for each group of clips."""
    rows = []
    for name, summary in evaluation["groups"].items():
        counts = summary[way]["0.2"]
        rows.append([name, str(summary["clips"]), str(counts["found"] + counts["missed"]), *_scores(summary, way)])
    return _markdown(["clips", "n", "events", *_HEAD], rows)


def _scores(summary: Mapping[str, Any], way: str) -> list[str]:
    at = summary[way]["0.2"]
    return [
        _number(at["precision"]),
        _number(at["recall"]),
        *(_interval(summary[way][name]["f1"], 3) for name in THRESHOLDS),
        _interval(at["false_per_minute"], 2),
        *(_edge(summary[f"{name}_ms"]) for name in ("start", "end")),
        _number(summary["rate_error_max"], 1),
        _number(summary["closed_share_error_max"]),
        _number(summary["frames_per_second"], 0),
    ]


def clip_table(evaluation: Mapping[str, Any]) -> str:
    """Return a line for each clip: events found, missed and false at IoU > 0.2 and > 0.5, rate and closed share."""
    rows = []
    for each in evaluation["clips"]:
        cells = ["/".join(map(str, each["counts"][way][name])) for way in WAYS for name in ("0.2", "0.5")]
        labelled, found = each["blinks"]
        shares = [_number(share) for share in each["closed_share"]]
        rows.append(
            [
                *(each["file"], f"{each['duration_s']:.1f}", _number(each["unseen_share"], 2), *cells),
                *(f"{labelled} / {found}", _number(each["rate_error"], 1), " / ".join(shares)),
                _number(each["frames_per_second"], 0),
            ]
        )
    counts = [f"IoU > {name}, partial {way}" for way in WAYS for name in ("0.2", "0.5")]
    head = ["clip", "s", "unseen", *counts, "blinks: labelled / found", "error of the rate, 1/min"]
    note = "Counts are found/missed/false."
    return _markdown([*head, "closed share: labelled / found", "frames/s"], rows) + f"\n\n{note}"


def alarm_table(alarms: Sequence[Mapping[str, Any]]) -> str:
    """Return a line for each time of closed eyes from which on there is an alarm.

    *At most* is the upper 95% bound, one-sided: by Clopper and Pearson for closures, by Garwood for false alarms.
    """
    from scipy.stats import beta, chi2

    rows = []
    for each in alarms:
        delays = sorted(each["delays_s"])
        delay = f"{delays[len(delays) // 2]:.2f} ({delays[0]:.2f} to {delays[-1]:.2f})" if delays else "-"
        n, missed, false = each["closures"], each["missed"], each["false"]
        share = float(beta.ppf(0.95, missed + 1, n - missed)) if missed < n else 1.0
        an_hour = float(chi2.ppf(0.95, 2 * false + 2)) / 2 / (each["minutes"] / 60)
        rows.append(
            [
                *(f"{each['closed_s']:g} s", str(n), str(missed), f"{share:.0%}", str(each["alarms"]), delay),
                *(str(false), f"{each['minutes']:.1f}", f"{an_hour:.0f}"),
            ]
        )
    head = ["alarm after", "long closures", "missed", "missed, at most", "alarms in them", "delay, s: median (range)"]
    return _markdown([*head, "false alarms", "minutes", "false alarms an hour, at most"], rows)


def error_list(evaluation: Mapping[str, Any], way: str = "required") -> str:
    """Return the frames of each event that is missed or false at IoU > 0.5, a line for each clip."""
    lines = []
    for each in evaluation["clips"]:
        errors = each["errors"][way]["0.5"]
        parts = [
            f"{what} {', '.join(f'{kind} {start}-{end}' for start, end, kind in errors[what])}"
            for what in ("missed", "false")
            if errors[what]
        ]
        lines += [f"- {each['file']}: {'; '.join(parts)}"] if parts else []
    return "\n".join([f"Errors at IoU > 0.5, partial blinks {way}, in frames:", "", *(lines or ["- none"])])


def _number(value: float | None, digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _interval(entry: Mapping[str, float | None], digits: int) -> str:
    if entry["value"] is None:
        return "-"
    return f"{_number(entry['value'], digits)} ({_number(entry['low'], digits)}-{_number(entry['high'], digits)})"


def _edge(entry: Mapping[str, float] | None) -> str:
    return "-" if entry is None else f"{entry['median']:.0f} / {entry['90th_percentile']:.0f} ({entry['bias']:+.0f})"


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(markdown([list(head), *map(list, rows)]))
