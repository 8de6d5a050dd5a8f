"""Calibration: Platt scaling, a person's own decision threshold, adaptation to an unlabelled folder."""

from .adaptation import Adaptation, fit_adaptation
from .platt import fit_platt
from .threshold import Calibration, Threshold, calibrate, fit_threshold, read_calibration, write_calibration

__all__ = [
    "Adaptation",
    "Calibration",
    "Threshold",
    "calibrate",
    "fit_adaptation",
    "fit_platt",
    "fit_threshold",
    "read_calibration",
    "write_calibration",
]
