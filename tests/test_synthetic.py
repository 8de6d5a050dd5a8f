"""Synthetic eyes: geometry in closed form, seeds, refusals, and whether open can be told from closed."""

from __future__ import annotations

import importlib.util
import inspect
import math
import re
from dataclasses import FrozenInstanceError, fields, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.svm import SVC

from classic_eyes.errors import ParameterError
from classic_eyes.synthetic import (
    OPEN_BORDER,
    RANGES,
    EyeParameters,
    contact_sheet,
    harder,
    make_eyes,
    random_parameters,
    render,
)

EXAMPLES = Path(__file__).parents[1] / "examples"

# Nothing at random and nothing one-sided: what is left is geometry alone.
PLAIN = EyeParameters(
    center_y=0.5, nose=0.0, skin_texture=0.0, lash_density=0.0, brow_darkness=0.0, catch_light=0.0, noise=0.0
)


def aspect_ratio(points):
    p1, p2, p3, p4, p5, p6 = points.astype(np.float64)
    return (np.linalg.norm(p2 - p6) + np.linalg.norm(p3 - p5)) / (2 * np.linalg.norm(p1 - p4))


def landmarks(parameters, size=24):
    return render(parameters, size=size)[1]


@pytest.fixture(scope="module")
def eyes():
    return make_eyes(200, random_state=0)


# ---- landmarks, in closed form


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


def test_eye_aspect_ratio_is_the_formula_on_random_eyes(eyes):
    for points, parameters in zip(eyes.landmarks[:50], eyes.parameters, strict=False):
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


# ---- images, in closed form


def test_opposite_gazes_are_mirror_images():
    left, _ = render(replace(PLAIN, gaze_x=-0.6), size=48)
    right, _ = render(replace(PLAIN, gaze_x=0.6), size=48)
    assert np.abs(left[:, ::-1].astype(int) - right).max() <= 1
    assert np.abs(left.astype(int) - right).max() > 30


def test_symmetric_eye_is_its_own_mirror_image():
    image, _ = render(PLAIN, size=48)
    assert np.abs(image.astype(int) - image[:, ::-1]).max() <= 1


def test_the_dark_follows_the_gaze():
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


def test_blur_smooths_and_sharpening_and_contrast_spread():
    spread = {name: render(replace(PLAIN, **fields_), size=48)[0].std() for name, fields_ in CAMERAS.items()}
    assert spread["blurred"] < spread["plain"] < spread["sharpened"]
    assert spread["flat"] == pytest.approx(0.5 * spread["full"], rel=0.02)


CAMERAS = {
    "plain": {"sharpen": 0.0},
    "blurred": {"sharpen": 0.0, "blur": 4.0},
    "sharpened": {"sharpen": 2.0},
    "flat": {"contrast": 0.4},
    "full": {"contrast": 0.8},
}


def test_noise_has_the_sigma_asked_for():
    quiet, loud = (render(replace(PLAIN, contrast=0.3, noise=s), size=256, random_state=1)[0] for s in (0.0, 6.0))
    assert (loud.astype(float) - quiet).std() == pytest.approx(6.0, rel=0.03)


# ---- seeds


def test_same_seed_same_bytes_other_seed_other_bytes():
    one, two, other = make_eyes(12, random_state=3), make_eyes(12, random_state=3), make_eyes(12, random_state=4)
    assert one.images.tobytes() == two.images.tobytes()
    assert one.landmarks.tobytes() == two.landmarks.tobytes()
    assert one.parameters == two.parameters
    assert one.images.tobytes() != other.images.tobytes()


@pytest.mark.parametrize("share", [0.5, 0.3])
def test_a_image_does_not_depend_on_how_many_are_made(share):
    few, many = make_eyes(3, open_share=share, random_state=5), make_eyes(27, open_share=share, random_state=5)
    np.testing.assert_array_equal(few.images, many.images[:3])
    np.testing.assert_array_equal(few.labels, many.labels[:3])
    np.testing.assert_array_equal(few.landmarks, many.landmarks[:3])
    assert few.parameters == many.parameters[:3]


