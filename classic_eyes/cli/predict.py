"""Say of every image in folders or files whether the eye is open (1) or closed (0)."""

from __future__ import annotations

import os
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any

import numpy as np

from ..calibration.adaptation import fit_adaptation
from ..datasets import find_images
from ..errors import ParameterError
from ..images import MAX_PIXELS
from ..images.remote import is_url
from ..inference import BACKENDS, Scored, quickest_backend, score_files
from .arguments import existing_file, positive_integer
from .models import add_model_arguments, open_model, probability_of, unsure_of
from .photographs import warn_of_photographs
from .rows import STYLES, open_output, read_done, write_rows

__all__ = ["add_arguments", "list_images", "work"]


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
        "paths", nargs="*", metavar="PATH", help="a folder, searched through all levels, or an image or its URL"
    )
    parser.add_argument(
        "--list", metavar="FILE", help="a path or URL of an image in each line, instead of PATH; rows keep their order"
    )
    add_model_arguments(parser)
    parser.add_argument("--out", metavar="FILE", help="write there instead of to standard output")
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on with --out where an earlier run of the same command was stopped or killed",
    )
    parser.add_argument(
        "--verdict",
        action="store_true",
        help="a further column: open, closed, unsure, or not-an-eye",
    )
    parser.add_argument("--format", choices=STYLES, default="csv", help="default: csv")
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
        help="of the Dask cluster; its workers see the images by the same names",
    )
    parser.add_argument("--threshold", type=_share, metavar="T", help="open from this probability on; default: 0.5")
    parser.add_argument(
        "--calibration",
        type=existing_file,
        metavar="FILE",
        help="a person's own threshold, from classic-eyes calibrate",
    )
    parser.add_argument(
        "--adapt",
        action="store_true",
        help="move threshold and probabilities to where the answers about these images fall in two: for a source unlike "
        "those that the model knows, with both kinds of eyes in it; says so if it declines",
    )
    parser.add_argument(
        "--max-pixels",
        type=positive_integer,
        default=MAX_PIXELS,
        metavar="N",
        help="a file that says its image is larger is not decoded; default: %(default)s",
    )


def list_images(paths: list[str], out: str | None = None) -> list[tuple[str, str]]:
    """List the images of folders and files in the order of their names, each once.

    Parameters
    ----------
    paths : list of str
        Folders and images; several keep theirs in the names.
    out : str, optional
        Where the answers go.

    Returns
    -------
    list of (str, str)
        The path that opens the file, and its name.

    Raises
    ------
    DataError
        For a path at which there is nothing, or a folder without images.
    ParameterError
        If `out` is one of the images.
    """
    listed = find_images(paths[0]) if len(paths) == 1 else _each_once(paths)
    # Asking for the whole path takes longer than all the rest: only where the name alone may be it.
    alike = (full for full, _ in listed if out is not None and os.path.basename(full) == os.path.basename(out))
    if any(os.path.abspath(full) == os.path.abspath(str(out)) for full in alike):
        raise ParameterError(f"--out {out!r} is one of the images; name a file of another name")
    return listed


def _each_once(paths: list[str]) -> list[tuple[str, str]]:
    """Return the images of several paths, by their full names; what several lead to, as the first of them has it."""
    listed: dict[str, tuple[str, str]] = {}
    for path in paths:
        for full, _ in find_images(path):
            listed.setdefault(full if is_url(full) else os.path.abspath(full), (full, full))
    return sorted(listed.values(), key=lambda pair: pair[1])


class ListedImages:
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
            raise ParameterError(f"--list {path!r} names no image; put a path or URL in each line")

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[str]:
        # As names of files may hold any bytes; a mark of the byte order is not part of the first.
        with open(self.path, encoding="utf-8", errors="surrogateescape") as file:
            for number, line in enumerate(file):
                if name := (line.removeprefix("\ufeff") if number == 0 else line).strip():
                    yield name


def _with_bar(scored: Iterable[Scored], total: int) -> Iterable[Scored]:
    if not sys.stderr.isatty():
        return scored
    from tqdm import tqdm

    return tqdm(scored, total=total, unit=" images", file=sys.stderr)


