"""Unusual and hostile files, and the expected result of reading each.

``python -m tests.hostile_files`` prints the table of docs/robustness.md.
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

import numpy as np
import tifffile
from PIL import Image

from classic_eyes._utils.dependencies import opencv_log
from classic_eyes.images import read_images
from classic_eyes.synthetic import make_eyes

from .images.image_files import packed_tiff

EYE = make_eyes(1, random_state=3).images[0]
_GREY = Image.fromarray(EYE)
_OTHER = Image.fromarray(255 - EYE)

READ = "read"
TEXT = "text, not an image"
DAMAGED = "TIFF: damaged data"


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
    """Yield name, description, content, and READ or the error."""
    png, jpeg = _encoded(_GREY, "PNG"), _encoded(_GREY, "JPEG", quality=95)
    colour = Image.merge("RGB", [_GREY] * 3)
    yield "empty.png", "an empty file", b"", "empty file"
    yield "cut.png", "the first half of a PNG", png[: len(png) // 2], "PNG: cut off"
    yield "cut.jpg", "the first half of a JPEG", jpeg[: len(jpeg) // 2], "JPEG: cut off"
    yield "text.png", "a text file with the ending of an image", b"Dear reader,\n", TEXT
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"
    yield "pointer.png", "a pointer of Git LFS", pointer, "a pointer of Git LFS"
    heic = b"\0\0\0\x18ftypheic" + bytes(12)
    yield "telephone.jpg", "HEIC with the ending of a JPEG", heic, "HEIC is not supported for patches"
    yield "page.jpg", "an HTML page, as from a failed download", b"<!DOCTYPE html><title>404</title>", "an HTML page"
    yield "16-bit.png", "16 bits a pixel", _encoded(Image.fromarray(EYE.astype(np.uint16) * 257), "PNG"), READ
    yield "1-bit.png", "one bit a pixel", _encoded(_GREY.convert("1"), "PNG"), READ
    yield "palette.png", "a palette", _encoded(_GREY.convert("P"), "PNG"), READ
    transparent = Image.merge("RGBA", [_GREY, _GREY, _GREY, Image.new("L", _GREY.size, 9)])
    yield "alpha.png", "nearly transparent; alpha is ignored", _encoded(transparent, "PNG"), READ
    yield "cmyk.jpg", "CMYK", _encoded(colour.convert("CMYK"), "JPEG", quality=95), READ
    small = Image.fromarray((EYE / 255).astype(np.float32))
    yield "float.tif", "floats from 0 to 1", _encoded(small, "TIFF"), READ
    large = Image.fromarray(EYE.astype(np.float32))
    error = f"float32 values from {EYE.min()}.0 to {EYE.max()}.0; floats must lie in 0..1"
    yield "float-255.tif", "floats beyond 1", _encoded(large, "TIFF"), error
    deep = EYE.astype(np.uint16) * 257
    planes = io.BytesIO()
    tifffile.imwrite(planes, np.stack([deep] * 3), photometric="rgb", planarconfig="separate")
    error = "TIFF: channels of 16 bits in separate planes are not supported"
    yield "planes.tif", "16 bits, the channels in separate planes", planes.getvalue(), error
    yield "negative.tif", "16 bits, 0 is white", packed_tiff(65535 - deep.astype(int), 16, t262=0), READ
    yield "12-bit.tif", "12 bits, packed", packed_tiff(EYE.astype(int) * 16, 12), "TIFF: unsigned integers of 12 bits"
    straight = packed_tiff(np.dstack([EYE, EYE, EYE, np.full_like(EYE, 9)]).astype(int), 8, t262=2, t338=2)
    yield "alpha.tif", "nearly transparent; alpha is ignored", straight, READ
    yield "cut.tif", "16 bits, cut off", packed_tiff(deep.astype(int), 16)[:900], "TIFF: cut off"
    plain = packed_tiff(EYE.astype(int), 8)
    beyond = packed_tiff(EYE.astype(int), 8, t273=len(plain) - 99)
    yield "beyond.tif", "a strip that ends beyond the end of the file", beyond, DAMAGED
    lzw = bytearray(_encoded(_GREY, "TIFF", compression="tiff_lzw"))
    lzw[60:68] = b"\xff" * 8
    yield "lzw.tif", "LZW, eight bytes are changed", bytes(lzw), DAMAGED
    deflate = bytearray(_encoded(_GREY, "TIFF", compression="tiff_deflate"))
    deflate[100] ^= 1
    yield "deflate.tif", "deflate, one bit is changed", bytes(deflate), DAMAGED
    error = "TIFF: compression 34712 (JPEG 2000) is not supported"
    yield "jp2.tif", "a compression that OpenCV reads as black", packed_tiff(EYE.astype(int), 8, t259=34712), error
    tiles = io.BytesIO()
    tifffile.imwrite(tiles, EYE, tile=(16, 16))
    yield "tiles.tif", "tiles of 16 x 16", tiles.getvalue(), READ
    colours = np.repeat(EYE[::-1, :, np.newaxis] / np.float32(255), 3, axis=2).astype("<f4")
    yield "colour.pfm", "floats in colour", b"PF\n24 24\n-1.0\n" + colours.tobytes(), READ
    yield "10-bit.pgm", "values up to 1023", b"P5\n24 24\n1023\n" + (EYE.astype(int) * 4).astype(">u2").tobytes(), READ
    text = b"P2\n24 24\n255\n" + " ".join(map(str, EYE.ravel())).encode()
    yield "text.pgm", "values as text, without a newline at the end", text, READ
    exif = Image.Exif()
    exif[274] = 6
    turned = _GREY.transpose(Image.Transpose.ROTATE_90)
    yield "turned.jpg", "a quarter turn in EXIF data", _encoded(turned, "JPEG", quality=95, exif=exif.tobytes()), READ
    yield "turned.avif", "a quarter turn in a box", _encoded(turned, "AVIF", quality=95, exif=exif.tobytes()), READ
    frames = [_OTHER.convert("P")] * 3
    yield (
        "moving.gif",
        "an animation; the first image is used",
        _encoded(_GREY.convert("P"), "GIF", save_all=True, append_images=frames),
        READ,
    )
    yield (
        "pages.tif",
        "several pages; the first is used",
        _encoded(_GREY, "TIFF", save_all=True, append_images=[_OTHER]),
        READ,
    )
    yield "1x1.png", "one pixel", _encoded(Image.new("L", (1, 1), 90), "PNG"), READ
    line = Image.fromarray(np.tile(np.arange(100, dtype=np.uint8), (1, 100)))
    yield "1x10000.png", "one row of 10,000 pixels", _encoded(line, "PNG"), READ
    bomb = _png(30_000, 30_000, 1, bytes(30_000 * 3_751))
    error = "the header states 30000 x 30000 pixels; at most 100,000,000 are decoded"
    yield "bomb.png", f"900 million pixels in {len(bomb) // 1000} kB", bomb, error
    frame = jpeg.index(b"\xff\xc0") + 5
    lie = jpeg[:frame] + struct.pack(">HH", 65_000, 65_000) + jpeg[frame + 4 :]
    error = "the header states 65000 x 65000 pixels; at most 100,000,000 are decoded"
    yield "lie.jpg", "a patch whose header states 4,225 million pixels", lie, error
    scans = _encoded(Image.new("L", (2000, 2000), 9), "JPEG", progressive=True)
    scans += b"\xff\xda" * 10_000
    error = "the header states 2000 x 100000 pixels; at most 100,000,000 are decoded"
    yield "scans.jpg", "10,000 scans; the height counts once for every 200", scans, error
    yield "=1+1.png", "a name that a spreadsheet reads as a formula; it is written unchanged", png, READ
    yield "-h.png", "a name that looks like an option", png, READ
    yield "comma, \"quote\" and 'quote'.png", "a name that needs quotes in CSV", png, READ
    yield "new\nline.png", "a name of two lines", png, READ
    yield "return\rhere.png", "a name with a carriage return", png, READ
    yield "\N{EYE}\ufe0f \N{GRINNING FACE}.png", "a name of emoji", png, READ
    yield os.fsdecode(b"caf\xe9.png"), "a name that is not UTF-8; its bytes are written unchanged", png, READ
    yield "n" * 251 + ".png", "a name of 255 bytes", png, READ


def _links(folder: Path) -> Iterator[tuple[str, str, Callable[[], object], str]]:
    """Yield name, description, a function that makes it, and the error."""

    def make_folder() -> None:
        (folder / "folder.jpg").mkdir()
        (folder / "folder.jpg" / "inside.png").write_bytes(_encoded(_GREY, "PNG"))

    yield (
        "folder.jpg",
        "a folder; the images in it are rows of their own",
        make_folder,
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
    error = "not a regular file (a pipe, socket or device)"
    yield "pipe.png", "a pipe without a writer", lambda: os.mkfifo(folder / "pipe.png"), error
    yield "device.png", "a link to an endless device", lambda: (folder / "device.png").symlink_to("/dev/zero"), error


def build(folder: Path) -> dict[str, str]:
    """Make all of them in a folder; return the expected results by name."""
    expected = {}
    for name, _, content, result in _contents():
        (folder / name).write_bytes(content)
        expected[name] = result
    for name, _, make, result in _links(folder):
        make()
        expected[name] = result
    expected["folder.jpg/inside.png"] = READ
    return expected


def table() -> str:
    """Read all of them; return the table for the document."""
    lines = ["| file | content | result |", "|---|---|---|"]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        build(folder)
        for name, what, _, _ in (*_contents(), *_links(folder)):
            reason = read_images([folder / name])[1][0]
            shown = ascii(name)[1:-1] if len(name) < 60 else f"{name[:3]}...{name[-7:]}"
            lines.append(f"| `{shown}` | {what} | {f'refused: {reason}' if reason else 'read'} |")
    return "\n".join(lines)


if __name__ == "__main__":
    opencv_log.setLogLevel(0)
    sys.stdout.write(table() + "\n")
