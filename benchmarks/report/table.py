"""The table of all scenarios."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.report.choose import finished, value
from classic_eyes.labeling.page.text import amount, bytes_text, escape, interval, share, whole

__all__ = ["COLUMNS", "table_html"]

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
    ("selective_accuracy", "Surest 95 %", 3, "high"),
)
SPEEDS = (
    ("features", "Features"),
    ("classifier", "Classifier"),
    ("end_to_end", "End to end"),
    ("one_image", "One image"),
)
OTHERS: tuple[tuple[str, str, str, Callable[[float | None], str]], ...] = (
    ("train_seconds", "Training", "seconds", amount),
    ("seconds", "All of it", "seconds", amount),
    ("n_features", "Features", "numbers", whole),
    ("n_components", "Components", "numbers", whole),
    ("n_support_vectors", "Support vectors", "vectors", whole),
    ("model_bytes", "Model", "size", bytes_text),
    ("peak_memory_mb", "Peak memory", "MB", amount),
)
COLUMNS = 2 + len(METRICS) + 1 + len(SPEEDS) + 1 + len(OTHERS)


def table_html(dataset: Entry) -> str:
    """Lay out every scenario with all its numbers; a failed one with its error.

    Parameters
    ----------
    dataset : dict
        One data set of the results.

    Returns
    -------
    str
        A table in a box that scrolls by itself.

    Examples
    --------
    >>> "broken" in table_html({"name": "toy", "scenarios": [{"name": "a", "kind": "alone", "error": "broken"}]})
    True
    """
    tops = {name: _top(dataset, name, decimals, sense) for name, _, decimals, sense in METRICS}
    rows = "".join(
        _failed(number, entry) if entry.get("error") else _row(number, entry, tops)
        for number, entry in enumerate(dataset["scenarios"], start=1)
    )
    caption = f"All scenarios on {escape(dataset['name'])}"
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{caption}"><table class="scenarios">'
        f"<caption>{caption}</caption>{_head()}<tbody>{rows}</tbody></table></div>"
    )


def _top(dataset: Entry, name: str, decimals: int, sense: str) -> str | None:
    fair = [entry for _, entry in finished(dataset) if not entry.get("note")]
    known = [number for entry in fair if (number := value(entry, name)) is not None]
    if len(known) < 2:
        return None
    return share(max(known) if sense == "high" else min(known), decimals)


def _head() -> str:
    cells = [_column("Scenario", "", "low"), _column("No.", "", "low")]
    cells += [_column(title, "", sense) for _, title, _, sense in METRICS]
    cells.append(_column("Accuracy", "raters agree", "high"))
    cells += [_column(title, "images/s", "high") for _, title in SPEEDS]
    cells.append(_column("Over decoding", "times", "low"))
    cells += [_column(title, unit, "low") for _, title, unit, _ in OTHERS]
    return f"<thead><tr>{''.join(cells)}</tr></thead>"


def _column(title: str, unit: str, first: str) -> str:
    """Return a heading; ``first`` says whether a click shows low or high numbers first."""
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
    return f'<tr class="failed">{_name_cells(number, entry)}<td class="error" colspan="{COLUMNS - 2}">{text}</td></tr>'


def _row(number: int, entry: Entry, tops: dict[str, str | None]) -> str:
    cells = [_name_cells(number, entry)]
    for name, _, decimals, _ in METRICS:
        measured = (entry.get("metrics") or {}).get(name) or {}
        text = share(measured.get("value"), decimals)
        top = measured.get("value") is not None and text == tops[name] and not entry.get("note")
        cells.append(_cell(measured.get("value"), text, interval(measured, decimals).strip("()"), top))
    agreed = (entry.get("agreed") or {}).get("accuracy") or {}
    cells.append(_cell(agreed.get("value"), share(agreed.get("value")), interval(agreed).strip("()")))
    speed = entry.get("speed") or {}
    for name, _ in SPEEDS:
        timed = speed.get(name) or {}
        cells.append(_cell(timed.get("median"), amount(timed.get("median")), _span(timed)))
    cells.append(_cell(speed.get("over_decode"), amount(speed.get("over_decode"))))
    cells += [_cell(entry.get(name), write(entry.get(name))) for name, _, _, write in OTHERS]
    return f"<tr>{''.join(cells)}</tr>"


def _span(timed: Entry) -> str:
    if timed.get("low") is None or timed.get("high") is None:
        return ""
    return f"{amount(timed['low'])}–{amount(timed['high'])}"


def _cell(number: float | None, text: str, small: str = "", top: bool = False) -> str:
    held = "" if number is None else f' data-value="{number:.10g}"'
    shown = f"<b>{text}</b>" if top else text
    return f"<td{held}>{shown}{f'<small>{small}</small>' if small else ''}</td>"
