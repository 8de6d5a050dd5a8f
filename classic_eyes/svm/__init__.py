"""Our classifiers: rows of numbers in, a margin out; they know nothing of images."""

from __future__ import annotations

from .least_squares import LeastSquaresSvm, SymmetricSvm, image_kernels, rbf, symmetric_rbf
from .metric import MetricSvm, gradient_products

__all__ = [
    "LeastSquaresSvm",
    "MetricSvm",
    "SymmetricSvm",
    "gradient_products",
    "image_kernels",
    "symmetric_rbf",
    "rbf",
]
