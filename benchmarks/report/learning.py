"""Accuracy against the number of labels, as an SVG file of its own."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks.report.curves import LEFT, RIGHT, SIDE, TOP
from benchmarks.report.panel import figure_document
from benchmarks.report.svg import Drawing, Figure, Frame, Scale, nice_ticks, points_text
from classic_eyes.labeling.page.text import share, whole

__all__ = ["render_learning"]

_MOST = 5


def _apart(places: list[float], least: float = 15.0) -> list[float]:
    """Move places down until none lies upon another."""
    moved = list(places)
    order = sorted(range(len(places)), key=lambda k: places[k])
    for above, below in pairwise(order):
        moved[below] = max(moved[below], moved[above] + least)
    return moved


def render_learning(curves: Sequence[dict[str, Any]], name: str) -> str:
    """Draw how accurate learners are with more and more labels.

    Parameters
    ----------
    curves : sequence of dict
        For each ``name``, ``sizes`` and ``mean`` accuracy. The five that are best on the whole are drawn.
    name : str
        Of the images.

    Returns
    -------
    str
        A whole SVG document.

    Examples
    --------
    >>> drawn = render_learning([{"name": "svm, random", "sizes": [25, 50], "mean": [0.85, 0.9]}], "eyes")
    >>> "svm, random" in drawn
    True
    """
    shown = sorted(curves, key=lambda curve: -float(np.mean(curve["mean"])))[:_MOST]
    sizes = sorted({size for curve in shown for size in curve["sizes"]})
    values = [value for curve in shown for value in curve["mean"]]
    ticks = nice_ticks(min(values), max(values))
    low, high = min(ticks[0], min(values)), max(ticks[-1], max(values))
    drawing = Drawing(TOP + SIDE + 42)
    # A line for one number of labels would have no length.
    wide = (sizes[0], sizes[-1]) if len(sizes) > 1 else (sizes[0] / 2, sizes[0] * 2)
    frame = Frame(drawing, Scale(*wide, LEFT, RIGHT - 12, "log"), Scale(low, high, TOP + SIDE, TOP))
    frame.axes(sizes, ticks, "labels given", "accuracy on groups held out", x_text=whole)
    legend = []
    for style, curve in enumerate(shown):
        points = np.column_stack([frame.x.every(curve["sizes"]), frame.y.every(curve["mean"])])
        drawing.path(points_text(points), f"curve s{style}")
        for (x, y), size, value in zip(points, curve["sizes"], curve["mean"], strict=True):
            drawing.mark(x, y, style, f"dot s{style}", f"{curve['name']}, {whole(size)} labels: {share(value)}")
        legend.append((style, style + 1, f"{curve['name']} · {share(curve['mean'][0])} to {share(curve['mean'][-1])}"))
    ends = _apart([frame.y(curve["mean"][-1]) for curve in shown])
    for style, (curve, end) in enumerate(zip(shown, ends, strict=True)):
        drawing.tag(frame.x(curve["sizes"][-1]) + 12, end, style + 1, style)
    spoken = "; ".join(
        f"{curve['name']}, "
        + ", ".join(f"{share(v)} with {s}" for s, v in zip(curve["sizes"], curve["mean"], strict=True))
        for curve in shown
    )
    figure = Figure("learning", f"{name}: what labels are worth", spoken + ".", "", drawing, legend)
    return figure_document([figure], f"{name}: accuracy against labels")
