"""Files on the disk: read whole, written whole or not at all."""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import stat
import struct
import zipfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from .._utils.writing import write_whole
from .._version import __version__
from ..errors import ModelError, ParameterError

__all__ = [
    "MOST_BYTES",
    "card_path",
    "check_path",
    "compiled_path",
    "library_versions",
    "mib",
    "read_card",
    "read_whole",
    "replace",
    "sha256",
    "told_by_content",
]

# No model of ours comes near it, packed or unpacked; a file that does is refused before memory is.
MOST_BYTES = 1 << 29
_MOST_OF_A_CARD = 1 << 24
_LIBRARIES = ("numpy", "scipy", "scikit-learn", "scikit-image", "joblib")


def library_versions() -> dict[str, str]:
    """Return the versions on which a model's answers depend.

    Returns
    -------
    dict
        Name to version, of this library, Python, OpenCV and the numerical libraries.

    Examples
    --------
    >>> "scikit-learn" in library_versions()
    True
    """
    import cv2

    versions = {"classic_eyes": __version__, "python": platform.python_version(), "opencv": cv2.__version__}
    for name in _LIBRARIES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "not installed"
    return versions


def mib(size: int) -> str:
    """Show a number of bytes.

    Parameters
    ----------
    size : int
        Bytes.

    Returns
    -------
    str
        In MiB.

    Examples
    --------
    >>> mib(1 << 29)
    '512 MiB'
    """
    return f"{size >> 20:,} MiB"


def read_whole(path: str | os.PathLike[str], *, most: int = MOST_BYTES) -> bytes:
    """Read a regular file, if it is not too large.

    Parameters
    ----------
    path : path
        The file.
    most : int, default 536870912
        Bytes that it may have: 512 MiB.

    Returns
    -------
    bytes
        What is in it.

    Raises
    ------
    FileNotFoundError
        If there is none.
    ModelError
        If it cannot be read, is a folder, pipe, socket or device, or is too large.
    """
    shown = repr(os.fspath(path))
    try:
        status = os.stat(path)
        # A pipe would be waited for, and a device has no end.
        if not stat.S_ISREG(status.st_mode):
            what = "a folder" if stat.S_ISDIR(status.st_mode) else "no regular file (a pipe, socket or device)"
            raise ModelError(f"cannot read {shown}: it is {what}; name a model file")
        if status.st_size > most:
            raise ModelError(f"cannot read {shown}: it has more than {mib(most)}; no model is so large")
        with open(path, "rb") as file:
            return file.read(most + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ModelError(f"cannot read {shown}: {error.strerror or error}; name one that can be read") from error
    except ValueError as error:
        raise ModelError(f"cannot read {shown}: no file name") from error


def check_path(path: Any) -> None:
    """Refuse what names no file.

    Parameters
    ----------
    path : object
        Should be a str or os.PathLike.

    Raises
    ------
    ParameterError
        For anything else.

    Examples
    --------
    >>> check_path(None)
    Traceback (most recent call last):
    classic_eyes.errors.ParameterError: path is None; it must be the name of a model file, a str or an os.PathLike
    """
    if not isinstance(path, str | os.PathLike):
        raise ParameterError(f"path is {path!r}; it must be the name of a model file, a str or an os.PathLike")


def told_by_content(content: bytes) -> str | None:
    """Say what kind of model a file holds, whatever it is called.

    Parameters
    ----------
    content : bytes
        The whole file.

    Returns
    -------
    str or None
        ``empty``, ``compiled`` (.npz), ``skops`` or ``joblib``; None for anything else.

    Examples
    --------
    >>> told_by_content(b""), told_by_content(b"GIF89a")
    ('empty', None)
    """
    if not content:
        return "empty"
    if content[:1] in (b"\x80", b"\x78"):  # pickle's first byte, and zlib's
        return "joblib"
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError, struct.error):
        return None
    return "compiled" if "header.npy" in names else "skops" if "schema.json" in names else None


def sha256(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a file, as 64 hexadecimal digits.

    Parameters
    ----------
    path : path
        A readable regular file of at most 512 MiB.

    Returns
    -------
    str
        The digest.

    Raises
    ------
    FileNotFoundError
        If there is none.
    ModelError
        If it cannot be read.

    Examples
    --------
    >>> import os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     open(os.path.join(folder, "empty"), "w").close()
    ...     sha256(os.path.join(folder, "empty"))[:8]
    'e3b0c442'
    """
    return hashlib.sha256(read_whole(path)).hexdigest()


def card_path(path: str | os.PathLike[str]) -> Path:
    """Return where the card of a model file lies: the same name, ending in ``.json``.

    Parameters
    ----------
    path : path
        The model file.

    Returns
    -------
    pathlib.Path
        The card's path.

    Examples
    --------
    >>> card_path("mine.joblib").name
    'mine.json'
    """
    return Path(path).with_suffix(".json")


def compiled_path(path: str | os.PathLike[str]) -> Path:
    """Return where the compiled form of a model file lies: the same name, ending in ``.npz``.

    Parameters
    ----------
    path : path
        The model file.

    Returns
    -------
    pathlib.Path
        The compiled form's path.

    Examples
    --------
    >>> compiled_path("mine.joblib").name
    'mine.npz'
    """
    return Path(path).with_suffix(".npz")


def replace(target: Path, content: bytes) -> None:
    """Give a file its new content at once: whoever reads it sees the old or the new one, never a part.

    Parameters
    ----------
    target : pathlib.Path
        The file.
    content : bytes
        All of it.

    Raises
    ------
    ModelError
        For a missing folder, or a disk that refuses.
    """
    try:
        write_whole(target, content)
    except OSError as error:
        raise ModelError(
            f"cannot write {str(target)!r}: {error.strerror}; name a file in a folder that can be written"
        ) from error


def read_card(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the card beside a model file.

    Parameters
    ----------
    path : path
        The model file.

    Returns
    -------
    dict
        The card.

    Raises
    ------
    ModelError
        Where there is none, or it is not a JSON object.

    Examples
    --------
    >>> read_card("no-such-model.joblib")
    Traceback (most recent call last):
    classic_eyes.errors.ModelError: no card beside the model: 'no-such-model.json' is missing
    """
    card = card_path(path)
    try:
        content = json.loads(read_whole(card, most=_MOST_OF_A_CARD))
    except FileNotFoundError:
        raise ModelError(f"no card beside the model: {str(card)!r} is missing") from None
    except (ValueError, RecursionError) as error:
        raise ModelError(f"the card {str(card)!r} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise ModelError(f"the card {str(card)!r} holds no JSON object; train the model again or remove it")
    return content
