"""Model files on the disk: read whole, written whole or not at all."""

from __future__ import annotations

import hashlib
import io
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
    "MAX_BYTES",
    "check_path",
    "kind_of",
    "library_versions",
    "mib",
    "npz_path",
    "read_whole",
    "replace",
    "sha256",
]

# No model of ours comes near it, packed or unpacked; a larger file is refused before it takes memory.
MAX_BYTES = 1 << 29
_LIBRARIES = ("numpy", "scipy", "scikit-learn", "joblib")


def library_versions() -> dict[str, str]:
    """Return the versions on which predictions depend: of this library, Python, OpenCV and the numerical libraries."""
    import cv2

    versions = {"classic_eyes": __version__, "python": platform.python_version(), "opencv": cv2.__version__}
    for name in _LIBRARIES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "not installed"
    return versions


def mib(size: int) -> str:
    """Return a number of bytes as text in MiB."""
    return f"{size >> 20:,} MiB"


def read_whole(path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> bytes:
    """Return the content of a regular file.

    Raises
    ------
    FileNotFoundError
        If there is none.
    ModelError
        If it cannot be read, is a folder, pipe, socket or device, or is larger than ``max_bytes``.
    """
    shown = repr(os.fspath(path))
    try:
        status = os.stat(path)
        # Reading a pipe could wait for ever, and a device has no end.
        if not stat.S_ISREG(status.st_mode):
            what = "a folder" if stat.S_ISDIR(status.st_mode) else "no regular file (a pipe, socket or device)"
            raise ModelError(f"cannot read {shown}: it is {what}; name a model file")
        if status.st_size > max_bytes:
            raise ModelError(f"cannot read {shown}: it has more than {mib(max_bytes)}; no model is so large")
        with open(path, "rb") as file:
            return file.read(max_bytes + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ModelError(f"cannot read {shown}: {error.strerror or error}; name a file that can be read") from error
    except ValueError as error:
        raise ModelError(f"cannot read {shown}: no file name") from error


def check_path(path: Any) -> None:
    """Raise ParameterError for what is no file name."""
    if not isinstance(path, str | os.PathLike):
        raise ParameterError(f"path is {path!r}; allowed is the name of a model file, a str or an os.PathLike")


def kind_of(content: bytes) -> str | None:
    """Return the kind of model in a file by its content, whatever its name: ``empty``, ``npz``, ``skops``, ``joblib``.

    >>> kind_of(b""), kind_of(b"GIF89a")
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
    return "npz" if "header.npy" in names else "skops" if "schema.json" in names else None


def sha256(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a file, as 64 hexadecimal digits."""
    return hashlib.sha256(read_whole(path)).hexdigest()


def npz_path(path: str | os.PathLike[str]) -> Path:
    """Return the path of the compiled model beside a model file: the same name, ending in ``.npz``."""
    return Path(path).with_suffix(".npz")


def replace(target: Path, content: bytes) -> None:
    """Give a file its new content at once; a reader sees the old or the new one, never a part."""
    try:
        write_whole(target, content)
    except OSError as error:
        raise ModelError(
            f"cannot write {str(target)!r}: {error.strerror}; name a file in a folder that can be written"
        ) from error
