"""Progress of long runs on standard error: a bar on a terminal, otherwise a line from time to time."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

__all__ = ["with_progress"]

_Item = TypeVar("_Item")

_SECONDS = 10.0


def with_progress(items: Iterable[_Item], total: int, unit: str, *, start: int = 0) -> Iterator[_Item]:
    """Yield items, and show how many of the total were yielded; the first ``start`` were done before."""
    if sys.stderr is not None and sys.stderr.isatty():
        from tqdm import tqdm

        yield from tqdm(items, total=total, initial=start, unit=f" {unit}", file=sys.stderr)
        return
    shown = time.monotonic()
    for number, item in enumerate(items, start=start + 1):
        yield item
        if number < total and time.monotonic() - shown >= _SECONDS:
            shown = time.monotonic()
            print(f"{number:,} of {total:,} {unit}", file=sys.stderr, flush=True)
