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
from contextlib import contextmanager, suppress
from itertools import chain
from typing import TYPE_CHECKING, Any, TextIO

from ..compiled import CompiledEyes
from ..datasets import find_pictures
from ..errors import ModelError, ParameterError
from ..inference import BACKENDS, Scored, quickest_backend, score_files
from ..persistence import compiled_path, read_header, sha256
from ..remote import is_url
from ..shipped import SHIPPED_MODELS, shipped_model
from ..threads import one_thread
from .arguments import positive_integer

if TYPE_CHECKING:
    from ..classifier import EyeClassifier

__all__ = [
    "add_arguments",
    "add_model_arguments",
    "list_pictures",
    "open_model",
    "open_output",
    "probability_of",
    "work",
    "write_rows",
]

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
    parser.add_argument(
        "paths", nargs="*", metavar="PATH", help="a folder, searched through all levels, or a picture or its URL"
    )
    parser.add_argument(
        "--list", metavar="FILE", help="a path or URL of a picture in each line, instead of PATH; rows keep their order"
    )
    add_model_arguments(parser)
    parser.add_argument("--out", metavar="FILE", help="write there instead of to standard output")
    parser.add_argument("--format", choices=tuple(WRITERS), default="csv", help="default: csv")
    parser.add_argument(
        "--jobs", type=positive_integer, metavar="N", help="threads or processes; by default one per core"
    )
    parser.add_argument(
        "--backend",
        choices=BACKENDS,
        default=quickest_backend(),
        help="threads, processes (fork, loky) or the workers of a Dask cluster; the same answers; default: %(default)s",
    )
    parser.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="of the Dask cluster; its workers see the pictures by the same names",
    )
    parser.add_argument(
        "--threshold", type=_share, default=0.5, metavar="T", help="open from this probability on; default: 0.5"
    )


def add_model_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments that say which model answers.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Gets the arguments.
    """
    parser.add_argument(
        "--model",
        metavar="FILE",
        help="a model that train wrote, NAME.npz or NAME.joblib, or the name of one that ships: "
        f"{', '.join(SHIPPED_MODELS)}; default: default",
    )
    parser.add_argument(
        "--trust-model",
        action="store_true",
        help="read a joblib file without its compiled form beside it, although it can run code",
    )


def _write_csv(rows: Iterable[Row], file: TextIO) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    # None is written as nothing.
    writer.writerows(
        (name, label, None if score is None else f"{score:.6f}", error) for name, label, score, error in rows
    )


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


def list_pictures(paths: list[str], out: str | None = None) -> list[tuple[str, str]]:
    """List the pictures of folders and files in the order of their names, each once.

    Parameters
    ----------
    paths : list of str
        Folders and pictures; several keep theirs in the names.
    out : str, optional
        Where the answers go.

    Returns
    -------
    list of (str, str)
        The path that opens the file, and its name.

    Raises
    ------
    DataError
        For a path at which there is nothing, or a folder without pictures.
    ParameterError
        If `out` is one of the pictures.
    """
    listed: dict[str, tuple[str, str]] = {}
    for path in paths:
        for full, name in find_pictures(path):
            known_as = full if is_url(full) else os.path.abspath(full)
            listed.setdefault(known_as, (full, full if len(paths) > 1 else name))
    if out is not None and os.path.abspath(out) in listed:
        raise ParameterError(f"--out {out!r} is one of the pictures; name a file of another name")
    return sorted(listed.values(), key=lambda pair: pair[1])


class ListedPictures:
    """The names in a list file, read anew each time they are asked for, so that memory does not grow with them.

    Parameters
    ----------
    path : str
        A text file; lines that are empty or all space are left out.

    Raises
    ------
    ParameterError
        If the file cannot be read, or names nothing.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            self._length = sum(1 for _ in self)
        except OSError as error:
            raise ParameterError(f"--list {path!r} cannot be read: {error.strerror}; name a text file") from error
        if not self._length:
            raise ParameterError(f"--list {path!r} names no picture; put a path or URL in each line")

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[str]:
        # As names of files may hold any bytes; a mark of the byte order is not part of the first.
        with open(self.path, encoding="utf-8", errors="surrogateescape") as file:
            for number, line in enumerate(file):
                if name := (line.removeprefix("\ufeff") if number == 0 else line).strip():
                    yield name


