"""Reading of image files and URLs: from bytes in memory, so that any file name works."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from .._utils.dependencies import pip_install
from ..errors import ImageError
from .archives import Member, find_member
from .arrays import MAX_PIXELS, SIZE, Images, check_bits, check_pixels, check_size, square
from .decoding import decode, quiet_opencv

__all__ = [
    "IMAGE_ENDINGS",
    "Path",
    "ReadImages",
    "Source",
    "is_source",
    "is_url",
    "quoted",
    "read_batch",
    "read_bytes",
    "read_image",
    "read_images",
    "read_url",
    "read_urls",
    "unexpected",
]

Path: TypeAlias = str | os.PathLike[str]
# A file by its name, or its content.
Source: TypeAlias = Path | bytes | bytearray | memoryview

MAX_BYTES = 1 << 29

# Not .ras, .sr and .pam: OpenCV 4.14 decodes them to wrong grey levels. Not .hdr and .pic: they hold radiances, which
# are not in 0..1. Not .exr: it is disabled in the wheels.
IMAGE_ENDINGS: frozenset[str] = frozenset(
    {".apng", ".avif", ".bmp", ".dib", ".gif", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".pbm", ".pfm", ".pgm", ".png"}
    | {".pnm", ".ppm", ".tif", ".tiff", ".webp"}
)

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
# At least two letters: one is a drive of Windows.
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+)://", re.IGNORECASE)
_URL_TIMEOUT = 30  # seconds
_N_URLS = 32


class ReadImages(NamedTuple):
    """Images that were read, zeros for the others; the reason of each failure; the largest values of 16-bit images.

    See `classic_eyes.images.decoding.Decoded` for the last.
    """

    images: Images
    errors: list[str | None]
    peaks: list[int | None]


def is_source(item: object) -> bool:
    """Return whether an object names a file or is the content of one."""
    return isinstance(item, str | os.PathLike | bytes | bytearray | memoryview)


def read_image(source: Source, *, size: int = SIZE, max_pixels: int = MAX_PIXELS, bits: int | None = None) -> Images:
    """Read one image file as a grey square.

    1. Decode the file. Its orientation is applied, in EXIF data or by the boxes of AVIF; alpha is ignored; of several
       images in one file (GIF, TIFF) the first is used. docs/robustness.md lists what is refused.
    2. Convert it by steps 2 to 5 of :func:`as_images`.

    Parameters
    ----------
    source : str, os.PathLike or bytes
        An image file, its URL or its content. The format is recognized by the content, not by the ending.
    size : int, default=24
        Height and width of the result in pixels, at least 8.
    max_pixels : int, default=100_000_000
        Largest image that is decoded; the size that the header states is checked before.
    bits : int, optional
        How many bits of 16-bit images are used, 8 to 16, for cameras that fill only the lowest ones.

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
        If `size`, `max_pixels` or `bits` is not allowed.

    Examples
    --------
    >>> from classic_eyes.images import read_image
    >>> read_image("missing.png")
    Traceback (most recent call last):
        ...
    classic_eyes.errors.ImageError: 'missing.png': no such file
    """
    images, errors, _ = read_batch([source], check_size(size), check_pixels(max_pixels), check_bits(bits))
    if errors[0] is not None:
        raise ImageError(f"{quoted(source)}: {errors[0]}")
    return images[0]


def read_images(
    sources: Sequence[Source], *, size: int = SIZE, max_pixels: int = MAX_PIXELS, bits: int | None = None
) -> tuple[Images, list[str | None]]:
    """Read image files into one batch, with an error for each that cannot be read.

    Parameters
    ----------
    sources : sequence of str, os.PathLike or bytes
        Image files, URLs or contents of files, each read as by :func:`read_image`; URLs 32 at a time.
    size : int, default=24
        Height and width of the result in pixels, at least 8.
    max_pixels : int, default=100_000_000
        Largest image that is decoded; the size that the header states is checked before.
    bits : int, optional
        How many bits of 16-bit images are used, 8 to 16.

    Returns
    -------
    images : ndarray of uint8, shape (n, size, size)
        Grey levels; zeros for a file that cannot be read.
    errors : list of str or None, length n
        None for a file that was read, else the reason in one line, without the path.

    Raises
    ------
    ParameterError
        If `size`, `max_pixels` or `bits` is not allowed. No file ever raises.

    Examples
    --------
    >>> from classic_eyes.images import read_images
    >>> images, errors = read_images(["missing.png"])
    >>> images.shape, errors
    ((1, 24, 24), ['no such file'])
    """
    images, errors, _ = read_batch(sources, check_size(size), check_pixels(max_pixels), check_bits(bits))
    return images, errors


def read_batch(sources: Sequence[Source], size: int, max_pixels: int, bits: int | None = None) -> ReadImages:
    """Read image files as `read_images` does, with arguments that have been checked."""
    n = len(sources)
    batch = ReadImages(np.zeros((n, size, size), dtype=np.uint8), [None] * n, [None] * n)
    pending: list[tuple[int, bytes]] = []
    n_bytes = 0
    with quiet_opencv():
        for row, data in _read_each(sources):
            if isinstance(data, ImageError):
                batch.errors[row] = str(data)
                continue
            pending.append((row, data))
            n_bytes += len(data)
            if n_bytes > _READ_AHEAD:
                _decode_into(batch, pending, max_pixels, bits)
                pending, n_bytes = [], 0
        _decode_into(batch, pending, max_pixels, bits)
    return batch


def _read_each(sources: Sequence[Source]) -> Iterator[tuple[int, bytes | ImageError]]:
    """Yield the row of each file and its content, or the error; URLs last, several at a time."""
    url_rows = []
    for row, source in enumerate(sources):
        if is_url(source):
            url_rows.append(row)
            continue
        try:
            yield row, read_bytes(source)
        except ImageError as error:
            yield row, error
        except Exception as error:
            yield row, unexpected(error)
    if url_rows:
        yield from zip(url_rows, read_urls([str(sources[row]) for row in url_rows], MAX_BYTES), strict=True)


def _decode_into(batch: ReadImages, pending: list[tuple[int, bytes]], max_pixels: int, bits: int | None) -> None:
    size = batch.images.shape[1]
    for row, data in pending:
        try:
            image, batch.peaks[row] = decode(data, colour=False, max_pixels=max_pixels, bits=bits)
            batch.images[row] = square(image, size)
        except ImageError as error:
            batch.errors[row] = str(error)
        except Exception as error:  # whatever is wrong with one file, the others are read
            batch.errors[row] = str(unexpected(error))


def is_url(name: Any) -> bool:
    """Return whether a name is a URL: a string that begins with a scheme and ``://``."""
    return isinstance(name, str) and "://" in name and _SCHEME.match(name) is not None


