"""Numbers, names and images as the pages write them, and HTML text."""

from __future__ import annotations

import base64
import math

import cv2
import numpy as np
from numpy.typing import NDArray

from ..._utils.html import escape, printable

__all__ = ["count", "escape", "png_url", "printable", "proportion", "shortened"]

UNDEFINED = "–"
MINUS = "−"


def proportion(value: float | None, decimals: int = 3) -> str:
    """Write a number of the order of 1; a dash where it is not defined.

    Examples
    --------
    >>> proportion(0.9664), proportion(1.0), proportion(-0.0123), proportion(None)
    ('0.966', '1.000', '−0.012', '–')
    """
    if value is None or not math.isfinite(value):
        return UNDEFINED
    digits = f"{abs(value):.{decimals}f}"
    return (MINUS if value < 0 and float(digits) != 0 else "") + digits


def count(value: float | None) -> str:
    """Write a count with thousands set apart; a dash where it is not defined.

    Examples
    --------
    >>> count(12345), count(None)
    ('12,345', '–')
    """
    return UNDEFINED if value is None else f"{value:,.0f}"


def shortened(text: str, limit: int) -> str:
    """Cut a name longer than ``limit`` (at least 5) in its middle, where names differ least.

    Examples
    --------
    >>> shortened("hog+lbp+haar+pixels svm", 12)
    'hog+l…ls svm'
    """
    if len(text) <= limit:
        return text
    tail = limit // 2
    return f"{text[: limit - tail - 1].rstrip()}…{text[-tail:].lstrip()}"


def png_url(image: NDArray[np.uint8]) -> str:
    """Return a grey image of shape (h, w) as a data URL."""
    _, encoded = cv2.imencode(".png", np.ascontiguousarray(image))
    return "data:image/png;base64," + base64.b64encode(encoded.tobytes()).decode("ascii")
