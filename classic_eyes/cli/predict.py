"""Say of every picture in folders or files whether the eye is open (1) or closed (0)."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TextIO

from tqdm import tqdm

from ..classifier import EyeClassifier
from ..compiled import CompiledEyes
from ..datasets import find_pictures
from ..errors import ParameterError
from ..inference import Scored, score_files
from .arguments import positive_integer

Row = tuple[str, int | None, float | None, str | None]
COLUMNS = ("file", "label", "score", "error")


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise ArgumentTypeError(f"{text!r} is not a number from 0 to 1")
    return value


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of ``classic-eyes predict``.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Gets the arguments.
    """
    parser.add_argument("paths", nargs="+", metavar="PATH", help="a folder, searched through all levels, or a picture")
    parser.add_argument(
        "--model",
        metavar="FILE",
        help="a model that train wrote, NAME.npz or NAME.joblib; by default the one that ships",
    )
    parser.add_argument("--trust-model", action="store_true", help="read --model although a joblib file can run code")
    parser.add_argument("--out", metavar="FILE", help="write there instead of to standard output")
    parser.add_argument("--format", choices=tuple(WRITERS), default="csv", help="default: csv")
    parser.add_argument("--jobs", type=positive_integer, metavar="N", help="threads; by default one per core")
    parser.add_argument(
        "--threshold", type=_share, default=0.5, metavar="T", help="open from this probability on; default: 0.5"
    )


def _write_csv(rows: Iterable[Row], file: TextIO) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for name, label, score, error in rows:
        shown = "" if score is None else f"{score:.6f}"
        writer.writerow((name, "" if label is None else label, shown, error or ""))


def _write_jsonl(rows: Iterable[Row], file: TextIO) -> None:
    for name, label, score, error in rows:
        rounded = None if score is None else round(score, 6)
        file.write(json.dumps(dict(zip(COLUMNS, (name, label, rounded, error), strict=True))) + "\n")


def _write_table(rows: Iterable[Row], file: TextIO) -> None:
    # A table must know its widest name, so this one holds all rows; it is meant for eyes, not for millions.
    held = [(_printable(name), label, score, error) for name, label, score, error in rows]
    width = max(len("file"), *(len(name) for name, *_ in held))
    file.write(f"{'file':<{width}}  eye     P(open)\n")
    for name, label, score, error in held:
        answer = f"failed  {error}" if score is None else f"{'open' if label else 'closed':<6}  {score:4.0%}"
        file.write(f"{name:<{width}}  {answer}\n")


def _printable(name: str) -> str:
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in name)


WRITERS: dict[str, Callable[[Iterable[Row], TextIO], None]] = {
    "csv": _write_csv,
    "jsonl": _write_jsonl,
    "table": _write_table,
}


def _list_pictures(paths: list[str], out: str | None) -> list[tuple[str, str]]:
    """Return (path, name) of all pictures in the order of the names, each once.

    Several folders keep theirs in the names.
    """
    listed: dict[str, tuple[str, str]] = {}
    for path in paths:
        for full, name in find_pictures(path):
            listed.setdefault(os.path.abspath(full), (full, full if len(paths) > 1 else name))
    if out is not None and os.path.abspath(out) in listed:
        raise ParameterError(f"--out {out!r} is one of the pictures; name a file of another name")
    return sorted(listed.values(), key=lambda pair: pair[1])


@contextmanager
def _output(out: str | None) -> Iterator[TextIO]:
    # Names of files may hold any bytes; surrogateescape writes them back as they were.
    if out is None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape", newline="")
        yield sys.stdout
        sys.stdout.flush()
        return
    try:
        file = open(out, "w", encoding="utf-8", errors="surrogateescape", newline="")  # noqa: SIM115
    except OSError as error:
        raise ParameterError(f"--out {out!r} cannot be written: {error.strerror}; name another file") from error
    with file:
        yield file


def _rows(names: list[str], scored: Iterable[Scored], threshold: float, count: Counter[str]) -> Iterator[Row]:
    for name, answer in zip(names, scored, strict=True):
        label = None if answer.score is None else int(answer.score >= threshold)
        count["failed" if label is None else "open" if label else "closed"] += 1
        yield name, label, answer.score, answer.error


def work(arguments: Namespace) -> int:
    """Run ``classic-eyes predict``.

    Parameters
    ----------
    arguments : argparse.Namespace
        As `add_arguments` declares them.

    Returns
    -------
    int
        0 all read; 1 some files failed, every other row is written.
    """
    pictures = _list_pictures(arguments.paths, arguments.out)
    clf: CompiledEyes | EyeClassifier
    if arguments.model is None:
        clf = CompiledEyes.pretrained()
    elif arguments.model.endswith(".npz"):
        clf = CompiledEyes.load(arguments.model)
    else:
        clf = EyeClassifier.load(arguments.model, trusted=arguments.trust_model)
    start = time.perf_counter()
    count: Counter[str] = Counter()
    scored = score_files(
        [path for path, _ in pictures],
        lambda batch: clf.predict_proba(batch)[:, 1],
        size=clf.size,
        n_jobs=arguments.jobs,
    )
    shown = tqdm(scored, total=len(pictures), unit=" pictures", disable=not sys.stderr.isatty(), file=sys.stderr)
    with _output(arguments.out) as file:
        WRITERS[arguments.format](_rows([name for _, name in pictures], shown, arguments.threshold, count), file)
    seconds = time.perf_counter() - start
    print(
        f"{count['open'] + count['closed']} read, {count['open']} open, {count['closed']} closed, "
        f"{count['failed']} failed, {len(pictures) / seconds:,.0f} pictures a second",
        file=sys.stderr,
    )
    return 1 if count["failed"] else 0
