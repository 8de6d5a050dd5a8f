"""Least-squares SVMs of fixed size on rows of features, also mirror-symmetric and with a learned metric."""

from __future__ import annotations

from .._utils import training_packages  # noqa: F401
from .least_squares import LeastSquaresSvm, SymmetricSvm
from .metric import MetricSvm

__all__ = ["LeastSquaresSvm", "MetricSvm", "SymmetricSvm"]
