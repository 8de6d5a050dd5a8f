"""The parameters of a synthetic eye: their legal ranges, and random ones as in web photographs and infrared frames."""

from __future__ import annotations

import dataclasses
import math
import numbers
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ParameterError

__all__ = [
    "EyeParameters",
    "OPEN_THRESHOLD",
    "RANGES",
    "as_generator",
    "check_number",
    "draw_opening",
    "harder",
    "random_parameters",
]

OPEN_THRESHOLD = 0.15
"""An eye is labelled open if its ``opening`` is above this."""

RANGES: dict[str, tuple[float, float]] = {
    "opening": (0.0, 1.0),
    "gaze_x": (-1.0, 1.0),
    "gaze_y": (-1.0, 1.0),
    "eye_width": (0.3, 1.3),
    "center_x": (0.2, 0.8),
    "center_y": (0.2, 0.8),
    "tilt": (-45.0, 45.0),
    "nose": (-1.0, 1.0),
    "aspect": (0.2, 0.7),
    "lid_roundness": (0.4, 1.5),
    "lid_peak": (-0.4, 0.4),
    "lower_sag": (0.0, 0.3),
    "lid_line_width": (0.01, 0.2),
    "lid_line_darkness": (0.0, 1.0),
    "crease_height": (0.0, 0.4),
    "crease_strength": (0.0, 1.0),
    "lid_bulge": (0.0, 1.0),
    "bag_strength": (0.0, 1.0),
    "makeup": (0.0, 1.0),
    "lash_length": (0.0, 0.3),
    "lash_density": (0.0, 1.0),
    "brow_height": (0.15, 1.2),
    "brow_thickness": (0.02, 0.4),
    "brow_darkness": (0.0, 1.0),
    "brow_slant": (-30.0, 30.0),
    "skin": (0.0, 1.0),
    "skin_texture": (0.0, 1.0),
    "iris_darkness": (0.0, 1.0),
    "iris_size": (0.2, 0.6),
    "pupil": (0.1, 0.9),
    "sclera": (0.0, 1.0),
    "catch_light": (0.0, 1.0),
    "catch_x": (-1.0, 1.0),
    "catch_y": (-1.0, 1.0),
    "light_direction": (-180.0, 180.0),
    "light_strength": (0.0, 1.0),
    "socket_shadow": (0.0, 1.0),
    "side_tone": (-1.0, 1.0),
    "side_distance": (0.2, 1.5),
    "side_angle": (-180.0, 180.0),
    "glasses": (0.0, 0.15),
    "glasses_tone": (0.0, 1.0),
    "glasses_size": (0.4, 1.5),
    "glasses_drop": (-0.5, 0.5),
    "glare": (0.0, 1.0),
    "glare_x": (-1.0, 1.0),
    "glare_y": (-1.0, 1.0),
    "blur": (0.0, 10.0),
    "sharpen": (0.0, 3.0),
    "contrast": (0.05, 3.0),
    "exposure": (-1.0, 1.0),
    "gamma": (0.3, 3.0),
    "noise": (0.0, 60.0),
    "jpeg": (5.0, 100.0),
}
"""Lowest and highest legal value of every field of `EyeParameters`, both included."""
# Least height of a hard open eye, in eye widths: a lower one looks like a lid line at 24 pixels.
_LEAST_HEIGHT = 0.1
# Ranges of the lids of hard eyes, by whether the eye is open.
_HARD_LIDS = {
    False: {
        "lid_roundness": (0.5, 1.3),
        "lower_sag": (0.0, 0.18),
        "lid_line_width": (0.04, 0.14),
        "lid_line_darkness": (0.5, 1.0),
        "lash_length": (0.05, 0.25),
        "lash_density": (0.3, 1.0),
        "makeup": (0.0, 1.0),
        "bag_strength": (0.2, 1.0),
        "crease_strength": (0.2, 1.0),
        "skin_texture": (0.0, 1.0),
    },
    True: {
        "lash_length": (0.02, 0.2),
        "lash_density": (0.2, 1.0),
        "lid_line_width": (0.02, 0.09),
        "bag_strength": (0.0, 1.0),
        "skin_texture": (0.0, 1.0),
    },
}


