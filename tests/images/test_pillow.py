"""PIL images: every mode is seen as a person sees it, or refused."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from classic_eyes.errors import ImageError
from classic_eyes.images import as_images
from classic_eyes.images.gate import as_image
from classic_eyes.images.pillow import from_pil, is_pil

from .image_files import ALPHA, GREY, RGB

WEIGHTS = np.array([0.299, 0.587, 0.114])
MODES = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "HSV", "I", "I;16", "F")


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
