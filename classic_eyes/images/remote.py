"""Reading of URLs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from .._utils.dependencies import pip_install
from ..errors import ImageError

__all__ = ["is_url", "read_url", "read_urls"]

# At least two letters: one is a drive of Windows.
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+)://", re.IGNORECASE)
_TIMEOUT = 30  # seconds
_N_THREADS = 32


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
        with _open(url) as file:
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

    with ThreadPoolExecutor(_N_THREADS) as pool:
        for start in range(0, len(urls), _N_THREADS):
            yield from pool.map(_try, urls[start : start + _N_THREADS])


def _open(url: str) -> Any:
    if url.lower().startswith(("http://", "https://")):
        from urllib.request import urlopen

        return urlopen(url, timeout=_TIMEOUT)
    try:
        import fsspec
    except ImportError as error:
        raise ImageError(f"this URL needs the package fsspec: {pip_install('distributed')}") from error
    return fsspec.open(url, "rb")
