"""Label files as tables with all their columns: reading, writing, merging."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Sequence
from dataclasses import dataclass

from .._utils.files import csv_text, write_whole
from ..errors import DataError, ParameterError
from ..images.finding import Path, quoted
from .csvfile import UNLABELLED, label_of, listed, not_a_label, read_csv, refuse_predictions, summed_up

__all__ = [
    "PREFERENCES",
    "UNSURE",
    "LabelTable",
    "Merged",
    "merge_tables",
    "image_key",
    "read_label_table",
    "write_label_table",
]

# The column in which a label page marks images that a person could not label.
UNSURE = "unsure"
# The column in which it records how an image was chosen; see `EyeSet`.
CHOSEN, _AT_RANDOM = "chosen", "random"
PREFERENCES = ("neither", "first", "second")


@dataclass(frozen=True)
class LabelTable:
    """The rows of a label file, with all their columns.

    Parameters
    ----------
    columns : tuple of str
        As spelled in the file; ``file`` and ``label`` are among them.
    rows : tuple of tuple of str
        As many fields as columns.

    Examples
    --------
    >>> table = LabelTable(("file", "label", "camera"), (("a.png", "open", "left"), ("b.png", "", "left")))
    >>> table.labels, table.keys
    ((1, -1), ('a.png', 'b.png'))
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def values(self, column: str) -> tuple[str, ...]:
        """Return the values of a column.

        Parameters
        ----------
        column : str
            In lower case.

        Returns
        -------
        tuple of str
            One for each row; empty strings if there is no such column.
        """
        columns = _keys(self.columns)
        if column not in columns:
            return ("",) * len(self.rows)
        index = columns.index(column)
        return tuple(row[index] for row in self.rows)

    @property
    def labels(self) -> tuple[int, ...]:
        """The labels of the rows: 1 open, 0 closed, -1 unknown."""
        return tuple(map(_label, self.values("label")))

    @property
    def keys(self) -> tuple[str, ...]:
        """The files of the rows as `image_key` returns them."""
        return tuple(map(image_key, self.values("file")))


@dataclass(frozen=True)
class Merged:
    """Two label files merged into one, and their agreement.

    Parameters
    ----------
    table : LabelTable
        The rows of the first file, then those that only the second has.
    both : int
        Number of images that are labelled in both.
    agreed : int
        Number of these with equal labels.
    kappa : float or None
        Cohen's kappa on these; None if there are none, or all labels of both are equal.
    conflicts : tuple of (str, int, int)
        File, label in the first, label in the second.
    doubts : tuple of str
        Files that are labelled in one and marked as unsure in the other.
    differing : tuple of (str, str)
        File and column of other values that differ; that of the first is kept.
    """

    table: LabelTable
    both: int
    agreed: int
    kappa: float | None
    conflicts: tuple[tuple[str, int, int], ...]
    doubts: tuple[str, ...]
    differing: tuple[tuple[str, str], ...]


def image_key(name: str) -> str:
    """Normalize the name of an image, so that rows of label files and images can be matched.

    Parameters
    ----------
    name : str
        A value of the column ``file``, or the name that a reader gives to an image.

    Returns
    -------
    str
        The name without ``./`` and without a leading ``images/``, which label files may omit.

    Examples
    --------
    >>> image_key("./images/a.png"), image_key("left/../a.png")
    ('a.png', 'a.png')
    """
    return posixpath.normpath(name).removeprefix("images/")


def read_label_table(csv_path: Path) -> LabelTable:
    """Read a label file with all its columns, without its images.

    Parameters
    ----------
    csv_path : str or os.PathLike
        A CSV like ``assets.csv``.

    Returns
    -------
    LabelTable
        All columns.

    Raises
    ------
    DataError
        As for `read_assets_csv`, except that images need not exist; and if any column is repeated. Predictions are
        always refused.
    """
    table = read_csv(csv_path, ("file", "label"))
    refuse_predictions(table)
    repeated = [name for number, name in enumerate(table.columns) if name in table.columns[:number]]
    if repeated:
        raise DataError(f"{table.name}: the column {quoted(repeated[0])} is there twice; keep one, or rename it")
    problems = list(table.problems)
    not_labels: list[tuple[int, str]] = []
    lines: dict[str, int] = {}
    file, label = table.columns.index("file"), table.columns.index("label")
    for line, fields in table.rows:
        key = image_key(fields[file]) if fields[file] else ""
        if not key:
            problems.append((line, "the file name is empty"))
        elif key in lines:
            problems.append((line, f"file {quoted(fields[file])} is already on line {lines[key]}"))
        elif label_of(fields[label]) is None:
            not_labels.append((line, fields[label]))
        lines.setdefault(key, line)
    problems += summed_up(not_labels)
    if problems:
        raise DataError(f"{table.name}, {listed(problems)}")
    return LabelTable(table.header, tuple(fields for _, fields in table.rows))


def write_label_table(table: LabelTable, path: Path, *, force: bool = False) -> None:
    """Write a label file.

    Parameters
    ----------
    table : LabelTable
        The rows.
    path : str or os.PathLike
        The file, in a folder that exists.
    force : bool, default=False
        Whether to replace an existing file. Readers see the old or the new file, never a part of one.

    Raises
    ------
    ParameterError
        If the file exists and `force` is False, or if it cannot be written.
    """
    target = os.fspath(path)
    if os.path.lexists(target) and not force:
        raise ParameterError(f"{target!r} exists; name another file, or replace it with force=True (--force)")
    try:
        write_whole(target, csv_text([table.columns, *table.rows]).encode("utf-8"))
    except OSError as error:
        raise ParameterError(f"{target!r} cannot be written ({error.strerror}); name a file elsewhere") from error


