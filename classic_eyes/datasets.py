"""Readers of data sets: a folder and its labels become one frozen :class:`EyeSet`.

A label is read from ``assets.csv``, from the names of an MRL tree or from one folder a class, and never guessed:
what has no label is -1. No picture is decoded here.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import posixpath
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_eyes.errors import DataError, ParameterError, PictureError
from classic_eyes.images import PICTURE_ENDINGS, read_bytes

__all__ = [
    "UNLABELLED",
    "EyeSet",
    "concatenate",
    "find_pictures",
    "fingerprint",
    "group_folds",
    "mrl_fields",
    "read_class_folders",
    "read_eyes",
    "read_folder",
    "read_labelled_csv",
    "read_mrl",
    "read_votes",
]

Path: TypeAlias = str | os.PathLike[str]

UNLABELLED = -1
LABEL_FILE = "assets.csv"
MOST_SHOWN = 10

_LABELS = {"0": 0, "1": 1, "closed": 0, "open": 1, "": UNLABELLED}
_WORD_CLASSES = {"open": 1, "closed": 0}
_DIGIT_CLASSES = {"1": 1, "0": 0}
_MRL_FIELDS = ("subject", "image", "gender", "glasses", "state", "reflections", "lighting", "sensor")
_MRL_NAME = re.compile(r"(s\d+)_(\d+)_([01])_([01])_([01])_([012])_([01])_(\d+)", re.ASCII)


@dataclass(frozen=True, eq=False)
class EyeSet:
    """Pictures of eyes by path, with what is known about them.

    Parameters
    ----------
    paths : sequence of str, length n
        Paths that open the files.
    labels : array-like of int, shape (n,)
        1 open, 0 closed, -1 unknown.
    groups : array-like of str, shape (n,)
        Pictures that must not be split between training and test (one person, one face) share a group.
    names : sequence of str, length n
        The path below the folder that was read, with ``/``; the same wherever the folder lies.
    source : str, default=""
        The name of the folder, for summaries.

    Raises
    ------
    ParameterError
        If the lengths differ or a label is not 1, 0 or -1.

    Notes
    -----
    The arrays ``labels`` (int8) and ``groups`` are read-only. Readers sort by name.

    Examples
    --------
    >>> from classic_eyes.datasets import EyeSet
    >>> eyes = EyeSet(["d/a.png", "d/b.png"], labels=[1, -1], groups=["a", "b"], names=["a.png", "b.png"])
    >>> len(eyes), eyes.take([1]).names
    (2, ('b.png',))
    >>> eyes.summary()
    '2 pictures: 1 open, 0 closed, 1 unlabelled, in 2 groups'
    """

    paths: Sequence[str]
    labels: NDArray[np.int8]
    groups: NDArray[np.str_]
    names: Sequence[str]
    source: str = ""

    def __post_init__(self) -> None:
        labels = np.array(self.labels).reshape(-1)
        groups = np.array(self.groups, dtype=np.str_).reshape(-1)
        lengths = {"paths": len(self.paths), "labels": len(labels), "groups": len(groups), "names": len(self.names)}
        if len(set(lengths.values())) != 1:
            raise ParameterError(f"paths, labels, groups and names must be of one length; got {lengths}")
        strange = labels[~np.isin(labels, (0, 1, UNLABELLED))]
        if strange.size:
            raise ParameterError(f"labels holds {strange[0]!r}; allowed are 1 open, 0 closed and -1 unknown")
        labels = labels.astype(np.int8)
        for array in (labels, groups):
            array.flags.writeable = False
        fixed = {"paths": tuple(self.paths), "labels": labels, "groups": groups, "names": tuple(self.names)}
        for field, value in fixed.items():
            object.__setattr__(self, field, value)

    def __len__(self) -> int:
        return len(self.paths)

    def take(self, index: ArrayLike) -> EyeSet:
        """Take some of the pictures, in the order of `index`.

        Parameters
        ----------
        index : array-like of int or of bool
            Positions, or a mask of length n.

        Returns
        -------
        EyeSet
            A set of its own with the same source.
        """
        rows = np.arange(len(self))[np.asarray(index, dtype=None if np.size(index) else np.intp)]
        return EyeSet(
            [self.paths[row] for row in rows],
            self.labels[rows],
            self.groups[rows],
            [self.names[row] for row in rows],
            self.source,
        )

    def summary(self) -> str:
        """Count pictures, labels and groups in one line.

        Returns
        -------
        str
            One line that names no folder but the last one read.
        """
        n_open, n_closed, n_unknown = (int((self.labels == label).sum()) for label in (1, 0, UNLABELLED))
        head = f"{self.source}: " if self.source else ""
        return (
            f"{head}{len(self)} pictures: {n_open} open, {n_closed} closed, {n_unknown} unlabelled, "
            f"in {len(np.unique(self.groups))} groups"
        )


def find_pictures(path: Path) -> list[tuple[str, str]]:
    """Find the pictures of a folder by their endings, through all levels.

    1. Files and folders with a leading dot are left out.
    2. Links to folders are followed after the folders themselves, each real folder once, so that a loop ends.
    3. Whatever else has an ending of ``classic_eyes.images.PICTURE_ENDINGS``, in any case, is listed, readable or not.

    Parameters
    ----------
    path : str or os.PathLike
        A folder; or a single picture of any ending, which gives itself, its name being `path` as given.

    Returns
    -------
    list of (str, str)
        The path that opens the file, and its name below the folder with ``/``; sorted by name.

    Raises
    ------
    DataError
        If there is nothing at `path`, a folder in it cannot be read, or there is no picture in it.
    """
    top = os.fspath(path)
    if not os.path.isdir(top):
        if not os.path.exists(top):
            raise DataError(f"{top!r}: no such folder or picture")
        return [(top, top)]
    found = [(os.path.join(top, *name.split("/")), name) for name in sorted(_walk(top))]
    if not found:
        raise DataError(f"{top!r}: no pictures in this folder; endings looked for: {' '.join(sorted(PICTURE_ENDINGS))}")
    return found


def _walk(top: str) -> Iterable[str]:
    seen: set[tuple[int, int]] = set()
    folders, links = [""], list[str]()
    while folders or links:
        # The links last and in sorted order, so that a folder reached twice always gets the same name.
        below = folders.pop() if folders else links.pop(links.index(min(links)))
        folder = os.path.join(top, *below.split("/")) if below else top
        try:
            status = os.stat(folder)
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            with os.scandir(folder) as entries:
                visible = [entry for entry in entries if not entry.name.startswith(".")]
        except OSError as error:
            raise DataError(f"{folder!r}: cannot read this folder ({error.strerror})") from error
        for entry in visible:
            name = f"{below}/{entry.name}" if below else entry.name
            if entry.is_dir():
                (links if entry.is_symlink() else folders).append(name)
            elif os.path.splitext(entry.name)[1].lower() in PICTURE_ENDINGS:
                yield name


def read_eyes(path: Path, *, labels: Path | None = None) -> EyeSet:
    """Read a data set of any of the known kinds.

    The first that fits decides:

    1. `labels` is given, or there is an ``assets.csv`` in the folder: :func:`read_labelled_csv`;
    2. every picture has an MRL name: :func:`read_mrl`;
    3. there is a folder for a class: :func:`read_class_folders`;
    4. some pictures have MRL names: :func:`read_mrl`, which lists those that have not;
    5. else all pictures are unlabelled: :func:`read_folder`.

    Parameters
    ----------
    path : str or os.PathLike
        A folder, or a single picture.
    labels : str or os.PathLike, optional
        A CSV to read in place of ``assets.csv``; its names are relative to `path`.

    Returns
    -------
    EyeSet
        The pictures sorted by name.

    Raises
    ------
    DataError
        As the four readers and :func:`find_pictures`; or if `labels` is given and `path` is no folder.
    """
    top = os.fspath(path)
    beside = os.path.join(top, LABEL_FILE)
    if labels is not None or os.path.isfile(beside):
        return read_labelled_csv(top, beside if labels is None else labels)
    found = find_pictures(top)
    n_mrl = sum(mrl_fields(name) is not None for _, name in found)
    if n_mrl == len(found):
        return _mrl_set(top, found)
    if _class_folders(found):
        return _class_folder_set(top, found)
    return _mrl_set(top, found) if n_mrl else _unlabelled_set(top, found)


def read_folder(folder: Path) -> EyeSet:
    """Read a folder of pictures about which nothing is known.

    Parameters
    ----------
    folder : str or os.PathLike
        A folder, searched as by :func:`find_pictures`.

    Returns
    -------
    EyeSet
        All labels are -1; each picture is its own group.
    """
    return _unlabelled_set(os.fspath(folder), find_pictures(folder))


def read_mrl(folder: Path) -> EyeSet:
    """Read a tree of the MRL Eye Dataset: label and person are in the file names.

    Parameters
    ----------
    folder : str or os.PathLike
        A folder, searched as by :func:`find_pictures`; how it is divided into folders does not matter.

    Returns
    -------
    EyeSet
        The label is the fifth field of the name, the group is the subject.

    Raises
    ------
    DataError
        If the name of any picture does not fit (see :func:`mrl_fields`); up to ten are listed.
    """
    return _mrl_set(os.fspath(folder), find_pictures(folder))


def read_class_folders(folder: Path) -> EyeSet:
    """Read a folder with one folder a class directly in it.

    Folders named ``open`` and ``closed``, in any case, are classes; one of them is enough. Pictures beside them and
    in other folders are unlabelled. Folders named ``1`` and ``0`` are classes only if no other folder has pictures
    in it, for a folder of people may well be numbered.

    Parameters
    ----------
    folder : str or os.PathLike
        A folder, searched as by :func:`find_pictures`.

    Returns
    -------
    EyeSet
        Each picture is its own group.

    Raises
    ------
    DataError
        If there is no folder for a class.
    """
    top = os.fspath(folder)
    found = find_pictures(top)
    if not _class_folders(found):
        raise DataError(
            f"{top!r}: no class folders; directly in it open and closed, or 1 and 0 alone, must hold pictures"
        )
    return _class_folder_set(top, found)


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
        raise DataError(f"{csv_name}, {_first_few(table.problems)}")
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
            return f"file {_shown(file)} leaves the folder; names are relative to it"
        known = next((each for each in (name, f"images/{name}") if self._has(each)), None)
        if known is None:
            return f"file {_shown(file)} is not in the folder, nor in its images/"
        if label not in _LABELS:
            return f"label {_shown(row['label'])} is not 0, 1, open, closed or empty"
        if known in self.rows:
            return f"file {_shown(file)} is already on line {self.rows[known][0]}"
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
            paths, np.array([row[1] for row in rows]), np.array([row[2] for row in rows]), names, _base(self.top)
        )


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
            if fields and not columns:
                columns = _csv_columns(csv_name, line, fields, needed, allowed)
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
                f"{csv_name}, line {line}: no column {column!r} in the header {_shown(','.join(fields))}; "
                f"needed are {','.join(needed)}, with commas"
            )
        if columns.count(column) > 1:
            raise DataError(f"{csv_name}, line {line}: the column {column!r} is there twice; keep one")
    return columns


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
            problems.append(f"line {line}: file {_shown(row['file'])} is empty or there twice")
        elif strange is not None:
            problems.append(f"line {line}: {strange} {_shown(row[strange])} is not 0, 1, open, closed or empty")
        else:
            votes[row["file"]] = [_LABELS[label] for label in given.values() if label]
    if problems:
        raise DataError(f"{csv_name}, {_first_few(problems)}")
    return votes


def mrl_fields(name: str) -> dict[str, str | int] | None:
    """Read the fields of an MRL file name.

    Parameters
    ----------
    name : str
        ``subject_image_gender_glasses_state_reflections_lighting_sensor.png``; folders before it and the ending do not
        matter. Gender, glasses, state and lighting are 0 or 1, reflections 0, 1 or 2.

    Returns
    -------
    dict or None
        The eight fields by name, the subject as str, the others as int; None if the name does not fit.

    Examples
    --------
    >>> from classic_eyes.datasets import mrl_fields
    >>> fields = mrl_fields("s0002/s0002_00001_0_0_1_0_0_01.png")
    >>> fields["subject"], fields["state"]
    ('s0002', 1)
    >>> mrl_fields("000000.jpg") is None
    True
    """
    match = _MRL_NAME.fullmatch(posixpath.splitext(posixpath.basename(name))[0])
    if match is None:
        return None
    subject, *numbers = match.groups()
    return {"subject": subject, **dict(zip(_MRL_FIELDS[1:], map(int, numbers), strict=True))}


def concatenate(sets: Iterable[EyeSet]) -> EyeSet:
    """Join data sets; the order of the pictures is kept.

    Parameters
    ----------
    sets : iterable of EyeSet
        At least one. With more than one, the groups of set i get the prefix ``i/``, so that equal group names in
        two sets stay two groups.

    Returns
    -------
    EyeSet
        All pictures.

    Raises
    ------
    DataError
        If two sets hold the same file: it could stand in training and test at once.
    ParameterError
        If there is no set.
    """
    each = list(sets)
    if not each:
        raise ParameterError("sets is empty; at least one EyeSet is needed")
    if len(each) == 1:
        return each[0]
    paths = [path for eyes in each for path in eyes.paths]
    known: set[str] = set()
    for path in map(os.path.abspath, paths):
        if path in known:
            raise DataError(f"{path!r} is in two of the data sets; give each folder once, and none inside another")
        known.add(path)
    groups = [f"{number}/{group}" for number, eyes in enumerate(each) for group in eyes.groups]
    names = [name for eyes in each for name in eyes.names]
    sources = " + ".join(eyes.source for eyes in each if eyes.source)
    return EyeSet(paths, np.concatenate([eyes.labels for eyes in each]), np.array(groups), names, sources)


def group_folds(
    labels: ArrayLike, groups: ArrayLike, n_splits: int = 5, *, random_state: int | None = 0
) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Split into folds so that no group is on both sides and the labels are balanced as well as the groups allow.

    Parameters
    ----------
    labels : array-like of int, shape (n,)
        1 open, 0 closed; -1, unknown, counts as a class of its own.
    groups : array-like, shape (n,)
        Person or face of each picture.
    n_splits : int, default=5
        Number of folds, at least 2.
    random_state : int or None, default=0
        Seed of the shuffling.

    Returns
    -------
    list of (ndarray of int, ndarray of int)
        Positions of the training and of the test pictures, `n_splits` times; every picture is tested once.

    Raises
    ------
    ParameterError
        If `labels` and `groups` do not go together, `n_splits` is not an integer of at least 2, or there are fewer
        groups, or fewer pictures of every label, than folds.

    Examples
    --------
    >>> from classic_eyes.datasets import group_folds
    >>> folds = group_folds([0, 1, 0, 1], ["a", "a", "b", "b"], 2)
    >>> sorted(test.tolist() for _, test in folds)
    [[0, 1], [2, 3]]
    """
    from sklearn.model_selection import StratifiedGroupKFold

    labels, groups = np.asarray(labels), np.asarray(groups)
    if labels.ndim != 1 or labels.shape != groups.shape or labels.size == 0:
        raise ParameterError(
            f"labels has shape {labels.shape} and groups {groups.shape}; both must be (n,), n at least 1"
        )
    if not isinstance(n_splits, int | np.integer) or isinstance(n_splits, bool) or n_splits < 2:
        raise ParameterError(f"n_splits is {n_splits!r}; allowed is an integer of at least 2")
    n_groups = len(np.unique(groups))
    if n_groups < n_splits:
        raise ParameterError(
            f"n_splits is {n_splits}, but there are {n_groups} groups; at most {n_groups} folds are possible"
        )
    most = int(np.unique(labels, return_counts=True)[1].max())
    if most < n_splits:
        raise ParameterError(f"n_splits is {n_splits}, but no label has more than {most} pictures; take fewer folds")
    splitter = StratifiedGroupKFold(n_splits, shuffle=True, random_state=random_state)
    return list(splitter.split(np.empty(len(labels)), labels, groups))


