"""Fit a person's own decision threshold to a few dozen of their images."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..calibration import Calibration, calibrate, fit_threshold, write_calibration
from ..errors import ParameterError
from ..images import MAX_PIXELS
from ..images.files import decode_photograph, read_batch
from ..predictor import EyePredictor, load_model
from .arguments import add_bits_argument, add_landmarks_argument, add_model_arguments, check_out, model_file
from .listing import Peaks, list_images, print_failed, print_passed_over
from .photographs import attempt, print_landmarks

if TYPE_CHECKING:
    from ..faces import Eye, Face, FaceReader

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
    add_bits_argument(parser)


def work(arguments: Namespace) -> int:
    """Run ``classic-eyes calibrate``."""
    given = [*arguments.open, *(arguments.closed or ())]
    check_out(arguments.out, ".json", force=arguments.force, read=[*given, model_file(arguments)])
    if arguments.landmarks is not None and not arguments.photographs:
        raise ParameterError("--landmarks needs --photographs, because a patch shows no face; give both or neither")
    model = load_model(arguments.model, trusted=arguments.trust_model)
    calibrate_on = _calibrate_on_photographs if arguments.photographs else _calibrate_on_patches
    found = calibrate_on(model, arguments)
    write_calibration(found, arguments.out)
    print("\n".join(_summary(found)))
    print_passed_over(given)
    print(f"wrote {arguments.out}, for --calibration of predict and faces", file=sys.stderr)
    return 0


def _paths(paths: Sequence[str]) -> list[str]:
    return [path for path, _ in list_images(paths).images]


def _calibrate_on_patches(model: EyePredictor, arguments: Namespace) -> Calibration:
    peaks = Peaks()

    def patches(paths: Sequence[str]) -> NDArray[np.uint8]:
        files = _paths(paths)
        images, errors, own = read_batch(files, model.size, MAX_PIXELS, arguments.bits)
        print_failed((path, error) for path, error in zip(files, errors, strict=True) if error is not None)
        for peak in own:
            peaks.add(peak)
        return images[[error is None for error in errors]]

    opened = patches(arguments.open)
    closed = None if arguments.closed is None else patches(arguments.closed)
    peaks.print_warning(arguments.bits)
    return model.calibrate(opened, closed)


def _calibrate_on_photographs(model: EyePredictor, arguments: Namespace) -> Calibration:
    from ..faces import FaceReader
    from ..faces.verdict import EAR_THRESHOLD

    reader = FaceReader(model, landmarks=arguments.landmarks)
    print_landmarks(reader)
    peaks = Peaks()
    opened = _eyes(arguments.open, reader, arguments.bits, peaks)
    closed = None if arguments.closed is None else _eyes(arguments.closed, reader, arguments.bits, peaks)
    peaks.print_warning(arguments.bits)
    found = calibrate(_log_odds(opened), None if closed is None else _log_odds(closed), model=model.fingerprint)
    if not reader.measures_ear:
        return found
    ear = fit_threshold(
        _ears(opened), None if closed is None else _ears(closed), usual=EAR_THRESHOLD, name="eye aspect ratio"
    )
    return replace(found, ear=ear)


def _eyes(paths: Sequence[str], reader: FaceReader, bits: int | None, peaks: Peaks) -> list[Eye]:
    """Return the visible eyes of the largest face of each photograph."""

    def read(path: str) -> list[Face]:
        photograph, peak = decode_photograph(path, max_pixels=MAX_PIXELS, bits=bits)
        peaks.add(peak)
        return reader.read(photograph)

    eyes: list[Eye] = []
    for path in _paths(paths):
        faces, error = attempt(partial(read, path))
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
