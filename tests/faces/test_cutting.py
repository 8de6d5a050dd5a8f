"""Patches of eyes cut out of photographs."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from classic_eyes.faces import cut_eye
from classic_eyes.faces.cutting import EYE_HEIGHT, EYE_SHARE, patch_corners, visible_share
from classic_eyes.synthetic import EyeParameters, render


def test_patch_of_a_level_eye_in_closed_form():
    corners = np.array([[10.0, 50.0], [24.0, 50.0]])
    side = 14 / EYE_SHARE
    expected = np.array([17 - side / 2, 50 - EYE_HEIGHT * side]) + side * np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
    np.testing.assert_allclose(patch_corners(corners), expected)
    assert visible_share(corners, (200, 200)) == 1
    assert visible_share(corners - [17, 0], (200, 200)) == pytest.approx(0.5)
    assert visible_share(corners + 500, (200, 200)) == 0


def test_patch_beyond_the_photograph_repeats_its_edge():
    for x in (-30, 0, 99, 160):
        patch = cut_eye(np.full((100, 100), 77, np.uint8), np.array([[x, 5.0], [x + 40, 9.0]]))
        assert (patch == 77).all()


@pytest.mark.parametrize("angle", [0, 20, -35, 170])
@pytest.mark.parametrize("zoom", [0.8, 3, 12])
def test_rotated_and_enlarged_eyes_give_the_same_patch(angle, zoom):
    canvas, landmarks = render(EyeParameters(opening=0.8, noise=0, skin_texture=0), size=96)
    centre = landmarks[[0, 3]].mean(axis=0)
    side = int(96 * zoom * 1.5) + 40
    transform = cv2.getRotationMatrix2D(tuple(map(float, centre)), angle, zoom)
    transform[:, 2] += side / 2 - centre
    photograph = cv2.warpAffine(canvas, transform, (side, side), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    corners = landmarks[[0, 3]] @ transform[:, :2].T + transform[:, 2]
    level = cut_eye(canvas, landmarks[[0, 3]].astype(float))
    assert np.abs(cut_eye(photograph, corners).astype(int) - level).mean() < 6
    assert level.shape == (24, 24)
