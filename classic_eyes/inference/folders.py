"""Probabilities of many image files, read and scored in chunks on all cores or on a cluster."""

from __future__ import annotations

import logging
import os
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from functools import partial
from itertools import chain, islice
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from .._utils.dependencies import pip_install
from .._utils.resources import n_cores, one_thread
from ..errors import ClassicEyesError, MissingDependencyError, ParameterError
from ..images import MAX_PIXELS, check_bits, check_pixels
from ..images.files import Source, read_batch, unexpected
from .processes import can_fork, run_forked, run_threads

__all__ = ["BACKENDS", "CHUNK", "Scored", "quickest_backend", "score_files"]

_log = logging.getLogger(__name__)

BACKENDS = ("threading", "fork", "loky", "dask")

# Images per chunk: enough that its fixed cost does not count, few enough that files are read as they are needed.
CHUNK = 672


class Scorer(Protocol):
    """What `score_files` needs of a `classic_eyes.inference.Program`."""

    @property
    def size(self) -> int:
        """Side of the images in pixels."""

    @property
    def probability(self) -> Callable[[NDArray[np.uint8]], NDArray[np.float64]]:
        """The function that returns the probability of open (n,) of gated images (n, size, size)."""


class Scored(NamedTuple):
    """The probability that the eye in a file is open, or the reason why there is none.

    ``novelty`` is None unless it is computed. ``peak`` is the largest value of an image of 16 bits, None for others.
    """

    score: float | None
    error: str | None
    novelty: float | None = None
    peak: int | None = None


# Scores and novelties (2, n), errors and peaks of a chunk. They pickle faster than a list of Scored.
_Chunk = tuple[NDArray[np.float64], list[str | None], list[int | None]]
# Program, whether the novelty is computed, largest number of pixels, bits in use.
_Parameters = tuple[Any, bool, int, int | None]


def quickest_backend() -> str:
    """Return the fastest backend for a program that does nothing else, such as a command."""
    return "fork" if can_fork() else "threading"


def score_files(
    sources: Iterable[Source],
    program: Scorer,
    *,
    novelty: bool = False,
    max_pixels: int = MAX_PIXELS,
    bits: int | None = None,
    n_jobs: int | None = None,
    chunk: int = CHUNK,
    backend: str = "threading",
    scheduler: str | None = None,
) -> Iterator[Scored]:
    """Read and score images; yield one `Scored` for each, in order, in constant memory.

    `sources` are image files, URLs, members of tar files, or contents of files.

    1. Cut them into chunks of `chunk` images, smaller ones at the end. The cuts do not depend on `n_jobs` or
       `backend`, so neither do the results, to the last bit (on one kind of processor: BLAS chooses its code by it).
    2. Read each chunk, reduce the images to the size of the program, and compute the probability of open of those that
       could be read; with `novelty`, how unlike an eye they are too. If that fails, each image is tried by itself, so
       that one image costs no other its row.
    3. Yield the chunks in order. `sources` is consumed a few chunks ahead.

    ``"threading"``: OpenCV and BLAS release the interpreter for four fifths of the time. ``"fork"``: processes that
    start at once, on Linux, for programs whose threads hold no locks. ``"loky"``: processes that take half a second to
    start. ``"dask"``: a cluster, whose workers see the files by the same names and have the same version of the
    library; chunks of a worker that dies are computed by another. Dask and loky pickle `program`.
    """
    _check(n_jobs, backend, scheduler)
    parameters = (program, novelty, check_pixels(max_pixels), check_bits(bits))
    sent: deque[list[Source]] = deque()
    parts = _kept(_cut(sources, chunk), sent)
    if backend in ("loky", "dask"):
        for each in _score_with_joblib(parts, parameters, backend, n_jobs, scheduler):
            yield from _unpack(each, novelty, sent.popleft())
        return
    work = partial(_score_chunk, parameters=parameters)
    first = list(islice(parts, 3))
    parts = chain(first, parts)
    with one_thread():
        if n_jobs == 1 or sum(map(len, first)) <= chunk // 2:
            # Starting processes takes as long as scoring a few hundred images.
            scored: Iterator[_Chunk] = map(work, parts)
        else:
            run = run_forked if backend == "fork" else run_threads
            scored = run(work, parts, n_jobs=n_jobs or n_cores())
        for each in scored:
            yield from _unpack(each, novelty, sent.popleft())


