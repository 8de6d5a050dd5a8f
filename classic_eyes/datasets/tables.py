"""Label files as tables that grow: every column is kept, nothing is written over."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Sequence
from dataclasses import dataclass

from .._utils.writing import csv_text, write_whole
from ..errors import DataError, ParameterError
from .csvfile import LABEL_VALUES, UNLABELLED, read_csv
from .finding import Path, first_few, shown

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

# The column in which a label page says that somebody looked at an image and could not tell.
UNSURE = "unsure"
PREFERENCES = ("neither", "first", "second")


@dataclass(frozen=True)
class LabelTable:
    """The rows of a label file as they stand, with columns that this library knows nothing of.

    Parameters
    ----------
    columns : tuple of str
        As the file spells them; ``file`` and ``label`` are among them.
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

    def place(self, column: str) -> int | None:
        """Say where a column stands.

        Parameters
        ----------
        column : str
            In lower case.

        Returns
        -------
        int or None
            Its position; None where there is none.
        """
        known = [name.strip().lower() for name in self.columns]
        return known.index(column) if column in known else None

    def values(self, column: str) -> tuple[str, ...]:
        """Return what a column holds.

        Parameters
        ----------
        column : str
            In lower case.

        Returns
        -------
        tuple of str
            One for each row, empty where there is no such column.
        """
        place = self.place(column)
        return tuple("" if place is None else row[place] for row in self.rows)

    @property
    def labels(self) -> tuple[int, ...]:
        """Return the labels.

        Returns
        -------
        tuple of int
            1 open, 0 closed, -1 unknown.
        """
        return tuple(LABEL_VALUES[label.strip().lower()] for label in self.values("label"))

    @property
    def keys(self) -> tuple[str, ...]:
        """Return the names by which rows of two files, or a row and an image, are known for the same.

        Returns
        -------
        tuple of str
            See `image_key`.
        """
        return tuple(map(image_key, self.values("file")))


@dataclass(frozen=True)
class Merged:
    """Two label files in one, and how far they agree.

    Parameters
    ----------
    table : LabelTable
        The rows of the first, then those that only the second has.
    both : int
        Images to which both give a label.
    agreed : int
        Those among them to which both give the same.
    kappa : float or None
        Cohen's kappa over them; None where there are none, or both give the same label to all.
    conflicts : tuple of (str, int, int)
        File, label of the first, label of the second.
    doubts : tuple of str
        Files that one labels and the other marks as unsure.
    differing : tuple of (str, str)
        File and column, where the two hold different values of something else; the first's is kept.
    """

    table: LabelTable
    both: int
    agreed: int
    kappa: float | None
    conflicts: tuple[tuple[str, int, int], ...]
    doubts: tuple[str, ...]
    differing: tuple[tuple[str, str], ...]


def image_key(name: str) -> str:
    """Return the name by which an image is known, however a label file spells it.

    Parameters
    ----------
    name : str
        As it stands in the column ``file``, or as a reader names the image.

    Returns
    -------
    str
        Without ``./`` and, as images are looked for there too, without a leading ``images/``.

    Examples
    --------
    >>> image_key("./images/a.png"), image_key("left/../a.png")
    ('a.png', 'a.png')
    """
    return posixpath.normpath(name).removeprefix("images/")


def read_label_table(csv_path: Path) -> LabelTable:
    """Read a label file as it stands, without its images.

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
        As for `load_labelled_csv`, but for files that are not there.
    """
    table = read_csv(csv_path, ("file", "label"))
    twice = [name for number, name in enumerate(table.columns) if name in table.columns[:number]]
    if twice:
        raise DataError(f"{table.name}: the column {shown(twice[0])} is there twice; keep one, or name it otherwise")
    problems = list(table.problems)
    known: dict[str, int] = {}
    file, label = table.columns.index("file"), table.columns.index("label")
    for line, fields in table.rows:
        key = image_key(fields[file]) if fields[file] else ""
        if not key:
            problems.append((line, "the file name is empty"))
        elif key in known:
            problems.append((line, f"file {shown(fields[file])} is already on line {known[key]}"))
        elif fields[label].strip().lower() not in LABEL_VALUES:
            problems.append((line, f"label {shown(fields[label])} is not 0, 1, open, closed or empty"))
        known.setdefault(key, line)
    if problems:
        raise DataError(f"{table.name}, {first_few([f'line {line}: {text}' for line, text in sorted(problems)])}")
    return LabelTable(table.header, tuple(fields for _, fields in table.rows))


