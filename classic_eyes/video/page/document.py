"""The page itself: a contents list, and for each clip the summary, the plot and the table of the events."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from ..._utils.html import data_block, escape, filter_page, printable, resource
from .collector import LEVEL_SCALE, UNSEEN

__all__ = ["render_page"]

# Tracks that are shown at once, the ones with the most time seen.
_TRACKS = 6
_KINDS = (
    ("all", "All"),
    ("blink", "Blink"),
    ("partial", "Partial"),
    ("long", "Long"),
    ("wink", "Wink"),
    ("gaze", "May be gaze"),
)
_MEANINGS = (
    ("Blink", "the lids of both eyes meet and open again."),
    ("Partial", "the lids move down and up again, but do not meet."),
    ("Long", "the lids are together for 0.5 s or more."),
    ("Wink", "one eye blinks, the other one stays open."),
    ("May be gaze", "an event that may be a look down instead."),
    ("Right, left", "the person's own right and left eye."),
    ("Openness", "how far the lids are apart: 0 is closed, 1 is this person's usual open eye."),
    ("P(open)", "probability that the eye is open, from its pixels in this one frame."),
    ("Depth", "1 minus the least openness of the event."),
    ("Blinks a minute", "blinks by minutes in which the face is seen. There is no rate below 15 s."),
    ("Closed", "share of the time seen in which the lids are together, in blinks and long closures."),
    ("Not seen", "share of the time of a track in which its face is not found. It counts in no other number."),
)
# One drawing for each kind; shape tells them apart without colour.
_SYMBOLS = {
    "blink": '<path d="M3 8.5c4 5 10 5 14 0M5.2 11.6l-2 2.4M10 12.7v3M14.8 11.6l2 2.4"/>',
    "partial": '<path d="M2.5 10.5c4.5-4 10.5-4 15 0c-4 4.8-11 4.8-15 0z"/>'
    '<path class="full" d="M6.5 9.4h7a3.5 3.5 0 0 1-7 0z"/>',
    "long": '<path d="M2.5 10h15" stroke-width="3.6"/><path d="M2.5 5.5v9M17.5 5.5v9"/>',
    "wink": '<path d="M1.5 8.5c2 3 5.5 3 7.5 0M11 9.5c2-3.5 5.5-3.5 7.5 0c-2 3.5-5.5 3.5-7.5 0z"/>'
    '<circle class="full" cx="14.75" cy="9.5" r="1.3"/>',
    "gaze": '<path d="M7 7.2c0-4 6.2-4 6.2-.2c0 2.6-3.2 2.7-3.2 5.4"/><circle class="full" cx="10" cy="16" r="1.2"/>',
    "find": '<path d="M3 13.5l4-6 3.5 7.5 3-10 3.5 8.5"/>',
}
# Hatching of what is not seen; SVG patterns take no variables but the current colour.
_PATTERNS = (
    '<pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<path d="M0 0v7" stroke="currentColor" stroke-width="2.2"/></pattern>'
)


def render_page(entries: Sequence[dict[str, Any]], *, title: str = "Videos", version: str = "") -> str:
    """Return the page of some clips; the same input gives the same text.

    Parameters
    ----------
    entries : sequence of dict
        The clips, from `ClipCollector.entry` or `failed_entry`. The page contains images of eyes: share it only where
        they may be shared.
    title : str, default="Videos"
        Plain text, such as the name of the folder.
    version : str, default=""
        Version of the package, for the last line of the page.

    Returns
    -------
    str
        HTML.

    Examples
    --------
    >>> page = render_page([{"name": "a.mp4", "error": "no frame can be decoded"}], title="Monday", version="1.0")
    >>> "<h1>Monday</h1>" in page
    True
    """
    clips = "".join(_clip(number, entry) for number, entry in enumerate(entries))
    blocks = "".join(_data(number, entry) for number, entry in enumerate(entries) if "error" not in entry)
    body = (
        f"{_symbols()}{_header(title, entries)}"
        f'<div class="layout">{_side(entries)}<main id="clips" tabindex="-1" aria-label="Clips">'
        f'<p id="shown" role="status"></p>{clips}{_notes(entries, version)}</main></div>{blocks}'
    )
    return filter_page(
        title, body, style=resource(__package__, "videos.css"), script=resource(__package__, "videos.js")
    )


def _data(number: int, entry: dict[str, Any]) -> str:
    """Return what the script reads; the images apart, for they are needed later."""
    keys = ("times_ms", "end_ms", "width", "tracks", "events", "details")
    data = {key: entry[key] for key in keys}
    data |= {"scale": LEVEL_SCALE, "unseen": UNSEEN}
    data["perclos"] = {
        str(track.get("track")): [[window.get(key) for key in ("start_s", "end_s", "value")] for window in windows]
        for track in _tracks(entry)
        if (windows := track.get("perclos"))
    }
    return _block(data, f"clip-data-{number}") + _block(entry["strips"], f"strips-{number}")


def _block(data: Any, name: str) -> str:
    return data_block(json.dumps(data, separators=(",", ":")), name)


def _symbols() -> str:
    symbols = "".join(f'<symbol id="i-{key}" viewBox="0 0 20 20">{paths}</symbol>' for key, paths in _SYMBOLS.items())
    return f'<svg width="0" height="0" class="symbols" aria-hidden="true"><defs>{_PATTERNS}</defs>{symbols}</svg>'


def _icon(key: str) -> str:
    return f'<svg class="icon {key}" aria-hidden="true"><use href="#i-{key}"/></svg>'


def _plural(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def _number(value: Any, form: str = "", unit: str = "") -> str:
    """Return a number as text, or a dash where it is unknown."""
    is_known = isinstance(value, int | float) and value == value
    return f"{value:{form}}{unit}" if is_known else "\N{EN DASH}"


def _clock(seconds: Any, longest: float = 0.0) -> str:
    """Return a time or a duration: seconds below a minute, then minutes, then hours.

    Where the longest one of some times has a minute or more, all have minutes.

    >>> [_clock(s) for s in (3.21, 75, 3700)], _clock(3.21, 75)
    (['3.2 s', '1:15', '1:01:40'], '0:03')
    """
    if not isinstance(seconds, int | float) or seconds != seconds:
        return "\N{EN DASH}"
    if round(max(seconds, longest), 1) < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _rate(summary: dict[str, Any]) -> float | None:
    """Return the mean number of frames a second."""
    frames, duration = summary.get("frames") or 0, summary.get("duration_s") or 0.0
    return (frames - 1) / duration if frames > 1 and duration > 0 else None


def _tracks(entry: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the summaries of the tracks; a track without one has only its number."""
    summaries = {track["track"]: track for track in entry.get("summary", {}).get("tracks", [])}
    numbers = {track["track"] for track in entry.get("tracks", [])} | set(summaries)
    return [summaries.get(number, {"track": number}) for number in sorted(numbers)]


