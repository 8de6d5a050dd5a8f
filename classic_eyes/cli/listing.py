"""The images that a command reads: those of folders and files, or those named in a list file; and what fails."""

from __future__ import annotations

import os
import pickle
import shutil
import sys
import tempfile
import threading
import weakref
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import IO

from .._utils.files import wide_encoding
from ..errors import DataError, ParameterError
from ..images import arrays
from ..images.archives import Member, list_members
from ..images.files import IMAGE_ENDINGS, is_url
from ..images.finding import Listing, describe_passed_over, list_folder

__all__ = [
    "ListedImages",
    "ListedMembers",
    "Peaks",
    "describe_failed",
    "list_images",
    "print_counts",
    "print_failed",
    "print_passed_over",
]

_MAX_REASONS = 3
# Bytes of a list file that are read at a time.
_BLOCK = 1 << 16
# Members of archives that are written to the temporary file at a time.
_N_MEMBERS = 4096
_UTF8_MARK = b"\xef\xbb\xbf"


def list_images(paths: Sequence[str], *, photographs: bool = False, videos: bool = False) -> Listing:
    """Return the images of folders and files, sorted by name, each image once; and what was passed over.

    With several paths, names are full paths. ``photographs`` and ``videos`` are found as by `list_folder`.
    """
    if len(paths) == 1:
        return list_folder(paths[0], photographs=photographs, videos=videos)
    listed: dict[str, tuple[str, str]] = {}
    passed_over: Counter[str] = Counter()
    folders: set[tuple[int, int]] = set()
    paired: frozenset[str] = frozenset()
    for path in paths:
        found = list_folder(path, counted=folders, photographs=photographs, videos=videos)
        passed_over += found.passed_over
        folders |= found.folders
        paired |= {os.path.abspath(full) for full in found.paired}
        for full, _ in found.images:
            listed.setdefault(full if is_url(full) else os.path.abspath(full), (full, full))
    return Listing(sorted(listed.values(), key=lambda pair: pair[1]), passed_over, folders, paired)


def print_passed_over(paths: Sequence[str], *, photographs: bool = False) -> None:
    """Search folders, and print how many images and videos were passed over there, if any."""
    with suppress(DataError):  # it was reported where the images were read
        print_counts(list_images(paths, photographs=photographs).passed_over)


def print_counts(passed_over: Counter[str], *, videos: bool = False) -> None:
    """Print how many images and videos were passed over, if any."""
    if passed_over:
        print(describe_passed_over(passed_over, videos=videos), file=sys.stderr)


class Peaks(arrays.Peaks):
    """How many images of 16 bits were read, and how many of them seem to use fewer bits."""

    def print_warning(self, bits: int | None) -> None:
        """Print once that images seem to use fewer bits, unless ``--bits`` is given."""
        if bits is None and (warning := self.warning("--bits {}")):
            print(f"classic-eyes: warning: {warning}", file=sys.stderr)


class ListedImages:
    """The names in a list file, one a line; read again on each iteration, so that memory does not grow with them.

    ``-`` is standard input. What can be read only once, like a pipe, is copied to a temporary file first.
    """

    def __init__(self, path: str) -> None:
        try:
            self._file = _open_list(path)
            weakref.finalize(self, self._file.close)
            # Iterations may go on at the same time, in several threads.
            self._lock = threading.Lock()
            self._length = self._count(path)
        except OSError as error:
            raise ParameterError(f"--list {path!r} cannot be read: {error.strerror}; name a text file") from error
        if not self._length:
            raise ParameterError(f"--list {path!r} names no image; put a path or URL in each line")

    def _count(self, path: str) -> int:
        count, encoding = 0, None
        for number, line in enumerate(self._lines()):
            if number == 0:
                encoding = wide_encoding(line)
                _refuse_table(path, line)
            if b"\0" in line:
                what = (
                    f"is {encoding}" if encoding else "holds bytes that are 0, which no name has; perhaps it is UTF-16"
                )
                raise ParameterError(f"--list {path!r} {what}; save it as UTF-8, with a name in each line")
            count += bool(line.strip())
        return count

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[str]:
        # Names are bytes, which every locale must find again: os.fsdecode is undone where a file is opened.
        return (os.fsdecode(name) for line in self._lines() if (name := line.strip()))

    def _lines(self) -> Iterator[bytes]:
        position = 0
        while True:
            with self._lock:
                self._file.seek(position)
                lines = self._file.readlines(_BLOCK)
                start, position = position, self._file.tell()
            if not lines:
                return
            if start == 0:
                lines[0] = lines[0].removeprefix(_UTF8_MARK)
            yield from lines


