"""Illumination normalization after Tan and Triggs (2010), in float32 or in reproducible uint8."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

__all__ = ["tan_triggs", "tan_triggs_uint8"]

# The paper's values, except the blurs: its sigmas of 1 and 2 pixels are meant for faces of 120 pixels.
_GAMMA = 0.2
_BLURS = (0.7, 3.0)  # pixels
_ALPHA, _TAU = 0.1, 10.0
# Smaller magnitudes count as this one. In flat regions the two blurs differ by rounding alone, by up to 3e-7, or not at
# all; powers of 0.1 would make the difference between the two a large one.
_MIN_MAGNITUDE = np.float32(1e-6)
_MIN_INTEGER_MAGNITUDE = np.float32(1e-37)  # keeps the logarithm finite; its power is close to 0
_GAIN = 10.0  # stretches the result to the range of grey levels, so that floors in grey levels keep their meaning

# Fixed-point arithmetic of tan_triggs_uint8.
_FIXED_POINT = 4096  # units per grey level, and sum of the weights of a blur
_CHUNK = 64  # images at a time, so that intermediate arrays stay in the cache
_STEPS = 32  # table entries per unit of the contrast-equalized image
_OCTAVE = np.rint(1024 * 2 ** (np.arange(16) / 16))  # sixteenths of an octave, in units of 1 / 1024


def _gaussian(sigma: float) -> tuple[np.ndarray, np.ndarray]:
    reach = int(np.ceil(4 * sigma))
    offsets = np.arange(-reach, reach + 1)
    return offsets, np.exp(-(offsets**2) / (2 * sigma**2))


def _convolution_matrix(side: int, offsets: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the matrix of a 1-D convolution with a replicated border."""
    matrix = np.zeros((side, side))
    for row in range(side):
        np.add.at(matrix[row], np.clip(row + offsets, 0, side - 1), weights)
    return matrix


@lru_cache(maxsize=8)
def _blur_matrix(side: int, sigma: float) -> np.ndarray:
    offsets, weights = _gaussian(sigma)
    return (_convolution_matrix(side, offsets, weights) / weights.sum()).astype(np.float32)


