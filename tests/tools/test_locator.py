"""Training of the eye locator: faces of a small video, a teacher, and a file that loads."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
from skimage import data

from ..conftest import ROOT, run

pytest.importorskip("dlib", reason="dlib is not installed")

from classic_eyes.faces.localization import AROUND_EYES, crop_face, load_locator
from tools.locator import FaceSample, halves, measure_lid_bias, train_regression, vary

GREY = cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2GRAY)
CORNERS = np.array([[195, 101], [212, 104], [238, 105], [255, 104], [224, 125]], dtype=float)
BOX = np.array([179.0, 83.0, 88.0, 88.0])
COLLINS = FaceSample(GREY, BOX, CORNERS, CORNERS, 0.0, (), "collins", "astronaut", 1)


def tool(*arguments: object):
    return run(*arguments, program=(str(ROOT / "tools" / "train_eye_locator.py"),))


@pytest.fixture
def teacher(tmp_path):
    """A predictor of five points that knows one face, and its mirror image."""
    import dlib

    options = dlib.shape_predictor_training_options()
    options.cascade_depth, options.num_trees_per_cascade_level, options.oversampling_amount = 8, 40, 60
    options.oversampling_translation_jitter, options.nu = 0.06, 0.3
    image = cv2.resize(GREY[22:233, 117:328], None, fx=160 / 88, fy=160 / 88)
    points = (CORNERS - (117, 22)) * (160 / 88)
    side = image.shape[1]
    mirrored = (points * (-1, 1) + (side - 1, 0))[[3, 2, 1, 0, 4]]
    box = dlib.rectangle(112, 112, 271, 271)
    faces = [
        [dlib.full_object_detection(box, [dlib.point(*each) for each in np.rint(own).astype(int).tolist()])]
        for own in (points, mirrored)
    ]
    images = [image, np.ascontiguousarray(image[:, ::-1])]
    dlib.train_shape_predictor(images, faces, options).save(str(tmp_path / "five.dat"))
    return tmp_path / "five.dat"


@pytest.fixture
def videos(tmp_path):
    """One clip of three frames."""
    top = tmp_path / "videos"
    (top / "clips").mkdir(parents=True)
    writer = cv2.VideoWriter(str(top / "clips" / "a.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 25, (512, 512))
    for _ in range(3):
        writer.write(cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2BGR))
    writer.release()
    (top / "clips.csv").write_text("file,person,frames\na.avi,p01,3\n")
    return top


def test_a_locator_is_trained_and_written_with_its_card(tmp_path, videos, teacher):
    done = tool(videos, "--teacher", teacher, "--out", tmp_path / "l.npz", "--per-person", 80)
    assert done.returncode == 0, done.stderr
    eyes = load_locator(tmp_path / "l.npz").eyes(GREY, BOX)
    found = np.concatenate([eyes["right"], eyes["left"]])
    assert np.linalg.norm(found - CORNERS[:4], axis=1).mean() < 8
    card = json.loads((tmp_path / "l.json").read_text())
    assert set(card) == {"kind", "trained_on", "teacher", "command", "sha256", "versions"}
    assert str(tmp_path) not in json.dumps(card)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["nowhere", "--teacher", "t.dat", "--out", "l.npz"], "clips.csv' does not exist"),
        (["nowhere", "--teacher", "t.dat", "--out", "l.dat"], "must end in .npz"),
        (["nowhere", "--out", "l.npz"], "required: --teacher"),
    ],
)
def test_wrong_arguments_give_one_line(options, message):
    done = tool(*options)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert message in done.stderr


def test_varied_faces_keep_their_corners_in_order_and_their_box_around_them():
    rng = np.random.default_rng(0)
    for _ in range(40):
        image, points, corner, along = vary(COLLINS, rng)
        assert (image.dtype, points.shape) == (np.uint8, (5, 2))
        across = (points[:4] - corner) @ along / (along @ along)
        down = (points[:4] - corner) @ np.array([-along[1], along[0]]) / (along @ along)
        assert (np.diff(across) > 0).all()
        assert across.min() > -0.4
        assert across.max() < 1.4
        assert (np.abs(down - 0.25) < 0.5).all()


def test_varied_faces_show_the_eyes_at_their_corners():
    """Eyes of an otherwise white face stay dark."""
    image = np.full_like(GREY, 255)
    for x, y in CORNERS[:4]:
        cv2.circle(image, (int(x), int(y)), 4, 0, -1)
    rng = np.random.default_rng(1)
    seen = []
    for _ in range(40):
        varied, points, corner, along = vary(replace(COLLINS, image=image, person="p"), rng)
        crop, to_photograph = crop_face(varied, corner, along)
        places = np.rint((points[:4] - to_photograph[:, 2]) @ np.linalg.inv(to_photograph[:, :2]).T).astype(int)
        inside = places[((places >= 0) & (places < 200)).all(axis=1)]
        dark = np.array([crop[y, x] for x, y in inside], dtype=float)
        seen.append(np.median(dark) < np.median(crop))
    # Some are too dark or too bright to show anything.
    assert np.mean(seen) > 0.8


def test_people_are_split_into_halves_without_overlap():
    samples = [replace(COLLINS, person=name) for name in ("a", "b", "c", "several", "a", "d", "e")]
    first, second = halves(samples)
    assert sorted(first + second) == ["a", "b", "c", "d", "e"]
    assert abs(len(first) - len(second)) == 1


def test_regression_recovers_the_corners_of_the_face_it_was_trained_on():
    weights, offset = train_regression([COLLINS], per_person=60)
    assert (weights.shape, offset.shape) == ((2808, 8), (8,))
    locator = load_locator()
    trained = replace(locator, weights=weights.astype(np.float32), offset=offset)
    centre = BOX[:2]
    crop, to_photograph = crop_face(GREY, centre, np.array([88.0, 0.0]), AROUND_EYES)
    found = trained._regression(crop) @ to_photograph[:, :2].T + to_photograph[:, 2]
    assert np.linalg.norm(found - CORNERS[:4], axis=1).mean() < 0.4 * 17


def test_bias_of_the_lids_is_symmetric():
    right, left = measure_lid_bias([COLLINS])
    np.testing.assert_allclose(right, left[::-1] * (-1, 1), atol=1e-6)
    assert np.abs(right).max() < 0.3


def test_card_of_the_shipped_locator_belongs_to_it():
    card = json.loads((ROOT / "models" / "locator.json").read_text())
    assert card["sha256"] == hashlib.sha256((ROOT / "models" / "locator.npz").read_bytes()).hexdigest()
    assert card["command"].split()[1] == "tools/train_eye_locator.py"
    assert {"n", "error_median", "error_95th_percentile"} <= set(card["evaluation"])
