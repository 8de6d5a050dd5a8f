"""An ONNX file is checked against the predictions that it records."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._utils.files import check_path, read_whole, replace
from .._version import __version__
from ..errors import MissingDependencyError, ModelError
from ..inference.program import Program
from ..synthetic import make_eyes
from .model import INPUT, NOVELTY, OUTPUT, build_model

__all__ = ["NOVELTY_TOLERANCE", "TOLERANCE", "check_onnx", "export_onnx"]

TOLERANCE = 1e-4
"""Largest difference between the probabilities of a runtime and those recorded."""
NOVELTY_TOLERANCE = 1e-3
"""The same of the novelty, divided by the novelty where that is above 1."""

_PREFIX = "classic_eyes."
_N_CHECKED, _N_CANDIDATES, _MAX_CHECKED = 16, 200, 256
_LEFT_OUT = "reading and scaling of image files"
_NO_NOVELTY = "; the verdict not-an-eye (novelty)"

Predict = Callable[[NDArray[np.uint8]], dict[str, NDArray[np.float64]]]


def export_onnx(
    program: Program, path: str | os.PathLike[str], *, novelty: bool = False, fingerprint: str = ""
) -> float:
    """Write a program as an ONNX file, whole or not at all; see `classic_eyes.EyePredictor.export_onnx`.

    Returns
    -------
    float
        Largest difference between the probabilities of a runtime and ours on the recorded images.
    """
    check_path(path)
    target = Path(path)
    if target.suffix != ".onnx":
        raise ModelError(f"ONNX file {str(target)!r} must end in .onnx")
    model = build_model(program, novelty=novelty)
    images = _images_to_check(program)
    recorded = {
        "version": __version__,
        "model": fingerprint,
        "size": str(program.size),
        # In log odds; `verdict` says unsure where a prediction is closer to 0 than this.
        "unsure": repr(program.unsure),
        "left_out": _LEFT_OUT + ("" if novelty else _NO_NOVELTY),
        "check.images": base64.b64encode(images.tobytes()).decode(),
        "check.probability": json.dumps(program.probability(images).tolist()),
    }
    if novelty:
        recorded["check.novelty"] = json.dumps(program.novelty_score(images).tolist())
    for key, value in recorded.items():
        model.metadata_props.add(key=_PREFIX + key, value=value)
    content = model.SerializeToString()
    difference = _check(content, repr(str(target)))
    replace(target, content)
    return difference


def _images_to_check(program: Program) -> NDArray[np.uint8]:
    """Return images (16, size, size) for every branch: with reflections, and uncertain ones for the later views."""
    images = make_eyes(_N_CANDIDATES, size=program.size, random_state=0).images
    nearest = np.argsort(np.abs(program.log_odds(images)), kind="stable")[: _N_CHECKED // 2]
    others = np.delete(images, nearest, axis=0)[: _N_CHECKED - len(nearest)]
    width, middle = max(1, program.size // 8), program.size // 2
    others[::2] //= 2
    others[::2, middle : middle + width, middle : middle + width] = 255
    return np.concatenate([images[nearest], others])


def check_onnx(path: str | os.PathLike[str]) -> float:
    """Check an ONNX file against the predictions that it records.

    onnxruntime runs it, or, where that is not installed, the slower evaluator of the package onnx.

    Parameters
    ----------
    path : path
        A file that `classic_eyes.EyePredictor.export_onnx` or ``classic-eyes export`` wrote.

    Returns
    -------
    float
        Largest difference between the probabilities computed here and those recorded.

    Raises
    ------
    ModelError
        For a file that is missing, damaged or of another kind, or whose predictions differ by more than 0.0001.
    MissingDependencyError
        If neither onnxruntime nor onnx is installed.

    Examples
    --------
    >>> check_onnx("no-such-file.onnx")
    Traceback (most recent call last):
    classic_eyes.errors.ModelError: no ONNX file 'no-such-file.onnx'; classic-eyes export makes one
    """
    check_path(path)
    shown = repr(os.fspath(path))
    try:
        content = read_whole(path)
    except FileNotFoundError:
        raise ModelError(f"no ONNX file {shown}; classic-eyes export makes one") from None
    return _check(content, shown)


def _check(content: bytes, shown: str) -> float:
    try:
        recorded, predict = _load(content)
        size = int(recorded["size"])
        images = np.frombuffer(base64.b64decode(recorded["check.images"]), np.uint8).reshape(-1, size, size)
        if not 0 < len(images) <= _MAX_CHECKED:
            raise ValueError("no recorded images, or too many")
        predicted = predict(images)
        if not set(predicted) <= {OUTPUT, NOVELTY}:
            raise ValueError("other outputs than ours")
        differences = {}
        for name, values in predicted.items():
            expected = np.array(json.loads(recorded[f"check.{name}"]), dtype=np.float64)
            if not values.shape == expected.shape == (len(images),):
                raise ValueError("the recorded predictions do not match the recorded images")
            differences[name] = float(np.max(np.abs(values - expected) / np.maximum(np.abs(expected), 1)))
        difference = differences[OUTPUT]
    except (MissingDependencyError, MemoryError):
        raise
    except Exception as error:
        # Runtimes raise exceptions of many kinds for what they cannot read.
        raise ModelError(
            f"{shown} is not a whole ONNX file of classic_eyes, or the runtime is too old for it; export the model or "
            "copy it again, or update onnxruntime"
        ) from error
    allowed = {OUTPUT: TOLERANCE, NOVELTY: NOVELTY_TOLERANCE}
    for name, found in differences.items():
        if not found <= allowed[name]:  # also for not a number
            raise ModelError(
                f"{shown} does not reproduce its recorded predictions: the {name} differs by {found:.3g}, allowed is "
                f"{allowed[name]}; export the model again, or update the runtime"
            )
    return difference


def _load(content: bytes) -> tuple[dict[str, str], Predict]:
    """Return what a file records, and a function that runs it."""
    try:
        import onnxruntime
    except ImportError:
        return _load_with_onnx(content)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    found = session.get_modelmeta().custom_metadata_map
    names = [each.name for each in session.get_outputs()]
    return _own(found), lambda images: _doubles(names, session.run(names, {INPUT: images}))


def _load_with_onnx(content: bytes) -> tuple[dict[str, str], Predict]:
    try:
        import onnx
        from onnx.reference import ReferenceEvaluator
        from onnx.reference.op_run import OpRun
    except ImportError as error:
        raise MissingDependencyError(
            "the check of an ONNX file needs a runtime; run: pip install onnxruntime"
        ) from error

    class GatherElements(OpRun):
        """The evaluator's own takes at most 64 elements."""

        def _run(self, data: Any, indices: Any, axis: int = 0) -> tuple[Any]:
            return (np.take_along_axis(data, indices, axis=axis),)

    model: Any = onnx.load_model_from_string(content)
    found = {each.key: each.value for each in model.metadata_props}
    evaluator = ReferenceEvaluator(model, new_ops=[GatherElements])
    names = [each.name for each in model.graph.output]
    return _own(found), lambda images: _doubles(names, evaluator.run(names, {INPUT: images}))


def _doubles(names: list[str], values: Any) -> dict[str, NDArray[np.float64]]:
    return {name: np.asarray(each, dtype=np.float64) for name, each in zip(names, values, strict=True)}


def _own(found: dict[str, str]) -> dict[str, str]:
    return {key.removeprefix(_PREFIX): value for key, value in found.items() if key.startswith(_PREFIX)}
