"""Synthetic eyes: eye patches from parameters, seeded, with their landmarks and without a photograph of anyone."""

from .drawing import harder, random_parameters
from .eyes import SyntheticEyes, contact_sheet, make_eyes
from .painting import render
from .parameters import OPEN_BORDER, RANGES, EyeParameters

__all__ = [
    "OPEN_BORDER",
    "RANGES",
    "EyeParameters",
    "SyntheticEyes",
    "contact_sheet",
    "harder",
    "make_eyes",
    "random_parameters",
    "render",
]
