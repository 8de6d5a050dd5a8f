"""The worst errors: images that the best scenario is surest about, wrongly."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.report.choose import Scored, best, scored
from classic_eyes.labeling.page.text import escape, png_text, share, shortened

__all__ = ["gallery_html"]

MOST_SHOWN = 18
WORDS = ("closed", "open")


def gallery_html(dataset: dict[str, Any], thumbnails: NDArray[np.uint8] | None, place: str) -> str:
    """Lay out the images with the score farthest from their label.

    Parameters
    ----------
    dataset : dict
        One data set of the results.
    thumbnails : ndarray of shape (n, h, w), dtype uint8, or None
        The images, in the order of the labels; without them only names and scores are shown.
    place : str
        What makes identifiers unique in the page.

    Returns
    -------
    str
        Two lists, or nothing where no scenario has scores.

    Examples
    --------
    >>> gallery_html({"scenarios": []}, None, "d1")
    ''
    """
    top = best(dataset)
    if top is None:
        return ""
    one = scored(dataset, *top)
    lists = "".join(_errors(dataset, one, thumbnails, label, place) for label in (0, 1))
    if not lists:
        return ""
    return f'<h3 id="{place}-errors">Worst errors of scenario {one.number}, {escape(one.name)}</h3>{lists}'


def _errors(dataset: dict[str, Any], one: Scored, thumbnails: NDArray[np.uint8] | None, label: int, place: str) -> str:
    wrong = np.flatnonzero((one.labels == label) & ((one.scores >= 0.5) != bool(label)))
    if len(wrong) == 0:
        return ""
    order = wrong[np.argsort(-np.abs(one.scores[wrong] - label), kind="stable")][:MOST_SHOWN]
    items = "".join(_item(dataset, one, int(k), thumbnails) for k in order)
    title = f"{WORDS[label].capitalize()} eyes called {WORDS[1 - label]}"
    shown = f"The {len(order)} worst of {len(wrong):,}" if len(order) < len(wrong) else f"All {len(wrong):,}"
    return (
        f'<figure class="wide" id="{place}-errors{label}"><h4>{title}</h4><ol class="gallery">{items}</ol>'
        f"<figcaption>{shown}, surest first. Under each: the score of being open, the label, the file.</figcaption>"
        "</figure>"
    )


def _item(dataset: dict[str, Any], one: Scored, k: int, thumbnails: NDArray[np.uint8] | None) -> str:
    row = int(one.rows[k])
    files = dataset.get("files") or []
    name = str(files[row]) if row < len(files) and files[row] else f"image {row + 1}"
    score, label = share(float(one.scores[k])), WORDS[int(one.labels[k])]
    alt = escape(f"{name}: labelled {label}, score {score}")
    image = "" if thumbnails is None else f'<img alt="{alt}" src="{png_text(thumbnails[row])}">'
    return (
        f"<li>{image}<b>{score}</b> <span>{label}</span>"
        f'<small title="{escape(name)}">{escape(shortened(name, 44))}</small></li>'
    )
