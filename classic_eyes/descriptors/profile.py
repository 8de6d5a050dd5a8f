"""Projection functions: profiles of rows and columns, and statistics of their shape (Zhou & Geng, 2004)."""

from __future__ import annotations

import numpy as np

__all__ = ["SHAPE", "compute_profile", "describe_shape"]

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
    """Return the nine statistics of `SHAPE` for each profile of shape (n, length), as in `features.Profile`."""
    length = profiles.shape[1]
    position = np.linspace(-1, 1, length)
    lowest, highest = profiles.min(axis=1), profiles.max(axis=1)
    darkness = highest[:, None] - profiles
    total = darkness.sum(axis=1)
    flat = total == 0
    share = darkness / np.where(flat, 1, total)[:, None]
    centroid = (share * position).sum(axis=1)
    offset = position - centroid[:, None]
    spread = np.sqrt((share * offset**2).sum(axis=1))
    # Darkness at a single position has a spread of exactly 0.
    z = offset / np.where(spread > 0, spread, np.inf)[:, None]
    skewness = (share * z**3).sum(axis=1)
    kurtosis = np.where(spread > 0, (share * z**4).sum(axis=1) - 3, 0)

    is_lowest = (profiles == lowest[:, None]) & ~flat[:, None]
    darkest = (is_lowest * position).sum(axis=1) / np.maximum(is_lowest.sum(axis=1), 1)
    left = np.maximum.accumulate(profiles, axis=1)
    right = np.maximum.accumulate(profiles[:, ::-1], axis=1)[:, ::-1]
    depth = (np.minimum(left, right) - profiles).max(axis=1)

    # A flat stretch takes the slope before it, so that a valley with a flat floor counts once.
    slope = np.sign(np.diff(profiles, axis=1))
    last = np.maximum.accumulate(np.where(slope != 0, np.arange(length - 1), 0), axis=1)
    slope = np.take_along_axis(slope, last, axis=1)
    return {
        "asymmetry": np.abs(profiles - profiles[:, ::-1]).mean(axis=1),
        "centroid": centroid,
        "contrast": highest - lowest,
        "darkest": darkest,
        "depth": depth,
        "kurtosis": kurtosis,
        "minima": ((slope[:, :-1] < 0) & (slope[:, 1:] > 0)).sum(axis=1).astype(np.float64),
        "skewness": skewness,
        "spread": spread,
    }


def compute_profile(images: np.ndarray, *, floor: float) -> np.ndarray:
    """Compute the features of `classic_eyes.features.Profile`.

    For the columns, then for the rows: differences of consecutive means, means, `SHAPE`, standard deviations.
    """
    height, width = images.shape[1:]
    n_pixels = height * width
    squares = np.square(images, dtype=np.uint16)
    # Sums of integers are exact in float64, whatever the order in which numpy adds them.
    total = images.sum(axis=(1, 2), dtype=np.float64)
    deviation = np.sqrt(n_pixels * squares.sum(axis=(1, 2), dtype=np.float64) - total**2) / n_pixels
    unit = (1 / (deviation + floor))[:, None]
    parts = []
    for axis, count in ((1, height), (2, width)):
        line = images.sum(axis=axis, dtype=np.float64)
        spread = np.sqrt(count * squares.sum(axis=axis, dtype=np.float64) - line**2) / count
        # Integers as long as possible: equal lines stay equal, so that ties are exact.
        centred = line * (n_pixels // count) - total[:, None]
        scale = unit / n_pixels
        shape = describe_shape(centred)
        for name in ("asymmetry", "contrast", "depth"):
            shape[name] = shape[name] * scale[:, 0]
        numbers = np.stack([shape[name] for name in SHAPE], axis=1)
        parts += [np.diff(centred, axis=1) * scale, centred * scale, numbers, spread * unit]
    return np.hstack(parts, dtype=np.float32, casting="same_kind")
