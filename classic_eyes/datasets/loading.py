"""Reading the images of a data set; what cannot be read is listed with its reason."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from ..images import read_images
from .eyeset import UNLABELLED, EyeSet

__all__ = ["LoadedSet", "load_images", "load_labelled"]


@dataclass(frozen=True, eq=False)
class LoadedSet:
    """The part of a data set that could be read, and why the rest could not.

    Parameters
    ----------
    eyes : EyeSet
        What could be read.
    images : uint8 array of shape (n, size, size)
        Its images.
    failed : tuple of (name, reason)
        What could not.
    """

    eyes: EyeSet
    images: NDArray[np.uint8]
    failed: tuple[tuple[str, str], ...]


def load_labelled(eyes: EyeSet, *, size: int = 24) -> LoadedSet:
    """Read the images of a labelled data set.

    Parameters
    ----------
    eyes : EyeSet
        Labelled throughout.
    size : int, default 24
        Side to which images are reduced, in pixels.

    Returns
    -------
    LoadedSet
        What could be read, and the reasons for the rest.

    Raises
    ------
    DataError
        Where a label is missing, or no image could be read.
    """
    missing = [name for name, label in zip(eyes.names, eyes.labels, strict=True) if label == UNLABELLED]
    if missing:
        raise DataError(
            f"{len(missing)} of {len(eyes)} images have no label, for example {missing[0]!r}; judging needs labels: "
            "give them in assets.csv (file,label), or leave these images out"
        )
    return load_images(eyes, size=size)


def load_images(eyes: EyeSet, *, size: int = 24) -> LoadedSet:
    """Read the images of a data set, labelled or not.

    Parameters
    ----------
    eyes : EyeSet
        Images.
    size : int, default 24
        Side to which images are reduced, in pixels.

    Returns
    -------
    LoadedSet
        What could be read, and the reasons for the rest.

    Raises
    ------
    DataError
        Where no image could be read.
    """
    images, errors = read_images(eyes.paths, size=size)
    failed = tuple((name, error) for name, error in zip(eyes.names, errors, strict=True) if error is not None)
    good = np.flatnonzero([error is None for error in errors])
    if len(good) == 0:
        raise DataError(f"none of {len(eyes)} images could be read, for example {failed[0][0]!r}: {failed[0][1]}")
    return LoadedSet(eyes.take(good), images[good], failed)
