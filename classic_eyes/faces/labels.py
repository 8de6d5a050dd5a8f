"""Outlines, and labels of faces that cover neither each other nor eyes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = [
    "DARK",
    "FONT",
    "Box",
    "Label",
    "Line",
    "common_area",
    "draw_label",
    "draw_outline",
    "eye_part",
    "is_beside",
    "make_label",
    "make_line",
    "place_labels",
]

DARK = (20, 20, 20)
FONT = cv2.FONT_HERSHEY_SIMPLEX
# Height of the capitals of the font at scale 1.
_CAPITALS = 22

Box = tuple[int, int, int, int]  # x, y, w, h


def draw_outline(
    canvas: NDArray[np.uint8], corners: NDArray[np.float64], colour: tuple[int, int, int], thickness: int
) -> None:
    polygon = np.rint(corners).astype(np.int32)
    for width, shade in ((thickness + 2, DARK), (thickness, colour)):
        cv2.polylines(canvas, [polygon], True, shade, width, cv2.LINE_AA)


class Line(NamedTuple):
    """Text of a height in pixels."""

    text: str
    scale: float
    thickness: int
    width: int
    height: int


class Label(NamedTuple):
    """Lines of text on a dark rectangle."""

    lines: list[Line]
    padding: int
    width: int
    height: int


def make_label(lines: Sequence[Line]) -> Label:
    """Return the label of these lines, the first of which sets the distance between them."""
    padding = max(2, round(0.4 * lines[0].height))
    width = max(line.width for line in lines) + 2 * padding
    return Label(list(lines), padding, width, sum(line.height + padding for line in lines) + padding)


def make_line(text: str, height: float) -> Line:
    """Return text of a height in pixels."""
    scale, thickness = height / _CAPITALS, max(1, round(height / 9))
    return Line(text, scale, thickness, cv2.getTextSize(text, FONT, scale, thickness)[0][0], round(height))


def place_labels(labels: Sequence[Label], boxes: list[Box], shape: tuple[int, ...]) -> list[Box]:
    """Return the boxes of labels: each as near to its face as it can be without covering a label, then a face."""
    placed: list[Box] = []
    for index, label in enumerate(labels):
        others = boxes[:index] + boxes[index + 1 :]

        def cost(place: Box, own: Box = boxes[index], others: list[Box] = others) -> tuple[float, float, float]:
            return (
                sum(common_area(place, other) for other in placed),
                sum(common_area(place, other) for other in others) + common_area(place, eye_part(own)),
                _distance(place, own),
            )

        placed.append(min(_places(label, boxes[index], shape), key=cost))
    return placed


def _places(label: Label, box: Box, shape: tuple[int, ...]) -> Iterator[Box]:
    """Yield places for a label inside the canvas: around its face, then further and further away."""
    x, y, w, h = box
    rows, columns = shape[:2]
    for step in range(9):
        away = round(step * 0.5 * label.height)
        across = (x, x + w - label.width, x + (w - label.width) // 2)
        candidates = [(left, y - label.height - away) for left in across]
        candidates += [(left, y + h + away) for left in across]
        for top in (y, y + h - label.height, y + (h - label.height) // 2):
            candidates += [(x + w + away, top), (x - label.width - away, top)]
        for left, top in candidates:
            yield (
                min(max(0, left), max(0, columns - label.width)),
                min(max(0, top), max(0, rows - label.height)),
                label.width,
                label.height,
            )


def common_area(one: Box, other: Box) -> int:
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    return max(0, width) * max(0, height)


def eye_part(box: Box) -> Box:
    """Return the part of a face that has the eyes."""
    return box[0], box[1] + box[3] // 8, box[2], box[3] // 2


def _distance(one: Box, other: Box) -> float:
    across = max(one[0] - other[0] - other[2], other[0] - one[0] - one[2], 0)
    down = max(one[1] - other[1] - other[3], other[1] - one[1] - one[3], 0)
    return float(across + down)


def is_beside(label: Label, place: Box, box: Box) -> bool:
    """Return whether a label is so near to its face that it needs no line to it."""
    return _distance(place, box) <= label.height // 4


def draw_label(canvas: NDArray[np.uint8], label: Label, place: Box, box: Box, colour: tuple[int, int, int]) -> None:
    """Draw a label, and a line to the box of its face where it is away from it."""
    x, y, width, height = place
    if not is_beside(label, place, box):
        # From the nearest point of the label to the nearest of the face.
        ends = []
        for one, other in ((place, box), (box, place)):
            middle = (other[0] + other[2] // 2, other[1] + other[3] // 2)
            ends.append((min(max(middle[0], one[0]), one[0] + one[2]), min(max(middle[1], one[1]), one[1] + one[3])))
        for thickness, shade in ((label.lines[0].thickness + 2, DARK), (label.lines[0].thickness, colour)):
            cv2.line(canvas, ends[0], ends[1], shade, thickness, cv2.LINE_AA)
    cv2.rectangle(canvas, (x, y), (x + width, y + height), DARK, -1)
    for line in label.lines:
        y += label.padding + line.height
        cv2.putText(canvas, line.text, (x + label.padding, y), FONT, line.scale, colour, line.thickness, cv2.LINE_AA)
