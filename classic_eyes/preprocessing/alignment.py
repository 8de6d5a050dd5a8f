"""How an eye lies in its patch, by boosted ferns, and the patch turned so that all eyes lie alike."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import cv2
import numpy as np

from .._utils.shipped import shipped_file
from ..errors import ModelError

__all__ = [
    "EYE_WIDTH",
    "PLACE",
    "SIDE",
    "UNIT",
    "Alignment",
    "align",
    "even_columns",
    "find_poses",
    "move_poses",
    "read_places",
    "shipped_alignment",
]

SHIPPED = "alignment.npz"
SIDE = 24  # Poses are in pixels of an image of this side, whatever side it has.
UNIT = 4096  # Poses are whole numbers of so many a pixel, or a factor of 1: sums of them hang on no rounding.
EYE_WIDTH = 17.0  # pixels from corner to corner, of an eye whose pose is a factor of 1

_ANYWHERE = 2**30  # beyond any image
PLACE = 64  # Places in an eye are whole numbers of so many a pixel.
_SHOWN = (1 / 1.35, 1 / 0.75)  # scales beyond which an eye is not enlarged or reduced further
# As wide as the image: what lies beside an eye and over it is another with every camera.
_CLOSER = EYE_WIDTH / SIDE
_DEVIATION = 48.0  # of the grey levels that are compared
_LEAST = 2.0  # deviation of an image that is taken for an image
_CHUNK = 64
_STEPS = 32  # a pixel, into which OpenCV divides it


@dataclass(frozen=True, eq=False)
class Alignment:
    """Ferns that find an eye in its patch, level by level; all whole numbers.

    Parameters
    ----------
    mean : int32 array of shape (4,)
        Pose from which the search begins, in `UNIT`: middle of the eye to the right of and below the middle of the
        image, and the first column of the matrix that turns and enlarges.
    places : int16 array of shape (levels, pool, 2)
        Where each level looks, to the right of and below the middle of the eye, in 64ths of a pixel.
    pairs : int16 array of shape (levels, 2, depth, ferns)
        Which two of the places each question compares.
    thresholds : int16 array of shape (levels, depth, ferns)
        Difference of their levels above which the answer is yes.
    leaves : int16 array of shape (levels, ferns, 2 ** depth, 4)
        What each fern adds, by its answers: to the right, down, in size and in turn, in `UNIT`.

    Raises
    ------
    ValueError
        For arrays that do not belong together.
    """

    mean: np.ndarray
    places: np.ndarray
    pairs: np.ndarray
    thresholds: np.ndarray
    leaves: np.ndarray

    # Of each level what is taken again and again: places, pairs, thresholds, first leaf of each fern, leaves.
    _levels: tuple[tuple[np.ndarray, ...], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        levels, depth, ferns = self.thresholds.shape
        pool = self.places.shape[1]
        shapes = ((4,), (levels, pool, 2), (levels, 2, depth, ferns), (levels, depth, ferns))
        if tuple(array.shape for array in self.arrays().values()) != (*shapes, (levels, ferns, 2**depth, 4)):
            raise ValueError("arrays of an alignment that do not belong together")
        if not (1 <= depth <= 8 and self.pairs.min() >= 0 and self.pairs.max() < pool):
            raise ValueError("a fern that asks for what is not there")
        if any(array.dtype != (np.int32 if name == "mean" else np.int16) for name, array in self.arrays().items()):
            raise ValueError("an alignment of other numbers")
        first = np.arange(0, ferns * 2**depth, 2**depth, dtype=np.intp)[:, np.newaxis]
        parts = zip(self.places, self.pairs.astype(np.intp), self.thresholds, self.leaves, strict=True)
        prepared = tuple(
            # Four numbers of two bytes are taken as one of eight.
            (
                _plane(where).ravel().astype(np.complex64),
                two,
                least[..., np.newaxis],
                first,
                np.ascontiguousarray(said).view(np.int64).ravel(),
            )
            for where, two, least, said in parts
        )
        object.__setattr__(self, "_levels", prepared)

    def __getstate__(self) -> dict[str, Any]:
        # What is prepared repeats the rest; it is made again on the way back.
        return self.arrays()

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            object.__setattr__(self, name, value)
        self.__post_init__()

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what it is made of, for a file.

        Returns
        -------
        dict of str to ndarray
            By the names of the parameters.
        """
        return {each.name: getattr(self, each.name) for each in fields(self) if each.init}

    @classmethod
    def of(cls, arrays: Mapping[str, Any]) -> Alignment:
        """Put it together again.

        Parameters
        ----------
        arrays : mapping of str to ndarray
            As `arrays` gave them, and perhaps others.

        Returns
        -------
        Alignment
            Ready to look.

        Raises
        ------
        KeyError, ValueError
            For arrays that are missing or do not belong together.
        """
        return cls(*(np.asarray(arrays[each.name]) for each in fields(cls) if each.init))


