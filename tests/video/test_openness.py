"""Openness relative to the person's own open eye: closed form, windows, and the same frame by frame."""

from __future__ import annotations

import numpy as np
import pytest

from classic_eyes.errors import ParameterError
from classic_eyes.video import relative_openness
from classic_eyes.video.openness import CLOSED_EAR, DELAY_S, OpenLevel, looks_open

LEVEL = CLOSED_EAR + 0.2


def open_eyes(n: int, level: float = LEVEL) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return np.arange(n) / 25, np.full((n, 2), level), np.full((n, 2), 0.99)


@pytest.mark.parametrize(
    ("ear", "openness"), [(CLOSED_EAR, 0.0), (CLOSED_EAR + 0.1, 0.5), (LEVEL, 1.0), (1.0, 1.3), (0.0, 0.0)]
)
def test_openness_is_linear_between_closed_and_open(ear, openness):
    times, ratios, p = open_eyes(100)
    ratios[50] = ear
    p[50] = 0.5
    assert relative_openness(times, ratios, p)[50] == pytest.approx([openness] * 2)


def test_each_eye_has_its_own_level():
    times, ratios, p = open_eyes(50)
    ratios[:, 1] = CLOSED_EAR + 0.1
    assert relative_openness(times, ratios, p) == pytest.approx(np.ones((50, 2)))


def test_closed_eyes_do_not_lower_the_level():
    times, ratios, p = open_eyes(500)
    closed = np.arange(500) % 10 > 1  # sleepy: four frames of five
    ratios[closed], p[closed] = CLOSED_EAR, 0.01
    opened = relative_openness(times, ratios, p)
    assert opened[~closed] == pytest.approx(np.ones(((~closed).sum(), 2)))
    assert opened[closed] == pytest.approx(np.zeros((closed.sum(), 2)))


def test_the_level_follows_within_half_a_minute():
    times, ratios, p = open_eyes(2500)
    ratios[1000:] = CLOSED_EAR + 0.1  # the head turns
    opened = relative_openness(times, ratios, p)[:, 0]
    assert opened[1000] == pytest.approx(0.5)
    assert opened[1000 + 31 * 25] == pytest.approx(1.0)


def test_the_first_second_is_measured_by_what_follows():
    times, ratios, p = open_eyes(50)
    ratios[:5], p[:5] = CLOSED_EAR, 0.01
    assert relative_openness(times, ratios, p)[:5] == pytest.approx(np.zeros((5, 2)))


def test_without_open_frames_there_is_no_level():
    times, ratios, p = open_eyes(100)
    assert np.isnan(relative_openness(times, ratios, np.full_like(p, 0.2))).all()
    assert OpenLevel(usual=LEVEL).now(np.array([LEVEL, CLOSED_EAR])) == pytest.approx([1.0, 0.0])


def test_an_eye_that_is_not_seen_has_no_openness_and_no_part_in_the_level():
    times, ratios, p = open_eyes(100)
    ratios[30:60, 0] = p[30:60, 0] = np.nan
    opened = relative_openness(times, ratios, p)
    assert np.isnan(opened[30:60, 0]).all()
    assert not np.isnan(opened[:, 1]).any()
    assert not np.isnan(opened[60:]).any()


def test_frame_by_frame_with_the_stated_delay():
    rng = np.random.default_rng(0)
    times = np.cumsum(rng.choice([0.02, 0.04, 0.2], 400))
    ratios, p = rng.uniform(0, 0.4, (400, 2)), rng.uniform(0.5, 1, (400, 2))
    level, final = OpenLevel(), []
    for k, (time_s, ear, looks) in enumerate(zip(times, ratios, looks_open(p), strict=True)):
        final += level.add(float(time_s), ear, bool(looks))
        assert len(final) == np.searchsorted(times[: k + 1], time_s - DELAY_S)
    assert np.array_equal([*final, *level.finish()], relative_openness(times, ratios, p), equal_nan=True)


def test_refused():
    with pytest.raises(ParameterError, match=r"ear and p_open have shapes \(3,\), \(3,\) and \(3, 2\)"):
        relative_openness(np.arange(3), np.ones(3), np.ones((3, 2)))
