"""Tables of the benchmark: for the terminal, for a document, and for the comparison of two runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.compare import RULES, Change
from classic_eyes.cli.tables import Rows, aligned, markdown

__all__ = ["benchmark_markdown", "benchmark_table", "comparison_table"]

_QUALITY = (
    (("accuracy", "accuracy"), ("precision", "precision"), ("recall", "recall"), ("f1", "F1")),
    (
        ("auc", "AUC"),
        ("eer", "EER"),
        ("brier", "Brier score"),
        ("calibration_error", "calib. error"),
        ("selective_accuracy", "surest 95%"),
    ),
)
_COSTS = (
    "features",
    "support v.",
    "features/s",
    "classifier/s",
    "end to end/s",
    "one image/s",
    "x decode",
    "train s",
    "model MB",
    "peak MB",
)
_INTRODUCTION = (
    "A row is a scenario: features, classifier, and what else differs. Features joined by `+` are one view, with one "
    "classifier; views are separated by `/`, and their decision values are averaged. For each data set there is a "
    "table of quality, with 95% intervals in brackets (bootstrap over groups), and one of cost. `surest 95%` is the "
    "accuracy without the 5% of predictions closest to the threshold. `all` are all extractors, `all but` all without "
    "one. A star marks a row with a remark below its tables."
)

# What a run of another version lacks.
_UNKNOWN: dict[str, float | None] = {"value": None, "low": None, "high": None}


def _short(entry: dict[str, float | None]) -> str:
    """Format a value and its interval without leading zeros."""
    numbers = [entry[key] for key in ("value", "low", "high")]
    value, low, high = ("-" if number is None else f"{number:.3f}".removeprefix("0") for number in numbers)
    return value if "-" in (low, high) else f"{value} ({low}-{high})"


def _count(number: float | None) -> str:
    return "-" if number is None else f"{number:,.0f}"


def _measure(number: float | None, digits: int = 1) -> str:
    return "-" if number is None else f"{number:,.{digits}f}"


def _speed(rate: dict[str, float] | None) -> str:
    return "-" if rate is None else _count(rate["median"])


def _name(entry: dict[str, Any]) -> str:
    return entry["name"] + (" *" if entry["note"] else "")


def _cost_cells(entry: dict[str, Any]) -> list[str]:
    speed = entry["speed"]
    return [
        _count(entry["n_features"]),
        _count(entry["n_support_vectors"]),
        _speed(speed["features"]),
        _speed(speed["classifier"]),
        _speed(speed["end_to_end"]),
        _speed(speed["one_image"]),
        _measure(speed["over_decode"]),
        _measure(entry["train_seconds"]),
        _measure(entry["model_bytes"] / 1e6, 2),
        _count(entry["peak_memory_mb"]),
    ]


def _quality_rows(entries: list[dict[str, Any]], columns: tuple[tuple[str, str], ...]) -> Rows:
    rows = [["scenario", *(title for _, title in columns)]]
    for entry in entries:
        rows.append([_name(entry), *(_short(entry["metrics"].get(key, _UNKNOWN)) for key, _ in columns)])
        if entry["agreed"] is not None:
            label = f"  where all raters agree ({entry['agreed']['n']:,})"
            rows.append([label, *(_short(entry["agreed"].get(key, _UNKNOWN)) for key, _ in columns)])
    return rows


def _about(data: dict[str, Any]) -> str:
    return (
        f"{data['protocol']}; {data['n']:,} images ({data['open']:,} open, {data['closed']:,} closed) in "
        f"{data['n_groups']:,} groups"
    )


def _parts(data: dict[str, Any]) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the finished scenarios, and a line for each failure or remark."""
    done = [entry for entry in data["scenarios"] if not entry["error"]]
    remarks = [f"{entry['name']}: failed: {entry['error']}" for entry in data["scenarios"] if entry["error"]]
    remarks += [f"{_name(entry)}: {entry['note']}" for entry in done if entry["note"]]
    return done, remarks


def benchmark_table(results: dict[str, Any]) -> str:
    """Format results for the terminal: for each data set two tables of metrics and one of costs."""
    lines: list[str] = []
    for data in results["datasets"]:
        done, remarks = _parts(data)
        lines += ["", f"{data['name']}: {_about(data)}"]
        if done:
            for columns in _QUALITY:
                lines += ["", *aligned(_quality_rows(done, columns))]
            costs = [["scenario", *_COSTS], *([_name(entry), *_cost_cells(entry)] for entry in done)]
            lines += ["", *aligned(costs, numbers=True)]
        if data["decode"] is not None:
            lines += ["", f"decoding alone: {_speed(data['decode']['images_per_second'])} images/s"]
        lines += remarks
    lines += ["", "In brackets 95% intervals, bootstrap over groups; speeds on one thread, medians of several rounds."]
    return "\n".join(lines).lstrip("\n")


