"""Numbers as the benchmark report writes them."""

from __future__ import annotations

import math
from typing import Any

from classic_eyes.labeling.page.text import MINUS, UNDEFINED, proportion


def signed(value: float | None) -> str:
    """Write a difference of proportions with its sign.

    >>> signed(0.012), signed(-0.012), signed(0)
    ('+0.012', '−0.012', '0.000')
    """
    text = proportion(value)
    return f"+{text}" if value is not None and value > 0 and text.strip(".0") else text


def interval(metric: dict[str, Any] | None, decimals: int = 3) -> str:
    """Write the interval of a metric, or nothing where it has none.

    >>> interval({"low": 0.9512, "high": 0.9734})
    '0.951–0.973'
    """
    if not metric or metric.get("low") is None or metric.get("high") is None:
        return ""
    low, high = proportion(metric["low"], decimals), proportion(metric["high"], decimals)
    # A dash between two minus signs cannot be read.
    return f"{low} to {high}" if MINUS in low + high else f"{low}–{high}"


def quantity(value: float | None) -> str:
    """Write a quantity with three significant digits.

    >>> quantity(12345), quantity(45.23), quantity(3.4), quantity(0.0412), quantity(0)
    ('12,300', '45.2', '3.40', '0.0412', '0')
    """
    if value is None or not math.isfinite(value):
        return UNDEFINED
    if value == 0:
        return "0"
    digits = 2 - math.floor(math.log10(abs(value)))
    return f"{round(value, digits):,.{max(digits, 0)}f}"


def file_size(value: float | None) -> str:
    """Write a number of bytes in kB or MB (1,000 and 1,000,000 bytes).

    >>> file_size(1_234_567), file_size(45_600), file_size(None)
    ('1.23 MB', '45.6 kB', '–')
    """
    if value is None:
        return UNDEFINED
    return f"{quantity(value / 1e6)} MB" if value >= 1e6 else f"{quantity(value / 1e3)} kB"
