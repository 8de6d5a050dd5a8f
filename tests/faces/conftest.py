"""Shared data: the photograph of Eileen Collins (NASA, public domain), and landmark files trained on it."""

from __future__ import annotations

from importlib.util import find_spec

import cv2
import numpy as np
import pytest
from skimage import data

from classic_eyes.faces import FaceReader

# Without dlib (extra "faces") there is nothing to test here.
collect_ignore_glob = ["test_*.py"] if find_spec("dlib") is None else []

COLLINS = data.astronaut()
BOX = (179, 83, 88, 88)
# Corners and lids of her right eye, which is on the left of the photograph, and of her left eye.
RIGHT = [[195, 101], [200, 98], [207, 98], [212, 104], [206, 104], [200, 104]]
LEFT = [[238, 105], [243, 101], [250, 101], [255, 104], [250, 106], [244, 106]]


def train_landmarks(path, n_points: int) -> str:
    """Train a shape predictor on one face; it is accurate on this face only."""
    import dlib

    x, y, w, h = BOX
    points = [[x + w * (k % 10) // 10, y + h * (k // 10) // 7] for k in range(n_points)]
    if n_points == 68:
        points[36:42], points[42:48] = RIGHT, LEFT
    if n_points == 5:
        points = [LEFT[3], LEFT[0], RIGHT[0], RIGHT[3], [224, 125]]
    options = dlib.shape_predictor_training_options()
    options.cascade_depth, options.num_trees_per_cascade_level, options.tree_depth = 6, 20, 2
    options.oversampling_amount, options.nu = 20, 0.5
    box = dlib.rectangle(x, y, x + w - 1, y + h - 1)
    face = dlib.full_object_detection(box, [dlib.point(*each) for each in points])
    dlib.train_shape_predictor([COLLINS] * 2, [[face]] * 2, options).save(str(path))
    return str(path)


@pytest.fixture(scope="session")
def landmark_files(tmp_path_factory):
    """Files of 68, 5 and 3 points."""
    top = tmp_path_factory.mktemp("landmarks")
    return {n: train_landmarks(top / f"{n}.dat", n) for n in (68, 5, 3)}


@pytest.fixture(scope="session")
def reader68(landmark_files):
    return FaceReader(landmarks=landmark_files[68])


@pytest.fixture(scope="session")
def collins(reader68):
    """Her face, read with 68 landmarks."""
    (face,) = reader68.read(COLLINS)
    return face


@pytest.fixture
def album(tmp_path):
    """A folder with a face, a photograph without one, and a file that is no image."""
    top = tmp_path / "album"
    top.mkdir()
    cv2.imwrite(str(top / "collins.png"), COLLINS[:, :, ::-1])
    cv2.imwrite(str(top / "wall.png"), np.full((200, 300, 3), 90, np.uint8))
    (top / "broken.jpg").write_bytes(b"hello")
    return top
