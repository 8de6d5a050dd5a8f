"""The one gate for picture input: files and arrays of any kind become grey uint8 ``(n, size, size)``.

Files are read by OpenCV, from bytes in memory, so that any file name works and 16-bit and float pictures keep their
depth until the dtype rule of :func:`as_pictures` brings them to 0..255. Behind this gate nothing checks again, except
the extractors, which ask :func:`check_batch` whether they were handed a batch that came through here.
"""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from numbers import Integral
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from .errors import ParameterError, PictureError
from .remote import is_url, read_url, read_urls

__all__ = [
    "PICTURE_ENDINGS",
    "SIZE",
    "as_pictures",
    "check_batch",
    "read_bytes",
    "read_picture",
    "read_pictures",
]

Pictures: TypeAlias = NDArray[np.uint8]
Path: TypeAlias = str | os.PathLike[str]

SIZE = 24
MIN_SIZE = 8
MAX_BYTES = 1 << 29

# Left out although OpenCV decodes them: .ras, .sr and .pam come out with wrong greys (4.14), .hdr and .pic hold
# radiances that are not on 0..1, .exr is disabled in the wheels.
PICTURE_ENDINGS: frozenset[str] = frozenset(
    {".apng", ".avif", ".bmp", ".dib", ".gif", ".jp2", ".jpe", ".jpeg", ".jpg", ".pbm", ".pfm", ".pgm", ".png", ".pnm"}
    | {".ppm", ".tif", ".tiff", ".webp"}
)

NOT_READABLE = "not a picture OpenCV can read"
_ALLOWED = "an array (n, h, w) or (n, h, w, 3), a sequence of arrays of any sizes, or a sequence of paths"
_DECODE_FLAGS = cv2.IMREAD_GRAYSCALE | cv2.IMREAD_ANYDEPTH
_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
# Bytes read before the first of them is decoded: system calls and decoders run a quarter faster each among their kind
# than in turns. Few enough that a folder of photographs is not held in memory.
_READ_AHEAD = 1 << 20
_OPEN_REASONS = {
    errno.ENOENT: "no such file",
    errno.ENOTDIR: "no such file",
    errno.EACCES: "no permission",
    errno.EPERM: "no permission",
    errno.ELOOP: "a link that leads back to itself",
    errno.ENAMETOOLONG: "the name is too long",
}


