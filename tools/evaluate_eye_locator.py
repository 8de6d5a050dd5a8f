"""Evaluate the eye locator, on people it was not trained on, against its teacher.

    python tools/evaluate_eye_locator.py ../shared/data/faces ../shared/data/videos \
        --teacher shape_predictor_5_face_landmarks.dat --halves half1.npz half2.npz \
        [--faces faces.pkl] [--points68 shape_predictor_68_face_landmarks.dat]

The halves come from `train_eye_locator.py --half 1` and `--half 2`: each is evaluated on the other half of the people.
The shipped locator is trained on all people of the videos, and evaluated on the photographs, which nothing was trained
on. The 68 points serve for comparison only.
"""

from __future__ import annotations

import pickle
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from evaluate_faces import wilson
from locator import MAX_SPREAD, Collector, FaceSample, collect_clips, collect_photographs, find_corners, halves
from numpy.typing import NDArray

from classic_eyes import load_model
from classic_eyes._utils.resources import one_thread
from classic_eyes.descriptors.ear import eye_aspect_ratio, load_dlib
from classic_eyes.faces.cutting import cut_eye
from classic_eyes.faces.localization import EyeLocator, find_lids, load_locator
from classic_eyes.faces.verdict import evidence, joint_verdict
from classic_eyes.metrics import roc_auc

KINDS = ("open", "closed", "tilted", "small", "dark", "wrong box")
Points = NDArray[np.float64]
Locate = Callable[[NDArray[np.uint8], Points], Points]


