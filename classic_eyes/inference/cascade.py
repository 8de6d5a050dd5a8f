"""A cascade: the first view answers about every image, the others where it is in doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Cascade", "blend", "doubt"]

Margins = NDArray[np.float64]

# The part of the way from the threshold to 0 along which the others come in: no answer jumps.
_FADE = 0.3


@dataclass(frozen=True)
class Cascade:
    """When the other views are asked, and what the first one counts for beside them.

    Parameters
    ----------
    threshold : float
        The others are asked where the first view's margin is nearer to 0 than that; above 0.
    share : float
        What the first view counts for in the average of all, 1 where they count alike; above 0.

    Raises
    ------
    ValueError
        For a number that is not above 0.
    """

    threshold: float
    share: float

    def __post_init__(self) -> None:
        if not (0 < self.threshold < np.inf and 0 < self.share < np.inf):
            raise ValueError(f"threshold {self.threshold} and share {self.share} must be above 0")


def doubt(margin: ArrayLike, threshold: float) -> Margins:
    """Say how far the other views are listened to.

    Parameters
    ----------
    margin : array of shape (n,)
        The first view's.
    threshold : float
        Above 0.

    Returns
    -------
    float64 array of shape (n,)
        0 at the threshold and beyond, rising to 1 at seven tenths of it.

    Examples
    --------
    >>> doubt([-0.1, 0.17, 0.25, 3], 0.2).round(2).tolist()
    [1.0, 0.5, 0.0, 0.0]
    """
    nearness = 1 - np.abs(np.asarray(margin, dtype=np.float64)) / threshold
    # Of one image, np.clip takes five times as long.
    return np.asarray(np.minimum(np.maximum(nearness / _FADE, 0), 1))


def blend(margins: Sequence[Margins], shares: ArrayLike, threshold: float | None) -> Margins:
    """Return the margins of all views together.

    Parameters
    ----------
    margins : sequence of float64 array of shape (n,)
        One for each view.
    shares : array of shape (n_views,)
        What each counts for.
    threshold : float or None
        Where the others are asked; None for everywhere.

    Returns
    -------
    float64 array of shape (n,)
        The weighted mean; with a threshold, by `doubt`, between that and the first.

    References
    ----------
    Viola, Jones, "Rapid object detection using a boosted cascade of simple features", CVPR 2001,
    doi:10.1109/CVPR.2001.990517: the idea; theirs stops at one answer only.

    Examples
    --------
    >>> first, second = np.array([0.1, 0.8]), np.array([0.3, 0.2])
    >>> blend([first, second], [1, 1], None).round(2).tolist(), blend([first, second], [1, 1], 0.5).round(2).tolist()
    ([0.2, 0.5], [0.2, 0.8])
    """
    mean: Margins = np.average(margins, axis=0, weights=np.asarray(shares, dtype=np.float64))
    if threshold is None:
        return mean
    return margins[0] + doubt(margins[0], threshold) * (mean - margins[0])