def as_pictures(pictures: Any, *, size: int = SIZE) -> Pictures:
    """Bring pictures of any kind to one grey batch.

    1. Read the files, if `pictures` are paths (as :func:`read_pictures`).
    2. Bring the values to uint8 by the dtype rule below.
    3. Turn colour to grey: ``0.299 R + 0.587 G + 0.114 B``, rounded; alpha is ignored.
    4. Scale by ``size / max(h, w)``, so that the aspect is kept: an eye squashed to a square would look more open or
       more closed than it is. Reducing averages areas (an exact integer reduction is block means), enlarging is
       bilinear.
    5. Pad the shorter side evenly to `size` by repeating the border.

    The dtype rule, for arrays and for what is in a file:

    - uint8 stays as it is; bool becomes 0 and 255; uint16 is divided by 257 and rounded;
    - other integers must lie in 0..255;
    - floats must lie in 0..1 (scikit-image's convention), are multiplied by 255 and rounded;
    - everything else is refused.

    Every picture is treated by itself: row i alone gives the same bytes as row i in a batch.

    Parameters
    ----------
    pictures : array or sequence
        An array ``(n, h, w)``, ``(n, h, w, 1)``, ``(n, h, w, 3)`` (RGB) or ``(n, h, w, 4)`` (RGBA); or a sequence of
        arrays ``(h, w)``, ``(h, w, 1)``, ``(h, w, 3)`` or ``(h, w, 4)`` of any sizes; or a sequence of paths (str or
        os.PathLike). An array ``(n, h, w)`` with ``w`` 1, 3 or 4 is refused, for it looks like one colour picture.
    size : int, default=24
        Height and width of the result in pixels, at least 8.

    Returns
    -------
    ndarray of uint8, shape (n, size, size)
        Grey levels, 0 black to 255 white. It may share memory with `pictures`.

    Raises
    ------
    PictureError
        If `pictures` is a single path, holds no picture, has another shape or dtype, has values outside its range
        (NaN and infinity included), or names a file that cannot be read.
    ParameterError
        If `size` is not an integer of at least 8.

    Examples
    --------
    >>> import numpy as np
    >>> from classic_eyes.images import as_pictures
    >>> wide = np.full((1, 30, 60, 3), 100, dtype=np.uint8)
    >>> as_pictures(wide).shape
    (1, 24, 24)
    >>> as_pictures([np.zeros((52, 52)), np.ones((24, 12))]).max(axis=(1, 2))
    array([  0, 255], dtype=uint8)
    """
    size = _check_size(size)
    if isinstance(pictures, str | bytes | os.PathLike):
        raise PictureError(
            f"pictures is the single path {os.fspath(pictures)!r}; allowed is {_ALLOWED}: "
            "put one picture in a list, [path]; read a folder with classic_eyes.datasets.read_eyes or predict.py"
        )
    if hasattr(pictures, "__array__"):
        pictures = np.asarray(pictures)
        if pictures.dtype.kind not in "OU" or pictures.ndim != 1:
            return _from_array(pictures, size)
    elif not isinstance(pictures, Sequence):
        raise PictureError(f"pictures is a {type(pictures).__name__}; allowed is {_ALLOWED}: list(...) may help")
    return _from_sequence(pictures, size)


