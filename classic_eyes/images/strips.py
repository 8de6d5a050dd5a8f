"""Strips and tiles of a TIFF: whether each of them decodes. OpenCV leaves black what libtiff cannot decode."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from math import gcd

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import ImageError
from .headers import TIFF_TYPES, stated_size

__all__ = ["LAYOUT_TAGS", "checked_strips"]

_WIDTH, _HEIGHT, _COMPRESSION, _FILL_ORDER, _ROWS, _TILE_WIDTH, _TILE_HEIGHT = 256, 257, 259, 266, 278, 322, 323
_STRIP_OFFSETS, _STRIP_SIZES, _TILE_OFFSETS, _TILE_SIZES, _JPEG_TABLES, _SUBSAMPLING = 273, 279, 324, 325, 347, 530
# Tags with one value, or two, that tell how the values are stored.
LAYOUT_TAGS = {_WIDTH, _HEIGHT, _COMPRESSION, _FILL_ORDER, _ROWS, _TILE_WIDTH, _TILE_HEIGHT, _SUBSAMPLING}

_NONE, _GROUP_4, _LZW, _JPEG, _DEFLATE, _PACKBITS = 1, 4, 5, 7, (8, 32946), 32773
_KNOWN = frozenset({_NONE, 2, 3, _GROUP_4, _LZW, _JPEG, *_DEFLATE, _PACKBITS})
_COMPRESSION_NAMES = {
    6: "old JPEG",
    9: "JBIG",
    10: "JBIG",
    22610: "JPEG XR",
    32809: "ThunderScan",
    33003: "JPEG 2000",
    33004: "JPEG 2000",
    33005: "JPEG 2000",
    33007: "JPEG",
    34661: "JBIG",
    34676: "SGI log",
    34677: "SGI log",
    34712: "JPEG 2000",
    34887: "LERC",
    34892: "lossy JPEG of DNG",
    34925: "LZMA",
    34926: "Zstandard",
    34927: "WebP",
    34933: "PNG",
    34934: "JPEG XR",
    50000: "Zstandard",
    50001: "WebP",
    50002: "JPEG XL",
    52546: "JPEG XL",
}
_DAMAGED = "TIFF: damaged data"

# LZW: codes of 256 and more. A table is full at 4096 entries; libtiff goes on for 1024 more.
_CLEAR, _END, _FIRST = 256, 257, 258
_MAX_CODES = 4096 + 1024 - _FIRST
_WIDTHS = np.full(_MAX_CODES, 12, np.int32)
for _width in (11, 10, 9):
    # A code gets one bit more as soon as the table has all entries but one of that many bits.
    _WIDTHS[: (1 << _width) - _FIRST] = _width
_ENDS = np.cumsum(_WIDTHS, dtype=np.int32)
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
# Libtiff refuses uncompressed tiles in memory unless they fill blocks of so many bytes.
_BLOCK = 1024


@dataclass(frozen=True)
class _Layout:
    """How the values of the first image are cut into strips or tiles.

    ``row`` is the number of bytes of a row of the image, in one plane; ``part_row`` that of a strip or tile.
    """

    height: int
    row: int
    part_row: int
    part_height: int
    across: int
    down: int
    planes: int
    tiled: bool

    @property
    def n(self) -> int:
        return self.across * self.down * self.planes

    def rows_of(self, number: int) -> int:
        """Return how many rows a strip has; the last one has fewer."""
        return (
            self.part_height
            if self.tiled
            else min(self.part_height, self.height - number % self.down * self.part_height)
        )


def checked_strips(
    data: bytes,
    tags: dict[int, tuple[int, ...]],
    entries: dict[int, tuple[int, int, int]],
    *,
    bits: int,
    samples: int,
    planes: int,
    subsampled: bool,
) -> bytes:
    """Check that all strips or tiles decode; return the file, with other tiles where OpenCV cannot read them.

    ``entries`` has type, count and place of the values of each tag. ``subsampled`` states that colours may have fewer
    values than the brightness.
    """
    compression = tags.get(_COMPRESSION, (_NONE,))[0]
    if compression not in _KNOWN:
        name = f" ({_COMPRESSION_NAMES[compression]})" if compression in _COMPRESSION_NAMES else ""
        raise ImageError(f"TIFF: compression {compression}{name} is not supported; save it with none, LZW or deflate")
    planes = samples if planes == 2 else 1
    tiled = _TILE_WIDTH in tags or _TILE_HEIGHT in tags
    width, height = tags[_WIDTH][0], tags[_HEIGHT][0]
    part_width = tags[_TILE_WIDTH][0] if tiled else width
    # Libtiff takes more rows than there are for all of them.
    part_height = tags[_TILE_HEIGHT][0] if tiled else min(height, tags.get(_ROWS, (height,))[0])
    if not (width and height and part_width and part_height):
        raise ImageError("the header is damaged")
    depth = bits * samples // planes
    layout = _Layout(
        height,
        -(-width * depth // 8),
        -(-part_width * depth // 8),
        part_height,
        -(-width // part_width),
        -(-height // part_height),
        planes,
        tiled,
    )
    offsets, sizes = _places(data, entries, layout)
    units = tags.get(_SUBSAMPLING, (2, 2)) if subsampled and compression != _JPEG else (1, 1)
    if len(units) != 2 or not {*units} <= {1, 2, 4}:
        raise ImageError("the header is damaged")
    needed = np.full(layout.n, part_height * layout.part_row)
    if units != (1, 1):
        block = units[0] * units[1] + 2
        needed[:] = -(-part_width // units[0]) * -(-part_height // units[1]) * block
    elif not tiled:
        needed[layout.down - 1 :: layout.down] = layout.rows_of(layout.down - 1) * layout.part_row
    inside = (offsets > 0) & (offsets <= len(data)) & (sizes > 0) & (sizes <= len(data) - offsets)
    if not inside.all():
        raise ImageError(_DAMAGED)
    if compression == _NONE:
        if (sizes < needed).any():
            raise ImageError(_DAMAGED)
        # OpenCV reads tiles of more bits in another way.
        if tiled and bits <= 8 and int(needed[0]) % _BLOCK and units == (1, 1):
            return _in_blocks(data, entries, layout, offsets)
        return data
    # Otherwise a small file could make a long work of the same bytes.
    if int(sizes.sum()) > len(data):
        raise ImageError(_DAMAGED)
    reverse = tags.get(_FILL_ORDER, (1,))[0] == 2 and compression != _JPEG
    tables = b""
    if compression == _JPEG and _JPEG_TABLES in entries:
        _, count, place = entries[_JPEG_TABLES]
        tables = data[place + 2 : place + count - 2]
    for number, (offset, size) in enumerate(zip(offsets.tolist(), sizes.tolist(), strict=True)):
        part = data[offset : offset + size]
        if reverse:
            part = part.translate(_REVERSED)
        n_bytes = int(needed[number])
        if compression == _JPEG:
            whole = _jpeg_decodes(part, tables, part_width, layout.rows_of(number), part_height)
        elif compression == _LZW:
            whole = _lzw_decodes(part, n_bytes)
        elif compression == _PACKBITS:
            whole = _packbits_decodes(part, n_bytes)
        elif compression in _DEFLATE:
            whole = _deflate_decodes(part, n_bytes, int(needed[0]))
        else:
            # No code of another kind of CCITT marks an end.
            whole = compression != _GROUP_4 or _has_end_of_block(part)
        if not whole:
            raise ImageError(_DAMAGED)
    return data


def _places(
    data: bytes, entries: dict[int, tuple[int, int, int]], layout: _Layout
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the offsets of the strips or tiles, and their sizes; without sizes, up to the end of the file."""
    if (_STRIP_OFFSETS in entries) == (_TILE_OFFSETS in entries):
        raise ImageError("the header is damaged")
    tag = _TILE_OFFSETS if _TILE_OFFSETS in entries else _STRIP_OFFSETS
    offsets = _array(data, entries, tag, layout.n)
    for sizes in (_TILE_SIZES, _STRIP_SIZES):
        if sizes in entries:
            if entries[sizes][1] != entries[tag][1]:
                raise ImageError("the header is damaged")
            return offsets, _array(data, entries, sizes, layout.n)
    return offsets, len(data) - offsets


