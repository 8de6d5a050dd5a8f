"""Local binary patterns: codes on the square ring, counted in cells."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from classic_eyes.descriptors.lbp import _at_least_as_bright, _compute_codes_of_small_batch, compute_lbp
from classic_eyes.errors import ImageError, ParameterError
from classic_eyes.features import Lbp
from classic_eyes.synthetic import make_eyes

EYES = make_eyes(6, random_state=1).images
NOISE = np.random.default_rng(0).integers(0, 256, (3, 24, 24), dtype=np.uint8)
batches = arrays(np.uint8, st.tuples(st.integers(1, 3), st.just(6), st.just(9)))
# The same examples each time, and no deadline: other tests may run at the same time.
reproducible = settings(derandomize=True, deadline=None)


def codes_of(images: np.ndarray, radius: int) -> np.ndarray:
    return _compute_codes_of_small_batch(images, _at_least_as_bright, (radius,)).reshape(images.shape)


def slow_code(image: np.ndarray, row: int, column: int, radius: int) -> int:
    height, width = image.shape
    code = 0
    for bit, angle in enumerate(range(0, 360, 45)):
        # Rounding cosine and sine of the eight directions gives the square ring; rows run down, angles up.
        across, up = round(np.cos(np.radians(angle)) * 1.1), round(np.sin(np.radians(angle)) * 1.1)
        y = min(max(row - radius * up, 0), height - 1)
        x = min(max(column + radius * across, 0), width - 1)
        code |= int(image[y, x] >= image[row, column]) << bit
    return code


def is_uniform(code: int) -> bool:
    ring = [code >> bit & 1 for bit in range(8)]
    return sum(ring[bit] != ring[bit - 1] for bit in range(8)) <= 2


def slow(image: np.ndarray, radius: int, grid: int, uniform: bool) -> np.ndarray:
    height, width = image.shape
    kept = [code for code in range(256) if is_uniform(code) or not uniform]
    counts = np.zeros((grid, grid, len(kept) + uniform))
    for row in range(height):
        for column in range(width):
            code = slow_code(image, row, column, radius)
            place = kept.index(code) if code in kept else -1
            counts[row // (height // grid), column // (width // grid), place] += 1
    return np.sqrt(counts / ((height // grid) * (width // grid))).ravel()


@reproducible
@given(batches, st.integers(1, 5), st.sampled_from([1, 3]), st.booleans())
def test_agrees_with_the_reference_loop(images, radius, grid, uniform):
    expected = [slow(image, radius, grid, uniform) for image in images]
    fast = compute_lbp(images, radii=(radius,), grid=grid, uniform=uniform)
    np.testing.assert_allclose(fast, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("radius", [1, 2, 3])
def test_agrees_with_the_reference_loop_on_an_eye(radius):
    fast = compute_lbp(EYES[:1], radii=(radius,), grid=3, uniform=True)
    np.testing.assert_allclose(fast[0], slow(EYES[0], radius, 3, True), rtol=0, atol=1e-6)


@pytest.mark.parametrize("grey", [0, 117, 255])
def test_constant_image_has_one_pattern(grey):
    # All neighbours are at least as bright as an equal pixel.
    lbp = Lbp().fit(EYES)
    values = lbp.transform(np.full((1, 24, 24), grey, np.uint8))[0]
    names = lbp.get_feature_names_out()
    assert {name[-7:] for name in names[values == 1]} == {"code255"}
    assert np.count_nonzero(values) == len(lbp.radii) * 9


def test_vertical_step():
    # Bright from column 12 on. Column 12, the first bright one, has three darker neighbours on its left: bits 3, 4, 5
    # are missing from 255. Elsewhere neighbours are at least as bright.
    image = np.full((1, 24, 24), 50, np.uint8)
    image[:, :, 12:] = 90
    codes = codes_of(image, 1)[0]
    assert (codes[:, 12] == 255 - (1 << 3 | 1 << 4 | 1 << 5)).all()
    assert (np.delete(codes, 12, axis=1) == 255).all()
    lbp = Lbp(radii=(1,)).fit(image)
    values = dict(zip(lbp.get_feature_names_out(), lbp.transform(image)[0], strict=True))
    assert values["radius01_cell_r1_c1_code199"] == pytest.approx((1 / 8) ** 0.5)
    assert values["radius01_cell_r1_c1_code255"] == pytest.approx((7 / 8) ** 0.5)
    assert values["radius01_cell_r1_c0_code255"] == 1


def test_bits_run_counter_clockwise_from_the_right():
    for bit, (row, column) in enumerate([(1, 2), (0, 2), (0, 1), (0, 0), (1, 0), (2, 0), (2, 1), (2, 2)]):
        image = np.zeros((1, 3, 3), np.uint8)
        image[0, 1, 1] = 100
        image[0, row, column] = 200
        assert codes_of(image, 1)[0, 1, 1] == 1 << bit


def test_58_uniform_patterns_and_one_bin_for_all_others():
    # Ojala, Pietikainen and Maenpaa 2002, II.D: P (P - 1) + 3 patterns with P neighbours, one of them for the rest.
    names = Lbp(radii=(1,), grid=1).fit(EYES).get_feature_names_out()
    assert len(names) == 8 * 7 + 3
    assert [int(name[-3:]) for name in names[:-1]] == [code for code in range(256) if is_uniform(code)]
    both = Lbp(radii=(1,), grid=1, uniform=False)
    shares = both.fit_transform(NOISE) ** 2
    other = [i for i in range(256) if not is_uniform(i)]
    together = Lbp(radii=(1,), grid=1).fit_transform(NOISE)[:, -1] ** 2
    np.testing.assert_allclose(together, shares[:, other].sum(axis=1), rtol=1e-5)


@reproducible
@given(batches, st.lists(st.integers(0, 255), min_size=8, max_size=8, unique=True), st.integers(1, 3))
def test_strictly_increasing_grey_map_does_not_change_a_bit(images, greys, radius):
    # Codes depend only on the order of grey levels (Ojala et al. 2002, II.A), because nothing is interpolated.
    rising = np.array(sorted(greys), np.uint8)
    ranks = images // np.uint8(32)
    expected = compute_lbp(ranks, radii=(radius,), grid=3, uniform=True)
    np.testing.assert_array_equal(compute_lbp(rising[ranks], radii=(radius,), grid=3, uniform=True), expected)


@reproducible
@given(batches, st.integers(1, 3))
def test_flip_permutes_cells_and_bits(images, radius):
    # Left and right neighbours are swapped: bit 0 with 4, 1 with 3, 7 with 5.
    bits = [4, 3, 2, 1, 0, 7, 6, 5]
    moved = [sum((code >> bit & 1) << bits[bit] for bit in range(8)) for code in range(256)]
    here = compute_lbp(images, radii=(radius,), grid=3, uniform=False).reshape(-1, 3, 3, 256)
    there = compute_lbp(np.ascontiguousarray(images[:, :, ::-1]), radii=(radius,), grid=3, uniform=False)
    np.testing.assert_array_equal(there.reshape(here.shape)[:, :, ::-1][..., moved], here)


@reproducible
@given(batches, st.booleans())
def test_squares_of_a_cell_sum_to_one(images, uniform):
    rows = compute_lbp(images, radii=(1,), grid=3, uniform=uniform).reshape(len(images), 9, -1)
    np.testing.assert_allclose((rows**2).sum(axis=2), 1, rtol=1e-5)


def test_batch_larger_than_a_chunk():
    many = np.concatenate([NOISE, EYES] * 60)
    rows = compute_lbp(many, radii=(2,), grid=3, uniform=True)
    np.testing.assert_array_equal(rows, np.tile(rows[:9], (60, 1)))


@pytest.mark.parametrize(("grid", "uniform"), [(3, True), (2, False)])
@pytest.mark.parametrize("n", [1, 2, 8, 9, 30])
def test_small_batches_equal_large_batches(n, grid, uniform):
    many = np.random.default_rng(1).integers(0, 256, (30, 12, 24), dtype=np.uint8) // 40
    parameters = {"radii": (1, 3, 5), "grid": grid, "uniform": uniform}
    np.testing.assert_array_equal(compute_lbp(many[:n], **parameters), compute_lbp(many, **parameters)[:n])
    expected = np.concatenate([slow(many[0], radius, grid, uniform) for radius in (1, 3, 5)])
    np.testing.assert_allclose(compute_lbp(many[:n], **parameters)[0], expected, rtol=1e-5)


def test_radii_are_in_ascending_order():
    one, other = Lbp(radii=(3, 1)).fit(EYES), Lbp(radii=[1, 3]).fit(EYES)
    np.testing.assert_array_equal(one.transform(EYES), other.transform(EYES))
    np.testing.assert_array_equal(one.transform(EYES)[:, :531], compute_lbp(EYES, radii=(1,), grid=3, uniform=True))
    assert list(one.get_feature_names_out()) == sorted(other.get_feature_names_out())


def test_names_are_sorted_with_many_cells_and_large_radii():
    names = Lbp(radii=(2, 11), grid=12, uniform=False).fit(EYES).get_feature_names_out()
    assert list(names) == sorted(names)
    assert names[[0, -1]].tolist() == ["radius02_cell_r00_c00_code000", "radius11_cell_r11_c11_code255"]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"radii": ()}, r"radii is \(\); allowed is a tuple of at least one radius"),
        ({"radii": 2}, r"radii is 2; allowed is a tuple"),
        ({"radii": "12"}, r"radii is '12'; allowed is a tuple"),
        ({"radii": (2, 2)}, r"radii is \(2, 2\); allowed is each radius once"),
        ({"radii": (0,)}, r"radii is 0; allowed is an integer of at least 1"),
        ({"radii": (1.5,)}, r"radii is 1.5; allowed is an integer of at least 1"),
        (
            {"radii": (1, 24)},
            r"a radius of 24 pixels does not fit into images of \(24, 24\).*choose radii below 24",
        ),
        ({"grid": 0}, r"grid is 0; allowed is an integer of at least 1; 3 is the default"),
        ({"grid": 5}, r"grid is 5; it does not divide images of \(24, 24\).*common divisor"),
        ({"uniform": "yes"}, r"uniform is 'yes'; allowed is True \(59 bins per cell\) or False \(256\)"),
    ],
)
def test_invalid_parameters_are_rejected(parameters, message):
    with pytest.raises(ParameterError, match=message):
        Lbp(**parameters).fit(EYES)


def test_images_of_another_shape_are_rejected():
    with pytest.raises(ImageError, match=r"\(12, 24\).*\(24, 24\)"):
        Lbp().fit(EYES).transform(EYES[:, ::2])
