"""Learning where the six points of an eye are, from synthetic eyes, of which that is known."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from classic_eyes.descriptors.ear import POINTS_SIDE, even_light, eye_aspect_ratio, eye_points, load_dlib
from classic_eyes.errors import ParameterError
from classic_eyes.synthetic import random_parameters, render

__all__ = ["PointsJudged", "evaluate_landmarks", "train_landmarks", "render_openings"]

# Trees, and the pixels they look at; more of either bought less than .003 of the area under the curve on eyes24.
_OPTIONS = {
    "cascade_depth": 10,
    "tree_depth": 4,
    "num_trees_per_cascade_level": 150,
    "nu": 0.25,
    "oversampling_amount": 5,
    "oversampling_translation_jitter": 0.05,
    "feature_pool_size": 300,
    "feature_pool_region_padding": 0.0,
    "num_test_splits": 20,
    "lambda_param": 0.1,
}


@dataclass(frozen=True)
class PointsJudged:
    """How well points are found in synthetic eyes.

    Parameters
    ----------
    n : int
        Images.
    error : float
        Mean distance of a point from where it is, in widths of the eye.
    correlation : float
        Of the eye aspect ratio with the true one.
    """

    n: int
    error: float
    correlation: float


def render_openings(n: int, *, random_state: int = 0) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    """Render eyes that are half as often clearly open or closed as anything between.

    Parameters
    ----------
    n : int
        Images, 1 or more.
    random_state : int, default=0
        Seed; image i is the same whatever `n` is.

    Returns
    -------
    images : uint8 array of shape (n, 24, 24)
        Grey.
    points : float32 array of shape (n, 6, 2)
        Their landmarks, see `classic_eyes.synthetic.render`.
    """
    images, points = [], []
    for k in range(n):
        rng = np.random.default_rng([random_state, k])
        opening = None if rng.random() < 0.5 else float(rng.random())
        image, landmarks = render(random_parameters(opening, random_state=rng), random_state=rng)
        images.append(image)
        points.append(landmarks)
    return np.stack(images), np.stack(points)


def train_landmarks(n: int = 8000, *, random_state: int = 0) -> bytes:
    """Learn to find the six points of an eye in a patch, from synthetic eyes.

    1. Render `n` eyes, of all openings, in the alignments in which patches turn up.
    2. dlib learns an ensemble of regression trees from them, ten levels of 150 trees of depth 4.

    Parameters
    ----------
    n : int, default=8000
        Synthetic eyes, 100 or more.
    random_state : int, default=0
        Seed of the eyes and of the trees. The same seed gives the same bytes.

    Returns
    -------
    bytes
        What a shape predictor's file holds.

    Raises
    ------
    ParameterError
        For fewer than 100 eyes.
    MissingDependencyError
        Without dlib.

    References
    ----------
    Kazemi and Sullivan, "One millisecond face alignment with an ensemble of regression trees", CVPR 2014,
    doi:10.1109/CVPR.2014.241.
    """
    if n < 100:
        raise ParameterError(f"n={n!r}: expected 100 synthetic eyes or more; 8000 is what the shipped file learnt from")
    dlib = load_dlib()
    options = dlib.shape_predictor_training_options()
    for name, value in _OPTIONS.items():
        setattr(options, name, value)
    options.random_seed = str(random_state)
    options.num_threads = 1
    options.be_verbose = False
    images, points = render_openings(n, random_state=random_state)
    rectangle = dlib.rectangle(0, 0, POINTS_SIDE - 1, POINTS_SIDE - 1)
    learnt = dlib.train_shape_predictor(
        [even_light(image) for image in images],
        [[dlib.full_object_detection(rectangle, _parts(dlib, each, images.shape[1]))] for each in points],
        options,
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "points.dat")
        learnt.save(os.fspath(path))
        return path.read_bytes()


def _parts(dlib: Any, points: npt.NDArray[np.float32], side: int) -> list[Any]:
    enlarged = np.rint((points + 0.5) * (POINTS_SIDE / side) - 0.5).astype(int)
    return [dlib.point(int(x), int(y)) for x, y in enlarged]


def evaluate_landmarks(path: str | os.PathLike[str], n: int = 1000, *, random_state: int = 1) -> PointsJudged:
    """Judge a file of six points on synthetic eyes that it has not learnt from.

    Parameters
    ----------
    path : path
        What `train_landmarks` gave, as a file.
    n : int, default=1000
        Synthetic eyes.
    random_state : int, default=1
        Seed, another than that of the learning.

    Returns
    -------
    PointsJudged
        How far the points are off.
    """
    images, points = render_openings(n, random_state=random_state)
    found, _ = eye_points(images, predictor=os.fspath(path))
    width = np.linalg.norm(points[:, 0] - points[:, 3], axis=1)
    off = np.linalg.norm(found - points, axis=2).mean(axis=1) / width
    ratios = eye_aspect_ratio(found), eye_aspect_ratio(points)
    return PointsJudged(n, float(off.mean()), float(np.corrcoef(*ratios)[0, 1]))
