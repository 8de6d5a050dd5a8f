"""From a photograph to faces, eyes and verdicts."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .._utils.resources import one_thread
from ..calibration import Calibration
from ..descriptors.ear import eye_aspect_ratio, load_dlib
from ..errors import ImageError, ParameterError
from ..images import as_photograph
from ..images.arrays import MAX_PIXELS, to_grey
from ..images.files import is_source, quoted
from ..images.photographs import decode_photograph
from ..predictor import load_model
from .cutting import cut_eye, patch_corners, visible_share
from .detection import SURE_SCORE, find_faces
from .landmarks import FaceLandmarks, load_landmarks
from .localization import load_locator
from .verdict import EAR_THRESHOLD, EAR_THRESHOLD_68, evidence, joint_verdict

__all__ = ["Eye", "Face", "FaceReader"]

# An eye is hidden if less of its patch lies inside the photograph.
_MIN_VISIBLE = 0.7
# A doubtful face is one if both of its eyes are no less like eyes than this.
_MAX_CONFIRMING_NOVELTY = 0.7


class PatchModel(Protocol):
    """What `FaceReader` needs of a model; `classic_eyes.EyePredictor` has it."""

    @property
    def size(self) -> int:
        """Side of the patches in pixels."""

    def probability(self, images: NDArray[np.uint8], /) -> NDArray[np.float64]:
        """Return the probability of open for grey patches of shape (n, size, size)."""


@dataclass(frozen=True, eq=False, repr=False)
class Eye:
    """One eye of a face.

    Parameters
    ----------
    name : str
        ``left`` or ``right``, the person's own.
    corners : float64 array of shape (2, 2)
        Left and right corner in the photograph, ``x, y`` in pixels.
    points : float64 array of shape (6, 2)
        The points of the eye aspect ratio, in its order; those of the landmark file, if it has 68 points.
    ear : float
        Eye aspect ratio.
    patch : uint8 array of shape (size, size)
        Input of the classifier: grey and level.
    probability : float
        Probability of open by the classifier, 0 to 1.
    label : int
        1 open, 0 closed, by the classifier.
    novelty : float
        How unlike an eye the patch is; above 1 is a non-eye. NaN for a model without non-eye detection.
    hidden : str or None
        Why the eye is not used for the face's verdict: beyond the photograph, or not like an eye. None if it is used.
    """

    name: str
    corners: NDArray[np.float64]
    points: NDArray[np.float64]
    ear: float
    patch: NDArray[np.uint8]
    probability: float
    label: int
    novelty: float
    hidden: str | None

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Upright box ``x, y, w, h`` around the patch in pixels; it may reach beyond the photograph."""
        patch = patch_corners(self.corners)
        low, high = np.floor(patch.min(axis=0)).astype(int), np.ceil(patch.max(axis=0)).astype(int)
        return int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1])

    def __repr__(self) -> str:
        state = f"hidden={self.hidden!r}" if self.hidden else ("closed", "open")[self.label]
        return f"Eye({self.name}, {state}, probability={self.probability:.2f}, ear={self.ear:.2f})"


@dataclass(frozen=True, eq=False, repr=False)
class Face:
    """A face and its eyes.

    Parameters
    ----------
    box : tuple of int
        ``x, y, w, h`` in pixels of the photograph.
    eyes : tuple of Eye
        The person's right eye, then the left one.
    verdict : str
        ``open``, ``closed``, ``wink`` or ``unknown``, from both eyes.
    """

    box: tuple[int, int, int, int]
    eyes: tuple[Eye, ...]
    verdict: str

    def __repr__(self) -> str:
        return f"Face({self.verdict}, box={self.box}, eyes={self.eyes})"


