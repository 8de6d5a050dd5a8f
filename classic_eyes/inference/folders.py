"""Folders: read, described and decided in chunks, on all cores."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ParameterError
from ..images import read_pictures
from ..threads import one_thread

__all__ = ["CHUNK", "Scored", "score_files"]

# Large enough for BLAS to be at its best, small enough that the last chunks keep all cores busy.
CHUNK = 256


@dataclass(frozen=True)
class Scored:
    """The answer about one file: a probability of open, or the reason why there is none.

    Parameters
    ----------
    score : float or None
        Probability of open, 0..1.
    error : str or None
        Reason, one line.
    """

    score: float | None
    error: str | None


def _score_chunk(paths: Sequence[str], size: int, probability: Callable[[Any], Any]) -> list[Scored]:
    pictures, errors = read_pictures(paths, size=size)
    good = np.array([error is None for error in errors])
    scores = np.zeros(len(paths))
    if good.any():
        scores[good] = probability(pictures[good])
    return [
        Scored(float(score), None) if error is None else Scored(None, error)
        for score, error in zip(scores, errors, strict=True)
    ]


def score_files(
    paths: Sequence[str],
    probability: Callable[[NDArray[np.uint8]], NDArray[np.float64]],
    *,
    size: int = 24,
    n_jobs: int | None = None,
    chunk: int = CHUNK,
) -> Iterator[Scored]:
    """Read and score files in chunks; memory does not grow with their number.

    1. Paths are cut into chunks, the same ones for any number of jobs, so the answers are the same to the last bit.
    2. Each chunk is read, what could be read is scored, what could not keeps its reason.
    3. Chunks run in threads (the time goes into OpenCV and BLAS, which let go of the interpreter) and come back in
       order.

    Parameters
    ----------
    paths : sequence of str
        Picture files.
    probability : callable
        From uint8 (n, size, size) to the probability of open, (n,).
    size : int, default 24
        Side to which pictures are reduced, in pixels.
    n_jobs : int, optional
        Threads, 1 or more; by default one for each core.
    chunk : int, default 256
        Pictures at a time.

    Yields
    ------
    Scored
        One for each path, in the order given.

    Raises
    ------
    ParameterError
        For n_jobs below 1.

    Examples
    --------
    >>> [scored.error for scored in score_files(["missing.png"], lambda pictures: pictures.mean((1, 2)) / 255)]
    ['no such file']
    """
    if n_jobs is not None and n_jobs < 1:
        raise ParameterError(f"n_jobs is {n_jobs}; it must be 1 or more, or left out for one per core")
    chunks = (paths[start : start + chunk] for start in range(0, len(paths), chunk))
    if len(paths) <= chunk or n_jobs == 1:
        # joblib takes as long to import as a few hundred pictures to score.
        for part in chunks:
            with one_thread():
                answered = _score_chunk(part, size, probability)
            yield from answered
        return
    from joblib import Parallel, cpu_count, delayed

    jobs = n_jobs or cpu_count()
    work = Parallel(n_jobs=jobs, backend="threading", return_as="generator", pre_dispatch="2*n_jobs")
    with one_thread():
        answers = work(delayed(_score_chunk)(part, size, probability) for part in chunks)
        try:
            for scored in answers:
                yield from scored
        finally:
            with warnings.catch_warnings():
                # Who stops early knows that work is thrown away; joblib would tell them in a paragraph.
                warnings.simplefilter("ignore", UserWarning)
                answers.close()
