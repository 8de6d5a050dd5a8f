"""Predictions as rows: CSV, JSON lines or a table; and the rows that a file already holds."""

from __future__ import annotations

import csv
import io
import json
import os
import stat
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, Any, NamedTuple, Protocol

import numpy as np

from .._utils.files import csv_text, is_stream
from ..errors import DataError, ParameterError
from ..inference import CHUNK, Scored
from ..inference.novelty import verdicts
from .arguments import check_standard_output

__all__ = [
    "STYLES",
    "Done",
    "Output",
    "Row",
    "open_output",
    "printable",
    "read_done",
    "read_rows",
    "utf8_name",
    "write_rows",
]

# File names may hold any bytes; surrogateescape writes them back unchanged.
_ENCODING, _ERRORS = "utf-8", "surrogateescape"
_LOCALE_IS_UTF8 = sys.getfilesystemencoding() == _ENCODING
# A score is written with six digits: closer to the threshold, the label cannot be checked.
_ROUNDING = 1e-6
# Smaller than the effect of another model, larger than that of another batch.
_TOLERANCE = 1e-4
_REMEDY = "name another file, or replace it with --force instead of --resume"


class Output(Protocol):
    """What rows are written to."""

    def write(self, text: str, /) -> object: ...
    def flush(self) -> object: ...


class Row(NamedTuple):
    """The columns of an image."""

    file: str
    label: int | None
    score: float | None
    verdict: str | None
    error: str | None


def utf8_name(name: str) -> str:
    """Return a name that is written as UTF-8 with the bytes it has in the file system, in any locale."""
    return name if _LOCALE_IS_UTF8 else os.fsencode(name).decode(_ENCODING, _ERRORS)


def _utf8_names(names: Iterable[str]) -> Iterable[str]:
    return names if _LOCALE_IS_UTF8 else map(utf8_name, names)


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
    count: Counter[str] = Counter()
    rows, size, kept, pending = 0, 0, list[Row](), Counter[str]()
    expected = iter(_utf8_names(names))
    for fields, end in read_rows(out, _columns(verdict), style=style):
        row = _parse(fields, out, rows)
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
        rows, size = rows + 1, end
    return Done(rows, size, rows - len(kept), kept, count)


def read_rows(
    out: str, columns: Sequence[str], *, style: str, option: str = "--out"
) -> Iterator[tuple[dict[str, Any], int]]:
    """Yield the whole rows that an earlier run left in a file, each with the number of bytes up to its end.

    Values of CSV are text, or None if they are empty. Bytes after the last whole row are ignored; nothing is yielded if
    the file does not exist.
    """
    if is_stream(out) or os.path.isdir(out):
        raise ParameterError(f"{option} {out!r} is no regular file, so it cannot be continued; {_REMEDY}")
    head = (",".join(columns) + "\n").encode() if style == "csv" else b""
    try:
        with open(out, "rb") as file:
            begin = file.read(len(head))
            if begin != head:
                if head.startswith(begin):
                    return
                raise DataError(f"{option} {out!r} does not start with the {style} header of this run; {_REMEDY}")
            size = len(head)
            for number, line in enumerate(_whole_rows(file, style), start=1):
                size += len(line)
                try:
                    yield _fields(line.decode(_ENCODING, _ERRORS), columns, style), size
                except (ValueError, TypeError, LookupError, csv.Error, RecursionError) as error:
                    raise _no_row(out, number, option) from error
    except FileNotFoundError:
        return
    except OSError as error:
        raise ParameterError(f"{option} {out!r} cannot be read: {error.strerror}; {_REMEDY}") from error


def _fields(text: str, columns: Sequence[str], style: str) -> dict[str, Any]:
    if style == "csv":
        (values,) = csv.reader(io.StringIO(text, newline=""), strict=True)
        return {key: value or None for key, value in zip(columns, values, strict=True)}
    fields = json.loads(text)
    if tuple(fields) != tuple(columns):
        raise ValueError("other columns")
    return fields


