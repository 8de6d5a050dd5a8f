"""Local binary patterns in a grid of cells, at several radii (Ojala et al., 2002; Ahonen et al., 2006)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import product

import cv2
import numpy as np

__all__ = [
    "UNIFORM",
    "compare_ring",
    "compute_codes",
    "compute_lbp",
    "compute_patterns",
    "count_patterns",
    "mirror_code",
    "mirrored_bins",
]

# What neighbours are compared with, and how, for each kind of pattern.
Bounds = Sequence[tuple[np.ndarray, np.ufunc]]

# Neighbours once around the ring, counter-clockwise from the right: bit k of a code is neighbour k.
_RING = ((0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1))
# Patterns with at most two changes between 0 and 1 once around.
UNIFORM = tuple(c for c in range(256) if ((c ^ (c >> 1 | (c & 1) << 7)).bit_count()) <= 2)
_PIXELS = 1 << 16  # of all images of a chunk: what they need stays in the second-level cache
_FEW = 8  # images, for which one call to gather all neighbours costs less than a call for each


def compute_codes(images: np.ndarray, *, radius: int) -> np.ndarray:
    """Compare each pixel with its eight neighbours on the square ring at a distance.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, height, width)
        Grey images; beyond the border its nearest pixel counts.
    radius : int
        Distance in pixels, across and down.

    Returns
    -------
    ndarray of uint8, shape (n, height, width)
        Bit k is set where neighbour k is at least as bright as the pixel; k runs counter-clockwise from the right.
    """
    n, height, width = images.shape
    codes = np.empty((height, width, n), np.uint8)
    padded = _images_last(images, radius)
    compare_ring(padded, padded[radius:-radius, radius:-radius], np.greater_equal, radius=radius, out=codes)
    return np.ascontiguousarray(codes.transpose(2, 0, 1))


def _images_last(images: np.ndarray, reach: int) -> np.ndarray:
    """Return the images side by side in each pixel, their border repeated; what is done to a row is done to all."""
    n, height, width = images.shape
    inner = cv2.transpose(np.ascontiguousarray(images).reshape(n, -1)).reshape(height, width, n)
    # Ten times quicker than np.pad.
    padded = np.empty((height + 2 * reach, width + 2 * reach, n), np.uint8)
    padded[reach:-reach, reach:-reach] = inner
    padded[reach:-reach, :reach], padded[reach:-reach, -reach:] = inner[:, :1], inner[:, -1:]
    padded[:reach], padded[-reach:] = padded[reach], padded[-reach - 1]
    return padded


def compare_ring(padded: np.ndarray, centre: np.ndarray, compare: np.ufunc, *, radius: int, out: np.ndarray) -> None:
    """Compare the eight neighbours at a distance with a value at each pixel, and write a code.

    Parameters
    ----------
    padded : ndarray of uint8, shape (height + 2 reach, width + 2 reach, n)
        Images, beside each other in each pixel, with a border of at least `radius`.
    centre : ndarray of uint8, shape (height, width, n)
        What the neighbours are compared with.
    compare : ufunc
        From neighbour and centre to bool.
    radius : int
        Distance in pixels, across and down.
    out : ndarray of uint8, shape (height, width, n)
        Where the codes go: bit k is set where the comparison holds for neighbour k.
    """
    height, width, _ = out.shape
    reach = (len(padded) - height) // 2
    holds = np.empty(out.shape, bool)
    for bit in reversed(range(8)):
        top, left = reach + radius * _RING[bit][0], reach + radius * _RING[bit][1]
        neighbour = padded[top : top + height, left : left + width]
        if bit == 7:
            compare(neighbour, centre, out=out.view(bool))
            continue
        compare(neighbour, centre, out=holds)
        # Doubling makes room for the next bit; numpy adds bytes many times quicker than it shifts them.
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
def _rows_of_one_histogram(height: int, width: int, grid: int) -> np.ndarray:
    """Return in which row of a histogram each pixel of each image counts, shape (height * width, n)."""
    n_cells = grid * grid
    # OpenCV looks bytes up in a table, and counts wider numbers by arithmetic.
    together = max(1, 256 // n_cells)
    rows = _cells(height, width, grid) + np.arange(together) * n_cells
    return np.ascontiguousarray(rows, dtype=np.uint8 if n_cells <= 256 else np.uint16)


def compute_lbp(images: np.ndarray, *, radius: int, grid: int, uniform: bool) -> np.ndarray:
    """Count the patterns of each cell and take the square root of their shares.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, height, width)
        Grey images; `grid` divides both sides.
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
    return compute_patterns(images, radii=(radius,), grid=grid, uniform=uniform)


