"""Novelty: residuals in closed form, and verdicts by the rule."""

from __future__ import annotations

import numpy as np
import pytest

from classic_eyes.descriptors import DESCRIPTORS
from classic_eyes.features import make_extractor
from classic_eyes.inference.novelty import VERDICTS, Novelty, Subspace, verdicts
from classic_eyes.synthetic import make_eyes

EYES = make_eyes(400, random_state=0)


def subspace(components, scale=1.0, offset=0.0):
    d = 576
    wide = np.zeros((d, components.shape[1]), np.float16)
    wide[: len(components)] = components
    return Subspace("pixels", _pixel_settings(), np.full(d, scale, "f4"), np.full(d, offset, "f4"), wide)


def _pixel_settings():
    return make_extractor("pixels").fit(EYES.images).settings()


def test_the_residual_is_what_pythagoras_leaves():
    rows = DESCRIPTORS["pixels"](EYES.images[:5], **_pixel_settings())
    one = subspace(np.eye(3)[:, :2], scale=2.0, offset=0.5)
    x = rows * 2.0 - 0.5
    expected = np.log(((x**2).sum(axis=1) - x[:, 0] ** 2 - x[:, 1] ** 2) / x.shape[1])
    np.testing.assert_allclose(one.log_residual(EYES.images[:5]), expected, atol=1e-5)


def test_all_components_leave_nothing_and_that_has_a_logarithm():
    whole = subspace(np.eye(576))
    assert (whole.log_residual(EYES.images[:3]) == np.log(1e-6)).all()


def test_the_score_is_the_stated_sum():
    two = Novelty((), np.array([0.0, 1.0]), np.array([2.0, 1.0]), np.array([1.0, 4.0]), 0.5)
    residuals = np.array([[0.0, 1.0], [2.0, 1.0], [0.0, 3.0], [-1.0, -3.0], [4.0, 3.0]])
    expected = [0, 1 / 0.5, 4 / 0.5, (0.5 + 0.5) / 0.5, (4 + 4) / 0.5]
    np.testing.assert_allclose(two.of_residuals(residuals), expected)


def detector(side=24):
    """A detector whose residuals find nothing unusual."""
    settings = make_extractor("pixels").fit(np.zeros((2, side, side), np.uint8)).settings()
    zeros = np.zeros(side * side, np.float32)
    nothing = Subspace("pixels", settings, zeros, zeros, np.zeros((side * side, 1), np.float16))
    return Novelty((nothing,), np.zeros(1), np.full(1, 1e9), np.full(1, 1e9), 1.0)


def test_flat_images_of_any_level_and_size_are_no_eyes_whatever_their_residuals_are():
    for side in (8, 24, 25, 48):
        flat = np.repeat(np.arange(256, dtype=np.uint8), side * side).reshape(256, side, side)
        assert (detector(side).score(flat) >= 100).all()


@pytest.mark.parametrize("noise", [0.3, 1, 2, 4])
def test_nearly_flat_images_with_the_noise_of_a_sensor_are_no_eyes(noise):
    grey = np.arange(0, 256, 5)[:, np.newaxis, np.newaxis]
    noisy = np.clip(np.rint(grey + noise * np.random.default_rng(0).normal(size=(52, 24, 24))), 0, 255)
    assert (detector().score(noisy.astype(np.uint8)) > 1).all()


def test_other_images_keep_the_score_of_their_residuals():
    novelty = detector()
    np.testing.assert_array_equal(novelty.score(EYES.images), novelty.of_residuals(novelty.residuals(EYES.images)))


def test_verdicts_by_the_rule():
    p = np.array([0.0, 0.2, 0.49, 0.5, 0.51, 0.8, 1.0, 1.0, 0.0])
    new = np.array([0, 0.99, 0, 0, 0, 1.0, 0, 1.01, 9])
    found = verdicts(p, new, unsure=0.5)
    assert found == ["closed", "closed", "unsure", "unsure", "unsure", "open", "open", "not-an-eye", "not-an-eye"]
    assert verdicts(p[:7], new[:7], unsure=0.0) == ["closed"] * 3 + ["open"] * 4
    # Distances are from the log odds of the threshold; 0 and 1 are infinitely far.
    assert verdicts(np.array([0.8, 0.79, 0.5, 0.99]), np.zeros(4), unsure=0.5, threshold=0.8) == [
        "unsure",
        "unsure",
        "closed",
        "open",
    ]
    assert verdicts(p[:7], new[:7], unsure=0.5, threshold=0.0) == ["open"] * 7
    assert set(found) == set(VERDICTS)
