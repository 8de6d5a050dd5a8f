"""Landmarks of a face: files of 68 or of 5 points that a user installed."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..descriptors.ear import load_dlib
from ..errors import ModelError

__all__ = ["HOW_TO_GET", "FacePoints", "find_landmark_file", "open_points"]

HOW_TO_GET = (
    "pip install face_recognition_models brings one, which may not be used commercially (it learnt from iBUG 300-W)"
)
_PACKAGE = "face_recognition_models"
_FILE = "models/shape_predictor_68_face_landmarks.dat"
# Of 68 points: the person's right eye is on the left of the image.
_EYES_OF_68 = {"right": slice(36, 42), "left": slice(42, 48)}


@dataclass(frozen=True, eq=False)
class FacePoints:
    """A file of a face's landmarks, opened.

    Parameters
    ----------
    path : str
        Where it lies.
    n_points : int
        68, or 5: the corners of the eyes and the nose.
    predictor : object
        dlib's.
    """

    path: str
    n_points: int
    predictor: Any

    def eyes(self, grey: NDArray[np.uint8], box: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """Find the eyes of a face.

        Parameters
        ----------
        grey : uint8 array of shape (h, w)
            The photograph.
        box : float array of shape (4,)
            ``x, y, w, h`` of the face in pixels.

        Returns
        -------
        dict of str to float64 array of shape (6, 2) or (2, 2)
            ``right`` and ``left``, the person's own: six points in the order of the eye aspect ratio, or of 5 points
            the left and the right corner.
        """
        dlib = load_dlib()
        left, top, width, height = (round(value) for value in box)
        found = self.predictor(grey, dlib.rectangle(left, top, left + width - 1, top + height - 1))
        points = np.array([(part.x, part.y) for part in found.parts()], dtype=np.float64)
        if self.n_points == 68:
            return {eye: points[part] for eye, part in _EYES_OF_68.items()}
        corners = points[:4][np.argsort(points[:4, 0], kind="stable")]
        return {"right": corners[:2], "left": corners[2:]}


def find_landmark_file() -> Path | None:
    """Look for the 68 points of the package ``face_recognition_models``, without importing it.

    Returns
    -------
    pathlib.Path or None
        The file, where it is installed.
    """
    try:
        spec = importlib.util.find_spec(_PACKAGE)
    except (ImportError, ValueError):
        return None
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if (path := Path(folder, _FILE)).is_file():
            return path
    return None


def open_points(path: str | os.PathLike[str] | None = None) -> FacePoints | None:
    """Open a file of a face's landmarks.

    Parameters
    ----------
    path : path, optional
        A shape predictor of dlib's with 68 or 5 points; by default the one of ``face_recognition_models``, if any.

    Returns
    -------
    FacePoints or None
        None where no file is named and none is installed.

    Raises
    ------
    ModelError
        For a file that is missing, no shape predictor, or one of other points.
    MissingDependencyError
        Without dlib.
    """
    dlib = load_dlib()
    file = find_landmark_file() if path is None else path
    if file is None:
        return None
    name = os.fspath(file)
    if not os.path.isfile(name):
        raise ModelError(f"landmarks {name!r}: no such file; {HOW_TO_GET}, or leave it out")
    try:
        predictor = dlib.shape_predictor(name)
        n_points = predictor(np.zeros((64, 64), np.uint8), dlib.rectangle(0, 0, 63, 63)).num_parts
    except (RuntimeError, MemoryError) as error:
        raise ModelError(f"landmarks {name!r} is no shape predictor of dlib's ({error}); {HOW_TO_GET}") from error
    if n_points not in (5, 68):
        raise ModelError(f"landmarks {name!r} has {n_points} points; those of a face are 68, or 5; {HOW_TO_GET}")
    return FacePoints(name, n_points, predictor)
