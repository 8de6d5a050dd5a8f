"""Readers of folders: with a label file, MRL names, one folder per class, or no labels."""

from __future__ import annotations

import os
import posixpath
import re
import warnings

import numpy as np

from ..errors import DataError
from ..images.finding import Path, find_images, first_few, last_name, quoted
from .csvfile import LABEL_DIGITS, LABEL_WORDS
from .eyeset import UNLABELLED, EyeSet
from .label_files import read_assets_csv

__all__ = ["mrl_fields", "read_class_folders", "read_eyes", "read_folder", "read_mrl"]

LABEL_FILE = "assets.csv"

_MRL_FIELDS = ("subject", "image", "gender", "glasses", "state", "reflections", "lighting", "sensor")
_MRL_NAME = re.compile(r"(s\d+)_(\d+)_([01])_([01])_([01])_([012])_([01])_(\d+)", re.ASCII)


def read_eyes(path: Path, *, labels: Path | None = None) -> EyeSet:
    """Read a data set of any known kind.

    The first condition that holds selects the reader:

    1. `labels` is given, or the folder has an ``assets.csv``: :func:`read_assets_csv`;
    2. every image has an MRL name: :func:`read_mrl`;
    3. there is a class folder: :func:`read_class_folders`;
    4. some images have MRL names: :func:`read_mrl`, which lists the others in its error;
    5. otherwise: :func:`read_folder`, all images are unlabelled.

    Parameters
    ----------
    path : str or os.PathLike
        A folder, or a single image.
    labels : str or os.PathLike, optional
        A label file to read instead of ``assets.csv``; its names are relative to `path`.

    Returns
    -------
    EyeSet
        The images sorted by name.

    Raises
    ------
    DataError
        As the four readers and :func:`find_images`; or if `labels` is given and `path` is not a folder.

    Warns
    -----
    UserWarning
        If the folder has an ``assets.csv`` that gives no label to images in class folders.
    """
    top = os.fspath(path)
    if labels is not None:
        return read_assets_csv(top, labels)
    assets = os.path.join(top, LABEL_FILE)
    if os.path.isfile(assets):
        eyes = read_assets_csv(top, assets)
        _warn_of_class_folders(eyes)
        return eyes
    found = find_images(top)
    n_mrl = sum(mrl_fields(name) is not None for _, name in found)
    if n_mrl == len(found):
        return _mrl_set(top, found)
    if _class_folders(found):
        return _class_folder_set(top, found)
    return _mrl_set(top, found) if n_mrl else _unlabelled_set(top, found)


def _warn_of_class_folders(eyes: EyeSet) -> None:
    """Warn if images in class folders have no label, as the label file overrides the folders."""
    classes = _class_folders(list(zip(eyes.paths, eyes.names, strict=True)))
    n_unlabelled = sum(
        label == UNLABELLED and name.split("/", 1)[0] in classes
        for name, label in zip(eyes.names, eyes.labels, strict=True)
        if "/" in name
    )
    if n_unlabelled:
        warnings.warn(
            f"{LABEL_FILE} overrides the folders {', '.join(sorted(classes))}: {n_unlabelled} images in them have no "
            f"label; add them to {LABEL_FILE}, or remove it",
            UserWarning,
            stacklevel=3,
        )


def read_folder(folder: Path) -> EyeSet:
    """Read a folder of unlabelled images.

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
    """Read the MRL Eye Dataset, or a part of it; label and person are in the file names.

    Parameters
    ----------
    folder : str or os.PathLike
        A folder, searched as by :func:`find_images`; subfolders do not matter.

    Returns
    -------
    EyeSet
        The label is the fifth field of the name, the group is the subject.

    Raises
    ------
    DataError
        If an image has another name (see :func:`mrl_fields`); up to ten are listed.
    """
    return _mrl_set(os.fspath(folder), find_images(folder))


def read_class_folders(folder: Path) -> EyeSet:
    """Read a folder with one subfolder per class.

    Folders named ``open`` and ``closed``, in any case, are classes; one of them is enough. Images elsewhere are
    unlabelled. Folders named ``1`` and ``0`` are classes only if no other subfolder has images, as the numbers may
    be those of people.

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
        If there is no class folder.
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
        ``subject_image_gender_glasses_state_reflections_lighting_sensor.png``; folders and ending do not matter.
        Gender, glasses, state and lighting are 0 or 1, reflections 0, 1 or 2.

    Returns
    -------
    dict or None
        The eight fields by name, the subject as str, the others as int; None for another name.

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
    others = [quoted(name) for (_, name), each in zip(found, fields, strict=True) if each is None]
    if others:
        raise DataError(
            f"{top!r}: {len(others)} of {len(found)} images have no MRL name "
            f"({'_'.join(_MRL_FIELDS)}.png): {first_few(others)}; move them elsewhere or write an {LABEL_FILE}"
        )
    labels = [int(each["state"]) for each in fields if each]
    return _set_of(top, found, labels, [str(each["subject"]) for each in fields if each])


def _class_folders(found: list[tuple[str, str]]) -> dict[str, int]:
    """Return the labels of the class folders by name; empty if there are none."""
    folders = {name.split("/", 1)[0] for _, name in found if "/" in name and not os.path.isabs(name)}
    words = {folder: LABEL_WORDS[folder.lower()] for folder in folders if folder.lower() in LABEL_WORDS}
    if words:
        return words
    return {folder: LABEL_DIGITS[folder] for folder in folders} if folders <= LABEL_DIGITS.keys() else {}


def _class_folder_set(top: str, found: list[tuple[str, str]]) -> EyeSet:
    classes = _class_folders(found)
    tops = [name.split("/", 1)[0] if "/" in name else "" for _, name in found]
    return _set_of(top, found, [classes.get(each, UNLABELLED) for each in tops], [name for _, name in found])


def _set_of(top: str, found: list[tuple[str, str]], labels: list[int], groups: list[str]) -> EyeSet:
    paths, names = zip(*found, strict=True)
    return EyeSet(paths, np.array(labels), np.array(groups), names, last_name(top))
