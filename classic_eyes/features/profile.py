"""Brightness profiles down and across a picture, and numbers for their shapes (projections; Zhou & Geng, 2004)."""

from __future__ import annotations

import numpy as np

from ..errors import PictureError
from .base import Extractor, check_number

__all__ = ["Profile", "compute_profiles", "describe_shape"]

_SHAPE = (
    "asymmetry",
    "centroid",
    "contrast",
    "darkest",
    "depth",
    "kurtosis",
    "minima",
    "skewness",
    "spread",
)


def describe_shape(profiles: np.ndarray) -> dict[str, np.ndarray]:
    """Put the shape of each profile into nine numbers, all 0 for a constant profile.

    Positions run from -1 (top or left) to 1. The moments are those of the darkness, which is how far each value lies
    below the profile's greatest, taken as a distribution over the positions.

    Parameters
    ----------
    profiles : ndarray of float64, shape (n, length)
        One profile a row, of at least two values.

    Returns
    -------
    dict of str to ndarray of float64, shape (n,)
        ``asymmetry``: mean difference between the profile and its mirror image; ``centroid``, ``spread``, ``skewness``,
        ``kurtosis`` (less the 3 of a Gaussian) of the darkness; ``contrast``: greatest less least value; ``darkest``:
        mean position of the least value; ``depth``: of the deepest valley below the lower of its two shoulders;
        ``minima``: number of valleys.
    """
    length = profiles.shape[1]
    position = np.linspace(-1, 1, length)
    least, greatest = profiles.min(axis=1), profiles.max(axis=1)
    darkness = greatest[:, None] - profiles
    total = darkness.sum(axis=1)
    flat = total == 0
    share = darkness / np.where(flat, 1, total)[:, None]
    centroid = (share * position).sum(axis=1)
    offset = position - centroid[:, None]
    spread = np.sqrt((share * offset**2).sum(axis=1))
    # Darkness in a single place has a share of 1 there, and a spread of exactly 0 to measure by.
    z = offset / np.where(spread > 0, spread, np.inf)[:, None]
    skewness = (share * z**3).sum(axis=1)
    kurtosis = np.where(spread > 0, (share * z**4).sum(axis=1) - 3, 0)

    is_least = (profiles == least[:, None]) & ~flat[:, None]
    darkest = (is_least * position).sum(axis=1) / np.maximum(is_least.sum(axis=1), 1)
    left = np.maximum.accumulate(profiles, axis=1)
    right = np.maximum.accumulate(profiles[:, ::-1], axis=1)[:, ::-1]
    depth = (np.minimum(left, right) - profiles).max(axis=1)

    # A level stretch takes over the slope before it, so that a valley with a flat floor counts once.
    slope = np.sign(np.diff(profiles, axis=1))
    last = np.maximum.accumulate(np.where(slope != 0, np.arange(length - 1), 0), axis=1)
    slope = np.take_along_axis(slope, last, axis=1)
    return {
        "asymmetry": np.abs(profiles - profiles[:, ::-1]).mean(axis=1),
        "centroid": centroid,
        "contrast": greatest - least,
        "darkest": darkest,
        "depth": depth,
        "kurtosis": kurtosis,
        "minima": ((slope[:, :-1] < 0) & (slope[:, 1:] > 0)).sum(axis=1).astype(np.float64),
        "skewness": skewness,
        "spread": spread,
    }


