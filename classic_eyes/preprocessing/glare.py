"""Removal of small reflections on glasses and wet eyes: morphological opening, then inpainting."""

from __future__ import annotations

import cv2
import numpy as np

__all__ = ["remove_glare"]

# A reflection is narrower than this structuring element; wider bright regions are skin, paper or sky.
_OPENING = np.ones((7, 7), np.uint8)
_NEIGHBOURHOOD = np.ones((3, 3), np.uint8)
_SEED_CONTRAST = 60  # grey levels above the brightest pixel of the opened image; the sclera stays below this
_FRINGE_CONTRAST = 25  # grey levels above the opened image
_MAX_AREA = 0.25  # share of the image; a larger region is not a reflection
_CHUNK = 384
_ITERATIONS = 50  # enough for regions of 7 pixels to converge


def remove_glare(images: np.ndarray) -> np.ndarray:
    """Fill small reflections from the surrounding pixels.

    1. A morphological opening with 7 x 7 pixels removes every small bright region.
    2. Pixels more than 60 grey levels above the brightest pixel of the opened image are seeds. An image without seeds
       is unchanged.
    3. Within 3 pixels of a seed, pixels more than 25 grey levels above the opened image are glare, and so are their
       eight neighbours. An image with more than 25% glare is unchanged.
    4. Glare is inpainted by Laplace's equation: 50 Jacobi iterations, started from the opened image, replace each glare
       pixel by the mean of its four neighbours.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, height, width)
        Grey images.

    Returns
    -------
    ndarray of uint8, shape (n, height, width)
        `images` itself if no image has glare, otherwise a new array.

    References
    ----------
    J. Serra, "Image Analysis and Mathematical Morphology", Academic Press, 1982 (no DOI): step 1.
    C. Ballester, M. Bertalmio, V. Caselles, G. Sapiro and J. Verdera, "Filling-in by joint interpolation of vector
    fields and gray levels", IEEE Transactions on Image Processing 10, 2001: step 4 is its simplest case.
    https://doi.org/10.1109/83.935036

    Examples
    --------
    >>> import numpy as np
    >>> from classic_eyes.preprocessing import remove_glare
    >>> clean = np.full((1, 24, 24), 90, np.uint8)
    >>> glaring = clean.copy()
    >>> glaring[0, 10:13, 10:13] = 255
    >>> bool((remove_glare(glaring) == clean).all())
    True
    """
    parts = []
    for start in range(0, len(images), _CHUNK):
        rows, glare, opened = _find_glare(images[start : start + _CHUNK])
        if len(rows):
            parts.append((start + rows, glare, opened))
    if not parts:
        return images
    # All images at once: the cost of an iteration depends on the number of calls more than on that of the images.
    rows, glare, opened = (np.concatenate(each) for each in zip(*parts, strict=True))
    filled = images.copy()
    filled[rows] = _inpaint(images[rows], glare, opened)
    return filled


def _find_glare(images: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the indices of images with glare, their glare masks and their openings."""
    n, height, width = images.shape
    # Images as channels of one image: one OpenCV call for all of them.
    levels = cv2.transpose(np.ascontiguousarray(images).reshape(n, -1)).reshape(height, width, n)
    eroded = cv2.erode(levels, _OPENING).reshape(levels.shape)
    # The dilation that completes the opening does not change the maximum.
    threshold = eroded.reshape(-1, n).max(axis=0).astype(np.int16) + _SEED_CONTRAST
    bright = np.flatnonzero(levels.reshape(-1, n).max(axis=0) > threshold)
    if not len(bright):
        return bright, np.empty((0, height, width), bool), np.empty((0, height, width), np.uint8)
    levels = np.ascontiguousarray(levels[..., bright])
    opened = cv2.dilate(np.ascontiguousarray(eroded[..., bright]), _OPENING).reshape(levels.shape)
    near = cv2.dilate((levels > threshold[bright]).astype(np.uint8), _OPENING).reshape(levels.shape)
    near[levels.astype(np.int16) - opened <= _FRINGE_CONTRAST] = 0
    glare = cv2.dilate(near, _NEIGHBOURHOOD).reshape(levels.shape).transpose(2, 0, 1).astype(bool)
    small = glare.mean(axis=(1, 2)) <= _MAX_AREA
    return bright[small], glare[small], opened.transpose(2, 0, 1)[small]


def _inpaint(images: np.ndarray, glare: np.ndarray, start: np.ndarray) -> np.ndarray:
    height, width = images.shape[1:]
    pixels = np.flatnonzero(glare)
    row, column = pixels // width % height, pixels % width
    # At the border a pixel is its own neighbour. Opposite neighbours are two rows apart.
    neighbours = np.stack(
        [
            pixels - (column > 0),
            pixels - width * (row > 0),
            pixels + (column < width - 1),
            pixels + width * (row < height - 1),
        ]
    )
    # Compact vector: glare pixels first, then their fixed neighbours.
    index = np.full(images.size, -1)
    index[pixels] = np.arange(len(pixels))
    index = index[neighbours]
    fixed = index < 0
    index[fixed] = len(pixels) + np.arange(np.count_nonzero(fixed))
    levels = np.concatenate([start[glare], images.reshape(-1)[neighbours[fixed]]]).astype(np.float64)
    inner = levels[: len(pixels)]
    for _ in range(_ITERATIONS):
        around = levels.take(index)
        # Opposite neighbours are added first, so that mirror images give the same bits.
        around[:2] += around[2:]
        np.add(around[0], around[1], out=inner)
        inner *= 0.25
    filled = images.copy()
    filled.reshape(-1)[pixels] = np.floor(inner + 0.5)
    return filled
