"""A CSV file with a header, as it stands: what label files and votes have in common."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import DataError, ImageError
from ..images import read_bytes
from .finding import Path, shown

__all__ = ["LABEL_VALUES", "UNLABELLED", "CsvFile", "read_csv"]

UNLABELLED = -1
LABEL_VALUES = {"0": 0, "1": 1, "closed": 0, "open": 1, "": UNLABELLED}


@dataclass(frozen=True)
class CsvFile:
    """Rows of a CSV file, and what is wrong with those that are none.

    Parameters
    ----------
    name : str
        The file's name without its folder, for messages.
    header : tuple of str
        The columns as the file spells them.
    rows : tuple of (int, tuple of str)
        Number of the line, fields.
    problems : tuple of (int, str)
        Number of the line, what is wrong with it.
    """

    name: str
    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    problems: tuple[tuple[int, str], ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns' names as they are looked for.

        Returns
        -------
        tuple of str
            Without blanks, in lower case.
        """
        return tuple(field.strip().lower() for field in self.header)


def read_csv(csv_path: Path, needed: Sequence[str], allowed: Sequence[str] = ()) -> CsvFile:
    """Read a CSV file: UTF-8 (a byte order mark is tolerated), commas, a header; empty lines are left out.

    Parameters
    ----------
    csv_path : str or os.PathLike
        The file.
    needed : sequence of str
        Columns that must be there, once.
    allowed : sequence of str, default=()
        Columns that may be there, once; others may be there as often as they like.

    Returns
    -------
    CsvFile
        All rows.

    Raises
    ------
    DataError
        If the file cannot be read, is not UTF-8 or no CSV, has no header, or lacks a column or has one twice.
    """
    name = os.path.basename(os.fspath(csv_path))
    reader = csv.reader(io.StringIO(_text(csv_path, name), newline=""), strict=True)
    header: tuple[str, ...] = ()
    rows, problems = [], []
    line = 1
    try:
        for fields in reader:
            if not header:
                header = _header(name, line, fields, needed, allowed) if fields else ()
            elif len(fields) == len(header):
                rows.append((line, tuple(fields)))
            elif fields:
                problems.append((line, f"{len(fields)} fields; the header has {len(header)}"))
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"{name}, line {line}: not CSV ({error})") from error
    if not header:
        raise DataError(f"{name}: no header; the first line names the columns {','.join(needed)}")
    return CsvFile(name, header, tuple(rows), tuple(problems))


def _separated(fields: list[str]) -> str:
    for character, name in ((";", "semicolons"), ("\t", "tabs")):
        if any(character in field for field in fields):
            return f"with commas; this file has {name}, save it again as CSV with commas"
    return "with commas"


def _text(csv_path: Path, name: str) -> str:
    try:
        data = read_bytes(csv_path)
    except ImageError as error:
        raise DataError(f"{name}: {error}") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(f"{name}, line {line}: not UTF-8; save the file as UTF-8") from error


def _header(name: str, line: int, fields: list[str], needed: Sequence[str], allowed: Sequence[str]) -> tuple[str, ...]:
    columns = [field.strip().lower() for field in fields]
    for column in (*needed, *allowed):
        if column in needed and column not in columns:
            raise DataError(
                f"{name}, line {line}: no column {column!r} in the header {shown(','.join(fields))}; "
                f"needed are {','.join(needed)}, {_separated(fields)}"
            )
        if columns.count(column) > 1:
            raise DataError(f"{name}, line {line}: the column {column!r} is there twice; keep one")
    return tuple(fields)
