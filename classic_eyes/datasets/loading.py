"""Loading of the images of a data set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from ..images import check_bits
from ..images.arrays import MAX_PIXELS, check_size
from ..images.files import read_batch
from .eyeset import UNLABELLED, EyeSet
from .identical import join_identical

__all__ = ["LoadedSet", "load_images", "load_labelled"]


@dataclass(frozen=True, eq=False)
class LoadedSet:
    """The images of a data set that could be read, and the errors of the others.

    Parameters
    ----------
    eyes : EyeSet
        The images that could be read.
    images : ndarray of shape (n, size, size), uint8
        Their grey levels.
    failed : tuple of (str, str)
        Name and error of each image that could not be read.
    peaks : tuple of (int or None)
        The largest value of each image of 16 bits that could be read; None for others.
    """

    eyes: EyeSet
    images: NDArray[np.uint8]
    failed: tuple[tuple[str, str], ...]
    peaks: tuple[int | None, ...] = ()


def load_images(eyes: EyeSet, *, size: int = 24, bits: int | None = None) -> LoadedSet:
    """Read the images of a data set, labelled or not.

    Groups that have identical images are joined, so that no split has an image on both sides.

    Parameters
    ----------
    eyes : EyeSet
        The data set.
    size : int, default=24
        Height and width of the images in pixels, at least 8.
    bits : int, optional
        How many bits of 16-bit images are used, 8 to 16.

    Returns
    -------
    LoadedSet
        The images, and the errors of those that cannot be read.

    Raises
    ------
    DataError
        If no image can be read.
    """
    images, errors, peaks = read_batch(eyes.paths, check_size(size), MAX_PIXELS, check_bits(bits))
    failed = tuple((name, error) for name, error in zip(eyes.names, errors, strict=True) if error is not None)
    good = np.flatnonzero([error is None for error in errors])
    if len(good) == 0:
        raise DataError(f"none of {len(eyes)} images could be read, for example {failed[0][0]!r}: {failed[0][1]}")
    loaded = images[good]
    return LoadedSet(join_identical(eyes.take(good), loaded), loaded, failed, tuple(peaks[row] for row in good))


def load_labelled(eyes: EyeSet, *, size: int = 24, bits: int | None = None) -> LoadedSet:
    """Read the images of a data set in which every image has a label.

    Parameters
    ----------
    eyes : EyeSet
        The data set.
    size : int, default=24
        Height and width of the images in pixels, at least 8.
    bits : int, optional
        How many bits of 16-bit images are used, 8 to 16.

    Returns
    -------
    LoadedSet
        The images, and the errors of those that cannot be read.

    Raises
    ------
    DataError
        If a label is missing, or no image can be read.
    """
    missing = [name for name, label in zip(eyes.names, eyes.labels, strict=True) if label == UNLABELLED]
    if missing:
        raise DataError(
            f"{len(missing)} of {len(eyes)} images have no label, for example {missing[0]!r}; evaluation needs labels: "
            "give them in assets.csv (file,label), or remove these images"
        )
    return load_images(eyes, size=size, bits=bits)