@dataclass(frozen=True)
class EyeParameters:
    """Parameters of a synthetic eye: all that the image depends on, apart from its size and the seed of its textures.

    Lengths are in eye widths, the distance between the two corners of the eye, unless another unit is given. Greys
    run from 0 (black) to 1 (white), strengths from 0 (none) to 1 (strong). Angles are in degrees and turn clockwise
    as seen, as rows count downwards.

    Parameters
    ----------
    opening : float, default=0.8
        How far the lids are apart, as a share of the full opening, 0 (closed) to 1 (wide).
    gaze_x : float, default=0.0
        Where the eye looks across the image, -1 (left) to 1 (right).
    gaze_y : float, default=0.0
        Where the eye looks down the image, -1 (up) to 1 (down).
    eye_width : float, default=0.8
        Distance between the corners as a share of the side of the image, 0.3 to 1.3.
    center_x : float, default=0.5
        Middle between the corners, as a share of the side from the left, 0.2 to 0.8.
    center_y : float, default=0.47
        Middle between the corners, as a share of the side from the top, 0.2 to 0.8.
    tilt : float, default=0.0
        Angle of the line through the corners, degrees, -45 to 45.
    nose : float, default=-1.0
        On which side the nose lies, -1 (left) to 1 (right); 0 is neither.
    aspect : float, default=0.42
        Height of the full opening in eye widths, 0.2 to 0.7.
    lid_roundness : float, default=0.8
        Exponent of the upper lid's arch, 0.4 (boxy) to 1.5 (pointed).
    lid_peak : float, default=0.0
        How far the highest point of the upper lid moves to a side, -0.4 (left) to 0.4 (right).
    lower_sag : float, default=0.1
        Depth of the lower lid below the line through the corners, 0 to 0.3 eye widths.
    lid_line_width : float, default=0.05
        Thickness of the dark edge of the upper lid, 0.01 to 0.2 eye widths.
    lid_line_darkness : float, default=0.7
        Strength of that edge, 0 to 1.
    crease_height : float, default=0.13
        Distance of the crease from the edge of the upper lid, 0 to 0.4 eye widths.
    crease_strength : float, default=0.5
        Strength of the crease, 0 to 1.
    lid_bulge : float, default=0.4
        How much the lid shines where the eyeball lifts it, 0 to 1.
    bag_strength : float, default=0.3
        Strength of the fold below the eye, 0 to 1.
    makeup : float, default=0.0
        Darkness of make-up, or of tired skin, around the lids, 0 to 1.
    lash_length : float, default=0.08
        Length of the upper lashes, 0 to 0.3 eye widths.
    lash_density : float, default=0.4
        How much of the skin the lashes cover, 0 to 1.
    brow_height : float, default=0.5
        Distance of the middle of the brow above the corners, 0.15 to 1.2 eye widths.
    brow_thickness : float, default=0.13
        Thickness of the brow, 0.02 to 0.4 eye widths.
    brow_darkness : float, default=0.6
        Strength of the brow, 0 to 1.
    brow_slant : float, default=0.0
        Angle of the brow against the line through the corners, degrees, -30 to 30.
    skin : float, default=0.6
        Grey of the skin, 0 to 1.
    skin_texture : float, default=0.3
        Strength of blotches and fine lines, 0 to 1.
    iris_darkness : float, default=0.7
        How dark the iris is, 0 to 1.
    iris_size : float, default=0.4
        Diameter of the iris, 0.2 to 0.6 eye widths.
    pupil : float, default=0.4
        Diameter of the pupil as a share of the iris, 0.1 to 0.9.
    sclera : float, default=0.75
        Grey of the white of the eye before the lids shade it, 0 to 1.
    catch_light : float, default=0.5
        Strength of the lamp mirrored in the eye, 0 to 1.
    catch_x : float, default=0.3
        Its place across the iris, -1 (left rim) to 1 (right rim).
    catch_y : float, default=-0.3
        Its place down the iris, -1 (upper rim) to 1 (lower rim).
    light_direction : float, default=-90.0
        Where the light comes from, degrees, -180 to 180: 0 right, 90 below, -90 above.
    light_strength : float, default=0.3
        How uneven the light is, 0 to 1.
    socket_shadow : float, default=0.4
        Strength of the shadow between brow and nose, 0 to 1.
    side_tone : float, default=0.0
        Grey of hair, nose or background at the edge of the image against the skin, -1 (black) to 1 (white).
    side_distance : float, default=1.0
        Where it begins, 0.2 to 1.5 eye widths from the middle of the eye.
    side_angle : float, default=0.0
        On which side it lies, degrees, -180 to 180: 0 right, 90 below.
    glasses : float, default=0.0
        Thickness of the frame of the glasses, 0 (no glasses) to 0.15 eye widths.
    glasses_tone : float, default=0.1
        Grey of the frame, 0 to 1.
    glasses_size : float, default=0.8
        Half the width of the lens, 0.4 to 1.5 eye widths; its height is 0.7 of its width.
    glasses_drop : float, default=0.1
        How far the middle of the lens lies below the corners, -0.5 to 0.5 eye widths.
    glare : float, default=0.0
        Strength of a lamp mirrored in the glasses, 0 to 1; it shows without a frame too.
    glare_x : float, default=0.3
        Its place across the eye, -1 (left corner) to 1 (right corner).
    glare_y : float, default=-0.3
        Its place down the eye, half eye widths from the line through the corners, -1 (above) to 1 (below).
    blur : float, default=0.6
        Sigma of the Gaussian blur, 0 to 10 pixels of the finished image.
    sharpen : float, default=0.3
        Strength of the camera's unsharp mask, sigma 1 pixel of the finished image, 0 to 3.
    contrast : float, default=1.0
        Factor on the differences from the image's mean grey, 0.05 to 3.
    exposure : float, default=0.0
        Grey added after that, -1 to 1.
    gamma : float, default=1.0
        Exponent on the grey from 0 to 1; above 1 darkens, 0.3 to 3.
    noise : float, default=2.0
        Sigma of the camera's noise, 0 to 60 grey levels of 255.
    jpeg : int or None, default=None
        Quality of a JPEG round trip, 5 to 100; None skips it.

    Attributes
    ----------
    label : int
        1 (open) if ``opening`` is above `OPEN_THRESHOLD`, else 0 (closed).
    eye_aspect_ratio : float
        The ratio of Soukupova and Cech, ``opening * aspect * (8 / 9) ** lid_roundness``.

    Raises
    ------
    ParameterError
        If a field is not a finite number, or outside its range in `RANGES`.

    References
    ----------
    T. Soukupova and J. Cech, "Real-Time Eye Blink Detection using Facial Landmarks", 21st Computer Vision Winter
    Workshop, Rimske Toplice, Slovenia, 2016.

    Examples
    --------
    >>> from classic_eyes.synthetic import EyeParameters
    >>> EyeParameters(opening=0.5).label, EyeParameters(opening=0.0).label
    (1, 0)
    >>> round(EyeParameters(opening=1.0, aspect=0.45, lid_roundness=1.0).eye_aspect_ratio, 3)
    0.4
    """

    opening: float = 0.8
    gaze_x: float = 0.0
    gaze_y: float = 0.0
    eye_width: float = 0.8
    center_x: float = 0.5
    center_y: float = 0.47
    tilt: float = 0.0
    nose: float = -1.0
    aspect: float = 0.42
    lid_roundness: float = 0.8
    lid_peak: float = 0.0
    lower_sag: float = 0.1
    lid_line_width: float = 0.05
    lid_line_darkness: float = 0.7
    crease_height: float = 0.13
    crease_strength: float = 0.5
    lid_bulge: float = 0.4
    bag_strength: float = 0.3
    makeup: float = 0.0
    lash_length: float = 0.08
    lash_density: float = 0.4
    brow_height: float = 0.5
    brow_thickness: float = 0.13
    brow_darkness: float = 0.6
    brow_slant: float = 0.0
    skin: float = 0.6
    skin_texture: float = 0.3
    iris_darkness: float = 0.7
    iris_size: float = 0.4
    pupil: float = 0.4
    sclera: float = 0.75
    catch_light: float = 0.5
    catch_x: float = 0.3
    catch_y: float = -0.3
    light_direction: float = -90.0
    light_strength: float = 0.3
    socket_shadow: float = 0.4
    side_tone: float = 0.0
    side_distance: float = 1.0
    side_angle: float = 0.0
    glasses: float = 0.0
    glasses_tone: float = 0.1
    glasses_size: float = 0.8
    glasses_drop: float = 0.1
    glare: float = 0.0
    glare_x: float = 0.3
    glare_y: float = -0.3
    blur: float = 0.6
    sharpen: float = 0.3
    contrast: float = 1.0
    exposure: float = 0.0
    gamma: float = 1.0
    noise: float = 2.0
    jpeg: int | None = None

    def __post_init__(self) -> None:
        for name, (low, high) in RANGES.items():
            value = getattr(self, name)
            if name == "jpeg":
                if value is not None:
                    _check_quality(value)
            # Asking for the type first costs a tenth of a full check, and nearly all values are legal floats.
            elif type(value) is not float or not low <= value <= high:
                check_number(name, value)

    @property
    def label(self) -> int:  # numpydoc ignore=RT01
        """1 (open) if the opening is above `OPEN_THRESHOLD`, else 0 (closed)."""
        return int(self.opening > OPEN_THRESHOLD)

    @property
    def eye_aspect_ratio(self) -> float:  # numpydoc ignore=RT01
        """The eye aspect ratio of the synthetic landmarks, in closed form."""
        return self.opening * self.aspect * (8 / 9) ** self.lid_roundness


