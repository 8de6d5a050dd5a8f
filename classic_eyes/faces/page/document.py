"""The page itself: photographs that need a look first, bursts together, and all of it in one file."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._utils.html import data_block, escape, filter_page, resource
from .bursts import best_of, colours_of, find_bursts
from .entry import KINDS, PageEntry

__all__ = ["render_page"]

_SECTIONS = (
    ("look", "Closed, wink or unknown", ("closed", "wink", "unknown")),
    ("none", "No face found", ("none",)),
    ("failed", "Could not be read", ("failed",)),
    ("open", "All faces found are open", ("open",)),
)
# Above open photographs, if there are groups.
_NOTE = "A face may have been missed. In groups, compare the number of faces with that of the people."
_FILTERS = (
    ("all", "All"),
    ("closed", "Closed"),
    ("wink", "Wink"),
    ("unknown", "Unknown"),
    ("none", "No face"),
    ("failed", "Not read"),
    ("open", "Open"),
    ("group", "Groups, all open"),
)
_MARKS = (("any", "Any mark"), ("keep", "Kept"), ("reject", "Rejected"), ("unmarked", "Unmarked"))
_KEYS = (
    ("Arrows", "go from photograph to photograph"),
    ("K", "keep"),
    ("R", "reject"),
    ("U", "unmark"),
    ("B", "in a burst: keep the best or least bad, reject the others"),
    ("Z", "undo"),
    ("Enter", "large view"),
    ("Escape", "close the large view"),
    ("/", "search by name"),
    ("S", "save the marks"),
    ("?", "this help"),
)
# One drawing for each kind; shape tells them apart without colour.
_SYMBOLS = {
    "closed": '<path d="M3 9c4 5 10 5 14 0M5 12l-2 2.4M10 13.2V16M15 12l2 2.4"/>',
    "wink": '<path d="M1.5 8.5c2 3 5.5 3 7.5 0M11 9.5c2-3.5 5.5-3.5 7.5 0c-2 3.5-5.5 3.5-7.5 0z"/>'
    '<circle class="full" cx="14.75" cy="9.5" r="1.3"/>',
    "unknown": '<path d="M7 7.2c0-4 6.2-4 6.2-.2c0 2.6-3.2 2.7-3.2 5.4"/>'
    '<circle class="full" cx="10" cy="16" r="1.2"/>',
    "none": '<path d="M6.8 7a3.2 3.2 0 1 0 6.4 0a3.2 3.2 0 1 0-6.4 0M4 17c.8-7 11.2-7 12 0" stroke-dasharray="2 2"/>',
    "failed": '<path d="M10 3l8 14H2zM10 8v4.2"/><circle class="full" cx="10" cy="14.6" r=".9"/>',
    "open": '<path d="M2.5 10c4-6.5 11-6.5 15 0c-4 6.5-11 6.5-15 0z"/><circle class="full" cx="10" cy="10" r="2.2"/>',
    "group": '<path d="M4.4 7a2.6 2.6 0 1 0 5.2 0a2.6 2.6 0 1 0-5.2 0M1.5 16.5c.6-6 10.4-6 11 0M12 4.6a2.6 2.6 0 1 1 1 '
    '4.9M15 11.6c2.2.6 3.2 2.4 3.5 4.9"/>',
    "star": '<path class="full" d="M10 2.5l2.3 4.9 5.3.7-3.9 3.7 1 5.3-4.7-2.6-4.7 2.6 1-5.3-3.9-3.7 5.3-.7z"/>',
    "keep": '<path d="M4 10.5l4 4 8-9"/>',
    "reject": '<path d="M5 5l10 10M15 5L5 15"/>',
}


def render_page(
    entries: Sequence[PageEntry],
    *,
    title: str = "Photographs",
    folder: str = "",
    note: str = "",
    save: str = "marks.csv",
) -> str:
    """Return the page of a folder of photographs; the same input gives the same text.

    Photographs with closed, winking or unknown eyes come first, then those without a face, those that could not be
    read, and those on which all faces found are open. A burst stands where its first photograph to look at belongs.

    Parameters
    ----------
    entries : sequence of PageEntry
        The photographs, in the order in which the marks are saved. The page contains them: share it only where they
        may be shared.
    title : str, default="Photographs"
        Plain text, such as the name of the folder.
    folder : str, optional
        Where the photographs are. The browser stores the marks for this folder, so that a new page of it has them
        again; by default, for the title. The page contains a hash of it.
    note : str, optional
        A sentence that stands above the photographs, such as what was not read.
    save : str, default="marks.csv"
        Name of the file in which the browser saves the marks.

    Returns
    -------
    str
        HTML.

    Examples
    --------
    >>> page = render_page([PageEntry("a.jpg", error="empty file")], title="Wedding")
    >>> "<h1>Wedding</h1>" in page
    True
    """
    # The browser stores marks under this name, so that pages of two folders do not share them.
    place = hashlib.sha256((folder or title).encode("utf-8", "surrogatepass"))
    data: dict[str, Any] = {
        "id": place.hexdigest()[:24],
        "save": save,
        "items": [_item(entry) for entry in entries],
        "sections": _sections(entries),
    }
    blocks = "".join(
        data_block(_base64_of(entry), f"image{index}", "text/plain") for index, entry in enumerate(entries)
    )
    body = (
        f"{_symbols()}{_header(title, entries, note)}"
        f'<div class="layout">{_side(entries)}<main id="photographs" tabindex="-1" aria-label="Photographs">'
        '<p id="shown" role="status"></p><div id="board"></div></main></div>'
        f'<p id="message" class="message" role="status"></p>{_zoom()}{_help()}'
        f"{data_block(json.dumps(data, separators=(',', ':')), 'data')}{blocks}"
    )
    return filter_page(
        title, body, style=resource(__package__, "photographs.css"), script=resource(__package__, "photographs.js")
    )


def _base64_of(entry: PageEntry) -> str:
    """Return the thumbnail and the crops, set apart by blanks."""
    pieces = [entry.thumbnail, *(face.crop for face in entry.faces)]
    return " ".join(base64.b64encode(piece).decode("ascii") for piece in pieces)


def _item(entry: PageEntry) -> dict[str, Any]:
    width, height = entry.size
    faces = [
        {
            "box": [round(100 * value, 2) for value in face.box],
            "verdict": face.verdict,
            "eyes": [None if eye is None else round(eye, 3) for eye in face.eyes],
        }
        for face in entry.faces
    ]
    return {
        "name": entry.name,
        "summary": entry.summary,
        "kinds": _kinds(entry),
        "time": entry.time if entry.time is not None and np.isfinite(entry.time) else None,
        "ratio": round(width / height, 4),
        "size": [width, height],
        "faces": faces,
    }


def _kinds(entry: PageEntry) -> tuple[str, ...]:
    """Return the filters that show a photograph."""
    return (*entry.kinds, "group") if entry.kinds == ("open",) and len(entry.faces) > 1 else entry.kinds


def _sections(entries: Sequence[PageEntry]) -> list[dict[str, Any]]:
    """Return the sections of the page, each with its groups: single photographs, and bursts with their best frame."""
    bursts = find_bursts(
        [entry.time for entry in entries],
        [_layout(entry) for entry in entries],
        [colours_of(b"" if entry.time is None else entry.thumbnail) for entry in entries],
    )
    groups: list[dict[str, Any]] = [
        {"items": burst, "best": burst[best_of([entries[index].faces for index in burst])]} for burst in bursts
    ]
    together = {index for burst in bursts for index in burst}
    groups += [{"items": [index], "best": -1} for index in range(len(entries)) if index not in together]

    def rank(group: dict[str, Any]) -> int:
        return min(KINDS.index(kind) for index in group["items"] for kind in entries[index].kinds)

    has_groups = any("group" in _kinds(entry) for entry in entries)
    groups.sort(key=lambda group: (rank(group), min(group["items"])))
    return [
        {
            "key": key,
            "title": title,
            "note": _NOTE if key == "open" and has_groups else "",
            "kinds": kinds,
            "groups": [group for group in groups if KINDS[rank(group)] in kinds],
        }
        for key, title, kinds in _SECTIONS
    ]


def _layout(entry: PageEntry) -> NDArray[np.float64]:
    """Return the boxes of the faces in units of the longer side."""
    width, height = np.array(entry.size) / max(entry.size)
    boxes = np.array([face.box for face in entry.faces], dtype=float).reshape(-1, 4)
    return boxes * [width, height, width, height]


def _plural(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def _header(title: str, entries: Sequence[PageEntry], note: str) -> str:
    words = {"look": "closed, wink or unknown", "none": "without a face", "failed": "not read"}
    counts = {key: sum(entry.kinds[0] in kinds for entry in entries) for key, _, kinds in _SECTIONS if key in words}
    looks = sum(counts.values())
    parts = ", ".join(f"{count:,} {words[key]}" for key, count in counts.items() if count)
    faces = sum(len(entry.faces) for entry in entries)
    verb = "needs" if looks == 1 else "need"
    need = f"{looks:,} {verb} a look" + (f": {parts}." if parts else ".")
    lead = f"{_plural(len(entries), 'photograph')}, {_plural(faces, 'face')}. {need}"
    more = f'<p class="note">{escape(note)}</p>' if note else ""
    return (
        '<a class="skip" href="#photographs">Go to the photographs</a>'
        f'<header><h1>{escape(title)}</h1><p class="lead">{lead}</p>{more}'
        "<noscript><p class='note'>This page needs JavaScript; it loads nothing from the network.</p></noscript>"
        '<p id="lost" class="note" hidden>This browser stores nothing for this page: save the marks before you close '
        "it.</p></header>"
    )


def _side(entries: Sequence[PageEntry]) -> str:
    counts = {key: sum(key in _kinds(entry) for entry in entries) for key, _ in _FILTERS}
    counts["all"] = len(entries)
    kinds = "".join(
        _filter("kind", key, word, f"{counts[key]:,}", key == "all", not counts[key]) for key, word in _FILTERS
    )
    marks = "".join(_filter("mark", key, word, "", key == "any") for key, word in _MARKS)
    return (
        '<aside class="side" aria-label="Search, filters and marks">'
        '<div class="search" role="search"><label for="search" class="heard">Search by name</label>'
        '<input id="search" type="search" placeholder="Search by name" autocomplete="off" spellcheck="false" '
        'aria-keyshortcuts="/"></div>'
        f'<div class="filters" role="group" aria-labelledby="kinds"><h2 id="kinds">Eyes</h2><div>{kinds}</div></div>'
        f'<div class="filters" role="group" aria-labelledby="marks"><h2 id="marks">Marks</h2>'
        f'<div class="four">{marks}</div></div>'
        '<div class="tools" role="group" aria-label="Save and load">'
        '<button type="button" id="save" class="first" aria-keyshortcuts="S">Save marks</button>'
        '<button type="button" id="load">Load marks</button>'
        '<button type="button" id="undo" aria-keyshortcuts="Z" disabled>Undo</button>'
        '<button type="button" id="keys" aria-keyshortcuts="?">Help</button>'
        '<input id="file" type="file" accept=".csv,text/csv" hidden aria-label="Marks to load"></div>'
        '<p id="unsaved"></p><p class="hint">K keep, R reject, Enter large view, arrows move, ? help</p></aside>'
    )


def _filter(group: str, key: str, word: str, count: str, pressed: bool, disabled: bool = False) -> str:
    icon = "" if key in ("all", "any", "unmarked") else _icon(key)
    return (
        f'<button type="button" class="filter" data-{group}="{key}" aria-pressed="{str(pressed).lower()}"'
        f"{' disabled' if disabled else ''}>{icon}<span>{word}</span> <b>{count}</b></button>"
    )


def _icon(key: str) -> str:
    return f'<svg class="icon {key}" aria-hidden="true"><use href="#i-{key}"/></svg>'


def _symbols() -> str:
    symbols = "".join(f'<symbol id="i-{key}" viewBox="0 0 20 20">{paths}</symbol>' for key, paths in _SYMBOLS.items())
    return f'<svg width="0" height="0" class="symbols" aria-hidden="true">{symbols}</svg>'


def _zoom() -> str:
    marks = "".join(
        f'<button type="button" data-set="{key}" aria-pressed="false" aria-keyshortcuts="{letter}">{_icon(key)}{word}'
        "</button>"
        for key, word, letter in (("keep", "Keep", "K"), ("reject", "Reject", "R"))
    )
    return (
        '<dialog id="zoom" aria-labelledby="zoom-name"><div class="bar"><div>'
        '<h2 id="zoom-name" tabindex="-1"></h2><p id="zoom-summary"></p></div>'
        '<button type="button" id="zoom-close" aria-keyshortcuts="Escape">Close</button></div>'
        '<div class="stage"></div><ul class="crops" id="zoom-crops" aria-label="Faces" tabindex="0"></ul>'
        '<div class="bar actions">'
        '<button type="button" id="previous" aria-keyshortcuts="ArrowLeft">Previous</button>'
        f'<div class="marks" role="group" aria-label="Mark">{marks}</div>'
        '<button type="button" id="next" aria-keyshortcuts="ArrowRight">Next</button></div>'
        '<p id="zoom-message" class="message" role="status"></p></dialog>'
    )


def _help() -> str:
    keys = "".join(f"<div><dt><kbd>{escape(key)}</kbd></dt><dd>{escape(action)}</dd></div>" for key, action in _KEYS)
    return (
        '<dialog id="help" aria-labelledby="help-title"><div class="bar"><h2 id="help-title">Help</h2>'
        f'<button type="button" id="help-close">Close</button></div><dl class="keys">{keys}</dl>'
        "<p>P(open) is the probability that the person's right or left eye is open: 0.01 means almost surely closed. "
        "EAR, how wide the lids are apart, counts too, so a verdict may differ."
        "</p><p>A burst: photographs taken at most three seconds after one another, with faces in the same places and "
        "similar colours. People are not recognized, so it may show different people: look before you press B. The "
        "best frame has the most faces with open eyes; if not all of its faces are open, it is called least bad.</p>"
        "<p>Marks stay in this browser, also for a new page of the same folder. Save marks writes them as a CSV file "
        "with the columns file and mark; Load marks reads such a file, for example in another browser. Nothing is sent "
        "anywhere.</p></dialog>"
    )