def write_label_table(table: LabelTable, path: Path, *, force: bool = False) -> None:
    """Write a label file; one that is there already is left alone.

    Parameters
    ----------
    table : LabelTable
        What to write.
    path : str or os.PathLike
        The file, in a folder that exists.
    force : bool, default=False
        Whether to take the place of a file that is there already; readers see the old or the new one, never a part.

    Raises
    ------
    ParameterError
        If the file is there already, or cannot be written.
    """
    target = os.fspath(path)
    if os.path.lexists(target) and not force:
        raise ParameterError(f"{target!r} is there already; name another file, or say --force to take its place")
    try:
        write_whole(target, csv_text([table.columns, *table.rows]).encode("utf-8"))
    except OSError as error:
        raise ParameterError(
            f"{target!r} cannot be written ({error.strerror}); name a file in a folder that can be"
        ) from error


def merge_tables(first: LabelTable, second: LabelTable, *, prefer: str = "neither") -> Merged:
    """Put two label files into one.

    1. An image has one row; the rows of `first` come first, in their order. Rows are those of one image if
       `image_key` gives them the same name.
    2. An empty field is filled from the other file. Of labels that differ, `prefer` is kept; with ``neither`` the label
       is left empty, for somebody to look at the image again.
    3. Where one gives a label and the other marks the image as unsure, the label is kept and the mark is not; but if
       `prefer` names who was unsure, it is the other way round.
    4. Of other fields that differ, the first's is kept.

    Parameters
    ----------
    first, second : LabelTable
        Two label files about the same images, or about some of them.
    prefer : {"neither", "first", "second"}, default="neither"
        Whose label is kept where both give one and they differ.

    Returns
    -------
    Merged
        The table, and how far the two agree.

    Raises
    ------
    ParameterError
        For another preference.

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
    further = [name for name in second.columns if name.strip().lower() not in first_keys]
    keys = [*first_keys, *_keys(further)]
    others = {row["file"]: row for row in _records(second)}
    merging = _Merging(prefer)
    rows = [merging.join(row, others.pop(row["file"], {})) for row in _records(first)]
    rows += list(others.values())
    spelled = {key: name for each in (second, first) for key, name in zip(each.keys, each.values("file"), strict=True)}
    table = LabelTable(
        (*first.columns, *further),
        tuple(tuple((row | {"file": spelled[row["file"]]}).get(key, "") for key in keys) for row in rows),
    )
    pairs = merging.pairs
    # It brings scikit-learn, for which who only asks a model need not wait.
    from ..metrics import cohen_kappa

    return Merged(
        table,
        len(pairs),
        sum(one == other for one, other in pairs),
        cohen_kappa(*zip(*pairs, strict=True)) if len({label for pair in pairs for label in pair}) > 1 else None,
        tuple((spelled[key], one, other) for key, one, other in merging.conflicts),
        tuple(spelled[key] for key in merging.doubts),
        tuple((spelled[key], column) for key, column in merging.differing),
    )


def _keys(columns: Sequence[str]) -> list[str]:
    return [name.strip().lower() for name in columns]


def _records(table: LabelTable) -> list[dict[str, str]]:
    """Return the rows by column, the file by the name under which it is known."""
    keys = _keys(table.columns)
    rows = (dict(zip(keys, row, strict=True)) for row in table.rows)
    return [row | {"file": key} for row, key in zip(rows, table.keys, strict=True)]


class _Merging:
    """Joins rows about the same image, and remembers where they differ."""

    def __init__(self, prefer: str) -> None:
        self.prefer = prefer
        self.pairs: list[tuple[int, int]] = []
        self.conflicts: list[tuple[str, int, int]] = []
        self.doubts: list[str] = []
        self.differing: list[tuple[str, str]] = []

    def join(self, mine: dict[str, str], theirs: dict[str, str]) -> dict[str, str]:
        joined = {key: mine.get(key) or theirs.get(key, "") for key in {**mine, **theirs}}
        one, other = (LABEL_VALUES[row.get("label", "").strip().lower()] for row in (mine, theirs))
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
        self.differing += [
            (mine["file"], key)
            for key in mine
            if key not in ("file", "label", UNSURE) and mine[key] and theirs.get(key) and mine[key] != theirs[key]
        ]
        return joined
