"""Files written whole or not at all, and rows of CSV that are read as they were written."""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace

__all__ = ["check_writable", "csv_text", "write_whole"]


def check_writable(folder: str | os.PathLike[str]) -> None:
    """Make a file in a folder and take it away again: permissions alone do not tell whether that can be done.

    Parameters
    ----------
    folder : path
        Where something is to be written later.

    Raises
    ------
    OSError
        For a folder that is not there, or takes no file.
    """
    handle, name = tempfile.mkstemp(dir=folder, prefix=".classic_eyes.")
    os.close(handle)
    os.unlink(name)


def csv_text(rows: Iterable[Iterable[object]]) -> str:
    r"""Lay out rows as CSV: commas, lines that end in a newline, None as nothing.

    Parameters
    ----------
    rows : iterable of iterable
        Fields.

    Returns
    -------
    str
        A field with a comma, a quotation mark or any end of a line in it is quoted.

    Examples
    --------
    >>> csv_text([("a\r.png", 1, None)])
    '"a\r.png",1,\n'
    """
    lines: list[str] = []
    # With a newline alone at the ends, csv would leave a carriage return unquoted, and take it for an end when reading.
    csv.writer(SimpleNamespace(write=lines.append), lineterminator="\r\n").writerows(rows)
    return "".join(f"{line[:-2]}\n" for line in lines)


def write_whole(path: str | os.PathLike[str], content: bytes) -> None:
    """Give a file its new content at once: whoever reads it sees the old or the new one, never a part.

    1. The content goes into a hidden file of the same folder, and from there to the disk.
    2. That file gets the permissions of any other file its owner makes, and takes the name.

    Parameters
    ----------
    path : path
        The file, in a folder that exists.
    content : bytes
        All of it.

    Raises
    ------
    OSError
        For a missing folder, or a disk that refuses; nothing is left behind.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_whole(Path(folder, "new"), b"all of it")
    ...     Path(folder, "new").read_bytes()
    b'all of it'
    """
    target = Path(path)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes private files.
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(name, 0o666 & ~mask)
        os.replace(name, target)
    except OSError:
        os.unlink(name)
        raise
