"""The compiled model as a ``.npz`` file: arrays and a JSON header, which can run no code."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import math
import os
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .._utils.dependencies import check_opencv, library_versions
from .._utils.files import MAX_BYTES, check_path, read_whole, replace
from .._utils.resources import one_thread
from ..descriptors import DESCRIPTORS
from ..errors import ModelError
from ..inference.novelty import Novelty, Subspace
from ..inference.program import Block, Cascade, Program, View
from ..preprocessing.alignment import Alignment

__all__ = [
    "FORMAT",
    "TOLERANCE",
    "join_program",
    "kind_of",
    "npz_path",
    "pack_program",
    "read_npz",
    "split_program",
    "write_npz",
]

FORMAT = 1
# Recorded predictions come from another processor: the last digits of its sums may differ.
TOLERANCE = 1e-3
_KIND = "classic_eyes model"
_MAX_HEADER = 1 << 20
# More images to check would be a way to keep the reader of a file busy.
_N_CHECKED, _MAX_CHECKED = 8, 64
_OF_SUBSPACE = ("scale", "offset", "components")
_OTHERS = {
    "empty": "is empty; train it or copy it again",
    "joblib": "is a joblib file, which can run code; read the .npz beside it, or say that you trust it",
    "skops": "is a skops file; name it NAME.skops",
    "other": "is an archive of something else than a compiled model; classic-eyes train makes one",
}


def kind_of(content: bytes) -> str | None:
    """Return the kind of model in a file by its content, whatever its name: ``empty``, ``npz``, ``skops``, ``joblib``.

    >>> kind_of(b""), kind_of(b"GIF89a")
    ('empty', None)
    """
    if not content:
        return "empty"
    if content[:1] in (b"\x80", b"\x78"):  # pickle's first byte, and zlib's
        return "joblib"
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError, struct.error):
        return None
    return "npz" if "header.npy" in names else "skops" if "schema.json" in names else None


def npz_path(path: str | os.PathLike[str]) -> Path:
    """Return the path of the compiled model beside a model file: the same name, ending in ``.npz``."""
    return Path(path).with_suffix(".npz")


def pack_program(program: Program) -> bytes:
    """Return the content of the ``.npz`` file of a program; the same program gives the same bytes.

    1. The program is split into a header and arrays.
    2. Its predictions on eight images of smooth noise, and the images, join the arrays: `read_npz` repeats them.
    3. Everything goes into numpy's ``.npz``, without compression and without dates.
    """
    parts, arrays = split_program(program)
    header = {"kind": _KIND, "format": FORMAT, "versions": library_versions(), "program": parts}
    coarse = np.random.default_rng(0).integers(0, 256, (_N_CHECKED, 6, 6)).astype(np.uint8)
    side = (program.size, program.size)
    images = np.stack([cv2.resize(each, side, interpolation=cv2.INTER_CUBIC) for each in coarse])
    arrays |= {"check.images": images, **_predictions(program, images)}
    arrays["header"] = np.frombuffer(json.dumps(header, sort_keys=True).encode(), dtype=np.uint8)
    buffer = io.BytesIO()
    # allow_pickle=False here too: what could not be read must not be written.
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def _predictions(program: Program, images: NDArray[np.uint8]) -> dict[str, NDArray[np.float64]]:
    """Return everything that a program computes on images, by the names of arrays in the file."""
    with one_thread():
        found = {"check.probability": program.probability(images)}
        if program.cascade is not None:
            # The first view may be certain about all of them; the later views would go unchecked.
            found["check.all_views"] = dataclasses.replace(program, cascade=None).probability(images)
        if program.novelty is not None:
            found["check.novelty"] = program.novelty_score(images)
    return found


def write_npz(path: str | os.PathLike[str], program: Program) -> str:
    """Write a compiled model, whole or not at all; return its SHA-256."""
    check_path(path)
    target = Path(path)
    if target.suffix != ".npz":
        raise ModelError(f"model file {str(target)!r} must end in .npz")
    content = pack_program(program)
    replace(target, content)
    return hashlib.sha256(content).hexdigest()


def read_npz(path: str | os.PathLike[str]) -> tuple[Program, dict[str, Any]]:
    """Read a compiled model and check it.

    1. The file is arrays and JSON, read with ``allow_pickle=False``: it can run no code and needs no trust.
    2. Sizes are checked before anything is unpacked; numpy's and zip's own checks detect changes.
    3. The recorded predictions are repeated; a difference of more than 0.001 refuses the file.

    Returns
    -------
    program : Program
        Ready to predict.
    about : dict
        ``format``, ``versions`` and ``sha256`` of the file.

    Raises
    ------
    ModelError
        For a file that is missing, not a model, damaged, of a newer format, or with other predictions than recorded.
    """
    check_opencv()
    check_path(path)
    shown = repr(os.fspath(path))
    header, arrays, digest = _read(path)
    try:
        versions = {str(name): str(number) for name, number in header["versions"].items()}
        program = join_program(header["program"], arrays)
        images = arrays["check.images"]
        if len(images) > _MAX_CHECKED:
            raise ValueError("too many images")
        for name, predicted in _predictions(program, images).items():
            _compare(predicted, arrays[name], versions, shown)
    except (ModelError, ImportError, MemoryError):
        raise
    except Exception as error:
        if isinstance(error, cv2.error) and error.code == cv2.Error.StsNoMem:
            raise MemoryError(f"to read the model {shown}") from error
        # Parts that do not belong together fail wherever they first meet, in numpy or in OpenCV.
        raise ModelError(_damaged(shown)) from error
    return program, {"format": header["format"], "versions": versions, "sha256": digest}


def _read(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, NDArray[Any]], str]:
    shown = repr(os.fspath(path))
    try:
        content = read_whole(path)
    except FileNotFoundError:
        raise ModelError(f"no model file {shown}; classic-eyes train makes one") from None
    found = kind_of(content)
    if found is None and zipfile.is_zipfile(io.BytesIO(content)):
        found = "other"
    if found in _OTHERS:
        raise ModelError(f"{shown} {_OTHERS[found]}")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = {entry.filename.removesuffix(".npy"): entry for entry in archive.infolist()}
            if sum(entry.file_size for entry in archive.infolist()) > MAX_BYTES:
                raise _RefusedError(f"its arrays have more than {MAX_BYTES >> 20} MiB")
            if entries["header"].file_size > _MAX_HEADER:
                raise _RefusedError("its header has more than 1 MiB")
            # Ours are not compressed, so a small file cannot unpack to a large one.
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
                raise _RefusedError("it is compressed")
            arrays = {name: _array_of(archive.read(entry)) for name, entry in entries.items()}
        header = json.loads(arrays.pop("header").tobytes())
        kind, number = header["kind"], header["format"]
    except (ImportError, MemoryError):
        # For the lack of something here; the file may be sound.
        raise
    except Exception as error:
        # The parsers of zip, numpy and JSON raise anything, even an error of Python's tokenizer.
        raise ModelError(_damaged(shown, error)) from error
    if kind != _KIND:
        raise ModelError(_damaged(shown))
    if number != FORMAT:
        raise ModelError(
            f"model {shown} has format {number} and this version reads format {FORMAT}; "
            "update classic-eyes or train the model again"
        )
    return header, arrays, hashlib.sha256(content).hexdigest()


def _array_of(content: bytes) -> NDArray[Any]:
    """Return the array of a ``.npy`` file; ValueError for objects, and where it states another size than it has."""
    stream = io.BytesIO(content)
    major, _ = np.lib.format.read_magic(stream)
    read_header_of = {1: np.lib.format.read_array_header_1_0, 2: np.lib.format.read_array_header_2_0}
    shape, _, dtype = read_header_of[major](stream)
    if dtype.hasobject:
        raise _RefusedError("it holds an array of objects, which could run code")
    # Before numpy takes memory for as many values as are stated.
    if math.prod(shape) * dtype.itemsize != len(content) - stream.tell():
        raise _RefusedError("an array states another size than it has")
    stream.seek(0)
    return np.lib.format.read_array(stream, allow_pickle=False)


def _compare(predicted: NDArray[Any], recorded: Any, versions: Mapping[str, str], shown: str) -> None:
    """Refuse a model that does not predict what it did when it was written; above 1, differences are relative."""
    recorded = np.asarray(recorded, dtype=np.float64)
    if recorded.shape != predicted.shape or not predicted.size:
        raise ValueError("the recorded predictions do not match the recorded images")
    difference = float(np.max(np.abs(predicted - recorded) / np.maximum(np.abs(recorded), 1)))
    if not np.isfinite(difference):
        raise ModelError(f"{shown} does not reproduce its recorded predictions: not a number; copy or train it again")
    if difference > TOLERANCE:
        now = library_versions()
        names = ("opencv", "numpy")
        made = ", ".join(f"{name} {versions.get(name)} (here {now[name]})" for name in names)
        remedy = f"it was made with {made}; train it again here, or install those versions"
        if all(versions.get(name) == now[name] for name in names):
            remedy = "the versions are those that it was made with, so the file was altered or damaged; compare its "
            remedy += "SHA-256 with that of its source, or copy it again"
        raise ModelError(
            f"{shown} does not reproduce its recorded predictions: they differ by {difference:.3g}, allowed is "
            f"{TOLERANCE}; {remedy}"
        )


class _RefusedError(ValueError):
    """What a model file must not be; the message goes to the user."""


def _damaged(shown: str, error: Exception | None = None) -> str:
    reason = error if isinstance(error, _RefusedError) else "damaged, cut off or something else"
    return f"{shown} is not a whole compiled model of classic_eyes: {reason}; train it or copy it again"


# -- a program as what JSON can hold, in which an array stands as {"array": name}, and as named arrays --


def split_program(program: Program) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Split a compiled program into a header and named arrays."""
    arrays: dict[str, NDArray[Any]] = {}
    views = []
    for i, view in enumerate(program.views):
        assert isinstance(view, View)  # callers look at `compiled` first
        blocks = []
        for j, block in enumerate(view.blocks):
            name = f"view{i}.block{j}"
            blocks.append(
                {
                    "descriptor": block.descriptor,
                    "settings": pack(arrays, name, dict(sorted(block.settings.items()))),
                    "mirrored": block.mirrored,
                    **pack(arrays, name, {"weights": block.weights, "pairs": block.pairs}),
                }
            )
        parts = pack(arrays, f"view{i}", {key: getattr(view, key) for key in ("offset", "support", "dual")})
        numbers = {key: getattr(view, key) for key in ("intercept", "gamma", "symmetric", "aligned")}
        size = {} if view.size is None else {"size": view.size}
        views.append({"blocks": blocks, **parts, **numbers, **size})
    header = {"size": program.size, "flip_average": program.flip_average, "views": views}
    header |= {"slope": program.slope, "intercept": program.intercept, "unsure": program.unsure}
    header |= {"remove_glare": program.remove_glare, "novelty": None, "cascade": None, "alignment": None}
    if program.cascade is not None:
        header["cascade"] = dataclasses.asdict(program.cascade)
    if program.alignment is not None:
        header["alignment"] = pack(arrays, "alignment", program.alignment.arrays())
    if program.novelty is not None:
        header["novelty"] = _split_novelty(program.novelty, arrays)
    return header, arrays


