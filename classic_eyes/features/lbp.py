"""Local binary patterns in a grid of cells, at several radii (Ojala et al., 2002; Ahonen et al., 2006)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import ParameterError
from .base import Extractor, check_integer

__all__ = ["Lbp", "compute_codes", "compute_lbp"]

# Neighbours once around the ring, counter-clockwise from the right: bit k of a code is neighbour k.
_RING = ((0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1))
# Patterns with at most two changes between 0 and 1 once around.
_UNIFORM = tuple(c for c in range(256) if ((c ^ (c >> 1 | (c & 1) << 7)).bit_count()) <= 2)
_CHUNK = 256  # pictures: their bins stay in the second-level cache


def compute_codes(pictures: np.ndarray, *, radius: int) -> np.ndarray:
    """Compare each pixel with its eight neighbours on the square ring at a distance.

    Parameters
    ----------
    pictures : ndarray of uint8, shape (n, height, width)
        Grey pictures; beyond the border its nearest pixel counts.
    radius : int
        Distance in pixels, across and down.

    Returns
    -------
    ndarray of uint8, shape (n, height, width)
        Bit k is set where neighbour k is at least as bright as the pixel; k runs counter-clockwise from the right.
    """
    _, height, width = pictures.shape
    padded = np.pad(pictures, ((0, 0), (radius, radius), (radius, radius)), mode="edge")
    codes = np.zeros_like(pictures, order="C")
    for bit, (down, right) in enumerate(_RING):
        top, left = radius * (1 + down), radius * (1 + right)
        brighter = padded[:, top : top + height, left : left + width] >= pictures
        codes |= brighter.view(np.uint8) << np.uint8(bit)
    return codes


def compute_lbp(pictures: np.ndarray, *, radius: int, grid: int, uniform: bool) -> np.ndarray:
    """Count the patterns of each cell and take the square root of their shares.

    Parameters
    ----------
    pictures : ndarray of uint8, shape (n, height, width)
        Grey pictures; `grid` divides both sides.
    radius : int
        Distance of the neighbours in pixels.
    grid : int
        Cells across, and down.
    uniform : bool
        Whether to count all patterns that are not uniform in one bin.

    Returns
    -------
    ndarray of float32, shape (n, grid * grid * (59 if uniform else 256))
        Cells by rows, and in each cell the bins.
    """
    n, height, width = pictures.shape
    n_bins = len(_UNIFORM) + 1 if uniform else 256
    bin_of = np.full(256, n_bins - 1, np.intp)
    patterns = np.array(_UNIFORM if uniform else range(256))
    bin_of[patterns] = np.arange(len(patterns))
    cell_of = (np.arange(height) * grid // height)[:, None] * grid + np.arange(width) * grid // width
    length = grid * grid * n_bins
    counts = np.empty((n, length), np.float32)
    for start in range(0, n, _CHUNK):
        codes = compute_codes(pictures[start : start + _CHUNK], radius=radius)
        bins = bin_of[codes]
        bins += cell_of * n_bins
        bins += (np.arange(len(codes)) * length)[:, None, None]
        counts[start : start + _CHUNK] = np.bincount(bins.ravel(), minlength=len(codes) * length).reshape(-1, length)
    counts *= np.float32(grid * grid / (height * width))
    return np.sqrt(counts, out=counts)


class Lbp(Extractor):
    """How often each small pattern of brighter and darker neighbours occurs in each part of the picture.

    1. Each pixel is compared with its eight neighbours at distance r across, down and both: one bit a neighbour, set if
       the neighbour is at least as bright.
    2. The 58 patterns with at most two changes around the ring keep a bin each, all others share one.
    3. The picture is cut into `grid` x `grid` cells; each cell counts its patterns.
    4. A count becomes its share of the cell's pixels, and the square root of that (Hellinger), so that rare patterns
       speak as well. Steps 1 to 4 for each r of `radii`, smallest first.

    An open eye has spots and round edges in its middle cells, a closed one the flat texture of skin and a line.

    Parameters
    ----------
    radii : tuple of int, default=(1, 2, 3, 4)
        Distances of the neighbours in pixels, each at least 1 and below both sides of the picture, none twice.
    grid : int, default=3
        Cells across, and down; at least 1, divides both sides of the picture.
    uniform : bool, default=True
        Whether patterns with more than two changes share one bin: 59 bins a cell, else 256.

    Attributes
    ----------
    image_shape_ : tuple of int
        Height and width in pixels of the pictures seen in `fit`.
    n_features_out_ : int
        ``len(radii) * grid ** 2 * (59 if uniform else 256)``: 2124 by default.

    Raises
    ------
    ParameterError
        In `fit`, if `radii` is empty, holds a distance twice, or one that is not an integer of at least 1 below both
        sides; if `grid` is not an integer of at least 1 that divides both sides; if `uniform` is not a bool.
    PictureError
        In `fit` and `transform`, if `X` is not a non-empty uint8 batch, or its pictures changed shape since `fit`.

    Notes
    -----
    Input is uint8 of shape (n, height, width), row first; output float32 in [0, 1], the squares of each cell's bins
    summing to 1. The cost is eight comparisons a pixel and radius. Any strictly rising map of the grey values changes
    nothing, not one bit; mirroring moves cells and bins and changes no number.

    Departures from the papers: the neighbours stand on a square ring, not a circle, so nothing is interpolated, which
    would undo the invariance; patterns are not turned to a common direction, for an eyelid's direction matters; all
    cells weigh the same.

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
    >>> pictures = make_eyes(4, random_state=0).pictures
    >>> lbp = Lbp(radii=(1,)).fit(pictures)
    >>> lbp.transform(pictures).shape
    (4, 531)
    >>> lbp.get_feature_names_out()[[0, -1]].tolist()
    ['radius01_cell_r0_c0_code000', 'radius01_cell_r2_c2_other']
    """

    def __init__(self, *, radii: Sequence[int] = (1, 2, 3, 4), grid: int = 3, uniform: bool = True) -> None:
        self.radii = radii
        self.grid = grid
        self.uniform = uniform

    def _check_parameters(self, shape: tuple[int, int]) -> None:
        remedy = "(1, 2, 3, 4) is the default"
        if not isinstance(self.radii, Sequence) or isinstance(self.radii, str) or not self.radii:
            raise ParameterError(f"radii={self.radii!r}: expected a tuple of at least one distance; {remedy}")
        for radius in self.radii:
            if check_integer("radii", radius, least=1, remedy=remedy) >= min(shape):
                raise ParameterError(
                    f"radii={self.radii!r}: a distance of {radius} pixels reaches across pictures of {shape} (height, "
                    f"width) pixels; choose distances below {min(shape)}"
                )
        if len(set(self.radii)) < len(self.radii):
            raise ParameterError(f"radii={self.radii!r}: expected each distance once; {remedy}")
        grid = check_integer("grid", self.grid, least=1, remedy="3 is the default")
        if any(side % grid for side in shape):
            raise ParameterError(
                f"grid={self.grid!r}: does not divide pictures of {shape} (height, width) pixels; "
                "choose a common divisor of both sides"
            )
        if not isinstance(self.uniform, bool):
            raise ParameterError(f"uniform={self.uniform!r}: expected True (59 bins a cell) or False (256)")

    def _compute(self, pictures: np.ndarray) -> np.ndarray:
        return np.hstack(
            [compute_lbp(pictures, radius=r, grid=self.grid, uniform=self.uniform) for r in sorted(self.radii)]
        )

    def _names(self) -> list[str]:
        bins = [f"code{code:03}" for code in (_UNIFORM if self.uniform else range(256))] + ["other"] * self.uniform
        cell_digits, radius_digits = len(str(self.grid - 1)), max(2, len(str(max(self.radii))))
        return [
            f"radius{radius:0{radius_digits}}_cell_r{r:0{cell_digits}}_c{c:0{cell_digits}}_{name}"
            for radius in sorted(self.radii)
            for r in range(self.grid)
            for c in range(self.grid)
            for name in bins
        ]
