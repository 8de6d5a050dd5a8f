"""Alignment: boosted ferns regress centre, width and tilt of the eye, and a warp makes all eyes lie alike."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import cv2
import numpy as np

from .._utils.files import shipped_file
from ..errors import ModelError

__all__ = [
    "EYE_WIDTH",
    "PLACE",
    "SIDE",
    "UNIT",
    "Alignment",
    "align",
    "find_poses",
    "move_poses",
    "normalize_contrast",
    "sample_pixels",
    "shipped_alignment",
]

SHIPPED = "alignment.npz"
SIDE = 24  # pixels; poses refer to an image of this side, whatever the side of the image
UNIT = 4096  # units per pixel and per factor of 1: poses are integers, so that sums do not depend on rounding
PLACE = 64  # units per pixel of sampling positions
EYE_WIDTH = 17.0  # pixels between the corners of an eye of scale 1

_MAX_POSE = 2**30  # beyond any image
_SCALES = (1 / 1.35, 1 / 0.75)  # range of the scale that the warp compensates
# The eye fills the width of the warped image: what surrounds it differs from camera to camera.
_ZOOM = EYE_WIDTH / SIDE
_DEVIATION = 48.0  # standard deviation after contrast normalization, in grey levels
_MIN_DEVIATION = 2.0  # grey levels; keeps the noise of a flat image small
_CHUNK = 64
_STEPS = 32  # interpolation steps per pixel in OpenCV


@dataclass(frozen=True, eq=False)
class Alignment:
    """Boosted random ferns that regress the pose of the eye in its patch.

    A pose is the integer vector ``(x, y, a, b)`` in 4096ths: ``(x, y)`` is the centre of the eye relative to the centre
    of the image, in pixels of a 24 x 24 image, right and down; ``a + ib = s * exp(i t)`` is the scale `s`, 1 for an eye
    of 17 pixels between the corners, and the tilt `t`.

    Parameters
    ----------
    mean : int32 array of shape (4,)
        Mean pose, from which the regression starts.
    places : int16 array of shape (levels, pool, 2)
        Sampling positions of each level, relative to the centre of the eye, right and down, in 64ths of a pixel.
    pairs : int16 array of shape (levels, 2, depth, ferns)
        Indices of the two positions that each comparison of a fern subtracts.
    thresholds : int16 array of shape (levels, depth, ferns)
        A comparison is true if the difference of the grey levels exceeds its threshold.
    leaves : int16 array of shape (levels, ferns, 2 ** depth, 4)
        Pose increments of each fern, indexed by its comparisons, in the frame of the eye.

    Raises
    ------
    ValueError
        If shapes, dtypes or indices of the arrays do not match.

    Examples
    --------
    >>> from classic_eyes.preprocessing import shipped_alignment
    >>> shipped_alignment().leaves.shape
    (4, 150, 64, 4)
    """

    mean: np.ndarray
    places: np.ndarray
    pairs: np.ndarray
    thresholds: np.ndarray
    leaves: np.ndarray

    # Derived arrays of each level: places, pairs, thresholds, first leaf of each fern, leaves.
    _levels: tuple[tuple[np.ndarray, ...], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        levels, depth, ferns = self.thresholds.shape
        pool = self.places.shape[1]
        comparisons, leaves = (levels, depth, ferns), (levels, ferns, 2**depth, 4)
        shapes = ((4,), (levels, pool, 2), (levels, 2, depth, ferns), comparisons, leaves)
        for (name, array), shape in zip(self.arrays().items(), shapes, strict=True):
            dtype = np.int32 if name == "mean" else np.int16
            if array.shape != shape or array.dtype != dtype:
                raise ValueError(
                    f"{name} has shape {array.shape} and dtype {array.dtype}; the other arrays of the alignment "
                    f"require {shape} and {np.dtype(dtype)}"
                )
        if not (1 <= depth <= 8 and self.pairs.min() >= 0 and self.pairs.max() < pool):
            raise ValueError(f"pairs has other numbers than allowed: depth 1 to 8 and indices of the {pool} places")
        first = np.arange(0, ferns * 2**depth, 2**depth, dtype=np.intp)[:, np.newaxis]
        parts = zip(self.places, self.pairs.astype(np.intp), self.thresholds, self.leaves, strict=True)
        prepared = tuple(
            # The four int16 of a leaf are gathered as one int64.
            (
                _as_complex(places).ravel().astype(np.complex64),
                pair,
                threshold[..., np.newaxis],
                first,
                np.ascontiguousarray(leaf).view(np.int64).ravel(),
            )
            for places, pair, threshold, leaf in parts
        )
        object.__setattr__(self, "_levels", prepared)

    def __getstate__(self) -> dict[str, Any]:
        return self.arrays()

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            object.__setattr__(self, name, value)
        self.__post_init__()

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the parameters, for a file.

        Returns
        -------
        dict of str to ndarray
            Arrays by parameter name.
        """
        return {each.name: getattr(self, each.name) for each in fields(self) if each.init}

    @classmethod
    def of(cls, arrays: Mapping[str, Any]) -> Alignment:
        """Build an alignment from the arrays of a file.

        Parameters
        ----------
        arrays : mapping of str to ndarray
            Result of `arrays`; other keys are ignored.

        Returns
        -------
        Alignment
            The alignment.

        Raises
        ------
        KeyError
            If an array is missing.
        ValueError
            If shapes, dtypes or indices of the arrays do not match.
        """
        return cls(*(np.asarray(arrays[each.name]) for each in fields(cls) if each.init))


