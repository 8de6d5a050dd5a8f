"""Reading of image files: from bytes in memory, so that any file name works."""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import cv2
import numpy as np

from ..errors import ImageError
from .arrays import MAX_PIXELS, SIZE, Images, check_pixels, check_size, square, to_uint8
from .headers import stated_size
from .remote import is_url, read_url, read_urls

__all__ = [
    "IMAGE_ENDINGS",
    "Path",
    "quoted",
    "read_batch",
    "read_bytes",
    "read_image",
    "read_images",
    "read_photograph",
]

Path: TypeAlias = str | os.PathLike[str]

MAX_BYTES = 1 << 29

# Not .ras, .sr and .pam: OpenCV 4.14 decodes them to wrong grey levels. Not .hdr and .pic: they hold radiances, which
# are not in 0..1. Not .exr: it is disabled in the wheels.
IMAGE_ENDINGS: frozenset[str] = frozenset(
    {".apng", ".avif", ".bmp", ".dib", ".gif", ".jp2", ".jpe", ".jpeg", ".jpg", ".pbm", ".pfm", ".pgm", ".png", ".pnm"}
    | {".ppm", ".tif", ".tiff", ".webp"}
)

NOT_READABLE = "not an image OpenCV can read"
_DECODE_FLAGS = cv2.IMREAD_GRAYSCALE | cv2.IMREAD_ANYDEPTH
_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
# Bytes to read before decoding: system calls and decoders each run a quarter faster in a row than in alternation. Few
# enough that a folder of photographs is not held in memory.
_READ_AHEAD = 1 << 20
_OPEN_REASONS = {
    errno.ENOENT: "no such file",
    errno.ENOTDIR: "no such file",
    errno.EACCES: "no permission",
    errno.EPERM: "no permission",
    errno.ELOOP: "a link that leads back to itself",
    errno.ENAMETOOLONG: "the name is too long",
}


def read_image(path: Path, *, size: int = SIZE, max_pixels: int = MAX_PIXELS) -> Images:
    """Read one image file as a grey square.

    1. Decode the file. The orientation in its EXIF data is applied; of several images in one file (GIF, TIFF) the
       first is used.
    2. Convert it by steps 2 to 5 of :func:`as_images`.

    Parameters
    ----------
    path : str or os.PathLike
        An image file or its URL. The format is recognized by the content, not by the ending.
    size : int, default=24
        Height and width of the result in pixels, at least 8.
    max_pixels : int, default=100_000_000
        Largest image that is decoded; the size that the header states is checked before.

    Returns
    -------
    ndarray of uint8, shape (size, size)
        Grey levels, 0 black to 255 white.

    Raises
    ------
    ImageError
        If the file or URL cannot be read, its header states more than `max_pixels`, OpenCV cannot decode it, or its
        values break the dtype rule.
    ParameterError
        If `size` is not an integer of at least 8, or `max_pixels` not one of at least 1.

    Examples
    --------
    >>> from classic_eyes.images import read_image
    >>> read_image("missing.png")
    Traceback (most recent call last):
        ...
    classic_eyes.errors.ImageError: 'missing.png': no such file
    """
    size, max_pixels = check_size(size), check_pixels(max_pixels)
    with _quiet_opencv():
        try:
            data = read_url(str(path), MAX_BYTES) if is_url(path) else read_bytes(path)
            return _decode_square(data, size, max_pixels)
        except ImageError as error:
            raise ImageError(f"{quoted(path)}: {error}") from error.__cause__


def read_images(
    paths: Sequence[Path], *, size: int = SIZE, max_pixels: int = MAX_PIXELS
) -> tuple[Images, list[str | None]]:
    """Read image files into one batch, with an error for each that cannot be read.

    Parameters
    ----------
    paths : sequence of str or os.PathLike
        Image files or URLs, each read as by :func:`read_image`; URLs 32 at a time.
    size : int, default=24
        Height and width of the result in pixels, at least 8.
    max_pixels : int, default=100_000_000
        Largest image that is decoded; the size that the header states is checked before.

    Returns
    -------
    images : ndarray of uint8, shape (n, size, size)
        Grey levels; zeros for a file that cannot be read.
    errors : list of str or None, length n
        None for a file that was read, else the reason in one line, without the path.

    Raises
    ------
    ParameterError
        If `size` is not an integer of at least 8, or `max_pixels` not one of at least 1. No file ever raises.

    Examples
    --------
    >>> from classic_eyes.images import read_images
    >>> images, errors = read_images(["missing.png"])
    >>> images.shape, errors
    ((1, 24, 24), ['no such file'])
    """
    return read_batch(paths, check_size(size), check_pixels(max_pixels))


