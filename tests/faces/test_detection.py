"""Face detection."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from classic_eyes.faces import detection
from classic_eyes.faces.detection import SURE_SCORE, _merged, _painted, _proposals, _stretched, find_faces

from .conftest import COLLINS

GREY = cv2.cvtColor(COLLINS, cv2.COLOR_RGB2GRAY)


def _on_a_wall(sides: list[int]) -> np.ndarray:
    """Return a grey wall with the face of the photograph at several sizes beside each other."""
    head = GREY[20:250, 110:340]  # the side of dlib's box is 88 pixels in it
    wall = np.full((460, 1200), 120, np.uint8)
    left = 10
    for side in sides:
        scaled = cv2.resize(head, None, fx=side / 88, fy=side / 88, interpolation=cv2.INTER_AREA)
        wall[10 : 10 + scaled.shape[0], left : left + scaled.shape[1]] = scaled
        left += scaled.shape[1] + 20
    return wall


def test_small_faces_beside_large_ones_are_found():
    sides = [150, 80, 50, 30]
    boxes, scores = find_faces(_on_a_wall(sides))
    assert (scores > SURE_SCORE).all()
    assert len(boxes) == len(sides)
    assert boxes[:, 0].tolist() == sorted(boxes[:, 0])
    np.testing.assert_allclose(boxes[:, 2], sides, rtol=0.25)


@pytest.mark.parametrize("upsample", [0, 1, 2])
def test_enlarging_loses_no_face(upsample):
    wall = _on_a_wall([150, 60, 30])
    plain, enlarged = find_faces(wall)[0], find_faces(wall, upsample=upsample)[0]
    for x, y, w, h in plain:
        centres = enlarged[:, :2] + enlarged[:, 2:] / 2
        assert (np.abs(centres - [x + w / 2, y + h / 2]).max(axis=1) < w / 4).any()


def test_a_face_found_twice_is_one_face():
    score, box = 1.0, np.array([10.0, 10, 90, 90])
    kept = _merged([(0.5, box + 5), (score, box), (0.4, box + 300), (0.3, np.array([30.0, 30, 50, 50]))])
    assert [each[0] for each in kept] == [1.0, 0.4]


@pytest.mark.parametrize("factor", [0.12, 0.25])
def test_small_faces_in_the_dark_are_proposed(factor):
    wall = np.rint(_on_a_wall([60]) * factor).astype(np.uint8)
    assert len(_proposals(_stretched(wall), 36, 74)) > 0


def test_contrast_is_only_raised():
    assert _stretched(GREY) is GREY
    dark = (GREY // 5).astype(np.uint8)
    np.testing.assert_allclose(np.percentile(_stretched(dark), [0.5, 99.5]), [10, 230], atol=3)
    assert np.ptp(_stretched(np.full((30, 30), 7, np.uint8))) == 0


def test_known_faces_are_not_proposed_again_but_their_neighbours_are():
    wall = _on_a_wall([60, 60])
    (first, second), _ = find_faces(wall)
    known = [np.array([first[0], first[1], first[0] + first[2], first[1] + first[3]])]
    centres = np.array([(box[:2] + box[2:]) / 2 for _, box in _proposals(_painted(wall, known), 36, 74)])
    apart = [np.abs(centres - (box[:2] + box[2:] / 2)).max(axis=1).min() for box in (first, second)]
    assert apart[0] > 30 > 15 > apart[1]


def test_painting_a_face_that_reaches_beyond_the_image():
    wall = _on_a_wall([60])
    for box in ([-20.0, -20, 40, 40], [-90.0, -90, -10, -10], [1190.0, 440, 1300, 550]):
        painted = _painted(wall, [np.array(box)])
        assert painted.shape == wall.shape
    assert _painted(wall, []) is wall


def test_what_a_cascade_proposes_must_be_confirmed(monkeypatch):
    textures = np.random.default_rng(0).integers(0, 256, (300, 300), dtype=np.uint8)
    proposals = [(-0.2, np.array([20.0, 20, 120, 120])), (0.1, np.array([150.0, 150, 290, 290]))]
    monkeypatch.setattr(detection, "_proposals", lambda grey, low, high: proposals)
    assert len(find_faces(textures)[0]) == 0
