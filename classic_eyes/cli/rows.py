"""Predictions as rows: CSV, JSON lines or a table; and the rows that a file already holds."""

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

# File names may hold any bytes; surrogateescape writes them back unchanged.
_TEXT = {"encoding": "utf-8", "errors": "surrogateescape", "newline": ""}
# A score is written with six digits: closer to the threshold, the label cannot be checked.
_ROUNDING = 1e-6
# Smaller than the effect of another model, larger than that of another batch.
_TOLERANCE = 1e-4
_REMEDY = "name another file, or run without --resume"


class Row(NamedTuple):
    """The columns of an image."""

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
        (file, label, None if score is None else f"{score:.6f}", *((state,) if verdict else ()), error)
        for file, label, score, state, error in rows
    )


def _jsonl_text(rows: Iterable[Row], verdict: bool) -> str:
    columns = _columns(verdict)
    rounded = (row if row.score is None else row._replace(score=round(row.score, 6)) for row in rows)
    return "".join(json.dumps(dict(zip(columns, _values(row, verdict), strict=True))) + "\n" for row in rounded)


def _table_text(rows: Sequence[Row], verdict: bool) -> str:
    # The widths depend on all rows, so a table is written at the end.
    states = [row.verdict or ("closed", "open")[row.label] for row in rows if row.label is not None]
    state_width = max([len("closed"), *(len(state) for state in states)])
    names = [printable(row.file) for row in rows]
    width = max(len("file"), *(len(name) for name in names))
    lines = [f"{'file':<{width}}  {'eye':<{state_width}}  P(open)"]
    remaining = iter(states)
    for name, row in zip(names, rows, strict=True):
        if row.score is None:
            lines.append(f"{name:<{width}}  {'failed':<{state_width}}  {row.error}")
        else:
            lines.append(f"{name:<{width}}  {next(remaining):<{state_width}}  {row.score:4.0%}")
    return "\n".join(lines) + "\n"


