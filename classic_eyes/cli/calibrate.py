"""Fit one person's own threshold between open and closed to a few dozen of their images."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..calibration import Calibration, calibrate, fit_threshold, read_calibration, write_calibration
from ..datasets import find_images
from ..errors import ImageError, ParameterError
from ..images import read_images, read_photograph
from .arguments import check_out
from .models import add_model_arguments, fingerprint_of, open_model

if TYPE_CHECKING:
    from ..faces import Eye, FaceReader

__all__ = ["add_arguments", "open_calibration", "work"]


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of ``classic-eyes calibrate``.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Gets the arguments.
    """
    parser.add_argument("open", nargs="+", metavar="OPEN", help="folders or images of the person with open eyes")
    parser.add_argument("--closed", nargs="+", metavar="PATH", help="the same with closed eyes; better with them")
    parser.add_argument("--out", required=True, metavar="JSON", help="what --calibration of predict and faces takes")
    parser.add_argument("--force", action="store_true", help="take the place of a file that is there already")
    parser.add_argument(
        "--photographs",
        action="store_true",
        help="the images are photographs of a face (the largest one counts), not patches of an eye",
    )
    add_model_arguments(parser)
    parser.add_argument("--landmarks", metavar="FILE", help="with --photographs: see classic-eyes faces")


def open_calibration(path: str | None, model: Any) -> Calibration | None:
    """Open the calibration that a user asks for.

    Parameters
    ----------
    path : str or None
        What --calibration says.
    model : EyePredictor or EyeClassifier
        What answers.

    Returns
    -------
    Calibration or None
        None where none is asked for.

    Raises
    ------
    DataError
        For a file that holds none.
    ParameterError
        For one that was fitted to another model's probabilities.
    """
    if path is None:
        return None
    found = read_calibration(path)
    fingerprint = fingerprint_of(model)
    if found.model and fingerprint and found.model != fingerprint:
        raise ParameterError(
            f"--calibration {path!r} was fitted to the probabilities of another model; name that model, or calibrate "
            "again"
        )
    return found


def _paths(paths: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(found for path in paths for found, _ in find_images(path)))


def _patches(paths: Sequence[str], size: int) -> Any:
    files = _paths(paths)
    images, errors = read_images(files, size=size)
    for path, error in zip(files, errors, strict=True):
        if error is not None:
            print(f"classic-eyes: left out {path}: {error}", file=sys.stderr)
    return images[[error is None for error in errors]]


def _eyes(paths: Sequence[str], reader: FaceReader) -> list[Eye]:
    eyes: list[Eye] = []
    for path in _paths(paths):
        try:
            faces = reader.read(read_photograph(path))
        except ImageError as error:
            print(f"classic-eyes: left out {path}: {error}", file=sys.stderr)
            continue
        seen = [eye for eye in max(faces, key=lambda face: face.box[2]).eyes if not eye.hidden] if faces else []
        if not seen:
            print(f"classic-eyes: left out {path}: no eye found", file=sys.stderr)
        eyes += seen
    return eyes


def _of_photographs(model: Any, arguments: Namespace) -> Calibration:
    from ..faces import FaceReader
    from ..faces.verdict import EAR_THRESHOLD
    from .faces import say_landmarks

    reader = FaceReader(model, landmarks=arguments.landmarks)
    say_landmarks(reader)
    opened = _eyes(arguments.open, reader)
    closed = None if arguments.closed is None else _eyes(arguments.closed, reader)
    found = calibrate(_odds(opened), None if closed is None else _odds(closed), model=fingerprint_of(model))
    if not reader.measures_ear:
        return found
    ear = fit_threshold(
        _ears(opened), None if closed is None else _ears(closed), usual=EAR_THRESHOLD, name="eye aspect ratio"
    )
    return replace(found, ear=ear)


def _odds(eyes: Sequence[Eye]) -> NDArray[np.float64]:
    probability = np.clip([eye.probability for eye in eyes], 1e-9, 1 - 1e-9)
    return np.log(probability / (1 - probability))


def _ears(eyes: Sequence[Eye]) -> NDArray[np.float64]:
    return np.array([eye.ear for eye in eyes], dtype=np.float64)


def work(arguments: Namespace) -> int:
    """Run ``classic-eyes calibrate``.

    Parameters
    ----------
    arguments : argparse.Namespace
        As `add_arguments` declares them.

    Returns
    -------
    int
        0.
    """
    check_out(arguments.out, ".json", force=arguments.force)
    if arguments.landmarks is not None and not arguments.photographs:
        raise ParameterError("--landmarks goes with --photographs: a patch has no face; leave one out, or give both")
    model = open_model(arguments.model, trusted=arguments.trust_model)
    if arguments.photographs:
        found = _of_photographs(model, arguments)
    else:
        opened = _patches(arguments.open, model.size)
        closed = None if arguments.closed is None else _patches(arguments.closed, model.size)
        found = model.calibrate(opened, closed)
    write_calibration(found, arguments.out)
    print("\n".join(_told(found)))
    print(f"wrote {arguments.out}; --calibration of predict and faces takes it", file=sys.stderr)
    return 0


def _told(found: Calibration) -> list[str]:
    lines = []
    for name, threshold in (("probability of open", found.threshold), ("eye aspect ratio", found.ear)):
        if threshold is not None:
            closed = f" and {threshold.n_closed} closed" if threshold.n_closed else ""
            lines.append(
                f"{name}: open from {threshold.value:.3f} on; {threshold.n_open} open{closed} eyes, "
                f"accuracy on them {threshold.accuracy:.1%}"
            )
    return lines
