"""Files: where those that ship are, model files read whole, and files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import os
import stat
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ..errors import ModelError, ParameterError

__all__ = [
    "MAX_BYTES",
    "NOT_IN_WHEEL",
    "SHIPPED_MODELS",
    "check_path",
    "check_writable",
    "csv_text",
    "is_stream",
    "mib",
    "present_models",
    "read_whole",
    "replace",
    "sha256",
    "shipped_file",
    "shipped_model",
    "wide_encoding",
    "write_whole",
]

SHIPPED_MODELS = ("default", "fast", "accurate")
# The wheel has room for two models.
NOT_IN_WHEEL = ("accurate",)
# Of temporary files. The name of the target is not in it: together they might be too long.
_PREFIX = ".classic_eyes."
_DESCRIPTORS = ("/dev/fd/", "/dev/stderr", "/dev/stdout", "/proc/self/fd/")
# No model of ours comes near it, packed or unpacked; a larger file is refused before it takes memory.
MAX_BYTES = 1 << 29
_BYTE_ORDER_MARKS = {b"\xff\xfe\0\0": "UTF-32", b"\0\0\xfe\xff": "UTF-32", b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


def shipped_model(name: str) -> Path:
    """Return the path of the model of a name in `SHIPPED_MODELS`; its card, NAME.json, is beside it."""
    if name not in SHIPPED_MODELS:
        raise ModelError(f"no shipped model is called {name!r}; there are {', '.join(SHIPPED_MODELS)}")
    try:
        return shipped_file(f"{name}.npz")
    except ModelError as error:
        if name not in NOT_IN_WHEEL:
            raise
        raise ModelError(
            f"the model {name!r} is in the clone, not in the wheel: give the path of its models/{name}.npz, or "
            f"train it with classic-eyes train FOLDER --recipe {name}"
        ) from error


def present_models() -> dict[str, Path]:
    """Return the paths of the shipped models that are there, by name: all in a clone, not all in a wheel."""
    found = {}
    for name in SHIPPED_MODELS:
        try:
            found[name] = shipped_model(name)
        except ModelError:
            if name not in NOT_IN_WHEEL:
                raise
    return found


@cache
def shipped_file(name: str) -> Path:
    """Return the path of a file of the folder ``models``, from a wheel or a clone; ModelError where it is missing."""
    package = Path(__file__).resolve().parents[1]
    places = [package / "models", package.parent / "models"]
    for place in places:
        if (path := place / name).is_file():
            return path
    raise ModelError(f"the shipped file {name!r} is missing from {places[0]}; install classic-eyes again")


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


def sha256(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a file, as 64 hexadecimal digits."""
    return hashlib.sha256(read_whole(path)).hexdigest()


def replace(target: Path, content: bytes) -> None:
    """Write a model file by `write_whole`; a failure is a ModelError that says what to do."""
    try:
        write_whole(target, content)
    except OSError as error:
        raise ModelError(
            f"cannot write {str(target)!r}: {error.strerror}; name a file in a folder that can be written"
        ) from error


def is_stream(path: str | os.PathLike[str]) -> bool:
    """Return whether a path is a device, a pipe or an open descriptor: it is written to, never replaced."""
    if os.fspath(path).startswith(_DESCRIPTORS):
        return True  # also where it is a file: `--out /dev/stdout >> all.csv` appends
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def check_writable(folder: str | os.PathLike[str]) -> None:
    """Raise OSError unless a file can be created in a folder; permissions alone do not tell."""
    handle, name = tempfile.mkstemp(dir=folder, prefix=_PREFIX)
    os.close(handle)
    os.unlink(name)


def csv_text(rows: Iterable[Iterable[object]]) -> str:
    """Return rows as CSV: comma-separated, lines ending in a newline, fields with any line break quoted, None empty."""
    lines: list[str] = []
    # With "\n" as the terminator, csv would not quote a carriage return, which readers take for the end of a line.
    csv.writer(SimpleNamespace(write=lines.append), lineterminator="\r\n").writerows(rows)
    return "".join(f"{line[:-2]}\n" for line in lines)


def write_whole(path: str | os.PathLike[str], content: bytes) -> None:
    """Replace the content of a file at once: readers see the old or the new content; an error leaves no trace."""
    if is_stream(path):
        with open(path, "ab") as stream:
            stream.write(content)
        return
    target = Path(path)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=_PREFIX)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp creates private files. Give this one the usual permissions.
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(name, 0o666 & ~mask)
        os.replace(name, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def wide_encoding(start: bytes) -> str | None:
    """Return "UTF-16" or "UTF-32" for the first bytes of such a text, else None; four bytes are enough.

    Without a byte order mark it is recognized where the first two characters are ASCII.

    >>> wide_encoding("file".encode("utf-16")), wide_encoding("file".encode("utf-32-be")), wide_encoding(b"file")
    ('UTF-16', 'UTF-32', None)
    """
    for mark, name in _BYTE_ORDER_MARKS.items():
        if start.startswith(mark):
            return name
    zeros = [byte == 0 for byte in start[:4]]
    if zeros in ([False, True, False, True], [True, False, True, False]):
        return "UTF-16"
    return "UTF-32" if zeros in ([False, True, True, True], [True, True, True, False]) else None