def test_harder_eyes_keep_their_labels_and_the_others_their_bytes(eyes):
    mixed = make_eyes(200, hard_share=0.3, random_state=0)
    same = (mixed.images == eyes.images).all(axis=(1, 2))
    assert 0.55 < same.mean() < 0.85
    np.testing.assert_array_equal(mixed.labels, eyes.labels)
    assert [p.label for p in mixed.parameters] == mixed.labels.tolist()
    # Whichever are hard stay so when more are, and image i is the same whatever the number is.
    most = make_eyes(120, hard_share=0.6, random_state=0)
    np.testing.assert_array_equal(most.images[~same[:120]], mixed.images[:120][~same[:120]])
    assert (make_eyes(20, hard_share=1.0, random_state=0).images != eyes.images[:20]).any(axis=(1, 2)).all()


def test_harder_eyes_are_narrower_and_an_open_one_is_never_a_line(eyes):
    hard = make_eyes(200, hard_share=1.0, random_state=0)
    height, before = (
        np.array([p.opening * p.aspect for p, label in zip(e.parameters, e.labels, strict=True) if label])
        for e in (hard, eyes)
    )
    assert height.min() >= 0.1 - 1e-9
    assert np.median(height) < 0.8 * np.median(before)
    slits = [p.opening for p, label in zip(hard.parameters, hard.labels, strict=True) if not label]
    assert 0.05 < max(slits) <= 0.09 < OPEN_BORDER


def test_harder_eyes_are_harder_to_tell():
    hog = cv2.HOGDescriptor((24, 24), (8, 8), (4, 4), (4, 4), 9)
    train = make_eyes(400, hard_share=0.5, random_state=11)
    machine = SVC(C=10.0, gamma="scale").fit(np.stack([hog.compute(p).ravel() for p in train.images]), train.labels)
    easy, hard = (make_eyes(400, hard_share=share, random_state=0) for share in (0.0, 1.0))
    right = [
        (machine.predict(np.stack([hog.compute(p).ravel() for p in e.images])) == e.labels).mean() for e in (easy, hard)
    ]
    assert 0.6 < right[1] < right[0] - 0.05


def test_no_two_images_are_alike(eyes):
    assert len({image.tobytes() for image in eyes.images}) == len(eyes)


def test_random_parameters_depend_on_the_seed_alone():
    assert random_parameters(random_state=7) == random_parameters(random_state=np.random.default_rng(7))
    assert random_parameters(random_state=7) != random_parameters(random_state=8)


def test_render_uses_up_the_generator_it_is_given():
    rng = np.random.default_rng(0)
    first, second = (render(EyeParameters(), random_state=rng)[0] for _ in range(2))
    np.testing.assert_array_equal(first, render(EyeParameters(), random_state=0)[0])
    assert np.any(first != second)


# ---- labels


def test_shapes_types_and_lengths(eyes):
    assert (eyes.images.shape, eyes.images.dtype) == ((200, 24, 24), np.uint8)
    assert (eyes.labels.shape, eyes.labels.dtype) == ((200,), np.int8)
    assert (eyes.landmarks.shape, eyes.landmarks.dtype) == ((200, 6, 2), np.float32)
    assert len(eyes) == len(eyes.parameters) == 200


@pytest.mark.parametrize(("n", "share", "expected"), [(200, 0.5, 100), (40, 0.3, 12), (20, 0.0, 0), (20, 1.0, 20)])
def test_labels_keep_the_share(n, share, expected):
    assert int(make_eyes(n, size=8, open_share=share).labels.sum()) == expected


def test_no_stride_meets_one_class_only(eyes):
    for stride in (2, 3, 4, 5):
        assert set(eyes.labels[::stride]) == {0, 1}


def test_labels_are_those_of_the_parameters_and_nothing_is_in_between(eyes):
    openings = np.array([p.opening for p in eyes.parameters])
    np.testing.assert_array_equal(eyes.labels, [p.label for p in eyes.parameters])
    assert openings[eyes.labels == 0].max() <= 0.05 < OPEN_BORDER < 0.25 <= openings[eyes.labels == 1].min()


def test_label_border():
    assert EyeParameters(opening=OPEN_BORDER).label == 0
    assert EyeParameters(opening=np.nextafter(OPEN_BORDER, 1)).label == 1


def test_random_parameters_draw_both_states_and_keep_a_given_opening():
    assert {random_parameters(random_state=seed).label for seed in range(12)} == {0, 1}
    assert random_parameters(0.17, random_state=0).opening == 0.17


# ---- parameters


def test_every_field_has_a_range_and_a_legal_default():
    assert {field.name for field in fields(EyeParameters)} == set(RANGES)
    for field in fields(EyeParameters):
        low, high = RANGES[field.name]
        assert field.default is None or low <= field.default <= high