def _check_label(row: Row, threshold: float, out: str, number: int) -> None:
    if row.score is None or abs(row.score - threshold) <= _ROUNDING:
        return
    if row.label != int(row.score >= threshold):
        raise DataError(
            f"--out {out!r}, row {number + 1} has label {row.label} and score {row.score:.6f}, but --threshold is "
            f"{threshold:g}: another threshold; {_REMEDY}"
        )


def _whole_rows(file: Iterable[bytes], style: str) -> Iterator[bytes]:
    held = b""
    for line in file:
        held += line
        # A quoted name may hold a newline.
        if held.endswith(b"\n") and (style != "csv" or held.count(b'"') % 2 == 0):
            yield held
            held = b""


def _parse(fields: dict[str, Any], out: str, number: int) -> Row:
    try:
        label = None if fields["label"] is None else (0, 1)[int(fields["label"])]
        score = None if fields["score"] is None else float(fields["score"])
        return Row(str(fields["file"]), label, score, fields.get("verdict"), fields["error"])
    except (ValueError, TypeError, LookupError) as error:
        raise _no_row(out, number + 1) from error


def _no_row(out: str, number: int, option: str = "--out") -> DataError:
    return DataError(f"{option} {out!r}, row {number} is no row of this command; {_REMEDY}")


def _kind(row: Row) -> str:
    return "failed" if row.label is None else row.verdict or ("closed", "open")[row.label]


@contextmanager
def open_output(
    out: str | None,
    *,
    style: str = "csv",
    force: bool = False,
    keep: int | None = None,
    remedy: str = "make room, or name another file",
    option: str = "--out",
) -> Iterator[Output]:
    """Open a file, or standard output, for rows of file names with any bytes.

    An existing file is replaced only with ``force``; with ``keep`` it is continued after as many bytes. Each text that
    is written holds whole rows of the ``style``. If writing fails, the file is cut back to the last whole row, and the
    error says the ``remedy``.
    """
    if out is None:
        check_standard_output()
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding=_ENCODING, errors=_ERRORS, newline="")
        yield sys.stdout
        sys.stdout.flush()
        return
    if is_stream(out):
        mode = "ab"
    elif keep is not None:
        mode = "r+b" if os.path.exists(out) else "xb"
    else:
        mode = "wb" if force else "xb"
    try:
        raw = open(out, mode, buffering=0)  # noqa: SIM115
    except FileExistsError as error:  # since check_out
        raise ParameterError(f"{option} {out!r} exists; name another file, or replace it with --force") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ParameterError(f"{option} {out!r} cannot be written: {reason}; name another file") from error
    try:
        with raw:
            yield _RowFile(raw, keep or 0, style)
    except _WriteError as failed:
        raise ParameterError(f"{option} {out!r}: {failed}; {remedy}") from failed


class _WriteError(Exception):
    """A file could not take all that was written to it."""


class _RowFile:
    """A file that grows by whole rows; what cannot be written as a whole is cut off."""

    def __init__(self, raw: IO[bytes], size: int, style: str) -> None:
        self.raw, self.size, self.style = raw, size, style
        self.can_be_cut = stat.S_ISREG(os.fstat(raw.fileno()).st_mode) and "a" not in raw.mode
        if self.can_be_cut:
            raw.truncate(size)
            raw.seek(size)

    def write(self, text: str) -> None:
        """Write whole rows, at once."""
        data = memoryview(text.encode(_ENCODING, _ERRORS))
        written = 0
        try:
            while written < len(data):
                written += self.raw.write(data[written:]) or 0
        except BaseException as error:
            if self.can_be_cut:
                # By its size: an interruption may come after the bytes and before their number is returned.
                written = os.fstat(self.raw.fileno()).st_size - self.size
                self.size += sum(map(len, _whole_rows(io.BytesIO(data[:written]), self.style)))
                with suppress(OSError):
                    self.raw.truncate(self.size)
                    self.raw.seek(self.size)
            if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
                raise _WriteError(error.strerror or error) from error
            raise
        self.size += len(data)

    def flush(self) -> None:
        """Do nothing: nothing is held back."""


def write_rows(
    names: Iterable[str],
    scored: Iterable[Scored],
    file: Output,
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
        for pair in zip(_utf8_names(names), scored, strict=True):
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
