"""Learning how an eye lies in its patch, from synthetic eyes, of which that is known."""

from __future__ import annotations

import io
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from classic_eyes.errors import ParameterError
from classic_eyes.preprocessing.alignment import (
    EYE_WIDTH,
    PLACE,
    SIDE,
    UNIT,
    Alignment,
    even_columns,
    find_poses,
    move_poses,
    read_places,
)
from classic_eyes.synthetic import make_eyes

__all__ = [
    "FEWEST",
    "MOST",
    "AlignmentScore",
    "evaluate_alignment",
    "train_alignment",
    "poses_of",
    "synthesize_framed",
    "write_alignment",
]

# Levels, ferns of each, and questions of a fern; more of any of them bought little for their time.
_LEVELS, _FERNS, _DEPTH = 4, 150, 6
_POOL = 200  # places that a level looks at
_REACH = (11.5, 9.0)  # pixels from the middle of the eye within which they lie, across and down
_SHRINK = 200.0  # rows that a leaf is shrunk by
_RATE = 0.3
_STARTS = 2  # from the mean pose, and from so many less one others
_SHARE = 0.5  # of the pairs of places that a question may choose from
_COPIES = 2  # of each synthetic eye, in other alignments
# Alignments of the copies: about all in which a patch is still one of an eye.
_ZOOM, _TURN, _RIGHT, _DOWN = (0.65, 1.35), 15.0, 3.0, (-3.0, 4.5)
_BLURRED, _BLUR, _NOISY, _NOISE = 0.4, (0.4, 1.2), 0.4, (1.0, 6.0)

FEWEST, MOST = 100, 100_000
"""Synthetic eyes that an alignment may learn from; the most take some ten gigabytes."""

Floats = NDArray[np.float32]
Poses = NDArray[np.complex128]


@dataclass(frozen=True)
class AlignmentScore:
    """How well eyes are found in synthetic patches, in any alignment.

    Parameters
    ----------
    n : int
        Images.
    error : float
        Root mean square distance of the middle of the eye from where it is, in pixels of 24.
    unknown : float
        The same for who takes every eye for the mean one.
    """

    n: int
    error: float
    unknown: float


def poses_of(points: NDArray[np.floating]) -> NDArray[np.int32]:
    """Say how eyes lie by their six points.

    Parameters
    ----------
    points : float array of shape (n, 6, 2)
        In pixels of an image of 24, as `classic_eyes.synthetic` gives them.

    Returns
    -------
    int32 array of shape (n, 4)
        As `classic_eyes.preprocessing.alignment.find_poses` would find: the middle is the mean of the points, size and turn
        are those of the line from corner to corner.

    Examples
    --------
    >>> points = np.array([[[3, 11.5], [8, 9], [15, 9], [20, 11.5], [15, 14], [8, 14]]])
    >>> (poses_of(points) / UNIT).tolist()
    [[0.0, 0.0, 1.0, 0.0]]
    """
    points = np.asarray(points, dtype=np.float64)
    middle = points.mean(axis=1) - (SIDE - 1) / 2
    width = (points[:, 3] - points[:, 0]) / EYE_WIDTH
    return np.rint(np.hstack([middle, width]) * UNIT).astype(np.int32)


