"""Descriptors as ONNX operators.

Images are float32 of shape (n, side, side) with whole grey levels. Columns may come in another order than from
`classic_eyes.descriptors`, where that is quicker; `Features.columns` has their order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..descriptors import lbp as patterns
from ..descriptors import words as coding
from ..errors import ModelError
from ..preprocessing import illumination
from .graph import Graph, Value

__all__ = ["FEATURES", "Features", "add_features"]

F32 = np.float32


class Features(NamedTuple):
    """Rows of a descriptor."""

    rows: Value
    """float32 (n, d)."""
    columns: NDArray[np.intp]
    """The column of the descriptor that each column is, shape (d,)."""


def add_features(g: Graph, descriptor: str, settings: Mapping[str, Any], images: Value, side: int) -> Features:
    """Add a descriptor; ModelError for one that has no translation."""
    if descriptor not in FEATURES:
        raise ModelError(
            f"the model uses the descriptor {descriptor!r}, which cannot be exported; those that can: "
            f"{', '.join(FEATURES)}; train with others, or deploy the .npz file"
        )
    return FEATURES[descriptor](g, images, side, **settings)


def _hog(g: Graph, images: Value, side: int, *, cells: Any, n_bins: int, gaussian: bool = True) -> Features:
    """Add `compute_hog`: gradients once, then votes, histograms and normalization for each cell size.

    OpenCV splits the vote of a pixel over two bins and up to four cells by linear interpolation. The share of a bin is
    a difference of two ramps in the angle, and differences commute with sums: so ramps are summed over the cells.
    """
    root = g.op("Sqrt", images)

    def gradient(axis: int) -> Value:
        """Return central differences; they are 0 at the border, which OpenCV reflects."""
        inner = g.op("Sub", g.slice(root, axis, 2, side), g.slice(root, axis, 0, side - 2))
        pads = np.zeros(6, np.int64)
        pads[[axis, axis + 3]] = 1
        return g.reshape(g.op("Pad", inner, pads), -1, 1, side, side)

    dx, dy = gradient(2), gradient(1)
    magnitude = g.op("Sqrt", g.op("Add", g.op("Mul", dx, dx), g.op("Mul", dy, dy)))
    # In bins, from 0 to n_bins; an unsigned gradient has an angle of 0 to 180 degrees.
    position = g.op("Mul", _angle(g, dx, dy), F32(n_bins / 180))
    # Bin b has its centre at b + 1/2. The bins before the first and after the last are the last and the first.
    starts = (np.arange(-1, n_bins) + 0.5).astype(F32).reshape(1, -1, 1, 1)
    ramps = g.op("Clip", g.op("Sub", position, starts), F32(0), F32(1))
    votes = g.op("Concat", magnitude, g.op("Mul", ramps, magnitude), axis=1)
    difference = np.zeros((n_bins + 2, n_bins), F32)
    for k in range(n_bins + 2):
        difference[k, (k - 1) % n_bins] += 1
        if k:
            difference[k, (k - 2) % n_bins] -= 1
    parts = []
    for cell in cells:
        shares = _cell_shares(side, cell, gaussian)
        blocks = len(shares) // 2
        sums = g.op("MatMul", shares, g.op("MatMul", votes, shares.T.copy()))
        sums = g.op("Transpose", g.reshape(sums, -1, n_bins + 2, blocks, 2, blocks, 2), perm=[0, 4, 2, 5, 3, 1])
        histograms = g.reshape(g.op("MatMul", sums, difference), -1, blocks * blocks, 4 * n_bins)
        parts.append(g.reshape(_l2_hys(g, histograms, 4 * n_bins), 0, -1))
    rows = parts[0] if len(parts) == 1 else g.op("Concat", *parts, axis=1)
    return Features(rows, np.arange(sum((4 * n_bins * (len(_cell_shares(side, c, True)) // 2) ** 2) for c in cells)))


def _angle(g: Graph, dx: Value, dy: Value) -> Value:
    """Return the angle of unsigned gradients in degrees, by the polynomial that OpenCV uses."""
    ax, ay = g.op("Abs", dx), g.op("Abs", dy)
    small = g.op("Div", g.op("Min", ax, ay), g.op("Add", g.op("Max", ax, ay), F32(np.finfo(np.float64).eps)))
    square = g.op("Mul", small, small)
    factors = np.degrees([-0.04432655554792128, 0.1555786518463281, -0.3258083974640975, 0.9997878412794807])
    polynomial = g.constant(F32(factors[0]))
    for factor in factors[1:]:
        polynomial = g.op("Add", g.op("Mul", polynomial, square), F32(factor))
    angle = g.op("Mul", polynomial, small)

    def reflected(axis: float, sign: Value) -> Value:
        """Return the angle, or its reflection at an axis where a sign is negative."""
        return g.op("Sub", F32(axis), g.op("Mul", sign, g.op("Sub", F32(axis), angle)))

    # A difference or product of 0 has a positive sign; others are larger than what is added.
    angle = reflected(45, g.op("Sign", g.op("Add", g.op("Sub", ax, ay), F32(1e-9))))
    return reflected(90, g.op("Sign", g.op("Add", g.op("Mul", dx, dy), F32(1e-9))))


def _cell_shares(side: int, cell: int, gaussian: bool) -> NDArray[np.float32]:
    """Return the share that each pixel along a side has in the two cells of each block, shape (2 * blocks, side)."""
    blocks = (side - 2 * cell) // cell + 1
    offset = np.arange(2 * cell)
    position = (offset + 0.5) / cell - 0.5
    weight = np.exp(-((offset - cell) ** 2) / (2 * (cell / 2) ** 2)) if gaussian else np.ones(2 * cell)
    shares = np.zeros((2 * blocks, side))
    for block in range(blocks):
        for k in range(2):
            hat = np.clip(1 - np.abs(position - k), 0, None)
            shares[2 * block + k, block * cell : (block + 2) * cell] = hat * weight
    return shares.astype(F32)


def _l2_hys(g: Graph, histograms: Value, length: int) -> Value:
    """Return histograms (n, blocks, length) divided by their length, clipped and divided again."""
    for floor, limit in ((0.1 * length, 0.2), (1e-3, None)):
        norm = g.op("Sqrt", g.reduce("ReduceSumSquare", histograms, 2))
        histograms = g.op("Mul", histograms, g.op("Div", F32(1), g.op("Add", norm, F32(floor))))
        if limit is not None:
            histograms = g.op("Min", histograms, F32(limit))
    return histograms


def _lbp(g: Graph, images: Value, side: int, *, radii: Any, grid: int, uniform: bool) -> Features:
    """Add `compute_lbp`."""
    return _count_patterns(g, images, side, [(images, "GreaterOrEqual")], radii=radii, grid=grid, uniform=uniform)


def _count_patterns(
    g: Graph,
    images: Value,
    side: int,
    comparisons: list[tuple[Value, str]],
    *,
    radii: Any,
    grid: int,
    uniform: bool,
) -> Features:
    """Add `count_patterns`."""
    radii, reach, n_pixels = sorted(radii), max(radii), side**2
    pads = np.array([0, reach, reach, 0, reach, reach])
    padded = g.op("Pad", images, pads, mode="edge")
    bits = (2.0 ** np.arange(8)).astype(F32).reshape(1, 8)
    codes = []
    for radius in radii:
        neighbours = []
        for down, across in patterns._RING:
            top, left = reach + radius * down, reach + radius * across
            part = g.slice(g.slice(padded, 1, top, top + side), 2, left, left + side)
            neighbours.append(g.reshape(part, -1, 1, n_pixels))
        ring = g.op("Concat", *neighbours, axis=1)
        for threshold, compare in comparisons:
            holds = g.op(compare, ring, g.reshape(threshold, -1, 1, n_pixels))
            codes.append(g.op("MatMul", bits, g.cast(holds, F32)))
    code = codes[0] if len(codes) == 1 else g.op("Concat", *codes, axis=1)
    n_bins = patterns._n_bins(uniform)
    bins = g.lookup(patterns._bin_of(uniform).astype(np.int32), g.reshape(g.cast(code, np.int32), -1))
    length = grid * grid * n_bins
    first = patterns._cells(side, side, grid)[:, 0] * n_bins + np.arange(len(codes))[:, np.newaxis] * length
    index = g.op("Add", g.reshape(bins, -1, len(codes) * n_pixels), first.astype(np.int32).reshape(1, -1))
    n = g.slice(g.op("Shape", index), 0, 0, 1)
    zeros = g.op("Expand", np.zeros((1, len(codes) * length), F32), g.op("Concat", n, np.array([1]), axis=0))
    ones = g.op("Expand", np.ones((1, len(codes) * n_pixels), F32), g.op("Concat", n, np.array([1]), axis=0))
    counts = g.op("ScatterElements", zeros, index, ones, axis=1, reduction="add")
    rows = g.op("Sqrt", g.op("Mul", counts, F32(grid * grid / n_pixels)))
    return Features(rows, np.arange(len(codes) * length))


def _ltp(g: Graph, images: Value, side: int, *, radii: Any, grid: int, threshold: int) -> Features:
    """Add `compute_ltp`."""
    levels = _tan_triggs_uint8(g, images, side)
    step = min(int(threshold) + 1, 255)
    above = g.op("Add", g.op("Min", levels, F32(255 - step)), F32(step))
    below = g.op("Sub", g.op("Max", levels, F32(step)), F32(step))
    comparisons = [(above, "GreaterOrEqual"), (below, "LessOrEqual")]
    return _count_patterns(g, levels, side, comparisons, radii=radii, grid=grid, uniform=True)


def _pixels(g: Graph, images: Value, side: int, *, floor: float) -> Features:
    """Add `compute_pixels`."""
    n_pixels = side**2
    rows = g.reshape(images, -1, n_pixels)
    exact = g.cast(rows, np.float64)
    total = g.reduce("ReduceSum", exact, 1)
    squares = g.reduce("ReduceSum", g.op("Mul", exact, exact), 1)
    spread = g.op("Sub", g.op("Mul", squares, np.float64(n_pixels)), g.op("Mul", total, total))
    deviation = g.op("Div", g.op("Sqrt", spread), np.float64(n_pixels))
    unit = g.op("Div", np.float64(1 / n_pixels), g.op("Add", deviation, np.float64(floor)))
    centred = g.op("Sub", g.op("Mul", rows, F32(n_pixels)), g.cast(total, F32))
    return Features(g.op("Mul", centred, g.cast(unit, F32)), np.arange(n_pixels))


def _tan_triggs(g: Graph, images: Value, side: int) -> Value:
    """Add `classic_eyes.preprocessing.tan_triggs`."""
    levels = ((np.arange(256) + 1.0) ** illumination._GAMMA).astype(F32)
    corrected = g.reshape(g.lookup(levels, g.reshape(g.cast(images, np.int32), -1)), -1, side, side)
    corner = g.slice(g.slice(corrected, 1, 0, 1), 2, 0, 1)
    corrected = g.op("Sub", corrected, corner)
    fine, coarse = (
        g.op("MatMul", matrix, g.op("MatMul", corrected, np.ascontiguousarray(matrix.T)))
        for matrix in (illumination._blur_matrix(side, sigma) for sigma in illumination._BLURS)
    )
    values = g.op("Sub", fine, coarse)
    first, second = _contrast_divisors(g, values, illumination._MIN_MAGNITUDE)
    tau = illumination._TAU
    values = g.op("Div", g.op("Div", values, first), second)
    return g.op("Mul", g.op("Tanh", g.op("Div", values, F32(tau))), F32(tau * illumination._GAIN))


def _contrast_divisors(g: Graph, values: Value, floor: np.float32) -> tuple[Value, Value]:
    """Add `_contrast_divisors` of the illumination normalization."""
    alpha = illumination._ALPHA
    power = g.op("Exp", g.op("Mul", g.op("Log", g.op("Max", g.op("Abs", values), floor)), F32(alpha)))

    def mean_magnitude(power: Value) -> Value:
        mean = g.reduce("ReduceMean", power, 1, 2)
        return g.op("Add", g.op("Pow", mean, F32(1 / alpha)), F32(1e-6))

    first = mean_magnitude(power)
    power = g.op("Min", g.op("Div", power, g.op("Pow", first, F32(alpha))), F32(illumination._TAU**alpha))
    return first, mean_magnitude(power)


def _tan_triggs_uint8(g: Graph, images: Value, side: int) -> Value:
    """Add `classic_eyes.preprocessing.tan_triggs_uint8`: float32 (n, side, side) of whole levels."""
    table = np.rint(illumination._FIXED_POINT * (np.arange(256) + 1.0) ** illumination._GAMMA)
    corrected = g.reshape(g.lookup(table, g.reshape(g.cast(images, np.int32), -1)), -1, side, side)
    fine, coarse = (
        g.op("MatMul", matrix, g.op("MatMul", corrected, np.ascontiguousarray(matrix.T)))
        for matrix in (illumination._integer_blur_matrix(side, sigma) for sigma in illumination._BLURS)
    )
    difference = g.op("Sub", fine, coarse)
    first, second = _contrast_divisors(g, g.cast(difference, F32), illumination._MIN_INTEGER_MAGNITUDE)
    octaves = g.op("Mul", g.op("Log", g.op("Max", g.op("Mul", first, second), F32(1))), F32(1 / np.log(2)))
    sixteenths = g.reshape(g.cast(g.op("Round", g.op("Mul", octaves, F32(16))), np.int32), -1)
    # Integers are below 2 ** 38.
    steps = np.arange(40 * 16)
    divisors = np.ldexp(illumination._OCTAVE[steps % 16], steps // 16 - 10)
    gain = g.reshape(g.lookup(illumination._STEPS / divisors, sixteenths), -1, 1, 1)
    levels = illumination._tanh_table().astype(F32)
    position = g.op("Add", g.op("Round", g.op("Mul", difference, gain)), np.float64(len(levels) // 2))
    position = g.op("Clip", position, np.float64(0), np.float64(len(levels) - 1))
    return g.reshape(g.lookup(levels, g.reshape(g.cast(position, np.int32), -1)), -1, side, side)


def _filters(
    g: Graph,
    images: Value,
    side: int,
    *,
    patch: int,
    stride: int,
    grid: int,
    light: bool,
    filters: NDArray[np.float32],
    bias: NDArray[np.float32],
) -> Features:
    """Add `compute_filters`.

    Filters that sum to 0 need no patches of mean 0. The mean of a patch is removed from the filters therefore, and
    further filters compute its variance.
    """
    d, n_words = patch * patch, len(bias)
    source = _tan_triggs(g, images, side) if light else images
    centring = np.eye(d) - 1 / d
    both = np.concatenate([centring @ filters, centring / patch], axis=1)  # the sum of squares of the rest is variance
    kernel = both.T.reshape(-1, 1, patch, patch).astype(F32)
    convolved = g.op("Conv", g.reshape(source, -1, 1, side, side), kernel, strides=[stride, stride])
    n_positions = ((side - patch) // stride + 1) ** 2
    convolved = g.reshape(convolved, -1, n_words + d, n_positions)
    response, deviations = g.parts(convolved, 1, n_words, d)
    variance = g.reduce("ReduceSumSquare", deviations, 1)
    norm = g.op("Sqrt", g.op("Add", variance, F32(coding._CONTRAST_FLOOR**2)))
    response = g.op("Add", g.op("Div", response, norm), bias.astype(F32).reshape(-1, 1))
    pooling = coding._pooling((side, side), patch, stride, grid)
    pooled = g.op("MatMul", g.op("Relu", response), np.ascontiguousarray(pooling.T))
    # (n, words, cells) instead of (n, cells, words)
    columns = np.arange(grid * grid * n_words).reshape(grid * grid, n_words).T.ravel()
    return Features(g.reshape(pooled, 0, -1), columns)


def _words(
    g: Graph,
    images: Value,
    side: int,
    *,
    patch: int,
    stride: int,
    grid: int,
    light: bool,
    whitening: NDArray[np.float32],
    patch_mean: NDArray[np.float32],
    words: NDArray[np.float32],
) -> Features:
    """Add `compute_words`."""
    d, n_words = patch * patch, len(words)
    source = _tan_triggs(g, images, side) if light else images
    indices = coding._patch_pixels((side, side), patch, stride).astype(np.int32)
    patches = g.reshape(g.op("Gather", g.reshape(source, -1, side * side), indices, axis=1), -1, len(indices) // d, d)
    patches = g.op("Sub", patches, g.reduce("ReduceMean", patches, 2))
    variance = g.reduce("ReduceMean", g.op("Mul", patches, patches), 2)
    patches = g.op("Div", patches, g.op("Sqrt", g.op("Add", variance, F32(coding._CONTRAST_FLOOR**2))))
    whitened = g.op("MatMul", g.op("Sub", patches, patch_mean.astype(F32)), whitening.astype(F32))
    squares = g.op("Add", g.reduce("ReduceSumSquare", whitened, 2), np.einsum("ij,ij->i", words, words).astype(F32))
    product = g.op("MatMul", whitened, np.ascontiguousarray(words.T * F32(-2), dtype=F32))
    distance = g.op("Sqrt", g.op("Abs", g.op("Add", product, squares)))
    closeness = g.op("Relu", g.op("Sub", g.reduce("ReduceMean", distance, 2), distance))
    pooling = coding._pooling((side, side), patch, stride, grid)
    rows = g.reshape(g.op("MatMul", pooling, closeness), 0, -1)
    return Features(rows, np.arange(grid * grid * n_words))


FEATURES: dict[str, Callable[..., Features]] = {
    "filters": _filters,
    "hog": _hog,
    "lbp": _lbp,
    "ltp": _ltp,
    "pixels": _pixels,
    "words": _words,
}
