"""Augmentation: seeded random variants of eye images that keep the label."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import ParameterError
from ..images import SIZE, check_batch

__all__ = ["AUGMENTATIONS", "augment", "check_augmentations", "flip"]

Image = NDArray[np.uint8]

TURN_DEGREES = 12.0
# Zoom, shift right and shift down of even and of odd copies: every other one is framed as hardly any camera would.
# Patches of other data sets may contain the brow, so the eye moves further down than up.
FRAMINGS = (
    ((0.75, 1.3), (-2.5 / 24, 2.5 / 24), (-3.0 / 24, 4.5 / 24)),
    ((0.6, 1.6), (-3.5 / 24, 3.5 / 24), (-4.0 / 24, 5.5 / 24)),
)
CLAHE_PROBABILITY = 0.2
BLUR_PROBABILITY = 0.2
BLUR_SIGMA = (0.4, 1.0)
NOISE_SIGMA = (1.0, 8.0)
RESAMPLE_PROBABILITY = 0.5


def flip(images: Image) -> Image:
    """Flip every image horizontally.

    Parameters
    ----------
    images : uint8 array of shape (n, h, w)
        Grey images.

    Returns
    -------
    uint8 array of shape (n, h, w)
        A contiguous copy.

    Raises
    ------
    ImageError
        If `images` is not a non-empty uint8 array of shape (n, h, w).

    Examples
    --------
    >>> import numpy as np
    >>> from classic_eyes.preprocessing import flip
    >>> flip(np.array([[[1, 2], [3, 4]]], dtype=np.uint8)).tolist()
    [[[2, 1], [4, 3]]]
    """
    return np.ascontiguousarray(check_batch(images)[:, :, ::-1])


def _flip(image: Image, rng: np.random.Generator, copy: int) -> Image:
    del copy
    return np.ascontiguousarray(image[:, ::-1]) if rng.random() < 0.5 else image


def _shift_scale_rotate(image: Image, rng: np.random.Generator, copy: int) -> Image:
    height, width = image.shape
    zooms, right, down = FRAMINGS[copy % len(FRAMINGS)]
    zoom = float(np.exp(rng.uniform(*np.log(zooms))))
    turn = rng.uniform(-TURN_DEGREES, TURN_DEGREES)
    shift = rng.uniform(*right) * width, rng.uniform(*down) * height
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), turn, zoom)
    matrix[:, 2] += shift
    return cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[return-value]


@lru_cache(maxsize=1)
def _equalizer() -> cv2.CLAHE:
    return cv2.createCLAHE(clipLimit=2.0, tileGridSize=(3, 3))


def _clahe(image: Image, rng: np.random.Generator, copy: int) -> Image:
    del copy
    return _equalizer().apply(image) if rng.random() < CLAHE_PROBABILITY else image  # type: ignore[return-value]


def _blur(image: Image, rng: np.random.Generator, copy: int) -> Image:
    del copy
    if rng.random() >= BLUR_PROBABILITY:
        return image
    sigma = rng.uniform(*BLUR_SIGMA) * max(1.0, len(image) / SIZE)
    return cv2.GaussianBlur(image, (0, 0), sigma)  # type: ignore[return-value]


def _noise(image: Image, rng: np.random.Generator, copy: int) -> Image:
    del copy
    noise = rng.normal(0.0, rng.uniform(*NOISE_SIGMA), image.shape)
    return np.clip(np.rint(image + noise), 0, 255).astype(np.uint8)


def _resample(image: Image, rng: np.random.Generator, copy: int) -> Image:
    del copy
    height, width = image.shape
    if min(height, width) <= SIZE or rng.random() >= RESAMPLE_PROBABILITY:
        return image
    reduced = cv2.resize(image, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    return cv2.resize(reduced, (width, height), interpolation=cv2.INTER_LINEAR)  # type: ignore[return-value]


AUGMENTATIONS: dict[str, Callable[[Image, np.random.Generator, int], Image]] = {
    "flip": _flip,
    "shift_scale_rotate": _shift_scale_rotate,
    "clahe": _clahe,
    "blur": _blur,
    "noise": _noise,
    "resample": _resample,
}


def check_augmentations(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names as a tuple; raise ParameterError for a name that is not in `AUGMENTATIONS`."""
    if isinstance(names, str):
        raise ParameterError(f"augmentations is {names!r}; allowed is a sequence of names, for example ({names!r},)")
    for name in names:
        if name not in AUGMENTATIONS:
            near = difflib.get_close_matches(str(name), AUGMENTATIONS, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            known = ", ".join(map(repr, AUGMENTATIONS))
            raise ParameterError(f"augmentations holds {name!r}; allowed are {known}{hint}")
    return tuple(names)


def augment(
    images: Image,
    *,
    n_copies: int = 2,
    augmentations: Sequence[str] = ("flip", "shift_scale_rotate", "clahe", "blur"),
    random_state: int = 0,
) -> Image:
    """Make random variants of every image.

    The named steps are applied in their order:

    1. ``flip``: horizontal flip with probability 0.5.
    2. ``shift_scale_rotate``: zoom by 0.75 to 1.3, rotation by up to 12 degrees, horizontal shift by up to 10% of the
       width, vertical shift from 12.5% of the height up to 18.75% down; the border is replicated. Every second copy is
       framed more widely: zoom by 0.6 to 1.6, shift by up to 15% across, 17% up and 23% down.
    3. ``clahe``: contrast-limited adaptive histogram equalization on 3 x 3 tiles with probability 0.2.
    4. ``blur``: Gaussian blur, sigma 0.4 to 1 pixels (of 24, where the image is larger), with probability 0.2.
    5. ``noise`` (not in the default): Gaussian noise, standard deviation 1 to 8 grey levels.
    6. ``resample`` (not in the default): an image of more than 24 pixels is reduced to 24 and enlarged again, with
       probability 0.5, as if a camera of fewer pixels had taken it.

    Copy ``c`` of image ``i`` depends on `random_state`, ``c`` and ``i`` only, not on the other images.

    Parameters
    ----------
    images : uint8 array of shape (n, h, w)
        Grey images.
    n_copies : int, default 2
        Number of variants of each image, 0 or more.
    augmentations : sequence of str
        Keys of `AUGMENTATIONS`, applied in this order.
    random_state : int, default 0
        Seed, 0 or more.

    Returns
    -------
    uint8 array of shape (n_copies * n, h, w)
        The first variants of all images, then the second ones, and so on; without the originals.

    Raises
    ------
    ImageError
        If `images` is not a non-empty uint8 array of shape (n, h, w).
    ParameterError
        If a name is unknown or `n_copies` is negative.

    Examples
    --------
    >>> from classic_eyes.preprocessing import augment
    >>> from classic_eyes.synthetic import make_eyes
    >>> augment(make_eyes(4).images, n_copies=3).shape
    (12, 24, 24)
    """
    X = check_batch(images)
    if n_copies < 0:
        raise ParameterError(f"n_copies is {n_copies!r}; allowed is an integer of at least 0; 2 is the default")
    steps = [AUGMENTATIONS[name] for name in check_augmentations(augmentations)]
    copies = np.empty((n_copies, *X.shape), dtype=np.uint8)
    for c in range(n_copies):
        for i, image in enumerate(X):
            rng = np.random.default_rng((random_state, c, i))
            variant = np.ascontiguousarray(image)
            for step in steps:
                variant = step(variant, rng, c)
            copies[c, i] = variant
    return copies.reshape(-1, *X.shape[1:])
