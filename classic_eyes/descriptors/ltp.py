"""Local ternary patterns in a grid of cells, after illumination normalization (Tan and Triggs, 2010)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..preprocessing.illumination import tan_triggs_uint8
from .lbp import Comparisons, count_patterns

__all__ = ["compute_ltp"]


def compute_ltp(images: np.ndarray, *, radii: Sequence[int], grid: int, threshold: int) -> np.ndarray:
    """Compute the features of `classic_eyes.features.Ltp`: radii ascending, brighter and darker, cells, bins."""
    step = np.uint8(min(int(threshold) + 1, 255))

    def _brighter_and_darker(levels: np.ndarray) -> Comparisons:
        # Clipped at 0 and 255, which no level reaches.
        above = np.minimum(levels, 255 - step) + step
        below = np.maximum(levels, step) - step
        return [(above, np.greater_equal), (below, np.less_equal)]

    return count_patterns(tan_triggs_uint8(images), _brighter_and_darker, radii=radii, grid=grid, uniform=True)
