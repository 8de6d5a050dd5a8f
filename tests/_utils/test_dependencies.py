"""What is not installed is named, with the command that installs it, wherever it is first needed."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

import classic_eyes
from classic_eyes import cli
from classic_eyes._utils import dependencies
from classic_eyes._utils.dependencies import check_training_packages, distribution, pip_install
from classic_eyes.errors import MissingDependencyError

PACKAGE = Path(classic_eyes.__file__).parent
# Each in a state of its own, so that no module that was imported before helps it.
IMPORT_ALL = """
import importlib, json, sys
for name in {blocked}: sys.modules[name] = None
ours, found = set(), {{}}
for name in {modules}:
    for other in [each for each in sys.modules if each.startswith("classic_eyes")]: del sys.modules[other]
    try:
        importlib.import_module(name)
        found[name] = ""
    except Exception as error:
        found[name] = type(error).__name__ + ": " + str(error)
print(json.dumps(found))
"""


def modules():
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        if parts[-1] != "__main__":
            yield ".".join(part for part in parts if part != "__init__")


def import_all(*blocked: str) -> dict[str, str]:
    """Return what went wrong, by module."""
    code = IMPORT_ALL.format(blocked=list(blocked), modules=list(modules()))
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.fixture
def predict_only(monkeypatch):
    """The distribution for prediction alone in the place of the other."""

    def version(name):
        if name == "classic-eyes":
            raise PackageNotFoundError(name)
        return "1.0"

    monkeypatch.setattr(dependencies, "version", version)
    distribution.cache_clear()
    yield
    distribution.cache_clear()


def test_every_module_imports_without_training_packages_or_says_what_is_missing():
    found = import_all("joblib", "scipy", "sklearn", "tqdm", "dlib", "distributed", "skops", "onnx", "PIL")
    wrong = {name: text for name, text in found.items() if text and not text.startswith("MissingDependencyError")}
    assert not wrong
    needed = "training and evaluation need joblib, scipy, scikit-learn, which prediction does not; run: pip install"
    assert needed in found["classic_eyes.classifier"]
    # What an installation for prediction alone is for.
    for name in ("predict", "faces", "video", "calibrate", "info"):
        assert found[f"classic_eyes.cli.{name}"] == "", name
    for name in ("predictor", "faces", "video", "images", "calibration", "synthetic", "descriptors", "inference"):
        assert found[f"classic_eyes.{name}"] == "", name


def test_every_module_without_opencv_says_so():
    """The modules of the commands are imported by the program, which tries OpenCV first."""
    found = {name: text for name, text in import_all("cv2").items() if not name.startswith("classic_eyes.cli.")}
    wrong = {name: text for name, text in found.items() if text and not text.startswith("MissingDependencyError: Open")}
    assert not wrong
    for name in ("predictor", "faces", "video", "images", "synthetic", "descriptors", "inference", "classifier"):
        assert found[f"classic_eyes.{name}"], name


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_every_command_without_opencv_says_so_in_one_line(command):
    code = (
        f"import sys; sys.modules['cv2'] = None; from classic_eyes import cli; sys.exit(cli.main([{command!r}, '.']))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert run.stderr.startswith("classic-eyes: error: OpenCV cannot be imported")
    assert len(run.stderr.splitlines()) == 1


def test_the_extra_is_one_of_the_distribution_that_is_installed(predict_only):
    assert pip_install("faces") == "pip install 'classic-eyes-predict[faces]'"


@pytest.mark.usefixtures("predict_only")
def test_the_export_names_the_extra_of_the_distribution_that_is_installed(monkeypatch):
    from classic_eyes.export.graph import load_onnx

    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingDependencyError, match=r"run: pip install 'classic-eyes-predict\[onnx\]'$"):
        load_onnx()


def test_without_any_distribution_it_is_the_usual_one(monkeypatch):
    monkeypatch.setattr(dependencies, "_DISTRIBUTIONS", ("classic-eyes", "no-such-distribution"))
    monkeypatch.setattr(dependencies, "version", lambda name: (_ for _ in ()).throw(PackageNotFoundError(name)))
    assert distribution.__wrapped__() == "classic-eyes"


@pytest.mark.usefixtures("predict_only")
def test_missing_training_packages_are_an_extra_of_prediction_alone(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    expected = r"need scikit-learn, which prediction does not; run: pip install 'classic-eyes-predict\[train\]'$"
    with pytest.raises(MissingDependencyError, match=expected):
        check_training_packages()


def test_missing_training_packages_of_the_usual_distribution(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    monkeypatch.setitem(sys.modules, "joblib", None)
    with pytest.raises(MissingDependencyError, match=r"need joblib, scipy, which .*; run: pip install classic-eyes$"):
        check_training_packages()


@pytest.mark.parametrize("command", [["train", "."], ["label", "."], ["audit", "."], ["evaluate", "."]])
def test_a_command_that_needs_them_says_so_in_one_line(command, tmp_path):
    code = (
        "import sys\nfor name in ('joblib', 'scipy', 'sklearn'): sys.modules[name] = None\n"
        f"from classic_eyes import cli; sys.exit(cli.main({command!r} + ['--out', 'out']))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert run.returncode == 2
    assert len(run.stderr.splitlines()) == 1
    assert run.stderr.startswith("classic-eyes: error: training and evaluation need joblib, scipy, scikit-learn")
