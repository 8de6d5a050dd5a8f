"""Scripts that draw figures, write examples and print tables of the documents."""

from __future__ import annotations

import runpy
from pathlib import Path

import cv2
import numpy as np
import pytest

from classic_eyes import load_model
from classic_eyes._utils.files import SHIPPED_MODELS
from classic_eyes.evaluation import drift
from classic_eyes.recipes import RECIPES
from classic_eyes.synthetic import make_eyes
from tools.write_tables import tables_in

from ..conftest import ROOT, run, write_labelled

SCRIPTS = sorted((ROOT / "tools").glob("[a-z]*_*.py"))


def script(name: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """Return the names that a script defines; its main function does not run."""
    monkeypatch.syspath_prepend(ROOT / "tools")
    return runpy.run_path(str(ROOT / "tools" / name))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_every_script_can_be_imported(path, monkeypatch):
    if path.name == "draw_label_page.py":
        pytest.importorskip("playwright", reason="playwright is not installed")
    if path.name in ("draw_faces.py", "draw_overview.py", "evaluate_faces.py", "make_example_eyes.py"):
        pytest.importorskip("skimage", reason="scikit-image is not installed")
    assert callable(script(path.name, monkeypatch)["main"])


@pytest.mark.parametrize("name", ["evaluate_drift.py", "evaluate_mediapipe.py"])
def test_a_script_finds_the_benchmark_from_any_folder(name, tmp_path):
    done = run("--help", program=(str(ROOT / "tools" / name),), cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_examples_are_those_in_the_folders(tmp_path, monkeypatch):
    pytest.importorskip("skimage", reason="scikit-image is not installed")
    script("make_example_eyes.py", monkeypatch)["main"](tmp_path)
    for name in ("eyes", "photographs"):
        written, shipped = (
            {path.name: path.read_bytes() for path in (folder / name).iterdir()}
            for folder in (tmp_path, ROOT / "examples")
        )
        assert written == shipped


def test_the_overview_is_drawn_as_shipped(tmp_path, monkeypatch):
    for name in ("dlib", "matplotlib", "skimage"):
        pytest.importorskip(name, reason=f"{name} is not installed")
    monkeypatch.setattr("sys.argv", ["draw_overview.py", str(tmp_path / "overview.png")])
    script("draw_overview.py", monkeypatch)["main"]()
    drawn, shipped = (cv2.imread(str(path)) for path in (tmp_path / "overview.png", ROOT / "docs" / "overview.png"))
    assert drawn.shape == shipped.shape == (760, 1000, 3)
    assert np.abs(drawn.astype(int) - shipped).mean() < 2  # fonts and versions may differ a little


def test_narrow_eyes_have_half_the_height(monkeypatch):
    namespace = script("evaluate_limits.py", monkeypatch)
    monkeypatch.setitem(namespace["narrow_eyes"].__globals__, "PEOPLE", 3)
    eyes = namespace["narrow_eyes"](1.0)
    assert (eyes.shape, eyes.dtype) == ((3, 24, 24), np.uint8)
    assert len(np.unique(eyes, axis=0)) == 3


def test_limits_are_printed_as_tables(tmp_path, monkeypatch, capsys):
    pytest.importorskip("skimage", reason="scikit-image is not installed")
    namespace = script("evaluate_limits.py", monkeypatch)
    names = namespace["main"].__globals__
    for name, value in (("PEOPLE", 20), ("OPENINGS", (1.0, 0.0)), ("SHIPPED_MODELS", ("fast",))):
        monkeypatch.setitem(names, name, value)
    monkeypatch.setattr("sys.argv", ["evaluate_limits.py", str(write_labelled(tmp_path / "eyes", 50))])
    namespace["main"]()
    narrow, non_eyes, own = tables_in(capsys.readouterr().out)
    wide, closed = narrow[1:]
    assert float(wide[1]) > 0.9 > 0.1 > float(closed[1])
    assert {row[0]: float(row[2]) for row in non_eyes[1:]}["textures"] > 0.9
    assert own[1][:2] == ["eyes", "50"]
    assert float(own[1][2]) < 0.1


def test_adaptation_is_evaluated_on_both_sets(tmp_path, monkeypatch, capsys):
    namespace = script("evaluate_adaptation.py", monkeypatch)
    names = namespace["main"].__globals__
    small = {"features": ("profile",), "n_components": 10, "n_copies": 0}
    monkeypatch.setitem(names, "CLASSIFIER", {**names["CLASSIFIER"], **small})
    monkeypatch.setitem(names, "subsets", lambda odds, labels, groups: [(odds, labels), (odds[:50], labels[:50])])
    folders = [str(write_labelled(Path(tmp_path, name), 120, random_state=seed)) for seed, name in enumerate("ab")]
    monkeypatch.setattr("sys.argv", ["evaluate_adaptation.py", *folders])
    namespace["main"]()
    rows = [line.split(" | ")[0] for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    assert rows == ["| trained on, evaluated on", "| a, b", "| a, synthetic", "| b, a", "| b, synthetic"]


def test_one_call_is_measured_with_the_same_predictions_in_threads(monkeypatch, capsys):
    assert script("measure_million.py", monkeypatch)["main"](["--images", "4000"]) == 0
    (head, *rows), *_ = tables_in(capsys.readouterr().out)
    assert head[0] == "one call"
    assert [row[0] for row in rows] == [f"{model}, n_jobs={n}" for model in SHIPPED_MODELS for n in (1, 2)]


def test_drift_is_evaluated_on_sources_left_out(tmp_path, monkeypatch, capsys):
    namespace = script("evaluate_drift.py", monkeypatch)
    small = {"features": ("hog",), "classifier": "svm", "n_components": 30, "n_copies": 0, "cascade": None, "size": 24}
    monkeypatch.setitem(RECIPES, "small", {**RECIPES["fast"], **small, "align": None})
    folders = [f"{name}={write_labelled(tmp_path / name, 200, random_state=k)}" for k, name in enumerate("abc")]
    options = ["--models", tmp_path / "models", "--recipe", "small", "--synthetic", 0, "--draws", 3]
    for _ in range(2):  # the second time with the models that were kept
        assert namespace["main"]([str(word) for word in (*folders, *options)]) == 0
        shown = capsys.readouterr().out
        tables = tables_in(shown)
        assert len(tables) == 4
        for head, *rows in tables:
            assert head[2:5] == ["unchanged", "open alone", "closed alone"]
            assert head[5:] == ["rotated", "blurred", "inverted", "zoomed"]
            assert [row[0] for row in rows] == ["a", "b", "c", "mean"]
            assert all(0 <= float(cell) <= 1 for row in rows for cell in row[2:])
    assert len(list((tmp_path / "models").glob("small-without-?.npz"))) == 3


def test_changes_keep_the_shape_and_change_every_image(monkeypatch):
    changes = script("evaluate_drift.py", monkeypatch)["CHANGES"]
    images = make_eyes(9, random_state=0).images
    for name, change in changes.items():
        changed = change(images, np.random.default_rng(0))
        assert (changed.shape, changed.dtype) == (images.shape, np.uint8)
        assert all((one != other).any() for one, other in zip(images, changed, strict=True)), name


def test_reference_scores_are_those_of_the_training_images_and_the_shares_that_training_fixes(tmp_path, monkeypatch):
    namespace = script("write_reference.py", monkeypatch)
    folders = tuple(str(write_labelled(tmp_path / name, 120, random_state=k)) for k, name in enumerate("ab"))
    found = namespace["reference"]("fast", folders)
    assert (found["n"], found["unsure"], found["not_an_eye"]) == (240, 0.05, 0.015)
    assert sum(found["histogram"]) == pytest.approx(1, abs=1e-5)
    assert drift(found, np.linspace(0, 1, 200), ["open"] * 200).drifted is False


@pytest.mark.parametrize("model", SHIPPED_MODELS)
def test_shipped_models_have_reference_scores(model):
    reference = load_model(model).info()["score_reference"]
    if reference is None:
        pytest.skip("python tools/write_reference.py writes them into the card")
    assert drift(reference, np.linspace(0, 1, 200), ["open"] * 200).drifted is False
