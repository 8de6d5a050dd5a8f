"""How long the eyes of a person have been closed by now, for alarms."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .events import Rules

__all__ = ["ClosedTime"]


class ClosedTime:
    """Measure how long the eyes of a person have been closed, frame by frame and without delay.

    1. A frame is closed as in `find_events`: the mean evidence of the eyes that are seen is below 0, and neither eye is
       clearly open.
    2. Mean evidence of 1 ends the closure. A frame between holds the time, for 0.5 s at most.
    3. A gap, between two frames or because no eye is seen, counts as 0.2 s at most. After 0.5 s without a closed frame
       the time starts again from 0.

    Parameters
    ----------
    rules : Rules, optional
        Thresholds; the times above are `Rules.merge_s` and `Rules.gap_s`.
    """

    def __init__(self, rules: Rules | None = None) -> None:
        self.rules = rules if rules is not None else Rules()
        self._closed_s = 0.0
        self._held_s = 0.0  # since the last closed frame
        self._last_closed_s: float | None = None  # None while the eyes are open
        self._last_seen_s = 0.0

    def update(self, time_s: float, evidence: NDArray[np.float64]) -> float:
        """Take the next frame: its time and the evidence of both eyes, NaN where one is not seen; return the seconds.

        >>> closed = ClosedTime()
        >>> [closed.update(k / 5, np.full(2, value)) for k, value in enumerate([4.0, -4.0, -4.0, 0.5, -4.0, 4.0])]
        [0.0, 0.0, 0.2, 0.2, 0.6, 0.0]
        """
        rules = self.rules
        seen = evidence[~np.isnan(evidence)]
        if self._last_closed_s is not None:
            is_over = time_s - self._last_closed_s > rules.merge_s or (len(seen) and seen.mean() >= rules.rearm)
            if is_over:
                self._last_closed_s = None
        if len(seen):
            self._held_s += min(time_s - self._last_seen_s, rules.gap_s)
            self._last_seen_s = time_s
            if seen.mean() < rules.closed and seen.max() < rules.other:
                self._closed_s = 0.0 if self._last_closed_s is None else self._closed_s + self._held_s
                self._last_closed_s, self._held_s = time_s, 0.0
        return 0.0 if self._last_closed_s is None else round(self._closed_s, 6)
