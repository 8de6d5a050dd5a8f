"""Descriptors: pure functions from uint8 images (n, height, width) to float32 rows (n, d); numpy and OpenCV only."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .._utils import dependencies  # noqa: F401
from .ear import compute_ear, eye_aspect_ratio, eye_points
from .haar import compute_haar
from .hog import compute_hog
from .lbp import compute_lbp
from .ltp import compute_ltp
from .pixels import compute_pixels
from .profile import compute_profile
from .words import compute_filters, compute_words

__all__ = ["DESCRIPTORS", "eye_aspect_ratio", "eye_points"]

# Parameters are passed by keyword; they are those of the extractor's `settings`.
DESCRIPTORS: dict[str, Callable[..., np.ndarray]] = {
    "ear": compute_ear,
    "filters": compute_filters,
    "haar": compute_haar,
    "hog": compute_hog,
    "lbp": compute_lbp,
    "ltp": compute_ltp,
    "pixels": compute_pixels,
    "profile": compute_profile,
    "words": compute_words,
}
