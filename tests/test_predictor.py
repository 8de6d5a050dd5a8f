"""The methods that predict: any number of threads, arrays of any length in constant memory, flat images."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import time

import cv2
import numpy as np
import pytest
from threadpoolctl import threadpool_info

from classic_eyes import EyeClassifier, load_model, predictor
from classic_eyes._utils import resources
from classic_eyes._utils.files import SHIPPED_MODELS, sha256, shipped_model
from classic_eyes._utils.resources import one_thread
from classic_eyes.calibration import Adaptation, Calibration, Threshold
from classic_eyes.cli.info import describe_model
from classic_eyes.errors import ImageError, ModelError, ParameterError
from classic_eyes.images import as_images
from classic_eyes.inference import program
from classic_eyes.inference.program import BLOCK
from classic_eyes.persistence.card import read_card
from classic_eyes.synthetic import make_eyes

EYES = make_eyes(300, random_state=3).images


@pytest.fixture(scope="module")
def model():
    return load_model("fast")


# -- threads --


def settings():
    return {"OpenCV": cv2.getNumThreads()} | {found["filepath"]: found["num_threads"] for found in threadpool_info()}


def make_calls(n):
    """Return the images of each call, half of them single ones, the others 2 to 8."""
    rng = np.random.default_rng(0)
    sizes = np.where(np.arange(n) % 2, rng.integers(2, 9, n), 1)
    return [EYES[start : start + size] for start, size in zip(rng.integers(0, 290, n), sizes, strict=True)]


def run_calls(model, calls, n_threads):
    """Return the bytes of each call's probabilities, and the seconds that all took."""
    found = [b""] * len(calls)

    def work(first):
        for k in range(first, len(calls), n_threads):
            found[k] = model.predict_proba(calls[k]).tobytes()

    running = [threading.Thread(target=work, args=(first,)) for first in range(n_threads)]
    began = time.perf_counter()
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return found, time.perf_counter() - began


def test_eight_threads_get_the_bytes_of_one_and_leave_the_settings(model):
    before = settings()
    calls = make_calls(400)
    assert run_calls(model, calls, 8)[0] == [model.predict_proba(images).tobytes() for images in calls]
    assert settings() == before


def test_every_method_may_be_called_from_any_thread(model):
    def every(images):
        return [
            model.decision_function(images).tobytes(),
            model.predict(images).tobytes(),
            model.novelty_score(list(images)).tobytes(),
            model.verdict(images / 255),
            np.float64(model.predict_one(images[0])).tobytes(),
            model.verdict_one(images[-1]),
        ]

    before, found = settings(), {}
    batches = [EYES[:1], EYES[:5], EYES[10:110], EYES]
    running = [threading.Thread(target=lambda k: found.update({k: every(batches[k % 4])}), args=(k,)) for k in range(8)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    assert [found[k] for k in range(8)] == [every(images) for images in batches] * 2
    assert settings() == before


def test_an_error_in_one_thread_leaves_the_others_their_turn(model):
    def fail():
        for _ in range(20):
            with pytest.raises(ImageError):
                model.predict_proba(np.full((1, 24, 24), np.nan))

    failing = [threading.Thread(target=fail) for _ in range(3)]
    for thread in failing:
        thread.start()
    calls = make_calls(30)
    assert run_calls(model, calls, 2)[0] == [model.predict_proba(images).tobytes() for images in calls]
    for thread in failing:
        thread.join()


def test_setting_threads_takes_less_than_a_tenth_of_a_millisecond(model):
    model.predict_proba(EYES[:1])
    seconds = []
    for _ in range(200):
        began = time.perf_counter()
        with one_thread():
            pass
        seconds.append(time.perf_counter() - began)
    # The median, because other processes may take the core for a while.
    assert np.median(seconds) < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED_MODELS)
def test_ten_thousand_calls_of_eight_threads(name):
    """Bit-identical, settings restored, hardly slower than one thread: medians of alternating runs of 2,000 calls."""
    model, before, ratios = load_model(name), settings(), []
    for calls in np.array_split(np.array(make_calls(10_000), dtype=object), 5):
        expected, alone = run_calls(model, calls, 1)
        found, together = run_calls(model, calls, 8)
        assert found == expected
        ratios.append(alone / together)
    print(f"{name}: throughput of eight threads by that of one: {np.round(ratios, 2)}")
    assert settings() == before
    # On two idle cores the median is 0.90 to 0.94, because handing on a turn wakes a thread; without turns it is 0.46.
    assert np.median(ratios) > 0.8


# -- memory --


@pytest.fixture(scope="module")
def large():
    """More images than a block; the cascade leaves some to the later views in every chunk."""
    return np.concatenate([EYES[::-1], EYES, EYES[::2]] * 3)[: BLOCK + 500]


