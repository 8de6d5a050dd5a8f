"""What the header of a file states, read before decoding: the size of the image, and when a photograph was taken."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from struct import unpack_from

__all__ = ["TIFF_TYPES", "stated_size", "tiff_entries", "time_taken"]

Size = tuple[int, int]

# JPEG: decoding visits all pixels once per scan, and a scan takes only a few bytes. Encoders write about ten.
_MAX_SCANS = 200
# PNG: encoders write chunks of eight kilobytes, so that this many hold about a hundred megapixels.
_MAX_CHUNKS = 100_000
# JPEG 2000, AVIF: the size is searched for, and a hostile file can repeat it. Others state it a few times.
_MAX_BOXES = 100
# JPEG: start-of-frame markers. C4, C8 and CC are other markers.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# JPEG: markers without a length field.
_BARE = frozenset({0x01, *range(0xD0, 0xD9)})
# TIFF: tags of width and length of image and tile; formats of the types that hold whole numbers.
_TIFF_WIDTHS, _TIFF_LENGTHS = (256, 322), (257, 323)
TIFF_TYPES = {1: "B", 3: "H", 4: "I", 16: "Q"}
_NUMBER = re.compile(rb"(?:\s|#[^\r\n]*[\r\n])*(\d{1,12})")
_EXIF_IFD = 0x8769
# Taken, then digitized; each with the tag of its fraction of a second.
_EXIF_DATES = ((0x9003, 0x9291), (0x9004, 0x9292))
_EXIF_TEXT = 2
_MAX_EXIF_LENGTH = 64
_DATE = re.compile(rb"\s*(\d{4})[:/-](\d\d)[:/-](\d\d)[ T](\d\d):(\d\d):(\d\d)")
_FRACTION = re.compile(rb"\s*(\d{1,9})")
# Boxes of HEIC, AVIF and CR3: the data follow their name.
_IN_BOXES = re.compile(rb"(?:Exif\0\0|CMT2)(?=II\*\0|MM\0\*)")


def stated_size(data: bytes) -> Size | None:
    """Return the image size that a file states, without decoding it.

    The format is recognized by its first bytes, as OpenCV does: PNG, JPEG, GIF, BMP, TIFF, WebP, PNM, PFM, JPEG 2000
    and AVIF. If a file states several sizes (tiles of a TIFF, items of an AVIF), each side is the largest one.

    Parameters
    ----------
    data : bytes
        The whole file.

    Returns
    -------
    tuple of int or None
        Width and height in pixels; None for another format, or if the header is truncated or states no size. A
        JPEG of 400 scans counts with twice its height, one of 600 with three times its height.

    References
    ----------
    ISO/IEC 10918-1 (JPEG), 15948 (PNG), 15444-1 (JPEG 2000), 23008-12 (the boxes of AVIF); TIFF 6.0; RFC 9649 (WebP).

    Examples
    --------
    >>> stated_size(b"P5 640 480 255 ...")
    (640, 480)
    >>> stated_size(b"hello") is None
    True
    """
    signatures, read = _READERS.get(data[:2], _NONE)
    # An AVIF begins with a length, so it is recognized last: the fifth byte of a JPEG may begin with ftyp, too.
    if not data.startswith(signatures):
        if data[4:8] != b"ftyp":
            return None
        read = _avif
    try:
        return read(data)
    except (IndexError, ValueError, OverflowError, struct.error):
        return None


def _png(data: bytes) -> Size | None:
    # OpenCV allocates the stated length of a chunk, up to four gigabytes, before it checks that the bytes exist.
    place = 8
    for _ in range(_MAX_CHUNKS):
        length, kind = unpack_from(">I4s", data, place)
        place += 12 + length
        if place > len(data):
            break
        if kind == b"IEND":
            return unpack_from(">II", data, 16)
    return None


def _jpeg(data: bytes) -> Size | None:
    # As libjpeg does: skip all bytes before the next FF.
    place = 2
    while True:
        place = data.index(0xFF, place)
        while data[place] == 0xFF:
            place += 1
        marker = data[place]
        place += 1
        if marker in _FRAMES:
            height, width = unpack_from(">HH", data, place + 3)
            return width, height * max(1, data.count(b"\xff\xda") // _MAX_SCANS)
        if marker and marker not in _BARE:
            place += max(2, unpack_from(">H", data, place)[0])


def _gif(data: bytes) -> Size:
    return unpack_from("<HH", data, 6)


def _bmp(data: bytes) -> Size:
    (header,) = unpack_from("<I", data, 14)
    width, height = unpack_from("<HH" if header == 12 else "<ii", data, 18)
    return abs(width), abs(height)


def _webp(data: bytes) -> Size | None:
    kind = data[12:16]
    if data[8:12] != b"WEBP":
        return None
    if kind == b"VP8X":
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    if kind == b"VP8L":
        (bits,) = unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = unpack_from("<HH", data, 26)
    return (width & 0x3FFF, height & 0x3FFF) if kind == b"VP8 " else None


def _pnm(data: bytes) -> Size | None:
    width = _NUMBER.match(data, 2)
    height = width and _NUMBER.match(data, width.end())
    return (int(width[1]), int(height[1])) if width and height else None


def _tiff(data: bytes) -> Size | None:
    order = "<" if data[0] == ord("I") else ">"
    width = height = 0
    for tag, kind, _, place in tiff_entries(data):
        if tag in _TIFF_WIDTHS or tag in _TIFF_LENGTHS:
            (stated,) = unpack_from(order + TIFF_TYPES.get(kind, "I"), data, place)
            width, height = (max(width, stated), height) if tag in _TIFF_WIDTHS else (width, max(height, stated))
    return (width, height) if width and height else None


def tiff_entries(data: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Yield tag, type and number of values of the entries of the first image of a TIFF, and the place of the values."""
    order = "<" if data[0] == ord("I") else ">"
    big = unpack_from(f"{order}H", data, 2)[0] == 43
    (first,) = unpack_from(f"{order}Q" if big else f"{order}I", data, 8 if big else 4)
    (count,) = unpack_from(f"{order}Q" if big else f"{order}H", data, first)
    entry, head, step = (first + 8, "HHQ", 20) if big else (first + 2, "HHI", 12)
    inline = step - struct.calcsize(order + head)
    # Never more entries than fit into the file.
    for place in range(entry, min(entry + count * step, len(data) - step + 1), step):
        tag, kind, n = unpack_from(order + head, data, place)
        value = place + step - inline
        if n * struct.calcsize(TIFF_TYPES.get(kind, "I")) > inline:
            (value,) = unpack_from(order + ("Q" if big else "I"), data, value)
        yield tag, kind, n, value