def _array(data: bytes, entries: dict[int, tuple[int, int, int]], tag: int, n: int) -> NDArray[np.int64]:
    kind, count, place = entries[tag]
    # Checked before an array of that size is made.
    if kind not in TIFF_TYPES or count < n:
        raise ImageError("the header is damaged")
    dtype = np.dtype(
        ("<" if data[:1] == b"I" else ">") + {"B": "u1", "H": "u2", "I": "u4", "Q": "u8"}[TIFF_TYPES[kind]]
    )
    values = np.frombuffer(data, dtype, n, place).astype(np.uint64)
    return np.minimum(values, len(data) + 1).astype(np.int64)


def _deflate_decodes(part: bytes, needed: int, full: int) -> bool:
    """Return whether a zlib stream ends with the right checksum; the last strip may hold as many rows as others."""
    decoder, total, limit = zlib.decompressobj(), 0, max(needed, full) + _BLOCK
    try:
        for start in range(0, len(part), 1 << 14):
            total += len(decoder.decompress(part[start : start + (1 << 14)], limit - total))
            if decoder.eof:
                return total >= needed
            if total >= limit:
                return False
    except zlib.error:
        return False
    return False


def _lzw_decodes(part: bytes, needed: int) -> bool:
    """Return whether LZW codes are valid up to the last byte that is needed."""
    place = total = 0
    while total < needed:
        codes = _lzw_codes(part, place)
        special = np.flatnonzero((codes == _CLEAR) | (codes == _END))
        stop = int(special[0]) if len(special) else len(codes)
        if place == 0 and (stop or not len(special)):  # it does not begin with a clear code
            return False
        n, whole = _lzw_length(codes[:stop])
        total += n
        if not whole or stop == len(codes) or codes[stop] == _END:
            break
        place += int(_ENDS[stop])
    return total >= needed