def synthesize_framed(n: int, *, random_state: int = 0) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Render eyes in the alignments of `classic_eyes.synthetic`, and each twice more in wider ones.

    Parameters
    ----------
    n : int
        Synthetic eyes, 1 or more.
    random_state : int, default 0
        Seed.

    Returns
    -------
    images : uint8 array of shape (3 n, 24, 24)
        The copies moved, turned and enlarged, some of them blurred or noisy.
    poses : int32 array of shape (3 n, 4)
        Of `poses_of`.
    """
    eyes = make_eyes(n, size=SIDE, random_state=random_state)
    images, points = [eyes.images], [eyes.landmarks.astype(np.float64)]
    rng = np.random.default_rng([random_state, n])
    for _ in range(_COPIES):
        copies, moved = np.empty_like(eyes.images), np.empty_like(points[0])
        for k, (image, own) in enumerate(zip(eyes.images, points[0], strict=True)):
            copies[k], moved[k] = _reframe(image, own, rng)
        images.append(copies)
        points.append(moved)
    return np.concatenate(images), poses_of(np.concatenate(points))


def _reframe(
    image: NDArray[np.uint8], points: NDArray[np.float64], rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    zoom = float(np.exp(rng.uniform(*np.log(_ZOOM))))
    matrix = cv2.getRotationMatrix2D(((SIDE - 1) / 2,) * 2, rng.uniform(-_TURN, _TURN), zoom)
    matrix[:, 2] += np.array([rng.uniform(-_RIGHT, _RIGHT), rng.uniform(*_DOWN)])
    moved = cv2.warpAffine(image, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    if rng.random() < _BLURRED:
        moved = cv2.GaussianBlur(moved, (0, 0), rng.uniform(*_BLUR))
    if rng.random() < _NOISY:
        noise = rng.normal(0, rng.uniform(*_NOISE), moved.shape)
        moved = np.clip(np.rint(moved + noise), 0, 255).astype(np.uint8)
    return moved, points @ matrix[:, :2].T + matrix[:, 2]  # type: ignore[return-value]


def train_alignment(n: int = 16000, *, random_state: int = 0) -> Alignment:
    """Learn to find an eye in its patch, from synthetic eyes.

    1. Eyes are synthetic by `synthesize_framed`, and mirrored; the search begins at their mean pose, and at another.
    2. For each level, 200 places are drawn. Each of its ferns in turn looks at what is still missing, in a random
       direction of the pose, and asks about those two places whose difference goes with it most; the questions
       part the rows into 64 leaves, and each adds a third of what its rows miss, less where they are few.
    3. All poses are moved by what the ferns of the level add, in the whole numbers in which it will be asked.

    Parameters
    ----------
    n : int, default 16000
        Synthetic eyes, 100 to 100,000. The time grows with it: two to three minutes by default.
    random_state : int, default 0
        Seed. The same seed gives the same numbers on the same machine.

    Returns
    -------
    Alignment
        What was learnt.

    Raises
    ------
    ParameterError
        For fewer than 100 eyes, or more than 100,000.

    References
    ----------
    Dollar et al. and Cao et al., as in `classic_eyes.preprocessing.alignment.find_poses`. Synthetic eyes: Wood et al., as in
    `classic_eyes.training.fitting.add_synthetic`.
    """
    if not FEWEST <= n <= MOST:
        raise ParameterError(
            f"n={n!r}: expected {FEWEST} to {MOST:,} synthetic eyes; 16000 is what the shipped file learnt from"
        )
    images, poses = synthesize_framed(n, random_state=random_state)
    rng = np.random.default_rng(random_state)
    levels = even_columns(np.concatenate([images, images[:, :, ::-1]]))
    both = np.concatenate([poses, poses * [-1, 1, 1, -1]])
    mean = np.rint(both.mean(axis=0)).astype(np.int32)
    wanted = np.tile(both.astype(np.float64).view(np.complex128), (_STARTS, 1))
    levels = np.tile(levels, _STARTS)
    found = _starts(mean, len(images) * 2, rng)
    parts = []
    for _ in range(_LEVELS):
        places = np.rint(rng.uniform(-1, 1, (_POOL, 2)) * _REACH * PLACE).astype(np.int16)
        plane = places.astype(np.float32).view(np.complex64)[:, 0]
        seen = read_places(levels, found, plane, SIDE).astype(np.float32)
        pairs, thresholds, leaves, moves = _learn_level(seen, _missing(found, wanted), rng)
        parts.append((places, pairs, thresholds, leaves))
        found = move_poses(found, np.ascontiguousarray(moves.T))
    return Alignment(mean, *(np.stack(each) for each in zip(*parts, strict=True)))


def _starts(mean: NDArray[np.int32], n: int, rng: np.random.Generator) -> Poses:
    poses = np.repeat(mean.astype(np.float64).view(np.complex128)[np.newaxis], n * _STARTS, axis=0)
    others = n * (_STARTS - 1)
    off = rng.normal(0, 1.5 * UNIT, (others, 2)).view(np.complex128)[:, 0]
    poses[n:, 0] += off
    poses[n:, 1] *= np.exp(rng.normal(0, 0.12, (others, 2)).view(np.complex128)[:, 0])
    return np.rint(poses)


def _missing(found: Poses, wanted: Poses) -> Floats:
    """Return by what `move_poses` would bring one pose to the other, shape (4, n)."""
    missing = wanted.copy()
    missing[:, 0] -= found[:, 0]
    missing *= UNIT / found[:, 1:]
    missing[:, 1] -= UNIT
    return np.ascontiguousarray(missing.view(np.float64).T, dtype=np.float32)


def _learn_level(
    seen: Floats, missing: Floats, rng: np.random.Generator
) -> tuple[NDArray[np.int16], NDArray[np.int16], NDArray[np.int16], NDArray[np.int32]]:
    """Return pairs, thresholds and leaves of the ferns of a level, and what they add to each row."""
    # A move of a pixel and a turn of an eye's half width by a pixel count alike.
    weight = np.array([1, 1, EYE_WIDTH / 2, EYE_WIDTH / 2], np.float32)[:, np.newaxis]
    centred = seen - seen.mean(axis=1, keepdims=True)
    products = centred @ centred.T / len(seen.T)
    variance = np.diag(products)
    deviation = np.sqrt(np.maximum(variance[:, np.newaxis] + variance - 2 * products, 1e-3))
    moves = np.zeros(missing.shape, np.int32)
    all_pairs, all_thresholds, all_leaves = [], [], []
    for _ in range(_FERNS):
        left = missing - moves
        aims = rng.normal(size=(_DEPTH, 4)).astype(np.float32) @ (weight * (left - left.mean(axis=1, keepdims=True)))
        going = centred @ aims.T / len(seen.T)
        pairs = np.empty((2, _DEPTH), np.int16)
        thresholds = np.empty(_DEPTH, np.int16)
        codes = np.zeros(seen.shape[1], np.int64)
        for k in range(_DEPTH):
            together = np.abs(going[:, k, np.newaxis] - going[:, k]) / deviation
            together[rng.random(together.shape) >= _SHARE] = 0
            one, other = pairs[:, k] = np.unravel_index(together.argmax(), together.shape)
            difference = seen[one] - seen[other]
            thresholds[k] = np.rint(difference.mean() * rng.random() + difference.std() * rng.uniform(-0.4, 0.4))
            codes = 2 * codes + (difference > thresholds[k])
        counts = np.bincount(codes, minlength=2**_DEPTH)
        sums = np.stack([np.bincount(codes, each, 2**_DEPTH) for each in left], axis=1)
        leaves = np.rint(sums / (counts + _SHRINK)[:, np.newaxis] * _RATE).astype(np.int16)
        moves += leaves[codes].T
        all_pairs.append(pairs)
        all_thresholds.append(thresholds)
        all_leaves.append(leaves)
    return np.stack(all_pairs, axis=2), np.stack(all_thresholds, axis=1), np.stack(all_leaves), moves


def evaluate_alignment(alignment: Alignment, n: int = 1000, *, random_state: int = 1) -> AlignmentScore:
    """Judge an alignment on synthetic eyes that it has not learnt from.

    Parameters
    ----------
    alignment : Alignment
        Of `train_alignment`.
    n : int, default 1000
        Synthetic eyes, each in three alignments.
    random_state : int, default 1
        Seed, another than that of the learning.

    Returns
    -------
    AlignmentScore
        How far the middle of the eye is off.
    """
    images, poses = synthesize_framed(n, random_state=random_state)
    off, mean = find_poses(images, alignment)[:, :2] - poses[:, :2], alignment.mean[:2] - poses[:, :2]
    error, unknown = (float(np.sqrt((each.astype(np.float64) ** 2).sum(axis=1).mean()) / UNIT) for each in (off, mean))
    return AlignmentScore(len(images), error, unknown)


def write_alignment(alignment: Alignment) -> bytes:
    """Return what the file of an alignment holds.

    Parameters
    ----------
    alignment : Alignment
        Of `train_alignment`.

    Returns
    -------
    bytes
        An ``.npz`` of whole numbers, without dates: the same alignment is the same bytes.
    """
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **alignment.arrays())
    return buffer.getvalue()
