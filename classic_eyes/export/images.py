"""Reduction, glare removal and alignment of images as ONNX operators.

Images are float32 of shape (n, side, side) with whole grey levels. Every step gives the bits of its function in
`classic_eyes.preprocessing`, because a change of one grey level changes the features.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..preprocessing import alignment as aligning
from ..preprocessing import glare as removal
from ..preprocessing.alignment import Alignment
from .graph import Graph, Value

__all__ = ["Poses", "align", "find_poses", "reduce_images", "remove_glare", "rows_where"]

F32, F64 = np.float32, np.float64


class Poses(NamedTuple):
    """Coordinates of the pose of each image, float64 (n,)."""

    x: Value
    y: Value
    a: Value
    b: Value


def reduce_images(g: Graph, images: Value, side: int, size: int) -> Value:
    """Add `classic_eyes.inference.program.reduce_images`."""
    if side == size:
        return images
    k = side // size
    blocks = g.reshape(images, -1, size, k, size, k)
    total = g.reduce("ReduceSum", blocks, 2, 4, keep=False)
    if k == 2:  # OpenCV rounds halves up here, and else to even
        return g.op("Floor", g.op("Mul", g.op("Add", total, F32(2)), F32(0.25)))
    return g.op("Round", g.op("Mul", total, F32(1 / k**2)))


def rows_where(g: Graph, condition: Value, *arrays: tuple[Value, tuple[int, ...]]) -> tuple[Value, ...]:
    """Return the rows of arrays where a condition (n,) holds, and one row of zeros more; arrays come with their shapes.

    Some operators of some runtimes fail on no rows at all. The last result is the numbers of the rows, int64 (m, 1);
    that of the row of zeros is n.
    """
    more = g.op("Concat", condition, np.array([True]), axis=0)
    kept = [
        g.op("Compress", g.op("Concat", array, np.zeros((1, *shape), F32), axis=0), more, axis=0)
        for array, shape in arrays
    ]
    return (*kept, g.op("Transpose", g.op("NonZero", more), perm=[1, 0]))


def _with_rows(g: Graph, array: Value, shape: tuple[int, ...], rows: Value, values: Value) -> Value:
    """Return an array in which some rows have other values, those of `rows_where`."""
    more = g.op("Concat", array, np.zeros((1, *shape), F32), axis=0)
    return g.slice(g.op("ScatterND", more, rows, values), 0, 0, -1)


def _dilate(g: Graph, images: Value, width: int) -> Value:
    """Return the maximum of each square neighbourhood of images (n, 1, side, side)."""
    reach = width // 2
    padded = g.op("Pad", images, np.array([0, 0, reach, reach] * 2), F32(-256))
    across = g.op("MaxPool", padded, kernel_shape=[1, width])
    return g.op("MaxPool", across, kernel_shape=[width, 1])


def remove_glare(g: Graph, images: Value, side: int) -> Value:
    """Add `classic_eyes.preprocessing.remove_glare`."""
    opening, neighbourhood = len(removal._OPENING), len(removal._NEIGHBOURHOOD)
    levels = g.reshape(images, -1, 1, side, side)
    eroded = g.op("Neg", _dilate(g, g.op("Neg", levels), opening))
    threshold = g.op("Add", g.reduce("ReduceMax", eroded, 1, 2, 3), F32(removal._SEED_CONTRAST))
    bright = g.reshape(g.op("Greater", g.reduce("ReduceMax", levels, 1, 2, 3), threshold), -1)
    shape = (1, side, side)
    some, eroded, threshold, rows = rows_where(g, bright, (levels, shape), (eroded, shape), (threshold, (1, 1, 1)))
    opened = _dilate(g, eroded, opening)
    near = _dilate(g, g.cast(g.op("Greater", some, threshold), F32), opening)
    fringe = g.cast(g.op("Greater", g.op("Sub", some, opened), F32(removal._FRINGE_CONTRAST)), F32)
    glare = _dilate(g, g.op("Mul", near, fringe), neighbourhood)
    area = g.reduce("ReduceSum", glare, 1, 2, 3)
    small = g.cast(g.op("LessOrEqual", area, F32(removal._MAX_AREA * side**2)), F32)
    glare = g.op("Mul", glare, small)
    filled = _inpaint(g, g.reshape(some, -1), g.reshape(glare, -1), g.reshape(opened, -1), side)
    return _with_rows(g, images, (side, side), rows, g.reshape(filled, -1, side, side))


def _inpaint(g: Graph, levels: Value, glare: Value, start: Value, side: int) -> Value:
    """Return grey levels in which glare is filled; all are vectors of all pixels."""
    pixels = g.reshape(g.op("NonZero", glare), -1)
    column = g.op("Mod", pixels, np.int64(side))
    row = g.op("Mod", g.op("Div", pixels, np.int64(side)), np.int64(side))

    def inside(condition: str, position: Value, limit: int, step: int) -> Value:
        """Return the offset to a neighbour, 0 at the border: there a pixel is its own neighbour."""
        return g.op("Mul", g.cast(g.op(condition, position, np.int64(limit)), np.int64), np.int64(step))

    offsets = [
        inside("Greater", column, 0, -1),
        inside("Greater", row, 0, -side),
        inside("Less", column, side - 1, 1),
        inside("Less", row, side - 1, side),
    ]
    neighbours = g.op("Concat", *(g.op("Add", pixels, each) for each in offsets), axis=0)
    fixed = g.op("Equal", g.lookup(glare, neighbours), F32(0))
    # Values of glare pixels, then of all neighbours. A neighbour that is glare is looked up in the first part.
    number = g.op("Sub", g.op("CumSum", g.cast(glare, np.int64), np.array(0)), np.int64(1))
    n = g.op("Shape", pixels)
    position = g.op("Range", g.reshape(n), g.reshape(g.op("Mul", n, np.int64(5))), np.int64(1))
    index = g.op("Where", fixed, position, g.lookup(number, neighbours))
    around = g.cast(g.lookup(levels, neighbours), F64)

    def iteration(body: Graph, inner: Value) -> Value:
        values = body.reshape(body.lookup(body.op("Concat", inner, around, axis=0), index), 2, 2, -1)
        # Opposite neighbours first, as the function does.
        total = body.reduce("ReduceSum", body.reduce("ReduceSum", values, 0, keep=False), 0, keep=False)
        return body.op("Mul", total, F64(0.25))

    inner = g.loop(removal._ITERATIONS, g.cast(g.lookup(start, pixels), F64), F64, iteration)
    filled = g.cast(g.op("Floor", g.op("Add", inner, F64(0.5))), F32)
    return g.op("ScatterElements", levels, pixels, filled, axis=0)


def _normalize_contrast(g: Graph, images: Value, side: int) -> Value:
    """Add `normalize_contrast` of the alignment: float32 (n, side, side) of whole numbers."""
    size = side**2
    levels = g.reshape(g.cast(images, F64), -1, size)
    # Sums of whole numbers below 2 ** 53 are exact in any order.
    total = g.reduce("ReduceSum", levels, 1)
    squares = g.reduce("ReduceSum", g.op("Mul", levels, levels), 1)
    spread = g.op("Sub", g.op("Mul", squares, F64(size)), g.op("Mul", total, total))
    deviation = g.op("Sqrt", g.op("Div", spread, F64(size * size)))
    deviation = g.op("Max", deviation, F64(aligning._MIN_DEVIATION))
    gain = g.op("Div", g.op("Div", F64(aligning._DEVIATION), deviation), F64(size))
    centred = g.op("Sub", g.op("Mul", levels, F64(size)), total)
    return g.reshape(g.cast(g.op("Round", g.op("Mul", centred, gain)), F32), -1, side, side)


def find_poses(g: Graph, images: Value, alignment: Alignment, side: int) -> Poses:
    """Add `classic_eyes.preprocessing.find_poses`."""
    normal = _normalize_contrast(g, images, side)
    both = g.reshape(g.op("Concat", normal, g.flip(normal), axis=0), -1, side**2)
    # Images last, so that one step of a gather copies a number of each of them.
    levels = g.op("Transpose", both, perm=[1, 0])
    n = g.slice(g.op("Shape", levels), 0, 1, 2)
    ones = g.op("Expand", np.ones(1), n)
    poses = Poses(*(g.op("Mul", ones, F64(each)) for each in alignment.mean))
    for level in range(len(alignment.places)):
        poses = _move(g, poses, _increments(g, levels, poses, alignment, level, side))
    pairs = [g.parts(g.reshape(each, 2, -1), 0, 1, 1) for each in poses]
    means = []
    for (own, mirrored), kind in zip(pairs, ("Sub", "Add", "Add", "Sub"), strict=True):
        half = g.op("Mul", g.op(kind, own, mirrored), F64(0.5))
        limits = F64(-aligning._MAX_POSE), F64(aligning._MAX_POSE)
        means.append(g.reshape(g.op("Round", g.op("Clip", half, *limits)), -1))
    return Poses(*means)


def _increments(g: Graph, levels: Value, poses: Poses, alignment: Alignment, level: int, side: int) -> list[Value]:
    """Return what the ferns of a level add to the coordinates, float64 (n,)."""
    depth, ferns = alignment.thresholds.shape[1:]
    pixels = _sample_pixels(g, levels, poses, alignment.places[level], side)
    first, second = (g.op("Gather", pixels, pairs.astype(np.int32).ravel(), axis=0) for pairs in alignment.pairs[level])
    thresholds = alignment.thresholds[level].astype(F32).reshape(-1, 1)
    above = g.cast(g.op("Greater", g.op("Sub", first, second), thresholds), F32)
    bits = (2.0 ** np.arange(depth)[::-1]).astype(F32).reshape(1, depth)
    # (1, depth) times (depth, ferns * n)
    codes = g.reshape(g.op("MatMul", bits, g.reshape(above, depth, -1)), ferns, -1)
    starts = (np.arange(ferns) << depth).astype(F32).reshape(-1, 1)
    index = g.cast(g.op("Add", codes, starts), np.int32)
    # A sum of at most 512 whole numbers of 16 bits is exact in float32.
    leaves = g.cast(g.constant(alignment.leaves[level].reshape(-1, 4)), F32 if ferns <= 512 else F64)
    total = g.reduce("ReduceSum", g.op("Gather", leaves, index, axis=0), 0, keep=False)
    return [g.reshape(g.cast(each, F64), -1) for each in g.parts(total, 1, 1, 1, 1, 1)]


def _sample_pixels(g: Graph, levels: Value, poses: Poses, places: np.ndarray, side: int) -> Value:
    """Add `sample_pixels` of the alignment: float32 (pool, n)."""
    pixel = side / aligning.SIDE / aligning.UNIT
    a, b = (g.cast(g.op("Mul", each, F64(pixel / aligning.PLACE)), F32) for each in (poses.a, poses.b))
    centres = [g.cast(g.op("Add", g.op("Mul", each, F64(pixel)), F64(side / 2)), F32) for each in (poses.x, poses.y)]
    right, down = (places[:, k].astype(F32).reshape(-1, 1) for k in range(2))
    across = g.op("Sub", g.op("Mul", right, a), g.op("Mul", down, b))
    below = g.op("Add", g.op("Mul", right, b), g.op("Mul", down, a))
    column, row = (
        g.op("Floor", g.op("Clip", g.op("Add", plane, centre), F32(0), F32(side - 1)))
        for plane, centre in zip((across, below), centres, strict=True)
    )
    index = g.cast(g.op("Add", g.op("Mul", row, F32(side)), column), np.int32)
    return g.op("GatherElements", levels, index, axis=0)


def _move(g: Graph, poses: Poses, increments: list[Value]) -> Poses:
    """Add `move_poses` of the alignment."""
    x, y, a, b = increments
    a = g.op("Add", a, F64(aligning.UNIT))

    def product(real: Value, imaginary: Value) -> tuple[Value, Value]:
        one = g.op("Sub", g.op("Mul", real, poses.a), g.op("Mul", imaginary, poses.b))
        other = g.op("Add", g.op("Mul", real, poses.b), g.op("Mul", imaginary, poses.a))
        one, other = (g.op("Round", g.op("Mul", each, F64(1 / aligning.UNIT))) for each in (one, other))
        return one, other

    x, y = product(x, y)
    return Poses(g.op("Add", x, poses.x), g.op("Add", y, poses.y), *product(a, b))


def align(g: Graph, images: Value, poses: Poses, side: int) -> Value:
    """Add `classic_eyes.preprocessing.align` with known poses."""
    x, y, a, b = (g.op("Mul", g.reshape(each, -1, 1), F64(1 / aligning.UNIT)) for each in poses)
    scale = g.op("Sqrt", g.op("Add", g.op("Mul", a, a), g.op("Mul", b, b)))
    clipped = g.op("Clip", scale, *(F64(each) for each in aligning._SCALES))
    factor = g.op("Mul", g.op("Div", clipped, g.op("Max", scale, F64(1e-6))), F64(aligning._ZOOM))
    steps = F64(aligning._STEPS)
    a, b = (g.op("Mul", g.op("Mul", each, factor), steps) for each in (a, b))
    middle = (side - 1) / 2
    down, right = (grid.ravel()[np.newaxis] - middle for grid in np.indices((side, side)))
    shift = F64(aligning._STEPS * side / aligning.SIDE)
    across = g.op("Sub", g.op("Mul", a, right), g.op("Mul", b, down))
    below = g.op("Add", g.op("Mul", a, down), g.op("Mul", b, right))
    positions = []
    for plane, centre in ((across, x), (below, y)):
        plane = g.op("Round", g.cast(g.op("Add", plane, g.op("Mul", centre, shift)), F32))
        plane = g.op("Add", g.op("Mul", plane, F32(1 / aligning._STEPS)), F32(middle))
        positions.append(g.op("Clip", plane, F32(0), F32(side - 1)))
    return g.reshape(_interpolate(g, images, positions[0], positions[1], side), -1, side, side)


def _interpolate(g: Graph, images: Value, x: Value, y: Value, side: int) -> Value:
    """Return bilinear interpolation at positions (n, m), which are whole 32nds of a pixel within the image."""
    # A pixel and its right neighbour in one number, so that two gathers suffice. Beyond the border the weight is 0.
    beside = g.op("Concat", g.slice(images, 2, 1, side), g.slice(images, 2, side - 1, side), axis=2)
    packed = g.reshape(g.op("Add", images, g.op("Mul", beside, F32(256))), -1, side**2)
    column, row = g.op("Floor", x), g.op("Floor", y)
    fx, fy = g.op("Sub", x, column), g.op("Sub", y, row)
    top = g.op("Add", g.op("Mul", row, F32(side)), column)
    bottom = g.op("Min", g.op("Add", top, F32(side)), g.op("Add", column, F32(side * (side - 1))))
    lines = []
    for index in (top, bottom):
        both = g.op("GatherElements", packed, g.cast(index, np.int32), axis=1)
        right = g.op("Floor", g.op("Mul", both, F32(1 / 256)))
        left = g.op("Sub", both, g.op("Mul", right, F32(256)))
        lines.append(g.op("Add", left, g.op("Mul", fx, g.op("Sub", right, left))))
    blended = g.op("Add", lines[0], g.op("Mul", fy, g.op("Sub", lines[1], lines[0])))
    # Exact up to here: multiples of 1 / 1024 below 256.
    return g.op("Floor", g.op("Add", blended, F32(0.5)))
