"""What is written of a video or a camera: rows of frames and events, the drawn clip, the data of the page."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from .._utils.files import csv_text
from ..video import KINDS, Event, FrameState
from ..video.drawing import DrawnClip
from ..video.frames import Frame, FrameReader
from ..video.page import ClipCollector

__all__ = ["EVENT_COLUMNS", "FRAME_COLUMNS", "Recorder", "describe_counts", "event_text", "frame_text", "summary_of"]

FRAME_COLUMNS = ("file", "frame", "time_s", "track", "eye", "x", "y", "w", "h", "score", "openness", "state")
EVENT_COLUMNS = (
    *("file", "track", "kind", "eye", "start_s", "end_s", "start_frame", "end_frame", "closed_start_frame"),
    *("closed_end_frame", "duration_ms", "depth", "confidence", "note"),
)
_DIGITS = {
    "time_s": 4,
    "score": 6,
    "openness": 4,
    "start_s": 4,
    "end_s": 4,
    "duration_ms": 1,
    "depth": 4,
    "confidence": 4,
}
_GAZE = "gaze?"
_WORDS = {"blink": "blink", "partial": "partial blink", "long": "long closure", "wink": "wink"}


def frame_text(name: str, state: FrameState, style: str) -> str:
    """Return the rows of a frame: one for each eye; without a face, one without a track."""
    return _text(_frame_rows(name, state), FRAME_COLUMNS, style)


def event_text(name: str, events: Iterable[Event], style: str) -> str:
    """Return the rows of events."""
    return _text((_event_row(name, event) for event in events), EVENT_COLUMNS, style)


def _frame_rows(name: str, state: FrameState) -> Iterator[tuple[Any, ...]]:
    start = (name, state.index, state.time_s)
    if not state.tracks:
        yield (*start, *(None,) * (len(FRAME_COLUMNS) - len(start)))
    for track in state.tracks:
        for eye in track.eyes:
            yield (*start, track.track, eye.name, *eye.box, eye.score, eye.openness, eye.state)


def _event_row(name: str, event: Event) -> tuple[Any, ...]:
    return (
        name,
        event.track,
        event.kind,
        event.eye,
        event.start_s,
        event.end_s,
        event.start,
        event.end,
        event.closed_start,
        event.closed_end,
        event.duration_ms,
        event.depth,
        event.confidence,
        _GAZE if event.maybe_gaze else None,
    )


def _text(rows: Iterable[Sequence[Any]], columns: Sequence[str], style: str) -> str:
    """Return rows as CSV or JSON lines, their numbers rounded, NaN as None."""
    digits = [_DIGITS.get(column) for column in columns]

    def plain(row: Sequence[Any], as_text: bool) -> Iterator[Any]:
        for value, places in zip(row, digits, strict=True):
            if places is None or value is None:
                yield value
            elif math.isnan(value):
                yield None
            else:
                yield f"{value:.{places}f}" if as_text else round(float(value), places)

    if style == "jsonl":
        return "".join(json.dumps(dict(zip(columns, plain(row, False), strict=True))) + "\n" for row in rows)
    return csv_text(plain(row, True) for row in rows)


def summary_of(name: str, frames: FrameReader, watched: dict[str, Any]) -> dict[str, Any]:
    """Return the summary of a video, from that of its analysis."""
    duration = watched["duration_s"]
    rate = (watched["frames"] - 1) / duration if duration else frames.fps
    return {
        "file": name,
        "frames": watched["frames"],
        "duration_s": duration,
        "fps": round(rate, 3),
        "width": frames.size[0],
        "height": frames.size[1],
        "warnings": list(frames.warnings),
        **{key: value for key, value in watched.items() if key not in ("frames", "duration_s")},
    }


class Recorder:
    """Write what is known of each frame as it comes.

    ``write`` receives an option, ``--frames`` or ``--events``, and whole rows for its file; ``options`` has those that
    are given.
    """

    def __init__(
        self,
        name: str,
        write: Callable[[str, str], object],
        *,
        options: Iterable[str],
        style: str,
        clip: DrawnClip | None = None,
        page: bool = False,
    ) -> None:
        self.kinds: Counter[str] = Counter()
        self._name, self._write, self._options, self._style = name, write, frozenset(options), style
        self._clip = clip
        self._collector = ClipCollector() if page else None

    def add(self, state: FrameState, frame: Frame) -> Any:
        """Write a frame; return its drawing, if there is a drawn clip."""
        self.add_rows(state)
        return self.add_pixels(state, frame, state.events)

    def add_rows(self, state: FrameState) -> None:
        """Write the rows of a frame."""
        if "--frames" in self._options:
            self._write("--frames", frame_text(self._name, state, self._style))
        self._add_event_rows(state.events)

    def add_pixels(self, state: FrameState, frame: Frame | None, events: Iterable[Event]) -> Any:
        """Take a frame for the page and the drawn clip, with the events that have become known."""
        if self._collector is not None:
            self._collector.add(state, frame)
        return self._clip.write(frame, state, events) if self._clip is not None and frame is not None else None

    def add_events(self, events: Sequence[Event]) -> None:
        """Write events that no frame brings."""
        self._add_event_rows(events)
        if self._collector is not None:
            self._collector.add_events(events)

    def entry(self, summary: dict[str, Any]) -> dict[str, Any] | None:
        """Return the data of the page, if there is one."""
        return None if self._collector is None else self._collector.entry(summary, self._name)

    def _add_event_rows(self, events: Sequence[Event]) -> None:
        if not events:
            return
        self.kinds.update(event.kind for event in events)
        self.kinds[_GAZE] += sum(event.maybe_gaze for event in events)
        if "--events" in self._options:
            self._write("--events", event_text(self._name, events, self._style))


def describe_counts(kinds: Counter[str]) -> str:
    """Return how many events there are of each kind.

    >>> describe_counts(Counter({"blink": 12, "long": 1, "gaze?": 2}))
    '12 blinks, 1 long closure, 2 of them perhaps looks down'
    """
    parts = [f"{kinds[kind]:,} {_WORDS[kind]}{'s' * (kinds[kind] != 1)}" for kind in KINDS if kinds[kind]]
    if kinds[_GAZE]:
        n = kinds[_GAZE]
        parts.append(f"{n:,} of them perhaps {'a look' if n == 1 else 'looks'} down")
    return ", ".join(parts) or "no event"
