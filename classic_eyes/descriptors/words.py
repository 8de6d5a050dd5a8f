"""Visual words: which of a learnt set of small patches the image is made of, and where (Coates, Lee, Ng, 2011).

Of the grey levels themselves, and of what Tan and Triggs (2010) leave of them when the light is taken out.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ..preprocessing.illumination import even_light

__all__ = [
    "compute_filters",
    "compute_words",
    "cut_patches",
    "encode",
    "normalise_patches",
    "pooling_weights",
]

_CONTRAST_FLOOR = 10.0  # grey levels; keeps the noise of flat skin from looking like an eyelid
_CHUNK = 16  # images: their distances stay near the second-level cache
_LIT = 64  # images whose light is evened at a time: what a call costs by itself is shared by more


def cut_patches(images: np.ndarray, *, patch: int, stride: int) -> np.ndarray:
    """Cut square patches on a grid and take brightness and contrast out of each.

    Parameters
    ----------
    images : ndarray of uint8 or float32, shape (n, height, width)
        Images, at least `patch` pixels high and wide.
    patch : int
        Side in pixels.
    stride : int
        Pixels from one patch to the next, across and down.

    Returns
    -------
    ndarray of float32, shape (n, n_down * n_across, patch * patch)
        Patches by rows; each less its mean, over the root of its variance plus 10 squared.
    """
    windows = sliding_window_view(images, (patch, patch), axis=(1, 2))[:, ::stride, ::stride]
    return normalise_patches(windows.reshape(len(images), -1, patch * patch))


def normalise_patches(patches: np.ndarray) -> np.ndarray:
    """Take brightness and contrast out of patches.

    Parameters
    ----------
    patches : ndarray, shape (..., d)
        Patches, in grey levels.

    Returns
    -------
    ndarray of float32, shape (..., d)
        Each less its mean, over the root of its variance plus 10 squared.
    """
    rows = patches.astype(np.float32)
    rows -= rows.mean(axis=-1, keepdims=True)
    variance = np.einsum("...i,...i->...", rows, rows) / np.float32(rows.shape[-1])
    rows /= np.sqrt(variance + np.float32(_CONTRAST_FLOOR**2))[..., np.newaxis]
    return rows


def encode(whitened: np.ndarray, words: np.ndarray, *, out: np.ndarray | None = None) -> np.ndarray:
    """Say how much nearer than the average word each word is to each patch (triangle coding).

    Parameters
    ----------
    whitened : ndarray of float32, shape (n, n_patches, d)
        Patches.
    words : ndarray of float32, shape (n_words, d)
        Words.
    out : ndarray of float32, shape (n, n_patches, n_words), default=None
        Where the answer goes: fresh memory costs as much as the product.

    Returns
    -------
    ndarray of float32, shape (n, n_patches, n_words)
        ``max(0, mean_k |z - c_k| - |z - c_k|)``.
    """
    # |z - c|^2 as one product, (z, |z|^2, 1) with (-2 c, 1, |c|^2): each pass over the distances costs as much. It is
    # taken for each image by itself, for BLAS rounds by the shape, and a row must not depend on its batch.
    d = whitened.shape[-1]
    left = np.empty((*whitened.shape[:-1], d + 2), np.float32)
    left[..., :d], left[..., d + 1] = whitened, 1
    np.einsum("...j,...j->...", whitened, whitened, out=left[..., d])
    right = np.vstack([words.T * np.float32(-2), np.ones(len(words), np.float32), np.einsum("ij,ij->i", words, words)])
    distance = np.matmul(left, right, out=out)
    np.abs(distance, out=distance)  # rounding may leave it a hair below 0
    np.sqrt(distance, out=distance)
    mean = np.einsum("...k->...", distance)[..., np.newaxis] / np.float32(len(words))
    np.minimum(distance, mean, out=distance)
    return np.subtract(mean, distance, out=distance)


def pooling_weights(n_positions: int, grid: int) -> np.ndarray:
    """Say how much of each position along a side lies in each cell, where cells are equally long.

    Parameters
    ----------
    n_positions : int
        Patches along the side.
    grid : int
        Cells along the side, at most `n_positions`.

    Returns
    -------
    ndarray of float64, shape (grid, n_positions)
        Shares of the cell; each row adds up to 1.

    Examples
    --------
    >>> pooling_weights(3, 2).round(3).tolist()
    [[0.667, 0.333, 0.0], [0.0, 0.333, 0.667]]
    """
    start = np.arange(grid)[:, np.newaxis] * n_positions / grid
    position = np.arange(n_positions)
    overlap = np.minimum(start + n_positions / grid, position + 1) - np.maximum(start, position)
    return np.clip(overlap, 0, None) * grid / n_positions


@lru_cache(maxsize=8)
def _pooling(side: tuple[int, int], patch: int, stride: int, grid: int) -> np.ndarray:
    """Return what of each patch lies in each cell, shape (grid * grid, n_down * n_across)."""
    down, across = (pooling_weights((length - patch) // stride + 1, grid) for length in side)
    return np.kron(down, across).astype(np.float32)


@lru_cache(maxsize=8)
def _pixels_of_patches(side: tuple[int, int], patch: int, stride: int) -> np.ndarray:
    """Return where in the image the pixels of the patches lie, a patch after the other."""
    places = np.arange(side[0] * side[1]).reshape(side)
    return sliding_window_view(places, (patch, patch))[::stride, ::stride].ravel()


def _chunks(images: np.ndarray, light: bool) -> Iterator[tuple[int, np.ndarray]]:
    """Give a few images at a time, and which is the first, as patches are to be cut from them."""
    for start in range(0, len(images), _LIT):
        part = images[start : start + _LIT]
        seen = even_light(part) if light else np.ascontiguousarray(part)
        for first in range(0, len(seen), _CHUNK):
            yield start + first, seen[first : first + _CHUNK]


def _lay_patches(images: np.ndarray, *, patch: int, stride: int, out: np.ndarray) -> None:
    """Write normalised patches into columns, those of an image side by side: every pass then runs along long rows."""
    n, d = len(images), patch * patch
    places = _pixels_of_patches(images.shape[1:], patch, stride)
    # With the images last, one step copies a pixel of all of them.
    pixels = cv2.transpose(images.reshape(n, -1)).reshape(-1, n)
    cut = np.take(pixels, places, axis=0).reshape(-1, d * n)
    out[...] = cv2.transpose(cut).reshape(d, -1)
    out -= np.add.reduce(out, axis=0) * np.float32(1 / d)
    variance = np.add.reduce(out * out, axis=0) * np.float32(1 / d)
    out *= 1 / np.sqrt(variance + np.float32(_CONTRAST_FLOOR**2))


def _by_image(columns: np.ndarray, n: int) -> np.ndarray:
    """View the columns of n images as n matrices: BLAS rounds by the shape, a row must not depend on its batch."""
    return columns.reshape(len(columns), n, -1).swapaxes(0, 1)


def compute_words(
    images: np.ndarray,
    *,
    patch: int,
    stride: int,
    grid: int,
    light: bool,
    whitening: np.ndarray,
    patch_mean: np.ndarray,
    words: np.ndarray,
) -> np.ndarray:
    """Say how much of each word there is in each cell, by triangle coding.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, height, width)
        Grey images.
    patch, stride, grid : int
        Side of a patch, pixels from one to the next, cells across and down.
    light : bool
        Whether `even_light` comes first.
    whitening : ndarray of float32, shape (patch ** 2, patch ** 2)
        Whitening matrix.
    patch_mean : ndarray of float32, shape (patch ** 2,)
        Taken away before whitening.
    words : ndarray of float32, shape (n_words, patch ** 2)
        The words, whitened.

    Returns
    -------
    ndarray of float32, shape (n, grid * grid * n_words)
        Cells by rows, and in each cell the words.
    """
    d, n_words = patch * patch, len(words)
    pooling = _pooling(images.shape[1:], patch, stride, grid)
    n_patches, least = pooling.shape[1], min(_CHUNK, len(images))
    # |z - c|^2 as one product, (-2 c, 1, |c|^2) with (z, |z|^2, 1): each pass over the distances costs as much. So with
    # the mean patch, which a row of ones takes away.
    whiten = np.hstack([whitening.T, -(patch_mean @ whitening)[:, np.newaxis]])
    right = np.vstack([words.T * np.float32(-2), np.ones(n_words, np.float32), np.einsum("ij,ij->i", words, words)])
    share = np.full((n_words, 1), 1 / n_words, np.float32)
    rows = np.empty((len(images), grid**2, n_words), np.float32)
    # Fresh memory costs as much as the products: all chunks use the same.
    all_patches = np.ones((d + 1, least * n_patches), np.float32)
    all_whitened = np.ones((d + 2, least * n_patches), np.float32)
    all_distances = np.empty((least, n_patches, n_words), np.float32)
    for start, part in _chunks(images, light):
        n = len(part)
        patches, whitened = all_patches[:, : n * n_patches], all_whitened[:, : n * n_patches]
        _lay_patches(part, patch=patch, stride=stride, out=patches[:d])
        np.matmul(whiten, _by_image(patches, n), out=_by_image(whitened[:d], n))
        np.multiply(whitened[:d], whitened[:d], out=patches[:d])
        np.add.reduce(patches[:d], axis=0, out=whitened[d])
        distance = np.matmul(_by_image(whitened, n).swapaxes(1, 2), right, out=all_distances[:n])
        np.abs(distance, out=distance)  # rounding may leave it a hair below 0
        np.sqrt(distance, out=distance)
        np.subtract(np.matmul(distance, share), distance, out=distance)
        _cut_below_zero(distance)
        np.matmul(pooling, distance, out=rows[start : start + n])
    return rows.reshape(len(images), -1)


def _cut_below_zero(answers: np.ndarray) -> None:
    # Several times quicker than np.maximum with a number.
    flat = answers.reshape(-1, answers.shape[-1])
    cv2.threshold(flat, 0, 0, cv2.THRESH_TOZERO, dst=flat)


def compute_filters(
    images: np.ndarray,
    *,
    patch: int,
    stride: int,
    grid: int,
    light: bool,
    filters: np.ndarray,
    bias: np.ndarray,
) -> np.ndarray:
    """Say how much of each word there is in each cell, by squared distances.

    What a word is nearer than the mean word, in squared distances, is linear in the patch: one product a patch.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, height, width)
        Grey images.
    patch, stride, grid : int
        As in `compute_words`.
    light : bool
        As in `compute_words`.
    filters : ndarray of float32, shape (patch ** 2, n_words)
        Whitening and words in one.
    bias : ndarray of float32, shape (n_words,)
        Added to the product.

    Returns
    -------
    ndarray of float32, shape (n, grid * grid * n_words)
        Means over the cells of ``max(0, patch @ filters + bias)``; cells by rows, and in each cell the words.
    """
    pooling = _pooling(images.shape[1:], patch, stride, grid)
    n_patches, d, n_words = pooling.shape[1], patch * patch, len(bias)
    least = min(_CHUNK, len(images))
    rows = np.empty((len(images), grid**2, n_words), np.float32)
    all_answers = np.empty((least, n_patches, n_words), np.float32)
    # A row of ones takes the bias along in the product.
    all_patches = np.ones((d + 1, least * n_patches), np.float32)
    right = np.vstack([filters, bias])
    for start, part in _chunks(images, light):
        n = len(part)
        patches = all_patches[:, : n * n_patches]
        _lay_patches(part, patch=patch, stride=stride, out=patches[:d])
        answers = np.matmul(_by_image(patches, n).swapaxes(1, 2), right, out=all_answers[:n])
        _cut_below_zero(answers)
        np.matmul(pooling, answers, out=rows[start : start + n])
    return rows.reshape(len(images), -1)