class ListedMembers:
    """The images in tar files, in their order there; memory does not grow with them.

    The headers are read once, to a temporary file.
    """

    def __init__(self, archives: Sequence[str]) -> None:
        self._archives = archives
        self._file = tempfile.TemporaryFile()  # noqa: SIM115
        weakref.finalize(self, self._file.close)
        # Iterations may go on at the same time, in several threads.
        self._lock = threading.Lock()
        self._length, self._places = 0, list[int]()
        members = ((k, each) for k, archive in enumerate(archives) for each in list_members(archive, IMAGE_ENDINGS))
        while part := [(k, str(each), each.offset, each.size, each.problem) for k, each in islice(members, _N_MEMBERS)]:
            self._length += len(part)
            self._places.append(self._file.tell())
            pickle.dump(part, self._file)
        if not self._length:
            endings = " ".join(sorted(IMAGE_ENDINGS))
            shown = repr(archives[0]) if len(archives) == 1 else f"{len(archives)} archives"
            raise DataError(f"{shown}: no images in it; endings looked for: {endings}")

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[str]:
        for place in self._places:
            with self._lock:
                self._file.seek(place)
                part = pickle.load(self._file)
            for k, name, offset, size, problem in part:
                yield Member(name, self._archives[k], offset, size, problem)


def _refuse_table(path: str, header: bytes) -> None:
    """Refuse label files and predictions, whose lines are more than names."""
    for separator in b",;\t":
        columns = [field.strip().strip(b'"').lower() for field in header.split(bytes([separator]))]
        if {b"file", b"label"} <= set(columns):
            shown = b",".join(columns).decode("utf-8", "backslashreplace")
            raise ParameterError(
                f"--list {path!r} looks like a CSV with the columns {shown}; a list holds a name in each line and "
                "nothing else"
            )


def _open_list(path: str) -> IO[bytes]:
    if path == "-":
        if sys.stdin is None:
            raise ParameterError("--list -: standard input is closed; name a text file")
        file: IO[bytes] = sys.stdin.buffer
    else:
        file = open(path, "rb")  # noqa: SIM115
    if path != "-" and file.seekable():
        return file
    copy = tempfile.TemporaryFile()  # noqa: SIM115
    shutil.copyfileobj(file, copy)
    return copy


def print_failed(failed: Iterable[tuple[str, str]]) -> None:
    """Print names and reasons of images that could not be read."""
    for name, reason in failed:
        print(f"classic-eyes: skipped {name}: {reason}", file=sys.stderr)


def describe_failed(failed: Sequence[tuple[str, str]]) -> str:
    """Return how many images could not be read, with the most frequent reasons, for a summary.

    >>> describe_failed([("a.png", "empty file"), ("b.png", "no such file"), ("c.png", "empty file")])
    '3 that could not be read (2 empty file, 1 no such file)'
    """
    reasons = Counter(reason for _, reason in failed).most_common()
    shown = [f"{count:,} {reason}" for reason, count in reasons[:_MAX_REASONS]]
    return f"{len(failed):,} that could not be read ({', '.join([*shown, '...'][: len(reasons)])})"
