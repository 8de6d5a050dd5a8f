"""The worst errors: misclassified images on which the best scenario is most confident."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.report.choose import best, scored
from classic_eyes.labeling.page.gallery import contact_sheet
from classic_eyes.labeling.page.text import count, escape

MOST_SHOWN = 18
WORDS = ("closed", "open")


def gallery_html(dataset: dict[str, Any], thumbnails: NDArray[np.uint8] | None, place: str) -> str:
    """Return the images with the score farthest from their label; only names and scores without thumbnails."""
    one = scored(dataset, *(best(dataset) or (0, {})))
    files = dataset.get("files") or [f"image {row + 1}" for row in range(len(dataset.get("labels") or []))]
    sheets = ""
    for label, word in enumerate(WORDS):
        wrong = np.flatnonzero((one.labels == label) & ((one.scores >= 0.5) != bool(label)))
        if len(wrong):
            order = wrong[np.argsort(-np.abs(one.scores[wrong] - label), kind="stable")][:MOST_SHOWN]
            title = f"{word.capitalize()} eyes classified as {WORDS[1 - label]}"
            caption = f"{len(order)} of {count(len(wrong))}, most confident first. Under each: score, label, file."
            images = [None if thumbnails is None else thumbnails[row] for row in one.rows[order]]
            names = [str(files[row]) for row in one.rows[order]]
            items = zip(images, one.scores[order], [word] * len(order), names, strict=True)
            sheets += contact_sheet(f"{place}-errors{label}", title, caption, items, decimals=3)
    return sheets and f'<h3 id="{place}-errors">Worst errors of scenario {one.number}, {escape(one.name)}</h3>{sheets}'