def find_poses(images: np.ndarray, alignment: Alignment) -> np.ndarray:
    """Say where the eye of each patch is, how large and how turned.

    1. Grey levels are brought to one mean and deviation.
    2. From a mean pose on, each level looks at places that move with the eye found so far. Each of its ferns asks six
       times which of two places is brighter, and by how much; the answers choose what it adds to the pose.
    3. The same for the mirror image, and the mean of both: the pose of the mirror image is the mirrored pose exactly.

    Parameters
    ----------
    images : uint8 array of shape (n, side, side)
        Grey patches of one eye.
    alignment : Alignment
        What has been learnt.

    Returns
    -------
    int32 array of shape (n, 4)
        Middle of the eye to the right of and below the middle of the image, in `UNIT` of a pixel of an image of 24,
        and ``a``, ``b`` of the matrix ``((a, -b), (b, a))`` that turns and enlarges an eye of 17 pixels to this one.

    References
    ----------
    P. Dollar, P. Welinder and P. Perona, "Cascaded pose regression", CVPR 2010.
    https://doi.org/10.1109/CVPR.2010.5540094
    X. Cao, Y. Wei, F. Wen and J. Sun, "Face alignment by explicit shape regression", IJCV 107, 2014, for how places are
    chosen. https://doi.org/10.1007/s11263-013-0667-3
    """
    poses = np.empty((len(images), 4))
    for start in range(0, len(images), _CHUNK):
        some = images[start : start + _CHUNK]
        n = len(some)
        both = np.concatenate([some, some[:, :, ::-1]])
        found = _search(even_columns(both), alignment, some.shape[1])
        # The mirror image of a number of the plane lies on the other side of the axis: of a place that is upright, of
        # a factor it is level.
        own, mirrored = found[:n], np.conj(found[n:]) * (-1, 1)
        poses[start : start + n] = (own + mirrored).view(np.float64)
    # What has not learnt from eyes may send them anywhere.
    return np.rint(np.clip(poses / 2, -_ANYWHERE, _ANYWHERE)).astype(np.int32)


def even_columns(images: np.ndarray) -> np.ndarray:
    """Bring the grey levels of each image to one mean and deviation, and set images beside each other.

    Parameters
    ----------
    images : uint8 array of shape (n, side, side)
        Grey.

    Returns
    -------
    int16 array of shape (side * side, n)
        Mean 0, deviation 48; a flat image has less.
    """
    n = len(images)
    levels = cv2.transpose(np.ascontiguousarray(images).reshape(n, -1)).reshape(-1, n).astype(np.int64)
    size = len(levels)
    # Sums of whole numbers are the same in any order.
    total, squares = levels.sum(axis=0), (levels * levels).sum(axis=0)
    variance = (size * squares - total * total) / (size * size)
    gain = _DEVIATION / np.maximum(np.sqrt(variance), _LEAST) / size
    return np.rint((levels * size - total) * gain).astype(np.int16)


def _search(levels: np.ndarray, alignment: Alignment, side: int) -> np.ndarray:
    """Return poses, complex of shape (n, 2)."""
    n = levels.shape[1]
    poses = np.repeat(_plane(alignment.mean)[np.newaxis], n, axis=0)
    for places, pairs, thresholds, first, leaves in alignment._levels:
        seen = read_places(levels, poses, places, side)
        answers = seen.take(pairs[0], axis=0)
        answers -= seen.take(pairs[1], axis=0)
        above = (answers > thresholds).view(np.uint8)
        codes = above[0]
        for answer in above[1:]:
            codes += codes
            codes += answer
        added = leaves.take(codes + first).view(np.int16).reshape(len(first), -1)
        poses = move_poses(poses, added.sum(axis=0, dtype=np.int32).reshape(n, 4))
    return poses


def _plane(numbers: np.ndarray) -> np.ndarray:
    """Return numbers of the plane for pairs: the second of each is imaginary."""
    return np.ascontiguousarray(numbers, dtype=np.float64).view(np.complex128)


