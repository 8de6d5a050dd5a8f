"""Videos and cameras: frames with times, tracks of faces, openness of their eyes, blinks and closures, summaries."""

from .._utils import dependencies  # noqa: F401
from .drawing import draw_frame
from .events import KINDS, Event, Rules, find_events
from .frames import Frame, FrameReader, read_frames
from .monitor import Analysis, EyeState, FrameState, Monitor, TrackState
from .openness import relative_openness
from .summary import summarize
from .tracks import EyeTracker, TrackedFace

__all__ = [
    "KINDS",
    "Analysis",
    "Event",
    "EyeState",
    "EyeTracker",
    "Frame",
    "FrameReader",
    "FrameState",
    "Monitor",
    "Rules",
    "TrackState",
    "TrackedFace",
    "draw_frame",
    "find_events",
    "read_frames",
    "relative_openness",
    "summarize",
]
