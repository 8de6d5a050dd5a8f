"""An eye is found in its patch and shown in the middle, level and as wide as it: rightly, and the same everywhere."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import subprocess
import sys

import cv2
import numpy as np
import pytest

from classic_eyes import EyeClassifier
from classic_eyes._utils.shipped import shipped_file
from classic_eyes.errors import ModelError, ParameterError
from classic_eyes.features import EXTRACTORS
from classic_eyes.persistence import ALLOWED_TYPES
from classic_eyes.persistence.npz import read_compiled
from classic_eyes.predictor import EyePredictor
from classic_eyes.preprocessing.alignment import (
    UNIT,
    Alignment,
    align,
    normalize_contrast,
    find_poses,
    move_poses,
    sample_pixels,
)
from classic_eyes.synthetic import make_eyes
from tools.alignment import (
    evaluate_alignment,
    poses_of,
    shipped_alignment,
    make_posed_eyes,
    train_alignment,
    write_alignment,
)

EYES = make_eyes(300, random_state=71)
SHIPPED = shipped_alignment()


def plane(*numbers: complex) -> np.ndarray:
    return np.array([numbers], dtype=np.complex128) * UNIT


def off(alignment: Alignment, images: np.ndarray, poses: np.ndarray) -> float:
    """Return by how many pixels the middle of the eye is missed, root mean square."""
    missed = (find_poses(images, alignment) - poses)[:, :2] / UNIT
    return float(np.sqrt((missed**2).sum(axis=1).mean()))


# What can be worked out by hand


def test_the_pose_of_an_eye_is_that_of_its_corners_and_the_mean_of_its_points():
    level = np.array([[[3, 11.5], [8, 9], [15, 9], [20, 11.5], [15, 14], [8, 14]]])
    assert (poses_of(level) / UNIT).tolist() == [[0, 0, 1, 0]]
    quarter = level[..., ::-1] * [-1, 1] + [23, 0]  # turned by a right angle, clockwise as it is seen
    np.testing.assert_allclose(poses_of(quarter) / UNIT, [[0, 0, 0, 1]])
    np.testing.assert_allclose(poses_of((level - 11.5) * 0.5 + [14, 10]) / UNIT, [[2.5, -1.5, 0.5, 0]])


def test_moves_are_those_of_the_eye_as_it_is_shown():
    upright, lying = plane(1 + 2j, 1), plane(1 + 2j, 1j)
    right = np.array([[UNIT, 0, 0, 0]])
    np.testing.assert_array_equal(move_poses(upright, right), plane(2 + 2j, 1))
    np.testing.assert_array_equal(move_poses(lying, right), plane(1 + 3j, 1j))
    larger = np.array([[0, 0, UNIT // 2, 0]])
    np.testing.assert_array_equal(move_poses(lying, larger), plane(1 + 2j, 1.5j))


def test_places_move_with_the_eye_and_stop_at_the_border():
    levels = np.arange(576, dtype=np.int16)[:, np.newaxis]
    places = np.array([32 + 32j, 32 + 64 + 32j, 32 + (32 + 64) * 1j, 64 * 20 + 32j], np.complex64)
    assert sample_pixels(levels, plane(0, 1), places, 24)[:, 0].tolist() == [300, 301, 324, 311]
    assert sample_pixels(levels, plane(2 + 1j, 1), places, 24)[:, 0].tolist() == [326, 327, 350, 335]
    turned = sample_pixels(levels, plane(0, 1j), places, 24)[:, 0]
    assert turned.tolist() == [299 + 0, 299 + 24, 298, 23 * 24 + 11]


def test_light_and_contrast_are_evened_out():
    rows = normalize_contrast(EYES.images[:50])
    assert np.abs(rows.mean(axis=0)).max() < 1
    np.testing.assert_allclose(rows.std(axis=0), 48, atol=0.5)
    assert not normalize_contrast(np.full((1, 24, 24), 90, np.uint8)).any()
    half = (EYES.images[:50] // 2).astype(np.uint8)
    np.testing.assert_array_equal(normalize_contrast(half), normalize_contrast(half + 60))


def test_an_eye_is_shown_as_wide_as_its_image():
    # Of a slope, bilinear interpolation leaves a slope.
    across, down = np.meshgrid(np.arange(24) - 11.5, np.arange(24) - 11.5)
    slopes = np.stack([128 + 4 * across, 128 + 4 * down, 128 - 3 * across + 2 * down]).astype(np.uint8)
    still = dataclasses.replace(SHIPPED, mean=np.array([0, 0, UNIT, 0], np.int32), leaves=np.zeros_like(SHIPPED.leaves))
    shown = align(slopes, still).astype(float)
    np.testing.assert_allclose(shown - 128, (slopes.astype(float) - 128) * 17 / 24, atol=1)
    beside = dataclasses.replace(still, mean=np.array([2 * UNIT, 0, UNIT, 0], np.int32))
    # Of an image and its mirror image the offsets cancel: nobody knows which side is meant.
    np.testing.assert_array_equal(align(slopes, beside), shown)
    below = dataclasses.replace(still, mean=np.array([0, 3 * UNIT, UNIT, 0], np.int32))
    np.testing.assert_allclose(align(slopes[1:2], below), shown[1:2] + 4 * 3, atol=1)
    # A third larger or smaller at most.
    for scale, most in ((2.0, 1 / 0.75), (0.4, 1 / 1.35)):
        other = dataclasses.replace(still, mean=np.array([0, 0, scale * UNIT, 0], np.int32))
        np.testing.assert_allclose(align(slopes, other) - 128.0, (shown - 128) * most, atol=1.5)


# What holds of all images


def test_the_mirror_image_is_found_and_shown_mirrored_to_the_last_bit():
    images, _ = make_posed_eyes(100, random_state=5)
    mirrored = np.ascontiguousarray(images[:, :, ::-1])
    np.testing.assert_array_equal(find_poses(mirrored, SHIPPED), find_poses(images, SHIPPED) * [-1, 1, 1, -1])
    np.testing.assert_array_equal(align(mirrored, SHIPPED), align(images, SHIPPED)[:, :, ::-1])


def test_a_image_is_shown_alike_alone_and_among_others():
    together = align(EYES.images, SHIPPED)
    alone = np.concatenate([align(image[np.newaxis], SHIPPED) for image in EYES.images[:80]])
    np.testing.assert_array_equal(alone, together[:80])
    assert align(EYES.images[:0], SHIPPED).shape == (0, 24, 24)


def test_light_moves_no_eye():
    dark = (EYES.images // 2).astype(np.uint8)
    np.testing.assert_array_equal(find_poses(dark, SHIPPED), find_poses(dark + 100, SHIPPED))


def test_larger_images_are_searched_as_they_are():
    twice = EYES.images.repeat(2, axis=1).repeat(2, axis=2)
    np.testing.assert_array_equal(find_poses(twice, SHIPPED), find_poses(EYES.images, SHIPPED))
    assert align(twice, SHIPPED).shape == (300, 48, 48)


def test_images_without_an_eye_harm_nothing():
    strange = np.random.default_rng(0).integers(0, 256, (60, 24, 24), dtype=np.uint8)
    flat = np.full((1, 24, 24), 7, np.uint8)
    np.testing.assert_array_equal(align(flat, SHIPPED), flat)
    assert align(strange, SHIPPED).shape == strange.shape


def test_wherever_an_eye_lies_it_is_found_within_a_pixel_or_so():
    images, poses = make_posed_eyes(300, random_state=9)
    found = off(SHIPPED, images, poses)
    unknown = np.sqrt((((SHIPPED.mean - poses)[:, :2] / UNIT) ** 2).sum(axis=1).mean())
    assert found < 1.1
    assert found < 0.4 * unknown


def test_aligned_eyes_are_more_alike_than_they_were():
    images, _ = make_posed_eyes(150, random_state=10)
    points = [cv2.GaussianBlur(each, (0, 0), 1.0).astype(float) for each in images]
    before = np.std([each - each.mean() for each in points], axis=0).mean()
    shown = [cv2.GaussianBlur(each, (0, 0), 1.0).astype(float) for each in align(images, SHIPPED)]
    assert np.std([each - each.mean() for each in shown], axis=0).mean() < before


# Learning, and the file


def test_learning_finds_eyes_and_gives_the_same_bytes_twice():
    alignment = train_alignment(100, random_state=3)
    assert write_alignment(alignment) == write_alignment(train_alignment(100, random_state=3))
    judged = evaluate_alignment(alignment, 100)
    assert judged.n == 300
    assert judged.error < 0.75 * judged.baseline_error
    with pytest.raises(ParameterError, match="n=99: expected 100 to 100,000 synthetic eyes"):
        train_alignment(99)


def test_the_shipped_file_is_the_one_of_its_card():
    path = shipped_file("alignment.npz")
    card = json.loads(path.with_suffix(".json").read_text())
    assert hashlib.sha256(path.read_bytes()).hexdigest() == card["sha256"]
    assert write_alignment(SHIPPED) == path.read_bytes()
    judged = evaluate_alignment(SHIPPED, 300, random_state=2)
    assert judged.error == pytest.approx(card["evaluation"]["error_in_pixels"], abs=0.1)


def test_parts_that_do_not_belong_together_are_refused():
    arrays = SHIPPED.arrays()
    for name, change in (
        ("leaves", arrays["leaves"][:, :-1]),
        ("thresholds", arrays["thresholds"].astype(np.int32)),
        ("pairs", arrays["pairs"] + np.int16(300)),
        ("mean", arrays["mean"][:3]),
        ("mean", arrays["mean"].astype(float)),
    ):
        with pytest.raises(ValueError, match=r"require|expected depth"):
            Alignment.of({**arrays, name: change})
    with pytest.raises(KeyError):
        Alignment.of({"mean": arrays["mean"]})


def test_ferns_that_have_learnt_nothing_harm_nothing():
    wild = dataclasses.replace(SHIPPED, leaves=np.full_like(SHIPPED.leaves, 32767))
    assert align(EYES.images, wild).shape == EYES.images.shape


def test_a_damaged_file_is_told(tmp_path, monkeypatch):
    broken = tmp_path / "alignment.npz"
    broken.write_bytes(shipped_file("alignment.npz").read_bytes()[:5000])
    monkeypatch.setattr("classic_eyes.preprocessing.alignment.shipped_file", lambda name: broken)
    with pytest.raises(ModelError, match=r"is damaged or not an alignment; reinstall classic-eyes"):
        shipped_alignment()


# In a classifier


@pytest.fixture(scope="module")
def clf() -> EyeClassifier:
    views = (("lbp",), ("hog", "pixels"))
    return EyeClassifier(views, "metric", n_components=40, n_copies=1, cascade=0.4, align="others").fit(
        EYES.images, EYES.labels
    )


def test_the_others_are_shown_eyes_aligned_and_the_first_is_not(clf):
    program = clf.program
    assert [view.aligned for view in program.views] == [False, True]
    images, _ = make_posed_eyes(40, random_state=12)
    apart = [dataclasses.replace(view, aligned=False) for view in program.views]
    own, other = (
        dataclasses.replace(program, views=(view,), cascade=None, alignment=None, slope=1.0, intercept=0.0)
        for view in apart
    )
    both = dataclasses.replace(program, cascade=None, slope=1.0, intercept=0.0)
    mean = (own.log_odds(images) + other.log_odds(align(images, SHIPPED))) / 2
    np.testing.assert_allclose(both.log_odds(images), mean, atol=1e-6)


@pytest.mark.parametrize("classifier", ["svm", "mirror", "metric"])
@pytest.mark.parametrize("which", ["all", "others"])
def test_the_compiled_form_answers_as_scikit_learn(classifier, which):
    clf = EyeClassifier((("lbp",), ("hog",)), classifier, n_components=20, n_copies=0, align=which)
    clf.fit(EYES.images, EYES.labels)
    assert clf.not_compiled_ is None
    images, _ = make_posed_eyes(50, random_state=13)
    slope, intercept = clf.calibration_
    fitted = 1 / (1 + np.exp(-(slope * clf._margin(images) + intercept)))
    np.testing.assert_allclose(clf.predict_proba(images)[:, 1], fitted, atol=1e-4)


def test_what_has_no_compiled_form_is_shown_eyes_aligned_too():
    how = {"n_components": 20, "n_copies": 0}
    plain = EyeClassifier(("hog",), "gb", **how).fit(EYES.images, EYES.labels)
    aligned = EyeClassifier(("hog",), "gb", align="all", **how).fit(EYES.images, EYES.labels)
    by_hand = EyeClassifier(("hog",), "gb", **how, augmentations=("flip",)).fit(
        align(EYES.images, SHIPPED), EYES.labels
    )
    shown = align(EYES.images, SHIPPED)
    np.testing.assert_allclose(aligned.decision_function(EYES.images), by_hand.decision_function(shown), atol=1e-9)
    assert (plain.decision_function(EYES.images) != aligned.decision_function(EYES.images)).any()


def test_every_kind_of_file_keeps_the_alignment(clf, tmp_path):
    clf.save(tmp_path / "m.joblib")
    clf.save(tmp_path / "m.skops")
    answers = clf.predict_proba(EYES.images)[:, 1]
    for read in (
        EyeClassifier.load(tmp_path / "m.joblib", trusted=True),
        EyeClassifier.load(tmp_path / "m.skops"),
    ):
        assert read.align == "others"
        np.testing.assert_allclose(read.predict_proba(EYES.images)[:, 1], answers, atol=1e-9)
    compiled = EyePredictor.load(tmp_path / "m.npz")
    np.testing.assert_allclose(compiled.predict_proba(EYES.images)[:, 1], answers, atol=1e-9)
    header, arrays = clf.program.to_parts()
    del header["alignment"]
    with pytest.raises(ValueError, match="no alignment for an aligned view"):
        type(clf.program).from_parts(header, arrays)
    assert read_compiled(tmp_path / "m.npz")[0].alignment is not None


def test_every_feature_may_be_in_a_skops_file():
    kinds = {f"{kind.__module__}.{kind.__qualname__}" for kind in EXTRACTORS.values()}
    assert kinds <= set(ALLOWED_TYPES)


def test_a_file_from_before_is_read_as_it_was(tmp_path):
    clf = EyeClassifier(("hog",), n_components=10, n_copies=0).fit(EYES.images, EYES.labels)
    state = clf.__getstate__()
    for name in ("align", "alignment_"):
        state.pop(name)
    old = EyeClassifier.__new__(EyeClassifier)
    old.__setstate__(state)
    assert old.align is None
    np.testing.assert_array_equal(old.predict(EYES.images), clf.predict(EYES.images))


@pytest.mark.parametrize(
    ("features", "which", "message"),
    [
        (("hog",), "some", "align is 'some'; it must be 'all', 'others'"),
        (("hog",), True, "align is True; it must be"),
        (("hog",), np.array(["all", "others"]), "align is array"),
        (("hog",), "others", "align is 'others', and features is one view"),
    ],
)
def test_what_cannot_be_aligned_is_refused(features, which, message):
    with pytest.raises(ParameterError, match=message):
        EyeClassifier(features, align=which).fit(EYES.images, EYES.labels)


# By the installed command


def command(*given: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "classic_eyes", *given], capture_output=True, text=True, check=False)


def test_train_and_info_tell_of_it(tmp_path):
    for k, (image, label) in enumerate(zip(EYES.images[:80], EYES.labels[:80], strict=True)):
        folder = tmp_path / "eyes" / ("open" if label else "closed")
        folder.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / f"{k}.png"), image)
    how = ["--features", "lbp/hog", "--classifier", "metric", "--components", "10", "--copies", "0", "--folds", "0"]
    out = str(tmp_path / "m.joblib")
    run = command("train", str(tmp_path / "eyes"), *how, "--align", "others", "--out", out)
    assert run.returncode == 0, run.stderr
    parameters = json.loads((tmp_path / "m.json").read_text())["parameters"]
    assert parameters["align"] == "others"
    told = command("info", str(tmp_path / "m.npz")).stdout.splitlines()
    shown = [line.endswith("shown eyes aligned") for line in told if line.startswith("view")]
    assert shown == [False, True]


def test_train_refuses_others_where_there_are_none(tmp_path):
    run = command("train", str(tmp_path), "--features", "hog", "--align", "others", "--out", str(tmp_path / "m.joblib"))
    assert run.returncode == 2
    assert run.stderr.count("\n") == 1
    assert "--align others: --features names one view" in run.stderr


def test_train_refuses_a_folder_before_it_learns(tmp_path):
    (tmp_path / "m.joblib").mkdir()
    run = command("train", str(tmp_path), "--out", str(tmp_path / "m.joblib"))
    assert (run.returncode, run.stderr.count("\n")) == (2, 1)
    assert run.stderr.endswith("m.joblib' is a folder; name a file\n")


def test_the_command_alignment_writes_a_file_and_its_card(tmp_path):
    out = tmp_path / "f.npz"
    run = command("alignment", "--out", str(out), "--eyes", "100")
    assert run.returncode == 0, run.stderr
    assert "the middle of the eye is off by" in run.stdout
    with np.load(out) as arrays:
        Alignment.of(arrays)
    assert json.loads((tmp_path / "f.json").read_text())["sha256"] == hashlib.sha256(out.read_bytes()).hexdigest()
    again = command("alignment", "--out", str(out), "--eyes", "100")
    assert (again.returncode, again.stderr.count("\n")) == (2, 1)
    (tmp_path / "folder.npz").mkdir()
    taken = command("alignment", "--out", str(tmp_path / "folder.npz"), "--eyes", "100", "--force")
    assert (taken.returncode, taken.stderr.count("\n")) == (2, 1)
    assert taken.stderr.endswith("is a folder; name a file\n")
    few = command("alignment", "--out", str(tmp_path / "g.npz"), "--eyes", "5")
    assert few.returncode == 2
    assert few.stderr.endswith("--eyes 5: 100 to 100000 synthetic eyes are allowed; 16000 do well\n")
