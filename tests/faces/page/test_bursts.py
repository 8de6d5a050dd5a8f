"""Bursts by time and layout, and the frame that is proposed."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from skimage import data as images

from classic_eyes.faces.page import PageFace, best_of, find_bursts
from classic_eyes.faces.page.bursts import colours_of, is_same_layout


def faces(*verdicts: str, p: float | None = 0.9) -> tuple[PageFace, ...]:
    return tuple(PageFace((0.1, 0.1, 0.1, 0.1), verdict, (p, 0.95)) for verdict in verdicts)


def row(n: int, *, x: float = 0.0, width: float = 0.125) -> np.ndarray:
    """Return the boxes of n faces side by side."""
    return np.array([[x + 0.25 * k, 0.25, width, width] for k in range(n)]).reshape(-1, 4)


@pytest.mark.parametrize(
    ("times", "bursts"),
    [
        ([], []),
        ([5.0], []),
        ([0.0, 3.0], [[0, 1]]),
        ([0.0, 3.001], []),
        # The gap is between neighbours: a burst may last longer.
        ([0.0, 2.0, 4.0, 6.0], [[0, 1, 2, 3]]),
        ([0.0, 1.0, 10.0, 11.0, 20.0], [[0, 1], [2, 3]]),
        # The order is that of time; equal times keep the order given.
        ([7.0, 1.0, 6.0, 0.0], [[3, 1], [2, 0]]),
        ([1.0, 1.0, 1.0], [[0, 1, 2]]),
        ([0.0, None, 1.0, math.nan, math.inf, 2.0], [[0, 2, 5]]),
        ([None, None], []),
        ([-1.0, 1.0], [[0, 1]]),
    ],
)
def test_bursts_by_time_alone(times, bursts):
    assert find_bursts(times) == bursts


def test_gap_is_a_parameter():
    assert find_bursts([0.0, 1.0, 3.0], gap=1.0) == [[0, 1]]
    assert find_bursts([0.0, 0.0, 1.0], gap=0.0) == [[0, 1]]


def test_other_layouts_are_other_bursts():
    times = [0.0, 1.0, 2.0, 3.0]
    assert find_bursts(times, [row(2)] * 4) == [[0, 1, 2, 3]]
    far = row(2, x=0.5)
    assert find_bursts(times, [row(2), row(2), far, far]) == [[0, 1], [2, 3]]
    # Two cameras that take turns.
    assert find_bursts(times, [row(2), far, row(2), far]) == [[0, 2], [1, 3]]


def test_photographs_without_a_face_join_no_burst_and_break_none():
    nobody = np.empty((0, 4))
    assert find_bursts([0.0, 1.0, 2.0], [row(1), nobody, row(1)]) == [[0, 2]]
    assert find_bursts([0.0, 1.0, 4.0], [row(1), nobody, row(1)]) == []
    assert find_bursts([0.0, 1.0], [nobody, []]) == []


def jpeg(image: np.ndarray) -> bytes:
    return cv2.imencode(".jpg", np.ascontiguousarray(image[..., ::-1]))[1].tobytes()


def test_other_colours_are_another_burst():
    red, half, blue = (np.repeat([share, 1 - share], 36) / 36 for share in (1.0, 0.7, 0.0))
    assert find_bursts([0.0, 1.0], [row(1)] * 2, [red, half]) == [[0, 1]]
    assert find_bursts([0.0, 1.0], [row(1)] * 2, [red, half - 1e-3]) == []
    # Two people who stand in the same place before different walls, one after the other.
    assert find_bursts([0.0, 1.0, 2.0, 3.0], [row(1)] * 4, [red, blue, red, blue]) == [[0, 2], [1, 3]]
    assert find_bursts([0.0, 1.0], [row(1)] * 2, [colours_of(b"")] * 2) == []


def test_colours_of_a_frame_hardly_change_with_movement_and_light():
    image = images.astronaut()
    before = colours_of(jpeg(image))
    assert before.shape == (72,)
    assert before.sum() == pytest.approx(1)
    turned = cv2.warpAffine(image, cv2.getRotationMatrix2D((256, 256), 3, 1.1), (512, 512))
    for other in (image[20:, 30:], (image * 0.8).astype(np.uint8), turned):
        assert np.minimum(before, colours_of(jpeg(other))).sum() > 0.8
    assert np.minimum(before, colours_of(jpeg(images.chelsea()))).sum() < 0.7


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (row(1), row(1, x=0.125), True),
        (row(1), row(1, x=0.126), False),
        (row(1), row(1, width=0.1875), True),
        (row(1), row(1, width=0.19), False),
        (row(4), row(2), True),
        (row(4), row(1), False),
        (row(3), row(3)[::-1], True),
        (row(1), row(0), False),
        (row(0), row(0), False),
        # One face of the first is not two faces of the second.
        (row(1), np.concatenate([row(1), row(1, x=0.05), row(1, x=0.08)]), False),
    ],
)
def test_same_layout(one, other, same):
    assert is_same_layout(one, other) is same
    assert is_same_layout(other, one) is same


def test_best_frame_has_the_most_open_faces():
    assert best_of([faces("open"), faces("open", "open"), faces("open", "closed")]) == 1
    assert best_of([faces("open", "open", "closed"), faces("open", "open")]) == 1
    assert best_of([faces("closed"), faces("unknown"), faces("wink"), faces("open")]) == 3


def test_then_the_highest_lowest_probability_and_the_first():
    assert best_of([faces("open", p=0.6), faces("open", p=0.8), faces("open", p=0.7)]) == 1
    assert best_of([faces("open", p=0.8), faces("open", p=0.8)]) == 0
    # A hidden eye has no probability.
    assert best_of([faces("open", p=0.8), faces("open", p=None)]) == 1
    assert best_of([(), faces("open")]) == 1
    assert best_of([()]) == 0
