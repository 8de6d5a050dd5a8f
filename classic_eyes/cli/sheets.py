"""The contents of label pages, for ``label`` and ``audit``: the label file that is read, and the images shown."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..datasets import EyeSet, LabelTable, image_key, read_label_table
from ..errors import ImageError
from ..images import read_bytes, read_images, stated_size

__all__ = ["item", "label_file", "label_table", "read_shown"]

_MIN_SIDE, _MAX_SIDE = 24, 64
# Images whose stated size decides how large all are shown.
_N_EXAMINED = 64


def label_file(path: str, labels: str | None) -> str | None:
    """Return the label file that is read: the one given, else the folder's own, if any."""
    own = os.path.join(path, "assets.csv")
    return labels if labels is not None else own if os.path.isfile(own) else None


def label_table(path: str, labels: str | None, eyes: EyeSet) -> LabelTable:
    """Return the label file of a folder with all its columns, or the known labels where there is no file."""
    file = label_file(path, labels)
    if file is not None:
        return read_label_table(file)
    known = np.flatnonzero(eyes.labels >= 0).tolist()
    return LabelTable(("file", "label"), tuple((eyes.names[k], str(eyes.labels[k])) for k in known))


def item(eyes: EyeSet, k: int, rows: dict[str, int], **further: Any) -> dict[str, Any]:
    """Return an item of `classic_eyes.labeling.page.render_sheet`; ``rows`` are rows of the label file by key."""
    name = eyes.names[k]
    return {"file": name, "row": rows.get(image_key(name), -1), "given": int(eyes.labels[k]), **further}


def read_shown(paths: Sequence[str]) -> NDArray[np.uint8]:
    """Read images at the median size that the first of them state, 24 to 64 pixels."""
    sides = list(_stated_sides(paths[:_N_EXAMINED]))
    side = int(np.clip(np.median(sides), _MIN_SIDE, _MAX_SIDE)) if sides else _MAX_SIDE
    return read_images(paths, size=side)[0]


def _stated_sides(paths: Iterable[str]) -> Iterable[int]:
    for path in paths:
        try:
            if stated := stated_size(read_bytes(path)):
                yield min(stated)
        except ImageError:  # a URL
            continue
