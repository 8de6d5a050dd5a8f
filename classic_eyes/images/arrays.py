"""Conversion of arrays: dtype, bits, colour and size."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .._utils.dependencies import cv2
from ..errors import ImageError, ParameterError

__all__ = [
    "ALLOWED",
    "MAX_PIXELS",
    "MIN_SIZE",
    "SIZE",
    "Images",
    "Peaks",
    "check_bits",
    "check_pixels",
    "check_size",
    "square",
    "to_grey",
    "to_uint8",
]

Images: TypeAlias = NDArray[np.uint8]

SIZE = 24
MIN_SIZE = 8
MAX_PIXELS = 100_000_000
# Images of 16 bits with all values below are from a camera that fills fewer bits.
_SMALL = 1 << 12

ALLOWED = "an array (n, h, w) or (n, h, w, 3), or a sequence of arrays of any sizes, paths, bytes or PIL images"


def check_size(size: Any) -> int:
    """Return the side of the images as an int; raise ParameterError unless it is an integer of at least 8."""
    if not isinstance(size, Integral) or isinstance(size, bool) or size < MIN_SIZE:
        raise ParameterError(f"size is {size!r}; allowed is an integer of at least {MIN_SIZE} (pixels); 24 is usual")
    return int(size)


def check_pixels(max_pixels: Any) -> int:
    """Check the limit on the number of pixels of an image.

    Parameters
    ----------
    max_pixels : int
        Pixels, at least 1.

    Returns
    -------
    int
        The same.

    Raises
    ------
    ParameterError
        If `max_pixels` is not an integer of at least 1.
    """
    if not isinstance(max_pixels, Integral) or isinstance(max_pixels, bool) or max_pixels < 1:
        raise ParameterError(f"max_pixels is {max_pixels!r}; allowed is an integer of at least 1 (pixels of an image)")
    return int(max_pixels)


def to_uint8(array: np.ndarray, prefix: str = "", *, white: int | None = None, bits: int | None = None) -> Images:
    """Convert values to 0..255 by the dtype rule of `as_images`.

    ``prefix`` begins the message of an error; without it the values are those of a file. ``white`` is the integer that
    becomes 255, if it is not that of the rule; ``bits`` states it for 16 bits.
    """
    kind, depth = array.dtype.kind, 8 * array.dtype.itemsize
    if kind == "u" and depth == 16 and bits is not None:
        most = (1 << bits) - 1
        return _scaled(array, most, f"{bits} bits hold {most} at most: change --bits, in Python bits", prefix)
    if kind == "u" and depth <= 16 and white is not None:
        return _scaled(array, white, f"the file states {white} as white; it is damaged", prefix)
    if kind == "u" and depth == 8:
        return array
    if kind == "b":
        return array.astype(np.uint8) * np.uint8(255)
    if kind == "u" and depth == 16:
        return ((array.astype(np.uint32) + 128) // 257).astype(np.uint8)
    subject = f"{prefix}{array.dtype} values"
    if kind not in "iuf":
        raise ImageError(
            f"{subject}; allowed are bool, integers in 0..255, uint16 and floats in 0..1: convert them first"
        )
    low, high = array.min(), array.max()
    if kind == "f":
        _check_floats(low, high, subject, is_file=not prefix)
        wide = array.astype(np.float64 if depth > 32 else np.float32)
        return np.rint(wide * 255).astype(np.uint8)
    if low < 0 or high > 255:
        raise ImageError(
            f"{subject} from {low} to {high}; integers other than uint16 must lie in 0..255: scale them first"
        )
    return array.astype(np.uint8)


def _scaled(array: np.ndarray, white: int, remedy: str, prefix: str) -> Images:
    high = int(array.max())
    if high > white:
        raise ImageError(f"{prefix}values up to {high}, but {remedy}")
    return ((array.astype(np.uint32) * 510 + white) // (2 * white)).astype(np.uint8)


def _check_floats(low: Any, high: Any, subject: str, *, is_file: bool) -> None:
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ImageError(
            f"{subject} with NaN or infinity; floats must lie in 0..1: replace these values, or remove the image"
        )
    if low < 0 or high > 1:
        if is_file:
            remedy = "save it with these values, or as integers of 8 or 16 bits"
        elif low < -1 or (low < 0 and high > 1):
            remedy = "these look standardized; pass the values from before that"
        elif low < 0:
            remedy = "if they are on -1..1, pass (x + 1) / 2"
        elif high <= 255:
            remedy = ".astype(np.uint8) if they are on 0..255, or divide by 255"
        else:
            remedy = "divide by the value of white"
        raise ImageError(f"{subject} from {low!s} to {high!s}; floats must lie in 0..1: {remedy}")


def check_bits(bits: Any) -> int | None:
    """Check how many of the 16 bits of an image are used.

    Parameters
    ----------
    bits : int or None
        8 to 16; None for all.

    Returns
    -------
    int or None
        The same.

    Raises
    ------
    ParameterError
        If `bits` is something else.
    """
    if bits is None:
        return None
    if not isinstance(bits, Integral) or isinstance(bits, bool) or not 8 <= int(bits) <= 16:
        raise ParameterError(f"bits is {bits!r}; allowed is an integer from 8 to 16, or None for all 16 bits")
    return int(bits)


class Peaks:
    """Counts images of 16 bits, and those of them that use suspiciously few bits.

    ``peaks`` are the largest values of such images, None for others. The darkest photograph has a pixel beyond 12 bits.
    """

    def __init__(self, peaks: Iterable[int | None] = ()) -> None:
        self.n = self.n_small = self.largest = 0
        for peak in peaks:
            self.add(peak)

    def add(self, peak: int | None) -> None:
        """Add the largest value of an image of 16 bits; of others it is None."""
        if peak is not None:
            self.n += 1
            if 0 < peak < _SMALL:
                self.n_small += 1
                self.largest = max(self.largest, peak)

    def warning(self, remedy: str) -> str | None:
        """Return that images seem to use fewer bits, if so; ``remedy`` is what states them, with ``{}`` for the number.

        >>> Peaks([700, 1000, 60_000, 0]).warning("--bits {}")  # doctest: +NORMALIZE_WHITESPACE
        '2 of 4 images of 16 bits use the lowest 10 bits only and are nearly black; if their camera fills no more, read
        them by themselves with --bits 10'
        """
        if not self.n_small:
            return None
        used = max(8, self.largest.bit_length())
        one, some = self.n == 1, self.n_small < self.n
        which = f"{self.n_small:,} of {self.n:,} images" if some else "1 image" if one else f"all {self.n:,} images"
        one = one or self.n_small == 1
        return (
            f"{which} of 16 bits {'uses' if one else 'use'} the lowest {used} bits only and {'is' if one else 'are'} "
            f"nearly black; if {'its' if one else 'their'} camera fills no more, read {'it' if one else 'them'}"
            + (f" by {'itself' if one else 'themselves'}" if some else "")
            + f" with {remedy.format(used)}"
        )


def to_grey(array: Images, *, colour: bool) -> Images:
    """Convert RGB or RGBA to grey; if `colour`, the last axis holds 1, 3 or 4 channels."""
    if not colour:
        return np.ascontiguousarray(array)
    *lead, width, channels = array.shape
    # One call for the whole batch: the weights are per pixel, so the images can be stacked into one.
    tall = np.ascontiguousarray(array).reshape(-1, width, channels)
    if channels == 1:
        return tall.reshape(*lead, width)
    grey = cv2.cvtColor(tall, cv2.COLOR_RGB2GRAY if channels == 3 else cv2.COLOR_RGBA2GRAY)
    return grey.reshape(*lead, width).astype(np.uint8, copy=False)


def square(image: Images, size: int) -> Images:
    """Scale a grey image of at least 1 x 1 pixels, keeping its aspect ratio, and pad it by repeating its border."""
    height, width = image.shape
    if height == width == size:
        return image
    longest = max(height, width)
    # Scale first: padding an image of 1 x 10000 pixels would make one of 10000 x 10000.
    height, width = (max(1, round(side * size / longest)) for side in (height, width))
    interpolation = cv2.INTER_AREA if longest > size else cv2.INTER_LINEAR
    scaled = cv2.resize(image, (width, height), interpolation=interpolation)
    if height == width:
        return np.asarray(scaled, dtype=np.uint8)
    top, left = (size - height) // 2, (size - width) // 2
    margins = (top, size - height - top, left, size - width - left)
    return cv2.copyMakeBorder(scaled, *margins, cv2.BORDER_REPLICATE).astype(np.uint8, copy=False)
