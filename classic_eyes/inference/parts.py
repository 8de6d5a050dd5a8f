"""Parts of a model file: what JSON can hold, and arrays that the JSON refers to by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..descriptors import DESCRIPTORS
from ..errors import ModelError

__all__ = ["check_descriptor", "pack", "unpack"]


def pack(arrays: dict[str, NDArray[Any]], name: str, value: Any) -> Any:
    """Return a value as JSON can hold it; its arrays go into ``arrays``, and stand as ``{"array": name}``.

    >>> arrays = {}
    >>> pack(arrays, "a", {"x": np.zeros(2), "y": 3})
    {'x': {'array': 'a.x'}, 'y': 3}
    >>> list(arrays)
    ['a.x']
    """
    if isinstance(value, Mapping):
        return {key: pack(arrays, f"{name}.{key}", entry) for key, entry in value.items()}
    if not isinstance(value, np.ndarray):
        return value
    arrays[name] = value
    return {"array": name}


def unpack(arrays: Mapping[str, NDArray[Any]], value: Any) -> Any:
    """Return the value that `pack` received; KeyError for an array that is missing."""
    if isinstance(value, dict) and set(value) == {"array"}:
        return arrays[value["array"]]
    if isinstance(value, dict):
        return {str(key): unpack(arrays, entry) for key, entry in value.items()}
    return value


def check_descriptor(name: Any) -> str:
    """Return the name of a descriptor; ModelError for one that this version does not know."""
    if name not in DESCRIPTORS:
        raise ModelError(
            f"the model uses the descriptor {name!r}, and this version knows {', '.join(DESCRIPTORS)}; "
            "update classic-eyes"
        )
    return str(name)
