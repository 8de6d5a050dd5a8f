"""The tool that evaluates what a few labels add to a model."""

from __future__ import annotations

import numpy as np

from classic_eyes import load_model
from classic_eyes.synthetic import make_eyes
from tools.evaluate_start import errors


def test_errors_are_counted_on_the_other_images():
    eyes = make_eyes(120, random_state=5)
    images = np.ascontiguousarray(eyes.images[:, ::-1])
    start = load_model("fast")
    before, after = errors(start, images, eyes.labels, 60, 0)
    other = np.random.default_rng(0).permutation(120)[60:]
    assert before == (start.predict(images[other]) != eyes.labels[other]).mean()
    assert after < before
