"""What is known of each frame: tracks, eyes, and the events that have ended."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .events import Event

__all__ = ["EyeState", "FrameState", "TrackState"]


@dataclass(frozen=True, eq=False)
class EyeState:
    """One eye in one frame.

    Parameters
    ----------
    name : str
        ``right`` or ``left``, the person's own.
    box : tuple of int
        ``x, y, w, h`` in pixels of the frame.
    corners : float64 array of shape (2, 2)
        Left and right corner, ``x, y`` in pixels.
    score : float
        Probability of open, 0 to 1.
    openness : float
        Openness relative to this person's own open eye: 0 closed, 1 open. NaN while there is no baseline.
    state : str
        ``open``, ``partial``, ``closed`` or ``unseen``.
    """

    name: str
    box: tuple[int, int, int, int]
    corners: NDArray[np.float64]
    score: float
    openness: float
    state: str


@dataclass(frozen=True, eq=False)
class TrackState:
    """One face in one frame.

    Parameters
    ----------
    track : int
        Number of the track; it identifies nobody.
    box : tuple of int
        ``x, y, w, h`` of the face in pixels.
    eyes : tuple of EyeState
        The person's right eye, then the left one.
    """

    track: int
    box: tuple[int, int, int, int]
    eyes: tuple[EyeState, EyeState]


@dataclass(frozen=True, eq=False)
class FrameState:
    """One frame.

    Parameters
    ----------
    index : int
        Number of the frame, from 0.
    time_s : float
        Its time in seconds.
    tracks : tuple of TrackState
        The faces that are seen.
    events : tuple of Event
        Events that became final with this frame.
    """

    index: int
    time_s: float
    tracks: tuple[TrackState, ...]
    events: tuple[Event, ...]
