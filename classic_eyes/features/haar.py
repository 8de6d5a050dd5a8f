"""Detection statistics of OpenCV's eye cascades (Viola & Jones, 2001)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..descriptors.haar import CASCADES, STATISTICS, count_hits, load_cascade
from ..errors import ParameterError
from .base import Extractor, check_integer, check_number

__all__ = ["CASCADES", "Haar", "count_hits"]


class Haar(Extractor):
    r"""Statistics of the windows in which OpenCV's eye cascades detect an eye.

    1. A cascade scans the image with windows from 20 pixels on, each `scale_factor` times the previous one, and returns
       every window that passes all its stages.
    2. Overlapping windows are grouped; groups of more than `min_neighbors` windows are kept.
    3. Fifteen statistics: whether a window was found, number of windows (:math:`n` and :math:`\log(1 + n)`), number of
       groups and of their windows, window sizes, sums of the last stage, mean and standard deviation of the positions.
    4. Steps 1 to 3 for each cascade of `cascades`, sorted by name.

    The cascades are trained on open eyes: closed eyes pass rarely, in fewer windows and with lower sums.

    Parameters
    ----------
    cascades : tuple of str, default=("eye", "eye_tree_eyeglasses")
        Distinct keys of `classic_eyes.features.haar.CASCADES`.
    scale_factor : float, default=1.06
        Ratio of consecutive window sizes, above 1.
    min_neighbors : int, default=3
        A group is kept if it has more windows than this; at least 1.

    Attributes
    ----------
    image_shape_ : tuple of int
        Height and width in pixels of the images passed to `fit`.
    n_features_out_ : int
        ``15 * len(cascades)``: 30 by default.

    Raises
    ------
    ParameterError
        In `fit`, if `cascades` is empty or contains an unknown or repeated name; if `scale_factor` is not a finite
        number above 1; if `min_neighbors` is not an integer of at least 1; if a side of the images is below the 20
        pixels of a window.
    MissingDependencyError
        In `fit`, and in `transform` on another computer, if OpenCV is installed without the file of a cascade.
    ImageError
        In `fit` and `transform`, if `X` is not a non-empty uint8 batch, or its images changed shape since `fit`.

    Notes
    -----
    Input is uint8 of shape (n, height, width), row first; output is float32: counts; window sizes divided by the
    shorter side of the image; offsets of window centres from the image centre divided by width and height, in
    [-0.5, 0.5], right and down positive; sums of the last stage as OpenCV returns them, about -2 to 7. Without a window
    all statistics are 0. The cost is one scan per image and cascade, the slowest of the extractors. Adding a constant
    to an image does not change a bit unless pixels are clipped. There is no other invariance: OpenCV skips windows
    with a standard deviation below 10 grey levels, and the cascades are not symmetric.

    Departures from the paper: the cascades are those of OpenCV, which also use tilted features and trees, and the sum
    of their last stage is a feature. For a rejected window OpenCV returns no sum.

    References
    ----------
    P. Viola and M. Jones, "Rapid object detection using a boosted cascade of simple features", CVPR 2001.
    https://doi.org/10.1109/CVPR.2001.990517

    Examples
    --------
    >>> from classic_eyes.features import Haar
    >>> from classic_eyes.synthetic import make_eyes
    >>> images = make_eyes(4, random_state=0).images
    >>> haar = Haar(cascades=("eye",)).fit(images)
    >>> haar.transform(images).shape
    (4, 15)
    >>> haar.get_feature_names_out()[:2].tolist()
    ['eye.found', 'eye.groups']
    """

    descriptor = "haar"

    def __init__(
        self,
        *,
        cascades: Sequence[str] = ("eye", "eye_tree_eyeglasses"),
        scale_factor: float = 1.06,
        min_neighbors: int = 3,
    ) -> None:
        self.cascades = cascades
        self.scale_factor = scale_factor
        self.min_neighbors = min_neighbors

    def _check_parameters(self, shape: tuple[int, int]) -> None:
        known = ", ".join(map(repr, CASCADES))
        if not isinstance(self.cascades, Sequence) or isinstance(self.cascades, str) or not self.cascades:
            raise ParameterError(f"cascades is {self.cascades!r}; allowed is a tuple of at least one of {known}")
        if len(set(self.cascades)) < len(self.cascades):
            raise ParameterError(f"cascades is {self.cascades!r}; allowed is each cascade once; known are {known}")
        check_number("scale_factor", self.scale_factor, above=1, remedy="1.06 is the default")
        check_integer("min_neighbors", self.min_neighbors, least=1, remedy="3 is the default")
        for cascade in self.cascades:
            least = max(load_cascade(cascade).getOriginalWindowSize())
            if min(shape) < least:
                raise ParameterError(
                    f"cascades is {self.cascades!r}; {cascade!r} needs windows of {least} pixels, the images have "
                    f"{shape} (height, width) pixels; enlarge them to at least {least} pixels per side"
                )

    def _settings(self) -> dict[str, Any]:
        return {
            "cascades": sorted(self.cascades),
            "scale_factor": self.scale_factor,
            "min_neighbors": self.min_neighbors,
        }

    def _names(self) -> list[str]:
        # A dot sorts before the underscore, so that "eye" stays before "eye_tree_eyeglasses".
        return [f"{cascade}.{statistic}" for cascade in sorted(self.cascades) for statistic in STATISTICS]
