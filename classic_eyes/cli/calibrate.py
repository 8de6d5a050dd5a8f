"""Fit a person's own decision threshold to a few dozen of their images."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..calibration import Calibration, calibrate, fit_threshold, write_calibration
from ..errors import ParameterError
from ..images import read_images, read_photograph
from ..predictor import EyePredictor, load_model
from .arguments import add_landmarks_argument, add_model_arguments, check_out, model_file
from .listing import list_images, print_failed, print_passed_over
from .photographs import attempt, print_landmarks

if TYPE_CHECKING:
    from ..faces import Eye, FaceReader

__all__ = ["add_arguments", "work"]


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of ``classic-eyes calibrate``."""
    parser.add_argument("open", nargs="+", metavar="OPEN", help="folders or images of the person's open eyes")
    parser.add_argument("--closed", nargs="+", metavar="PATH", help="the same of closed eyes; more accurate with them")
    parser.add_argument("--out", required=True, metavar="JSON", help="a file for --calibration of predict and faces")
    parser.add_argument("--force", action="store_true", help="replace an existing file")
    parser.add_argument(
        "--photographs",
        action="store_true",
        help="the images are photographs of a face, not patches of an eye; the largest face counts",
    )
    add_model_arguments(parser)
    add_landmarks_argument(parser)


def work(arguments: Namespace) -> int:
    """Run ``classic-eyes calibrate``."""
    given = [*arguments.open, *(arguments.closed or ())]
    check_out(arguments.out, ".json", force=arguments.force, read=[*given, model_file(arguments)])
    if arguments.landmarks is not None and not arguments.photographs:
        raise ParameterError("--landmarks needs --photographs, because a patch shows no face; give both or neither")
    model = load_model(arguments.model, trusted=arguments.trust_model)
    if arguments.photographs:
        found = _calibrate_on_photographs(model, arguments)
    else:
        opened = _patches(arguments.open, model.size)
        closed = None if arguments.closed is None else _patches(arguments.closed, model.size)
        found = model.calibrate(opened, closed)
    write_calibration(found, arguments.out)
    print("\n".join(_summary(found)))
    print_passed_over(given)
    print(f"wrote {arguments.out}, for --calibration of predict and faces", file=sys.stderr)
    return 0


def _paths(paths: Sequence[str]) -> list[str]:
    return [path for path, _ in list_images(paths).images]


def _patches(paths: Sequence[str], size: int) -> NDArray[np.uint8]:
    files = _paths(paths)
    images, errors = read_images(files, size=size)
    print_failed((path, error) for path, error in zip(files, errors, strict=True) if error is not None)
    return images[[error is None for error in errors]]


def _calibrate_on_photographs(model: EyePredictor, arguments: Namespace) -> Calibration:
    from ..faces import FaceReader
    from ..faces.verdict import EAR_THRESHOLD

    reader = FaceReader(model, landmarks=arguments.landmarks)
    print_landmarks(reader)
    opened = _eyes(arguments.open, reader)
    closed = None if arguments.closed is None else _eyes(arguments.closed, reader)
    found = calibrate(_log_odds(opened), None if closed is None else _log_odds(closed), model=model.fingerprint)
    if not reader.measures_ear:
        return found
    ear = fit_threshold(
        _ears(opened), None if closed is None else _ears(closed), usual=EAR_THRESHOLD, name="eye aspect ratio"
    )
    return replace(found, ear=ear)


def _eyes(paths: Sequence[str], reader: FaceReader) -> list[Eye]:
    """Return the visible eyes of the largest face of each photograph."""
    eyes: list[Eye] = []
    for path in _paths(paths):
        faces, error = attempt(lambda path=path: reader.read(read_photograph(path)))  # type: ignore[misc]
        if error is not None:
            print_failed([(path, error)])
            continue
        visible = [eye for eye in max(faces, key=lambda face: face.box[2]).eyes if not eye.hidden] if faces else []
        if not visible:
            print_failed([(path, "no eye found")])
        eyes += visible
    return eyes


def _log_odds(eyes: Sequence[Eye]) -> NDArray[np.float64]:
    probability = np.clip([eye.probability for eye in eyes], 1e-9, 1 - 1e-9)
    return np.log(probability / (1 - probability))


def _ears(eyes: Sequence[Eye]) -> NDArray[np.float64]:
    return np.array([eye.ear for eye in eyes], dtype=np.float64)


def _summary(found: Calibration) -> list[str]:
    lines = []
    for name, threshold in (("probability of open", found.threshold), ("eye aspect ratio", found.ear)):
        if threshold is not None:
            closed = f" and {threshold.n_closed} closed" if threshold.n_closed else ""
            lines.append(
                f"{name}: open from {threshold.value:.3f} on; {threshold.n_open} open{closed} eyes, "
                f"accuracy on them {threshold.accuracy:.1%}"
            )
    return lines
