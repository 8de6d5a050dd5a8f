"""The gate for images: the dtype rule, colour, scaling, containers, and the modes of PIL images."""

from __future__ import annotations

import io
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageOps

from classic_eyes import load_model
from classic_eyes.errors import ImageError, ParameterError
from classic_eyes.images import SIZE, as_images, check_batch, read_image, read_images, read_photograph
from classic_eyes.images.arrays import Peaks
from classic_eyes.images.gate import as_image, as_photograph, from_pil, in_blocks, is_pil

from .conftest import write
from .image_files import ALPHA, GREY, RGB

# A grey level in each dtype, and the expected uint8.
LEVELS = {
    "uint8": (200, 200),
    "bool": (True, 255),
    "uint16": (200 * 257 + 128, 200),
    ">u2": (200 * 257 + 129, 201),
    "int8": (100, 100),
    "int16": (200, 200),
    ">i2": (200, 200),
    "int32": (200, 200),
    "uint32": (200, 200),
    "int64": (0, 0),
    "uint64": (255, 255),
    "float16": (200 / 255, 200),
    "float32": (200.4 / 255, 200),
    ">f4": (200.6 / 255, 201),
    "float64": (1.0, 255),
    ">f8": (0.0, 0),
    "longdouble": (100 / 255, 100),
}


# -- dtype rule --
WEIGHTS = np.array([0.299, 0.587, 0.114])
MODES = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "HSV", "I", "I;16", "F")


@pytest.mark.parametrize("dtype", LEVELS)
def test_dtype_rule_on_one_level(dtype):
    value, expected = LEVELS[dtype]
    images = as_images(np.full((2, SIZE, SIZE), value, dtype=dtype))
    assert images.dtype == np.uint8
    assert np.unique(images).tolist() == [expected]
    assert np.array_equal(as_images([np.full((SIZE, SIZE), value, dtype=dtype)])[0], images[0])


def test_all_levels_survive_float_and_uint16():
    ramp = np.arange(256, dtype=np.uint8)
    image = np.resize(ramp, (1, SIZE, SIZE))
    for dtype in (np.float16, np.float32, np.float64):
        assert np.array_equal(as_images(image.astype(dtype) / dtype(255)), image)
    assert np.array_equal(as_images(image.astype(np.uint16) * np.uint16(257)), image)


def test_uint16_is_rounded():
    every = np.arange(65536, dtype=np.uint16)
    got = as_images(np.resize(every, (114, SIZE, SIZE))).reshape(-1)[:65536]
    assert np.array_equal(got, np.rint(every / 257))


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (np.full((1, 9, 9), 256), r"images has int64 values from 256 to 256; .*must lie in 0\.\.255: scale"),
        (np.full((1, 9, 9), -1, np.int8), r"int8 values from -1 to -1"),
        (
            np.full((1, 9, 9), 200.0),
            r"float64 values from 200.0 to 200.0; .*0\.\.1: \.astype\(np\.uint8\).*divide by 255",
        ),
        (np.full((1, 9, 9), -0.1), r"from -0.1 to -0.1; floats must lie in 0\.\.1"),
        (np.full((1, 9, 9), np.nan), r"NaN or infinity"),
        (np.full((1, 9, 9), np.nan, np.float16), r"NaN or infinity"),
        (np.full((1, 9, 9), np.inf), r"NaN or infinity"),
        (np.full((1, 9, 9), 1j), r"complex128 values; allowed are bool"),
        (np.full((1, 9, 9), "a"), r"<U1 values; allowed are bool"),
        (np.full((1, 9, 9), None), r"object values; allowed are bool"),
        (np.zeros((1, 9, 9), "datetime64[s]"), r"datetime64\[s\] values; allowed are bool"),
    ],
)
def test_values_outside_the_rule_are_refused(image, reason):
    with pytest.raises(ImageError, match=reason):
        as_images(image)
    with pytest.raises(ImageError, match=r"images\[1\] has"):
        as_images([np.zeros((9, 9)), image[0]])


def test_one_bad_value_in_a_batch_is_refused(grey):
    batch = np.stack([grey / 255.0] * 3)
    batch[2, 5, 7] = np.nan
    with pytest.raises(ImageError, match="NaN"):
        as_images(batch)


# -- colour --


