"""The requirements of the distributions: prediction alone, and the lowest versions."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import time
import zipfile
from configparser import RawConfigParser

import pytest

from classic_eyes._utils import dependencies
from tools import build_predict
from tools.build_predict import NAME, build_environment, predict_config
from tools.lowest_versions import lowest_versions

from ..conftest import ROOT

TEXT = (ROOT / "setup.cfg").read_text("utf-8")


def parsed(text: str) -> RawConfigParser:
    config = RawConfigParser()
    config.read_string(text)
    return config


def lines(value: str) -> list[str]:
    return value.split("\n")[1:]


def test_prediction_alone_requires_numpy_and_no_opencv():
    usual, alone = parsed(TEXT), parsed(predict_config(TEXT))
    required = lines(alone["options"]["install_requires"])
    assert [re.split("[<>=]", each)[0] for each in required] == ["numpy", "threadpoolctl"]
    # Together with the extra and an OpenCV wheel it is the usual distribution, with the same versions.
    extras = alone["options.extras_require"]
    (wheel,) = (each for each in lines(usual["options"]["install_requires"]) if each.startswith("opencv"))
    assert sorted([*required, *lines(extras["train"]), wheel]) == sorted(lines(usual["options"]["install_requires"]))
    assert (alone["metadata"]["name"], usual["metadata"]["name"]) == (NAME, "classic-eyes")
    assert dependencies._DISTRIBUTIONS == ("classic-eyes", NAME)
    assert set(extras) == {*usual["options.extras_require"], "train"} - {"bench", "docs", "test"}
    # Files, programs and versions of Python are the same.
    for section in ("options.package_data", "options.exclude_package_data", "options.entry_points"):
        assert dict(alone[section]) == dict(usual[section])
    for option in ("packages", "python_requires", "package_dir"):
        assert alone["options"][option] == usual["options"][option]


def test_a_cluster_needs_joblib_where_training_is_not_installed():
    assert any(
        each.startswith("joblib")
        for each in lines(parsed(predict_config(TEXT))["options.extras_require"]["distributed"])
    )


def test_every_requirement_has_a_lowest_version():
    pins = lowest_versions(TEXT)
    assert len(pins) == len(lines(parsed(TEXT)["options"]["install_requires"]))
    (wheel,) = (pin for pin in pins if pin.startswith("opencv"))
    # The version that is named where another one is installed.
    assert wheel.startswith(f"opencv-contrib-python-headless=={'.'.join(map(str, dependencies._OPENCV_VERSIONS[0]))}")
    with pytest.raises(SystemExit, match="'numpy' has no lowest version"):
        lowest_versions("[options]\ninstall_requires =\n    numpy")


def test_the_test_extra_brings_all_the_others():
    extras = parsed(TEXT)["options.extras_require"]
    (own,) = (each for each in lines(extras["test"]) if each.startswith("classic-eyes["))
    assert sorted(own[len("classic-eyes[") : -1].split(",")) == sorted(set(extras) - {"test"})


def test_the_notice_is_in_both_distributions_and_names_every_trained_file():
    assert parsed(TEXT)["metadata"]["license_files"].split() == ["LICENSE", "NOTICE"]
    assert {"LICENSE", "NOTICE"} <= set(build_predict.NEEDED)
    notice = (ROOT / "NOTICE").read_text("utf-8")
    trained = [path.name for path in (ROOT / "models").iterdir() if path.suffix in (".npz", ".dat")]
    assert len(trained) == 6
    assert all(notice.count(name) == 2 for name in trained)


def test_the_build_has_the_time_of_the_commit(monkeypatch):
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    log = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True, check=False)
    if log.returncode:
        pytest.skip("not a clone")
    assert build_environment()["SOURCE_DATE_EPOCH"] == log.stdout.strip()
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    assert build_environment()["SOURCE_DATE_EPOCH"] == "1"


def test_a_build_without_the_package_build_names_it(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["build_predict.py"])
    monkeypatch.setattr(build_predict, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match=r"^build_predict.py needs the package build; run: pip install build$"):
        build_predict.main()


@pytest.mark.slow
def test_two_builds_are_the_same_bytes(tmp_path):
    """Slow, because each makes an environment of its own."""
    built = []
    for name in "ab":
        command = [sys.executable, str(ROOT / "tools" / "build_predict.py"), "--out", str(tmp_path / name)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if "Could not find a version that satisfies the requirement" in done.stdout + done.stderr:
            pytest.skip("no package index")
        assert done.returncode == 0, done.stderr
        built.append({path.suffix: path.read_bytes() for path in (tmp_path / name).iterdir()})
        time.sleep(2.1)  # zip files have times of two seconds
    assert built[0][".whl"] == built[1][".whl"]
    with zipfile.ZipFile(io.BytesIO(built[0][".whl"])) as wheel:
        assert sum(name.endswith(("/NOTICE", "/LICENSE")) for name in wheel.namelist()) == 2
