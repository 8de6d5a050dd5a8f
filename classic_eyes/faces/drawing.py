"""A photograph with what was found in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .cutting import patch_corners
from .reading import Eye, Face

__all__ = ["draw_faces"]

# Red, green, blue; they differ in light too, for those who see no red, and closed is dashed by its word.
_COLOURS = {"open": (86, 180, 233), "closed": (230, 130, 0), "wink": (240, 228, 66), "unknown": (190, 190, 190)}
_DARK = (20, 20, 20)
_SMALLEST = 960


def draw_faces(photograph: NDArray[np.uint8], faces: Sequence[Face]) -> NDArray[np.uint8]:
    """Draw boxes, points and answers on a copy of a photograph.

    Parameters
    ----------
    photograph : uint8 array of shape (h, w, 3) or (h, w)
        Red, green, blue, or grey.
    faces : sequence of Face
        As `FaceReader.read` found them in it.

    Returns
    -------
    uint8 array of shape (H, W, 3)
        The same, red, green, blue; enlarged if its longer side is under 960 pixels, for the words to be read.
    """
    drawn: Any = photograph if photograph.ndim == 3 else cv2.cvtColor(photograph, cv2.COLOR_GRAY2RGB)
    zoom = max(1.0, _SMALLEST / max(drawn.shape[:2]))
    drawn = cv2.resize(drawn, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC) if zoom > 1 else drawn.copy()
    unit = max(drawn.shape[:2]) / 1000
    for face in faces:
        box = np.array(face.box) * zoom
        line = max(1, round(min(2.5 * unit, box[2] / 60)))
        corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * box[2:] + box[:2]
        _outline(drawn, corners, _COLOURS[face.verdict], line)
        for eye in face.eyes:
            _draw_eye(drawn, eye, zoom, line)
    for number, face in enumerate(faces, start=1):
        x, y, _, height = (round(value * zoom) for value in face.box)
        _write(drawn, [f"{number} {face.verdict}"], (x, y), unit, _COLOURS[face.verdict], above=True)
        _write(drawn, [_told(eye) for eye in face.eyes], (x, y + height), 0.75 * unit, _COLOURS[face.verdict])
    return drawn


def _told(eye: Eye) -> str:
    ear = "" if eye.ear is None else f", EAR {eye.ear:.2f}"
    return f"{eye.name}: {eye.hidden or ('closed', 'open')[eye.label]} {eye.probability:.2f}{ear}"


def _outline(drawn: NDArray[np.uint8], corners: NDArray[np.float64], colour: tuple[int, int, int], line: int) -> None:
    places = np.rint(corners).astype(np.int32)
    for thick, shade in ((line + 2, _DARK), (line, colour)):
        cv2.polylines(drawn, [places], True, shade, thick, cv2.LINE_AA)


def _draw_eye(drawn: NDArray[np.uint8], eye: Eye, zoom: float, line: int) -> None:
    colour = _COLOURS["unknown" if eye.hidden else ("closed", "open")[eye.label]]
    _outline(drawn, patch_corners(eye.corners) * zoom, colour, line)
    if eye.points is not None:
        width = float(np.linalg.norm(eye.corners[1] - eye.corners[0])) * zoom
        for point in eye.points * zoom:
            place = (round(float(point[0])), round(float(point[1])))
            cv2.circle(drawn, place, max(1, round(width / 20)), colour, -1, cv2.LINE_AA)


def _write(
    drawn: NDArray[np.uint8],
    lines: list[str],
    place: tuple[int, int],
    unit: float,
    colour: tuple[int, int, int],
    *,
    above: bool = False,
) -> None:
    """Write on a dark ground, inside the photograph."""
    size, thick, font = 0.9 * unit, max(1, round(1.5 * unit)), cv2.FONT_HERSHEY_SIMPLEX
    pad, row = max(2, round(6 * unit)), round(30 * unit)
    width = max(cv2.getTextSize(line, font, size, thick)[0][0] for line in lines) + 2 * pad
    height = row * len(lines) + pad
    x = min(max(0, place[0]), max(0, drawn.shape[1] - width))
    y = min(max(0, place[1] - height if above else place[1]), max(0, drawn.shape[0] - height))
    cv2.rectangle(drawn, (x, y), (x + width, y + height), _DARK, -1)
    for number, line in enumerate(lines, start=1):
        cv2.putText(drawn, line, (x + pad, y + number * row - pad // 2), font, size, colour, thick, cv2.LINE_AA)
