"""Cores, threads and memory: how many threads OpenCV, BLAS and OpenMP compute with, turns of callers, freed memory."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

from .dependencies import cv2

__all__ = [
    "keep_freed_memory",
    "make_ready_to_fork",
    "map_in_threads",
    "memory_of_tree_mb",
    "n_cores",
    "one_thread",
    "peak_memory_mb",
    "turn",
]

# glibc adapts its thresholds to freed blocks of up to 32 MB.
_LARGEST_BLOCK = 24 << 20
# Smaller than that, so that it comes from the heap, and more than a run needs at a time.
_HEAP = 22 << 20


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


@cache
def keep_freed_memory() -> None:
    """Make glibc keep the memory of freed arrays for later ones, at most 48 MB per thread.

    Otherwise every batch of features gets new pages, and the system takes as long to supply them as the features take
    to compute. Nothing changes with other allocators.

    1. Allocate and free 24 MB. From then on glibc takes smaller blocks from the heap, and shrinks the heap only where
       twice as much is free at its end (``M_MMAP_THRESHOLD`` in `mallopt(3)`).
    2. Allocate and free 22 MB, from the heap. numpy requests huge pages for an array of that size (`madvise(2)`): the
       system has fewer pages to supply.
    """
    np.empty(_LARGEST_BLOCK, np.uint8)
    np.empty(_HEAP, np.uint8)


def make_ready_to_fork() -> None:
    """Return freed memory to the system: after a fork, writing to a shared page takes longer than getting a new one."""
    keep_freed_memory()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform.startswith("linux") else None
    if trim is not None:
        trim(0)
        # The heap grows again, and needs huge pages again.
        np.empty(_HEAP, np.uint8)


def peak_memory_mb() -> float | None:
    """Return the peak resident memory of this process in MB (2**20 bytes), or None on Windows."""
    try:
        import resource
    except ImportError:
        return None
    # macOS counts bytes, the others kilobytes.
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def memory_of_tree_mb(pid: int) -> float:
    """Return the memory of a process and its children in MB, shared pages counted once; 0 except on Linux."""
    total, pending = 0.0, [pid]
    while pending:
        folder = Path("/proc") / str(pending.pop())
        # A process may end at any moment.
        with suppress(OSError, IndexError):
            line = next(line for line in (folder / "smaps_rollup").read_text().splitlines() if line.startswith("Pss:"))
            total += int(line.split()[1]) / 2**10
            pending += [int(child) for path in folder.glob("task/*/children") for child in path.read_text().split()]
    return total
