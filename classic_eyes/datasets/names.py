"""Names of images: the same text in every locale, and what tells a wrong name from the right one."""

from __future__ import annotations

import os
import posixpath
import re
import sys
import unicodedata
from collections.abc import Callable, Iterable
from contextlib import suppress
from urllib.parse import unquote

from ..images.finding import Path, find_images, quoted

__all__ = ["NearNames", "as_path", "as_text", "list_named"]


def as_text(path: str) -> str:
    """Return a path of the file system as the text of its bytes in UTF-8, whatever the locale."""
    return path if _is_utf8() else os.fsencode(path).decode("utf-8", "surrogateescape")


def as_path(name: str) -> str:
    """Return the path that opens the file of a name in UTF-8, whatever the locale: the inverse of `as_text`."""
    return name if _is_utf8() else os.fsdecode(name.encode("utf-8", "surrogateescape"))


def _is_utf8() -> bool:
    return sys.getfilesystemencoding() == "utf-8"


def list_named(folder: Path) -> list[tuple[str, str]]:
    """Return what `find_images` returns, with names as `as_text` returns them."""
    found = find_images(folder)
    return found if _is_utf8() else sorted(((path, as_text(name)) for path, name in found), key=lambda pair: pair[1])


def _decoded_again(name: str) -> str:
    """Return a name in UTF-8 that was read in another encoding and saved, such as Ã© for é."""
    for encoding in ("cp1252", "latin-1", "mac_roman"):
        with suppress(UnicodeError):
            return name.encode(encoding).decode("utf-8")
    return name


def _with_slashes(name: str) -> str:
    return posixpath.normpath(name.replace("\\", "/")) if "\\" in name else name


_ZEROS = re.compile(r"(?<!\d)0+(?=\d)")
# What a name may differ in, and the function that takes the difference away; in the order in which they are applied.
_DIFFERENCES: dict[str, Callable[[str], str]] = {
    "it was read in a wrong encoding (save the label file as UTF-8)": _decoded_again,
    "it is written as in a URL": unquote,
    "it has \\ in place of /": _with_slashes,
    "it has blanks around it": str.strip,
    "its Unicode form is another": lambda name: unicodedata.normalize("NFC", name),
    "upper and lower case differ": str.casefold,
    "a 0 before a number is missing or added": lambda name: _ZEROS.sub("", name),
    "the ending differs": lambda name: posixpath.splitext(name)[0],
    "the folder differs": posixpath.basename,
}


class NearNames:
    """Finds the name that was probably meant; each search takes the same time, however many names there are."""

    def __init__(self, names: Iterable[str]) -> None:
        self._whole: dict[str, list[str]] = {}
        self._last: dict[str, list[str]] = {}
        for name in names:
            whole = _without(name, _DIFFERENCES, "the folder differs")
            self._whole.setdefault(whole, []).append(name)
            self._last.setdefault(posixpath.basename(whole), []).append(name)

    def describe(self, name: str, *, other_folders: bool = True) -> str | None:
        """Return which name is near and what the difference is; None if there is none, or several in other folders."""
        spellings = (name, f"images/{name}")
        keys = [_without(each, _DIFFERENCES, "the folder differs") for each in spellings]
        pairs = [(each, near) for each, key in zip(spellings, keys, strict=True) for near in self._whole.get(key, ())]
        if not pairs and other_folders:
            others = self._last.get(posixpath.basename(keys[0]), [])
            pairs = [(name, near) for near in others[:1]] if len(others) == 1 else []
        if not pairs:
            return None
        differences, near = min(((_differences(*pair), pair[1]) for pair in pairs), key=lambda each: len(each[0]))
        if differences == ["its Unicode form is another"]:
            differences = [f"its Unicode form is {_form(name)}, and {_form(near)} in the folder"]
        return f"{quoted(near)} is: {' and '.join(differences)}"


def _without(name: str, differences: Iterable[str], kept: str = "") -> str:
    for difference in differences:
        if difference != kept:
            name = _DIFFERENCES[difference](name)
    return name


def _differences(name: str, near: str) -> list[str]:
    """Return the fewest differences that tell two near names apart."""
    for one in _DIFFERENCES:
        if _without(name, [one]) == _without(near, [one]):
            return [one]
    return [one for one in _DIFFERENCES if _without(name, _DIFFERENCES, one) != _without(near, _DIFFERENCES, one)]


def _form(name: str) -> str:
    return next((form for form in ("NFC", "NFD") if unicodedata.is_normalized(form, name)), "neither NFC nor NFD")
