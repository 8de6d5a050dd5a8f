"""Reflections are found and filled; what is none stays to the last bit."""

from __future__ import annotations

import dataclasses
import json

import cv2
import numpy as np
import pytest
from ..conftest import write_labelled
from sklearn.base import clone

from classic_eyes import EyeClassifier, EyePredictor
from classic_eyes.cli import main
from classic_eyes.errors import ParameterError
from classic_eyes.preprocessing.glare import remove_glare
from classic_eyes.synthetic import make_eyes

EYES = make_eyes(160, random_state=1)


def ramp(n: int = 1) -> np.ndarray:
    """Grey levels that rise from left to right."""
    return np.tile(np.linspace(60, 106, 24).astype(np.uint8), (n, 24, 1))


def with_spots(images: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Paint a saturated disc of 3 to 5 pixels on each; return the images and where."""
    rng = np.random.default_rng(seed)
    glaring, where = images.copy(), np.zeros(images.shape, np.uint8)
    for image, spot in zip(glaring, where, strict=True):
        x, y = rng.integers(4, 20, 2).tolist()
        cv2.circle(spot, (x, y), int(rng.integers(1, 3)), 1, -1)
        image[spot > 0] = 255
    return glaring, where > 0


def test_a_spot_on_a_ramp_becomes_the_ramp():
    dull = ramp()
    glaring = dull.copy()
    glaring[0, 9:12, 12:15] = 255
    # A linear ramp solves Laplace's equation.
    np.testing.assert_allclose(remove_glare(glaring).astype(int), dull, atol=1)


def test_a_spot_at_the_border_is_filled_too():
    dull = ramp()
    for rows, columns in ((slice(0, 3), slice(0, 3)), (slice(22, 24), slice(20, 24)), (slice(0, 2), slice(10, 13))):
        glaring = dull.copy()
        glaring[0, rows, columns] = 255
        np.testing.assert_allclose(remove_glare(glaring).astype(int), dull, atol=8)


def test_images_without_glare_come_back_themselves():
    rng = np.random.default_rng(0)
    for images in (ramp(3), np.full((2, 24, 24), 255, np.uint8), rng.integers(0, 60, (4, 24, 24), dtype=np.uint8)):
        assert remove_glare(images) is images
    assert remove_glare(np.empty((0, 24, 24), np.uint8)).shape == (0, 24, 24)


def test_what_is_wide_is_no_glare():
    image = ramp()
    image[0, 8:16, 8:16] = 255
    assert remove_glare(image) is image


def test_so_much_that_it_is_no_reflection_stays():
    stripes = np.full((1, 24, 24), 40, np.uint8)
    stripes[0, :, ::3] = 255
    assert remove_glare(stripes) is stripes


def test_only_pixels_near_the_spot_change_and_they_become_what_is_around():
    glaring, where = with_spots(ramp(200))
    filled = remove_glare(glaring)
    near = np.stack([cv2.dilate(spot.astype(np.uint8), np.ones((3, 3), np.uint8)) for spot in where]) > 0
    np.testing.assert_array_equal(filled[~near], glaring[~near])
    assert np.abs(filled[where].astype(int) - ramp(200)[where]).max() <= 3


def test_the_mirror_image_is_filled_alike_and_so_is_each_image_by_itself():
    glaring, _ = with_spots(EYES.images, seed=3)
    filled = remove_glare(glaring)
    assert (filled != glaring).any(axis=(1, 2)).mean() > 0.3
    mirrored = remove_glare(np.ascontiguousarray(glaring[:, :, ::-1]))
    np.testing.assert_array_equal(mirrored[:, :, ::-1], filled)
    np.testing.assert_array_equal([remove_glare(image[np.newaxis])[0] for image in glaring], filled)
    np.testing.assert_array_equal(remove_glare(np.concatenate([glaring] * 3)), np.concatenate([filled] * 3))


def test_the_array_given_is_not_touched():
    glaring, _ = with_spots(ramp(5))
    before = glaring.copy()
    remove_glare(glaring)
    np.testing.assert_array_equal(glaring, before)


def test_synthetic_eyes_keep_their_whites():
    plain = make_eyes(600, random_state=5).images
    assert (remove_glare(plain) != plain).any(axis=(1, 2)).mean() < 0.1


# -- in the classifier --


@pytest.fixture(scope="module")
def clf() -> EyeClassifier:
    return EyeClassifier((("hog",), ("lbp",)), "mirror", n_copies=1, n_components=20, remove_glare=True).fit(
        EYES.images, EYES.labels
    )


def test_a_spot_changes_the_answer_less(clf):
    plain = clone(clf).set_params(remove_glare=False).fit(EYES.images, EYES.labels)
    dull = np.minimum(make_eyes(200, random_state=7).images, 150)
    glaring, _ = with_spots(dull)

    def moved(one: EyeClassifier) -> float:
        return float(np.abs(one.predict_proba(glaring) - one.predict_proba(dull)).mean())

    assert moved(clf) < 0.85 * moved(plain)


def test_every_form_takes_it_out(clf, tmp_path):
    glaring, _ = with_spots(EYES.images)
    slope, intercept = clf.calibration_
    np.testing.assert_allclose(clf.decision_function(glaring), slope * clf._margin(glaring) + intercept, atol=2e-3)
    as_it_is = dataclasses.replace(clf.program, remove_glare=False)
    np.testing.assert_array_equal(clf.program.log_odds(glaring), as_it_is.log_odds(remove_glare(glaring)))
    assert not np.allclose(clf.program.log_odds(glaring), as_it_is.log_odds(glaring), atol=0.1)
    np.testing.assert_allclose(
        [clf.predict_one(image) for image in glaring], clf.predict_proba(glaring)[:, 1], atol=3e-4
    )
    clf.save(tmp_path / "m.joblib")
    read = EyeClassifier.load(tmp_path / "m.joblib", trusted=True)
    assert read.remove_glare is True
    np.testing.assert_array_equal(read.predict_proba(glaring), clf.predict_proba(glaring))
    np.testing.assert_allclose(
        EyePredictor.load(tmp_path / "m.npz").predict_proba(glaring), clf.predict_proba(glaring), atol=1e-12
    )
    assert set(clf.program.stages(glaring)) == {"features", "decision"}


def test_it_is_a_yes_or_a_no():
    with pytest.raises(ParameterError, match="remove_glare is 'much'; it must be True or False"):
        EyeClassifier(("hog",), remove_glare="much").fit(EYES.images, EYES.labels)


def test_train_and_info_say_it(tmp_path, capsys):
    folder = write_labelled(tmp_path / "eyes", 60)
    how = ["--features", "hog", "--copies", "0", "--components", "10", "--folds", "0", "--remove-glare"]
    assert main(["train", str(folder), "--out", str(tmp_path / "m.joblib"), *how]) == 0
    assert json.loads((tmp_path / "m.json").read_text())["parameters"]["remove_glare"] is True
    assert main(["info", str(tmp_path / "m.npz")]) == 0
    assert "glare        taken out first" in capsys.readouterr().out
