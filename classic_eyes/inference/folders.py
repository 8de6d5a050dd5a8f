"""Folders and lists: read, described and decided in chunks, on all cores or all machines of a cluster."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from itertools import chain, islice, repeat
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._utils.threads import one_thread
from ..errors import ParameterError
from ..images import MAX_PIXELS, check_pixels, read_images
from .processes import can_fork, run_forked, run_threads

__all__ = ["BACKENDS", "CHUNK", "Scored", "quickest_backend", "score_files"]

BACKENDS = ("threading", "fork", "loky", "dask")

# Large enough that what each costs by itself does not count, small enough to be read as it is needed.
CHUNK = 672


class Scored(NamedTuple):
    """The answer about one file: a probability of open, or the reason why there is none.

    Parameters
    ----------
    score : float or None
        Probability of open, 0..1.
    error : str or None
        Reason, one line.
    novelty : float or None, default None
        How unlike an eye it is, where that was asked for.
    """

    score: float | None
    error: str | None
    novelty: float | None = None


# Columns of numbers and reasons of a chunk, which pickle quicker than a Scored for each.
_Answers = tuple[NDArray[np.float64], list[str | None]]


def _score_chunk(paths: Sequence[str], size: int, probability: Callable[[Any], Any], max_pixels: int) -> _Answers:
    images, errors = read_images(paths, size=size, max_pixels=max_pixels)
    good = np.array([error is None for error in errors])
    numbers = np.zeros((1, len(paths)))
    if good.any():
        answers = np.atleast_2d(np.asarray(probability(images[good])).T)
        numbers = np.zeros((len(answers), len(paths)))
        numbers[:, good] = answers
    return numbers, errors


def _unpack(answers: _Answers) -> list[Scored]:
    numbers, errors = answers
    novelty = numbers[-1].tolist() if len(numbers) > 1 else repeat(None)
    return [
        Scored(score, None, new) if error is None else Scored(None, error)
        for score, error, new in zip(numbers[0].tolist(), errors, novelty, strict=False)
    ]


def _score_chunk_elsewhere(
    paths: Sequence[str], size: int, probability: Callable[[Any], Any], max_pixels: int
) -> _Answers:
    """Do as `_score_chunk` in a process that keeps to one thread by itself."""
    with one_thread():
        return _score_chunk(paths, size, probability, max_pixels)


def quickest_backend() -> str:
    """Return the back-end for a program that does nothing else, such as a command.

    Returns
    -------
    str
        ``"fork"`` where processes can be forked, else ``"threading"``.

    Examples
    --------
    >>> quickest_backend() in BACKENDS
    True
    """
    return "fork" if can_fork() else "threading"


def score_files(
    paths: Iterable[str],
    probability: Callable[[NDArray[np.uint8]], NDArray[np.float64]],
    *,
    size: int = 24,
    max_pixels: int = MAX_PIXELS,
    n_jobs: int | None = None,
    chunk: int = CHUNK,
    backend: str = "threading",
    scheduler: str | None = None,
) -> Iterator[Scored]:
    """Read and score files in chunks; memory does not grow with their number.

    1. Paths are cut into chunks, smaller ones at the end, the same for any number of jobs and any back-end, so the
       answers are the same to the last bit (on processors of one kind: BLAS chooses its code by the processor).
    2. Each chunk is read, what could be read is scored, what could not keeps its reason.
    3. Chunks come back in order.

    Parameters
    ----------
    paths : iterable of str
        Image files or URLs. What it yields is asked for as it is needed.
    probability : callable
        From uint8 (n, size, size) to the probability of open, (n,), or with the novelty in a second column, (n, 2). For
        ``"loky"`` and ``"dask"`` it is pickled.
    size : int, default 24
        Side to which images are reduced, in pixels.
    max_pixels : int, default 100_000_000
        Largest image that is decoded.
    n_jobs : int, optional
        Threads or processes, 1 or more; by default one for each core. A cluster has its own number.
    chunk : int, default 672
        Images at a time; of the last two chunks, a half and a quarter as many.
    backend : str, default ``"threading"``
        ``"threading"``: the time goes into OpenCV and BLAS, which let go of the interpreter, but for a fifth.
        ``"fork"``: processes at no cost, on Linux, for a program whose threads hold no locks, as a command of its own.
        ``"loky"``: processes, which take half a second to start. ``"dask"``: a Dask cluster, whose workers see the
        files under the same names and have this version of the library; a chunk whose worker dies is done again by
        another.
    scheduler : str, optional
        Address of the Dask scheduler, for ``"dask"``.

    Yields
    ------
    Scored
        One for each path, in the order given.

    Raises
    ------
    ParameterError
        For n_jobs or max_pixels below 1, an unknown backend, or a scheduler that is missing, does not answer or is not
        asked for.
    MissingDependencyError
        For ``"dask"`` without the extra ``distributed``.

    References
    ----------
    Rocklin, "Dask: parallel computation with blocked algorithms and task scheduling", SciPy 2015,
    doi:10.25080/Majora-7b98e3ed-013.

    Examples
    --------
    >>> [scored.error for scored in score_files(["missing.png"], lambda images: images.mean((1, 2)) / 255)]
    ['no such file']
    """
    _check(n_jobs, backend, scheduler)
    check_pixels(max_pixels)
    parts = _cut(paths, chunk)
    if backend in ("threading", "fork"):
        first = list(islice(parts, 3))
        parts = chain(first, parts)
        if sum(map(len, first)) <= chunk // 2 or n_jobs == 1:
            # joblib takes as long to import as a few hundred images to score.
            with one_thread():
                for part in parts:
                    yield from _unpack(_score_chunk(part, size, probability, max_pixels))
            return
    if backend in ("threading", "fork"):
        work_on = partial(_score_chunk, size=size, probability=probability, max_pixels=max_pixels)
        run_them = run_forked if backend == "fork" else run_threads
        with one_thread():
            for answered in run_them(work_on, parts, n_jobs=n_jobs or _cores()):
                yield from _unpack(answered)
        return
    work: AbstractContextManager[Any] = nullcontext(None)
    if backend == "dask":
        from .cluster import connected

        work = connected(str(scheduler), probability)
    with work as workers:
        yield from _elsewhere(parts, (size, probability, max_pixels), backend, n_jobs, workers)


def _check(n_jobs: int | None, backend: str, scheduler: str | None) -> None:
    if n_jobs is not None and n_jobs < 1:
        raise ParameterError(f"n_jobs is {n_jobs}; it must be 1 or more, or left out for one per core")
    if backend not in BACKENDS:
        raise ParameterError(f"backend is {backend!r}; it must be one of {', '.join(BACKENDS)}")
    if backend == "fork" and not can_fork():
        raise ParameterError("backend 'fork' needs Linux; take 'threading', or 'loky' for processes")
    if backend == "dask" and scheduler is None:
        raise ParameterError("backend 'dask' needs scheduler, the address of a cluster's, such as tcp://host:8786")
    if backend != "dask" and scheduler is not None:
        raise ParameterError(f"scheduler {scheduler!r} goes with backend 'dask', not {backend!r}; leave one out")
    if backend == "dask" and n_jobs is not None:
        raise ParameterError(f"n_jobs is {n_jobs}, but a Dask cluster has its own number of workers; leave n_jobs out")


def _cut(paths: Iterable[str], chunk: int) -> Iterator[list[str]]:
    """Yield chunks; of the last two the first is halved and the other quartered, so that nobody waits long for it.

    Where a whole chunk would begin, one begins (if 4 divides it): a run that goes on there is cut alike.
    """
    rest, ahead = iter(paths), list[str]()
    while ahead := [*ahead, *islice(rest, 2 * chunk + 1 - len(ahead))]:
        size = chunk if len(ahead) > 2 * chunk else chunk // 2 if len(ahead) > chunk else chunk // 4
        yield ahead[: max(1, size)]
        ahead = ahead[max(1, size) :]


def _cores() -> int:
    # Those that this process may use, where the system tells.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _elsewhere(
    parts: Iterable[list[str]],
    how_to: tuple[int, Callable[[Any], Any], int],
    backend: str,
    n_jobs: int | None,
    workers: Any,
) -> Iterator[Scored]:
    """Yield the answers of processes that joblib starts or finds in a cluster."""
    from joblib import Parallel, delayed

    how: dict[str, Any] = {"return_as": "generator", "pre_dispatch": "2*n_jobs"}
    if workers is None:
        parallel = Parallel(n_jobs=n_jobs or _cores(), backend=backend, **how)
    else:
        parallel = Parallel(n_jobs=-1, backend=workers, **how)
    # The model as an argument of its own: a cluster knows it again and does not send it with every chunk.
    answers = parallel(delayed(_score_chunk_elsewhere)(part, *how_to) for part in parts)
    try:
        for answered in answers:
            yield from _unpack(answered)
    finally:
        with warnings.catch_warnings():
            # Who stops early knows that work is thrown away; joblib would tell them in a paragraph.
            warnings.simplefilter("ignore", UserWarning)
            answers.close()
