"""Local ternary patterns, and the reproducible illumination normalization before them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from classic_eyes.descriptors.ltp import compute_ltp
from classic_eyes.errors import ParameterError
from classic_eyes.features import Ltp
from classic_eyes.preprocessing.illumination import tan_triggs, tan_triggs_uint8
from classic_eyes.synthetic import make_eyes

EYES = make_eyes(150, random_state=1).images
NOISE = np.random.default_rng(0).integers(0, 256, (3, 24, 24), dtype=np.uint8)
batches = arrays(np.uint8, st.tuples(st.integers(1, 3), st.just(6), st.just(9)))
# The same examples each time, and no deadline: other tests may run at the same time.
reproducible = settings(derandomize=True, deadline=None)


def is_uniform(code: int) -> bool:
    ring = [code >> bit & 1 for bit in range(8)]
    return sum(ring[bit] != ring[bit - 1] for bit in range(8)) <= 2


def slow(levels: np.ndarray, radius: int, grid: int, threshold: int) -> np.ndarray:
    height, width = levels.shape
    kept = [code for code in range(256) if is_uniform(code)]
    counts = np.zeros((2, grid, grid, 59))
    ring = [(0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1)]
    for row in range(height):
        for column in range(width):
            steps = [
                int(
                    levels[
                        min(max(row + radius * down, 0), height - 1), min(max(column + radius * right, 0), width - 1)
                    ]
                )
                - int(levels[row, column])
                for down, right in ring
            ]
            for side, sign in enumerate((1, -1)):
                code = sum((sign * step > threshold) << bit for bit, step in enumerate(steps))
                place = kept.index(code) if code in kept else 58
                counts[side, row * grid // height, column * grid // width, place] += 1
    return np.sqrt(counts / ((height // grid) * (width // grid))).ravel()


@reproducible
@given(batches, st.integers(1, 5), st.sampled_from([1, 3]), st.sampled_from([0, 6, 40, 254]))
def test_agrees_with_the_reference_loop(images, radius, grid, threshold):
    expected = [slow(levels, radius, grid, threshold) for levels in tan_triggs_uint8(images)]
    fast = compute_ltp(images, radii=(radius,), grid=grid, threshold=threshold)
    np.testing.assert_allclose(fast, expected, rtol=0, atol=1e-6)


def test_radii_are_in_ascending_order():
    one, other = Ltp(radii=(3, 1)).fit(EYES), Ltp(radii=[1, 3]).fit(EYES)
    np.testing.assert_array_equal(one.transform(EYES), other.transform(EYES))
    expected = np.hstack([compute_ltp(EYES, radii=(r,), grid=3, threshold=6) for r in (1, 3)])
    np.testing.assert_array_equal(one.transform(EYES), expected)


@pytest.mark.parametrize("grey", [0, 117, 255])
def test_constant_image_has_no_pattern(grey):
    ltp = Ltp().fit(EYES)
    values = ltp.transform(np.full((1, 24, 24), grey, np.uint8))[0]
    assert {name[-7:] for name in ltp.get_feature_names_out()[values == 1]} == {"code000"}
    assert np.count_nonzero(values) == len(ltp.radii) * 2 * 9


def test_brighter_and_darker_are_swapped_in_the_negative():
    # The negative of the levels, not of the image: the gamma correction is not symmetric.
    levels = tan_triggs_uint8(EYES[:4])
    first, second = (np.stack([slow(sign * (each.astype(int) - 128), 1, 3, 6) for each in levels]) for sign in (1, -1))
    np.testing.assert_array_equal(first.reshape(4, 2, -1)[:, ::-1], second.reshape(4, 2, -1))


def test_uint8_normalization_is_close_to_the_float32_one():
    difference = np.abs(tan_triggs_uint8(EYES) - 128.0 - tan_triggs(EYES))
    # Half a level of rounding, and a thirty-second of an octave, 2%, of the contrast.
    assert difference.max() < 2.5
    assert difference.mean() < 0.5


@pytest.mark.parametrize("shape", [(24, 24), (12, 36), (25, 9)])
def test_uint8_normalization_of_the_mirror_image_is_mirrored_to_the_byte(shape):
    images = np.random.default_rng(5).integers(0, 256, (70, *shape), dtype=np.uint8)
    for flipped in ((slice(None), slice(None), slice(None, None, -1)), (slice(None), slice(None, None, -1))):
        np.testing.assert_array_equal(
            tan_triggs_uint8(np.ascontiguousarray(images[flipped])), tan_triggs_uint8(images)[flipped]
        )


def test_uint8_normalization_uses_exact_integers():
    # Sums of integers below 2 ** 53 are exact in any order.
    from classic_eyes.preprocessing import illumination

    difference = illumination._integer_difference_of_gaussians(NOISE)
    np.testing.assert_array_equal(difference, np.rint(difference))
    extreme = np.where(np.indices((24, 24)).sum(axis=0) % 2, 255, 0).astype(np.uint8)[np.newaxis]
    assert np.abs(illumination._integer_difference_of_gaussians(extreme)).max() < 2**38
    for sigma in illumination._BLURS:
        matrix = illumination._integer_blur_matrix(24, sigma)
        assert (matrix.sum(axis=1) == 4096).all()
        np.testing.assert_array_equal(matrix, matrix[::-1, ::-1])


def test_light_and_contrast_change_ltp_less_than_lbp():
    from classic_eyes.features import Lbp

    shade = np.linspace(-25, 25, 24)
    darker = np.clip(EYES * 0.6 + 40 + shade, 0, 255).astype(np.uint8)
    moved = {}
    for extractor in (Ltp(), Lbp()):
        rows, others = extractor.fit(EYES).transform(EYES), extractor.transform(darker)
        moved[type(extractor)] = np.linalg.norm(rows - others) / np.linalg.norm(rows - rows[::-1])
    assert moved[Ltp] < 0.8 * moved[Lbp]


def test_squares_of_a_cell_sum_to_one():
    rows = Ltp().fit_transform(NOISE).reshape(3, 4, 2, 9, 59)
    np.testing.assert_allclose((rows**2).sum(axis=-1), 1, rtol=1e-5)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"radii": ()}, r"radii is \(\); allowed is a tuple of at least one radius"),
        ({"radii": (24,)}, "does not fit into images"),
        ({"radii": (1, 1)}, "each radius once"),
        ({"grid": 5}, "does not divide images"),
        ({"threshold": -1}, "threshold is -1; allowed is an integer of at least 0; 6 is the default"),
        ({"threshold": 255}, "threshold is 255; allowed is at most 254"),
        ({"threshold": 2.5}, "threshold is 2.5"),
    ],
)
def test_invalid_parameters_are_rejected(parameters, message):
    with pytest.raises(ParameterError, match=message):
        Ltp(**parameters).fit(EYES)
