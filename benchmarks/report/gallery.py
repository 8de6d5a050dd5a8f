"""The worst errors: misclassified images on which the best scenario is most confident."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.report.choose import Scored, best, scored
from classic_eyes.labeling.page.text import escape, png_url, proportion, shortened

MOST_SHOWN = 18
WORDS = ("closed", "open")
Images = NDArray[np.uint8]


def gallery_html(dataset: dict[str, Any], thumbnails: Images | None, place: str) -> str:
    """Return the images with the score farthest from their label; only names and scores without thumbnails."""
    top = best(dataset)
    if top is None:
        return ""
    one = scored(dataset, *top)
    lists = "".join(_errors(dataset, one, thumbnails, label, place) for label in (0, 1))
    if not lists:
        return ""
    return f'<h3 id="{place}-errors">Worst errors of scenario {one.number}, {escape(one.name)}</h3>{lists}'


def _errors(dataset: dict[str, Any], one: Scored, thumbnails: Images | None, label: int, place: str) -> str:
    wrong = np.flatnonzero((one.labels == label) & ((one.scores >= 0.5) != bool(label)))
    if len(wrong) == 0:
        return ""
    order = wrong[np.argsort(-np.abs(one.scores[wrong] - label), kind="stable")][:MOST_SHOWN]
    items = "".join(_item(dataset, one, int(k), thumbnails) for k in order)
    title = f"{WORDS[label].capitalize()} eyes classified as {WORDS[1 - label]}"
    shown = f"The {len(order)} worst of {len(wrong):,}" if len(order) < len(wrong) else f"All {len(wrong):,}"
    return (
        f'<figure id="{place}-errors{label}"><h4>{title}</h4><ol class="gallery">{items}</ol>'
        f"<figcaption>{shown}, most confident first. Under each image: score, label, file.</figcaption></figure>"
    )


def _item(dataset: dict[str, Any], one: Scored, k: int, thumbnails: Images | None) -> str:
    row = int(one.rows[k])
    files = dataset.get("files") or []
    name = str(files[row]) if row < len(files) and files[row] else f"image {row + 1}"
    score, label = proportion(float(one.scores[k])), WORDS[int(one.labels[k])]
    alt = escape(f"{name}: labelled {label}, score {score}")
    image = "" if thumbnails is None else f'<img alt="{alt}" src="{png_url(thumbnails[row])}">'
    return (
        f"<li>{image}<b>{score}</b> <span>{label}</span>"
        f'<small title="{escape(name)}">{escape(shortened(name, 44))}</small></li>'
    )
