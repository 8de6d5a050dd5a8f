"""Grey levels, normalized by mean and standard deviation of each image."""

from __future__ import annotations

from typing import Any

import numpy as np

from .base import Extractor, check_number

__all__ = ["Pixels"]


class Pixels(Extractor):
    """Grey levels of an image, normalized by their mean and standard deviation.

    1. Mean :math:`m` and standard deviation :math:`s` of all pixels of an image, in grey levels.
    2. Each pixel becomes :math:`(x - m) / (s + f)`, where :math:`f` is `floor`.
    3. The image is flattened row by row.

    An open eye has a dark disc on a bright background, a closed eye has skin and one dark line. Pixels keep the exact
    position, which the histograms of the other extractors lose.

    Parameters
    ----------
    floor : float, default=5.0
        Grey levels added to the standard deviation, above 0. It keeps the noise of a flat image small.

    Attributes
    ----------
    image_shape_ : tuple of int
        Height and width in pixels of the images passed to `fit`.
    n_features_out_ : int
        ``height * width``: 576 at 24 x 24.

    Raises
    ------
    ParameterError
        In `fit`, if `floor` is not a finite number above 0.
    ImageError
        In `fit` and `transform`, if `X` is not a non-empty uint8 batch, or its images changed shape since `fit`.

    Notes
    -----
    Input is uint8 of shape (n, height, width), row first; output is float32 of shape (n, height * width) with mean 0
    and standard deviation :math:`s / (s + f)` in [0, 1). The cost is four passes over the pixels. Adding a constant to
    an image does not change a bit unless pixels are clipped or the image has more than 65,793 pixels (float32 then
    rounds). Multiplying it by :math:`a` multiplies the result by :math:`a (s + f) / (a s + f)`, which is close to 1.

    There is no paper to cite: this is the z-score of an image, with a floor.

    Examples
    --------
    >>> from classic_eyes.features import Pixels
    >>> from classic_eyes.synthetic import make_eyes
    >>> images = make_eyes(4, random_state=0).images
    >>> pixels = Pixels().fit(images)
    >>> pixels.transform(images).shape
    (4, 576)
    >>> pixels.get_feature_names_out()[:2].tolist()
    ['row00_col00', 'row00_col01']
    """

    descriptor = "pixels"

    def __init__(self, *, floor: float = 5.0) -> None:
        self.floor = floor

    def _check_parameters(self, shape: tuple[int, int]) -> None:
        check_number("floor", self.floor, above=0, remedy="5.0 grey levels is the default")

    def _settings(self) -> dict[str, Any]:
        return {"floor": self.floor}

    def _mirrored_columns(self) -> np.ndarray:
        height, width = self.image_shape_
        return np.arange(height * width).reshape(height, width)[:, ::-1].ravel()

    def _names(self) -> list[str]:
        height, width = self.image_shape_
        digits = len(str(max(height, width) - 1))
        return [f"row{r:0{digits}}_col{c:0{digits}}" for r in range(height) for c in range(width)]
