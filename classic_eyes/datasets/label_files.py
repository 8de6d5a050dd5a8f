"""Readers of label files: ``assets.csv``, and the votes of several raters."""

from __future__ import annotations

import os
import posixpath

import numpy as np

from ..errors import DataError
from ..images.finding import Path, last_name, quoted
from .csvfile import UNLABELLED, label_of, listed, not_a_label, read_csv, refuse_predictions, summed_up
from .eyeset import EyeSet
from .names import NearNames, as_path, as_text, list_named

__all__ = ["read_assets_csv", "read_votes"]

# Of wrong lines, so many are listed; only for these a near name is looked for.
_N_LISTED = 10
# Of names that differ in the same from those of the folder, fewer.
_N_ALIKE = 3


def read_assets_csv(folder: Path, csv_path: Path, *, accept_predictions: bool = False) -> EyeSet:
    """Read a folder of images with a label file.

    The file is UTF-8, with or without a byte order mark, and separated by commas, semicolons or tabs. Its header has
    ``file``, ``label`` and optionally ``group`` and ``chosen`` in any order; other columns and empty lines are ignored.

    1. ``file`` is relative to `folder` or to ``images/`` in it.
    2. ``label`` is 0, 1, 0.0, 1.0, ``open``, ``closed`` (in any case, blanks around it are ignored) or empty for
       unknown.
    3. An image without a group is a group of its own, with the name of the image.
    4. ``chosen`` is how the image was chosen for labelling; see `EyeSet`. The label page writes it.
    5. Images of the folder that are not in the CSV are unlabelled.

    Parameters
    ----------
    folder : str or os.PathLike
        The folder of the images, searched as by :func:`find_images`.
    csv_path : str or os.PathLike
        The label file, which may be elsewhere.
    accept_predictions : bool, default=False
        Whether to read predictions, a CSV that ``predict`` wrote, as labels.

    Returns
    -------
    EyeSet
        The images sorted by name.

    Raises
    ------
    DataError
        If `folder` is not a folder; if the CSV cannot be read, is empty, is not UTF-8, lacks a column or repeats one,
        has no rows, or holds predictions that are not accepted; or if lines, of which up to ten are listed with their
        numbers, name a file that is missing, outside the folder or on another line, have another label, or a wrong
        number of fields. Where the folder has a file of nearly the same name, the message names it and the difference.
    """
    top = os.fspath(folder)
    if not os.path.isdir(top):
        raise DataError(f"{top!r} is not a folder; a label file goes with the folder of its images")
    table = read_csv(csv_path, ("file", "label"), ("group", "chosen"))
    if not accept_predictions:
        refuse_predictions(table)
    found = {name: path for path, name in list_named(top)}
    labelled = _LabelledFolder(top, found)
    for line, fields in table.rows:
        labelled.add(line, dict(zip(table.columns, fields, strict=True)))
    problems = sorted([*table.problems, *labelled.problems, *summed_up(labelled.not_labels)])
    if problems:
        near = labelled.near_names([line for line, _ in problems[:_N_LISTED]])
        subject, remedy = f"{table.name},", ""
        if near:
            remedy = "; correct the names in the label file, or rename the images"
        elif 0 < len(labelled.missing) == len(table.rows):
            subject = f"{table.name}: none of its files is in the folder, it may belong to another folder;"
        elif labelled.missing:
            remedy = "; restore these images, or delete their lines"
        shown = [(line, near.get(line, text)) for line, text in problems]
        more = ""
        if len(shown) > _N_ALIKE and _alike([text for _, text in shown[:_N_LISTED]]):
            shown, more = shown[:_N_ALIKE], f"; and {len(shown) - _N_ALIKE:,} more"
        raise DataError(f"{subject} {listed(shown)}{more}{remedy}")
    if not labelled.rows:
        raise DataError(f"{table.name}: a header but no rows; each line names a file and its label")
    return labelled.eyes(predicted=table.is_predictions)


def _alike(problems: list[str]) -> bool:
    """Return whether all are names that differ in the same from one of the folder; see `NearNames.describe`."""
    return len(differences := {text.partition("' is: ")[2] for text in problems}) == 1 and "" not in differences


