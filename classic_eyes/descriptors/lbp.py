"""Local binary patterns in a grid of cells, at several radii (Ojala et al., 2002; Ahonen et al., 2006)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

import cv2
import numpy as np

__all__ = [
    "UNIFORM",
    "compare_ring",
    "compute_codes",
    "compute_lbp",
    "compute_patterns",
    "count_codes",
    "mirror_code",
    "mirrored_bins",
]

# Neighbours once around the ring, counter-clockwise from the right: bit k of a code is neighbour k.
_RING = ((0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1))
# Patterns with at most two changes between 0 and 1 once around.
UNIFORM = tuple(c for c in range(256) if ((c ^ (c >> 1 | (c & 1) << 7)).bit_count()) <= 2)
_CHUNK = 48  # pictures, at most: their codes and bins stay in the second-level cache
_FEW = 8  # pictures, for which one call to gather all neighbours costs less than a call for each


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
    padded = _pictures_last(pictures, radius)
    compare_ring(padded, padded[radius:-radius, radius:-radius], np.greater_equal, radius=radius, out=codes)
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


def compare_ring(padded: np.ndarray, centre: np.ndarray, compare: np.ufunc, *, radius: int, out: np.ndarray) -> None:
    """Compare the eight neighbours at a distance with a value at each pixel, and write a code.

    Parameters
    ----------
    padded : ndarray of uint8, shape (height + 2 reach, width + 2 reach, n)
        Pictures, beside each other in each pixel, with a border of at least `radius`.
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
def _bins(height: int, width: int, grid: int, uniform: bool) -> tuple[int, np.ndarray, np.ndarray]:
    """Return how many pictures make a chunk, the bin of each code, and each pixel's first bin in each of them."""
    length = _length(grid, uniform)
    n_bins = length // (grid * grid)
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
    if len(pictures) <= _FEW:
        return _count_few(_codes_of_few(pictures, tuple(sorted(radii))), pictures.shape[1:], grid, uniform)
    reach = max(radii)

    def _codes_of(padded: np.ndarray, out: np.ndarray) -> Iterator[None]:
        for radius in sorted(radii):
            compare_ring(padded, padded[reach:-reach, reach:-reach], np.greater_equal, radius=radius, out=out)
            yield

    return count_codes(pictures, _codes_of, n_codes=len(radii), reach=reach, grid=grid, uniform=uniform)


@lru_cache(maxsize=8)
def _neighbours(height: int, width: int, radii: tuple[int, ...]) -> np.ndarray:
    """Return where the neighbours lie in the flattened picture, shape (len(radii), height * width, 8)."""
    down, across = np.indices((height, width)).reshape(2, -1, 1)
    ring = np.array(_RING).T[:, np.newaxis]
    places = [
        np.clip(down + radius * ring[0], 0, height - 1) * width + np.clip(across + radius * ring[1], 0, width - 1)
        for radius in radii
    ]
    return np.stack(places)


def _codes_of_few(pictures: np.ndarray, radii: tuple[int, ...]) -> np.ndarray:
    """Compute the codes of `compute_codes` at several radii, shape (n, len(radii), height * width)."""
    n, height, width = pictures.shape
    flat = pictures.reshape(n, -1)
    neighbours = flat.take(_neighbours(height, width, radii).ravel(), axis=1).reshape(n, len(radii), -1)
    holds = neighbours >= np.repeat(flat, 8, axis=1)[:, np.newaxis]
    return np.packbits(holds.reshape(n, -1), axis=1, bitorder="little").reshape(n, len(radii), -1)


@lru_cache(maxsize=8)
def _places_of_few(n: int, n_codes: int, shape: tuple[int, int], grid: int, uniform: bool) -> list[np.ndarray]:
    """Return the bin of each code, and the first bin of each pixel, code and picture."""
    _, bin_of, first_bin = _bins(*shape, grid, uniform)
    first_of_code = np.arange(n * n_codes).reshape(n, n_codes, 1) * _length(grid, uniform)
    return [bin_of.astype(np.intp), first_of_code + first_bin[:, 0].astype(np.intp)]


def _count_few(codes: np.ndarray, shape: tuple[int, int], grid: int, uniform: bool) -> np.ndarray:
    """Count codes, shape (n, n_codes, height * width), as `count_codes` does, all in one go."""
    n, n_codes, n_pixels = codes.shape
    bin_of, first_bin = _places_of_few(n, n_codes, shape, grid, uniform)
    bins = bin_of.take(codes)
    bins += first_bin
    counts = np.bincount(bins.ravel(), minlength=n * n_codes * _length(grid, uniform))
    rows = counts.astype(np.float32).reshape(n, -1)
    rows *= np.float32(grid * grid / n_pixels)
    return np.sqrt(rows, out=rows)


def _length(grid: int, uniform: bool) -> int:
    return grid * grid * (len(UNIFORM) + 1 if uniform else 256)


def count_codes(
    pictures: np.ndarray,
    codes_of: Callable[[np.ndarray, np.ndarray], Iterator[None]],
    *,
    n_codes: int,
    reach: int,
    grid: int,
    uniform: bool,
) -> np.ndarray:
    """Count codes of one or several kinds in each cell and take the square root of their shares.

    Parameters
    ----------
    pictures : ndarray of uint8, shape (n, height, width)
        Pictures; `grid` divides both sides.
    codes_of : callable
        From some of the pictures, beside each other in each pixel and with a border of `reach`, and an array of uint8
        for their codes, which it fills anew for each kind and then yields.
    n_codes : int
        How many kinds there are.
    reach : int
        Width of the border in pixels.
    grid : int
        As in `compute_lbp`.
    uniform : bool
        As in `compute_lbp`.

    Returns
    -------
    ndarray of float32, shape (n, n_codes * grid * grid * (59 if uniform else 256))
        Kinds in their order, in each the cells by rows, and in each cell the bins.
    """
    n, height, width = pictures.shape
    chunk, bin_of, first_bin = _bins(height, width, grid, uniform)
    length = _length(grid, uniform)
    rows = np.empty((n, n_codes, length), np.float32)
    for start in range(0, n, chunk):
        part = pictures[start : start + chunk]
        codes = np.empty((height, width, len(part)), np.uint8)
        for k, _ in enumerate(codes_of(_pictures_last(part, reach), codes)):
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
