"""The loop of a camera: each frame is watched, shown and recorded as it comes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import deque
from typing import Any

import cv2
import numpy as np

from .._utils.dependencies import has_windows, window_remedy
from ..video import Monitor
from ..video.drawing import EventCaptions, draw_frame
from ..video.frames import FrameReader
from .recorder import Recorder

__all__ = ["watch_camera"]

_TITLE = "classic-eyes: q ends"
_ENDING_KEYS = {ord("q"), ord("Q"), 27}
# Of an hour at 30 frames a second, the last ones are enough to measure the time of a frame.
_MOST_MEASURED = 100_000
_CHECK = "import cv2; cv2.namedWindow('classic-eyes'); cv2.destroyAllWindows()"
_CHECK_S = 20


def watch_camera(frames: FrameReader, monitor: Monitor, recorder: Recorder) -> bool:
    """Watch until Ctrl-C, ``q`` in the window, or the last frame; return whether the last frame ended it.

    Prints the measured times on standard error.
    """
    window = _Window() if can_show() else None
    rate = f", {frames.fps:g} frames/s" if frames.fps else ""
    how = "q in the window or Ctrl-C" if window is not None else "Ctrl-C"
    print(f"{frames.name}: {frames.size[0]}x{frames.size[1]}{rate}; {how} ends", file=sys.stderr, flush=True)
    captions = EventCaptions()
    busy, delays = deque[float](maxlen=_MOST_MEASURED), deque[float](maxlen=_MOST_MEASURED)
    has_ended = False
    try:
        for frame in frames:
            start = time.perf_counter()
            state = monitor.update(frame.grey, frame.time_s)
            watched = time.perf_counter() - start
            busy.append(watched)
            delays.extend(state.time_s - event.end_s + watched for event in state.events)
            drawn = recorder.add(state, frame)
            if window is not None:
                shown = captions.update(state.time_s, state.events)
                window.show(draw_frame(frame.bgr, state, events=shown) if drawn is None else drawn)
                if window.is_closed():
                    break
        else:
            has_ended = True
    except KeyboardInterrupt:
        print(file=sys.stderr)  # after ^C
    finally:
        if window is not None:
            window.close()
    recorder.add_events(monitor.finish())
    _print_times(busy, delays)
    return has_ended


def _print_times(busy: deque[float], delays: deque[float]) -> None:
    if busy:
        middle, most = 1000 * np.quantile(busy, [0.5, 0.95])
        print(f"{middle:.1f} ms a frame, 95% within {most:.1f} ms", file=sys.stderr)
    if delays:
        print(
            f"events came {np.median(delays):.2f} s after the eyes were open again, at most {max(delays):.2f} s",
            file=sys.stderr,
        )


# -- the window --


def can_show() -> bool:
    """Return whether a window can be shown; where only OpenCV is in the way, print what to install.

    OpenCV ends the process where a display does not answer, so this is tried in another one.
    """
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return False
    if not has_windows():
        print(f"no window: this OpenCV is built without windows; for one run: {window_remedy()}", file=sys.stderr)
        return False
    try:
        tried = subprocess.run([sys.executable, "-c", _CHECK], capture_output=True, timeout=_CHECK_S, check=False)
    except (OSError, subprocess.SubprocessError):
        return False
    return tried.returncode == 0


class _Window:
    def __init__(self) -> None:
        self._is_open = False

    def show(self, drawn: Any) -> None:
        if not self._is_open:
            cv2.namedWindow(_TITLE, cv2.WINDOW_NORMAL)
            cv2.resizeWindow(_TITLE, drawn.shape[1], drawn.shape[0])
            self._is_open = True
        cv2.imshow(_TITLE, drawn)

    def is_closed(self) -> bool:
        """Handle keys and mouse; return whether the user ended it."""
        if cv2.waitKey(1) & 0xFF in _ENDING_KEYS:
            return True
        return cv2.getWindowProperty(_TITLE, cv2.WND_PROP_VISIBLE) < 1

    def close(self) -> None:
        if self._is_open:
            cv2.destroyWindow(_TITLE)
