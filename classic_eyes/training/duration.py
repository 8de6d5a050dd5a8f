"""How long training takes, for the first line of ``classic-eyes train``."""

from __future__ import annotations

__all__ = ["estimate_seconds"]

# Measured with the recipe ``default`` on two cores of an AMD EPYC: 160 s for 4,000 images (eyes24), 460 s for 14,577
# (eyes24 and mrl), 7 s for 60. Up to 4,000 images, synthetic eyes grow with them.
_START, _PER_IMAGE, _PER_SYNTHETIC = 4.0, 0.029, 0.0034
# Folds run side by side, each on one core and without non-eye detection.
_FOLD = 1.2
# Missing labels: the prior of synthetic eyes, then views and rounds.
_START_FINDING, _FINDING_PER_IMAGE = 22.0, 0.03


def estimate_seconds(n_images: int, n_folds: int = 0, *, finds_labels: bool = False, n_jobs: int = 2) -> float:
    """Return about how many seconds a training with the recipe ``default`` takes, and before it ``n_folds`` others.

    Where labels are missing, they are found first in every training.

    >>> estimate_seconds(4000)
    160.8
    >>> round(estimate_seconds(4000, 5) / 60)
    12
    >>> round(estimate_seconds(4000, finds_labels=True))
    303
    """
    once = _START + _PER_IMAGE * n_images + _PER_SYNTHETIC * min(12_000, 3 * n_images)
    if finds_labels:
        once += _START_FINDING + _FINDING_PER_IMAGE * n_images
    return round(once * (1 + _FOLD * -(-n_folds // n_jobs)), 1)
