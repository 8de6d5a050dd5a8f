"""What the page needs of a clip, gathered frame by frame in constant memory."""

from __future__ import annotations

import base64
import heapq
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from ..events import Event
from ..frames import Frame
from ..monitor import EyeState, FrameState, TrackState

__all__ = ["LEVEL_SCALE", "UNSEEN", "ClipCollector", "failed_entry"]

# A level is one byte: openness or P(open) in steps of 0.005, up to 1.25; 255 where it is unknown.
LEVEL_SCALE, UNSEEN = 200, 255
_TOP = 250
# Of an hour there remain more than 4,000 columns: 0.5 s each at 30 frames a second, 90 kB a track.
_COLUMNS = 8192
# Events keep their frames one by one, with this much time before and after, unless they have more frames than this.
_MARGIN_MS, _DETAIL_FRAMES = 200, 96
# Bytes for the frames of all events, and the number of events that keep images.
_DETAIL_BYTES, _STRIPS = 90_000, 400
# Frames whose eyes are kept until it is known whether they belong to an event.
_RECENT_MS, _RECENT_FRAMES = 15_000, 450
_CLOSINGS = 4
# An image shows the right and the left eye side by side. Its width is a multiple of the distance of the corners.
_CROP = (64, 48)
_CROP_WIDTH = 1.8
_QUALITY = 72


class _Moment(NamedTuple):
    """A track in one frame."""

    frame: int
    time_ms: int
    levels: bytes  # openness of the right and left eye, P(open) of the right and left eye
    eyes: NDArray[np.uint8] | None


