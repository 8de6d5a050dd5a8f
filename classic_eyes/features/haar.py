"""The answers of OpenCV's eye cascades, as numbers (Viola & Jones, 2001)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..descriptors.haar import CASCADES, NUMBERS, compute_haar, count_hits, load_cascade
from ..errors import ParameterError
from .base import Extractor, check_integer, check_number

__all__ = ["CASCADES", "Haar", "compute_haar", "count_hits"]


class Haar(Extractor):
    r"""What OpenCV's eye cascades answer, beyond yes or no.

    1. A cascade looks through the image with windows from 20 pixels up, each `scale_factor` times the last, and
       reports every window that passes all its stages.
    2. Overlapping windows are grouped; groups of more than `min_neighbors` windows count.
    3. Fifteen numbers: whether anything was found, windows (plain, and as :math:`\log(1 + n)`), groups and their
       neighbours, window sizes, the sums of the last stage, where the windows lie and how they scatter.
    4. Steps 1 to 3 for each cascade of `cascades`, by name.

    The cascades learned open eyes, so a closed one passes seldom, in fewer windows and with lower sums.

    Parameters
    ----------
    cascades : tuple of str, default=("eye", "eye_tree_eyeglasses")
        Keys of `CASCADES`, none twice.
    scale_factor : float, default=1.06
        Ratio of one window size to the next, above 1.
    min_neighbors : int, default=3
        A group counts if it has more windows than this; at least 1.

    Attributes
    ----------
    image_shape_ : tuple of int
        Height and width in pixels of the images seen in `fit`.
    n_features_out_ : int
        ``15 * len(cascades)``: 30 by default.

    Raises
    ------
    ParameterError
        In `fit`, if `cascades` is empty or holds an unknown name or one name twice; if `scale_factor` is not a finite
        number above 1; if `min_neighbors` is not an integer of at least 1; if a side of the images is below the 20
        pixels of a cascade's window.
    MissingDependencyError
        In `fit`, and in `transform` on another machine, if OpenCV came without the file of a cascade.
    ImageError
        In `fit` and `transform`, if `X` is not a non-empty uint8 batch, or its images changed shape since `fit`.

    Notes
    -----
    Input is uint8 of shape (n, height, width), row first; output float32: counts; window sizes as shares of the
    image's shorter side; offsets of window centres from the image's as shares of its width and height, in -0.5
    to 0.5, right and down positive; sums of the last stage as OpenCV gives them, some -2 to 7. Where nothing was found
    all numbers are 0. The cost is one scan an image and cascade, the slowest of the extractors. Adding a constant to a
    image changes nothing, not one bit, as long as no pixel leaves 0 to 255. There is no other invariance: OpenCV
    passes over windows whose standard deviation is below 10 grey levels, and the cascades are not symmetric.

    Departures from the paper: the trained cascades are OpenCV's, which use tilted features and trees as well, and
    their last stage is kept as a number. Of a window that fails, OpenCV does not tell by how much.

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
            raise ParameterError(f"cascades={self.cascades!r}: expected a tuple of at least one of {known}")
        if len(set(self.cascades)) < len(self.cascades):
            raise ParameterError(f"cascades={self.cascades!r}: expected each cascade once; known are {known}")
        check_number("scale_factor", self.scale_factor, above=1, remedy="1.06 is the default")
        check_integer("min_neighbors", self.min_neighbors, least=1, remedy="3 is the default")
        for cascade in self.cascades:
            least = max(load_cascade(cascade).getOriginalWindowSize())
            if min(shape) < least:
                raise ParameterError(
                    f"cascades={self.cascades!r}: {cascade!r} looks at windows of {least} pixels, the images have "
                    f"{shape} (height, width); enlarge them to {least} pixels a side or more"
                )

    def _settings(self) -> dict[str, Any]:
        return {
            "cascades": sorted(self.cascades),
            "scale_factor": self.scale_factor,
            "min_neighbors": self.min_neighbors,
        }

    def _names(self) -> list[str]:
        # A dot sorts before the underscore, so "eye" stays in front of "eye_tree_eyeglasses".
        return [f"{cascade}.{number}" for cascade in sorted(self.cascades) for number in NUMBERS]
