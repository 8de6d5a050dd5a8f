"""The light taken out of an image: what Tan and Triggs (2010) leave of it, as numbers or as whole levels."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

__all__ = ["even_levels", "even_light"]

# Tan and Triggs' values, but for the blurs: theirs, 1 and 2 pixels, are for faces of 120.
_GAMMA = 0.2
_BLURS = (0.7, 3.0)  # pixels
_ALPHA, _TAU = 0.1, 10.0
_LEAST = np.float32(1e-37)  # has a logarithm; its power is next to 0
_GREY_LEVELS = 10.0  # by which the result is stretched, so that floors in grey levels mean the same


# Whole numbers, for levels that hang on no rounding: of what a level, and a blur, consist.
_PARTS = 4096
_LIT = 64  # images at a time: what they need stays in the cache
_STEPS = 32  # of the contrast-equalised image in 1, before the hyperbolic tangent
_OCTAVE = np.rint(1024 * 2 ** (np.arange(16) / 16))  # sixteenths of a factor of two, in 1024ths


def _gaussian(sigma: float) -> tuple[np.ndarray, np.ndarray]:
    reach = int(np.ceil(4 * sigma))
    offsets = np.arange(-reach, reach + 1)
    return offsets, np.exp(-(offsets**2) / (2 * sigma**2))


def _along(side: int, offsets: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the matrix of a blur along one side; beyond the border its nearest pixel counts."""
    matrix = np.zeros((side, side))
    for row in range(side):
        np.add.at(matrix[row], np.clip(row + offsets, 0, side - 1), weights)
    return matrix


@lru_cache(maxsize=8)
def _blur_matrix(side: int, sigma: float) -> np.ndarray:
    offsets, weights = _gaussian(sigma)
    return (_along(side, offsets, weights) / weights.sum()).astype(np.float32)


@lru_cache(maxsize=8)
def _whole_blur_matrix(side: int, sigma: float) -> np.ndarray:
    """Return `_blur_matrix` in whole numbers that add up to `_PARTS`."""
    offsets, weights = _gaussian(sigma)
    parts = np.rint(weights * (_PARTS / weights.sum()))
    parts[len(parts) // 2] += _PARTS - parts.sum()
    return _along(side, offsets, parts)


def even_light(images: np.ndarray) -> np.ndarray:
    """Take shading and contrast out of each image, after Tan and Triggs.

    1. Grey levels ``x`` become ``(x + 1) ** 0.2``, which opens the shadows.
    2. The difference of two Gaussian blurs, of 0.7 and 3 pixels, takes out what changes slowly, the light, and what
       changes from pixel to pixel, the noise.
    3. It is divided by the mean of its magnitudes to the power 0.1, to the power 10: once as they are, once cut at 10.
    4. ``10 tanh(y / 10)`` bounds it; the result is stretched by 10.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, height, width)
        Grey images.

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
    n, height, width = images.shape
    levels = ((np.arange(256) + 1.0) ** _GAMMA).astype(np.float32)
    opened = np.asarray(cv2.LUT(images.reshape(n, -1), levels), np.float32).reshape(images.shape)
    # Exactly 0 where the image is constant: the blurs round each in its own way.
    opened -= opened[:, :1, :1]
    fine, coarse = (
        np.matmul(np.matmul(_blur_matrix(height, sigma), opened), _blur_matrix(width, sigma).T) for sigma in _BLURS
    )
    fine -= coarse
    for unit in _units(fine):
        fine /= unit
    fine /= np.float32(_TAU)
    np.tanh(fine, out=fine)
    fine *= np.float32(_TAU * _GREY_LEVELS)
    return fine


def _units(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return by what each image is divided at first, and by what then, its large values cut."""
    # A power, once: after the first division the magnitudes' powers are known, and the cut commutes with the power.
    power = np.abs(values).reshape(len(values), -1)
    np.maximum(power, _LEAST, out=power)
    # OpenCV's are four times as quick as numpy's.
    cv2.log(power, power)
    power *= np.float32(_ALPHA)
    cv2.exp(power, power)
    power = power.reshape(values.shape)
    first = _mean_magnitude(power)
    power /= first ** np.float32(_ALPHA)
    np.minimum(power, np.float32(_TAU**_ALPHA), out=power)
    return first, _mean_magnitude(power)


def _mean_magnitude(power: np.ndarray) -> np.ndarray:
    return power.mean(axis=(1, 2), keepdims=True) ** np.float32(1 / _ALPHA) + np.float32(1e-6)


def even_levels(images: np.ndarray) -> np.ndarray:
    """Do as `even_light` does, in whole levels that hang on no rounding of single pixels.

    What is compared and counted afterwards must not hang on the last bit of a rounding. So steps 1 and 2 are done in
    whole numbers, the divisor of step 3 is rounded to a sixteenth of an octave, and step 4 is a table. Another machine,
    or the mirror image, gives the same levels unless the divisor of an image lies next to the middle of two
    sixteenths: of 16,000 images none did.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, height, width)
        Grey images.

    Returns
    -------
    ndarray of uint8, shape (n, height, width)
        About 128, from 28 to 228; a constant image is 128 everywhere.

    References
    ----------
    X. Tan and B. Triggs, as in `even_light`. https://doi.org/10.1109/TIP.2010.2042645

    Examples
    --------
    >>> np.unique(even_levels(np.full((1, 24, 24), 90, np.uint8))).tolist()
    [128]
    """
    levels = np.empty(images.shape, np.uint8)
    for start in range(0, len(images), _LIT):
        _even_levels(images[start : start + _LIT], out=levels[start : start + _LIT])
    return levels


def _even_levels(images: np.ndarray, *, out: np.ndarray) -> None:
    difference = _whole_difference(images)
    first, second = _units(difference.astype(np.float32))
    unit = (first * second).reshape(-1)
    sixteenths = np.rint(np.log2(np.maximum(unit, 1)) * 16).astype(np.int64)
    divisor = np.ldexp(_OCTAVE[sixteenths % 16], sixteenths // 16 - 10)
    difference *= (_STEPS / divisor)[:, np.newaxis, np.newaxis]
    table = _squash()
    np.rint(difference, out=difference)
    difference += len(table) // 2
    # What is beyond either end of the table gets the end; checking would cost a copy.
    np.take(table, difference.astype(np.intp), out=out, mode="clip")


def _whole_difference(images: np.ndarray) -> np.ndarray:
    """Return the difference of the two blurs of the opened grey levels, in whole numbers below 2 ** 38."""
    n, height, width = images.shape
    opened = np.rint(_PARTS * (np.arange(256) + 1.0) ** _GAMMA)[images]
    # Sums of whole numbers below 2 ** 53 are exact in any order.
    both = np.concatenate([_whole_blur_matrix(width, sigma).T for sigma in _BLURS], axis=1)
    across = (opened.reshape(-1, width) @ both).reshape(n, height, 2, width)
    fine, coarse = (np.matmul(_whole_blur_matrix(height, sigma), across[:, :, k]) for k, sigma in enumerate(_BLURS))
    return np.subtract(fine, coarse, out=fine)


@lru_cache(maxsize=1)
def _squash() -> np.ndarray:
    """Return the level of each step of the contrast-equalised image, from where the tangent is full to the other."""
    furthest = int(4 * _TAU * _STEPS)
    steps = np.arange(-furthest, furthest + 1) / _STEPS
    return (128 + np.rint(_TAU * _GREY_LEVELS * np.tanh(steps / _TAU))).astype(np.uint8)
