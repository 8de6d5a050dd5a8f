"""CSV files with a header: what all label files have in common."""

from __future__ import annotations

import csv
import io
import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .._utils.files import wide_encoding
from ..errors import DataError, ImageError
from ..images import read_bytes
from ..images.finding import Path, first_few, quoted

__all__ = [
    "LABEL_DIGITS",
    "LABEL_WORDS",
    "UNLABELLED",
    "CsvFile",
    "label_of",
    "listed",
    "not_a_label",
    "read_columns",
    "read_csv",
    "refuse_predictions",
    "summed_up",
]

UNLABELLED = -1
# In label files, and in the names of class folders.
LABEL_WORDS = {"closed": 0, "close": 0, "shut": 0, "open": 1, "opened": 1}
LABEL_DIGITS = {"0": 0, "1": 1}
_LABELS = {**LABEL_WORDS, "": UNLABELLED}
# As programs write numbers: 1, 1.0, 1.000.
_NUMBER = re.compile(r"([01])(?:\.0*)?", re.ASCII)
_SEPARATORS = (",", ";", "\t")
# Columns that predict writes beside file and label, and those of train --labels-out.
_OF_PREDICTIONS, _OF_FOUND = {"score", "error"}, {"confidence", "origin"}
_START = 1 << 16
# Wrong labels that are listed line by line, and different ones that are named of more.
_N_LISTED, _N_TEXTS = 10, 5
# What Excel writes and reads before the header.
_SEPARATOR_LINE = re.compile(r"\Asep=.(?=[\r\n])", re.IGNORECASE)
_ENDING = re.compile(r"\.\w{3,4}$")
# How Excel's workbooks begin, the new ones and those before 2007.
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")


def label_of(text: str) -> int | None:
    """Return the label that a field states: 1 open, 0 closed, -1 unknown; None if it states none of them."""
    field = text.strip().lower()
    number = _NUMBER.fullmatch(field)
    return LABEL_DIGITS[number[1]] if number else _LABELS.get(field)


def not_a_label(text: str) -> str:
    """Return the message for a field of which `label_of` returns None."""
    return f"{quoted(text)} is not 0, 1, open, closed or empty"


def summed_up(not_labels: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
    """Return the problems of lines with wrong labels: one for each line, or where there are many, one for all."""
    if len(not_labels) <= _N_LISTED:
        return [(line, f"label {not_a_label(text)}") for line, text in not_labels]
    texts = Counter(text for _, text in not_labels).most_common()
    shown = [f"{quoted(text)} ({count:,})" for text, count in texts[:_N_TEXTS]]
    more = [f"{len(texts) - _N_TEXTS:,} more"] * (len(texts) > _N_TEXTS)
    line = min(line for line, _ in not_labels)
    return [
        (
            line,
            f"this and {len(not_labels) - 1:,} other labels are not 0, 1, open, closed or empty: "
            f"{', '.join(shown + more)}",
        )
    ]


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
        return _columns(self.header)

    @property
    def is_predictions(self) -> bool:
        """Whether the columns are those of a file that predict or ``train --labels-out`` wrote."""
        return _OF_PREDICTIONS.issubset(self.columns) or _OF_FOUND.issubset(self.columns)


def refuse_predictions(table: CsvFile) -> None:
    """Raise DataError for the predictions of a model, which are no labels."""
    if table.is_predictions:
        found = _OF_FOUND.issubset(table.columns)
        columns, what = (
            ("confidence and origin", "labels that train found")
            if found
            else (
                "score and error",
                "predictions",
            )
        )
        raise DataError(
            f"{table.name} has the columns {columns}: these are {what}, not labels, and an accuracy on them "
            "means nothing; label by hand, for example with classic-eyes label; or train on them, without an accuracy, "
            "with classic-eyes train --accept-predictions (Python: read_eyes(path, labels=..., "
            "accept_predictions=True))"
        )


def read_csv(csv_path: Path, needed: Sequence[str], allowed: Sequence[str] = ()) -> CsvFile:
    """Read a CSV file: UTF-8 with or without a byte order mark, and a header; lines without any field are skipped.

    A line ``sep=;`` before the header is skipped too. Fields are separated by commas, semicolons or tabs, which the
    header decides. The columns of `needed` must be there once, those of `allowed` at most once; other columns may be
    there too.
    """
    name = os.path.basename(os.fspath(csv_path))
    text = _text(csv_path, name)
    separator = _separator(text, needed)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    header: tuple[str, ...] = ()
    rows, problems = [], []
    line = 1
    try:
        for fields in reader:
            if not header:
                if fields:
                    _check_columns(f"{name}, line {line}", separator.join(fields), _columns(fields), needed, allowed)
                header = tuple(fields)
            elif not any(map(str.strip, fields)):
                pass
            elif len(fields) == len(header):
                rows.append((line, tuple(fields)))
            else:
                problems.append((line, f"{len(fields)} fields; the header has {len(header)}"))
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"{name}, line {line}: not CSV ({error})") from error
    if not header:
        raise DataError(f"{name}: no header; the first line names the columns {','.join(needed)}")
    return CsvFile(name, header, tuple(rows), tuple(problems))


def read_columns(csv_path: Path) -> tuple[str, ...]:
    """Return the columns of what may be a CSV file in any encoding, stripped and in lower case; () if it is none."""
    try:
        with open(csv_path, "rb") as file:
            start = file.read(_START)
    except OSError:
        return ()
    text = start.decode((wide_encoding(start) or "utf-8-sig").lower(), "replace").lstrip("\ufeff")
    text = _SEPARATOR_LINE.sub("", text)
    return max((_columns(_first_row(text, separator)) for separator in _SEPARATORS), key=len)


def _columns(header: Iterable[str]) -> tuple[str, ...]:
    return tuple(field.strip().lower() for field in header)


def _first_row(text: str, separator: str) -> list[str]:
    try:
        return next(filter(None, csv.reader(io.StringIO(text[:_START], newline=""), delimiter=separator)), [])
    except csv.Error:
        return []


def _separator(text: str, needed: Sequence[str]) -> str:
    return max(_SEPARATORS, key=lambda each: len(set(needed).intersection(_columns(_first_row(text, each)))))


def _text(csv_path: Path, name: str) -> str:
    try:
        data = read_bytes(csv_path)
    except ImageError as error:
        raise DataError(f"{name}: {error}") from error
    if wide := wide_encoding(data):
        raise DataError(f"{name} is {wide}; save it as UTF-8")
    if data.startswith(_WORKBOOKS):
        raise DataError(f"{name} is an Excel workbook; save it as CSV UTF-8")
    try:
        # Without the line, but with its end: the numbers of lines stay.
        return _SEPARATOR_LINE.sub("", data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(f"{name}, line {line}: not UTF-8; save the file as UTF-8") from error


def _check_columns(
    where: str, header: str, columns: tuple[str, ...], needed: Sequence[str], allowed: Sequence[str]
) -> None:
    for column in (*needed, *allowed):
        if column in needed and column not in columns:
            # A header names no image.
            is_row = any(_ENDING.search(field) for field in columns)
            remedy = f"add the line {','.join(needed)} before it" if is_row else "rename the columns"
            raise DataError(
                f"{where}: no column {column!r} in the header {quoted(header)}; needed are {','.join(needed)}, "
                f"separated by commas, semicolons or tabs; {remedy}"
            )
        if columns.count(column) > 1:
            raise DataError(f"{where}: the column {column!r} is there twice; keep one")
