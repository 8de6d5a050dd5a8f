"""Where the drawings of photographs and videos are written."""

from __future__ import annotations

import os
from collections.abc import Callable, Container
from contextlib import suppress
from pathlib import Path

from ..errors import ParameterError
from ..images.files import is_url
from ..images.finding import Listing

__all__ = ["check_not_searched", "drawing_files"]


def drawing_files(
    folder: str, listing: Listing, named: Callable[[Path], Path], *, what: str, force: bool
) -> dict[str, Path]:
    """Make a folder for drawings, and return the file of each input: the name of its rows, as ``named`` makes of it.

    1. None is in a folder that was searched for inputs, where it would be read in the next run.
    2. None has the name of an input, of another drawing, or of a folder that is needed; then it gets a number.
    3. An existing file is replaced only with ``force``.
    """
    inputs = {os.path.realpath(path) for path, _ in listing.images}
    bases = {path: named(_below(name, what)) for path, name in listing.images}
    taken = {str(parent).lower() for base in bases.values() for parent in base.parents}
    files: dict[str, Path] = {}
    for path, base in bases.items():
        name, number = base, 1
        while str(name).lower() in taken or os.path.realpath(Path(folder) / name) in inputs:
            number += 1
            name = base.with_name(f"{base.stem}-{number}{base.suffix}")
        taken.add(str(name).lower())
        files[path] = Path(folder) / name
    for place in {Path(folder), *(file.parent for file in files.values())}:
        check_not_searched(f"--draw {folder!r}", place, listing.folders, what, "drawings")
    existing = [str(file) for file in files.values() if os.path.lexists(file)]
    if existing and not force:
        raise ParameterError(
            f"--draw {folder!r} has {len(existing):,} of the files that would be drawn, such as {existing[0]!r}; "
            "name another folder, or replace them with --force"
        )
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ParameterError(f"--draw {folder!r}: the folder cannot be made ({error.strerror})") from error
    return files


def check_not_searched(named: str, place: Path, searched: Container[tuple[int, int]], what: str, written: str) -> None:
    """Refuse a folder for what is ``written`` if it is in one that is searched, given by device and inode."""
    real = Path(os.path.realpath(place))
    for each in (real, *real.parents):
        with suppress(OSError):  # it does not exist yet
            status = os.stat(each)
            if (status.st_dev, status.st_ino) in searched:
                raise ParameterError(
                    f"{named} is in {str(each)!r}, which is searched for {what}; the next run would read the "
                    f"{written}; name a folder elsewhere"
                )


def _below(name: str, what: str) -> Path:
    """Return a name below a folder: that of the rows, or its last part where that leads elsewhere."""
    elsewhere = is_url(name) or os.path.isabs(name) or ".." in Path(name).parts
    return Path(os.path.basename(name.rstrip("/")) or what.removesuffix("s")) if elsewhere else Path(name)
