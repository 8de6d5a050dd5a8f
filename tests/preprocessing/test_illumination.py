"""Illumination normalization: flat regions, which have no contrast to equalize."""

from __future__ import annotations

import numpy as np
import pytest

from classic_eyes.preprocessing import tan_triggs
from classic_eyes.preprocessing.illumination import _BLURS, _blur_matrix
from classic_eyes.synthetic import make_eyes


def in_double(image: np.ndarray) -> np.ndarray:
    """Compute `tan_triggs` in float64; magnitudes below 1e-6 count as 1e-6."""
    corrected = (image + 1.0) ** 0.2
    corrected -= corrected[0, 0]
    fine, coarse = (
        _blur_matrix(len(image), sigma).astype(np.float64) @ corrected @ _blur_matrix(len(image), sigma).T
        for sigma in _BLURS
    )
    values = fine - coarse
    magnitude = np.maximum(np.abs(values), 1e-6)
    first = np.mean(magnitude**0.1) ** 10
    second = np.mean(np.minimum(magnitude / first, 10) ** 0.1) ** 10
    return 100 * np.tanh(values / first / second / 10)


def half_white(right: bool) -> np.ndarray:
    images = make_eyes(6, size=48, random_state=1).images.copy()
    images[:, :, 24:] = 255
    return images if right else np.ascontiguousarray(images[:, :, ::-1])


@pytest.mark.parametrize("right", [True, False])
def test_rounding_in_flat_regions_has_no_effect(right):
    images = half_white(right)
    np.testing.assert_allclose(tan_triggs(images), [in_double(image) for image in images], atol=0.05)


def test_a_flat_half_counts_alike_on_either_side():
    np.testing.assert_allclose(tan_triggs(half_white(True)), tan_triggs(half_white(False))[:, :, ::-1], atol=0.05)
