"""Images at URLs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from ..errors import ImageError

__all__ = ["is_url", "read_url", "read_urls"]

# Two letters at least: one is a drive of Windows.
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+)://", re.IGNORECASE)
_PATIENCE = 30  # seconds
# A server takes a thousand times as long to answer as an image to be answered about.
_AT_A_TIME = 32


def is_url(name: Any) -> bool:
    """Say whether a name is a URL rather than a path.

    Parameters
    ----------
    name : object
        A path or URL.

    Returns
    -------
    bool
        True for a text that begins with a scheme and ``://``.

    Examples
    --------
    >>> is_url("https://example.org/eye.png"), is_url("eyes/1.png"), is_url("c:/eyes/1.png")
    (True, False, False)
    """
    return isinstance(name, str) and "://" in name and _SCHEME.match(name) is not None


def read_url(url: str, most: int) -> bytes:
    """Read what a URL holds; the reason in the error is one line without the URL.

    Parameters
    ----------
    url : str
        ``http`` and ``https`` are read by Python itself, every other scheme (``s3``, ``gs``, ``file`` ...) by fsspec,
        which comes with the extra ``distributed``.
    most : int
        Bytes; more are refused.

    Returns
    -------
    bytes
        What is there, at least one byte.

    Raises
    ------
    ImageError
        If there is nothing, it is empty or too large, it cannot be read, or fsspec or what it needs is not installed.
    """
    # Imported here, like what `_open` needs: it takes as long as numpy.
    from urllib.error import HTTPError, URLError

    try:
        with _open(url) as file:
            data: bytes = file.read(most + 1)
    except ImageError:
        raise
    except HTTPError as error:
        error.close()
        raise ImageError("no such file" if error.code in (404, 410) else f"the server says {error.code}") from error
    except FileNotFoundError as error:
        raise ImageError("no such file") from error
    except URLError as error:
        raise ImageError(f"cannot be opened ({error.reason})") from error
    except Exception as error:  # every file system of fsspec has its own
        raise ImageError(f"cannot be opened ({' '.join(str(error).split()) or type(error).__name__})") from error
    if not data:
        raise ImageError("empty file")
    if len(data) > most:
        raise ImageError(f"larger than {most >> 20} MiB")
    return data


def read_urls(urls: Sequence[str], most: int) -> Iterator[bytes | ImageError]:
    """Read what URLs hold, 32 at a time; a reason is given in the place of what could not be read.

    Parameters
    ----------
    urls : sequence of str
        As `read_url` takes them.
    most : int
        Bytes of each.

    Yields
    ------
    bytes or ImageError
        One for each URL, in order.
    """
    from concurrent.futures import ThreadPoolExecutor

    def _try(url: str) -> bytes | ImageError:
        try:
            return read_url(url, most)
        except ImageError as error:
            return error

    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        for start in range(0, len(urls), _AT_A_TIME):
            yield from pool.map(_try, urls[start : start + _AT_A_TIME])


def _open(url: str) -> Any:
    if url.lower().startswith(("http://", "https://")):
        from urllib.request import urlopen

        return urlopen(url, timeout=_PATIENCE)
    try:
        import fsspec
    except ImportError as error:
        raise ImageError("a URL that needs the package fsspec: pip install 'classic-eyes[distributed]'") from error
    return fsspec.open(url, "rb")
