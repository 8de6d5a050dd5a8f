"""What is computed from images: pure functions over a batch, by numpy and OpenCV alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .ear import compute_ear
from .haar import compute_cascades
from .hog import compute_hog
from .lbp import compute_patterns
from .ltp import compute_ltp
from .pixels import normalise_pixels
from .profile import compute_profiles
from .words import compute_filters, compute_words

__all__ = ["DESCRIPTORS"]

# From uint8 images (n, height, width) and settings, by keyword, to float32 rows (n, d).
DESCRIPTORS: dict[str, Callable[..., np.ndarray]] = {
    "ear": compute_ear,
    "filters": compute_filters,
    "haar": compute_cascades,
    "hog": compute_hog,
    "lbp": compute_patterns,
    "ltp": compute_ltp,
    "pixels": normalise_pixels,
    "profile": compute_profiles,
    "words": compute_words,
}
