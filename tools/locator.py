"""Train the eye locator on faces of videos, with the corners that another landmark model finds in them."""

from __future__ import annotations

import csv
import io
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from classic_eyes.descriptors.ear import load_dlib
from classic_eyes.faces.cutting import EYE_HEIGHT, EYE_SHARE, patch_corners
from classic_eyes.faces.localization import AROUND_EYES, SIDE, crop_face, describe_eyes, find_lids, fit_box

__all__ = [
    "FaceSample",
    "collect_clips",
    "collect_photographs",
    "halves",
    "measure_lid_bias",
    "train_regression",
    "train_trees",
    "vary",
    "write_locator",
]

# Samples hold the face at this side of its box at most, and this many sides around it.
_BOX, _REACH = 160, 2.4
# The teacher predicts each face this often, in boxes that differ; the median counts.
_TEACHINGS = 8
# Faces are left out where the teacher's answers differ by more than this, in widths of an eye.
MAX_SPREAD = 0.06
_MIN_SCORE, _MIN_TURNED_SCORE = 0.1, -0.2
_MIRRORED = [3, 2, 1, 0, 4]
# Frames of a clip: every fourth, every sixth of long ones, and up to 60 with closed eyes.
_STRIDE, _LONG_STRIDE, _LONG, _MAX_CLOSED = 4, 6, 600, 60
_OPTIONS = {
    "cascade_depth": 10,
    "tree_depth": 4,
    "num_trees_per_cascade_level": 100,
    "nu": 0.1,
    "oversampling_amount": 2,
    "oversampling_translation_jitter": 0.0,
    "feature_pool_size": 400,
    "feature_pool_region_padding": 0.1,
    "num_test_splits": 20,
    "lambda_param": 0.1,
}
_RIDGE = 0.01

Points = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FaceSample:
    """A face, its corners, and where dlib's detector sees it.

    Parameters
    ----------
    image : uint8 array
        Grey; the face's box has at most 160 pixels.
    box : float array of shape (4,)
        ``x, y, w, h`` in the image.
    corners : float array of shape (5, 2)
        Corners of the eyes from left to right, and the base of the nose, by the teacher.
    first : float array of shape (5, 2)
        The teacher's answer for `box` alone.
    spread : float
        Standard deviation of the teacher's answers in widths of an eye.
    views : sequence of (float, float, float array of shape (2, 3), float array of shape (4,))
        Angle and scale of a turned copy of the image, its matrix, and the box that dlib's detector finds in the copy.
    person, source : str
        Who, and from which file.
    label : int
        1 open, 0 closed, -1 unknown.
    """

    image: NDArray[np.uint8]
    box: Points
    corners: Points
    first: Points
    spread: float
    views: Sequence[tuple[float, float, Points, Points]]
    person: str
    source: str
    label: int


def find_corners(predictor: Any, image: NDArray[np.uint8], box: Points) -> Points:
    """Return the teacher's corners of the eyes from left to right, and the base of the nose."""
    x, y, width, height = (round(value) for value in box)
    parts = predictor(image, load_dlib().rectangle(x, y, x + width - 1, y + height - 1)).parts()
    points = np.array([(part.x, part.y) for part in parts], dtype=np.float64)
    return np.concatenate([points[:4][np.argsort(points[:4, 0], kind="stable")], points[4:]])


