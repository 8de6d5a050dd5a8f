"""Label files: ``assets.csv``, and the votes of several raters."""

from __future__ import annotations

import os
import posixpath

import numpy as np

from ..errors import DataError
from .csvfile import LABEL_VALUES, UNLABELLED, read_csv
from .eyeset import EyeSet
from .finding import Path, find_images, first_few, last_name, shown

__all__ = ["load_labelled_csv", "read_votes"]


def load_labelled_csv(folder: Path, csv_path: Path) -> EyeSet:
    """Read a folder of images with a label file.

    The file is UTF-8 (a byte order mark is tolerated), separated by commas, with the header ``file,label`` and
    optionally ``group``; the order of the columns is free and further ones are ignored, as are empty lines.

    1. ``file`` is looked for below `folder`, then below ``images/`` in it.
    2. ``label`` is 0, 1, ``open``, ``closed`` (any case, blanks around it ignored) or empty for unknown.
    3. An image without a group is its own group, called by its name.
    4. Images in the folder that the CSV does not name are unlabelled.

    Parameters
    ----------
    folder : str or os.PathLike
        The folder of the images, searched as by :func:`find_images`.
    csv_path : str or os.PathLike
        The label file; it may lie elsewhere.

    Returns
    -------
    EyeSet
        The images sorted by name.

    Raises
    ------
    DataError
        If `folder` is no folder; the CSV cannot be read, is empty, is not UTF-8, lacks a column or has one twice, or
        has no rows; or, with the numbers of up to ten such lines as an editor shows them: a file that is not in
        the folder or outside it, a file named twice, another label, a wrong number of fields.
    """
    top = os.fspath(folder)
    if not os.path.isdir(top):
        raise DataError(f"{top!r} is not a folder; a label file goes with the folder of its images")
    table = read_csv(csv_path, ("file", "label"), ("group",))
    found = {name: path for path, name in find_images(top)}
    known = _Known(top, found)
    for line, fields in table.rows:
        known.add(line, dict(zip(table.columns, fields, strict=True)))
    problems = [*table.problems, *known.problems]
    if problems:
        lost = ": none of its files is in the folder, it may be the label file of another;"
        away = "" if known.n_absent in (0, len(table.rows)) else "; put such images back, or take their lines out"
        raise DataError(f"{table.name}{lost if known.n_absent == len(table.rows) else ','} {_listed(problems)}{away}")
    if not known.rows:
        raise DataError(f"{table.name}: a header but no rows; each line names a file and its label")
    return known.eyes()


class _Known:
    """What a label file says, collected with all its problems so that they can be mended in one go."""

    def __init__(self, top: str, found: dict[str, str]) -> None:
        self.top, self.found = top, found
        self.rows: dict[str, tuple[int, int, str]] = {}
        self.problems: list[tuple[int, str]] = []
        self.n_absent = 0

    def add(self, line: int, row: dict[str, str]) -> None:
        problem = self._enter(line, row)
        if problem:
            self.problems.append((line, problem))

    def _enter(self, line: int, row: dict[str, str]) -> str | None:
        file, label = row["file"], row["label"].strip().lower()
        if not file:
            return "the file name is empty"
        name = posixpath.normpath(file)
        if posixpath.isabs(name) or os.path.isabs(file) or name.split("/")[0] == "..":
            return f"file {shown(file)} leaves the folder; names are relative to it"
        known = next((each for each in (name, f"images/{name}") if self._has(each)), None)
        if known is None:
            self.n_absent += 1
            return f"file {shown(file)} is not in the folder, nor in its images/"
        if label not in LABEL_VALUES:
            return f"label {shown(row['label'])} is not 0, 1, open, closed or empty"
        if known in self.rows:
            return f"file {shown(file)} is already on line {self.rows[known][0]}"
        self.rows[known] = (line, LABEL_VALUES[label], row.get("group", "").strip() or known)
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
    """Read the labels that several raters gave to the same images.

    Parameters
    ----------
    csv_path : str or os.PathLike
        A CSV like ``assets.csv``, with the column ``file`` and one column a rater: 0, 1, ``open``, ``closed``, or
        empty where that rater left the image out.

    Returns
    -------
    dict
        File name to the labels given to it, in the order of the columns.

    Raises
    ------
    DataError
        If the CSV cannot be read, is empty, is not UTF-8, has no column ``file`` or no other, or has one called
        ``label``, as label files have; or, with the numbers
        of up to ten such lines, a name that is empty or there twice, another label, a wrong number of fields.
    """
    table = read_csv(csv_path, ("file",))
    votes: dict[str, list[int]] = {}
    problems = list(table.problems)
    if len(table.columns) < 2:
        raise DataError(f"{table.name}: no column beside file; each rater has one")
    if "label" in table.columns:
        raise DataError(
            f"{table.name} has a column label, so it is a label file; a file of raters has a column for each"
        )
    for line, fields in table.rows:
        row = dict(zip(table.columns, fields, strict=True))
        given = {rater: row[rater].strip().lower() for rater in row if rater != "file"}
        strange = next((rater for rater, label in given.items() if label not in LABEL_VALUES), None)
        if not row["file"] or row["file"] in votes:
            problems.append((line, f"file {shown(row['file'])} is empty or there twice"))
        elif strange is not None:
            problems.append((line, f"{strange} {shown(row[strange])} is not 0, 1, open, closed or empty"))
        else:
            votes[row["file"]] = [LABEL_VALUES[label] for label in given.values() if label]
    if problems:
        raise DataError(f"{table.name}, {_listed(problems)}")
    return votes


def _listed(problems: list[tuple[int, str]]) -> str:
    return first_few([f"line {line}: {problem}" for line, problem in sorted(problems)])
