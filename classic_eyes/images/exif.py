"""When a photograph was taken: the EXIF data of JPEG, TIFF, PNG, WebP, HEIC, AVIF and camera raw files."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from datetime import UTC, datetime
from struct import unpack_from

__all__ = ["time_taken"]

_EXIF_IFD = 0x8769
# Taken, then digitized; each with the tag of its fraction of a second.
_DATES = ((0x9003, 0x9291), (0x9004, 0x9292))
_TEXT = 2
_MAX_LENGTH = 64
_DATE = re.compile(rb"\s*(\d{4})[:/-](\d\d)[:/-](\d\d)[ T](\d\d):(\d\d):(\d\d)")
_FRACTION = re.compile(rb"\s*(\d{1,9})")
# Boxes of HEIC, AVIF and CR3: the data follow their name.
_IN_BOXES = re.compile(rb"(?:Exif\0\0|CMT2)(?=II\*\0|MM\0\*)")


def time_taken(data: bytes) -> float | None:
    """Return when a photograph was taken by the clock of the camera, or None if the file does not say.

    Parameters
    ----------
    data : bytes
        The whole file.

    Returns
    -------
    float or None
        Seconds since 1970, as if the clock of the camera showed universal time: the zone that a file may state is
        ignored, so that photographs with and without one keep their order.
    """
    try:
        block = _exif_of(data)
        return None if block is None else _time(block)
    except (IndexError, ValueError, OverflowError, struct.error):  # the data are damaged
        return None


def _exif_of(data: bytes) -> bytes | None:
    """Return the EXIF data of a file: a TIFF without an image."""
    start = data[:2]
    if start == b"\xff\xd8":
        return _of_jpeg(data)
    if start in (b"II", b"MM"):
        return data
    if start == b"\x89P":
        return next((content for kind, content in _chunks(data, 8, ">I4s", 4) if kind == b"eXIf"), None)
    if start == b"RI":
        found = next((content for kind, content in _chunks(data, 12, "<4sI", 0) if kind == b"EXIF"), None)
        return None if found is None else found.removeprefix(b"Exif\0\0")
    if data[4:8] == b"ftyp" and (box := _IN_BOXES.search(data)):
        return data[box.end() :]
    if data.startswith(b"FUJIFILMCCD-RAW"):
        place, length = unpack_from(">II", data, 84)
        return _of_jpeg(data[place : place + length])
    return None


def _of_jpeg(data: bytes) -> bytes | None:
    place = 2
    while data[place] == 0xFF:
        marker = data[place + 1]
        if marker == 0xFF:
            place += 1
            continue
        if marker in (0xDA, 0xD9):  # the image itself
            return None
        (length,) = unpack_from(">H", data, place + 2)
        if marker == 0xE1 and data[place + 4 : place + 10] == b"Exif\0\0":
            return data[place + 10 : place + 2 + length]
        place += 2 + length
    return None


def _chunks(data: bytes, place: int, head: str, tail: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield the kind and the content of the chunks of a PNG or WebP; those of WebP have even lengths."""
    while place + 8 <= len(data):
        first, second = unpack_from(head, data, place)
        kind, length = (second, first) if isinstance(first, int) else (first, second)
        yield kind, data[place + 8 : place + 8 + length] if kind.lower() == b"exif" else b""
        place += 8 + length + (tail or length % 2)


def _time(block: bytes) -> float | None:
    order = "<" if block[:1] == b"I" else ">"
    (first,) = unpack_from(f"{order}I", block, 4)
    texts, below = _texts(block, first, order)
    if below is not None:
        texts |= _texts(block, below, order)[0]
    for date, fraction in _DATES:
        found = _DATE.match(texts.get(date, b""))
        if found:
            seconds = datetime(*map(int, found.groups()), tzinfo=UTC).timestamp()  # type: ignore[arg-type, misc]
            digits = _FRACTION.match(texts.get(fraction, b""))
            return seconds + (float(b"0." + digits[1]) if digits else 0.0)
    return None


def _texts(block: bytes, place: int, order: str) -> tuple[dict[int, bytes], int | None]:
    """Return the texts of a directory by their tags, and the place of the directory of EXIF data below it."""
    (count,) = unpack_from(f"{order}H", block, place)
    texts, below = dict[int, bytes](), None
    for entry in range(place + 2, min(place + 2 + 12 * count, len(block) - 11), 12):
        tag, kind, length, value = unpack_from(f"{order}HHII", block, entry)
        if tag == _EXIF_IFD:
            below = value
        elif kind == _TEXT and length <= _MAX_LENGTH:
            at = value if length > 4 else entry + 8
            texts[tag] = block[at : at + length]
    return texts, below
