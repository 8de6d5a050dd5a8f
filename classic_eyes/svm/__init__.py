"""Our classifiers: rows of numbers in, a margin out; they know nothing of pictures."""

from __future__ import annotations

from .fixed import FixedSizeSvm, MirrorSvm, image_kernels, mirror_rbf, platt, rbf

__all__ = ["FixedSizeSvm", "MirrorSvm", "image_kernels", "mirror_rbf", "platt", "rbf"]