def merge_tables(first: LabelTable, second: LabelTable, *, prefer: str = "neither") -> Merged:
    """Merge two label files.

    1. Join the rows with equal `image_key`. The rows of `first` come first, in their order.
    2. Fill empty fields from the other file. If labels differ, keep the one that `prefer` names, or with ``neither``
       leave the label empty, so that the image can be labelled again.
    3. If one file has a label and the other marks the image as unsure, keep the label and drop the mark, unless
       `prefer` names the file with the mark.
    4. If other fields differ, keep that of the first.

    Parameters
    ----------
    first, second : LabelTable
        Two label files of the same images, or of some of them.
    prefer : {"neither", "first", "second"}, default="neither"
        The file of which the label is kept if both have one and they differ.

    Returns
    -------
    Merged
        The merged table and the agreement of the two.

    Raises
    ------
    ParameterError
        If `prefer` has another value.

    References
    ----------
    Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological Measurement 20, 1960,
    doi:10.1177/001316446002000104.

    Examples
    --------
    >>> ours = LabelTable(("file", "label"), (("a.png", "1"), ("b.png", "0")))
    >>> theirs = LabelTable(("label", "file", "camera"), (("open", "a.png", "left"), ("1", "b.png", "left")))
    >>> merged = merge_tables(ours, theirs)
    >>> merged.table.rows, merged.conflicts
    ((('a.png', '1', 'left'), ('b.png', '', 'left')), (('b.png', 0, 1),))
    """
    if prefer not in PREFERENCES:
        raise ParameterError(f"prefer is {prefer!r}; allowed are {', '.join(PREFERENCES)}")
    first_keys = _keys(first.columns)
    added = [name for name in second.columns if name.strip().lower() not in first_keys]
    keys = [*first_keys, *_keys(added)]
    others = {row["file"]: row for row in _records(second)}
    merging = _Merging(prefer)
    rows = [merging.join(row, others.pop(row["file"], {})) for row in _records(first)]
    rows += list(others.values())
    spelling = {key: name for each in (second, first) for key, name in zip(each.keys, each.values("file"), strict=True)}
    table = LabelTable(
        (*first.columns, *added),
        tuple(tuple((row | {"file": spelling[row["file"]]}).get(key, "") for key in keys) for row in rows),
    )
    pairs = merging.pairs
    # Imported here because it imports scikit-learn, which prediction does not need.
    from ..metrics import cohen_kappa

    return Merged(
        table,
        len(pairs),
        sum(one == other for one, other in pairs),
        cohen_kappa(*zip(*pairs, strict=True)) if len({label for pair in pairs for label in pair}) > 1 else None,
        tuple((spelling[key], one, other) for key, one, other in merging.conflicts),
        tuple(spelling[key] for key in merging.doubts),
        tuple((spelling[key], column) for key, column in merging.differing),
    )


def _keys(columns: Sequence[str]) -> list[str]:
    return [name.strip().lower() for name in columns]


def _label(text: str) -> int:
    label = label_of(text)
    if label is None:
        raise DataError(f"label {not_a_label(text)}")
    return label


def _records(table: LabelTable) -> list[dict[str, str]]:
    """Return the rows as dicts by column, with the key of the image as the file."""
    keys = _keys(table.columns)
    rows = (dict(zip(keys, row, strict=True)) for row in table.rows)
    return [row | {"file": key} for row, key in zip(rows, table.keys, strict=True)]


class _Merging:
    """Joins rows of the same image and collects their differences."""

    def __init__(self, prefer: str) -> None:
        self.prefer = prefer
        self.pairs: list[tuple[int, int]] = []
        self.conflicts: list[tuple[str, int, int]] = []
        self.doubts: list[str] = []
        self.differing: list[tuple[str, str]] = []

    def join(self, mine: dict[str, str], theirs: dict[str, str]) -> dict[str, str]:
        joined = {key: mine.get(key) or theirs.get(key, "") for key in {**mine, **theirs}}
        one, other = (_label(row.get("label", "")) for row in (mine, theirs))
        unsure, sure = (mine, theirs) if one == UNLABELLED else (theirs, mine)
        if unsure.get(UNSURE, "").strip() and (one == UNLABELLED) != (other == UNLABELLED):
            self.doubts.append(mine["file"])
            preferred = {"first": mine, "second": theirs}.get(self.prefer, sure)
            joined |= {"label": preferred["label"], UNSURE: preferred.get(UNSURE, "")}
        if UNLABELLED not in (one, other):
            self.pairs.append((one, other))
            if one != other:
                self.conflicts.append((mine["file"], one, other))
                joined["label"] = {"neither": "", "first": mine["label"], "second": theirs["label"]}[self.prefer]
        if _AT_RANDOM in (mine.get(CHOSEN, "").strip(), theirs.get(CHOSEN, "").strip()):
            # Else the hardest images, which a page by priority shows too, would be missing from the random sample.
            joined[CHOSEN] = _AT_RANDOM
        self.differing += [
            (mine["file"], key)
            for key in mine
            if key not in ("file", "label", UNSURE, CHOSEN)
            and mine[key]
            and theirs.get(key)
            and mine[key] != theirs[key]
        ]
        return joined
