"""Novelty: residuals in closed form, and verdicts by the rule."""

from __future__ import annotations

import numpy as np

from classic_eyes.descriptors import DESCRIPTORS
from classic_eyes.inference.novelty import VERDICTS, Novelty, Subspace, verdicts
from classic_eyes.synthetic import make_eyes

EYES = make_eyes(400, random_state=0)


def subspace(components, scale=1.0, offset=0.0):
    d = 576
    wide = np.zeros((d, components.shape[1]), np.float16)
    wide[: len(components)] = components
    return Subspace("pixels", _pixel_settings(), np.full(d, scale, "f4"), np.full(d, offset, "f4"), wide)


def _pixel_settings():
    from classic_eyes.features import make_extractor

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
