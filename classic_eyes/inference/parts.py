"""What compiled things are made of in a file: JSON, and arrays that it calls by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..descriptors import DESCRIPTORS
from ..errors import ModelError

__all__ = ["check_descriptor", "pack", "unpack"]


def pack(arrays: dict[str, NDArray[Any]], name: str, value: Any) -> Any:
    """Put a value away for a file.

    Parameters
    ----------
    arrays : dict of str to ndarray
        Gets the arrays.
    name : str
        By which an array is called; those in a mapping are called by it and their key.
    value : object
        An array, a mapping, or what JSON can hold.

    Returns
    -------
    object
        What JSON can hold; an array is ``{"array": name}``.

    Examples
    --------
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
    """Return what `pack` put away.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        The arrays.
    value : object
        As `pack` returned it; it may come from anywhere.

    Returns
    -------
    object
        The value, with mappings as dict.

    Raises
    ------
    KeyError
        For an array that is not there.
    """
    if isinstance(value, dict) and set(value) == {"array"}:
        return arrays[value["array"]]
    if isinstance(value, dict):
        return {str(key): unpack(arrays, entry) for key, entry in value.items()}
    return value


def check_descriptor(name: Any) -> str:
    """Refuse a descriptor that this version does not know.

    Parameters
    ----------
    name : object
        From a file.

    Returns
    -------
    str
        The same.

    Raises
    ------
    ModelError
        If it is none of `classic_eyes.descriptors.DESCRIPTORS`.
    """
    if name not in DESCRIPTORS:
        raise ModelError(
            f"the model asks for the descriptor {name!r}, and this version knows {', '.join(DESCRIPTORS)}; "
            "update classic-eyes"
        )
    return str(name)
