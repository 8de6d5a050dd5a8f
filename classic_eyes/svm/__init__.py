"""Our classifiers: rows of numbers in, a margin out; they know nothing of images."""

from __future__ import annotations

from .least_squares import FixedSizeSvm, MirrorSvm, image_kernels, mirror_rbf, platt, rbf
from .metric import MetricSvm, gradient_products

__all__ = [
    "FixedSizeSvm",
    "MetricSvm",
    "MirrorSvm",
    "gradient_products",
    "image_kernels",
    "mirror_rbf",
    "platt",
    "rbf",
]
