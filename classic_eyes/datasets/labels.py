"""Label files: ``assets.csv``, and the votes of several raters."""

from __future__ import annotations

import csv
import io
import os
import posixpath
from collections.abc import Sequence

import numpy as np

from ..errors import DataError, PictureError
from ..images import read_bytes
from .eyeset import UNLABELLED, EyeSet
from .finding import Path, find_pictures, first_few, last_name, shown

__all__ = ["read_labelled_csv", "read_votes"]

_LABELS = {"0": 0, "1": 1, "closed": 0, "open": 1, "": UNLABELLED}


def read_labelled_csv(folder: Path, csv_path: Path) -> EyeSet:
    """Read a folder of pictures with a label file.

    The file is UTF-8 (a byte order mark is tolerated), separated by commas, with the header ``file,label`` and
    optionally ``group``; the order of the columns is free and further ones are ignored, as are empty lines.

    1. ``file`` is looked for below `folder`, then below ``images/`` in it.
    2. ``label`` is 0, 1, ``open``, ``closed`` (any case, blanks around it ignored) or empty for unknown.
    3. A picture without a group is its own group, called by its name.
    4. Pictures in the folder that the CSV does not name are unlabelled.

    Parameters
    ----------
    folder : str or os.PathLike
        The folder of the pictures, searched as by :func:`find_pictures`.
    csv_path : str or os.PathLike
        The label file; it may lie elsewhere.

    Returns
    -------
    EyeSet
        The pictures sorted by name.

    Raises
    ------
    DataError
        If `folder` is no folder; the CSV cannot be read, is empty, is not UTF-8, lacks a column or has one twice, or
        has no rows; or, with the numbers of up to ten such lines as an editor shows them: a file that is not in
        the folder or outside it, a file named twice, another label, a wrong number of fields.
    """
    top, csv_name = os.fspath(folder), os.path.basename(os.fspath(csv_path))
    if not os.path.isdir(top):
        raise DataError(f"{top!r} is not a folder; a label file goes with the folder of its pictures")
    rows = _csv_rows(csv_name, _csv_text(csv_path, csv_name), ("file", "label"), ("group",))
    found = {name: path for path, name in find_pictures(top)}
    table = _LabelTable(top, found)
    for line, row in rows:
        table.add(line, row)
    if table.problems:
        raise DataError(f"{csv_name}, {first_few(table.problems)}")
    if not table.rows:
        raise DataError(f"{csv_name}: a header but no rows; each line names a file and its label")
    return table.eyes()


class _LabelTable:
    """What a label file says, collected with all its problems so that they can be mended in one go."""

    def __init__(self, top: str, found: dict[str, str]) -> None:
        self.top, self.found = top, found
        self.rows: dict[str, tuple[int, int, str]] = {}
        self.problems: list[str] = []

    def add(self, line: int, row: dict[str, str] | str) -> None:
        problem = row if isinstance(row, str) else self._enter(line, row)
        if problem:
            self.problems.append(f"line {line}: {problem}")

    def _enter(self, line: int, row: dict[str, str]) -> str | None:
        file, label = row["file"], row["label"].strip().lower()
        if not file:
            return "the file name is empty"
        name = posixpath.normpath(file)
        if posixpath.isabs(name) or os.path.isabs(file) or name.split("/")[0] == "..":
            return f"file {shown(file)} leaves the folder; names are relative to it"
        known = next((each for each in (name, f"images/{name}") if self._has(each)), None)
        if known is None:
            return f"file {shown(file)} is not in the folder, nor in its images/"
        if label not in _LABELS:
            return f"label {shown(row['label'])} is not 0, 1, open, closed or empty"
        if known in self.rows:
            return f"file {shown(file)} is already on line {self.rows[known][0]}"
        self.rows[known] = (line, _LABELS[label], row.get("group", "").strip() or known)
        return None

    def _has(self, name: str) -> bool:
        # A file that is named outright need not have one of the endings.
        return name in self.found or ("\0" not in name and os.path.isfile(os.path.join(self.top, name)))

    def eyes(self) -> EyeSet:
        names = sorted(self.found.keys() | self.rows.keys())
        paths = [self.found.get(name) or os.path.join(self.top, *name.split("/")) for name in names]
        rows = [self.rows.get(name, (0, UNLABELLED, name)) for name in names]
        return EyeSet(
            paths, np.array([row[1] for row in rows]), np.array([row[2] for row in rows]), names, last_name(self.top)
        )


