"""Data sets of synthetic eyes, and a sheet to look at them."""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from ..errors import ParameterError
from .parameters import EyeParameters, draw_opening, harder, random_parameters
from .rendering import check_size, render

__all__ = ["SyntheticEyes", "contact_sheet", "make_eyes"]

_BLOCK = 20  # labels are shuffled within blocks of this many images


@dataclass(frozen=True, eq=False)
class SyntheticEyes:
    """A data set of synthetic eyes with their labels, landmarks and parameters.

    Parameters
    ----------
    images : ndarray of shape (n, size, size), uint8
        Grey images, 0 to 255, ``(row, col)``.
    labels : ndarray of shape (n,), int8
        1 open, 0 closed.
    landmarks : ndarray of shape (n, 6, 2), float32
        Points ``x, y`` in pixels, in the order of the eye aspect ratio, see `render`.
    parameters : tuple of EyeParameters
        The parameters of each image, n of them.
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int8]
    landmarks: npt.NDArray[np.float32]
    parameters: tuple[EyeParameters, ...]

    def __len__(self) -> int:
        return len(self.labels)


def make_eyes(
    n: int, *, size: int = 24, open_share: float = 0.5, hard_share: float = 0.0, random_state: int = 0
) -> SyntheticEyes:
    """Render a data set of open and closed eyes.

    1. Spread the open eyes evenly: every 20 consecutive images hold their share of them, in random order.
    2. Give every image a seed of its own, made from `random_state` and its number, so that image i does not depend
       on `n`.
    3. Draw the opening (closed 0 to 0.05, open 0.25 to 1) and the other parameters.
    4. Make `hard_share` of the eyes harder to classify, see `classic_eyes.synthetic.harder`. The other eyes do not
       depend on `hard_share`.
    5. Render. The last data set is kept in memory, so that a repeated call only copies it.

    Parameters
    ----------
    n : int
        Number of images, at least 1.
    size : int, default=24
        Side of the images in pixels, 8 to 512.
    open_share : float, default=0.5
        Proportion of open eyes, 0 to 1.
    hard_share : float, default=0.0
        Expected proportion of eyes that are harder to classify, 0 to 1.
    random_state : int, default=0
        Seed, at least 0. The same seed gives the same bytes.

    Returns
    -------
    SyntheticEyes
        Images, labels, landmarks and parameters.

    Raises
    ------
    ParameterError
        If `n`, `size`, `open_share`, `hard_share` or `random_state` is not as described.

    Examples
    --------
    >>> from classic_eyes.synthetic import make_eyes
    >>> eyes = make_eyes(20, random_state=1)
    >>> eyes.images.shape, int(eyes.labels.sum())
    ((20, 24, 24), 10)
    """
    eyes = _make_eyes(
        _check_whole("n", n, 1, "1 makes one image"),
        check_size(size),
        _check_share("open_share", open_share, "0.5 makes as many open as closed eyes"),
        _check_share("hard_share", hard_share, "0 makes none of them harder to classify"),
        _check_whole("random_state", random_state, 0, "pass a seed, not a generator: each image needs its own"),
    )
    return SyntheticEyes(eyes.images.copy(), eyes.labels.copy(), eyes.landmarks.copy(), eyes.parameters)


# Cross-validation trains on the same synthetic eyes in every fold; rendering takes about a millisecond per eye.
@lru_cache(maxsize=1)
def _make_eyes(n: int, size: int, open_share: float, hard_share: float, seed: int) -> SyntheticEyes:
    # Once a large block has been freed, glibc keeps freed memory, and the planes of each eye cause no page faults.
    np.empty(1 << 22, np.uint8)
    labels = _labels(n, open_share, seed)
    images = np.empty((n, size, size), np.uint8)
    landmarks = np.empty((n, 6, 2), np.float32)
    parameters = []
    for i in range(n):
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0, i)))
        drawn = random_parameters(draw_opening(rng, bool(labels[i])), random_state=rng)
        if hard_share > 0.0:
            # A stream of its own, so that the other eyes do not depend on the share.
            hard_rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(2, i)))
            if hard_rng.random() < hard_share:
                drawn = harder(drawn, random_state=hard_rng)
        parameters.append(drawn)
        images[i], landmarks[i] = render(drawn, size=size, random_state=rng)
    return SyntheticEyes(images, labels, landmarks, tuple(parameters))


def _labels(n: int, share: float, seed: int) -> npt.NDArray[np.int8]:
    """Spread the open eyes evenly, then shuffle within blocks, so that no stride meets one class only."""
    blocks = math.ceil(n / _BLOCK)
    # The small number keeps 10 * 0.3 from falling to 2.
    steps = np.floor(np.arange(blocks * _BLOCK + 1) * share + 1e-9)
    labels = np.diff(steps).astype(np.int8).reshape(blocks, _BLOCK)
    for i in range(blocks):
        np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1, i))).shuffle(labels[i])
    return labels.reshape(-1)[:n]


def contact_sheet(
    images: npt.NDArray[np.uint8], *, columns: int = 10, zoom: int = 4, gap: int = 2
) -> npt.NDArray[np.uint8]:
    """Arrange images in a grid, row by row.

    Parameters
    ----------
    images : ndarray of shape (n, h, w), uint8
        Grey images, at least one.
    columns : int, default=10
        Images in a row, at least 1; fewer images make a narrower sheet.
    zoom : int, default=4
        Factor by which every image is enlarged, at least 1.
    gap : int, default=2
        Pixels of mid-grey (128) around and between them, at least 0.

    Returns
    -------
    ndarray of shape (gap + rows * (h * zoom + gap), gap + columns * (w * zoom + gap)), uint8
        The sheet; places left over are mid-grey.

    Raises
    ------
    ParameterError
        If `images` is not such an array, or a number is too small.

    Examples
    --------
    >>> from classic_eyes.synthetic import contact_sheet, make_eyes
    >>> contact_sheet(make_eyes(5).images, columns=3, zoom=1, gap=2).shape
    (54, 80)
    """
    images = _check_images(images)
    columns = _check_whole("columns", columns, 1, "10 fits a page")
    zoom = _check_whole("zoom", zoom, 1, "1 leaves the images as they are")
    gap = _check_whole("gap", gap, 0, "0 puts them edge to edge")
    n, height, width = images.shape
    columns = min(columns, n)
    high, wide = height * zoom + gap, width * zoom + gap
    sheet = np.full((gap + math.ceil(n / columns) * high, gap + columns * wide), 128, np.uint8)
    for i, image in enumerate(images):
        top, left = gap + i // columns * high, gap + i % columns * wide
        large = cv2.resize(image, (width * zoom, height * zoom), interpolation=cv2.INTER_NEAREST)
        sheet[top : top + height * zoom, left : left + width * zoom] = large
    return sheet


def _check_whole(name: str, value: object, low: int, remedy: str) -> int:
    """Return `value` as an int; raise ParameterError unless it is a whole number of at least `low`."""
    if isinstance(value, numbers.Integral) and not isinstance(value, bool) and int(value) >= low:
        return int(value)
    raise ParameterError(f"{name} is {value!r}; allowed is a whole number of at least {low}; {remedy}")


def _check_share(name: str, value: object, remedy: str) -> float:
    """Return a proportion as a float; raise ParameterError unless it is a number from 0 to 1."""
    if isinstance(value, numbers.Real) and not isinstance(value, bool) and 0.0 <= float(value) <= 1.0:
        return float(value)
    raise ParameterError(f"{name} is {value!r}; allowed is a number from 0 to 1; {remedy}")


def _check_images(images: object) -> npt.NDArray[np.uint8]:
    """Return `images`; raise ParameterError unless they are an array of grey uint8 images."""
    if isinstance(images, np.ndarray) and images.ndim == 3 and images.dtype == np.uint8 and images.size > 0:
        return images
    shape, dtype = getattr(images, "shape", None), getattr(images, "dtype", type(images).__name__)
    raise ParameterError(
        f"images has shape {shape} and type {dtype}; allowed is a uint8 array (n, h, w) that is not empty; "
        "stack grey images of one size with numpy.stack"
    )