class FaceReader:
    """Find faces in photographs and classify their eyes.

    1. dlib's detector and a cascade of OpenCV find faces that look more or less at the camera. A doubtful one counts if
       both of its eyes look like eyes.
    2. The locator that ships finds the corners of both eyes, or a landmark file of yours does.
    3. Six points on the lids give the eye aspect ratio; those of the landmark file, if it has 68 points.
    4. Each eye is cut out by `cut_eye` and classified by the model.
    5. The verdict combines probability and eye aspect ratio of both eyes. Hidden eyes are not used: those beyond the
       photograph, and those that the model's non-eye detection rejects. A ``wink`` is one clearly open and one clearly
       closed eye. The verdict is ``unknown`` if both eyes are hidden.

    Parameters
    ----------
    model : EyePredictor, optional
        By default ``load_model()``. Any object with ``size`` and ``probability(images)`` for grey uint8 images of
        shape ``(n, size, size)`` will do.
    landmarks : path, optional
        A dlib shape predictor with 68 or 5 points, to be used instead of the locator that ships.
    calibration : Calibration, optional
        A person's own thresholds.
    upsample : {0, 1, 2}, default 0
        How often a photograph is doubled in size for one more detection, whose faces are added. Each doubling
        quadruples time and memory.

    Attributes
    ----------
    landmarks : FaceLandmarks or None
        The landmark file in use; None for the locator that ships.

    Raises
    ------
    MissingDependencyError
        If dlib is not installed.
    ModelError
        If the landmark file cannot be used.
    ParameterError
        If `upsample` is not allowed.

    References
    ----------
    King, "Max-margin object detection", 2015, arXiv:1502.00046. Dalal and Triggs, "Histograms of oriented gradients
    for human detection", CVPR 2005, doi:10.1109/CVPR.2005.177. Viola and Jones, "Rapid object detection using a boosted
    cascade of simple features", CVPR 2001, doi:10.1109/CVPR.2001.990517. Soukupova and Cech, "Real-time eye blink
    detection using facial landmarks", Computer Vision Winter Workshop 2016 (no DOI).

    Examples
    --------
    >>> from skimage import data
    >>> (face,) = FaceReader().read(data.astronaut())
    >>> face.verdict, [eye.name for eye in face.eyes]
    ('open', ['right', 'left'])
    """

    def __init__(
        self,
        model: PatchModel | None = None,
        *,
        landmarks: str | os.PathLike[str] | None = None,
        calibration: Calibration | None = None,
        upsample: int = 0,
    ) -> None:
        load_dlib()
        if upsample not in (0, 1, 2):
            raise ParameterError(f"upsample is {upsample!r}; allowed is 0, 1 or 2")
        self.model: PatchModel = model if model is not None else load_model()
        self.landmarks: FaceLandmarks | None = None if landmarks is None else load_landmarks(landmarks)
        self._locator = load_locator() if self.landmarks is None else self.landmarks
        self.calibration = calibration
        self.upsample = upsample

    @property
    def threshold(self) -> float:
        """Probability from which on an eye is open: 0.5, or that of the calibration."""
        return 0.5 if self.calibration is None else self.calibration.threshold.value

    @property
    def ear_threshold(self) -> float:
        """Eye aspect ratio from which on an eye is open: that of the calibration, or the usual one for these points."""
        if self.calibration is not None and self.calibration.ear is not None:
            return self.calibration.ear.value
        return EAR_THRESHOLD_68 if self.landmarks is not None and self.landmarks.n_points == 68 else EAR_THRESHOLD

    def read(self, photograph: Any, *, max_pixels: int = MAX_PIXELS) -> list[Face]:
        """Find the faces of a photograph and classify their eyes.

        Files are read as the command ``faces`` reads them: a JPEG is decoded in grey. Its pixels in colour, as an
        array, give probabilities that differ by some 0.01.

        Parameters
        ----------
        photograph : array, path, bytes or PIL image
            An upright array of shape (h, w, 3) in RGB or (h, w) in grey, an image file, its content, or a PIL image;
            see `classic_eyes.images.as_photograph`.
        max_pixels : int, default=100_000_000
            Largest file that is decoded; the size that its header states is checked before.

        Returns
        -------
        list of Face
            From left to right; empty if no face is found.

        Raises
        ------
        ImageError
            For a photograph that cannot be used.
        """
        if is_source(photograph):
            try:
                grey = decode_photograph(photograph, max_pixels=max_pixels, bits=None).grey
            except ImageError as error:
                raise ImageError(f"photograph {quoted(photograph)}: {error}") from error
        else:
            photograph = as_photograph(photograph)
            grey = to_grey(photograph, colour=photograph.ndim == 3)
        boxes, scores = find_faces(grey, upsample=self.upsample)
        eyes = self._classify(grey, [self._locator.find(grey, box) for box in boxes])
        return [
            Face(_round(box), pair, self._joint_verdict(pair))
            for box, score, pair in zip(boxes, scores, zip(eyes[::2], eyes[1::2], strict=True), strict=True)
            if score >= SURE_SCORE or all(eye.novelty <= _MAX_CONFIRMING_NOVELTY for eye in pair)
        ]

    def _classify(
        self, grey: NDArray[np.uint8], faces: list[tuple[NDArray[np.float64], NDArray[np.float64]]]
    ) -> list[Eye]:
        """Return the right and the left eye of each face, one face after the other."""
        if not faces:
            return []
        corners, lids = (np.concatenate(each) for each in zip(*faces, strict=True))
        patches = np.stack([cut_eye(grey, each, size=self.model.size) for each in corners])
        with one_thread():
            probability = self.model.probability(patches)
            program = getattr(self.model, "program", None)
            if program is None or program.novelty is None:
                novelty = np.full(len(patches), np.nan)
            else:
                novelty = program.novelty_score(patches)
        eyes = []
        for k, name in enumerate(("right", "left") * len(faces)):
            hidden = "not like an eye" if novelty[k] > 1 else None
            if visible_share(corners[k], grey.shape) < _MIN_VISIBLE:
                hidden = "beyond the photograph"
            eyes.append(
                Eye(
                    name,
                    corners[k],
                    lids[k],
                    float(eye_aspect_ratio(lids[k])),
                    patches[k],
                    float(probability[k]),
                    int(probability[k] >= self.threshold),
                    float(novelty[k]),
                    hidden,
                )
            )
        return eyes

    def _joint_verdict(self, eyes: tuple[Eye, ...]) -> str:
        right, left = (None if eye.hidden else self._evidence(eye) for eye in eyes)
        return joint_verdict(right, left)

    def _evidence(self, eye: Eye) -> float:
        width = float(np.linalg.norm(eye.corners[1] - eye.corners[0]))
        return evidence(
            eye.probability, eye.ear, width=width, threshold=self.threshold, ear_threshold=self.ear_threshold
        )


def _round(box: NDArray[np.float64]) -> tuple[int, int, int, int]:
    x, y, width, height = (round(value) for value in box)
    return x, y, width, height
