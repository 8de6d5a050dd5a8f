"""Openness of an eye relative to the same person's own open eye."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ParameterError

__all__ = ["CLOSED_EAR", "DELAY_S", "OpenLevel", "relative_openness"]

CLOSED_EAR = 0.03
"""Mean eye aspect ratio of closed eyes by the points of `classic_eyes.faces`."""
DELAY_S = 1.0
"""How far the baseline looks ahead, so that the first second of a video has one too; in seconds."""

_WINDOW_S = 30.0
# Frames look open from this mean probability on. Their 60th percentile is the open level: the maximum would be noise.
_LOOKS_OPEN, _PERCENTILE = 0.9, 0.6
_MIN_FRAMES, _MIN_RANGE = 3, 0.03
_MAX_OPENNESS = 1.3


class OpenLevel:
    """The open level of each eye, from frames in order; see `relative_openness`.

    `add` takes a frame and returns those that have become final, 1 s later: positions and openness, right and left.
    """

    def __init__(self, *, usual: float | None = None) -> None:
        self._usual = usual
        self._frames: deque[tuple[float, NDArray[np.float64]]] = deque()  # that look open, for the window
        self._sorted: tuple[list[float], list[float]] = ([], [])
        self._waiting: deque[tuple[float, NDArray[np.float64]]] = deque()

    def add(self, time_s: float, ear: NDArray[np.float64], looks_open: bool) -> list[NDArray[np.float64]]:
        """Add a frame; return the openness of the earliest waiting frames, shape (2,) each."""
        final = []
        while self._waiting and time_s - self._waiting[0][0] > DELAY_S:
            final.append(self._take())
        self._waiting.append((time_s, ear))
        if looks_open:
            self._frames.append((time_s, ear))
            for values, value in zip(self._sorted, ear, strict=True):
                if not np.isnan(value):
                    insort(values, float(value))
        return final

    def finish(self) -> list[NDArray[np.float64]]:
        """Return the openness of all waiting frames."""
        return [self._take() for _ in range(len(self._waiting))]

    def now(self, ear: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the openness of a frame by the frames so far, without waiting."""
        return np.array([self._relative(values, value) for values, value in zip(self._sorted, ear, strict=True)])

    def _take(self) -> NDArray[np.float64]:
        time_s, ear = self._waiting.popleft()
        while self._frames and time_s - self._frames[0][0] > _WINDOW_S:
            for values, value in zip(self._sorted, self._frames.popleft()[1], strict=True):
                if not np.isnan(value):
                    del values[bisect_left(values, float(value))]
        return self.now(ear)

    def _relative(self, values: list[float], ear: float) -> float:
        if len(values) >= _MIN_FRAMES:
            level = values[int(_PERCENTILE * (len(values) - 1))]
        elif self._usual is not None:
            level = self._usual
        else:
            return np.nan
        opened = (ear - CLOSED_EAR) / max(level - CLOSED_EAR, _MIN_RANGE)
        return float(np.clip(opened, 0, _MAX_OPENNESS))


def relative_openness(times: ArrayLike, ear: ArrayLike, p_open: ArrayLike) -> NDArray[np.float64]:
    """Compute the openness of both eyes of a person, relative to their open eyes.

    1. Frames in which the mean probability of open is above 0.9 look open.
    2. The open level of an eye at time t is the 60th percentile of its eye aspect ratio over the frames that look open
       from t - 30 s to t + 1 s. A median of all frames would fall with the lids of a sleepy person.
    3. Openness is (ear - 0.03) / (level - 0.03), clipped to [0, 1.3]; 0.03 is the mean ratio of closed eyes.

    Parameters
    ----------
    times : array of shape (n,)
        Seconds, never decreasing.
    ear : array of shape (n, 2)
        Eye aspect ratio of the right and the left eye; NaN where an eye is not seen.
    p_open : array of shape (n, 2)
        Probability of open; NaN where an eye is not seen.

    Returns
    -------
    float64 array of shape (n, 2)
        0 closed, 1 open. NaN where an eye is not seen or has fewer than three frames that look open.

    Raises
    ------
    ParameterError
        If the shapes do not fit.

    Examples
    --------
    >>> ear = np.full((50, 2), 0.33)
    >>> ear[20] = 0.03
    >>> relative_openness(np.arange(50) / 25, ear, np.full((50, 2), 0.99))[[0, 20], 0].round(6).tolist()
    [1.0, 0.0]
    """
    times, ear, p_open = (np.asarray(each, dtype=np.float64) for each in (times, ear, p_open))
    if times.ndim != 1 or ear.shape != (len(times), 2) or p_open.shape != ear.shape:
        raise ParameterError(
            f"times, ear and p_open have shapes {times.shape}, {ear.shape} and {p_open.shape}; "
            "allowed are (n,), (n, 2) and (n, 2)"
        )
    level = OpenLevel()
    final: list[NDArray[np.float64]] = []
    for time_s, ratios, looks in zip(times, ear, looks_open(p_open), strict=True):
        final += level.add(float(time_s), ratios, bool(looks))
    return np.reshape([*final, *level.finish()], (-1, 2))


def looks_open(p_open: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether the mean probability of the eyes that are seen is above 0.9, for shape (..., 2)."""
    seen = ~np.isnan(p_open)
    total = np.where(seen, p_open, 0).sum(axis=-1)
    return np.asarray(total > _LOOKS_OPEN * np.maximum(seen.sum(axis=-1), 1))
