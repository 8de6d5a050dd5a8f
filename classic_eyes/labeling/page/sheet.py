"""A page on which a person labels images or reviews labels: one HTML file, no server, no network."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..._utils.html import resource
from ...errors import ParameterError
from .document import whole_page
from .text import escape, png_url

__all__ = ["render_sheet"]

# JPEG holds larger images in a quarter of the bytes.
_PNG_SIDE = 32
_QUALITY = 88

_KEYS = {
    "arrows": "go from image to image",
    "Enter, Space": "switch the image between open and closed",
    "O, C, U": "open, closed, unsure",
    "N": "confirm the rest of the page as shown; next page",
    "P, F": "page before, page after, without an answer",
    "Z": "undo",
    "S": "save",
}
_KEYS_IF_BLIND = {
    "Enter, Space": "the same as a click",
    "O, C, U": "open, closed, unsure; then the next image",
    "N": "the next page that has images without an answer",
}
_CLICKS = {"turn": "turns over", "unsure": "says unsure"}
_CLICKS_IF_BLIND = {"open": "says open", "closed": "says closed", "unsure": "says unsure"}


def render_sheet(sheet: dict[str, Any], images: NDArray[np.uint8]) -> str:
    """Return the label page; the same input gives the same text.

    Parameters
    ----------
    sheet : dict
        ``title`` and ``lead`` : str, plain text.
        ``save`` : str, name under which the browser saves the labels.
        ``columns``, ``rows`` : the existing label file.
        ``chosen`` : str, the order in which the images were chosen, which the saved file records for each image that
        is answered; empty in an audit.
        ``items`` : a dict for each image: ``file``, ``row`` in the label file (-1 for none), ``given`` label
        (1, 0, -1), ``guess`` (1, 0), ``score``, index ``image``; where it differs between images, how the image was
        ``chosen``; in an audit also ``reason`` and the index ``other`` of an image to compare with (-1 for none).
        Without ``guess`` and ``score`` the page is blind: it is undivided, and each image needs an answer of its own.
        ``pages`` : lists of indices of items.
        ``reasons`` : bool, whether the page is an audit.
    images : ndarray of shape (m, h, w), dtype uint8
        The images that ``image`` and ``other`` index. They are part of the page: share it only where they may be
        shared.

    Returns
    -------
    str
        HTML.

    Raises
    ------
    ParameterError
        If an item has an index beyond the last image.
    """
    is_blind = not all("guess" in item for item in sheet["items"])
    used = [index for item in sheet["items"] for index in (item["image"], item.get("other", -1))]
    if max(used, default=-1) >= len(images):
        raise ParameterError(f"images has {len(images)} images; an item names number {max(used)}")
    data = {
        **{key: sheet[key] for key in ("save", "columns", "rows", "chosen", "items", "reasons")},
        "pages": [{"items": page} for page in sheet["pages"]],
        "images": [_image_url(image) for image in images],
    }
    # The browser stores answers under this name, so that two pages do not share them.
    data["id"] = hashlib.sha256(json.dumps(data, sort_keys=True).encode("ascii")).hexdigest()[:24]
    # A file name may contain </script>.
    text = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")
    body = (
        f"<header><h1>{escape(sheet['title'])}</h1><p>{escape(sheet['lead'])}</p>{_help(is_blind)}</header>"
        f'<main>{_state(is_blind)}<div id="board"></div></main>{_actions()}'
        '<p id="announcement" role="status" aria-live="polite"></p>'
        f'<script type="application/json" id="sheet">{text}</script>'
    )
    return whole_page(
        sheet["title"], body, style=resource(__package__, "label.css"), script=resource(__package__, "label.js")
    )


def _image_url(image: NDArray[np.uint8]) -> str:
    if len(image) <= _PNG_SIDE:
        return png_url(image)
    _, encoded = cv2.imencode(".jpg", np.ascontiguousarray(image), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return "data:image/jpeg;base64," + base64.b64encode(encoded.tobytes()).decode("ascii")


def _help(is_blind: bool) -> str:
    actions = {**_KEYS, **(_KEYS_IF_BLIND if is_blind else {})}
    keys = "".join(f"<dt>{escape(key)}</dt><dd>{escape(action)}</dd>" for key, action in actions.items())
    return (
        "<noscript><p class='note'>This page needs JavaScript; it loads nothing from the network.</p></noscript>"
        '<p><label><input type="checkbox" id="zoom"> larger and brighter images</label></p>'
        '<p id="lost" class="note" hidden>This browser stores nothing for this page: save before you close it.</p>'
        f'<details><summary>Keys, and where your answers are stored</summary><dl class="keys">{keys}</dl>'
        "<p>The word under an image is its current label; a tick marks the images that you answered. Your answers stay "
        "in this browser until you save them as a label file: assets.csv, or assets (1).csv if there is one already. "
        "The file holds the labels from which this page was made and your answers, and in a label page how the images "
        "were chosen; classic-eyes merge joins the files of two pages. Nothing is sent anywhere.</p></details>"
    )


def _state(is_blind: bool) -> str:
    radios = "".join(
        f'<label><input type="radio" name="click" value="{value}"> {text}</label>'
        for value, text in (_CLICKS_IF_BLIND if is_blind else _CLICKS).items()
    )
    return (
        '<div class="state"><p><b id="done"></b><span id="speed"></span><span id="place"></span>'
        '<span id="unsaved"></span></p><progress id="bar" aria-label="answered"></progress>'
        f'<fieldset class="click"><legend>A click</legend>{radios}</fieldset></div>'
    )


def _actions() -> str:
    confirm = _button("confirm", '<span id="confirm-text"></span>', "N", style_class="first")
    pages = _button("undo", "Undo", "Z") + _button("back", "Back", "P") + _button("forward", "Forward", "F")
    save = _button("save", "Save labels", "S", style_class="save")
    return f'<div class="actions" role="group" aria-label="Page">{confirm}{pages}{save}</div>'


def _button(name: str, text: str, key: str, style_class: str = "plain") -> str:
    return (
        f'<button type="button" id="{name}" class="{style_class}" aria-keyshortcuts="{key}">{text}'
        f'<kbd aria-hidden="true">{key}</kbd></button>'
    )
