"""The painter: from parameters to a grey image and its landmarks, layer upon layer in float32."""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from ..errors import ParameterError
from .parameters import EyeParameters, seeded

__all__ = ["SIZES", "check_size", "render"]

SIZES = (8, 512)
"""Smallest and largest side of a synthetic image, in pixels."""

_CANVAS = 120  # about the side to paint at; finer than this no lash survives the reduction to 24 pixels

Plane = npt.NDArray[np.float32]


def check_size(size: object) -> int:
    """Give the side of an image as an int.

    Parameters
    ----------
    size : int
        Side in pixels, 8 to 512.

    Returns
    -------
    int
        The same.

    Raises
    ------
    ParameterError
        If `size` is not a whole number from 8 to 512.
    """
    low, high = SIZES
    if isinstance(size, numbers.Integral) and not isinstance(size, bool) and low <= int(size) <= high:
        return int(size)
    raise ParameterError(
        f"size={size!r}: expected a whole number of pixels from {low} to {high}; "
        "resize the finished image for any other size"
    )


def render(
    parameters: EyeParameters, *, size: int = 24, random_state: int | np.random.Generator = 0
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    """Render one eye.

    1. Lay eye coordinates over a canvas of at least twice the size: ``u`` runs from -1 at the left corner to 1 at
       the right one, ``v`` downwards in the same unit.
    2. Draw the lids: the lower one at ``2 sag (1 - u^2)``, the upper one ``2 aspect opening (1 - u^2)^roundness
       (1 + peak u)`` above it. They meet when the opening is 0, on a line that bends downwards.
    3. Paint skin, folds, eyeball, lid edges, lashes, brow, light, edge of the face, and glasses.
    4. Reduce by area, blur, sharpen, expose, add noise, round to uint8, and pass through JPEG.

    Parameters
    ----------
    parameters : EyeParameters
        What to render.
    size : int, default=24
        Side of the image in pixels, 8 to 512.
    random_state : int or numpy.random.Generator, default=0
        Seed of skin, hair and noise, or the generator to draw them from.

    Returns
    -------
    image : ndarray of shape (size, size), uint8
        The grey image, 0 to 255, ``(row, col)``.
    landmarks : ndarray of shape (6, 2), float32
        Points ``x, y`` in pixels, pixel centres at whole numbers, in the order of the eye aspect ratio: left corner,
        upper lid at 1/3 and 2/3, right corner, lower lid at 2/3 and 1/3. They may lie outside the image.

    Raises
    ------
    ParameterError
        If `parameters` is not an `EyeParameters`, `size` not a whole number from 8 to 512, or `random_state` neither
        a whole number of at least 0 nor a generator.

    References
    ----------
    T. Soukupova and J. Cech, "Real-Time Eye Blink Detection using Facial Landmarks", 21st Computer Vision Winter
    Workshop, Rimske Toplice, Slovenia, 2016.

    Examples
    --------
    >>> from classic_eyes.synthetic import EyeParameters, render
    >>> image, landmarks = render(EyeParameters(opening=0.9), size=32)
    >>> image.shape, image.dtype.name, landmarks.shape
    ((32, 32), 'uint8', (6, 2))
    """
    if not isinstance(parameters, EyeParameters):
        raise ParameterError(
            f"parameters={parameters!r}: expected an EyeParameters; "
            "make one with EyeParameters() or random_parameters()"
        )
    size = check_size(size)
    rng = seeded(random_state)
    canvas = _paint(parameters, size * max(2, round(_CANVAS / size)), rng)
    return _photograph(canvas, parameters, size, rng), _landmarks(parameters, size)


@dataclass(frozen=True)
class _Scene:
    """Eye coordinates over the canvas and the curves that the layers share, all planes of the canvas' shape."""

    u: Plane
    v: Plane
    arch: Plane
    upper: Plane
    lower: Plane
    inside: Plane
    pixel: float


def _ramp(distance: Plane, width: float) -> Plane:
    """Rise from 0 to 1 while `distance` goes from ``-width / 2`` to ``width / 2``."""
    return np.clip(distance * np.float32(1.0 / width) + np.float32(0.5), 0.0, 1.0)


def _bump(distance: Plane, width: float) -> Plane:
    """Fall off smoothly from 1 at distance 0: half of it is left at `width`, little at two of them."""
    scaled = distance * np.float32(0.83 / width)
    scaled *= scaled
    return np.exp(-scaled)


def _spot(s: _Scene, u: float, v: float, width: float) -> Plane:
    """Fall off like `_bump` around a point."""
    du, dv = (s.u - np.float32(u)) * np.float32(0.83 / width), (s.v - np.float32(v)) * np.float32(0.83 / width)
    return np.exp(-(du * du + dv * dv))


def _arch(u: Plane, p: EyeParameters) -> Plane:
    """Give the height of the upper lid above the lower one, at most about 1, 0 beyond the corners."""
    return np.clip(1.0 - u * u, 0.0, 1.0) ** np.float32(p.lid_roundness) * (1.0 + np.float32(p.lid_peak) * u)


def _lower(u: Plane, p: EyeParameters) -> Plane:
    """Give the lower lid's ``v``; beyond the corners the line goes on level."""
    return np.float32(2.0 * p.lower_sag) * np.clip(1.0 - u * u, 0.0, 1.0)


def _landmarks(p: EyeParameters, size: int) -> npt.NDArray[np.float32]:
    """Compute the six points from the same curves that the layers are painted along."""
    u = np.array([-1.0, -1 / 3, 1 / 3, 1.0, 1 / 3, -1 / 3], np.float32)
    v = _lower(u, p)
    v[1:3] -= np.float32(2.0 * p.aspect * p.opening) * _arch(u[1:3], p)
    half, angle = p.eye_width * size / 2, math.radians(p.tilt)
    x = p.center_x * size - 0.5 + half * (u * math.cos(angle) - v * math.sin(angle))
    y = p.center_y * size - 0.5 + half * (u * math.sin(angle) + v * math.cos(angle))
    return np.stack([x, y], axis=1).astype(np.float32)


def _scene(p: EyeParameters, side: int) -> _Scene:
    """Lay the eye coordinates over the canvas."""
    half, angle = p.eye_width * side / 2, math.radians(p.tilt)
    place = np.arange(side, dtype=np.float32) + 0.5
    across = ((place - p.center_x * side) / half).astype(np.float32)[None, :]
    down = ((place - p.center_y * side) / half).astype(np.float32)[:, None]
    cos, sin = np.float32(math.cos(angle)), np.float32(math.sin(angle))
    u, v = across * cos + down * sin, down * cos - across * sin
    arch, lower = _arch(u, p), _lower(u, p)
    upper = lower - np.float32(2.0 * p.aspect * p.opening) * arch
    pixel = 1.0 / half
    inside = np.clip(np.minimum(v - upper, lower - v) * np.float32(1.0 / pixel), 0.0, 1.0)
    return _Scene(u, v, arch, upper, lower, inside, pixel)


def _paint(p: EyeParameters, side: int, rng: np.random.Generator) -> Plane:
    """Paint all layers; values are reflectance times light, 0 black, 1 white, and may go beyond."""
    scene = _scene(p, side)
    skin = _skin(scene, p, rng)
    image = skin + scene.inside * (_eyeball(scene, p) - skin)
    image *= 1.0 - _lid_edges(scene, p)
    image *= 1.0 - _lashes(scene, p, rng)
    image *= 1.0 - _brow(scene, p, rng)
    image *= _light(scene, p)
    image += _catch_light(scene, p)
    _cover_side(image, scene, p)
    _put_glasses_on(image, scene, p)
    return image


def _clouds(side: int, cells: tuple[int, int], rng: np.random.Generator) -> Plane:
    """Make smooth noise with about `cells` blotches down and across, mean 0, sigma about 0.7."""
    coarse = rng.standard_normal((cells[0] + 1, cells[1] + 1)).astype(np.float32)
    return cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)  # type: ignore[return-value]


