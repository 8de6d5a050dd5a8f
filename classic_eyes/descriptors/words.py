"""Visual words: soft counts of a codebook of small patches in a grid of cells (Coates, Lee, Ng, 2011)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ..preprocessing.illumination import tan_triggs

__all__ = ["compute_filters", "compute_words", "normalize_patches", "pooling_weights"]

_CONTRAST_FLOOR = 10.0  # grey levels; keeps the noise of flat skin from looking like an eyelid
_CHUNK = 16  # images, so that their distances stay close to the second-level cache
_NORMALIZED = 64  # images per call of illumination normalization, to share the cost of the call


def normalize_patches(patches: np.ndarray) -> np.ndarray:
    """Subtract the mean of each patch of shape (..., d) and divide by ``sqrt(variance + 10 ** 2)``."""
    rows = patches.astype(np.float32)
    rows -= rows.mean(axis=-1, keepdims=True)
    variance = np.einsum("...i,...i->...", rows, rows) / np.float32(rows.shape[-1])
    rows /= np.sqrt(variance + np.float32(_CONTRAST_FLOOR**2))[..., np.newaxis]
    return rows


def pooling_weights(n_positions: int, grid: int) -> np.ndarray:
    """Return the share of each position along a side in each of `grid` equal cells; each row sums to 1.

    >>> pooling_weights(3, 2).round(3).tolist()
    [[0.667, 0.333, 0.0], [0.0, 0.333, 0.667]]
    """
    start = np.arange(grid)[:, np.newaxis] * n_positions / grid
    position = np.arange(n_positions)
    overlap = np.minimum(start + n_positions / grid, position + 1) - np.maximum(start, position)
    return np.clip(overlap, 0, None) * grid / n_positions


@lru_cache(maxsize=8)
def _pooling(side: tuple[int, int], patch: int, stride: int, grid: int) -> np.ndarray:
    """Return the share of each patch in each cell, shape (grid * grid, n_down * n_across)."""
    down, across = (pooling_weights((length - patch) // stride + 1, grid) for length in side)
    return np.kron(down, across).astype(np.float32)


@lru_cache(maxsize=8)
def _patch_pixels(side: tuple[int, int], patch: int, stride: int) -> np.ndarray:
    """Return the indices of the pixels of all patches in the flattened image, one patch after the other."""
    pixels = np.arange(side[0] * side[1]).reshape(side)
    return sliding_window_view(pixels, (patch, patch))[::stride, ::stride].ravel()


def _chunks(images: np.ndarray, light: bool) -> Iterator[tuple[int, np.ndarray]]:
    """Yield chunks of images, after illumination normalization if `light`, and the index of their first image."""
    for start in range(0, len(images), _NORMALIZED):
        part = images[start : start + _NORMALIZED]
        source = tan_triggs(part) if light else np.ascontiguousarray(part)
        for first in range(0, len(source), _CHUNK):
            yield start + first, source[first : first + _CHUNK]


def _extract_patches(images: np.ndarray, *, patch: int, stride: int, out: np.ndarray) -> None:
    """Write the normalized patches of all images as columns, those of an image side by side."""
    n, d = len(images), patch * patch
    indices = _patch_pixels(images.shape[1:], patch, stride)
    # With the images last, one step copies a pixel of all of them.
    pixels = cv2.transpose(images.reshape(n, -1)).reshape(-1, n)
    cut = np.take(pixels, indices, axis=0).reshape(-1, d * n)
    out[...] = cv2.transpose(cut).reshape(d, -1)
    out -= np.add.reduce(out, axis=0) * np.float32(1 / d)
    variance = np.add.reduce(out * out, axis=0) * np.float32(1 / d)
    out *= 1 / np.sqrt(variance + np.float32(_CONTRAST_FLOOR**2))


def _by_image(columns: np.ndarray, n: int) -> np.ndarray:
    """View the columns of n images as n matrices: rounding in BLAS depends on the shape, rows must not on the batch."""
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
    """Compute the features of `classic_eyes.features.Words` with triangle coding: cells row by row, words."""
    d, n_words = patch * patch, len(words)
    pooling = _pooling(images.shape[1:], patch, stride, grid)
    n_patches, chunk = pooling.shape[1], min(_CHUNK, len(images))
    # |z - c|^2 is one product of (-2 c, 1, |c|^2) and (z, |z|^2, 1), because a pass over the distances costs as much as
    # a product. A row of ones subtracts the mean patch in the product that whitens.
    whiten = np.hstack([whitening.T, -(patch_mean @ whitening)[:, np.newaxis]])
    right = np.vstack([words.T * np.float32(-2), np.ones(n_words, np.float32), np.einsum("ij,ij->i", words, words)])
    share = np.full((n_words, 1), 1 / n_words, np.float32)
    rows = np.empty((len(images), grid**2, n_words), np.float32)
    # Allocating memory costs as much as the products, so all chunks share these arrays.
    all_patches = np.ones((d + 1, chunk * n_patches), np.float32)
    all_whitened = np.ones((d + 2, chunk * n_patches), np.float32)
    all_distances = np.empty((chunk, n_patches, n_words), np.float32)
    for start, part in _chunks(images, light):
        n = len(part)
        patches, whitened = all_patches[:, : n * n_patches], all_whitened[:, : n * n_patches]
        _extract_patches(part, patch=patch, stride=stride, out=patches[:d])
        np.matmul(whiten, _by_image(patches, n), out=_by_image(whitened[:d], n))
        np.multiply(whitened[:d], whitened[:d], out=patches[:d])
        np.add.reduce(patches[:d], axis=0, out=whitened[d])
        distance = np.matmul(_by_image(whitened, n).swapaxes(1, 2), right, out=all_distances[:n])
        np.abs(distance, out=distance)  # rounding may leave it slightly below 0
        np.sqrt(distance, out=distance)
        np.subtract(np.matmul(distance, share), distance, out=distance)
        _rectify(distance)
        np.matmul(pooling, distance, out=rows[start : start + n])
    return rows.reshape(len(images), -1)


def _rectify(responses: np.ndarray) -> None:
    # Several times faster than np.maximum with a scalar.
    flat = responses.reshape(-1, responses.shape[-1])
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
    """Compute the features of `classic_eyes.features.Words` with squared coding.

    It is linear in the patch before rectification: the cell means of ``max(0, patch @ filters + bias)``.
    """
    pooling = _pooling(images.shape[1:], patch, stride, grid)
    n_patches, d, n_words = pooling.shape[1], patch * patch, len(bias)
    chunk = min(_CHUNK, len(images))
    rows = np.empty((len(images), grid**2, n_words), np.float32)
    all_responses = np.empty((chunk, n_patches, n_words), np.float32)
    # A row of ones adds the bias in the product.
    all_patches = np.ones((d + 1, chunk * n_patches), np.float32)
    right = np.vstack([filters, bias])
    for start, part in _chunks(images, light):
        n = len(part)
        patches = all_patches[:, : n * n_patches]
        _extract_patches(part, patch=patch, stride=stride, out=patches[:d])
        responses = np.matmul(_by_image(patches, n).swapaxes(1, 2), right, out=all_responses[:n])
        _rectify(responses)
        np.matmul(pooling, responses, out=rows[start : start + n])
    return rows.reshape(len(images), -1)
