"""The compiled form of a model: arrays and a JSON header, which can run no code."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from ..inference.program import Program
from .files import MOST_BYTES, check_path, library_versions, read_whole, replace, told_by_content
from .proof import prove

__all__ = ["COMPILED_FORMAT", "read_compiled", "read_header", "write_compiled"]

COMPILED_FORMAT = 1
_KIND = "classic_eyes compiled model"
_MOST_OF_A_HEADER = 1 << 20
# More recorded images than that would be a way to keep whoever reads the file busy.
_MOST_IMAGES = 64
_OTHERS = {
    "empty": "is empty; train it or copy it again",
    "joblib": "is no compiled model but a joblib file; EyeClassifier.load reads it, and --model NAME.joblib",
    "skops": "is no compiled model but a skops file; EyeClassifier.load reads it, and --model NAME.skops",
    "other": "is whole, but an archive of something else than a compiled model; classic-eyes train makes one",
}


def write_compiled(
    path: str | os.PathLike[str], program: Program, images: NDArray[np.uint8], *, model_sha256: str | None = None
) -> None:
    """Write a compiled model: arrays and a JSON header, whole or not at all.

    1. The program is taken apart into a header and arrays.
    2. Its answers about the images given, and the images, join the arrays: whoever reads the file asks again.
    3. All goes into numpy's ``.npz``, without compression and without dates, so that the same model is the same bytes.

    Parameters
    ----------
    path : path
        The file; its ending must be ``.npz``.
    program : Program
        What answers.
    images : uint8 array of shape (n, size, size)
        A few, that may be passed on.
    model_sha256 : str, optional
        Digest of the estimator's file of which this is the compiled form.

    Raises
    ------
    ModelError
        For another ending, a missing folder, a disk that refuses, or a model of more than 512 MiB.
    """
    check_path(path)
    target = Path(path)
    if target.suffix != ".npz":
        raise ModelError(f"compiled model {str(target)!r} must end in .npz")
    parts, arrays = program.to_parts()
    header = {
        "kind": _KIND,
        "format": COMPILED_FORMAT,
        "versions": library_versions(),
        "model_sha256": model_sha256,
        "program": parts,
    }
    arrays = {**arrays, "check.images": images, "check.answers": program.probability(images)}
    if program.cascade is not None:
        # The first view may be sure of all of them; then nothing would be known of the others.
        arrays["check.all_asked"] = dataclasses.replace(program, cascade=None).probability(images)
    if program.novelty is not None:
        arrays["check.novelty"] = program.novelty.score(images)
    arrays["header"] = np.frombuffer(json.dumps(header, sort_keys=True).encode(), dtype=np.uint8)
    buffer = io.BytesIO()
    # allow_pickle=False here too: what could not be read must not be written.
    np.savez(buffer, allow_pickle=False, **arrays)
    replace(target, buffer.getvalue())


def read_header(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read what a compiled model says of itself, and nothing else of it.

    Parameters
    ----------
    path : path
        A file that `write_compiled` wrote.

    Returns
    -------
    dict
        ``kind``, ``format``, ``versions``, ``model_sha256`` and ``program``.

    Raises
    ------
    ModelError
        For a file that is missing, not a compiled model, damaged, or of a newer format.

    Examples
    --------
    >>> read_header("no-such-model.npz")
    Traceback (most recent call last):
    classic_eyes.errors.ModelError: no model file 'no-such-model.npz'; classic-eyes train makes one
    """
    return _read_compiled(path, ("header",))[0]


def read_compiled(path: str | os.PathLike[str]) -> tuple[Program, dict[str, Any]]:
    """Read a compiled model and let it prove itself.

    1. The file is arrays and JSON, read with ``allow_pickle=False``: it can run no code and needs no trust.
    2. Its sizes are looked at before anything is unpacked; numpy's and zip's own checks find what was altered.
    3. It is asked about its recorded images; answers that differ by more than 0.001 refuse it.

    Parameters
    ----------
    path : path
        A file that `write_compiled` wrote.

    Returns
    -------
    program : Program
        Ready to answer.
    about : dict
        The header, without the program.

    Raises
    ------
    ModelError
        For a file that is missing, not a compiled model, damaged, of a newer format, or that does not reproduce its
        recorded answers.

    Examples
    --------
    >>> read_compiled("no-such-model.npz")
    Traceback (most recent call last):
    classic_eyes.errors.ModelError: no model file 'no-such-model.npz'; classic-eyes train makes one
    """
    check_path(path)
    shown = repr(os.fspath(path))
    header, arrays = _read_compiled(path, None)
    try:
        versions = {str(name): str(number) for name, number in header["versions"].items()}
        program = Program.from_parts(header["program"], arrays)
        images = arrays["check.images"]
        if len(images) > _MOST_IMAGES:
            raise ValueError("too many images")
        prove(program.probability(images), arrays["check.answers"], versions, shown)
        if program.cascade is not None:
            all_asked = dataclasses.replace(program, cascade=None)
            prove(all_asked.probability(images), arrays["check.all_asked"], versions, shown)
        if program.novelty is not None:
            prove(program.novelty.score(images), arrays["check.novelty"], versions, shown)
    except ModelError:
        raise
    except Exception as error:
        # Parts that do not belong together fail wherever they first meet, in numpy or in OpenCV.
        raise ModelError(_not_compiled(shown)) from error
    return program, {key: value for key, value in header.items() if key != "program"}


def _read_compiled(
    path: str | os.PathLike[str], names: tuple[str, ...] | None
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    shown = repr(os.fspath(path))
    try:
        content = read_whole(path)
    except FileNotFoundError:
        raise ModelError(f"no model file {shown}; classic-eyes train makes one") from None
    found = told_by_content(content)
    if found is None and zipfile.is_zipfile(io.BytesIO(content)):
        found = "other"
    if found in _OTHERS:
        raise ModelError(f"{shown} {_OTHERS[found]}")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = {entry.filename.removesuffix(".npy"): entry for entry in archive.infolist()}
            if sum(entry.file_size for entry in archive.infolist()) > MOST_BYTES:
                raise ValueError("too much")
            if entries["header"].file_size > _MOST_OF_A_HEADER:
                raise ValueError("a header of more than 1 MiB")
            # Ours are not compressed, so a small file cannot unpack to a large one.
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
                raise ValueError("compressed")
            arrays = {}
            for name in names or entries:
                with archive.open(entries[name]) as stream:
                    arrays[name] = np.lib.format.read_array(stream, allow_pickle=False)
        header = json.loads(arrays.pop("header").tobytes())
        kind, number = header["kind"], header["format"]
    except Exception as error:
        # zip's, numpy's and JSON's parsers raise what they like, even an error of Python's tokenizer.
        raise ModelError(_not_compiled(shown)) from error
    if kind != _KIND:
        raise ModelError(_not_compiled(shown))
    if number != COMPILED_FORMAT:
        raise ModelError(
            f"compiled model {shown} has format {number} and this version reads format {COMPILED_FORMAT}; "
            "update classic-eyes or train the model again"
        )
    return header, arrays


def _not_compiled(shown: str) -> str:
    return (
        f"{shown} is not a whole compiled model of classic_eyes: damaged, cut off or something else; "
        "train it or copy it again"
    )
