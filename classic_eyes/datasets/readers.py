"""Readers of folders: with a label file, with MRL names, with one folder a class, or with nothing known."""

from __future__ import annotations

import os
import posixpath
import re
import warnings

import numpy as np

from ..errors import DataError
from .eyeset import UNLABELLED, EyeSet
from .finding import Path, find_images, first_few, last_name, shown
from .labels import load_labelled_csv

__all__ = ["mrl_fields", "read_class_folders", "read_eyes", "read_folder", "read_mrl"]

LABEL_FILE = "assets.csv"

_WORD_CLASSES = {"open": 1, "closed": 0}
_DIGIT_CLASSES = {"1": 1, "0": 0}
_MRL_FIELDS = ("subject", "image", "gender", "glasses", "state", "reflections", "lighting", "sensor")
_MRL_NAME = re.compile(r"(s\d+)_(\d+)_([01])_([01])_([01])_([012])_([01])_(\d+)", re.ASCII)


def read_eyes(path: Path, *, labels: Path | None = None) -> EyeSet:
    """Read a data set of any of the known kinds.

    The first that fits decides:

    1. `labels` is given, or there is an ``assets.csv`` in the folder: :func:`load_labelled_csv`;
    2. every image has an MRL name: :func:`read_mrl`;
    3. there is a folder for a class: :func:`read_class_folders`;
    4. some images have MRL names: :func:`read_mrl`, which lists those that have not;
    5. else all images are unlabelled: :func:`read_folder`.

    Where the folder's own label file decides and leaves images in class folders without a label, a warning says so.

    Parameters
    ----------
    path : str or os.PathLike
        A folder, or a single image.
    labels : str or os.PathLike, optional
        A CSV to read in place of ``assets.csv``; its names are relative to `path`.

    Returns
    -------
    EyeSet
        The images sorted by name.

    Raises
    ------
    DataError
        As the four readers and :func:`find_images`; or if `labels` is given and `path` is no folder.
    """
    top = os.fspath(path)
    beside = os.path.join(top, LABEL_FILE)
    if labels is not None or os.path.isfile(beside):
        known = load_labelled_csv(top, beside if labels is None else labels)
        if labels is None:
            _warn_of_classes(known)
        return known
    found = find_images(top)
    n_mrl = sum(mrl_fields(name) is not None for _, name in found)
    if n_mrl == len(found):
        return _mrl_set(top, found)
    if _class_folders(found):
        return _class_folder_set(top, found)
    return _mrl_set(top, found) if n_mrl else _unlabelled_set(top, found)


def _warn_of_classes(eyes: EyeSet) -> None:
    """Say so if images lie in class folders and have no label: a label file takes the folders' place."""
    classes = _class_folders(list(zip(eyes.paths, eyes.names, strict=True)))
    lost = sum(
        label == UNLABELLED and name.split("/", 1)[0] in classes
        for name, label in zip(eyes.names, eyes.labels, strict=True)
        if "/" in name
    )
    if lost:
        warnings.warn(
            f"{LABEL_FILE} says what is labelled, and the folders {', '.join(sorted(classes))} do not: {lost} images "
            f"in them have no label; name them in {LABEL_FILE}, or take it away",
            UserWarning,
            stacklevel=3,
        )


def read_folder(folder: Path) -> EyeSet:
    """Read a folder of images about which nothing is known.

    Parameters
    ----------
    folder : str or os.PathLike
        A folder, searched as by :func:`find_images`.

    Returns
    -------
    EyeSet
        All labels are -1; each image is its own group.
    """
    return _unlabelled_set(os.fspath(folder), find_images(folder))


def read_mrl(folder: Path) -> EyeSet:
    """Read a tree of the MRL Eye Dataset: label and person are in the file names.

    Parameters
    ----------
    folder : str or os.PathLike
        A folder, searched as by :func:`find_images`; how it is divided into folders does not matter.

    Returns
    -------
    EyeSet
        The label is the fifth field of the name, the group is the subject.

    Raises
    ------
    DataError
        If the name of any image does not fit (see :func:`mrl_fields`); up to ten are listed.
    """
    return _mrl_set(os.fspath(folder), find_images(folder))