@lru_cache(maxsize=8)
def _integer_blur_matrix(side: int, sigma: float) -> np.ndarray:
    """Return `_blur_matrix` in integers; each row sums to `_FIXED_POINT`."""
    offsets, weights = _gaussian(sigma)
    rounded = np.rint(weights * (_FIXED_POINT / weights.sum()))
    rounded[len(rounded) // 2] += _FIXED_POINT - rounded.sum()
    return _convolution_matrix(side, offsets, rounded)


def tan_triggs(images: np.ndarray) -> np.ndarray:
    """Remove shading and contrast from each image (Tan-Triggs illumination normalization).

    1. Gamma correction: ``x`` becomes ``(x + 1) ** 0.2``, which expands the shadows.
    2. Difference of Gaussians with sigmas of 0.7 and 3 pixels: removes slow changes (light) and pixel noise.
    3. Contrast equalization, twice: ``y`` is divided by ``mean(|y| ** 0.1) ** 10``; the second time ``|y|`` is clipped
       at 10 in the mean.
    4. ``10 * tanh(y / 10)`` bounds the values; the result is multiplied by 10.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, height, width)
        Grey images.

    Returns
    -------
    ndarray of float32, shape (n, height, width)
        Values in [-100, 100], centred on 0; 0 for a constant image.

    Notes
    -----
    Departure from the paper: it uses sigmas of 1 and 2 pixels, for faces of 120 pixels.

    References
    ----------
    X. Tan and B. Triggs, "Enhanced local texture feature sets for face recognition under difficult lighting
    conditions", IEEE Transactions on Image Processing 19, 2010. https://doi.org/10.1109/TIP.2010.2042645

    Examples
    --------
    >>> import numpy as np
    >>> from classic_eyes.preprocessing import tan_triggs
    >>> tan_triggs(np.full((1, 24, 24), 90, np.uint8)).any()
    np.False_
    """
    n, height, width = images.shape
    levels = ((np.arange(256) + 1.0) ** _GAMMA).astype(np.float32)
    corrected = np.asarray(cv2.LUT(images.reshape(n, -1), levels), np.float32).reshape(images.shape)
    # A constant image must give exactly 0, but the two blurs round differently.
    corrected -= corrected[:, :1, :1]
    fine, coarse = (
        np.matmul(np.matmul(_blur_matrix(height, sigma), corrected), _blur_matrix(width, sigma).T) for sigma in _BLURS
    )
    fine -= coarse
    for divisor in _contrast_divisors(fine, _MIN_MAGNITUDE):
        fine /= divisor
    fine /= np.float32(_TAU)
    np.tanh(fine, out=fine)
    fine *= np.float32(_TAU * _GAIN)
    return fine


def _contrast_divisors(values: np.ndarray, floor: np.float32) -> tuple[np.ndarray, np.ndarray]:
    """Return the two divisors of each image in contrast equalization (step 3); magnitudes are at least the floor."""
    # One power suffices: the powers after the first division follow from it, and clipping commutes with the power.
    power = np.abs(values).reshape(len(values), -1)
    np.maximum(power, floor, out=power)
    # Four times faster than numpy's logarithm and exponential.
    cv2.log(power, power)
    power *= np.float32(_ALPHA)
    cv2.exp(power, power)
    power = power.reshape(values.shape)
    first = _mean_magnitude(power)
    power /= first ** np.float32(_ALPHA)
    np.minimum(power, np.float32(_TAU**_ALPHA), out=power)
    return first, _mean_magnitude(power)


def _mean_magnitude(power: np.ndarray) -> np.ndarray:
    return power.mean(axis=(1, 2), keepdims=True) ** np.float32(1 / _ALPHA) + np.float32(1e-37)


def tan_triggs_uint8(images: np.ndarray) -> np.ndarray:
    """Compute `tan_triggs` in reproducible uint8 levels.

    Features that compare pixels must not depend on rounding errors. Therefore steps 1 and 2 of `tan_triggs` use integer
    arithmetic, the divisor of step 3 is rounded to a sixteenth of an octave, and step 4 is a table. Other processors
    and the mirror image give the same levels, unless the divisor of an image lies next to a rounding boundary; this
    did not occur in 16,000 images.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, height, width)
        Grey images.

    Returns
    -------
    ndarray of uint8, shape (n, height, width)
        Values in [28, 228], centred on 128; 128 for a constant image.

    References
    ----------
    X. Tan and B. Triggs, as in `tan_triggs`. https://doi.org/10.1109/TIP.2010.2042645

    Examples
    --------
    >>> import numpy as np
    >>> from classic_eyes.preprocessing import tan_triggs_uint8
    >>> np.unique(tan_triggs_uint8(np.full((1, 24, 24), 90, np.uint8))).tolist()
    [128]
    """
    levels = np.empty(images.shape, np.uint8)
    for start in range(0, len(images), _CHUNK):
        _normalize_chunk(images[start : start + _CHUNK], out=levels[start : start + _CHUNK])
    return levels


def _normalize_chunk(images: np.ndarray, *, out: np.ndarray) -> None:
    difference = _integer_difference_of_gaussians(images)
    first, second = _contrast_divisors(difference.astype(np.float32), _MIN_INTEGER_MAGNITUDE)
    sixteenths = np.rint(np.log2(np.maximum((first * second).reshape(-1), 1)) * 16).astype(np.int64)
    divisor = np.ldexp(_OCTAVE[sixteenths % 16], sixteenths // 16 - 10)
    difference *= (_STEPS / divisor)[:, np.newaxis, np.newaxis]
    table = _tanh_table()
    np.rint(difference, out=difference)
    difference += len(table) // 2
    # Clipping gives values beyond the table its first or last entry, where tanh is saturated.
    np.take(table, difference.astype(np.intp), out=out, mode="clip")


def _integer_difference_of_gaussians(images: np.ndarray) -> np.ndarray:
    """Return steps 1 and 2 of `tan_triggs` in integers below 2 ** 38."""
    n, height, width = images.shape
    corrected = np.rint(_FIXED_POINT * (np.arange(256) + 1.0) ** _GAMMA)[images]
    # Sums of integers below 2 ** 53 are exact in any order.
    both = np.concatenate([_integer_blur_matrix(width, sigma).T for sigma in _BLURS], axis=1)
    across = (corrected.reshape(-1, width) @ both).reshape(n, height, 2, width)
    fine, coarse = (np.matmul(_integer_blur_matrix(height, sigma), across[:, :, k]) for k, sigma in enumerate(_BLURS))
    return np.subtract(fine, coarse, out=fine)


@lru_cache(maxsize=1)
def _tanh_table() -> np.ndarray:
    """Return step 4 of `tan_triggs` as levels, for arguments from -4 tau to 4 tau."""
    last = int(4 * _TAU * _STEPS)
    steps = np.arange(-last, last + 1) / _STEPS
    return (128 + np.rint(_TAU * _GAIN * np.tanh(steps / _TAU))).astype(np.uint8)
