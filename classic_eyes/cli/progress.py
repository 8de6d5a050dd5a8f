"""Progress of long runs on standard error: a bar on a terminal, otherwise a line from time to time; or steps."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

__all__ = ["FrameProgress", "bar_class", "steps_shown", "with_progress"]

_Item = TypeVar("_Item")

_SECONDS = 10.0
# Letters of the name of a video.
_NAME = 30


def bar_class() -> Any:
    """Return the class of bars on a terminal; None where there is no terminal, or tqdm is not installed."""
    if sys.stderr is None or not sys.stderr.isatty():
        return None
    with suppress(ImportError):
        from tqdm import tqdm

        return tqdm
    return None


def with_progress(
    items: Iterable[_Item],
    total: int,
    unit: str,
    *,
    start: int = 0,
    n_frames: Callable[[_Item], int] | None = None,
) -> Iterator[_Item]:
    """Yield items, and show how many of the total were yielded; the first ``start`` were done before.

    With ``n_frames``, which returns those of an item, show the frames and how many a second too.
    """
    began, frames = time.monotonic(), 0

    def detail() -> str:
        rate = frames / max(time.monotonic() - began, 1e-9)
        return f"{frames:,} frames, {rate:,.0f} frames/s"

    if tqdm := bar_class():
        with tqdm(total=total, initial=start, unit=f" {unit}", file=sys.stderr) as bar:
            for item in items:
                yield item
                if n_frames is not None:
                    frames += n_frames(item)
                    bar.set_postfix_str(detail(), refresh=False)
                bar.update()
        return
    shown = time.monotonic()
    for number, item in enumerate(items, start=start + 1):
        yield item
        frames += 0 if n_frames is None else n_frames(item)
        if number < total and time.monotonic() - shown >= _SECONDS:
            shown = time.monotonic()
            more = "" if n_frames is None else f", {detail()}"
            print(f"{number:,} of {total:,} {unit}{more}", file=sys.stderr, flush=True)


class FrameProgress:
    """Show how many frames of each of some videos were read, and how many a second."""

    def __init__(self, total: int, *, done: int = 0) -> None:
        self._total, self._number = total, done
        self._shown = time.monotonic()

    @contextmanager
    def video(self, name: str) -> Iterator[Callable[[int | None], None]]:
        """Begin the next video; call the result for each frame, with the number of frames if it is known."""
        self._number += 1
        what = name if self._total == 1 else f"{name} ({self._number:,} of {self._total:,})"
        if tqdm := bar_class():
            # A long name would leave no room for the numbers.
            short = what.rpartition("/")[2][-_NAME:]
            with tqdm(desc=short, unit=" frames", file=sys.stderr, leave=False) as bar:

                def tick(n_frames: int | None) -> None:
                    bar.total = n_frames
                    bar.update()

                yield tick
            return
        start, count = time.monotonic(), 0

        def count_frame(n_frames: int | None) -> None:
            nonlocal count
            count += 1
            now = time.monotonic()
            if now - self._shown >= _SECONDS:
                self._shown = now
                of = f" of {n_frames:,}" if n_frames is not None else ""
                rate = count / max(now - start, 1e-9)
                print(f"{what}: {count:,}{of} frames, {rate:,.0f} frames/s", file=sys.stderr, flush=True)

        yield count_frame


class _Steps(logging.Handler):
    """Prints records with the time since the start, at once, also into a file."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._start = time.monotonic()

    def emit(self, record: logging.LogRecord) -> None:
        seconds = time.monotonic() - self._start
        print(f"[{seconds:,.0f} s] {record.getMessage()}", file=sys.stderr, flush=True)


@contextmanager
def steps_shown() -> Iterator[None]:
    """Print a line for each step of a training, as the library logs them."""
    logger, handler = logging.getLogger("classic_eyes.steps"), _Steps()
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
