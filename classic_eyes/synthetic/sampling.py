"""Random parameters of eyes, distributed as in small web photographs and infrared frames."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from .parameters import OPEN_THRESHOLD, RANGES, EyeParameters, as_generator, check_number

__all__ = ["draw_opening", "harder", "random_parameters"]

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
