"""Classify every eye image in folders or files as open (1) or closed (0)."""

from __future__ import annotations

import os
import sys
import time
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path

import numpy as np

from .._utils.files import is_stream
from ..calibration import read_calibration
from ..calibration.adaptation import fit_adaptation
from ..errors import ParameterError
from ..images.archives import is_archive
from ..inference import BACKENDS, Scored, quickest_backend, score_files
from ..predictor import EyePredictor, load_model
from .arguments import (
    add_calibration_argument,
    add_model_arguments,
    add_reading_arguments,
    check_out,
    existing_file,
    model_file,
    positive_integer,
    proportion,
)
from .inspection import print_training_images, warn_of_photographs
from .listing import ListedImages, ListedMembers, Peaks, list_images, print_counts
from .progress import bar_class
from .rows import STYLES, open_output, read_done, write_rows
from .stats import Stats

__all__ = ["add_arguments", "work"]

_Names = list[str] | ListedImages | ListedMembers

_ENDINGS = {"csv": ".csv", "jsonl": ".jsonl", "table": ".txt"}


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of ``classic-eyes predict``."""
    parser.add_argument(
        "paths",
        nargs="*",
        metavar="PATH",
        help="a folder, searched through all levels, or an image or its URL; or tar files of images, *.tar",
    )
    parser.add_argument(
        "--list",
        metavar="FILE",
        help="instead of PATH: a path, a URL or shard.tar/member of an image in each line, - for standard input; rows "
        "keep their order",
    )
    add_model_arguments(parser)
    parser.add_argument("--out", metavar="FILE", help="write there instead of to standard output")
    parser.add_argument("--force", action="store_true", help="replace an existing --out or --stats file")
    parser.add_argument(
        "--resume", action="store_true", help="continue an interrupted run; the output is byte-identical"
    )
    parser.add_argument("--verdict", action="store_true", help="add a column: open, closed, unsure or not-an-eye")
    parser.add_argument("--format", choices=STYLES, default="csv", help="default: csv")
    parser.add_argument(
        "--jobs", type=positive_integer, metavar="N", help="threads or processes; default: one per core"
    )
    parser.add_argument(
        "--backend",
        choices=BACKENDS,
        default=quickest_backend(),
        help="threads, processes (fork, loky) or the workers of a Dask cluster; predictions are the same; "
        "default: %(default)s",
    )
    parser.add_argument(
        "--scheduler", metavar="ADDRESS", help="of the Dask cluster; its workers find the images under the same names"
    )
    parser.add_argument(
        "--threshold", type=proportion, metavar="T", help="an eye is open from this probability on; default: 0.5"
    )
    add_calibration_argument(parser, "a person's own threshold")
    parser.add_argument(
        "--adapt",
        action="store_true",
        help="fit threshold and calibration to these images, without labels: for a new source that has both open and "
        "closed eyes; reports it where it declines",
    )
    parser.add_argument(
        "--stats",
        metavar="FILE",
        help="write counts of labels, verdicts and errors as JSON, and whether the images drifted; takes two to three "
        "times as long and refuses --resume, so give it a sample of a large set",
    )
    parser.add_argument(
        "--reference",
        type=existing_file,
        metavar="FILE",
        help="with --stats: compare with this file, which --stats wrote for images of the same camera; default: the "
        "model card",
    )
    add_reading_arguments(parser)


def work(arguments: Namespace) -> int:
    """Run ``classic-eyes predict``; 1 if some files failed, with every other row written."""
    _check_resume(arguments)
    paths, names, passed_over = _images(arguments)
    others = (arguments.list, arguments.calibration, arguments.reference, model_file(arguments), *arguments.paths)
    inputs = [name for name in others if name]
    check_out(arguments.out, force=arguments.force, resume=arguments.resume, read=chain(paths, inputs))
    _check_stats(arguments, chain(paths, inputs))
    _check_ending(arguments.out, arguments.format)
    model = load_model(arguments.model, trusted=arguments.trust_model)
    threshold = _threshold(arguments, model)
    stats = None if arguments.stats is None else Stats(model, threshold, arguments.reference)
    warn_of_photographs(paths, model, max_pixels=arguments.max_pixels, bits=arguments.bits)
    done = None
    if arguments.resume:
        done = read_done(arguments.out, names, style=arguments.format, verdict=arguments.verdict, threshold=threshold)
    start = time.perf_counter()
    n_skipped = done.start if done else 0
    scored = score_files(
        islice(paths, n_skipped, None),
        model.program,
        novelty=arguments.verdict or (stats is not None and model.program.novelty is not None),
        max_pixels=arguments.max_pixels,
        bits=arguments.bits,
        n_jobs=arguments.jobs,
        backend=arguments.backend,
        scheduler=arguments.scheduler,
    )
    # An error at the start, such as a scheduler that does not answer, must not cost the rows of an earlier run.
    first = next(scored)
    peaks = Peaks()
    shown = _with_bar(_noted(chain([first], scored), peaks), len(paths) - n_skipped)
    if arguments.adapt:
        shown = _adapted(list(shown))
    if stats is not None:
        shown = stats.watch(shown)
    with open_output(
        arguments.out,
        style=arguments.format,
        force=arguments.force,
        keep=done.size if done else None,
        remedy="name another file" if arguments.format == "table" else "make room, and continue it with --resume",
    ) as file:
        count = write_rows(
            islice(names, n_skipped, None),
            shown,
            file,
            style=arguments.format,
            threshold=threshold,
            unsure=model.program.unsure if arguments.verdict else None,
            done=done,
        )
    if stats is not None:
        print(stats.write(arguments.stats), file=sys.stderr)
    _print_summary(count, len(paths) - n_skipped, time.perf_counter() - start, done.rows if done else 0)
    print_training_images(arguments, paths, model.size)
    print_counts(passed_over)
    peaks.print_warning(arguments.bits)
    return 1 if count["failed"] else 0


def _check_resume(arguments: Namespace) -> None:
    if not arguments.resume:
        return
    if arguments.adapt:
        raise ParameterError("--resume cannot be combined with --adapt, which needs all predictions before it writes")
    if arguments.out is None or arguments.format == "table":
        reason = "no --out is given" if arguments.out is None else "a table is written in one piece"
        raise ParameterError(f"--resume continues a file of rows, but {reason}; give --out FILE with csv or jsonl")


def _check_stats(arguments: Namespace, read: Iterable[str]) -> None:
    if arguments.stats is None:
        if arguments.reference is not None:
            raise ParameterError(f"--reference {arguments.reference} is for --stats FILE; give that too")
        return
    if arguments.resume:
        raise ParameterError("--stats counts all predictions, but --resume makes only some of them; omit one")
    if arguments.out is not None and os.path.abspath(arguments.stats) == os.path.abspath(arguments.out):
        raise ParameterError(f"--stats {arguments.stats!r} is --out too; name another file")
    check_out(arguments.stats, force=arguments.force, read=read, option="--stats")


def _check_ending(out: str | None, style: str) -> None:
    """Refuse an output whose name says that it has another format."""
    if out is None or is_stream(out):
        return
    own = _ENDINGS[style]
    if Path(out).suffix.lower() not in ("", ".txt", own):
        raise ParameterError(
            f"--out {out!r} would hold --format {style}; name it {Path(out).stem + own!r}, or choose another --format"
        )


def _images(arguments: Namespace) -> tuple[_Names, _Names, Counter[str]]:
    """Return the paths of the images, their names, and what was passed over."""
    if (arguments.list is None) == (not arguments.paths):
        given = "neither is" if arguments.list is None else "both are"
        raise ParameterError(f"images are named by PATH or by --list FILE, and {given} given; give one of them")
    if arguments.list is None:
        archives = [is_archive(path) for path in arguments.paths]
        if any(archives):
            if not all(archives):
                other = arguments.paths[archives.index(False)]
                raise ParameterError(f"{other!r} is no tar file, and others of PATH are; predict them by themselves")
            members = ListedMembers(arguments.paths)
            return members, members, Counter()
        images, passed_over, *_ = list_images(arguments.paths)
        return [path for path, _ in images], [name for _, name in images], passed_over
    listed = ListedImages(arguments.list)
    return listed, listed, Counter()


def _threshold(arguments: Namespace, model: EyePredictor) -> float:
    if arguments.adapt and (arguments.calibration is not None or arguments.threshold is not None):
        option = "--threshold" if arguments.calibration is None else "--calibration"
        raise ParameterError(f"--adapt fits the decision threshold, which {option} sets; give one of them")
    if arguments.calibration is None:
        return 0.5 if arguments.threshold is None else arguments.threshold
    if arguments.threshold is not None:
        raise ParameterError("--threshold and --calibration both set the decision threshold; give one of them")
    return read_calibration(arguments.calibration, model=model.fingerprint).threshold.value


def _noted(scored: Iterable[Scored], peaks: Peaks) -> Iterator[Scored]:
    for each in scored:
        if each.peak is not None:
            peaks.add(each.peak)
        yield each


def _with_bar(scored: Iterable[Scored], total: int) -> Iterable[Scored]:
    tqdm = bar_class()
    return scored if tqdm is None else tqdm(scored, total=total, unit=" images", file=sys.stderr)


def _adapted(scored: list[Scored]) -> list[Scored]:
    """Adapt the probabilities of a whole run."""
    good = [k for k, each in enumerate(scored) if each.score is not None]
    probability = np.clip([scored[k].score for k in good], 1e-12, 1 - 1e-12).astype(np.float64)
    found = fit_adaptation(np.log(probability / (1 - probability)))
    if found.declined is not None:
        print(f"classic-eyes: warning: --adapt: probabilities are unchanged: {found.declined}", file=sys.stderr)
        return scored
    threshold = 1 / (1 + np.exp(-found.threshold))
    print(
        f"adapted to {found.n:,} images: the threshold is the former probability {threshold:.2f} (log odds "
        f"{found.threshold:+.2f}, slope {found.slope:.2f}, {found.separation:.1f} deviations between the classes)",
        file=sys.stderr,
    )
    for k, adapted in zip(good, found.probability(probability).tolist(), strict=True):
        scored[k] = scored[k]._replace(score=adapted)
    return scored


def _print_summary(count: Counter[str], n: int, seconds: float, n_before: int) -> None:
    n_read = count.total() - count["failed"]
    parts = [f"{count.total():,} images: {n_read:,} read" if count["failed"] else f"{n_read:,} read"]
    parts += [f"{count[name]:,} {name}" for name in ("open", "closed")]
    parts += [f"{count[name]:,} {name}" for name in ("unsure", "not-an-eye") if count[name]]
    parts += [f"{count['failed']:,} failed", f"{n / seconds:,.0f} images a second"]
    before = f"; {n_before:,} rows existed" if n_before else ""
    print(", ".join(parts) + before, file=sys.stderr)
