"""How long the eyes of a person have been closed by now, for alarms."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from .events import TOGETHER, Rules

__all__ = ["ClosedTime"]


class ClosedTime:
    """Measure how long the eyes of a person have been closed, frame by frame and without delay.

    1. A frame is closed as in `find_events`: the mean evidence of the eyes that are seen is below 0, and neither eye is
       clearly open. Mean evidence of 1 ends the closure.
    2. The time is 0 until the evidence has fallen as far as a short closure needs; to wait for that of a long one
       would delay alarms. Then it runs from the first closed frame, at most 0.35 s before the lids were together, to
       the last frame in which they are. So other frames hold it, such as those of lids that are half open again, for
       0.5 s without a closed frame at most. It does not fall before the closure ends.
    3. A gap, between two frames or because no eye is seen, counts as 0.2 s at most. After 0.5 s without a closed frame
       the time starts again from 0.

    Parameters
    ----------
    rules : Rules, optional
        Thresholds; the times above are `Rules.reach_s`, `Rules.merge_s` and `Rules.gap_s`.
    """

    def __init__(self, rules: Rules | None = None) -> None:
        self.rules = rules if rules is not None else Rules()
        self._clock_s = 0.0  # runs on for `Rules.gap_s` at most where no eye is seen
        self._last_seen_s = 0.0
        self._last_closed_s: float | None = None  # None while the eyes are open
        self._first = self._closed_s = 0.0
        # Time and evidence of each new minimum; the first of them is where the lids came together.
        self._minima = deque[tuple[float, float]]()

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
            self._clock_s += min(time_s - self._last_seen_s, rules.gap_s)
            self._last_seen_s = time_s
            if seen.mean() < rules.closed and seen.max() < rules.other:
                if self._last_closed_s is None:
                    self._first, self._closed_s = self._clock_s, 0.0
                    self._minima.clear()
                self._last_closed_s = time_s
                self._add(float(seen.mean()))
        return 0.0 if self._last_closed_s is None else round(self._closed_s, 6)

    def _add(self, evidence: float) -> None:
        """Add a closed frame."""
        if not self._minima or evidence < self._minima[-1][1]:
            self._minima.append((self._clock_s, evidence))
        together = TOGETHER * self._minima[-1][1]
        while self._minima[0][1] > together:
            self._minima.popleft()
        if evidence <= together and self._minima[-1][1] <= self.rules.deep:
            start = max(self._first, self._minima[0][0] - self.rules.reach_s)
            self._closed_s = max(self._closed_s, self._clock_s - start)
