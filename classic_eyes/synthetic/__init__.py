"""Synthetic eyes: seeded images of eyes with known opening and landmarks, rendered from parameters."""

from .._utils import dependencies  # noqa: F401
from .eyes import SyntheticEyes, contact_sheet, make_eyes
from .parameters import OPEN_THRESHOLD, RANGES, EyeParameters, harder, random_parameters
from .rendering import render

__all__ = [
    "OPEN_THRESHOLD",
    "RANGES",
    "EyeParameters",
    "SyntheticEyes",
    "contact_sheet",
    "harder",
    "make_eyes",
    "random_parameters",
    "render",
]
