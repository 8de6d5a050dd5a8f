"""What headers state: sizes, in files written by OpenCV, built by hand and hostile; and when photographs were taken."""

import io
import struct
import zlib
from datetime import UTC, datetime

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from classic_eyes.errors import ImageError, ParameterError
from classic_eyes.images import IMAGE_ENDINGS, as_images, read_image, read_images
from classic_eyes.images.headers import stated_size, time_taken

DATE = "2026:05:01 10:20:30"
SECONDS = datetime(2026, 5, 1, 10, 20, 30, tzinfo=UTC).timestamp()
PHOTOGRAPH = Image.fromarray(np.zeros((20, 30, 3), np.uint8))


def encoded(ending: str, height: int = 40, width: int = 56, *, colour: bool = False, options: tuple[int, ...] = ()):
    rng = np.random.default_rng(height * width)
    shape = (height, width, 3) if colour else (height, width)
    image = cv2.GaussianBlur(rng.integers(0, 256, shape, dtype=np.uint8), (0, 0), 2)
    if ending == ".pfm":
        image = image.astype(np.float32) / 255
    done, data = cv2.imencode(".jpg" if ending == ".jfif" else ending, image, list(options))
    if not done:
        pytest.skip(f"OpenCV writes no {ending} of {shape}")
    return data.tobytes()


# -- valid files --


@pytest.mark.parametrize("ending", sorted(IMAGE_ENDINGS))
@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("shape", [(40, 56), (33, 17), (8, 300)])
def test_stated_size_is_the_decoded_size(ending, colour, shape):
    data = encoded(ending, *shape, colour=colour)
    assert stated_size(data) == shape[::-1]


@pytest.mark.parametrize(
    ("ending", "options"),
    [
        (".jpg", (cv2.IMWRITE_JPEG_PROGRESSIVE, 1)),
        (".jpg", (cv2.IMWRITE_JPEG_RST_INTERVAL, 1)),
        (".webp", (cv2.IMWRITE_WEBP_QUALITY, 101)),
        (".png", (cv2.IMWRITE_PNG_BILEVEL, 1)),
        (".ppm", (cv2.IMWRITE_PXM_BINARY, 0)),
        (".pgm", (cv2.IMWRITE_PXM_BINARY, 0)),
        (".tif", (cv2.IMWRITE_TIFF_COMPRESSION, cv2.IMWRITE_TIFF_COMPRESSION_DEFLATE)),
    ],
)
def test_variants_of_formats(ending, options):
    assert stated_size(encoded(ending, colour=ending == ".ppm", options=options)) == (56, 40)


