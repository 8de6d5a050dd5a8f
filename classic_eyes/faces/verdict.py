"""The verdict for a face from both of its eyes."""

from __future__ import annotations

import math

__all__ = ["EAR_THRESHOLD", "EAR_THRESHOLD_68", "VERDICTS", "evidence", "joint_verdict"]

VERDICTS = ("open", "closed", "wink", "unknown")
# Between closed and open eyes: by the points that `find_lids` finds (0.03 and 0.27 on average on the photographs of
# docs/guides/photographs.md), and by 68 landmarks (0.12 and 0.31).
EAR_THRESHOLD, EAR_THRESHOLD_68 = 0.14, 0.23
_EAR_STEP = 0.03
_MAX_EVIDENCE = 4.0
_MIN_WINK_EVIDENCE = 2.0
# Weaker evidence of closed eyes is none: open eyes give it too.
_MIN_CLOSED_EVIDENCE = 0.75
# Pixels between the corners of an eye. Narrower ones show no lids, and look closed more often than they are.
# Below each width, appearance counts by a factor, and is shifted towards open.
_SMALL_WIDTHS = ((7.0, 0.5, 1.0), (9.0, 0.75, 0.5))


def evidence(
    probability: float,
    ear: float | None = None,
    *,
    width: float = math.inf,
    threshold: float = 0.5,
    ear_threshold: float = EAR_THRESHOLD,
) -> float:
    """Combine the classifier's probability and the eye aspect ratio of one eye; positive means open.

    1. Appearance: log odds of the probability minus log odds of the threshold, clipped to [-4, 4].
    2. Shape: ``(ear - ear_threshold) / 0.03``, clipped to [-4, 4].
    3. Return the mean of both, or without `ear` the appearance. For an eye of less than 9 pixels `width` between the
       corners, return 0.75 times the appearance plus 0.5; for less than 7 pixels, half of it plus 1.

    Examples
    --------
    >>> evidence(0.5), evidence(1.0), round(evidence(0.5, 0.2), 6)
    (0.0, 4.0, 1.0)
    """
    appearance = _clip(_log_odds(probability) - _log_odds(threshold))
    for limit, factor, shift in _SMALL_WIDTHS:
        if width < limit:
            return factor * appearance + shift
    if ear is None:
        return appearance
    return (appearance + _clip((ear - ear_threshold) / _EAR_STEP)) / 2


def _log_odds(probability: float) -> float:
    clipped = min(max(probability, 1e-9), 1 - 1e-9)
    return math.log(clipped / (1 - clipped))


def _clip(value: float) -> float:
    return min(max(value, -_MAX_EVIDENCE), _MAX_EVIDENCE)


def joint_verdict(right: float | None, left: float | None) -> str:
    """Return the verdict for a face from the evidence of both eyes.

    1. No visible eye: ``unknown``.
    2. One eye at 2 or more, the other at -2 or less: ``wink``.
    3. Otherwise, by the mean of the visible eyes: ``open`` from 0 on, ``closed`` up to -0.75, else ``unknown``.

    Examples
    --------
    >>> joint_verdict(3.0, 2.5), joint_verdict(3.0, -2.0), joint_verdict(None, -2.0), joint_verdict(None, None)
    ('open', 'wink', 'closed', 'unknown')
    """
    visible = [value for value in (right, left) if value is not None]
    if not visible:
        return "unknown"
    if max(visible) >= _MIN_WINK_EVIDENCE and min(visible) <= -_MIN_WINK_EVIDENCE:
        return "wink"
    mean = sum(visible) / len(visible)
    return "open" if mean >= 0 else "closed" if mean <= -_MIN_CLOSED_EVIDENCE else "unknown"