def _kinds(entry: dict[str, Any]) -> Counter[str]:
    events = entry.get("events", [])
    count = Counter(event[1] for event in events)
    count["gaze"] = sum(event[-1] for event in events)
    count["all"] = len(events)
    return count


def _header(title: str, entries: Sequence[dict[str, Any]]) -> str:
    n_events = sum(len(entry.get("events", [])) for entry in entries)
    n_tracks = sum(len(_tracks(entry)) for entry in entries)
    failed = sum("error" in entry for entry in entries)
    lead = f"{_plural(len(entries), 'clip')}, {_plural(n_tracks, 'track')}, {_plural(n_events, 'event')}."
    if failed:
        lead += f" {failed:,} could not be read."
    return (
        '<a class="skip" href="#clips">Go to the clips</a>'
        f'<header><h1>{escape(title)}</h1><p class="lead">{lead} A track is one face that is followed; '
        "track numbers identify nobody.</p>"
        "<noscript><p class='note'>Plots and events need JavaScript; the page loads nothing from the network.</p>"
        "</noscript></header>"
    )


def _side(entries: Sequence[dict[str, Any]]) -> str:
    counts: Counter[str] = sum((_kinds(entry) for entry in entries), Counter())
    kinds = "".join(
        f'<button type="button" class="filter" data-kind="{key}" aria-pressed="{str(key == "all").lower()}"'
        f"{'' if counts[key] or key == 'all' else ' disabled'}>{'' if key == 'all' else _icon(key)}"
        f"<span>{word}</span> <b>{counts[key]:,}</b></button>"
        for key, word in _KINDS
    )
    links = "".join(
        f'<li><a href="#clip-{number}"><bdi>{escape(_short(entry["name"]))}</bdi>'
        f"<small>{_outline(entry)}</small></a></li>"
        for number, entry in enumerate(entries)
    )
    contents = (
        f'<nav aria-labelledby="contents"><h2 id="contents">Clips</h2><ol>{links}</ol></nav>'
        if len(entries) > 1
        else ""
    )
    return (
        '<aside class="side" aria-label="Kinds of events, and contents">'
        '<div class="filters" role="group" aria-labelledby="kinds"><h2 id="kinds">Events</h2>'
        f"<div>{kinds}</div></div>{contents}</aside>"
    )


