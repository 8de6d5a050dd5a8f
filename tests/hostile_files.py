"""What a folder may hold that is no plain image; what becomes of each file is in docs/robustness.md.

``python -m tests.hostile_files`` prints the table of that document.
"""

from __future__ import annotations

import io
import os
import struct
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from classic_eyes.images import read_images
from classic_eyes.synthetic import make_eyes

EYE = make_eyes(1, random_state=3).images[0]
_GREY = Image.fromarray(EYE)
_OTHER = Image.fromarray(255 - EYE)

ANSWERED = "answered"
NOT_READABLE = "not an image OpenCV can read"


def _encoded(image: Image.Image, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def _png(width: int, height: int, bits: int, rows: bytes) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def _contents() -> Iterator[tuple[str, str, bytes, str]]:
    """Give name, what it is, what is in it, and what becomes of it."""
    png, jpeg = _encoded(_GREY, "PNG"), _encoded(_GREY, "JPEG", quality=95)
    colour = Image.merge("RGB", [_GREY] * 3)
    yield "empty.png", "an empty file", b"", "empty file"
    yield "cut.png", "a PNG of which the second half is missing", png[: len(png) // 2], NOT_READABLE
    yield "cut.jpg", "a JPEG of which the second half is missing", jpeg[: len(jpeg) // 2], NOT_READABLE
    yield "text.png", "a text file of another name", b"Dear reader,\n", NOT_READABLE
    yield "page.jpg", "an HTML page, as a download that failed", b"<!DOCTYPE html><title>404</title>", NOT_READABLE
    deep = Image.fromarray(EYE.astype(np.uint16) * 257)
    yield "16-bit.png", "16 bits a pixel", _encoded(deep, "PNG"), ANSWERED
    yield "1-bit.png", "one bit a pixel", _encoded(_GREY.convert("1"), "PNG"), ANSWERED
    yield "palette.png", "a palette", _encoded(_GREY.convert("P"), "PNG"), ANSWERED
    transparent = Image.merge("RGBA", [_GREY, _GREY, _GREY, Image.new("L", _GREY.size, 9)])
    yield "alpha.png", "nearly transparent; alpha is ignored", _encoded(transparent, "PNG"), ANSWERED
    yield "cmyk.jpg", "the colours of a printer", _encoded(colour.convert("CMYK"), "JPEG", quality=95), ANSWERED
    small = Image.fromarray((EYE / 255).astype(np.float32))
    yield "float.tif", "floats from 0 to 1", _encoded(small, "TIFF"), ANSWERED
    large = Image.fromarray(EYE.astype(np.float32))
    said = f"float32 values from {EYE.min()}.0 to {EYE.max()}.0; floats must lie in 0..1"
    yield "float-255.tif", "floats beyond 1", _encoded(large, "TIFF"), said
    frames = [_OTHER.convert("P")] * 3
    yield (
        "moving.gif",
        "an animation; the first image counts",
        _encoded(_GREY.convert("P"), "GIF", save_all=True, append_images=frames),
        ANSWERED,
    )
    yield (
        "pages.tif",
        "several pages; the first counts",
        _encoded(_GREY, "TIFF", save_all=True, append_images=[_OTHER]),
        ANSWERED,
    )
    yield "1x1.png", "one pixel", _encoded(Image.new("L", (1, 1), 90), "PNG"), ANSWERED
    line = Image.fromarray(np.tile(np.arange(100, dtype=np.uint8), (1, 100)))
    yield "1x10000.png", "one row of 10,000 pixels", _encoded(line, "PNG"), ANSWERED
    bomb = _png(30_000, 30_000, 1, bytes(30_000 * 3_751))
    said = "says it is 30000 x 30000 pixels; more than 100,000,000 are not decoded"
    yield "bomb.png", f"900 million pixels in {len(bomb) // 1000} kB", bomb, said
    frame = jpeg.index(b"\xff\xc0") + 5
    lie = jpeg[:frame] + struct.pack(">HH", 65_000, 65_000) + jpeg[frame + 4 :]
    said = "says it is 65000 x 65000 pixels; more than 100,000,000 are not decoded"
    yield "lie.jpg", "a patch that claims to be 4,225 million pixels", lie, said
    # What would be 24 x 24 pixels in each of a hundred thousand scans.
    scans = _encoded(Image.new("L", (2000, 2000), 9), "JPEG", progressive=True)
    scans += b"\xff\xda" * 10_000
    said = "says it is 2000 x 100000 pixels; more than 100,000,000 are not decoded"
    yield "scans.jpg", "10,000 scans over one image; 200 count as its height once more", scans, said
    yield "=1+1.png", "a name that a spreadsheet takes for a formula; it is written as it is", png, ANSWERED
    yield "-h.png", "a name that looks like an option", png, ANSWERED
    yield "comma, \"quote\" and 'quote'.png", "a name that CSV must quote", png, ANSWERED
    yield "new\nline.png", "a name of two lines", png, ANSWERED
    yield "return\rhere.png", "a name with a carriage return", png, ANSWERED
    yield "\N{EYE}\ufe0f \N{GRINNING FACE}.png", "a name of emoji", png, ANSWERED
    yield os.fsdecode(b"caf\xe9.png"), "a name that is not UTF-8; its bytes are written as they are", png, ANSWERED
    yield "n" * 251 + ".png", "a name of 255 bytes", png, ANSWERED


def _links(folder: Path) -> Iterator[tuple[str, str, Callable[[], object], str]]:
    """Give name, what it is, how to make it, and what becomes of it."""

    def folder_with_a_image() -> None:
        (folder / "folder.jpg").mkdir()
        (folder / "folder.jpg" / "inside.png").write_bytes(_encoded(_GREY, "PNG"))

    yield (
        "folder.jpg",
        "a folder of such a name; the images in it are rows of their own",
        folder_with_a_image,
        "is a folder",
    )
    yield (
        "dangling.png",
        "a link to nothing",
        lambda: (folder / "dangling.png").symlink_to("nowhere.png"),
        "no such file",
    )
    yield (
        "loop.png",
        "a link to itself",
        lambda: (folder / "loop.png").symlink_to("loop.png"),
        "a link that leads back to itself",
    )
    said = "not a regular file (a pipe, socket or device)"
    yield "pipe.png", "a pipe that nobody writes to", lambda: os.mkfifo(folder / "pipe.png"), said
    yield "device.png", "a link to a device without end", lambda: (folder / "device.png").symlink_to("/dev/zero"), said


def build(folder: Path) -> dict[str, str]:
    """Make all of them in a folder; return name to what must become of it."""
    expected = {}
    for name, _, content, told in _contents():
        (folder / name).write_bytes(content)
        expected[name] = told
    for name, _, make, told in _links(folder):
        make()
        expected[name] = told
    expected["folder.jpg/inside.png"] = ANSWERED
    return expected


def table() -> str:
    """Return the table of the document, as it was just measured."""
    lines = ["| file | what it is | what becomes of it |", "|---|---|---|"]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        build(folder)
        told = [(name, what) for name, what, _, _ in _contents()] + [
            (name, what) for name, what, _, _ in _links(folder)
        ]
        for name, what in told:
            reason = read_images([folder / name])[1][0]
            shown = ascii(name)[1:-1] if len(name) < 60 else f"{name[:3]}...{name[-7:]}"
            lines.append(f"| `{shown}` | {what} | {f'refused: {reason}' if reason else 'answered'} |")
    return "\n".join(lines)


if __name__ == "__main__":
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    sys.stdout.write(table() + "\n")
