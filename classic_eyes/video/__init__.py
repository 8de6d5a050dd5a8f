"""Videos and cameras: tracks of faces, openness of their eyes, blinks and closures, summaries."""

from .events import KINDS, Event
from .monitor import EyeState, FrameState, TrackState

__all__ = ["KINDS", "Event", "EyeState", "FrameState", "TrackState"]