def compute_profiles(pictures: np.ndarray, *, floor: float) -> np.ndarray:
    """Compute means, spreads, steps and shape of the columns, then of the rows, of normalised pictures.

    Parameters
    ----------
    pictures : ndarray of uint8, shape (n, height, width)
        Grey pictures of at least 2 pixels a side.
    floor : float
        Grey levels added to a picture's standard deviation.

    Returns
    -------
    ndarray of float32, shape (n, 3 * (height + width) + 16)
        For the columns, then for the rows: steps from one mean to the next, means, nine shape numbers in the order of
        their names, standard deviations.
    """
    height, width = pictures.shape[1:]
    n_pixels = height * width
    squares = np.square(pictures, dtype=np.uint16)
    # Sums of integers are exact in float64, and numpy may add them up in any order.
    total = pictures.sum(axis=(1, 2), dtype=np.float64)
    deviation = np.sqrt(n_pixels * squares.sum(axis=(1, 2), dtype=np.float64) - total**2) / n_pixels
    unit = (1 / (deviation + floor))[:, None]
    parts = []
    for axis, count in ((1, height), (2, width)):
        line = pictures.sum(axis=axis, dtype=np.float64)
        spread = np.sqrt(count * squares.sum(axis=axis, dtype=np.float64) - line**2) / count
        # Whole numbers as long as possible: equal lines stay equal, so ties are ties.
        centred = line * (n_pixels // count) - total[:, None]
        scale = unit / n_pixels
        shape = describe_shape(centred)
        for name in ("asymmetry", "contrast", "depth"):
            shape[name] = shape[name] * scale[:, 0]
        numbers = np.stack([shape[name] for name in _SHAPE], axis=1)
        parts += [np.diff(centred, axis=1) * scale, centred * scale, numbers, spread * unit]
    return np.hstack(parts, dtype=np.float32, casting="same_kind")


class Profile(Extractor):
    """Mean brightness of each row and column of a picture, and the shape of these two curves.

    1. Each pixel x becomes :math:`(x - m) / (s + f)`: m and s are mean and standard deviation of its picture in grey
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
        Grey levels added to the standard deviation of a picture, more than 0, so that noise of a flat picture is not
        blown up.

    Attributes
    ----------
    image_shape_ : tuple of int
        Height and width in pixels of the pictures seen in `fit`.
    n_features_out_ : int
        ``3 * (height + width) + 16``: 160 at 24 x 24.

    Raises
    ------
    ParameterError
        In `fit`, if `floor` is not a finite number above 0.
    PictureError
        In `fit`, if the pictures have fewer than 2 pixels a side; in `fit` and `transform`, if `X` is not a non-empty
        uint8 batch, or its pictures changed shape since `fit`.

    Notes
    -----
    Input is uint8 of shape (n, height, width), row first; output float32, in units of the picture's contrast, positions
    from -1 (left, top) to 1. The cost is six sums over the pixels. Adding a constant to a picture changes nothing, not
    one bit, as long as no pixel leaves 0 to 255. Multiplying it by a changes positions, moments and counts by rounding
    at most and all else by the factor :math:`a (s + f) / (a s + f)`, which is 1 up to the floor. Mirroring a picture
    reverses the profile and changes the sign of its steps, positions and skewness. A constant picture gives zeros.
    Positions and moments have no floor: on a picture that is flat but for noise they tell of the noise.

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
    >>> pictures = make_eyes(4, random_state=0).pictures
    >>> profile = Profile().fit(pictures)
    >>> profile.transform(pictures).shape
    (4, 160)
    >>> profile.get_feature_names_out()[[0, 23, 47]].tolist()
    ['column_gradient00', 'column_mean00', 'column_shape_asymmetry']
    """

    def __init__(self, *, floor: float = 5.0) -> None:
        self.floor = floor

    def _check_parameters(self, shape: tuple[int, int]) -> None:
        check_number("floor", self.floor, above=0, remedy="5.0 grey levels is the default")
        if min(shape) < 2:
            raise PictureError(f"X: pictures of {shape} (height, width) pixels; a profile takes at least 2 each way")

    def _compute(self, pictures: np.ndarray) -> np.ndarray:
        return compute_profiles(pictures, floor=self.floor)

    def _names(self) -> list[str]:
        names = []
        for axis, length in (("column", self.image_shape_[1]), ("row", self.image_shape_[0])):
            digits = len(str(length - 1))
            names += [f"{axis}_gradient{i:0{digits}}" for i in range(length - 1)]
            names += [f"{axis}_mean{i:0{digits}}" for i in range(length)]
            names += [f"{axis}_shape_{name}" for name in _SHAPE]
            names += [f"{axis}_std{i:0{digits}}" for i in range(length)]
        return names
