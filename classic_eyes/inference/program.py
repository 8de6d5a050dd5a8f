"""A fitted model as plain arithmetic: descriptors and matrix products, with numpy and OpenCV alone."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._utils.resources import keep_freed_memory
from ..descriptors import DESCRIPTORS
from ..errors import ModelError
from ..preprocessing.alignment import Alignment, align, find_poses
from ..preprocessing.glare import remove_glare
from .novelty import Novelty

__all__ = [
    "BLOCK",
    "Block",
    "Cascade",
    "Program",
    "Scoring",
    "View",
    "ViewProtocol",
    "blend",
    "blending_weight",
    "reduce_images",
]

Decisions = NDArray[np.float64]
Images = NDArray[np.uint8]
Rows = NDArray[np.float32]
Flips = list[tuple[Images, Images]]  # images and their mirror images
Waiting = tuple[Images, NDArray[np.intp]]  # images for the later views, and their positions

# Enough for BLAS to be at its best; a multiple of what the descriptors take at a time.
_CHUNK = 112
BLOCK = 12 * _CHUNK
"""Images that `Scoring` takes at a time: a multiple of its own chunks and of those of `Novelty`."""
# Up to so many components, a product over all columns costs less than gathering the paired ones.
_NARROW = 96
# The weight of the later views rises over this share of the way from the threshold to 0, so that no prediction jumps.
_FADE = 0.3


@dataclass(frozen=True, eq=False)
class Block:
    """One descriptor of a view, and the weight of each of its columns in the components.

    Parameters
    ----------
    descriptor : str
        A key of `classic_eyes.descriptors.DESCRIPTORS`.
    settings : mapping
        Its keyword arguments.
    mirrored : bool
        Whether it describes the mirror image.
    weights : float32 array of shape (d, n_components), or (k, n_components) with pairs
        Scaler and PCA in one matrix.
    pairs : int array of shape (2, k), optional
        Column pairs (i, j) that a horizontal flip swaps; i == j where nothing changes. Even components then come from
        sums of paired columns and odd ones from differences, half as many as columns.
    """

    descriptor: str
    settings: Mapping[str, Any]
    mirrored: bool
    weights: Rows
    pairs: NDArray[np.intp] | None = None

    # Weights of all columns, where one product over them is quicker; else those of the even and the odd components.
    _whole: Rows | None = field(init=False, repr=False)
    _halves: tuple[Rows, Rows] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        whole: Rows | None = self.weights
        if self.pairs is not None:
            whole = _unpaired(self.weights, self.pairs) if self.weights.shape[1] <= _NARROW else None
        object.__setattr__(self, "_whole", whole)
        half = self.weights.shape[1] // 2
        parts = [] if whole is not None else [self.weights[:, :half], self.weights[:, half:]]
        object.__setattr__(self, "_halves", tuple(np.ascontiguousarray(part) for part in parts))

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if not key.startswith("_")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.__post_init__()

    def project(self, rows: Rows) -> Rows:
        """Return what the columns of ``rows`` (n, d) add to the components (n, n_components)."""
        if self._whole is not None:
            return rows @ self._whole
        assert self.pairs is not None  # without pairs there is `_whole`
        half = self.weights.shape[1] // 2
        one, other = rows.take(self.pairs[0], axis=1), rows.take(self.pairs[1], axis=1)
        z = np.empty((len(rows), 2 * half), np.float32)
        np.matmul(one + other, self._halves[0], out=z[:, :half])
        np.subtract(one, other, out=one)
        np.matmul(one, self._halves[1], out=z[:, half:])
        return z


def _unpaired(weights: Rows, pairs: NDArray[np.intp]) -> Rows:
    """Return the weight of each column, for plain rows instead of sums and differences of paired columns."""
    half, n_columns = weights.shape[1] // 2, int(pairs.max()) + 1
    if n_columns > pairs.size:
        raise ValueError("pairs leave columns out")
    whole = np.zeros((n_columns, weights.shape[1]), np.float32)
    for columns, sign in zip(pairs, (1, -1), strict=True):
        np.add.at(whole, columns, weights * np.repeat(np.array([1, sign], np.float32), half))
    return whole


class ViewProtocol(Protocol):
    """What a `Program` needs of a view. Two classes have it.

    `View`, below, is compiled; files and shipped models hold nothing else. `classic_eyes.training.pipelines.FittedView`
    is a fitted scikit-learn pipeline, for a classifier or an extractor that cannot be compiled.
    """

    @property
    def aligned(self) -> bool:
        """Whether it receives aligned images."""

    @property
    def size(self) -> int | None:
        """Side of the images that it receives; None for that of the program."""

    @property
    def needs_flip(self) -> bool:
        """Whether `describe` uses the mirror images."""

    def describe(self, images: Images, flipped: Images) -> Any:
        """Return the features of images."""

    def decide(self, described: Any) -> Decisions:
        """Return the decision values of what `describe` returned."""


@dataclass(frozen=True, eq=False)
class View:
    """A set of features with its own RBF support vector machine, compiled.

    1. ``z = offset + sum over the blocks of rows @ weights``.
    2. ``a = 2 gamma z s - gamma |z|^2 - gamma |s|^2`` for every support vector ``s``.
    3. Decision value ``exp(a) @ dual + intercept``.

    In a symmetric view the first half of ``z`` is even: a horizontal flip leaves it unchanged. The second half is odd:
    a flip changes its sign. Then ``a`` uses the even half, ``b = 2 gamma z s`` the odd half, and
    ``(exp(a + b) + exp(a - b)) / 2`` replaces ``exp(a)``.

    Parameters
    ----------
    blocks : sequence of Block
        One or more.
    offset : float32 array of shape (n_components,)
        Added after the projection.
    support : float32 array of shape (n_components, n_support)
        Support vectors, as columns.
    dual : float32 array of shape (n_support,)
        Their coefficients.
    intercept : float
        Added to the kernel sum.
    gamma : float
        Width of the kernel, greater than 0.
    symmetric : bool
        Whether an image and its mirror image have the same decision value.
    aligned : bool, default False
        Whether it receives aligned images; see `classic_eyes.preprocessing.align`.
    size : int, optional
        Side of the images that it receives, a divisor of that of the program; by default the same.

    References
    ----------
    Cortes, Vapnik, Machine Learning 20, 1995, doi:10.1007/BF00994018.
    Haasdonk, Burkhardt, Machine Learning 68, 2007, doi:10.1007/s10994-007-5009-7.
    """

    blocks: Sequence[Block]
    offset: Rows
    support: Rows
    dual: Rows
    intercept: float
    gamma: float
    symmetric: bool
    aligned: bool = False
    size: int | None = None

    def __post_init__(self) -> None:
        gamma, support = np.float64(np.float32(self.gamma)), self.support.astype(np.float64)
        half = len(support) // 2 if self.symmetric else len(support)
        # Two more rows, for the squared lengths: one product gives the exponent, without a pass over it for each.
        squares = np.einsum("ij,ij->j", support, support)
        ones = np.ones_like(squares)
        even = np.vstack([2 * gamma * support[:half], -gamma * squares, ones])
        object.__setattr__(self, "_even", np.ascontiguousarray(even))
        object.__setattr__(self, "_odd", np.ascontiguousarray(2 * gamma * support[half:]))
        object.__setattr__(self, "_dual", self.dual.astype(np.float64))

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if not key.startswith("_")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.__post_init__()

    @property
    def needs_flip(self) -> bool:
        """Whether a block describes the mirror image."""
        return any(block.mirrored for block in self.blocks)

    def describe(self, images: Images, flipped: Images) -> list[Rows]:
        """Return the features (n, d) of images (n, size, size), one array for each block."""
        return [
            DESCRIPTORS[block.descriptor](flipped if block.mirrored else images, **block.settings)
            for block in self.blocks
        ]

    def decide(self, described: Sequence[Rows]) -> Decisions:
        """Return the decision values (n,) of what `describe` returned; positive means open."""
        return self.kernel(self.components(described)) @ self._dual + self.intercept  # type: ignore[attr-defined]

    def components(self, described: Sequence[Rows]) -> Rows:
        """Return the components (n, n_components) of what `describe` returned."""
        z = self.blocks[0].project(described[0])
        z += self.offset
        for rows, block in zip(described[1:], self.blocks[1:], strict=True):
            z += block.project(rows)
        return z

    def kernel(self, z: Rows) -> Decisions:
        """Return the kernel (n, n_support) of components and support vectors."""
        # In float32 probabilities would depend on the batch in the fourth digit: large coefficients of both signs
        # cancel in the sum over the kernel.
        z = z.astype(np.float64)
        half = z.shape[1] // 2 if self.symmetric else z.shape[1]
        even = np.empty((len(z), half + 2))
        even[:, :half], even[:, half] = z[:, :half], 1
        np.einsum("ij,ij->i", z, z, out=even[:, half + 1])
        even[:, half + 1] *= -np.float64(np.float32(self.gamma))
        exponent = even @ self._even  # type: ignore[attr-defined]
        if self.symmetric:
            odd = z[:, half:] @ self._odd  # type: ignore[attr-defined]
            other = exponent - odd
            exponent += odd
            cv2.exp(other, other)
            cv2.exp(exponent, exponent)
            exponent += other
            exponent *= 0.5
        else:
            cv2.exp(exponent, exponent)
        return exponent


@dataclass(frozen=True)
class Cascade:
    """Where the later views run.

    Parameters
    ----------
    threshold : float
        They run where the first view's decision value is closer to 0 than this; above 0.

    Raises
    ------
    ValueError
        For a number that is not above 0.
    """

    threshold: float

    def __post_init__(self) -> None:
        if not 0 < self.threshold < np.inf:
            raise ValueError(f"threshold {self.threshold} must be above 0")


def blending_weight(decisions: ArrayLike, threshold: float) -> Decisions:
    """Return the blending weight of the later views, by the decision values of the first.

    It is 0 at the threshold and beyond, and rises to 1 at seven tenths of it.

    >>> blending_weight([-0.1, 0.17, 0.25, 3], 0.2).round(2).tolist()
    [1.0, 0.5, 0.0, 0.0]
    """
    nearness = 1 - np.abs(np.asarray(decisions, dtype=np.float64)) / threshold
    # On a single image np.clip takes five times as long.
    return np.asarray(np.minimum(np.maximum(nearness / _FADE, 0), 1))


def blend(decisions: Sequence[Decisions], threshold: float | None) -> Decisions:
    """Return the decision values of all views together.

    Without a threshold this is their mean; with one, `blending_weight` mixes the first view's value with that mean.

    References
    ----------
    Viola, Jones, "Rapid object detection using a boosted cascade of simple features", CVPR 2001,
    doi:10.1109/CVPR.2001.990517, has the idea; it stops at one side only.

    Examples
    --------
    >>> first, second = np.array([0.1, 0.8]), np.array([0.3, 0.2])
    >>> blend([first, second], None).round(2).tolist(), blend([first, second], 0.5).round(2).tolist()
    ([0.2, 0.5], [0.2, 0.8])
    """
    mean: Decisions = np.mean(decisions, axis=0)
    if threshold is None:
        return mean
    return decisions[0] + blending_weight(decisions[0], threshold) * (mean - decisions[0])


@dataclass(frozen=True, eq=False)
class Program:
    """A fitted model: preprocessing, views, their cascade or average, and the calibration.

    Parameters
    ----------
    size : int
        Side of the images in pixels, the largest that a view receives.
    views : sequence of View or FittedView
        Their decision values are averaged; see `ViewProtocol`.
    flip_average : bool
        Whether the decision values of an image and of its mirror image are averaged; symmetric views need no such
        average.
    slope, intercept : float
        From decision value to log odds of open.
    unsure : float, default 0
        Predictions with log odds closer to 0 are unsure; in training, 5% of the held-out images were.
    novelty : Novelty, optional
        How unlike an eye an image is.
    cascade : Cascade, optional
        When the views after the first run; without one, always.
    remove_glare : bool, default False
        Whether reflections are removed first.
    alignment : Alignment, optional
        What locates the eye, for views that receive aligned images.

    Raises
    ------
    ValueError
        For an aligned view without an alignment, or a view whose size does not divide that of the program.
    """

    size: int
    views: Sequence[ViewProtocol]
    flip_average: bool
    slope: float
    intercept: float
    unsure: float = 0.0
    novelty: Novelty | None = None
    cascade: Cascade | None = None
    remove_glare: bool = False
    alignment: Alignment | None = None

    def __post_init__(self) -> None:
        if self.alignment is None and any(view.aligned for view in self.views):
            raise ValueError("no alignment for an aligned view")
        sizes = {view.size or self.size for view in self.views}
        if any(self.size % size for size in sizes):
            raise ValueError(f"views of {sorted(sizes)} pixels, which do not all divide {self.size}")
        object.__setattr__(self, "_smallest", min(sizes))
        # The eye is located once for all sizes.
        aligned = [view.size or self.size for view in self.views if view.aligned]
        object.__setattr__(self, "_located_at", min(aligned, default=None))

    @property
    def compiled(self) -> bool:
        """Whether every view is a `View`, so that the program can be written as arrays."""
        return all(isinstance(view, View) for view in self.views)

    def log_odds(self, images: Images) -> Decisions:
        """Return the calibrated log odds of open (n,) for gated images (n, size, size)."""
        return self._predict(images, {"features": 0.0, "decision": 0.0})

    def probability(self, images: Images) -> Decisions:
        """Return the calibrated probability of open (n,) for gated images (n, size, size)."""
        return probability_of(self.log_odds(images))

    def novelty_score(self, images: Images) -> Decisions:
        """Return how unlike an eye (n,) gated images are, 0 or more; above 1 is a non-eye.

        Raises
        ------
        ModelError
            For a model that was trained without non-eye detection.
        """
        if self.novelty is None:
            raise ModelError(
                "the model was trained without non-eye detection, so it gives no verdict; train it again on 200 images "
                "or more of 3 groups or more"
            )
        return self.novelty.score(reduce_images(images, self._smallest))  # type: ignore[attr-defined]

    def stages(self, images: Images) -> dict[str, float]:
        """Return the seconds spent in ``features`` and in ``decision`` (projection and kernel) for gated images."""
        seconds = {"features": 0.0, "decision": 0.0}
        self._predict(images, seconds)
        return seconds

    def _predict(self, images: Images, seconds: dict[str, float]) -> Decisions:
        scoring = Scoring(self, len(images), seconds)
        for start in range(0, len(images), BLOCK):
            scoring.add(images[start : start + BLOCK])
        return scoring.finish()

    def _sum_of_views(self, images: Images, views: Sequence[ViewProtocol], seconds: dict[str, float]) -> Decisions:
        """Return the sum of the views' decision values (n,); add the time spent to ``seconds``."""
        began = time.perf_counter()
        by_size = {size: self._prepare(images, size) for size in self._sizes(views)}
        seconds["features"] += time.perf_counter() - began
        decisions = np.empty(len(images))
        for start in range(0, len(images), _CHUNK):
            began = time.perf_counter()
            chunks = {size: part[start : start + _CHUNK] for size, part in by_size.items()}
            inputs = self._inputs(chunks, views)
            seconds["features"] += time.perf_counter() - began
            parts = []
            for k in range(n_flips := len(next(iter(inputs.values())))):
                for view in views:
                    # The features of a view are still in the cache when its decision is computed.
                    began = time.perf_counter()
                    described = view.describe(*inputs[view.size or self.size, view.aligned][k])
                    between = time.perf_counter()
                    parts.append(view.decide(described))
                    seconds["features"] += between - began
                    seconds["decision"] += time.perf_counter() - between
            decisions[start : start + _CHUNK] = np.sum(parts, axis=0) / n_flips
        return decisions

    def components(self, images: Images, number: int) -> list[Rows]:
        """Return the components (n, n_components) of a compiled view, of images and, if averaged, of mirror images."""
        view = self.views[number]
        assert isinstance(view, View)  # others have no components
        parts: list[list[Rows]] = []
        for start in range(0, len(images), _CHUNK):
            part = images[start : start + _CHUNK]
            inputs = self._inputs({size: self._prepare(part, size) for size in self._sizes([view])}, [view])
            flips = inputs[view.size or self.size, view.aligned]
            parts.append([view.components(view.describe(*each)) for each in flips])
        return [np.concatenate(rows) for rows in zip(*parts, strict=True)]

    def _sizes(self, views: Sequence[ViewProtocol]) -> set[int]:
        """Return the sizes of images that views need, and the one at which the eye is located."""
        sizes = {view.size or self.size for view in views}
        if any(view.aligned for view in views):
            sizes.add(self._located_at)  # type: ignore[attr-defined]
        return sizes

    def _prepare(self, images: Images, size: int) -> Images:
        """Return images reduced to a size, without reflections if they are removed."""
        reduced = reduce_images(images, size)
        return remove_glare(reduced) if self.remove_glare else reduced

    def _inputs(self, images: dict[int, Images], views: Sequence[ViewProtocol]) -> dict[tuple[int, bool], Flips]:
        """Return the images that views receive, by their size and by whether they are aligned."""
        inputs = {}
        poses = None
        for size, aligned in {(view.size or self.size, view.aligned) for view in views}:
            if not aligned:
                inputs[size, False] = self._flips(images[size])
                continue
            assert self.alignment is not None  # `__post_init__` refuses its absence
            if poses is None:
                poses = find_poses(images[self._located_at], self.alignment)  # type: ignore[attr-defined]
            inputs[size, True] = self._flips(align(images[size], self.alignment, poses))
        return inputs

    def _flips(self, images: Images) -> Flips:
        if not (self.flip_average or any(view.needs_flip for view in self.views)):
            return [(images, images)]
        flipped = np.ascontiguousarray(images[:, :, ::-1])
        return [(images, flipped), (flipped, images)] if self.flip_average else [(images, flipped)]


