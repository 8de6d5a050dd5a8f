"""A photographer's folder with known faces: portraits and groups, composed of the photographs beside the project.

``python -m tests.faces.photographer FOLDER`` writes two, runs ``classic-eyes faces`` on each, and prints the table of
docs/results/photographs-folder.txt. Nothing of the folders may be published.
"""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import dlib
import numpy as np
from PIL import Image

from ..conftest import SHARED

N_PHOTOGRAPHS = 300
# Detection and verdict were tuned on the first composition; the second is the test.
COMPOSITIONS = {"tuned on": 0, "test": 1}


@dataclass(frozen=True)
class TrueFace:
    """A face: centre and side of the box in pixels of the upright photograph, and whether its eyes are open."""

    x: float
    y: float
    side: float
    is_open: bool


@dataclass(frozen=True)
class TruePhotograph:
    """A photograph of the folder."""

    file: str
    width: int
    height: int
    faces: tuple[TrueFace, ...]
    kind: str

    @property
    def has_closed(self) -> bool:
        """Whether somebody has closed eyes."""
        return not all(face.is_open for face in self.faces)


@dataclass(frozen=True)
class _Source:
    """A head that was cut out: its image, the centre and side of its face in it, and whether its eyes are open."""

    image: np.ndarray
    x: float
    y: float
    side: float
    is_open: bool


