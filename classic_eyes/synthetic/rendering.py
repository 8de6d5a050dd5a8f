"""Rendering of one eye: parameters become a grey image and its landmarks, painted in layers in float32."""

from __future__ import annotations

import math
import numbers
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from ..errors import ParameterError
from .parameters import EyeParameters, as_generator

__all__ = ["check_size", "render"]

_SIZES = (8, 512)
_CANVAS = 120  # about the side to paint at; finer than this no lash survives the reduction to 24 pixels

Plane = npt.NDArray[np.float32]


def check_size(size: object) -> int:
    """Return the side of an image as an int; raise ParameterError unless it is from 8 to 512."""
    low, high = _SIZES
    if isinstance(size, numbers.Integral) and not isinstance(size, bool) and low <= int(size) <= high:
        return int(size)
    raise ParameterError(
        f"size is {size!r}; allowed is a whole number of pixels from {low} to {high}; "
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
            f"parameters is {parameters!r}; allowed is an EyeParameters; "
            "make one with EyeParameters() or random_parameters()"
        )
    size, rng = check_size(size), as_generator(random_state)
    canvas = _paint(parameters, size * max(2, round(_CANVAS / size)), rng)
    return _photograph(canvas, parameters, size, rng), _landmarks(parameters, size)


class _Scene(NamedTuple):
    """Eye coordinates over the canvas, and planes that several layers need.

    `above` is the distance above the upper lid, `outside` the distance from the opening, negative between the lids.
    """

    u: Plane
    v: Plane
    abs_u: Plane
    arch: Plane
    lower: Plane
    above: Plane
    outside: Plane
    inside: Plane
    pixel: float

    def crop(self, rows: slice) -> _Scene:
        """Return whole rows: unlike boxes, they are contiguous, which is faster."""
        planes = (self.u, self.v, self.abs_u, self.arch, self.lower, self.above, self.outside, self.inside)
        u, v, abs_u, arch, lower, above, outside, inside = (plane[rows] for plane in planes)
        return _Scene(u, v, abs_u, arch, lower, above, outside, inside, self.pixel)