def _skin(s: _Scene, p: EyeParameters, rng: np.random.Generator) -> Plane:
    """Paint the skin: folds, shading and blotches around a tone of 1, times the grey of the skin."""
    tone: Plane = np.float32(1.0) + _lid(s, p) + _bag(s, p) + _socket(s, p)
    side = s.u.shape[0]
    blotches = np.float32(0.07) * _clouds(side, (5, 5), rng) + np.float32(0.05) * _clouds(side, (15, 8), rng)
    tone += np.float32(p.skin_texture) * blotches
    tone *= np.float32(p.skin)
    return tone


def _lid(s: _Scene, p: EyeParameters) -> Plane:
    """Shade the upper lid: it shines where the eyeball lifts it, ends in the crease, and may be painted."""
    shut, above, lid = 1.0 - p.opening, s.upper - s.v, 2.0 * p.crease_height
    dome = _bump(s.u, 0.5) * _bump(above - np.float32(0.5 * lid + 0.25 * shut), 0.2 + 0.12 * shut)
    crease = above - np.float32(0.35 * lid) - np.float32(0.65 * lid + 0.18 * shut) * s.arch
    fold = _ramp(np.float32(0.9) - np.abs(s.u), 0.7) * _bump(crease, 0.045 + 0.05 * shut)
    reach = 2.0 * (p.aspect + p.crease_height) * (1.0 - 0.35 * p.opening)
    paint = _bump(s.u * s.u, 0.9) * _bump(np.maximum(above - 0.1, s.v - s.lower), reach)
    shine = np.float32(0.22 * p.lid_bulge) * dome - np.float32(0.32 * p.crease_strength) * fold
    return shine - np.float32(0.5 * p.makeup) * paint


