"""How much memory a process holds, and what becomes of what is freed: set in one place."""

from __future__ import annotations

import sys
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np

__all__ = ["keep_freed_memory", "memory_of_tree_mb", "peak_memory_mb"]

# glibc learns from what is freed, up to 32 MB.
_LARGEST = 16 << 20


@cache
def keep_freed_memory() -> None:
    """Make glibc keep the memory of freed arrays for the next ones instead of giving it back to the system.

    1. An array of 16 MB is asked for, and freed without having been touched.
    2. From the size of what is freed glibc learns (`mallopt(3)`, ``M_MMAP_THRESHOLD``): what is smaller now comes from
       the heap, and the heap shrinks only where twice as much lies free at its end.

    Otherwise every batch of features gets fresh pages, and the system takes as long to hand them out as the features
    take to compute. Other allocators go their own way; nothing is changed there. Up to 32 MB a thread stay with the
    process.

    Examples
    --------
    >>> keep_freed_memory()
    """
    np.empty(_LARGEST, np.uint8)


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
