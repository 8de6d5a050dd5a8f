"""Accuracy against the number of labels, as an SVG file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.report.figure import (
    LEFT,
    RIGHT,
    add_axes,
    add_words,
    figure_style,
    new_canvas,
    plot_curve,
    svg_document,
)
from classic_eyes.labeling.page.text import count, proportion

MOST_CURVES = 5
TOP, BOTTOM = 64, 334


@figure_style
def render_learning(curves: Sequence[dict[str, Any]], name: str) -> str:
    """Draw the five best learning curves, each a dict of ``name``, ``sizes`` and ``mean`` accuracy, as an SVG file."""
    shown = sorted(curves, key=lambda curve: -float(np.mean(curve["mean"])))[:MOST_CURVES]
    canvas = new_canvas(BOTTOM + 64 + 17 * len(shown))
    axes = add_axes(canvas, LEFT, TOP, RIGHT, BOTTOM, "accuracy on held-out groups")
    axes.set_xscale("log")
    for style, curve in enumerate(shown):
        plot_curve(axes, curve["sizes"], curve["mean"], style, with_markers=True)
    sizes = sorted({size for curve in shown for size in curve["sizes"]})
    axes.set_xticks(sizes, [count(size) for size in sizes])
    axes.minorticks_off()
    axes.set_xlabel("number of labels")
    title = f"{name}: accuracy against the number of labels"
    texts = [f"{curve['name']} · {proportion(curve['mean'][0])} to {proportion(curve['mean'][-1])}" for curve in shown]
    add_words(canvas, LEFT - 26, title, axes.get_lines(), texts, BOTTOM + 48)
    description = "; ".join(
        f"{curve['name']}: "
        + ", ".join(f"{proportion(v)} with {s}" for s, v in zip(curve["sizes"], curve["mean"], strict=True))
        for curve in shown
    )
    return svg_document(canvas, title, f"{description}.")
