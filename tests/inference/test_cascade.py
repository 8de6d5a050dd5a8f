"""The cascade: the first view predicts, later views run where it is uncertain, and no prediction jumps."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.special import logit

from classic_eyes import EyeClassifier
from classic_eyes.inference.cascade import Cascade, blend, blending_weight
from classic_eyes.inference.program import View
from classic_eyes.synthetic import make_eyes

from ..precision import log_odds_bound

EYES = make_eyes(160, random_state=1)
OTHER = make_eyes(300, random_state=2).images
VIEWS = (("hog",), ("lbp",), ("pixels",))
PLAIN = {
    "n_copies": 0,
    "n_components": 20,
    "n_synthetic": 0,
    "remove_glare": False,
    "align": None,
    "cascade": 0.3,
    "size": 24,
}


@pytest.fixture(scope="module", params=["symmetric", "svm", "knn"])
def clf(request) -> EyeClassifier:
    return EyeClassifier(VIEWS, request.param, **PLAIN).fit(EYES.images, EYES.labels)


def first_view(program):
    """Return the uncalibrated decision values of the first view."""
    return dataclasses.replace(program, views=program.views[:1], cascade=None, slope=1.0, intercept=0.0).log_odds(OTHER)


def test_the_weight_falls_from_one_to_zero_without_a_jump():
    decisions = np.linspace(-1, 1, 2001)
    weight = blending_weight(decisions, 0.4)
    assert weight.min() == 0
    assert weight.max() == 1
    np.testing.assert_array_equal(weight == 0, np.abs(decisions) >= 0.4)
    np.testing.assert_allclose(weight[np.abs(decisions) <= 0.28], 1)
    assert np.abs(np.diff(weight)).max() < 0.01
    np.testing.assert_allclose(weight, blending_weight(-decisions, 0.4))


def test_the_blend_is_the_first_view_beyond_the_threshold_and_the_mean_well_within():
    rng = np.random.default_rng(0)
    decisions = rng.normal(size=(3, 500))
    mean = decisions.mean(axis=0)
    blended = blend(list(decisions), 0.5)
    far, near = np.abs(decisions[0]) >= 0.5, np.abs(decisions[0]) <= 0.35
    np.testing.assert_array_equal(blended[far], decisions[0][far])
    np.testing.assert_allclose(blended[near], mean[near], rtol=1e-12)
    between = ~far & ~near
    low, high = np.minimum(mean, decisions[0])[between], np.maximum(mean, decisions[0])[between]
    assert ((low <= blended[between]) & (blended[between] <= high)).all()
    np.testing.assert_allclose(blend(list(decisions), None), mean)


def test_the_threshold_leaves_about_the_given_share_to_later_views(clf):
    # The share is exact on out-of-fold values of the training images; these images are others.
    assert 0.1 < (np.abs(first_view(clf.program)) < clf.program.cascade.threshold).mean() < 0.5


def test_the_program_blends_its_views(clf):
    program = clf.program
    plain = dataclasses.replace(program, cascade=None, slope=1.0, intercept=0.0)
    each = [dataclasses.replace(plain, views=(view,)).log_odds(OTHER) for view in program.views]
    expected = program.slope * blend(each, program.cascade.threshold) + program.intercept
    # The later views see the uncertain images in other batches; their float32 sums differ in the last digits.
    bound = log_odds_bound(program, OTHER) if program.compiled else 1e-5
    np.testing.assert_allclose(clf.decision_function(OTHER), expected, atol=bound, rtol=0)


def test_later_views_run_on_uncertain_images_only(monkeypatch):
    clf = EyeClassifier(VIEWS, "symmetric", **PLAIN).fit(EYES.images, EYES.labels)
    seen: list[tuple[int, int]] = []
    describe = View.describe

    def recorded(self, images, flipped):
        seen.append(([id(view) for view in clf.program.views].index(id(self)), len(images)))
        return describe(self, images, flipped)

    uncertain = np.abs(first_view(clf.program)) < clf.program.cascade.threshold
    monkeypatch.setattr(View, "describe", recorded)
    clf.decision_function(OTHER)
    per_view = [sum(n for view, n in seen if view == k) for k in range(3)]
    assert per_view == [len(OTHER), uncertain.sum(), uncertain.sum()]
    seen.clear()
    assert 0 <= clf.predict_one(OTHER[~uncertain][0]) <= 1
    assert seen == [(0, 1)]
    assert np.isfinite(clf.program.log_odds(OTHER[~uncertain])).all()


def test_a_row_does_not_depend_on_its_batch(clf):
    alone = logit([clf.predict_one(image) for image in OTHER])
    bound = log_odds_bound(clf.program, OTHER) if clf.program.compiled else 1e-5
    np.testing.assert_allclose(clf.program.log_odds(OTHER), alone, atol=bound, rtol=0)


@pytest.mark.parametrize("threshold", [0, -1, np.nan, np.inf])
def test_a_threshold_that_is_not_positive_is_refused(threshold):
    with pytest.raises(ValueError, match="must be above 0"):
        Cascade(threshold)


def test_a_single_view_has_no_cascade():
    clf = EyeClassifier(("hog",), "svm", **PLAIN).fit(EYES.images, EYES.labels)
    assert clf.program.cascade is None
