"""Drawing of faces, eyes and verdicts on a photograph."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from .cutting import patch_corners
from .reader import Eye, Face

__all__ = ["draw_faces", "scaled_faces"]

# RGB colours of the verdicts; they differ in lightness too, for readers who cannot tell the hues apart.
_COLOURS = {"open": (86, 180, 233), "closed": (240, 130, 0), "wink": (240, 228, 66), "unknown": (200, 200, 200)}
_DARK = (20, 20, 20)
# Longer side of a drawing in pixels: text stays legible, and a thousand drawings stay small.
_MIN_SIDE, _MAX_SIDE = 960, 2560
_FONT = cv2.FONT_HERSHEY_SIMPLEX
# Height of the capitals of the font at scale 1.
_CAPITALS = 22
# Heights of the text of verdicts in parts of the longer side, and in parts of the face where that is small.
_TEXT, _MIN_TEXT, _OF_FACE = 0.018, 0.011, 0.16
# Of captions of eyes.
_CAPTION = 0.75
# A label may be so much wider than its face before the captions of the eyes are omitted.
_MAX_WIDTH = 1.9


def draw_faces(
    photograph: NDArray[np.uint8], faces: Sequence[Face], *, only: Collection[str] | None = None
) -> NDArray[np.uint8]:
    """Draw boxes, landmarks and verdicts on a copy of a photograph.

    1. Resize the photograph where its longer side is not between 960 and 2,560 pixels.
    2. Outline faces in the colour of their verdict, and eyes in that of their label; draw landmarks.
    3. Write the number and the verdict of each face, and where the face is large enough the probabilities of its eyes.
       A label that would cover another label or another face is moved, and a line leads to its face.

    Parameters
    ----------
    photograph : uint8 array of shape (h, w, 3) or (h, w)
        RGB, or grey.
    faces : sequence of Face
        Result of `FaceReader.read` for this photograph.
    only : collection of str, optional
        Draw only faces with these verdicts. They keep their numbers.

    Returns
    -------
    uint8 array of shape (H, W, 3)
        RGB.
    """
    canvas: Any = photograph if photograph.ndim == 3 else cv2.cvtColor(photograph, cv2.COLOR_GRAY2RGB)
    longer = max(canvas.shape[:2])
    zoom = min(max(longer, _MIN_SIDE), _MAX_SIDE) / longer
    if zoom == 1:
        canvas = canvas.copy()
    else:
        interpolation = cv2.INTER_CUBIC if zoom > 1 else cv2.INTER_AREA
        canvas = cv2.resize(canvas, None, fx=zoom, fy=zoom, interpolation=interpolation)
    side = max(canvas.shape[:2])
    shown = [
        (number, face)
        for number, face in enumerate(scaled_faces(faces, zoom), start=1)
        if only is None or face.verdict in only
    ]
    for _, face in shown:
        box = np.array(face.box)
        thickness = max(1, round(min(side / 400, box[2] / 40)))
        corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * box[2:] + box[:2]
        _draw_outline(canvas, corners, _COLOURS[face.verdict], thickness)
        for eye in face.eyes:
            _draw_eye(canvas, eye, max(1, round(min(side / 700, box[2] / 90))))
    # Text last, so that no outline covers it.
    labels = [_label(number, face, side) for number, face in shown]
    for (_, face), label, place in zip(shown, labels, _placed(labels, faces=shown, canvas=canvas), strict=True):
        _draw_label(canvas, label, place, face)
    return canvas


def scaled_faces(faces: Iterable[Face], factor: float) -> list[Face]:
    """Return faces of a photograph as they are in the same photograph with its sides multiplied by a factor."""
    if factor == 1:
        return list(faces)

    def scaled(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return (points + 0.5) * factor - 0.5  # whole numbers are the middles of pixels

    found = []
    for face in faces:
        x, y, w, h = (round(value * factor) for value in face.box)
        eyes = [replace(eye, corners=scaled(eye.corners), points=scaled(eye.points)) for eye in face.eyes]
        found.append(replace(face, box=(x, y, w, h), eyes=tuple(eyes)))
    return found


def _draw_outline(
    canvas: NDArray[np.uint8], corners: NDArray[np.float64], colour: tuple[int, int, int], thickness: int
) -> None:
    polygon = np.rint(corners).astype(np.int32)
    for width, shade in ((thickness + 2, _DARK), (thickness, colour)):
        cv2.polylines(canvas, [polygon], True, shade, width, cv2.LINE_AA)


def _draw_eye(canvas: NDArray[np.uint8], eye: Eye, thickness: int) -> None:
    colour = _COLOURS["unknown" if eye.hidden else ("closed", "open")[eye.label]]
    _draw_outline(canvas, patch_corners(eye.corners), colour, thickness)
    width = float(np.linalg.norm(eye.corners[1] - eye.corners[0]))
    for x, y in eye.points:
        cv2.circle(canvas, (round(x), round(y)), max(1, round(width / 20)), colour, -1, cv2.LINE_AA)


class _Line(NamedTuple):
    text: str
    scale: float
    thickness: int
    width: int
    height: int


class _Label(NamedTuple):
    """Lines of text on a dark rectangle."""

    lines: list[_Line]
    padding: int
    width: int
    height: int


_Box = tuple[int, int, int, int]  # x, y, w, h


def _label(number: int, face: Face, side: int) -> _Label:
    """Return the label of a face: its text is as large as the face allows, within limits."""
    height = min(max(_OF_FACE * face.box[2], _MIN_TEXT * side), _TEXT * side)
    head = _line(f"#{number} {face.verdict}", height)
    captions = [_line(_caption(eye), max(_CAPTION * height, 0.8 * _MIN_TEXT * side)) for eye in face.eyes]
    fits = all(line.width <= _MAX_WIDTH * face.box[2] for line in captions)
    lines = [head, *captions] if fits else [head]
    padding = max(2, round(0.4 * height))
    width = max(line.width for line in lines) + 2 * padding
    return _Label(lines, padding, width, sum(line.height + padding for line in lines) + padding)


def _caption(eye: Eye) -> str:
    if eye.hidden:
        return f"{eye.name}: {eye.hidden}"
    return f"{eye.name}: P(open) {eye.probability:.2f}, EAR {eye.ear:.2f}"


def _line(text: str, height: float) -> _Line:
    scale, thickness = height / _CAPITALS, max(1, round(height / 9))
    return _Line(text, scale, thickness, cv2.getTextSize(text, _FONT, scale, thickness)[0][0], round(height))


def _placed(labels: Sequence[_Label], *, faces: Sequence[tuple[int, Face]], canvas: NDArray[np.uint8]) -> list[_Box]:
    """Return the boxes of labels: each as near to its face as it can be without covering a label, then a face."""
    placed: list[_Box] = []
    boxes = [face.box for _, face in faces]
    for index, label in enumerate(labels):
        others = boxes[:index] + boxes[index + 1 :]

        def cost(place: _Box, own: _Box = boxes[index], others: list[_Box] = others) -> tuple[float, float, float]:
            return (
                sum(_common(place, other) for other in placed),
                sum(_common(place, other) for other in others) + _common(place, _upper(own)),
                _distance(place, own),
            )

        placed.append(min(_places(label, boxes[index], canvas.shape), key=cost))
    return placed


def _places(label: _Label, box: _Box, shape: tuple[int, ...]) -> Iterator[_Box]:
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


def _common(one: _Box, other: _Box) -> int:
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    return max(0, width) * max(0, height)


def _upper(box: _Box) -> _Box:
    """Return the part of a face that has the eyes."""
    return box[0], box[1] + box[3] // 8, box[2], box[3] // 2


def _distance(one: _Box, other: _Box) -> float:
    across = max(one[0] - other[0] - other[2], other[0] - one[0] - one[2], 0)
    down = max(one[1] - other[1] - other[3], other[1] - one[1] - one[3], 0)
    return float(across + down)


def _draw_label(canvas: NDArray[np.uint8], label: _Label, place: _Box, face: Face) -> None:
    colour = _COLOURS[face.verdict]
    x, y, width, height = place
    if _distance(place, face.box) > label.height // 4:
        # From the nearest point of the label to the nearest of the face.
        ends = []
        for box, other in ((place, face.box), (face.box, place)):
            middle = (other[0] + other[2] // 2, other[1] + other[3] // 2)
            ends.append((min(max(middle[0], box[0]), box[0] + box[2]), min(max(middle[1], box[1]), box[1] + box[3])))
        for thickness, shade in ((label.lines[0].thickness + 2, _DARK), (label.lines[0].thickness, colour)):
            cv2.line(canvas, ends[0], ends[1], shade, thickness, cv2.LINE_AA)
    cv2.rectangle(canvas, (x, y), (x + width, y + height), _DARK, -1)
    for line in label.lines:
        y += label.padding + line.height
        cv2.putText(canvas, line.text, (x + label.padding, y), _FONT, line.scale, colour, line.thickness, cv2.LINE_AA)
