"""Numbers and names as the report writes them, and the one place where text becomes HTML."""

from __future__ import annotations

import base64
import html
import math
from importlib.resources import files
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = [
    "amount",
    "bytes_text",
    "escape",
    "interval",
    "png_text",
    "resource",
    "share",
    "shortened",
    "signed",
    "tick_text",
    "whole",
]

NOTHING = "–"
MINUS = "−"


def escape(text: object) -> str:
    """Make any text safe between tags and inside quoted attributes.

    Parameters
    ----------
    text : object
        Whatever came with the results; file names are anybody's.

    Returns
    -------
    str
        The text without markup, and without characters that HTML forbids.

    Examples
    --------
    >>> escape('<b title="x">')
    '&lt;b title=&quot;x&quot;&gt;'
    """
    # Controls and half surrogates can stand in a file name but not in a UTF-8 page.
    shown = "".join(c if c.isprintable() or c == " " else "�" for c in str(text))
    return html.escape(shown, quote=True)


def share(value: float | None, decimals: int = 3) -> str:
    """Write a number of about 0..1 without the zero before the point.

    Parameters
    ----------
    value : float or None
        The number; None and nan mean not defined.
    decimals : int, default 3
        Digits after the point.

    Returns
    -------
    str
        The number, or a dash.

    Examples
    --------
    >>> share(0.9664), share(1.0), share(-0.0123), share(None)
    ('.966', '1.000', '−.012', '–')
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    digits = f"{abs(value):.{decimals}f}".removeprefix("0")
    below_zero = value < 0 and float(digits) != 0
    return (MINUS if below_zero else "") + digits


def tick_text(value: float) -> str:
    """Write a number at an axis, as short as it can be.

    Parameters
    ----------
    value : float
        The number.

    Returns
    -------
    str
        The number without needless zeros.

    Examples
    --------
    >>> tick_text(0.0), tick_text(0.25), tick_text(1.0), tick_text(-0.02)
    ('0', '.25', '1', '−.02')
    """
    digits = f"{abs(value):g}"
    return (MINUS if value < 0 else "") + (digits if digits == "0" else digits.removeprefix("0"))


def signed(value: float | None, decimals: int = 3) -> str:
    """Write a difference of shares with its sign.

    Parameters
    ----------
    value : float or None
        The difference.
    decimals : int, default 3
        Digits after the point.

    Returns
    -------
    str
        The number with its sign, or a dash.

    Examples
    --------
    >>> signed(0.012), signed(-0.012), signed(0)
    ('+.012', '−.012', '.000')
    """
    text = share(value, decimals)
    return f"+{text}" if value is not None and value > 0 and text.strip(".0") else text


def interval(entry: dict[str, Any] | None, decimals: int = 3) -> str:
    """Write the interval of a metric.

    Parameters
    ----------
    entry : dict or None
        With ``low`` and ``high``.
    decimals : int, default 3
        Digits after the point.

    Returns
    -------
    str
        Both ends in brackets, or nothing where they are not defined.

    Examples
    --------
    >>> interval({"low": 0.9512, "high": 0.9734})
    '(.951–.973)'
    """
    if not entry or entry.get("low") is None or entry.get("high") is None:
        return ""
    low, high = share(entry["low"], decimals), share(entry["high"], decimals)
    # A dash between two signs cannot be read.
    return f"({low} to {high})" if MINUS in low + high else f"({low}–{high})"


def amount(value: float | None) -> str:
    """Write a quantity with three digits that count.

    Parameters
    ----------
    value : float or None
        Images a second, seconds, a ratio.

    Returns
    -------
    str
        The number, thousands set apart, or a dash.

    Examples
    --------
    >>> amount(12345), amount(45.23), amount(3.4), amount(0.0412), amount(0)
    ('12,300', '45.2', '3.40', '.0412', '0')
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    if value == 0:
        return "0"
    digits = 2 - math.floor(math.log10(abs(value)))
    rounded = round(value, digits)
    return f"{rounded:,.{max(digits, 0)}f}".removeprefix("0")


def whole(value: float | None) -> str:
    """Write a count.

    Parameters
    ----------
    value : int or None
        The count.

    Returns
    -------
    str
        The number, thousands set apart, or a dash.

    Examples
    --------
    >>> whole(12345), whole(None)
    ('12,345', '–')
    """
    return NOTHING if value is None else f"{value:,.0f}"


def bytes_text(value: float | None) -> str:
    """Write the size of a file.

    Parameters
    ----------
    value : int or None
        Bytes.

    Returns
    -------
    str
        The size in kB or MB (1,000 and 1,000,000 bytes), or a dash.

    Examples
    --------
    >>> bytes_text(1_234_567), bytes_text(45_600), bytes_text(None)
    ('1.23 MB', '45.6 kB', '–')
    """
    if value is None:
        return NOTHING
    return f"{amount(value / 1e6)} MB" if value >= 1e6 else f"{amount(value / 1e3)} kB"


def shortened(text: str, limit: int) -> str:
    """Cut a long name in its middle, where names differ least.

    Parameters
    ----------
    text : str
        The name.
    limit : int
        Longest length, at least 5 characters.

    Returns
    -------
    str
        The name, or its beginning and end.

    Examples
    --------
    >>> shortened("hog+lbp+haar+pixels svm", 12)
    'hog+l…ls svm'
    """
    if len(text) <= limit:
        return text
    tail = limit // 2
    return f"{text[: limit - tail - 1].rstrip()}…{text[-tail:].lstrip()}"


def resource(name: str) -> str:
    """Read a file that lies beside this one, style or script.

    Parameters
    ----------
    name : str
        Its name.

    Returns
    -------
    str
        Its text.

    Examples
    --------
    >>> resource("page.css").startswith(":root")
    True
    """
    return (files(__package__) / name).read_text(encoding="utf-8")


def png_text(image: NDArray[np.uint8]) -> str:
    """Return an image as text that needs no second file.

    Parameters
    ----------
    image : ndarray of shape (h, w), dtype uint8
        Grey.

    Returns
    -------
    str
        A data URL of a PNG.

    Examples
    --------
    >>> png_text(np.zeros((2, 2), np.uint8))[:22]
    'data:image/png;base64,'
    """
    _, packed = cv2.imencode(".png", np.ascontiguousarray(image))
    return "data:image/png;base64," + base64.b64encode(packed.tobytes()).decode("ascii")
