"""Finding the images of a folder, and showing names in messages."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TypeAlias

from ..errors import DataError
from ..images import IMAGE_ENDINGS
from ..images.remote import is_url

__all__ = ["find_images"]

Path: TypeAlias = str | os.PathLike[str]

MOST_SHOWN = 10


def find_images(path: Path) -> list[tuple[str, str]]:
    """Find the images of a folder by their endings, through all levels.

    1. Files and folders with a leading dot are left out.
    2. Links to folders are followed after the folders themselves, each real folder once, so that a loop ends.
    3. Whatever has an ending of ``classic_eyes.images.IMAGE_ENDINGS``, in any case, is listed, readable or not, a
       folder too: nobody shall miss a row for a name that looks like an image's.

    Parameters
    ----------
    path : str or os.PathLike
        A folder; or a single image of any ending, which gives itself, its name being `path` as given; so does a URL,
        whether there is anything or not.

    Returns
    -------
    list of (str, str)
        The path that opens the file, and its name below the folder with ``/``; sorted by name.

    Raises
    ------
    DataError
        If there is nothing at `path`, a folder in it cannot be read, or there is no image in it.
    """
    top = os.fspath(path)
    if not os.path.isdir(top):
        if not os.path.exists(top) and not is_url(top):
            raise DataError(f"{top!r}: no such folder or image")
        return [(top, top)]
    before = os.path.join(top, "")
    # A folder may hold a hundred thousand images: nothing slow for each of them.
    found = [(before + (name if os.sep == "/" else name.replace("/", os.sep)), name) for name in sorted(_walk(top))]
    if not found:
        raise DataError(f"{top!r}: no images in this folder; endings looked for: {' '.join(sorted(IMAGE_ENDINGS))}")
    return found


def _walk(top: str) -> Iterable[str]:
    seen: set[tuple[int, int]] = set()
    folders, links = [""], list[str]()
    while folders or links:
        # The links last and in sorted order, so that a folder reached twice always gets the same name.
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
            if _leads_to_a_folder(entry):
                (links if entry.is_symlink() else folders).append(name)
            if "." + entry.name.rpartition(".")[2].lower() in IMAGE_ENDINGS and "." in entry.name:
                yield name


def _leads_to_a_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads back to itself
        return False


def last_name(top: str) -> str:
    """Return the name of a folder without what stands before it.

    Parameters
    ----------
    top : str
        A folder.

    Returns
    -------
    str
        Its last part, also for ``.`` and a closing ``/``.
    """
    return os.path.basename(os.path.abspath(top))


def shown(text: str) -> str:
    """Quote a text for a message.

    Parameters
    ----------
    text : str
        A name or a field.

    Returns
    -------
    str
        In quotation marks, at most 60 characters of it.
    """
    return repr(text if len(text) <= 60 else text[:57] + "...")


def first_few(problems: list[str]) -> str:
    """Join the first ten problems, and say how many more there are.

    Parameters
    ----------
    problems : list of str
        One text a problem.

    Returns
    -------
    str
        One line.
    """
    more = len(problems) - MOST_SHOWN
    return "; ".join(problems[:MOST_SHOWN]) + (f"; and {more} more" if more > 0 else "")