def printable(name: str) -> str:
    """Return a name for a terminal, with replacement characters for control characters."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in name)


_LINES: dict[str, Callable[[Iterable[Row], bool], str]] = {"csv": _csv_text, "jsonl": _jsonl_text}
STYLES = (*_LINES, "table")


def _head(style: str, verdict: bool) -> str:
    return ",".join(_columns(verdict)) + "\n" if style == "csv" else ""


@dataclass(frozen=True)
class Done:
    """The rows of an interrupted run.

    Parameters
    ----------
    rows : int
        Whole rows.
    size : int
        Bytes of these rows and the header; what follows is an unfinished row.
    start : int
        The first row that is predicted again: the first one of its chunk.
    kept : list of Row
        Rows from there on.
    count : collections.Counter
        Number of rows before it that were ``open``, ``closed`` and so on.
    """

    rows: int
    size: int
    start: int
    kept: list[Row]
    count: Counter[str]


def read_done(
    out: str, names: Iterable[str], *, style: str = "csv", verdict: bool = False, threshold: float = 0.5
) -> Done:
    """Read the rows that an earlier run left in a file; none if the file does not exist.

    1. Bytes after the last whole row are ignored: a killed run leaves a part of a row.
    2. The names must be those of this run, row for row, and the labels those of the scores at this threshold.
    3. The rows of the last chunk are kept, to be compared with new predictions.
    """
    if os.path.exists(out) and not os.path.isfile(out):
        raise ParameterError(f"--out {out!r} is no regular file, so it cannot be continued; {_REMEDY}")
    head = _head(style, verdict).encode()
    count: Counter[str] = Counter()
    rows, size, kept, pending = 0, 0, list[Row](), Counter[str]()
    try:
        with open(out, "rb") as file:
            begin = file.read(len(head))
            if begin != head:
                if head.startswith(begin):
                    return Done(0, 0, 0, [], count)
                raise DataError(f"--out {out!r} does not start with the {style} header of this run; {_REMEDY}")
            size = len(head)
            expected = iter(names)
            for text in _whole_rows(file, style):
                row = _parse(text, style, verdict, out, rows)
                name = next(expected, None)
                if row.file != name:
                    what = "there are no more images" if name is None else f"this run has {name!r}"
                    raise DataError(f"--out {out!r}, row {rows + 1} is of {row.file!r}, but {what}; {_REMEDY}")
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
    if row.score is None or abs(row.score - threshold) <= _ROUNDING:
        return
    if row.label != int(row.score >= threshold):
        raise DataError(
            f"--out {out!r}, row {number + 1} has label {row.label} and score {row.score:.6f}, but --threshold is "
            f"{threshold:g}: another threshold; {_REMEDY}"
        )


def _whole_rows(file: Iterable[bytes], style: str) -> Iterator[str]:
    held = b""
    for line in file:
        held += line
        # A quoted name may hold a newline.
        if held.endswith(b"\n") and (style != "csv" or held.count(b'"') % 2 == 0):
            yield held.decode(errors="surrogateescape")
            held = b""


def _parse(text: str, style: str, verdict: bool, out: str, number: int) -> Row:
    columns = _columns(verdict)
    try:
        if style == "csv":
            (values,) = csv.reader(io.StringIO(text, newline=""), strict=True)
            fields = {key: value or None for key, value in zip(columns, values, strict=True)}
        else:
            fields = json.loads(text)
            if tuple(fields) != columns:
                raise ValueError("other columns")
        label = None if fields["label"] is None else (0, 1)[int(fields["label"])]
        score = None if fields["score"] is None else float(fields["score"])
        return Row(str(fields["file"]), label, score, fields.get("verdict"), fields["error"])
    except (ValueError, TypeError, LookupError, csv.Error, RecursionError) as error:
        raise DataError(f"--out {out!r}, row {number + 1} is no row of this command; {_REMEDY}") from error


def _kind(row: Row) -> str:
    return "failed" if row.label is None else row.verdict or ("closed", "open")[row.label]


@contextmanager
def open_output(out: str | None, *, keep: int | None = None) -> Iterator[TextIO]:
    """Open a file, or standard output, for text with file names of any bytes; keep its first ``keep`` bytes."""
    if out is None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(**_TEXT)  # type: ignore[arg-type]
        yield sys.stdout
        sys.stdout.flush()
        return
    try:
        file = open(out, "r+" if keep else "w", **_TEXT)  # type: ignore[call-overload]  # noqa: SIM115
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ParameterError(f"--out {out!r} cannot be written: {reason}; name another file") from error
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
    """Write predictions as they arrive, a chunk at a time, so that an interrupted run leaves whole rows.

    With ``unsure`` rows get a verdict; see `classic_eyes.inference.novelty.verdicts`. With ``done``, ``names`` and
    ``scored`` begin at ``done.start``, and the new predictions must agree with the rows that ``done`` keeps. Returns
    how many rows are ``open``, ``closed``, ``failed`` and so on, those of ``done`` included.
    """
    verdict = unsure is not None
    done = done or Done(0, 0, 0, [], Counter())
    count, existing = Counter(done.count), list(done.kept)
    head = "" if done.size else _head(style, verdict)
    held: list[tuple[str, Scored]] = []
    all_rows: list[Row] = []

    def _write_chunk() -> None:
        nonlocal head
        rows = _rows(held, threshold, unsure)
        held.clear()
        kept, new = existing[: len(rows)], rows[len(existing) :]
        _compare(kept, rows[: len(kept)])
        del existing[: len(kept)]
        count.update(_kind(row) for row in (*kept, *new))
        if style == "table":
            all_rows.extend(rows)
            return
        text, head = head + _LINES[style](new, verdict), ""
        file.write(text)
        file.flush()

    try:
        for pair in zip(names, scored, strict=True):
            held.append(pair)
            if len(held) == CHUNK:
                _write_chunk()
    finally:
        # Also when the run is interrupted.
        _write_chunk()
    if style == "table":
        file.write(_table_text(all_rows, verdict))
    return count


def _rows(pairs: Sequence[tuple[str, Scored]], threshold: float, unsure: float | None) -> list[Row]:
    states: list[str | None] = [None] * len(pairs)
    if unsure is not None and pairs:
        probability = np.array([0.0 if scored.score is None else scored.score for _, scored in pairs])
        novelty = np.array([0.0 if scored.novelty is None else scored.novelty for _, scored in pairs])
        states = list(verdicts(probability, novelty, unsure=unsure, threshold=threshold))
    return [
        Row(name, None, None, None, scored.error)
        if scored.score is None
        else Row(name, int(scored.score >= threshold), scored.score, state, None)
        for (name, scored), state in zip(pairs, states, strict=True)
    ]


def _compare(old: Sequence[Row], new: Sequence[Row]) -> None:
    """Refuse to continue rows that this run would not have written; a file may have become readable meanwhile."""
    for before, now in zip(old, new, strict=True):
        if before.score is None or now.score is None:
            continue
        # The last digits of a score depend on its batch, which differs where a file became readable.
        same = abs(before.score - now.score) < _TOLERANCE and before.verdict == now.verdict
        if not same or before.label != now.label:
            raise DataError(
                f"--resume: {before.file!r} had {_describe(before)} and now has {_describe(now)}: another model, "
                f"threshold or image; {_REMEDY}"
            )


def _describe(row: Row) -> str:
    return f"label {row.label}, score {row.score:.6f}" + (f", verdict {row.verdict}" if row.verdict else "")
