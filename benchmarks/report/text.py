"""Numbers as the benchmark report writes them."""

from __future__ import annotations

import math
from typing import Any

from classic_eyes.labeling.page.text import MINUS, UNDEFINED, proportion


def signed(value: float | None) -> str:
    """Write a difference of proportions with its sign."""
    text = proportion(value)
    return f"+{text}" if value is not None and value > 0 and text.strip(".0") else text


def interval(metric: dict[str, Any] | None, decimals: int = 3) -> str:
    """Write the interval of a metric, or nothing where it has none."""
    if not metric or metric.get("low") is None or metric.get("high") is None:
        return ""
    low, high = proportion(metric["low"], decimals), proportion(metric["high"], decimals)
    # A dash between two minus signs cannot be read.
    return f"{low} to {high}" if MINUS in low + high else f"{low}–{high}"


def quantity(value: float | None) -> str:
    """Write a quantity with three significant digits."""
    if value is None or not math.isfinite(value):
        return UNDEFINED
    if value == 0:
        return "0"
    digits = 2 - math.floor(math.log10(abs(value)))
    return f"{round(value, digits):,.{max(digits, 0)}f}"


def file_size(value: float | None) -> str:
    """Write a number of bytes in kB or MB (1,000 and 1,000,000 bytes)."""
    if value is None:
        return UNDEFINED
    return f"{quantity(value / 1e6)} MB" if value >= 1e6 else f"{quantity(value / 1e3)} kB"
