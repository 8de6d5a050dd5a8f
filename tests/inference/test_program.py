"""Programs: projection, batches, stages, the cascade, and parts that go through a file."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.special import logit

from classic_eyes import EyeClassifier, load_model
from classic_eyes.inference.program import Block, Cascade, View, blend, blending_weight, probability_of, reduce_images
from classic_eyes.synthetic import make_eyes

from ..precision import log_odds_bound

EYES = make_eyes(150, random_state=1)
OTHER = make_eyes(60, random_state=2).images
CASCADE_EYES = make_eyes(160, random_state=1)
CASCADE_OTHER = make_eyes(300, random_state=2).images
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


@pytest.fixture(scope="module")
def program():
    settings = {"n_copies": 0, "n_components": 20, "n_synthetic": 0, "align": None, "cascade": None}
    return EyeClassifier((("hog", "lbp"), "words"), "symmetric", **settings).fit(EYES.images, EYES.labels).program


def test_probabilities_of_log_odds():
    np.testing.assert_allclose(probability_of(np.log([1 / 3, 1.0, 3.0])), [0.25, 0.5, 0.75])
    assert probability_of(np.array([-1e4, 1e4])).tolist() == [0, 1]


def test_a_product_over_all_columns_is_that_of_sums_and_differences():
    rng = np.random.default_rng(0)
    # A flip swaps columns 0 and 3, 1 and 4; it leaves 2 in place.
    pairs = np.array([[0, 1, 2], [3, 4, 2]], np.int32)
    rows = rng.normal(size=(7, 5)).astype(np.float32)
    narrow = rng.normal(size=(3, 6)).astype(np.float32)
    one, other = rows[:, pairs[0]], rows[:, pairs[1]]
    expected = np.hstack([(one + other) @ narrow[:, :3], (one - other) @ narrow[:, 3:]])
    np.testing.assert_allclose(Block("hog", {}, False, narrow, pairs).project(rows), expected, atol=1e-5)
    # With many components the block takes sums and differences itself.
    wide = np.hstack([np.tile(narrow[:, :3], 40), np.tile(narrow[:, 3:], 40)])
    tiled = np.hstack([np.tile(expected[:, :3], 40), np.tile(expected[:, 3:], 40)])
    np.testing.assert_allclose(Block("hog", {}, False, wide, pairs).project(rows), tiled, atol=1e-5)
    with pytest.raises(ValueError, match="leave columns out"):
        Block("hog", {}, False, narrow, np.array([[0, 1, 2], [3, 4, 1 << 30]], np.int32))


def test_a_row_does_not_depend_on_its_batch(program):
    whole = program.log_odds(np.tile(OTHER, (5, 1, 1)))
    alone = np.tile([program.log_odds(image[np.newaxis])[0] for image in OTHER], 5)
    np.testing.assert_allclose(whole, alone, atol=log_odds_bound(program, OTHER), rtol=0)


def test_the_kernel_has_double_precision(program):
    view = program.views[0]
    z = program.components(OTHER[:20], 0)[0].astype(np.float64)
    support, half = view.support.astype(np.float64), z.shape[1] // 2
    mirrored = support * np.repeat([1, -1], half)[:, np.newaxis]
    gamma = float(np.float32(view.gamma))
    squares = [((z[:, :, np.newaxis] - each) ** 2).sum(axis=1) for each in (support, mirrored)]
    np.testing.assert_allclose(view.kernel(z), np.mean(np.exp(-gamma * np.array(squares)), axis=0), rtol=1e-12)


@pytest.mark.parametrize("name", ["fast", "default"])
def test_probabilities_of_shipped_models_do_not_depend_on_the_batch(name):
    program = load_model(name).program
    images = reduce_images(make_eyes(300, size=48, random_state=3).images, program.size)
    alone = np.concatenate([program.probability(images[k : k + 1]) for k in range(0, 300, 2)])
    np.testing.assert_allclose(program.probability(images)[::2], alone, atol=1e-5, rtol=0)


def test_no_image_at_all(program):
    assert program.log_odds(OTHER[:0]).shape == (0,)


def test_stages_have_both_parts(program):
    stages = program.stages(OTHER)
    assert set(stages) == {"features", "decision"}
    assert all(seconds > 0 for seconds in stages.values())


@pytest.fixture(scope="module", params=["symmetric", "svm", "knn"])
def clf(request) -> EyeClassifier:
    return EyeClassifier(VIEWS, request.param, **PLAIN).fit(CASCADE_EYES.images, CASCADE_EYES.labels)


def first_view(program):
    """Return the uncalibrated decision values of the first view."""
    return dataclasses.replace(program, views=program.views[:1], cascade=None, slope=1.0, intercept=0.0).log_odds(
        CASCADE_OTHER
    )


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
    each = [dataclasses.replace(plain, views=(view,)).log_odds(CASCADE_OTHER) for view in program.views]
    expected = program.slope * blend(each, program.cascade.threshold) + program.intercept
    # The later views see the uncertain images in other batches; their float32 sums differ in the last digits.
    bound = log_odds_bound(program, CASCADE_OTHER) if program.compiled else 1e-5
    np.testing.assert_allclose(clf.decision_function(CASCADE_OTHER), expected, atol=bound, rtol=0)


def test_later_views_run_on_uncertain_images_only(monkeypatch):
    clf = EyeClassifier(VIEWS, "symmetric", **PLAIN).fit(CASCADE_EYES.images, CASCADE_EYES.labels)
    seen: list[tuple[int, int]] = []
    describe = View.describe

    def recorded(self, images, flipped):
        seen.append(([id(view) for view in clf.program.views].index(id(self)), len(images)))
        return describe(self, images, flipped)

    uncertain = np.abs(first_view(clf.program)) < clf.program.cascade.threshold
    monkeypatch.setattr(View, "describe", recorded)
    clf.decision_function(CASCADE_OTHER)
    per_view = [sum(n for view, n in seen if view == k) for k in range(3)]
    assert per_view == [len(CASCADE_OTHER), uncertain.sum(), uncertain.sum()]
    seen.clear()
    assert 0 <= clf.predict_one(CASCADE_OTHER[~uncertain][0]) <= 1
    assert seen == [(0, 1)]
    assert np.isfinite(clf.program.log_odds(CASCADE_OTHER[~uncertain])).all()


def test_a_row_of_a_cascade_does_not_depend_on_its_batch(clf):
    alone = logit([clf.predict_one(image) for image in CASCADE_OTHER])
    bound = log_odds_bound(clf.program, CASCADE_OTHER) if clf.program.compiled else 1e-5
    np.testing.assert_allclose(clf.program.log_odds(CASCADE_OTHER), alone, atol=bound, rtol=0)


@pytest.mark.parametrize("threshold", [0, -1, np.nan, np.inf])
def test_a_threshold_that_is_not_positive_is_refused(threshold):
    with pytest.raises(ValueError, match="must be above 0"):
        Cascade(threshold)


def test_a_single_view_has_no_cascade():
    clf = EyeClassifier(("hog",), "svm", **PLAIN).fit(CASCADE_EYES.images, CASCADE_EYES.labels)
    assert clf.program.cascade is None