def _what_is_asked(arguments: Namespace) -> tuple[list[str] | ListedImages, list[str] | ListedImages]:
    """Return what opens the images, and their names."""
    if (arguments.list is None) == (not arguments.paths):
        what = "neither is" if arguments.list is None else "both are"
        raise ParameterError(f"images are named by PATH or by --list FILE, and {what} given; give one of them")
    if arguments.list is None:
        images = list_images(arguments.paths, arguments.out)
        return [path for path, _ in images], [name for _, name in images]
    if arguments.out is not None and os.path.abspath(arguments.out) == os.path.abspath(arguments.list):
        raise ParameterError(f"--out {arguments.out!r} is the list; name a file of another name")
    listed = ListedImages(arguments.list)
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
    _check_resume(arguments)
    paths, names = _what_is_asked(arguments)
    model = open_model(arguments.model, trusted=arguments.trust_model)
    arguments.threshold = _threshold(arguments, model)
    unsure = unsure_of(model) if arguments.verdict else None
    warn_of_photographs(paths, model, max_pixels=arguments.max_pixels)
    done = None
    if arguments.resume:
        done = read_done(
            arguments.out, names, style=arguments.format, verdict=arguments.verdict, threshold=arguments.threshold
        )
    start = time.perf_counter()
    skipped = done.start if done else 0
    scored = score_files(
        islice(paths, skipped, None),
        probability_of(model, novelty=arguments.verdict),
        size=model.size,
        max_pixels=arguments.max_pixels,
        n_jobs=arguments.jobs,
        backend=arguments.backend,
        scheduler=arguments.scheduler,
    )
    # What goes wrong at once, such as a scheduler that does not answer, must not cost the answers of an earlier run.
    first = next(scored)
    shown = _with_bar(chain([first], scored), len(paths) - skipped)
    if arguments.adapt:
        shown = _adapted(list(shown))
    with open_output(arguments.out, keep=done.size if done else None) as file:
        count = write_rows(
            islice(names, skipped, None),
            shown,
            file,
            style=arguments.format,
            threshold=arguments.threshold,
            unsure=unsure,
            done=done,
        )
    _say_what_was_done(count, len(paths) - skipped, time.perf_counter() - start, done.rows if done else 0)
    return 1 if count["failed"] else 0


def _threshold(arguments: Namespace, model: Any) -> float:
    if arguments.calibration is None:
        return 0.5 if arguments.threshold is None else arguments.threshold
    if arguments.threshold is not None:
        raise ParameterError("--threshold and --calibration both say from where on an eye is open; give one of them")
    from .calibrate import open_calibration

    found = open_calibration(arguments.calibration, model)
    assert found is not None  # a file is named
    return found.threshold.value


def _adapted(scored: list[Scored]) -> list[Scored]:
    """Move the answers of a run, which must all be there for that."""
    good = [k for k, each in enumerate(scored) if each.score is not None]
    given = np.clip([scored[k].score for k in good], 1e-12, 1 - 1e-12).astype(np.float64)
    found = fit_adaptation(np.log(given / (1 - given)))
    if found.declined is not None:
        print(f"classic-eyes: warning: --adapt: answers stay as they are: {found.declined}", file=sys.stderr)
        return scored
    print(
        f"adapted to {found.n:,} images: as likely open as closed at {1 / (1 + np.exp(-found.threshold)):.2f}, which "
        f"was 0.50 (log odds {found.threshold:+.2f}, slope {found.slope:.2f}, {found.separation:.1f} deviations apart)",
        file=sys.stderr,
    )
    for k, moved in zip(good, found.probability(given).tolist(), strict=True):
        scored[k] = scored[k]._replace(score=moved)
    return scored


def _check_resume(arguments: Namespace) -> None:
    if arguments.resume and arguments.adapt:
        raise ParameterError(
            "--adapt looks at all answers before any is written, so --resume has nothing to go on with"
        )
    if arguments.resume and (arguments.out is None or arguments.format == "table"):
        what = "no --out is given" if arguments.out is None else "a table is written in one piece"
        raise ParameterError(f"--resume goes on with a file of rows, and {what}; give --out FILE with csv or jsonl")


def _say_what_was_done(count: Counter[str], n: int, seconds: float, before: int) -> None:
    told = [f"{count.total() - count['failed']} read", f"{count['open']} open", f"{count['closed']} closed"]
    told += [f"{count[name]} {name}" for name in ("unsure", "not-an-eye") if count[name]]
    told += [f"{count['failed']} failed", f"{n / seconds:,.0f} images a second"]
    there = f"; {before} rows were there already" if before else ""
    print(", ".join(told) + there, file=sys.stderr)
