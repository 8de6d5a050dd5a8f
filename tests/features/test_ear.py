"""Eye aspect ratio: the formula, the landmarks, and the shape predictor that finds them."""

from __future__ import annotations

import hashlib
import json

import cv2
import numpy as np
import pytest

from classic_eyes import cli, metrics
from classic_eyes._utils.files import shipped_file
from classic_eyes.descriptors import ear as descriptor
from classic_eyes.descriptors.ear import compute_ear, eye_aspect_ratio, eye_points
from classic_eyes.errors import MissingDependencyError, ModelError, ParameterError
from classic_eyes.features.ear import Ear
from classic_eyes.synthetic import EyeParameters, make_eyes, render
from tools.landmarks import evaluate_landmarks, render_openings, train_landmarks

from ..conftest import shared

HEXAGON = np.array([[0.0, 0.0], [2.0, -1.0], [4.0, -1.0], [6.0, 0.0], [4.0, 1.0], [2.0, 1.0]])


# -- the formula --


def test_aspect_ratio_of_a_hexagon():
    # Two distances of 2 between the lids, 6 between the corners: (2 + 2) / (2 * 6).
    assert eye_aspect_ratio(HEXAGON) == pytest.approx(1 / 3)
    assert eye_aspect_ratio(HEXAGON * [1, 0]) == 0
    assert eye_aspect_ratio(HEXAGON * 0) == 0
    assert eye_aspect_ratio(np.stack([HEXAGON, HEXAGON * [1, 0.5]])) == pytest.approx([1 / 3, 1 / 6])


@pytest.mark.parametrize("angle", [0, 10, 90, 181])
@pytest.mark.parametrize("scale", [0.01, 1, 40])
def test_aspect_ratio_is_invariant_to_translation_rotation_and_scale(angle, scale):
    turn = np.radians(angle)
    matrix = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    assert eye_aspect_ratio(HEXAGON @ matrix.T + [17, -300]) == pytest.approx(1 / 3)
    assert eye_aspect_ratio((HEXAGON * [-1, 1])[[3, 2, 1, 0, 5, 4]]) == pytest.approx(1 / 3)


@pytest.mark.parametrize("shape", [(6,), (5, 2), (3, 6, 3)])
def test_other_shapes_of_points_are_rejected(shape):
    with pytest.raises(ParameterError, match="six points x, y of each eye"):
        eye_aspect_ratio(np.zeros(shape))


def test_aspect_ratio_of_a_synthetic_eye():
    parameters = EyeParameters(opening=0.7)
    _, points = render(parameters, size=96)
    assert eye_aspect_ratio(points) == pytest.approx(parameters.eye_aspect_ratio, abs=1e-4)


# -- landmarks in a patch --


def test_landmarks_of_synthetic_eyes_are_found():
    score = evaluate_landmarks(shipped_file("eye.dat"), 200, random_state=5)
    assert score.error < 0.04
    assert score.correlation > 0.95


def test_aspect_ratio_increases_with_the_opening():
    openings = np.linspace(0, 1, 9)
    images = np.stack([render(EyeParameters(opening=float(opening)))[0] for opening in openings])
    ratios = compute_ear(images)[:, 2]
    assert ratios[0] < 0.15
    assert ratios[-1] > 0.3
    assert np.corrcoef(openings, ratios)[0, 1] > 0.97


def test_brightness_and_contrast_change_only_rounding():
    images = make_eyes(20, random_state=3).images // 2
    brighter = (images.astype(int) + 60).astype(np.uint8)
    np.testing.assert_array_equal(compute_ear(images), compute_ear(brighter))
    assert np.abs(compute_ear(images) - compute_ear(images * 2)).max() < 0.05


def test_larger_image_has_the_same_landmarks():
    image, points = render(EyeParameters(opening=0.9), size=72)
    found, _ = eye_points(np.stack([image]))
    assert np.abs(found[0] - points).max() < 0.12 * 72


def test_features_of_flat_images_are_finite():
    rows = compute_ear(np.stack([np.full((24, 24), grey, np.uint8) for grey in (0, 90, 255)]))
    assert np.isfinite(rows).all()
    np.testing.assert_array_equal(rows[0], rows[1])


