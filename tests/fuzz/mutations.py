"""Random changes of files: of bytes, and of the values inside model files."""

from __future__ import annotations

import io
import json
import warnings
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np

_BYTES = (0, 1, 2, 7, 8, 9, 16, 31, 32, 63, 64, 100, 127, 128, 192, 200, 217, 218, 224, 253, 254, 255)
_HOSTILE: tuple[Any, ...] = (
    *(0, -1, 1, 2, 3, 7, 24, 1000, 2**31, 2**63, 10**30, 0.5, -0.5, 1e-320, 1e308, float("nan"), float("inf")),
    *(
        None,
        True,
        False,
        "",
        "a",
        "hog",
        "../../../../etc/passwd",
        "é\0",
        [],
        [0],
        [[]],
        [None],
        {},
        {"array": "x"},
        {"a": 1},
    ),
    [[0] * 40] * 3,
)


def change_bytes(data: bytes, others: Sequence[bytes], rng: np.random.Generator) -> bytes:
    changed = bytearray(data)
    for _ in range(1 << rng.integers(4)):
        place = int(rng.integers(len(changed) + 1))
        kind = rng.integers(7)
        if kind == 0 and place < len(changed):
            changed[place] ^= 1 << int(rng.integers(8))
        elif kind == 1 and place < len(changed):
            changed[place] = _BYTES[int(rng.integers(len(_BYTES)))]
        elif kind == 2:
            del changed[place : place + int(rng.integers(1, 40))]
        elif kind == 3:
            changed[place:place] = rng.bytes(int(rng.integers(1, 20)))
        elif kind == 4:
            other = others[int(rng.integers(len(others)))]
            begin = int(rng.integers(len(other) + 1))
            changed[place:place] = other[begin : begin + int(rng.integers(1, 200))]
        elif kind == 5:
            width = int(rng.choice([2, 4, 8]))
            number = int(rng.choice([0, 1, 24, 255, 2**15, 2**16 - 1, 2**31 - 1, 2**32 - 1])) & ((1 << 8 * width) - 1)
            changed[place : place + width] = number.to_bytes(width, str(rng.choice(["little", "big"])))
        elif rng.random() < 0.2:
            del changed[place:]
    return bytes(changed)


def _change_json(value: Any, rng: np.random.Generator) -> Any:
    """Change one value at a random depth."""
    inside = list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    if not inside or rng.random() < 0.12:
        return _HOSTILE[int(rng.integers(len(_HOSTILE)))]
    key = inside[int(rng.integers(len(inside)))]
    changed = dict(value) if isinstance(value, dict) else list(value)
    if rng.random() < 0.06:
        del changed[key]
    else:
        changed[key] = _change_json(value[key], rng)
    return changed


def _change_array(array: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    kind = rng.integers(7)
    if kind == 0:
        return array.astype(rng.choice(["u1", "i2", "i8", "f2", "f4", "f8", "?", "c8", "U3", "M8[s]"]))
    if kind == 1:
        return np.zeros(tuple(int(side) for side in rng.integers(0, 30, rng.integers(0, 4))), array.dtype)
    if kind == 2:
        return array.T
    if kind == 3:
        return array[: int(rng.integers(len(array) + 1))] if array.ndim else array
    changed = np.array(array)
    if changed.size:
        flat = changed.reshape(-1)
        extremes = [np.nan, np.inf, -np.inf, 1e30, -1.0] if changed.dtype.kind == "f" else [0, 1, -1, 127, 2**31 - 1]
        with np.errstate(all="ignore"):
            flat[rng.integers(0, flat.size, 3)] = np.array(extremes[int(rng.integers(5))]).astype(changed.dtype)
    return changed


def _change_npz(data: bytes, rng: np.random.Generator) -> bytes:
    with np.load(io.BytesIO(data)) as file:
        arrays = dict(file)
    if rng.random() < 0.6:
        header = _change_json(json.loads(arrays["header"].tobytes()), rng)
        arrays["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
    else:
        name = sorted(arrays)[int(rng.integers(len(arrays)))]
        arrays[name] = _change_array(arrays[name], rng)
    return _zip({f"{name}.npy": _npy(array) for name, array in arrays.items()})


def _change_skops(data: bytes, rng: np.random.Generator) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    if rng.random() < 0.7:
        text = entries["schema.json"].decode()
        if rng.random() < 0.3:
            # Replace a type, function or kind of node.
            names = (
                "EyeClassifier",
                "dict",
                "list",
                "ndarray",
                "system",
                "eval",
                "partial",
                "ones",
                "Pipeline",
                "object",
            )
            nodes = ("ObjectNode", "MethodNode", "FunctionNode", "ReduceNode", "TypeNode", "PartialNode", "NdArrayNode")
            key, values = [("__class__", names), ("__loader__", nodes), ("__module__", ("os", "builtins", "numpy"))][
                int(rng.integers(3))
            ]
            parts = text.split(f'"{key}": "')
            place = int(rng.integers(1, len(parts)))
            parts[place] = values[int(rng.integers(len(values)))] + parts[place][parts[place].index('"') :]
            entries["schema.json"] = f'"{key}": "'.join(parts).encode()
        else:
            entries["schema.json"] = json.dumps(_change_json(json.loads(text), rng)).encode()
    else:
        name = sorted(name for name in entries if name.endswith(".npy"))[int(rng.integers(len(entries) - 1)) - 1]
        entries[name] = _npy(_change_array(np.load(io.BytesIO(entries[name])), rng))
    return _zip(entries)


def _npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def _zip(entries: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in entries.items():
            # A ZipInfo has a fixed time, so that the same seed gives the same bytes.
            archive.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


def change_model(data: bytes, others: Sequence[bytes], rng: np.random.Generator) -> bytes:
    if rng.random() < 0.8 and data[:1] in (b"n", b"s"):
        # An earlier change may have made the file unreadable.
        with warnings.catch_warnings(), suppress(Exception):
            warnings.simplefilter("ignore")
            return data[:1] + (_change_npz if data[:1] == b"n" else _change_skops)(data[1:], rng)
    return data[:1] + change_bytes(data[1:], others, rng)