def read_class_folders(folder: Path) -> EyeSet:
    """Read a folder with one folder a class directly in it.

    Folders named ``open`` and ``closed``, in any case, are classes; one of them is enough. Images beside them and
    in other folders are unlabelled. Folders named ``1`` and ``0`` are classes only if no other folder has images
    in it, for a folder of people may well be numbered.

    Parameters
    ----------
    folder : str or os.PathLike
        A folder, searched as by :func:`find_images`.

    Returns
    -------
    EyeSet
        Each image is its own group.

    Raises
    ------
    DataError
        If there is no folder for a class.
    """
    top = os.fspath(folder)
    found = find_images(top)
    if not _class_folders(found):
        raise DataError(
            f"{top!r}: no class folders; directly in it open and closed, or 1 and 0 alone, must hold images"
        )
    return _class_folder_set(top, found)


def mrl_fields(name: str) -> dict[str, str | int] | None:
    """Read the fields of an MRL file name.

    Parameters
    ----------
    name : str
        ``subject_image_gender_glasses_state_reflections_lighting_sensor.png``; folders before it and the ending do not
        matter. Gender, glasses, state and lighting are 0 or 1, reflections 0, 1 or 2.

    Returns
    -------
    dict or None
        The eight fields by name, the subject as str, the others as int; None if the name does not fit.

    Examples
    --------
    >>> from classic_eyes.datasets import mrl_fields
    >>> fields = mrl_fields("s0002/s0002_00001_0_0_1_0_0_01.png")
    >>> fields["subject"], fields["state"]
    ('s0002', 1)
    >>> mrl_fields("000000.jpg") is None
    True
    """
    match = _MRL_NAME.fullmatch(posixpath.splitext(posixpath.basename(name))[0])
    if match is None:
        return None
    subject, *numbers = match.groups()
    return {"subject": subject, **dict(zip(_MRL_FIELDS[1:], map(int, numbers), strict=True))}


def _unlabelled_set(top: str, found: list[tuple[str, str]]) -> EyeSet:
    return _set_of(top, found, [UNLABELLED] * len(found), [name for _, name in found])


def _mrl_set(top: str, found: list[tuple[str, str]]) -> EyeSet:
    fields = [mrl_fields(name) for _, name in found]
    strange = [shown(name) for (_, name), each in zip(found, fields, strict=True) if each is None]
    if strange:
        raise DataError(
            f"{top!r}: {len(strange)} of {len(found)} images have no MRL name "
            f"({'_'.join(_MRL_FIELDS)}.png): {first_few(strange)}; move them elsewhere or write an {LABEL_FILE}"
        )
    known = [each for each in fields if each]
    return _set_of(top, found, [int(each["state"]) for each in known], [str(each["subject"]) for each in known])


def _class_folders(found: list[tuple[str, str]]) -> dict[str, int]:
    """Map the folders that are classes to their labels; empty if there are none."""
    folders = {name.split("/", 1)[0] for _, name in found if "/" in name and not os.path.isabs(name)}
    words = {folder: _WORD_CLASSES[folder.lower()] for folder in folders if folder.lower() in _WORD_CLASSES}
    if words:
        return words
    return {folder: _DIGIT_CLASSES[folder] for folder in folders} if folders <= _DIGIT_CLASSES.keys() else {}


def _class_folder_set(top: str, found: list[tuple[str, str]]) -> EyeSet:
    classes = _class_folders(found)
    tops = [name.split("/", 1)[0] if "/" in name else "" for _, name in found]
    return _set_of(top, found, [classes.get(each, UNLABELLED) for each in tops], [name for _, name in found])


def _set_of(top: str, found: list[tuple[str, str]], labels: list[int], groups: list[str]) -> EyeSet:
    paths, names = zip(*found, strict=True)
    return EyeSet(paths, np.array(labels), np.array(groups), names, last_name(top))
