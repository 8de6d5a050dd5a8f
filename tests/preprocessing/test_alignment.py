"""Alignment: closed form, properties, training, and use in the classifier."""

from __future__ import annotations

import dataclasses
import hashlib
import json

import cv2
import numpy as np
import pytest

from classic_eyes import EyeClassifier
from classic_eyes._utils.files import shipped_file
from classic_eyes.errors import ModelError, ParameterError
from classic_eyes.persistence.npz import join_program, split_program
from classic_eyes.preprocessing.alignment import (
    UNIT,
    Alignment,
    align,
    find_poses,
    move_poses,
    normalize_contrast,
    sample_pixels,
    shipped_alignment,
)
from classic_eyes.synthetic import make_eyes
from tools.alignment import (
    evaluate_alignment,
    make_posed_eyes,
    poses_of,
    train_alignment,
    write_alignment,
)

EYES = make_eyes(300, random_state=71)
SHIPPED = shipped_alignment()


def plane(*numbers: complex) -> np.ndarray:
    return np.array([numbers], dtype=np.complex128) * UNIT


def rms_error(alignment: Alignment, images: np.ndarray, poses: np.ndarray) -> float:
    """Return the root mean square error of the centre of the eye, in pixels."""
    error = (find_poses(images, alignment) - poses)[:, :2] / UNIT
    return float(np.sqrt((error**2).sum(axis=1).mean()))


# Closed form


def test_pose_of_landmarks():
    level = np.array([[[3, 11.5], [8, 9], [15, 9], [20, 11.5], [15, 14], [8, 14]]])
    assert (poses_of(level) / UNIT).tolist() == [[0, 0, 1, 0]]
    quarter = level[..., ::-1] * [-1, 1] + [23, 0]  # rotated clockwise by a right angle
    np.testing.assert_allclose(poses_of(quarter) / UNIT, [[0, 0, 0, 1]])
    np.testing.assert_allclose(poses_of((level - 11.5) * 0.5 + [14, 10]) / UNIT, [[2.5, -1.5, 0.5, 0]])


