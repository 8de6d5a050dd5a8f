"""Brightness profiles down and across an image, and numbers for their shapes (projections; Zhou & Geng, 2004)."""

from __future__ import annotations

from typing import Any

from ..descriptors.profile import SHAPE, compute_profiles, describe_shape
from ..errors import ImageError
from .base import Extractor, check_number

__all__ = ["Profile", "compute_profiles", "describe_shape"]


class Profile(Extractor):
    """Mean brightness of each row and column of an image, and the shape of these two curves.

    1. Each pixel x becomes :math:`(x - m) / (s + f)`: m and s are mean and standard deviation of its image in grey
       levels, f is `floor`.
    2. The mean of each column, and of each row: two profiles. The standard deviation along each column and row.
    3. The steps from one value of a profile to the next.
    4. Nine numbers a profile: where it is darkest, where its darkness lies and how it spreads, how many valleys it has,
       how deep the deepest is, how far it is from its mirror image (`describe_shape`).

    In an open eye the rows fall from the lid into the iris and rise again, and the columns are dark in one place; a
    closed eye has one narrow dark row, and columns that are all alike.

    Parameters
    ----------
    floor : float, default=5.0
        Grey levels added to the standard deviation of an image, more than 0, so that noise of a flat image is not
        blown up.

    Attributes
    ----------
    image_shape_ : tuple of int
        Height and width in pixels of the images seen in `fit`.
    n_features_out_ : int
        ``3 * (height + width) + 16``: 160 at 24 x 24.

    Raises
    ------
    ParameterError
        In `fit`, if `floor` is not a finite number above 0.
    ImageError
        In `fit`, if the images have fewer than 2 pixels a side; in `fit` and `transform`, if `X` is not a non-empty
        uint8 batch, or its images changed shape since `fit`.

    Notes
    -----
    Input is uint8 of shape (n, height, width), row first; output float32, in units of the image's contrast, positions
    from -1 (left, top) to 1. The cost is six sums over the pixels. Adding a constant to an image changes nothing, not
    one bit, as long as no pixel leaves 0 to 255. Multiplying it by a changes positions, moments and counts by rounding
    at most and all else by the factor :math:`a (s + f) / (a s + f)`, which is 1 up to the floor. Mirroring an image
    reverses the profile and changes the sign of its steps, positions and skewness. A constant image gives zeros.
    Positions and moments have no floor: on an image that is flat but for noise they tell of the noise.

    Departures from the paper, which looks for eyes in a face by the extremes of its integral and variance projection
    functions: the whole curves of an eye patch are kept, with the shape numbers beside them.

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
            raise ImageError(f"X: images of {shape} (height, width) pixels; a profile takes at least 2 each way")

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
