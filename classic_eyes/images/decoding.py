"""Decoding: the bytes of an image file become grey or RGB values from 0 to 255, as a person sees the image."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import cv2
import numpy as np

from .._utils.dependencies import opencv_log
from ..errors import ImageError
from .arrays import Images, to_uint8
from .formats import plan_of
from .headers import stated_size

__all__ = ["Decoded", "decode", "quiet_opencv"]

_GREY = cv2.IMREAD_GRAYSCALE | cv2.IMREAD_ANYDEPTH
_COLOUR = cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH
_REDUCED = {2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4, 8: cv2.IMREAD_REDUCED_COLOR_8}


class Decoded(NamedTuple):
    """An image of shape (h, w) or (h, w, 3), RGB; and the largest value that it had in 16 bits, if it had 16 bits.

    ``peak`` is None where the file or the caller states how many of the bits are used.
    """

    image: Images
    peak: int | None


def decode(
    data: bytes,
    *,
    colour: bool,
    max_pixels: int,
    bits: int | None = None,
    reduction: int = 1,
    as_stored: bool = False,
) -> Decoded:
    """Decode an image file.

    1. Check the size that the header states.
    2. Decode with OpenCV, which applies the orientation in EXIF data and ignores alpha. Of several images the first is
       used. What OpenCV does otherwise than a file means is made up for, or refused; see `plan_of`.
    3. Convert the values by the dtype rule of `as_images`. With ``bits``, images of 16 bits use only so many.
    4. Convert to grey, or to RGB.

    ``reduction``, 2, 4 or 8, decodes a JPEG in colour at a part of its size: at half of it, twice as fast. With
    ``as_stored`` the orientation in EXIF data is not applied.
    """
    stated = stated_size(data)
    if stated is None:
        raise _not_readable(data)
    if stated[0] * stated[1] > max_pixels:
        raise ImageError(f"the header states {stated[0]} x {stated[1]} pixels; at most {max_pixels:,} are decoded")
    plan = plan_of(data)
    flags = _COLOUR if colour else _GREY
    if reduction > 1:
        flags = _REDUCED[reduction]
    if as_stored:
        flags |= cv2.IMREAD_IGNORE_ORIENTATION
    if plan is not None:
        data, flags = plan.data, cv2.IMREAD_UNCHANGED if plan.unchanged else flags
    try:
        # Positional arguments: keywords make this call half as expensive again.
        image: Any = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise _not_readable(data) from error
    if image is None:
        raise _not_readable(data)
    if image.dtype == np.uint8 and plan is None and image.ndim == 2 and not colour:
        return Decoded(image, None)
    white, peak = None if plan is None else plan.white, None
    if white is not None:  # the file states it
        bits = None
    elif image.dtype == np.uint16 and bits is None:
        peak = int(image.max())
    values = to_uint8(image, white=white, bits=bits)
    if plan is not None:
        if plan.inverted and image.dtype != np.uint8:
            values = 255 - values
        values = plan.turn(values)
    return Decoded(_to_rgb(values) if colour else _to_grey(values), peak)


def _not_readable(data: bytes) -> ImageError:
    from .reasons import why_not_readable  # most runs read every file

    return ImageError(why_not_readable(data))


def _to_grey(values: Images) -> Any:
    if values.ndim == 2:
        return values
    return cv2.cvtColor(values, cv2.COLOR_BGR2GRAY if values.shape[2] == 3 else cv2.COLOR_BGRA2GRAY)


def _to_rgb(values: Images) -> Any:
    codes = {3: cv2.COLOR_BGR2RGB, 4: cv2.COLOR_BGRA2RGB}
    return cv2.cvtColor(values, cv2.COLOR_GRAY2RGB if values.ndim == 2 else codes[values.shape[2]])


_quiet_lock = threading.Lock()
_quiet_state = {"depth": 0, "level": 0}


@contextmanager
def quiet_opencv() -> Iterator[None]:
    """Silence OpenCV's log while files are read, as errors are reported to the caller.

    The log level belongs to the process, so nested and concurrent calls are counted. Messages that libpng and libjpeg
    print themselves cannot be silenced.
    """
    with _quiet_lock:
        if _quiet_state["depth"] == 0:
            _quiet_state["level"] = opencv_log.setLogLevel(0)
        _quiet_state["depth"] += 1
    try:
        yield
    finally:
        with _quiet_lock:
            _quiet_state["depth"] -= 1
            if _quiet_state["depth"] == 0:
                opencv_log.setLogLevel(_quiet_state["level"])