@pytest.mark.parametrize(
    ("colour", "expected"), [((255, 0, 0), 76), ((0, 255, 0), 150), ((0, 0, 255), 29), ((10, 20, 30), 18)]
)
def test_arrays_are_rgb(colour, expected):
    # 0.299 R + 0.587 G + 0.114 B, rounded.
    flat = np.full((1, SIZE, SIZE, 3), colour, dtype=np.uint8)
    assert np.unique(as_images(flat)).tolist() == [expected]


def test_alpha_is_ignored_and_one_channel_is_squeezed(rng):
    rgba = rng.integers(0, 256, (3, SIZE, SIZE, 4), dtype=np.uint8)
    rgb = as_images(rgba[..., :3])
    assert np.array_equal(as_images(rgba), rgb)
    assert np.array_equal(as_images(rgba[..., 0:1]), rgba[..., 0])
    assert np.array_equal(as_images(list(rgba)), rgb)
    assert np.array_equal(as_images(list(rgba[..., :1])), rgba[..., 0])


def test_a_colour_file_has_the_grey_of_the_colour_array(tmp_path):
    rgb = np.full((SIZE, SIZE, 3), (200, 50, 10), dtype=np.uint8)
    path = write(tmp_path / "a.png", rgb[..., ::-1])
    assert np.array_equal(as_images([path]), as_images(rgb[np.newaxis]))


# -- scaling --


def test_an_image_of_the_right_size_is_not_copied(grey):
    assert np.array_equal(as_images(grey[np.newaxis])[0], grey)
    assert np.shares_memory(as_images(grey[np.newaxis]), grey)


@pytest.mark.parametrize("factor", [2, 3, 5])
def test_exact_reduction_is_block_means(rng, factor):
    large = rng.integers(0, 256, (SIZE * factor, SIZE * factor), dtype=np.uint8)
    means = large.reshape(SIZE, factor, SIZE, factor).mean(axis=(1, 3))
    assert np.abs(as_images(large[np.newaxis])[0] - means).max() <= 0.5


def test_the_aspect_is_kept_and_the_border_repeated():
    # 24 x 48 becomes 12 x 24 by means of 2 x 2; six rows above repeat the first, six below the last.
    rows = np.arange(24, dtype=np.uint8)
    image = as_images(np.repeat(rows[:, np.newaxis], 48, axis=1)[np.newaxis])[0]
    middle = np.rint(rows.reshape(12, 2).mean(axis=1) + 0.01).astype(int)
    expected = np.concatenate([[middle[0]] * 6, middle, [middle[-1]] * 6])
    assert np.array_equal(image, np.repeat(expected[:, np.newaxis], 24, axis=1))


def test_odd_padding_has_the_larger_half_last():
    narrow = np.repeat(np.array([[10, 20, 30]], dtype=np.uint8), SIZE, axis=0)
    image = as_images([narrow])[0]
    assert image[0].tolist() == [10] * 10 + [10, 20, 30] + [30] * 11


def test_transposing_the_image_transposes_the_result(rng):
    image = rng.integers(0, 256, (40, 60), dtype=np.uint8)
    assert np.array_equal(as_images([image.T])[0], as_images([image])[0].T)


def test_enlarging_is_bilinear(rng):
    # Twice as large: each new pixel is 9/16, 3/16, 3/16 and 1/16 of its four nearest neighbours.
    small = rng.integers(0, 256, (12, 12), dtype=np.uint8)
    large = as_images([small])[0].astype(float)
    s = small.astype(float)
    expected = (9 * s[3, 3] + 3 * s[3, 4] + 3 * s[4, 3] + s[4, 4]) / 16
    assert abs(large[7, 7] - expected) <= 1


@pytest.mark.parametrize("shape", [(1, 10_000), (10_000, 1), (1, 1), (1, 3_000_000), (23, 25), (25, 24), (7, 300)])
def test_any_size_gives_a_square_and_keeps_a_constant(shape):
    assert np.unique(as_images([np.full(shape, 77, dtype=np.uint8)])).tolist() == [77]
    assert as_images([np.zeros(shape, bool)]).shape == (1, SIZE, SIZE)


@pytest.mark.parametrize("size", [8, 24, 48, np.int64(32)])
def test_size(size, grey):
    assert as_images([grey, grey[:5]], size=size).shape == (2, size, size)