def test_blocks_change_no_bit(model, large, monkeypatch):
    found = model.predict_proba(large), model.novelty_score(large), model.verdict(large)
    monkeypatch.setattr(program, "BLOCK", 100 * BLOCK)
    monkeypatch.setattr(predictor, "BLOCK", 100 * BLOCK)
    whole = model.predict_proba(large), model.novelty_score(large), model.verdict(large)
    assert [np.asarray(each).tobytes() for each in found] == [np.asarray(each).tobytes() for each in whole]


@pytest.mark.parametrize(
    "form",
    [
        lambda X: X / 255,
        lambda X: np.repeat(X[..., np.newaxis], 3, axis=3),
        lambda X: np.kron(X, np.ones((1, 2, 2), np.uint8)),
        lambda X: X.astype(np.uint16) * 257,
        lambda X: list(X),
        lambda X: np.asfortranarray(X),
    ],
    ids=["float", "colour", "larger", "16 bits", "list", "strided"],
)
def test_images_of_every_form_are_converted_in_blocks_to_the_same_bytes(model, large, form):
    images = form(large)
    converted = as_images(images)
    np.testing.assert_array_equal(model.decision_function(images), model.decision_function(converted))


def test_wrong_values_in_a_later_block_are_refused(model, large):
    images = large / 255
    images[-1, 0, 0] = np.nan
    for method in (model.predict, model.predict_proba, model.verdict, model.novelty_score):
        with pytest.raises(ImageError, match="NaN or infinity"):
            method(images)


def test_a_model_without_novelty_refuses_verdicts_of_large_arrays_too(large):
    eyes = make_eyes(60, random_state=1)
    clf = EyeClassifier(("hog",), "svm", n_components=5, n_copies=0, n_synthetic=0).fit(eyes.images, eyes.labels)
    with pytest.raises(ModelError, match="without non-eye detection"):
        clf.verdict(large)


MEMORY = """
import numpy as np
from classic_eyes import load_model
from classic_eyes._utils.resources import peak_memory_mb
from classic_eyes.synthetic import make_eyes

eyes = make_eyes(64, random_state=0).images
form = {form}
def images(n):  # takes no memory, whatever its length
    patches = form(eyes)
    return np.lib.stride_tricks.as_strided(patches, (n, *patches.shape[1:]), (0, *patches.strides[1:]))
model = load_model("fast")
for method in {methods}:
    getattr(model, method)(images(3000))
before = peak_memory_mb()
for method in {methods}:
    getattr(model, method)(images({n}))
print(peak_memory_mb() - before)
"""


def growth(form, n, methods):
    """Return by how many MB the peak memory of a process grows from 3,000 to n images."""
    code = MEMORY.format(form=form, n=n, methods=methods)
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return float(run.stdout)


FORMS = {
    "uint8": "lambda X: X",
    "float": "lambda X: X / 255",
    "colour": "lambda X: np.repeat(X[..., np.newaxis], 3, axis=3)",
    "larger": "lambda X: np.kron(X, np.ones((1, 3, 3), np.uint8))",
}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peaks are measured on Linux")
def test_memory_does_not_grow_with_an_array():
    # Grey patches alone would take 14 MB, probabilities take 0.4 MB.
    assert growth(FORMS["colour"], 24_000, ["predict_proba"]) < 6


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peaks are measured on Linux")
@pytest.mark.parametrize("form", FORMS)
def test_memory_of_200000_patches(form):
    # 12 MB for what is returned and computed from it; grey patches alone would take 110 MB.
    assert (
        growth(FORMS[form], 200_000, ["predict", "predict_proba", "decision_function", "verdict", "novelty_score"]) < 25
    )


# -- threads of one call --


@pytest.mark.parametrize("n_jobs", [2, 5, None])
def test_threads_of_one_call_change_no_bit(model, large, n_jobs):
    threaded = predictor.EyePredictor(model.program, n_jobs=n_jobs)
    images = np.concatenate([large, large[::-1], large])
    for method in ("decision_function", "predict_proba", "predict", "novelty_score", "verdict"):
        found, expected = getattr(threaded, method)(images), getattr(model, method)(images)
        assert np.asarray(found).tobytes() == np.asarray(expected).tobytes(), method


def test_a_call_with_threads_computes_in_several(model, large, monkeypatch):
    # A barrier of two opens only if two blocks are computed at the same time.
    both, seen, original = threading.Barrier(2, timeout=60), [], program.Scoring.first

    def first(self, images):
        if not seen:
            both.wait()
            seen.append(threading.current_thread())
        return original(self, images)

    turns = resources._Turns()
    turns.long = threading.Semaphore(2)  # also on a machine of one core
    monkeypatch.setattr(resources, "_turns", turns)
    monkeypatch.setattr(program.Scoring, "first", first)
    predictor.EyePredictor(model.program, n_jobs=2).predict(np.concatenate([large, large]))
    assert seen