class Case:
    """A face as a photograph shows it: image, box, true corners, and what makes it hard."""

    def __init__(self, sample: FaceSample, kind: str, rng: np.random.Generator) -> None:
        fits = [view for view in sample.views if (abs(view[0]) > 10) == (kind == "tilted")]
        _, _, matrix, box = fits[int(rng.integers(len(fits)))]
        zoom = rng.uniform(24, 40) / box[2] if kind == "small" else 1.0
        matrix = matrix * zoom
        matrix[:, 2] += (zoom - 1) / 2
        side = round(2 * (matrix[:, :2] @ np.array(sample.image.shape[::-1]) / 2 + matrix[:, 2]).max())
        scale = float(np.hypot(*matrix[0, :2]))
        source: Any = cv2.GaussianBlur(sample.image, (0, 0), 0.45 / scale) if scale < 1 else sample.image
        image = cv2.warpAffine(source, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        self.image = np.asarray(image, np.uint8)
        self.box = box * zoom
        if kind == "dark":
            dim = self.image * rng.uniform(0.12, 0.3) + rng.normal(0, rng.uniform(1, 3), self.image.shape)
            self.image = np.clip(np.rint(dim), 0, 255).astype(np.uint8)
        if kind == "wrong box":
            centre = self.box[:2] + self.box[2:] / 2 + rng.uniform(-0.1, 0.1, 2) * self.box[2]
            width = self.box[2] * np.exp(rng.uniform(-0.15, 0.15))
            self.box = np.array([*(centre - width / 2), width, width])
        self.corners = sample.corners[:4] @ matrix[:, :2].T + matrix[:, 2]
        self.kind, self.person = kind, sample.person


def make_cases(samples: Sequence[FaceSample], each: int, *, random_state: int = 1) -> list[Case]:
    """Return up to `each` cases of every kind for every person."""
    rng = np.random.default_rng(random_state)
    people: dict[str, list[FaceSample]] = {}
    for sample in samples:
        people.setdefault(sample.person, []).append(sample)
    cases = []
    for _, own in sorted(people.items()):
        for kind in KINDS:
            wanted = {"open": 1, "closed": 0}.get(kind)
            pool = [
                sample
                for sample in own
                if wanted in (None, sample.label)
                and any((abs(view[0]) > 10) == (kind == "tilted") for view in sample.views)
            ]
            cases += [Case(pool[int(rng.integers(len(pool)))], kind, rng) for _ in range(min(each, 3 * len(pool)))]
    return cases


def errors(locate: Locate, cases: Sequence[Case]) -> Points:
    """Return the distance of both midpoints from the true ones in widths of the eye, shape (n, 2)."""
    rows = []
    for case in cases:
        found, true = (points.reshape(2, 2, 2) for points in (locate(case.image, case.box), case.corners))
        width = np.linalg.norm(true[:, 1] - true[:, 0], axis=1).mean()
        rows.append(np.linalg.norm(found.mean(axis=1) - true.mean(axis=1), axis=1) / width)
    return np.array(rows)


def table(name: str, found: Points, cases: Sequence[Case]) -> None:
    """Print median, 95th percentile and share above 0.25 by kind; intervals by bootstrap over people."""
    rng = np.random.default_rng(0)
    people = np.array([case.person for case in cases])
    for kind in (*KINDS, "all"):
        chosen = np.array([kind in ("all", case.kind) for case in cases])
        if not chosen.any():
            continue
        values, own = found[chosen], people[chosen]
        groups = [values[own == person].ravel() for person in sorted(set(own))]
        drawn = [np.concatenate([groups[k] for k in rng.integers(len(groups), size=len(groups))]) for _ in range(500)]
        cells = []
        for measure in (np.median, lambda x: np.percentile(x, 95), lambda x: np.mean(x > 0.25)):
            low, high = np.percentile([measure(each) for each in drawn], [2.5, 97.5])
            cells.append(f"{measure(values.ravel()):.3f} ({low:.3f}-{high:.3f})")
        print(f"| {name} | {kind} | {values.size} | " + " | ".join(cells) + " |", flush=True)


def located(locator: EyeLocator) -> Locate:
    """Return a function of image and box that gives four corners."""

    def locate(image: NDArray[np.uint8], box: Points) -> Points:
        eyes = locator.eyes(image, box)
        return np.concatenate([eyes["right"], eyes["left"]])

    return locate


def by_mean(image: NDArray[np.uint8], box: Points) -> Points:
    """Return the mean corners of faces."""
    mean = np.array([[0.207, 0.302], [0.375, 0.302], [0.625, 0.302], [0.793, 0.302]])
    return np.asarray(box[:2] + mean * box[2])


def verdicts(name: str, samples: Sequence[FaceSample], corners: Sequence[Points], points68: Any) -> None:
    """Print what the default model and our eye aspect ratio make of the eyes at these corners."""
    model = load_model()
    pairs = [(sample.image, eye) for sample, four in zip(samples, corners, strict=True) for eye in (four[:2], four[2:])]
    patches = np.stack([cut_eye(image, eye, size=model.size) for image, eye in pairs])
    probability = model.probability(patches).reshape(-1, 2)
    novelty: Any = model.program.novelty
    hidden = (novelty.score(patches) > 1).reshape(-1, 2)
    ear = np.concatenate([eye_aspect_ratio(find_lids(image, [eye])) for image, eye in pairs]).reshape(-1, 2)
    labels = np.array([sample.label for sample in samples])
    said = [
        joint_verdict(*(None if dark else evidence(p, e) for p, e, dark in zip(*row, strict=True)))
        for row in zip(probability, ear, hidden, strict=True)
    ]
    alone = [
        joint_verdict(*(None if dark else evidence(p) for p, dark in zip(*row, strict=True)))
        for row in zip(probability, hidden, strict=True)
    ]
    print(f"{name}:")
    for label, word in ((1, "open"), (0, "closed")):
        own = labels == label
        right = int(((probability[own] >= 0.5) == label).sum())
        print(
            f"  {word} eyes right by probability: {wilson(right, 2 * int(own.sum()))}; hidden {hidden[own].mean():.3f}"
        )
        for kind, given in (("without", alone), ("with", said)):
            mine = [verdict for verdict, one in zip(given, own, strict=True) if one]
            others = ", ".join(f"{mine.count(each)} {each}" for each in ("wink", "unknown"))
            print(f"  {word} verdicts right {kind} the aspect ratio: {wilson(mine.count(word), len(mine))}; {others}")
    known = labels >= 0
    auc = roc_auc(np.repeat(labels[known], 2), ear[known].ravel())
    print(
        f"  AUC of the aspect ratio of single eyes {auc:.4f}; at 0.23 or more are "
        f"{(ear[labels == 1] >= 0.23).mean():.3f} of open and {(ear[labels == 0] >= 0.23).mean():.3f} of closed eyes"
    )
    if points68 is None:
        return
    other = np.array([_ear68(points68, sample) for sample in samples])
    auc = roc_auc(np.repeat(labels[known], 2), other[known].ravel())
    clips = np.array([sample.source for sample in samples])
    each = {clip: _correlate(ear[clips == clip].mean(axis=1), other[clips == clip].mean(axis=1)) for clip in set(clips)}
    print(
        f"  68 points: AUC {auc:.4f}; correlation with ours: single eyes {_correlate(ear.ravel(), other.ravel()):.3f}, "
        f"mean of both eyes {_correlate(ear.mean(axis=1), other.mean(axis=1)):.3f}"
    )
    if len(each) < len(samples):
        print("  by clip: " + ", ".join(f"{Path(clip).stem} {value:.2f}" for clip, value in sorted(each.items())))


def _ear68(predictor: Any, sample: FaceSample) -> Points:
    x, y, width, height = (round(value) for value in sample.box)
    parts = predictor(sample.image, load_dlib().rectangle(x, y, x + width - 1, y + height - 1)).parts()
    points = np.array([(part.x, part.y) for part in parts], dtype=np.float64)
    return np.asarray(eye_aspect_ratio(points[36:48].reshape(2, 6, 2)))


def _correlate(one: Points, other: Points) -> float:
    return float(np.corrcoef(one, other)[0, 1]) if len(one) > 2 else float("nan")


def main() -> None:
    """Print the tables."""
    parser = ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("photographs")
    parser.add_argument("videos")
    parser.add_argument("--teacher", required=True)
    parser.add_argument("--halves", nargs=2, required=True)
    parser.add_argument("--locator", help="trained on all people; default: the one that ships")
    parser.add_argument("--faces", help="cache of the faces, as for train_eye_locator.py")
    parser.add_argument("--points68")
    parser.add_argument("--each", type=int, default=15, help="cases of a kind and person")
    parser.add_argument("--only", choices=("errors", "verdicts"))
    arguments = parser.parse_args()
    dlib = load_dlib()
    collector = Collector(arguments.teacher)
    if arguments.faces and Path(arguments.faces).is_file():
        faces = pickle.loads(Path(arguments.faces).read_bytes())
    else:
        faces = collect_clips(Path(arguments.videos), collector, lambda line: print(line, file=sys.stderr))
    faces = [sample for sample in faces if sample.spread < MAX_SPREAD]
    photographs = collect_photographs(Path(arguments.photographs), collector)
    first, second = halves(faces)
    locators = [load_locator(path) for path in arguments.halves]
    whole = load_locator(arguments.locator)
    teacher = collector.teacher

    def by_teacher(image: NDArray[np.uint8], box: Points) -> Points:
        return find_corners(teacher, image, box)[:4]

    if arguments.only != "verdicts":
        print("| located by | faces | eyes | median error | 95th percentile | above 0.25 |\n|---|---|---|---|---|---|")
        # Each half of the people is located by the model trained on the other half.
        others = [make_cases([s for s in faces if s.person in people], arguments.each) for people in (second, first)]
        cases = others[0] + others[1]
        found = [errors(located(locator), own) for locator, own in zip(locators, others, strict=True)]
        table("locator, people left out", np.concatenate(found), cases)
        table("5 points (teacher)", errors(by_teacher, cases), cases)
        table("mean position", errors(by_mean, cases), cases)
        cases = make_cases(photographs, 3)
        table("locator, photographs", errors(located(whole), cases), cases)
        table("5 points, photographs", errors(by_teacher, cases), cases)
    if arguments.only != "errors":
        points68 = dlib.shape_predictor(arguments.points68) if arguments.points68 else None
        tested = [sample for sample in faces if sample.person in first + second]
        by_half = [located(locators[sample.person in first]) for sample in tested]
        own = [locate(sample.image, sample.box) for sample, locate in zip(tested, by_half, strict=True)]
        verdicts("frames, locator, people left out", tested, own, points68)
        verdicts("frames, 5 points", tested, [by_teacher(s.image, s.box) for s in tested], points68)
        for name, locate in (("locator", located(whole)), ("5 points", by_teacher)):
            verdicts(f"photographs, {name}", photographs, [locate(s.image, s.box) for s in photographs], points68)


if __name__ == "__main__":
    with one_thread():
        main()