def read_places(levels: np.ndarray, poses: np.ndarray, places: np.ndarray, side: int) -> np.ndarray:
    """Return what images show at places that move with the eye.

    Parameters
    ----------
    levels : int16 array of shape (side * side, n)
        Of `even_columns`.
    poses : complex array of shape (n, 2)
        Where the eyes are: to the right and, imaginary, down; and the matrix as the number that it multiplies with.
    places : complex array of shape (pool,)
        To the right of and, imaginary, below the middle of the eye, in 64ths of a pixel.
    side : int
        Side of the images.

    Returns
    -------
    int16 array of shape (pool, n)
        Levels of the nearest pixels; beyond the border its nearest pixel counts.
    """
    pixel = side / SIDE / UNIT
    matrices = (poses[:, 1] * (pixel / PLACE)).astype(np.complex64)
    # From the left and upper edge, of which pixels are whole parts.
    middles = (poses[:, 0] * pixel + complex(side / 2, side / 2)).astype(np.complex64)
    # Within an image of 24 these are whole numbers below 2 ** 24, in 2 ** 18ths: no machine rounds them otherwise.
    plane = places[:, np.newaxis] * matrices
    plane += middles
    at = plane.view(np.float32).reshape(*plane.shape, 2)
    np.maximum(at, 0, out=at)
    np.minimum(at, side - 1, out=at)
    pixels = at.astype(np.intp)
    n = levels.shape[1]
    return levels.ravel().take(pixels[..., 0] * n + pixels[..., 1] * (side * n) + np.arange(n))


def move_poses(poses: np.ndarray, moves: np.ndarray) -> np.ndarray:
    """Move, enlarge and turn eyes by what was said about them as they are shown.

    Parameters
    ----------
    poses : complex array of shape (n, 2)
        Whole numbers, as `read_places` takes them.
    moves : int array of shape (n, 4)
        To the right, down, enlarged, turned; in `UNIT`.

    Returns
    -------
    complex array of shape (n, 2)
        Whole numbers.
    """
    said = moves.astype(np.float64).view(np.complex128)
    said[:, 1] += UNIT
    # A product of numbers of the plane turns and enlarges; to the nearest, which mirror images have in common.
    moved = np.rint(said * poses[:, 1:] / UNIT)
    moved[:, 0] += poses[:, 0]
    return moved


def align(images: np.ndarray, alignment: Alignment) -> np.ndarray:
    """Show every eye in the middle of its image, level, and as wide as the image.

    1. `find_poses` says how each eye lies.
    2. Each image is moved, turned, and enlarged by 24 / 17, more or less by a third at most, by bilinear
       interpolation; beyond the border its nearest pixel counts.

    Parameters
    ----------
    images : uint8 array of shape (n, side, side)
        Grey patches of one eye.
    alignment : Alignment
        What has been learnt.

    Returns
    -------
    uint8 array of shape (n, side, side)
        New images. The mirror image of an image gives the mirror image.
    """
    shown = np.empty(images.shape, np.uint8)
    for start in range(0, len(images), _CHUNK):
        some = np.ascontiguousarray(images[start : start + _CHUNK])
        _show(some, find_poses(some, alignment), out=shown[start : start + _CHUNK])
    return shown


def _show(images: np.ndarray, poses: np.ndarray, *, out: np.ndarray) -> None:
    n, side, _ = images.shape
    place, matrix = _plane(poses / UNIT).T[:, :, np.newaxis]
    scale = np.sqrt(matrix.real**2 + matrix.imag**2)
    matrix = matrix * (np.clip(scale, *_SHOWN) / np.maximum(scale, 1e-6) * _CLOSER)
    middle = (side - 1) / 2
    u = np.arange(side) - middle
    # Rounded as OpenCV would, but about the middle: so mirror images are rounded alike.
    plane = matrix * _STEPS * (u + 1j * u[:, np.newaxis]).ravel()
    np.add(plane, place * (_STEPS * side / SIDE), out=plane)
    right, below = np.ascontiguousarray(plane.view(np.float64).reshape(-1, 2).T, dtype=np.float32)
    # One above the other they are one tall image.
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
    """Read the alignment that ships with the library.

    Returns
    -------
    Alignment
        TrainingSet from synthetic eyes alone.

    Raises
    ------
    ModelError
        Where its file is missing or damaged.
    """
    path = shipped_file(SHIPPED)
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as arrays:
            return Alignment.of(arrays)
    except Exception as error:
        # zip's and numpy's parsers raise what they like, and advise what is not safe.
        raise ModelError(f"{str(path)!r} is damaged or no alignment; install classic-eyes again") from error