def _rows(mask: npt.NDArray[np.bool_]) -> slice:
    """Return the rows from the first to the last in which the mask is set anywhere."""
    # Searching bytes takes a sixth of the time of mask.any(axis=1).
    flat, width = mask.tobytes(), mask.shape[1]
    return slice(flat.find(1) // width, flat.rfind(1) // width + 1) if 1 in flat else slice(0, 0)


def _ramp(distance: Plane, width: float) -> Plane:
    """Rise from 0 to 1 while `distance` goes from ``-width / 2`` to ``width / 2``; overwrites `distance`."""
    distance *= np.float32(1.0 / width)
    distance += np.float32(0.5)
    return distance.clip(0.0, 1.0, out=distance)


def _bump(distance: Plane, width: float, out: Plane | None = None) -> Plane:
    """Fall off smoothly from 1 at distance 0: half of it is left at `width`, little at two of them."""
    scaled: Plane = np.multiply(distance, np.float32(0.83 / width), out=out)
    scaled *= scaled
    np.negative(scaled, out=scaled)
    return np.exp(scaled, out=scaled)


def _spot(s: _Scene, u: float, v: float, width: float) -> Plane:
    """Fall off like `_bump` around a point."""
    du, dv = s.u - np.float32(u), s.v - np.float32(v)
    for plane in (du, dv):
        plane *= np.float32(0.83 / width)
        plane *= plane
    du += dv
    np.negative(du, out=du)
    return np.exp(du, out=du)


def _hood(u: Plane) -> Plane:
    """Return ``1 - u^2`` between the corners and 0 beyond: the shape of both lids."""
    hood = u * u
    np.subtract(1.0, hood, out=hood)
    return hood.clip(0.0, 1.0, out=hood)


def _arch(u: Plane, hood: Plane, p: EyeParameters) -> Plane:
    """Return the height of the upper lid above the lower one, at most about 1, 0 beyond the corners."""
    peak = np.float32(p.lid_peak) * u
    peak += 1.0
    peak *= hood ** np.float32(p.lid_roundness)
    return peak


def _landmarks(p: EyeParameters, size: int) -> npt.NDArray[np.float32]:
    """Compute the six points from the same curves that the layers are painted along."""
    u = np.array([-1.0, -1 / 3, 1 / 3, 1.0, 1 / 3, -1 / 3], np.float32)
    hood = _hood(u)
    v = np.float32(2.0 * p.lower_sag) * hood
    v[1:3] -= np.float32(2.0 * p.aspect * p.opening) * _arch(u[1:3], hood[1:3], p)
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
    hood = _hood(u)
    arch = _arch(u, hood, p)
    lower = np.float32(2.0 * p.lower_sag) * hood
    above = np.float32(2.0 * p.aspect * p.opening) * arch
    np.subtract(lower, above, out=above)
    above -= v
    outside = v - lower
    np.maximum(outside, above, out=outside)
    pixel = 1.0 / half
    inside = outside * np.float32(-1.0 / pixel)
    inside.clip(0.0, 1.0, out=inside)
    return _Scene(u, v, np.abs(u), arch, lower, above, outside, inside, pixel)


def _paint(p: EyeParameters, side: int, rng: np.random.Generator) -> Plane:
    """Paint all layers; values are reflectance times light, 0 black, 1 white, and may go beyond."""
    scene = _scene(p, side)
    image = _skin(scene, p, rng)
    open_rows = _rows(scene.inside > 0)
    opening = scene.crop(open_rows)
    if open_rows.stop:
        ball = _eyeball(opening, p)
        ball -= image[open_rows]
        ball *= opening.inside
        image[open_rows] += ball
    _darken_lid_edges(image, scene, p)
    _darken_lashes(image, scene, p, rng)
    _darken_brow(image, scene, p, rng)
    image *= _light(scene, p)
    if open_rows.stop and p.catch_light > 0.0:
        image[open_rows] += _catch_light(opening, p)
    _cover_side(image, scene, p)
    _put_glasses_on(image, scene, p)
    return image


def _clouds(side: int, cells: tuple[int, int], rng: np.random.Generator) -> Plane:
    """Make smooth noise with about `cells` blotches down and across, mean 0, sigma about 0.7."""
    coarse = rng.standard_normal((cells[0] + 1, cells[1] + 1)).astype(np.float32)
    return cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)  # type: ignore[return-value]


def _skin(s: _Scene, p: EyeParameters, rng: np.random.Generator) -> Plane:
    """Paint the skin: folds, shading and blotches around a tone of 1, times the grey of the skin."""
    tone = _lid(s, p)
    tone += np.float32(1.0)
    tone += _bag(s, p)
    tone += _socket(s, p)
    side = s.u.shape[0]
    blotches, fine = _clouds(side, (5, 5), rng), _clouds(side, (15, 8), rng)
    blotches *= np.float32(0.07)
    fine *= np.float32(0.05)
    blotches += fine
    blotches *= np.float32(p.skin_texture)
    tone += blotches
    tone *= np.float32(p.skin)
    return tone


def _lid(s: _Scene, p: EyeParameters) -> Plane:
    """Shade the upper lid: it shines where the eyeball lifts it, ends in the crease, and may be painted."""
    shut, lid = 1.0 - p.opening, 2.0 * p.crease_height
    dome = _bump(s.u, 0.5)
    lifted = s.above - np.float32(0.5 * lid + 0.25 * shut)
    dome *= _bump(lifted, 0.2 + 0.12 * shut, out=lifted)
    crease = s.above - np.float32(0.35 * lid)
    crease -= np.float32(0.65 * lid + 0.18 * shut) * s.arch
    fold = _ramp(np.float32(0.9) - s.abs_u, 0.7)
    fold *= _bump(crease, 0.045 + 0.05 * shut, out=crease)
    reach = 2.0 * (p.aspect + p.crease_height) * (1.0 - 0.35 * p.opening)
    paint = s.u * s.u
    _bump(paint, 0.9, out=paint)
    away = s.above - np.float32(0.1)
    np.maximum(away, s.v - s.lower, out=away)
    paint *= _bump(away, reach, out=away)
    dome *= np.float32(0.22 * p.lid_bulge)
    fold *= np.float32(0.32 * p.crease_strength)
    paint *= np.float32(0.5 * p.makeup)
    dome -= fold
    dome -= paint
    return dome


