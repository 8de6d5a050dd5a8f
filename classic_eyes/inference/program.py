"""A compiled model: descriptors and float32 matrix products, with numpy and OpenCV alone."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .._utils.memory import keep_freed_memory
from ..descriptors import DESCRIPTORS
from ..preprocessing.alignment import Alignment, align
from ..preprocessing.glare import remove_glare
from .cascade import Cascade, doubt
from .novelty import Novelty
from .parts import check_descriptor, pack, unpack

__all__ = ["Block", "View", "Program"]

Margins = NDArray[np.float64]
Rows = NDArray[np.float32]
Flips = list[tuple[NDArray[np.uint8], NDArray[np.uint8]]]  # images and their mirror images

# Enough for BLAS to be at its best; a multiple of what the descriptors take at a time.
_CHUNK = 112
# Up to so many components a product over all columns costs less than to gather those that are paired.
_NARROW = 96


@dataclass(frozen=True, eq=False)
class Block:
    """One descriptor of a view and what each of its columns adds to the components.

    Parameters
    ----------
    descriptor : str
        A key of `classic_eyes.descriptors.DESCRIPTORS`.
    settings : mapping
        Its keyword arguments.
    mirrored : bool
        Whether it is asked about the mirror image.
    weights : float32 array of shape (d, n_components), or (k, n_components) with pairs
        Scaler and PCA in one.
    pairs : int array of shape (2, k), optional
        Columns that change places in the mirror image, one above the other; one that stays stands above itself. Then
        even components come of their sums, odd ones of their differences, which are half as many as the columns.
    """

    descriptor: str
    settings: Mapping[str, Any]
    mirrored: bool
    weights: Rows
    pairs: NDArray[np.intp] | None = None

    # What a product over all columns takes, where that is the quicker way; else what even and odd components take.
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

    def project(self, rows: Rows) -> Rows:
        """Say what the columns add to the components.

        Parameters
        ----------
        rows : float32 array of shape (n, d)
            What the descriptor gave.

        Returns
        -------
        float32 array of shape (n, n_components)
            To be added up over the blocks.
        """
        if self._whole is not None:
            return rows @ self._whole
        assert self.pairs is not None  # without, `_whole` is there
        half = self.weights.shape[1] // 2
        one, other = rows.take(self.pairs[0], axis=1), rows.take(self.pairs[1], axis=1)
        z = np.empty((len(rows), 2 * half), np.float32)
        np.matmul(one + other, self._halves[0], out=z[:, :half])
        np.subtract(one, other, out=one)
        np.matmul(one, self._halves[1], out=z[:, half:])
        return z


def _unpaired(weights: Rows, pairs: NDArray[np.intp]) -> Rows:
    """Return the weight of each column, for rows as they are instead of sums and differences of paired columns."""
    half, n_columns = weights.shape[1] // 2, int(pairs.max()) + 1
    if n_columns > pairs.size:
        raise ValueError("pairs leave columns out")
    whole = np.zeros((n_columns, weights.shape[1]), np.float32)
    for columns, sign in zip(pairs, (1, -1), strict=True):
        np.add.at(whole, columns, weights * np.repeat(np.array([1, sign], np.float32), half))
    return whole


@dataclass(frozen=True, eq=False)
class View:
    """Features that are learnt together, and their machine.

    1. ``z = offset + sum over the blocks of rows @ weights``.
    2. ``a = 2 gamma z s - gamma |z|^2 - gamma |s|^2`` for every support vector ``s``.
    3. ``margin = exp(a) @ dual + intercept``.

    Of a mirror machine the first half of ``z`` is even, the second, odd, one has the other sign for the mirror image;
    then ``a`` comes of the even half and ``b = 2 gamma z s`` of the odd one, and ``(exp(a + b) + exp(a - b)) / 2``
    stands for ``exp(a)``.

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
    mirror : bool
        Whether the machine is a mirror machine.
    aligned : bool, default False
        Whether it is shown the eye in the middle of its image, level and as wide as it.

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
    mirror: bool
    aligned: bool = False

    def __post_init__(self) -> None:
        gamma = np.float32(self.gamma)
        half = len(self.support) // 2 if self.mirror else len(self.support)
        # Two more rows, for the squared lengths: one product gives the exponent, without a pass over it for each.
        squares = np.einsum("ij,ij->j", self.support, self.support)
        ones = np.ones_like(squares)
        even = np.vstack([2 * gamma * self.support[:half], -gamma * squares, ones])
        object.__setattr__(self, "_even", np.ascontiguousarray(even, dtype=np.float32))
        object.__setattr__(self, "_odd", np.ascontiguousarray(2 * gamma * self.support[half:]))
        object.__setattr__(self, "_dual", self.dual.astype(np.float64))

    def describe(self, images: NDArray[np.uint8], flipped: NDArray[np.uint8]) -> list[Rows]:
        """Compute the features, a block after the other.

        Parameters
        ----------
        images, flipped : uint8 array of shape (n, size, size)
            The images, and their mirror images, which are not looked at where no block is mirrored.

        Returns
        -------
        list of float32 array of shape (n, d)
            One for each block.
        """
        return [
            DESCRIPTORS[block.descriptor](flipped if block.mirrored else images, **block.settings)
            for block in self.blocks
        ]

    def decide(self, described: Sequence[Rows]) -> Margins:
        """Return the margins of what `describe` gave.

        Parameters
        ----------
        described : sequence of float32 array of shape (n, d)
            One for each block.

        Returns
        -------
        float64 array of shape (n,)
            Positive means open.
        """
        z = self.blocks[0].project(described[0])
        z += self.offset
        for rows, block in zip(described[1:], self.blocks[1:], strict=True):
            z += block.project(rows)
        half = z.shape[1] // 2 if self.mirror else z.shape[1]
        even = np.empty((len(z), half + 2), np.float32)
        even[:, :half], even[:, half] = z[:, :half], 1
        np.einsum("ij,ij->i", z, z, out=even[:, half + 1])
        even[:, half + 1] *= -np.float32(self.gamma)
        exponent = even @ self._even  # type: ignore[attr-defined]
        if self.mirror:
            odd = z[:, half:] @ self._odd  # type: ignore[attr-defined]
            other = exponent - odd
            exponent += odd
            # Four times quicker than numpy's.
            cv2.exp(other, other)
            cv2.exp(exponent, exponent)
            exponent += other
            exponent *= 0.5
        else:
            cv2.exp(exponent, exponent)
        # Large coefficients of both signs cancel: added up in float32 they leave twice the error.
        return exponent.astype(np.float64) @ self._dual + self.intercept  # type: ignore[attr-defined]


