"""Draw the images of a folder with the predictions of the shipped model, for README.md.

python tools/draw_predictions.py examples/eyes docs/answers.png
"""

from __future__ import annotations

import sys

import cv2
import numpy as np
from numpy.typing import NDArray

from classic_eyes import load_model
from classic_eyes.datasets import find_images
from classic_eyes.images import read_images

TILE, GAP, CAPTION, COLUMNS = 88, 8, 22, 11
PAPER, INK, OPEN, CLOSED = (250, 250, 250), (60, 60, 60), (60, 130, 30), (30, 60, 190)  # blue, green, red


def draw(images: NDArray[np.uint8], scores: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return a BGR image: each image enlarged, with the predicted label and its probability below."""
    rows = -(-len(images) // COLUMNS)
    sheet = np.full((rows * (TILE + CAPTION + GAP) + GAP, COLUMNS * (TILE + GAP) + GAP, 3), PAPER, np.uint8)
    for number, (image, score) in enumerate(zip(images, scores, strict=True)):
        top = GAP + number // COLUMNS * (TILE + CAPTION + GAP)
        left = GAP + number % COLUMNS * (TILE + GAP)
        tile = cv2.resize(image, (TILE, TILE), interpolation=cv2.INTER_CUBIC)
        sheet[top : top + TILE, left : left + TILE] = tile[..., np.newaxis]
        word, colour = ("open", OPEN) if score >= 0.5 else ("closed", CLOSED)
        _write(sheet, word, left, top + TILE + 16, colour)
        share = f"{max(score, 1 - score):.0%}"
        _write(sheet, share, left + TILE - _width(share), top + TILE + 16, INK)
    return sheet


def _width(text: str) -> int:
    return cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.42, 1)[0][0]


def _write(sheet: NDArray[np.uint8], text: str, x: int, y: int, colour: tuple[int, int, int]) -> None:
    cv2.putText(sheet, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.42, colour, 1, cv2.LINE_AA)


def main(folder: str, target: str) -> None:
    """Read the folder, predict, and write the figure."""
    paths = [path for path, _ in find_images(folder)]
    images, errors = read_images(paths)
    assert not any(errors), errors
    scores = load_model().predict_proba(images)[:, 1]
    cv2.imwrite(target, draw(images, scores))


if __name__ == "__main__":
    main(*sys.argv[1:])