def fingerprint(eyes: EyeSet) -> str:
    """Hash a data set: the same for the same pictures, names, labels and groups, in any order and in any place.

    Parameters
    ----------
    eyes : EyeSet
        The data set; its files are read, not decoded.

    Returns
    -------
    str
        SHA-256 in 64 hexadecimal digits, over the sorted (name, label, group, SHA-256 of the file).

    Raises
    ------
    DataError
        If a file cannot be read.
    """
    rows = []
    for path, name, label, group in zip(eyes.paths, eyes.names, eyes.labels, eyes.groups, strict=True):
        try:
            content = hashlib.sha256(read_bytes(path)).hexdigest()
        except PictureError as error:
            raise DataError(f"{path!r}: {error}; a fingerprint needs every file") from error
        rows.append((name, int(label), str(group), content))
    # JSON keeps the fields apart and writes names that are not UTF-8 as escapes.
    return hashlib.sha256(json.dumps(sorted(rows)).encode("ascii")).hexdigest()


def _unlabelled_set(top: str, found: list[tuple[str, str]]) -> EyeSet:
    return _set_of(top, found, [UNLABELLED] * len(found), [name for _, name in found])


def _mrl_set(top: str, found: list[tuple[str, str]]) -> EyeSet:
    fields = [mrl_fields(name) for _, name in found]
    strange = [_shown(name) for (_, name), each in zip(found, fields, strict=True) if each is None]
    if strange:
        raise DataError(
            f"{top!r}: {len(strange)} of {len(found)} pictures have no MRL name "
            f"({'_'.join(_MRL_FIELDS)}.png): {_first_few(strange)}; move them elsewhere or write an {LABEL_FILE}"
        )
    known = [each for each in fields if each]
    return _set_of(top, found, [int(each["state"]) for each in known], [str(each["subject"]) for each in known])


