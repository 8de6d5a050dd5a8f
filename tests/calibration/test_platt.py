"""Platt scaling."""

from __future__ import annotations

import numpy as np
import pytest

from classic_eyes.calibration import fit_platt


def cross_entropy(parameters, decision, y):
    target = np.where(y == 1, ((y == 1).sum() + 1) / ((y == 1).sum() + 2), 1 / ((y == 0).sum() + 2))
    log_odds = parameters[0] * decision + parameters[1]
    return np.sum(np.logaddexp(0, log_odds) - target * log_odds)


def overlapping() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [120, 60])
    return rng.normal(size=180) + 1.5 * y, y


def test_two_values_on_separable_data_have_the_smoothed_targets_as_probabilities():
    slope, intercept = fit_platt(np.array([-1.0, -1.0, 1.0, 1.0, 1.0]), np.array([0, 0, 1, 1, 1]))
    assert 1 / (1 + np.exp(-(slope + intercept))) == pytest.approx(4 / 5, abs=1e-4)
    assert 1 / (1 + np.exp(-(-slope + intercept))) == pytest.approx(1 / 4, abs=1e-4)


def test_cross_entropy_is_at_its_minimum():
    decision, y = overlapping()
    fitted = fit_platt(decision, y)
    least = cross_entropy(fitted, decision, y)
    for step in ((0.05, 0), (-0.05, 0), (0, 0.05), (0, -0.05)):
        assert cross_entropy(np.add(fitted, step), decision, y) > least


def test_scaling_decision_values_scales_the_slope():
    decision, y = overlapping()
    slope, intercept = fit_platt(decision, y)
    assert fit_platt(10 * decision, y) == pytest.approx((slope / 10, intercept), abs=1e-4)


def test_weight_two_counts_like_two_rows_up_to_the_targets():
    decision, y = overlapping()
    uniform = fit_platt(decision, y, np.full(len(y), 2.0))
    assert uniform == pytest.approx(fit_platt(decision, y), abs=1e-4)