def read_votes(csv_path: Path) -> dict[str, list[int]]:
    """Read the labels that several raters gave to the same pictures.

    Parameters
    ----------
    csv_path : str or os.PathLike
        A CSV like ``assets.csv``, with the column ``file`` and one column a rater: 0, 1, ``open``, ``closed``, or
        empty where that rater left the picture out.

    Returns
    -------
    dict
        File name to the labels given to it, in the order of the columns.

    Raises
    ------
    DataError
        If the CSV cannot be read, is empty, is not UTF-8, has no column ``file`` or no other; or, with the numbers
        of up to ten such lines, a name that is empty or there twice, another label, a wrong number of fields.
    """
    csv_name = os.path.basename(os.fspath(csv_path))
    votes: dict[str, list[int]] = {}
    problems = []
    for line, row in _csv_rows(csv_name, _csv_text(csv_path, csv_name), ("file",)):
        given = {} if isinstance(row, str) else {rater: row[rater].strip().lower() for rater in row if rater != "file"}
        strange = next((rater for rater, label in given.items() if label not in _LABELS), None)
        if isinstance(row, str):
            problems.append(f"line {line}: {row}")
        elif not given:
            raise DataError(f"{csv_name}: no column beside file; each rater has one")
        elif not row["file"] or row["file"] in votes:
            problems.append(f"line {line}: file {shown(row['file'])} is empty or there twice")
        elif strange is not None:
            problems.append(f"line {line}: {strange} {shown(row[strange])} is not 0, 1, open, closed or empty")
        else:
            votes[row["file"]] = [_LABELS[label] for label in given.values() if label]
    if problems:
        raise DataError(f"{csv_name}, {first_few(problems)}")
    return votes


def _csv_text(csv_path: Path, csv_name: str) -> str:
    try:
        data = read_bytes(csv_path)
    except PictureError as error:
        raise DataError(f"{csv_name}: {error}") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(f"{csv_name}, line {line}: not UTF-8; save the file as UTF-8") from error


def _csv_rows(
    csv_name: str, text: str, needed: Sequence[str], allowed: Sequence[str] = ()
) -> list[tuple[int, dict[str, str] | str]]:
    """Read (line number, the fields by column or what is wrong with them) for each row below the header."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[tuple[int, dict[str, str] | str]] = []
    columns: list[str] = []
    line = 1
    try:
        for fields in reader:
            if not columns:
                columns = _csv_columns(csv_name, line, fields, needed, allowed) if fields else []
            elif len(fields) == len(columns):
                rows.append((line, dict(zip(columns, fields, strict=True))))
            elif fields:
                rows.append((line, f"{len(fields)} fields; the header has {len(columns)}"))
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"{csv_name}, line {line}: not CSV ({error})") from error
    if not columns:
        raise DataError(f"{csv_name}: no header; the first line names the columns {','.join(needed)}")
    return rows


def _csv_columns(
    csv_name: str, line: int, fields: list[str], needed: Sequence[str], allowed: Sequence[str]
) -> list[str]:
    columns = [field.strip().lower() for field in fields]
    for column in (*needed, *allowed):
        if column in needed and column not in columns:
            raise DataError(
                f"{csv_name}, line {line}: no column {column!r} in the header {shown(','.join(fields))}; "
                f"needed are {','.join(needed)}, with commas"
            )
        if columns.count(column) > 1:
            raise DataError(f"{csv_name}, line {line}: the column {column!r} is there twice; keep one")
    return columns
