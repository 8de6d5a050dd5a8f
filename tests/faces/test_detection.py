"""Face detection, and eye localization without landmarks."""

from __future__ import annotations

import cv2
import numpy as np

from classic_eyes.faces.detection import find_eyes, find_faces

from .conftest import COLLINS

GREY = cv2.cvtColor(COLLINS, cv2.COLOR_RGB2GRAY)


def test_a_uniform_face_has_its_eyes_at_the_average_position():
    eyes = find_eyes(np.full((200, 200), 90, np.uint8), np.array([50.0, 50.0, 100.0, 100.0]))
    np.testing.assert_allclose(eyes["right"].mean(axis=0), [79.1, 80.6])
    np.testing.assert_allclose(eyes["left"].mean(axis=0), [120.9, 80.6])


def test_eyes_of_a_detected_face_and_of_a_box_beyond_the_photograph():
    (box,) = find_faces(GREY)
    assert set(find_eyes(GREY, box)) == {"right", "left"}
    assert find_eyes(GREY, np.array([-300.0, -300.0, 60.0, 60.0]))["left"].shape == (2, 2)
