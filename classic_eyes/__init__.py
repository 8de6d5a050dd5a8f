"""classic_eyes: is this eye open (1) or closed (0)? Classical computer vision, no deep learning."""

from __future__ import annotations

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__

if TYPE_CHECKING:
    from .classifier import EyeClassifier
    from .predictor import EyePredictor, load_model

# Nothing is printed unless the program that uses the library configures its log.
logging.getLogger(__name__).addHandler(logging.NullHandler())

__all__ = ["EyeClassifier", "EyePredictor", "__version__", "load_model"]

_HOMES = {"EyeClassifier": ".classifier", "EyePredictor": ".predictor", "load_model": ".predictor"}

_SUBMODULES = (
    "calibration",
    "datasets",
    "descriptors",
    "evaluation",
    "export",
    "faces",
    "features",
    "images",
    "labeling",
    "metrics",
    "preprocessing",
    "recipes",
    "semisupervised",
    "svm",
    "synthetic",
    "video",
)


def __getattr__(name: str) -> Any:
    # scikit-learn takes a second to import; reading the version must not wait for it.
    if name in _HOMES:
        return getattr(import_module(_HOMES[name], __name__), name)
    if name in _SUBMODULES:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, *_SUBMODULES])
