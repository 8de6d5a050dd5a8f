"""Reflections on glasses and wet eyes taken out of an image: found by an opening, filled from around."""

from __future__ import annotations

import cv2
import numpy as np

__all__ = ["remove_glare"]

# A reflection is narrower than this square of pixels; what is wider is skin, paper or sky.
_WIDE = np.ones((7, 7), np.uint8)
_NEXT = np.ones((3, 3), np.uint8)
_OVER = 60  # grey levels over the brightest wide part of the image: no white of an eye is
_RISE = 25  # grey levels over the opened image: the fringe of a reflection
_LARGEST = 0.25  # of the image: more is no reflection
_CHUNK = 384
_ROUNDS = 50  # until what is 7 pixels wide has settled


def remove_glare(images: np.ndarray) -> np.ndarray:
    """Fill small reflections from what is around them; leave images without any as they are.

    1. A morphological opening by 7 x 7 pixels takes every small bright part away.
    2. Pixels more than 60 grey levels over the brightest pixel of the opened image are seeds: brighter than anything
       wide in it. Where there is none the image stays.
    3. Around the seeds, whatever is more than 25 grey levels over the opened image is glare, and so are the pixels
       next to it. If that is more than a quarter of the image, it stays.
    4. Glare is filled: from the opened image on, 50 times, each of its pixels becomes the mean of its four
       neighbours, which leads to where the image's rim around it is continued smoothly (Laplace's equation).

    Parameters
    ----------
    images : ndarray of uint8, shape (n, height, width)
        Grey images.

    Returns
    -------
    ndarray of uint8, shape (n, height, width)
        The array itself where no image has glare.

    References
    ----------
    J. Serra, "Image Analysis and Mathematical Morphology", Academic Press, 1982 (no DOI), for step 1.
    C. Ballester, M. Bertalmio, V. Caselles, G. Sapiro and J. Verdera, "Filling-in by joint interpolation of vector
    fields and gray levels", IEEE Transactions on Image Processing 10, 2001, of which step 4 is the simplest case.
    https://doi.org/10.1109/83.935036

    Examples
    --------
    >>> dull = np.full((1, 24, 24), 90, np.uint8)
    >>> glaring = dull.copy()
    >>> glaring[0, 10:13, 10:13] = 255
    >>> bool((remove_glare(glaring) == dull).all())
    True
    """
    parts = []
    for start in range(0, len(images), _CHUNK):
        rows, glare, opened = _find(images[start : start + _CHUNK])
        if len(rows):
            parts.append((start + rows, glare, opened))
    if not parts:
        return images
    # Together: what a round of filling costs hangs on the number of calls more than on that of the images.
    rows, glare, opened = (np.concatenate(each) for each in zip(*parts, strict=True))
    filled = images.copy()
    filled[rows] = _fill(images[rows], glare, opened)
    return filled


def _find(images: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return which images have glare, where in each, and these images opened."""
    n, height, width = images.shape
    # As channels of one image: one call for all of them.
    levels = cv2.transpose(np.ascontiguousarray(images).reshape(n, -1)).reshape(height, width, n)
    eroded = cv2.erode(levels, _WIDE).reshape(levels.shape)
    # The second half of an opening, a dilation, leaves the brightest pixel as bright as it is.
    least = eroded.reshape(-1, n).max(axis=0).astype(np.int16) + _OVER
    bright = np.flatnonzero(levels.reshape(-1, n).max(axis=0) > least)
    if not len(bright):
        return bright, np.empty((0, height, width), bool), np.empty((0, height, width), np.uint8)
    levels = np.ascontiguousarray(levels[..., bright])
    opened = cv2.dilate(np.ascontiguousarray(eroded[..., bright]), _WIDE).reshape(levels.shape)
    near = cv2.dilate((levels > least[bright]).astype(np.uint8), _WIDE).reshape(levels.shape)
    near[levels.astype(np.int16) - opened <= _RISE] = 0
    glare = cv2.dilate(near, _NEXT).reshape(levels.shape).transpose(2, 0, 1).astype(bool)
    small = glare.mean(axis=(1, 2)) <= _LARGEST
    return bright[small], glare[small], opened.transpose(2, 0, 1)[small]


def _fill(images: np.ndarray, glare: np.ndarray, start: np.ndarray) -> np.ndarray:
    height, width = images.shape[1:]
    places = np.flatnonzero(glare)
    row, column = places // width % height, places % width
    # Beyond the border a pixel is its own neighbour. In this order the first half of them faces the second.
    neighbours = np.stack(
        [
            places - (column > 0),
            places - width * (row > 0),
            places + (column < width - 1),
            places + width * (row < height - 1),
        ]
    )
    # Glare first, then what is around it: nothing else is looked at.
    at = np.full(images.size, -1)
    at[places] = np.arange(len(places))
    at = at[neighbours]
    rim = at < 0
    at[rim] = len(places) + np.arange(np.count_nonzero(rim))
    levels = np.concatenate([start[glare], images.reshape(-1)[neighbours[rim]]]).astype(np.float64)
    inner = levels[: len(places)]
    for _ in range(_ROUNDS):
        around = levels.take(at)
        # In pairs across the mirror's axis: mirror images are filled alike to the last bit.
        around[:2] += around[2:]
        np.add(around[0], around[1], out=inner)
        inner *= 0.25
    filled = images.copy()
    filled.reshape(-1)[places] = np.floor(inner + 0.5)
    return filled
