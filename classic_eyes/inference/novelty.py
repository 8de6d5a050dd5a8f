"""Novelty detection: how much of an image the features of eyes do not explain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..descriptors import DESCRIPTORS

__all__ = ["VERDICTS", "Novelty", "Subspace", "verdicts"]

VERDICTS = ("closed", "open", "unsure", "not-an-eye")

_CHUNK = 192
# An image that the components describe exactly must not have an infinite logarithm.
_SMALLEST = 1e-6
# A residual smaller than eyes have (a flat image) is weaker evidence than a larger one.
_BELOW_WEIGHT = 0.5
# Cells a side, and grey levels by which the means of the cells deviate less in no eye: those of 14,577 eyes by 2.9 and
# more, those of sensor noise by a quarter of its own deviation.
_N_CELLS, _FLAT = 6, 2.0


@dataclass(frozen=True, eq=False)
class Subspace:
    """Principal components that eyes have in one kind of features.

    Parameters
    ----------
    descriptor : str
        A key of `classic_eyes.descriptors.DESCRIPTORS`.
    settings : mapping
        Its keyword arguments.
    scale, offset : float32 array of shape (d,)
        A column times its scale, less its offset, has mean 0 and deviation 1 among eyes.
    components : float16 array of shape (d, n_components)
        Orthonormal but for the rounding; float16, because they are most of a model file.
    """

    descriptor: str
    settings: Mapping[str, Any]
    scale: NDArray[np.float32]
    offset: NDArray[np.float32]
    components: NDArray[np.float16]

    def __post_init__(self) -> None:
        object.__setattr__(self, "_wide", np.ascontiguousarray(self.components, dtype=np.float32))

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key != "_wide"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.__post_init__()

    def log_residual(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return ``log((|x|^2 - |x @ components|^2) / d)`` of the scaled features ``x`` of gated images."""
        rows = DESCRIPTORS[self.descriptor](images, **self.settings) * self.scale
        rows -= self.offset
        inside = rows @ self._wide  # type: ignore[attr-defined]
        left = np.einsum("ij,ij->i", rows, rows, dtype=np.float64) - np.einsum("ij,ij->i", inside, inside, dtype=float)
        return np.log(np.maximum(left / rows.shape[1], _SMALLEST))


@dataclass(frozen=True, eq=False)
class Novelty:
    """How unlike the training eyes an image is; trained on eyes alone.

    1. In each subspace, the logarithm of the residual (`Subspace.log_residual`) is compared with that of held-out
       eyes: its distance above their median, divided by the distance of their 99th percentile; or below it, divided
       by that of their first.
    2. These ratios are squared and added up over the subspaces, those below the median with half the weight.
    3. The sum is divided by its 99th percentile among those eyes: 1% of eyes have a score above 1. Of several sources
       it is 1.5% of eyes of sources left out, and fewer of the sources themselves.
    4. A flat image, such as a covered camera takes, has a score above 1 whatever its features are. Flat means that the
       means of 6 x 6 cells deviate by less than 2 grey levels.

    Parameters
    ----------
    subspaces : sequence of Subspace
        One or more.
    middle, above, below : float64 array of shape (n_subspaces,)
        Median, and distances to the 99th and to the first percentile, greater than 0.
    threshold : float
        What the sum is divided by, greater than 0.

    References
    ----------
    Jackson, Mudholkar, Technometrics 21(3), 1979, doi:10.1080/00401706.1979.10489779.
    """

    subspaces: Sequence[Subspace]
    middle: NDArray[np.float64]
    above: NDArray[np.float64]
    below: NDArray[np.float64]
    threshold: float

    def score(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return the novelty (n,), 0 or more, of gated images; above 1 is a non-eye."""
        scores = np.empty(len(images))
        for start in range(0, len(images), _CHUNK):
            part = images[start : start + _CHUNK]
            scores[start : start + _CHUNK] = np.maximum(self.of_residuals(self.residuals(part)), _flatness(part))
        return scores

    def residuals(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return the log residuals (n, n_subspaces) of gated images."""
        left = np.empty((len(images), len(self.subspaces)))
        for start in range(0, len(images), _CHUNK):
            part = slice(start, start + _CHUNK)
            left[part] = np.stack([subspace.log_residual(images[part]) for subspace in self.subspaces], axis=1)
        return left

    def of_residuals(self, residuals: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the novelty (n,) of log residuals (n, n_subspaces)."""
        apart = residuals - self.middle
        more, less = np.maximum(apart / self.above, 0), np.maximum(-apart / self.below, 0)
        return ((more**2).sum(axis=1) + _BELOW_WEIGHT * (less**2).sum(axis=1)) / self.threshold


def _flatness(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the novelty (n,) of flat images, above 1, and 0 for others."""
    rows, columns, areas = _cells(images.shape[1])
    # Sums of so few integers are exact in float32.
    means = (rows @ images.astype(np.float32) @ columns).reshape(len(images), -1) / areas
    means -= means.mean(axis=1, keepdims=True)
    contrast = np.sqrt(np.einsum("ij,ij->i", means, means) / areas.size)
    return np.where(contrast < _FLAT, _FLAT / np.maximum(contrast, _FLAT / 100), 0)


@lru_cache(maxsize=8)
def _cells(side: int) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float64]]:
    """Return the matrices that add up the rows and the columns of each cell, and the areas of the cells."""
    lengths = np.diff(np.arange(_N_CELLS + 1) * side // _N_CELLS)
    rows = np.repeat(np.eye(_N_CELLS, dtype=np.float32), lengths, axis=1)
    return rows, np.ascontiguousarray(rows.T), np.outer(lengths, lengths).reshape(-1).astype(np.float64)


def verdicts(
    probability: NDArray[np.float64], novelty: NDArray[np.float64], *, unsure: float, threshold: float = 0.5
) -> list[str]:
    """Return one of `VERDICTS` for each image.

    1. ``not-an-eye`` where the novelty is above 1.
    2. ``unsure`` where the log odds of open are closer than ``unsure`` to those of the threshold.
    3. ``open`` from the threshold on, else ``closed``.

    Parameters
    ----------
    probability : float64 array of shape (n,)
        Of open, from 0 to 1.
    novelty : float64 array of shape (n,)
        Of `Novelty.score`.
    unsure : float
        Distance in log odds, 0 or more.
    threshold : float, default 0.5
        Open from this probability on.

    Examples
    --------
    >>> verdicts(np.array([0.9, 0.55, 0.1, 0.9]), np.array([0.2, 0.2, 0.2, 3.0]), unsure=1.0)
    ['open', 'unsure', 'closed', 'not-an-eye']
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        odds = np.log(probability) - np.log1p(-probability)
        near = np.abs(odds - (np.log(threshold) - np.log1p(-threshold))) < unsure
    codes = np.where(novelty > 1, 3, np.where(near, 2, (probability >= threshold).astype(int)))
    return [VERDICTS[code] for code in codes]
