"""A cascade: the first view runs on every image, the later views where the first is uncertain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Cascade", "blend", "blending_weight"]

Decisions = NDArray[np.float64]

# The weight of the later views rises over this share of the way from the threshold to 0, so that no prediction jumps.
_FADE = 0.3


@dataclass(frozen=True)
class Cascade:
    """Where the later views run.

    Parameters
    ----------
    threshold : float
        They run where the first view's decision value is closer to 0 than this; above 0.

    Raises
    ------
    ValueError
        For a number that is not above 0.
    """

    threshold: float

    def __post_init__(self) -> None:
        if not 0 < self.threshold < np.inf:
            raise ValueError(f"threshold {self.threshold} must be above 0")


def blending_weight(decisions: ArrayLike, threshold: float) -> Decisions:
    """Return the blending weight of the later views, by the decision values of the first.

    It is 0 at the threshold and beyond, and rises to 1 at seven tenths of it.

    >>> blending_weight([-0.1, 0.17, 0.25, 3], 0.2).round(2).tolist()
    [1.0, 0.5, 0.0, 0.0]
    """
    nearness = 1 - np.abs(np.asarray(decisions, dtype=np.float64)) / threshold
    # On a single image np.clip takes five times as long.
    return np.asarray(np.minimum(np.maximum(nearness / _FADE, 0), 1))


def blend(decisions: Sequence[Decisions], threshold: float | None) -> Decisions:
    """Return the decision values of all views together.

    Without a threshold this is their mean; with one, `blending_weight` mixes the first view's value with that mean.

    References
    ----------
    Viola, Jones, "Rapid object detection using a boosted cascade of simple features", CVPR 2001,
    doi:10.1109/CVPR.2001.990517, has the idea; it stops at one side only.

    Examples
    --------
    >>> first, second = np.array([0.1, 0.8]), np.array([0.3, 0.2])
    >>> blend([first, second], None).round(2).tolist(), blend([first, second], 0.5).round(2).tolist()
    ([0.2, 0.5], [0.2, 0.8])
    """
    mean: Decisions = np.mean(decisions, axis=0)
    if threshold is None:
        return mean
    return decisions[0] + blending_weight(decisions[0], threshold) * (mean - decisions[0])
