"""Synthetic clips with known truth: a photograph of a face, whose eyes are replaced by synthetic ones.

The photograph comes with scikit-image and is in the public domain. Times and rotation are written into the MP4 file
itself, as a telephone does.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_eyes.faces.cutting import EYE_HEIGHT, EYE_SHARE, patch_corners
from classic_eyes.synthetic import EyeParameters, render

__all__ = ["BLINK", "blinks", "edit_mp4", "scene", "write_clip"]

# Openness in the frames of a blink at 25 frames a second: 8 frames, 3 of them closed.
BLINK = (0.7, 0.3, 0.0, 0.0, 0.0, 0.25, 0.55, 0.85)
# Width of the part of the photograph that fills a frame, and the middle of the face in it.
_WIDTH, _FACE = 320, (224.0, 125.0)
# Corners of the eyes in the photograph, found by the locator: the person's right eye, then the left one.
_CORNERS = (((195.1, 100.9), (211.7, 102.9)), ((237.5, 104.9), (255.4, 104.7)))
# Middles of the faces and their scale, by scene and number of faces, in parts of the frame.
_PLACES = (((0.5, 0.5, 1.0),), ((0.3, 0.55, 0.9), (0.7, 0.55, 0.9)))
_SCENES = ((0.0, 0.0, 1.0), (-0.14, 0.04, 0.8), (0.12, -0.02, 1.15))
_TIMESCALE = 90_000


def blinks(n: int, *starts: int, shape: Sequence[float] = BLINK, rest: float = 0.9) -> NDArray[np.float64]:
    """Return the openness of ``n`` frames in which blinks start at the given frames."""
    openness = np.full(n, rest)
    for start in starts:
        openness[start : start + len(shape)] = rest * np.asarray(shape)[: max(0, n - start)]
    return openness


def write_clip(
    path: str | Path,
    openness: ArrayLike,
    *,
    fps: float = 25.0,
    size: tuple[int, int] = (320, 240),
    times: ArrayLike | None = None,
    faces: int = 1,
    rotation: int = 0,
    scenes: ArrayLike | None = None,
    shifts: ArrayLike | None = None,
    noise: float = 0.0,
    codec: str = "",
) -> None:
    """Write a clip whose eyes are as far open as given.

    Parameters
    ----------
    path
        The file; its ending is that of the container. Times and rotation need ``.mp4``.
    openness
        From 0 (closed) to 1 (wide open), of shape (n,); (n, 2), for the right and the left eye; or (n, faces, 2).
    fps
        Nominal frame rate.
    size
        Width and height as seen, after rotation.
    times
        Time of each frame in seconds, from 0; by default by the frame rate.
    faces
        0, 1 or 2.
    rotation
        0, 90, 180 or 270 degrees clockwise by which a player has to turn the stored frames.
    scenes
        For each frame -1, without a face, or 0, 1 or 2, which differ in the place of the face; a change is a cut.
    shifts
        For each frame by how many pixels everything moves, of shape (n, 2).
    noise
        Standard deviation of the noise of the sensor.
    codec
        FourCC; by default MJPG in AVI files and mp4v in others.
    """
    values = np.asarray(openness, float)
    if values.ndim == 1:
        values = np.repeat(values[:, None], 2, axis=1)
    if values.ndim == 2:
        values = np.repeat(values[:, None], max(faces, 1), axis=1)
    numbers = np.zeros(len(values), int) if scenes is None else np.asarray(scenes, int)
    moves = np.zeros((len(values), 2)) if shifts is None else np.asarray(shifts, float)
    rng = np.random.default_rng(0)
    stored = size if rotation in (0, 180) else size[::-1]
    name = codec or ("MJPG" if Path(path).suffix == ".avi" else "mp4v")
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*name), fps, stored)
    assert writer.isOpened(), f"{path}: codec {name}"
    for eyes, number, move in zip(np.round(values, 2), numbers, moves, strict=True):
        shown = 0 if number < 0 else faces
        frame = scene(tuple(map(tuple, eyes[:shown])), size=size, number=int(max(number, 0)))
        if move.any():
            matrix = np.array([[1, 0, move[0]], [0, 1, move[1]]])
            frame = cv2.warpAffine(frame, matrix, size, borderMode=cv2.BORDER_REPLICATE)
        if noise:
            frame = np.clip(frame + rng.normal(0, noise, frame.shape), 0, 255).astype(np.uint8)
        # A player turns clockwise what is stored turned anticlockwise.
        writer.write(np.ascontiguousarray(np.rot90(frame, rotation // 90)))
    writer.release()
    if times is not None or rotation:
        edit_mp4(path, times=times, rotation=rotation)


@lru_cache(maxsize=64)
def scene(
    eyes: tuple[tuple[float, float], ...], *, size: tuple[int, int] = (320, 240), number: int = 0
) -> NDArray[np.uint8]:
    """Return a frame as BGR with one face for each pair of eyes; without a face it is the background."""
    width, height = size
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    soft = 120 + 40 * np.sin(columns / width * 5 + number) + 30 * np.cos(rows / height * 4)
    canvas = np.stack([soft + 12, soft, soft - 10], axis=-1)
    zoom = width / _WIDTH * _SCENES[number][2]
    for (x, y, scale), pair in zip(_PLACES[max(len(eyes), 1) - 1], eyes, strict=False):
        source, weight = _head(pair)
        middle = np.array([(x + _SCENES[number][0]) * width, (y + _SCENES[number][1]) * height])
        matrix = np.array([[zoom * scale, 0, 0], [0, zoom * scale, 0]])
        matrix[:, 2] = middle - zoom * scale * np.array(_FACE)
        head = cv2.warpAffine(source, matrix, size, flags=cv2.INTER_CUBIC)
        mask = cv2.warpAffine(weight, matrix, size)[..., None]
        canvas = canvas * (1 - mask) + head * mask
    return np.clip(canvas, 0, 255).astype(np.uint8)


@lru_cache(maxsize=64)
def _head(openness: tuple[float, float]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the photograph as BGR with such eyes, and the weight of its pixels, which fades around the head."""
    from skimage import data

    image = data.astronaut()[..., ::-1].astype(np.float32)
    for corners, opening, nose in zip(np.array(_CORNERS), openness, (1.0, -1.0), strict=True):
        _paint_eye(image, corners, float(opening), nose)
    weight = np.zeros(image.shape[:2], np.float32)
    cv2.ellipse(weight, (222, 130), (66, 112), 0, 0, 360, 1, -1)
    return image, cv2.GaussianBlur(weight, (0, 0), 5)


