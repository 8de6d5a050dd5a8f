"""Memory that a process holds, and what its allocator does with freed memory."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np

__all__ = ["keep_freed_memory", "make_ready_to_fork", "memory_of_tree_mb", "peak_memory_mb"]

# glibc adapts its thresholds to freed blocks of up to 32 MB.
_LARGEST = 24 << 20
# Smaller than that, so that it comes from the heap, and more than a run needs at a time.
_HEAP = 22 << 20


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
    np.empty(_LARGEST, np.uint8)
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
