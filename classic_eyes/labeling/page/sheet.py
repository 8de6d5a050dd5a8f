"""A page on which a person labels images, or looks again at labels: one HTML file, no server, no network."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import ParameterError
from .document import whole_page
from .text import escape, png_text

__all__ = ["render_sheet"]

# Larger images than this are photographs, which JPEG holds in a quarter of the bytes.
_PNG_SIDE = 32
_QUALITY = 88

_KEYS = (
    ("arrows", "go from image to image"),
    ("Enter, Space", "turn the image over"),
    ("O, C, U", "open, closed, unsure"),
    ("N", "the rest of the page is right as shown; next page"),
    ("P, F", "page before, page after, without an answer"),
    ("Z", "undo"),
    ("S", "save"),
)


def render_sheet(sheet: dict[str, Any], images: NDArray[np.uint8]) -> str:
    """Draw the page.

    Parameters
    ----------
    sheet : dict
        ``title`` and ``lead`` (plain text); ``save``, the name under which labels are saved; ``columns`` and ``rows``
        of the label file that there is already; ``items``, for each image ``file``, ``row`` (-1 for none), ``given``
        (1, 0, -1), ``guess`` (1, 0), ``score``, ``image``, and for an audit ``reason`` and ``other`` (-1 for none);
        ``pages``, lists of items; ``reasons``, whether it is an audit.
    images : ndarray of shape (m, h, w), dtype uint8
        What ``image`` and ``other`` count. They are part of the page: keep it where they may be shown.

    Returns
    -------
    str
        The page; the same input gives the same text.

    Raises
    ------
    ParameterError
        Where an item names an image that is not there.
    """
    named = [number for item in sheet["items"] for number in (item["image"], item.get("other", -1))]
    if max(named, default=-1) >= len(images):
        raise ParameterError(f"images has {len(images)} of them, and an item names number {max(named)}")
    data = {
        **{key: sheet[key] for key in ("save", "columns", "rows", "items", "reasons")},
        "pages": [{"items": page} for page in sheet["pages"]],
        "images": [_image_text(image) for image in images],
    }
    # By this name the browser keeps what was answered: another page, other answers.
    data["id"] = hashlib.sha256(json.dumps(data, sort_keys=True).encode("ascii")).hexdigest()[:24]
    # A file name may hold </script>.
    text = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")
    body = (
        f"<header><h1>{escape(sheet['title'])}</h1><p>{escape(sheet['lead'])}</p>{_help()}</header>"
        f'<main>{_state()}<div id="board"></div></main>{_actions()}'
        '<p id="told" class="told" role="status" aria-live="polite"></p>'
        f'<script type="application/json" id="sheet">{text}</script>'
    )
    return whole_page(sheet["title"], body, kind="label")


def _image_text(image: NDArray[np.uint8]) -> str:
    if len(image) <= _PNG_SIDE:
        return png_text(image)
    import cv2

    _, packed = cv2.imencode(".jpg", np.ascontiguousarray(image), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return "data:image/jpeg;base64," + base64.b64encode(packed.tobytes()).decode("ascii")


def _help() -> str:
    keys = "".join(f"<dt>{escape(key)}</dt><dd>{escape(deed)}</dd>" for key, deed in _KEYS)
    return (
        "<noscript><p class='note'>This page needs JavaScript; it loads nothing from anywhere.</p></noscript>"
        '<p id="lost" class="note" hidden>This browser keeps nothing for this page: save before you close it.</p>'
        f'<details><summary>Keys, and what happens to your answers</summary><dl class="keys">{keys}</dl>'
        "<p>The word under an image says what it is taken for, a tick that you answered. Your answers stay in this "
        "browser, under this page, until you save them as a label file, assets.csv, or assets (1).csv where there is "
        "one already. It holds the labels that there were when this page was made, and your answers on it; of two "
        "pages, classic-eyes merge makes one file. Nothing is sent anywhere.</p></details>"
    )


def _state() -> str:
    return (
        '<div class="state"><p><b id="done"></b><span id="speed"></span><span id="place"></span>'
        '<span id="unsaved"></span></p><progress id="bar" aria-label="answered"></progress>'
        '<fieldset class="click"><legend>A click</legend>'
        '<label><input type="radio" name="click" value="turn" checked> turns over</label>'
        '<label><input type="radio" name="click" value="unsure"> says unsure</label></fieldset></div>'
    )


def _actions() -> str:
    confirm = _button("confirm", '<span id="confirm-text"></span>', "N", kind="first")
    turning = _button("undo", "Undo", "Z") + _button("back", "Back", "P") + _button("forward", "Forward", "F")
    saving = _button("save", "Save labels", "S", kind="save")
    return f'<div class="actions" role="group" aria-label="Page">{confirm}{turning}{saving}</div>'


def _button(name: str, text: str, key: str, kind: str = "plain") -> str:
    return (
        f'<button type="button" id="{name}" class="{kind}" aria-keyshortcuts="{key}">{text}'
        f'<kbd aria-hidden="true">{key}</kbd></button>'
    )
