"""The files that ship with the library: where they are; nothing is read."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from ..errors import ModelError

__all__ = ["SHIPPED_MODELS", "shipped_file", "shipped_model"]

SHIPPED_MODELS = ("default", "fast")


def shipped_model(name: str) -> Path:
    """Return the path of the model of a name in `SHIPPED_MODELS`; its card, NAME.json, is beside it."""
    if name not in SHIPPED_MODELS:
        raise ModelError(f"no shipped model is called {name!r}; there are {', '.join(SHIPPED_MODELS)}")
    return shipped_file(f"{name}.npz")


@cache
def shipped_file(name: str) -> Path:
    """Return the path of a file of the folder ``models``, from a wheel or a clone; ModelError where it is missing."""
    package = Path(__file__).resolve().parents[1]
    places = [package / "models", package.parent / "models"]
    for place in places:
        if (path := place / name).is_file():
            return path
    raise ModelError(f"the shipped file {name!r} is missing from {places[0]}; install classic-eyes again")