def check_number(name: str, value: object) -> None:
    """Raise ParameterError unless `value` is a number that `RANGES` allows for the field `name`."""
    low, high = RANGES[name]
    number = isinstance(value, numbers.Real) and not isinstance(value, bool | np.bool_)
    # Written so that NaN, which compares false with everything, is refused too.
    if not (number and low <= float(value) <= high):  # type: ignore[arg-type]
        remedy = "RANGES in classic_eyes.synthetic lists what every field allows"
        raise ParameterError(f"{name} is {value!r}; allowed is a number from {low:g} to {high:g}; {remedy}")


def _check_quality(value: object) -> None:
    """Raise ParameterError unless `value` is a legal JPEG quality."""
    low, high = RANGES["jpeg"]
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not (whole and low <= int(value) <= high):  # type: ignore[call-overload]
        message = f"jpeg is {value!r}; allowed is None or a whole number from {low:g} to {high:g}"
        raise ParameterError(f"{message}; None skips the compression")


def as_generator(random_state: object) -> np.random.Generator:
    """Return a generator as it is, or a new one seeded with an integer of at least 0."""
    if isinstance(random_state, np.random.Generator):
        return random_state
    if isinstance(random_state, numbers.Integral) and not isinstance(random_state, bool) and int(random_state) >= 0:
        return np.random.default_rng(int(random_state))
    raise ParameterError(
        f"random_state is {random_state!r}; allowed is a whole number of at least 0 or a numpy.random.Generator; "
        "pass a fixed number for the same images every time"
    )