def benchmark_markdown(
    runs: Sequence[dict[str, Any]], figures: Sequence[str | None], command: str, remark: str | None = None
) -> str:
    """Format runs (each a whole ``results.json``) as a Markdown document.

    `figures` holds the file name of the curves, or None, for each data set of all runs in order. `command` is the
    command that writes the document. `remark` is put before the runs.
    """
    lines = ["# Benchmark", "", _INTRODUCTION]
    if [command] != [results["command"] for results in runs]:
        lines += ["", f"Combined by `{command}` from the runs below."]
    lines += ["", f"Remark: {remark}"] if remark else []
    figure_of = iter(figures)
    for results in runs:
        lines += ["", *_made_by(results)]
        for data in results["datasets"]:
            lines += _markdown_dataset(data, next(figure_of))
    lines += ["", "## What the columns mean", ""]
    lines += [f"- {key.replace('_', ' ')}: {note}" for key, note in runs[0]["protocol_notes"].items()]
    return "\n".join(lines) + "\n"


def _made_by(results: dict[str, Any]) -> list[str]:
    machine = results["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in results["versions"].items())
    code = results["git"] or results["code_version"]
    quick = " This was a quick run (`--quick`): wide intervals, coarse speeds." if results["quick"] else ""
    return [
        f"Made by `{results['command']}`, seed {results['seed']}, code {code}.{quick}",
        "",
        f"Machine: {machine['processor']}, {machine['cores']} cores, {machine['memory_gb']} GB, {machine['system']}; "
        f"{machine['threads']} thread timed. Versions: {versions}.",
    ]


def _markdown_dataset(data: dict[str, Any], figure: str | None) -> list[str]:
    columns = tuple(column for part in _QUALITY for column in part)
    done, remarks = _parts(data)
    lines = ["", f"## {data['name']}", "", f"{_about(data)}. Fingerprint `{data['sha256'][:12]}`."]
    if done:
        lines += ["", *markdown(_quality_rows(done, columns))]
        costs = [["scenario", *_COSTS], *([_name(entry), *_cost_cells(entry)] for entry in done)]
        lines += ["", *markdown(costs)]
    if data["decode"] is not None:
        lines += ["", f"Decoding alone: {_speed(data['decode']['images_per_second'])} images a second."]
    if figure is not None:
        lines += ["", f"![ROC, detection error trade-off and reliability on {data['name']}]({figure})"]
    lines += [line for remark in remarks for line in ("", f"- {remark}")]
    return lines + _markdown_slices(done, data["slices"])


def _markdown_slices(done: list[dict[str, Any]], slices: dict[str, list[str]]) -> list[str]:
    lines: list[str] = []
    for key in slices:
        values = sorted({value for entry in done for value in entry["per_slice"][key]})
        counts = {value: done[0]["per_slice"][key][value]["n"] for value in values}
        head = ["accuracy", *(f"{value} ({counts[value]:,})" for value in values)]
        rows = [
            [entry["name"], *(_short(entry["per_slice"][key][value]["accuracy"]) for value in values)] for entry in done
        ]
        lines += ["", f"### By {key}", "", *markdown([head, *rows])]
    return lines


def comparison_table(changes: list[Change]) -> str:
    """Format the comparison of two runs: a line for each change, a row for each scenario.

    Examples
    --------
    >>> changes = [Change("toy", "hog svm", "accuracy", 0.9, 0.95, "better", 0.01)]
    >>> print(comparison_table(changes).splitlines()[0])
    toy, hog svm: accuracy 0.9000 -> 0.9500, better (tolerance 0.0100)
    """
    lines = [_changed(change) for change in changes if change.verdict != "same"]
    measures = [rule.measure for rule in RULES]
    rows = [["data", "scenario", *measures]]
    verdicts: dict[tuple[str, str], dict[str, str]] = {}
    for change in changes:
        verdicts.setdefault((change.data, change.scenario), {})[change.measure] = change.verdict
    for (data, scenario), found in verdicts.items():
        rows.append([data, scenario, *(found.get(measure, found.get("scenario", "-")) for measure in measures)])
    counts = {word: sum(change.verdict == word for change in changes) for word in ("better", "worse", "same")}
    total = ", ".join(f"{number} {word}" for word, number in counts.items())
    return "\n".join([*lines, "", *aligned(rows), "", total])


def _changed(change: Change) -> str:
    head = f"{change.data}, {change.scenario}: "
    if change.measure == "scenario":
        return head + change.verdict + (" (failed)" if change.verdict == "worse" else "")
    old, new = ("none" if value is None else f"{value:.4f}" for value in (change.old, change.new))
    return f"{head}{change.measure} {old} -> {new}, {change.verdict} (tolerance {change.tolerance:.4f})"
