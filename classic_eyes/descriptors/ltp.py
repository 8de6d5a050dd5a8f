"""Local ternary patterns in a grid of cells, of pictures without their light (Tan and Triggs, 2010)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from .lbp import compare_ring, count_codes
from .light import even_levels

__all__ = ["compute_ltp"]


def compute_ltp(pictures: np.ndarray, *, radii: Sequence[int], grid: int, threshold: int) -> np.ndarray:
    """Count the patterns of clearly brighter and of clearly darker neighbours, each in each cell.

    Parameters
    ----------
    pictures : ndarray of uint8, shape (n, height, width)
        Grey pictures; `grid` divides both sides.
    radii : sequence of int
        Distances of the neighbours in pixels.
    grid : int
        Cells across, and down.
    threshold : int
        What is not clear: up to so many levels of `even_levels`, 0 or more.

    Returns
    -------
    ndarray of float32, shape (n, len(radii) * 2 * grid * grid * 59)
        Radii by size, brighter before darker, cells by rows, and in each cell the bins of `compute_lbp`.
    """
    reach, step = max(radii), np.uint8(min(int(threshold) + 1, 255))

    def _codes_of(padded: np.ndarray, out: np.ndarray) -> Iterator[None]:
        centre = padded[reach:-reach, reach:-reach]
        # Held back at 0 and 255, which no level reaches.
        above = np.minimum(centre, 255 - step) + step
        below = np.maximum(centre, step) - step
        for radius in sorted(radii):
            compare_ring(padded, above, np.greater_equal, radius=radius, out=out)
            yield
            compare_ring(padded, below, np.less_equal, radius=radius, out=out)
            yield

    levels = even_levels(pictures)
    return count_codes(levels, _codes_of, n_codes=2 * len(radii), reach=reach, grid=grid, uniform=True)