def _paint_eye(image: NDArray[np.float32], corners: NDArray[np.float64], opening: float, nose: float) -> None:
    side = 96
    parameters = EyeParameters(
        opening=min(max(opening, 0.0), 1.0),
        eye_width=EYE_SHARE,
        center_y=EYE_HEIGHT,
        nose=nose,
        aspect=0.42,
        brow_darkness=0.0,
        skin=0.62,
        lash_length=0.06,
        iris_darkness=0.75,
    )
    eye = render(parameters, size=side, random_state=1)[0].astype(np.float32)
    patch = patch_corners(corners).astype(np.float32)
    transform = cv2.getAffineTransform(np.array([[0, 0], [side, 0], [side, side]], np.float32) - 0.5, patch[:3])
    shape = image.shape[1::-1]
    mask = np.zeros((side, side), np.float32)
    cv2.ellipse(mask, (side // 2, round(0.5 * side)), (round(0.43 * side), round(0.27 * side)), 0, 0, 360, 1, -1)
    mask = cv2.GaussianBlur(mask, (0, 0), 0.04 * side)
    # In the colour of the skin below the eye.
    low = patch[2:].mean(axis=0).round().astype(int)
    skin = image[low[1] - 2 : low[1] + 3, low[0] - 4 : low[0] + 5].mean(axis=(0, 1))
    tinted = np.clip(eye / np.median(eye[-12:]), 0, 1.6)[..., None] * skin
    weight = cv2.warpAffine(mask, transform, shape)[..., None]
    # Reduced first: warping alone would skip pixels.
    painted = cv2.warpAffine(cv2.GaussianBlur(tinted, (0, 0), 1.2), transform, shape, flags=cv2.INTER_LINEAR)
    image *= 1 - weight
    image += painted * weight


# -- MP4 --


def edit_mp4(path: str | Path, *, times: ArrayLike | None = None, rotation: int = 0) -> None:
    """Write the times of frames, in seconds, and a rotation in degrees clockwise into an MP4 file of one track."""
    content = Path(path).read_bytes()
    start = next(at for name, at, _ in _boxes(content) if name == b"moov")
    edits: dict[bytes, Callable[[bytes], bytes]] = {}
    if times is not None:
        ticks = np.rint(np.asarray(times, float) * _TIMESCALE).astype(int)
        assert ticks[0] == 0
        steps = np.diff(ticks)
        steps = np.append(steps, steps[-1] if len(steps) else 1)
        duration = int(steps.sum())
        table = struct.pack(">II", 0, len(steps)) + b"".join(struct.pack(">II", 1, step) for step in steps)
        edits[b"stts"] = lambda _: table
        edits[b"mdhd"] = lambda body: body[:12] + struct.pack(">II", _TIMESCALE, duration) + body[20:]
        edits[b"mvhd"] = lambda body: body[:12] + struct.pack(">II", _TIMESCALE, duration) + body[20:]
        edits[b"edts"] = lambda _: b""
    if rotation or times is not None:

        def header(body: bytes) -> bytes:
            if times is not None:
                body = body[:20] + struct.pack(">I", duration) + body[24:]
            if rotation:
                cosine, sine = {0: (1, 0), 90: (0, 1), 180: (-1, 0), 270: (0, -1)}[rotation]
                one = 1 << 16
                matrix = (cosine * one, sine * one, 0, -sine * one, cosine * one, 0, 0, 0, 1 << 30)
                body = body[:40] + struct.pack(">9i", *matrix) + body[76:]
            return body

        edits[b"tkhd"] = header
    # What describes the frames is at the end, so the places of the frames stay as they are.
    Path(path).write_bytes(content[:start] + _edited(content[start:], edits))


def _boxes(content: bytes) -> list[tuple[bytes, int, int]]:
    """Return name, start and size of each box."""
    found, at = [], 0
    while at + 8 <= len(content):
        size, name = struct.unpack(">I4s", content[at : at + 8])
        if size == 1:
            size = struct.unpack(">Q", content[at + 8 : at + 16])[0]
        found.append((name, at, size or len(content) - at))
        at += size or len(content)
    return found


def _edited(content: bytes, edits: dict[bytes, Callable[[bytes], bytes]]) -> bytes:
    parts = []
    for name, at, size in _boxes(content):
        body = content[at + 8 : at + size]
        if name in (b"moov", b"trak", b"mdia", b"minf", b"stbl"):
            body = _edited(body, edits)
        elif name in edits:
            body = edits[name](body)
        parts.append(struct.pack(">I4s", len(body) + 8, name) + body)
    return b"".join(parts)