def test_increments_are_in_the_frame_of_the_eye():
    upright, lying = plane(1 + 2j, 1), plane(1 + 2j, 1j)
    right = np.array([[UNIT, 0, 0, 0]])
    np.testing.assert_array_equal(move_poses(upright, right), plane(2 + 2j, 1))
    np.testing.assert_array_equal(move_poses(lying, right), plane(1 + 3j, 1j))
    larger = np.array([[0, 0, UNIT // 2, 0]])
    np.testing.assert_array_equal(move_poses(lying, larger), plane(1 + 2j, 1.5j))


def test_sampling_positions_move_with_the_eye_and_are_clipped_at_the_border():
    levels = np.arange(576, dtype=np.int16)[:, np.newaxis]
    places = np.array([32 + 32j, 32 + 64 + 32j, 32 + (32 + 64) * 1j, 64 * 20 + 32j], np.complex64)
    assert sample_pixels(levels, plane(0, 1), places, 24)[:, 0].tolist() == [300, 301, 324, 311]
    assert sample_pixels(levels, plane(2 + 1j, 1), places, 24)[:, 0].tolist() == [326, 327, 350, 335]
    rotated = sample_pixels(levels, plane(0, 1j), places, 24)[:, 0]
    assert rotated.tolist() == [299 + 0, 299 + 24, 298, 23 * 24 + 11]


def test_contrast_is_normalized():
    rows = normalize_contrast(EYES.images[:50])
    assert np.abs(rows.mean(axis=0)).max() < 1
    np.testing.assert_allclose(rows.std(axis=0), 48, atol=0.5)
    assert not normalize_contrast(np.full((1, 24, 24), 90, np.uint8)).any()
    half = (EYES.images[:50] // 2).astype(np.uint8)
    np.testing.assert_array_equal(normalize_contrast(half), normalize_contrast(half + 60))


def test_warp_of_a_slope():
    # Bilinear interpolation of a slope gives a slope.
    across, down = np.meshgrid(np.arange(24) - 11.5, np.arange(24) - 11.5)
    slopes = np.stack([128 + 4 * across, 128 + 4 * down, 128 - 3 * across + 2 * down]).astype(np.uint8)
    still = dataclasses.replace(SHIPPED, mean=np.array([0, 0, UNIT, 0], np.int32), leaves=np.zeros_like(SHIPPED.leaves))
    aligned = align(slopes, still).astype(float)
    np.testing.assert_allclose(aligned - 128, (slopes.astype(float) - 128) * 17 / 24, atol=1)
    beside = dataclasses.replace(still, mean=np.array([2 * UNIT, 0, UNIT, 0], np.int32))
    # The horizontal offsets of an image and of its mirror image cancel.
    np.testing.assert_array_equal(align(slopes, beside), aligned)
    below = dataclasses.replace(still, mean=np.array([0, 3 * UNIT, UNIT, 0], np.int32))
    np.testing.assert_allclose(align(slopes[1:2], below), aligned[1:2] + 4 * 3, atol=1)
    # The scale is clipped at a third larger or smaller.
    for scale, most in ((2.0, 1 / 0.75), (0.4, 1 / 1.35)):
        other = dataclasses.replace(still, mean=np.array([0, 0, scale * UNIT, 0], np.int32))
        np.testing.assert_allclose(align(slopes, other) - 128.0, (aligned - 128) * most, atol=1.5)


# Properties


def test_mirror_image_has_the_mirrored_pose_and_warp_to_the_bit():
    images, _ = make_posed_eyes(100, random_state=5)
    mirrored = np.ascontiguousarray(images[:, :, ::-1])
    np.testing.assert_array_equal(find_poses(mirrored, SHIPPED), find_poses(images, SHIPPED) * [-1, 1, 1, -1])
    np.testing.assert_array_equal(align(mirrored, SHIPPED), align(images, SHIPPED)[:, :, ::-1])


def test_result_does_not_depend_on_the_batch():
    together = align(EYES.images, SHIPPED)
    alone = np.concatenate([align(image[np.newaxis], SHIPPED) for image in EYES.images[:80]])
    np.testing.assert_array_equal(alone, together[:80])
    assert align(EYES.images[:0], SHIPPED).shape == (0, 24, 24)


def test_pose_does_not_depend_on_brightness():
    dark = (EYES.images // 2).astype(np.uint8)
    np.testing.assert_array_equal(find_poses(dark, SHIPPED), find_poses(dark + 100, SHIPPED))


def test_larger_images_have_the_same_poses():
    twice = EYES.images.repeat(2, axis=1).repeat(2, axis=2)
    np.testing.assert_array_equal(find_poses(twice, SHIPPED), find_poses(EYES.images, SHIPPED))
    assert align(twice, SHIPPED).shape == (300, 48, 48)


def test_images_without_an_eye_are_warped():
    noise = np.random.default_rng(0).integers(0, 256, (60, 24, 24), dtype=np.uint8)
    flat = np.full((1, 24, 24), 7, np.uint8)
    np.testing.assert_array_equal(align(flat, SHIPPED), flat)
    assert align(noise, SHIPPED).shape == noise.shape


def test_error_of_the_centre_is_about_a_pixel():
    images, poses = make_posed_eyes(300, random_state=9)
    found = rms_error(SHIPPED, images, poses)
    unknown = np.sqrt((((SHIPPED.mean - poses)[:, :2] / UNIT) ** 2).sum(axis=1).mean())
    assert found < 1.1
    assert found < 0.4 * unknown


def test_aligned_eyes_vary_less():
    images, _ = make_posed_eyes(150, random_state=10)
    blurred = [cv2.GaussianBlur(each, (0, 0), 1.0).astype(float) for each in images]
    before = np.std([each - each.mean() for each in blurred], axis=0).mean()
    aligned = [cv2.GaussianBlur(each, (0, 0), 1.0).astype(float) for each in align(images, SHIPPED)]
    assert np.std([each - each.mean() for each in aligned], axis=0).mean() < before


# Training, and the file


def test_training_is_accurate_and_reproducible():
    alignment = train_alignment(100, random_state=3)
    assert write_alignment(alignment) == write_alignment(train_alignment(100, random_state=3))
    score = evaluate_alignment(alignment, 100)
    assert score.n == 300
    assert score.error < 0.75 * score.baseline_error
    with pytest.raises(ParameterError, match="n is 99; allowed is 100 to 100,000 synthetic eyes"):
        train_alignment(99)


def test_shipped_file_matches_its_card():
    path = shipped_file("alignment.npz")
    card = json.loads(path.with_suffix(".json").read_text())
    assert hashlib.sha256(path.read_bytes()).hexdigest() == card["sha256"]
    assert write_alignment(SHIPPED) == path.read_bytes()
    score = evaluate_alignment(SHIPPED, 300, random_state=2)
    assert score.error == pytest.approx(card["evaluation"]["error_in_pixels"], abs=0.1)


def test_inconsistent_arrays_are_rejected():
    arrays = SHIPPED.arrays()
    for name, change in (
        ("leaves", arrays["leaves"][:, :-1]),
        ("thresholds", arrays["thresholds"].astype(np.int32)),
        ("pairs", arrays["pairs"] + np.int16(300)),
        ("mean", arrays["mean"][:3]),
        ("mean", arrays["mean"].astype(float)),
    ):
        with pytest.raises(ValueError, match=r"require|allowed: depth"):
            Alignment.of({**arrays, name: change})
    with pytest.raises(KeyError):
        Alignment.of({"mean": arrays["mean"]})


def test_extreme_leaves_do_not_fail():
    wild = dataclasses.replace(SHIPPED, leaves=np.full_like(SHIPPED.leaves, 32767))
    assert align(EYES.images, wild).shape == EYES.images.shape


def test_damaged_file_is_reported(tmp_path, monkeypatch):
    broken = tmp_path / "alignment.npz"
    broken.write_bytes(shipped_file("alignment.npz").read_bytes()[:5000])
    monkeypatch.setattr("classic_eyes.preprocessing.alignment.shipped_file", lambda name: broken)
    with pytest.raises(ModelError, match=r"is damaged or not an alignment; reinstall classic-eyes"):
        shipped_alignment()


# In a classifier


@pytest.fixture(scope="module")
def clf() -> EyeClassifier:
    views, settings = (("lbp",), ("hog", "pixels")), {"n_copies": 0, "n_synthetic": 0, "remove_glare": False}
    return EyeClassifier(views, "metric", n_components=20, cascade=0.4, align="others", **settings).fit(
        EYES.images, EYES.labels
    )


def test_only_later_views_receive_aligned_images(clf):
    program = clf.program
    assert [view.aligned for view in program.views] == [False, True]
    images, _ = make_posed_eyes(40, random_state=12)
    unaligned = [dataclasses.replace(view, aligned=False) for view in program.views]
    first, second = (
        dataclasses.replace(program, views=(view,), cascade=None, alignment=None, slope=1.0, intercept=0.0)
        for view in unaligned
    )
    both = dataclasses.replace(program, cascade=None, slope=1.0, intercept=0.0)
    mean = (first.log_odds(images) + second.log_odds(align(images, SHIPPED))) / 2
    np.testing.assert_allclose(both.log_odds(images), mean, atol=1e-6)


def test_program_without_alignment_is_rejected(clf):
    header, arrays = split_program(clf.program)
    header["alignment"] = None
    with pytest.raises(ValueError, match="no alignment for an aligned view"):
        join_program(header, arrays)


def test_views_that_are_not_compiled_receive_aligned_images():
    settings = {"n_components": 20, "n_copies": 0, "n_synthetic": 0, "remove_glare": False}
    images, labels = EYES.images[:100], EYES.labels[:100]
    plain = EyeClassifier(("hog",), "gb", align=None, **settings).fit(images, labels)
    aligned = EyeClassifier(("hog",), "gb", align="all", **settings).fit(images, labels)
    warped = align(images, SHIPPED)
    expected = EyeClassifier(("hog",), "gb", align=None, **settings).fit(warped, labels)
    np.testing.assert_allclose(aligned.decision_function(images), expected.decision_function(warped), atol=1e-9)
    assert (plain.decision_function(images) != aligned.decision_function(images)).any()
