"""Prediction: programs of numpy and OpenCV alone, and folders scored in chunks; nothing here needs scikit-learn."""

from .folders import BACKENDS, CHUNK, Scored, quickest_backend, score_files
from .program import Program

__all__ = ["BACKENDS", "CHUNK", "Program", "Scored", "quickest_backend", "score_files"]
