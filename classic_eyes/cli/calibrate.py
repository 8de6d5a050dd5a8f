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

from ..calibration import Calibration, Threshold, calibrate, fit_threshold, write_calibration
from ..calibration.threshold import accuracy_of
from ..errors import DataError, ParameterError
from ..images import MAX_PIXELS
from ..images.files import read_batch
from ..images.photographs import decode_photograph
from ..predictor import EyePredictor, load_model
from .arguments import add_bits_argument, add_landmarks_argument, add_model_arguments, check_out, model_file
from .inspection import attempt, describe_photographs
from .listing import Peaks, list_images, print_failed, print_passed_over

if TYPE_CHECKING:
    from ..faces import Eye, Face, FaceReader

__all__ = ["add_arguments", "work"]

# About one closed eye in ten is above these values.
_LEAST = {"probability of open": 0.05, "eye aspect ratio": 0.06}
# Open and closed eyes of one person that differ have more.
_LOW_ACCURACY = 0.9
# Hardly an eye is below this probability of open.
_USELESS = 0.001


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of ``classic-eyes calibrate``."""
    parser.add_argument("open", nargs="+", metavar="OPEN", help="folders or images of the person's open eyes")
    parser.add_argument("--closed", nargs="+", metavar="PATH", help="the same of closed eyes; more accurate with them")
    parser.add_argument("--out", required=True, metavar="JSON", help="a file for --calibration of other commands")
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
    found, lines = calibrate_on(model, arguments)
    if not found.threshold.n_closed and found.threshold.value < _USELESS:
        raise DataError(
            f"the threshold from these {found.threshold.n_open:,} images alone is {found.threshold.value:.3f}, and no "
            "eye would be closed; perhaps some of them show closed eyes: give open eyes alone, or the closed ones too, "
            "with --closed"
        )
    write_calibration(found, arguments.out)
    print("\n".join(lines))
    print_passed_over(given, photographs=arguments.photographs)
    for name, threshold in zip(_LEAST, (found.threshold, found.ear), strict=True):
        if threshold is not None and not threshold.n_closed and threshold.value < _LEAST[name]:
            print(
                f"classic-eyes: warning: {name}: the threshold {threshold.value:.3f}, from open eyes alone, is so low "
                "that closed eyes may be above it; give closed eyes too, with --closed",
                file=sys.stderr,
            )
        if threshold is not None and threshold.accuracy < _LOW_ACCURACY:
            print(
                f"classic-eyes: warning: {name}: the accuracy on the images that it was fitted to, "
                f"{threshold.accuracy:.1%}, is low; check that the closed eyes are closed and the open ones open: a "
                "threshold that is too high turns blinks into long closures, and one that is too low misses closures",
                file=sys.stderr,
            )
    print(f"wrote {arguments.out}, for --calibration of predict, evaluate, faces and video", file=sys.stderr)
    return 0


def _paths(paths: Sequence[str], *, photographs: bool = False) -> list[str]:
    return [path for path, _ in list_images(paths, photographs=photographs).images]


def _calibrate_on_patches(model: EyePredictor, arguments: Namespace) -> tuple[Calibration, list[str]]:
    peaks = Peaks()

    def log_odds(files: Sequence[str]) -> NDArray[np.float64]:
        images, errors, own = read_batch(files, model.size, MAX_PIXELS, arguments.bits)
        print_failed((path, error) for path, error in zip(files, errors, strict=True) if error is not None)
        for peak in own:
            peaks.add(peak)
        good = images[[error is None for error in errors]]
        return model.decision_function(good) if len(good) else np.empty(0)

    open_files = _paths(arguments.open)
    closed_files = [] if arguments.closed is None else _paths(arguments.closed)
    opened = log_odds(open_files)
    closed = None if arguments.closed is None else log_odds(closed_files)
    peaks.print_warning(arguments.bits)
    files = [*open_files, *closed_files]
    photographs = describe_photographs(files, model, max_pixels=MAX_PIXELS, bits=arguments.bits)
    remedy = "add --photographs if they are photographs of a face"
    try:
        found = calibrate(opened, closed, model=model.fingerprint)
    except DataError as error:
        if photographs is None:
            raise
        raise DataError(f"{photographs}; {remedy}") from error
    if photographs is not None:
        print(f"classic-eyes: warning: {photographs}; {remedy}", file=sys.stderr)
    return found, [_line("probability of open", found.threshold, 0.5, opened, closed, usual=0.0)]


def _calibrate_on_photographs(model: EyePredictor, arguments: Namespace) -> tuple[Calibration, list[str]]:
    from ..faces import FaceReader

    reader = FaceReader(model, landmarks=arguments.landmarks)
    peaks = Peaks()
    opened = _eyes(arguments.open, reader, arguments.bits, peaks)
    closed = None if arguments.closed is None else _eyes(arguments.closed, reader, arguments.bits, peaks)
    peaks.print_warning(arguments.bits)
    odds = _log_odds(opened), None if closed is None else _log_odds(closed)
    found = calibrate(*odds, model=model.fingerprint)
    lines = [_line("probability of open", found.threshold, 0.5, *odds, usual=0.0)]
    ears = _ears(opened), None if closed is None else _ears(closed)
    usual = reader.ear_threshold
    ear = fit_threshold(*ears, usual=usual, name="eye aspect ratio")
    lines.append(_line("eye aspect ratio", ear, usual, *ears, usual=usual))
    if ear.accuracy >= accuracy_of(usual, *ears):
        return replace(found, ear=ear), lines
    print(
        "classic-eyes: warning: eye aspect ratio: the usual threshold is more accurate on these eyes, so it is kept",
        file=sys.stderr,
    )
    return found, lines


def _eyes(paths: Sequence[str], reader: FaceReader, bits: int | None, peaks: Peaks) -> list[Eye]:
    """Return the visible eyes of the largest face of each photograph."""

    def read(path: str) -> list[Face]:
        photograph = decode_photograph(path, max_pixels=MAX_PIXELS, bits=bits)
        peaks.add(photograph.peak)
        return reader.read(photograph.grey)

    eyes: list[Eye] = []
    for path in _paths(paths, photographs=True):
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


def _line(
    name: str,
    found: Threshold,
    usual_value: float,
    opened: NDArray[np.float64],
    closed: NDArray[np.float64] | None,
    *,
    usual: float,
) -> str:
    """Return what was found, beside what the usual threshold gives, which is ``usual`` on the scale of the values."""
    before = accuracy_of(usual, opened, closed)
    of_closed = f" and {found.n_closed} closed" if found.n_closed else ""
    return (
        f"{name}: open from {found.value:.3f} on; {found.n_open} open{of_closed} eyes, accuracy on them "
        f"{found.accuracy:.1%}; with the usual threshold {usual_value:g}: {before:.1%}"
    )
