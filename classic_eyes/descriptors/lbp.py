"""Local binary patterns in a grid of cells, at several radii (Ojala et al., 2002; Ahonen et al., 2006)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import product

import cv2
import numpy as np

__all__ = [
    "UNIFORM",
    "compute_lbp",
    "count_patterns",
    "mirror_code",
    "mirrored_bins",
]

# The threshold of each pixel and the comparison of neighbour and threshold, for each kind of pattern.
Comparisons = Sequence[tuple[np.ndarray, np.ufunc]]

# Neighbours counter-clockwise from the right: bit k of a code is neighbour k.
_RING = ((0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1))
# Codes with at most two transitions between 0 and 1 around the ring.
UNIFORM = tuple(c for c in range(256) if ((c ^ (c >> 1 | (c & 1) << 7)).bit_count()) <= 2)
_CHUNK_PIXELS = 1 << 16  # pixels of a chunk, so that intermediate arrays stay in the second-level cache
_SMALL_BATCH = 8  # images; up to here one gather of all neighbours is faster than a call for each


def compute_lbp(images: np.ndarray, *, radii: Sequence[int], grid: int, uniform: bool) -> np.ndarray:
    """Compute the features of `classic_eyes.features.Lbp`: radii ascending, cells row by row, bins."""
    return count_patterns(images, _at_least_as_bright, radii=radii, grid=grid, uniform=uniform)


def _at_least_as_bright(levels: np.ndarray) -> Comparisons:
    return [(levels, np.greater_equal)]


def _images_last(images: np.ndarray, reach: int) -> np.ndarray:
    """Return padded images of shape (height, width, n), the border replicated."""
    n, height, width = images.shape
    inner = cv2.transpose(np.ascontiguousarray(images).reshape(n, -1)).reshape(height, width, n)
    # Ten times faster than np.pad.
    padded = np.empty((height + 2 * reach, width + 2 * reach, n), np.uint8)
    padded[reach:-reach, reach:-reach] = inner
    padded[reach:-reach, :reach], padded[reach:-reach, -reach:] = inner[:, :1], inner[:, -1:]
    padded[:reach], padded[-reach:] = padded[reach], padded[-reach - 1]
    return padded


def _compute_codes(
    padded: np.ndarray, threshold: np.ndarray, compare: np.ufunc, *, radius: int, out: np.ndarray
) -> None:
    """Write the code of each pixel: bit k is ``compare(neighbour k, threshold)``. Arrays have the images last."""
    height, width, _ = out.shape
    reach = (len(padded) - height) // 2
    holds = np.empty(out.shape, bool)
    for bit in reversed(range(8)):
        top, left = reach + radius * _RING[bit][0], reach + radius * _RING[bit][1]
        neighbour = padded[top : top + height, left : left + width]
        if bit == 7:
            compare(neighbour, threshold, out=out.view(bool))
            continue
        compare(neighbour, threshold, out=holds)
        # Doubling shifts by one bit; numpy adds bytes many times faster than it shifts them.
        np.add(out, out, out=out)
        np.add(out, holds.view(np.uint8), out=out)


@lru_cache(maxsize=8)
def _bin_of(uniform: bool) -> np.ndarray:
    """Return the bin of each code, as uint8."""
    patterns = UNIFORM if uniform else range(256)
    bin_of = np.full(256, min(len(patterns), 255), np.uint8)
    bin_of[list(patterns)] = np.arange(len(patterns))
    return bin_of


def _cells(height: int, width: int, grid: int) -> np.ndarray:
    """Return the cell of each pixel, shape (height * width, 1)."""
    down, across = np.arange(height) * grid // height, np.arange(width) * grid // width
    return (down[:, np.newaxis] * grid + across).reshape(-1, 1)


@lru_cache(maxsize=8)
def _histogram_rows(height: int, width: int, grid: int) -> np.ndarray:
    """Return the row of a histogram that counts each pixel of each image, shape (height * width, n)."""
    n_cells = grid * grid
    # OpenCV counts bytes by a table, wider integers by slower arithmetic.
    together = max(1, 256 // n_cells)
    rows = _cells(height, width, grid) + np.arange(together) * n_cells
    return np.ascontiguousarray(rows, dtype=np.uint8 if n_cells <= 256 else np.uint16)


@lru_cache(maxsize=8)
def _neighbours(height: int, width: int, radii: tuple[int, ...]) -> np.ndarray:
    """Return the indices of the neighbours in the flattened image, shape (len(radii), height * width, 8)."""
    down, across = np.indices((height, width)).reshape(2, -1, 1)
    ring = np.array(_RING).T[:, np.newaxis]
    indices = [
        np.clip(down + radius * ring[0], 0, height - 1) * width + np.clip(across + radius * ring[1], 0, width - 1)
        for radius in radii
    ]
    return np.stack(indices)


def _compute_codes_of_small_batch(
    images: np.ndarray, comparisons_of: Callable[[np.ndarray], Comparisons], radii: tuple[int, ...]
) -> np.ndarray:
    """Return the codes that `count_patterns` counts, shape (n, n_codes, height * width)."""
    n, height, width = images.shape
    flat = images.reshape(n, -1)
    neighbours = flat.take(_neighbours(height, width, radii).ravel(), axis=1).reshape(n, len(radii), -1)
    comparisons = comparisons_of(flat)
    holds = np.empty((n, len(radii), len(comparisons), neighbours.shape[-1]), bool)
    for k, (threshold, compare) in enumerate(comparisons):
        compare(neighbours, np.repeat(threshold, 8, axis=1)[:, np.newaxis], out=holds[:, :, k])
    return np.packbits(holds.reshape(n, -1), axis=1, bitorder="little").reshape(n, -1, height * width)


@lru_cache(maxsize=8)
def _bins_of_small_batch(n: int, n_codes: int, shape: tuple[int, int], grid: int, uniform: bool) -> list[np.ndarray]:
    """Return the bin of each code, and the first bin of each pixel, code and image."""
    first_of_code = np.arange(n * n_codes).reshape(n, n_codes, 1) * _length(grid, uniform)
    return [_bin_of(uniform).astype(np.intp), first_of_code + _cells(*shape, grid)[:, 0] * _n_bins(uniform)]


def _count_small_batch(codes: np.ndarray, shape: tuple[int, int], grid: int, uniform: bool) -> np.ndarray:
    """Count codes, shape (n, n_codes, height * width), like `count_patterns`, by one call of bincount."""
    n, n_codes, n_pixels = codes.shape
    bin_of, first_bin = _bins_of_small_batch(n, n_codes, shape, grid, uniform)
    bins = bin_of.take(codes)
    bins += first_bin
    counts = np.bincount(bins.ravel(), minlength=n * n_codes * _length(grid, uniform))
    rows = counts.astype(np.float32).reshape(n, -1)
    rows *= np.float32(grid * grid / n_pixels)
    return np.sqrt(rows, out=rows)


def _n_bins(uniform: bool) -> int:
    return len(UNIFORM) + 1 if uniform else 256


def _length(grid: int, uniform: bool) -> int:
    return grid * grid * _n_bins(uniform)


def count_patterns(
    images: np.ndarray,
    comparisons_of: Callable[[np.ndarray], Comparisons],
    *,
    radii: Sequence[int],
    grid: int,
    uniform: bool,
) -> np.ndarray:
    """Return square roots of the frequencies of codes: radii ascending, comparisons, cells row by row, bins."""
    n, height, width = images.shape
    radii, reach = tuple(sorted(radii)), max(radii)
    if n <= _SMALL_BATCH:
        codes = _compute_codes_of_small_batch(images, comparisons_of, radii)
        return _count_small_batch(codes, (height, width), grid, uniform)
    row_of, n_comparisons = _histogram_rows(height, width, grid), len(comparisons_of(images[:1]))
    rows = np.empty((n, len(radii) * n_comparisons, _length(grid, uniform)), np.float32)
    chunk = row_of.shape[1] * max(1, _CHUNK_PIXELS // row_of.size)
    for start in range(0, n, chunk):
        part = rows[start : start + chunk]
        padded = _images_last(images[start : start + chunk], reach)
        centre = padded[reach:-reach, reach:-reach]
        codes = np.empty(centre.shape, np.uint8)
        for k, (radius, (threshold, compare)) in enumerate(product(radii, comparisons_of(centre))):
            _compute_codes(padded, threshold, compare, radius=radius, out=codes)
            _count(codes.reshape(len(row_of), -1), row_of, grid, uniform, out=part[:, k])
        part *= np.float32(grid * grid / len(row_of))
        np.sqrt(part, out=part)
    return rows.reshape(n, -1)


def _count(codes: np.ndarray, row_of: np.ndarray, grid: int, uniform: bool, *, out: np.ndarray) -> None:
    """Count codes, shape (height * width, n), in each cell of each image."""
    n_bins, together = _n_bins(uniform), row_of.shape[1]
    bins = cv2.LUT(codes, _bin_of(uniform).astype(row_of.dtype)).reshape(codes.shape)
    for first in range(0, len(out), together):
        chunk = bins[:, first : first + together]
        n_chunk = chunk.shape[1]
        n_rows = grid * grid * n_chunk
        # Faster than numpy's bincount, which converts to int64.
        counts = cv2.calcHist([row_of[:, :n_chunk], chunk], [0, 1], None, [n_rows, n_bins], [0, n_rows, 0, n_bins])
        out[first : first + together] = counts.reshape(n_chunk, -1)


def mirror_code(code: int) -> int:
    """Return the code of the mirrored pixel: left and right neighbours are swapped."""
    return sum((code >> k & 1) << (4 - k) % 8 for k in range(8))


def mirrored_bins(codes: Sequence[int]) -> list[int]:
    """Return the bin of the mirror image for the bin of each code, and for a last bin of all other codes."""
    index = {code: k for k, code in enumerate(codes)}
    return [*(index[mirror_code(code)] for code in codes), len(codes)]
