"""The light taken out of a picture: what Tan and Triggs (2010) leave of it."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

__all__ = ["even_light"]

# Tan and Triggs' values, but for the blurs: theirs, 1 and 2 pixels, are for faces of 120.
_GAMMA = 0.2
_BLURS = (0.7, 3.0)  # pixels
_ALPHA, _TAU = 0.1, 10.0
_LEAST = np.float32(1e-37)  # has a logarithm; its power is next to 0
_GREY_LEVELS = 10.0  # by which the result is stretched, so that floors in grey levels mean the same


@lru_cache(maxsize=8)
def _blur_matrix(side: int, sigma: float) -> np.ndarray:
    """Return the matrix of a Gaussian blur along one side; beyond the border its nearest pixel counts."""
    reach = int(np.ceil(4 * sigma))
    offsets = np.arange(-reach, reach + 1)
    weights = np.exp(-(offsets**2) / (2 * sigma**2))
    matrix = np.zeros((side, side))
    for row in range(side):
        np.add.at(matrix[row], np.clip(row + offsets, 0, side - 1), weights)
    return (matrix / weights.sum()).astype(np.float32)


def even_light(pictures: np.ndarray) -> np.ndarray:
    """Take shading and contrast out of each picture, after Tan and Triggs.

    1. Grey levels ``x`` become ``(x + 1) ** 0.2``, which opens the shadows.
    2. The difference of two Gaussian blurs, of 0.7 and 3 pixels, takes out what changes slowly, the light, and what
       changes from pixel to pixel, the noise.
    3. It is divided by the mean of its magnitudes to the power 0.1, to the power 10: once as they are, once cut at 10.
    4. ``10 tanh(y / 10)`` bounds it; the result is stretched by 10.

    Parameters
    ----------
    pictures : ndarray of uint8, shape (n, height, width)
        Grey pictures.

    Returns
    -------
    ndarray of float32, shape (n, height, width)
        About 0, from -100 to 100.

    References
    ----------
    X. Tan and B. Triggs, "Enhanced local texture feature sets for face recognition under difficult lighting
    conditions", IEEE Transactions on Image Processing 19, 2010. https://doi.org/10.1109/TIP.2010.2042645

    Examples
    --------
    >>> even_light(np.full((1, 24, 24), 90, np.uint8)).any()
    np.False_
    """
    n, height, width = pictures.shape
    levels = ((np.arange(256) + 1.0) ** _GAMMA).astype(np.float32)
    opened = np.asarray(cv2.LUT(pictures.reshape(n, -1), levels), np.float32).reshape(pictures.shape)
    # Exactly 0 where the picture is constant: the blurs round each in its own way.
    opened -= opened[:, :1, :1]
    fine, coarse = (
        np.matmul(np.matmul(_blur_matrix(height, sigma), opened), _blur_matrix(width, sigma).T) for sigma in _BLURS
    )
    fine -= coarse
    # A power, once: after the first division the magnitudes' powers are known, and the cut commutes with the power.
    power = np.abs(fine).reshape(n, -1)
    np.maximum(power, _LEAST, out=power)
    # OpenCV's are four times as quick as numpy's.
    cv2.log(power, power)
    power *= np.float32(_ALPHA)
    cv2.exp(power, power)
    power = power.reshape(pictures.shape)
    unit = _mean_of_each(power) ** np.float32(1 / _ALPHA) + np.float32(1e-6)
    fine /= unit
    power /= unit ** np.float32(_ALPHA)
    np.minimum(power, np.float32(_TAU**_ALPHA), out=power)
    fine /= _mean_of_each(power) ** np.float32(1 / _ALPHA) + np.float32(1e-6)
    fine /= np.float32(_TAU)
    np.tanh(fine, out=fine)
    fine *= np.float32(_TAU * _GREY_LEVELS)
    return fine


def _mean_of_each(pictures: np.ndarray) -> np.ndarray:
    return pictures.mean(axis=(1, 2), keepdims=True)
