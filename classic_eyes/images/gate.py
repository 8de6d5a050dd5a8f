"""The gate: images of any kind become one grey batch, and extractors check that they receive one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ImageError
from .arrays import ALLOWED, MAX_PIXELS, SIZE, Images, check_pixels, check_size, square, to_grey, to_uint8
from .files import Path, quoted, read_batch

__all__ = ["as_images", "check_batch"]


def as_images(images: Any, *, size: int = SIZE, max_pixels: int = MAX_PIXELS) -> Images:
    """Convert images of any kind to one grey batch.

    1. If `images` are paths, read the files as :func:`read_images` does.
    2. Convert the values to uint8 by the dtype rule below.
    3. Convert colour to grey: ``0.299 R + 0.587 G + 0.114 B``, rounded; alpha is ignored.
    4. Scale by ``size / max(h, w)``. This keeps the aspect ratio, on which the opening of an eye depends. Reduction
       averages areas (block means for an integer factor), enlargement is bilinear.
    5. Pad the shorter side evenly to `size` by repeating the border.

    The dtype rule, for arrays and for decoded files:

    - uint8 is kept; bool becomes 0 and 255; uint16 is divided by 257 and rounded;
    - other integers must lie in 0..255;
    - floats must lie in 0..1 (scikit-image's convention), are multiplied by 255 and rounded;
    - other dtypes are refused.

    Images are converted independently: row i alone gives the same bytes as row i in a batch.

    Parameters
    ----------
    images : array or sequence
        An array ``(n, h, w)``, ``(n, h, w, 1)``, ``(n, h, w, 3)`` (RGB) or ``(n, h, w, 4)`` (RGBA); or a sequence of
        arrays ``(h, w)``, ``(h, w, 1)``, ``(h, w, 3)`` or ``(h, w, 4)`` of any sizes; or a sequence of paths (str or
        os.PathLike). An array ``(n, h, w)`` with ``w`` 1, 3 or 4 is refused, as it looks like one colour image.
    size : int, default=24
        Height and width of the result in pixels, at least 8.
    max_pixels : int, default=100_000_000
        Largest image that is accepted, height times width; larger ones are refused before their values are read.

    Returns
    -------
    ndarray of uint8, shape (n, size, size)
        Grey levels, 0 black to 255 white. It may share memory with `images`.

    Raises
    ------
    ImageError
        If `images` is a single path or empty, has another shape or dtype, has values outside the range of its dtype
        (or NaN or infinity), has an image of more than `max_pixels`, or names a file that cannot be read.
    ParameterError
        If `size` is not an integer of at least 8, or `max_pixels` not one of at least 1.

    Examples
    --------
    >>> import numpy as np
    >>> from classic_eyes.images import as_images
    >>> wide = np.full((1, 30, 60, 3), 100, dtype=np.uint8)
    >>> as_images(wide).shape
    (1, 24, 24)
    >>> as_images([np.zeros((52, 52)), np.ones((24, 12))]).max(axis=(1, 2))
    array([  0, 255], dtype=uint8)
    """
    size, max_pixels = check_size(size), check_pixels(max_pixels)
    if isinstance(images, str | bytes | os.PathLike):
        raise ImageError(
            f"images is the single path {os.fspath(images)!r}; allowed is {ALLOWED}: "
            "put one image in a list, [path]; read a folder with classic_eyes.datasets.read_eyes or predict.py"
        )
    if hasattr(images, "__array__"):
        images = np.asarray(images)
        if images.dtype.kind not in "OU" or images.ndim != 1:
            return _from_array(images, size, max_pixels)
    elif not isinstance(images, Sequence):
        raise ImageError(f"images is a {type(images).__name__}; allowed is {ALLOWED}: list(...) may help")
    return _from_sequence(images, size, max_pixels)


def as_image(image: Any, *, size: int = SIZE) -> Images:
    """Convert one image to a batch of one, at low overhead.

    Parameters
    ----------
    image : array of shape (h, w), (h, w, 1), (h, w, 3) RGB or (h, w, 4) RGBA
        Values as in :func:`as_images`.
    size : int, default=24
        Height and width of the result in pixels.

    Returns
    -------
    ndarray of uint8, shape (1, size, size)
        Grey levels.

    Raises
    ------
    ImageError
        If `image` is anything else, for example a batch or a path.

    Examples
    --------
    >>> import numpy as np
    >>> from classic_eyes.images import as_image
    >>> as_image(np.zeros((30, 40), np.uint8)).shape
    (1, 24, 24)
    """
    return square(_item_to_grey(image, "image", MAX_PIXELS, _ONE_REMEDY), size)[np.newaxis]


def check_batch(X: Any) -> Images:
    """Check that an array is a grey batch, as returned by `as_images`; extractors call this first.

    Parameters
    ----------
    X : ndarray of uint8, shape (n, h, w)
        Grey images, at least one, at least one pixel high and wide.

    Returns
    -------
    ndarray of uint8, shape (n, h, w)
        `X` itself, or a C-contiguous copy if it is strided.

    Raises
    ------
    ImageError
        If `X` is not an array, not of dtype uint8, not 3-D, or empty.

    Examples
    --------
    >>> import numpy as np
    >>> from classic_eyes.images import check_batch
    >>> check_batch(np.zeros((5, 24, 24), dtype=np.uint8)).shape
    (5, 24, 24)
    """
    if not isinstance(X, np.ndarray):
        got = f"a {type(X).__name__}"
    elif X.dtype != np.uint8:
        got = f"an array of dtype {X.dtype}"
    elif X.ndim != 3 or 0 in X.shape:
        got = f"an array of shape {X.shape}"
    else:
        return np.ascontiguousarray(X)
    raise ImageError(
        f"X is {got}; an extractor takes grey uint8 images (n, h, w) with n, h and w at least 1: "
        "call classic_eyes.images.as_images first"
    )


def _from_array(array: np.ndarray, size: int, max_pixels: int) -> Images:
    if array.ndim and len(array) == 0:
        raise ImageError(f"images has shape {array.shape}: no images; at least one is needed")
    _check_batch_shape(array.shape)
    _check_area(array.shape[1:3], max_pixels, "images")
    grey = to_grey(to_uint8(array, "images has "), colour=array.ndim == 4)
    if grey.shape[1:] == (size, size):
        return grey
    out = np.empty((len(grey), size, size), dtype=np.uint8)
    for row, image in enumerate(grey):
        out[row] = square(image, size)
    return out


def _check_batch_shape(shape: tuple[int, ...]) -> None:
    remedy = None
    if len(shape) == 2:
        remedy = "if it is one image, pass images[np.newaxis]"
    elif len(shape) == 3 and shape[-1] in (1, 3, 4):
        remedy = "if it is one colour image, pass images[np.newaxis]; a batch this narrow, pass as a list"
    elif len(shape) not in (3, 4) or (len(shape) == 4 and shape[-1] not in (1, 3, 4)):
        remedy = "colour comes last, as 1, 3 (RGB) or 4 (RGBA) channels"
    elif 0 in shape:
        remedy = "height and width must be at least 1"
    if remedy:
        raise ImageError(f"images has shape {shape}; allowed is {ALLOWED}: {remedy}")


def _check_area(shape: tuple[int, ...], max_pixels: int, name: str) -> None:
    if shape[0] * shape[1] > max_pixels:
        raise ImageError(
            f"{name}: an image of {shape[0]} x {shape[1]} pixels; allowed are {max_pixels:,}: crop the eye first, "
            "or pass max_pixels to classic_eyes.images.as_images"
        )


def _from_sequence(items: Sequence[Any], size: int, max_pixels: int) -> Images:
    if len(items) == 0:
        raise ImageError(f"no images: images is an empty {type(items).__name__}; at least one is needed")
    are_paths = [isinstance(item, str | os.PathLike) for item in items]
    if all(are_paths):
        return _from_paths(items, size, max_pixels)
    if any(are_paths):
        mixed = are_paths.index(not are_paths[0])
        other = items[mixed if are_paths[0] else 0]
        raise ImageError(f"images[0] and images[{mixed}] are a path and {_described(other)}; allowed is {ALLOWED}")
    out = np.empty((len(items), size, size), dtype=np.uint8)
    for row, item in enumerate(items):
        out[row] = square(_item_to_grey(item, f"images[{row}]", max_pixels), size)
    return out


def _from_paths(paths: Sequence[Path], size: int, max_pixels: int) -> Images:
    images, errors = read_batch(paths, size, max_pixels)
    failed = [f"images[{row}] {quoted(paths[row])}: {error}" for row, error in enumerate(errors) if error]
    if failed:
        more = f"; and {len(failed) - 3} more" if len(failed) > 3 else ""
        raise ImageError(
            f"{len(failed)} of {len(errors)} images cannot be read: {'; '.join(failed[:3])}{more}: "
            "remove them, or call classic_eyes.images.read_images, which returns an error for each"
        )
    return images


_BATCH_REMEDY = "join batches with np.concatenate instead"
_ONE_REMEDY = "for several, or for files, call predict_proba"


def _described(item: Any) -> str:
    return "an array" if isinstance(item, np.ndarray) else "None" if item is None else f"a {type(item).__name__}"


def _item_to_grey(item: Any, name: str, max_pixels: int, remedy: str = _BATCH_REMEDY) -> Images:
    if isinstance(item, list | tuple):
        # Checked before numpy copies the values.
        n_values = sum(getattr(part, "size", 1) for part in item)
        if n_values > 4 * max_pixels:
            raise ImageError(f"{name} is a {type(item).__name__} of {n_values:,} values; allowed is an array (h, w)")
    try:
        array = np.asarray(item)
    except ValueError as error:
        raise ImageError(f"{name} is a ragged {type(item).__name__}; allowed is an array (h, w)") from error
    if array.ndim == 0:
        raise ImageError(f"{name} is {_described(item)}; allowed is an array (h, w), (h, w, 3) RGB or (h, w, 4) RGBA")
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[-1] not in (1, 3, 4)) or 0 in array.shape:
        raise ImageError(
            f"{name} has shape {array.shape}; every image is (h, w), (h, w, 1), (h, w, 3) RGB or (h, w, 4) RGBA with "
            f"h and w at least 1: {remedy}"
        )
    _check_area(array.shape[:2], max_pixels, name)
    return to_grey(to_uint8(array, f"{name} has "), colour=array.ndim == 3)
