"""The files that ship with the library: where they are; nothing is read."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from ..errors import ModelError

__all__ = ["NOT_IN_WHEEL", "SHIPPED_MODELS", "present_models", "shipped_file", "shipped_model"]

SHIPPED_MODELS = ("default", "fast", "accurate")
# The wheel has room for two models.
NOT_IN_WHEEL = ("accurate",)


def shipped_model(name: str) -> Path:
    """Return the path of the model of a name in `SHIPPED_MODELS`; its card, NAME.json, is beside it."""
    if name not in SHIPPED_MODELS:
        raise ModelError(f"no shipped model is called {name!r}; there are {', '.join(SHIPPED_MODELS)}")
    try:
        return shipped_file(f"{name}.npz")
    except ModelError as error:
        if name not in NOT_IN_WHEEL:
            raise
        raise ModelError(
            f"the model {name!r} is in the clone, not in the wheel: give the path of its models/{name}.npz, or "
            f"train it with classic-eyes train FOLDER --recipe {name}"
        ) from error


def present_models() -> dict[str, Path]:
    """Return the paths of the shipped models that are there, by name: all in a clone, not all in a wheel."""
    found = {}
    for name in SHIPPED_MODELS:
        try:
            found[name] = shipped_model(name)
        except ModelError:
            if name not in NOT_IN_WHEEL:
                raise
    return found


@cache
def shipped_file(name: str) -> Path:
    """Return the path of a file of the folder ``models``, from a wheel or a clone; ModelError where it is missing."""
    package = Path(__file__).resolve().parents[1]
    places = [package / "models", package.parent / "models"]
    for place in places:
        if (path := place / name).is_file():
            return path
    raise ModelError(f"the shipped file {name!r} is missing from {places[0]}; install classic-eyes again")