@pytest.mark.parametrize("size", [7, 0, -24, 24.0, "24", None, True])
def test_other_sizes_are_refused_everywhere(size, grey):
    for call in (as_images, read_images):
        with pytest.raises(ParameterError, match=r"size is .*integer of at least 8"):
            call([grey], size=size)
    with pytest.raises(ParameterError, match=r"integer of at least 8"):
        read_image("a.png", size=size)


@settings(max_examples=60, deadline=None)
@pytest.mark.filterwarnings("ignore:.*of 16 bits")
@given(
    st.sampled_from(["uint8", "bool", "uint16", "float32"]).flatmap(
        lambda dtype: hnp.arrays(
            dtype,
            st.tuples(st.integers(1, 4), st.integers(1, 40), st.integers(5, 40), st.sampled_from([1, 3, 4])),
            elements={"min_value": 0, "max_value": 1} if dtype == "float32" else None,
        )
    )
)
def test_a_row_alone_is_the_row_in_the_batch(batch):
    whole = as_images(batch)
    assert whole.shape == (len(batch), SIZE, SIZE)
    assert whole.dtype == np.uint8
    assert np.array_equal(as_images(list(batch)), whole)
    for row in range(len(batch)):
        assert np.array_equal(as_images(batch[row : row + 1])[0], whole[row])


# -- containers --


def test_any_memory_layout_is_accepted_and_not_modified(rng, tmp_path):
    batch = rng.integers(0, 256, (4, 48, 30), dtype=np.uint8)
    expected = as_images(batch)
    read_only = batch.copy()
    read_only.flags.writeable = False
    strided = np.repeat(batch, 2, axis=2)[:, :, ::2]
    backwards = np.ascontiguousarray(batch[:, ::-1, ::-1])[:, ::-1, ::-1]
    mapped = np.memmap(tmp_path / "m", dtype=np.uint8, mode="w+", shape=batch.shape)
    mapped[:] = batch
    for same in (read_only, strided, backwards, mapped, np.asfortranarray(batch)):
        before = same.copy()
        assert np.array_equal(as_images(same), expected)
        assert np.array_equal(as_images(list(same)), expected)
        assert np.array_equal(same, before)


def test_sequences_of_arrays_and_paths(grey, tmp_path):
    path = write(tmp_path / "a.png", grey)
    ragged = np.empty(2, dtype=object)
    ragged[:] = [grey, grey[:12]]
    for images in ([grey, grey[:12]], (grey, grey[:12]), ragged, [grey.tolist(), grey[:12].tolist()]):
        assert np.array_equal(as_images(images)[0], grey)
    for paths in ([path], (str(path),), np.array([str(path)]), np.array([path], dtype=object)):
        assert np.array_equal(as_images(paths)[0], grey)


@pytest.mark.parametrize(
    ("images", "reason"),
    [
        ("a.png", r"single path 'a.png'.*\[image\].*predict.py"),
        (Path("a.png"), r"single path 'a.png'"),
        (b"a.png", r"content of a single file <5 bytes>.*\[image\]"),
        (Image.new("L", (24, 24)), r"single PIL image.*\[image\]"),
        (np.zeros((24, 30)), r"shape \(24, 30\); allowed is an array \(n, h, w\).*images\[np.newaxis\]"),
        (np.zeros((24, 30, 3)), r"shape \(24, 30, 3\).*one colour image, pass images\[np.newaxis\]"),
        (np.zeros((24, 30, 1)), r"one colour image"),
        (np.zeros((2, 24, 30, 2)), r"shape \(2, 24, 30, 2\).*1, 3 \(RGB\) or 4 \(RGBA\)"),
        (np.zeros((1, 2, 24, 30, 3)), r"shape \(1, 2, 24, 30, 3\)"),
        (np.zeros(24), r"shape \(24,\)"),
        (np.array(5), r"shape \(\)"),
        (np.zeros((2, 0, 24)), r"shape \(2, 0, 24\).*height and width must be at least 1"),
        (np.zeros((2, 24, 0, 3)), r"height and width must be at least 1"),
        ([], r"no images: images is an empty list"),
        ((), r"no images"),
        (np.zeros((0, 24, 24)), r"shape \(0, 24, 24\): no images"),
        (np.array([]), r"no images"),
        (None, r"images is a NoneType; allowed is"),
        ({"a": 1}, r"images is a dict"),
        (iter(["a"]), r"images is a list_iterator.*list\(\.\.\.\)"),
        ([1, 2], r"images\[0\] is a int; allowed is an array"),
        ([np.zeros((1, 24, 24))], r"images\[0\] has shape \(1, 24, 24\).*np.concatenate"),
        ([np.zeros((24, 24)), np.zeros((0, 24))], r"images\[1\] has shape \(0, 24\)"),
        ([[[1, 2], [3]]], r"images\[0\] is a ragged list"),
        ([np.zeros((24, 24)), "a.png"], r"1 of 1 images cannot be read: images\[1\] 'a.png': no such file"),
        ([b"", np.zeros((24, 24))], r"images\[0\] <0 bytes>: empty file"),
    ],
)
def test_other_shapes_and_containers_are_refused(images, reason):
    with pytest.raises(ImageError, match=reason):
        as_images(images)


