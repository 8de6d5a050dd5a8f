"""Histograms of oriented gradients at several cell sizes, by OpenCV (Dalal & Triggs, 2005)."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

__all__ = ["compute_hog"]

# Images a side of the mosaic: together they stay in the second-level cache.
_SIDE = 8
# Below this width in pixels OpenCV computes gradients by other instructions, which round in their own way.
_NARROW = 16
# So wide a Gaussian weighs every pixel of a block alike, to the bit.
_FLAT = 1e6


def compute_hog(images: np.ndarray, *, cells: Sequence[int], n_bins: int, gaussian: bool = True) -> np.ndarray:
    """Describe each image by the gradient histograms of its cells, normalised in blocks of 2 x 2 cells.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, height, width)
        Grey images.
    cells : sequence of int
        Sides of the cells in pixels; each divides both sides of the image at least twice.
    n_bins : int
        Orientation bins over 180 degrees.
    gaussian : bool, default True
        Whether pixels count less towards the border of a block.

    Returns
    -------
    ndarray of float32, shape (n, sum of (height / cell - 1) * (width / cell - 1) * 4 * n_bins over the cells)
        For each cell size in OpenCV's order: block column, block row, cell column and cell row within the block, bin.
    """
    n, height, width = images.shape
    # Built anew for each batch: they cost a microsecond, cannot be pickled, and no thread has to share them.
    descriptors = [
        cv2.HOGDescriptor(
            (width, height),  # window: the whole image
            (2 * cell, 2 * cell),  # block
            (cell, cell),  # step of the blocks
            (cell, cell),
            n_bins,
            1,  # derivative aperture: OpenCV reads it and uses [-1, 0, 1] always
            -1.0 if gaussian else _FLAT,  # sigma of the block's Gaussian: OpenCV's choice, half a cell, or none
            cv2.HOGDescriptor_L2Hys,
            0.2,  # where L2Hys clips
            True,  # square roots of the grey values: more eyes right than without, in three of three trials
            1,  # windows in a pyramid: there is none
            False,  # signed gradients
        )
        for cell in cells
    ]
    ends = np.cumsum([descriptor.getDescriptorSize() for descriptor in descriptors])
    rows = np.empty((n, ends[-1]), np.float32)
    parts = [(d, rows[:, end - d.getDescriptorSize() : end]) for d, end in zip(descriptors, ends, strict=True)]
    # One call for many images: what OpenCV sets up for a call costs twice what it computes for a small image.
    step = 1 if width < _NARROW else _SIDE**2
    for start in range(0, n, step):
        some = images[start : start + step]
        mosaic, places = (np.ascontiguousarray(some[0]), [(0, 0)]) if step == 1 else _tile(some)
        for descriptor, part in parts:
            tiled = descriptor.compute(mosaic, winStride=descriptor.blockStride, padding=(0, 0), locations=places)
            part[start : start + step] = np.asarray(tiled).reshape(len(places), -1)
    return rows


def _tile(images: np.ndarray) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """Set images side by side, each with the border that OpenCV would give it, and say where each begins (x, y)."""
    n, height, width = images.shape
    across = min(n, _SIDE)
    down = -(-n // across)
    tiles = np.zeros((down * across, height + 2, width + 2), np.uint8)
    tiles[:n, 1:-1, 1:-1] = images
    # Mirrored without repeating the last pixel, as at the border of an image by itself.
    tiles[:n, 0, 1:-1], tiles[:n, -1, 1:-1] = images[:, 1], images[:, -2]
    tiles[:, :, 0], tiles[:, :, -1] = tiles[:, :, 2], tiles[:, :, -3]
    mosaic = tiles.reshape(down, across, height + 2, width + 2).swapaxes(1, 2).reshape(-1, across * (width + 2))
    places = [(1 + k % across * (width + 2), 1 + k // across * (height + 2)) for k in range(n)]
    return np.ascontiguousarray(mosaic), places
