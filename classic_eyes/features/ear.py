"""Eye aspect ratio from six landmarks (Soukupova & Cech, 2016)."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..descriptors.ear import COLUMNS, eye_points
from .base import Extractor

__all__ = ["Ear"]


class Ear(Extractor):
    r"""Opening of the eye, measured by six landmarks.

    1. The patch is normalized to one mean and standard deviation and enlarged to 72 x 72 pixels.
    2. Boosted regression trees (a shape predictor of dlib, trained on 8,000 synthetic eyes with known landmarks) find
       six points in the patch and in its mirror image, which are averaged (`classic_eyes.descriptors.eye_points`).
    3. `aperture`: area of the hexagon of the points divided by the squared width; `disagreement`: distance between the
       points of image and mirror image; `ear`: eye aspect ratio
       :math:`(|p_2 - p_6| + |p_3 - p_5|) / 2 |p_1 - p_4|`; `lid_left`, `lid_right`: the two distances between the lids;
       `width`: width of the eye.

    In a closed eye the lids meet, so that aperture, aspect ratio and distances between the lids approach 0.

    Attributes
    ----------
    image_shape_ : tuple of int
        Height and width in pixels of the images passed to `fit`.
    n_features_out_ : int
        6.

    Raises
    ------
    MissingDependencyError
        In `fit` and `transform`, if dlib is not installed.
    ModelError
        In `fit` and `transform`, if the file of the shape predictor is missing from the installation.
    ImageError
        In `fit` and `transform`, if `X` is not a non-empty uint8 batch, or its images changed shape since `fit`.

    Notes
    -----
    Input is uint8 of shape (n, height, width), row first; output is float32, 0 or more. `ear` is about 0.3 for open and
    0.1 for closed eyes. `width` is divided by the width of the image, all other lengths by the width of the eye. dlib
    compares some thousands of pairs of pixels, whatever the size of the image. Brightness and contrast have no effect
    apart from rounding and clipping at 0 and 255; the mirror image swaps `lid_left` and `lid_right`.

    Departures from the paper: it uses landmarks of a detected face; here the patch is the region of the predictor.

    References
    ----------
    T. Soukupova and J. Cech, "Real-time eye blink detection using facial landmarks", Computer Vision Winter Workshop
    2016 (no DOI).
    V. Kazemi and J. Sullivan, "One millisecond face alignment with an ensemble of regression trees", CVPR 2014.
    https://doi.org/10.1109/CVPR.2014.241

    Examples
    --------
    >>> import numpy as np
    >>> from classic_eyes.features import Ear
    >>> from classic_eyes.synthetic import EyeParameters, render
    >>> wide, closed = (render(EyeParameters(opening=opening))[0] for opening in (1.0, 0.0))
    >>> ear = Ear().fit(np.stack([wide, closed]))
    >>> rows = ear.transform(np.stack([wide, closed]))
    >>> bool(rows[0, 2] > 0.3 > 0.15 > rows[1, 2]), ear.get_feature_names_out()[2]
    (True, 'ear')
    """

    descriptor = "ear"

    def _check_parameters(self, shape: tuple[int, int]) -> None:
        eye_points(np.zeros((1, *shape), np.uint8))

    def _settings(self) -> dict[str, Any]:
        return {}

    def _mirrored_columns(self) -> np.ndarray:
        return np.array([0, 1, 2, 4, 3, 5])

    def _names(self) -> list[str]:
        return list(COLUMNS)
