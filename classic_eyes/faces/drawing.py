"""Drawing of faces, eyes and verdicts on a photograph."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .cutting import patch_corners
from .labels import Box, Label, draw_label, draw_outline, is_beside, make_label, make_line, place_labels
from .reader import Eye, Face

__all__ = ["draw_faces", "scaled_faces"]

# RGB colours of the verdicts; they differ in lightness too, for readers who cannot tell the hues apart.
_COLOURS = {"open": (86, 180, 233), "closed": (240, 130, 0), "wink": (240, 228, 66), "unknown": (200, 200, 200)}
# Longer side of a drawing in pixels: text stays legible, and a thousand drawings stay small.
_MIN_SIDE, _MAX_SIDE = 960, 2560
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
    3. Write the number and the verdict of each face; probabilities and eye aspect ratios of its eyes only where the
       face is large enough and there is room beside it. A label that would cover another label or another face is
       moved, and a line leads to its face.

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
        draw_outline(canvas, corners, _COLOURS[face.verdict], thickness)
        for eye in face.eyes:
            _draw_eye(canvas, eye, max(1, round(min(side / 700, box[2] / 90))))
    # Text last, so that no outline covers it.
    boxes = [face.box for _, face in shown]
    labels = [_label(number, face, side) for number, face in shown]
    for label, place, (_, face) in zip(*_placed(labels, boxes, canvas.shape), shown, strict=True):
        draw_label(canvas, label, place, face.box, _COLOURS[face.verdict])
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


def _draw_eye(canvas: NDArray[np.uint8], eye: Eye, thickness: int) -> None:
    colour = _COLOURS["unknown" if eye.hidden else ("closed", "open")[eye.label]]
    draw_outline(canvas, patch_corners(eye.corners), colour, thickness)
    width = float(np.linalg.norm(eye.corners[1] - eye.corners[0]))
    for x, y in eye.points:
        cv2.circle(canvas, (round(x), round(y)), max(1, round(width / 20)), colour, -1, cv2.LINE_AA)


def _placed(labels: list[Label], boxes: list[Box], shape: tuple[int, ...]) -> tuple[list[Label], list[Box]]:
    """Return labels and their boxes. A label without room beside its face has the verdict only."""
    while True:
        places = place_labels(labels, boxes, shape)
        shorter = [
            label if is_beside(label, place, box) else make_label(label.lines[:1])
            for label, place, box in zip(labels, places, boxes, strict=True)
        ]
        if shorter == labels:
            return labels, places
        labels = shorter


def _label(number: int, face: Face, side: int) -> Label:
    """Return the label of a face: its text is as large as the face allows, within limits."""
    height = min(max(_OF_FACE * face.box[2], _MIN_TEXT * side), _TEXT * side)
    head = make_line(f"#{number} {face.verdict}", height)
    captions = [make_line(_caption(eye), max(_CAPTION * height, 0.8 * _MIN_TEXT * side)) for eye in face.eyes]
    fits = all(line.width <= _MAX_WIDTH * face.box[2] for line in captions)
    return make_label([head, *captions] if fits else [head])


def _caption(eye: Eye) -> str:
    if eye.hidden:
        return f"{eye.name}: hidden"
    return f"{eye.name}: P(open) {eye.probability:.2f}, EAR {eye.ear:.2f}"
