"""Reading of photographs: reduced ones, HEIC and camera raw."""

from __future__ import annotations

import io
import struct
import sys
import time
import types
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps
from skimage import data

from classic_eyes.errors import ImageError
from classic_eyes.images import MAX_PIXELS, photographs, read_photograph
from classic_eyes.images.finding import find_images, list_folder
from classic_eyes.images.photographs import decode_photograph

COLLINS = data.astronaut()[:400]
ORIENTATIONS = range(1, 9)


def jpeg(image: np.ndarray, orientation: int | None = None, **options) -> bytes:
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=95, **({"exif": exif} if orientation else {}), **options)
    return buffer.getvalue()


def upright(content: bytes) -> np.ndarray:
    return np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(content))).convert("RGB"))


def look(source, **options):
    return decode_photograph(source, max_pixels=MAX_PIXELS, bits=None, **options)


def difference(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(float) - other).mean())


# -- reduced --


@pytest.mark.parametrize(
    ("side", "reduction"), [(400, 1), (3839, 1), (3840, 2), (7679, 2), (7680, 4), (15360, 8), (40000, 8)]
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_reduction_keeps_1920_pixels(side, reduction, kind):
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((10, side), np.uint8)).save(buffer, kind)
    found = look(buffer.getvalue())
    assert found.reduction == reduction
    assert found.grey.shape == (10, side)
    assert found.colour().shape == (-(-10 // reduction), -(-side // reduction), 3)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_reduced_jpeg_is_upright(orientation):
    stored = cv2.resize(COLLINS, (3841, 3001), interpolation=cv2.INTER_LINEAR)
    content = jpeg(stored, orientation)
    want = upright(content)
    found = look(content)
    colour = found.colour()
    assert found.reduction == 2
    assert found.grey.shape == want.shape[:2]
    assert colour.shape == (-(-want.shape[0] // 2), -(-want.shape[1] // 2), 3)
    height, width = (2 * (side // 2) for side in want.shape[:2])
    halves = cv2.resize(want[:height, :width], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    assert difference(colour[: height // 2, : width // 2], halves) < 1.5
    assert difference(found.grey, cv2.cvtColor(want, cv2.COLOR_RGB2GRAY)) < 1


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("side", [400, 4000])
def test_jpeg_of_any_colours(mode, side):
    buffer = io.BytesIO()
    image = Image.fromarray(COLLINS).resize((side, side // 2))
    image.convert(mode).save(buffer, "JPEG", quality=95)
    found = look(buffer.getvalue())
    want = np.asarray(image.convert("L" if mode == "L" else "RGB").resize(found.colour().shape[1::-1], Image.BOX))
    assert difference(found.colour(), want[..., None] if mode == "L" else want) < 3
    assert difference(found.grey, np.asarray(image.convert("L"))) < 3


def test_other_formats_have_the_grey_of_their_colours(tmp_path):
    for name in ("a.png", "a.tif", "a.webp", "a.bmp"):
        cv2.imwrite(str(tmp_path / name), COLLINS[..., ::-1])
        found = look(tmp_path / name)
        np.testing.assert_array_equal(found.colour(), read_photograph(tmp_path / name))
        np.testing.assert_array_equal(found.grey, cv2.cvtColor(found.colour(), cv2.COLOR_RGB2GRAY))


def test_header_is_checked_before_large_photographs_are_decoded():
    content = jpeg(np.zeros((2000, 3000, 3), np.uint8))
    with pytest.raises(ImageError, match="header states 3000 x 2000 pixels; at most 1,000,000"):
        decode_photograph(content, max_pixels=1_000_000, bits=None)


def test_16_bits_and_their_peak():
    deep = (COLLINS.astype(np.uint16) * 4)[..., ::-1]
    content = cv2.imencode(".png", deep)[1].tobytes()
    assert look(content).peak == 1020
    found = decode_photograph(content, max_pixels=MAX_PIXELS, bits=10)
    assert found.peak is None
    assert difference(found.colour(), COLLINS) < 1


@pytest.mark.slow
def test_large_jpeg_takes_half_the_time_of_full_colour():
    image = np.random.default_rng(0).normal(128, 8, (4000, 6000, 3)).astype(np.uint8)
    content = jpeg(cv2.GaussianBlur(image, (0, 0), 2))
    took = []
    for action in (lambda: look(content), lambda: read_photograph(content)):
        times = []
        for _ in range(7):
            start = time.process_time()
            action()
            times.append(time.process_time() - start)
        took.append(min(times))
    assert took[0] < 0.6 * took[1]


# -- HEIC --


def heic(image: Image.Image, **options) -> bytes:
    pillow_heif = pytest.importorskip("pillow_heif", reason="pip install 'classic-eyes[photographs]'")
    buffer = io.BytesIO()
    pillow_heif.from_pillow(image).save(buffer, quality=95, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_heic_is_upright(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = heic(Image.fromarray(COLLINS), exif=exif.tobytes())
    want = upright(jpeg(COLLINS, orientation))
    assert difference(read_photograph(content), want) < 4
    assert difference(look(content).colour(), want) < 4
    assert difference(look(content).grey, cv2.cvtColor(want, cv2.COLOR_RGB2GRAY)) < 4


@pytest.mark.parametrize("mode", ["L", "RGBA", "I;16"])
def test_heic_of_other_modes(mode):
    grey = Image.fromarray(COLLINS).convert("L")
    image = {
        "L": grey,
        "RGBA": Image.fromarray(np.dstack([COLLINS, np.full(COLLINS.shape[:2], 128, np.uint8)])),
        "I;16": Image.fromarray(np.asarray(grey).astype(np.uint16) * 257),
    }[mode]
    found = read_photograph(heic(image))
    assert found.dtype == np.uint8
    assert difference(found, COLLINS if mode == "RGBA" else np.asarray(grey)[..., None]) < 4


def test_heic_that_is_damaged_or_too_large(tmp_path):
    content = heic(Image.fromarray(COLLINS))
    for end in (60, 300, len(content) // 2):
        (tmp_path / "a.heic").write_bytes(content[:end])
        with pytest.raises(ImageError, match="not a HEIC image that libheif can read"):
            read_photograph(tmp_path / "a.heic")
    with pytest.raises(ImageError, match=r"states 512 x 400 pixels; at most 1,000 are"):
        read_photograph(content, max_pixels=1000)


def test_avif_is_read_without_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    for brand in (b"avif", b"mif1"):
        content = cv2.imencode(".avif", COLLINS[..., ::-1])[1].tobytes()
        content = content[:8] + brand + content[12:]
        assert difference(read_photograph(content), COLLINS) < 5


# -- camera raw --


# TIFF: the code of each type of values, and how many numbers a value has.
_TYPES = {"B": (1, 1), "H": (3, 1), "I": (4, 1), "I/I": (5, 2), "i/i": (10, 2)}


def _directory(entries: dict[int, tuple], place: int) -> bytes:
    """Return a directory of a TIFF at a place, with the values that do not fit into it behind."""
    body, extra = struct.pack("<H", len(entries)), b""
    for tag, (kind, *numbers) in sorted(entries.items()):
        if kind == "text":
            code, count, value = 2, len(numbers[0]) + 1, numbers[0].encode() + b"\0"
        else:
            code, per_value = _TYPES[kind]
            count, value = len(numbers) // per_value, struct.pack(f"<{len(numbers)}{kind[0]}", *numbers)
        if len(value) > 4:
            at = place + 2 + 12 * len(entries) + 4 + len(extra)
            value, extra = struct.pack("<I", at), extra + value + bytes(len(value) % 2)
        body += struct.pack("<HHI", tag, code, count) + value.ljust(4, b"\0")
    return body + bytes(4) + extra


def dng(preview: bytes | None, *, orientation: int = 1, side: tuple[int, int] = (64, 48)) -> bytes:
    """Return a camera raw file: values of a colour filter array, the upper half darker, and a JPEG as its preview."""
    width, height = side
    values = np.tile(np.linspace(200, 4000, width).astype("<u2"), (height, 1))
    values[: height // 2] //= 4
    raw = values.tobytes()
    blob = raw + (preview or b"")
    blob += bytes(len(blob) % 2)
    exif_at = 8 + len(blob)
    exif = _directory({0x9003: ("text", "2026:05:01 10:20:30")}, exif_at)
    filters_at = exif_at + len(exif)
    filters = {254: ("I", 0), 256: ("I", width), 257: ("I", height), 258: ("H", 16), 259: ("H", 1), 262: ("H", 32803)}
    filters |= {273: ("I", 8), 277: ("H", 1), 278: ("I", height), 279: ("I", len(raw)), 33421: ("H", 2, 2)}
    filters |= {33422: ("B", 0, 1, 1, 2), 50714: ("H", 0), 50717: ("H", 4095)}
    below = _directory(filters, filters_at)
    matrix = [number for k in range(9) for number in (int(k % 4 == 0), 1)]
    main = {
        254: ("I", 1),
        271: ("text", "Maker"),
        272: ("text", "Model"),
        274: ("H", orientation),
        330: ("I", filters_at),
    }
    main |= {34665: ("I", exif_at), 50706: ("B", 1, 4, 0, 0), 50707: ("B", 1, 1, 0, 0), 50708: ("text", "Model")}
    main |= {50721: ("i/i", *matrix), 50728: ("I/I", 1, 1, 1, 1, 1, 1), 50778: ("H", 21)}
    if preview is not None:
        w, h = Image.open(io.BytesIO(preview)).size
        main |= {256: ("I", w), 257: ("I", h), 258: ("H", 8, 8, 8), 259: ("H", 7), 262: ("H", 6), 277: ("H", 3)}
        main |= {273: ("I", 8 + len(raw)), 278: ("I", h), 279: ("I", len(preview))}
    place = filters_at + len(below)
    return b"II*\0" + struct.pack("<I", place) + blob + exif + below + _directory(main, place)


@pytest.fixture
def rawpy():
    return pytest.importorskip("rawpy", reason="pip install 'classic-eyes[photographs]'")


PREVIEW = cv2.resize(COLLINS, (1600, 1250), interpolation=cv2.INTER_CUBIC)
STANDING = {1: None, 3: cv2.ROTATE_180, 6: cv2.ROTATE_90_CLOCKWISE, 8: cv2.ROTATE_90_COUNTERCLOCKWISE}


@pytest.mark.parametrize("orientation", STANDING)
@pytest.mark.parametrize("preview", ["without orientation", "with orientation", "stored upright"])
def test_preview_of_a_raw_file_is_upright(rawpy, tmp_path, orientation, preview):
    turn = STANDING[orientation]
    want = PREVIEW if turn is None else cv2.rotate(PREVIEW, turn)
    if preview == "stored upright":
        if turn == cv2.ROTATE_180:
            pytest.skip("nothing tells that it is upright")
        stored = jpeg(np.ascontiguousarray(want))
    else:
        stored = jpeg(PREVIEW, orientation if preview == "with orientation" else None)
    (tmp_path / "a.DNG").write_bytes(dng(stored, orientation=orientation))
    found = look(tmp_path / "a.DNG")
    assert found.time == 1777630830
    assert difference(found.grey, cv2.cvtColor(want, cv2.COLOR_RGB2GRAY)) < 2
    assert difference(found.colour(), want) < 3
    assert difference(read_photograph(tmp_path / "a.DNG"), want) < 3


@pytest.mark.parametrize("orientation", STANDING)
def test_small_preview_is_not_used(rawpy, tmp_path, orientation):
    turn = STANDING[orientation]
    for stored in (None, jpeg(COLLINS)):
        (tmp_path / "a.nef").write_bytes(dng(stored, orientation=orientation, side=(120, 80)))
        found = read_photograph(tmp_path / "a.nef")
        assert found.shape == ((40, 60, 3) if turn in (None, cv2.ROTATE_180) else (60, 40, 3))
        back = {1: 0, 3: 2, 6: 1, 8: 3}[orientation]
        level = np.rot90(found, back).astype(float)
        # As it was stored: darker above, brighter towards the right.
        assert level[:15].mean() < level[25:].mean()
        assert level[:, :15].mean() < level[:, -15:].mean()


def test_preview_that_is_no_jpeg(rawpy, monkeypatch):
    shown = types.SimpleNamespace(format=rawpy.ThumbFormat.BITMAP, data=PREVIEW)
    sizes = types.SimpleNamespace(flip=6, raw_width=64, raw_height=48)
    raw = types.SimpleNamespace(extract_thumb=lambda: shown, sizes=sizes)
    found = photographs._preview(raw, rawpy)
    np.testing.assert_array_equal(found.image, cv2.rotate(PREVIEW, cv2.ROTATE_90_CLOCKWISE))
    for grey in (PREVIEW[..., 0], PREVIEW[..., :1]):
        shown.data = grey
        assert (photographs._preview(raw, rawpy).image == cv2.rotate(grey, cv2.ROTATE_90_CLOCKWISE)[..., None]).all()


def changed_at_random(content: bytes, rng: np.random.Generator) -> bytes:
    """Return content with some bytes changed, mostly near its ends, or cut short."""
    changed = bytearray(content)
    for _ in range(rng.integers(1, 12)):
        near = int(rng.integers(min(900, len(content))))
        changed[[near, -1 - near, int(rng.integers(len(content)))][rng.integers(3)]] = rng.integers(256)
    return bytes(changed[: rng.integers(1, len(changed)) if rng.random() < 0.2 else None])


@pytest.mark.parametrize("name", ["a.heic", "preview.dng", "values.dng"])
def test_hostile_files_are_read_or_refused(rawpy, tmp_path, name):
    content = {
        "a.heic": lambda: heic(Image.fromarray(COLLINS[:100, :200])),
        "preview.dng": lambda: dng(jpeg(PREVIEW)),
        "values.dng": lambda: dng(None),
    }[name]()
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(500):
        (tmp_path / name).write_bytes(changed_at_random(content, rng))
        try:
            found = decode_photograph(tmp_path / name, max_pixels=10_000_000, bits=None)
        except ImageError:
            refused += 1
            continue
        assert found.grey.dtype == found.colour().dtype == np.uint8
        assert found.grey.shape == found.colour().shape[:2]
        assert found.colour().shape[2] == 3
    assert 0 < refused < 500


def test_raw_files_are_recognized(rawpy, tmp_path):
    content = dng(jpeg(PREVIEW))
    # By its name, and where the content tells by that.
    assert read_photograph(_write(tmp_path / "a.arw", content)).shape == PREVIEW.shape
    for start in (
        b"FUJIFILMCCD-RAW",
        b"IIRO",
        b"IIU\0",
        b"\0MRM",
        b"FOVb",
        b"II*\0\x10\0\0\0CR\2\0",
        b"\0\0\0\x18ftypcrx ",
    ):
        with pytest.raises(ImageError, match="not a camera raw file that LibRaw can read"):
            read_photograph(_write(tmp_path / "a.dat", start + bytes(500)))
    # A JPEG with a wrong name is a JPEG.
    assert read_photograph(_write(tmp_path / "b.raw", jpeg(PREVIEW))).shape == PREVIEW.shape


def test_raw_file_that_is_damaged_or_too_large(rawpy, tmp_path):
    content = dng(None)
    for wrong in (b"hello", content[:300], content[:-300]):
        with pytest.raises(ImageError, match="not a camera raw file that LibRaw can read"):
            read_photograph(_write(tmp_path / "a.dng", wrong))
    with pytest.raises(ImageError, match="states 64 x 48 pixels; at most 1,000 are"):
        read_photograph(_write(tmp_path / "a.dng", content), max_pixels=1000)
    with pytest.raises(ImageError, match="states 1600 x 1250 pixels; at most 1,000,000 are"):
        read_photograph(_write(tmp_path / "a.dng", dng(jpeg(PREVIEW))), max_pixels=1_000_000)


def _write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


# -- without the extra, and in folders --


def test_what_is_missing_is_named(monkeypatch, tmp_path):
    content = b"\0\0\0\x18ftypheic" + bytes(300)
    for name in ("pillow_heif", "rawpy"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImageError, match=r"HEIC needs pillow-heif; run: pip install 'classic-eyes\[photographs\]'"):
        read_photograph(content)
    with pytest.raises(ImageError, match=r"camera raw needs rawpy; run: pip install 'classic-eyes\[photographs\]'"):
        read_photograph(_write(tmp_path / "a.nef", b"II*\0" + bytes(300)))


def test_folders_have_photographs_also_where_they_cannot_be_read(monkeypatch, put):
    for name in ("pillow_heif", "rawpy"):
        monkeypatch.setitem(sys.modules, name, None)
    top = put("a.jpg", "b.HEIC", "c.nef", "d.cr3", "e.mp4")
    found = list_folder(top, photographs=True)
    assert [name for _, name in found.images] == ["a.jpg", "b.HEIC", "c.nef", "d.cr3"]
    assert found.passed_over == {".mp4": 1}
    # Patches of eyes are never in these formats.
    assert [name for _, name in find_images(top)] == ["a.jpg"]
