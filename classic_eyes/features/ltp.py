"""Local ternary patterns in a grid of cells, after illumination normalization (Tan and Triggs, 2010)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..descriptors.lbp import UNIFORM, mirrored_bins
from ..errors import ParameterError
from .base import Extractor, check_integer, check_ring

__all__ = ["Ltp"]


class Ltp(Extractor):
    """Histograms of local ternary patterns in a grid of cells, at several radii.

    1. Illumination normalization removes shading and contrast (`classic_eyes.preprocessing.tan_triggs_uint8`).
    2. Each pixel is compared with its eight neighbours on a square ring of radius r. Two patterns of eight bits: which
       neighbours are brighter, and which are darker, by more than `threshold` levels.
    3. The image is divided into `grid` x `grid` cells, and the patterns of each cell are counted. The 58 uniform
       patterns have a bin each, all others share one.
    4. A feature is the square root of the relative frequency in the cell. Steps 2 to 4 for each r of `radii`, in
       ascending order.

    The noise of flat skin, which gives many patterns in `Lbp`, gives a single one here, and edges do not depend on the
    light, so that these features generalize better to other data sets.

    Parameters
    ----------
    radii : tuple of int, default=(1, 2, 3, 4)
        Distinct radii in pixels, each at least 1 and below both sides of the image.
    grid : int, default=3
        Number of cells in each direction, at least 1; divides both sides of the image.
    threshold : int, default=6
        Largest difference that counts as equal, in levels of the normalized image, which span about 200; 0 to 254.

    Attributes
    ----------
    image_shape_ : tuple of int
        Height and width in pixels of the images passed to `fit`.
    n_features_out_ : int
        ``len(radii) * 2 * grid ** 2 * 59``: 4248 by default.

    Raises
    ------
    ParameterError
        In `fit`, if `radii` is empty, repeats a radius, or contains one that is not an integer of at least 1 below both
        sides; if `grid` is not an integer of at least 1 that divides both sides; if `threshold` is not an integer from
        0 to 254.
    ImageError
        In `fit` and `transform`, if `X` is not a non-empty uint8 batch, or its images changed shape since `fit`.

    Notes
    -----
    Input is uint8 of shape (n, height, width), row first; output is float32 in [0, 1], and the squares of the bins of a
    cell sum to 1 for each of the two patterns. The cost is sixteen comparisons per pixel and radius, and the
    normalization. A horizontal flip permutes the columns exactly.

    Departures from the paper: the neighbours lie on a square ring; features are square roots of frequencies in cells
    instead of distances to the nearest pixel of the same pattern; the normalization uses narrower blurs, for eyes of
    24 pixels instead of faces of 120.

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
            raise ParameterError(f"threshold is {self.threshold!r}; allowed is at most 254; 6 is the default")

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
