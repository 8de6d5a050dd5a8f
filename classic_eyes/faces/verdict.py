"""What both eyes of a face say together."""

from __future__ import annotations

import math

__all__ = ["EAR_THRESHOLD", "VERDICTS", "evidence", "joint_verdict"]

VERDICTS = ("open", "closed", "wink", "unknown")
# Between the means of closed eyes (.12) and of open ones (.31) of 68 points; on docs/faces.md's photographs, faces part
# anywhere from .223 to .250.
EAR_THRESHOLD = 0.23
_EAR_STEP = 0.03
_MOST = 4.0
_SURE = 1.0


def evidence(
    probability: float, ear: float | None = None, *, threshold: float = 0.5, ear_threshold: float = EAR_THRESHOLD
) -> float:
    """Weigh one eye: above 0 it is open, below 0 closed.

    1. By its looks: the log odds of its probability of open, less those of the threshold, at most 4 to each side.
    2. By its points: how far its aspect ratio is above the threshold, in steps of .03, at most 4 to each side.
    3. The mean of both; where there are no points, the looks alone.

    Parameters
    ----------
    probability : float
        Of open, 0 to 1.
    ear : float, optional
        Eye aspect ratio.
    threshold : float, default=0.5
        Open from this probability on.
    ear_threshold : float, default=0.23
        Open from this aspect ratio on.

    Returns
    -------
    float
        From -4 to 4.

    Examples
    --------
    >>> evidence(0.5), evidence(1.0), round(evidence(0.5, 0.29), 6)
    (0.0, 4.0, 1.0)
    """
    looks = _clipped(_log_odds(probability) - _log_odds(threshold))
    return looks if ear is None else (looks + _clipped((ear - ear_threshold) / _EAR_STEP)) / 2


def _log_odds(probability: float) -> float:
    inside = min(max(probability, 1e-9), 1 - 1e-9)
    return math.log(inside / (1 - inside))


def _clipped(value: float) -> float:
    return min(max(value, -_MOST), _MOST)


def joint_verdict(right: float | None, left: float | None) -> str:
    """Decide about a face by what both eyes weigh.

    1. No eye is seen: ``unknown``. One is seen: what it says.
    2. One says open and the other closed, each with at least 1: ``wink``.
    3. Else the mean of both: ``open`` from 0 on.

    Parameters
    ----------
    right, left : float or None
        As `evidence` weighs them; None for an eye that is hidden.

    Returns
    -------
    str
        Of `VERDICTS`.

    Examples
    --------
    >>> joint_verdict(3.0, 2.5), joint_verdict(3.0, -2.0), joint_verdict(None, -2.0), joint_verdict(None, None)
    ('open', 'wink', 'closed', 'unknown')
    """
    seen = [value for value in (right, left) if value is not None]
    if not seen:
        return "unknown"
    if max(seen) >= _SURE and min(seen) <= -_SURE:
        return "wink"
    return "open" if sum(seen) >= 0 else "closed"