def _bag(s: _Scene, p: EyeParameters) -> Plane:
    """Shade the fold below the eye, with the pad above it."""
    below = s.lower * np.float32(1.3)
    np.subtract(s.v, below, out=below)
    fold = below - np.float32(0.36)
    _bump(fold, 0.13, out=fold)
    fold *= np.float32(0.26)
    below -= np.float32(0.17)
    _bump(below, 0.08, out=below)
    below *= np.float32(0.1)
    fold -= below
    bag = _bump(s.u, 0.75)
    bag *= np.float32(-p.bag_strength)
    bag *= fold
    return bag


def _socket(s: _Scene, p: EyeParameters) -> Plane:
    """Shade the socket: the brow and the nose keep from it the light that the cheek catches."""
    socket = _ramp(s.v - np.float32(0.1), 1.9)
    socket -= np.float32(0.7)
    towards_nose = np.float32(p.nose) * s.u
    towards_nose -= np.float32(0.5)
    nose_side = _ramp(towards_nose, 1.6)
    height = s.v + np.float32(0.35)
    nose_side *= _bump(height, 0.6, out=height)
    socket -= nose_side
    socket *= np.float32(0.3 * p.socket_shadow)
    return socket


def _iris_center(p: EyeParameters) -> tuple[float, float]:
    """Return the ``u, v`` of the iris, which rests near the lower lid and shows its lower part in a narrow eye."""
    return 0.42 * p.gaze_x, 2.0 * p.lower_sag - 0.95 * p.iris_size + (0.18 * p.gaze_y - 0.02)


def _eyeball(s: _Scene, p: EyeParameters) -> Plane:
    """Paint sclera, iris and pupil, with the lid's shadow on top."""
    ball = np.float32(p.sclera) * (1.0 - 0.45 * s.u * s.u)
    # The corner at the nose is flesh, not sclera.
    ball -= np.float32(0.15 * abs(p.nose)) * _bump(s.u - np.float32(math.copysign(0.95, p.nose)), 0.12)
    u, v = _iris_center(p)
    du, dv = s.u - np.float32(u), s.v - np.float32(v)
    radius = np.sqrt(du * du + dv * dv)
    grey = 0.55 * (1.0 - p.iris_darkness) + 0.04
    rim = _bump(radius - np.float32(p.iris_size), 0.09)
    iris = np.float32(grey) * (1.0 - 0.5 * rim)
    iris += (np.float32(0.03) - iris) * _ramp(np.float32(p.iris_size * p.pupil) - radius, 2 * s.pixel + 0.04)
    ball += (iris - ball) * _ramp(np.float32(p.iris_size) - radius, 2 * s.pixel + 0.06)
    shadow = _bump(s.above.clip(-np.inf, 0.0), 0.12)
    ball *= 1.0 - 0.5 * shadow
    # Little light finds its way into a slit.
    ball *= np.float32(min(1.0, 0.15 + 3.4 * p.opening))
    return ball


def _darken_lid_edges(image: Plane, scene: _Scene, p: EyeParameters) -> None:
    """Paint both lid edges, in place: a dark line above, thickest past the middle, a faint one below."""
    widest = 2.0 * p.lid_line_width * (1.0 + abs(p.lid_peak)) * (1.0 + 0.4 * abs(p.nose))
    # Farther out both lines are below exp(-18), too faint to change a float32 near 1.
    rows = _rows((scene.outside < max(5.0 * widest, 0.35)) & (scene.abs_u < 1.28))
    s = scene.crop(rows)
    along = _ramp(np.float32(1.12) - s.abs_u, 0.3)
    width = np.float32(2.0 * p.lid_line_width) * (0.3 + 0.7 * s.arch) * (1.0 - np.float32(0.3 * p.nose) * s.u)
    width.clip(0.01, np.inf, out=width)
    away = (s.above - width * np.float32(0.2)) / width
    edge = np.float32(-0.9) * away
    edge *= away
    np.exp(edge, out=edge)
    edge *= along
    lower = s.v - s.lower
    lower -= np.float32(0.03)
    _bump(lower, 0.06, out=lower)
    lower *= along
    lower *= np.float32(0.35)
    np.maximum(edge, lower, out=edge)
    edge *= np.float32(p.lid_line_darkness)
    image[rows] *= 1.0 - edge