def check_batch(X: Any) -> Pictures:
    """Check that a batch came through the gate: what an extractor calls first.

    Parameters
    ----------
    X : ndarray of uint8, shape (n, h, w)
        Grey pictures, at least one, at least one pixel high and wide.

    Returns
    -------
    ndarray of uint8, shape (n, h, w)
        `X` itself, or a C-contiguous copy of it if it was strided.

    Raises
    ------
    PictureError
        If `X` is not an array, not of dtype uint8, not 3-D, or has no picture or no pixel in it.

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
    raise PictureError(
        f"X is {got}; an extractor takes grey uint8 pictures (n, h, w) with n, h and w at least 1: "
        "call classic_eyes.images.as_pictures first"
    )


def read_picture(path: Path, *, size: int = SIZE) -> Pictures:
    """Read one picture file as a grey square.

    The picture is turned upright if its EXIF data say so; of several pictures in one file (GIF, TIFF) the first is
    taken. Then steps 2 to 5 of :func:`as_pictures` follow.

    Parameters
    ----------
    path : str or os.PathLike
        A picture file or its URL (:func:`classic_eyes.remote.read_url`); what it is, is told by its content, not by its
        ending.
    size : int, default=24
        Height and width of the result in pixels, at least 8.

    Returns
    -------
    ndarray of uint8, shape (size, size)
        Grey levels, 0 black to 255 white.

    Raises
    ------
    PictureError
        If :func:`read_bytes` or :func:`classic_eyes.remote.read_url` refuses the file, OpenCV cannot decode it, or its
        values break the dtype rule.
    ParameterError
        If `size` is not an integer of at least 8.

    Examples
    --------
    >>> from classic_eyes.images import read_picture
    >>> read_picture("missing.png")
    Traceback (most recent call last):
        ...
    classic_eyes.errors.PictureError: 'missing.png': no such file
    """
    size = _check_size(size)
    with _quiet_opencv():
        try:
            data = read_url(str(path), MAX_BYTES) if is_url(path) else read_bytes(path)
            return _decode_square(data, size)
        except PictureError as error:
            raise PictureError(f"{_shown(path)}: {error}") from error.__cause__


def read_pictures(paths: Sequence[Path], *, size: int = SIZE) -> tuple[Pictures, list[str | None]]:
    """Read picture files into one batch, with a reason for each that could not be read.

    Parameters
    ----------
    paths : sequence of str or os.PathLike
        Picture files or URLs, each read as by :func:`read_picture`; of URLs 32 at a time.
    size : int, default=24
        Height and width of the result in pixels, at least 8.

    Returns
    -------
    pictures : ndarray of uint8, shape (n, size, size)
        Grey levels; a file that could not be read has zeros.
    errors : list of str or None, length n
        None for a file that was read, else the reason in one line, without the path.

    Raises
    ------
    ParameterError
        If `size` is not an integer of at least 8. No file ever raises.

    Examples
    --------
    >>> from classic_eyes.images import read_pictures
    >>> pictures, errors = read_pictures(["missing.png"])
    >>> pictures.shape, errors
    ((1, 24, 24), ['no such file'])
    """
    size = _check_size(size)
    pictures = np.zeros((len(paths), size, size), dtype=np.uint8)
    errors: list[str | None] = [None] * len(paths)
    held: list[tuple[int, bytes]] = []
    waiting = 0
    with _quiet_opencv():
        for row, data in _read_each(paths):
            if isinstance(data, PictureError):
                errors[row] = str(data)
                continue
            held.append((row, data))
            waiting += len(data)
            if waiting > _READ_AHEAD:
                _decode_into(pictures, errors, held)
                held, waiting = [], 0
        _decode_into(pictures, errors, held)
    return pictures, errors


def _read_each(paths: Sequence[Path]) -> Iterator[tuple[int, bytes | PictureError]]:
    """Give what each file holds, or why it cannot be read, and its row; URLs last, several at a time."""
    far = []
    for row, path in enumerate(paths):
        if is_url(path):
            far.append(row)
            continue
        try:
            yield row, read_bytes(path)
        except PictureError as error:
            yield row, error
    if far:
        yield from zip(far, read_urls([str(paths[row]) for row in far], MAX_BYTES), strict=True)


def _decode_into(pictures: Pictures, errors: list[str | None], held: list[tuple[int, bytes]]) -> None:
    size = pictures.shape[1]
    for row, data in held:
        try:
            pictures[row] = _decode_square(data, size)
        except PictureError as error:
            errors[row] = str(error)


def read_bytes(path: Path) -> bytes:
    """Read a regular, non-empty file whole; the reason in the error is one line without the path.

    Parameters
    ----------
    path : str or os.PathLike
        The file. Pipes, sockets and devices are refused before they are opened, so that nothing hangs.

    Returns
    -------
    bytes
        What is in it, at least one byte.

    Raises
    ------
    PictureError
        If there is no such file, it is a folder or no regular file, there is no permission to read it, it is empty, or
        it is larger than 512 MiB.
    """
    try:
        status = os.stat(path)
        if not (stat.S_ISREG(status.st_mode) and 0 < status.st_size <= MAX_BYTES):
            raise PictureError(_why_not(status))
        # os.open and os.read cost a quarter less than open().read() on files of one kilobyte.
        descriptor = os.open(path, _OPEN_FLAGS)
        try:
            return os.read(descriptor, status.st_size)
        finally:
            os.close(descriptor)
    except OSError as error:
        reason = _OPEN_REASONS.get(error.errno or 0) or f"cannot be opened ({error.strerror or error})"
        raise PictureError(reason) from error
    except PictureError:
        raise
    except (TypeError, ValueError) as error:
        raise PictureError("not a file name") from error


def _why_not(status: os.stat_result) -> str:
    if stat.S_ISDIR(status.st_mode):
        return "is a folder"
    if not stat.S_ISREG(status.st_mode):
        return "not a regular file (a pipe, socket or device)"
    return "empty file" if status.st_size == 0 else f"larger than {MAX_BYTES >> 20} MiB"


def _decode_square(data: bytes, size: int) -> Pictures:
    try:
        # Positional: a keyword costs numpy half as much again.
        picture: Any = cv2.imdecode(np.frombuffer(data, np.uint8), _DECODE_FLAGS)
    except cv2.error as error:
        raise PictureError(NOT_READABLE) from error
    if picture is None:
        raise PictureError(NOT_READABLE)
    if picture.dtype == np.uint8 and picture.shape == (size, size):
        return picture
    return _square(_to_uint8(picture), size)


_quiet_lock = threading.Lock()
_quiet_state = {"depth": 0, "level": 0}


@contextmanager
def _quiet_opencv() -> Iterator[None]:
    """Silence OpenCV's log while files are read; broken ones are reported by reason, not on stderr.

    The level belongs to the process, so readers in several threads count themselves in and out. What libpng and
    libjpeg print by themselves cannot be silenced from here.
    """
    log = cv2.utils.logging
    with _quiet_lock:
        if _quiet_state["depth"] == 0:
            _quiet_state["level"] = log.setLogLevel(log.LOG_LEVEL_SILENT)
        _quiet_state["depth"] += 1
    try:
        yield
    finally:
        with _quiet_lock:
            _quiet_state["depth"] -= 1
            if _quiet_state["depth"] == 0:
                log.setLogLevel(_quiet_state["level"])


def _check_size(size: Any) -> int:
    if not isinstance(size, Integral) or isinstance(size, bool) or size < MIN_SIZE:
        raise ParameterError(f"size is {size!r}; allowed is an integer of at least {MIN_SIZE} (pixels); 24 is usual")
    return int(size)


def _from_array(array: np.ndarray, size: int) -> Pictures:
    if array.ndim and len(array) == 0:
        raise PictureError(f"pictures has shape {array.shape}: no pictures; at least one is needed")
    _check_batch_shape(array.shape)
    grey = _to_grey(_to_uint8(array, "pictures has "), colour=array.ndim == 4)
    if grey.shape[1:] == (size, size):
        return grey
    out = np.empty((len(grey), size, size), dtype=np.uint8)
    for row, picture in enumerate(grey):
        out[row] = _square(picture, size)
    return out


def _check_batch_shape(shape: tuple[int, ...]) -> None:
    remedy = None
    if len(shape) == 2:
        remedy = "if it is one picture, pass pictures[np.newaxis]"
    elif len(shape) == 3 and shape[-1] in (1, 3, 4):
        remedy = "if it is one colour picture, pass pictures[np.newaxis]; a batch this narrow, pass as a list"
    elif len(shape) not in (3, 4) or (len(shape) == 4 and shape[-1] not in (1, 3, 4)):
        remedy = "colour comes last, as 1, 3 (RGB) or 4 (RGBA) channels"
    elif 0 in shape:
        remedy = "height and width must be at least 1"
    if remedy:
        raise PictureError(f"pictures has shape {shape}; allowed is {_ALLOWED}: {remedy}")


def _from_sequence(items: Sequence[Any], size: int) -> Pictures:
    if len(items) == 0:
        raise PictureError(f"no pictures: pictures is an empty {type(items).__name__}; at least one is needed")
    are_paths = [isinstance(item, str | os.PathLike) for item in items]
    if all(are_paths):
        return _from_paths(items, size)
    if any(are_paths):
        mixed = are_paths.index(not are_paths[0])
        raise PictureError(f"pictures[0] and pictures[{mixed}] are a path and an array mixed; allowed is {_ALLOWED}")
    out = np.empty((len(items), size, size), dtype=np.uint8)
    for row, item in enumerate(items):
        out[row] = _square(_item_to_grey(item, f"pictures[{row}]"), size)
    return out


def _from_paths(paths: Sequence[Path], size: int) -> Pictures:
    pictures, errors = read_pictures(paths, size=size)
    failed = [f"pictures[{row}] {_shown(paths[row])}: {error}" for row, error in enumerate(errors) if error]
    if failed:
        more = f"; and {len(failed) - 3} more" if len(failed) > 3 else ""
        raise PictureError(
            f"{len(failed)} of {len(errors)} pictures cannot be read: {'; '.join(failed[:3])}{more}: "
            "leave them out, or call classic_eyes.images.read_pictures, which goes on"
        )
    return pictures


def _item_to_grey(item: Any, name: str) -> Pictures:
    try:
        array = np.asarray(item)
    except ValueError as error:
        raise PictureError(f"{name} is a ragged {type(item).__name__}; allowed is an array (h, w)") from error
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[-1] not in (1, 3, 4)) or 0 in array.shape:
        raise PictureError(
            f"{name} has shape {array.shape}; in a sequence every picture is (h, w), (h, w, 1), (h, w, 3) RGB or "
            "(h, w, 4) RGBA with h and w at least 1: join batches with np.concatenate instead"
        )
    return _to_grey(_to_uint8(array, f"{name} has "), colour=array.ndim == 3)


def _to_uint8(array: np.ndarray, who: str = "") -> Pictures:
    kind, bits = array.dtype.kind, 8 * array.dtype.itemsize
    if kind == "u" and bits == 8:
        return array
    if kind == "b":
        return array.astype(np.uint8) * np.uint8(255)
    if kind == "u" and bits == 16:
        return ((array.astype(np.uint32) + 128) // 257).astype(np.uint8)
    subject = f"{who}{array.dtype} values"
    if kind not in "iuf":
        raise PictureError(
            f"{subject}; allowed are bool, integers in 0..255, uint16 and floats in 0..1: convert them first"
        )
    low, high = array.min(), array.max()
    if kind == "f":
        _check_floats(low, high, subject)
        wide = array.astype(np.float64 if bits > 32 else np.float32)
        return np.rint(wide * 255).astype(np.uint8)
    if low < 0 or high > 255:
        raise PictureError(
            f"{subject} from {low} to {high}; integers other than uint16 must lie in 0..255: scale them first"
        )
    return array.astype(np.uint8)


def _check_floats(low: Any, high: Any, subject: str) -> None:
    if not (np.isfinite(low) and np.isfinite(high)):
        raise PictureError(f"{subject} with NaN or infinity among them; floats must lie in 0..1: mend or leave out")
    if low < 0 or high > 1:
        raise PictureError(
            f"{subject} from {low!s} to {high!s}; floats must lie in 0..1: "
            ".astype(np.uint8) if they are on 0..255, or divide by 255"
        )


def _to_grey(array: Pictures, *, colour: bool) -> Pictures:
    if not colour:
        return np.ascontiguousarray(array)
    *lead, width, channels = array.shape
    # One call for the whole batch: the weights are per pixel, so all pictures may stand below each other.
    tall = np.ascontiguousarray(array).reshape(-1, width, channels)
    if channels == 1:
        return tall.reshape(*lead, width)
    grey = cv2.cvtColor(tall, cv2.COLOR_RGB2GRAY if channels == 3 else cv2.COLOR_RGBA2GRAY)
    return grey.reshape(*lead, width).astype(np.uint8, copy=False)


def _square(picture: Pictures, size: int) -> Pictures:
    height, width = picture.shape
    if height == width == size:
        return picture
    longest = max(height, width)
    # Scaled before padded: a line of 1 x 10000 pixels must not become a square of 10000 x 10000 on the way.
    height, width = (max(1, round(side * size / longest)) for side in (height, width))
    how = cv2.INTER_AREA if longest > size else cv2.INTER_LINEAR
    scaled = cv2.resize(picture, (width, height), interpolation=how)
    top, left = (size - height) // 2, (size - width) // 2
    edges = (top, size - height - top, left, size - width - left)
    return cv2.copyMakeBorder(scaled, *edges, cv2.BORDER_REPLICATE).astype(np.uint8, copy=False)


def _shown(path: Path) -> str:
    return repr(str(os.fspath(path)))  # str(): numpy.str_ would show its type
