"""Statistics of detections of OpenCV's cascades, and the plain baseline."""

from __future__ import annotations

import csv
import math
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

from classic_eyes.descriptors import haar
from classic_eyes.descriptors.haar import CASCADES, STATISTICS, compute_haar
from classic_eyes.errors import ImageError, MissingDependencyError, ParameterError
from classic_eyes.features import Haar, count_hits
from classic_eyes.synthetic import make_eyes

EYES = make_eyes(40, random_state=1).images
DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "eyes24"


def slow(image: np.ndarray, cascade: str, scale_factor: float, min_neighbors: int) -> dict[str, float]:
    """Compute each statistic by its own call of OpenCV."""
    detector = cv2.CascadeClassifier(cv2.data.haarcascades + CASCADES[cascade])
    windows = [tuple(map(int, w)) for w in detector.detectMultiScale(image, scale_factor, 0)]
    groups, neighbours = detector.detectMultiScale2(image, scale_factor, min_neighbors)
    _, _, weights = detector.detectMultiScale3(image, scale_factor, 0, outputRejectLevels=True)
    weights = [float(w) for w in np.ravel(weights)]
    neighbours = [int(n) for n in np.ravel(neighbours)]
    height, width = image.shape

    def mean(values: list[float]) -> float:
        return sum(values) / len(values)

    def deviation(values: list[float]) -> float:
        return mean([(v - mean(values)) ** 2 for v in values]) ** 0.5

    if not windows:
        return dict.fromkeys(STATISTICS, 0.0)
    sizes = [w[2] / min(height, width) for w in windows]
    x = [(w[0] + w[2] / 2 - width / 2) / width for w in windows]
    y = [(w[1] + w[3] / 2 - height / 2) / height for w in windows]
    return {
        "found": 1.0,
        "groups": len(groups),
        "hits": len(windows),
        "hits_log": math.log(1 + len(windows)),
        "neighbours_max": max([0, *neighbours]),
        "neighbours_sum": sum(neighbours),
        "scale_max": max(sizes),
        "scale_mean": mean(sizes),
        "scale_min": min(sizes),
        "weight_max": max(weights),
        "weight_mean": mean(weights),
        "x_mean": mean(x),
        "x_std": deviation(x),
        "y_mean": mean(y),
        "y_std": deviation(y),
    }


@pytest.mark.parametrize("cascade", sorted(CASCADES))
def test_agrees_with_the_reference_loop(cascade):
    expected = [list(slow(p, cascade, 1.06, 2).values()) for p in EYES]
    assert any(row[0] for row in expected), "no image with a detection: the test would compare zeros"
    fast = compute_haar(EYES, cascades=(cascade,), scale_factor=1.06, min_neighbors=2)
    np.testing.assert_allclose(fast, expected, rtol=1e-6, atol=1e-6)