def compute_patterns(images: np.ndarray, *, radii: Sequence[int], grid: int, uniform: bool) -> np.ndarray:
    """Compute `compute_lbp` at several radii, side by side.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, height, width)
        Grey images; `grid` divides both sides.
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
    return count_patterns(images, _as_bright, radii=radii, grid=grid, uniform=uniform)


def _as_bright(levels: np.ndarray) -> Bounds:
    return [(levels, np.greater_equal)]


@lru_cache(maxsize=8)
def _neighbours(height: int, width: int, radii: tuple[int, ...]) -> np.ndarray:
    """Return where the neighbours lie in the flattened image, shape (len(radii), height * width, 8)."""
    down, across = np.indices((height, width)).reshape(2, -1, 1)
    ring = np.array(_RING).T[:, np.newaxis]
    places = [
        np.clip(down + radius * ring[0], 0, height - 1) * width + np.clip(across + radius * ring[1], 0, width - 1)
        for radius in radii
    ]
    return np.stack(places)


def _codes_of_few(images: np.ndarray, bounds_of: Callable[[np.ndarray], Bounds], radii: tuple[int, ...]) -> np.ndarray:
    """Compute the codes that `count_patterns` counts, shape (n, n_codes, height * width)."""
    n, height, width = images.shape
    flat = images.reshape(n, -1)
    neighbours = flat.take(_neighbours(height, width, radii).ravel(), axis=1).reshape(n, len(radii), -1)
    bounds = bounds_of(flat)
    holds = np.empty((n, len(radii), len(bounds), neighbours.shape[-1]), bool)
    for k, (bound, compare) in enumerate(bounds):
        compare(neighbours, np.repeat(bound, 8, axis=1)[:, np.newaxis], out=holds[:, :, k])
    return np.packbits(holds.reshape(n, -1), axis=1, bitorder="little").reshape(n, -1, height * width)


@lru_cache(maxsize=8)
def _places_of_few(n: int, n_codes: int, shape: tuple[int, int], grid: int, uniform: bool) -> list[np.ndarray]:
    """Return the bin of each code, and the first bin of each pixel, code and image."""
    first_of_code = np.arange(n * n_codes).reshape(n, n_codes, 1) * _length(grid, uniform)
    return [_bin_of(uniform).astype(np.intp), first_of_code + _cells(*shape, grid)[:, 0] * _n_bins(uniform)]


def _count_few(codes: np.ndarray, shape: tuple[int, int], grid: int, uniform: bool) -> np.ndarray:
    """Count codes, shape (n, n_codes, height * width), as `count_patterns` does, all in one go."""
    n, n_codes, n_pixels = codes.shape
    bin_of, first_bin = _places_of_few(n, n_codes, shape, grid, uniform)
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
    bounds_of: Callable[[np.ndarray], Bounds],
    *,
    radii: Sequence[int],
    grid: int,
    uniform: bool,
) -> np.ndarray:
    """Count patterns of one or several kinds at several radii in each cell, and take the square root of their shares.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, height, width)
        Images; `grid` divides both sides.
    bounds_of : callable
        From pixels, as uint8 of any shape, to what their neighbours are compared with, and by which comparison of
        neighbour and bound: a pair for each kind of pattern.
    radii : sequence of int
        Distances of the neighbours in pixels.
    grid : int
        As in `compute_lbp`.
    uniform : bool
        As in `compute_lbp`.

    Returns
    -------
    ndarray of float32, shape (n, len(radii) * kinds * grid * grid * (59 if uniform else 256))
        Radii by size, then kinds in their order, in each the cells by rows, and in each cell the bins.
    """
    n, height, width = images.shape
    radii, reach = tuple(sorted(radii)), max(radii)
    if n <= _FEW:
        return _count_few(_codes_of_few(images, bounds_of, radii), (height, width), grid, uniform)
    row_of, kinds = _rows_of_one_histogram(height, width, grid), len(bounds_of(images[:1]))
    described = np.empty((n, len(radii) * kinds, _length(grid, uniform)), np.float32)
    chunk = row_of.shape[1] * max(1, _PIXELS // row_of.size)
    for start in range(0, n, chunk):
        part = described[start : start + chunk]
        padded = _images_last(images[start : start + chunk], reach)
        centre = padded[reach:-reach, reach:-reach]
        codes = np.empty(centre.shape, np.uint8)
        for k, (radius, (bound, compare)) in enumerate(product(radii, bounds_of(centre))):
            compare_ring(padded, bound, compare, radius=radius, out=codes)
            _count(codes.reshape(len(row_of), -1), row_of, grid, uniform, out=part[:, k])
        part *= np.float32(grid * grid / len(row_of))
        np.sqrt(part, out=part)
    return described.reshape(n, -1)


def _count(codes: np.ndarray, row_of: np.ndarray, grid: int, uniform: bool, *, out: np.ndarray) -> None:
    """Count codes, shape (height * width, n), in each cell of each image."""
    n_bins, together = _n_bins(uniform), row_of.shape[1]
    bins = cv2.LUT(codes, _bin_of(uniform).astype(row_of.dtype)).reshape(codes.shape)
    for first in range(0, len(out), together):
        some = bins[:, first : first + together]
        n_some = some.shape[1]
        n_rows = grid * grid * n_some
        # Quicker than numpy's bincount, which wants numbers of eight bytes.
        counts = cv2.calcHist([row_of[:, :n_some], some], [0, 1], None, [n_rows, n_bins], [0, n_rows, 0, n_bins])
        out[first : first + together] = counts.reshape(n_some, -1)


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


def mirrored_bins(patterns: Sequence[int]) -> list[int]:
    """Say which bin each bin becomes for the mirror image.

    Parameters
    ----------
    patterns : sequence of int
        The codes that have bins, those of their mirror images among them; one more bin counts all others.

    Returns
    -------
    list of int
        One longer than `patterns`.

    Examples
    --------
    >>> mirrored_bins([0, 1, 16, 255])
    [0, 2, 1, 3, 4]
    """
    place = {code: k for k, code in enumerate(patterns)}
    return [*(place[mirror_code(code)] for code in patterns), len(patterns)]
