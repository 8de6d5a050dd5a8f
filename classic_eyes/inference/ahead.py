"""Chunks in threads, or in forked processes: no start-up, no copy of the model, and no interpreter to share."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait
from typing import Any

from ..errors import WorkerError

__all__ = ["can_fork", "run_forked", "run_threads"]

_held: list[Callable[..., Any]] = []


def can_fork() -> bool:
    """Say whether processes are forked here without harm.

    Returns
    -------
    bool
        True on Linux; elsewhere the system's own libraries do not bear it.

    Examples
    --------
    >>> can_fork() == sys.platform.startswith("linux")
    True
    """
    return sys.platform.startswith("linux")


def _begin(function: Callable[..., Any]) -> None:
    # Ctrl-C reaches every process of a terminal; the one that forked the others ends them.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _held[:] = [function]
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(parent: int) -> None:
    """Leave no process behind when the one that forked it is killed."""
    wait([parent])
    os._exit(1)


def _do(argument: Any) -> Any:
    return _held[0](argument)


@contextmanager
def _no_warning() -> Iterator[None]:
    with warnings.catch_warnings():
        # Python warns of every thread, and those of BLAS, which sleep, look after themselves when forked.
        warnings.filterwarnings("ignore", message=".*multi-threaded, use of fork", category=DeprecationWarning)
        yield


def run_forked(function: Callable[[Any], Any], arguments: Iterable[Any], *, n_jobs: int) -> Iterator[Any]:
    """Call a function in forked processes, in order, a few calls ahead of what is asked for.

    Parameters
    ----------
    function : callable
        It is inherited and need not be pickled; what it returns is.
    arguments : iterable
        One for each call, pickled.
    n_jobs : int
        Processes, 1 or more.

    Yields
    ------
    object
        What each call returned.

    Raises
    ------
    WorkerError
        If a process is killed, for example by the system for want of memory.

    Examples
    --------
    >>> list(run_forked(lambda number: -number, range(3), n_jobs=2)) if can_fork() else [0, -1, -2]
    [0, -1, -2]
    """
    context = multiprocessing.get_context("fork")
    pool = ProcessPoolExecutor(n_jobs, mp_context=context, initializer=_begin, initargs=(function,))
    try:
        yield from _in_order(pool, _do, arguments, 2 * n_jobs)
    except BrokenProcessPool as error:
        raise WorkerError("a process was killed, perhaps for want of memory; take fewer --jobs") from error


def run_threads(function: Callable[[Any], Any], arguments: Iterable[Any], *, n_jobs: int) -> Iterator[Any]:
    """Call a function in threads, in order, a few calls ahead of what is asked for.

    Whoever stops early, by Ctrl-C too, waits for the calls that have begun: a process that ends while a thread computes
    in OpenCV is aborted by the C++ library.

    Parameters
    ----------
    function : callable
        Called with one argument.
    arguments : iterable
        One for each call.
    n_jobs : int
        Threads, 1 or more.

    Yields
    ------
    object
        What each call returned.

    Examples
    --------
    >>> list(run_threads(lambda number: -number, range(3), n_jobs=2))
    [0, -1, -2]
    """
    yield from _in_order(ThreadPoolExecutor(n_jobs), function, arguments, 2 * n_jobs)


def _in_order(
    pool: Executor, function: Callable[[Any], Any], arguments: Iterable[Any], most_ahead: int
) -> Iterator[Any]:
    ahead: deque[Future[Any]] = deque()
    try:
        for argument in arguments:
            with _no_warning():
                ahead.append(pool.submit(function, argument))
            if len(ahead) > most_ahead:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