def _short(name: str) -> str:
    return re.sub(r"^.*[\\/]", "", name, flags=re.DOTALL)


def _outline(entry: dict[str, Any]) -> str:
    """Return what the contents list says of a clip."""
    if "error" in entry:
        return "could not be read"
    return f"{_clock(entry['summary'].get('duration_s'))}, {_plural(len(entry['events']), 'event')}"


def _clip(number: int, entry: dict[str, Any]) -> str:
    whole = printable(entry["name"])
    file = _short(whole)
    folder = f" <small><bdi>{escape(whole[: -len(file) - 1])}</bdi></small>" if file and file != whole else ""
    head = f'<h2 id="clip-{number}-name"><bdi>{escape(file or whole)}</bdi>{folder}</h2>'
    start = f'<section class="clip" id="clip-{number}" data-clip="{number}" aria-labelledby="clip-{number}-name">{head}'
    if "error" in entry:
        return f'{start}<p class="note">Could not be read: {escape(entry["error"])}</p></section>'
    summary, tracks = entry["summary"], _tracks(entry)
    facts = [
        _clock(summary.get("duration_s")),
        f"{summary.get('frames', 0):,} frames",
        _number(summary.get("fps") or _rate(summary), ".4g", " frames/s"),
        _plural(len(tracks), "track"),
        _plural(len(entry["events"]), "event"),
    ]
    if summary.get("faceless_share"):
        facts.append(f"no face in {summary['faceless_share']:.1%} of the time")
    warnings = "".join(f'<p class="note">{escape(text)}</p>' for text in summary.get("warnings", []))
    text = f'{start}<p class="facts">{" · ".join(facts)}</p>{warnings}'
    if not tracks:
        return f'{text}<p class="empty">No face was found in this clip.</p></section>'
    longest = sorted(tracks, key=lambda track: -(track.get("visible_s") or 0.0))
    shown = {track["track"] for track in longest[:_TRACKS]}
    parts = "".join(_track(number, track, track["track"] not in shown) for track in tracks)
    more = len(tracks) - len(shown)
    button = (
        f'<button type="button" class="more" data-more>Show {_plural(more, "more track")}, each seen for '
        f"{_clock(longest[_TRACKS].get('visible_s') or 0.0)} at most</button>"
        if more
        else ""
    )
    return f"{text}{_tools(tracks)}{parts}{button}{_events(number, entry)}</section>"


def _tools(tracks: Sequence[dict[str, Any]]) -> str:
    """Return the buttons of a clip: which track, and which part of the time."""
    choice = ""
    if len(tracks) > 1:
        options = "".join(f'<option value="{track["track"]}">Track {track["track"]}</option>' for track in tracks)
        options = f'<option value="">all tracks</option>{options}'
        choice = f"<label>Show <select data-track>{options}</select></label>"
    return (
        f'<div class="tools" data-tools hidden>{choice}<div class="zoom" role="group" aria-label="Time that is shown">'
        '<button type="button" data-zoom="in" aria-label="Zoom in">+</button>'
        '<button type="button" data-zoom="out" aria-label="Zoom out">\N{MINUS SIGN}</button>'
        '<button type="button" data-zoom="all">Whole clip</button></div>'
        '<label class="position" hidden><span class="heard">Position in the clip</span>'
        '<input type="range" min="0" max="1000" value="0" data-position></label>'
        '<p class="window" role="status"></p></div>'
    )


