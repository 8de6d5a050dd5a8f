"""A two-dimensional embedding of images as SVG: open eyes as dots, closed eyes as crosses."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from .text import escape

__all__ = ["map_figure"]

_WIDTH, _MARGIN = 480.0, 10.0
# More marks make the page slow and hide each other.
_MOST = 2000
_MARKS = {1: ("mapdot open", "h0"), 0: ("mapcross closed", "m-2-2l4 4m0-4l-4 4")}


def map_figure(key: str, title: str, caption: str, places: ArrayLike, labels: Sequence[int]) -> str:
    """Return a figure element with a mark at each of the places (n, 2); both axes have one scale.

    ``key`` is the identifier of the element in its page. Labels are 1 (open) and 0 (closed).

    Examples
    --------
    >>> map_figure("pca", "PCA", "", [[0, 0], [1, 1]], [0, 1]).count("<path")
    2
    """
    xy = np.asarray(places, dtype=np.float64)[:_MOST]
    known = np.asarray(labels)[: len(xy)]
    low, high = xy.min(axis=0), xy.max(axis=0)
    unit = (_WIDTH - 2 * _MARGIN) / max(*(high - low), 1e-9)
    height = unit * float(high[1] - low[1]) + 2 * _MARGIN
    across = (_WIDTH - unit * (high[0] - low[0])) / 2 + unit * (xy[:, 0] - low[0])
    down = height - _MARGIN - unit * (xy[:, 1] - low[1])
    paths = ""
    for label, (style, mark) in _MARKS.items():
        moves = "".join(
            f"M{x:.1f} {y:.1f}{mark}" for x, y in zip(across[known == label], down[known == label], strict=True)
        )
        paths += f'<path class="{style}" d="{moves}"/>'
    counts = f"{(known == 1).sum():,} open eyes as dots, {(known == 0).sum():,} closed eyes as crosses."
    name, text = escape(title), escape(f"{caption} {counts}".strip())
    return (
        f'<figure id="{key}"><h4>{name}</h4><svg role="img" viewBox="0 0 {_WIDTH:.0f} {height:.0f}" '
        f'aria-labelledby="{key}-t {key}-d"><title id="{key}-t">{name}</title><desc id="{key}-d">{text}</desc>'
        f"{paths}</svg><figcaption>{text}</figcaption></figure>"
    )
