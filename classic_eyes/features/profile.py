"""Projection functions of an image and statistics of their shape (Zhou & Geng, 2004)."""

from __future__ import annotations

from typing import Any

from ..descriptors.profile import SHAPE
from ..errors import ImageError
from .base import Extractor, check_number

__all__ = ["Profile"]


class Profile(Extractor):
    """Mean and variance projections onto rows and columns, and the shape of the mean projections.

    1. Each pixel x becomes :math:`(x - m) / (s + f)`, where m and s are mean and standard deviation of the image in
       grey levels and f is `floor`.
    2. Profiles: the mean of each column, and of each row. Beside them the standard deviation of each column and row.
    3. Differences of consecutive values of a profile.
    4. Nine statistics of each profile. `darkest`: mean position of its minimum; `centroid`, `spread`, `skewness` and
       excess `kurtosis`: moments of the darkness, the difference to the maximum, as a distribution over the positions;
       `minima`: number of valleys; `depth`: depth of the deepest valley below its lower shoulder; `contrast`: maximum
       minus minimum; `asymmetry`: mean absolute difference to the mirrored profile.

    In an open eye the row profile falls from the lid into the iris and rises again, and the column profile has one dark
    region; a closed eye has one narrow dark row, and all columns are alike.

    Parameters
    ----------
    floor : float, default=5.0
        Grey levels added to the standard deviation, above 0. It keeps the noise of a flat image small.

    Attributes
    ----------
    image_shape_ : tuple of int
        Height and width in pixels of the images passed to `fit`.
    n_features_out_ : int
        ``3 * (height + width) + 16``: 160 at 24 x 24.

    Raises
    ------
    ParameterError
        In `fit`, if `floor` is not a finite number above 0.
    ImageError
        In `fit`, if a side of the images is below 2 pixels; in `fit` and `transform`, if `X` is not a non-empty uint8
        batch, or its images changed shape since `fit`.

    Notes
    -----
    Input is uint8 of shape (n, height, width), row first; output is float32, in standard deviations of the image;
    positions run from -1 (left, top) to 1. The cost is six sums over the pixels. Adding a constant to an image does not
    change a bit unless pixels are clipped. Multiplying it by :math:`a` changes positions, moments and counts by
    rounding only, and multiplies all other features by :math:`a (s + f) / (a s + f)`, which is close to 1. A horizontal
    flip reverses the column profile and negates its differences, positions and skewness. A constant image gives zeros.
    Positions and moments have no floor: in a flat image they describe the noise.

    Departures from the paper, which locates eyes in a face at extrema of projection functions: the whole projections of
    an eye patch are features, and statistics of their shape are added.

    References
    ----------
    Z.-H. Zhou and X. Geng, "Projection functions for eye detection", Pattern Recognition 2004.
    https://doi.org/10.1016/j.patcog.2003.09.006

    Examples
    --------
    >>> from classic_eyes.features import Profile
    >>> from classic_eyes.synthetic import make_eyes
    >>> images = make_eyes(4, random_state=0).images
    >>> profile = Profile().fit(images)
    >>> profile.transform(images).shape
    (4, 160)
    >>> profile.get_feature_names_out()[[0, 23, 47]].tolist()
    ['column_gradient00', 'column_mean00', 'column_shape_asymmetry']
    """

    descriptor = "profile"

    def __init__(self, *, floor: float = 5.0) -> None:
        self.floor = floor

    def _check_parameters(self, shape: tuple[int, int]) -> None:
        check_number("floor", self.floor, above=0, remedy="5.0 grey levels is the default")
        if min(shape) < 2:
            raise ImageError(f"X: images of {shape} (height, width) pixels; a profile needs at least 2 per side")

    def _settings(self) -> dict[str, Any]:
        return {"floor": self.floor}

    def _names(self) -> list[str]:
        names = []
        for axis, length in (("column", self.image_shape_[1]), ("row", self.image_shape_[0])):
            digits = len(str(length - 1))
            names += [f"{axis}_gradient{i:0{digits}}" for i in range(length - 1)]
            names += [f"{axis}_mean{i:0{digits}}" for i in range(length)]
            names += [f"{axis}_shape_{name}" for name in SHAPE]
            names += [f"{axis}_std{i:0{digits}}" for i in range(length)]
        return names