def _track(number: int, track: dict[str, Any], is_hidden: bool) -> str:
    name = track["track"]
    span = [_clock(track.get(key), track.get("last_s") or 0.0) for key in ("first_s", "last_s")]
    when = f" <small>{span[0]} to {span[1]}</small>" if "first_s" in track else ""
    tiles = "".join(
        f"<div><dt>{word}</dt><dd>{value}<small>{note}</small></dd></div>" for word, value, note in _tiles(track)
    )
    numbers = f'<dl class="tiles">{tiles}</dl>' if tiles else ""
    return (
        f'<article class="track" data-track="{name}" aria-labelledby="track-{number}-{name}"{" hidden" * is_hidden}>'
        f'<h3 id="track-{number}-{name}">Track {name}{when}</h3>'
        f'{numbers}<div class="plot" data-plot></div>{_windows(track)}</article>'
    )


def _tiles(track: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return the numbers of a track, each with its name and a note."""
    if "visible_s" not in track:
        return []
    rate = track.get("blinks_per_minute")
    blinks = track.get("blinks", 0)
    median, mean = track.get("blink_ms_median"), track.get("blink_ms_mean")
    long = track.get("long", 0)
    values = [window["value"] for window in track.get("perclos") or [] if window.get("value") is not None]
    least, most = (_number(f(values) if values else None, ".1%") for f in (min, max))
    perclos = least if least == most else f"{least[:-1]}\N{EN DASH}{most}"
    n_windows = len(values)
    return [
        ("Seen", _clock(track["visible_s"]), f"{_number(track.get('unseen_share'), '.1%')} not seen"),
        ("Blinks", f"{blinks:,}", ""),
        ("Blinks a minute", _number(rate, ".1f"), "no rate below 15 s" if rate is None else "of the time seen"),
        ("Median blink", _number(median, ".0f", " ms"), f"mean {_number(mean, '.0f', ' ms')}"),
        ("Long closures", f"{long:,}", f"{_number(track.get('long_s_total'), '.1f', ' s')} in all" if long else ""),
        ("Partial, winks", f"{track.get('partial', 0):,}, {track.get('winks', 0):,}", ""),
        ("Closed", _number(track.get("closed_share"), ".1%"), "of the time seen"),
        ("PERCLOS", perclos, _plural(n_windows, "window") if values else "no window of 15 s"),
    ]


def _windows(track: dict[str, Any]) -> str:
    """Return PERCLOS by windows as a list; one window stands among the numbers already."""
    windows = track.get("perclos") or []
    if len(windows) < 2:
        return ""
    last = track.get("last_s") or windows[-1]["end_s"]
    rows = "".join(
        f"<li><span>{_clock(window['start_s'], 60)} to {_clock(min(window['end_s'], last), 60)}</span> "
        f"<b>{_number(window.get('value'), '.1%')}</b></li>"
        for window in windows
    )
    return f'<details><summary>PERCLOS in {len(windows):,} windows</summary><ol class="windows">{rows}</ol></details>'


def _events(number: int, entry: dict[str, Any]) -> str:
    count, shown = len(entry["events"]), len(entry["strips"])
    if not count:
        return '<p class="empty">No events.</p>'
    note = ""
    if 0 < shown < count:
        note = f'<p class="hint">Images of {shown:,} events: those that most need a look.</p>'
    return (
        f'<div class="events" data-events><h3 id="events-{number}">Events <small data-count></small></h3>{note}'
        f'<div data-table aria-labelledby="events-{number}"></div></div>'
    )


def _notes(entries: Sequence[dict[str, Any]], version: str) -> str:
    found = {str(entry["summary"].get("perclos_definition", "")) for entry in entries if "error" not in entry}
    definitions = [("PERCLOS", f"{text}; in windows of 60 s.") for text in sorted(found - {""})]
    rows = "".join(
        f"<div><dt>{word}</dt><dd>{escape(text[:1].upper() + text[1:])}</dd></div>"
        for word, text in (*_MEANINGS, *definitions)
    )
    made = f" Made by classic_eyes {escape(version)}." if version else ""
    return (
        f'<section class="notes" aria-labelledby="notes"><h2 id="notes">What the words mean</h2><dl>{rows}</dl>'
        f'<p class="hint">Track numbers identify nobody. The page describes eyelids; it says nothing about health or '
        f"fitness. It loads nothing from the network and sends nothing.{made}</p></section>"
    )
