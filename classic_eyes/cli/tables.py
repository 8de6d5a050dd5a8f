"""Tables for the terminal and for documents."""

from __future__ import annotations

from typing import Any

__all__ = ["Rows", "aligned", "interval", "markdown", "results_table"]

Rows = list[list[str]]
"""Cells of a table, the head first."""

_COLUMNS = (("accuracy", "accuracy"), ("eer", "EER"), ("auc", "AUC"), ("calibration_error", "calib. error"))


def results_table(results: dict[str, dict[str, Any]]) -> str:
    """Return metrics of `classic_eyes.metrics.summarize` with their intervals, a line for each part of the data.

    >>> from classic_eyes.metrics import summarize
    >>> print(results_table({"toy": summarize([0, 1], [0.25, 0.75], n_resamples=1)}).splitlines()[1][:26])
    toy        2       2  1.00
    """
    width = max(len("data"), *(len(name) for name in results))
    cell = len(".9999 (.9999-.9999)")
    head = "  ".join(f"{title:<{cell}}" for _, title in _COLUMNS)
    lines = [f"{'data':<{width}}  {'n':>6}  {'groups':>6}  {head}".rstrip()]
    for name, metrics in results.items():
        cells = "  ".join(f"{interval(metrics[key]):<{cell}}" for key, _ in _COLUMNS)
        lines.append(f"{name:<{width}}  {metrics['n']:>6}  {metrics['n_groups']:>6}  {cells}".rstrip())
    return "\n".join(lines)


def interval(entry: dict[str, float | None]) -> str:
    """Return a metric and its 95% interval.

    >>> interval({"value": 0.9871, "low": 0.98, "high": 0.992})
    '0.9871 (0.980-0.992)'
    """
    if entry["value"] is None:
        return "-"
    if entry["low"] is None or entry["high"] is None:
        return f"{entry['value']:.4f}"
    return f"{entry['value']:.4f} ({entry['low']:.3f}-{entry['high']:.3f})"


def aligned(rows: Rows, *, numbers: bool = False) -> list[str]:
    """Return the lines of a table for a terminal; with ``numbers`` all columns but the first are right-aligned.

    >>> aligned([["name", "n"], ["a", "10"]], numbers=True)
    ['name   n', 'a     10']
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    sides = ["<", *((">" if numbers else "<") for _ in widths[1:])]
    lines = []
    for row in rows:
        cells = [f"{cell:{side}{width}}" for cell, side, width in zip(row, sides, widths, strict=True)]
        lines.append("  ".join(cells).rstrip())
    return lines


def markdown(rows: Rows) -> list[str]:
    """Return the lines of a table in Markdown.

    >>> markdown([["name", "n"], ["a", "10"]])
    ['| name | n |', '|---|---|', '| a | 10 |']
    """
    head, *body = ["| " + " | ".join(cell.strip() for cell in row) + " |" for row in rows]
    return [head, "|---" * len(rows[0]) + "|", *body]