def _sources() -> list[_Source]:
    folder = SHARED / "faces"
    detector = dlib.get_frontal_face_detector()
    found = []
    with open(folder / "labels.csv", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            image = np.asarray(Image.open(folder / row["file"]).convert("RGB"))
            boxes = detector(image, 1)
            box = max(boxes, key=lambda each: each.area())
            side, centre = box.width(), np.array([box.center().x, box.center().y])
            low = np.maximum(centre - 1.05 * side, 0).astype(int)
            high = np.minimum(centre + 1.05 * side, image.shape[1::-1]).astype(int)
            cut = image[low[1] : high[1], low[0] : high[0]]
            found.append(_Source(cut, *(centre - low), side, row["label"] in ("1", "open")))
    return found


def _background(width: int, height: int, rng: np.random.Generator) -> np.ndarray:
    """Return colours that vary softly, with edges and texture."""
    small = rng.uniform(30, 220, (int(rng.integers(3, 9)), int(rng.integers(3, 9)), 3)).astype(np.float32)
    image = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    for _ in range(int(rng.integers(2, 12))):
        first, second = (rng.uniform(0, 1, 2) * [width, height] for _ in range(2))
        colour = tuple(rng.uniform(0, 255, 3))
        cv2.rectangle(image, tuple(first.astype(int)), tuple(second.astype(int)), colour, -1)
    grain = rng.normal(0, 6, (min(height, 600), min(width, 600), 1)).astype(np.float32)
    image += cv2.resize(grain, (width, height), interpolation=cv2.INTER_NEAREST)[..., None]
    return np.clip(image, 0, 255)


def _paste(canvas: np.ndarray, source: _Source, x: float, y: float, side: float, tilt: float) -> None:
    """Paint a head onto a canvas, with its face's centre at (x, y), tilted, its outline blurred."""
    scale = side / source.side
    reduced = source.image
    if scale < 1:
        reduced = cv2.resize(reduced, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    applied = reduced.shape[1] / source.image.shape[1]
    rotation = cv2.getRotationMatrix2D((source.x * applied, source.y * applied), tilt, scale / applied)
    rotation[:, 2] += np.array([x, y]) - np.array([source.x * applied, source.y * applied])
    mask = np.zeros(reduced.shape[:2], np.float32)
    centre = (round(source.x * applied), round((source.y - 0.08 * source.side) * applied))
    axes = (round(0.72 * source.side * applied), round(0.95 * source.side * applied))
    cv2.ellipse(mask, centre, axes, 0, 0, 360, 1, -1)
    margin = max(1, round(0.04 * source.side * applied))
    mask[:margin], mask[-margin:], mask[:, :margin], mask[:, -margin:] = 0, 0, 0, 0
    mask = cv2.GaussianBlur(mask, (0, 0), max(0.5, 0.03 * source.side * applied))
    height, width = canvas.shape[:2]
    head = cv2.warpAffine(reduced.astype(np.float32), rotation, (width, height), flags=cv2.INTER_CUBIC)
    weight = cv2.warpAffine(mask, rotation, (width, height))[..., None]
    canvas *= 1 - weight
    canvas += np.clip(head, 0, 255) * weight


def _compose(number: int, sources: list[_Source], rng: np.random.Generator) -> tuple[np.ndarray, list[TrueFace], str]:
    longest = int(np.exp(rng.uniform(np.log(300), np.log(2000)))) if number % 10 else int(rng.integers(2500, 6001))
    shape = rng.choice([0.67, 0.75, 1.0])
    width, height = (longest, round(longest * shape)) if rng.random() < 0.6 else (round(longest * shape), longest)
    group = rng.random() < 0.45
    n = int(rng.integers(2, 7)) if group else 1
    columns = 1 if n == 1 else int(np.ceil(np.sqrt(n * width / height)))
    rows = int(np.ceil(n / columns))
    # Composed no larger than the sources are worth, then enlarged.
    shown = min(1.0, 1800 / longest)
    size = (round(width * shown), round(height * shown))
    canvas = _background(*size, rng)
    closed = rng.random() < 0.4
    chosen = rng.permutation(len(sources))
    blinks = [source for source in chosen if not sources[source].is_open]
    awake = [source for source in chosen if sources[source].is_open]
    picked = awake[:n] if not closed else [*blinks[:1], *awake[: n - 1]]
    cells = rng.permutation(rows * columns)[:n]
    faces = []
    for cell, index in zip(cells, picked, strict=True):
        cell_width, cell_height = size[0] / columns, size[1] / rows
        largest = min(cell_width / 1.5, cell_height / 1.9)
        side = max(24 / 1.0 * shown, largest * rng.uniform(0.45, 1.0))
        x = (cell % columns + 0.5) * cell_width + rng.uniform(-0.06, 0.06) * cell_width
        y = (cell // columns + 0.53) * cell_height + rng.uniform(-0.04, 0.04) * cell_height
        _paste(canvas, sources[index], x, y, side, float(rng.uniform(-20, 20)))
        faces.append(TrueFace(x / shown, y / shown, side / shown, sources[index].is_open))
    kind = str(rng.choice(["plain", "dark", "noisy", "bright"], p=[0.55, 0.2, 0.15, 0.1]))
    if kind == "dark":
        canvas *= rng.uniform(0.18, 0.4)
        canvas += rng.normal(0, 2, canvas.shape)
    elif kind == "noisy":
        canvas += rng.normal(0, rng.uniform(8, 18), canvas.shape)
    elif kind == "bright":
        canvas = 255 * (np.clip(canvas, 0, 255) / 255) ** rng.uniform(0.45, 0.7)
    image = np.clip(canvas, 0, 255).astype(np.uint8)
    if shown < 1:
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC)
    return image, faces, kind


def make_folder(folder: Path, n: int = N_PHOTOGRAPHS, *, random_state: int = 0) -> list[TruePhotograph]:
    """Write photographs into a folder as JPEG, a quarter of them turned by EXIF data; return what is in them."""
    sources = _sources()
    folder.mkdir(parents=True, exist_ok=True)
    truth = []
    seconds = 0
    for number in range(n):
        rng = np.random.default_rng([random_state, number])
        image, faces, kind = _compose(number, sources, rng)
        file = f"IMG_{number:04}.jpg"
        orientation = int(rng.choice([1, 3, 6, 8], p=[0.75, 0.05, 0.1, 0.1]))
        turned = np.rot90(image, {1: 0, 3: 2, 6: 1, 8: 3}[orientation])
        seconds += 2 if number % 4 else 60
        exif = Image.Exif()
        exif[0x0112] = orientation
        exif.get_ifd(0x8769)[0x9003] = f"2026:05:01 {10 + seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        buffer = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(turned)).save(buffer, "JPEG", quality=88, exif=exif.tobytes())
        (folder / file).write_bytes(buffer.getvalue())
        truth.append(TruePhotograph(file, image.shape[1], image.shape[0], tuple(faces), kind))
    return truth


@dataclass(frozen=True)
class Evaluation:
    """What ``classic-eyes faces`` finds in a folder.

    `found` has a flag for each true face with open (True) and closed (False) eyes, `reported` one for each photograph
    with somebody's eyes closed (True) and with all open (False).
    """

    found: dict[bool, list[bool]]
    n_extra: int
    reported: dict[bool, list[bool]]
    verdicts: list[str]


def evaluate(folder: Path, truth: list[TruePhotograph], out: Path) -> Evaluation:
    """Run ``classic-eyes faces`` on a folder, with its tables in another one."""
    command = [sys.executable, "-m", "classic_eyes", "faces", folder, "--out", out / "eyes.csv"]
    subprocess.run([*command, "--photos", out / "photos.csv"], check=True)
    with open(out / "eyes.csv", newline="", encoding="utf-8") as file:
        eyes = [row for row in csv.DictReader(file) if row["face"]]
    with open(out / "photos.csv", newline="", encoding="utf-8") as file:
        photos = {row["file"]: row for row in csv.DictReader(file)}
    assert photos.keys() == {each.file for each in truth}
    found: dict[bool, list[bool]] = {True: [], False: []}
    reported: dict[bool, list[bool]] = {True: [], False: []}
    n_extra = 0
    for photograph in truth:
        matched, extra = _matched([row for row in eyes if row["file"] == photograph.file], photograph)
        n_extra += extra
        for face, is_found in zip(photograph.faces, matched, strict=True):
            found[face.is_open].append(is_found)
        row = photos[photograph.file]
        reported[photograph.has_closed].append(int(row["closed"]) + int(row["wink"]) > 0)
    # Both eyes of a face have its verdict.
    return Evaluation(found, n_extra, reported, [row["verdict"] for row in eyes if row["eye"] == "right"])


def _matched(rows: list[dict[str, str]], photograph: TruePhotograph) -> tuple[list[bool], int]:
    """Return which true faces are found, and how many found faces are none."""
    middles: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        x, y, w, h = (float(row[key]) for key in "xywh")
        middles.setdefault(row["face"], []).append((x + w / 2, y + h / 2))
    free = [np.mean(each, axis=0) for each in middles.values()]
    found = []
    for face in photograph.faces:
        # The eyes lie above the centre of the box.
        expected = np.array([face.x, face.y - 0.2 * face.side])
        near = [k for k, centre in enumerate(free) if np.abs(centre - expected).max() < 0.4 * face.side]
        found.append(bool(near))
        if near:
            del free[near[0]]
    return found, len(free)


def main(folder: Path) -> None:
    """Write the folders, and print the table."""

    def share(flags: list[bool]) -> str:
        return f"{sum(flags)} of {len(flags)} ({np.mean(flags):.1%})"

    print("| composition | open faces found | closed faces found | photographs with closed eyes reported |", end="")
    print(" others reported | faces with `unknown` |\n|---|---|---|---|---|---|")
    for name, random_state in COMPOSITIONS.items():
        top = folder / name.replace(" ", "-")
        truth = make_folder(top / "photographs", random_state=random_state)
        result = evaluate(top / "photographs", truth, top)
        others = result.reported[False]
        cells = [name, *(share(result.found[key]) for key in (True, False)), share(result.reported[True])]
        cells += [f"{sum(others)} of {len(others)}", str(result.verdicts.count("unknown"))]
        print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
