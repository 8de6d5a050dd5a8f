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
_CHUNK = 48  # pictures, at most: their codes and bins stay in the second-level cache


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
    n, height, width = pictures.shape
    codes = np.empty((height, width, n), np.uint8)
    _compare(_pictures_last(pictures, radius), radius=radius, out=codes)
    return np.ascontiguousarray(codes.transpose(2, 0, 1))


def _pictures_last(pictures: np.ndarray, reach: int) -> np.ndarray:
    """Return the pictures side by side in each pixel, their border repeated; what is done to a row is done to all."""
    n, height, width = pictures.shape
    inner = cv2.transpose(np.ascontiguousarray(pictures).reshape(n, -1)).reshape(height, width, n)
    # Ten times quicker than np.pad.
    padded = np.empty((height + 2 * reach, width + 2 * reach, n), np.uint8)
    padded[reach:-reach, reach:-reach] = inner
    padded[reach:-reach, :reach], padded[reach:-reach, -reach:] = inner[:, :1], inner[:, -1:]
    padded[:reach], padded[-reach:] = padded[reach], padded[-reach - 1]
    return padded


def _compare(padded: np.ndarray, *, radius: int, out: np.ndarray) -> None:
    """Write the codes at one radius, of pictures whose border is at least as wide."""
    height, width, _ = out.shape
    reach = (len(padded) - height) // 2
    centre = padded[reach : reach + height, reach : reach + width]
    brighter = np.empty(out.shape, bool)
    for bit in reversed(range(8)):
        top, left = reach + radius * _RING[bit][0], reach + radius * _RING[bit][1]
        neighbour = padded[top : top + height, left : left + width]
        if bit == 7:
            np.greater_equal(neighbour, centre, out=out.view(bool))
            continue
        np.greater_equal(neighbour, centre, out=brighter)
        # Doubling makes room for the next bit; numpy adds bytes many times quicker than it shifts them.
        np.add(out, out, out=out)
        np.add(out, brighter.view(np.uint8), out=out)


@lru_cache(maxsize=8)
def _bins(height: int, width: int, grid: int, uniform: bool) -> tuple[int, np.ndarray, np.ndarray]:
    """Return how many pictures make a chunk, the bin of each code, and each pixel's first bin in each of them."""
    n_bins = len(UNIFORM) + 1 if uniform else 256
    length = grid * grid * n_bins
    # The narrower the numbers, the quicker.
    chunk = max(1, min(_CHUNK, (1 << 16) // length))
    dtype = np.uint16 if chunk * length <= 1 << 16 else np.int32
    bin_of = np.full(256, n_bins - 1, dtype)
    patterns = np.array(UNIFORM if uniform else range(256))
    bin_of[patterns] = np.arange(len(patterns), dtype=dtype)
    cell_of = (np.arange(height) * grid // height)[:, None] * grid + np.arange(width) * grid // width
    first_bin = cell_of.reshape(-1, 1) * n_bins + np.arange(chunk) * length
    return chunk, bin_of, first_bin.astype(dtype)


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
    return compute_patterns(pictures, radii=(radius,), grid=grid, uniform=uniform)


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
    n, height, width = pictures.shape
    chunk, bin_of, first_bin = _bins(height, width, grid, uniform)
    length = grid * grid * (len(UNIFORM) + 1 if uniform else 256)
    rows = np.empty((n, len(radii), length), np.float32)
    for start in range(0, n, chunk):
        part = pictures[start : start + chunk]
        padded = _pictures_last(part, max(radii))
        codes = np.empty((height, width, len(part)), np.uint8)
        for k, radius in enumerate(sorted(radii)):
            _compare(padded, radius=radius, out=codes)
            bins = cv2.LUT(codes.reshape(-1, len(part)), bin_of).reshape(-1, len(part))
            bins += first_bin[:, : len(part)]
            counts = np.bincount(bins.ravel(), minlength=len(part) * length)
            rows[start : start + chunk, k] = counts.reshape(-1, length)
    rows *= np.float32(grid * grid / (height * width))
    return np.sqrt(rows, out=rows).reshape(n, -1)


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
