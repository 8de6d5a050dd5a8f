"""Histograms of oriented gradients: agreement with a plain Python loop, and properties."""

from __future__ import annotations

import math

import numpy as np
import pytest

from classic_eyes.descriptors.hog import compute_hog
from classic_eyes.errors import ImageError, ParameterError
from classic_eyes.features import Hog
from classic_eyes.synthetic import make_eyes

EYES = make_eyes(4, random_state=1).images
NOISE = np.random.default_rng(0).integers(0, 256, (2, 24, 24), dtype=np.uint8)


def opencv_angle(dy: float, dx: float) -> float:
    """Compute atan2 in 0 to 2 pi by the polynomial of cv::fastAtan2, which is off by up to 2e-4 radians."""
    across, down = abs(dx), abs(dy)
    c = min(across, down) / (max(across, down) + 2.220446e-16)
    angle = c * (0.9997878412794807 + c**2 * (-0.3258083974640975 + c**2 * (0.1555786518463281 - c**2 * 0.0443265555)))
    angle = math.pi / 2 - angle if down > across else angle
    angle = math.pi - angle if dx < 0 else angle
    return 2 * math.pi - angle if dy < 0 else angle


def true_angle(dy: float, dx: float) -> float:
    return math.atan2(dy, dx) % (2 * math.pi)


def mirrored(i: int, n: int) -> int:
    return -i if i < 0 else 2 * n - 2 - i if i >= n else i


