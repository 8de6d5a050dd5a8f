"""How much memory a process holds, and what becomes of what is freed: set in one place."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np

__all__ = ["keep_freed_memory", "make_ready_to_fork", "memory_of_tree_mb", "peak_memory_mb"]

# glibc learns from what is freed, up to 32 MB.
_LARGEST = 24 << 20
# What comes from the heap then, and is more than what a run needs at a time.
_HEAP = 22 << 20


@cache
def keep_freed_memory() -> None:
    """Make glibc keep the memory of freed arrays for the next ones instead of giving it back to the system.

    1. An array of 24 MB is asked for, and freed without having been touched.
    2. From the size of what is freed glibc learns (`mallopt(3)`, ``M_MMAP_THRESHOLD``): what is smaller now comes from
       the heap, and the heap shrinks only where twice as much lies free at its end.
    3. One of 22 MB is asked for and freed likewise. It comes from the heap, and numpy asks for huge pages where so
       large an array lies (`madvise(2)`): fewer pages are handed out, and found again sooner.

    Otherwise every batch of features gets fresh pages, and the system takes as long to hand them out as the features
    take to compute. Other allocators go their own way; nothing is changed there. Up to 48 MB a thread stay with the
    process.

    Examples
    --------
    >>> keep_freed_memory()
    """
    np.empty(_LARGEST, np.uint8)
    np.empty(_HEAP, np.uint8)


def make_ready_to_fork() -> None:
    """Give what is freed back to the system, so that a forked process and this one get fresh pages.

    Pages that both have are copied, one by one, when either writes into them, which takes longer. Allocators other than
    glibc's keep what they have.

    Examples
    --------
    >>> make_ready_to_fork()
    """
    keep_freed_memory()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform.startswith("linux") else None
    if trim is not None:
        trim(0)
        # What has shrunk grows anew, and has forgotten about huge pages.
        np.empty(_HEAP, np.uint8)


def peak_memory_mb() -> float | None:
    """Return the most memory that this process has held, libraries and Python included.

    Returns
    -------
    float or None
        In MB (2**20 bytes), the operating system's ``ru_maxrss``; None where it does not tell.

    Examples
    --------
    >>> peak_memory_mb() is None or peak_memory_mb() > 1
    True
    """
    try:
        import resource
    except ImportError:
        return None
    # Darwin counts bytes, the others kilobytes.
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def memory_of_tree_mb(pid: int) -> float:
    """Return how much memory a process and its children hold now; what they share counts once.

    Parameters
    ----------
    pid : int
        The process.

    Returns
    -------
    float
        In MB (2**20 bytes), Linux's ``Pss``; 0 for a process that has gone, and where the system does not tell.

    Examples
    --------
    >>> import os
    >>> memory_of_tree_mb(os.getpid()) >= 0
    True
    """
    held, waiting = 0.0, [pid]
    while waiting:
        place = Path("/proc") / str(waiting.pop())
        # A process may go at any moment.
        with suppress(OSError, IndexError):
            line = next(line for line in (place / "smaps_rollup").read_text().splitlines() if line.startswith("Pss:"))
            held += int(line.split()[1]) / 2**10
            waiting += [int(child) for told in place.glob("task/*/children") for child in told.read_text().split()]
    return held
