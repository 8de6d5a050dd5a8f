"""Rendering of one eye: geometry in closed form, then the effect of every parameter."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classic_eyes.errors import ParameterError
from classic_eyes.synthetic import RANGES, EyeParameters, make_eyes, render

# Nothing at random and nothing one-sided: what is left is geometry alone.
PLAIN = EyeParameters(
    center_y=0.5, nose=0.0, skin_texture=0.0, lash_density=0.0, brow_darkness=0.0, catch_light=0.0, noise=0.0
)


def aspect_ratio(points):
    p1, p2, p3, p4, p5, p6 = points.astype(np.float64)
    return (np.linalg.norm(p2 - p6) + np.linalg.norm(p3 - p5)) / (2 * np.linalg.norm(p1 - p4))


def landmarks(parameters, size=24):
    return render(parameters, size=size)[1]


def test_landmarks_of_a_level_centred_eye():
    parameters = replace(PLAIN, opening=0.5, aspect=0.4, lid_roundness=1.0, lower_sag=0.09, eye_width=0.75)
    # Width 30 px around 19.5; at a third of the way the lower lid hangs 15 * 2 * 0.09 * 8/9 = 2.4 px below the corners
    # and the gap is 30 * 0.5 * 0.4 * 8/9 = 16/3 px.
    top, bottom = 19.5 + 2.4 - 16 / 3, 19.5 + 2.4
    expected = [[4.5, 19.5], [14.5, top], [24.5, top], [34.5, 19.5], [24.5, bottom], [14.5, bottom]]
    np.testing.assert_allclose(landmarks(parameters, 40), expected, atol=1e-4)


def test_eye_aspect_ratio_known_number():
    parameters = replace(PLAIN, opening=1.0, aspect=0.45, lid_roundness=1.0)
    assert aspect_ratio(landmarks(parameters)) == pytest.approx(0.4, abs=1e-6)


def test_eye_aspect_ratio_is_the_formula_on_random_eyes():
    eyes = make_eyes(50, random_state=0)
    for points, parameters in zip(eyes.landmarks, eyes.parameters, strict=True):
        assert aspect_ratio(points) == pytest.approx(parameters.eye_aspect_ratio, abs=1e-5)


def test_closed_lids_meet():
    points = landmarks(replace(PLAIN, opening=0.0, tilt=20.0, lid_peak=0.3))
    np.testing.assert_array_equal(points[[1, 2]], points[[5, 4]])


def test_eye_aspect_ratio_rises_with_opening():
    ratios = [aspect_ratio(landmarks(replace(PLAIN, opening=o))) for o in np.linspace(0.0, 1.0, 21)]
    assert ratios[0] == 0.0
    assert np.all(np.diff(ratios) > 0)


def test_tilt_turns_the_landmarks_clockwise_as_seen():
    level, turned = landmarks(PLAIN), landmarks(replace(PLAIN, tilt=30.0))
    middle = np.array([11.5, 11.5])
    cos, sin = np.cos(np.pi / 6), np.sin(np.pi / 6)
    np.testing.assert_allclose(turned - middle, (level - middle) @ np.array([[cos, sin], [-sin, cos]]), atol=1e-4)
    assert turned[3, 1] > level[3, 1]  # the right corner goes down


def test_landmarks_scale_with_size():
    np.testing.assert_allclose(landmarks(PLAIN, 48) + 0.5, 2 * (landmarks(PLAIN, 24) + 0.5), atol=1e-4)


def test_opposite_gazes_are_mirror_images():
    left, _ = render(replace(PLAIN, gaze_x=-0.6), size=48)
    right, _ = render(replace(PLAIN, gaze_x=0.6), size=48)
    assert np.abs(left[:, ::-1].astype(int) - right).max() <= 1
    assert np.abs(left.astype(int) - right).max() > 30


def test_symmetric_eye_is_its_own_mirror_image():
    image, _ = render(PLAIN, size=48)
    assert np.abs(image.astype(int) - image[:, ::-1]).max() <= 1


def test_the_darkest_column_follows_the_gaze():
    images = [render(replace(PLAIN, gaze_x=x), size=48)[0] for x in (-1.0, 0.0, 1.0)]
    across = np.arange(48)
    places = [np.average(across, weights=(255.0 - p[14:26].min(axis=0)) ** 8) for p in images]
    assert places[0] < places[1] - 3 < places[2] - 6


def test_an_open_eye_shows_iris_and_sclera_between_its_lids():
    image, points = render(replace(PLAIN, opening=1.0, sclera=0.9, light_strength=0.0), size=96)
    column = round(float(points[:, 0].mean()))
    low = round(float(points[4, 1])) - 6
    assert image[low - 10, column] < 80
    assert image[low - 10, column - 22] > 120


def test_a_closed_eye_is_darkest_along_its_lid_line():
    image, points = render(replace(PLAIN, opening=0.0, makeup=0.0), size=64)
    for x, y in points[[1, 2]]:
        assert abs(int(image[:, round(float(x))].argmin()) - y) <= 2


def test_blank_skin_has_the_grey_of_its_field():
    bare = dict.fromkeys(("crease_strength", "lid_bulge", "bag_strength", "light_strength", "socket_shadow"), 0.0)
    image, _ = render(
        replace(PLAIN, **bare, opening=0.0, lid_line_darkness=0.0, skin=0.4, sharpen=0.0, blur=0.0), size=24
    )
    np.testing.assert_array_equal(image, np.full((24, 24), 102, np.uint8))


@pytest.mark.parametrize(
    ("field", "low", "high"),
    [
        ("skin", 0.3, 0.8),
        ("exposure", -0.2, 0.2),
        ("gamma", 2.0, 0.5),
        ("brow_darkness", 1.0, 0.0),
        ("makeup", 1.0, 0.0),
        ("iris_darkness", 1.0, 0.0),
        ("sclera", 0.3, 1.0),
        ("lid_line_darkness", 1.0, 0.0),
        ("glare", 0.0, 1.0),
        ("crease_strength", 1.0, 0.0),
        ("lid_bulge", 0.0, 1.0),
        ("catch_light", 0.0, 1.0),
        ("side_tone", -1.0, 1.0),
        ("lash_density", 1.0, 0.0),
        ("glasses_tone", 0.0, 1.0),
    ],
)
def test_brighter_or_darker(field, low, high):
    base = replace(PLAIN, glasses=0.05, lash_length=0.2, side_distance=0.4)
    darker, brighter = (render(replace(base, **{field: value}))[0].mean() for value in (low, high))
    assert darker < brighter


@pytest.mark.parametrize("name", sorted(RANGES))
def test_every_field_changes_the_image(name):
    # A scene in which no field is masked by another that is zero.
    base = EyeParameters(
        opening=0.6, glasses=0.05, glare=0.5, makeup=0.3, side_tone=-0.5, side_distance=0.5, lash_density=0.8, jpeg=80
    )
    low, high = RANGES[name]
    values = (20, 90) if name == "jpeg" else (low + 0.2 * (high - low), low + 0.7 * (high - low))
    one, other = (render(replace(base, **{name: value}), size=48)[0] for value in values)
    assert np.any(one != other)


CAMERAS = {
    "plain": {"sharpen": 0.0},
    "blurred": {"sharpen": 0.0, "blur": 4.0},
    "sharpened": {"sharpen": 2.0},
    "flat": {"contrast": 0.4},
    "full": {"contrast": 0.8},
}


def test_blur_smooths_and_sharpening_and_contrast_spread():
    spread = {name: render(replace(PLAIN, **fields_), size=48)[0].std() for name, fields_ in CAMERAS.items()}
    assert spread["blurred"] < spread["plain"] < spread["sharpened"]
    assert spread["flat"] == pytest.approx(0.5 * spread["full"], rel=0.02)


def test_noise_has_the_given_sigma():
    quiet, loud = (render(replace(PLAIN, contrast=0.3, noise=s), size=256, random_state=1)[0] for s in (0.0, 6.0))
    assert (loud.astype(float) - quiet).std() == pytest.approx(6.0, rel=0.03)


def test_render_advances_the_generator():
    rng = np.random.default_rng(0)
    first, second = (render(EyeParameters(), random_state=rng)[0] for _ in range(2))
    np.testing.assert_array_equal(first, render(EyeParameters(), random_state=0)[0])
    assert np.any(first != second)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.data())
def test_all_legal_parameters_render(data):
    drawn = {name: data.draw(st.floats(*limits), label=name) for name, limits in RANGES.items() if name != "jpeg"}
    jpeg = data.draw(st.none() | st.integers(5, 100), label="jpeg")
    size = data.draw(st.integers(8, 40), label="size")
    image, points = render(EyeParameters(**drawn, jpeg=jpeg), size=size)
    assert (image.shape, image.dtype) == ((size, size), np.uint8)
    assert (points.shape, points.dtype) == ((6, 2), np.float32)
    assert np.isfinite(points).all()


@pytest.mark.parametrize("size", [7, 513, 24.0, "24", True, None])
def test_size_refused(size):
    with pytest.raises(ParameterError, match=r"^size is .*whole number of pixels from 8 to 512; resize"):
        render(EyeParameters(), size=size)


@pytest.mark.parametrize("seed", [-1, 1.5, "a", None, True])
def test_random_state_refused(seed):
    with pytest.raises(ParameterError, match=r"^random_state is .*at least 0 or a numpy.random.Generator; pass"):
        render(EyeParameters(), random_state=seed)


def test_render_refuses_other_parameters():
    with pytest.raises(ParameterError, match=r"^parameters is .*; allowed is an EyeParameters; make one"):
        render({"opening": 1.0})
