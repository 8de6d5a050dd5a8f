"""The eye aspect ratio of a patch, by six points that a predictor of ours finds (Soukupova & Cech, 2016)."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..descriptors.ear import NUMBERS, eye_points
from .base import Extractor

__all__ = ["Ear"]


class Ear(Extractor):
    r"""How far the lids are apart, by six points around the eye.

    1. The patch's light is evened out, and it is enlarged to 72 pixels.
    2. Boosted regression trees (dlib's shape predictor, learnt from 8,000 synthetic eyes, whose points are known) move
       six points from where they are on average to where the grey levels say; the same for the mirror image, and the
       mean of both.
    3. Six numbers: the eye aspect ratio :math:`(|p_2 - p_6| + |p_3 - p_5|) / 2 |p_1 - p_4|`, the distances of the lids
       in it, the area between the points, the width of the eye, and how far the mirror image disagrees.

    The lids of a closed eye meet, so that all but the last two fall towards 0.

    Attributes
    ----------
    image_shape_ : tuple of int
        Height and width in pixels of the images seen in `fit`.
    n_features_out_ : int
        6.

    Raises
    ------
    MissingDependencyError
        In `fit` and `transform`, where dlib is not installed.
    ModelError
        In `fit` and `transform`, where the file of the trees is missing from the installation.
    ImageError
        In `fit` and `transform`, if `X` is not a non-empty uint8 batch, or its images changed shape since `fit`.

    Notes
    -----
    Input is uint8 of shape (n, height, width), row first; output float32, all 0 or more: `ear` some .3 for open eyes
    and .1 for closed ones, the others in widths of the eye, its square, or of the image. dlib looks at some thousands
    of pairs of pixels, whatever the size of the image. A change of brightness or contrast changes nothing but by
    rounding and by what leaves 0 to 255; the mirror image swaps `lid_left` and `lid_right`.

    Departures from the paper: it takes the points of a face; a patch has no face to be found, so the points are looked
    for in the whole of it.

    References
    ----------
    Soukupova and Cech, "Real-time eye blink detection using facial landmarks", Computer Vision Winter Workshop 2016 (no
    DOI). Kazemi and Sullivan, "One millisecond face alignment with an ensemble of regression trees", CVPR 2014,
    https://doi.org/10.1109/CVPR.2014.241.

    Examples
    --------
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
        return list(NUMBERS)