def test_check_batch_accepts_a_grey_batch(grey):
    batch = as_images([grey, grey[:7]])
    assert check_batch(batch) is batch
    strided = batch[:, ::-1, ::2]
    assert np.array_equal(check_batch(strided), strided)
    assert check_batch(strided).flags.c_contiguous
    assert check_batch(np.zeros((1, 1, 1), np.uint8)).shape == (1, 1, 1)


@pytest.mark.parametrize(
    ("batch", "reason"),
    [
        ([[[1]]], r"X is a list; .*as_images first"),
        (np.zeros((1, 24, 24)), r"X is an array of dtype float64"),
        (np.zeros((1, 24, 24), np.int8), r"dtype int8"),
        (np.zeros((24, 24), np.uint8), r"shape \(24, 24\)"),
        (np.zeros((1, 24, 24, 3), np.uint8), r"shape \(1, 24, 24, 3\)"),
        (np.zeros((0, 24, 24), np.uint8), r"shape \(0, 24, 24\)"),
        (np.zeros((1, 0, 24), np.uint8), r"shape \(1, 0, 24\)"),
    ],
)
def test_check_batch_refuses_other_arrays(batch, reason):
    with pytest.raises(ImageError, match=reason):
        check_batch(batch)


def test_unreadable_paths_are_named(tmp_path, grey):
    good = write(tmp_path / "good.png", grey)
    with pytest.raises(ImageError, match=r"1 of 2 images cannot be read: images\[1\] 'b.png': no such file: remove"):
        as_images([good, "b.png"])
    with pytest.raises(ImageError, match=r"5 of 5 .*images\[2\] 'c': no such file; and 2 more: remove") as caught:
        as_images(list("abcde"))
    assert "'d'" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_importing_images_does_not_import_sklearn():
    code = "import sys, classic_eyes.images; print('sklearn' in sys.modules, 'skimage' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


# -- bits --


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
def test_images_that_use_few_of_sixteen_bits(bits, grey, tmp_path):
    white = (1 << bits) - 1
    deep = np.rint(grey / 255 * white).astype(np.uint16)
    deep[0, 0], deep[0, 1] = 0, white
    expected = np.rint(deep / white * 255)
    path = write(tmp_path / "deep.png", deep)
    for images in ([deep], deep[np.newaxis], [path], [path.read_bytes()], [deep.astype(">u2")]):
        np.testing.assert_array_equal(as_images(images, bits=bits)[0], expected)
    np.testing.assert_array_equal(read_image(path, bits=bits), expected)
    np.testing.assert_array_equal(read_photograph(path, bits=bits)[..., 1], expected)
    # Eight bits are not touched.
    np.testing.assert_array_equal(as_images([grey], bits=bits)[0], grey)


def test_values_beyond_the_bits_are_refused(grey, tmp_path):
    deep = grey.astype(np.uint16) * 257
    with pytest.raises(ImageError, match=r"images\[0\] has values up to \d+, but 10 bits hold 1023 at most: .* bits"):
        as_images([deep], bits=10)
    _, errors = read_images([write(tmp_path / "deep.png", deep)], bits=10)
    assert "10 bits hold 1023 at most: change --bits" in errors[0]


@pytest.mark.parametrize("bits", [0, 7, 17, 8.0, True, "10"])
def test_other_numbers_of_bits_are_refused(bits):
    with pytest.raises(ParameterError, match="bits is"):
        as_images([np.zeros((24, 24), np.uint16)], bits=bits)


