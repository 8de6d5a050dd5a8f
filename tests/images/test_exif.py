"""When a photograph was taken."""

from __future__ import annotations

import io
import struct
from datetime import UTC, datetime

import numpy as np
import pytest
from PIL import Image

from classic_eyes.images.exif import time_taken

DATE = "2026:05:01 10:20:30"
SECONDS = datetime(2026, 5, 1, 10, 20, 30, tzinfo=UTC).timestamp()
IMAGE = Image.fromarray(np.zeros((20, 30, 3), np.uint8))


def exif_data(date: str | None = DATE, *, fraction: str | None = None, tag: int = 0x9003) -> Image.Exif:
    exif = Image.Exif()
    exif[0x010F] = "A maker with a long name"
    if date is not None:
        exif.get_ifd(0x8769)[tag] = date
    if fraction is not None:
        exif.get_ifd(0x8769)[tag + 0x28E] = fraction
    return exif


def file_of(kind: str, exif: Image.Exif, **options) -> bytes:
    if kind == "TIFF":  # Pillow drops the date; EXIF data are a TIFF without an image
        return exif.tobytes().removeprefix(b"Exif\0\0")
    buffer = io.BytesIO()
    IMAGE.save(buffer, kind, exif=exif, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "TIFF", "PNG", "WEBP", "AVIF"])
def test_time_is_read_from_files_of_every_kind(kind):
    assert time_taken(file_of(kind, exif_data())) == SECONDS
    assert time_taken(file_of(kind, exif_data(None))) is None
    assert time_taken(file_of(kind, exif_data(fraction="25"))) == SECONDS + 0.25


def test_heic():
    pillow_heif = pytest.importorskip("pillow_heif")
    buffer = io.BytesIO()
    pillow_heif.from_pillow(IMAGE.resize((64, 64))).save(buffer, exif=exif_data().tobytes())
    assert time_taken(buffer.getvalue()) == SECONDS


def block(order: str, entries: list[tuple[int, int, int, bytes]]) -> bytes:
    """Return a TIFF of one directory; texts that are longer than four bytes follow it."""
    body = struct.pack(f"{order}H", len(entries))
    texts, place = b"", 8 + 2 + 12 * len(entries) + 4
    for tag, kind, count, value in entries:
        if len(value) > 4:
            value, texts = struct.pack(f"{order}I", place + len(texts)), texts + value
        body += struct.pack(f"{order}HHI", tag, kind, count) + value.ljust(4, b"\0")
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return mark + struct.pack(f"{order}I", 8) + body + b"\0" * 4 + texts


@pytest.mark.parametrize("order", ["<", ">"])
def test_other_places(order):
    data = block(order, [(0x9003, 2, 20, DATE.encode() + b"\0"), (0x9291, 2, 3, b"07\0")])
    # In the first directory, as of camera raw files; behind boxes of CR3; in the preview of a RAF.
    assert time_taken(data) == pytest.approx(SECONDS + 0.07)
    assert time_taken(b"\0\0\0\x18ftypcrx " + bytes(40) + b"CMT2" + data) == pytest.approx(SECONDS + 0.07)
    jpeg = b"\xff\xd8\xff\xff\xe0\0\4ab\xff\xe1" + struct.pack(">H", len(data) + 8) + b"Exif\0\0" + data
    assert time_taken(jpeg) == pytest.approx(SECONDS + 0.07)
    raf = b"FUJIFILMCCD-RAW".ljust(84, b" ") + struct.pack(">II", 100, len(jpeg)) + bytes(8) + jpeg
    assert time_taken(raf) == pytest.approx(SECONDS + 0.07)


@pytest.mark.parametrize(
    ("date", "tag", "seconds"),
    [
        ("2026:05:01 10:20:30", 0x9004, SECONDS),  # digitized
        ("2026-05-01T10:20:30", 0x9003, SECONDS),
        ("2026:05:01 10:20:30+02:00", 0x9003, SECONDS),
        ("1969:12:31 23:59:59", 0x9003, -1.0),
        ("0000:00:00 00:00:00", 0x9003, None),
        ("2026:02:30 10:00:00", 0x9003, None),
        ("    :  :     :  :  ", 0x9003, None),
        ("yesterday", 0x9003, None),
        ("2026:05:01 10:20:30", 0x0132, None),  # when the file was changed
    ],
)
def test_dates(date, tag, seconds):
    assert time_taken(file_of("JPEG", exif_data(date, tag=tag))) == seconds


def test_taken_comes_before_digitized():
    exif = exif_data("2020:01:01 00:00:00", tag=0x9004)
    exif.get_ifd(0x8769)[0x9003] = DATE
    assert time_taken(file_of("JPEG", exif)) == SECONDS


@pytest.mark.parametrize("kind", ["JPEG", "TIFF", "PNG", "WEBP", "AVIF"])
def test_damaged_files_have_no_time_or_the_right_one(kind):
    data = file_of(kind, exif_data(fraction="5"))
    rng = np.random.default_rng(0)
    for end in range(0, len(data), 3):
        assert time_taken(data[:end]) in (None, SECONDS, SECONDS + 0.5)
    for _ in range(2000):
        changed = bytearray(data)
        for place in rng.integers(len(data), size=4):
            changed[place] = rng.integers(256)
        found = time_taken(bytes(changed))
        assert found is None or isinstance(found, float)


def test_files_without_exif_data():
    for data in (b"", b"hello", b"\xff\xd8", b"II", b"\x89PNG\r\n\x1a\n", b"RIFF", b"P5 1 1 255 a"):
        assert time_taken(data) is None
