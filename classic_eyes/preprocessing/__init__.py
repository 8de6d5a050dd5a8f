"""Preprocessing of grey uint8 batches: alignment, glare removal, illumination normalization, augmentation."""

from .._utils import dependencies  # noqa: F401
from .alignment import Alignment, align, find_poses, shipped_alignment
from .augmentation import AUGMENTATIONS, augment, flip
from .glare import remove_glare
from .illumination import tan_triggs, tan_triggs_uint8

__all__ = [
    "AUGMENTATIONS",
    "Alignment",
    "align",
    "augment",
    "find_poses",
    "flip",
    "remove_glare",
    "shipped_alignment",
    "tan_triggs",
    "tan_triggs_uint8",
]
