"""Text in files from elsewhere: which encoding is not UTF-8."""

from __future__ import annotations

__all__ = ["wide_encoding"]

_MARKS = {b"\xff\xfe\0\0": "UTF-32", b"\0\0\xfe\xff": "UTF-32", b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


def wide_encoding(start: bytes) -> str | None:
    """Return "UTF-16" or "UTF-32" for the first bytes of such a text, else None; four bytes are enough.

    Without a byte order mark it is recognized where the first two characters are ASCII.

    >>> wide_encoding("file".encode("utf-16")), wide_encoding("file".encode("utf-32-be")), wide_encoding(b"file")
    ('UTF-16', 'UTF-32', None)
    """
    for mark, name in _MARKS.items():
        if start.startswith(mark):
            return name
    zeros = [byte == 0 for byte in start[:4]]
    if zeros in ([False, True, False, True], [True, False, True, False]):
        return "UTF-16"
    return "UTF-32" if zeros in ([False, True, True, True], [True, True, True, False]) else None