@dataclass(frozen=True, eq=False)
class Program:
    """All that is needed to answer: views, their average, and the calibration.

    Parameters
    ----------
    size : int
        Side of the images in pixels.
    views : sequence of View
        Their margins are averaged.
    flip_average : bool
        Whether the margins of an image and of its mirror image are averaged; a mirror machine needs no such thing.
    slope, intercept : float
        From margin to log odds of open.
    unsure : float, default 0
        Log odds nearer to 0 than that were among the least sure twentieth of images left out in training.
    novelty : Novelty, optional
        How unlike an eye an image is.
    cascade : Cascade, optional
        When the views beyond the first are asked; always, without one.
    remove_glare : bool, default False
        Whether reflections are taken out of the images first.
    alignment : Alignment, optional
        What finds the eye for the views that are shown it aligned.

    Raises
    ------
    ValueError
        For an aligned view without an alignment.
    """

    size: int
    views: Sequence[View]
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

    def log_odds(self, images: NDArray[np.uint8]) -> Margins:
        """Return the calibrated log odds of open.

        Parameters
        ----------
        images : uint8 array of shape (n, size, size)
            Through the gate.

        Returns
        -------
        float64 array of shape (n,)
            Positive means open.
        """
        return self._answer(images, {"features": 0.0, "decision": 0.0})

    def _answer(self, images: NDArray[np.uint8], seconds: dict[str, float]) -> Margins:
        keep_freed_memory()
        if self.remove_glare:
            began = time.perf_counter()
            images = remove_glare(images)
            seconds["features"] += time.perf_counter() - began
        if self.cascade is None:
            margins = self._add_up(images, self.views, seconds) / len(self.views)
        else:
            margins = self._in_turn(images, self.cascade, seconds)
        return self.slope * margins + self.intercept

    def _in_turn(self, images: NDArray[np.uint8], cascade: Cascade, seconds: dict[str, float]) -> Margins:
        margins = self._add_up(images, self.views[:1], seconds) / cascade.share
        say = doubt(margins, cascade.threshold)
        asked = np.flatnonzero(say)
        if len(asked):
            own = margins[asked]
            others = self._add_up(images[asked], self.views[1:], seconds)
            mean = (cascade.share * own + others) / len(self.views)
            margins[asked] = own + say[asked] * (mean - own)
        return margins

    def _add_up(self, images: NDArray[np.uint8], views: Sequence[View], seconds: dict[str, float]) -> Margins:
        """Return the sum of the views' margins, and note where the time goes."""
        margins = np.empty(len(images))
        for start in range(0, len(images), _CHUNK):
            began = time.perf_counter()
            shown = self._shown(images[start : start + _CHUNK], views)
            seconds["features"] += time.perf_counter() - began
            parts = []
            for k in range(n_flips := len(next(iter(shown.values())))):
                for view in views:
                    # What a view computed is still in the cache when it decides.
                    began = time.perf_counter()
                    described = view.describe(*shown[view.aligned][k])
                    between = time.perf_counter()
                    parts.append(view.decide(described))
                    seconds["features"] += between - began
                    seconds["decision"] += time.perf_counter() - between
            margins[start : start + _CHUNK] = np.sum(parts, axis=0) / n_flips
        return margins

    def _shown(self, images: NDArray[np.uint8], views: Sequence[View]) -> dict[bool, Flips]:
        """Return what views are shown, by whether they are aligned."""
        shown = {}
        for aligned in {view.aligned for view in views}:
            if aligned:
                assert self.alignment is not None  # refused where there is none
                shown[True] = self._flips(align(images, self.alignment))
            else:
                shown[False] = self._flips(images)
        return shown

    def _flips(self, images: NDArray[np.uint8]) -> Flips:
        if not (self.flip_average or any(block.mirrored for view in self.views for block in view.blocks)):
            return [(images, images)]
        flipped = np.ascontiguousarray(images[:, :, ::-1])
        return [(images, flipped), (flipped, images)] if self.flip_average else [(images, flipped)]

    def probability(self, images: NDArray[np.uint8]) -> Margins:
        """Return the calibrated probability of open.

        Parameters
        ----------
        images : uint8 array of shape (n, size, size)
            Through the gate.

        Returns
        -------
        float64 array of shape (n,)
            From 0 to 1.
        """
        # tanh, for exp would overflow on one side.
        return 0.5 * (1 + np.tanh(self.log_odds(images) / 2))

    def stages(self, images: NDArray[np.uint8]) -> dict[str, float]:
        """Say where the time goes.

        Parameters
        ----------
        images : uint8 array of shape (n, size, size)
            Through the gate.

        Returns
        -------
        dict of str to float
            Seconds: ``features``, and ``decision`` for the projection and the machine.
        """
        seconds = {"features": 0.0, "decision": 0.0}
        self._answer(images, seconds)
        return seconds

    def to_parts(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Take the program apart, for a file.

        Returns
        -------
        header : dict
            What JSON can hold; an array is the name of an entry of ``arrays``, as ``{"array": name}``.
        arrays : dict of str to ndarray
            The rest.
        """
        arrays: dict[str, NDArray[Any]] = {}
        views = []
        for i, view in enumerate(self.views):
            blocks = []
            for j, block in enumerate(view.blocks):
                name = f"view{i}.block{j}"
                blocks.append(
                    {
                        "descriptor": block.descriptor,
                        "settings": pack(arrays, name, dict(sorted(block.settings.items()))),
                        "mirrored": block.mirrored,
                        **pack(arrays, name, {"weights": block.weights, "pairs": block.pairs}),
                    }
                )
            parts = pack(arrays, f"view{i}", {key: getattr(view, key) for key in ("offset", "support", "dual")})
            numbers = {"intercept": view.intercept, "gamma": view.gamma, "mirror": view.mirror}
            numbers |= {"aligned": True} if view.aligned else {}
            views.append({"blocks": blocks, **parts, **numbers})
        header = {"size": self.size, "flip_average": self.flip_average, "views": views}
        header |= {"slope": self.slope, "intercept": self.intercept, "unsure": self.unsure, "novelty": None}
        if self.cascade is not None:
            header["cascade"] = asdict(self.cascade)
        if self.remove_glare:
            header["remove_glare"] = True
        if self.alignment is not None:
            header["alignment"] = pack(arrays, "alignment", self.alignment.arrays())
        if self.novelty is not None:
            header["novelty"], further = self.novelty.to_parts()
            arrays |= further
        return header, arrays

    @classmethod
    def from_parts(cls, header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Program:
        """Put a program together again.

        Parameters
        ----------
        header : mapping
            As `to_parts` gave it; it may come from anywhere.
        arrays : mapping of str to ndarray
            As `to_parts` gave them.

        Returns
        -------
        Program
            Ready to answer.

        Raises
        ------
        ModelError
            For a descriptor that this version does not know.
        KeyError, TypeError, ValueError
            For parts that do not belong together.
        """
        views = []
        for view in header["views"]:
            blocks = [
                Block(
                    check_descriptor(block["descriptor"]),
                    unpack(arrays, block["settings"]),
                    bool(block["mirrored"]),
                    unpack(arrays, block["weights"]),
                    unpack(arrays, block.get("pairs")),
                )
                for block in view["blocks"]
            ]
            offset, support, dual = (unpack(arrays, view[key]) for key in ("offset", "support", "dual"))
            intercept, gamma = float(view["intercept"]), float(view["gamma"])
            mirror, aligned = bool(view["mirror"]), bool(view.get("aligned", False))
            views.append(View(tuple(blocks), offset, support, dual, intercept, gamma, mirror, aligned))
        if not views or not all(view.blocks for view in views):
            raise ValueError("no features")
        novelty, cascade, alignment = (header.get(key) for key in ("novelty", "cascade", "alignment"))
        return cls(
            int(header["size"]),
            tuple(views),
            bool(header["flip_average"]),
            float(header["slope"]),
            float(header["intercept"]),
            float(header.get("unsure", 0)),
            None if novelty is None else Novelty.from_parts(novelty, arrays),
            None if cascade is None else Cascade(float(cascade["threshold"]), float(cascade["share"])),
            bool(header.get("remove_glare", False)),
            None if alignment is None else Alignment.of(unpack(arrays, alignment)),
        )
