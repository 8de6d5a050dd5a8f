"""What a file needs beyond OpenCV's decoding: rules of TIFF, AVIF, PNM and JPEG 2000 that OpenCV does not follow."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from struct import unpack_from

import cv2
import numpy as np

from ..errors import ImageError
from .headers import TIFF_TYPES, tiff_entries

__all__ = ["Plan", "plan_of"]

# TIFF: the tags that tell what the values mean.
_BITS, _PHOTOMETRIC, _SAMPLES, _PLANES, _EXTRA, _FORMAT = 258, 262, 277, 284, 338, 339
_TAGS = {_BITS, _PHOTOMETRIC, _SAMPLES, _PLANES, _EXTRA, _FORMAT}
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _CMYK, _YCBCR = 0, 1, 2, 3, 5, 6
_PHOTOMETRIC_NAMES = {
    _WHITE_IS_ZERO: "grey with 0 as white",
    _BLACK_IS_ZERO: "grey",
    _RGB: "RGB",
    _PALETTE: "a palette",
    4: "a mask",
    _CMYK: "CMYK",
    _YCBCR: "YCbCr",
    8: "CIE Lab",
    9: "ICC Lab",
    10: "ITU Lab",
    32803: "a colour filter array of a camera",
    32844: "logarithmic luminance",
    32845: "logarithmic colour",
    34892: "raw values of a camera",
}
_UNSIGNED, _SIGNED, _FLOAT = 1, 2, 3
_FORMAT_NAMES = {_UNSIGNED: "unsigned integers", _SIGNED: "signed integers", _FLOAT: "floats"}
_ASSOCIATED, _UNASSOCIATED = 1, 2
# AVIF: the turn of the image is a property of its main item.
_QUARTER_TURNS = {1: cv2.ROTATE_90_COUNTERCLOCKWISE, 2: cv2.ROTATE_180, 3: cv2.ROTATE_90_CLOCKWISE}
_PNM_NUMBER = re.compile(rb"(?:\s|#[^\r\n]*[\r\n])*(-?[0-9.]{1,12})")


@dataclass(frozen=True)
class Plan:
    """How one file is decoded, where that differs from other files.

    Parameters
    ----------
    data : bytes
        What OpenCV decodes.
    unchanged : bool, default False
        Whether OpenCV must not convert channels: it then fails, or changes the values.
    white : int, optional
        The integer that stands for white, if it is not the largest one of its dtype.
    inverted : bool, default False
        Whether 0 is white, where OpenCV does not invert: in everything but uint8.
    turns : sequence of int
        Rotations (codes of ``cv2.rotate``), then at most one mirroring (-1 minus the code of ``cv2.flip``).
    """

    data: bytes
    unchanged: bool = False
    white: int | None = None
    inverted: bool = False
    turns: tuple[int, ...] = ()

    def turn(self, image: np.ndarray) -> np.ndarray:
        """Return the image as its header says that it is seen."""
        for code in self.turns:
            image = cv2.rotate(image, code) if code >= 0 else cv2.flip(image, -1 - code)
        return image


def plan_of(data: bytes) -> Plan | None:
    """Return how to decode a file whose size `stated_size` returned; None if OpenCV's decoding is right.

    Raises
    ------
    ImageError
        For a file that OpenCV would decode to other values than its header means.
    """
    start = data[:2]
    if start == b"\xff\xd8":  # JPEG, most files
        return None
    try:
        if start in (b"II", b"MM"):
            return _tiff(data)
        if start == b"BM":
            _check_bmp(data)
            return None
        if start[:1] == b"P" and start[1:] in b"123456Ff":
            return _pnm(data)
        if start in (b"\xff\x4f", b"\0\0") and b"\xff\x4f\xff\x51" in data:
            return _jpeg_2000(data)
        if data[4:8] == b"ftyp":
            return _avif(data)
    except ImageError:
        raise
    except (IndexError, KeyError, ValueError, OverflowError, struct.error) as error:
        raise ImageError("the header is damaged") from error
    return None


def _tiff(data: bytes) -> Plan:
    from .strips import LAYOUT_TAGS, checked_strips  # other formats are read without

    order = "<" if data[:1] == b"I" else ">"
    tags: dict[int, tuple[int, ...]] = {}
    entries: dict[int, tuple[int, int, int]] = {}
    extra_at: list[tuple[int, str]] = []
    for tag, kind, count, place in tiff_entries(data):
        if tag in entries:
            raise ImageError(f"TIFF: tag {tag} is stated twice")
        entries[tag] = kind, count, place
        if tag not in _TAGS and tag not in LAYOUT_TAGS:
            continue
        if kind not in TIFF_TYPES or not 1 <= count <= 64:
            raise ImageError(f"TIFF: tag {tag} has another type or count than TIFF allows")
        tags[tag] = unpack_from(f"{order}{count}{TIFF_TYPES[kind]}", data, place)
        if tag == _EXTRA:
            form = order + TIFF_TYPES[kind]
            extra_at = [(place + number * struct.calcsize(form), form) for number in range(count)]
    samples = tags.get(_SAMPLES, (1,))[0]
    all_bits, formats = tags.get(_BITS, (1,)), tags.get(_FORMAT, (_UNSIGNED,))
    if len({*all_bits}) > 1 or len({*formats}) > 1:
        raise ImageError("TIFF: channels of different depths; save it with 8 or 16 bits a channel")
    bits, sample_format = all_bits[0], formats[0]
    photometric = tags.get(_PHOTOMETRIC, (_BLACK_IS_ZERO,))[0]
    planes = tags.get(_PLANES, (1,))[0]
    _check_tiff(bits, sample_format, photometric, samples, planes)
    subsampled = photometric == _YCBCR and planes == 1
    data = checked_strips(data, tags, entries, bits=bits, samples=samples, planes=planes, subsampled=subsampled)
    if bits == 8 and _UNASSOCIATED in tags.get(_EXTRA, ()):
        # libtiff would multiply the colours by alpha. It does not where it is told that they are multiplied already.
        changed = bytearray(data)
        for place, form in extra_at:
            struct.pack_into(form, changed, place, _ASSOCIATED)
        data = bytes(changed)
    return Plan(data, unchanged=True, inverted=photometric == _WHITE_IS_ZERO)


def _check_tiff(bits: int, sample_format: int, photometric: int, samples: int, planes: int) -> None:
    """Refuse what OpenCV decodes wrongly; tests/images/test_differential.py holds what it decodes rightly."""
    remedy = "save it as grey or RGB of 8 or 16 bits"
    name = _PHOTOMETRIC_NAMES.get(photometric, f"photometric interpretation {photometric}")
    kind = f"{_FORMAT_NAMES.get(sample_format, 'values')} of {bits} bits"
    channels = {_RGB: (3, 4), _PALETTE: (1,), _CMYK: (4,), _YCBCR: (3,), _WHITE_IS_ZERO: (1, 2), _BLACK_IS_ZERO: (1, 2)}
    if photometric not in channels:
        raise ImageError(f"TIFF: {name} is not supported; {remedy}")
    if samples not in channels[photometric]:
        raise ImageError(f"TIFF: {name} with {samples} channels is not supported; {remedy}")
    known = {_UNSIGNED: (1, 4, 8, 16), _SIGNED: (8, 16, 32), _FLOAT: (32, 64)}
    if bits not in known.get(sample_format, ()):
        raise ImageError(f"TIFF: {kind} are not supported; {remedy}")
    if bits > 8 and planes != 1 and samples > 1:
        # OpenCV leaves memory unwritten.
        raise ImageError(f"TIFF: channels of {bits} bits in separate planes are not supported; save them interleaved")
    plain = sample_format == _UNSIGNED and bits == 8
    if not plain and (
        photometric in (_CMYK, _YCBCR)
        or (photometric == _PALETTE and bits > 8)
        or (samples > 1 and bits < 8)
        or (samples == 2 and not (sample_format == _UNSIGNED and bits == 16))
        or (sample_format == _SIGNED and (samples > 1 or photometric == _WHITE_IS_ZERO))
    ):
        plural = f"{samples} channels of " if samples > 1 else ""
        raise ImageError(f"TIFF: {name} in {plural}{kind} is not supported; {remedy}")


def _pnm(data: bytes) -> Plan | None:
    kind, place, numbers = data[1:2], 2, []
    for _ in range(2 if kind in b"14" else 3):
        match = _PNM_NUMBER.match(data, place)
        if match is None:
            raise ValueError("a number is missing")
        numbers.append(match[1])
        place = match.end()
    if kind in b"Ff":
        if abs(float(numbers[2])) != 1:
            raise ImageError("PFM: a scale other than 1 and -1 is not supported; save it with -1.0 or 1.0")
        return None
    # OpenCV does not read the last number of a text file that ends with it.
    text = Plan(data + b"\n") if kind in b"123" else None
    if kind in b"14":
        return text
    white = int(numbers[2])
    if not 0 < white < 65536:
        raise ImageError(f"PNM: a largest value of {white} is not allowed; 1 to 65535 are")
    # Of text of up to 8 bits OpenCV scales the values itself.
    if white in (255, 65535) or (text and white < 256):
        return text
    # Not converted to grey before the values are scaled: that would round them.
    return Plan(text.data if text else data, unchanged=True, white=white)


def _check_bmp(data: bytes) -> None:
    (head,) = unpack_from("<I", data, 14)
    (bits,) = unpack_from("<H", data, 24 if head == 12 else 28)
    if bits == 16:
        raise ImageError("BMP: 16 bits are not supported; save it with 24")


def _jpeg_2000(data: bytes) -> Plan | None:
    if b"colr\1\0\0\0\0\0\x12" in data[: data.index(b"\xff\x4f\xff\x51")]:
        raise ImageError("JPEG 2000: YCbCr colours are not supported; save it as RGB or grey")
    place = data.index(b"\xff\x4f\xff\x51") + 4
    (n_channels,) = unpack_from(">H", data, place + 36)
    depths = {data[place + 38 + 3 * number] for number in range(n_channels)}
    if len(depths) > 1 or max(depths) & 0x80:
        raise ImageError("JPEG 2000: channels that are signed, or of different depths, are not supported")
    bits = depths.pop() + 1
    if bits > 16:
        raise ImageError(f"JPEG 2000: {bits} bits are not supported; save it with 8 or 16")
    return None if bits in (8, 16) else Plan(data, white=(1 << bits) - 1)


def _avif(data: bytes) -> Plan | None:
    meta = next(((start + 4, end) for kind, start, end in _boxes(data, 0, len(data)) if kind == b"meta"), None)
    if meta is None:  # an image sequence without a still image
        return None
    inside = {kind: (start, end) for kind, start, end in _boxes(data, *meta)}
    if b"iprp" not in inside or b"pitm" not in inside:
        return None
    start = inside[b"pitm"][0]
    (item,) = unpack_from(">H" if data[start] == 0 else ">I", data, start + 4)
    properties: list[tuple[bytes, int]] = []
    indices: list[int] = []
    for kind, start, end in _boxes(data, *inside[b"iprp"]):
        if kind == b"ipco":
            properties = [(name, place) for name, place, _ in _boxes(data, start, end)]
        elif kind == b"ipma":
            indices += _associations(data, start, item)
    turns = []
    for index in indices:
        name, place = properties[index - 1] if index else (b"", 0)
        if name == b"irot" and data[place] & 3:
            turns.append(_QUARTER_TURNS[data[place] & 3])
        elif name == b"imir":
            turns.append(-1 - (data[place] & 1))
    depths = {data[place + 2] >> 5 & 3 for name, place in properties if name == b"av1C"}
    deep = max(depths, default=0) & 2
    white = (4095 if max(depths) & 1 else 1023) if deep else None
    return Plan(data, unchanged=bool(deep), white=white, turns=tuple(turns)) if turns or deep else None


def _associations(data: bytes, start: int, item: int) -> list[int]:
    """Return the indices, from 1, of the properties of an item, in the order in which they are applied."""
    version, wide = data[start], data[start + 3] & 1
    (count,) = unpack_from(">I", data, start + 4)
    place, found = start + 8, []
    for _ in range(count):
        (each,) = unpack_from(">H" if version == 0 else ">I", data, place)
        place += 2 if version == 0 else 4
        n, place = data[place], place + 1
        for _ in range(n):
            index = unpack_from(">H", data, place)[0] & 0x7FFF if wide else data[place] & 0x7F
            place += 2 if wide else 1
            if each == item:
                found.append(index)
    return found


def _boxes(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield the kind of each box between two places, and the places of its content."""
    while start + 8 <= end:
        length, kind = unpack_from(">I4s", data, start)
        head = 8
        if length == 1:
            (length,) = unpack_from(">Q", data, start + 8)
            head = 16
        stop = end if length == 0 else start + length
        if stop > len(data) or stop < start + head:
            raise ValueError("a box that leaves the file")
        yield kind, start + head, stop
        start = stop