def test_one_warning_where_all_values_are_small(grey, tmp_path):
    deep = grey.astype(np.uint16) * 4
    paths = [write(tmp_path / f"{number}.png", deep) for number in range(3)]
    for images in (np.stack([deep] * 3), [deep] * 3, paths, [paths[0].read_bytes()]):
        with pytest.warns(UserWarning, match=r"lowest 10 bits only.*bits=10") as caught:
            as_images(images)
        assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        as_images(paths, bits=10)
        as_images([grey.astype(np.uint16) * 257, np.zeros((24, 24), np.uint16)])
        as_images([grey])
        as_images([np.zeros((24, 24), np.uint16)])


def test_small_values_are_counted_in_a_mixed_folder(grey):
    deep, full = grey.astype(np.uint16) * 4, grey.astype(np.uint16) * 257
    with pytest.warns(UserWarning, match=r"^2 of 4 images of 16 bits use the lowest 10 bits only.*by themselves.*=10"):
        as_images([deep, full, grey, deep, np.zeros((24, 24), np.uint16)])
    assert Peaks([60_000, 0, None]).warning("{}") is None
    assert Peaks([3]).warning("--bits {}").endswith("read it with --bits 8")


def test_the_warning_names_the_line_of_the_caller(grey):
    deep = grey.astype(np.uint16) * 4
    model = load_model("fast")
    calls = (lambda: as_images([deep]), lambda: model.predict([deep]), lambda: list(in_blocks(deep[np.newaxis], 1)))
    for call in calls:
        with pytest.warns(UserWarning, match="lowest 10 bits") as caught:
            call()
        assert [warning.filename for warning in caught] == [__file__]


@pytest.mark.parametrize(
    ("low", "high", "remedy"),
    [
        (0, 200, r"divide by 255"),
        (-1, 1, r"\(x \+ 1\) / 2"),
        (-1.8, 2.2, "standardized"),
        (0, 4000, "value of white"),
    ],
)
def test_the_advice_on_floats_is_that_of_their_range(low, high, remedy, tmp_path):
    values = np.linspace(low, high, 576, dtype=np.float32).reshape(24, 24)
    with pytest.raises(ImageError, match=rf"floats must lie in 0\.\.1: .*{remedy}"):
        as_images([values])
    (error,) = read_images([write(tmp_path / "a.tif", values)])[1]
    assert "floats must lie in 0..1: save it" in error
    assert "astype" not in error


def test_what_else_can_be_read_is_named(grey):
    file = io.BytesIO(b"x")
    for call, message in (
        (lambda: as_images([file]), r"images\[0\] is a BytesIO; .* a path, bytes or a PIL image: .*\.read\(\)"),
        (lambda: as_images(file), r"images is a BytesIO; .*\[images\.read\(\)\]"),
        (lambda: as_image(file), r"image is a BytesIO; .*\.read\(\)"),
        (lambda: as_images([float("nan")]), r"images\[0\] is a float; .* a path, bytes or a PIL image"),
        (lambda: as_images([None]), r"images\[0\] is None; .* a path, bytes or a PIL image"),
    ):
        with pytest.raises(ImageError, match=message):
            call()


# -- photographs --


def test_a_photograph_of_any_kind_keeps_its_size_and_colours(rng, tmp_path):
    rgb = rng.integers(0, 256, (30, 50, 3), dtype=np.uint8)
    path = write(tmp_path / "a.png", rgb[..., ::-1])
    rgba = np.dstack([rgb, np.full((30, 50), 9, np.uint8)])
    kinds = (
        rgb,
        rgba,
        rgb.astype(np.uint16) * 257,
        rgb / 255,
        path,
        str(path),
        path.read_bytes(),
        Image.fromarray(rgba),
    )
    for kind in kinds:
        found = as_photograph(kind)
        assert found.flags.c_contiguous
        np.testing.assert_array_equal(found, rgb)
    np.testing.assert_array_equal(as_photograph(rgb[..., 0]), rgb[..., 0])
    np.testing.assert_array_equal(as_photograph(rgb[..., :1]), rgb[..., 0])


def test_what_is_no_photograph_is_refused(tmp_path):
    for wrong, message in (
        (None, "photograph is None"),
        (np.zeros((2, 30, 40, 3), np.uint8), r"photograph has shape \(2, 30, 40, 3\)"),
        (np.full((30, 40), 7.0), "photograph has float64 values"),
        (tmp_path / "a.png", "photograph '.*a.png': no such file"),
        (b"text", "photograph <4 bytes>: text, not an image"),
    ):
        with pytest.raises(ImageError, match=message):
            as_photograph(wrong)


