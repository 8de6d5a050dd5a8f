"""The table of all scenarios."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.report.choose import finished, metric_value
from benchmarks.report.text import file_size, interval, quantity
from classic_eyes.labeling.page.text import count, escape, proportion

Entry = dict[str, Any]
METRICS = (
    ("accuracy", "Accuracy", 3, "high"),
    ("precision", "Precision", 3, "high"),
    ("recall", "Recall", 3, "high"),
    ("f1", "F1", 3, "high"),
    ("auc", "AUC", 3, "high"),
    ("eer", "EER", 3, "low"),
    ("brier", "Brier score", 4, "low"),
    ("calibration_error", "Calibration error", 4, "low"),
    ("selective_accuracy", "Surest 95%", 3, "high"),
)
SPEEDS = (
    ("features", "Features"),
    ("classifier", "Classifier"),
    ("end_to_end", "End to end"),
    ("one_image", "One image"),
)
OTHERS: tuple[tuple[str, str, str, Callable[[float | None], str]], ...] = (
    ("train_seconds", "Training", "seconds", quantity),
    ("seconds", "Whole scenario", "seconds", quantity),
    ("n_features", "Features", "count", count),
    ("n_components", "Components", "count", count),
    ("n_support_vectors", "Support vectors", "count", count),
    ("model_bytes", "Model", "size", file_size),
    ("peak_memory_mb", "Peak memory", "MB", quantity),
)
N_COLUMNS = 2 + len(METRICS) + 1 + len(SPEEDS) + 1 + len(OTHERS)


def table_html(dataset: Entry) -> str:
    """Return a table of all scenarios with all their numbers; a failed one has its error."""
    tops = {name: _top(dataset, name, decimals, better) for name, _, decimals, better in METRICS}
    rows = "".join(
        _failed(number, entry) if entry.get("error") else _row(number, entry, tops)
        for number, entry in enumerate(dataset["scenarios"], start=1)
    )
    caption = f"All scenarios on {escape(dataset['name'])}"
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{caption}"><table class="scenarios">'
        f"<caption>{caption}</caption>{_head()}<tbody>{rows}</tbody></table></div>"
    )


def _top(dataset: Entry, name: str, decimals: int, better: str) -> str | None:
    ranked = [entry for _, entry in finished(dataset) if not entry.get("note")]
    known = [value for entry in ranked if (value := metric_value(entry, name)) is not None]
    if len(known) < 2:
        return None
    return proportion(max(known) if better == "high" else min(known), decimals)


def _head() -> str:
    cells = [_column("Scenario", "", "low"), _column("No.", "", "low")]
    cells += [_column(title, "", better) for _, title, _, better in METRICS]
    cells.append(_column("Accuracy", "raters agree", "high"))
    cells += [_column(title, "images/s", "high") for _, title in SPEEDS]
    cells.append(_column("Relative to decoding", "times", "low"))
    cells += [_column(title, unit, "low") for _, title, unit, _ in OTHERS]
    return f"<thead><tr>{''.join(cells)}</tr></thead>"


def _column(title: str, unit: str, first: str) -> str:
    """Return a column heading; ``first`` says whether the first click sorts low or high numbers to the top."""
    shown = f' <span class="unit">{unit}</span>' if unit else ""
    return f'<th scope="col" data-first="{first}"><span class="what">{title}</span>{shown}</th>'


def _name_cells(number: int, entry: Entry) -> str:
    name = escape(entry["name"])
    note = f'<small class="note">{escape(entry["note"])}</small>' if entry.get("note") else ""
    return (
        f'<th scope="row" data-value="{name}">{name}<small>{escape(entry.get("kind") or "")}</small>{note}</th>'
        f'<td data-value="{number}">{number}</td>'
    )


def _failed(number: int, entry: Entry) -> str:
    text = f"failed: {escape(entry['error'])}"
    return f'<tr>{_name_cells(number, entry)}<td class="error" colspan="{N_COLUMNS - 2}">{text}</td></tr>'


def _row(number: int, entry: Entry, tops: dict[str, str | None]) -> str:
    cells = [_name_cells(number, entry)]
    for name, _, decimals, _ in METRICS:
        metric = (entry.get("metrics") or {}).get(name) or {}
        text = proportion(metric.get("value"), decimals)
        is_top = metric.get("value") is not None and text == tops[name] and not entry.get("note")
        cells.append(_cell(metric.get("value"), text, interval(metric, decimals), is_top))
    agreed = (entry.get("agreed") or {}).get("accuracy") or {}
    cells.append(_cell(agreed.get("value"), proportion(agreed.get("value")), interval(agreed)))
    speed = entry.get("speed") or {}
    for name, _ in SPEEDS:
        timing = speed.get(name) or {}
        ends = "–".join(quantity(timing[key]) for key in ("low", "high") if timing.get(key) is not None)
        cells.append(_cell(timing.get("median"), quantity(timing.get("median")), ends))
    cells.append(_cell(speed.get("over_decode"), quantity(speed.get("over_decode"))))
    cells += [_cell(entry.get(name), write(entry.get(name))) for name, _, _, write in OTHERS]
    return f"<tr>{''.join(cells)}</tr>"


def _cell(value: float | None, text: str, small: str = "", is_top: bool = False) -> str:
    key = "" if value is None else f' data-value="{value:.10g}"'
    shown = f"<b>{text}</b>" if is_top else text
    return f"<td{key}>{shown}{f'<small>{small}</small>' if small else ''}</td>"
