"""Labels in the names of folders; and warnings of what looks like labels and is not used."""

from __future__ import annotations

import os
import posixpath
import re
import shlex
import warnings
from collections.abc import Iterable
from difflib import get_close_matches

from ..images.finding import quoted
from .csvfile import LABEL_DIGITS, LABEL_WORDS, read_columns
from .eyeset import UNLABELLED, EyeSet
from .names import as_text

__all__ = ["RECOGNIZED", "class_folders", "warn_of_unused_labels"]

RECOGNIZED = (
    f"{', '.join(LABEL_WORDS)}, also with eye, eyes, left or right (Open_Eyes, closed-eye), and 1 and 0 where no other "
    "folder is beside them"
)

_BESIDE = "(?:eyes?|left|right)*"
_CLASS = re.compile(f"{_BESIDE}({'|'.join(sorted(LABEL_WORDS, key=len, reverse=True))}){_BESIDE}")
_SPLITS = {"train", "training", "test", "testing", "val", "valid", "validation", "dev", "eval", "holdout"}
# Words that may be labels, but do not say plainly that an eye is open or closed.
_UNCLEAR = re.compile(
    "(?:non?|not)?(?:awake|asleep|sleep|sleepy|sleeping|drowsy|drowsiness|alert|active|inactive|tired|fatigued?|vigilant"
    "|normal|blink|blinking|wink|winking|yawn|yawning|yes|no|true|false|pos|neg|positive|negative)"
    "(?:eyes?|faces?|drivers?|subjects?|images?)?"
)
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
# Names of software that begin like a label.
_OTHER_WORDS = re.compile(r"open[\W_]*(?:cv|face|source|gl|vino|ai|mp)(?![a-z])", re.IGNORECASE)
_IN_FILE_NAMES = re.compile(r"(?<![a-z])(?:(opened|open)|closed|close|shut)(?=eye|[^a-z]|$)", re.IGNORECASE)
_FILE_COLUMNS = {"file", "files", "filename", "file_name", "filepath", "image", "image_name", "img", "name", "path"}
_LABEL_COLUMNS = {"label", "labels", "class", "state", "eye_state", "status", "target", "open", "closed", "y"}
_TABLE_ENDINGS = (".csv", ".tsv", ".txt")
_MAX_TABLES, _MAX_NAMED = 20, 10


def class_folders(names: Iterable[str]) -> dict[str, int]:
    """Return the labels that the names of folders state: from the folder of an image, with ``/``, to 1 or 0.

    `read_class_folders` has the rules.
    """
    folders = {posixpath.dirname(name) for name in names} - {""}
    words: dict[str, int] = {}
    for folder in folders:
        states = [_state(part) for part in reversed(folder.split("/"))]
        label = next((state for state in states if state is not None), None)
        if label is not None:
            words[folder] = label
    return words or _digit_folders(folders)


def _state(folder: str) -> int | None:
    match = _CLASS.fullmatch(_letters(folder))
    return LABEL_WORDS[match[1]] if match else None


def _letters(folder: str) -> str:
    """Return a name in lower case without separators."""
    return re.sub(r"[\W_]", "", folder.lower())


def _digit_folders(folders: Iterable[str]) -> dict[str, int]:
    parts = {folder: folder.split("/") for folder in folders}
    for depth in range(max(map(len, parts.values()), default=0)):
        here = {part[depth] for part in parts.values() if len(part) > depth}
        if here <= LABEL_DIGITS.keys():
            return {folder: LABEL_DIGITS[part[depth]] for folder, part in parts.items() if len(part) > depth}
        if len(here) > 1 and not {name.lower() for name in here} <= _SPLITS:
            break
    return {}


