"""Localization of the eyes in a face's box, by the locator that ships."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from classic_eyes.descriptors.ear import eye_aspect_ratio
from classic_eyes.errors import ModelError
from classic_eyes.faces.cutting import patch_corners
from classic_eyes.faces.detection import find_faces
from classic_eyes.faces.localization import SIDE, EyeLocator, crop_face, find_lids, lid_frame, load_locator
from classic_eyes.synthetic import random_parameters, render

from .conftest import BOX, COLLINS, LEFT, RIGHT

GREY = cv2.cvtColor(COLLINS, cv2.COLOR_RGB2GRAY)
CORNERS = np.array([RIGHT[0], RIGHT[3], LEFT[0], LEFT[3]], dtype=np.float64)
CENTRES = CORNERS.reshape(2, 2, 2).mean(axis=1)
EYE_WIDTH = 17.0


def centres(eyes) -> np.ndarray:
    return np.array([eyes["right"].mean(axis=0), eyes["left"].mean(axis=0)])


def errors(eyes, truth=CENTRES, width: float = EYE_WIDTH) -> np.ndarray:
    """Distance of the midpoints from the true ones, in widths of an eye."""
    return np.linalg.norm(centres(eyes) - truth, axis=1) / width


def move(matrix: np.ndarray, size: tuple[int, int]):
    """Return the photograph under an affine map, and the true midpoints in it."""
    moved = cv2.warpAffine(GREY, matrix, size, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    return moved, CENTRES @ matrix[:, :2].T + matrix[:, 2]


def test_corners_are_found_in_their_order():
    eyes = load_locator().eyes(GREY, np.array(BOX, dtype=float))
    assert list(eyes) == ["right", "left"]
    corners = np.concatenate([eyes["right"], eyes["left"]])
    assert corners.shape == (4, 2)
    assert (np.diff(corners[:, 0]) > 0).all()
    assert np.linalg.norm(corners - CORNERS, axis=1).max() < 0.35 * EYE_WIDTH
    assert errors(eyes).max() < 0.2


@pytest.mark.parametrize("angle", [-20, -10, 10, 20])
def test_tilted_faces(angle):
    matrix = cv2.getRotationMatrix2D((223, 127), angle, 1)
    photograph, truth = move(matrix, (512, 512))
    eyes = load_locator().eyes(photograph, np.array(BOX, dtype=float))
    assert errors(eyes, truth).max() < 0.25
    for corners in eyes.values():
        tilt = np.degrees(np.arctan2(*(corners[1] - corners[0])[::-1]))
        assert abs(tilt - (7 - angle)) < 12


@pytest.mark.parametrize("side", [24, 40, 300, 2400])
def test_faces_of_all_sizes(side):
    scale = side / BOX[2]
    photograph = cv2.resize(
        GREY, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    )
    eyes = load_locator().eyes(photograph, np.array(BOX) * scale)
    assert errors(eyes, (CENTRES + 0.5) * scale - 0.5, EYE_WIDTH * scale).max() < 0.3


@pytest.mark.parametrize("shift", [(-0.1, 0), (0.1, 0), (0, -0.1), (0, 0.1), (0.1, 0.1), (-0.1, 0.1)])
@pytest.mark.parametrize("factor", [0.87, 1.15])
def test_wrong_boxes(shift, factor):
    x, y, side, _ = BOX
    centre = np.array([x + side / 2, y + side / 2]) + np.array(shift) * side
    box = np.array([*(centre - factor * side / 2), factor * side, factor * side])
    assert errors(load_locator().eyes(GREY, box)).max() < 0.3


@pytest.fixture
def count_searches(monkeypatch):
    """Let searches return these gaps, and each time corners that are moved on; return how many there were."""

    def start(gaps, step):
        made = []

        def search(self, grey, corner, along):
            made.append(gaps[len(made) % len(gaps)])
            return made[-1], CORNERS + step * len(made)

        monkeypatch.setattr(EyeLocator, "_search", search)
        load_locator().eyes(GREY, np.array(BOX, dtype=float))
        return len(made)

    return start


def test_the_search_starts_again_until_two_searches_agree(count_searches):
    # The outer corners are 60 pixels apart.
    assert count_searches([0.01], 0) == 1
    assert count_searches([0.03], 1) == 2
    assert count_searches([0.03], 20) == 6
    assert count_searches([0.03, 0.03, 0.01], 20) == 3


def test_points_of_lids_are_those_of_the_eyes():
    corners, lids = load_locator().find(GREY, np.array(BOX, dtype=float))
    assert (corners.shape, lids.shape) == ((2, 2, 2), (2, 6, 2))
    np.testing.assert_allclose(lids[:, [0, 3]], corners, atol=0.25 * EYE_WIDTH)
    np.testing.assert_allclose(lids, find_lids(GREY, list(corners)), atol=0.15 * EYE_WIDTH)


def test_frame_of_the_lids():
    corners = np.array([[10.0, 50], [77, 50]])
    patch = [[-6.5, 1.5], [93.5, 1.5], [93.5, 101.5], [-6.5, 101.5]]
    np.testing.assert_allclose(patch_corners(lid_frame(corners)), patch)


def test_darkness_and_noise():
    noise = np.random.default_rng(0).normal(0, 2, GREY.shape)
    dark = np.clip(np.rint(GREY * 0.2 + noise), 0, 255).astype(np.uint8)
    assert errors(load_locator().eyes(dark, np.array(BOX, dtype=float))).max() < 0.25


def test_a_mirrored_photograph_gives_mirrored_eyes():
    x, y, w, h = BOX
    mirrored = np.ascontiguousarray(GREY[:, ::-1])
    box = np.array([GREY.shape[1] - x - w, y, w, h], dtype=float)
    own, other = load_locator().eyes(GREY, np.array(BOX, dtype=float)), load_locator().eyes(mirrored, box)
    for eye, opposite in (("right", "left"), ("left", "right")):
        turned = other[opposite][::-1] * (-1, 1) + (GREY.shape[1] - 1, 0)
        np.testing.assert_allclose(turned, own[eye], atol=0.1 * EYE_WIDTH)


@pytest.mark.parametrize("box", [(-60, -60, 90, 90), (470, 470, 88, 88), (600, 600, 50, 50), (10, 10, 1, 1)])
def test_boxes_beyond_the_photograph_give_finite_corners(box):
    for grey in (GREY, np.zeros((3, 5), np.uint8)):
        for corners in load_locator().eyes(grey, np.array(box, dtype=float)).values():
            assert np.isfinite(corners).all()


def test_crops_show_the_box_where_it_is_said_to_be():
    corner, along = np.array([200.0, 100.0]), np.array([60.0, 20.0])
    crop, matrix = crop_face(GREY, corner, along)
    assert (crop.shape, crop.dtype) == ((SIDE, SIDE), np.uint8)
    margin = SIDE / 6  # 0.25 of 1.5 boxes
    for point, place in ((corner, (margin, margin)), (corner + along, (SIDE - margin, margin))):
        np.testing.assert_allclose(matrix[:, :2] @ (np.array(place) - 0.5) + matrix[:, 2], point - 0.5, atol=1e-9)


def test_unusable_files_are_refused(tmp_path, landmark_files):
    (tmp_path / "junk.npz").write_bytes(b"junk" * 50)
    with pytest.raises(ModelError, match=r"junk.npz' is damaged or not an eye locator"):
        load_locator(tmp_path / "junk.npz")
    with pytest.raises(ModelError, match="is damaged or not an eye locator"):
        load_locator(landmark_files[3])


def test_eyes_are_found_in_the_box_of_the_detector():
    boxes, scores = find_faces(GREY)
    box = boxes[scores.argmax()]
    assert errors(load_locator().eyes(GREY, box)).max() < 0.2


def test_lids_of_open_eyes_are_apart_and_turn_with_the_photograph():
    eyes = load_locator().eyes(GREY, np.array(BOX, dtype=float))
    lids = find_lids(GREY, list(eyes.values()))
    assert lids.shape == (2, 6, 2)
    assert (eye_aspect_ratio(lids) > 0.2).all()
    assert np.linalg.norm(lids[:, [0, 3]].reshape(4, 2) - CORNERS, axis=1).max() < 0.3 * EYE_WIDTH
    upside_down = np.ascontiguousarray(GREY[::-1, ::-1])
    last = np.array(GREY.shape[::-1]) - 1
    turned = find_lids(upside_down, [last - each for each in eyes.values()])
    np.testing.assert_allclose(last - turned, lids, atol=0.1 * EYE_WIDTH)


@pytest.mark.parametrize("closed", [True, False])
def test_lids_of_synthetic_eyes(closed):
    openings = np.linspace(0, 0.04, 12) if closed else np.linspace(0.5, 1, 12)
    ratios = []
    for k, opening in enumerate(openings):
        image, points = render(random_parameters(float(opening), random_state=k), size=96, random_state=k)
        corners = np.asarray(points[[0, 3]], dtype=float)
        ratios.append(float(eye_aspect_ratio(find_lids(image, [corners]))[0]))
    assert (np.median(ratios) < 0.12) == closed
    assert (np.median(ratios) > 0.2) != closed