def test_an_error_in_a_later_block_ends_a_call_with_threads(model, large):
    images = np.concatenate([large, large]) / 255
    images[-1, 0, 0] = np.nan
    threaded, before = predictor.EyePredictor(model.program, n_jobs=2), settings()
    for method in (threaded.predict, threaded.verdict, threaded.novelty_score):
        with pytest.raises(ImageError, match="NaN or infinity"):
            method(images)
    assert settings() == before
    assert threaded.predict(large[:9]).tolist() == model.predict(large[:9]).tolist()


@pytest.mark.parametrize("n_jobs", [0, -1, 1.5, "2", True])
def test_a_number_of_threads_that_is_none_is_refused(n_jobs):
    with pytest.raises(ParameterError, match=r"n_jobs is .*; allowed is a whole number from 1, or None"):
        load_model("fast", n_jobs=n_jobs)


def test_the_number_of_threads_is_one_unless_it_is_given():
    assert load_model("fast").n_jobs == 1
    assert load_model("fast", n_jobs=None).n_jobs == resources.n_cores()
    threaded = load_model("fast", n_jobs=3)
    assert threaded.n_jobs == threaded.calibrated(of_person(0.8)).n_jobs == 3


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peaks are measured on Linux")
@pytest.mark.parametrize("name", SHIPPED_MODELS)
def test_memory_of_a_million_patches_in_threads(name):
    code = MEMORY.replace('load_model("fast")', f'load_model("{name}", n_jobs=2)')
    code = code.format(form=FORMS["uint8"], n=1_000_000, methods=["predict_proba"])
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    # What is returned takes 15 MB, and what it is computed from 38 MB more; grey patches alone would take 549 MB.
    assert float(run.stdout) < 120


# -- flat images --


@pytest.mark.parametrize("name", SHIPPED_MODELS)
def test_a_covered_camera_shows_no_eye(name):
    model = load_model(name)
    for level in (0, 1, 16, 128, 255):
        flat = np.full((48, 64, 3), level, np.uint8)
        assert model.verdict_one(flat) == "not-an-eye"
        assert model.verdict(flat[np.newaxis]) == ["not-an-eye"]
        assert model.novelty_score(flat[np.newaxis]) > 1


@pytest.mark.parametrize("model", [None, 3, ["default"]])
def test_what_is_no_path_is_no_model(model):
    with pytest.raises(ModelError, match="allowed is the path of a model file, or one of default, fast"):
        load_model(model)


# -- a person's threshold, or that of a folder --


def of_person(value, fingerprint=""):
    return Calibration(Threshold(value, 20, 20, 1.0), model=fingerprint)


@pytest.mark.parametrize("value", [0.03, 0.5, 0.92, 0.0, 1.0])
def test_calibrated_model_decides_at_the_threshold_of_the_person(model, value):
    mine = model.calibrated(of_person(value, model.fingerprint))
    score = model.predict_proba(EYES)[:, 1]
    np.testing.assert_array_equal(mine.predict(EYES), score >= min(max(value, 1e-9), 1 - 1e-9))
    # By every method, and this model stays as it is.
    np.testing.assert_array_equal(mine.predict(EYES), mine.predict_proba(EYES)[:, 1] >= 0.5)
    assert [mine.predict_one(eye) >= 0.5 for eye in EYES[:20]] == mine.predict(EYES[:20]).astype(bool).tolist()
    assert [mine.verdict_one(eye) for eye in EYES[:20]] == mine.verdict(EYES[:20])
    apart = [found for found, label in zip(mine.verdict(EYES), mine.predict(EYES), strict=True) if label]
    assert set(apart) <= {"open", "unsure", "not-an-eye"}
    np.testing.assert_array_equal(model.predict_proba(EYES)[:, 1], score)


def test_calibrated_model_is_a_model(model, tmp_path):
    mine = model.calibrated(of_person(0.8))
    mine.save(tmp_path / "mine.npz")
    np.testing.assert_array_equal(load_model(tmp_path / "mine.npz").predict_proba(EYES), mine.predict_proba(EYES))
    assert mine.fingerprint != model.fingerprint
    eyes = make_eyes(60, random_state=2)
    again = mine.calibrate(eyes.images[eyes.labels == 1], eyes.images[eyes.labels == 0])
    assert mine.calibrated(again).size == model.size
    with pytest.raises(ParameterError, match="of another model"):
        model.calibrated(again)


