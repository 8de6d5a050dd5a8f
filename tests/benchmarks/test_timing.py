"""Timing of an estimator whose speed is known."""

from __future__ import annotations

import time

import numpy as np

from benchmarks.timing import rates, time_estimator

from ..conftest import write_eyes


class Slow:
    """Takes two milliseconds an image."""

    def predict_proba(self, images):
        time.sleep(0.002 * len(images))
        return np.full((len(images), 2), 0.5)


def test_rates_are_of_the_median_second():
    assert rates([4.0, 1.0, 2.0], 100) == {"median": 50.0, "low": 25.0, "high": 100.0, "rounds": 3}


def test_known_delay_is_measured(tmp_path):
    write_eyes(tmp_path, 40)
    paths = sorted(str(path) for path in tmp_path.iterdir())
    speed = time_estimator(Slow(), paths, rounds=3)
    assert 100 < speed["end_to_end"]["median"] <= 500
    assert 100 < speed["one_image"]["median"] <= 500
    assert speed["decode"]["median"] > 1000
    assert speed["over_decode"] > 2
    assert speed["features"] is speed["classifier"] is None
    assert speed["haar"]["rounds"] == speed["decode"]["rounds"] == 3
