"""A cascade: the first family answers about every picture, the others where it is in doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Cascade", "blend", "doubt"]

Margins = NDArray[np.float64]

# The part of the way from the border to 0 along which the others come in: no answer jumps.
_FADE = 0.3


@dataclass(frozen=True)
class Cascade:
    """When the other families are asked, and what the first one counts for beside them.

    Parameters
    ----------
    border : float
        The others are asked where the first family's margin is nearer to 0 than that; above 0.
    share : float
        What the first family counts for in the average of all, 1 where they count alike; above 0.

    Raises
    ------
    ValueError
        For a number that is not above 0.
    """

    border: float
    share: float

    def __post_init__(self) -> None:
        if not (0 < self.border < np.inf and 0 < self.share < np.inf):
            raise ValueError(f"border {self.border} and share {self.share} must be above 0")


def doubt(margin: ArrayLike, border: float) -> Margins:
    """Say how far the other families are listened to.

    Parameters
    ----------
    margin : array of shape (n,)
        The first family's.
    border : float
        Above 0.

    Returns
    -------
    float64 array of shape (n,)
        0 at the border and beyond, rising to 1 at seven tenths of it.

    Examples
    --------
    >>> doubt([-0.1, 0.17, 0.25, 3], 0.2).round(2).tolist()
    [1.0, 0.5, 0.0, 0.0]
    """
    nearness = 1 - np.abs(np.asarray(margin, dtype=np.float64)) / border
    # Of one picture, np.clip takes five times as long.
    return np.asarray(np.minimum(np.maximum(nearness / _FADE, 0), 1))


def blend(margins: Sequence[Margins], shares: ArrayLike, border: float | None) -> Margins:
    """Return the margins of all families together.

    Parameters
    ----------
    margins : sequence of float64 array of shape (n,)
        One for each family.
    shares : array of shape (n_families,)
        What each counts for.
    border : float or None
        Where the others are asked; None for everywhere.

    Returns
    -------
    float64 array of shape (n,)
        The weighted mean; with a border, by `doubt`, between that and the first.

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
    if border is None:
        return mean
    return margins[0] + doubt(margins[0], border) * (mean - margins[0])
