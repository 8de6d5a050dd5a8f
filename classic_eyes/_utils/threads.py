"""How many threads compute: set in one place, so that nobody fights over cores."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import cv2
from threadpoolctl import threadpool_limits

__all__ = ["one_thread"]


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep BLAS and OpenCV to one thread each, so that they do not fight joblib and sums keep their order.

    Yields
    ------
    None
        Inside, one thread; afterwards what was set before.

    Examples
    --------
    >>> with one_thread():
    ...     cv2.getNumThreads()
    1
    """
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        with threadpool_limits(limits=1):
            yield
    finally:
        cv2.setNumThreads(before)
