"""Local binary patterns in a grid of cells, at several radii (Ojala et al., 2002; Ahonen et al., 2006)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..descriptors.lbp import UNIFORM, mirrored_bins
from ..errors import ParameterError
from .base import Extractor, check_ring

__all__ = ["Lbp"]


class Lbp(Extractor):
    """Histograms of local binary patterns in a grid of cells, at several radii.

    1. Each pixel is compared with its eight neighbours on a square ring of radius r: one bit per neighbour, set if the
       neighbour is at least as bright.
    2. The 58 uniform patterns, with at most two transitions around the ring, have a bin each; all others share one.
    3. The image is divided into `grid` x `grid` cells, and the patterns of each cell are counted.
    4. A feature is the square root of the relative frequency in the cell (Hellinger), so that rare patterns carry more
       weight. Steps 1 to 4 for each r of `radii`, in ascending order.

    An open eye has spots and round edges in its central cells; a closed eye has the flat texture of skin and a line.

    Parameters
    ----------
    radii : tuple of int, default=(1, 2, 3, 4)
        Distinct radii in pixels, each at least 1 and below both sides of the image.
    grid : int, default=3
        Number of cells in each direction, at least 1; divides both sides of the image.
    uniform : bool, default=True
        Whether patterns with more than two transitions share one bin: 59 bins per cell instead of 256.

    Attributes
    ----------
    image_shape_ : tuple of int
        Height and width in pixels of the images passed to `fit`.
    n_features_out_ : int
        ``len(radii) * grid ** 2 * (59 if uniform else 256)``: 2124 by default.

    Raises
    ------
    ParameterError
        In `fit`, if `radii` is empty, repeats a radius, or contains one that is not an integer of at least 1 below both
        sides; if `grid` is not an integer of at least 1 that divides both sides; if `uniform` is not a bool.
    ImageError
        In `fit` and `transform`, if `X` is not a non-empty uint8 batch, or its images changed shape since `fit`.

    Notes
    -----
    Input is uint8 of shape (n, height, width), row first; output is float32 in [0, 1], and the squares of the bins of a
    cell sum to 1. The cost is eight comparisons per pixel and radius. A strictly increasing map of the grey levels does
    not change a bit; a horizontal flip permutes the columns exactly.

    Departures from the papers: the neighbours lie on a square ring instead of a circle, because interpolation would
    break the invariance; patterns are not rotated to a common orientation, because the orientation of the eyelid
    matters; all cells have the same weight.

    References
    ----------
    T. Ojala, M. Pietikainen and T. Maenpaa, "Multiresolution gray-scale and rotation invariant texture classification
    with local binary patterns", PAMI 2002. https://doi.org/10.1109/TPAMI.2002.1017623
    T. Ahonen, A. Hadid and M. Pietikainen, "Face description with local binary patterns", PAMI 2006.
    https://doi.org/10.1109/TPAMI.2006.244

    Examples
    --------
    >>> from classic_eyes.features import Lbp
    >>> from classic_eyes.synthetic import make_eyes
    >>> images = make_eyes(4, random_state=0).images
    >>> lbp = Lbp(radii=(1,)).fit(images)
    >>> lbp.transform(images).shape
    (4, 531)
    >>> lbp.get_feature_names_out()[[0, -1]].tolist()
    ['radius01_cell_r0_c0_code000', 'radius01_cell_r2_c2_other']
    """

    descriptor = "lbp"

    def __init__(self, *, radii: Sequence[int] = (1, 2, 3, 4), grid: int = 3, uniform: bool = True) -> None:
        self.radii = radii
        self.grid = grid
        self.uniform = uniform

    def _check_parameters(self, shape: tuple[int, int]) -> None:
        check_ring(self.radii, self.grid, shape)
        if not isinstance(self.uniform, bool):
            raise ParameterError(f"uniform is {self.uniform!r}; allowed is True (59 bins per cell) or False (256)")

    def _settings(self) -> dict[str, Any]:
        return {"radii": sorted(self.radii), "grid": self.grid, "uniform": self.uniform}

    def _mirrored_columns(self) -> np.ndarray:
        patterns = UNIFORM if self.uniform else tuple(range(256))
        bins = mirrored_bins(patterns)[: len(patterns) + self.uniform]
        shape = (len(self.radii), self.grid, self.grid, len(bins))
        return np.arange(np.prod(shape)).reshape(shape)[:, :, ::-1][..., bins].ravel()

    def _names(self) -> list[str]:
        bins = [f"code{code:03}" for code in (UNIFORM if self.uniform else range(256))] + ["other"] * self.uniform
        cell_digits, radius_digits = len(str(self.grid - 1)), max(2, len(str(max(self.radii))))
        return [
            f"radius{radius:0{radius_digits}}_cell_r{r:0{cell_digits}}_c{c:0{cell_digits}}_{name}"
            for radius in sorted(self.radii)
            for r in range(self.grid)
            for c in range(self.grid)
            for name in bins
        ]