def read_url(url: str, max_bytes: int) -> bytes:
    """Read a URL; the ImageError of a failure is one line without the URL.

    Python reads ``http`` and ``https``, fsspec every other scheme (``s3``, ``gs``, ``file`` ...).
    """
    # Imported here because it takes as long as importing numpy.
    from urllib.error import HTTPError, URLError

    try:
        with _open_url(url) as file:
            data: bytes = file.read(max_bytes + 1)
    except ImageError:
        raise
    except HTTPError as error:
        error.close()
        missing = error.code in (404, 410)
        raise ImageError("no such file" if missing else f"the server returns status {error.code}") from error
    except FileNotFoundError as error:
        raise ImageError("no such file") from error
    except URLError as error:
        raise ImageError(f"cannot be opened ({error.reason})") from error
    except Exception as error:  # each file system of fsspec raises its own kinds
        raise ImageError(f"cannot be opened ({' '.join(str(error).split()) or type(error).__name__})") from error
    if not data:
        raise ImageError("empty file")
    if len(data) > max_bytes:
        raise ImageError(f"larger than {max_bytes >> 20} MiB")
    return data


def read_urls(urls: Sequence[str], max_bytes: int) -> Iterator[bytes | ImageError]:
    """Read URLs, 32 at a time; yield in order the content of each, or an ImageError with the reason."""
    from concurrent.futures import ThreadPoolExecutor

    def _try(url: str) -> bytes | ImageError:
        try:
            return read_url(url, max_bytes)
        except ImageError as error:
            return error

    with ThreadPoolExecutor(_N_URLS) as pool:
        for start in range(0, len(urls), _N_URLS):
            yield from pool.map(_try, urls[start : start + _N_URLS])


def _open_url(url: str) -> Any:
    if url.lower().startswith(("http://", "https://")):
        from urllib.request import urlopen

        return urlopen(url, timeout=_URL_TIMEOUT)
    try:
        import fsspec
    except ImportError as error:
        raise ImageError(f"this URL needs the package fsspec: {pip_install('distributed')}") from error
    return fsspec.open(url, "rb")


def unexpected(error: Exception) -> ImageError:
    """Return the error of an image for an exception that nobody foresaw, in one line."""
    text = " ".join(str(error).split())
    return ImageError(f"unexpected error: {type(error).__name__}" + (f": {text[:200]}" if text else ""))


def read_bytes(source: Source) -> bytes:
    """Read the bytes of a regular file.

    Parameters
    ----------
    source : str, os.PathLike or bytes
        The file, one in a tar archive (``shard.tar/member``), or its content, which is returned. Pipes, sockets and
        devices are refused before they are opened, as reading them might block.

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
    if isinstance(source, bytes | bytearray | memoryview):
        if not 0 < len(source) <= MAX_BYTES:
            raise ImageError("empty file" if not source else f"larger than {MAX_BYTES >> 20} MiB")
        return bytes(source)
    try:
        if isinstance(source, Member):
            return source.read(MAX_BYTES)
        status = os.stat(source)
        if not (stat.S_ISREG(status.st_mode) and 0 < status.st_size <= MAX_BYTES):
            raise ImageError(_reason(status))
        # os.open and os.read cost a quarter less than open().read() on files of one kilobyte.
        descriptor = os.open(source, _OPEN_FLAGS)
        try:
            return os.read(descriptor, status.st_size)
        finally:
            os.close(descriptor)
    except OSError as error:
        # No file has such a path, so the usual ones lose no time.
        member = find_member(os.fsdecode(source)) if error.errno in (errno.ENOTDIR, errno.ENOENT) else None
        if member is not None:
            return read_bytes(member)
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


def quoted(source: Source) -> str:
    """Quote a path for a message."""
    if isinstance(source, bytes | bytearray | memoryview):
        return f"<{len(source)} bytes>"
    return repr(str(os.fspath(source)))  # str(): the repr of numpy.str_ shows its type