def _lzw_codes(part: bytes, place: int) -> NDArray[np.int32]:
    """Return the codes from a bit on, as if the table began there; as many as a table can have."""
    n = int(np.searchsorted(_ENDS, 8 * len(part) - place, "right"))
    start = place >> 3
    stream = np.frombuffer(part[start : start + 2 * _MAX_CODES] + b"\0\0\0", np.uint8).astype(np.int32)
    first, widths = (_ENDS - _WIDTHS)[:n] + (place & 7), _WIDTHS[:n]
    at = first >> 3
    words = stream[at] << 16 | stream[at + 1] << 8 | stream[at + 2]
    return words >> (24 - (first & 7) - widths) & ((1 << widths) - 1)


def _lzw_length(codes: NDArray[np.int32]) -> tuple[int, bool]:
    """Return to how many bytes the codes of one table decode, and whether all of them are valid."""
    # Entry 258 + k is the string of code k and one byte more; code k + 1 may be that entry already.
    number = np.arange(len(codes), dtype=np.int32)
    wrong = np.flatnonzero(codes >= _FIRST + number)
    valid = int(wrong[0]) if len(wrong) else len(codes)
    # Each code points to the one before; the length of a string is the number of codes up to a single byte.
    before = codes[:valid] - _FIRST
    length = np.ones(valid, np.int64)
    more = np.flatnonzero(before >= 0)
    while len(more):
        target = before[more]
        add, onward = length[target], before[target]
        length[more] += add
        before[more] = onward
        more = more[onward >= 0]
    return int(length.sum()), valid == len(codes)


def _packbits_decodes(part: bytes, needed: int) -> bool:
    place, total, n = 0, 0, len(part)
    while total < needed:
        if place >= n:
            return False
        head = part[place]
        if head < 128:
            place, total = place + head + 2, total + head + 1
        elif head > 128:
            place, total = place + 2, total + 257 - head
        else:
            place += 1
        if place > n:
            return False
    return True


def _jpeg_decodes(part: bytes, tables: bytes, width: int, rows: int, full: int) -> bool:
    """Return whether a strip is a JPEG of the right size that ends, and that libjpeg decodes."""
    jpeg = part[:2] + tables + part[2:]
    stated = stated_size(jpeg)
    if stated is None or stated[0] != width or not rows <= stated[1] <= full or b"\xff\xd9" not in part[-_BLOCK:]:
        return False
    try:
        # At an eighth of the size it takes a part of the time.
        return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_REDUCED_GRAYSCALE_8) is not None
    except cv2.error:
        return False


def _has_end_of_block(part: bytes) -> bool:
    """Return whether codes of CCITT Group 4 end with twice 000000000001, followed by zeros."""
    last = int.from_bytes(part.rstrip(b"\0")[-5:], "big")
    return bool(last) and last // (last & -last) & 0xFFFFFF == 0x001001


def _in_blocks(
    data: bytes, entries: dict[int, tuple[int, int, int]], layout: _Layout, offsets: NDArray[np.int64]
) -> bytes:
    """Return an uncompressed file with higher tiles, each of a number of blocks, that are appended to it."""
    row, height = layout.part_row, layout.part_height
    size = height * row
    tiles = np.stack([np.frombuffer(data, np.uint8, size, offset) for offset in offsets.tolist()])
    tiles = tiles.reshape(layout.planes, layout.down, layout.across, height, row).swapaxes(2, 3)
    rows = tiles.reshape(layout.planes, layout.down * height, -1)[:, : layout.height]
    unit = _BLOCK // gcd(_BLOCK, row)
    high = -(-height // unit) * unit
    rows = np.pad(rows, ((0, 0), (0, -layout.height % high), (0, 0)))
    tiles = rows.reshape(layout.planes, -1, high, layout.across, row).swapaxes(2, 3)
    places = len(data) + high * row * np.arange(tiles.size // (high * row))
    changed = bytearray(data) + np.ascontiguousarray(tiles).tobytes()
    order = "<" if data[:1] == b"I" else ">"
    tags = [_TILE_OFFSETS if _TILE_OFFSETS in entries else _STRIP_OFFSETS, _TILE_HEIGHT]
    values = [places.tolist(), [high]]
    sizes = [tag for tag in (_TILE_SIZES, _STRIP_SIZES) if tag in entries]
    if not sizes:
        raise ImageError("TIFF: tiles without sizes are not supported; save it in strips")
    for tag, numbers in zip((*tags, sizes[0]), (*values, [high * row] * len(places)), strict=True):
        kind, _, place = entries[tag]
        struct.pack_into(f"{order}{len(numbers)}{TIFF_TYPES[kind]}", changed, place, *numbers)
    return bytes(changed)
