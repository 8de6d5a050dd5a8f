"""Files that are written completely or not at all, and CSV text that every reader takes back unchanged."""

from __future__ import annotations

import contextlib
import csv
import os
import stat
import tempfile
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace

__all__ = ["check_writable", "csv_text", "is_stream", "write_whole"]

# Of temporary files. The name of the target is not in it: together they might be too long.
_PREFIX = ".classic_eyes."
_DESCRIPTORS = ("/dev/fd/", "/dev/stderr", "/dev/stdout", "/proc/self/fd/")


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
