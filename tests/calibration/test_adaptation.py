"""Adaptation of threshold and calibration to an unlabelled folder."""

from __future__ import annotations

import numpy as np
import pytest

from classic_eyes.calibration import Adaptation, fit_adaptation
from classic_eyes.errors import ParameterError
from classic_eyes.synthetic import make_eyes


def bimodal(closed: float, opened: float, deviation: float = 1.0, n: tuple[int, int] = (500, 500), seed: int = 0):
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.normal(closed, deviation, n[0]), rng.normal(opened, deviation, n[1])])


@pytest.mark.parametrize(("closed", "opened", "deviation"), [(-3, 3, 1), (-1, 5, 1), (-6, 3, 2), (-4, 2, 0.5)])
def test_two_normal_distributions_give_threshold_slope_and_separation(closed, opened, deviation):
    found = fit_adaptation(bimodal(closed, opened, deviation, n=(20_000, 20_000)))
    assert found.declined is None
    assert found.threshold == pytest.approx((closed + opened) / 2, abs=0.1)
    assert found.slope == pytest.approx((opened - closed) / deviation**2, rel=0.05)
    assert found.separation == pytest.approx((opened - closed) / deviation, rel=0.03)


def test_unequal_class_shares_shift_the_threshold_by_bayes_rule():
    found = fit_adaptation(bimodal(-3, 3, 1.2, n=(30_000, 10_000)))
    assert found.threshold == pytest.approx(-np.log(1 / 3) / (6 / 1.44), abs=0.05)


@pytest.mark.parametrize("shift", [-1.5, 0.7])
def test_shifting_scores_shifts_the_threshold(shift):
    scores = bimodal(-3, 3)
    assert fit_adaptation(scores + shift).threshold == pytest.approx(fit_adaptation(scores).threshold + shift, abs=1e-4)


def test_order_of_scores_does_not_matter_and_adapted_probabilities_keep_their_order():
    scores = bimodal(-2, 4)
    found, reversed_ = fit_adaptation(scores), fit_adaptation(scores[::-1])
    assert found.threshold == pytest.approx(reversed_.threshold, abs=1e-9)
    adapted = found.probability(1 / (1 + np.exp(-np.sort(scores))))
    assert (np.diff(adapted) >= 0).all()
    assert found.probability(1 / (1 + np.exp(-found.threshold))) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        (bimodal(-3, 3, n=(50, 49)), "99 images; 100 or more"),
        (bimodal(-3, 3, n=(950, 50)), "5% look open; a folder needs 15% or more of both classes"),
        (bimodal(-3, 3, n=(10, 990)), "99% look open"),
        (np.zeros(200), "100% look open"),
        (bimodal(0, 0.5), "are not bimodal"),
        (bimodal(-1, 9), "the threshold would shift by"),
    ],
)
def test_declined_adaptation_names_the_reason_and_changes_nothing(scores, message):
    found = fit_adaptation(scores)
    assert message in found.declined
    probability = np.array([0.0, 0.3, 1.0])
    np.testing.assert_array_equal(found.probability(probability), probability)


def test_scores_that_are_not_finite_are_refused():
    with pytest.raises(ParameterError, match="not finite"):
        fit_adaptation([0.0] * 200 + [np.nan])


def test_predictor_and_classifier_adapt_alike(small_classifier):
    eyes = make_eyes(200, random_state=8)
    predictor = small_classifier.predictor_
    assert predictor.adapt(eyes.images) == small_classifier.adapt(eyes.images)
    assert predictor.adapt(eyes.images).declined is None
    assert isinstance(predictor.adapt(eyes.images[:20]), Adaptation)
