"""Search for the images of a folder, and names in messages."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TypeAlias

from ..errors import DataError
from .files import IMAGE_ENDINGS
from .remote import is_url

__all__ = ["Path", "find_images", "first_few", "last_name", "quoted"]

Path: TypeAlias = str | os.PathLike[str]

_MAX_LISTED = 10


def find_images(path: Path) -> list[tuple[str, str]]:
    """Find the images of a folder and its subfolders by their endings.

    1. Skip files and folders with a leading dot.
    2. Follow links to folders after the folders themselves, each real folder once, so that loops end.
    3. List every name with an ending of ``classic_eyes.images.IMAGE_ENDINGS`` in any case, readable or not, even if it
       is a folder, so that no image is missed silently.

    Parameters
    ----------
    path : str or os.PathLike
        A folder. A file of any ending, or a URL, is returned as the only image, with `path` as its name.

    Returns
    -------
    list of (str, str)
        The path of each file, and its name relative to the folder with ``/``; sorted by name.

    Raises
    ------
    DataError
        If `path` does not exist, a folder in it cannot be read, or there is no image in it.
    """
    top = os.fspath(path)
    if not os.path.isdir(top):
        if not os.path.exists(top) and not is_url(top):
            raise DataError(f"{top!r}: no such folder or image")
        return [(top, top)]
    prefix = os.path.join(top, "")
    # A folder may hold a hundred thousand images, so nothing slow is done for each.
    found = [(prefix + (name if os.sep == "/" else name.replace("/", os.sep)), name) for name in sorted(_walk(top))]
    if not found:
        raise DataError(f"{top!r}: no images in this folder; endings looked for: {' '.join(sorted(IMAGE_ENDINGS))}")
    return found


def _walk(top: str) -> Iterable[str]:
    seen: set[tuple[int, int]] = set()
    folders, links = [""], list[str]()
    while folders or links:
        # Links last and in sorted order, so that a folder reached twice always has the same name.
        below = folders.pop() if folders else links.pop(links.index(min(links)))
        folder = os.path.join(top, *below.split("/")) if below else top
        try:
            status = os.stat(folder)
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            with os.scandir(folder) as entries:
                visible = [entry for entry in entries if not entry.name.startswith(".")]
        except OSError as error:
            raise DataError(f"{folder!r}: cannot read this folder ({error.strerror})") from error
        for entry in visible:
            name = f"{below}/{entry.name}" if below else entry.name
            if _is_folder(entry):
                (links if entry.is_symlink() else folders).append(name)
            if "." + entry.name.rpartition(".")[2].lower() in IMAGE_ENDINGS and "." in entry.name:
                yield name


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def last_name(top: str) -> str:
    """Return the last part of a folder's path, also for ``.`` and a trailing ``/``."""
    return os.path.basename(os.path.abspath(top))


def quoted(text: str) -> str:
    """Quote at most 60 characters of a name or field for a message."""
    return repr(text if len(text) <= 60 else text[:57] + "...")


def first_few(problems: list[str]) -> str:
    """Join the first ten problems in one line, with the number of the others."""
    more = len(problems) - _MAX_LISTED
    return "; ".join(problems[:_MAX_LISTED]) + (f"; and {more} more" if more > 0 else "")
