"""Grey levels normalized by mean and standard deviation of each image."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from classic_eyes.descriptors.pixels import compute_pixels
from classic_eyes.errors import ImageError, ParameterError
from classic_eyes.features import Pixels
from classic_eyes.synthetic import make_eyes

EYES = make_eyes(6, random_state=1).images
small_batches = arrays(np.uint8, st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9)))
# The same examples each time, and no deadline: other tests may run at the same time.
reproducible = settings(derandomize=True, deadline=None)


def slow(image: np.ndarray, floor: float) -> list[float]:
    values = [float(v) for row in image for v in row]
    mean = sum(values) / len(values)
    deviation = (sum((v - mean) ** 2 for v in values) / len(values)) ** 0.5
    return [(v - mean) / (deviation + floor) for v in values]


@reproducible
@given(small_batches, st.floats(0.01, 50))
def test_agrees_with_the_reference_loop(images, floor):
    expected = [slow(image, floor) for image in images]
    np.testing.assert_allclose(compute_pixels(images, floor=floor), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("grey", [0, 1, 117, 255])
def test_constant_image_is_exactly_zero(grey):
    assert not compute_pixels(np.full((1, 24, 24), grey, np.uint8), floor=5.0).any()


def test_vertical_step():
    # Half 100, half 200: mean 150, deviation 50, so -50 / 55 and 50 / 55.
    image = np.full((1, 24, 24), 100, np.uint8)
    image[:, :, 12:] = 200
    rows = compute_pixels(image, floor=5.0).reshape(24, 24)
    np.testing.assert_allclose(rows[:, :12], -50 / 55, rtol=1e-6)
    np.testing.assert_allclose(rows[:, 12:], 50 / 55, rtol=1e-6)


@reproducible
@given(small_batches, st.integers(0, 100))
def test_brightness_does_not_change_a_bit(images, offset):
    # x + b has mean m + b and the same deviation (definition of the mean).
    darker = images // 2
    np.testing.assert_array_equal(
        compute_pixels(darker, floor=5.0), compute_pixels(darker + np.uint8(offset), floor=5.0)
    )


@reproducible
@given(small_batches)
def test_gain_scales_by_a_factor_close_to_one(images):
    # 3 x has mean 3 m and deviation 3 s: the factor is 3 (s + f) / (3 s + f).
    darker = images // 3
    deviation = darker.reshape(len(darker), -1).std(axis=1, keepdims=True)
    factor = 3 * (deviation + 5) / (3 * deviation + 5)
    np.testing.assert_allclose(
        compute_pixels(darker * np.uint8(3), floor=5.0),
        factor * compute_pixels(darker, floor=5.0),
        rtol=1e-5,
        atol=1e-6,
    )


@reproducible
@given(small_batches)
def test_mean_and_standard_deviation(images):
    rows = compute_pixels(images, floor=5.0).astype(np.float64)
    deviation = images.reshape(len(images), -1).std(axis=1)
    np.testing.assert_allclose(rows.mean(axis=1), 0, atol=1e-6)
    np.testing.assert_allclose(rows.std(axis=1), deviation / (deviation + 5), atol=1e-6)


def test_noise_of_a_flat_image_stays_small():
    flat = np.full((1, 24, 24), 128, np.uint8)
    flat[:, ::2] += 1
    assert np.abs(compute_pixels(flat, floor=5.0)).max() < 0.1
    assert np.abs(compute_pixels(flat, floor=0.01)).max() > 0.9


def test_largest_image_for_which_float32_is_exact():
    # 255 * 65,793 is the last product below 2 ** 24.
    assert 255 * 65_793 < 2**24 <= 255 * 65_794
    image = np.zeros((1, 1, 65_793), np.uint8)
    image[0, 0, :3] = 255, 254, 1
    np.testing.assert_array_equal(compute_pixels(image, floor=5.0), compute_pixels(image[:, ::-1], floor=5.0))


def test_names_give_the_position_of_a_pixel():
    image = np.zeros((1, 24, 24), np.uint8)
    image[0, 3, 17] = 255
    pixels = Pixels().fit(image)
    assert pixels.get_feature_names_out()[pixels.transform(image)[0].argmax()] == "row03_col17"


def test_floor_is_used():
    np.testing.assert_array_equal(Pixels(floor=20.0).fit_transform(EYES), compute_pixels(EYES, floor=20.0), strict=True)
    assert np.abs(Pixels(floor=20.0).fit_transform(EYES)).max() < np.abs(Pixels().fit_transform(EYES)).max()


@pytest.mark.parametrize("floor", [0, -1.0, float("nan"), float("inf"), "5", None, True])
def test_floor_not_above_zero_is_rejected(floor):
    with pytest.raises(ParameterError, match=r"floor is .*; allowed is a finite number above 0; 5.0 grey levels"):
        Pixels(floor=floor).fit(EYES)


def test_images_of_another_shape_are_rejected():
    with pytest.raises(ImageError, match=r"\(12, 24\).*\(24, 24\)"):
        Pixels().fit(EYES).transform(EYES[:, ::2])
