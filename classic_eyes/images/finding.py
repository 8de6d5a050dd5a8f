"""Search for the images of a folder, and names in messages."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

from ..errors import DataError
from .files import IMAGE_ENDINGS, is_url
from .photographs import EXTRA_ENDINGS, RAW_ENDINGS

__all__ = [
    "VIDEO_ENDINGS",
    "Listing",
    "Path",
    "describe_passed_over",
    "find_images",
    "first_few",
    "last_name",
    "list_folder",
    "quoted",
]

Path: TypeAlias = str | os.PathLike[str]

_MAX_LISTED = 10

VIDEO_ENDINGS = frozenset(
    {".3g2", ".3gp", ".asf", ".avi", ".divx", ".f4v", ".flv", ".m2ts", ".m2v", ".m4v", ".mjpeg", ".mjpg", ".mkv"}
    | {".mov", ".mp4", ".mpe", ".mpeg", ".mpg", ".mts", ".mxf", ".ogv", ".vob", ".webm", ".wmv", ".y4m"}
)
# Endings of what is not read: a folder of a telephone or a camera must not lose it unnoticed.
_NOT_READ = EXTRA_ENDINGS.union(
    VIDEO_ENDINGS,
    {".cur", ".dcm", ".dds", ".emf", ".eps", ".exr", ".fits", ".hdr", ".heics", ".heifs", ".icns", ".ico", ".j2c"}
    | {".j2k", ".jpc", ".jpf", ".jpm", ".jpx", ".jxl", ".jxr", ".mpo", ".pam"}
    | {".pcx", ".pic", ".psb", ".psd", ".qoi", ".ras", ".sgi", ".sr", ".svg", ".svgz", ".tga", ".wdp", ".wmf"}
    | {".xbm", ".xcf", ".xpm"},
)

# An image whose ending has something after it, as of a download or a copy: a.jpg_large, "a.png ", a.jpg?w=300. The
# originals that ExifTool keeps are copies.
_LONGER = re.compile(rf"({'|'.join(map(re.escape, IMAGE_ENDINGS))})(?!_original$)[^a-z0-9]")


class Listing(NamedTuple):
    """The images of a folder, as `find_images` returns them, and what else the search found.

    ``passed_over`` counts images and videos that are not read, by ending; ``folders`` has the device and inode of each
    folder that was searched; ``paired`` has the paths of camera raw files that are beside a JPEG of the same name.
    """

    images: list[tuple[str, str]]
    passed_over: Counter[str]
    folders: set[tuple[int, int]]
    paired: frozenset[str] = frozenset()


def describe_passed_over(passed_over: Counter[str], *, videos: bool = False) -> str:
    """Return how many files were passed over, and the remedy; where ``videos`` are read, images were passed over.

    >>> describe_passed_over(Counter({".nef": 4, ".heic": 8}))
    '12 files passed over (8 .heic, 4 .nef): convert them to JPEG or PNG'
    >>> describe_passed_over(Counter({".mp4": 1}))
    '1 file passed over (1 .mp4): classic-eyes video reads videos'
    """
    n, n_videos = passed_over.total(), sum(passed_over[ending] for ending in VIDEO_ENDINGS)

    def order(ending: str) -> tuple[int, str]:
        return -passed_over[ending], ending

    kinds = ", ".join(
        f"{passed_over[ending]:,} {ending if ending == ending.strip() else repr(ending)}"
        for ending in sorted(passed_over, key=order)
    )
    if videos:
        return f"{n:,} file{'s' * (n != 1)} passed over ({kinds}): classic-eyes faces reads photographs"
    remedies = []
    n_longer = sum(passed_over[ending] for ending in passed_over if _LONGER.match(ending))
    if n_longer:
        remedies.append("rename images with a longer ending")
    if n_videos + n_longer < n:
        remedies.append(f"convert {'images' if n_videos else 'it' if n == 1 else 'them'} to JPEG or PNG")
    if n_videos:
        remedies.append("classic-eyes video reads videos")
    return f"{n:,} file{'s' * (n != 1)} passed over ({kinds}): {', '.join(remedies)}"


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
    return list_folder(path).images


def list_folder(
    path: Path, *, counted: set[tuple[int, int]] | None = None, photographs: bool = False, videos: bool = False
) -> Listing:
    """Find the images of a folder as `find_images` does, and count the images and videos that are not read.

    Files in folders of ``counted``, the ``folders`` of an earlier search, are not counted again. Of ``photographs``
    HEIC and camera raw files are found too, with the extra for them or without, so that none is missed silently; but no
    camera raw file beside a JPEG of the same name: that is the same photograph. With ``videos`` these are found, and
    the images are counted.
    """
    what = "video" if videos else "image"
    top = os.fspath(path)
    if not top:
        raise DataError(f"the path is empty; name a folder or {'a' if videos else 'an'} {what}")
    if not os.path.isdir(top):
        if not os.path.exists(top) and not is_url(top):
            raise DataError(f"{top!r}: no such folder or {what}; {_what_is_missing(top)}")
        return Listing([(top, top)], Counter(), set())
    prefix = os.path.join(top, "")
    passed_over: Counter[str] = Counter()
    folders: set[tuple[int, int]] = set()
    endings, not_read = IMAGE_ENDINGS | EXTRA_ENDINGS if photographs else IMAGE_ENDINGS, _NOT_READ
    if videos:
        endings, not_read = VIDEO_ENDINGS, (IMAGE_ENDINGS | _NOT_READ) - VIDEO_ENDINGS
    names = sorted(_walk(top, endings, not_read, folders, passed_over, counted or set()))
    # A folder may hold a hundred thousand images, so nothing slow is done for each.
    found = [(prefix + (name if os.sep == "/" else name.replace("/", os.sep)), name) for name in names]
    paired = _paired(found) if photographs else frozenset[str]()
    if paired:
        found = [(full, name) for full, name in found if full not in paired]
    if not found:
        others = f"; {describe_passed_over(passed_over, videos=videos)}" if passed_over else ""
        raise DataError(f"{top!r}: no {what}s in this folder{others}; endings looked for: {' '.join(sorted(endings))}")
    return Listing(found, passed_over, folders, paired)


def _paired(found: list[tuple[str, str]]) -> frozenset[str]:
    """Return the paths of camera raw files that are beside a JPEG of the same name."""
    split = [(full, *os.path.splitext(full.lower())) for full, _ in found]
    photographs = {stem for _, stem, ending in split if ending in (".jpg", ".jpeg")}
    return frozenset(full for full, stem, ending in split if ending in RAW_ENDINGS and stem in photographs)


def _what_is_missing(path: str) -> str:
    """Return which part of a path does not exist: the name may be mistyped, or relative to another folder."""
    if os.path.islink(path):
        return f"it is a link to {os.readlink(path)!r}, which is missing; restore that, or name another"
    folder, missing = os.path.split(os.path.abspath(path))
    while not os.path.lexists(folder) and folder != os.path.dirname(folder):
        folder, missing = os.path.split(folder)
    return f"there is no {missing!r} in {folder!r}; check the name"


def _walk(
    top: str,
    endings: frozenset[str],
    others: frozenset[str],
    seen: set[tuple[int, int]],
    passed_over: Counter[str],
    counted: set[tuple[int, int]],
) -> Iterable[str]:
    """Yield the names with one of the endings; add folders to ``seen``, and count those of ``others`` by ending."""
    folders, links = [""], list[str]()
    while folders or links:
        # Links last and in sorted order, so that a folder reached twice always has the same name.
        below = folders.pop() if folders else links.pop(links.index(min(links)))
        folder = os.path.join(top, *below.split("/")) if below else top
        try:
            status = os.stat(folder)
            identity = (status.st_dev, status.st_ino)
            if identity in seen:
                continue
            seen.add(identity)
            with os.scandir(folder) as entries:
                visible = [entry for entry in entries if not entry.name.startswith(".")]
        except OSError as error:
            raise DataError(f"{folder!r}: cannot read this folder ({error.strerror})") from error
        is_counted = identity in counted
        for entry in visible:
            name = f"{below}/{entry.name}" if below else entry.name
            is_folder = _is_folder(entry)
            if is_folder:
                (links if entry.is_symlink() else folders).append(name)
            ending = "." + entry.name.rpartition(".")[2].lower()
            if ending in endings and "." in entry.name:
                yield name
            elif not is_counted and not is_folder and "." in entry.name and (ending in others or _LONGER.match(ending)):
                passed_over[ending] += 1


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
