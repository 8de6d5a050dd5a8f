"""Events of one track: blinks, partial blinks, long closures and winks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ParameterError

__all__ = ["KINDS", "MAX_INTERVAL_S", "TOGETHER", "Event", "EventFinder", "Rules", "closing_evidence", "find_events"]

KINDS = ("blink", "partial", "long", "wink")


@dataclass(frozen=True)
class Event:
    """The lids go down and up again.

    Parameters
    ----------
    track : int
        Number of the track.
    kind : str
        ``blink``; ``partial``, where the lids do not meet; ``long``, where they are together for half a second or
        more; ``wink``, a blink of one eye.
    eye : str
        ``both``, ``right`` or ``left``, the person's own.
    start, end : int
        First frame in which the lids move down, and last one before they are up again.
    closed_start, closed_end : int or None
        First and last frame with the lids together; None for a partial blink.
    start_s, end_s : float
        Times of `start` and `end` in seconds.
    duration_ms : float
        From the start to the end of the last frame, in milliseconds.
    closed_ms : float
        How long the lids are seen together, in milliseconds; 0 for a partial blink. Frames in which no eye is seen do
        not count.
    depth : float
        One minus the least openness, 0 to 1.
    confidence : float
        0 to 1. Lower while openness is not known, since a look down may then look closed.
    maybe_gaze : bool
        Whether it may be a look down instead.
    """

    track: int
    kind: str
    eye: str
    start: int
    end: int
    closed_start: int | None
    closed_end: int | None
    start_s: float
    end_s: float
    duration_ms: float
    closed_ms: float
    depth: float
    confidence: float
    maybe_gaze: bool = False


@dataclass(frozen=True)
class Rules:
    """The thresholds of `find_events`.

    Parameters
    ----------
    closed : float
        Evidence, see `classic_eyes.video.events.closing_evidence`, below which an eye is closed.
    other : float
        Both eyes are closed only if neither has more evidence of being open than this.
    deep, deep_slow : float
        The least mean evidence of both eyes in a closure, and in one of more than `slow_s`: lids that stay together
        leave no doubt, and eyes that look down do.
    slow_s : float
        See `deep_slow`, in seconds.
    edge : float
        The lids are up at this share of the openness, and of the probability, that they have within `reach_s`.
    reach_s : float
        How long lids take at most to close or to open, in seconds.
    rearm : float
        Evidence of being open that ends a closure, so that the next frame with closed lids begins another.
    merge_s : float
        Closures that are not ended so, and are no further apart than this, are one.
    long_s : float
        From this duration with the lids together on, a closure is ``long``.
    partial : float
        Mean openness of both eyes below which the lids have moved enough for a partial blink.
    wink : float
        Evidence of the open eye in a wink at least this; that of the closed one is on average at most `deep`.
    wink_s : float
        Shortest wink, in seconds. One that is no further than this from a closure of both eyes must last twice as long,
        since one lid may be ahead of the other.
    gap_s : float
        A face that is not seen for longer interrupts an event.
    """

    closed: float = 0.0
    other: float = 1.0
    deep: float = -1.5
    deep_slow: float = -2.6
    slow_s: float = 0.3
    edge: float = 0.75
    reach_s: float = 0.35
    rearm: float = 1.0
    merge_s: float = 0.5
    long_s: float = 0.5
    partial: float = 0.4
    wink: float = 2.4
    wink_s: float = 0.12
    gap_s: float = 0.2


_MAX_EVIDENCE = 4.0
# Openness at which the shape of the lids is evidence for neither, and its step for one more.
_MIDDLE, _STEP = 0.6, 0.125
# A closure of less confidence may be a look down if it closes as slowly, stays as open, or lasts as long as this.
_SURE, _SLOW_S, _SHALLOW, _LASTS_S = 0.88, 0.18, 0.3, 0.15
# A partial blink lasts so long, and the lids are so much higher before and after.
_PARTIAL_S, _PARTIAL_LEVEL = (0.05, 0.45), 0.65
# Events in quick succession are held back together for so long, and a wink for so long, in seconds.
_MAX_SERIES_S, _MAX_WINK_S = 4.0, 3.0
# So that memory is bounded while eyes stay closed: frames of a longer event are not kept.
_LONGEST_S = 600.0
TOGETHER = 0.65
"""The lids are together below this share of the least evidence of a closure."""
MAX_INTERVAL_S = 0.5
"""A frame lasts to the next one, but no longer than this, in seconds."""


def closing_evidence(p_open: ArrayLike, openness: ArrayLike, *, threshold: float = 0.5) -> NDArray[np.float64]:
    """Combine probability and openness of an eye; positive means open.

    1. Appearance: log odds of the probability minus log odds of the threshold, clipped to [-4, 4].
    2. Shape: ``(openness - 0.6) / 0.125``, clipped to [-4, 4].
    3. Return the mean of both; without openness (NaN), the appearance.

    Examples
    --------
    >>> closing_evidence([0.5, 0.0, 0.5], [0.6, 0.0, np.nan]).tolist()
    [0.0, -4.0, 0.0]
    """
    clipped = np.clip(np.asarray(p_open, dtype=np.float64), 1e-9, 1 - 1e-9)
    odds = np.log(clipped / (1 - clipped)) - np.log(threshold / (1 - threshold))
    appearance = np.clip(odds, -_MAX_EVIDENCE, _MAX_EVIDENCE)
    shape = np.clip((np.asarray(openness, dtype=np.float64) - _MIDDLE) / _STEP, -_MAX_EVIDENCE, _MAX_EVIDENCE)
    return np.asarray(np.where(np.isnan(shape), appearance, (appearance + shape) / 2))


@dataclass(frozen=True, eq=False)
class _Samples:
    """A stretch of a track: number of each frame, time, and both eyes."""

    frames: NDArray[np.intp]
    times: NDArray[np.float64]
    p: NDArray[np.float64]
    openness: NDArray[np.float64]
    evidence: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.times)


class EventFinder:
    """Find the events of a track while its frames arrive; see `find_events`.

    Parameters
    ----------
    track : int, default 0
        Number of the track.
    threshold : float, default 0.5
        Probability from which on an eye is open.
    rules : Rules, optional
        Thresholds.
    """

    def __init__(self, *, track: int = 0, threshold: float = 0.5, rules: Rules | None = None) -> None:
        self.track = track
        self.threshold = threshold
        self.rules = rules if rules is not None else Rules()
        self._rows: list[tuple[int, float, NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]] = []
        self._first = 0  # before this position, frames belong to events that were returned
        self._first_active = self._last_active = None  # type: float | None
        self._one_since: float | None = None

    @property
    def delay_s(self) -> float:
        """How long after its last frame with closed lids an event is final, in seconds.

        Events of which each begins within this time of the last one are final together: when none follows, or after 4 s
        when none follows within 0.35 s.
        """
        return max(self.rules.merge_s, 2 * self.rules.reach_s)

    def add(self, frame: int, time_s: float, p_open: NDArray[np.float64], openness: NDArray[np.float64]) -> list[Event]:
        """Add the next frame, NaN for an eye that is not seen; return the events that are final now."""
        final: list[Event] = []
        if self._last_active is not None and self._first_active is not None:
            waits = self.rules.reach_s if time_s - self._first_active > _MAX_SERIES_S else self.delay_s
            if time_s - self._last_active > waits:
                final = self._flush()
            elif time_s - self._first_active > _LONGEST_S:
                final = self._flush()
                self._rows.clear()  # the next part begins with the next frame
                self._first = 0
        evidence = closing_evidence(p_open, openness, threshold=self.threshold)
        self._rows.append((frame, time_s, p_open, openness, evidence))
        if self._is_active(time_s, evidence, openness):
            self._last_active = time_s
            if self._first_active is None:
                self._first_active = time_s
        elif self._last_active is None:
            self._forget(time_s - self.delay_s)
        return final

    def finish(self) -> list[Event]:
        """Return the events that are left, at the end of the video or of the track."""
        return self._flush()

    def _is_active(self, time_s: float, evidence: NDArray[np.float64], openness: NDArray[np.float64]) -> bool:
        """Whether a frame may belong to the inside of an event."""
        closed = (evidence < self.rules.closed) | (openness < self.rules.partial)
        if not closed.any():
            self._one_since = None
            return False
        seen = evidence[~np.isnan(evidence)]
        if seen.mean() < self.rules.closed or bool(closed[~np.isnan(evidence)].all()):
            return True
        # An eye that stays closed, or looks so, must not hold back the events of both.
        if self._one_since is None:
            self._one_since = time_s
        return time_s - self._one_since <= _MAX_WINK_S

    def _forget(self, time_s: float) -> None:
        keep = 0
        while keep < len(self._rows) and self._rows[keep][1] < time_s:
            keep += 1
        if keep:
            del self._rows[:keep]
            self._first = max(0, self._first - keep)

    def _flush(self) -> list[Event]:
        self._first_active = self._last_active = None
        if len(self._rows) < 2:  # one frame shows no movement, and has no duration
            return []
        columns = list(zip(*self._rows, strict=True))
        samples = _Samples(np.array(columns[0]), np.array(columns[1]), *(np.array(each) for each in columns[2:]))
        events = _find(samples, self._first, self.rules)
        last = max((position for _, position in events), default=self._first - 1)
        self._first = last + 1
        self._forget(samples.times[-1] - self.delay_s)
        return [replace(event, track=self.track) for event, _ in events]


def find_events(
    times: ArrayLike,
    p_open: ArrayLike,
    openness: ArrayLike,
    *,
    track: int = 0,
    threshold: float = 0.5,
    rules: Rules | None = None,
) -> list[Event]:
    """Find blinks, partial blinks, long closures and winks of one person.

    1. `classic_eyes.video.events.closing_evidence` combines probability and openness of each eye.
    2. Frames are closed where the mean evidence of both eyes is below 0 and neither eye is clearly open. Closed frames
       are one closure until the mean evidence rises to 1.
    3. A closure counts if its evidence falls to -1.5, or to -2.6 if it lasts more than 0.3 s. The lids are together
       while it is below 0.65 of its minimum. The event reaches on either side to where the lids are up: at 0.75 of the
       openness and of the probability that they have within 0.35 s. It is ``long`` if the lids are together for 0.5 s
       or more.
    4. A ``wink`` is the same of one eye, for 0.12 to 3 s, while the other is clearly open. Within 0.12 s of a closure
       of both eyes it must last 0.24 s, since one lid may be ahead of the other.
    5. A ``partial`` blink is a quick fall of the mean openness below 0.4 and back, without a closure.

    An eye that is not seen has no part in it; a face that is not seen for more than 0.2 s interrupts an event. A
    closure of more than ten minutes is reported in parts of ten minutes.

    Parameters
    ----------
    times : array of shape (n,)
        Seconds, never decreasing.
    p_open, openness : array of shape (n,) or (n, 2)
        Probability of open and openness, see `relative_openness`; one signal, or right and left eye. NaN where an eye
        is not seen, or where openness is not known yet.
    track : int, default 0
        Number of the track.
    threshold : float, default 0.5
        Probability from which on an eye is open.
    rules : Rules, optional
        Thresholds.

    Returns
    -------
    list of Event
        In order of their starts. Frames are positions in the arrays.

    Raises
    ------
    ParameterError
        If the shapes do not fit, probabilities are not from 0 to 1, or times decrease.

    Examples
    --------
    >>> p = np.full(50, 0.99)
    >>> p[20:25] = 0.01
    >>> (event,) = find_events(np.arange(50) / 25, p, p)
    >>> event.kind, event.closed_start, event.closed_end, round(event.duration_ms)
    ('blink', 20, 24, 200)
    """
    times, p, opened = (np.asarray(each, dtype=np.float64) for each in (times, p_open, openness))
    if p.ndim == 1 and opened.ndim == 1:
        p, opened = np.column_stack([p, p]), np.column_stack([opened, opened])
    if times.ndim != 1 or p.shape != (len(times), 2) or opened.shape != p.shape:
        raise ParameterError(
            f"times, p_open and openness have shapes {np.shape(times)}, {np.shape(p_open)} and {np.shape(openness)}; "
            "allowed are (n,), and (n,) or (n, 2) for both others"
        )
    if not ((np.isnan(p) | ((p >= 0) & (p <= 1))).all()):
        raise ParameterError(f"p_open has values from {np.nanmin(p)} to {np.nanmax(p)}; allowed are 0 to 1, and NaN")
    if (np.diff(times) < 0).any():
        raise ParameterError("times decrease; allowed are seconds in the order of the frames")
    finder = EventFinder(track=track, threshold=threshold, rules=rules)
    events: list[Event] = []
    for frame, row in enumerate(zip(times, p, opened, strict=True)):
        events += finder.add(frame, float(row[0]), row[1], row[2])
    return sorted([*events, *finder.finish()], key=lambda event: (event.start, event.end))


@dataclass(frozen=True)
class _Closure:
    """Closed frames, as positions in the samples; of both eyes, or of the eye in this column."""

    start: int
    end: int
    column: int | None
    confidence: float


def _find(samples: _Samples, first: int, rules: Rules) -> list[tuple[Event, int]]:
    """Return the events that begin at position ``first`` or later, each with the position of its end."""
    closures = _find_closures(samples, first, rules)
    p, openness = _mean(samples.p), _mean(samples.openness)
    found: list[tuple[Event, int]] = []
    low_limit = first
    for number, closure in enumerate(closures, start=1):
        following = closures[number] if number < len(closures) else None
        own_p = p if closure.column is None else samples.p[:, closure.column]
        own = openness if closure.column is None else samples.openness[:, closure.column]
        high_limit = len(samples) - 1 if following is None else following.start - 1
        low = _walk(samples, closure.start, low_limit, own_p, own, rules)
        high = _walk(samples, closure.end, high_limit, own_p, own, rules)
        if following is not None and high == high_limit:
            # The lids go down again before they are up: the events meet where the lids are highest.
            high = closure.end + int(np.argmax(np.nan_to_num(own[closure.end : high_limit + 1])))
        low_limit = high + 1
        found.append((_closure_event(samples, closure, low, high, own, rules), high))
    taken = np.zeros(len(samples), bool)
    for event, high in found:
        taken[high - (event.end - event.start) : high + 1] = True
    found += _find_partials(samples, first, taken, p, openness, rules)
    return sorted(found, key=lambda each: each[1])


def _find_closures(samples: _Samples, first: int, rules: Rules) -> list[_Closure]:
    seen = ~np.isnan(samples.p)
    evidence = np.where(seen, samples.evidence, 0)
    with np.errstate(invalid="ignore"):
        joint = np.where(seen.any(axis=1), evidence.sum(axis=1) / np.maximum(seen.sum(axis=1), 1), np.nan)
        most = np.where(seen, evidence, -np.inf).max(axis=1)
        is_closed = (joint < rules.closed) & (most < rules.other)
        closures = [
            _closure(start, end, None, joint, _mean(samples.openness))
            for start, end in _runs(samples, is_closed, joint, rules)
            if start >= first and np.nanmin(joint[start : end + 1]) <= _needed(samples, start, end, rules)
        ]
        is_both = np.zeros(len(samples), bool)
        for each in closures:
            is_both[each.start : each.end + 1] = True
        winks: list[_Closure] = []
        for column in (0, 1):
            own, other = samples.evidence[:, column], samples.evidence[:, 1 - column]
            alone = np.where(is_both, np.inf, own)  # a closure of both ends a wink
            for start, end in _runs(samples, (alone < rules.closed) & (other >= rules.wink), alone, rules):
                is_beside = any(_are_close(samples, (start, end), (each.start, each.end), rules) for each in closures)
                if (
                    start >= first
                    and np.nanmean(own[start : end + 1]) <= rules.deep
                    and _seconds(samples, start, end) >= (2 if is_beside else 1) * rules.wink_s
                ):
                    winks.append(_closure(start, end, column, own, samples.openness[:, column]))
    return sorted([*closures, *winks], key=lambda each: each.start)


def _needed(samples: _Samples, start: int, end: int, rules: Rules) -> float:
    """Return the evidence that closed frames must fall to."""
    return rules.deep_slow if _seconds(samples, start, end) > rules.slow_s else rules.deep


def _are_close(samples: _Samples, one: tuple[int, int], other: tuple[int, int], rules: Rules) -> bool:
    times = samples.times
    return bool(times[one[0]] - times[other[1]] < rules.wink_s and times[other[0]] - times[one[1]] < rules.wink_s)


def _closure(
    start: int, end: int, column: int | None, evidence: NDArray[np.float64], openness: NDArray[np.float64]
) -> _Closure:
    """Return the frames of a run in which the lids are together."""
    least = float(np.nanmin(evidence[start : end + 1]))
    together = start + np.flatnonzero(evidence[start : end + 1] <= TOGETHER * least)
    # The probability alone is half of the evidence.
    clear = least / 2 if np.isnan(openness[together]).mean() > 0.5 else least
    return _Closure(int(together[0]), int(together[-1]), column, float(1 / (1 + np.exp(1 + clear))))


def _runs(
    samples: _Samples, is_closed: NDArray[np.bool_], evidence: NDArray[np.float64], rules: Rules
) -> list[tuple[int, int]]:
    """Return first and last position of stretches of closed frames between which the eyes do not open."""
    runs: list[tuple[int, int]] = []
    for position in np.flatnonzero(is_closed).tolist():
        if runs:
            start, end = runs[-1]
            if (
                not (evidence[end + 1 : position] >= rules.rearm).any()
                and samples.times[position] - samples.times[end] <= rules.merge_s
                and not _is_interrupted(samples, end, position, rules)
            ):
                runs[-1] = (start, position)
                continue
        runs.append((position, position))
    return runs


def _is_interrupted(samples: _Samples, one: int, other: int, rules: Rules) -> bool:
    """Whether the face is not seen for too long between two positions."""
    low, high = min(one, other), max(one, other)
    seen = low + np.flatnonzero(~np.isnan(samples.p[low : high + 1]).all(axis=1))
    return any(samples.times[b] - samples.times[a] > rules.gap_s for a, b in pairwise(seen) if b > a + 1)


def _walk(
    samples: _Samples, start: int, limit: int, p: NDArray[np.float64], openness: NDArray[np.float64], rules: Rules
) -> int:
    """Return the last position, going from ``start`` to ``limit``, before the lids are up."""
    step = 1 if limit >= start else -1
    within = [start]
    for position in range(start + step, limit + step, step):
        if abs(samples.times[position] - samples.times[start]) > rules.reach_s:
            break
        within.append(position)
    level = min(1.0, _greatest(openness[within]))
    p_level = _greatest(p[within])
    reached = start
    for position in within[1:]:
        if np.isnan(p[position]):
            if _is_interrupted(samples, reached, position, rules):
                break
            continue
        is_open = np.isnan(openness[position]) or openness[position] >= rules.edge * level
        if is_open and p[position] >= rules.edge * p_level:
            break
        reached = position
    return reached


def _closure_event(
    samples: _Samples, closure: _Closure, low: int, high: int, openness: NDArray[np.float64], rules: Rules
) -> Event:
    together = _seconds(samples, closure.start, closure.end)
    kind = "wink" if closure.column is not None else "long" if together >= rules.long_s else "blink"
    least = _least(openness, low, high)
    closing = samples.times[closure.start] - samples.times[low]
    looks_down = least > _SHALLOW or closing > _SLOW_S or together > _LASTS_S
    maybe_gaze = kind != "wink" and closure.confidence < _SURE and looks_down
    eye = "both" if closure.column is None else ("right", "left")[closure.column]
    return _event(samples, kind, eye, (low, high), (closure.start, closure.end), least, closure.confidence, maybe_gaze)


def _find_partials(
    samples: _Samples,
    first: int,
    taken: NDArray[np.bool_],
    p: NDArray[np.float64],
    openness: NDArray[np.float64],
    rules: Rules,
) -> list[tuple[Event, int]]:
    """Return the dips of the openness of both eyes that are no closures."""
    with np.errstate(invalid="ignore"):
        low_lids = (openness < rules.partial) & ~(samples.openness >= _PARTIAL_LEVEL).any(axis=1) & ~taken
    found: list[tuple[Event, int]] = []
    for start, end in _runs(samples, low_lids, (openness - _MIDDLE) / _STEP, rules):
        low = _walk(samples, start, first if start >= first else start, p, openness, rules)
        high = _walk(samples, end, len(samples) - 1, p, openness, rules)
        lasts = _PARTIAL_S[0] <= _seconds(samples, low, high) <= _PARTIAL_S[1]
        if start < first or taken[low : high + 1].any() or not lasts:
            continue
        around = openness[max(first, low - 3) : low], openness[high + 1 : high + 4]
        if any(not len(part) or np.isnan(part).all() or np.nanmax(part) < _PARTIAL_LEVEL for part in around):
            continue
        least = _least(openness, low, high)
        confidence = min(0.9, 1 - least)
        found.append((_event(samples, "partial", "both", (low, high), None, least, confidence, False), high))
    return found


def _event(
    samples: _Samples,
    kind: str,
    eye: str,
    span: tuple[int, int],
    closed: tuple[int, int] | None,
    least: float,
    confidence: float,
    maybe_gaze: bool,
) -> Event:
    low, high = span
    return Event(
        0,
        kind,
        eye,
        int(samples.frames[low]),
        int(samples.frames[high]),
        None if closed is None else int(samples.frames[closed[0]]),
        None if closed is None else int(samples.frames[closed[1]]),
        float(samples.times[low]),
        float(samples.times[high]),
        1000 * _seconds(samples, low, high),
        0.0 if closed is None else 1000 * _seen_seconds(samples, *closed),
        1 - least,
        confidence,
        bool(maybe_gaze),
    )


def _seconds(samples: _Samples, start: int, end: int) -> float:
    """Return the time from a frame to the end of another: to the frame after it, or one mean interval later."""
    times = samples.times
    if end + 1 < len(times):
        return float(min(times[end + 1] - times[start], times[end] - times[start] + MAX_INTERVAL_S))
    interval = (times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else 0.0
    return float(times[end] - times[start] + min(interval, MAX_INTERVAL_S))


def _seen_seconds(samples: _Samples, start: int, end: int) -> float:
    """Return the same without the frames in which no eye is seen; one is in the last."""
    seen = ~np.isnan(samples.p[start:end]).all(axis=1)
    steps = np.minimum(np.diff(samples.times[start : end + 1]), MAX_INTERVAL_S)
    return float(steps[seen].sum()) + _seconds(samples, end, end)


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean of the eyes that are seen, NaN where none is."""
    seen = ~np.isnan(values)
    total = np.where(seen, values, 0).sum(axis=1)
    return np.where(seen.any(axis=1), total / np.maximum(seen.sum(axis=1), 1), np.nan)


def _least(openness: NDArray[np.float64], low: int, high: int) -> float:
    part = openness[low : high + 1]
    return 0.0 if np.isnan(part).all() else float(min(1.0, np.nanmin(part)))


def _greatest(values: NDArray[np.float64]) -> float:
    return np.nan if np.isnan(values).all() else float(np.nanmax(values))
