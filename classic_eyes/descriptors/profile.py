"""Brightness profiles down and across an image, and numbers for their shapes (projections; Zhou & Geng, 2004)."""

from __future__ import annotations

import numpy as np

__all__ = ["SHAPE", "compute_profiles", "describe_shape"]

SHAPE = (
    "asymmetry",
    "centroid",
    "contrast",
    "darkest",
    "depth",
    "kurtosis",
    "minima",
    "skewness",
    "spread",
)


def describe_shape(profiles: np.ndarray) -> dict[str, np.ndarray]:
    """Put the shape of each profile into nine numbers, all 0 for a constant profile.

    Positions run from -1 (top or left) to 1. The moments are those of the darkness, which is how far each value lies
    below the profile's greatest, taken as a distribution over the positions.

    Parameters
    ----------
    profiles : ndarray of float64, shape (n, length)
        One profile a row, of at least two values.

    Returns
    -------
    dict of str to ndarray of float64, shape (n,)
        ``asymmetry``: mean difference between the profile and its mirror image; ``centroid``, ``spread``, ``skewness``,
        ``kurtosis`` (less the 3 of a Gaussian) of the darkness; ``contrast``: greatest less least value; ``darkest``:
        mean position of the least value; ``depth``: of the deepest valley below the lower of its two shoulders;
        ``minima``: number of valleys.
    """
    length = profiles.shape[1]
    position = np.linspace(-1, 1, length)
    least, greatest = profiles.min(axis=1), profiles.max(axis=1)
    darkness = greatest[:, None] - profiles
    total = darkness.sum(axis=1)
    flat = total == 0
    share = darkness / np.where(flat, 1, total)[:, None]
    centroid = (share * position).sum(axis=1)
    offset = position - centroid[:, None]
    spread = np.sqrt((share * offset**2).sum(axis=1))
    # Darkness in a single place has a share of 1 there, and a spread of exactly 0 to measure by.
    z = offset / np.where(spread > 0, spread, np.inf)[:, None]
    skewness = (share * z**3).sum(axis=1)
    kurtosis = np.where(spread > 0, (share * z**4).sum(axis=1) - 3, 0)

    is_least = (profiles == least[:, None]) & ~flat[:, None]
    darkest = (is_least * position).sum(axis=1) / np.maximum(is_least.sum(axis=1), 1)
    left = np.maximum.accumulate(profiles, axis=1)
    right = np.maximum.accumulate(profiles[:, ::-1], axis=1)[:, ::-1]
    depth = (np.minimum(left, right) - profiles).max(axis=1)

    # A level stretch takes over the slope before it, so that a valley with a flat floor counts once.
    slope = np.sign(np.diff(profiles, axis=1))
    last = np.maximum.accumulate(np.where(slope != 0, np.arange(length - 1), 0), axis=1)
    slope = np.take_along_axis(slope, last, axis=1)
    return {
        "asymmetry": np.abs(profiles - profiles[:, ::-1]).mean(axis=1),
        "centroid": centroid,
        "contrast": greatest - least,
        "darkest": darkest,
        "depth": depth,
        "kurtosis": kurtosis,
        "minima": ((slope[:, :-1] < 0) & (slope[:, 1:] > 0)).sum(axis=1).astype(np.float64),
        "skewness": skewness,
        "spread": spread,
    }


def compute_profiles(images: np.ndarray, *, floor: float) -> np.ndarray:
    """Compute means, spreads, steps and shape of the columns, then of the rows, of normalised images.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, height, width)
        Grey images of at least 2 pixels a side.
    floor : float
        Grey levels added to an image's standard deviation.

    Returns
    -------
    ndarray of float32, shape (n, 3 * (height + width) + 16)
        For the columns, then for the rows: steps from one mean to the next, means, nine shape numbers in the order of
        their names, standard deviations.
    """
    height, width = images.shape[1:]
    n_pixels = height * width
    squares = np.square(images, dtype=np.uint16)
    # Sums of integers are exact in float64, and numpy may add them up in any order.
    total = images.sum(axis=(1, 2), dtype=np.float64)
    deviation = np.sqrt(n_pixels * squares.sum(axis=(1, 2), dtype=np.float64) - total**2) / n_pixels
    unit = (1 / (deviation + floor))[:, None]
    parts = []
    for axis, count in ((1, height), (2, width)):
        line = images.sum(axis=axis, dtype=np.float64)
        spread = np.sqrt(count * squares.sum(axis=axis, dtype=np.float64) - line**2) / count
        # Whole numbers as long as possible: equal lines stay equal, so ties are ties.
        centred = line * (n_pixels // count) - total[:, None]
        scale = unit / n_pixels
        shape = describe_shape(centred)
        for name in ("asymmetry", "contrast", "depth"):
            shape[name] = shape[name] * scale[:, 0]
        numbers = np.stack([shape[name] for name in SHAPE], axis=1)
        parts += [np.diff(centred, axis=1) * scale, centred * scale, numbers, spread * unit]
    return np.hstack(parts, dtype=np.float32, casting="same_kind")
