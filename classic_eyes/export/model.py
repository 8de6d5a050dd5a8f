"""A whole program as ONNX operators: from grey patches to the probability of open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ModelError
from ..inference.program import _FADE, Block, Program, View
from . import images as preprocessing
from .features import Features, add_features
from .graph import Graph, Value
from .novelty import novelty_score

__all__ = ["INPUT", "NOVELTY", "OUTPUT", "build_model", "decide"]

F32, F64 = np.float32, np.float64

INPUT, OUTPUT, NOVELTY = "images", "probability", "novelty"
"""Names of the input, uint8 ``(n, size, size)``, and of the outputs, float32 ``(n,)``."""


def build_model(program: Program, *, novelty: bool = False) -> Any:
    """Return the ``ModelProto`` of a compiled program; with ``novelty`` it has a second output.

    Raises
    ------
    ModelError
        For a view that is not compiled, a descriptor that has no translation, or a model without non-eye detection.
    """
    if not program.compiled:
        raise ModelError("the model wraps a classifier that cannot be compiled, so it cannot be exported to ONNX")
    if novelty and program.novelty is None:
        raise ModelError("the model was trained without non-eye detection; export it without novelty")
    g = Graph()
    images, outputs = g.cast(INPUT, F32), [OUTPUT]
    decisions = _decisions(g, program, images)
    log_odds = g.op("Add", g.op("Mul", decisions, F64(program.slope)), F64(program.intercept))
    g.rename(g.cast(g.op("Sigmoid", log_odds), F32), OUTPUT)
    size = program.size
    if novelty and program.novelty is not None:
        smallest: int = program._smallest  # type: ignore[attr-defined]
        reduced = preprocessing.reduce_images(g, images, size, smallest)
        g.rename(g.cast(novelty_score(g, reduced, program.novelty, smallest), F32), NOVELTY)
        outputs.append(NOVELTY)
    return g.model(
        [(INPUT, np.uint8, ("n", size, size))],
        [(output, np.float32, ("n",)) for output in outputs],
        description=f"Probability that an eye is open, for grey patches of {size} x {size} pixels.",
    )


class _Inputs:
    """The images of a batch in each size, with and without alignment, made once where a view needs them."""

    def __init__(self, g: Graph, program: Program, images: Value, ready: dict[int, Value] | None = None) -> None:
        self.g, self.program, self.images = g, program, images
        self.ready: dict[int, Value] = dict(ready or {})
        self._aligned: dict[int, Value] = {}
        self._poses: preprocessing.Poses | None = None

    def at(self, size: int) -> Value:
        """Return images of a size, without reflections if the program removes them."""
        if size not in self.ready:
            reduced = preprocessing.reduce_images(self.g, self.images, self.program.size, size)
            if self.program.remove_glare:
                reduced = preprocessing.remove_glare(self.g, reduced, size)
            self.ready[size] = reduced
        return self.ready[size]

    def of(self, view: View) -> Value:
        """Return the images that a view receives."""
        size = view.size or self.program.size
        if not view.aligned:
            return self.at(size)
        alignment, located_at = self.program.alignment, self.program._located_at  # type: ignore[attr-defined]
        assert alignment is not None  # `Program` refuses its absence
        if self._poses is None:
            self._poses = preprocessing.find_poses(self.g, self.at(located_at), alignment, located_at)
        if size not in self._aligned:
            self._aligned[size] = preprocessing.align(self.g, self.at(size), self._poses, size)
        return self._aligned[size]


def _decisions(g: Graph, program: Program, images: Value) -> Value:
    """Return the decision values of all views together, float64 (n,)."""
    n_views = len(program.views)
    inputs = _Inputs(g, program, images)
    if program.cascade is None or n_views == 1:
        return g.op("Mul", _sum_of_views(g, program, inputs, program.views), F64(1 / n_views))
    first = _sum_of_views(g, program, inputs, program.views[:1])
    nearness = g.op("Sub", F64(1), g.op("Mul", g.op("Abs", first), F64(1 / program.cascade.threshold)))
    weight = g.op("Clip", g.op("Mul", nearness, F64(1 / _FADE)), F64(0), F64(1))
    # The later views run on the images with a weight. What the first view has prepared is taken along.
    sizes = [program.size, *inputs.ready]
    *some, rows = preprocessing.rows_where(
        g,
        g.op("Greater", weight, F64(0)),
        *((array, (size, size)) for array, size in zip([images, *inputs.ready.values()], sizes, strict=True)),
    )
    later_inputs = _Inputs(g, program, some[0], dict(zip(sizes[1:], some[1:], strict=True)))
    later = _sum_of_views(g, program, later_inputs, program.views[1:])
    # One row more than images: that of zeros, which nothing uses.
    more = g.op("Concat", first, np.zeros(1), axis=0)
    total = g.slice(g.op("ScatterND", more, rows, later), 0, 0, -1)
    mean = g.op("Mul", g.op("Add", first, total), F64(1 / n_views))
    # Where the weight is 0 the total is wrong, and has no effect.
    return g.op("Add", first, g.op("Mul", weight, g.op("Sub", mean, first)))


def _sum_of_views(g: Graph, program: Program, inputs: _Inputs, views: Sequence[Any]) -> Value:
    """Return the sum of the decision values of views, float64 (n,), averaged over mirror images if the program does."""
    parts = []
    for view in views:
        own = inputs.of(view)
        sides = [own, g.flip(own)] if view.needs_flip or program.flip_average else [own]
        side = view.size or program.size
        parts.append(decide(g, view, sides, side))
        if program.flip_average:
            parts.append(decide(g, view, sides[::-1], side))
    total = parts[0] if len(parts) == 1 else g.op("Sum", *parts)
    return g.op("Mul", total, F64(0.5)) if program.flip_average else total


def decide(g: Graph, view: View, sides: Sequence[Value], side: int) -> Value:
    """Return the decision values of a view, float64 (n,), of images and, if it needs them, their mirror images."""
    components: Value | None = None
    for block in view.blocks:
        described = add_features(g, block.descriptor, block.settings, sides[int(block.mirrored)], side)
        projected = g.op("MatMul", described.rows, _weights(g, block, described))
        components = projected if components is None else g.op("Add", components, projected)
    assert components is not None  # a view has a block
    return _kernel_sum(g, view, g.op("Add", components, view.offset.astype(F32)))


def _weights(g: Graph, block: Block, described: Features) -> Value:
    """Return the weight of each column in each component, float32 (d, n_components).

    Of paired columns the file holds the weights once. Runtimes compute the rest when they load it.
    """
    weights = block.weights.astype(F32)
    if block.pairs is None:
        return g.constant(weights[described.columns])
    pair_of = np.zeros(len(described.columns), np.int64)
    signs = np.zeros((len(described.columns), 2), F32)
    for columns, sign in zip(block.pairs, (1, -1), strict=True):
        pair_of[columns] = np.arange(len(columns))
        np.add.at(signs, columns, np.array([1, sign], F32))
    pair_of, signs = pair_of[described.columns], signs[described.columns]
    half = weights.shape[1] // 2
    parts = g.reshape(g.op("Gather", g.constant(weights), pair_of, axis=0), -1, 2, half)
    return g.reshape(g.op("Mul", parts, signs[:, :, np.newaxis]), -1, 2 * half)


def _kernel_sum(g: Graph, view: View, z: Value) -> Value:
    """Return the decision values of components (n, n_components), float64 (n,)."""
    n_components = len(view.support)
    half = n_components // 2 if view.symmetric else n_components
    gamma = F64(F32(view.gamma))
    # In float32 the rounding of the kernel would reach the fourth digit: large coefficients of both signs cancel.
    z = g.cast(z, F64)
    support = g.cast(g.constant(view.support.astype(F32)), F64)
    squares = np.einsum("ij,ij->j", view.support, view.support, dtype=F64)
    length = g.op("Mul", g.reduce("ReduceSumSquare", z, 1), -gamma)
    doubled = g.op("Mul", z, 2 * gamma)
    even, odd = doubled, None
    if view.symmetric:
        even, odd = (g.slice(doubled, 1, *part) for part in ((0, half), (half, n_components)))
    exponent = g.op("MatMul", even, g.slice(support, 0, 0, half))
    exponent = g.op("Add", g.op("Add", exponent, -gamma * squares), length)
    if odd is None:
        kernel = g.op("Exp", exponent)
    else:
        odd = g.op("MatMul", odd, g.slice(support, 0, half, n_components))
        pair = [g.op("Exp", g.op(kind, exponent, odd)) for kind in ("Add", "Sub")]
        kernel = g.op("Add", *pair)
    # Half of a float32 is exact.
    dual = g.cast(g.constant((view.dual * F32(0.5 if view.symmetric else 1)).astype(F32).reshape(-1, 1)), F64)
    return g.reshape(g.op("Add", g.op("MatMul", kernel, dual), F64(view.intercept)), -1)
