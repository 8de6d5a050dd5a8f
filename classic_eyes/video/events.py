"""Events of one track: blinks, partial blinks, long closures and winks."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["KINDS", "Event"]

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
    depth : float
        One minus the least openness, 0 to 1.
    confidence : float
        0 to 1.
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
    depth: float
    confidence: float
    maybe_gaze: bool = False
