"""How long training takes, for the first line of ``classic-eyes train``."""

from __future__ import annotations

__all__ = ["estimate_seconds"]

# Placeholders: seconds of one training with the recipe ``default`` on two cores, to be replaced by measured ones.
_START = 20.0
_PER_IMAGE = 0.03


def estimate_seconds(n_images: int, n_folds: int = 0, *, n_jobs: int = 2) -> float:
    """Return about how many seconds a training with the recipe ``default`` takes, and before it ``n_folds`` others.

    >>> estimate_seconds(4000)
    140.0
    >>> estimate_seconds(4000, 5)
    490.0
    """
    return (_START + _PER_IMAGE * n_images) * (1 + n_folds / n_jobs)
