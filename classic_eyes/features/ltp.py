"""Local ternary patterns in a grid of cells, of images without their light (Tan and Triggs, 2010)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..descriptors.lbp import UNIFORM, mirrored_bins
from ..descriptors.ltp import compute_ltp
from ..errors import ParameterError
from ..preprocessing.illumination import even_levels
from .base import Extractor, check_integer, check_ring

__all__ = ["Ltp", "compute_ltp", "even_levels"]


class Ltp(Extractor):
    """How often each small pattern of clearly brighter, and of clearly darker neighbours occurs in each part.

    1. The light is taken out, and with it shading and contrast, and what is left rounded to whole levels
       (`classic_eyes.preprocessing.illumination.even_levels`).
    2. Each pixel is compared with its eight neighbours at distance r across, down and both. Two patterns of eight bits:
       which neighbours are brighter by more than `threshold` levels, and which are darker by more.
    3. The image is cut into `grid` x `grid` cells; each cell counts its patterns, those with at most two changes
       around the ring in a bin each, all others in one.
    4. A count becomes the square root of its share of the cell's pixels. Steps 2 to 4 for each r of `radii`, smallest
       first.

    What `lbp` sees in the noise of flat skin is one pattern here, and what light does to an edge is gone, so these
    numbers travel better to images of another kind.

    Parameters
    ----------
    radii : tuple of int, default=(1, 2, 3, 4)
        Distances of the neighbours in pixels, each at least 1 and below both sides of the image, none twice.
    grid : int, default=3
        Cells across, and down; at least 1, divides both sides of the image.
    threshold : int, default=6
        Differences that do not count: up to so many of the levels, of which an image has some 200; 0 to 254.

    Attributes
    ----------
    image_shape_ : tuple of int
        Height and width in pixels of the images seen in `fit`.
    n_features_out_ : int
        ``len(radii) * 2 * grid ** 2 * 59``: 4248 by default.

    Raises
    ------
    ParameterError
        In `fit`, if `radii` is empty, holds a distance twice, or one that is not an integer of at least 1 below both
        sides; if `grid` is not an integer of at least 1 that divides both sides; if `threshold` is not an integer from
        0 to 254.
    ImageError
        In `fit` and `transform`, if `X` is not a non-empty uint8 batch, or its images changed shape since `fit`.

    Notes
    -----
    Input is uint8 of shape (n, height, width), row first; output float32 in [0, 1], the squares of each cell's bins
    summing to 1 for the brighter and to 1 for the darker ones. The cost is sixteen comparisons a pixel and radius, and
    evening the light. Mirroring moves cells and bins and changes no number.

    Departures from the paper: the neighbours stand on a square ring; patterns are compared by the roots of their shares
    in cells, not by distances to the nearest pixel of the same pattern; the light is evened with narrower blurs, for
    eyes of 24 pixels, not faces of 120.

    References
    ----------
    X. Tan and B. Triggs, "Enhanced local texture feature sets for face recognition under difficult lighting
    conditions", IEEE Transactions on Image Processing 19, 2010. https://doi.org/10.1109/TIP.2010.2042645

    Examples
    --------
    >>> from classic_eyes.features import Ltp
    >>> from classic_eyes.synthetic import make_eyes
    >>> images = make_eyes(4, random_state=0).images
    >>> ltp = Ltp(radii=(1,)).fit(images)
    >>> ltp.transform(images).shape
    (4, 1062)
    >>> ltp.get_feature_names_out()[[0, -1]].tolist()
    ['radius01_brighter_cell_r0_c0_code000', 'radius01_darker_cell_r2_c2_other']
    """

    descriptor = "ltp"

    def __init__(self, *, radii: Sequence[int] = (1, 2, 3, 4), grid: int = 3, threshold: int = 6) -> None:
        self.radii = radii
        self.grid = grid
        self.threshold = threshold

    def _check_parameters(self, shape: tuple[int, int]) -> None:
        check_ring(self.radii, self.grid, shape)
        if check_integer("threshold", self.threshold, least=0, remedy="6 is the default") > 254:
            raise ParameterError(f"threshold={self.threshold!r}: expected at most 254; 6 is the default")

    def _settings(self) -> dict[str, Any]:
        return {"radii": sorted(self.radii), "grid": self.grid, "threshold": self.threshold}

    def _mirrored_columns(self) -> np.ndarray:
        bins = mirrored_bins(UNIFORM)
        shape = (2 * len(self.radii), self.grid, self.grid, len(bins))
        return np.arange(np.prod(shape)).reshape(shape)[:, :, ::-1][..., bins].ravel()

    def _names(self) -> list[str]:
        bins = [*(f"code{code:03}" for code in UNIFORM), "other"]
        cell_digits, radius_digits = len(str(self.grid - 1)), max(2, len(str(max(self.radii))))
        return [
            f"radius{radius:0{radius_digits}}_{side}_cell_r{r:0{cell_digits}}_c{c:0{cell_digits}}_{name}"
            for radius in sorted(self.radii)
            for side in ("brighter", "darker")
            for r in range(self.grid)
            for c in range(self.grid)
            for name in bins
        ]
