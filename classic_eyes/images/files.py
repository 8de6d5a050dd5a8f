"""Image files become grey uint8 squares."""

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

__all__ = ["IMAGE_ENDINGS", "Path", "read_bytes", "read_photograph", "read_image", "read_images", "shown"]

Path: TypeAlias = str | os.PathLike[str]

MAX_BYTES = 1 << 29

# Left out although OpenCV decodes them: .ras, .sr and .pam come out with wrong greys (4.14), .hdr and .pic hold
# radiances that are not on 0..1, .exr is disabled in the wheels.
IMAGE_ENDINGS: frozenset[str] = frozenset(
    {".apng", ".avif", ".bmp", ".dib", ".gif", ".jp2", ".jpe", ".jpeg", ".jpg", ".pbm", ".pfm", ".pgm", ".png", ".pnm"}
    | {".ppm", ".tif", ".tiff", ".webp"}
)

NOT_READABLE = "not an image OpenCV can read"
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


def read_image(path: Path, *, size: int = SIZE, max_pixels: int = MAX_PIXELS) -> Images:
    """Read one image file as a grey square.

    The image is turned upright if its EXIF data say so; of several images in one file (GIF, TIFF) the first is
    taken. Then steps 2 to 5 of :func:`as_images` follow.

    Parameters
    ----------
    path : str or os.PathLike
        An image file or its URL (:func:`classic_eyes.images.remote.read_url`); what it is, is told by its content, not by its
        ending.
    size : int, default=24
        Height and width of the result in pixels, at least 8.
    max_pixels : int, default=100_000_000
        Largest image that is decoded; what a file says of its size is looked at first.

    Returns
    -------
    ndarray of uint8, shape (size, size)
        Grey levels, 0 black to 255 white.

    Raises
    ------
    ImageError
        If :func:`read_bytes` or :func:`classic_eyes.images.remote.read_url` refuses the file, it says that it is too large,
        OpenCV cannot decode it, or its values break the dtype rule.
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
            raise ImageError(f"{shown(path)}: {error}") from error.__cause__


def read_images(
    paths: Sequence[Path], *, size: int = SIZE, max_pixels: int = MAX_PIXELS
) -> tuple[Images, list[str | None]]:
    """Read image files into one batch, with a reason for each that could not be read.

    Parameters
    ----------
    paths : sequence of str or os.PathLike
        Image files or URLs, each read as by :func:`read_image`; of URLs 32 at a time.
    size : int, default=24
        Height and width of the result in pixels, at least 8.
    max_pixels : int, default=100_000_000
        Largest image that is decoded; what a file says of its size is looked at first.

    Returns
    -------
    images : ndarray of uint8, shape (n, size, size)
        Grey levels; a file that could not be read has zeros.
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
    size, max_pixels = check_size(size), check_pixels(max_pixels)
    images = np.zeros((len(paths), size, size), dtype=np.uint8)
    errors: list[str | None] = [None] * len(paths)
    held: list[tuple[int, bytes]] = []
    waiting = 0
    with _quiet_opencv():
        for row, data in _read_each(paths):
            if isinstance(data, ImageError):
                errors[row] = str(data)
                continue
            held.append((row, data))
            waiting += len(data)
            if waiting > _READ_AHEAD:
                _decode_into(images, errors, held, max_pixels)
                held, waiting = [], 0
        _decode_into(images, errors, held, max_pixels)
    return images, errors


def _read_each(paths: Sequence[Path]) -> Iterator[tuple[int, bytes | ImageError]]:
    """Give what each file holds, or why it cannot be read, and its row; URLs last, several at a time."""
    far = []
    for row, path in enumerate(paths):
        if is_url(path):
            far.append(row)
            continue
        try:
            yield row, read_bytes(path)
        except ImageError as error:
            yield row, error
    if far:
        yield from zip(far, read_urls([str(paths[row]) for row in far], MAX_BYTES), strict=True)


def _decode_into(images: Images, errors: list[str | None], held: list[tuple[int, bytes]], max_pixels: int) -> None:
    size = images.shape[1]
    for row, data in held:
        try:
            images[row] = _decode_square(data, size, max_pixels)
        except ImageError as error:
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
    ImageError
        If there is no such file, it is a folder or no regular file, there is no permission to read it, it is empty, or
        it is larger than 512 MiB.
    """
    try:
        status = os.stat(path)
        if not (stat.S_ISREG(status.st_mode) and 0 < status.st_size <= MAX_BYTES):
            raise ImageError(_why_not(status))
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


def _why_not(status: os.stat_result) -> str:
    if stat.S_ISDIR(status.st_mode):
        return "is a folder"
    if not stat.S_ISREG(status.st_mode):
        return "not a regular file (a pipe, socket or device)"
    return "empty file" if status.st_size == 0 else f"larger than {MAX_BYTES >> 20} MiB"


def read_photograph(path: Path, *, max_pixels: int = MAX_PIXELS) -> Images:
    """Read an image file as it is, in colour and of its own size.

    Parameters
    ----------
    path : str or os.PathLike
        An image file or its URL.
    max_pixels : int, default=100_000_000
        Largest image that is decoded; what a file says of its size is looked at first.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
        Red, green, blue; turned upright if its EXIF data say so.

    Raises
    ------
    ImageError
        As for :func:`read_image`; the reason is one line without the path.
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
        raise ImageError(f"says it is {stated[0]} x {stated[1]} pixels; more than {max_pixels:,} are not decoded")
    try:
        # Positional: a keyword costs numpy half as much again.
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


def shown(path: Path) -> str:
    """Show a path in a message.

    Parameters
    ----------
    path : str or os.PathLike
        Any.

    Returns
    -------
    str
        In quotation marks.
    """
    return repr(str(os.fspath(path)))  # str(): numpy.str_ would show its type