def slow(image: np.ndarray, cell: int, n_bins: int, angle_of=opencv_angle, sigma: float | None = None) -> np.ndarray:
    height, width = image.shape
    roots = np.sqrt(image.astype(np.float32)).astype(float)  # as OpenCV's table has them
    sigma = sigma or (2 * cell + 2 * cell) / 8
    blocks = []
    for block_x in range(width // cell - 1):
        for block_y in range(height // cell - 1):
            histogram = np.zeros((2, 2, n_bins))
            for i in range(2 * cell):
                for j in range(2 * cell):
                    y, x = block_y * cell + i, block_x * cell + j
                    dx = roots[y, mirrored(x + 1, width)] - roots[y, mirrored(x - 1, width)]
                    dy = roots[mirrored(y + 1, height), x] - roots[mirrored(y - 1, height), x]
                    place = angle_of(dy, dx) * n_bins / math.pi - 0.5
                    low = math.floor(place)
                    # Centre at i = cell, not cell - 0.5: half a pixel off, as in OpenCV.
                    vote = math.hypot(dx, dy) * math.exp(-((i - cell) ** 2 + (j - cell) ** 2) / (2 * sigma**2))
                    for cx in range(2):
                        for cy in range(2):
                            share = max(0, 1 - abs((j + 0.5) / cell - 0.5 - cx))
                            share *= max(0, 1 - abs((i + 0.5) / cell - 0.5 - cy))
                            histogram[cx, cy, low % n_bins] += vote * share * (low + 1 - place)
                            histogram[cx, cy, (low + 1) % n_bins] += vote * share * (place - low)
            numbers = histogram.ravel()
            numbers = np.minimum(numbers / (np.linalg.norm(numbers) + 0.1 * numbers.size), 0.2)
            blocks.append(numbers / (np.linalg.norm(numbers) + 1e-3))
    return np.concatenate(blocks)


@pytest.mark.parametrize("cell", [3, 4, 6])
@pytest.mark.parametrize("image", [EYES[0], NOISE[0]], ids=["eye", "noise"])
def test_agrees_with_the_reference_loop(image, cell):
    # OpenCV computes in float32. With the true arc tangent instead of its polynomial the bound is 5e-4.
    fast = compute_hog(image[None], cells=(cell,), n_bins=9)[0]
    np.testing.assert_allclose(fast, slow(image, cell, 9), rtol=0, atol=1e-6)
    np.testing.assert_allclose(fast, slow(image, cell, 9, true_angle), rtol=0, atol=5e-4)


@pytest.mark.parametrize("cell", [3, 4, 6])
def test_without_gaussian_all_pixels_of_a_block_have_the_same_weight(cell):
    fast = compute_hog(EYES[:1], cells=(cell,), n_bins=9, gaussian=False)[0]
    np.testing.assert_allclose(fast, slow(EYES[0], cell, 9, sigma=np.inf), rtol=0, atol=1e-6)


def test_rectangular_image_and_other_bins_agree_with_the_reference_loop():
    image = NOISE[0][:12, :20]
    fast = compute_hog(np.ascontiguousarray(image)[None], cells=(4,), n_bins=5)[0]
    np.testing.assert_allclose(fast, slow(image, 4, 5), rtol=0, atol=1e-6)


@pytest.mark.parametrize("grey", [0, 117, 255])
def test_constant_image_is_exactly_zero(grey):
    assert not compute_hog(np.full((1, 24, 24), grey, np.uint8), cells=(3, 4, 6), n_bins=9).any()


def test_vertical_step():
    # Roots 0 | 15: the gradient is 15 at angle 0 in columns 11 and 12, nothing elsewhere. Angle 0 lies half way between
    # the first and the last bin, so these two share all votes equally, in every block that contains columns 11 or 12.
    image = np.zeros((1, 24, 24), np.uint8)
    image[:, :, 12:] = 225
    hog = Hog(cells=(6,)).fit(image)
    blocks = hog.transform(image).reshape(3, 3, 2, 2, 9)
    assert not blocks[..., 1:8].any()
    np.testing.assert_allclose(blocks[..., 0], blocks[..., 8], rtol=1e-6)
    assert (blocks[1, ..., 0] > 0).all()
    # Blocks of the left column end at column 11, those of the right one begin at 12: only the near cells have votes,
    # apart from the share that the last half cell contributes across.
    assert (blocks[0, :, 1, :, 0] > blocks[0, :, 0, :, 0]).all()
    assert (blocks[2, :, 0, :, 0] > blocks[2, :, 1, :, 0]).all()
    # The values above 0.2 of the two bins of a block are clipped to the same value and scaled to length 1.
    np.testing.assert_allclose(blocks[1, :, :, :, [0, 8]], 8**-0.5, atol=1e-3)


def test_horizontal_step_is_in_the_middle_bin():
    # 90 degrees is the middle of bin 4 of 9.
    image = np.zeros((1, 24, 24), np.uint8)
    image[:, 12:] = 225
    blocks = compute_hog(image, cells=(6,), n_bins=9).reshape(3, 3, 2, 2, 9)
    assert not blocks[..., [0, 1, 2, 6, 7, 8]].any()
    assert (blocks[:, 1, :, :, 4] > 0.4).all()
    np.testing.assert_allclose(blocks[..., [3, 5]], 0, atol=1e-3)


@pytest.mark.parametrize(("row", "column"), [(0, 0), (0, 3), (3, 0), (3, 3), (1, 2), (2, 1)])
def test_names_give_the_position_of_an_edge(row, column):
    # A bright spot in the middle of a cell: that cell is the largest of each block that contains it.
    image = np.zeros((1, 24, 24), np.uint8)
    image[0, 6 * row + 2 : 6 * row + 4, 6 * column + 2 : 6 * column + 4] = 255
    hog = Hog(cells=(6,)).fit(image)
    values = dict(zip(hog.get_feature_names_out(), hog.transform(image)[0], strict=True))
    sums: dict[str, float] = {}
    for name, value in values.items():
        sums[name[:-6]] = sums.get(name[:-6], 0.0) + float(value)
    seen = 0
    for block_row in {row - 1, row} & {0, 1, 2}:
        for block_column in {column - 1, column} & {0, 1, 2}:
            block = f"cell06_block_c{block_column}_r{block_row}"
            inside = {name: value for name, value in sums.items() if name.startswith(block)}
            assert max(inside, key=inside.get) == f"{block}_cell_c{column - block_column}_r{row - block_row}"
            seen += 1
    assert seen == (1 if row in (0, 3) else 2) * (1 if column in (0, 3) else 2)


def test_transposing_reverses_an_even_number_of_bins():
    # A gradient at angle a becomes 90 degrees - a; with 6 bins of 30 degrees bin centres map to bin centres.
    blocks = compute_hog(EYES, cells=(4,), n_bins=6).reshape(-1, 5, 5, 2, 2, 6)
    swapped = compute_hog(np.ascontiguousarray(EYES.transpose(0, 2, 1)), cells=(4,), n_bins=6)
    bins = [2, 1, 0, 5, 4, 3]
    expected = blocks.transpose(0, 2, 1, 4, 3, 5)[..., bins]
    # At exactly 45 degrees OpenCV's arc tangent has an error of 1.7e-4 radians that is not symmetric.
    np.testing.assert_allclose(swapped.reshape(expected.shape), expected, rtol=0, atol=1e-4)


def test_blocks_are_non_negative_with_length_at_most_one():
    rows = compute_hog(np.concatenate([EYES, NOISE]), cells=(4,), n_bins=9)
    assert rows.min() >= 0
    lengths = np.linalg.norm(rows.reshape(-1, 36), axis=1)
    assert lengths.max() <= 1
    assert lengths[-50:].min() > 0.99


def test_gain_has_little_effect_on_strong_edges():
    half = NOISE // 2
    dim, bright = (compute_hog(images, cells=(6,), n_bins=9) for images in (half, half * 2))
    np.testing.assert_allclose(dim, bright, atol=0.02)


def test_cell_sizes_are_in_ascending_order():
    one, other = Hog(cells=(6, 3)).fit(EYES), Hog(cells=[3, 6]).fit(EYES)
    np.testing.assert_array_equal(one.transform(EYES), other.transform(EYES))
    np.testing.assert_array_equal(one.transform(EYES)[:, :1764], compute_hog(EYES, cells=(3,), n_bins=9))
    assert list(one.get_feature_names_out()) == list(other.get_feature_names_out())
    assert one.cells == (6, 3)


def test_names_are_sorted_with_many_cells_and_bins():
    names = Hog(cells=(2, 12), n_bins=12).fit(EYES).get_feature_names_out()
    assert list(names) == sorted(names)
    assert names[0] == "cell02_block_c00_r00_cell_c0_r0_bin00"
    assert names[-1] == "cell12_block_c0_r0_cell_c1_r1_bin11"


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"cells": ()}, r"cells is \(\); allowed is a tuple of at least one cell size"),
        ({"cells": 6}, r"cells is 6; allowed is a tuple of at least one cell size"),
        ({"cells": "346"}, r"cells is '346'; allowed is a tuple"),
        ({"cells": (4, 4)}, r"cells is \(4, 4\); allowed is each size once"),
        ({"cells": (1,)}, r"cells is 1; allowed is an integer of at least 2"),
        ({"cells": (4.0,)}, r"cells is 4.0; allowed is an integer of at least 2"),
        ({"cells": (4, 5)}, r"a cell of 5 pixels does not divide images of \(24, 24\).*common divisor"),
        (
            {"cells": (24,)},
            r"a cell of 24 pixels does not divide images of \(24, 24\).*at least twice in both directions",
        ),
        ({"n_bins": 1}, r"n_bins is 1; allowed is an integer of at least 2; 9 is the default"),
        ({"n_bins": "9"}, r"n_bins is '9'; allowed is an integer"),
        ({"gaussian": 3}, r"gaussian is 3; allowed is True or False"),
    ],
)
def test_invalid_parameters_are_rejected(parameters, message):
    with pytest.raises(ParameterError, match=message):
        Hog(**parameters).fit(EYES)


def test_images_of_another_shape_are_rejected():
    with pytest.raises(ImageError, match=r"\(12, 24\).*\(24, 24\)"):
        Hog().fit(EYES).transform(EYES[:, ::2])
