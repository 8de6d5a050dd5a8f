"""CSV files with a header: what all label files have in common."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..errors import DataError, ImageError
from ..images import read_bytes
from ..images.finding import Path, first_few, quoted

__all__ = ["LABEL_DIGITS", "LABEL_WORDS", "UNLABELLED", "CsvFile", "label_of", "listed", "not_a_label", "read_csv"]

UNLABELLED = -1
# In label files, and as names of class folders.
LABEL_WORDS = {"closed": 0, "open": 1}
LABEL_DIGITS = {"0": 0, "1": 1}
_LABELS = {**LABEL_DIGITS, **LABEL_WORDS, "": UNLABELLED}


def label_of(text: str) -> int | None:
    """Return the label that a field states: 1 open, 0 closed, -1 unknown; None if it states none of them."""
    return _LABELS.get(text.strip().lower())


def not_a_label(text: str) -> str:
    """Return the message for a field of which `label_of` returns None."""
    return f"{quoted(text)} is not 0, 1, open, closed or empty"


def listed(problems: Iterable[tuple[int, str]]) -> str:
    """Join numbers of lines and what is wrong with them, at most ten."""
    return first_few([f"line {line}: {text}" for line, text in sorted(problems)])


@dataclass(frozen=True)
class CsvFile:
    """Rows of a CSV file with the numbers of their lines, and the problems of malformed lines."""

    name: str
    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    problems: tuple[tuple[int, str], ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns, stripped and in lower case."""
        return tuple(field.strip().lower() for field in self.header)


def read_csv(csv_path: Path, needed: Sequence[str], allowed: Sequence[str] = ()) -> CsvFile:
    """Read a CSV file: UTF-8 with or without a byte order mark, commas, a header; empty lines are skipped.

    The columns of `needed` must be there once, those of `allowed` at most once; other columns may be there too.
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


def _separator_hint(fields: list[str]) -> str:
    for character, name in ((";", "semicolons"), ("\t", "tabs")):
        if any(character in field for field in fields):
            return f"with commas; this file has {name}, save it as CSV with commas"
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
                f"{name}, line {line}: no column {column!r} in the header {quoted(','.join(fields))}; "
                f"needed are {','.join(needed)}, {_separator_hint(fields)}"
            )
        if columns.count(column) > 1:
            raise DataError(f"{name}, line {line}: the column {column!r} is there twice; keep one")
    return tuple(fields)