def _image(mode: str) -> tuple[Image.Image, np.ndarray]:
    """Return an image of a mode, and its grey levels as a person sees them."""
    rgb, grey, alpha = (Image.fromarray(values) for values in (RGB, GREY, ALPHA))
    seen = RGB @ WEIGHTS
    if mode in ("RGBA", "RGBa"):
        rgb.putalpha(alpha)
        return rgb.convert(mode), seen
    if mode in ("LA", "La"):
        grey.putalpha(alpha)
        return grey.convert(mode), GREY.astype(float)
    if mode == "1":
        image = grey.convert("1")
        return image, np.asarray(image) * 255.0
    if mode in ("P", "PA"):
        image = rgb.convert("P")
        seen = np.asarray(image.convert("RGB")) @ WEIGHTS
        return image if mode == "P" else image.convert("PA"), seen
    if mode == "I;16":
        return Image.fromarray(GREY.astype(np.uint16) * 257), GREY.astype(float)
    if mode == "F":
        return Image.fromarray((GREY / 255).astype(np.float32)), GREY.astype(float)
    if mode in ("L", "I"):
        return grey.convert(mode), GREY.astype(float)
    return rgb.convert(mode), np.asarray(rgb.convert(mode).convert("RGB")) @ WEIGHTS


def _grey(image: Image.Image) -> np.ndarray:
    # Larger than the image, so that nothing is averaged away.
    size = max(image.size)
    height, width = image.size[1], image.size[0]
    square = as_images([image], size=size)[0].astype(float)
    top, left = (size - height) // 2, (size - width) // 2
    return square[top : top + height, left : left + width]


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_is_seen_as_a_person_sees_it(mode):
    image, seen = _image(mode)
    assert image.mode == mode
    assert is_pil(image)
    # Colours that were multiplied by alpha lost some of their digits.
    assert np.abs(_grey(image) - seen).max() <= (3 if mode not in ("RGBa", "La") else 5)


@pytest.mark.parametrize("mode", ["L", "RGB", "P", "CMYK"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_of_exif_data_is_applied(mode, orientation):
    image, _ = _image(mode)
    plain = image.copy()
    image.getexif()[274] = orientation
    expected = ImageOps.exif_transpose(image)
    assert expected.size == (plain.size if orientation < 5 else plain.size[::-1])
    np.testing.assert_array_equal(from_pil(image, "x"), from_pil(expected, "x"))
    assert orientation == 1 or not np.array_equal(as_images([image]), as_images([plain]))


def test_a_palette_with_transparent_colours_keeps_its_colours():
    image = Image.fromarray(RGB).convert("P")
    buffer = io.BytesIO()
    image.save(buffer, "PNG", transparency=bytes([9] * 256))
    read = Image.open(buffer)
    assert np.abs(_grey(read) - np.asarray(image.convert("RGB")) @ WEIGHTS).max() <= 3


def test_lab_is_refused_with_the_remedy():
    image = Image.merge("LAB", [Image.fromarray(GREY)] * 3)
    with pytest.raises(ImageError, match=r"images\[0\] is a PIL image of mode LAB.*convert\('RGB'\)"):
        as_images([image])


def test_an_image_that_pillow_cannot_decode_is_refused():
    buffer = io.BytesIO()
    Image.fromarray(RGB).save(buffer, "PNG")
    cut = Image.open(io.BytesIO(buffer.getvalue()[:900]))
    with pytest.raises(ImageError, match=r"images\[0\] is a PIL image that cannot be decoded"):
        as_images([cut])


def test_size_is_checked_before_decoding():
    with pytest.raises(ImageError, match="allowed are 100"):
        as_images([Image.new("L", (20, 20))], max_pixels=100)


def test_one_image_and_a_mixture_with_files_and_arrays(tmp_path):
    image = Image.fromarray(RGB)
    path = tmp_path / "a.png"
    image.save(path)
    mixture = as_images([image, path, path.read_bytes(), RGB, str(path)])
    assert np.abs(mixture.astype(int) - mixture[0]).max() <= 1
    for one in (image, path, str(path), path.read_bytes(), RGB):
        np.testing.assert_array_equal(as_image(one), as_images([one]))
