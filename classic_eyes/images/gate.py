"""The gate: images of any kind become one grey batch, and extractors check that they receive one."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..errors import ImageError
from .arrays import (
    ALLOWED,
    MAX_PIXELS,
    MIN_SIZE,
    SIZE,
    Images,
    Peaks,
    check_bits,
    check_pixels,
    check_size,
    square,
    to_grey,
    to_uint8,
)
from .files import Source, is_source, quoted, read_batch
from .photographs import read_photograph

__all__ = ["as_images", "as_photograph", "check_batch", "from_pil", "in_blocks", "is_pil"]

# Values of an array that are converted at a time.
_N_VALUES = 1 << 20
# Modes whose values are grey, RGB or RGBA. Others are converted: 1 as grey, as its array would be bool.
_PLAIN_MODES = frozenset({"L", "RGB", "RGBA", "F", "I", "I;16", "I;16L", "I;16B", "I;16N"})
_CONVERTED_MODES = {"1": "L", "LA": "L", "La": "LA", "P": "RGBA", "PA": "RGBA", "RGBa": "RGBA", "RGBX": "RGB"}
_CONVERTED_MODES |= {"CMYK": "RGB", "YCbCr": "RGB", "HSV": "RGB"}


def as_images(images: Any, *, size: int = SIZE, max_pixels: int = MAX_PIXELS, bits: int | None = None) -> Images:
    """Convert images of any kind to one grey batch.

    1. Read paths and contents of files as :func:`read_images` does. Convert PIL images by their mode, and turn them as
       their EXIF data say.
    2. Convert the values to uint8 by the dtype rule below.
    3. Convert colour to grey: ``0.299 R + 0.587 G + 0.114 B``, rounded; alpha is ignored.
    4. Scale by ``size / max(h, w)``. This keeps the aspect ratio, on which the opening of an eye depends. Reduction
       averages areas (block means for an integer factor), enlargement is bilinear.
    5. Pad the shorter side evenly to `size` by repeating the border.

    The dtype rule, for arrays and for decoded files:

    - uint8 is kept; bool becomes 0 and 255;
    - uint16 is divided by 257 and rounded; with `bits`, multiplied by ``255 / (2 ** bits - 1)``;
    - other integers must lie in 0..255;
    - floats must lie in 0..1 (scikit-image's convention), are multiplied by 255 and rounded;
    - other dtypes are refused.

    Images are converted independently: row i alone gives the same bytes as row i in a batch.

    Parameters
    ----------
    images : array or sequence
        An array ``(n, h, w)``, ``(n, h, w, 1)``, ``(n, h, w, 3)`` (RGB) or ``(n, h, w, 4)`` (RGBA); or a sequence, of
        which each item is an array ``(h, w)``, ``(h, w, 1)``, ``(h, w, 3)`` or ``(h, w, 4)`` of any size, a path (str
        or os.PathLike), the content of an image file (bytes), or a PIL image. An array ``(n, h, w)`` with ``w`` 1, 3 or
        4 is refused, as it looks like one colour image.
    size : int, default=24
        Height and width of the result in pixels, at least 8.
    max_pixels : int, default=100_000_000
        Largest image that is accepted, height times width; larger ones are refused before their values are read.
    bits : int, optional
        How many bits of uint16 images are used, 8 to 16, for cameras that fill only the lowest ones.

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
        If `size`, `max_pixels` or `bits` is not allowed.

    Warns
    -----
    UserWarning
        If images of 16 bits use the lowest 12 bits at most, and `bits` is not given.

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
    gate = _Gate(check_size(size), check_pixels(max_pixels), check_bits(bits))
    images = _given(images)
    result = gate.batch(images) if _is_batch(images) else gate.sequence(images)
    gate.warn_of_bits()
    return result


def in_blocks(images: Any, n: int, *, size: int = SIZE) -> Iterator[Images]:
    """Convert images as `as_images` does, and yield ``n`` at a time: memory does not grow with an array.

    Sequences are converted at once; what they hold takes more memory than the result.

    >>> [block.shape for block in in_blocks(np.zeros((5, 40, 40)), 3)]
    [(3, 24, 24), (2, 24, 24)]
    """
    gate = _Gate(check_size(size), MAX_PIXELS, None)
    images = _given(images)
    if _is_batch(images):
        gate.check_batch_shape(images.shape)
        for start in range(0, len(images), n):
            yield gate.convert(images[start : start + n])
    else:
        converted = gate.sequence(images)
        for start in range(0, len(converted), n):
            yield converted[start : start + n]
    gate.warn_of_bits()


def _given(images: Any) -> Any:
    """Return an array for what can be one, and other images unchanged; refuse a single image."""
    if type(images) is np.ndarray:
        return images
    if is_source(images):
        what = "single path" if isinstance(images, str | os.PathLike) else "content of a single file"
        raise ImageError(
            f"images is the {what} {quoted(images)}; allowed is {ALLOWED}: "
            "put one image in a list, [image]; read a folder with classic_eyes.datasets.read_eyes or predict.py"
        )
    if is_pil(images):
        raise ImageError(f"images is a single PIL image; allowed is {ALLOWED}: put it in a list, [image]")
    if hasattr(images, "__array__"):
        images = np.asarray(images)
    if not isinstance(images, Sequence | np.ndarray):
        remedy = "pass [images.read()]" if hasattr(images, "read") else "list(...) may help"
        raise ImageError(f"images is a {type(images).__name__}; allowed is {ALLOWED}: {remedy}")
    return images


def _is_batch(images: Any) -> bool:
    """Return whether images are an array of their values, and not of paths or other objects."""
    return isinstance(images, np.ndarray) and (images.dtype.kind not in "OUS" or images.ndim != 1)


def as_image(image: Any, *, size: int = SIZE) -> Images:
    """Convert one image to a batch of one, at low overhead.

    Parameters
    ----------
    image : array of shape (h, w), (h, w, 1), (h, w, 3) RGB or (h, w, 4) RGBA, or path, bytes or PIL image
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
        If `image` is anything else, for example a batch, or cannot be read.

    Examples
    --------
    >>> import numpy as np
    >>> from classic_eyes.images import as_image
    >>> as_image(np.zeros((30, 40), np.uint8)).shape
    (1, 24, 24)
    """
    gate = _Gate(size, MAX_PIXELS, None)
    if is_source(image):
        return gate.files([image], ["image"])
    return square(gate.item(image, "image", "for several, call predict_proba"), size)[np.newaxis]


def as_photograph(photograph: Any) -> Images:
    """Convert one photograph of any kind to grey or RGB, at its own size.

    Parameters
    ----------
    photograph : array, path, bytes or PIL image
        An array of shape (h, w), (h, w, 1), (h, w, 3) RGB or (h, w, 4) RGBA; an image file, its URL or its content; or
        a PIL image. Values, orientation and alpha as in :func:`as_images`.

    Returns
    -------
    ndarray of uint8, shape (h, w) or (h, w, 3)
        Grey, or red, green, blue.

    Raises
    ------
    ImageError
        If `photograph` is anything else, for example a batch, or cannot be read.

    Examples
    --------
    >>> import numpy as np
    >>> from classic_eyes.images import as_photograph
    >>> as_photograph(np.zeros((300, 400, 4))).shape
    (300, 400, 3)
    """
    if is_source(photograph):
        try:
            return read_photograph(photograph)
        except ImageError as error:
            raise ImageError(f"photograph {quoted(photograph)}: {error}") from error
    values = _Gate(MIN_SIZE, MAX_PIXELS, None).values(photograph, "photograph", "pass photographs one by one")
    if values.ndim == 2:
        return values
    return np.ascontiguousarray(values[..., 0] if values.shape[2] == 1 else values[..., :3])


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


class _Gate:
    """Converts images of one call; collects the largest values of those of 16 bits."""

    def __init__(self, size: int, max_pixels: int, bits: int | None) -> None:
        self.size, self.max_pixels, self.bits = size, max_pixels, bits
        self.peaks: list[int | None] = []

    def batch(self, array: np.ndarray) -> Images:
        """Return the images of an array (n, h, w) or (n, h, w, channels)."""
        self.check_batch_shape(array.shape)
        return self.convert(array)

    def check_batch_shape(self, shape: tuple[int, ...]) -> None:
        """Refuse an array that is no batch of images, by its shape."""
        if shape and shape[0] == 0:
            raise ImageError(f"images has shape {shape}: no images; at least one is needed")
        _check_batch_shape(shape)
        self._check_area(shape[1:3], "images")

    def convert(self, array: np.ndarray) -> Images:
        """Return the images of an array of the right shape."""
        if array.dtype == np.uint8 and array.shape[1:] == (self.size, self.size):
            return np.ascontiguousarray(array)
        out = np.empty((len(array), self.size, self.size), dtype=np.uint8)
        # A conversion takes several bytes a value.
        n_at_once = max(1, _N_VALUES // int(np.prod(array.shape[1:])))
        for start in range(0, len(array), n_at_once):
            values = self._values(array[start : start + n_at_once], "images has ")
            grey = to_grey(values, colour=array.ndim == 4)
            if array.shape[1:3] == (self.size, self.size):
                out[start : start + len(grey)] = grey
            else:
                for row, image in enumerate(grey, start):
                    out[row] = square(image, self.size)
        return out

    def sequence(self, items: Sequence[Any] | np.ndarray) -> Images:
        """Return the images of a sequence of arrays, files and PIL images."""
        if len(items) == 0:
            raise ImageError(f"no images: images is an empty {type(items).__name__}; at least one is needed")
        out = np.empty((len(items), self.size, self.size), dtype=np.uint8)
        rows = []
        for row, item in enumerate(items):
            if is_source(item):
                rows.append(row)
            else:
                out[row] = square(self.item(item, f"images[{row}]", _BATCH_REMEDY), self.size)
        if rows:
            out[rows] = self.files(
                [items[row] for row in rows], [f"images[{row}] {quoted(items[row])}" for row in rows]
            )
        return out

    def files(self, sources: Sequence[Source], names: Sequence[str]) -> Images:
        """Return the images of files, all of which must be readable."""
        images, errors, peaks = read_batch(sources, self.size, self.max_pixels, self.bits)
        failed = [f"{name}: {error}" for name, error in zip(names, errors, strict=True) if error]
        if failed:
            more = f"; and {len(failed) - 3} more" if len(failed) > 3 else ""
            raise ImageError(
                f"{len(failed)} of {len(errors)} images cannot be read: {'; '.join(failed[:3])}{more}: "
                "remove them, or call classic_eyes.images.read_images, which returns an error for each"
            )
        self.peaks += peaks
        return images

    def item(self, item: Any, name: str, remedy: str) -> Images:
        """Return one image, an array or a PIL image, in grey and at its own size."""
        values = self.values(item, name, remedy)
        return to_grey(values, colour=values.ndim == 3)

    def values(self, item: Any, name: str, remedy: str) -> Images:
        """Return the values of one image, an array or a PIL image, (h, w) or (h, w, channels)."""
        if is_pil(item):
            self._check_area(item.size, name)
            item = from_pil(item, name)
        if isinstance(item, list | tuple):
            # Checked before numpy copies the values.
            n_values = sum(getattr(part, "size", 1) for part in item)
            if n_values > 4 * self.max_pixels:
                raise ImageError(
                    f"{name} is a {type(item).__name__} of {n_values:,} values; allowed is {_ALLOWED_ITEM}"
                )
        try:
            array = np.asarray(item)
        except ValueError as error:
            raise ImageError(f"{name} is a ragged {type(item).__name__}; allowed is {_ALLOWED_ITEM}") from error
        if array.ndim == 0:
            what = (
                "an array" if isinstance(item, np.ndarray) else "None" if item is None else f"a {type(item).__name__}"
            )
            remedy = ": pass its content, .read()" if hasattr(item, "read") else ""
            raise ImageError(f"{name} is {what}; allowed is {_ALLOWED_ITEM}{remedy}")
        if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[-1] not in (1, 3, 4)) or 0 in array.shape:
            raise ImageError(
                f"{name} has shape {array.shape}; every image is (h, w), (h, w, 1), (h, w, 3) RGB or (h, w, 4) RGBA "
                f"with h and w at least 1: {remedy}"
            )
        self._check_area(array.shape[:2], name)
        return self._values(array, f"{name} has ")

    def _values(self, array: np.ndarray, prefix: str) -> Images:
        if array.dtype.kind != "u" or array.dtype.itemsize != 2:
            return to_uint8(array, prefix)
        if self.bits is None:
            self.peaks.append(int(array.max()))
        return to_uint8(array, prefix, bits=self.bits)

    def _check_area(self, shape: tuple[int, ...], name: str) -> None:
        if shape[0] * shape[1] > self.max_pixels:
            raise ImageError(
                f"{name}: an image of {shape[0]} x {shape[1]} pixels; allowed are {self.max_pixels:,}: crop the eye "
                "first, or pass max_pixels to classic_eyes.images.as_images"
            )

    def warn_of_bits(self) -> None:
        """Warn, at the caller's line, if images of 16 bits are suspiciously dark."""
        if warning := Peaks(self.peaks).warning("bits={} of classic_eyes.images.as_images"):
            warnings.warn(warning, UserWarning, stacklevel=_level_of_caller())


def is_pil(item: Any) -> bool:
    """Return whether an object is an image of Pillow."""
    pillow = sys.modules.get("PIL.Image")
    return pillow is not None and isinstance(item, pillow.Image)


def from_pil(image: Any, name: str) -> np.ndarray:
    """Return the values of an image of Pillow, turned as its EXIF data say; `name` begins the message of an error."""
    from PIL import ImageOps

    mode = image.mode
    if mode not in _PLAIN_MODES and mode not in _CONVERTED_MODES:
        raise ImageError(f"{name} is a PIL image of mode {mode}, which is not supported; pass image.convert('RGB')")
    try:
        turned = ImageOps.exif_transpose(image)
        while turned.mode in _CONVERTED_MODES:
            turned = turned.convert(_CONVERTED_MODES[turned.mode])
        return np.asarray(turned)
    except (OSError, ValueError, SyntaxError, EOFError) as error:  # Pillow decodes only now
        raise ImageError(f"{name} is a PIL image that cannot be decoded: {' '.join(str(error).split())}") from error


def _level_of_caller() -> int:
    """Return the stack level, for the function that calls this, of the first frame outside of the package."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        level, frame = level + 1, frame.f_back
    return level


_PACKAGE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "")
_ALLOWED_ITEM = "an array (h, w), (h, w, 3) RGB or (h, w, 4) RGBA, a path, bytes or a PIL image"
_BATCH_REMEDY = "join batches with np.concatenate instead"


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
