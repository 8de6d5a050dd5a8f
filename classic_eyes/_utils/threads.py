"""Threads: how many OpenCV, BLAS and OpenMP compute with, and independent calls spread over the cores."""

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

import cv2
from threadpoolctl import ThreadpoolController

__all__ = ["map_in_threads", "n_cores", "one_thread"]


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

    Scopes may overlap, in one thread or in several. The last one to end restores the settings from before the first.
    """
    of_process, of_thread = _libraries(len(sys.modules))
    # Looked up once: a generator may be closed in another thread than the one that started it.
    thread_limit = _thread.limit
    _process_limit.enter(of_process)
    thread_limit.enter(of_thread)
    try:
        yield
    finally:
        thread_limit.leave()
        _process_limit.leave()


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
        self._lock = threading.Lock()
        self._n_open = 0
        self._limited: Sequence[Any] | None = None
        self._before: dict[str, tuple[Any, int]] = {}

    def enter(self, libraries: Sequence[Any]) -> None:
        with self._lock:
            self._n_open += 1
            # In the first scope, and in the first one after more libraries were loaded.
            if libraries is not self._limited:
                self._limited = libraries
                for library in libraries:
                    self._before.setdefault(library.filepath, (library, library.num_threads))
                    _set(library, 1)

    def leave(self) -> None:
        with self._lock:
            self._n_open -= 1
            if not self._n_open:
                for library, number in self._before.values():
                    _set(library, number)
                self._before.clear()
                self._limited = None


def _set(library: Any, number: int) -> None:
    library.set_num_threads(number)
    # Since threadpoolctl 3.8, a thread that set OpenBLAS locks the others out. Here another one may restore.
    if hasattr(library, "clear_controlling_thread"):
        library.clear_controlling_thread()


class _Thread(threading.local):
    def __init__(self) -> None:
        self.limit = _Limit()


_process_limit, _thread = _Limit(), _Thread()
