"""Programs: projection, batches, stages, and parts that go through a file."""

from __future__ import annotations

import numpy as np
import pytest

from classic_eyes import EyeClassifier, load_model
from classic_eyes.inference.program import Block, probability_of, reduce_images
from classic_eyes.synthetic import make_eyes

from ..precision import log_odds_bound

EYES = make_eyes(150, random_state=1)
OTHER = make_eyes(60, random_state=2).images


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
