"""Train and evaluate the alignment: ferns that find the eye in its patch, trained on synthetic eyes."""

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
    find_poses,
    move_poses,
    normalize_contrast,
    sample_pixels,
)
from classic_eyes.synthetic import make_eyes

__all__ = [
    "MAX_EYES",
    "MIN_EYES",
    "AlignmentScore",
    "evaluate_alignment",
    "make_posed_eyes",
    "poses_of",
    "train_alignment",
    "write_alignment",
]

# Levels, ferns of each, and comparisons of a fern; more of any of them gained little for their time.
_LEVELS, _FERNS, _DEPTH = 4, 150, 6
_POOL = 200  # places that a level samples
_REACH = (11.5, 9.0)  # largest distance of a place from the middle of the eye in pixels, across and down
_SHRINK = 200.0  # shrinkage of a leaf, in rows
_RATE = 0.3  # learning rate
_STARTS = 2  # start poses of each image: the mean pose, and random ones
_SHARE = 0.5  # share of the pairs of places that a comparison may choose from
_COPIES = 2  # of each synthetic eye, at other poses
# Ranges of the copies' poses: about all at which a patch still shows one eye.
_ZOOM, _TURN, _RIGHT, _DOWN = (0.65, 1.35), 15.0, 3.0, (-3.0, 4.5)
_BLURRED, _BLUR, _NOISY, _NOISE = 0.4, (0.4, 1.2), 0.4, (1.0, 6.0)

MIN_EYES, MAX_EYES = 100, 100_000
"""Numbers of synthetic eyes to train on; the maximum takes some ten gigabytes."""

Floats = NDArray[np.float32]
Poses = NDArray[np.complex128]


@dataclass(frozen=True)
class AlignmentScore:
    """Root mean square distance between found and true middle of the eye, in pixels of 24.

    `baseline_error` is that of the mean pose, without any search; `n` is the number of images.
    """

    n: int
    error: float
    baseline_error: float


def poses_of(points: NDArray[np.floating]) -> NDArray[np.int32]:
    """Return the poses, shape (n, 4), of eyes with landmarks of shape (n, 6, 2), as `find_poses` encodes them."""
    points = np.asarray(points, dtype=np.float64)
    middle = points.mean(axis=1) - (SIDE - 1) / 2
    width = (points[:, 3] - points[:, 0]) / EYE_WIDTH
    return np.rint(np.hstack([middle, width]) * UNIT).astype(np.int32)