def open_model(model: str | None, *, trusted: bool = False) -> CompiledEyes | EyeClassifier:
    """Open the model that a user asks for, without scikit-learn wherever that can be.

    1. None is the default one; a name in ``SHIPPED_MODELS`` that no file has is the one that ships under it.
    2. A ``.npz`` is read as it is.
    3. Of any other file the compiled form is read, if one of the same name lies beside it and says that it is of this
       very file; else the file itself, which can run code.

    Parameters
    ----------
    model : str, optional
        What the user typed.
    trusted : bool, default False
        Whether the user knows where a joblib file comes from.

    Returns
    -------
    CompiledEyes or EyeClassifier
        Ready to answer.

    Raises
    ------
    ModelError
        For a file that is missing, damaged, of a newer format or not trusted.
    """
    named = model or "default"
    if model is None or (model in SHIPPED_MODELS and not os.path.exists(model)):
        compiled: str | None = str(shipped_model(named, ".npz"))
    elif not os.path.exists(model):
        raise ModelError(
            f"--model {model!r}: no model file of this name; allowed is a .npz or .joblib file that classic-eyes train "
            f"wrote, or one of {', '.join(SHIPPED_MODELS)}"
        )
    else:
        compiled = model if model.endswith(".npz") else _compiled_form(model)
    if compiled is not None:
        # A model proves itself by eight pictures; on a busy machine, threads waiting for each other made that take
        # 0.4 s instead of 0.02.
        with one_thread():
            return CompiledEyes.load(compiled)
    from ..classifier import EyeClassifier

    return EyeClassifier.load(named, trusted=trusted)


def _compiled_form(model: str) -> str | None:
    if os.path.isfile(model) and (beside := compiled_path(model)).is_file():
        # A damaged one, or one of another model, is as good as none.
        with suppress(ModelError, OSError):
            if read_header(beside).get("model_sha256") == sha256(model):
                return str(beside)
    return None


@contextmanager
def open_output(out: str | None) -> Iterator[TextIO]:
    """Open what answers are written to.

    Parameters
    ----------
    out : str, optional
        A file; standard output by default.

    Yields
    ------
    file open for text
        Takes names of files of any bytes.

    Raises
    ------
    ParameterError
        If the file cannot be written.
    """
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


def _rows(names: Iterable[str], scored: Iterable[Scored], threshold: float, count: Counter[str]) -> Iterator[Row]:
    for name, answer in zip(names, scored, strict=True):
        label = None if answer.score is None else int(answer.score >= threshold)
        count["failed" if label is None else "open" if label else "closed"] += 1
        yield name, label, answer.score, answer.error


def write_rows(
    names: Iterable[str], scored: Iterable[Scored], file: TextIO, *, style: str = "csv", threshold: float = 0.5
) -> Counter[str]:
    """Write answers as they come.

    Parameters
    ----------
    names : iterable of str
        Names of the pictures.
    scored : iterable of Scored
        Their answers.
    file : file open for text
        Gets them.
    style : str, default "csv"
        A key of `WRITERS`.
    threshold : float, default 0.5
        Open from this probability on.

    Returns
    -------
    collections.Counter
        How many were ``open``, ``closed`` and ``failed``.
    """
    count: Counter[str] = Counter()
    WRITERS[style](_rows(names, scored, threshold, count), file)
    return count


def probability_of(model: CompiledEyes | EyeClassifier) -> Callable[[Any], Any]:
    """Return what `classic_eyes.inference.score_files` asks of a model.

    Parameters
    ----------
    model : CompiledEyes or EyeClassifier
        What answers.

    Returns
    -------
    callable
        From uint8 (n, size, size) to the probability of open, (n,).
    """
    if isinstance(model, CompiledEyes):
        return model.probability
    return lambda batch: model.predict_proba(batch)[:, 1]


def _with_bar(scored: Iterable[Scored], total: int) -> Iterable[Scored]:
    if not sys.stderr.isatty():
        return scored
    from tqdm import tqdm

    return tqdm(scored, total=total, unit=" pictures", file=sys.stderr)


def _what_is_asked(arguments: Namespace) -> tuple[list[str] | ListedPictures, list[str] | ListedPictures]:
    """Return what opens the pictures, and their names."""
    if (arguments.list is None) == (not arguments.paths):
        what = "neither" if arguments.list is None else "both"
        raise ParameterError(f"pictures are named by PATH or by --list FILE, and {what} is given; give one of them")
    if arguments.list is None:
        pictures = list_pictures(arguments.paths, arguments.out)
        return [path for path, _ in pictures], [name for _, name in pictures]
    if arguments.out is not None and os.path.abspath(arguments.out) == os.path.abspath(arguments.list):
        raise ParameterError(f"--out {arguments.out!r} is the list; name a file of another name")
    listed = ListedPictures(arguments.list)
    return listed, listed


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
    paths, names = _what_is_asked(arguments)
    model = open_model(arguments.model, trusted=arguments.trust_model)
    start = time.perf_counter()
    scored = score_files(
        paths,
        probability_of(model),
        size=model.size,
        n_jobs=arguments.jobs,
        backend=arguments.backend,
        scheduler=arguments.scheduler,
    )
    # What goes wrong at once, such as a scheduler that does not answer, must not cost the answers of an earlier run.
    first = next(scored)
    shown = _with_bar(chain([first], scored), len(paths))
    with open_output(arguments.out) as file:
        count = write_rows(names, shown, file, style=arguments.format, threshold=arguments.threshold)
    seconds = time.perf_counter() - start
    print(
        f"{count['open'] + count['closed']} read, {count['open']} open, {count['closed']} closed, "
        f"{count['failed']} failed, {len(paths) / seconds:,.0f} pictures a second",
        file=sys.stderr,
    )
    return 1 if count["failed"] else 0
