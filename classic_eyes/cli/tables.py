"""Tables for the terminal."""

from __future__ import annotations

from typing import Any

__all__ = ["results_table"]

_SHOWN = (("accuracy", "accuracy"), ("eer", "EER"), ("auc", "AUC"), ("calibration_error", "calib. error"))


def results_table(results: dict[str, dict[str, Any]]) -> str:
    """Lay out metrics with their intervals, a row for each part.

    Parameters
    ----------
    results : dict
        Name of the part to what `classic_eyes.metrics.summarise` gives.

    Returns
    -------
    str
        Lines of text.

    Examples
    --------
    >>> from classic_eyes.metrics import summarise
    >>> print(results_table({"toy": summarise([0, 1], [0.25, 0.75], n_resamples=1)}).splitlines()[1][:26])
    toy        2       2  1.00
    """
    width = max(len("data"), *(len(name) for name in results))
    cell = len(".9999 (.9999-.9999)")
    head = "  ".join(f"{title:<{cell}}" for _, title in _SHOWN)
    lines = [f"{'data':<{width}}  {'n':>6}  {'groups':>6}  {head}".rstrip()]
    for name, metrics in results.items():
        cells = "  ".join(f"{_interval(metrics[key]):<{cell}}" for key, _ in _SHOWN)
        lines.append(f"{name:<{width}}  {metrics['n']:>6}  {metrics['n_groups']:>6}  {cells}".rstrip())
    return "\n".join(lines)


def _interval(entry: dict[str, float | None]) -> str:
    if entry["value"] is None:
        return "-"
    if entry["low"] is None or entry["high"] is None:
        return f"{entry['value']:.4f}"
    return f"{entry['value']:.4f} ({entry['low']:.3f}-{entry['high']:.3f})"
