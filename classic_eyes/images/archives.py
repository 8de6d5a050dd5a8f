"""Images packed in tar files, such as the shards of WebDataset: listed by their headers, read one by one in place.

`tarfile` of the standard library reads the headers: shards are plain tar, and no package for them is smaller than it.
Nothing is ever extracted, so a name in an archive is a name in the output and no more.
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, BinaryIO

from ..errors import ImageError

__all__ = ["Member", "find_member", "is_archive", "list_members"]

_ENDING = ".tar"
# Bytes that a header may have: names, and attributes of pax. A hostile one states any number.
_MAX_HEADER = 1 << 20
_BLOCK = 512
_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
# Archives whose members are held, for names that are given without a place.
_N_HELD = 4


class Member(str):
    """The name of an image in an archive, ``shard.tar/member``, and where its bytes are.

    ``problem`` is why it cannot be read, None where it can.
    """

    archive: str
    offset: int
    size: int
    problem: str | None

    def __new__(cls, name: str, archive: str, offset: int, size: int, problem: str | None = None) -> Member:
        """Return the name with its place."""
        self = super().__new__(cls, name)
        self.archive, self.offset, self.size, self.problem = archive, offset, size, problem
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return Member, (str(self), self.archive, self.offset, self.size, self.problem)

    def read(self, max_bytes: int) -> bytes:
        """Return the bytes; ImageError where that is not possible, in one line without the name."""
        if self.problem is not None:
            raise ImageError(self.problem)
        if not 0 < self.size <= max_bytes:
            raise ImageError("empty file" if self.size == 0 else f"larger than {max_bytes >> 20} MiB")
        descriptor = os.open(self.archive, _OPEN_FLAGS)
        try:
            os.lseek(descriptor, self.offset, os.SEEK_SET)
            content = os.read(descriptor, self.size)
        finally:
            os.close(descriptor)
        if len(content) < self.size:
            raise ImageError("cut off: the archive ends before it")
        return content


def is_archive(path: str | os.PathLike[str]) -> bool:
    """Return whether a path names a tar file, by its ending."""
    return os.fspath(path).lower().endswith(_ENDING) and os.path.isfile(path)


def list_members(archive: str, endings: frozenset[str] | None = None) -> Iterator[Member]:
    """Yield the members of an archive, in their order there and in constant memory.

    1. Of folders none. With ``endings`` others, and names with a leading dot, are passed over, as in a folder.
    2. Links, devices and sparse files, and names that lead out of a folder, are members with a `problem`.
    3. Where the archive cannot be read further, the last member has its own name, and the reason as its `problem`.
    """
    try:
        with open(archive, "rb") as file:
            yield from _members(archive, file, endings)
    except OSError as error:
        yield Member(archive, archive, 0, 0, f"the archive cannot be read ({error.strerror or error})")


def _members(archive: str, file: BinaryIO, endings: frozenset[str] | None) -> Iterator[Member]:
    before = 0
    try:
        with tarfile.open(fileobj=_Headers(file), mode="r:") as tar:  # type: ignore[call-overload]
            while (info := tar.next()) is not None:
                tar.members = []  # it would hold all of them
                # Numbers in a header may be negative, and lead back.
                if info.size < 0 or info.offset_data <= before:
                    raise tarfile.ReadError("a header that leads back")
                before = info.offset_data
                name = _clean(info.name)
                if not info.isdir() and _is_wanted(name, endings):
                    yield Member(f"{archive}/{name}", archive, info.offset_data, info.size, _problem(info))
            reason = _rest(file, tar.offset)
    except (tarfile.TarError, ValueError, OverflowError, RecursionError) as error:
        what = "cut off" if "unexpected end" in str(error) else "damaged"
        reason = f"the archive is {what}: nothing after byte {before:,} is read"
        if before == 0:
            reason = "not a tar archive, or a compressed one; decompress it first"
    if reason is not None:
        yield Member(archive, archive, 0, 0, reason)


class _Headers:
    """A file whose headers are of bounded size."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell
        self.name = ""

    def read(self, n: int = -1) -> bytes:
        """Read a header."""
        if not 0 <= n <= _MAX_HEADER:
            raise tarfile.ReadError(f"a header of {n:,} bytes")
        return self._file.read(n)


def _clean(name: str) -> str:
    """Return a name without the ``./`` that tar writes before it."""
    while name.startswith("./"):
        name = name[2:]
    return name


def _is_wanted(name: str, endings: frozenset[str] | None) -> bool:
    if endings is None:
        return True
    last = name.rpartition("/")[2]
    hidden = any(part.startswith(".") and part != ".." for part in name.split("/"))
    return not hidden and "." in last and "." + last.rpartition(".")[2].lower() in endings


def _problem(info: tarfile.TarInfo) -> str | None:
    if info.name.startswith("/") or ".." in info.name.split("/"):
        return "a name in the archive that leads out of it; pack the files again with relative names"
    if info.issym() or info.islnk():
        return "a link in the archive, which is not followed; pack the file itself"
    if not info.isreg():
        return "not a regular file (a pipe or device)"
    return "a sparse file in the archive; pack it without --sparse" if info.issparse() else None


def _rest(file: BinaryIO, offset: int) -> str | None:
    """Return why an archive does not end where its last header was found, if so."""
    file.seek(offset)
    block = file.read(_BLOCK)
    if block.strip(b"\0"):
        what = "cut off" if len(block) < _BLOCK else "damaged"
        return f"the archive is {what}: nothing after byte {offset:,} is read"
    while more := file.read(_MAX_HEADER):
        if more.strip(b"\0"):
            return f"the archive ends at byte {offset:,}, and more follows; several joined by cat are not read"
    return None


def find_member(path: str) -> Member | None:
    """Return the member that a path ``shard.tar/member`` names; None where it names none of an archive."""
    start = 0
    while (end := path.lower().find(_ENDING + "/", start)) >= 0:
        start = end + len(_ENDING)
        if os.path.isfile(path[:start]):
            status = os.stat(path[:start])
            return _index(path[:start], status.st_mtime_ns, status.st_size).get(_clean(path[start + 1 :]))
    return None


@lru_cache(maxsize=_N_HELD)
def _index(archive: str, _changed: int, _size: int) -> dict[str, Member]:
    """Return the members of an archive by name; of several with one name the last, as tar extracts them."""
    prefix = len(archive) + 1
    return {str(member)[prefix:]: member for member in list_members(archive)}
