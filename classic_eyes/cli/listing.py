"""The images that a command reads: those of folders and files, or those named in a list file; and what fails."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator

from ..errors import ParameterError
from ..images.finding import find_images
from ..images.remote import is_url

__all__ = ["ListedImages", "list_images", "print_failed"]


def list_images(paths: list[str], out: str | None = None) -> list[tuple[str, str]]:
    """Return the path and the name of each image of folders and files, sorted by name, each image once.

    With several paths, names are full paths. ``out`` must not be one of the images.
    """
    listed = find_images(paths[0]) if len(paths) == 1 else _each_once(paths)
    # Absolute paths of all images would take longer than everything else, so base names are compared first.
    alike = (full for full, _ in listed if out is not None and os.path.basename(full) == os.path.basename(out))
    if any(os.path.abspath(full) == os.path.abspath(str(out)) for full in alike):
        raise ParameterError(f"--out {out!r} is one of the images; name another file")
    return listed


def _each_once(paths: list[str]) -> list[tuple[str, str]]:
    listed: dict[str, tuple[str, str]] = {}
    for path in paths:
        for full, _ in find_images(path):
            listed.setdefault(full if is_url(full) else os.path.abspath(full), (full, full))
    return sorted(listed.values(), key=lambda pair: pair[1])


class ListedImages:
    """The names in a list file, one a line; read again on each iteration, so that memory does not grow with them."""

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            self._length = sum(1 for _ in self)
        except OSError as error:
            raise ParameterError(f"--list {path!r} cannot be read: {error.strerror}; name a text file") from error
        if not self._length:
            raise ParameterError(f"--list {path!r} names no image; put a path or URL in each line")

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[str]:
        # File names may hold any bytes; a byte order mark is not part of the first one.
        with open(self.path, encoding="utf-8", errors="surrogateescape") as file:
            for number, line in enumerate(file):
                if name := (line.removeprefix("\ufeff") if number == 0 else line).strip():
                    yield name


def print_failed(failed: Iterable[tuple[str, str]]) -> None:
    """Print names and reasons of images that could not be read."""
    for name, reason in failed:
        print(f"classic-eyes: skipped {name}: {reason}", file=sys.stderr)