def make_posed_eyes(n: int, *, random_state: int = 0) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Return `n` synthetic eyes and two copies of each at wider poses, some blurred or noisy, with their 3 n poses."""
    eyes = make_eyes(n, size=SIDE, random_state=random_state)
    images, points = [eyes.images], [eyes.landmarks.astype(np.float64)]
    rng = np.random.default_rng([random_state, n])
    for _ in range(_COPIES):
        copies, moved = np.empty_like(eyes.images), np.empty_like(points[0])
        for k, (image, own) in enumerate(zip(eyes.images, points[0], strict=True)):
            copies[k], moved[k] = _move(image, own, rng)
        images.append(copies)
        points.append(moved)
    return np.concatenate(images), poses_of(np.concatenate(points))


def _move(
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
    """Train an alignment on synthetic eyes; the same seed gives the same numbers on the same machine.

    1. The images are those of `make_posed_eyes` and their mirror images. The search starts at the mean pose and at a
       random one.
    2. Each level draws 200 places. Each of its ferns takes a random direction of the residual pose and, six times, the
       two places whose difference correlates with it most. The comparisons split the rows into 64 leaves. Each leaf
       adds a third of the mean residual of its rows, shrunk where they are few.
    3. All poses are moved by the sum of the level's ferns, in the integers used at prediction.

    References: see `classic_eyes.preprocessing.alignment.find_poses`.
    """
    if not MIN_EYES <= n <= MAX_EYES:
        raise ParameterError(
            f"n is {n!r}; allowed is {MIN_EYES} to {MAX_EYES:,} synthetic eyes; the shipped file is trained on 16000"
        )
    images, poses = make_posed_eyes(n, random_state=random_state)
    rng = np.random.default_rng(random_state)
    columns = normalize_contrast(np.concatenate([images, images[:, :, ::-1]]))
    both = np.concatenate([poses, poses * [-1, 1, 1, -1]])
    mean = np.rint(both.mean(axis=0)).astype(np.int32)
    target = np.tile(both.astype(np.float64).view(np.complex128), (_STARTS, 1))
    columns = np.tile(columns, _STARTS)
    found = _starts(mean, len(images) * 2, rng)
    trained = []
    for _ in range(_LEVELS):
        places = np.rint(rng.uniform(-1, 1, (_POOL, 2)) * _REACH * PLACE).astype(np.int16)
        plane = places.astype(np.float32).view(np.complex64)[:, 0]
        values = sample_pixels(columns, found, plane, SIDE).astype(np.float32)
        pairs, thresholds, leaves, moves = _train_level(values, _residual(found, target), rng)
        trained.append((places, pairs, thresholds, leaves))
        found = move_poses(found, np.ascontiguousarray(moves.T))
    return Alignment(mean, *(np.stack(each) for each in zip(*trained, strict=True)))


def _starts(mean: NDArray[np.int32], n: int, rng: np.random.Generator) -> Poses:
    poses = np.repeat(mean.astype(np.float64).view(np.complex128)[np.newaxis], n * _STARTS, axis=0)
    others = n * (_STARTS - 1)
    off = rng.normal(0, 1.5 * UNIT, (others, 2)).view(np.complex128)[:, 0]
    poses[n:, 0] += off
    poses[n:, 1] *= np.exp(rng.normal(0, 0.12, (others, 2)).view(np.complex128)[:, 0])
    return np.rint(poses)


def _residual(found: Poses, target: Poses) -> Floats:
    """Return the moves, shape (4, n), with which `move_poses` turns one pose into the other."""
    residual = target.copy()
    residual[:, 0] -= found[:, 0]
    residual *= UNIT / found[:, 1:]
    residual[:, 1] -= UNIT
    return np.ascontiguousarray(residual.view(np.float64).T, dtype=np.float32)


def _train_level(
    values: Floats, residual: Floats, rng: np.random.Generator
) -> tuple[NDArray[np.int16], NDArray[np.int16], NDArray[np.int16], NDArray[np.int32]]:
    """Return pairs, thresholds and leaves of the ferns of a level, and the sum that they add to each row."""
    # A shift by a pixel and a rotation that moves the corners by a pixel have the same weight.
    weight = np.array([1, 1, EYE_WIDTH / 2, EYE_WIDTH / 2], np.float32)[:, np.newaxis]
    centred = values - values.mean(axis=1, keepdims=True)
    products = centred @ centred.T / len(values.T)
    variance = np.diag(products)
    deviation = np.sqrt(np.maximum(variance[:, np.newaxis] + variance - 2 * products, 1e-3))
    moves = np.zeros(residual.shape, np.int32)
    all_pairs, all_thresholds, all_leaves = [], [], []
    for _ in range(_FERNS):
        left = residual - moves
        directions = rng.normal(size=(_DEPTH, 4)).astype(np.float32) @ (
            weight * (left - left.mean(axis=1, keepdims=True))
        )
        covariance = centred @ directions.T / len(values.T)
        pairs = np.empty((2, _DEPTH), np.int16)
        thresholds = np.empty(_DEPTH, np.int16)
        codes = np.zeros(values.shape[1], np.int64)
        for k in range(_DEPTH):
            correlation = np.abs(covariance[:, k, np.newaxis] - covariance[:, k]) / deviation
            correlation[rng.random(correlation.shape) >= _SHARE] = 0
            one, other = pairs[:, k] = np.unravel_index(correlation.argmax(), correlation.shape)
            difference = values[one] - values[other]
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
    """Evaluate an alignment on synthetic eyes of another seed than it was trained on."""
    images, poses = make_posed_eyes(n, random_state=random_state)
    off, mean = find_poses(images, alignment)[:, :2] - poses[:, :2], alignment.mean[:2] - poses[:, :2]
    error, baseline = (float(np.sqrt((each.astype(np.float64) ** 2).sum(axis=1).mean()) / UNIT) for each in (off, mean))
    return AlignmentScore(len(images), error, baseline)


def write_alignment(alignment: Alignment) -> bytes:
    """Return the bytes of an ``.npz`` file without dates: equal alignments give equal bytes."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **alignment.arrays())
    return buffer.getvalue()