def random_parameters(opening: float | None = None, *, random_state: int | np.random.Generator) -> EyeParameters:
    """Draw the parameters of an eye, distributed as in small web photographs and infrared frames.

    1. Without `opening`, draw open or closed with equal probability, then the opening: closed 0 to 0.05, open 0.25
       to 1.
    2. Draw the alignment, the face, the eye, the light, the glasses and the camera. They are independent of each
       other, except that make-up brings longer lashes and darker lids, and that open and closed eyes differ in place.

    Parameters
    ----------
    opening : float or None, default=None
        The opening to use, 0 to 1; None draws one outside 0.05 to 0.25.
    random_state : int or numpy.random.Generator
        Seed, or the generator to draw from.

    Returns
    -------
    EyeParameters
        Legal parameters.

    Raises
    ------
    ParameterError
        If `opening` or `random_state` is not as described.

    Examples
    --------
    >>> from classic_eyes.synthetic import random_parameters
    >>> random_parameters(0.0, random_state=0).label
    0
    >>> random_parameters(random_state=5) == random_parameters(random_state=5)
    True
    """
    rng = as_generator(random_state)
    if opening is None:
        opening = draw_opening(rng, bool(rng.random() < 0.5))
    check_number("opening", opening)
    drawn = {"opening": float(opening)}
    for draw in (_alignment, _lids, _face, _eyeball, _light, _glasses, _camera):
        drawn |= draw(rng, opening > OPEN_THRESHOLD)
    inside = {name: _inside(name, value) for name, value in drawn.items()}
    quality = int(rng.integers(40, 96)) if rng.random() < 0.8 else None
    return EyeParameters(**inside, jpeg=quality)


def _inside(name: str, value: float) -> float:
    """Clip a drawn value to the legal range of its field."""
    low, high = RANGES[name]
    return min(max(float(value), low), high)