def find_poses(images: np.ndarray, alignment: Alignment) -> np.ndarray:
    """Regress centre, width and tilt of the eye in each patch.

    1. Grey levels are normalized to a standard deviation of 48.
    2. Starting from the mean pose, each level samples pixels at positions that move with the current pose. Each of its
       ferns compares six pairs of these pixels, and the comparisons select the increment that the fern adds.
    3. The same for the mirror image; the result is the mean of both. The pose of the mirror image is therefore exactly
       the mirrored pose.

    Parameters
    ----------
    images : uint8 array of shape (n, side, side)
        Grey patches of one eye.
    alignment : Alignment
        The regressor, such as `shipped_alignment`.

    Returns
    -------
    int32 array of shape (n, 4)
        Poses ``(x, y, a, b)`` in 4096ths, as described in `Alignment`.

    References
    ----------
    P. Dollar, P. Welinder and P. Perona, "Cascaded pose regression", CVPR 2010.
    https://doi.org/10.1109/CVPR.2010.5540094
    X. Cao, Y. Wei, F. Wen and J. Sun, "Face alignment by explicit shape regression", IJCV 107, 2014: choice of the
    sampling positions. https://doi.org/10.1007/s11263-013-0667-3

    Examples
    --------
    >>> from classic_eyes.preprocessing import find_poses, shipped_alignment
    >>> from classic_eyes.synthetic import make_eyes
    >>> find_poses(make_eyes(5, random_state=0).images, shipped_alignment()).shape
    (5, 4)
    """
    poses = np.empty((len(images), 4))
    for start in range(0, len(images), _CHUNK):
        chunk = images[start : start + _CHUNK]
        n = len(chunk)
        both = np.concatenate([chunk, chunk[:, :, ::-1]])
        found = _regress(normalize_contrast(both), alignment, chunk.shape[1])
        # Mirroring negates the real part of the centre and the imaginary part of the scale.
        own, mirrored = found[:n], np.conj(found[n:]) * (-1, 1)
        poses[start : start + n] = (own + mirrored).view(np.float64)
    # Untrained ferns may add up to anything.
    return np.rint(np.clip(poses / 2, -_MAX_POSE, _MAX_POSE)).astype(np.int32)


def normalize_contrast(images: np.ndarray) -> np.ndarray:
    """Return images with mean 0 and standard deviation 48 as columns, int16 of shape (side * side, n)."""
    n = len(images)
    levels = cv2.transpose(np.ascontiguousarray(images).reshape(n, -1)).reshape(-1, n).astype(np.int64)
    size = len(levels)
    # Sums of integers do not depend on their order.
    total, squares = levels.sum(axis=0), (levels * levels).sum(axis=0)
    variance = (size * squares - total * total) / (size * size)
    gain = _DEVIATION / np.maximum(np.sqrt(variance), _MIN_DEVIATION) / size
    return np.rint((levels * size - total) * gain).astype(np.int16)


def _regress(levels: np.ndarray, alignment: Alignment, side: int) -> np.ndarray:
    """Return poses, complex of shape (n, 2)."""
    n = levels.shape[1]
    poses = np.repeat(_as_complex(alignment.mean)[np.newaxis], n, axis=0)
    for places, pairs, thresholds, first, leaves in alignment._levels:
        pixels = sample_pixels(levels, poses, places, side)
        differences = pixels.take(pairs[0], axis=0)
        differences -= pixels.take(pairs[1], axis=0)
        above = (differences > thresholds).view(np.uint8)
        codes = above[0]
        for bit in above[1:]:
            codes += codes
            codes += bit
        increments = leaves.take(codes + first).view(np.int16).reshape(len(first), -1)
        poses = move_poses(poses, increments.sum(axis=0, dtype=np.int32).reshape(n, 4))
    return poses


def _as_complex(pairs: np.ndarray) -> np.ndarray:
    """Return pairs of numbers as complex numbers, the second as imaginary part."""
    return np.ascontiguousarray(pairs, dtype=np.float64).view(np.complex128)