def warn_of_unused_labels(top: str, eyes: EyeSet, label_file: str, *, has_label_file: bool) -> None:
    """Warn if images have no label and something that looks like labels is not used; for `read_eyes`."""
    warned = []
    unlabelled = [name for name, label in zip(eyes.names, eyes.labels, strict=True) if label == UNLABELLED]
    if has_label_file:
        warned.append(_overridden(eyes, unlabelled, label_file))
    elif os.path.isdir(top):
        if len(unlabelled) == len(eyes):
            warned += [_top_folder(eyes.source), _file_names(unlabelled)]
        warned += [_unclear_folders(unlabelled), _other_tables(top, label_file)]
    for text in filter(None, warned):
        warnings.warn(f"{quoted(eyes.source)}: {text}", UserWarning, stacklevel=3)


def _overridden(eyes: EyeSet, unlabelled: list[str], label_file: str) -> str | None:
    classes = class_folders(eyes.names)
    n_in_classes = sum(posixpath.dirname(name) in classes for name in unlabelled)
    if not n_in_classes:
        return None
    return (
        f"{label_file} overrides the folders {_some(classes)}: {n_in_classes} images in them have no label; "
        f"add them to {label_file}, or remove it"
    )


def _unclear_folders(unlabelled: list[str]) -> str | None:
    folders = {folder: _is_unclear(folder) for folder in {posixpath.dirname(name) for name in unlabelled}}
    unclear = [folder for folder, is_unclear in folders.items() if is_unclear]
    if not unclear:
        return None
    n_images = sum(folders[posixpath.dirname(name)] for name in unlabelled)
    return (
        f"folders that look like labels were not used, and their {n_images} images have no label: {_some(unclear)}; "
        f"recognized are {RECOGNIZED}; rename the folders, or write an assets.csv (file,label)"
    )


def _some(folders: Iterable[str]) -> str:
    names = sorted(folders)
    more = f" and {len(names) - _MAX_NAMED} more" if len(names) > _MAX_NAMED else ""
    return ", ".join(map(quoted, names[:_MAX_NAMED])) + more


def _is_unclear(folder: str) -> bool:
    parts = folder.split("/")
    if any(_UNCLEAR.fullmatch(_letters(part)) for part in parts):
        return True
    words = [word.lower() for part in parts for word in _WORDS.findall(_OTHER_WORDS.sub("", part))]
    return any(
        word.startswith(("open", "clos", "shut")) or get_close_matches(word, LABEL_WORDS, 1, 0.8) for word in words
    )


def _top_folder(name: str) -> str | None:
    if _state(name) is None:
        return None
    return f"the folder's own name, {quoted(name)}, is no label; give the folder that holds it, or write an assets.csv"


def _file_names(unlabelled: list[str]) -> str | None:
    states: dict[bool, str] = {}
    for name in unlabelled:
        if match := _IN_FILE_NAMES.search(name, name.rfind("/") + 1):
            states.setdefault(match[1] is not None, name)
    if len(states) < 2:
        return None
    return (
        f"names of images look like labels and were not used, for example {quoted(states[True])} and "
        f"{quoted(states[False])}; put the images into folders open and closed, or write an assets.csv (file,label)"
    )


def _other_tables(top: str, label_file: str) -> str | None:
    with os.scandir(top) as entries:
        names = sorted(each.name for each in entries if each.name.lower().endswith(_TABLE_ENDINGS) and each.is_file())
    for name in names[:_MAX_TABLES]:
        columns = set(read_columns(os.path.join(top, name)))
        files, labels = columns & _FILE_COLUMNS, columns & _LABEL_COLUMNS
        # Predictions and votes of raters beside the images are no labels.
        if not files or not labels or {"score", "error"} <= columns:
            continue
        rename = "" if {"file", "label"} <= columns else ", after renaming its columns to file and label"
        path = shlex.quote(os.path.join(as_text(top), as_text(name)))
        return (
            f"{quoted(as_text(name))} looks like a label file and was not used; name it with --labels {path} (Python: "
            f"labels=...), or rename it to {label_file}{rename}"
        )
    return None