@pytest.mark.parametrize("kind", ["I", "H", "Q"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
def test_tiffs_of_both_byte_orders_and_offset_sizes(kind, order, big):
    if kind == "Q" and not big:
        pytest.skip("only a BigTIFF has numbers of 64 bits")
    assert stated_size(tiff([(256, 640), (257, 480)], kind=kind, order=order, big=big)) == (640, 480)


def tiff(entries, *, kind="I", order="<", big=False):
    number = {"H": 3, "I": 4, "Q": 16}[kind]
    room = 8 if big else 4
    magic = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}H", 43 if big else 42)
    head = magic + (struct.pack(f"{order}HHQ", 8, 0, 16) if big else struct.pack(f"{order}I", 8))
    rows = b"".join(
        struct.pack(f"{order}HH{'Q' if big else 'I'}", tag, number, 1)
        + struct.pack(order + kind, value).ljust(room, b"\0")
        for tag, value in entries
    )
    return head + struct.pack(f"{order}{'Q' if big else 'H'}", len(entries)) + rows + bytes(room)


def test_bitmaps_stored_top_down_or_with_a_short_header():
    whole = encoded(".bmp")
    upside_down = whole[:22] + struct.pack("<i", -40) + whole[26:]
    assert stated_size(upside_down) == (56, 40)
    assert stated_size(b"BM" + bytes(12) + struct.pack("<IHH", 12, 640, 480)) == (640, 480)


def test_comments_in_a_pnm_are_skipped():
    assert stated_size(b"P2\n# 9 9\n# more\n 7 # seven\n 5\n255\n" + b"0 " * 35) == (7, 5)


def test_jpeg_markers_are_found_as_by_libjpeg():
    whole = encoded(".jpg")
    exif = b"\xff\xe1" + struct.pack(">H", 2 + 6) + b"\xff\xc0\0\x11\x08\0"
    assert stated_size(whole[:2] + exif + whole[2:]) == (56, 40), "bytes inside a segment are not a marker"
    assert stated_size(whole[:2] + b"\xff\xff\xff" + whole[2:]) == (56, 40), "fill bytes"
    assert stated_size(whole[:2] + b"\xff\x01" + whole[2:]) == (56, 40), "a marker without a length field"


# -- damaged and hostile files --


@pytest.mark.parametrize("ending", sorted(IMAGE_ENDINGS))
def test_truncated_files_give_a_size_or_none(ending):
    data = encoded(ending, colour=ending not in (".pbm", ".pgm"))
    for end in range(min(len(data), 600)):
        assert stated_size(data[:end]) in (None, (56, 40)) or ending in (".ppm", ".pgm", ".pbm", ".pnm", ".pfm")


@pytest.mark.parametrize(
    "signature", ["\xff\xd8\xff", "\x89PNG\r\n\x1a\n", "GIF89a", "BM", "RIFF....WEBPVP8X", "II*\0"]
)
@given(rest=st.binary(max_size=200))
@settings(max_examples=150, deadline=None)
def test_random_bytes_after_a_signature_give_a_size_or_none(signature, rest):
    size = stated_size(signature.encode("latin-1") + rest)
    assert size is None or all(side >= 0 for side in size)


@pytest.mark.parametrize(
    "content",
    [b"hello", b"\x59\xa6\x6a\x95" + bytes(60), b"P7\nWIDTH 4\n", b"#?RADIANCE\n", b"\x76\x2f\x31\x01" + bytes(60)],
    ids=["text", "sun raster", "pam", "hdr", "exr"],
)
def test_unsupported_formats_are_refused_by_content(content, tmp_path):
    assert stated_size(content) is None
    (tmp_path / "a.png").write_bytes(content)
    assert "not " in read_images([tmp_path / "a.png"])[1][0]


def test_a_jpeg_with_avif_boxes_is_a_jpeg():
    large = jpeg_of_size(65_000, 65_000)
    hidden = large[:2] + b"\xff\xe0ftyp" + bytes(26_000) + b"ispe" + struct.pack(">III", 0, 24, 24)
    assert stated_size(hidden) != (24, 24)


def test_png_chunks_must_lie_within_the_file():
    """Found by the fuzz test: 388 bytes for which OpenCV allocated four gigabytes."""
    whole = encoded(".png")
    place = whole.index(b"IDAT")
    assert stated_size(whole[: place - 4] + b"\xff\xff\0\1" + whole[place:]) is None
    assert stated_size(whole + b"what follows the end") == (56, 40)
    chunk = b"\0\0\0\0teXt\0\0\0\0"
    assert stated_size(whole[:33] + chunk * 1000 + whole[33:]) == (56, 40)
    assert stated_size(whole[:33] + chunk * 100_000 + whole[33:]) is None


# -- the limit on pixels --


def png_of_size(width: int, height: int, data: bytes = b"") -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def jpeg_of_size(width: int, height: int) -> bytes:
    whole = encoded(".jpg")
    frame = whole.index(b"\xff\xc0") + 5
    return whole[:frame] + struct.pack(">HH", height, width) + whole[frame + 4 :]


BOMBS = {
    "a.png": (png_of_size(30_000, 30_000, zlib.compress(bytes(30_000 * 3_751), 9)), "30000 x 30000"),
    "b.jpg": (jpeg_of_size(65_000, 65_000), "65000 x 65000"),
    "c.gif": (b"GIF89a" + struct.pack("<HH", 60_000, 60_000) + bytes(40), "60000 x 60000"),
    "d.bmp": (b"BM" + bytes(12) + struct.pack("<Iii", 40, 50_000, -50_000) + bytes(40), "50000 x 50000"),
    "e.tif": (tiff([(256, 99_999), (257, 99_999)]), "99999 x 99999"),
    "f.tif": (tiff([(256, 24), (257, 24), (322, 32_768), (323, 32_768)]), "32768 x 32768"),
    "g.pgm": (b"P5 123456 123456 255\n", "123456 x 123456"),
    "h.webp": (b"RIFF\0\0\0\0WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + b"\xff\xff\xff" * 2, "16777216 x 16777216"),
    "i.jp2": (b"\xff\x4f\xff\x51\0\x2f\0\0" + struct.pack(">IIII", 70_000, 70_000, 0, 0) + bytes(40), "70000 x 70000"),
    "j.avif": (b"\0\0\0\x1cftypavif" + bytes(12) + b"ispe" + struct.pack(">III", 0, 40_000, 40_000), "40000 x 40000"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_decompression_bombs_are_refused_before_decoding(name, tmp_path, monkeypatch):
    def explode(*_):
        raise AssertionError("decoded")

    content, size = BOMBS[name]
    (tmp_path / name).write_bytes(content)
    monkeypatch.setattr(cv2, "imdecode", explode)
    assert read_images([tmp_path / name])[1] == [f"the header states {size} pixels; at most 100,000,000 are decoded"]


def test_max_pixels_is_a_parameter(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(encoded(".png", 40, 56))
    assert read_images([path], max_pixels=40 * 56)[1] == [None]
    message = "the header states 56 x 40 pixels; at most 2,239 are decoded"
    assert read_images([path], max_pixels=40 * 56 - 1)[1] == [message]
    with pytest.raises(ImageError, match=message):
        read_image(path, max_pixels=40 * 56 - 1)
    with pytest.raises(ImageError, match=message):
        as_images([path], max_pixels=40 * 56 - 1)


@pytest.mark.parametrize("limit", [0, -1, 1.5, True, "many", None])
def test_max_pixels_refused(limit):
    with pytest.raises(ParameterError, match=r"max_pixels is .*; allowed is an integer of at least 1"):
        read_images([], max_pixels=limit)


def test_many_scans_count_as_pixels():
    whole = encoded(".jpg", 64, 64)
    assert stated_size(whole + b"\xff\xda" * 10) == (64, 64)
    width, height = stated_size(whole + b"\xff\xda" * 200_000)
    assert (width, height // 64) == (64, 1000)


@pytest.mark.parametrize(
    ("mark", "start"), [(b"ispe", b"\0\0\0\x1cftypavif"), (b"\xff\x4f\xff\x51", b"\xff\x4f\xff\x51")]
)
def test_repeated_boxes_do_not_hide_a_size_and_many_are_refused(mark, start):
    small = mark + bytes(4) + struct.pack(">IIII", 24, 24, 0, 0)
    large = mark + bytes(4) + struct.pack(">IIII", 90_000, 90_000, 0, 0)
    assert stated_size(start + small * 3 + large + small + bytes(30)) is not None
    assert max(stated_size(start + small * 3 + large + small + bytes(30))) == 90_000
    assert stated_size(start + small * 200) is None


@pytest.mark.parametrize(
    "make", [lambda: np.zeros((1, 20_000, 20_000), bool), lambda: [np.zeros((20_000, 20_000), bool)]]
)
def test_an_array_that_is_too_large_is_refused_before_it_is_read(make):
    with pytest.raises(ImageError, match=r"an image of 20000 x 20000 pixels; allowed are 100,000,000"):
        as_images(make())


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
    PHOTOGRAPH.save(buffer, kind, exif=exif, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "TIFF", "PNG", "WEBP", "AVIF"])
def test_time_is_read_from_files_of_every_kind(kind):
    assert time_taken(file_of(kind, exif_data())) == SECONDS
    assert time_taken(file_of(kind, exif_data(None))) is None
    assert time_taken(file_of(kind, exif_data(fraction="25"))) == SECONDS + 0.25


def test_heic():
    pillow_heif = pytest.importorskip("pillow_heif")
    buffer = io.BytesIO()
    pillow_heif.from_pillow(PHOTOGRAPH.resize((64, 64))).save(buffer, exif=exif_data().tobytes())
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