def _jpeg_2000(data: bytes) -> Size:
    sizes = [unpack_from(">IIII", data, place + 8) for place in _find_all(data, b"\xff\x4f\xff\x51")]
    return max(right - left for right, _, left, _ in sizes), max(lower - upper for _, lower, _, upper in sizes)


def _avif(data: bytes) -> Size:
    sizes = [unpack_from(">II", data, place + 8) for place in _find_all(data, b"ispe")]
    return max(width for width, _ in sizes), max(height for _, height in sizes)


def _find_all(data: bytes, mark: bytes) -> Iterator[int]:
    place = -1
    for _ in range(_MAX_BOXES):
        if (place := data.find(mark, place + 1)) < 0:
            return
        yield place
    raise ValueError("too many boxes")


# First two bytes: the possible signatures and the reader of the size.
_READERS: dict[bytes, tuple[tuple[bytes, ...], Callable[[bytes], Size | None]]] = {
    b"\xff\xd8": ((b"\xff\xd8\xff",), _jpeg),
    b"\x89P": ((b"\x89PNG\r\n\x1a\n",), _png),
    b"GI": ((b"GIF87a", b"GIF89a"), _gif),
    b"BM": ((b"BM",), _bmp),
    b"RI": ((b"RIFF",), _webp),
    b"II": ((b"II*\0", b"II+\0"), _tiff),
    b"MM": ((b"MM\0*", b"MM\0+"), _tiff),
    b"\xff\x4f": ((b"\xff\x4f\xff\x51",), _jpeg_2000),
    b"\0\0": ((b"\0\0\0\x0cjP  \r\n\x87\n",), _jpeg_2000),
    **{b"P%d" % kind: ((b"P%d" % kind,), _pnm) for kind in range(1, 7)},
    b"PF": ((b"PF",), _pnm),
    b"Pf": ((b"Pf",), _pnm),
}
_NONE: tuple[tuple[bytes, ...], Callable[[bytes], Size | None]] = ((), _avif)


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
        return None if block is None else _exif_time(block)
    except (IndexError, ValueError, OverflowError, struct.error):  # the data are damaged
        return None


def _exif_of(data: bytes) -> bytes | None:
    """Return the EXIF data of a file: a TIFF without an image."""
    start = data[:2]
    if start == b"\xff\xd8":
        return _exif_of_jpeg(data)
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
        return _exif_of_jpeg(data[place : place + length])
    return None


def _exif_of_jpeg(data: bytes) -> bytes | None:
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


def _exif_time(block: bytes) -> float | None:
    order = "<" if block[:1] == b"I" else ">"
    (first,) = unpack_from(f"{order}I", block, 4)
    texts, below = _exif_texts(block, first, order)
    if below is not None:
        texts |= _exif_texts(block, below, order)[0]
    for date, fraction in _EXIF_DATES:
        found = _DATE.match(texts.get(date, b""))
        if found:
            seconds = datetime(*map(int, found.groups()), tzinfo=UTC).timestamp()  # type: ignore[arg-type, misc]
            digits = _FRACTION.match(texts.get(fraction, b""))
            return seconds + (float(b"0." + digits[1]) if digits else 0.0)
    return None


def _exif_texts(block: bytes, place: int, order: str) -> tuple[dict[int, bytes], int | None]:
    """Return the texts of a directory by their tags, and the place of the directory of EXIF data below it."""
    (count,) = unpack_from(f"{order}H", block, place)
    texts, below = dict[int, bytes](), None
    for entry in range(place + 2, min(place + 2 + 12 * count, len(block) - 11), 12):
        tag, kind, length, value = unpack_from(f"{order}HHII", block, entry)
        if tag == _EXIF_IFD:
            below = value
        elif kind == _EXIF_TEXT and length <= _MAX_EXIF_LENGTH:
            at = value if length > 4 else entry + 8
            texts[tag] = block[at : at + length]
    return texts, below