def draw_opening(rng: np.random.Generator, is_open: bool) -> float:
    """Draw an unambiguous opening: 0.25 to 1 for an open eye, 0 to 0.05 for a closed one, often exactly 0."""
    if is_open:
        return float(0.25 + 0.75 * rng.beta(3.4, 1.2))
    return float(max(0.0, rng.uniform(-0.05, 0.05)))


def harder(parameters: EyeParameters, *, random_state: int | np.random.Generator) -> EyeParameters:
    """Change an eye to one of the same label that is harder to classify.

    1. 50% of the eyes get a narrow shape.
    2. Open eyes are half open more often, with the lids at least a tenth of the eye's width apart. Closed ones may
       keep a slit of up to 0.09 of the full opening.
    3. 50% are seen in dim infrared light: low contrast, a light iris and a grey sclera.
    4. 60% get other lids: tilted, painted, folded, with thick lashes.

    Parameters
    ----------
    parameters : EyeParameters
        The eye.
    random_state : int or numpy.random.Generator
        Seed, or the generator to draw from.

    Returns
    -------
    EyeParameters
        Legal parameters; fields that are not drawn again keep their values.

    Raises
    ------
    ParameterError
        If `random_state` is not as described.

    Examples
    --------
    >>> from classic_eyes.synthetic import EyeParameters, harder
    >>> harder(EyeParameters(opening=0.9), random_state=0).label, harder(EyeParameters(opening=0), random_state=0).label
    (1, 0)
    """
    rng = as_generator(random_state)
    is_open = bool(parameters.label)
    drawn = {"aspect": rng.uniform(0.2, 0.43) if rng.random() < 0.5 else parameters.aspect}
    drawn["opening"] = _hard_opening(rng, drawn["aspect"], is_open)
    for share, draw in ((0.5, _infrared), (0.6, _hard_lids)):
        if rng.random() < share:
            drawn |= draw(rng, is_open)
    changes: dict[str, Any] = {name: _inside(name, value) for name, value in drawn.items()}
    return dataclasses.replace(parameters, **changes)


def _hard_opening(rng: np.random.Generator, aspect: float, is_open: bool) -> float:
    """Draw an opening closer to the other label than `draw_opening` does."""
    if is_open:
        return float(max(0.25 + 0.75 * rng.beta(2.0, 1.2), _LEAST_HEIGHT / aspect))
    return float(max(0.0, rng.uniform(-0.05, 0.09)))


def _infrared(rng: np.random.Generator, is_open: bool) -> dict[str, float]:
    """Draw eyeball and camera as in dim infrared light."""
    return {
        "sclera": rng.normal(0.52, 0.1),
        "iris_darkness": rng.uniform(0.4, 0.95),
        "catch_light": rng.uniform(0.3, 1.0) if rng.random() < 0.5 else 0.0,
        "blur": 0.4 + min(rng.gamma(1.6, 0.25), 1.0),
        "sharpen": rng.uniform(0.0, 0.6),
        "contrast": rng.uniform(0.35, 0.9),
        "noise": rng.uniform(0.0, 2.0),
    }


def _hard_lids(rng: np.random.Generator, is_open: bool) -> dict[str, float]:
    """Draw lids that are tilted, painted or folded."""
    tilt = rng.normal(0.0, 10.0 if is_open else 13.0)
    return {"tilt": tilt} | {name: rng.uniform(*limits) for name, limits in _HARD_LIDS[is_open].items()}


def _alignment(rng: np.random.Generator, is_open: bool) -> dict[str, float]:
    """Draw the place of the eye: as from a detector, near the middle of the image."""
    return {
        "eye_width": rng.normal(0.75 if is_open else 0.71, 0.08),
        "center_x": rng.normal(0.5, 0.05 if is_open else 0.075),
        "center_y": rng.normal(0.52 if is_open else 0.46, 0.045),
        "tilt": rng.normal(0.0, 7.0),
        "nose": (-1.0, 1.0)[rng.integers(2)] * rng.uniform(0.3, 1.0),
    }


