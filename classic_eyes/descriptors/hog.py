"""Histograms of oriented gradients at several cell sizes, by OpenCV (Dalal & Triggs, 2005)."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

__all__ = ["compute_hog"]

# Images per side of the mosaic, which then stays in the second-level cache.
_SIDE = 8
# Below this width in pixels OpenCV computes gradients by other instructions, which round differently.
_NARROW = 16
# A Gaussian of this sigma weights all pixels of a block equally, to the bit.
_FLAT = 1e6


def compute_hog(images: np.ndarray, *, cells: Sequence[int], n_bins: int, gaussian: bool = True) -> np.ndarray:
    """Compute the features of `classic_eyes.features.Hog`.

    For each cell size in OpenCV's order: block column, block row, cell column and cell row within the block, bin.
    """
    n, height, width = images.shape
    # Built for each batch: they cost a microsecond, cannot be pickled, and threads need not share them.
    descriptors = [
        cv2.HOGDescriptor(
            (width, height),  # window: the whole image
            (2 * cell, 2 * cell),  # block
            (cell, cell),  # block stride
            (cell, cell),
            n_bins,
            1,  # derivative aperture; OpenCV always uses [-1, 0, 1]
            -1.0 if gaussian else _FLAT,  # sigma of the block's Gaussian; -1 is half a cell
            cv2.HOGDescriptor_L2Hys,
            0.2,  # clipping threshold of L2-Hys
            True,  # square roots of the grey values: higher accuracy in three of three trials
            1,  # pyramid levels
            False,  # signed gradients
        )
        for cell in cells
    ]
    ends = np.cumsum([descriptor.getDescriptorSize() for descriptor in descriptors])
    rows = np.empty((n, ends[-1]), np.float32)
    parts = [(d, rows[:, end - d.getDescriptorSize() : end]) for d, end in zip(descriptors, ends, strict=True)]
    # One call for many images: its setup costs twice as much as the computation for a small image.
    step = 1 if width < _NARROW else _SIDE**2
    for start in range(0, n, step):
        chunk = images[start : start + step]
        mosaic, origins = (np.ascontiguousarray(chunk[0]), [(0, 0)]) if step == 1 else _tile(chunk)
        for descriptor, part in parts:
            tiled = descriptor.compute(mosaic, winStride=descriptor.blockStride, padding=(0, 0), locations=origins)
            part[start : start + step] = np.asarray(tiled).reshape(len(origins), -1)
    return rows


def _tile(images: np.ndarray) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """Return a mosaic of the images, each with the border that OpenCV would add, and their origins (x, y)."""
    n, height, width = images.shape
    across = min(n, _SIDE)
    down = -(-n // across)
    tiles = np.zeros((down * across, height + 2, width + 2), np.uint8)
    tiles[:n, 1:-1, 1:-1] = images
    # Reflected without repeating the last pixel, as OpenCV does at the border of a single image.
    tiles[:n, 0, 1:-1], tiles[:n, -1, 1:-1] = images[:, 1], images[:, -2]
    tiles[:, :, 0], tiles[:, :, -1] = tiles[:, :, 2], tiles[:, :, -3]
    mosaic = tiles.reshape(down, across, height + 2, width + 2).swapaxes(1, 2).reshape(-1, across * (width + 2))
    origins = [(1 + k % across * (width + 2), 1 + k // across * (height + 2)) for k in range(n)]
    return np.ascontiguousarray(mosaic), origins