class _LabelledFolder:
    """Collects the rows of a label file, and all their problems, so that one error lists them."""

    def __init__(self, top: str, found: dict[str, str]) -> None:
        self.top, self.found = top, found
        self.rows: dict[str, tuple[int, int, str, str]] = {}
        self.problems: list[tuple[int, str]] = []
        self.missing: dict[int, str] = {}
        self.not_labels: list[tuple[int, str]] = []

    def add(self, line: int, row: dict[str, str]) -> None:
        problem = self._add(line, row)
        if problem:
            self.problems.append((line, problem))

    def _add(self, line: int, row: dict[str, str]) -> str | None:
        file, label = row["file"], label_of(row["label"])
        if not file:
            return "the file name is empty"
        name = posixpath.normpath(file)
        if posixpath.isabs(name) or os.path.isabs(file) or name.split("/")[0] == "..":
            inside = name.removeprefix(as_text(os.path.abspath(self.top)) + "/")
            if inside != name:
                return (
                    f"file {quoted(file)} is an absolute path; names are relative to the folder, write {quoted(inside)}"
                )
            return f"file {quoted(file)} leaves the folder; names are relative to it"
        found = next((each for each in (name, f"images/{name}") if self._has(each)), None)
        if found is None:
            self.missing[line] = file
            return f"file {quoted(file)} is not in the folder, nor in its images/"
        if label is None:
            self.not_labels.append((line, row["label"]))
            return None
        if found in self.rows:
            return f"file {quoted(file)} is already on line {self.rows[found][0]}"
        self.rows[found] = (line, label, row.get("group", "").strip() or found, row.get("chosen", "").strip())
        return None

    def _has(self, name: str) -> bool:
        # A file that the label file names may have any ending.
        return name in self.found or ("\0" not in name and os.path.isfile(self._path(name)))

    def _path(self, name: str) -> str:
        return os.path.join(self.top, *as_path(name).split("/"))

    def near_names(self, lines: list[int]) -> dict[int, str]:
        """Return, for those of the lines whose file is missing, which file was probably meant."""
        missing = {line: self.missing[line] for line in lines if line in self.missing}
        near = NearNames(self.found if missing else ())
        described = {line: (file, near.describe(file)) for line, file in missing.items()}
        return {
            line: f"file {quoted(file)} is not in the folder, but {what}"
            for line, (file, what) in described.items()
            if what
        }

    def eyes(self, *, predicted: bool) -> EyeSet:
        names = sorted(self.found.keys() | self.rows.keys())
        rows = [self.rows.get(name, (0, UNLABELLED, name, "")) for name in names]
        return EyeSet(
            [self.found.get(name) or self._path(name) for name in names],
            np.array([row[1] for row in rows]),
            np.array([row[2] for row in rows]),
            names,
            last_name(as_text(self.top)),
            np.array([row[3] for row in rows]),
            predicted,
        )


def read_votes(csv_path: Path) -> dict[str, list[int]]:
    """Read the labels that several raters gave to the same images.

    Parameters
    ----------
    csv_path : str or os.PathLike
        A CSV like ``assets.csv``, with the column ``file`` and one column for each rater: 0, 1, ``open``, ``closed``,
        or empty if the rater gave no label.

    Returns
    -------
    dict
        The labels of each file, in the order of the columns, without the empty ones.

    Raises
    ------
    DataError
        If the CSV cannot be read, is empty, is not UTF-8, has no column ``file`` or no other one, or has a column
        ``label``, as label files do; or if lines, of which up to ten are listed with their numbers, have no name or
        one of another line, another label, or a wrong number of fields.
    """
    table = read_csv(csv_path, ("file",))
    votes: dict[str, list[int]] = {}
    problems = list(table.problems)
    if len(table.columns) < 2:
        raise DataError(f"{table.name}: no column beside file; each rater needs one")
    if "label" in table.columns:
        raise DataError(
            f"{table.name} has a column label, so it is a label file; a file of votes has a column for each rater"
        )
    for line, fields in table.rows:
        row = dict(zip(table.columns, fields, strict=True))
        labels = {rater: label_of(text) for rater, text in row.items() if rater != "file"}
        wrong = next((rater for rater, label in labels.items() if label is None), None)
        if not row["file"] or row["file"] in votes:
            problems.append((line, f"file {quoted(row['file'])} is empty or there twice"))
        elif wrong is not None:
            problems.append((line, f"{wrong} {not_a_label(row[wrong])}"))
        else:
            votes[row["file"]] = [label for label in labels.values() if label not in (None, UNLABELLED)]
    if problems:
        raise DataError(f"{table.name}, {listed(problems)}")
    return votes