def _split_novelty(novelty: Novelty, arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    subspaces = []
    for i, subspace in enumerate(novelty.subspaces):
        name = f"novelty.subspace{i}"
        own = {key: getattr(subspace, key) for key in _OF_SUBSPACE}
        # Settings keep their own names, beside the other arrays of the subspace.
        settings = pack(arrays, name, dict(sorted(subspace.settings.items())))
        subspaces.append({"descriptor": subspace.descriptor, "settings": settings, **pack(arrays, name, own)})
    numbers = {key: getattr(novelty, key).tolist() for key in ("middle", "above", "below")}
    return {"subspaces": subspaces, **numbers, "threshold": novelty.threshold}


def join_program(header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Program:
    """Build a program from the result of `split_program`, which may come from anywhere.

    Raises
    ------
    ModelError
        For a descriptor that this version does not know.
    KeyError, TypeError, ValueError
        For parts that do not belong together.
    """
    views = []
    for view in header["views"]:
        blocks = [
            Block(
                _known_descriptor(block["descriptor"]),
                unpack(arrays, block["settings"]),
                bool(block["mirrored"]),
                unpack(arrays, block["weights"]),
                unpack(arrays, block["pairs"]),
            )
            for block in view["blocks"]
        ]
        offset, support, dual = (unpack(arrays, view[key]) for key in ("offset", "support", "dual"))
        numbers = (float(view["intercept"]), float(view["gamma"]), bool(view["symmetric"]), bool(view["aligned"]))
        size = None if "size" not in view else int(view["size"])
        views.append(View(tuple(blocks), offset, support, dual, *numbers, size))
    if not views or not all(view.blocks for view in views):
        raise ValueError("no features")
    novelty, cascade, alignment = (header[key] for key in ("novelty", "cascade", "alignment"))
    return Program(
        int(header["size"]),
        tuple(views),
        bool(header["flip_average"]),
        float(header["slope"]),
        float(header["intercept"]),
        float(header["unsure"]),
        None if novelty is None else _join_novelty(novelty, arrays),
        None if cascade is None else Cascade(float(cascade["threshold"])),
        bool(header["remove_glare"]),
        None if alignment is None else Alignment.of(unpack(arrays, alignment)),
    )


def _join_novelty(header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Novelty:
    subspaces = [
        Subspace(
            _known_descriptor(part["descriptor"]),
            unpack(arrays, part["settings"]),
            *(unpack(arrays, part[key]) for key in _OF_SUBSPACE),
        )
        for part in header["subspaces"]
    ]
    middle, above, below = (
        np.asarray(header[key], dtype=np.float64).reshape(len(subspaces)) for key in ("middle", "above", "below")
    )
    if not subspaces or not (above > 0).all() or not (below > 0).all() or not header["threshold"] > 0:
        raise ValueError("no subspaces, or a distance that is not positive")
    return Novelty(tuple(subspaces), middle, above, below, float(header["threshold"]))


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


def _known_descriptor(name: Any) -> str:
    if name not in DESCRIPTORS:
        raise ModelError(
            f"the model uses the descriptor {name!r}, and this version knows {', '.join(DESCRIPTORS)}; "
            "update classic-eyes"
        )
    return str(name)