def test_docstring_tells_the_defaults_and_ranges_of_the_code():
    text = inspect.getdoc(EyeParameters)
    for field in fields(EyeParameters):
        kind = "int or None" if field.name == "jpeg" else "float"
        entry = re.search(rf"^{field.name} : {kind}, default=(\S+)\n((?:    .*\n)+)", text, re.M)
        assert entry, field.name
        assert entry[1] == str(field.default), field.name
        numbers = {float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", entry[2])}
        assert set(RANGES[field.name]) <= numbers, field.name


def test_parameters_are_frozen():
    with pytest.raises(FrozenInstanceError):
        EyeParameters().opening = 0.1


@pytest.mark.parametrize("name", sorted(set(RANGES) - {"jpeg"}))
def test_field_outside_its_range(name):
    low, high = RANGES[name]
    for value in (low - 0.01, high + 0.01, float("nan"), float("inf"), None, "1", True):
        with pytest.raises(ParameterError, match=rf"^{name}=.*expected a number from {low:g} to {high:g}; RANGES"):
            EyeParameters(**{name: value})


@pytest.mark.parametrize("value", [4, 101, 50.0, "90", True])
def test_jpeg_quality_refused(value):
    with pytest.raises(ParameterError, match=r"^jpeg=.*None or a whole number from 5 to 100; None leaves"):
        EyeParameters(jpeg=value)


def test_edges_of_the_ranges_are_legal():
    for side in (0, 1):
        edges = {name: limits[side] for name, limits in RANGES.items()}
        image, points = render(EyeParameters(**edges | {"jpeg": int(edges["jpeg"])}))
        assert image.dtype == np.uint8
        assert np.isfinite(points).all()


# ---- refusals of the functions


@pytest.mark.parametrize("size", [7, 513, 24.0, "24", True, None])
def test_size_refused(size):
    with pytest.raises(ParameterError, match=r"^size=.*whole number of pixels from 8 to 512; resize"):
        render(EyeParameters(), size=size)
    with pytest.raises(ParameterError, match=r"^size="):
        make_eyes(2, size=size)


@pytest.mark.parametrize("seed", [-1, 1.5, "a", None, True])
def test_random_state_refused(seed):
    for call in (lambda: render(EyeParameters(), random_state=seed), lambda: random_parameters(random_state=seed)):
        with pytest.raises(ParameterError, match=r"^random_state=.*at least 0 or a numpy.random.Generator; pass"):
            call()
    with pytest.raises(ParameterError, match=r"^random_state=.*whole number of at least 0; pass a seed"):
        make_eyes(2, random_state=seed)


def test_make_eyes_wants_a_seed_not_a_generator():
    with pytest.raises(ParameterError, match=r"^random_state=.*not a generator"):
        make_eyes(2, random_state=np.random.default_rng(0))


def test_render_wants_parameters():
    with pytest.raises(ParameterError, match=r"^parameters=.*expected an EyeParameters; make one"):
        render({"opening": 1.0})


@pytest.mark.parametrize("opening", [-0.1, 1.1, float("nan"), "open"])
def test_random_parameters_refuse_an_opening(opening):
    with pytest.raises(ParameterError, match=r"^opening=.*from 0 to 1"):
        random_parameters(opening, random_state=0)


@pytest.mark.parametrize("n", [0, -3, 2.0, "2", True])
def test_number_of_eyes_refused(n):
    with pytest.raises(ParameterError, match=r"^n=.*whole number of at least 1; ask"):
        make_eyes(n)


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan"), "half", True, None])
def test_open_share_refused(share):
    with pytest.raises(ParameterError, match=r"^open_share=.*from 0 to 1; 0.5 makes"):
        make_eyes(2, open_share=share)


# ---- contact sheet


def test_contact_sheet_puts_every_image_in_its_place():
    images = np.stack([np.full((3, 5), value, np.uint8) for value in (10, 20, 30, 40, 50)])
    sheet = contact_sheet(images, columns=3, zoom=2, gap=4)
    assert (sheet.shape, sheet.dtype) == ((4 + 2 * (6 + 4), 4 + 3 * (10 + 4)), np.uint8)
    for i, value in enumerate((10, 20, 30, 40, 50)):
        top, left = 4 + i // 3 * 10, 4 + i % 3 * 14
        assert set(sheet[top : top + 6, left : left + 10].ravel()) == {value}
    for value in (10, 20, 30, 40, 50):
        assert np.count_nonzero(sheet == value) == 60
    assert np.count_nonzero(sheet == 128) == sheet.size - 300


def test_contact_sheet_at_zoom_one_without_gap_is_the_images_themselves(eyes):
    sheet = contact_sheet(eyes.images[:4], columns=2, zoom=1, gap=0)
    np.testing.assert_array_equal(sheet, np.block([[eyes.images[0], eyes.images[1]], [*eyes.images[2:4]]]))


def test_contact_sheet_is_no_wider_than_its_images(eyes):
    assert contact_sheet(eyes.images[:3]).shape == (2 + 98, 2 + 3 * 98)


@pytest.mark.parametrize(
    ("name", "value", "low"), [("columns", 0, 1), ("zoom", 0, 1), ("zoom", 1.5, 1), ("gap", -1, 0)]
)
def test_contact_sheet_refuses_numbers(name, value, low):
    with pytest.raises(ParameterError, match=rf"^{name}=.*whole number of at least {low};"):
        contact_sheet(np.zeros((2, 4, 4), np.uint8), **{name: value})


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((2, 4, 4)),
        np.zeros((0, 4, 4), np.uint8),
        [[1, 2]],
        np.zeros((1, 4, 4, 3), "u1"),
    ],
)
def test_contact_sheet_refuses_other_arrays(images):
    with pytest.raises(ParameterError, match=r"^images of shape .*expected a uint8 array \(n, h, w\).*stack"):
        contact_sheet(images)


