"""Chime while the eyes of the person in one seat stay closed.

Start it as ``python drowsiness.py 0``, with the number of a camera, its URL or a video file. It sees lids, not sleep.
It is a chime that may be ignored, and never the only measure. Read docs/guides/video.md first.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence

from classic_eyes import load_model
from classic_eyes.calibration import read_calibration
from classic_eyes.errors import ClassicEyesError
from classic_eyes.video import FrameState, Monitor, TrackState, read_frames

OPEN_S = 1.0  # an alarm ends when the eyes have been open for so long
UNSEEN_S = 2.0  # from then on, eyes that are not seen are reported
MESSAGES = {"open": "the eyes are open", "closed": "\aEYES CLOSED", "unseen": "\aTHE EYES ARE NOT SEEN"}


class Watch:
    """The state of the person in the seat: "open", "closed" or "unseen".

    The seat is x, y, width and height in pixels. By default it is around the largest face at the start, and follows it.
    """

    def __init__(self, seat: Sequence[float] | None = None, closed_s: float = 0.5) -> None:
        self.seat, self.follows, self.closed_s = seat, seat is None, closed_s
        self.is_alarm = False
        self.shut_s = self.seen_s = math.inf  # when the eyes were last shut, and last seen

    def update(self, state: FrameState) -> str:
        if state.time_s < self.seen_s:  # the first frame, or the clock was set back
            self.shut_s = self.seen_s = state.time_s
        driver = self._driver(state.tracks)
        if driver is not None and any(eye.state != "unseen" for eye in driver.eyes):
            self.seen_s = state.time_s
            if driver.closed_s > 0 or all(eye.state in ("closed", "unseen") for eye in driver.eyes):
                self.shut_s = state.time_s
            still = self.is_alarm and state.time_s - self.shut_s < OPEN_S
            self.is_alarm = still or driver.closed_s >= self.closed_s
        else:
            self.shut_s = state.time_s  # not seen is not open
        if self.is_alarm:  # it stays on while the face is lost: the head may have sunk
            return "closed"
        return "unseen" if state.time_s - self.seen_s >= UNSEEN_S else "open"

    def _driver(self, tracks: Sequence[TrackState]) -> TrackState | None:
        """Return the largest face in the seat; faces elsewhere are those of passengers."""
        driver = max((each for each in tracks if self._has(each)), key=lambda each: each.box[2], default=None)
        if driver is not None and self.follows:
            x, y, w, h = driver.box
            self.seat = x - w / 2, y - h / 2, 2 * w, 2 * h
        return driver

    def _has(self, track: TrackState) -> bool:
        if self.seat is None:
            return True
        (x, y, w, h), (left, top, width, height) = track.box, self.seat
        return left <= x + w / 2 < left + width and top <= y + h / 2 < top + height


def main(given: Sequence[str] | None = None) -> int:
    """Watch until the video ends: 0, or 1 if the camera fails or is unplugged."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("source", help="the number of a camera, its URL, or a video file")
    parser.add_argument("--seat", nargs=4, type=int, metavar=("X", "Y", "WIDTH", "HEIGHT"), help="in pixels")
    parser.add_argument("--closed-s", type=float, default=0.5, help="alarm after so many seconds; default: 0.5")
    parser.add_argument("--calibration", help="a file of classic-eyes calibrate")
    arguments = parser.parse_args(given)
    before = None
    try:
        model, person = load_model(), None
        if arguments.calibration:
            person = read_calibration(arguments.calibration, model=model.fingerprint)
        monitor, watch = Monitor(model, calibration=person), Watch(arguments.seat, arguments.closed_s)
        frames = read_frames(int(arguments.source) if arguments.source.isdecimal() else arguments.source)
        for frame in frames:
            now = watch.update(monitor.update(frame))
            if now != before:
                print(f"{frame.time_s:.2f} s: {MESSAGES[now]}", flush=True)
            before = now
    except ClassicEyesError as error:
        print(f"NOT WATCHING: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    if frames.is_camera:  # it has no other end
        print("\aNOT WATCHING: the camera gives no more frames", file=sys.stderr)
    return int(frames.is_camera)


if __name__ == "__main__":
    sys.exit(main())
