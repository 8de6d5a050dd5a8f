"""What is not installed, or not as needed, is named, with the command that installs it, wherever it is first needed."""

from __future__ import annotations

import ast
import importlib
import json
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import cv2
import numpy as np
import pytest

import classic_eyes
from classic_eyes import EyeClassifier, cli, load_model
from classic_eyes._utils import dependencies
from classic_eyes._utils.dependencies import check_opencv, check_training_packages, distribution, pip_install
from classic_eyes.errors import MissingDependencyError
from classic_eyes.persistence.estimators import read_estimator

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
# Not needed by a model: what it was built with, evaluation, drawing and finding faces, videos, cascades. They say
# themselves what is missing.
NOT_NEEDED = ("_utils/dependencies", "cli/", "descriptors/haar", "evaluation", "faces/", "labeling/", "video/")


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


def functions_used():
    """Return the functions and classes of cv2 that the modules call which models need."""
    used = set()
    for path in PACKAGE.rglob("*.py"):
        if path.relative_to(PACKAGE).as_posix().startswith(NOT_NEEDED):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "cv2":
                used.add(node.attr)
    # Constants, and classes that are named only as types or as errors.
    return {name for name in used if callable(getattr(cv2, name)) and name not in ("CLAHE", "Error", "error")}


def test_everything_that_models_call_is_checked():
    assert functions_used() == set(dependencies._OPENCV_FUNCTIONS)


def test_the_installed_opencv_is_good():
    check_opencv()


@pytest.fixture(params=["5.0.0.93", "4.12.0", "4.9.0", "3.4.18-dev", "of unknown version"])
def other_version(request, monkeypatch):
    monkeypatch.setattr(cv2, "__version__", request.param)
    return request.param


def test_another_version_is_refused_wherever_a_model_is_loaded_or_trained(other_version, tmp_path):
    message = f"cv2 is OpenCV {other_version}, and allowed is 4.13 or later, below 5; installed wheels: opencv"
    (tmp_path / "m.joblib").write_bytes(b"")
    for call in (
        load_model,
        lambda: read_estimator(tmp_path / "m.joblib"),
        lambda: EyeClassifier().fit(np.zeros((4, 24, 24), np.uint8), [0, 1, 0, 1]),
    ):
        with pytest.raises(MissingDependencyError, match=message):
            call()


def test_wheels_over_one_another_are_all_named(monkeypatch):
    installed = {"opencv-python": "5.0.0.93", "opencv-contrib-python-headless": "4.14.0.94"}

    def version(name):
        if name not in installed:
            raise PackageNotFoundError(name)
        return installed[name]

    monkeypatch.setattr(dependencies, "version", version)
    monkeypatch.delattr(cv2, "HOGDescriptor")
    with pytest.raises(MissingDependencyError) as caught:
        check_opencv()
    assert str(caught.value).endswith(
        "it has no HOGDescriptor; installed wheels: opencv-python 5.0.0.93 and opencv-contrib-python-headless "
        "4.14.0.94; run: pip uninstall -y opencv-python opencv-contrib-python-headless; "
        'pip install "opencv-contrib-python-headless>=4.13,<5"'
    )


def test_what_is_left_of_a_removed_wheel_is_refused(monkeypatch):
    """A folder without a module in it, which Python imports as an empty package."""
    monkeypatch.setattr(dependencies, "cv2", type(sys)("cv2"))
    monkeypatch.setattr(dependencies, "_WHEELS", ())
    with pytest.raises(MissingDependencyError, match=r"OpenCV of unknown version.*none that pip knows; run: pip inst"):
        check_opencv()


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("ImportError", "libGL.so.1: cannot open shared object file"),
        ("ImportError", "No module"),
        # Of a wheel that was compiled for numpy 1, and of two wheels over one another.
        ("AttributeError", "_ARRAY_API not found"),
        ("RuntimeError", "anything"),
    ],
)
def test_an_opencv_that_cannot_be_imported_is_one_line_of_the_command(tmp_path, kind, error):
    (tmp_path / "cv2").mkdir()
    (tmp_path / "cv2" / "__init__.py").write_text(f"raise {kind}({error!r})")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from classic_eyes import cli; sys.exit(cli.main(['predict', 'somewhere']))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert len(run.stderr.splitlines()) == 1
    assert f"OpenCV cannot be imported ({error}); installed wheels: " in run.stderr
    assert 'pip install "opencv-contrib-python-headless>=4.13,<5"' in run.stderr


@pytest.mark.parametrize("installed", [{"opencv-python": "4.8.1.78"}, {"opencv-contrib-python": "5.0.0.93"}])
def test_wheels_of_another_version_are_refused_before_they_are_imported(monkeypatch, installed):
    monkeypatch.setattr(dependencies, "_installed_wheels", lambda: installed)
    ((name, number),) = installed.items()
    expected = f"OpenCV is of another version, and allowed .*; installed wheels: {name} {number}; run: pip uninstall -y"
    with pytest.raises(MissingDependencyError, match=expected):
        dependencies._check_wheels()


def test_of_two_wheels_one_may_be_of_another_version(monkeypatch):
    """Which of them is imported cannot be told from the names."""
    monkeypatch.setattr(
        dependencies, "_installed_wheels", lambda: {"opencv-python": "5.0.0", "opencv-python-headless": "4.14.0"}
    )
    dependencies._check_wheels()


@pytest.mark.parametrize(
    ("installed", "display", "wanted"),
    [
        ((), True, "opencv-python-headless"),
        (("opencv-python",), True, "opencv-python"),
        (("opencv-python",), False, "opencv-python-headless"),
        (("opencv-contrib-python",), True, "opencv-contrib-python"),
        (("opencv-contrib-python",), False, "opencv-contrib-python-headless"),
        (("opencv-python", "opencv-contrib-python-headless"), True, "opencv-contrib-python-headless"),
    ],
)
def test_prediction_alone_keeps_the_kind_of_wheel(monkeypatch, installed, display, wanted):
    monkeypatch.setattr(dependencies, "_installed_wheels", lambda: dict.fromkeys(installed, "5.0"))
    monkeypatch.setattr(dependencies, "distribution", lambda: "classic-eyes-predict")
    assert dependencies.opencv_remedy(display=display).endswith(f'pip install "{wanted}>=4.13,<5"')


def test_windows(monkeypatch):
    monkeypatch.setattr(cv2, "getBuildInformation", lambda: "  A\n\n  GUI:                  NONE\n    VTK: NO")
    assert not dependencies.has_windows()
    monkeypatch.setattr(cv2, "getBuildInformation", lambda: "  GUI:                           QT5\n    QT: YES")
    assert dependencies.has_windows()


def test_the_remedy_for_a_window_is_of_the_distribution(monkeypatch):
    monkeypatch.setattr(dependencies, "_installed_wheels", lambda: {"opencv-python-headless": "4.14.0.94"})
    monkeypatch.setattr(dependencies, "distribution", lambda: "classic-eyes")
    assert dependencies.window_remedy() == (
        "pip uninstall -y classic-eyes opencv-python-headless; "
        "pip install 'classic-eyes-predict[faces,train]' \"opencv-contrib-python>=4.13,<5\""
    )
    monkeypatch.setattr(dependencies, "distribution", lambda: "classic-eyes-predict")
    assert dependencies.window_remedy() == (
        'pip uninstall -y opencv-python-headless; pip install "opencv-contrib-python>=4.13,<5"'
    )


def test_importing_checks(monkeypatch):
    monkeypatch.delattr(cv2, "remap")
    with pytest.raises(MissingDependencyError, match="it has no remap"):
        importlib.reload(dependencies)
