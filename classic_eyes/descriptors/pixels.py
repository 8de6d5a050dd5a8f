"""The pixels themselves, with each image's own brightness and contrast taken out."""

from __future__ import annotations

import numpy as np

__all__ = ["normalise_pixels"]


def normalise_pixels(images: np.ndarray, *, floor: float) -> np.ndarray:
    """Subtract the mean of each image and divide by its standard deviation plus a floor.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, height, width)
        Grey images.
    floor : float
        Grey levels added to the standard deviation.

    Returns
    -------
    ndarray of float32, shape (n, height * width)
        Rows of the image one after another, top row first.
    """
    flat = images.reshape(len(images), -1)
    n_pixels = flat.shape[1]
    # Sums of integers are exact in float64, so a row cannot depend on how numpy orders the additions of a batch, and
    # adding a constant to an image changes nothing, not even the last bit.
    total = flat.sum(axis=1, dtype=np.float64)
    squares = np.einsum("ij,ij->i", flat, flat, dtype=np.float64)
    deviation = np.sqrt(n_pixels * squares - total**2) / n_pixels
    rows = flat.astype(np.float32)
    rows *= np.float32(n_pixels)
    rows -= total.astype(np.float32)[:, None]
    rows *= (1.0 / (n_pixels * (deviation + floor))).astype(np.float32)[:, None]
    return rows