class Collector:
    """Turns faces of photographs into samples."""

    def __init__(self, teacher: str | os.PathLike[str], *, random_state: int = 0) -> None:
        dlib = load_dlib()
        self.detector = dlib.get_frontal_face_detector()
        self.teacher = dlib.shape_predictor(os.fspath(teacher))
        self.rng = np.random.default_rng(random_state)

    def detect(self, grey: NDArray[np.uint8]) -> list[Points]:
        """Return the boxes of faces, the largest first, at a side of the photograph of at most 640 pixels."""
        scale = min(1.0, 640 / max(grey.shape))
        small: Any = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else grey
        found = self.detector.run(small, 0, _MIN_SCORE)[0] or self.detector.run(small, 1, _MIN_SCORE)[0]
        boxes = [np.array([box.left(), box.top(), box.width(), box.height()]) / scale for box in found]
        return sorted(boxes, key=lambda box: -box[2])

    def sample(
        self, grey: NDArray[np.uint8], box: Points, *, turns: int, person: str, source: str, label: int
    ) -> FaceSample:
        """Cut out the face, and let the teacher and the detector look at it."""
        image, own = _cut(grey, box)
        answers = self._teach(image, own)
        corners = np.median(answers, axis=0)
        spread = answers.std(axis=0).mean() / max(float(np.linalg.norm(corners[1] - corners[0])), 1e-6)
        views = [view for k in range(turns) if (view := self._turn(image, own, 25 if k else 5)) is not None]
        return FaceSample(image, own, corners, answers[0], float(spread), views, person, source, label)

    def _teach(self, image: NDArray[np.uint8], box: Points) -> Points:
        answers = []
        mirrored = np.ascontiguousarray(image[:, ::-1])
        for k in range(_TEACHINGS):
            moved = box.copy()
            if k:
                growth = self.rng.normal(0, 0.04) * box[2]
                moved = box + np.array([*(self.rng.normal(0, 0.03, 2) * box[2] - growth / 2), growth, growth])
            answers.append(find_corners(self.teacher, image, moved))
            moved[0] = image.shape[1] - moved[0] - moved[2]
            other = find_corners(self.teacher, mirrored, moved)
            other[:, 0] = image.shape[1] - 1 - other[:, 0]
            answers.append(other[_MIRRORED])
        return np.array(answers)

    def _turn(self, image: NDArray[np.uint8], box: Points, most: float) -> tuple[float, float, Points, Points] | None:
        angle = self.rng.uniform(-most, most)
        scale = float(np.exp(self.rng.uniform(*np.log([0.6, 1.1])))) * 100 / box[2]
        centre = box[:2] + box[2:] / 2 - 0.5
        side = round(image.shape[0] * scale)
        turn = cv2.getRotationMatrix2D((float(centre[0]), float(centre[1])), angle, scale)
        matrix = np.asarray(turn, dtype=np.float64)
        matrix[:, 2] += side / 2 - 0.5 - centre
        turned = cv2.warpAffine(image, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        expected = box[2] * scale
        for found in self.detector.run(turned, 0, _MIN_TURNED_SCORE)[0]:
            view = np.array([found.left(), found.top(), found.width(), found.height()], dtype=np.float64)
            off = np.abs(view[:2] + view[2:] / 2 - side / 2).max()
            if off < 0.4 * expected and 0.5 < view[2] / expected < 2:
                return angle, scale, matrix, view
        return None


def _cut(grey: NDArray[np.uint8], box: Points) -> tuple[NDArray[np.uint8], Points]:
    scale = min(_BOX / box[2], 4.0)
    side = round(_REACH * box[2] * scale)
    source: Any = grey
    if scale < 0.8:
        source = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    own = np.array(source.shape[::-1]) / grey.shape[::-1]
    zoom = scale / own
    centre = (box[:2] + box[2:] / 2) * scale
    matrix = np.array([[zoom[0], 0, side / 2 - centre[0]], [0, zoom[1], side / 2 - centre[1]]])
    matrix[:, 2] += (zoom - 1) / 2
    image = cv2.warpAffine(source, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    width = box[2] * scale
    return np.asarray(image, np.uint8), np.array([(side - width) / 2, (side - width) / 2, width, width])


def collect_photographs(folder: Path, collector: Collector) -> list[FaceSample]:
    """Return the largest face of each photograph in ``labels.csv``; each is a person."""
    with open(folder / "labels.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    samples = []
    for row in rows:
        grey = cv2.imread(str(folder / row["file"]), cv2.IMREAD_GRAYSCALE)
        if grey is None or not (boxes := collector.detect(np.asarray(grey, np.uint8))):
            continue
        names = {"person": row["file"], "source": row["file"]}
        samples.append(
            collector.sample(np.asarray(grey, np.uint8), boxes[0], turns=20, label=int(row["label"]), **names)
        )
    return samples


def collect_clips(folder: Path, collector: Collector, progress: Callable[[str], None]) -> list[FaceSample]:
    """Return faces of the clips in ``clips.csv``; clips of several people may give several in a frame."""
    with open(folder / "clips.csv", newline="", encoding="utf-8") as file:
        clips = list(csv.DictReader(file))
    samples: list[FaceSample] = []
    for clip in clips:
        labels = _frame_labels(folder / "labels" / f"{Path(clip['file']).stem}.csv")
        stride = _STRIDE if int(clip["frames"]) < _LONG else _LONG_STRIDE
        capture = cv2.VideoCapture(str(folder / "clips" / clip["file"]))
        n, closed, frame = len(samples), 0, -1
        while (read := capture.read())[0]:
            frame += 1
            label = -1 if labels is None else labels.get(frame, 1)
            if frame % stride and not (label == 0 and closed < _MAX_CLOSED):
                continue
            closed += label == 0
            grey = np.asarray(cv2.cvtColor(read[1], cv2.COLOR_BGR2GRAY), np.uint8)
            boxes = collector.detect(grey)
            names = {"person": clip["person"], "source": clip["file"]}
            chosen = boxes if clip["person"] == "several" else boxes[:1]
            samples += [collector.sample(grey, box, turns=5, label=label, **names) for box in chosen]
        progress(f"{clip['file']}: {len(samples) - n} faces of {frame + 1} frames")
    return samples


def _frame_labels(path: Path) -> dict[int, int] | None:
    """Return 0 for frames with closed eyes and -1 for those near an event; all others show open eyes."""
    if not path.is_file():
        return None
    with open(path, newline="", encoding="utf-8") as file:
        events = list(csv.DictReader(file))
    labels = {k: -1 for row in events for k in range(int(row["start_frame"]) - 2, int(row["end_frame"]) + 3)}
    for row in events:
        if row["closed_start"] and row["closed_end"]:
            labels |= dict.fromkeys(range(int(row["closed_start"]), int(row["closed_end"]) + 1), 0)
    return labels


def halves(samples: Sequence[FaceSample]) -> tuple[list[str], list[str]]:
    """Split the people of the clips at random; those of clips with several people are in neither half."""
    people = sorted({sample.person for sample in samples} - {"several"})
    np.random.default_rng(5).shuffle(people)
    return people[::2], people[1::2]


def vary(sample: FaceSample, rng: np.random.Generator) -> tuple[NDArray[np.uint8], Points, Points, Points]:
    """Return the face as another camera might see it: image, corners, and top left corner and upper edge of its box."""
    image, points = sample.image, sample.corners
    corner, along = _draw_box(sample, rng)
    if rng.random() < 0.12:
        image = _put_glasses_on(image, points, rng)
    small = float(np.exp(rng.uniform(*np.log([22, 160])))) / sample.box[2] if rng.random() < 0.6 else 1.0
    stretch = small * np.exp(rng.normal(0, 0.05, 2))
    size = (max(8, round(image.shape[1] * stretch[0])), max(8, round(image.shape[0] * stretch[1])))
    scale = np.array(size) / image.shape[::-1]
    resized = cv2.resize(image, size, interpolation=cv2.INTER_AREA if small < 1 else cv2.INTER_LINEAR)
    points, corner, along = (points + 0.5) * scale - 0.5, corner * scale, along * scale.mean()
    image = _expose(np.asarray(resized, np.uint8), rng)
    if rng.random() < 0.5:
        width = image.shape[1]
        image = np.ascontiguousarray(image[:, ::-1])
        points = (points * (-1, 1) + (width - 1, 0))[_MIRRORED]
        corner, along = (corner + along) * (-1, 1) + (width, 0), along * (1, -1)
    return image, points, corner, along


def _draw_box(sample: FaceSample, rng: np.random.Generator) -> tuple[Points, Points]:
    """Return a box of the detector in a turned copy, or one at random, and move half of them."""
    side = sample.box[2]
    if sample.views and rng.random() < 0.75:
        _, _, matrix, view = sample.views[int(rng.integers(len(sample.views)))]
        back = cv2.invertAffineTransform(matrix)
        along = back[:, :2] @ np.array([view[2], 0.0])
        corner = back[:, :2] @ view[:2] + back[:, 2]
        down = np.array([-along[1], along[0]])
        centre = corner + (along + down) / 2
    else:
        angle = np.radians(rng.uniform(-28, 28))
        along = np.array([np.cos(angle), np.sin(angle)]) * side * np.exp(rng.normal(0, 0.08))
        centre = sample.box[:2] + side / 2 + rng.normal(0, 0.05, 2) * side
    kind = rng.random()
    if kind < 0.4:
        along, centre = along * np.exp(rng.normal(0, 0.05)), centre + rng.normal(0, 0.03, 2) * side
    elif kind < 0.65:
        along, centre = along * np.exp(rng.uniform(-0.18, 0.18)), centre + rng.uniform(-0.13, 0.13, 2) * side
    down = np.array([-along[1], along[0]])
    return centre - (along + down) / 2, along


def _expose(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Change light, contrast, brightness and gamma, blur, and add noise."""
    values: Any = image.astype(np.float32)
    if rng.random() < 0.6:
        angle = rng.uniform(0, 2 * np.pi)
        down, across = (np.linspace(-1, 1, length) for length in image.shape)
        slope = np.cos(angle) * across + np.sin(angle) * down[:, np.newaxis]
        values *= np.exp(rng.normal(0, 0.5) * slope).astype(np.float32)
    mean = values.mean()
    values = (values - mean) * np.exp(rng.normal(0, 0.3)) + mean * np.exp(rng.normal(0, 0.4))
    values = 255 * np.clip(values / 255, 0, 1) ** np.exp(rng.normal(0, 0.3))
    if rng.random() < 0.15:
        values *= rng.uniform(0.1, 0.4)
    if rng.random() < 0.4:
        values = np.asarray(cv2.GaussianBlur(values, (0, 0), rng.uniform(0.3, 1.8)))
    if rng.random() < 0.5:
        values = values + rng.normal(0, rng.uniform(1, 14), values.shape)
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _put_glasses_on(image: NDArray[np.uint8], points: Points, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw two oval rims and a bridge, sometimes with reflections."""
    image = image.copy()
    centres = points[:4].reshape(2, 2, 2).mean(axis=1)
    apart = centres[1] - centres[0]
    unit = float(np.hypot(*apart))
    angle = float(np.degrees(np.arctan2(apart[1], apart[0])))
    width, height = rng.uniform(0.3, 0.44) * unit, rng.uniform(0.2, 0.38) * unit
    tone = float(rng.uniform(0, 60) if rng.random() < 0.5 else rng.uniform(0, 255))
    line = max(1, round(rng.uniform(0.015, 0.07) * unit))
    centres = centres + rng.normal(0, 0.02, 2) * unit + [0, rng.uniform(-0.02, 0.1) * unit]
    for x, y in centres.tolist():
        cv2.ellipse(image, ((x, y), (2 * width, 2 * height), angle), tone, line, cv2.LINE_AA)
        if rng.random() < 0.3:
            at = rng.normal([x, y], 0.15 * unit).tolist()
            size = (float(rng.uniform(0.03, 0.2) * unit), float(rng.uniform(0.03, 0.12) * unit))
            cv2.ellipse(image, (at, size, float(rng.uniform(0, 180))), float(rng.uniform(180, 255)), -1, cv2.LINE_AA)
    reach = apart * (width / unit)
    ends = np.rint([centres[0] + reach, centres[1] - reach]).astype(int).tolist()
    cv2.line(image, ends[0], ends[1], tone, line, cv2.LINE_AA)
    return image


def _draw(samples: Sequence[FaceSample], per_person: int, rng: np.random.Generator) -> Iterator[FaceSample]:
    """Yield as many faces of each person; those with closed eyes three times as often."""
    people: dict[str, list[FaceSample]] = {}
    for sample in samples:
        people.setdefault(sample.person, []).append(sample)
    for _, own in sorted(people.items()):
        weights = np.array([3.0 if sample.label == 0 else 1.0 for sample in own])
        for k in rng.choice(len(own), per_person, p=weights / weights.sum()):
            yield own[k]


def _into_crop(to_photograph: Points, points: Points) -> Points:
    back = cv2.invertAffineTransform(to_photograph)
    return np.asarray(points @ back[:, :2].T + back[:, 2], np.float64)


def train_trees(samples: Sequence[FaceSample], *, per_person: int = 500, random_state: int = 0) -> bytes:
    """Train dlib's ensemble of regression trees on varied faces; return its file."""
    dlib = load_dlib()
    options = dlib.shape_predictor_training_options()
    for name, value in _OPTIONS.items():
        setattr(options, name, value)
    options.random_seed, options.num_threads, options.be_verbose = str(random_state), 1, False
    rng = np.random.default_rng([random_state, 1])
    whole = dlib.rectangle(0, 0, SIDE - 1, SIDE - 1)
    crops, faces = [], []
    for sample in _draw(samples, per_person, rng):
        image, points, corner, along = vary(sample, rng)
        crop, to_photograph = crop_face(image, corner, along)
        places = np.rint(_into_crop(to_photograph, points)).astype(int).tolist()
        crops.append(crop)
        faces.append([dlib.full_object_detection(whole, [dlib.point(*each) for each in places])])
    predictor = dlib.train_shape_predictor(crops, faces, options)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "trees.dat")
        predictor.save(os.fspath(path))
        return path.read_bytes()


def train_regression(
    samples: Sequence[FaceSample], *, per_person: int = 450, random_state: int = 0
) -> tuple[NDArray[np.float16], NDArray[np.float32]]:
    """Fit ridge regression from HOG to corners, in crops as much off as the trees leave them; weights and offset."""
    rng = np.random.default_rng([random_state, 2])
    rows, targets = [], []
    for sample in _draw(samples, per_person, rng):
        image, points, _, _ = vary(sample, rng)
        centres = points[:4].reshape(2, 2, 2).mean(axis=1)
        apart = complex(*(centres[1] - centres[0]))
        amount = 2.0 if rng.random() < 0.25 else 0.8
        middle = centres.mean(axis=0) + rng.normal(0, 0.035 * amount, 2) * abs(apart)
        apart *= np.exp(complex(rng.normal(0, 0.05), np.radians(rng.normal(0, 3))) * amount)
        half = np.array([apart.real, apart.imag]) / 2
        box = fit_box(np.array([middle - half] * 2 + [middle + half] * 2))
        crop, to_photograph = crop_face(image, *box, AROUND_EYES)
        rows.append(describe_eyes(crop))
        targets.append(_into_crop(to_photograph, points)[:4].ravel())
    x, y = np.array(rows), np.array(targets)
    mean, target = x.mean(axis=0), y.mean(axis=0)
    x -= mean
    covariance = (x.T @ x).astype(np.float64)
    covariance[np.diag_indices_from(covariance)] += _RIDGE * len(x)
    weights = np.linalg.solve(covariance, x.T @ (y - target)).astype(np.float16)
    return weights, (target - mean @ weights.astype(np.float32)).astype(np.float32)


def measure_lid_bias(samples: Sequence[FaceSample], *, n: int = 300, random_state: int = 0) -> NDArray[np.float32]:
    """Return the mean difference between the corners of `find_lids` and the teacher's, in sides of the patch."""
    rng = np.random.default_rng([random_state, 3])
    differences = []
    for k in rng.choice(len(samples), min(n, len(samples)), replace=False):
        eyes = samples[k].corners[:4].reshape(2, 2, 2)
        lids = find_lids(samples[k].image, list(eyes))[:, [0, 3]]
        for corners, points in zip(eyes, lids, strict=True):
            patch = patch_corners(corners)
            axes = np.array([patch[1] - patch[0], patch[3] - patch[0]])
            differences.append((points - patch[0]) @ np.linalg.inv(axes))
    half = (1 - EYE_SHARE) / 2
    own = np.array(differences).reshape(-1, 2, 2, 2) - [[half, EYE_HEIGHT], [1 - half, EYE_HEIGHT]]
    right, left = own.mean(axis=0)
    right = (right + left[::-1] * (-1, 1)) / 2
    return np.array([right, right[::-1] * (-1, 1)], dtype=np.float32)


def write_locator(
    trees: bytes, weights: NDArray[np.float16], offset: NDArray[np.float32], lid_bias: NDArray[np.float32]
) -> bytes:
    """Return the bytes of the locator's ``.npz`` file, without dates."""
    buffer = io.BytesIO()
    arrays: dict[str, Any] = {"weights": weights, "offset": offset, "lid_bias": lid_bias}
    np.savez(buffer, allow_pickle=False, trees=np.frombuffer(trees, np.uint8), **arrays)
    return buffer.getvalue()
