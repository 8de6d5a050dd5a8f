"""Classify what several requests send in one batch, which costs less for each image."""

from collections.abc import Callable
from itertools import islice
from typing import Any

from anyio import Lock, to_thread

Rows = list[dict[str, Any]]


class batched:  # noqa: N801, a decorator
    """Call a function that returns a row for each file, with the files of all requests that wait for their turn."""

    def __init__(self, function: Callable[[list[bytes]], Rows]) -> None:
        self._function, self._turn = function, Lock()
        self._waiting: dict[int, tuple[list[bytes], Rows]] = {}

    async def __call__(self, files: list[bytes]) -> Rows:
        """Return the rows of one or more files."""
        rows: Rows = []
        self._waiting[id(rows)] = files, rows
        try:
            async with self._turn:
                if not rows:  # unless a request before this one had them computed
                    batch = [(sent, into) for sent, into in self._waiting.values() if not into]
                    found = await to_thread.run_sync(self._function, [file for sent, _ in batch for file in sent])
                    left = iter(found)
                    for sent, into in batch:
                        into += islice(left, len(sent))
        finally:
            # After an error the next request computes the others again, without these files.
            del self._waiting[id(rows)]
        return rows