class Scoring:
    """Log odds of gated images that come in blocks: the bytes that `Program.log_odds` returns for all, in less memory.

    With a cascade, images for the later views wait until they fill a chunk. Last digits depend on the chunk that an
    image is in; so the chunks are those of all images, wherever blocks are cut.

    Parameters
    ----------
    program : Program
        The fitted model.
    n : int
        Number of all images.
    seconds : dict of str to float, optional
        The time spent in ``features`` and ``decision`` is added.
    """

    def __init__(self, program: Program, n: int, seconds: dict[str, float] | None = None) -> None:
        keep_freed_memory()
        self._program = program
        self._seconds = {"features": 0.0, "decision": 0.0} if seconds is None else seconds
        self._decisions = np.empty(n)
        self._n_seen = 0
        # Images that wait for the later views, and their positions.
        self._waiting = np.empty((0, program.size, program.size), np.uint8)
        self._positions = np.empty(0, np.intp)

    def add(self, images: Images) -> None:
        """Take the next images (m, size, size); every block but the last has `BLOCK` images."""
        for waiting in self.take(images, self.first(images)):
            self.blend(waiting, self.later(waiting))

    def finish(self) -> Decisions:
        """Return the log odds (n,) of all images."""
        for waiting in self.rest():
            self.blend(waiting, self.later(waiting))
        return self._program.slope * self._decisions + self._program.intercept

    # The same in steps: `first` and `later` compute, in any thread; the others keep the order, in one thread.

    def first(self, images: Images) -> Decisions:
        """Return the decision values (m,) of a block by all views or, in a cascade, by the first."""
        program = self._program
        views = program.views if program.cascade is None else program.views[:1]
        return program._sum_of_views(images, views, self._seconds) / len(views)

    def take(self, images: Images, first: Decisions) -> Iterator[Waiting]:
        """Note what `first` returned for the next block; yield images for the later views that fill chunks."""
        program = self._program
        part = slice(self._n_seen, self._n_seen + len(images))
        self._n_seen = part.stop
        self._decisions[part] = first
        if program.cascade is None:
            return
        uncertain = np.flatnonzero(blending_weight(first, program.cascade.threshold))
        if len(uncertain):
            self._waiting = np.concatenate([self._waiting, images[uncertain]])
            self._positions = np.concatenate([self._positions, part.start + uncertain])
            yield from self._taken(len(self._waiting) // _CHUNK * _CHUNK)

    def rest(self) -> Iterator[Waiting]:
        """Yield the images for the later views that fill no chunk, once all blocks were taken."""
        yield from self._taken(len(self._waiting))

    def _taken(self, n: int) -> Iterator[Waiting]:
        if n:
            taken = self._waiting[:n], self._positions[:n]
            self._waiting, self._positions = self._waiting[n:], self._positions[n:]
            yield taken

    def later(self, waiting: Waiting) -> Decisions:
        """Return the sum of the decision values (m,) of waiting images by the later views."""
        return self._program._sum_of_views(waiting[0], self._program.views[1:], self._seconds)

    def blend(self, waiting: Waiting, later: Decisions) -> None:
        """Blend what `later` returned with the decision values of the first view."""
        cascade, positions = self._program.cascade, waiting[1]
        assert cascade is not None  # nothing waits without one
        first = self._decisions[positions]
        mean = (first + later) / len(self._program.views)
        self._decisions[positions] = first + blending_weight(first, cascade.threshold) * (mean - first)


def reduce_images(images: Images, size: int) -> Images:
    """Return images (n, side, side) reduced to a size that divides their side, by block means; the same for their side.

    >>> reduce_images(np.arange(16, dtype=np.uint8).reshape(1, 4, 4), 2).tolist()
    [[[3, 5], [11, 13]]]
    """
    n, side, _ = images.shape
    if side == size:
        return images
    # One call: blocks of an integer number of pixels never reach into the next image.
    stacked = np.ascontiguousarray(images).reshape(n * side, side)
    reduced = cv2.resize(stacked, (size, n * size), interpolation=cv2.INTER_AREA)
    return np.asarray(reduced, dtype=np.uint8).reshape(n, size, size)


def probability_of(log_odds: Decisions) -> Decisions:
    """Return the probabilities of log odds."""
    # tanh, because exp would overflow on one side.
    return 0.5 * (1 + np.tanh(log_odds / 2))
