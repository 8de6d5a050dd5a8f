"""Visual words: patches, whitening, k-means, triangle coding, pooling over cells."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from classic_eyes.descriptors.words import _extract_patches, compute_words, pooling_weights
from classic_eyes.errors import ImageError, ParameterError
from classic_eyes.features import TanTriggsWords, Words
from classic_eyes.preprocessing import tan_triggs
from classic_eyes.synthetic import make_eyes

EYES = make_eyes(40, random_state=1).images
FITTED = Words(n_words=12).fit(EYES)
# The same examples each time, and no deadline: other tests may run at the same time.
reproducible = settings(derandomize=True, deadline=None, max_examples=25)


def extract(images: np.ndarray, *, patch: int, stride: int) -> np.ndarray:
    """Return normalized patches, shape (n, n_patches, patch ** 2)."""
    down, across = ((side - patch) // stride + 1 for side in images.shape[1:])
    columns = np.empty((patch**2, len(images) * down * across), np.float32)
    _extract_patches(images, patch=patch, stride=stride, out=columns)
    return columns.reshape(patch**2, len(images), -1).transpose(1, 2, 0)


def respond_to_constant_patch(words: np.ndarray) -> np.ndarray:
    """Return the responses of a constant patch, which is 0 after normalization, to words of two dimensions."""
    plain = {"whitening": np.eye(36, dtype=np.float32), "patch_mean": np.zeros(36, np.float32)}
    padded = np.pad(words, ((0, 0), (0, 34)))
    image = np.full((1, 6, 6), 90, np.uint8)
    return compute_words(image, patch=6, stride=1, grid=1, light=False, words=padded, **plain)[0]


# -- closed form ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_patches_of_constant_image_are_zero(grey):
    patches = extract(np.full((1, 24, 24), grey, np.uint8), patch=6, stride=2)
    assert patches.shape == (1, 100, 36)
    assert not patches.any()


def test_patch_of_a_vertical_step():
    # Half 100, half 200: mean 150, variance 50 ** 2, so 50 / sqrt(50 ** 2 + 10 ** 2).
    image = np.full((1, 6, 6), 100, np.uint8)
    image[:, :, 3:] = 200
    expected = np.tile([-1, -1, -1, 1, 1, 1], 6) * 50 / np.sqrt(2600)
    np.testing.assert_allclose(extract(image, patch=6, stride=2)[0, 0], expected, rtol=1e-6)


def test_patch_positions():
    image = np.zeros((1, 10, 12), np.uint8)
    image[0, 4, 6] = 255  # first pixel of the patch in row 2, column 3 at stride 2: number 2 * 5 + 3
    patches = extract(image, patch=4, stride=2)
    assert patches.shape == (1, 4 * 5, 16)
    assert patches[0, 13].argmax() == 0
    assert set(np.flatnonzero(patches[0].any(axis=1))) == {1 * 5 + 2, 1 * 5 + 3, 2 * 5 + 2, 2 * 5 + 3}


def test_patch_equal_to_a_word_responds_to_it_only():
    # Distances 0, 3, 4 and their mean 7 / 3: responses 7 / 3, 0, 0.
    words = np.array([[0, 0], [3, 0], [0, 4]], np.float32)
    np.testing.assert_allclose(respond_to_constant_patch(words), [7 / 3, 0, 0], rtol=1e-6)


def test_patch_at_equal_distance_to_all_words_has_no_response():
    words = np.array([[1, 0], [-1, 0], [0, 1], [0, -1]], np.float32)
    assert not respond_to_constant_patch(words).any()


@pytest.mark.parametrize(("n_positions", "grid"), [(10, 4), (7, 3), (5, 5), (4, 1), (19, 4)])
def test_pooling_weights_sum_to_one_and_are_symmetric(n_positions, grid):
    weights = pooling_weights(n_positions, grid)
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    np.testing.assert_allclose(weights.sum(axis=0), grid / n_positions)
    np.testing.assert_allclose(weights, weights[::-1, ::-1], atol=1e-12)


# -- reference loop ------------------------------------------------------------------------------------------------


def slow(words: Words, image: np.ndarray) -> np.ndarray:
    side, grid = (image.shape[0] - words.patch) // words.stride + 1, words.grid
    cells = np.zeros((grid, grid, words.n_words))
    for r in range(side):
        for c in range(side):
            top, left = r * words.stride, c * words.stride
            patch = image[top : top + words.patch, left : left + words.patch].astype(float).ravel()
            patch = (patch - patch.mean()) / np.sqrt(patch.var() + 100)
            whitened = words.whitening_.astype(float) @ (patch - words.patch_mean_)
            distance = np.array([np.linalg.norm(whitened - word) for word in words.words_.astype(float)])
            response = np.maximum(0, distance.mean() - distance)
            for i in range(grid):
                for j in range(grid):
                    tall = max(0, min((i + 1) * side / grid, r + 1) - max(i * side / grid, r))
                    wide = max(0, min((j + 1) * side / grid, c + 1) - max(j * side / grid, c))
                    cells[i, j] += response * tall * wide * (grid / side) ** 2
    return cells.ravel()


@reproducible
@given(arrays(np.uint8, (24, 24)))
def test_agrees_with_the_reference_loop(image):
    np.testing.assert_allclose(FITTED.transform(image[None])[0], slow(FITTED, image), atol=2e-4)


# -- properties ----------------------------------------------------------------------------------------------------


def test_whitened_patches_are_uncorrelated():
    # Kessy, Lewin, Strimmer, 2018, doi:10.1080/00031305.2016.1277159: ZCA makes the covariance the identity; with the
    # floor f a variance v becomes v / (v + f), below 1.
    patches = extract(EYES, patch=6, stride=1).reshape(-1, 36)
    words = Words(n_words=2).fit(EYES)
    covariance = np.cov(((patches - words.patch_mean_) @ words.whitening_).T)
    variances = np.linalg.eigvalsh(np.cov(patches.T))
    np.testing.assert_allclose(np.linalg.eigvalsh(covariance), np.sort(variances / (variances + 0.1)), atol=0.05)


@reproducible
@given(arrays(np.uint8, (24, 24)), st.integers(0, 100))
def test_brightness_changes_only_rounding(image, offset):
    darker = image // 2
    np.testing.assert_allclose(
        FITTED.transform(darker[None] + np.uint8(offset)), FITTED.transform(darker[None]), atol=1e-3
    )


def test_strong_contrast_has_little_effect():
    strong = np.random.default_rng(0).integers(0, 2, (4, 24, 24), dtype=np.uint8) * 250
    half = strong // 2
    difference = np.abs(FITTED.transform(strong) - FITTED.transform(half)).max()
    assert difference < 0.05 * FITTED.transform(strong).max()


def test_moving_the_eye_moves_the_responses_to_another_cell():
    # With stride 2 and 20 positions in 4 cells, 10 pixels are one cell; the background is grey.
    words = Words(n_words=12).fit(EYES)
    image = np.full((44, 44), 128, np.uint8)
    image[12:18, 12:18] = EYES[0, 9:15, 9:15]
    moved = np.roll(image, 10, axis=1)
    words.image_shape_ = (44, 44)
    here, there = (words._compute(p[None]).reshape(4, 4, 12) for p in (image, moved))
    np.testing.assert_allclose(there[:, 1:], here[:, :3], atol=1e-5)


def test_each_word_is_the_centre_of_something():
    # k-means leaves no centre without patches: every word has a response in the training images.
    assert (FITTED.transform(EYES).reshape(len(EYES), -1, 12).max(axis=(0, 1)) > 0).all()
    assert len(np.unique(FITTED.words_, axis=0)) == 12


def test_seed_determines_words():
    again, other = (Words(n_words=12, random_state=seed).fit(EYES) for seed in (0, 1))
    np.testing.assert_array_equal(again.words_, FITTED.words_)
    assert not np.array_equal(other.words_, FITTED.words_)


@pytest.mark.parametrize("parameter", [{"patch": 8}, {"stride": 3}, {"grid": 2}, {"n_words": 7}])
def test_parameters_are_used(parameter):
    words = Words(**{"n_words": 12, **parameter}).fit(EYES)
    assert words.n_features_out_ == words.grid**2 * words.n_words
    np.testing.assert_allclose(words.transform(EYES[:1])[0], slow(words, EYES[0]), atol=2e-4)


# -- illumination normalization ------------------------------------------------------------------------------------


@pytest.mark.parametrize("grey", [0, 1, 117, 255])
def test_constant_image_is_normalized_to_zero(grey):
    assert not tan_triggs(np.full((2, 24, 24), grey, np.uint8)).any()


def slow_tan_triggs(image: np.ndarray) -> np.ndarray:
    corrected = (image.astype(float) + 1) ** 0.2
    fine, coarse = (
        cv2.GaussianBlur(corrected, (n, n), sigma, borderType=cv2.BORDER_REPLICATE)
        for n, sigma in ((7, 0.7), (25, 3.0))
    )
    y = fine - coarse
    y = y / (np.mean(np.abs(y) ** 0.1) ** 10 + 1e-6)
    y = y / (np.mean(np.minimum(np.abs(y), 10) ** 0.1) ** 10 + 1e-6)
    return 100 * np.tanh(y / 10)


def test_normalization_agrees_with_the_formula():
    np.testing.assert_allclose(tan_triggs(EYES), [slow_tan_triggs(image) for image in EYES], atol=0.05)


def test_normalization_reduces_the_effect_of_shading():
    # Light multiplies the reflectance (Lambert): from 0.2 on the left to 1 on the right.
    light = np.linspace(0.2, 1, 24)
    shaded = (EYES * light).astype(np.uint8)

    def correlation(a, b):
        return np.mean([np.corrcoef(x.ravel(), y.ravel())[0, 1] for x, y in zip(a, b, strict=True)])

    assert correlation(tan_triggs(shaded), tan_triggs(EYES)) > 0.9 > correlation(shaded, EYES)


def test_words_are_fitted_to_normalized_images():
    words = TanTriggsWords(n_words=12).fit(EYES)
    assert not np.allclose(words.words_, FITTED.words_)
    patches = extract(tan_triggs(EYES[:3]), patch=6, stride=2)
    whitened = np.matmul(patches - words.patch_mean_, words.whitening_)
    distance = np.linalg.norm(whitened[:, :, np.newaxis].astype(float) - words.words_, axis=-1)
    responses = np.maximum(0, distance.mean(axis=-1, keepdims=True) - distance)
    cells = words.transform(EYES[:3]).reshape(3, 16, 12)
    np.testing.assert_allclose(cells.mean(axis=1), responses.mean(axis=1), atol=1e-5)


# -- invalid input -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameter", "message"),
    [
        ({"n_words": 1}, "n_words is 1; allowed is an integer of at least 2; 100 is the default"),
        ({"n_words": 10**6}, r"n_words is 1000000; the images have 14440 patches .*; choose at most that many"),
        ({"patch": 1}, "patch is 1; allowed is an integer of at least 2"),
        ({"patch": 25}, r"patch is 25; it does not fit into images of \(24, 24\).*; choose at most 24"),
        ({"stride": 0}, "stride is 0; allowed is an integer of at least 1"),
        ({"grid": 0}, "grid is 0; allowed is an integer of at least 1"),
        ({"grid": 11}, r"grid is 11; only \(10, 10\) patches .*; choose at most 10"),
        ({"random_state": -1}, "random_state is -1; allowed is an integer of at least 0"),
        ({"random_state": None}, "random_state is None; allowed is an integer"),
    ],
)
def test_invalid_parameters_are_rejected(parameter, message):
    with pytest.raises(ParameterError, match=message):
        Words(**parameter).fit(EYES)


def test_images_of_another_shape_are_rejected():
    with pytest.raises(ImageError, match=r"\(12, 24\).*\(24, 24\)"):
        FITTED.transform(EYES[:, ::2])
