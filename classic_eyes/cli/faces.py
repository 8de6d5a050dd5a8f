"""Find the eyes of every face in photographs and classify them: boxes, aspect ratio, probability, verdict."""

from __future__ import annotations

import json
import os
import sys
import time
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from .._utils.writing import csv_text, write_whole
from ..calibration import read_calibration
from ..errors import ImageError, ParameterError
from ..faces import VERDICTS, Face, FaceReader, draw_faces
from ..images import MAX_PIXELS, read_photograph
from ..images.remote import is_url
from ..predictor import load_model
from .arguments import (
    add_calibration_argument,
    add_landmarks_argument,
    add_model_arguments,
    natural_number,
    positive_integer,
)
from .listing import list_images
from .photographs import print_landmarks
from .rows import open_output

__all__ = ["add_arguments", "work"]

_JPEG_QUALITY = 92


class _Row(NamedTuple):
    """The columns of an eye."""

    file: str
    face: int | None = None
    eye: str | None = None
    x: int | None = None
    y: int | None = None
    w: int | None = None
    h: int | None = None
    ear: float | None = None
    label: int | None = None
    score: float | None = None
    verdict: str | None = None
    error: str | None = None


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of ``classic-eyes faces``."""
    parser.add_argument(
        "paths", nargs="+", metavar="PATH", help="a folder, searched through all levels, or a photograph or its URL"
    )
    add_model_arguments(parser)
    add_landmarks_argument(parser)
    add_calibration_argument(parser, "a person's own thresholds")
    parser.add_argument("--out", metavar="FILE", help="write there instead of to standard output")
    parser.add_argument("--format", choices=("csv", "jsonl"), default="csv", help="default: csv")
    parser.add_argument(
        "--draw", metavar="DIR", help="write each photograph there with boxes, landmarks and predictions"
    )
    parser.add_argument(
        "--upsample",
        type=natural_number,
        metavar="N",
        help="double the photograph N times, 0 to 2, before the detection; default: once, if no face is found",
    )
    parser.add_argument(
        "--max-pixels",
        type=positive_integer,
        default=MAX_PIXELS,
        metavar="N",
        help="do not decode images that are larger by their header; default: %(default)s",
    )


def work(arguments: Namespace) -> int:
    """Run ``classic-eyes faces``; 1 if some files could not be read. A photograph without a face is no failure."""
    images = list_images(arguments.paths, arguments.out)
    model = load_model(arguments.model, trusted=arguments.trust_model)
    calibration = None
    if arguments.calibration is not None:
        calibration = read_calibration(arguments.calibration, model=model.fingerprint)
    reader = FaceReader(model, landmarks=arguments.landmarks, calibration=calibration, upsample=arguments.upsample)
    drawings = None if arguments.draw is None else _Drawings(arguments.draw, [path for path, _ in images])
    print_landmarks(reader)
    start = time.perf_counter()
    count: Counter[str] = Counter()
    with open_output(arguments.out) as file:
        if arguments.format == "csv":
            file.write(",".join(_Row._fields) + "\n")
        for path, name in images:
            try:
                photograph = read_photograph(path, max_pixels=arguments.max_pixels)
            except ImageError as error:
                count["failed"] += 1
                file.write(_text([_Row(name, error=str(error))], arguments.format))
                continue
            faces = reader.read(photograph)
            count["without"] += not faces
            count.update(face.verdict for face in faces)
            file.write(_text(list(_rows(name, faces)), arguments.format))
            if drawings is not None:
                drawings.write(name, draw_faces(photograph, faces))
    _print_summary(count, len(images), time.perf_counter() - start)
    return 1 if count["failed"] else 0


class _Drawings:
    """A folder for drawn photographs, which keep the names of their rows."""

    def __init__(self, folder: str, images: Sequence[str]) -> None:
        self.folder = Path(folder)
        self.taken: set[Path] = set()
        self.inputs = {os.path.realpath(path) for path in images}
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ParameterError(f"--draw {folder!r}: the folder cannot be made ({error.strerror})") from error

    def write(self, name: str, photograph: NDArray[np.uint8]) -> None:
        outside = is_url(name) or os.path.isabs(name) or ".." in Path(name).parts
        base = Path(os.path.basename(name.rstrip("/")) or "photograph") if outside else Path(name)
        path, number = self.folder / f"{base}.jpg", 1
        while path in self.taken or os.path.realpath(path) in self.inputs:
            number += 1
            path = self.folder / f"{base}-{number}.jpg"
        self.taken.add(path)
        bgr = cv2.cvtColor(photograph, cv2.COLOR_RGB2BGR)
        _, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, encoded.tobytes())
        except OSError as error:
            raise ParameterError(f"--draw {str(self.folder)!r}: {path.name!r} cannot be written ({error})") from error


def _rows(name: str, faces: Sequence[Face]) -> Iterator[_Row]:
    if not faces:
        yield _Row(name, error="no face found")
    for number, face in enumerate(faces, start=1):
        for eye in face.eyes:
            yield _Row(
                name,
                number,
                eye.name,
                *eye.box,
                eye.ear if eye.ear is None else round(eye.ear, 4),
                eye.label,
                round(eye.probability, 6),
                face.verdict,
                eye.hidden and f"hidden: {eye.hidden}",
            )


def _text(rows: Sequence[_Row], style: str) -> str:
    if style == "jsonl":
        return "".join(json.dumps(row._asdict()) + "\n" for row in rows)
    return csv_text(
        row._replace(
            ear=None if row.ear is None else f"{row.ear:.4f}",  # type: ignore[arg-type]
            score=None if row.score is None else f"{row.score:.6f}",  # type: ignore[arg-type]
        )
        for row in rows
    )


def _print_summary(count: Counter[str], n: int, seconds: float) -> None:
    n_faces = count.total() - count["failed"] - count["without"]
    parts = [f"{n_faces:,} face{'s' * (n_faces != 1)}"]
    parts += [f"{count[verdict]:,} {verdict}" for verdict in VERDICTS if count[verdict]]
    parts += [f"{count['without']:,} without a face"] if count["without"] else []
    parts += [f"{count['failed']:,} failed", f"{n / seconds:,.1f} photographs a second"]
    print(f"{n - count['failed']:,} read: " + ", ".join(parts), file=sys.stderr)
