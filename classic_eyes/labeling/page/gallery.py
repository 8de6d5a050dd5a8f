"""A contact sheet: images with their scores, labels and file names."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from .text import escape, png_url, proportion, shortened

__all__ = ["Item", "contact_sheet"]

Item = tuple[NDArray[np.uint8] | None, float, str, str]


def contact_sheet(key: str, title: str, caption: str, items: Iterable[Item], decimals: int = 2) -> str:
    """Return a figure element with images or without, each with its score, label and file name."""
    cells = ""
    for image, score, label, name in items:
        number = proportion(score, decimals)
        alt = escape(f"{name}: {label}, score {number}")
        shown = "" if image is None else f'<img alt="{alt}" src="{png_url(image)}">'
        file = f'<small title="{escape(name)}">{escape(shortened(name, 44))}</small>'
        cells += f"<li>{shown}<b>{number}</b> <span>{escape(label)}</span>{file}</li>"
    return (
        f'<figure id="{key}"><h4>{escape(title)}</h4><ol class="gallery">{cells}</ol>'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )
