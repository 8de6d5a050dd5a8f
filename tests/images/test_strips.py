"""TIFF files whose strips or tiles do not decode are refused: OpenCV would leave them black."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image

from classic_eyes.errors import ImageError
from classic_eyes.images import read_images
from classic_eyes.images.decoding import decode, quiet_opencv
from classic_eyes.images.strips import _lzw_decodes
from classic_eyes.synthetic import make_eyes

from .image_files import packed_tiff

pytestmark = pytest.mark.filterwarnings("ignore")
EYES = make_eyes(3, size=64, random_state=1).images
IMAGES = {
    "grey": Image.fromarray(EYES[0]),
    "colour": Image.fromarray(np.dstack([*EYES])),
    "deep": Image.fromarray(EYES[0].astype(np.uint16) * 257),
    "binary": Image.fromarray(EYES[0]).convert("1"),
}
KINDS = [(kind, "grey") for kind in ("raw", "packbits", "tiff_lzw", "tiff_deflate", "jpeg")]
KINDS += [("tiff_lzw", "colour"), ("tiff_lzw", "deep"), ("packbits", "colour"), ("tiff_deflate", "deep")]
KINDS += [("jpeg", "colour"), ("group3", "binary"), ("group4", "binary"), ("raw", "binary")]


def saved(kind: str, name: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    IMAGES[name].save(buffer, "TIFF", compression=kind, **options)
    return buffer.getvalue()


def read(data: bytes) -> np.ndarray | str:
    with quiet_opencv():
        try:
            return decode(data, colour=False, max_pixels=10**7).image
        except ImageError as error:
            return str(error)


def seen_by_pillow(data: bytes) -> bool:
    try:
        Image.open(io.BytesIO(data)).load()
    except (
        OSError,
        ValueError,
        SyntaxError,
        EOFError,
        struct.error,
        TypeError,
        KeyError,
        Image.DecompressionBombError,
    ):
        return False
    return True


@pytest.mark.parametrize(("kind", "name"), KINDS)
@pytest.mark.parametrize("options", [{}, {"strip_size": 1024}], ids=["one strip", "strips"])
def test_damaged_files_that_pillow_refuses_are_refused(kind, name, options):
    whole = saved(kind, name, **options)
    assert isinstance(read(whole), np.ndarray)
    rng = np.random.default_rng(5)
    outcomes = []
    for _ in range(150):
        data = bytearray(whole)
        for place in rng.integers(8, len(data), 1 << rng.integers(4)):
            data[place] = rng.integers(256)
        if rng.random() < 0.3:
            del data[rng.integers(8, len(data)) :]
        image, known = read(bytes(data)), seen_by_pillow(bytes(data))
        outcomes.append(isinstance(image, np.ndarray))
        assert known or isinstance(image, str), "read, but not by Pillow"
    assert outcomes.count(False) > 10


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (34712, " (JPEG 2000)"),
        (50002, " (JPEG XL)"),
        (34933, " (PNG)"),
        (34934, " (JPEG XR)"),
        (34925, " (LZMA)"),
        (50000, " (Zstandard)"),
        (50001, " (WebP)"),
        (34887, " (LERC)"),
        (6, " (old JPEG)"),
        (12345, ""),
    ],
)
def test_other_compressions_are_refused_by_name(number, name):
    expected = f"TIFF: compression {number}{name} is not supported; save it with none, LZW or deflate"
    assert read(packed_tiff(EYES[0].astype(int), 8, t259=number)) == expected


@pytest.mark.parametrize("tags", [{"t273": 5000}, {"t279": 64 * 64 - 1}, {"t273": 0}, {"t279": 0}])
def test_strips_lie_in_the_file_and_hold_all_rows(tags):
    assert read(packed_tiff(EYES[0].astype(int), 8, **tags)) == "TIFF: damaged data"


def test_a_deflate_strip_has_the_right_checksum_and_no_more_bytes_than_it_may():
    data = bytearray(saved("tiff_deflate", "grey"))
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page = file.pages[0]
        offset, size = page.dataoffsets[0], page.databytecounts[0]
    data[offset + size - 1] ^= 1
    assert read(bytes(data)) == "TIFF: damaged data"
    bomb = zlib.compress(bytes(1 << 24))
    entry = data.index(struct.pack("<HHI", 273, 4, 1)) + 8
    struct.pack_into("<I", data, entry, len(data))
    entry = data.index(struct.pack("<H", 279))
    struct.pack_into("<HHII", data, entry, 279, 4, 1, len(bomb))
    assert read(bytes(data) + bomb) == "TIFF: damaged data"


def test_lzw_is_followed_through_full_tables_and_long_strings():
    rng = np.random.default_rng(0)
    noise = Image.fromarray(rng.integers(0, 256, (300, 300), dtype=np.uint8))
    for image in (noise, Image.new("L", (2000, 900), 7)):
        buffer = io.BytesIO()
        image.save(buffer, "TIFF", compression="tiff_lzw", strip_size=1 << 22)
        np.testing.assert_array_equal(read(buffer.getvalue()), np.asarray(image))
        with tifffile.TiffFile(io.BytesIO(buffer.getvalue())) as file:
            page = file.pages[0]
            start, size = page.dataoffsets[0], page.databytecounts[0]
        part = buffer.getvalue()[start : start + size]
        n = image.width * image.height
        assert _lzw_decodes(part, n)
        assert not _lzw_decodes(part, n + 1)
        assert not _lzw_decodes(part[: size // 2], n)


def test_bits_in_the_other_order_are_decoded():
    data = bytearray(saved("tiff_lzw", "grey"))
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page = file.pages[0]
        places = list(zip(page.dataoffsets, page.databytecounts, strict=True))
    for start, size in places:
        part = np.frombuffer(bytes(data[start : start + size]), np.uint8)
        data[start : start + size] = np.packbits(np.unpackbits(part).reshape(-1, 8)[:, ::-1]).tobytes()
    entry = data.index(struct.pack("<HHI", 262, 3, 1))
    # A tag that is not needed becomes the order of bits; libtiff allows any order of tags.
    spare = data.index(struct.pack("<HHI", 284, 3, 1))
    struct.pack_into("<HHIHH", data, spare, 266, 3, 1, 2, 0)
    assert entry > 0
    np.testing.assert_array_equal(read(bytes(data)), EYES[0])


@pytest.mark.parametrize("side", [16, 48, 80])
@pytest.mark.parametrize("size", [24, 64, 100, 300])
@pytest.mark.parametrize("more", [{}, {"byteorder": ">"}, {"bigtiff": True}], ids=str)
def test_tiles_of_any_size_are_read(side, size, more):
    rgb = np.random.default_rng(0).integers(0, 256, (size, size + 7, 3), dtype=np.uint8)
    for values, options in (
        (rgb[..., 0], {}),
        (rgb, {"photometric": "rgb"}),
        (np.ascontiguousarray(np.moveaxis(rgb, -1, 0)), {"photometric": "rgb", "planarconfig": "separate"}),
        (rgb[..., 0] > 99, {"photometric": "minisblack"}),
    ):
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, values, tile=(side, side), **options, **more)
        with quiet_opencv():
            image = decode(buffer.getvalue(), colour=True, max_pixels=10**7).image
        expected = (
            rgb
            if values.ndim == 3
            else np.repeat((values * (255 if values.dtype == bool else 1))[..., None], 3, axis=2)
        )
        np.testing.assert_array_equal(image, expected)


def test_large_files_of_many_strips_and_tiles_are_read(tmp_path):
    """Places in the file are numbers of 32 bits, sizes of 16."""
    image = np.random.default_rng(0).integers(0, 256, (400, 500), dtype=np.uint8)
    for number, options in enumerate(({"tile": (64, 64)}, {"tile": (128, 128)}, {"rowsperstrip": 1})):
        tifffile.imwrite(tmp_path / f"{number}.tif", image, **options)
    images, errors = read_images([tmp_path / f"{number}.tif" for number in range(3)])
    assert errors == [None] * 3
    assert (images == images[0]).all()
