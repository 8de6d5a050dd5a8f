"""Local binary patterns in a grid of cells, at several radii (Ojala et al., 2002; Ahonen et al., 2006)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np

__all__ = ["UNIFORM", "compute_codes", "compute_lbp", "compute_patterns", "mirror_code"]

# Neighbours once around the ring, counter-clockwise from the right: bit k of a code is neighbour k.
_RING = ((0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1))
# Patterns with at most two changes between 0 and 1 once around.
UNIFORM = tuple(c for c in range(256) if ((c ^ (c >> 1 | (c & 1) << 7)).bit_count()) <= 2)
_CHUNK = 64  # pictures: their bins stay in the second-level cache


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


@lru_cache(maxsize=8)
def _bins(height: int, width: int, grid: int, uniform: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return the bin of each code, and the first bin of each pixel's cell in a chunk, numbered through."""
    n_bins = len(UNIFORM) + 1 if uniform else 256
    length = grid * grid * n_bins
    # The narrower the numbers, the quicker.
    dtype = np.uint16 if _CHUNK * length <= 1 << 16 else np.int32
    bin_of = np.full(256, n_bins - 1, dtype)
    patterns = np.array(UNIFORM if uniform else range(256))
    bin_of[patterns] = np.arange(len(patterns), dtype=dtype)
    cell_of = (np.arange(height) * grid // height)[:, None] * grid + np.arange(width) * grid // width
    first_bin = (np.arange(_CHUNK) * length)[:, None, None] + cell_of * n_bins
    return bin_of, first_bin.astype(dtype)


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
    bin_of, first_bin = _bins(height, width, grid, uniform)
    length = grid * grid * (len(UNIFORM) + 1 if uniform else 256)
    counts = np.empty((n, length), np.float32)
    for start in range(0, n, _CHUNK):
        codes = compute_codes(pictures[start : start + _CHUNK], radius=radius)
        bins = cv2.LUT(codes.reshape(-1, width), bin_of).reshape(codes.shape)
        bins += first_bin[: len(codes)]
        counts[start : start + _CHUNK] = np.bincount(bins.ravel(), minlength=len(codes) * length).reshape(-1, length)
    counts *= np.float32(grid * grid / (height * width))
    return np.sqrt(counts, out=counts)


def compute_patterns(pictures: np.ndarray, *, radii: Sequence[int], grid: int, uniform: bool) -> np.ndarray:
    """Compute `compute_lbp` at several radii, side by side.

    Parameters
    ----------
    pictures : ndarray of uint8, shape (n, height, width)
        Grey pictures; `grid` divides both sides.
    radii : sequence of int
        Distances of the neighbours in pixels.
    grid : int
        As in `compute_lbp`.
    uniform : bool
        As in `compute_lbp`.

    Returns
    -------
    ndarray of float32, shape (n, len(radii) * grid * grid * (59 if uniform else 256))
        Radii by size.
    """
    return np.hstack([compute_lbp(pictures, radius=r, grid=grid, uniform=uniform) for r in sorted(radii)])


def mirror_code(code: int) -> int:
    """Say what a pattern becomes in the mirror: neighbours change places, left and right.

    Parameters
    ----------
    code : int
        A pattern, 0 to 255.

    Returns
    -------
    int
        The pattern around the mirrored pixel.

    Examples
    --------
    >>> mirror_code(0b0001), mirror_code(0b0100)
    (16, 4)
    """
    return sum((code >> k & 1) << (4 - k) % 8 for k in range(8))