def _bag(s: _Scene, p: EyeParameters) -> Plane:
    """Shade the fold below the eye, with the pad above it."""
    below = s.v - s.lower * np.float32(1.3)
    fold = np.float32(0.26) * _bump(below - np.float32(0.36), 0.13)
    fold -= np.float32(0.1) * _bump(below - np.float32(0.17), 0.08)
    return np.float32(-p.bag_strength) * _bump(s.u, 0.75) * fold


def _socket(s: _Scene, p: EyeParameters) -> Plane:
    """Shade the socket: the brow and the nose keep from it the light that the cheek catches."""
    cheek = _ramp(s.v - 0.1, 1.9) - np.float32(0.7)
    nose_side = _ramp(np.float32(p.nose) * s.u - 0.5, 1.6) * _bump(s.v + np.float32(0.35), 0.6)
    return np.float32(0.3 * p.socket_shadow) * (cheek - nose_side)


def _iris_center(p: EyeParameters) -> tuple[float, float]:
    """Give the ``u, v`` of the iris, which rests near the lower lid and shows its lower part in a narrow eye."""
    return 0.42 * p.gaze_x, 2.0 * p.lower_sag - 0.95 * p.iris_size + (0.18 * p.gaze_y - 0.02)


def _eyeball(s: _Scene, p: EyeParameters) -> Plane:
    """Paint sclera, iris and pupil, with the lid's shadow on top."""
    white = np.float32(p.sclera) * (1.0 - 0.45 * s.u * s.u)
    # The corner at the nose is flesh, not sclera.
    white -= np.float32(0.15 * abs(p.nose)) * _bump(s.u - np.float32(math.copysign(0.95, p.nose)), 0.12)
    u, v = _iris_center(p)
    du, dv = s.u - np.float32(u), s.v - np.float32(v)
    radius = np.sqrt(du * du + dv * dv)
    grey = 0.55 * (1.0 - p.iris_darkness) + 0.04
    rim = _bump(radius - np.float32(p.iris_size), 0.09)
    iris = np.float32(grey) * (1.0 - 0.5 * rim)
    iris += (np.float32(0.03) - iris) * _ramp(np.float32(p.iris_size * p.pupil) - radius, 2 * s.pixel + 0.04)
    ball = white + (iris - white) * _ramp(np.float32(p.iris_size) - radius, 2 * s.pixel + 0.06)
    shadow = _bump(np.maximum(s.v - s.upper, 0.0), 0.12)
    # Little light finds its way into a slit.
    return ball * (1.0 - 0.5 * shadow) * np.float32(min(1.0, 0.15 + 3.4 * p.opening))


def _lid_edges(s: _Scene, p: EyeParameters) -> Plane:
    """Cover both lid edges: a dark line above, thickest past the middle, a faint one below."""
    along = _ramp(np.float32(1.12) - np.abs(s.u), 0.3)
    width = np.float32(2.0 * p.lid_line_width) * (0.3 + 0.7 * s.arch) * (1.0 - np.float32(0.3 * p.nose) * s.u)
    width = np.maximum(width, np.float32(0.01))
    away = (s.v - s.upper + width * 0.2) / width
    upper = np.exp(-np.float32(0.9) * away * away) * along
    below = _bump(s.v - s.lower - np.float32(0.03), 0.06) * along
    return np.float32(p.lid_line_darkness) * np.maximum(upper, np.float32(0.35) * below)


def _lashes(s: _Scene, p: EyeParameters, rng: np.random.Generator) -> Plane:
    """Cover the upper lashes: they hang below a closed lid and rise, foreshortened, from an open one."""
    hang = 1.0 - min(1.0, p.opening / 0.3)
    length = np.float32(2.0 * p.lash_length * (0.45 + 0.55 * hang))
    if length <= 0 or p.lash_density <= 0:
        return np.zeros_like(s.u)
    reach = (s.v - s.upper) if hang > 0.5 else (s.upper - s.v)
    root = s.u - 0.5 * reach * s.u
    strand = rng.random(64).astype(np.float32)
    column = np.clip((root * 18.0 + 32.0).astype(np.int32), 0, 63)
    tips = length * (0.4 + 0.6 * strand[column]) * _ramp(np.float32(1.1) - np.abs(s.u), 0.4)
    cover = np.clip(1.0 - reach / np.maximum(tips, 1e-3), 0.0, 1.0) * (reach > 0)
    comb = 0.55 + 0.45 * np.sin(root * np.float32(28.0 + 14.0 * strand[1]) + strand[0] * 6.0)
    return np.float32(p.lash_density) * cover * comb


