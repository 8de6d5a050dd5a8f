"""Accuracy against the number of labels."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.label_curve import measure_label_curve
from classic_eyes.errors import ParameterError
from classic_eyes.synthetic import make_eyes


@pytest.mark.slow
def test_curves_are_the_same_for_any_number_of_jobs():
    eyes = make_eyes(100, random_state=2)
    groups = np.arange(100).astype(str)
    settings = {"sizes": (20, 40), "learners": ("knn",), "n_seeds": 2}
    one, two = (measure_label_curve(eyes.images, eyes.labels, groups, n_jobs=jobs, **settings) for jobs in (1, 2))
    assert one == two
    assert [(curve.learner, curve.order) for curve in one] == [("knn", "random"), ("knn", "priority")]
    assert all(0.5 < value <= 1 for curve in one for value in curve.mean)
    assert all(least <= mean for curve in one for least, mean in zip(curve.minimum, curve.mean, strict=True))
    # Both orders start with the same random images.
    assert [seed[0] for seed in one[0].accuracy] == [seed[0] for seed in one[1].accuracy]


@pytest.mark.parametrize(
    ("sizes", "message"),
    [((20, 60), "60 labels, and four fifths of the groups hold 40"), ((40, 20), "must be increasing")],
)
def test_sizes_that_cannot_be_reached_are_refused(sizes, message):
    eyes = make_eyes(50)
    with pytest.raises(ParameterError, match=message):
        measure_label_curve(eyes.images, eyes.labels, np.arange(50), sizes=sizes, learners=("knn",), n_jobs=1)