def test_adapted_model_has_the_adapted_probabilities(model):
    found = Adaptation(200, threshold=0.7, slope=1.6)
    adapted = model.calibrated(found).predict_proba(EYES)[:, 1]
    np.testing.assert_allclose(adapted, found.probability(model.predict_proba(EYES)[:, 1]), atol=1e-9)
    declined = Adaptation(20, declined="too few")
    np.testing.assert_array_equal(model.calibrated(declined).predict_proba(EYES), model.predict_proba(EYES))


def test_classifier_is_calibrated_too_and_faces_use_it(model):
    eyes = make_eyes(60, random_state=2)
    clf = EyeClassifier(features=("hog",), classifier="svm", n_components=20, n_copies=0, n_synthetic=0)
    clf.fit(eyes.images, eyes.labels)
    mine = clf.calibrated(of_person(0.9))
    np.testing.assert_array_equal(mine.predict(EYES), clf.predict_proba(EYES)[:, 1] >= 0.9)
    from classic_eyes.faces import FaceReader

    assert FaceReader(mine).model is mine
    for wrong in (0.5, None, of_person(0.5).threshold):
        with pytest.raises(ParameterError, match="allowed is a Calibration or an Adaptation"):
            model.calibrated(wrong)


# -- info --


@pytest.mark.parametrize("name", SHIPPED_MODELS)
def test_info_of_a_shipped_model_is_that_of_file_and_card(name):
    path = shipped_model(name)
    card, found = read_card(path), load_model(name).info()
    assert (found["name"], found["file"], found["sha256"]) == (name, str(path), sha256(path))
    assert found["megabytes"] == round(path.stat().st_size / 1e6, 2)
    assert found["versions"] == card["versions"]
    assert found["parameters"] == card["parameters"]
    assert [source["path"] for source in found["trained_on"]] == [part["path"] for part in card["data"]]
    assert found["n_images"] == sum(part["images"] for part in card["data"]) == card["results"]["all"]["n"]
    assert found["accuracy"]["all"] == {"n": found["n_images"], **card["results"]["all"]["accuracy"]}
    assert set(found["accuracy"]) == set(card["results"])
    assert sum(view["n_support_vectors"] for view in found["views"]) == card["support_vectors"]
    assert json.loads(json.dumps(found)) == found


def test_info_and_the_command_say_the_same():
    found, described = load_model("fast").info(), describe_model("fast")
    common = set(found) & set(described) - {"file"}
    assert {"sha256", "megabytes", "versions", "views", "unsure"} <= common
    assert {key: found[key] for key in common} == {key: described[key] for key in common}


def test_info_without_a_card_of_this_file_says_nothing_of_training(tmp_path):
    model = load_model("fast")
    shutil.copy(shipped_model("fast"), tmp_path / "m.npz")
    alone = load_model(tmp_path / "m.npz").info()
    assert alone["sha256"] == model.info()["sha256"]
    nothing = dict.fromkeys(("parameters", "trained_on", "n_images", "accuracy", "protocol", "score_reference"))
    assert {key: alone[key] for key in nothing} == nothing
    # Of another file.
    shutil.copy(shipped_model("default").with_suffix(".json"), tmp_path / "m.json")
    assert load_model(tmp_path / "m.npz").info() == alone
    # A model that was moved is not the one that was evaluated.
    moved = model.calibrated(Adaptation(200, threshold=1.0, slope=2.0)).info()
    assert {key: moved[key] for key in nothing} == nothing
    assert (moved["name"], moved["file"], moved["versions"]) == (None, None, None)
    assert moved["sha256"] != alone["sha256"]


def test_info_of_a_model_whose_file_is_gone(tmp_path):
    shutil.copy(shipped_model("fast"), tmp_path / "m.npz")
    model = load_model(tmp_path / "m.npz")
    (tmp_path / "m.npz").unlink()
    assert model.info()["megabytes"] is None
    assert model.info()["sha256"] == load_model("fast").info()["sha256"]


def test_info_refuses_a_card_of_something_else(tmp_path):
    shutil.copy(shipped_model("fast"), tmp_path / "m.npz")
    card = {"files": {"m.npz": sha256(tmp_path / "m.npz")}, "results": {"all": 3}}
    (tmp_path / "m.json").write_text(json.dumps(card))
    with pytest.raises(ModelError, match=r"the card '.*m.json' is none that classic-eyes train wrote"):
        load_model(tmp_path / "m.npz").info()


def test_info_of_a_fitted_classifier(small_model):
    found = load_model(small_model, trusted=True).info()
    assert found["file"] is None
    assert found["sha256"] == sha256(small_model.with_suffix(".npz"))
    assert [view["n_components"] for view in found["views"]] == [30]
