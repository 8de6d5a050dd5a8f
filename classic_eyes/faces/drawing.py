"""Drawing of faces, eyes and verdicts on a photograph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .cutting import patch_corners
from .reader import Eye, Face

__all__ = ["draw_faces"]

# RGB colours of the verdicts; they differ in lightness too, for readers who cannot tell the hues apart.
_COLOURS = {"open": (86, 180, 233), "closed": (230, 130, 0), "wink": (240, 228, 66), "unknown": (190, 190, 190)}
_DARK = (20, 20, 20)
_MIN_SIDE = 960


def draw_faces(photograph: NDArray[np.uint8], faces: Sequence[Face]) -> NDArray[np.uint8]:
    """Draw boxes, landmarks and verdicts on a copy of a photograph.

    Parameters
    ----------
    photograph : uint8 array of shape (h, w, 3) or (h, w)
        RGB, or grey.
    faces : sequence of Face
        Result of `FaceReader.read` for this photograph.

    Returns
    -------
    uint8 array of shape (H, W, 3)
        RGB; enlarged if the longer side is under 960 pixels, so that the text is legible.
    """
    canvas: Any = photograph if photograph.ndim == 3 else cv2.cvtColor(photograph, cv2.COLOR_GRAY2RGB)
    zoom = max(1.0, _MIN_SIDE / max(canvas.shape[:2]))
    canvas = cv2.resize(canvas, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC) if zoom > 1 else canvas.copy()
    unit = max(canvas.shape[:2]) / 1000
    for face in faces:
        box = np.array(face.box) * zoom
        thickness = max(1, round(min(2.5 * unit, box[2] / 60)))
        corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * box[2:] + box[:2]
        _draw_outline(canvas, corners, _COLOURS[face.verdict], thickness)
        for eye in face.eyes:
            _draw_eye(canvas, eye, zoom, thickness)
    # Text last, so that no outline covers it.
    for number, face in enumerate(faces, start=1):
        x, y, _, height = (round(value * zoom) for value in face.box)
        colour = _COLOURS[face.verdict]
        _write(canvas, [f"{number} {face.verdict}"], (x, y), unit, colour, above=True)
        _write(canvas, [_caption(eye) for eye in face.eyes], (x, y + height), 0.75 * unit, colour)
    return canvas


def _caption(eye: Eye) -> str:
    ear = "" if eye.ear is None else f", EAR {eye.ear:.2f}"
    return f"{eye.name}: {eye.hidden or ('closed', 'open')[eye.label]} {eye.probability:.2f}{ear}"


def _draw_outline(
    canvas: NDArray[np.uint8], corners: NDArray[np.float64], colour: tuple[int, int, int], thickness: int
) -> None:
    polygon = np.rint(corners).astype(np.int32)
    for width, shade in ((thickness + 2, _DARK), (thickness, colour)):
        cv2.polylines(canvas, [polygon], True, shade, width, cv2.LINE_AA)


def _draw_eye(canvas: NDArray[np.uint8], eye: Eye, zoom: float, thickness: int) -> None:
    colour = _COLOURS["unknown" if eye.hidden else ("closed", "open")[eye.label]]
    _draw_outline(canvas, patch_corners(eye.corners) * zoom, colour, thickness)
    if eye.points is not None:
        width = float(np.linalg.norm(eye.corners[1] - eye.corners[0])) * zoom
        for point in eye.points * zoom:
            centre = (round(float(point[0])), round(float(point[1])))
            cv2.circle(canvas, centre, max(1, round(width / 20)), colour, -1, cv2.LINE_AA)


def _write(
    canvas: NDArray[np.uint8],
    lines: list[str],
    position: tuple[int, int],
    unit: float,
    colour: tuple[int, int, int],
    *,
    above: bool = False,
) -> None:
    """Write lines on a dark rectangle, moved to lie inside the canvas."""
    scale, thickness, font = 0.9 * unit, max(1, round(1.5 * unit)), cv2.FONT_HERSHEY_SIMPLEX
    padding, line_height = max(2, round(6 * unit)), round(30 * unit)
    width = max(cv2.getTextSize(line, font, scale, thickness)[0][0] for line in lines) + 2 * padding
    height = line_height * len(lines) + padding
    x = min(max(0, position[0]), max(0, canvas.shape[1] - width))
    y = min(max(0, position[1] - height if above else position[1]), max(0, canvas.shape[0] - height))
    cv2.rectangle(canvas, (x, y), (x + width, y + height), _DARK, -1)
    for number, line in enumerate(lines, start=1):
        at = (x + padding, y + number * line_height - padding // 2)
        cv2.putText(canvas, line, at, font, scale, colour, thickness, cv2.LINE_AA)
