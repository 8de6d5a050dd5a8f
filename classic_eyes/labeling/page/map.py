"""A two-dimensional embedding of images as SVG: open eyes as dots, closed eyes as crosses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .text import escape

__all__ = ["map_figures"]

Places = Sequence[Sequence[float]]
_WIDTH, _MARGIN = 480.0, 10.0
# More marks make the page slow and hide each other.
_MOST = 2000
_MAPS = {
    "tsne": ("t-SNE map of the features", "Neighbours on the map have similar features; distances mean nothing."),
    "pca": ("PCA map of the features", "The two directions of the largest variance."),
}
_MARKS = {1: ("mapdot open", "h0"), 0: ("mapcross closed", "m-2-2l4 4m0-4l-4 4")}


def map_figures(place: str, maps: Mapping[str, Places], labels: Sequence[int], note: str = "") -> str:
    """Return a figure element for each of the maps, ``tsne`` and ``pca``: coordinates (n, 2) of the images.

    ``place`` makes the identifiers unique in the page. Labels are 1 (open) and 0 (closed).

    Examples
    --------
    >>> map_figures("m", {"pca": [[0, 0], [1, 1]]}, [0, 1]).count("<figure")
    1
    """
    return "".join(
        _figure(f"{place}-{kind}", title, f"{caption} {note}".strip(), maps[kind], labels)
        for kind, (title, caption) in _MAPS.items()
        if maps.get(kind)
    )


def _figure(key: str, title: str, caption: str, places: Places, labels: Sequence[int]) -> str:
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
    name, text = escape(title), escape(f"{caption} {counts}")
    return (
        f'<figure id="{key}"><h4>{name}</h4><svg role="img" viewBox="0 0 {_WIDTH:.0f} {height:.0f}" '
        f'aria-labelledby="{key}-t {key}-d"><title id="{key}-t">{name}</title><desc id="{key}-d">{text}</desc>'
        f"{paths}</svg><figcaption>{text}</figcaption></figure>"
    )
