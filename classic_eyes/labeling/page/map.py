"""A map of the features as SVG: open eyes as dots, closed ones as crosses."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from .text import escape

__all__ = ["map_svg"]

_WIDTH, _MARGIN = 480.0, 10.0
# More marks than that make a page slow and hide each other.
_MOST = 2000
_MARKS = {1: ("mapdot open", "h0"), 0: ("mapcross closed", "m-2-2l4 4m0-4l-4 4")}


def map_svg(title: str, places: ArrayLike, labels: Sequence[int]) -> str:
    """Draw images as points on a map.

    Parameters
    ----------
    title : str
        Plain text.
    places : array of shape (n, 2)
        Coordinates of the images. Both axes get one scale, so that distances stay comparable.
    labels : sequence of int
        1 open, 0 closed, one for each image.

    Returns
    -------
    str
        A figure element.

    Examples
    --------
    >>> map_svg("PCA", [[0, 0], [1, 1]], [0, 1]).count("<path")
    2
    """
    xy = np.asarray(places, dtype=np.float64)[:_MOST]
    given = np.asarray(labels)[: len(xy)]
    low, high = xy.min(axis=0), xy.max(axis=0)
    unit = (_WIDTH - 2 * _MARGIN) / max(*(high - low), 1e-9)
    height = unit * float(high[1] - low[1]) + 2 * _MARGIN
    across = _MARGIN + unit * (xy[:, 0] - low[0])
    down = height - _MARGIN - unit * (xy[:, 1] - low[1])
    paths, counts = "", {}
    for label, (style, mark) in _MARKS.items():
        chosen = given == label
        counts[label] = int(chosen.sum())
        moves = "".join(f"M{x:.1f} {y:.1f}{mark}" for x, y in zip(across[chosen], down[chosen], strict=True))
        paths += f'<path class="{style}" d="{moves}"/>'
    caption = f"{counts[1]:,} open eyes as dots, {counts[0]:,} closed eyes as crosses."
    return (
        f'<figure><h4>{escape(title)}</h4><svg role="img" viewBox="0 0 {_WIDTH:.0f} {height:.0f}">'
        f"<title>{escape(title)}</title>{paths}</svg><figcaption>{caption}</figcaption></figure>"
    )
