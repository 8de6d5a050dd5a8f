"""Projection functions of rows and columns, and statistics of their shape."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from classic_eyes.descriptors.profile import compute_profile, describe_shape
from classic_eyes.errors import ImageError, ParameterError
from classic_eyes.features import Profile
from classic_eyes.synthetic import make_eyes

EYES = make_eyes(6, random_state=1).images
NOISE = np.random.default_rng(0).integers(0, 256, (3, 24, 24), dtype=np.uint8)
batches = arrays(np.uint8, st.tuples(st.integers(1, 3), st.integers(2, 8), st.integers(2, 8)))
NAMES = ["asymmetry", "centroid", "contrast", "darkest", "depth", "kurtosis", "minima", "skewness", "spread"]
# The same examples each time, and no deadline: other tests may run at the same time.
reproducible = settings(derandomize=True, deadline=None)


def shape_of(values: list[float]) -> dict[str, float]:
    return {name: numbers[0] for name, numbers in describe_shape(np.array([values], float)).items()}


def slow_shape(values: list[float]) -> dict[str, float]:
    n = len(values)
    position = [2 * i / (n - 1) - 1 for i in range(n)]
    darkness = [max(values) - v for v in values]
    total = sum(darkness)
    result = dict.fromkeys(NAMES, 0.0)
    if total == 0:
        return result
    share = [d / total for d in darkness]
    centroid = sum(s * p for s, p in zip(share, position, strict=True))
    spread = sum(s * (p - centroid) ** 2 for s, p in zip(share, position, strict=True)) ** 0.5
    if spread > 0:
        for name, power, less in (("skewness", 3, 0), ("kurtosis", 4, 3)):
            moment = sum(s * (p - centroid) ** power for s, p in zip(share, position, strict=True))
            result[name] = moment / spread**power - less
    darkest = [p for p, v in zip(position, values, strict=True) if v == min(values)]
    levels = [v for i, v in enumerate(values) if i == 0 or v != values[i - 1]]
    result |= {
        "asymmetry": sum(abs(a - b) for a, b in zip(values, values[::-1], strict=True)) / n,
        "centroid": centroid,
        "contrast": max(values) - min(values),
        "darkest": sum(darkest) / len(darkest),
        "depth": max(min(max(values[: i + 1]), max(values[i:])) - values[i] for i in range(n)),
        "minima": sum(levels[i - 1] > levels[i] < levels[i + 1] for i in range(1, len(levels) - 1)),
        "spread": spread,
    }
    return result


def slow(image: np.ndarray, floor: float) -> list[float]:
    z = (image.astype(float) - image.mean()) / (image.std() + floor)
    numbers: list[float] = []
    for lines, greys in ((z.T, image.T), (z, image)):
        means = [sum(line) / len(line) for line in lines]
        # Shape of integers, so that equal lines are equal; then in standard deviations of the image.
        sums = [float(line.astype(int).sum()) for line in greys]
        shape = slow_shape(sums)
        for name in ("asymmetry", "contrast", "depth"):
            shape[name] /= greys.shape[1] * (image.std() + floor)
        numbers += [b - a for a, b in pairwise(means)] + means
        numbers += [shape[name] for name in NAMES] + [float(line.std()) for line in lines]
    return numbers


@reproducible
@given(batches, st.floats(0.1, 50))
def test_agrees_with_the_reference_loop(images, floor):
    expected = [slow(image, floor) for image in images]
    np.testing.assert_allclose(compute_profile(images, floor=floor), expected, rtol=1e-5, atol=1e-5)


def test_agrees_with_the_reference_loop_on_eyes():
    expected = [slow(image, 5.0) for image in EYES]
    np.testing.assert_allclose(compute_profile(EYES, floor=5.0), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("grey", [0, 117, 255])
def test_constant_image_is_exactly_zero(grey):
    assert not compute_profile(np.full((1, 24, 24), grey, np.uint8), floor=5.0).any()


def test_vertical_step():
    # Half 100, half 200: mean 150, deviation 50, so the columns are -50 / 55 and 50 / 55, and all rows are equal.
    image = np.full((1, 24, 24), 100, np.uint8)
    image[:, :, 12:] = 200
    profile = Profile().fit(image)
    values = dict(zip(profile.get_feature_names_out(), profile.transform(image)[0].tolist(), strict=True))
    for i in range(24):
        assert values[f"column_mean{i:02}"] == pytest.approx((-50 if i < 12 else 50) / 55)
        assert values[f"column_std{i:02}"] == 0
        assert values[f"row_mean{i:02}"] == 0
        assert values[f"row_std{i:02}"] == pytest.approx(50 / 55)
    steps = [values[f"column_gradient{i:02}"] for i in range(23)]
    assert steps == pytest.approx([0.0] * 11 + [100 / 55] + [0.0] * 11)
    assert values["column_shape_contrast"] == values["column_shape_asymmetry"] == pytest.approx(100 / 55)
    # Dark evenly from -1 to -1 / 23: the middle is -12 / 23, the spread that of 12 places 2 / 23 apart.
    assert values["column_shape_darkest"] == values["column_shape_centroid"] == pytest.approx(-12 / 23)
    assert values["column_shape_spread"] == pytest.approx(2 / 23 * ((12**2 - 1) / 12) ** 0.5)
    assert values["column_shape_skewness"] == pytest.approx(0, abs=1e-6)
    assert values["column_shape_minima"] == values["column_shape_depth"] == 0
    assert all(values[f"row_shape_{name}"] == 0 for name in NAMES)


def test_one_dark_row():
    image = np.full((1, 25, 25), 200, np.uint8)
    image[:, 18] = 100
    profile = Profile().fit(image)
    values = dict(zip(profile.get_feature_names_out(), profile.transform(image)[0].tolist(), strict=True))
    assert values["row_shape_darkest"] == values["row_shape_centroid"] == pytest.approx(0.5)
    assert values["row_shape_minima"] == 1
    assert values["row_shape_depth"] == values["row_shape_contrast"] > 0
    assert values["row_shape_spread"] == pytest.approx(0, abs=1e-6)
    assert values["row_shape_kurtosis"] == values["row_shape_skewness"] == 0
    assert all(values[f"column_shape_{name}"] == 0 for name in NAMES)


@pytest.mark.parametrize(
    ("values", "minima", "depth", "darkest"),
    [
        ([5, 5, 5, 5, 5], 0, 0, 0),
        ([1, 2, 3, 4, 5], 0, 0, -1),
        ([5, 4, 3, 2, 1], 0, 0, 1),
        ([5, 1, 5, 1, 5], 2, 4, 0),
        ([5, 1, 1, 1, 5], 1, 4, 0),
        ([5, 0, 0, 2, 9], 1, 5, -0.25),
        ([9, 3, 4, 1, 2], 2, 1, 0.5),
        ([1, 5, 5, 3, 4], 1, 1, -1),
        ([2, 2, 1, 1, 1], 0, 0, 0.5),
    ],
)
def test_valleys(values, minima, depth, darkest):
    shape = shape_of(values)
    assert (shape["minima"], shape["depth"], shape["darkest"]) == (minima, depth, darkest)


@pytest.mark.parametrize("place", range(24))
@pytest.mark.parametrize("depth", [1, 7, 255])
def test_darkness_at_a_single_position_has_no_moments(place, depth):
    shape = shape_of([255 - depth * (i == place) for i in range(24)])
    assert shape["spread"] == shape["skewness"] == shape["kurtosis"] == 0
    assert shape["centroid"] == shape["darkest"] == pytest.approx(2 * place / 23 - 1)


def test_moments_of_a_known_distribution():
    # Darkness 1 and 3 at the ends: a two-point distribution with p = 3/4 at 1. Its mean is 2 p - 1, its deviation
    # 2 sqrt(p q), its skewness (q - p) / sqrt(p q), its kurtosis 1 / (p q) - 6.
    shape = shape_of([2, 3, 3, 3, 0])
    p, q = 3 / 4, 1 / 4
    assert shape["centroid"] == pytest.approx(2 * p - 1)
    assert shape["spread"] == pytest.approx(2 * (p * q) ** 0.5)
    assert shape["skewness"] == pytest.approx((q - p) / (p * q) ** 0.5)
    assert shape["kurtosis"] == pytest.approx(1 / (p * q) - 6)


@reproducible
@given(batches, st.integers(0, 100))
def test_brightness_does_not_change_a_bit(images, offset):
    # Means move with the image's mean, deviations not at all.
    darker = images // 2
    np.testing.assert_array_equal(
        compute_profile(darker, floor=5.0), compute_profile(darker + np.uint8(offset), floor=5.0)
    )


@pytest.mark.parametrize("images", [EYES, NOISE], ids=["eyes", "noise"])
def test_gain_scales_by_a_factor_close_to_one_and_keeps_positions(images):
    darker = images // 3
    profile = Profile().fit(images)
    names = profile.get_feature_names_out()
    here, there = profile.transform(darker), profile.transform(darker * np.uint8(3))
    free = [
        bool(set(n.split("_")) & {"centroid", "darkest", "kurtosis", "minima", "skewness", "spread"}) for n in names
    ]
    assert sum(free) == 12
    deviation = darker.reshape(len(darker), -1).std(axis=1, keepdims=True)
    factor = np.where(free, 1, 3 * (deviation + 5) / (3 * deviation + 5))
    np.testing.assert_allclose(there, factor * here, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("images", [EYES, NOISE], ids=["eyes", "noise"])
def test_flip_reverses_the_columns_and_keeps_the_rows(images):
    profile = Profile().fit(images)
    names = profile.get_feature_names_out()
    here = profile.transform(images)
    there = profile.transform(np.ascontiguousarray(images[:, :, ::-1]))
    column = {
        key: [i for i, n in enumerate(names) if n.startswith(f"column_{key}")] for key in ("gradient", "mean", "std")
    }
    np.testing.assert_array_equal(there[:, column["mean"]], here[:, column["mean"]][:, ::-1])
    np.testing.assert_array_equal(there[:, column["std"]], here[:, column["std"]][:, ::-1])
    np.testing.assert_array_equal(there[:, column["gradient"]], -here[:, column["gradient"]][:, ::-1])
    for i, name in enumerate(names):
        if name.startswith("row_"):
            np.testing.assert_array_equal(there[:, i], here[:, i])
        elif "_shape_" in name:
            sign = -1 if name.rsplit("_", 1)[1] in ("centroid", "darkest", "skewness") else 1
            np.testing.assert_allclose(there[:, i], sign * here[:, i], rtol=1e-5, atol=1e-6)


def test_transposing_swaps_rows_and_columns():
    half = 3 * 24 - 1 + 9
    here = compute_profile(EYES, floor=5.0)
    there = compute_profile(np.ascontiguousarray(EYES.transpose(0, 2, 1)), floor=5.0)
    np.testing.assert_array_equal(there[:, :half], here[:, half:])
    np.testing.assert_array_equal(there[:, half:], here[:, :half])


def test_floor_is_used():
    np.testing.assert_array_equal(Profile(floor=20.0).fit_transform(EYES), compute_profile(EYES, floor=20.0))
    assert not np.array_equal(Profile(floor=20.0).fit_transform(EYES), Profile().fit_transform(EYES))


@pytest.mark.parametrize("floor", [0, -1.0, float("nan"), float("inf"), "5", None, True])
def test_floor_not_above_zero_is_rejected(floor):
    with pytest.raises(ParameterError, match=r"floor is .*; allowed is a finite number above 0; 5.0 grey levels"):
        Profile(floor=floor).fit(EYES)


@pytest.mark.parametrize("shape", [(1, 24), (24, 1)])
def test_images_of_one_line_are_rejected(shape):
    with pytest.raises(ImageError, match=r"a profile needs at least 2 per side"):
        Profile().fit(np.zeros((2, *shape), np.uint8))


def test_images_of_another_shape_are_rejected():
    with pytest.raises(ImageError, match=r"\(12, 24\).*\(24, 24\)"):
        Profile().fit(EYES).transform(EYES[:, ::2])
