"""Find the eyes of every face in photographs and classify them: boxes, aspect ratio, probability, verdict."""

from __future__ import annotations

import json
import os
import sys
import time
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from .._utils.writing import csv_text, write_whole
from ..calibration import read_calibration
from ..errors import ParameterError
from ..faces import VERDICTS, Face, FaceReader, draw_faces
from ..images import IMAGE_ENDINGS
from ..images.files import decode_photograph
from ..images.finding import Listing
from ..images.remote import is_url
from ..predictor import load_model
from .arguments import (
    add_calibration_argument,
    add_landmarks_argument,
    add_model_arguments,
    add_reading_arguments,
    check_out,
    model_file,
    natural_number,
)
from .listing import Peaks, list_images, print_counts
from .photographs import attempt, print_landmarks
from .rows import open_output, utf8_name

__all__ = ["add_arguments", "work"]

_JPEG_QUALITY = 92
_JPEG_ENDINGS = (".jpg", ".jpeg", ".jpe", ".jfif")


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
        "--draw",
        metavar="DIR",
        help="write each photograph there as JPEG, with boxes, landmarks and predictions; not in a folder that is read",
    )
    parser.add_argument("--force", action="store_true", help="replace existing files of --out and --draw")
    parser.add_argument(
        "--upsample",
        type=natural_number,
        metavar="N",
        help="double the photograph N times, 0 to 2, before the detection; default: once, if no face is found",
    )
    add_reading_arguments(parser)


def work(arguments: Namespace) -> int:
    """Run ``classic-eyes faces``; 1 if some files could not be read. A photograph without a face is no failure."""
    listing = list_images(arguments.paths)
    images = listing.images
    inputs = [path for path, _ in images] + [model_file(arguments)]
    inputs += [name for name in (arguments.landmarks, arguments.calibration) if name is not None]
    check_out(arguments.out, force=arguments.force, read=inputs)
    model = load_model(arguments.model, trusted=arguments.trust_model)
    calibration = None
    if arguments.calibration is not None:
        calibration = read_calibration(arguments.calibration, model=model.fingerprint)
    reader = FaceReader(model, landmarks=arguments.landmarks, calibration=calibration, upsample=arguments.upsample)
    drawings = None if arguments.draw is None else _Drawings(arguments.draw, listing, force=arguments.force)
    print_landmarks(reader)
    peaks = Peaks()

    def read(path: str) -> tuple[list[Face], bytes]:
        photograph, peak = decode_photograph(path, max_pixels=arguments.max_pixels, bits=arguments.bits)
        peaks.add(peak)
        faces = reader.read(photograph)
        return faces, b"" if drawings is None else _to_jpeg(draw_faces(photograph, faces))

    start = time.perf_counter()
    count: Counter[str] = Counter()
    with open_output(arguments.out, style=arguments.format, force=arguments.force) as file:
        if arguments.format == "csv":
            file.write(",".join(_Row._fields) + "\n")
        for path, name in images:
            result, error = attempt(partial(read, path))
            if result is None:
                count["failed"] += 1
                file.write(_text([_Row(utf8_name(name), error=error)], arguments.format))
                continue
            faces, drawing = result
            count["without"] += not faces
            count.update(face.verdict for face in faces)
            file.write(_text(list(_rows(utf8_name(name), faces)), arguments.format))
            if drawings is not None:
                drawings.write(path, drawing)
    _print_summary(count, len(images), time.perf_counter() - start)
    print_counts(listing.passed_over)
    peaks.print_warning(arguments.bits)
    return 1 if count["failed"] else 0


def _to_jpeg(photograph: NDArray[np.uint8]) -> bytes:
    bgr = cv2.cvtColor(photograph, cv2.COLOR_RGB2BGR)
    _, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return encoded.tobytes()


class _Drawings:
    """The files of drawn photographs: they keep the names of their rows, with the ending of a JPEG file.

    1. None is in a folder that was searched for photographs, where it would be read in the next run.
    2. None has the name of an input, of another drawing, or of a folder that is needed; then it gets a number.
    3. An existing file is replaced only with ``force``.
    """

    def __init__(self, folder: str, listing: Listing, *, force: bool) -> None:
        self.folder = folder
        inputs = {os.path.realpath(path) for path, _ in listing.images}
        bases = {path: _drawing_name(name) for path, name in listing.images}
        taken = {str(parent).lower() for base in bases.values() for parent in base.parents}
        self.files: dict[str, Path] = {}
        for path, base in bases.items():
            name, number = base, 1
            while str(name).lower() in taken or os.path.realpath(Path(folder) / name) in inputs:
                number += 1
                name = base.with_name(f"{base.stem}-{number}{base.suffix}")
            taken.add(str(name).lower())
            self.files[path] = Path(folder) / name
        for place in {Path(folder), *(file.parent for file in self.files.values())}:
            self._check_not_read(place, listing)
        existing = [str(file) for file in self.files.values() if os.path.lexists(file)]
        if existing and not force:
            raise ParameterError(
                f"--draw {folder!r} has {len(existing):,} of the files that would be drawn, such as {existing[0]!r}; "
                "name another folder, or replace them with --force"
            )
        try:
            Path(folder).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ParameterError(f"--draw {folder!r}: the folder cannot be made ({error.strerror})") from error

    def _check_not_read(self, place: Path, listing: Listing) -> None:
        real = Path(os.path.realpath(place))
        for folder in (real, *real.parents):
            with suppress(OSError):  # it does not exist yet
                status = os.stat(folder)
                if (status.st_dev, status.st_ino) in listing.folders:
                    raise ParameterError(
                        f"--draw {self.folder!r} is in {str(folder)!r}, which is searched for photographs; the next "
                        "run would read the drawings; name a folder elsewhere"
                    )

    def write(self, photograph: str, content: bytes) -> None:
        """Write the drawing of the photograph of a path."""
        file = self.files[photograph]
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            write_whole(file, content)
        except OSError as error:
            raise ParameterError(f"--draw {self.folder!r}: {file.name!r} cannot be written ({error})") from error


def _drawing_name(name: str) -> Path:
    """Return the name of a drawing below its folder: that of the row, or its last part where that leads elsewhere."""
    elsewhere = is_url(name) or os.path.isabs(name) or ".." in Path(name).parts
    base = Path(os.path.basename(name.rstrip("/")) or "photograph") if elsewhere else Path(name)
    ending = base.suffix.lower()
    if ending in _JPEG_ENDINGS:
        return base
    return base.with_suffix(".jpg") if ending in IMAGE_ENDINGS else base.with_name(f"{base.name}.jpg")


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
