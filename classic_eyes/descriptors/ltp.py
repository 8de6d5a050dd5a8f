"""Local ternary patterns in a grid of cells, of images without their light (Tan and Triggs, 2010)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..preprocessing.illumination import even_levels
from .lbp import Bounds, count_patterns

__all__ = ["compute_ltp"]


def compute_ltp(images: np.ndarray, *, radii: Sequence[int], grid: int, threshold: int) -> np.ndarray:
    """Count the patterns of clearly brighter and of clearly darker neighbours, each in each cell.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, height, width)
        Grey images; `grid` divides both sides.
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
    step = np.uint8(min(int(threshold) + 1, 255))

    def _clearly(levels: np.ndarray) -> Bounds:
        # Held back at 0 and 255, which no level reaches.
        above = np.minimum(levels, 255 - step) + step
        below = np.maximum(levels, step) - step
        return [(above, np.greater_equal), (below, np.less_equal)]

    return count_patterns(even_levels(images), _clearly, radii=radii, grid=grid, uniform=True)