def _check(n_jobs: int | None, backend: str, scheduler: str | None) -> None:
    if n_jobs is not None and n_jobs < 1:
        raise ParameterError(f"n_jobs is {n_jobs}; allowed is 1 or more, or left out for one per core")
    if backend not in BACKENDS:
        raise ParameterError(f"backend is {backend!r}; allowed is one of {', '.join(BACKENDS)}")
    if backend == "fork" and not can_fork():
        raise ParameterError("backend 'fork' needs Linux; use 'threading', or 'loky' for processes")
    if backend == "dask" and scheduler is None:
        raise ParameterError("backend 'dask' needs scheduler, the address of a Dask scheduler, such as tcp://host:8786")
    if backend != "dask" and scheduler is not None:
        raise ParameterError(f"scheduler {scheduler!r} needs backend 'dask', not {backend!r}; leave one out")
    if backend == "dask" and n_jobs is not None:
        raise ParameterError(
            f"n_jobs (--jobs) is {n_jobs}, but a Dask cluster has its own number of workers; leave it out"
        )


def _cut(sources: Iterable[Source], chunk: int) -> Iterator[list[Source]]:
    """Yield chunks. The last but one comes in halves, the last in quarters, so that all workers end at about one time.

    A run that starts at a multiple of `chunk`, which 4 divides, is cut in the same places.
    """
    rest, ahead = iter(sources), list[Source]()
    while ahead := [*ahead, *islice(rest, 2 * chunk + 1 - len(ahead))]:
        size = chunk if len(ahead) > 2 * chunk else chunk // 2 if len(ahead) > chunk else chunk // 4
        yield ahead[: max(1, size)]
        ahead = ahead[max(1, size) :]


def _kept(parts: Iterable[list[Source]], sent: deque[list[Source]]) -> Iterator[list[Source]]:
    """Yield chunks, and keep their sources until their results come."""
    for part in parts:
        sent.append(part)
        yield part


def _score_chunk(sources: Sequence[Source], parameters: _Parameters) -> _Chunk:
    program, novelty, max_pixels, bits = parameters
    images, errors, peaks = read_batch(sources, program.size, max_pixels, bits)
    numbers = np.full((2, len(sources)), np.nan)
    good = np.flatnonzero([error is None for error in errors])
    if len(good):
        try:
            numbers[:, good] = _describe(images[good], program, novelty)
        except ClassicEyesError:  # of the model
            raise
        except Exception:
            for row in good:
                try:
                    numbers[:, row : row + 1] = _describe(images[row : row + 1], program, novelty)
                except Exception as error:
                    errors[row] = str(unexpected(error))
    return numbers, errors, peaks


def _describe(images: NDArray[np.uint8], program: Any, novelty: bool) -> NDArray[np.float64]:
    """Return probabilities and novelties, (2, n); NaN for novelties that are not computed."""
    return np.stack(
        [program.probability(images), program.novelty_score(images) if novelty else np.full(len(images), np.nan)]
    )


def _unpack(chunk: _Chunk, novelty: bool, sources: Sequence[Source]) -> list[Scored]:
    (scores, novelties), errors, peaks = chunk
    if _log.isEnabledFor(logging.WARNING):
        for source, error in zip(sources, errors, strict=True):
            if error is not None:
                name = source if isinstance(source, str | os.PathLike) else f"{len(source)} bytes"
                _log.warning("%s refused: %s", name, error)
    return [
        Scored(score, None, new if novelty else None, peak) if error is None else Scored(None, error)
        for score, new, error, peak in zip(scores.tolist(), novelties.tolist(), errors, peaks, strict=True)
    ]


def _score_with_joblib(
    parts: Iterable[list[Source]],
    parameters: _Parameters,
    backend: str,
    n_jobs: int | None,
    scheduler: str | None,
) -> Iterator[_Chunk]:
    """Score chunks in processes that joblib starts, or in the workers of a cluster."""
    try:
        # joblib takes as long to import as a few hundred images to score.
        from joblib import Parallel, delayed
    except ImportError as error:
        remedy = pip_install("distributed") if backend == "dask" else "pip install joblib"
        raise MissingDependencyError(f"backend {backend!r} needs the package joblib; {remedy}") from error

    from .cluster import connected

    cluster = connected(str(scheduler), parameters[0]) if backend == "dask" else nullcontext(backend)
    with cluster as joblib_backend:
        n_jobs = -1 if backend == "dask" else n_jobs or n_cores()
        parallel = Parallel(n_jobs=n_jobs, backend=joblib_backend, return_as="generator", pre_dispatch="2*n_jobs")
        # The model as an argument of its own: a cluster recognizes it and does not send it with every chunk.
        scored = parallel(delayed(_score_chunk_in_one_thread)(part, parameters) for part in parts)
        try:
            # "yield from" would close the results before the warning is caught.
            for each in scored:  # noqa: UP028
                yield each
        finally:
            with warnings.catch_warnings():
                # joblib warns of work that is lost when the caller stops early.
                warnings.simplefilter("ignore", UserWarning)
                scored.close()


def _score_chunk_in_one_thread(sources: Sequence[Source], parameters: _Parameters) -> _Chunk:
    with one_thread():
        return _score_chunk(sources, parameters)