def _class_folders(found: list[tuple[str, str]]) -> dict[str, int]:
    """Map the folders that are classes to their labels; empty if there are none."""
    folders = {name.split("/", 1)[0] for _, name in found if "/" in name and not os.path.isabs(name)}
    words = {folder: _WORD_CLASSES[folder.lower()] for folder in folders if folder.lower() in _WORD_CLASSES}
    if words:
        return words
    return {folder: _DIGIT_CLASSES[folder] for folder in folders} if folders <= _DIGIT_CLASSES.keys() else {}


def _class_folder_set(top: str, found: list[tuple[str, str]]) -> EyeSet:
    classes = _class_folders(found)
    tops = [name.split("/", 1)[0] if "/" in name else "" for _, name in found]
    return _set_of(top, found, [classes.get(each, UNLABELLED) for each in tops], [name for _, name in found])


def _set_of(top: str, found: list[tuple[str, str]], labels: list[int], groups: list[str]) -> EyeSet:
    paths, names = zip(*found, strict=True)
    return EyeSet(paths, np.array(labels), np.array(groups), names, _base(top))


def _base(top: str) -> str:
    return os.path.basename(os.path.abspath(top))


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")


def _first_few(problems: list[str]) -> str:
    more = len(problems) - MOST_SHOWN
    return "; ".join(problems[:MOST_SHOWN]) + (f"; and {more} more" if more > 0 else "")
