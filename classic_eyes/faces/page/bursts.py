"""Bursts: photographs of the same people within seconds, and the best frame of each."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .entry import PageFace

__all__ = ["best_of", "find_bursts", "is_same_layout"]

# Between two frames a face moves by less than its width, and its width changes by less than this factor.
_MAX_GROWTH = 1.5


def find_bursts(
    times: Sequence[float | None], layouts: Sequence[ArrayLike] | None = None, *, gap: float = 3.0
) -> list[list[int]]:
    """Group photographs that were taken in one burst.

    1. Photographs are visited in the order of their times; equal times keep their order.
    2. One joins the burst whose last photograph was taken at most ``gap`` seconds before, and shows the same layout.
       Of several bursts it joins the latest. So two cameras at one event do not break each other's bursts.
    3. Photographs without a time, and those without a face where layouts are given, join none.

    Parameters
    ----------
    times : sequence of float or None
        Seconds; only differences matter.
    layouts : sequence of arrays of shape (k, 4), optional
        The boxes ``x, y, w, h`` of the faces, in the same unit for all photographs. Without them time alone decides.
    gap : float, default=3.0
        Largest number of seconds between consecutive photographs of a burst.

    Returns
    -------
    list of lists of int
        Indices of the photographs of each burst of two or more, in the order of time.

    Examples
    --------
    >>> find_bursts([0.0, 10.0, 3.0, 6.1, 12.5, None])
    [[0, 2], [1, 4]]
    """
    shapes = None if layouts is None else [np.asarray(layout, dtype=float).reshape(-1, 4) for layout in layouts]
    dated = [
        (time, index)
        for index, time in enumerate(times)
        if time is not None and math.isfinite(time) and (shapes is None or len(shapes[index]))
    ]
    bursts: list[list[int]] = []
    recent: list[tuple[float, list[int]]] = []
    for time, index in sorted(dated):
        recent = [(last, burst) for last, burst in recent if time - last <= gap]
        for place in reversed(range(len(recent))):
            burst = recent[place][1]
            if shapes is None or is_same_layout(shapes[burst[-1]], shapes[index]):
                burst.append(index)
                del recent[place]
                break
        else:
            burst = [index]
            bursts.append(burst)
        recent.append((time, burst))
    return [burst for burst in bursts if len(burst) > 1]


def is_same_layout(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    """Return whether at least half of the faces of the fuller photograph are in the other too.

    A face is in both if it moved by no more than its width and grew or shrank by no more than half. One that blinks
    or turns away may be missing, so the numbers of faces may differ.

    >>> alone = np.array([[10.0, 10, 20, 20]])
    >>> is_same_layout(alone, alone + [15, 0, 0, 0]), is_same_layout(alone, alone + [25, 0, 0, 0])
    (True, False)
    """
    if not len(one) or not len(other):
        return False
    middles = [boxes[:, :2] + boxes[:, 2:] / 2 for boxes in (one, other)]
    distance = np.linalg.norm(middles[0][:, None] - middles[1][None], axis=2)
    width = (one[:, None, 2] + other[None, :, 2]) / 2
    growth = np.maximum(one[:, None, 2], other[None, :, 2]) / np.minimum(one[:, None, 2], other[None, :, 2])
    far = np.where((distance <= width) & (growth <= _MAX_GROWTH), distance, np.inf)
    found = 0
    while np.isfinite(far).any():
        row, column = np.unravel_index(np.argmin(far), far.shape)
        far[row], far[:, column] = np.inf, np.inf
        found += 1
    return 2 * found >= max(len(one), len(other))


def best_of(frames: Sequence[Sequence[PageFace]]) -> int:
    """Return the index of the best frame of a burst, given the faces of each.

    The most faces with open eyes; then the fewest other faces; then the highest of the lowest probabilities of open;
    then the first.

    Parameters
    ----------
    frames : sequence of sequences of PageFace
        At least one frame.

    Returns
    -------
    int
        Index of the proposed frame.

    Examples
    --------
    >>> face = lambda verdict, p: PageFace((0, 0, 1, 1), verdict, (p, p))
    >>> best_of([[face("open", 0.8)], [face("closed", 0.1)], [face("open", 0.9)]])
    2
    """

    def merit(faces: Sequence[PageFace]) -> tuple[int, int, float]:
        is_open = [face.verdict == "open" for face in faces]
        seen = [eye for face in faces for eye in face.eyes if eye is not None]
        return sum(is_open), sum(is_open) - len(is_open), min(seen, default=0.0)

    return max(range(len(frames)), key=lambda index: merit(frames[index]))
