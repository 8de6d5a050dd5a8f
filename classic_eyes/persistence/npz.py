"""The compiled model as a ``.npz`` file: arrays and a JSON header, which can run no code."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import math
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .._utils.opencv import check_opencv
from .._utils.threads import one_thread
from ..errors import ModelError
from ..inference.program import Program
from .files import MAX_BYTES, check_path, kind_of, library_versions, read_whole, replace

__all__ = ["FORMAT", "TOLERANCE", "pack_program", "read_header", "read_npz", "write_npz"]

FORMAT = 1
# Recorded predictions come from another processor: the last digits of its sums may differ.
TOLERANCE = 1e-3
_KIND = "classic_eyes model"
_MAX_HEADER = 1 << 20
# More images to check would be a way to keep the reader of a file busy.
_N_CHECKED, _MAX_CHECKED = 8, 64
_OTHERS = {
    "empty": "is empty; train it or copy it again",
    "joblib": "is a joblib file, which can run code; read the .npz beside it, or say that you trust it",
    "skops": "is a skops file; name it NAME.skops",
    "other": "is an archive of something else than a compiled model; classic-eyes train makes one",
}


def pack_program(program: Program) -> bytes:
    """Return the content of the ``.npz`` file of a program; the same program gives the same bytes.

    1. The program is split into a header and arrays.
    2. Its predictions on eight images of smooth noise, and the images, join the arrays: `read_npz` repeats them.
    3. Everything goes into numpy's ``.npz``, without compression and without dates.
    """
    parts, arrays = program.to_parts()
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
            found["check.novelty"] = program.novelty.score(images)
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


def read_header(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the header of a ``.npz`` model without reading its arrays; ModelError as `read_npz`.

    >>> read_header("no-such-model.npz")
    Traceback (most recent call last):
    classic_eyes.errors.ModelError: no model file 'no-such-model.npz'; classic-eyes train makes one
    """
    return _read(path, ("header",))[0]


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
    header, arrays, digest = _read(path, None)
    try:
        versions = {str(name): str(number) for name, number in header["versions"].items()}
        program = Program.from_parts(header["program"], arrays)
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


def _read(
    path: str | os.PathLike[str], names: tuple[str, ...] | None
) -> tuple[dict[str, Any], dict[str, NDArray[Any]], str]:
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
                raise ValueError("too large")
            if entries["header"].file_size > _MAX_HEADER:
                raise ValueError("a header of more than 1 MiB")
            # Ours are not compressed, so a small file cannot unpack to a large one.
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
                raise ValueError("compressed")
            arrays = {}
            for name in names or entries:
                arrays[name] = _array_of(archive.read(entries[name]))
        header = json.loads(arrays.pop("header").tobytes())
        kind, number = header["kind"], header["format"]
    except (ImportError, MemoryError):
        # For the lack of something here; the file may be sound.
        raise
    except Exception as error:
        # The parsers of zip, numpy and JSON raise anything, even an error of Python's tokenizer.
        raise ModelError(_damaged(shown)) from error
    if kind != _KIND:
        raise ModelError(_damaged(shown))
    if number != FORMAT:
        raise ModelError(
            f"model {shown} has format {number} and this version reads format {FORMAT}; "
            "update classic-eyes or train the model again"
        )
    return header, arrays, hashlib.sha256(content).hexdigest()


def _array_of(content: bytes) -> NDArray[Any]:
    """Return the array of a ``.npy`` file; ValueError where its header states another size than the file has."""
    stream = io.BytesIO(content)
    major, _ = np.lib.format.read_magic(stream)
    read_header_of = {1: np.lib.format.read_array_header_1_0, 2: np.lib.format.read_array_header_2_0}
    shape, _, dtype = read_header_of[major](stream)
    # Before numpy takes memory for as many values as are stated.
    if math.prod(shape) * dtype.itemsize != len(content) - stream.tell():
        raise ValueError("a header that states another size")
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
        made = ", ".join(f"{name} {versions.get(name)} (here {now[name]})" for name in ("opencv", "numpy"))
        raise ModelError(
            f"{shown} does not reproduce its recorded predictions: they differ by {difference:.3g}, allowed is "
            f"{TOLERANCE}; it was made with {made}; train it again here, or install those versions"
        )


def _damaged(shown: str) -> str:
    return (
        f"{shown} is not a whole compiled model of classic_eyes: damaged, cut off or something else; "
        "train it or copy it again"
    )
