"""Readers of folders: with a label file, MRL names, one folder per class, or no labels."""

from __future__ import annotations

import os
import posixpath
import re

import numpy as np

from ..errors import DataError
from ..images.finding import Path, first_few, last_name, quoted
from .class_folders import RECOGNIZED, class_folders, warn_of_unused_labels
from .eyeset import UNLABELLED, EyeSet
from .label_files import read_assets_csv
from .names import as_text, list_named

__all__ = ["mrl_fields", "read_class_folders", "read_eyes", "read_folder", "read_mrl"]

LABEL_FILE = "assets.csv"

_MRL_FIELDS = ("subject", "image", "gender", "glasses", "state", "reflections", "lighting", "sensor")
_MRL_NAME = re.compile(r"(s\d+)_(\d+)_([01])_([01])_([01])_([012])_([01])_(\d+)", re.ASCII)


def read_eyes(path: Path, *, labels: Path | None = None, accept_predictions: bool = False) -> EyeSet:
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
    accept_predictions : bool, default=False
        Whether to read predictions, a CSV that ``predict`` wrote, as labels.

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
        If something that looks like labels is not used: folders or names of unlabelled images with words that are not
        recognized, class folders that an ``assets.csv`` overrides, or a label file of another name in the folder.
    """
    top = os.fspath(path)
    assets = os.path.join(top, LABEL_FILE)
    if labels is not None:
        return read_assets_csv(top, labels, accept_predictions=accept_predictions)
    if os.path.isfile(assets):
        eyes = read_assets_csv(top, assets, accept_predictions=accept_predictions)
    else:
        eyes = _read_without_label_file(top)
    warn_of_unused_labels(top, eyes, LABEL_FILE, has_label_file=os.path.isfile(assets))
    return eyes


def _read_without_label_file(top: str) -> EyeSet:
    found = list_named(top)
    n_mrl = sum(mrl_fields(name) is not None for _, name in found)
    if n_mrl == len(found):
        return _mrl_set(top, found)
    classes = _classes(top, found)
    if classes:
        return _class_folder_set(top, found, classes)
    return _mrl_set(top, found) if n_mrl else _unlabelled_set(top, found)


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
    return _unlabelled_set(os.fspath(folder), list_named(folder))


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
    return _mrl_set(os.fspath(folder), list_named(folder))


def read_class_folders(folder: Path) -> EyeSet:
    """Read a folder with one subfolder per class.

    1. A folder is a class if its name is ``open``, ``opened``, ``closed``, ``close`` or ``shut``, alone or with
       ``eye``, ``eyes``, ``left`` or ``right``, in any case and with any separators: ``Open_Eyes``, ``closedLeftEyes``.
       It may be at any depth; the deepest one decides. One class is enough. Images elsewhere are unlabelled.
    2. If there is none, folders named ``1`` and ``0`` are classes, but only if no folder beside them has images, as the
       numbers may be those of people. They may be in one common folder, or in ``train``, ``test`` and the like.

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
    found = list_named(top)
    classes = _classes(top, found)
    if not classes:
        raise DataError(f"{top!r}: no class folders that hold images; recognized are {RECOGNIZED}")
    return _class_folder_set(top, found, classes)


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


def _classes(top: str, found: list[tuple[str, str]]) -> dict[str, int]:
    """Return the labels of folders; the name of a single image is its whole path, which says nothing."""
    return class_folders(name for _, name in found) if os.path.isdir(top) else {}


def _class_folder_set(top: str, found: list[tuple[str, str]], classes: dict[str, int]) -> EyeSet:
    labels = [classes.get(posixpath.dirname(name), UNLABELLED) for _, name in found]
    return _set_of(top, found, labels, [name for _, name in found])


def _set_of(top: str, found: list[tuple[str, str]], labels: list[int], groups: list[str]) -> EyeSet:
    paths, names = zip(*found, strict=True)
    return EyeSet(paths, np.array(labels), np.array(groups), names, last_name(as_text(top)))
