"""Novelty detection as ONNX operators."""

from __future__ import annotations

import numpy as np

from ..inference import novelty as detection
from ..inference.novelty import Novelty, Subspace
from .features import add_features
from .graph import Graph, Value

__all__ = ["novelty_score"]

F32, F64 = np.float32, np.float64


def novelty_score(g: Graph, images: Value, novelty: Novelty, side: int) -> Value:
    """Add `Novelty.score`: float64 (n,) of images (n, side, side)."""
    parts = []
    numbers = zip(novelty.subspaces, novelty.middle, novelty.above, novelty.below, strict=True)
    for subspace, middle, above, below in numbers:
        apart = g.op("Sub", _log_residual(g, images, subspace, side), F64(middle))
        for distance, weight in ((above, 1.0), (-below, detection._BELOW_WEIGHT)):
            ratio = g.op("Max", g.op("Div", apart, F64(distance)), F64(0))
            parts.append(g.op("Mul", g.op("Mul", ratio, ratio), F64(weight / novelty.threshold)))
    return g.op("Max", g.op("Sum", *parts), _flatness(g, images, side))


def _log_residual(g: Graph, images: Value, subspace: Subspace, side: int) -> Value:
    """Add `Subspace.log_residual`: float64 (n,)."""
    described = add_features(g, subspace.descriptor, subspace.settings, images, side)
    scale, offset = (each[described.columns].astype(F32) for each in (subspace.scale, subspace.offset))
    rows = g.op("Sub", g.op("Mul", described.rows, scale), offset)
    components = g.cast(g.constant(subspace.components[described.columns]), F32)
    inside = g.op("MatMul", rows, components)
    whole, explained = (g.reduce("ReduceSumSquare", g.cast(each, F64), 1, keep=False) for each in (rows, inside))
    left = g.op("Mul", g.op("Sub", whole, explained), F64(1 / len(scale)))
    return g.op("Log", g.op("Max", left, F64(detection._SMALLEST)))


def _flatness(g: Graph, images: Value, side: int) -> Value:
    """Add `_flatness` of the novelty detection: float64 (n,)."""
    rows, columns, areas = detection._cells(side)
    sums = g.reshape(g.cast(g.op("MatMul", rows, g.op("MatMul", images, columns)), F64), -1, areas.size)
    means = g.op("Div", sums, areas)
    centred = g.op("Sub", means, g.reduce("ReduceMean", means, 1))
    variance = g.op("Mul", g.reduce("ReduceSumSquare", centred, 1, keep=False), F64(1 / areas.size))
    contrast = g.op("Sqrt", variance)
    limit = detection._FLAT
    score = g.op("Div", F64(limit), g.op("Max", contrast, F64(limit / 100)))
    return g.op("Where", g.op("Less", contrast, F64(limit)), score, F64(0))