def test_rectangular_images_agree_with_the_reference_loop():
    images = np.stack([np.pad(p, ((8, 2), (3, 21)), mode="edge") for p in EYES[:12]])
    expected = [list(slow(p, "eye", 1.1, 1).values()) for p in images]
    assert len({row[2] for row in expected}) > 2
    fast = compute_haar(images, cascades=("eye",), scale_factor=1.1, min_neighbors=1)
    np.testing.assert_allclose(fast, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("grey", [0, 117, 255])
@pytest.mark.parametrize("cascade", sorted(CASCADES))
def test_constant_image_has_no_detection(cascade, grey):
    flat = np.full((1, 24, 24), grey, np.uint8)
    assert count_hits(flat, cascade).tolist() == [0]
    assert not compute_haar(flat, cascades=(cascade,), scale_factor=1.06, min_neighbors=3).any()


@pytest.mark.parametrize("cascade", sorted(CASCADES))
def test_vertical_step_has_no_detection(cascade):
    step = np.full((1, 24, 24), 60, np.uint8)
    step[:, :, 12:] = 180
    assert count_hits(step, cascade).tolist() == [0]


def test_open_eyes_are_detected_more_often():
    eyes = make_eyes(120, random_state=3)
    found = Haar().fit_transform(eyes.images)[:, 0] > 0
    assert found[eyes.labels == 1].mean() > found[eyes.labels == 0].mean() + 0.3


def test_statistics_are_consistent():
    # By definition: found is hits > 0, least <= mean <= greatest, groups hold more than min_neighbors windows each, and
    # a window lies within the image.
    names = [f"eye.{n}" for n in STATISTICS]
    v = dict(zip(names, Haar(cascades=("eye",), min_neighbors=2).fit_transform(EYES).T, strict=True))
    np.testing.assert_array_equal(v["eye.found"], v["eye.hits"] > 0)
    np.testing.assert_allclose(v["eye.hits_log"], np.log1p(v["eye.hits"]), rtol=1e-6)
    assert (v["eye.scale_min"] <= v["eye.scale_mean"] + 1e-6).all()
    assert (v["eye.scale_mean"] <= v["eye.scale_max"] + 1e-6).all()
    assert (v["eye.scale_max"] <= 1).all()
    assert (v["eye.neighbours_sum"] >= 3 * v["eye.groups"]).all()
    assert (v["eye.neighbours_sum"] <= v["eye.hits"]).all()
    assert (v["eye.neighbours_max"] <= v["eye.neighbours_sum"]).all()
    assert (np.abs(v["eye.x_mean"]) <= (1 - v["eye.scale_min"]) / 2 + 1e-6).all()
    assert (np.abs(v["eye.y_mean"]) <= (1 - v["eye.scale_min"]) / 2 + 1e-6).all()
    assert v["eye.groups"].any()


def test_offsets_are_positive_to_the_right_and_down():
    eye = EYES[count_hits(EYES, "eye").argmax()]
    upper_left = np.pad(eye, ((0, 24), (0, 24)), mode="edge")[None]
    lower_right = np.pad(eye, ((24, 0), (24, 0)), mode="edge")[None]
    names = list(STATISTICS)
    for images, sign in ((upper_left, -1), (lower_right, 1)):
        row = compute_haar(images, cascades=("eye",), scale_factor=1.06, min_neighbors=3)[0]
        assert row[names.index("found")] == 1
        assert sign * row[names.index("x_mean")] > 0.1
        assert sign * row[names.index("y_mean")] > 0.1


def test_brightness_does_not_change_a_bit():
    # The weights of each rectangle feature sum to 0 (Viola and Jones 2001, 2), also those of tilted ones.
    darker = EYES // 2
    rows = Haar().fit_transform(darker)
    np.testing.assert_array_equal(Haar().fit_transform(darker + np.uint8(60)), rows)
    assert rows.any(axis=1).sum() > 5


def test_windows_of_low_contrast_are_skipped():
    # OpenCV skips windows with a standard deviation below 10 grey levels.
    eye = EYES[count_hits(EYES, "eye").argmax()].astype(float)
    shape = (eye - eye.mean()) / eye.std()
    assert np.abs(shape).max() * 16 < 128
    faint, plain = (np.round(128 + contrast * shape).astype(np.uint8)[None] for contrast in (8, 16))
    assert count_hits(faint, "eye").tolist() == [0]
    assert count_hits(plain, "eye")[0] > 0


def test_more_neighbours_give_fewer_groups():
    few, many = (Haar(min_neighbors=n).fit_transform(EYES) for n in (1, 6))
    groups = STATISTICS.index("groups")
    assert few[:, groups].sum() > many[:, groups].sum()
    hits = STATISTICS.index("hits")
    np.testing.assert_array_equal(few[:, hits], many[:, hits])


def test_finer_scale_gives_more_windows():
    hits = STATISTICS.index("hits")
    fine, coarse = (Haar(scale_factor=s).fit_transform(EYES)[:, hits].sum() for s in (1.02, 1.5))
    assert fine > coarse


def test_columns_do_not_depend_on_the_order_of_cascades():
    one = Haar(cascades=("eye_tree_eyeglasses", "eye")).fit(EYES)
    np.testing.assert_array_equal(one.transform(EYES), Haar().fit_transform(EYES))
    all_four = Haar(cascades=tuple(CASCADES)).fit(EYES).get_feature_names_out()
    assert list(all_four) == sorted(all_four)
    assert len(all_four) == 60


def test_count_hits_equals_the_number_of_detections_of_opencv():
    detector = cv2.CascadeClassifier(cv2.data.haarcascades + CASCADES["eye"])
    expected = [len(detector.detectMultiScale(p, 1.1, 2, minSize=(22, 22))) for p in EYES]
    counts = count_hits(EYES, "eye", scale_factor=1.1, min_neighbors=2, min_size=22)
    assert counts.tolist() == expected
    assert counts.dtype == np.int64
    assert counts.sum() < count_hits(EYES, "eye").sum()


def test_each_thread_has_its_own_cascade():
    seen = []
    threads = [threading.Thread(target=lambda: seen.append(haar.load_cascade("eye"))) for _ in range(2)]
    for thread in threads:
        thread.start()
        thread.join()
    assert len({id(detector) for detector in [*seen, haar.load_cascade("eye")]}) == 3
    assert haar.load_cascade("eye") is haar.load_cascade("eye")


@pytest.mark.skipif(not DATA.is_dir(), reason="the data set eyes24 is not beside the repository")
def test_accuracy_of_the_plain_baseline():
    with (DATA / "assets.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    images = np.stack([cv2.imread(str(DATA / "images" / row["file"]), cv2.IMREAD_GRAYSCALE) for row in rows])
    is_open = np.array([row["label"] in ("1", "open") for row in rows])
    found = count_hits(images, "eye_tree_eyeglasses") > 0
    right = (found & is_open).sum()
    precision, recall = right / found.sum(), right / is_open.sum()
    assert (found == is_open).mean() == pytest.approx(0.813, abs=0.005)
    assert precision == pytest.approx(0.837, abs=0.005)
    assert recall == pytest.approx(0.785, abs=0.005)
    assert 2 * precision * recall / (precision + recall) == pytest.approx(0.810, abs=0.005)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"cascades": ()}, r"cascades is \(\); allowed is a tuple of at least one of 'eye', 'eye_tree_eyeglasses'"),
        ({"cascades": "eye"}, r"cascades is 'eye'; allowed is a tuple"),
        ({"cascades": 1}, r"cascades is 1; allowed is a tuple"),
        ({"cascades": ("eye", "eye")}, r"allowed is each cascade once"),
        (
            {"cascades": ("nose",)},
            r"cascade is 'nose'; allowed is one of 'eye', 'eye_tree_eyeglasses', 'lefteye_2splits'",
        ),
        ({"cascades": (3,)}, r"cascade is 3; allowed is one of"),
        ({"scale_factor": 1}, r"scale_factor is 1; allowed is a finite number above 1; 1.06 is the default"),
        ({"scale_factor": "1.1"}, r"scale_factor is '1.1'; allowed is a finite number above 1"),
        ({"min_neighbors": 0}, r"min_neighbors is 0; allowed is an integer of at least 1; 3 is the default"),
    ],
)
def test_invalid_parameters_are_rejected(parameters, message):
    with pytest.raises(ParameterError, match=message):
        Haar(**parameters).fit(EYES)


def test_unknown_cascade_is_rejected():
    with pytest.raises(ParameterError, match="cascade is 'nose'; allowed is one of 'eye'"):
        count_hits(EYES, "nose")


def test_images_smaller_than_a_window_are_rejected():
    with pytest.raises(ParameterError, match=r"'eye' needs windows of 20 pixels.*\(19, 24\).*enlarge"):
        Haar().fit(np.zeros((1, 19, 24), np.uint8))


@pytest.mark.parametrize("use", [lambda: Haar().fit(EYES), lambda: count_hits(EYES, "eye")], ids=["fit", "count_hits"])
def test_opencv_without_cascades_is_reported(monkeypatch, tmp_path, use):
    monkeypatch.setattr(cv2.data, "haarcascades", f"{tmp_path}/")
    with pytest.raises(MissingDependencyError, match=r"without haarcascade_eye.xml.*python-headless>=4.13,<5"):
        use()


def test_images_of_another_shape_are_rejected():
    with pytest.raises(ImageError, match=r"\(12, 24\).*\(24, 24\)"):
        Haar().fit(EYES).transform(EYES[:, ::2])
