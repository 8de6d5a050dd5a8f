"""The command ``classic-eyes info``."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys

import cv2
import pytest

from classic_eyes import EyeClassifier, load_model
from classic_eyes._utils.files import sha256
from classic_eyes.cli.info import describe_model, info_text
from classic_eyes.synthetic import make_eyes

from ..conftest import ROOT, main, run


@pytest.fixture(scope="module")
def models(small_model, tmp_path_factory):
    """A joblib file with the .npz and the card beside it, a joblib file alone, and one without a compiled form."""
    folder = tmp_path_factory.mktemp("models")
    EyeClassifier.load(small_model, trusted=True).save(folder / "m.joblib", card={"what": "a toy"})
    shutil.copy(folder / "m.joblib", folder / "alone.joblib")
    eyes = make_eyes(80, random_state=3)
    plain = EyeClassifier(features=("profile",), classifier="linear", n_copies=0, n_synthetic=0)
    plain.fit(eyes.images, eyes.labels).save(folder / "plain.joblib", card={"what": "a toy", "not_compiled": "linear"})
    return folder


def description(capsys, *arguments: object) -> dict:
    assert main("info", *arguments, "--format", "json") == 0
    return json.loads(capsys.readouterr().out)


def test_compiled_model(models, capsys):
    found = description(capsys, models / "m.npz")
    assert found["kind"] == "npz"
    assert found["shipped"] is None
    assert found["card_is_of_this_file"]
    (view,) = found["views"]
    assert view["features"] == ["hog(cells=[6], gaussian=True, n_bins=9)"]
    assert (view["n_features"], view["n_components"], view["symmetric"], view["aligned"]) == (324, 30, False, False)
    program = load_model(models / "m.npz").program
    assert view["n_support_vectors"] == len(program.views[0].dual)
    assert found["calibration"] == {"slope": program.slope, "intercept": program.intercept}
    assert (found["cascade_threshold"], found["remove_glare"], found["detects_non_eyes"]) == (None, True, False)
    assert found["versions"]["opencv"] == cv2.__version__
    assert main("info", models / "m.npz") == 0
    text = capsys.readouterr().out
    assert re.search(r"^view 1 +hog\(.*\): 324 features, 30 components, [\d,]+ support vectors$", text, re.MULTILINE)
    assert re.search(r"^what +a toy$", text, re.MULTILINE)
    assert re.search(r"^glare +removed$", text, re.MULTILINE)


def test_joblib_files(models, tmp_path, capsys):
    found = description(capsys, models / "m.joblib")
    assert found["compiled"] == str(models / "m.npz")
    assert found["card_is_of_this_file"]
    assert found["card"]["files"] == {name: sha256(models / name) for name in ("m.joblib", "m.npz")}
    assert description(capsys, models / "plain.joblib")["compiled"] is None
    assert main("info", models / "plain.joblib") == 0
    assert re.search(r"^compiled +no: linear$", capsys.readouterr().out, re.MULTILINE)
    found = description(capsys, models / "alone.joblib")
    assert (found["compiled"], found["card"]) == (None, None)
    shutil.copy(models / "plain.joblib", tmp_path / "m.joblib")
    shutil.copy(models / "m.json", tmp_path)
    assert not description(capsys, tmp_path / "m.joblib")["card_is_of_this_file"]
    assert main("info", tmp_path / "m.joblib") == 0
    assert "which is of another file" in capsys.readouterr().out


def test_skops_file(models, tmp_path, capsys):
    pytest.importorskip("skops", reason="skops is not installed; pip install 'classic-eyes[skops]'")
    EyeClassifier.load(models / "m.joblib", trusted=True).save(tmp_path / "m.skops")
    found = description(capsys, tmp_path / "m.skops")
    assert found["kind"] == "skops"
    assert found["refused"] == []
    assert "classic_eyes.classifier.EyeClassifier" in found["types"]


def test_nothing_is_unpickled(tmp_path, capsys):
    (tmp_path / "bad.joblib").write_bytes(b"\x80\x02cos\nabort\n(tR.")
    assert main("info", tmp_path / "bad.joblib") == 0
    assert "can run any code" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["default", "fast"])
def test_shipped_model(capsys, name):
    found = description(capsys, ROOT / "models" / f"{name}.npz")
    assert found["shipped"] == name
    assert [view["symmetric"] for view in found["views"]] == [True] * (3 if name == "default" else 2)
    assert [view["aligned"] for view in found["views"]] == [False, *[True] * (len(found["views"]) - 1)]
    assert found["cascade_threshold"] > 0
    assert main("info", name) == 0
    text = capsys.readouterr().out
    value = found["card"]["results"]["all"]["accuracy"]["value"]
    assert re.search(rf"^accuracy +all: {value:.4f} \(", text, re.MULTILINE)
    assert re.search(rf"^shipped +yes, as {name}$", text, re.MULTILINE)
    assert re.search(r"^view 2 .* support vectors, symmetric, aligned$", text, re.MULTILINE)
    assert re.search(r"^cascade +later views run where ", text, re.MULTILINE)
    assert re.search(r"^non-eyes +detected", text, re.MULTILINE)


def test_file_names_of_any_bytes_are_written(models, tmp_path):
    odd = tmp_path / "b\udcff.npz"
    shutil.copy(models / "m.npz", odd)
    command = [sys.executable, "-m", "classic_eyes", "info", os.fsencode(odd)]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    assert b"b\xff.npz" in done.stdout


@pytest.mark.parametrize(
    ("name", "content", "card", "message"),
    [
        ("none.npz", None, None, "no model file"),
        ("m.txt", b"text", None, "allowed are .npz, .skops and .joblib"),
        ("m.npz", b"text", None, "not a whole compiled model"),
        ("m.joblib", b"\x80\x04text", "[1]", "holds no JSON object"),
        ("m.joblib", b"\x80\x04text", "{", "cannot be read"),
        ("m.joblib", b"\x80\x04text", '{"results": {"all": 3}}', "none that classic-eyes train wrote"),
        (
            "m.joblib",
            b"\x80\x04text",
            '{"results": {"all": {"n": 3, "accuracy": {"value": "x"}}}}',
            "none that classic-eyes",
        ),
    ],
)
def test_wrong_files_give_a_one_line_error(tmp_path, capsys, name, content, card, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    if card is not None:
        (tmp_path / "m.json").write_text(card)
    assert main("info", tmp_path / name) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert len(err.strip().splitlines()) == 1


def test_archive_of_something_else_is_no_model(capsys):
    assert main("info", ROOT / "models" / "alignment.npz") == 2
    assert "alignment.npz' is an archive of something else than a compiled model" in capsys.readouterr().err


def test_command_prints_the_description(models):
    done = run("info", models / "m.npz")
    assert done.returncode == 0
    assert done.stdout == info_text(describe_model(str(models / "m.npz"))) + "\n"


def test_a_folder_is_no_model(tmp_path, capsys):
    assert main("info", tmp_path) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"classic-eyes: error: FILE {str(tmp_path)!r} is a folder; name a model in it, NAME.npz")
    assert error.count("\n") == 1
