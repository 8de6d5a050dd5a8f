"""Synthetic clips for the page: hand-made states of frames, with synthetic eyes in the frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from classic_eyes.synthetic import EyeParameters, render
from classic_eyes.video import Event, EyeState, FrameState, TrackState
from classic_eyes.video.page import ClipCollector

__all__ = ["collect", "event", "frames", "state", "summary"]

DEFINITION = "share of the time seen with openness at most 0.2, that is 80% closed, in windows of 60 s"


def event(
    start: int, end: int, kind: str = "blink", eye: str = "both", *, track: int = 0, fps: float = 30.0, **options: Any
) -> Event:
    """Return an event of frames at an even rate."""
    ends = {"closed_start": None, "closed_end": None, "closed_ms": 0.0}
    if kind != "partial":
        ends = {"closed_start": start + 2, "closed_end": end - 2, "closed_ms": 1000 * (end - start - 3) / fps}
    measured = {"depth": 0.55 if kind == "partial" else 0.97, "confidence": 0.93, "maybe_gaze": False} | options
    times = {"start_s": start / fps, "end_s": end / fps, "duration_ms": 1000 * (end - start + 1) / fps}
    return Event(track=track, kind=kind, eye=eye, start=start, end=end, **ends, **times, **measured)


def openness_of(index: int, events: Sequence[Event], eye: str) -> float:
    """Return the true openness of an eye: 1, and down to 1 - depth in the middle of an event."""
    for one in events:
        if one.start <= index <= one.end and one.eye in ("both", eye):
            edge = max(1.0, min(4.0, (one.end - one.start) / 2))
            near = min(index - one.start, one.end - index) / edge
            return 1 - one.depth * min(1.0, near)
    return 1.0


def state(
    index: int,
    events: Sequence[Event],
    tracks: Sequence[int] = (0,),
    *,
    fps: float = 30.0,
    unseen: Sequence[range] = (),
    noise: float = 0.03,
    time_s: float | None = None,
    final: Sequence[Event] | None = None,
) -> FrameState:
    """Return the state of a frame; an event becomes final a second after its end."""
    rng = np.random.default_rng(index)
    seen = []
    for place, track in enumerate(tracks):
        if any(index in span for span in unseen):
            continue
        mine = [one for one in events if one.track == track]
        eyes = []
        for side, name in enumerate(("right", "left")):
            openness = openness_of(index, mine, name) + noise * rng.standard_normal()
            score = float(np.clip(1 / (1 + np.exp(-14 * (openness - 0.4))) + 0.2 * noise * rng.standard_normal(), 0, 1))
            x, y = 40 + 150 * place + 60 * side, 40
            corners = np.array([[x, y + 15.0], [x + 30.0, y + 15.0]])
            kind = "closed" if openness < 0.3 else "partial" if openness < 0.7 else "open"
            eyes.append(EyeState(name, (x, y, 30, 30), corners, score, openness, kind))
        seen.append(
            TrackState(track=track, box=(20 + 150 * place, 10, 130, 130), eyes=(eyes[0], eyes[1]), closed_s=0.0)
        )
    done = [one for one in events if index == one.end + round(fps)] if final is None else final
    return FrameState(index, index / fps if time_s is None else time_s, tuple(seen), tuple(done))


@lru_cache(maxsize=64)
def _eye(opening: int, side: int) -> NDArray[np.uint8]:
    grey = render(EyeParameters(opening=opening / 20, nose=1.0 - 2 * side, eye_width=0.62), size=48, random_state=3)[0]
    return np.stack([grey, np.clip(grey.astype(int) + 8, 0, 255), np.clip(grey.astype(int) + 30, 0, 255)], -1).astype(
        np.uint8
    )


def frame(seen: FrameState) -> SimpleNamespace:
    """Return a frame with the eyes of a state, as a decoded frame has it."""
    bgr = np.full((160, 320, 3), (120, 150, 190), np.uint8)
    for track in seen.tracks:
        for side, eye in enumerate(track.eyes):
            x, y, w, h = eye.box
            patch = _eye(round(20 * min(max(eye.openness, 0), 1)), side)
            bgr[y - 9 : y + h + 9, x - 9 : x + w + 9] = cv2.resize(patch, (w + 18, h + 18))
    return SimpleNamespace(bgr=bgr)


def frames(n: int, events: Sequence[Event], **options: Any) -> Iterator[FrameState]:
    """Yield the states of a clip."""
    return (state(index, events, **options) for index in range(n))


def summary(
    n: int,
    events: Sequence[Event],
    tracks: Sequence[int] = (0,),
    *,
    fps: float = 30.0,
    windows: int = 1,
    **options: Any,
) -> dict[str, Any]:
    """Return the summary of a clip in the form that the command writes."""
    length = n / fps
    edges = np.linspace(0, length, windows + 1)
    rows = []
    for track in tracks:
        mine = [one for one in events if one.track == track]
        count = {kind: sum(one.kind == kind for one in mine) for kind in ("blink", "partial", "long", "wink")}
        blinks = [one.duration_ms for one in mine if one.kind == "blink"]
        rows.append(
            {
                "track": track,
                "first_s": 0.0,
                "last_s": length,
                "visible_s": length,
                "unseen_share": 0.0,
                "blinks": count["blink"],
                "partial": count["partial"],
                "long": count["long"],
                "winks": count["wink"],
                "blinks_per_minute": 60 * count["blink"] / length if length >= 15 else None,
                "blink_ms_median": float(np.median(blinks)) if blinks else None,
                "blink_ms_mean": float(np.mean(blinks)) if blinks else None,
                "long_s_total": sum(one.duration_ms for one in mine if one.kind == "long") / 1000,
                "closed_share": 0.04,
                "perclos": [
                    {
                        "start_s": a,
                        "end_s": b,
                        "value": 0.02 + 0.09 * (k % 5 == 3) + 0.003 * (k % 7),
                        "visible_s": b - a,
                    }
                    for k, (a, b) in enumerate(pairwise(edges))
                ],
                "frames_per_second": fps,
            }
        )
    return {
        "file": "clip.mp4",
        "frames": n,
        "duration_s": (n - 1) / fps,
        "fps": fps,
        "warnings": [],
        "perclos_definition": DEFINITION,
        "tracks": rows,
    } | options


def collect(
    name: str,
    n: int,
    events: Sequence[Event],
    tracks: Sequence[int] = (0,),
    *,
    pixels: bool = True,
    windows: int = 1,
    warnings: Sequence[str] = (),
    **options: Any,
) -> dict[str, Any]:
    """Return the entry of a synthetic clip."""
    collector = ClipCollector()
    for seen in frames(n, events, tracks=tracks, **options):
        collector.add(seen, frame(seen) if pixels else None)
    collector.add_events(one for one in events if one.end + round(options.get("fps", 30.0)) >= n)
    return collector.entry(
        summary(n, events, tracks, windows=windows, fps=options.get("fps", 30.0), warnings=list(warnings)), name
    )