def _brow(s: _Scene, p: EyeParameters, rng: np.random.Generator) -> Plane:
    """Cover the brow: a tapering arch of hairs, thick towards the nose."""
    slope = math.tan(math.radians(p.brow_slant))
    middle = np.float32(slope) * s.u - np.float32(2.0 * p.brow_height) + 0.16 * s.u * s.u
    thick = np.float32(p.brow_thickness) * (1.0 + 0.35 * np.float32(p.nose) * s.u)
    thick = np.maximum(thick, np.float32(0.03))
    profile = _ramp(thick - np.abs(s.v - middle), 0.5)
    ends = _ramp(np.float32(1.5) - np.abs(s.u), 0.9)
    hair = 0.9 + 0.12 * _clouds(s.u.shape[0], (6, 18), rng)
    return np.clip(np.float32(p.brow_darkness) * profile * ends * hair, 0.0, 1.0)


def _light(s: _Scene, p: EyeParameters) -> Plane:
    """Compute the light over the face: a slope, as the face turns away from the lamp."""
    angle = math.radians(p.light_direction)
    towards = s.u * np.float32(math.cos(angle)) + s.v * np.float32(math.sin(angle))
    return 1.0 + np.float32(0.45 * p.light_strength) * np.tanh(towards)


def _catch_light(s: _Scene, p: EyeParameters) -> Plane:
    """Compute the lamp's image on the cornea, seen where the lids leave it free."""
    u, v = _iris_center(p)
    spot = _spot(s, u + p.catch_x * p.iris_size, v + p.catch_y * p.iris_size, 0.07)
    return np.float32(0.9 * p.catch_light) * s.inside * spot


def _cover_side(image: Plane, s: _Scene, p: EyeParameters) -> None:
    """Paint hair, nose or background over one side, in place."""
    if p.side_tone == 0.0:
        return
    angle = math.radians(p.side_angle)
    towards = s.u * np.float32(math.cos(angle)) + s.v * np.float32(math.sin(angle))
    cover = _ramp(towards - np.float32(2.0 * p.side_distance) + 0.1 * s.v * s.v, 0.45)
    target = p.skin + p.side_tone * (p.skin if p.side_tone < 0 else 1.0 - p.skin)
    image += cover * (np.float32(target) - image)


def _put_glasses_on(image: Plane, s: _Scene, p: EyeParameters) -> None:
    """Paint the frame, a rounded box a little away from the nose, and the lamp that the lens mirrors, in place."""
    if p.glasses > 0.0:
        across = (s.u + np.float32(0.3 * p.nose)) / np.float32(2.0 * p.glasses_size)
        down = (s.v - np.float32(2.0 * p.glasses_drop)) / np.float32(1.4 * p.glasses_size)
        across, height = across * across, down * down
        rim = np.sqrt(np.sqrt(across * across + height * height + 0.7 * across * height)) - 1.0
        # The upper rim carries the lens and is the thicker one.
        thick = np.float32(p.glasses) * (0.8 - 0.35 * np.clip(down, -1.0, 1.0)) / np.float32(p.glasses_size)
        frame = _ramp(thick - np.abs(rim), 3 * s.pixel)
        image += frame * (np.float32(p.glasses_tone) - image)
    if p.glare > 0.0:
        image += np.float32(p.glare) * _spot(s, p.glare_x, p.glare_y, 0.16) * (1.1 - image)


def _photograph(canvas: Plane, p: EyeParameters, size: int, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Turn the canvas into the image a camera would have stored."""
    small = cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA)
    if p.blur > 0.0:
        small = cv2.GaussianBlur(small, (0, 0), p.blur, borderType=cv2.BORDER_REPLICATE)
    if p.sharpen > 0.0:
        small = small + np.float32(p.sharpen) * (small - cv2.GaussianBlur(small, (0, 0), 1.0))
    mean = small.mean()
    grey = np.clip((small - mean) * p.contrast + mean + p.exposure, 0.0, 1.0) ** p.gamma
    grey = grey * 255.0 + p.noise * rng.standard_normal(grey.shape)
    image = np.clip(np.rint(grey), 0, 255).astype(np.uint8)
    if p.jpeg is None:
        return image
    _, code = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, p.jpeg])
    return np.asarray(cv2.imdecode(code, cv2.IMREAD_GRAYSCALE), dtype=np.uint8)