def read_batch(paths: Sequence[Path], size: int, max_pixels: int) -> tuple[Images, list[str | None]]:
    """Read image files as `read_images` does, with arguments that have been checked."""
    images = np.zeros((len(paths), size, size), dtype=np.uint8)
    errors: list[str | None] = [None] * len(paths)
    pending: list[tuple[int, bytes]] = []
    n_bytes = 0
    with _quiet_opencv():
        for row, data in _read_each(paths):
            if isinstance(data, ImageError):
                errors[row] = str(data)
                continue
            pending.append((row, data))
            n_bytes += len(data)
            if n_bytes > _READ_AHEAD:
                _decode_into(images, errors, pending, max_pixels)
                pending, n_bytes = [], 0
        _decode_into(images, errors, pending, max_pixels)
    return images, errors


def _read_each(paths: Sequence[Path]) -> Iterator[tuple[int, bytes | ImageError]]:
    """Yield the row of each file and its content, or the error; URLs last, several at a time."""
    url_rows = []
    for row, path in enumerate(paths):
        if is_url(path):
            url_rows.append(row)
            continue
        try:
            yield row, read_bytes(path)
        except ImageError as error:
            yield row, error
    if url_rows:
        yield from zip(url_rows, read_urls([str(paths[row]) for row in url_rows], MAX_BYTES), strict=True)


def _decode_into(images: Images, errors: list[str | None], pending: list[tuple[int, bytes]], max_pixels: int) -> None:
    size = images.shape[1]
    for row, data in pending:
        try:
            images[row] = _decode_square(data, size, max_pixels)
        except ImageError as error:
            errors[row] = str(error)


def read_bytes(path: Path) -> bytes:
    """Read the bytes of a regular file.

    Parameters
    ----------
    path : str or os.PathLike
        The file. Pipes, sockets and devices are refused before they are opened, as reading them might block.

    Returns
    -------
    bytes
        The content, at least one byte.

    Raises
    ------
    ImageError
        If the file does not exist, is not a regular file, is empty or larger than 512 MiB, or reading is not
        permitted. The message is one line without the path.
    """
    try:
        status = os.stat(path)
        if not (stat.S_ISREG(status.st_mode) and 0 < status.st_size <= MAX_BYTES):
            raise ImageError(_reason(status))
        # os.open and os.read cost a quarter less than open().read() on files of one kilobyte.
        descriptor = os.open(path, _OPEN_FLAGS)
        try:
            return os.read(descriptor, status.st_size)
        finally:
            os.close(descriptor)
    except OSError as error:
        reason = _OPEN_REASONS.get(error.errno or 0) or f"cannot be opened ({error.strerror or error})"
        raise ImageError(reason) from error
    except ImageError:
        raise
    except (TypeError, ValueError) as error:
        raise ImageError("not a file name") from error


def _reason(status: os.stat_result) -> str:
    if stat.S_ISDIR(status.st_mode):
        return "is a folder"
    if not stat.S_ISREG(status.st_mode):
        return "not a regular file (a pipe, socket or device)"
    return "empty file" if status.st_size == 0 else f"larger than {MAX_BYTES >> 20} MiB"


def read_photograph(path: Path, *, max_pixels: int = MAX_PIXELS) -> Images:
    """Read an image file in colour and at its own size.

    Parameters
    ----------
    path : str or os.PathLike
        An image file or its URL.
    max_pixels : int, default=100_000_000
        Largest image that is decoded; the size that the header states is checked before.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
        Red, green, blue; the orientation in the EXIF data is applied.

    Raises
    ------
    ImageError
        As for :func:`read_image`; the message is one line without the path.
    ParameterError
        If `max_pixels` is not an integer of at least 1.
    """
    max_pixels = check_pixels(max_pixels)
    with _quiet_opencv():
        data = read_url(str(path), MAX_BYTES) if is_url(path) else read_bytes(path)
        return cv2.cvtColor(_decode(data, cv2.IMREAD_COLOR, max_pixels), cv2.COLOR_BGR2RGB)


def _decode_square(data: bytes, size: int, max_pixels: int) -> Images:
    image = _decode(data, _DECODE_FLAGS, max_pixels)
    if image.dtype == np.uint8 and image.shape == (size, size):
        return image
    return square(to_uint8(image), size)


def _decode(data: bytes, flags: int, max_pixels: int) -> Any:
    stated = stated_size(data)
    if stated is None:
        raise ImageError(NOT_READABLE)
    if stated[0] * stated[1] > max_pixels:
        raise ImageError(f"the header states {stated[0]} x {stated[1]} pixels; at most {max_pixels:,} are decoded")
    try:
        # Positional arguments: keywords make this call half as expensive again.
        image: Any = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise ImageError(NOT_READABLE) from error
    if image is None:
        raise ImageError(NOT_READABLE)
    return image


_quiet_lock = threading.Lock()
_quiet_state = {"depth": 0, "level": 0}


@contextmanager
def _quiet_opencv() -> Iterator[None]:
    """Silence OpenCV's log while files are read, as errors are reported to the caller.

    The log level belongs to the process, so nested and concurrent calls are counted. Messages that libpng and libjpeg
    print themselves cannot be silenced.
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


def quoted(path: Path) -> str:
    """Quote a path for a message."""
    return repr(str(os.fspath(path)))  # str(): the repr of numpy.str_ shows its type
