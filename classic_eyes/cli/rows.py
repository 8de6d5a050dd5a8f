"""Answers as rows: CSV, JSON lines, or a table for eyes; and what is already answered in a file."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple, TextIO

import numpy as np

from .._utils.writing import csv_text
from ..errors import DataError, ParameterError
from ..inference import CHUNK, Scored
from ..inference.novelty import verdicts

__all__ = ["STYLES", "Done", "Row", "open_output", "printable", "read_done", "write_rows"]

# Names of files may hold any bytes; surrogateescape writes them back as they were.
_TEXT = {"encoding": "utf-8", "errors": "surrogateescape", "newline": ""}


class Row(NamedTuple):
    """What is written of an image."""

    file: str
    label: int | None
    score: float | None
    verdict: str | None
    error: str | None


def _columns(verdict: bool) -> tuple[str, ...]:
    return tuple(name for name in Row._fields if verdict or name != "verdict")


def _values(row: Row, verdict: bool) -> tuple[object, ...]:
    return tuple(row) if verdict else (*row[:3], row.error)


def _csv_text(rows: Iterable[Row], verdict: bool) -> str:
    return csv_text(
        (file, label, None if score is None else f"{score:.6f}", *((told,) if verdict else ()), error)
        for file, label, score, told, error in rows
    )


def _jsonl_text(rows: Iterable[Row], verdict: bool) -> str:
    columns = _columns(verdict)
    rounded = (row if row.score is None else row._replace(score=round(row.score, 6)) for row in rows)
    return "".join(json.dumps(dict(zip(columns, _values(row, verdict), strict=True))) + "\n" for row in rounded)


def _table_text(rows: Sequence[Row], verdict: bool) -> str:
    # A table must know its widest name, so it is made of all rows; it is meant for eyes, not for millions.
    words = [row.verdict or ("closed", "open")[row.label] for row in rows if row.label is not None]
    wide = max([len("closed"), *(len(word) for word in words)])
    names = [printable(row.file) for row in rows]
    width = max(len("file"), *(len(name) for name in names))
    lines = [f"{'file':<{width}}  {'eye':<{wide}}  P(open)"]
    given = iter(words)
    for name, row in zip(names, rows, strict=True):
        answer = f"{'failed':<{wide}}  {row.error}" if row.score is None else f"{next(given):<{wide}}  {row.score:4.0%}"
        lines.append(f"{name:<{width}}  {answer}")
    return "\n".join(lines) + "\n"


def printable(name: str) -> str:
    """Return a name as a terminal may show it.

    Parameters
    ----------
    name : str
        Of a file, or whatever else comes from non_eyes.

    Returns
    -------
    str
        With a question mark in a box for what would move the cursor, ring, or colour.
    """
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in name)


_LINES: dict[str, Callable[[Iterable[Row], bool], str]] = {"csv": _csv_text, "jsonl": _jsonl_text}
STYLES = (*_LINES, "table")


def _head(style: str, verdict: bool) -> str:
    return ",".join(_columns(verdict)) + "\n" if style == "csv" else ""


@dataclass(frozen=True)
class Done:
    """What a file holds of answers already.

    Parameters
    ----------
    rows : int
        Whole rows.
    size : int
        Bytes that they and the header take; what follows is the beginning of a row that was never finished.
    start : int
        The first of them that is asked again, as the first of its chunk.
    kept : list of Row
        Rows from there on.
    count : collections.Counter
        How many before them were ``open``, ``closed`` and so on.
    """

    rows: int
    size: int
    start: int
    kept: list[Row]
    count: Counter[str]


def read_done(
    out: str, names: Iterable[str], *, style: str = "csv", verdict: bool = False, threshold: float = 0.5
) -> Done:
    """Read the answers that an earlier run left in a file.

    1. Bytes after the last whole row are left out: they are what a killed run was about to write.
    2. Row for row, the names must be those of the images, and the labels those of the scores at this threshold.
    3. The rows of the last chunk are kept, for them to be compared with new answers about the same images.

    Parameters
    ----------
    out : str
        The file; if there is none, nothing is done.
    names : iterable of str
        Names of the images of this run.
    style : str, default "csv"
        ``csv`` or ``jsonl``.
    verdict : bool, default False
        Whether rows have a verdict.
    threshold : float, default 0.5
        Open from this probability on.

    Returns
    -------
    Done
        What is done.

    Raises
    ------
    ParameterError
        If the file cannot be read.
    DataError
        If it holds something else, or answers about other images or by another threshold.
    """
    if os.path.exists(out) and not os.path.isfile(out):
        raise ParameterError(f"--out {out!r} is no file that could be gone on with; {_REMEDY}")
    head = _head(style, verdict).encode()
    count: Counter[str] = Counter()
    rows, size, kept, pending = 0, 0, list[Row](), Counter[str]()
    try:
        with open(out, "rb") as file:
            begin = file.read(len(head))
            if begin != head:
                if head.startswith(begin):
                    return Done(0, 0, 0, [], count)
                raise DataError(f"--out {out!r} is no such {style} as this run would write; {_REMEDY}")
            size = len(head)
            expected = iter(names)
            for text in _whole_rows(file, style):
                row = _parse(text, style, verdict, out, rows)
                name = next(expected, None)
                if row.file != name:
                    told = "there are no more images" if name is None else f"this run has {name!r}"
                    raise DataError(f"--out {out!r}, row {rows + 1} is about {row.file!r}, and {told}; {_REMEDY}")
                _check_label(row, threshold, out, rows)
                if rows % CHUNK == 0:
                    count += pending
                    kept, pending = [], Counter()
                kept.append(row)
                pending[_kind(row)] += 1
                rows, size = rows + 1, size + len(text.encode(errors="surrogateescape"))
    except FileNotFoundError:
        return Done(0, 0, 0, [], count)
    except OSError as error:
        raise ParameterError(f"--out {out!r} cannot be read: {error.strerror}; {_REMEDY}") from error
    return Done(rows, size, rows - len(kept), kept, count)


def _check_label(row: Row, threshold: float, out: str, number: int) -> None:
    # Of a score that was rounded to the threshold nobody knows on which side it was.
    if row.score is None or abs(row.score - threshold) <= _ROUNDED:
        return
    if row.label != int(row.score >= threshold):
        raise DataError(
            f"--out {out!r}, row {number + 1} has label {row.label} and score {row.score:.6f}, and --threshold is "
            f"{threshold:g}: another threshold; {_REMEDY}"
        )


_ROUNDED = 1e-6
# Less than a change of model makes, more than the last digits of one.
_NEARLY = 1e-4
_REMEDY = "name another file, or leave --resume out"


def _whole_rows(file: Iterable[bytes], style: str) -> Iterator[str]:
    held = b""
    for line in file:
        held += line
        # A name may hold a newline, between quotation marks.
        if held.endswith(b"\n") and (style != "csv" or held.count(b'"') % 2 == 0):
            yield held.decode(errors="surrogateescape")
            held = b""


def _parse(text: str, style: str, verdict: bool, out: str, number: int) -> Row:
    columns = _columns(verdict)
    try:
        if style == "csv":
            (values,) = csv.reader(io.StringIO(text, newline=""), strict=True)
            told = {key: value or None for key, value in zip(columns, values, strict=True)}
        else:
            told = json.loads(text)
            if tuple(told) != columns:
                raise ValueError("other columns")
        label = None if told["label"] is None else (0, 1)[int(told["label"])]
        score = None if told["score"] is None else float(told["score"])
        return Row(str(told["file"]), label, score, told.get("verdict"), told["error"])
    except (ValueError, TypeError, LookupError, csv.Error, RecursionError) as error:
        raise DataError(f"--out {out!r}, row {number + 1} is none that this run would write; {_REMEDY}") from error


def _kind(row: Row) -> str:
    return "failed" if row.label is None else row.verdict or ("closed", "open")[row.label]


@contextmanager
def open_output(out: str | None, *, keep: int | None = None) -> Iterator[TextIO]:
    """Open what answers are written to.

    Parameters
    ----------
    out : str, optional
        A file; standard output by default.
    keep : int, optional
        Bytes at the beginning of the file that stay; by default the file is begun anew.

    Yields
    ------
    file open for text
        Takes names of files of any bytes.

    Raises
    ------
    ParameterError
        If the file cannot be written.
    """
    if out is None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(**_TEXT)  # type: ignore[arg-type]
        yield sys.stdout
        sys.stdout.flush()
        return
    try:
        file = open(out, "r+" if keep else "w", **_TEXT)  # type: ignore[call-overload]  # noqa: SIM115
    except (OSError, ValueError) as error:
        told = getattr(error, "strerror", None) or error
        raise ParameterError(f"--out {out!r} cannot be written: {told}; name another file") from error
    with file:
        if keep:
            file.seek(keep)
            file.truncate()
        yield file


def write_rows(
    names: Iterable[str],
    scored: Iterable[Scored],
    file: TextIO,
    *,
    style: str = "csv",
    threshold: float = 0.5,
    unsure: float | None = None,
    done: Done | None = None,
) -> Counter[str]:
    """Write answers as they come, a chunk at a time, so that whoever is stopped leaves whole rows.

    Parameters
    ----------
    names : iterable of str
        Names of the images.
    scored : iterable of Scored
        Their answers.
    file : file open for text
        Gets them.
    style : str, default "csv"
        One of `STYLES`.
    threshold : float, default 0.5
        Open from this probability on.
    unsure : float, optional
        Rows get a verdict, and log odds that are less than this from those of the threshold are unsure.
    done : Done, optional
        What `file` holds already; ``names`` and ``scored`` begin at ``done.start``.

    Returns
    -------
    collections.Counter
        How many were ``failed``, and how many ``open``, ``closed`` and so on; those of `done` among them.

    Raises
    ------
    DataError
        If the answers are others than those of `done` about the same images.
    """
    verdict = unsure is not None
    done = done or Done(0, 0, 0, [], Counter())
    count, there = Counter(done.count), list(done.kept)
    head = "" if done.size else _head(style, verdict)
    held: list[tuple[str, Scored]] = []
    everything: list[Row] = []

    def _put() -> None:
        nonlocal head
        rows = _rows(held, threshold, unsure)
        held.clear()
        kept, new = there[: len(rows)], rows[len(there) :]
        _compare(kept, rows[: len(kept)])
        del there[: len(kept)]
        count.update(_kind(row) for row in (*kept, *new))
        if style == "table":
            everything.extend(rows)
            return
        text, head = head + _LINES[style](new, verdict), ""
        file.write(text)
        file.flush()

    try:
        for pair in zip(names, scored, strict=True):
            held.append(pair)
            if len(held) == CHUNK:
                _put()
    finally:
        # Also when somebody stops the run.
        _put()
    if style == "table":
        file.write(_table_text(everything, verdict))
    return count


def _rows(pairs: Sequence[tuple[str, Scored]], threshold: float, unsure: float | None) -> list[Row]:
    told: list[str | None] = [None] * len(pairs)
    if unsure is not None and pairs:
        probability = np.array([0.0 if answer.score is None else answer.score for _, answer in pairs])
        novelty = np.array([0.0 if answer.novelty is None else answer.novelty for _, answer in pairs])
        told = list(verdicts(probability, novelty, unsure=unsure, threshold=threshold))
    return [
        Row(name, None, None, None, answer.error)
        if answer.score is None
        else Row(name, int(answer.score >= threshold), answer.score, verdict, None)
        for (name, answer), verdict in zip(pairs, told, strict=True)
    ]


def _compare(old: Sequence[Row], new: Sequence[Row]) -> None:
    """Refuse to go on after answers that this run would not have given; a file may have become readable since."""
    for before, now in zip(old, new, strict=True):
        if before.score is None or now.score is None:
            continue
        # The last digits of a score depend on the images beside it, which are others where a file became readable.
        same = abs(before.score - now.score) < _NEARLY and before.verdict == now.verdict
        if not same or before.label != now.label:
            raise DataError(
                f"--resume: {before.file!r} had {_told(before)} and now has {_told(now)}: another model, threshold or "
                f"image; {_REMEDY}"
            )


def _told(row: Row) -> str:
    return f"label {row.label}, score {row.score:.6f}" + (f", verdict {row.verdict}" if row.verdict else "")
