"""The summary of a track: blinks a minute, durations, closures, PERCLOS."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..errors import ParameterError
from .events import MAX_INTERVAL_S, Event

__all__ = ["PERCLOS_DEFINITION", "TrackSummary", "summarize"]

PERCLOS_DEFINITION = (
    "share of the visible time in which the lids cover 80% of the eye or more: mean openness of at most 0.2, relative "
    "to the person's own open eye (P80; Wierwille and others, 1994, DOT HS 808 247), blinks included; until an open "
    "eye was seen, a mean probability of open below 0.5"
)
_COVERED = 0.2
_WINDOW_S = 60.0
# Rates of shorter stretches would be chance.
_MIN_SECONDS = 15.0
# So that a track can last for days: the windows, a day of them, and the durations of blinks.
_MOST_WINDOWS, _MOST_BLINKS = 1440, 100_000


class TrackSummary:
    """Collect the summary of a track frame by frame; see `summarize`.

    Parameters
    ----------
    track : int, default 0
        Number of the track.
    """

    def __init__(self, track: int = 0) -> None:
        self.track = track
        self._counts = Counter[str]()
        self._blinks_ms = deque[float](maxlen=_MOST_BLINKS)
        self._closed_ms = self._long_ms = 0.0
        self._before: tuple[float, bool, bool | None] | None = None
        self._first_s = self._last_s = float("nan")
        self._last_frame_s = 0.0
        self._visible_s = 0.0
        self._windows: dict[int, list[float]] = {}  # number of the window: visible, with openness, covered seconds
        self._intervals: list[float] = []

    def add_event(self, event: Event) -> None:
        """Add an event."""
        self._counts[event.kind] += 1
        if event.kind == "blink":
            self._blinks_ms.append(event.duration_ms)
        if event.kind in ("blink", "long"):
            self._closed_ms += event.closed_ms
        if event.kind == "long":
            self._long_ms += event.closed_ms

    def add(self, time_s: float, p_open: Sequence[float], openness: Sequence[float]) -> None:
        """Add the next frame: time, and both eyes, NaN where one is not seen."""
        if self._before is not None:
            self._count(time_s - self._before[0])
        seen = not (np.isnan(p_open[0]) and np.isnan(p_open[1]))
        known = [value for value, p in zip(openness, p_open, strict=True) if not (np.isnan(value) or np.isnan(p))]
        # Without an open level, the lids cover an eye that looks closed.
        covered = sum(known) / len(known) <= _COVERED if known else _mean_seen(p_open) < 0.5 if seen else None
        self._before = (time_s, seen, covered)
        if seen:
            if np.isnan(self._first_s):
                self._first_s = time_s
            self._last_s = time_s

    def _count(self, seconds: float) -> None:
        """Count the frame before, which lasted so long."""
        assert self._before is not None
        time_s, seen, covered = self._before
        if 0 < seconds <= MAX_INTERVAL_S and len(self._intervals) < 10_000:
            self._intervals.append(seconds)
        seconds = min(seconds, MAX_INTERVAL_S)
        self._last_frame_s = seconds
        if not seen:
            return
        self._visible_s += seconds
        window = self._windows.setdefault(int(time_s // _WINDOW_S), [0.0, 0.0, 0.0])
        window[0] += seconds
        window[1] += 0 if covered is None else seconds
        window[2] += seconds if covered else 0
        if len(self._windows) > _MOST_WINDOWS:
            del self._windows[next(iter(self._windows))]

    def result(self) -> dict[str, Any]:
        """Return the summary, ready for JSON; the last frame counts as long as the one before it."""
        if self._before is not None and self._before[1]:
            self._count(self._last_frame_s)
            self._before = (self._before[0], False, None)
        visible = self._visible_s
        counts, blinks = self._counts, self._blinks_ms
        closed, long = self._closed_ms / 1000, self._long_ms / 1000
        span = self._last_s - self._first_s
        return {
            "track": self.track,
            "first_s": _rounded(self._first_s),
            "last_s": _rounded(self._last_s),
            "visible_s": _rounded(visible),
            "unseen_share": _rounded(max(0.0, 1 - visible / span) if span > 0 else 0.0),
            "frames_per_second": _rounded(1 / float(np.median(self._intervals)) if self._intervals else None),
            "blinks": counts["blink"],
            "partial": counts["partial"],
            "long": counts["long"],
            "winks": counts["wink"],
            "blinks_per_minute": _rounded(60 * counts["blink"] / visible if visible >= _MIN_SECONDS else None),
            "blink_ms_median": _rounded(float(np.median(blinks)) if blinks else None, 1),
            "blink_ms_mean": _rounded(float(np.mean(blinks)) if blinks else None, 1),
            "long_s_total": _rounded(min(long, visible)),
            "closed_share": _rounded(min(1.0, closed / visible) if visible > 0 else None, 4),
            "perclos": [
                {
                    "start_s": number * _WINDOW_S,
                    "end_s": (number + 1) * _WINDOW_S,
                    "visible_s": _rounded(seconds[0]),
                    "value": _rounded(seconds[2] / seconds[1] if seconds[1] >= _MIN_SECONDS else None, 4),
                }
                for number, seconds in sorted(self._windows.items())
            ],
        }


def summarize(
    events: Sequence[Event], times: ArrayLike, p_open: ArrayLike, openness: ArrayLike, *, track: int = 0
) -> dict[str, Any]:
    """Summarize the events and the openness of one person.

    A frame lasts to the next one, at most 0.5 s. Time in which no eye is seen is in no denominator.

    1. Blinks a minute are blinks by visible minutes, if 15 s or more are visible.
    2. ``closed_share`` is the share of the visible time in which the lids are together, in blinks and long closures.
    3. PERCLOS is the share of the visible time with a mean openness of at most 0.2, or a mean probability below 0.5
       where openness is not known yet, in windows of 60 s of which 15 s or more are visible. It counts the time of
       blinks too; ``long_s_total`` is that of long closures alone.

    Parameters
    ----------
    events : sequence of Event
        See `find_events`.
    times : array of shape (n,)
        Seconds, never decreasing.
    p_open, openness : array of shape (n,) or (n, 2)
        As for `find_events`.
    track : int, default 0
        Number of the track.

    Returns
    -------
    dict
        Ready for JSON; None for what cannot be said. Times in seconds, durations of blinks in milliseconds.

    Raises
    ------
    ParameterError
        If the shapes do not fit.

    References
    ----------
    Wierwille, Ellsworth, Wreggit, Fairbanks, Kirn, "Research on vehicle-based driver status/performance monitoring",
    1994, DOT HS 808 247 (no DOI).

    Examples
    --------
    >>> from classic_eyes.video import find_events, summarize
    >>> times, p = np.arange(500) / 25, np.full(500, 0.99)
    >>> p[20:25] = 0.01
    >>> summary = summarize(find_events(times, p, p), times, p, p)
    >>> summary["blinks"], summary["blinks_per_minute"], summary["closed_share"]
    (1, 3.0, 0.01)
    """
    times, p, opened = (np.asarray(each, dtype=np.float64) for each in (times, p_open, openness))
    p, opened = (np.column_stack([each, each]) if each.ndim == 1 else each for each in (p, opened))
    if times.ndim != 1 or p.shape != (len(times), 2) or opened.shape != p.shape:
        raise ParameterError(
            f"times, p_open and openness have shapes {times.shape}, {p.shape} and {opened.shape}; "
            "allowed are (n,), and (n,) or (n, 2) for both others"
        )
    summary = TrackSummary(track)
    for event in events:
        summary.add_event(event)
    for time_s, probability, value in zip(times.tolist(), p.tolist(), opened.tolist(), strict=True):
        summary.add(time_s, probability, value)
    return summary.result()


def _mean_seen(values: Sequence[float]) -> float:
    seen = [value for value in values if not np.isnan(value)]
    return sum(seen) / len(seen)


def _rounded(value: float | None, digits: int = 3) -> float | None:
    return None if value is None or np.isnan(value) else round(value, digits)
