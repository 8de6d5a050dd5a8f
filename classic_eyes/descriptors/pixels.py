"""Grey levels, normalized by mean and standard deviation of each image."""

from __future__ import annotations

import numpy as np

__all__ = ["compute_pixels"]


def compute_pixels(images: np.ndarray, *, floor: float) -> np.ndarray:
    """Compute the features of `classic_eyes.features.Pixels`: pixels row by row."""
    flat = images.reshape(len(images), -1)
    n_pixels = flat.shape[1]
    # Sums of integers are exact in float64: a row does not depend on its batch, and adding a constant to an image does
    # not change a bit.
    total = flat.sum(axis=1, dtype=np.float64)
    squares = np.einsum("ij,ij->i", flat, flat, dtype=np.float64)
    deviation = np.sqrt(n_pixels * squares - total**2) / n_pixels
    rows = flat.astype(np.float32)
    rows *= np.float32(n_pixels)
    rows -= total.astype(np.float32)[:, None]
    rows *= (1.0 / (n_pixels * (deviation + floor))).astype(np.float32)[:, None]
    return rows