def _darken_lashes(image: Plane, scene: _Scene, p: EyeParameters, rng: np.random.Generator) -> None:
    """Paint the upper lashes, in place: they hang below a closed lid and rise, foreshortened, from an open one."""
    hang = 1.0 - min(1.0, p.opening / 0.3)
    length = np.float32(2.0 * p.lash_length * (0.45 + 0.55 * hang))
    if length <= 0 or p.lash_density <= 0:
        return
    strand = rng.random(64).astype(np.float32)
    reach = -scene.above if hang > 0.5 else scene.above
    rows = _rows((reach > 0) & (reach < max(float(length), 1e-3)))
    reach, s = reach[rows], scene.crop(rows)
    root = s.u - 0.5 * reach * s.u
    column = (root * 18.0 + 32.0).astype(np.int32)
    tips = (length * (0.4 + 0.6 * strand)).take(column, mode="clip")
    tips *= _ramp(np.float32(1.1) - s.abs_u, 0.4)
    cover = reach / tips.clip(1e-3, np.inf, out=tips)
    np.subtract(1.0, cover, out=cover)
    cover.clip(0.0, 1.0, out=cover)
    cover *= reach > 0
    comb = 0.55 + 0.45 * np.sin(root * np.float32(28.0 + 14.0 * strand[1]) + strand[0] * 6.0)
    cover *= np.float32(p.lash_density)
    cover *= comb
    image[rows] *= 1.0 - cover


def _darken_brow(image: Plane, scene: _Scene, p: EyeParameters, rng: np.random.Generator) -> None:
    """Paint the brow, in place: a tapering arch of hairs, thick towards the nose."""
    hair = _clouds(len(image), (6, 18), rng)
    middle = np.float32(math.tan(math.radians(p.brow_slant))) * scene.u
    middle -= np.float32(2.0 * p.brow_height)
    curve = 0.16 * scene.u
    curve *= scene.u
    middle += curve
    middle -= scene.v
    thick = (0.35 * np.float32(p.nose)) * scene.u
    thick += 1.0
    thick *= np.float32(p.brow_thickness)
    thick.clip(0.03, np.inf, out=thick)
    thick -= np.abs(middle, out=middle)
    rows = _rows(thick > -0.25)
    cover = _ramp(thick[rows], 0.5)
    cover *= np.float32(p.brow_darkness)
    cover *= _ramp(np.float32(1.5) - scene.abs_u[rows], 0.9)
    cover *= 0.9 + 0.12 * hair[rows]
    cover.clip(0.0, 1.0, out=cover)
    image[rows] *= 1.0 - cover


def _light(s: _Scene, p: EyeParameters) -> Plane:
    """Compute the light over the face: a slope, as the face turns away from the lamp."""
    light = _towards(s, p.light_direction)
    np.tanh(light, out=light)
    light *= np.float32(0.45 * p.light_strength)
    light += 1.0
    return light


def _towards(s: _Scene, degrees: float) -> Plane:
    """Return how far each point lies in a direction from the middle of the eye."""
    angle = math.radians(degrees)
    towards = s.u * np.float32(math.cos(angle))
    towards += s.v * np.float32(math.sin(angle))
    return towards


def _catch_light(s: _Scene, p: EyeParameters) -> Plane:
    """Compute the lamp's image on the cornea, seen where the lids leave it free."""
    u, v = _iris_center(p)
    spot = _spot(s, u + p.catch_x * p.iris_size, v + p.catch_y * p.iris_size, 0.07)
    return np.float32(0.9 * p.catch_light) * s.inside * spot


def _cover_side(image: Plane, s: _Scene, p: EyeParameters) -> None:
    """Paint hair, nose or background over one side, in place."""
    if p.side_tone == 0.0:
        return
    beyond = _towards(s, p.side_angle) - np.float32(2.0 * p.side_distance)
    cover = _ramp(beyond + 0.1 * s.v * s.v, 0.45)
    target = p.skin + p.side_tone * (p.skin if p.side_tone < 0 else 1.0 - p.skin)
    image += cover * (np.float32(target) - image)


def _put_glasses_on(image: Plane, s: _Scene, p: EyeParameters) -> None:
    """Paint the frame, a rounded box a little away from the nose, and the reflection of a lamp, in place."""
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
