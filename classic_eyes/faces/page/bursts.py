"""Bursts: photographs that were taken within seconds and look alike, and the best frame of each."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from .entry import PageFace

__all__ = ["best_of", "colours_of", "find_bursts", "is_same_layout"]

# Between two frames a face moves by less than its width, and its width changes by less than this factor.
_MAX_GROWTH = 1.5
# Bins of hue and saturation, and the least intersection of the histograms of two frames. Frames of one person 1.7
# seconds apart had 0.79 or more, and a frame that was moved, tilted and lit differently 0.70 or more (1%: 0.76).
# Photographs of different people with the same layout had less in more than 99 of 100 cases.
_BINS, _MIN_SHARED = (12, 6), 0.7
_SAMPLED = (96, 96)


def find_bursts(
    times: Sequence[float | None],
    layouts: Sequence[ArrayLike] | None = None,
    colours: Sequence[ArrayLike] | None = None,
    *,
    gap: float = 3.0,
) -> list[list[int]]:
    """Group photographs that were taken in one burst.

    Faces are not recognized: in the same place before the same wall, two people may share a burst.

    1. Photographs are visited in the order of their times; equal times keep their order.
    2. One joins the burst whose last photograph was taken at most ``gap`` seconds before, and shows the same layout in
       similar colours. Of several bursts it joins the latest. So two cameras at one event do not break each other's
       bursts. The numbers of faces may differ, since a face may be missed in one of the frames.
    3. Photographs without a time, and those without a face where layouts are given, join none.

    Parameters
    ----------
    times : sequence of float or None
        Seconds; only differences matter.
    layouts : sequence of arrays of shape (k, 4), optional
        The boxes ``x, y, w, h`` of the faces, in the same unit for all photographs. Without them time alone decides.
    colours : sequence of arrays of shape (72,), optional
        Histograms of the colours; see `colours_of`. Similar ones share at least 0.7 (Swain and Ballard, International
        Journal of Computer Vision 7, 1991). Without them any colours are similar.
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
    histograms = None if colours is None else [np.asarray(each, dtype=float) for each in colours]

    def is_next(last: int, index: int) -> bool:
        if shapes is not None and not is_same_layout(shapes[last], shapes[index]):
            return False
        return histograms is None or float(np.minimum(histograms[last], histograms[index]).sum()) >= _MIN_SHARED

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
            if is_next(burst[-1], index):
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


def colours_of(jpeg: bytes) -> NDArray[np.float64]:
    """Return the joint histogram of hue and saturation of a JPEG, with sum 1; zeros if there is no image.

    Brightness does not count, because it changes with the exposure.
    """
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR) if jpeg else None
    if image is None:
        return np.zeros(_BINS[0] * _BINS[1])
    hsv = cv2.cvtColor(cv2.resize(image, _SAMPLED, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2HSV)
    histogram = cv2.calcHist([hsv], [0, 1], None, list(_BINS), [0, 180, 0, 256]).ravel().astype(float)
    return np.asarray(histogram / histogram.sum())


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