def sample_pixels(levels: np.ndarray, poses: np.ndarray, places: np.ndarray, side: int) -> np.ndarray:
    """Return the nearest pixels at positions that move with the eye, int16 of shape (pool, n).

    `levels` is the result of `normalize_contrast`, `poses` are complex of shape (n, 2): centre and scale. `places` are
    complex positions in the frame of the eye, in 64ths of a pixel. The border is replicated.
    """
    pixel = side / SIDE / UNIT
    matrices = (poses[:, 1] * (pixel / PLACE)).astype(np.complex64)
    # Relative to the upper left corner of the image, so that truncation gives the nearest pixel.
    centres = (poses[:, 0] * pixel + complex(side / 2, side / 2)).astype(np.complex64)
    # Within a 24 x 24 image these are multiples of 2 ** -18 below 2 ** 6: exact in float32 on every processor.
    plane = places[:, np.newaxis] * matrices
    plane += centres
    at = plane.view(np.float32).reshape(*plane.shape, 2)
    np.maximum(at, 0, out=at)
    np.minimum(at, side - 1, out=at)
    pixels = at.astype(np.intp)
    n = levels.shape[1]
    return levels.ravel().take(pixels[..., 0] * n + pixels[..., 1] * (side * n) + np.arange(n))


def move_poses(poses: np.ndarray, increments: np.ndarray) -> np.ndarray:
    """Apply increments of shape (n, 4), given in the frame of each eye, to complex poses of shape (n, 2)."""
    factors = increments.astype(np.float64).view(np.complex128)
    factors[:, 1] += UNIT
    # A complex product rotates and scales. Rounding to nearest is symmetric, so mirror images stay mirrored.
    moved = np.rint(factors * poses[:, 1:] / UNIT)
    moved[:, 0] += poses[:, 0]
    return moved


def align(images: np.ndarray, alignment: Alignment, poses: np.ndarray | None = None) -> np.ndarray:
    """Warp each image so that the eye is centred, level and as wide as the image.

    1. `find_poses` estimates centre, scale and tilt of the eye.
    2. Each image is shifted, rotated and zoomed by bilinear interpolation with a replicated border. An eye of scale 1
       is enlarged by 24 / 17; scales outside [0.74, 1.33] are clipped to this range.

    Parameters
    ----------
    images : uint8 array of shape (n, side, side)
        Grey patches of one eye.
    alignment : Alignment
        The regressor, such as `shipped_alignment`.
    poses : int32 array of shape (n, 4), optional
        Poses that are known, such as those of the same images in another size, instead of step 1.

    Returns
    -------
    uint8 array of shape (n, side, side)
        New images. The mirror image of an image gives exactly the mirror image of its result.

    References
    ----------
    P. Dollar, P. Welinder and P. Perona, "Cascaded pose regression", CVPR 2010: step 1.
    https://doi.org/10.1109/CVPR.2010.5540094

    Examples
    --------
    >>> from classic_eyes.preprocessing import align, shipped_alignment
    >>> from classic_eyes.synthetic import make_eyes
    >>> align(make_eyes(5, random_state=0).images, shipped_alignment()).shape
    (5, 24, 24)
    """
    aligned = np.empty(images.shape, np.uint8)
    for start in range(0, len(images), _CHUNK):
        part = slice(start, start + _CHUNK)
        chunk = np.ascontiguousarray(images[part])
        _warp(chunk, find_poses(chunk, alignment) if poses is None else poses[part], out=aligned[part])
    return aligned


def _warp(images: np.ndarray, poses: np.ndarray, *, out: np.ndarray) -> None:
    n, side, _ = images.shape
    centre, matrix = _as_complex(poses / UNIT).T[:, :, np.newaxis]
    scale = np.sqrt(matrix.real**2 + matrix.imag**2)
    matrix = matrix * (np.clip(scale, *_SCALES) / np.maximum(scale, 1e-6) * _ZOOM)
    middle = (side - 1) / 2
    u = np.arange(side) - middle
    # Rounded to OpenCV's interpolation steps, but relative to the centre, so that mirror images round alike.
    plane = matrix * _STEPS * (u + 1j * u[:, np.newaxis]).ravel()
    np.add(plane, centre * (_STEPS * side / SIDE), out=plane)
    right, below = np.ascontiguousarray(plane.view(np.float64).reshape(-1, 2).T, dtype=np.float32)
    # Stacked vertically, all images are warped by one call.
    tops = np.repeat(np.arange(0, n * side, side, dtype=np.float32), side * side)
    for maps in (right, below):
        np.rint(maps, out=maps)
        maps *= np.float32(1 / _STEPS)
        maps += np.float32(middle)
        np.maximum(maps, 0, out=maps)
        np.minimum(maps, side - 1, out=maps)
    below += tops
    flat = (n * side, side)
    cv2.remap(images.reshape(flat), right.reshape(flat), below.reshape(flat), cv2.INTER_LINEAR, dst=out.reshape(flat))


def shipped_alignment() -> Alignment:
    """Load the alignment that ships with the library, trained on synthetic eyes.

    Returns
    -------
    Alignment
        The alignment.

    Raises
    ------
    ModelError
        If its file is missing or damaged.
    """
    path = shipped_file(SHIPPED)
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as arrays:
            return Alignment.of(arrays)
    except Exception as error:
        # The parsers of zip and numpy raise exceptions of many kinds.
        raise ModelError(f"{str(path)!r} is damaged or not an alignment; reinstall classic-eyes") from error