# -- the shape predictor --


def test_seed_determines_the_trained_predictor(tmp_path):
    first = train_landmarks(100)
    assert first == train_landmarks(100)
    assert first != train_landmarks(100, random_state=1)
    (tmp_path / "a.dat").write_bytes(first)
    points, disagreement = eye_points(make_eyes(4).images, predictor=str(tmp_path / "a.dat"))
    assert points.shape == (4, 6, 2)
    assert (disagreement >= 0).all()
    with pytest.raises(ParameterError, match="100 synthetic eyes or more"):
        train_landmarks(99)


def test_training_images_cover_all_openings():
    images, points = render_openings(60)
    assert images.shape == (60, 24, 24)
    ratios = eye_aspect_ratio(points)
    assert ratios.min() < 0.03
    assert ratios.max() > 0.35
    np.testing.assert_array_equal(render_openings(5)[0], images[:5])


def test_shipped_predictor_matches_its_card():
    file = shipped_file("eye.dat")
    assert file.stat().st_size < 5e6
    card = json.loads(file.with_suffix(".json").read_text())
    assert hashlib.sha256(file.read_bytes()).hexdigest() == card["sha256"]
    assert "no photograph" in card["trained_on"]


# -- invalid input --


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "which cannot be read"), (b"", "not a shape predictor"), (b"junk" * 99, "not a shape predictor")],
)
def test_invalid_predictor_file_is_reported(tmp_path, content, message):
    path = tmp_path / "a.dat"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError, match=message):
        eye_points(make_eyes(2).images, predictor=str(path))


def test_predictor_with_other_points_is_rejected(tmp_path):
    import dlib

    options = dlib.shape_predictor_training_options()
    options.cascade_depth, options.num_trees_per_cascade_level, options.oversampling_amount = 2, 2, 2
    parts = dlib.full_object_detection(dlib.rectangle(0, 0, 39, 39), [dlib.point(k, k) for k in range(5)])
    image = np.random.default_rng(0).integers(0, 256, (40, 40), dtype=np.uint8)
    dlib.train_shape_predictor([image] * 3, [[parts]] * 3, options).save(str(tmp_path / "five.dat"))
    with pytest.raises(ModelError, match="finds 5 points; allowed are the six points of one eye"):
        eye_points(make_eyes(2).images, predictor=str(tmp_path / "five.dat"))


def test_missing_dlib_is_reported(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "dlib", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'classic-eyes\[faces\]'"):
        Ear().fit(make_eyes(2).images)


def test_training_without_dlib_fails_before_reading(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(__import__("sys").modules, "dlib", None)
    assert cli.main(["train", "nothing", "--features", "hog,ear", "--out", str(tmp_path / "m.joblib")]) == 2
    assert "pip install 'classic-eyes[faces]'" in capsys.readouterr().err


# -- accuracy --


def test_strided_images_give_the_same_features():
    images = make_eyes(6).images
    rotated = np.stack([cv2.rotate(cv2.rotate(each, cv2.ROTATE_180), cv2.ROTATE_180) for each in images])
    np.testing.assert_array_equal(compute_ear(rotated), compute_ear(images[::1]))


@pytest.mark.slow
def test_aspect_ratio_separates_open_from_closed_on_eyes24():
    from classic_eyes.datasets import read_eyes
    from classic_eyes.images import read_images

    eyes = read_eyes(shared("eyes24"))
    ratios = compute_ear(read_images(eyes.paths)[0])[:, 2]
    assert metrics.roc_auc(eyes.labels, ratios) >= 0.88


def test_cached_predictor_is_reloaded_when_its_file_changes(tmp_path):
    path = tmp_path / "a.dat"
    path.write_bytes(train_landmarks(100))
    before, _ = eye_points(make_eyes(3).images, predictor=str(path))
    path.write_bytes(shipped_file("eye.dat").read_bytes())
    after, _ = eye_points(make_eyes(3).images, predictor=str(path))
    assert not np.array_equal(before, after)
    np.testing.assert_array_equal(after, eye_points(make_eyes(3).images)[0])
    assert descriptor._load_predictor.cache_info().maxsize == 4