def _lids(rng: np.random.Generator, is_open: bool) -> dict[str, float]:
    """Draw lids and lashes; make-up brings both long lashes and dark lids."""
    painted = rng.random() < 0.25
    return {
        "aspect": rng.normal(0.43, 0.045),
        "lid_roundness": rng.uniform(0.6, 1.1),
        "lid_peak": rng.normal(0.0, 0.12),
        "lower_sag": rng.uniform(0.04, 0.14) if is_open else max(0.0, rng.normal(0.06, 0.045)),
        "lid_line_width": rng.uniform(0.025, 0.06 if is_open else 0.09) + 0.02 * painted,
        "lid_line_darkness": rng.uniform(0.5, 0.8) + 0.1 * painted,
        "crease_height": rng.uniform(0.06, 0.18),
        "crease_strength": rng.uniform(0.0, 0.9 if is_open else 0.6),
        "lid_bulge": rng.uniform(0.1, 1.0),
        "bag_strength": rng.uniform(0.0, 0.7),
        "makeup": rng.uniform(0.3, 0.9) if painted else rng.uniform(0.0, 0.4),
        "lash_length": rng.uniform(0.02, 0.12) + 0.06 * painted,
        "lash_density": rng.uniform(0.2, 0.7) + 0.3 * painted,
    }


def _face(rng: np.random.Generator, is_open: bool) -> dict[str, float]:
    """Draw brow and skin."""
    return {
        "brow_height": rng.normal(0.53 if is_open else 0.64, 0.1),
        "brow_thickness": rng.uniform(0.08, 0.26),
        "brow_darkness": rng.uniform(0.1, 0.9),
        "brow_slant": rng.normal(0.0, 7.0),
        "skin": 0.3 + 0.5 * rng.beta(2.0, 1.5),
        "skin_texture": rng.uniform(0.0, 0.8),
    }


def _eyeball(rng: np.random.Generator, is_open: bool) -> dict[str, float]:
    """Draw gaze, iris, sclera and the reflection of a lamp."""
    return {
        "gaze_x": rng.normal(0.0, 0.4),
        "gaze_y": rng.normal(0.1, 0.3),
        "iris_darkness": rng.uniform(0.45, 1.0),
        "iris_size": rng.normal(0.41, 0.03),
        "pupil": rng.uniform(0.25, 0.6),
        "sclera": rng.normal(0.64, 0.12),
        "catch_light": rng.uniform(0.3, 1.0) if rng.random() < 0.6 else 0.0,
        "catch_x": rng.uniform(-0.6, 0.6),
        "catch_y": rng.uniform(-0.6, 0.2),
    }


def _light(rng: np.random.Generator, is_open: bool) -> dict[str, float]:
    """Draw light and shadow, and for one eye in four hair or background at an edge of the image."""
    edge = rng.random() < 0.25
    return {
        "light_direction": rng.uniform(-180.0, 180.0),
        "light_strength": rng.uniform(0.0, 0.8),
        "socket_shadow": rng.uniform(0.1, 1.0),
        "side_tone": rng.uniform(-0.9, 0.6) if edge else 0.0,
        "side_distance": rng.uniform(0.5, 0.9),
        "side_angle": (0.0, 180.0)[rng.integers(2)] + rng.normal(0.0, 25.0),
    }


def _glasses(rng: np.random.Generator, is_open: bool) -> dict[str, float]:
    """Draw glasses for 12% of the eyes, some with a reflection."""
    worn = rng.random() < 0.12
    return {
        "glasses": rng.uniform(0.02, 0.07) if worn else 0.0,
        "glasses_tone": rng.uniform(0.0, 0.25) if rng.random() < 0.7 else rng.uniform(0.5, 1.0),
        "glasses_size": rng.uniform(0.7, 1.0),
        "glasses_drop": rng.uniform(-0.05, 0.25),
        "glare": rng.uniform(0.2, 1.0) if rng.random() < (0.4 if worn else 0.02) else 0.0,
        "glare_x": rng.uniform(-0.9, 0.9),
        "glare_y": rng.uniform(-0.9, 0.5),
    }


def _camera(rng: np.random.Generator, is_open: bool) -> dict[str, float]:
    """Draw focus, exposure and noise; 15% are dim infrared frames of low contrast and high noise."""
    infrared = rng.random() < 0.15
    return {
        "blur": 0.4 + min(rng.gamma(1.6, 0.2), 1.0),
        "sharpen": rng.uniform(0.0, 0.3) if infrared else rng.uniform(0.0, 1.2),
        "contrast": rng.uniform(0.5, 0.9) if infrared else rng.normal(1.1, 0.2),
        "exposure": rng.normal(-0.06 if infrared else 0.02, 0.08),
        "gamma": math.exp(rng.normal(0.0, 0.2)),
        "noise": rng.uniform(1.0, 5.0) if infrared else rng.uniform(0.0, 3.0),
    }
