"""classic_eyes: is this eye open (1) or closed (0)? Classical computer vision, no deep learning."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__

if TYPE_CHECKING:
    from .classifier import EyeClassifier
    from .predictor import EyePredictor

__all__ = ["EyePredictor", "EyeClassifier", "__version__"]

_HOMES = {"EyePredictor": ".predictor", "EyeClassifier": ".classifier"}


def __getattr__(name: str) -> Any:
    # scikit-learn takes a second to import; who only reads the version need not wait for it.
    if name in _HOMES:
        return getattr(import_module(_HOMES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