class _Track:
    """The signals of a track by columns, and what may still be needed of its last frames."""

    def __init__(self, column: int) -> None:
        self.first = column
        self.columns = bytearray()  # of each column the four lowest levels, then the four highest
        self.recent: deque[_Moment] = deque()
        # First and deepest frame of the last closings: a long one is longer than what is recent.
        self.closings: deque[_Moment] = deque(maxlen=2 * _CLOSINGS)
        self.is_down = False

    def add(self, column: int, moment: _Moment, is_down: bool) -> None:
        highest = bytes(0 if level == UNSEEN else level for level in moment.levels)
        position = 8 * (column - self.first)
        if position >= len(self.columns):
            self.columns += _NOTHING * ((position - len(self.columns)) // 8) + moment.levels + highest
        else:
            old = self.columns[position : position + 8]
            self.columns[position : position + 4] = bytes(map(min, old[:4], moment.levels))
            self.columns[position + 4 : position + 8] = bytes(map(max, old[4:], highest))
        self.recent.append(moment)
        if is_down and not self.is_down:
            self.closings += (moment, moment)
        elif is_down and _depth_key(moment) < _depth_key(self.closings[-1]):
            self.closings[-1] = moment
        self.is_down = is_down
        self.forget(moment.time_ms)

    def forget(self, now_ms: int) -> None:
        """Drop frames that no event will need."""
        while self.recent and (now_ms - self.recent[0].time_ms > _RECENT_MS or len(self.recent) > _RECENT_FRAMES):
            self.recent.popleft()

    def is_seen(self) -> bool:
        """Whether an eye was seen in any frame."""
        return bool((np.frombuffer(bytes(self.columns), np.uint8).reshape(-1, 8)[:, :4] != UNSEEN).any())

    def halve(self) -> None:
        """Join the columns in pairs."""
        if self.first % 2:
            self.columns[:0] = _NOTHING
        if len(self.columns) % 16:
            self.columns += _NOTHING
        pairs = np.frombuffer(bytes(self.columns), np.uint8).reshape(-1, 2, 8)
        joined = np.concatenate([pairs[:, :, :4].min(axis=1), pairs[:, :, 4:].max(axis=1)], axis=1)
        self.columns = bytearray(joined.tobytes())
        self.first //= 2

    def within(self, start: int, end: int) -> list[_Moment]:
        """Return what is known of these frames, in order."""
        found = {moment.frame: moment for moment in (*self.closings, *self.recent) if start <= moment.frame <= end}
        return [found[index] for index in sorted(found)]

    def detail(self, event: Event) -> bytes:
        """Return the frames of an event one by one, or nothing where it is long or its start is forgotten."""
        start, end = round(1000 * event.start_s) - _MARGIN_MS, round(1000 * event.end_s) + _MARGIN_MS
        around = [moment for moment in self.recent if start <= moment.time_ms <= end]
        is_whole = around and around[0].frame <= event.start and len(around) <= _DETAIL_FRAMES
        return b"".join(_encoded(around)) if is_whole else b""


_NOTHING = bytes([UNSEEN] * 4 + [0] * 4)


class _Kept:
    """Something of the events that most need a look, up to a number of them or of bytes."""

    def __init__(self, most: int, weigh: Callable[[bytes], int]) -> None:
        self.found: dict[int, bytes] = {}
        self._most, self._weigh, self._weight = most, weigh, 0
        self._needs: list[tuple[bool, float, int]] = []

    def offer(self, number: int, event: Event, data: bytes) -> None:
        """Keep this of an event unless enough others need a look more: all but sure blinks, then the least sure."""
        if not data:
            return
        self.found[number] = data
        self._weight += self._weigh(data)
        heapq.heappush(self._needs, (event.kind != "blink" or event.maybe_gaze, 1 - event.confidence, -number))
        while self._weight > self._most:
            self._weight -= self._weigh(self.found.pop(-heapq.heappop(self._needs)[2]))

    def texts(self, order: list[int]) -> dict[str, str]:
        """Return what is kept, by the row of the event."""
        return {str(row): _text(self.found[k]) for row, k in enumerate(order) if k in self.found}


class ClipCollector:
    """Gather what the page needs of a clip while its frames pass.

    1. Signals are reduced to columns with the lowest and the highest value, so that a clip of any length stays small.
    2. The events that most need a look keep an image of the eyes at the start, at the deepest frame and at the end:
       400 at most. Events other than sure blinks come first.

    Memory is constant but for the list of events: about 8 MB for each face that is in view.

    Examples
    --------
    >>> collector = ClipCollector()
    >>> collector.add(FrameState(0, 0.0, (), ()))
    >>> collector.entry({"frames": 1}, "a.mp4")["name"]
    'a.mp4'
    """

    def __init__(self) -> None:
        self._times: list[int] = []  # of the first frame of each column, in ms
        self._width = 1  # frames of a column
        self._n_frames = 0
        self._last_ms = 0
        self._interval_ms = 0
        self._tracks: dict[int, _Track] = {}
        self._events: list[Event] = []
        self._waiting: list[Event] = []
        self._strips = _Kept(_STRIPS, lambda _: 1)
        self._details = _Kept(_DETAIL_BYTES, len)

    def add(self, state: FrameState, frame: Frame | None = None) -> None:
        """Add the next frame; without its pixels its events have no images."""
        time_ms = round(1000 * state.time_s)
        if self._n_frames % self._width == 0:
            self._times.append(time_ms)
            if len(self._times) > _COLUMNS:
                self._halve()
        column = self._n_frames // self._width
        if self._n_frames:
            self._interval_ms = max(0, time_ms - self._last_ms)
        self._last_ms = time_ms
        self._n_frames += 1
        for seen in state.tracks:
            track = self._tracks.setdefault(seen.track, _Track(column))
            eyes = None if frame is None else _eyes_of(frame.bgr, seen)
            is_down = any(eye.state in ("partial", "closed") for eye in seen.eyes)
            track.add(column, _Moment(state.index, time_ms, _levels(seen), eyes), is_down)
        if len(state.tracks) < len(self._tracks):
            for track in self._tracks.values():
                track.forget(time_ms)
        self.add_events(state.events)
        self._take(time_ms)

    def add_events(self, events: Iterable[Event]) -> None:
        """Add events that no frame brings, such as the ones left at the end of the clip."""
        self._waiting += events

    def _take(self, time_ms: float) -> None:
        """Take the events that have ended some time ago; with several tracks an event may come before its frames."""
        ended = [event for event in self._waiting if 1000 * event.end_s + _MARGIN_MS <= time_ms]
        if not ended:
            return
        self._waiting = [event for event in self._waiting if 1000 * event.end_s + _MARGIN_MS > time_ms]
        for event in ended:
            number = len(self._events)
            self._events.append(event)
            if event.track in self._tracks:
                track = self._tracks[event.track]
                self._strips.offer(number, event, _strip(track.within(event.start, event.end), event))
                self._details.offer(number, event, track.detail(event))

    def entry(self, summary: dict[str, Any], name: str) -> dict[str, Any]:
        """Return the clip as `render_page` takes it, ready for JSON.

        Parameters
        ----------
        summary : dict
            The summary of the file.
        name : str
            How the page calls the clip, such as its path within its folder.
        """
        self._take(math.inf)
        order = sorted(range(len(self._events)), key=lambda k: (self._events[k].start_s, self._events[k].track, k))
        return {
            "name": name,
            "summary": summary,
            "times_ms": [*self._times[:1], *(b - a for a, b in zip(self._times, self._times[1:], strict=False))],
            "end_ms": self._last_ms + self._interval_ms,
            "width": self._width,
            "tracks": [
                {"track": number, "first": track.first, "levels": _text(bytes(track.columns))}
                for number, track in sorted(self._tracks.items())
                if track.is_seen()
            ],
            "events": [_event(self._events[k]) for k in order],
            "strips": self._strips.texts(order),
            # Columns of one frame show all there is.
            "details": self._details.texts(order) if self._width > 1 else {},
        }

    def _halve(self) -> None:
        self._times = self._times[::2]
        self._width *= 2
        for track in self._tracks.values():
            track.halve()


def failed_entry(name: str, error: str) -> dict[str, Any]:
    """Return the entry of a clip that could not be read, with the reason."""
    return {"name": name, "error": error}


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _level(value: float) -> int:
    return min(max(round(LEVEL_SCALE * value), 0), _TOP) if math.isfinite(value) else UNSEEN


def _levels(seen: TrackState) -> bytes:
    values = [eye.openness for eye in seen.eyes] + [eye.score for eye in seen.eyes]
    is_seen = [eye.state != "unseen" for eye in seen.eyes] * 2
    return bytes(_level(value) if known else UNSEEN for value, known in zip(values, is_seen, strict=True))


def _depth_key(moment: _Moment, eyes: tuple[int, ...] = (0, 1)) -> tuple[int, int]:
    """Return what is least at the deepest frame: openness, and P(open) where openness is equal or unknown."""
    return sum(moment.levels[k] for k in eyes), sum(moment.levels[2 + k] for k in eyes)


def _encoded(moments: list[_Moment]) -> Iterator[bytes]:
    """Yield the time of the first frame in ms, in 4 bytes; then of each frame the ms since the last one, and levels."""
    last = moments[0]
    yield last.time_ms.to_bytes(4, "little")
    for moment in moments:
        step = moment.time_ms - last.time_ms
        # A frame without levels breaks the line, and fills a time that one byte cannot hold.
        for _ in range(max(step // 255, int(moment.frame - last.frame > 1))):
            yield bytes([min(step, 255)]) + bytes([UNSEEN] * 4)
            step -= min(step, 255)
        yield bytes([step]) + moment.levels
        last = moment


def _event(event: Event) -> list[Any]:
    depth, confidence = (round(x, 2) if math.isfinite(x) else None for x in (event.depth, event.confidence))
    times = [round(event.start_s, 3), round(event.duration_ms)]
    return [event.track, event.kind, event.eye, event.start, *times, depth, confidence, int(event.maybe_gaze)]


def _eyes_of(bgr: NDArray[np.uint8], seen: TrackState) -> NDArray[np.uint8]:
    return np.hstack([_eye_of(bgr, eye) for eye in seen.eyes])


def _eye_of(bgr: NDArray[np.uint8], eye: EyeState) -> NDArray[np.uint8]:
    """Return one eye; edge pixels repeat where it reaches beyond the frame."""
    x, y, w, h = eye.box
    middle, width = (x + w / 2, y + h / 2), float(w)
    corners = np.asarray(eye.corners, dtype=float)
    distance = float(np.hypot(*(corners[1] - corners[0])))
    if math.isfinite(distance) and distance > 0:
        middle, width = (float(corners[:, 0].mean()), float(corners[:, 1].mean())), _CROP_WIDTH * distance
    size = (max(2, round(width)), max(2, round(width * _CROP[1] / _CROP[0])))
    rows, columns = bgr.shape[:2]
    if width <= 0 or not (-width < middle[0] < columns + width and -width < middle[1] < rows + width):
        return np.full((_CROP[1], _CROP[0], 3), 128, np.uint8)
    crop = cv2.getRectSubPix(bgr, size, middle)
    shrinks = size[0] > _CROP[0]
    return cv2.resize(crop, _CROP, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)  # type: ignore[return-value]


def _strip(moments: list[_Moment], event: Event) -> bytes:
    """Return a JPEG of the eyes at the start, the deepest frame and the end, side by side; empty without pixels."""
    seen = [moment for moment in moments if moment.eyes is not None]
    if not seen:
        return b""
    eyes = {"right": (0,), "left": (1,)}.get(event.eye, (0, 1))
    deepest = min(seen, key=lambda moment: _depth_key(moment, eyes))
    shown = [moment.eyes for moment in (seen[0], deepest, seen[-1]) if moment.eyes is not None]
    _, encoded = cv2.imencode(".jpg", np.hstack(shown), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return encoded.tobytes()