@pytest.mark.parametrize("share", [-0.1, 1.1, "half", None, True, math.nan])
def test_hard_share_refused(share):
    with pytest.raises(ParameterError, match=r"^hard_share=.*from 0 to 1; 0 makes none"):
        make_eyes(2, hard_share=share)


# ---- properties


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.data())
def test_whatever_is_legal_renders(data):
    drawn = {name: data.draw(st.floats(*limits), label=name) for name, limits in RANGES.items() if name != "jpeg"}
    jpeg = data.draw(st.none() | st.integers(5, 100), label="jpeg")
    size = data.draw(st.integers(8, 40), label="size")
    image, points = render(EyeParameters(**drawn, jpeg=jpeg), size=size)
    assert (image.shape, image.dtype) == ((size, size), np.uint8)
    assert (points.shape, points.dtype) == ((6, 2), np.float32)
    assert np.isfinite(points).all()


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.integers(0, 2**40), st.floats(0.0, 1.0))
def test_random_parameters_are_legal_for_every_seed(seed, opening):
    parameters = random_parameters(opening, random_state=seed)  # the dataclass refuses anything illegal
    assert parameters.label == (opening > OPEN_BORDER)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.integers(0, 2**40), st.floats(0.0, 1.0))
def test_harder_parameters_are_legal_and_of_the_same_label_for_every_seed(seed, opening):
    parameters = random_parameters(opening, random_state=seed)
    changed = harder(parameters, random_state=seed)
    assert changed.label == parameters.label
    assert changed == harder(parameters, random_state=seed)


# ---- end to end


def test_hog_and_a_support_vector_machine_tell_open_from_closed():
    # 600 to judge by, not 200, as the score of 200 wanders by 0.02; six pairs of seeds gave 0.955 to 0.980.
    hog = cv2.HOGDescriptor((24, 24), (8, 8), (4, 4), (4, 4), 9)
    train, others = make_eyes(400, random_state=11), make_eyes(600, random_state=0)
    features, unseen = (np.stack([hog.compute(p).ravel() for p in e.images]) for e in (train, others))
    machine = SVC(C=10.0, gamma="scale").fit(features, train.labels)
    assert (machine.predict(unseen) == others.labels).mean() > 0.95


def test_the_example_images_are_what_the_script_writes(tmp_path):
    spec = importlib.util.spec_from_file_location("make_eyes_example", EXAMPLES / "make_eyes.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    script.main(tmp_path)
    written, kept = (sorted(p.name for p in folder.iterdir()) for folder in (tmp_path, EXAMPLES / "eyes"))
    assert written == kept
    assert len(kept) == 22
    for name in kept:
        again, stored = (cv2.imread(str(f / name), cv2.IMREAD_UNCHANGED) for f in (tmp_path, EXAMPLES / "eyes"))
        np.testing.assert_array_equal(again, stored, err_msg=name)
