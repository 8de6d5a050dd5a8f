"""Drawing of faces, eyes, openness and events on the frames of a video."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import ParameterError
from ..faces.cutting import patch_corners
from ..faces.labels import DARK, Box, Label, draw_label, draw_outline, make_label, make_line, place_labels
from .events import Event
from .frames import Frame, silence
from .monitor import EyeState, FrameState, TrackState

__all__ = ["DRAWN_ENDINGS", "DrawnClip", "EventCaptions", "draw_frame"]

DRAWN_ENDINGS = {".mp4": "mp4v", ".avi": "MJPG"}
"""Endings of clips that can be written, with the codecs: those that every OpenCV has."""

# RGB colours of states and events; they differ in lightness too, for readers who cannot tell the hues apart.
_COLOURS = {"open": (86, 180, 233), "partial": (240, 228, 66), "closed": (240, 130, 0), "unseen": (200, 200, 200)}
# Longer side of a drawing in pixels.
_MIN_SIDE, _MAX_SIDE = 640, 1920
# Heights of text in parts of the longer side, and in parts of the face; of bars of openness in parts of the face.
_TEXT, _MIN_TEXT, _OF_FACE = 0.028, 0.02, 0.12
_BAR_WIDTH, _BAR_TOP = 0.06, 1.2
# Openness of which a mark is shown: the usual limit of PERCLOS, and this person's open eye.
_MARKS = (0.2, 1.0)
# An event is shown for so long after its end, or after it became known; and only the last ones of a track.
_SHOWN_S, _MOST_SHOWN = 1.5, 2
# From here on the label tells how long the eyes have been closed.
_LONG_S = 0.5
# Frame rates that a container can state; and what is used where none is known.
_RATES, _USUAL_RATE = (1.0, 240.0), 25.0
# Frames that are repeated at most where a recording has a gap.
_LONGEST_GAP_S = 5.0


def draw_frame(bgr: NDArray[np.uint8], state: FrameState, *, events: Iterable[Event] = ()) -> NDArray[np.uint8]:
    """Draw what is known of a frame on a copy of it.

    1. Resize the frame where its longer side is not between 640 and 1,920 pixels.
    2. Outline faces and eyes in the colour of their state. A bar beside the face shows the openness of each eye, with
       marks at 0.2 and 1.
    3. Write the number of the track and its state. Below are its last events, with durations once they have ended.
       Labels cover neither each other nor eyes.

    Parameters
    ----------
    bgr : uint8 array of shape (h, w, 3)
        The frame, as `classic_eyes.video.Frame.bgr` has it.
    state : FrameState
        Result of `classic_eyes.video.Monitor.update` for this frame.
    events : iterable of Event
        Events that are shown, the last two of each track.

    Returns
    -------
    uint8 array of shape (H, W, 3)
        BGR, as OpenCV shows and writes it. Both sides are even.
    """
    canvas, zoom = _canvas(bgr)
    side = max(canvas.shape[:2])
    shown = [(track, _scaled(track.box, zoom)) for track in state.tracks]
    for track, box in shown:
        thickness = max(1, round(min(side / 400, box[2] / 40)))
        corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * box[2:] + box[:2]
        draw_outline(canvas, corners, _bgr(_state_of(track)), thickness)
        for eye, is_right in zip(track.eyes, (True, False), strict=True):
            if eye.state != "unseen":
                draw_outline(canvas, patch_corners((eye.corners + 0.5) * zoom - 0.5), _bgr(eye.state), thickness)
            _draw_bar(canvas, eye, box, left=is_right)
    # Text last, so that no outline covers it.
    events = list(events)
    labels = [
        _label(track, box, side, [each for each in events if each.track == track.track], state.time_s)
        for track, box in shown
    ]
    places = place_labels(labels, [box for _, box in shown], canvas.shape)
    for (track, box), label, place in zip(shown, labels, places, strict=True):
        draw_label(canvas, label, place, box, _bgr(_state_of(track)))
    return canvas


def _canvas(bgr: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], float]:
    """Return a resized copy with even sides, which most codecs need, and the zoom."""
    height, width = bgr.shape[:2]
    longer = max(height, width)
    zoom = min(max(longer, _MIN_SIDE), _MAX_SIDE) / longer
    size = (max(2, round(width * zoom / 2) * 2), max(2, round(height * zoom / 2) * 2))
    if size == (width, height):
        return bgr.copy(), 1.0
    interpolation = cv2.INTER_LINEAR if zoom > 1 else cv2.INTER_AREA
    return np.asarray(cv2.resize(bgr, size, interpolation=interpolation), np.uint8), zoom


def _scaled(box: Box, zoom: float) -> Box:
    x, y, w, h = (round(value * zoom) for value in box)
    return x, y, w, h


def _bgr(state: str) -> tuple[int, int, int]:
    red, green, blue = _COLOURS[state]
    return blue, green, red


def _state_of(track: TrackState) -> str:
    """Return the state of a face: that of both eyes, partial where they differ."""
    states = {eye.state for eye in track.eyes} - {"unseen"}
    if not states:
        return "unseen"
    return states.pop() if len(states) == 1 else "partial"


def _words(track: TrackState) -> str:
    right, left = (eye.state for eye in track.eyes)
    if right != left:
        return f"right {right}, left {left}"
    return f"{right} {track.closed_s:.1f} s" if track.closed_s >= _LONG_S else right


def _label(track: TrackState, box: Box, side: int, events: Sequence[Event], time_s: float) -> Label:
    height = min(max(_OF_FACE * box[2], _MIN_TEXT * side), _TEXT * side)
    lines = [make_line(f"#{track.track} {_words(track)}", height)]
    lines += [make_line(_caption(event, time_s), height) for event in events[-_MOST_SHOWN:]]
    label = make_label(lines)
    # As wide as with another state, so that it stays in its place.
    widest = make_line(f"#{track.track} closed 0.0 s", height).width + 2 * label.padding
    return label._replace(width=max(label.width, widest))


def _caption(event: Event, time_s: float) -> str:
    """Return kind and duration; before the end of the event, a duration would be read as the time until now."""
    seconds = event.duration_ms / 1000
    how_long = f" {event.duration_ms:.0f} ms" if seconds < 1 else f" {seconds:.1f} s"
    which = "" if event.eye == "both" else f" {event.eye}"
    return f"{event.kind}{which}{how_long if time_s >= event.end_s else ''}{' gaze?' if event.maybe_gaze else ''}"


def _draw_bar(canvas: NDArray[np.uint8], eye: EyeState, box: Box, *, left: bool) -> None:
    """Draw the openness of an eye beside its face."""
    if math.isnan(eye.openness):
        return
    x, y, w, h = box
    width = max(4, round(_BAR_WIDTH * w))
    start = x - 2 * width if left else x + w + width
    # Inside the frame, also where the face is at its edge.
    start = min(max(0, start), canvas.shape[1] - width)
    filled = round(h * min(max(eye.openness, 0.0), _BAR_TOP) / _BAR_TOP)
    cv2.rectangle(canvas, (start, y), (start + width, y + h), DARK, -1)
    if filled:
        cv2.rectangle(canvas, (start, y + h - filled), (start + width, y + h), _bgr(eye.state), -1)
    for mark in _MARKS:
        at = y + h - round(h * mark / _BAR_TOP)
        cv2.line(canvas, (start, at), (start + width, at), (255, 255, 255), 1)
    cv2.rectangle(canvas, (start, y), (start + width, y + h), DARK, 1)


class EventCaptions:
    """The events that are shown on a frame: from their start or, if they become known later, from then on."""

    def __init__(self) -> None:
        self._shown: list[tuple[float, Event]] = []  # each with the time until which it is shown

    def update(self, time_s: float, events: Iterable[Event]) -> list[Event]:
        """Take the events that have become known, and return those to show at a time."""
        self._shown = [pair for pair in self._shown if time_s <= pair[0]]
        self._shown += [(max(time_s, event.end_s) + _SHOWN_S, event) for event in events]
        return [event for _, event in self._shown if event.start_s <= time_s]


class DrawnClip:
    """A video file to which drawn frames are written, at the pace of the original; it has no sound.

    The file appears when it is complete. Leaving the context with an error discards it.

    Parameters
    ----------
    path : str or os.PathLike
        The file, MP4 or AVI by its ending. An existing one is replaced.
    fps : float
        Frames a second; 0.0 where they are not known.

    Raises
    ------
    ParameterError
        If the file cannot be written.
    """

    def __init__(self, path: str | os.PathLike[str], *, fps: float = 0.0) -> None:
        self.path = os.path.abspath(os.fspath(path))
        self.fps = fps if _RATES[0] <= fps <= _RATES[1] else _USUAL_RATE
        self._captions = EventCaptions()
        self._writer: Any = None
        self._part = ""
        self._size = (0, 0)
        self._n_written = 0
        self._start_s = 0.0

    def __enter__(self) -> DrawnClip:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()

    def write(self, frame: Frame, state: FrameState, events: Iterable[Event]) -> NDArray[np.uint8]:
        """Draw a frame, and write it as often as its time asks for: the rate of the file is constant.

        ``events`` are those that have become known, perhaps before they begin.
        """
        drawn = draw_frame(frame.bgr, state, events=self._captions.update(state.time_s, events))
        if self._writer is None:
            self._open(drawn)
            self._start_s = frame.time_s
        written = drawn
        if (drawn.shape[1], drawn.shape[0]) != self._size:  # the resolution of the original changed
            written = np.asarray(cv2.resize(drawn, self._size), np.uint8)
        missing = round((frame.time_s - self._start_s) * self.fps) + 1 - self._n_written
        if missing > max(1.0, _LONGEST_GAP_S * self.fps):
            self._start_s += (missing - 1) / self.fps
            missing = 1
        for _ in range(missing):
            self._writer.write(written)
        self._n_written += max(0, missing)
        return drawn

    def _open(self, drawn: NDArray[np.uint8]) -> None:
        self._size = (drawn.shape[1], drawn.shape[0])
        folder, name = os.path.split(self.path)
        ending = os.path.splitext(name)[1].lower()
        silence()
        try:
            handle, self._part = tempfile.mkstemp(dir=folder, prefix=".classic_eyes.", suffix=ending)
            os.close(handle)
        except OSError as error:
            raise ParameterError(f"{self.path!r} cannot be written ({error.strerror}); name another file") from error
        name_in_bytes: Any = os.fsencode(self._part)
        codec = cv2.VideoWriter.fourcc(*DRAWN_ENDINGS[ending])
        self._writer = cv2.VideoWriter(name_in_bytes, cv2.CAP_FFMPEG, codec, self.fps, self._size)
        if not self._writer.isOpened():
            self.discard()
            raise ParameterError(f"{self.path!r} cannot be written: OpenCV cannot encode {ending}; end it in .avi")

    def close(self) -> None:
        """Finish the file, if anything was written."""
        if not self._part:
            return
        self._writer.release()
        if not os.path.getsize(self._part):
            self.discard()
            raise ParameterError(f"{self.path!r} cannot be written; make room")
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(self._part, 0o666 & ~mask)  # mkstemp creates private files
        os.replace(self._part, self.path)
        self._part = ""

    def discard(self) -> None:
        """Leave no file."""
        if self._part:
            if self._writer is not None:
                self._writer.release()
            with suppress(OSError):
                os.unlink(self._part)
            self._part = ""
