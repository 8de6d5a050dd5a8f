"""Threads: how many OpenCV, BLAS and OpenMP compute with, calls spread over the cores, turns of a caller's threads."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from threadpoolctl import ThreadpoolController

from .dependencies import cv2

__all__ = ["map_in_threads", "n_cores", "one_thread", "turn"]


def n_cores() -> int:
    """Return the number of cores that this process may use, where the system reports it."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def map_in_threads(function: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
    """Return the results of independent calls, in order, as many at a time as there are cores.

    Each call computes in one thread, so that its sums, and with them the results, do not depend on the cores. A process
    that another one started makes one call at a time: its siblings use the other cores.
    """
    if multiprocessing.parent_process() is not None:
        return [function(item) for item in items]

    def call(item: Any) -> Any:
        with one_thread():
            return function(item)

    with one_thread(), ThreadPoolExecutor(n_cores()) as pool:
        return list(pool.map(call, items))


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep OpenCV, BLAS and OpenMP to one thread each: joblib uses the cores, and sums keep their order.

    Scopes may overlap, in one thread or in several. The last one to end restores the settings from before the first,
    but for those that somebody else has changed since.
    """
    of_process, of_thread = _libraries(len(sys.modules))
    # Looked up once: a generator may be closed in another thread than the one that started it.
    thread_limit, ident = _own.limit, threading.get_ident()
    _process_limit.enter(of_process)
    thread_limit.enter(of_thread)
    try:
        yield
    finally:
        # What counts for each thread can be restored in that thread only: now, or at the end of its next scope.
        thread_limit.leave(restore=threading.get_ident() == ident)
        _process_limit.leave()


@contextmanager
def turn(*, brief: bool) -> Iterator[None]:
    """Compute in one thread, once it is this caller's turn.

    One brief computation runs at a time: it is hundreds of calls that each release the interpreter for microseconds,
    and threads that compete for the interpreter lose more time by waking each other than they compute. Of other
    computations as many run at a time as there are cores. A turn inside a turn does not wait.
    """
    if _own.has_turn:
        yield
        return
    with _turns.brief if brief else _turns.long, one_thread():
        _own.has_turn = True
        try:
            yield
        finally:
            _own.has_turn = False


class _OpenCV:
    """OpenCV, as threadpoolctl describes other libraries."""

    filepath = "cv2"
    num_threads = property(lambda self: cv2.getNumThreads())

    def set_num_threads(self, number: int) -> None:
        cv2.setNumThreads(number)


@lru_cache(maxsize=1)
def _libraries(n_modules: int) -> tuple[list[Any], list[Any]]:
    """Find the loaded libraries with one number of threads for the process, and with one for each thread.

    The search takes 100 times as long as setting the numbers. It is repeated only if modules were imported since,
    because they may have loaded more libraries.
    """
    libraries: tuple[list[Any], list[Any]] = [_OpenCV()], []
    for library in ThreadpoolController().lib_controllers:
        # OpenMP counts for each thread, also where BLAS is built on it.
        libraries["openmp" in (library.user_api, getattr(library, "threading_layer", None))].append(library)
    return libraries


class _Limit:
    """A limit of one thread that holds while at least one scope is open."""

    def __init__(self) -> None:
        # Reentrant: a signal handler may fork while its own thread holds the lock.
        self.lock = threading.RLock()
        self.n_open = 0
        self._limited: Sequence[Any] | None = None
        self._before: dict[str, tuple[Any, int]] = {}

    def enter(self, libraries: Sequence[Any]) -> None:
        with self.lock:
            self.n_open += 1
            # In the first scope, and in the first one after more libraries were loaded.
            if libraries is not self._limited:
                self._limited = libraries
                for library in libraries:
                    if (number := library.num_threads) != 1:
                        self._before.setdefault(library.filepath, (library, number))
                        _set(library, 1)

    def leave(self, *, restore: bool = True) -> None:
        with self.lock:
            self.n_open -= 1
            if not self.n_open:
                self.end(restore=restore)

    def end(self, *, restore: bool = True) -> None:
        self._limited = None
        if restore:
            for library, number in self._before.values():
                # Any other number was set by somebody else since, and is theirs.
                if library.num_threads == 1:
                    _set(library, number)
            self._before.clear()


def _set(library: Any, number: int) -> None:
    # Since threadpoolctl 3.8, a thread that set OpenBLAS locks the others out, who then set nothing and hear nothing.
    release = getattr(library, "clear_controlling_thread", None)
    if release is not None:
        release(force=True)
    library.set_num_threads(number)
    if release is not None:
        release()


class _Own(threading.local):
    """What each thread has of its own."""

    def __init__(self) -> None:
        self.limit = _Limit()
        self.has_turn = False


class _Turns:
    def __init__(self) -> None:
        self.brief = threading.Lock()
        self.long = threading.Semaphore(n_cores())


_process_limit, _own, _turns = _Limit(), _Own(), _Turns()


def _after_fork() -> None:
    """In a forked process only the thread that forked goes on: scopes and turns of the others are over."""
    global _turns
    _turns = _Turns()
    _process_limit.lock.release()
    _process_limit.n_open = _own.limit.n_open
    if not _process_limit.n_open:
        _process_limit.end()


if hasattr(os, "register_at_fork"):
    # The lock is held over the fork, so that no other thread is halfway through changing the settings.
    os.register_at_fork(
        before=_process_limit.lock.acquire, after_in_parent=_process_limit.lock.release, after_in_child=_after_fork
    )
