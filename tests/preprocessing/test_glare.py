"""Removal of reflections: closed form, properties, and use in the classifier."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest
from sklearn.base import clone

from classic_eyes import EyeClassifier
from classic_eyes.preprocessing.glare import remove_glare
from classic_eyes.synthetic import make_eyes

EYES = make_eyes(160, random_state=1)


def ramp(n: int = 1) -> np.ndarray:
    """Grey levels that rise from left to right."""
    return np.tile(np.linspace(60, 106, 24).astype(np.uint8), (n, 24, 1))


def with_spots(images: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draw a saturated disc of 3 to 5 pixels on each image; return images and masks."""
    rng = np.random.default_rng(seed)
    glaring, where = images.copy(), np.zeros(images.shape, np.uint8)
    for image, spot in zip(glaring, where, strict=True):
        x, y = rng.integers(4, 20, 2).tolist()
        cv2.circle(spot, (x, y), int(rng.integers(1, 3)), 1, -1)
        image[spot > 0] = 255
    return glaring, where > 0


def test_spot_on_a_ramp_becomes_the_ramp():
    clean = ramp()
    glaring = clean.copy()
    glaring[0, 9:12, 12:15] = 255
    # A linear ramp solves Laplace's equation.
    np.testing.assert_allclose(remove_glare(glaring).astype(int), clean, atol=1)


def test_spot_at_the_border_is_filled():
    clean = ramp()
    for rows, columns in ((slice(0, 3), slice(0, 3)), (slice(22, 24), slice(20, 24)), (slice(0, 2), slice(10, 13))):
        glaring = clean.copy()
        glaring[0, rows, columns] = 255
        np.testing.assert_allclose(remove_glare(glaring).astype(int), clean, atol=8)


def test_images_without_glare_are_returned_unchanged():
    rng = np.random.default_rng(0)
    for images in (ramp(3), np.full((2, 24, 24), 255, np.uint8), rng.integers(0, 60, (4, 24, 24), dtype=np.uint8)):
        assert remove_glare(images) is images
    assert remove_glare(np.empty((0, 24, 24), np.uint8)).shape == (0, 24, 24)


def test_wide_bright_region_is_not_glare():
    image = ramp()
    image[0, 8:16, 8:16] = 255
    assert remove_glare(image) is image


def test_more_than_a_quarter_of_the_image_is_not_glare():
    stripes = np.full((1, 24, 24), 40, np.uint8)
    stripes[0, :, ::3] = 255
    assert remove_glare(stripes) is stripes


def test_only_pixels_near_the_spot_change():
    glaring, where = with_spots(ramp(200))
    filled = remove_glare(glaring)
    near = np.stack([cv2.dilate(spot.astype(np.uint8), np.ones((3, 3), np.uint8)) for spot in where]) > 0
    np.testing.assert_array_equal(filled[~near], glaring[~near])
    assert np.abs(filled[where].astype(int) - ramp(200)[where]).max() <= 3


def test_result_does_not_depend_on_mirroring_or_batch():
    glaring, _ = with_spots(EYES.images, seed=3)
    filled = remove_glare(glaring)
    assert (filled != glaring).any(axis=(1, 2)).mean() > 0.3
    mirrored = remove_glare(np.ascontiguousarray(glaring[:, :, ::-1]))
    np.testing.assert_array_equal(mirrored[:, :, ::-1], filled)
    np.testing.assert_array_equal([remove_glare(image[np.newaxis])[0] for image in glaring], filled)
    np.testing.assert_array_equal(remove_glare(np.concatenate([glaring] * 3)), np.concatenate([filled] * 3))


def test_input_is_not_changed():
    glaring, _ = with_spots(ramp(5))
    before = glaring.copy()
    remove_glare(glaring)
    np.testing.assert_array_equal(glaring, before)


def test_sclera_of_synthetic_eyes_is_kept():
    plain = make_eyes(600, random_state=5).images
    assert (remove_glare(plain) != plain).any(axis=(1, 2)).mean() < 0.1


# -- in the classifier --

SETTINGS = {"n_copies": 0, "n_synthetic": 0, "n_components": 20, "align": None, "cascade": None}


@pytest.fixture(scope="module")
def clf() -> EyeClassifier:
    return EyeClassifier((("hog",), ("lbp",)), "symmetric", remove_glare=True, **SETTINGS).fit(EYES.images, EYES.labels)


def test_spot_changes_the_prediction_less(clf):
    plain = clone(clf).set_params(remove_glare=False).fit(EYES.images, EYES.labels)
    clean = np.minimum(make_eyes(200, random_state=7).images, 150)
    glaring, _ = with_spots(clean)

    def change(model: EyeClassifier) -> float:
        return float(np.abs(model.predict_proba(glaring) - model.predict_proba(clean)).mean())

    assert change(clf) < 0.85 * change(plain)


def test_program_removes_glare(clf):
    glaring, _ = with_spots(EYES.images)
    without = dataclasses.replace(clf.program, remove_glare=False)
    np.testing.assert_array_equal(clf.program.log_odds(glaring), without.log_odds(remove_glare(glaring)))
    assert not np.allclose(clf.program.log_odds(glaring), without.log_odds(glaring), atol=0.1)
    np.testing.assert_allclose(
        [clf.predict_one(image) for image in glaring], clf.predict_proba(glaring)[:, 1], atol=3e-4
    )
    assert set(clf.program.stages(glaring)) == {"features", "decision"}
