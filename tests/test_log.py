"""The log of the library: what it reports, and that nothing is printed by default."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest

from classic_eyes import __version__, load_model
from classic_eyes._utils.files import sha256, shipped_model
from classic_eyes.errors import ModelError
from classic_eyes.inference import score_files

from .conftest import main, run, write_eyes


def test_a_loaded_model_is_logged_with_its_version_and_digest(caplog):
    caplog.set_level(logging.INFO, logger="classic_eyes")
    load_model("fast")
    (record,) = caplog.records
    assert (record.levelname, record.name.split(".")[0]) == ("INFO", "classic_eyes")
    assert record.getMessage().startswith("model fast loaded in ")
    assert f"SHA-256 {sha256(shipped_model('fast'))}" in record.getMessage()
    assert record.getMessage().endswith(f"read by {__version__}")


def test_a_fitted_model_from_a_joblib_file_is_logged(small_model, caplog):
    caplog.set_level(logging.INFO, logger="classic_eyes")
    load_model(small_model, trusted=True)
    assert f"model {small_model} loaded in " in caplog.text


@pytest.mark.parametrize("name", ["missing.npz", "text.npz", 3])
def test_a_refused_model_is_logged_with_the_reason(tmp_path, monkeypatch, caplog, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.npz").write_text("text")
    with pytest.raises(ModelError) as caught:
        load_model(name)
    (record,) = caplog.records
    assert (record.levelname, record.getMessage()) == ("WARNING", f"model {name!r} refused: {caught.value}")


@pytest.mark.parametrize(("backend", "n"), [("threading", 3), ("threading", 900), ("fork", 900), ("loky", 900)])
def test_refused_images_are_logged_once_by_the_process_that_asked(tmp_path, caplog, backend, n):
    if backend == "fork" and not sys.platform.startswith("linux"):
        pytest.skip("only Linux forks")
    write_eyes(tmp_path, 3)
    (tmp_path / "bad.png").write_bytes(b"text")
    paths = [str(tmp_path / "000.png")] * n
    wrong = {n // 2: "bad.png", n - 1: "missing.png"}
    for position, name in wrong.items():
        paths[position] = str(tmp_path / name)
    scored = list(score_files(paths, load_model("fast").program, backend=backend, n_jobs=2))
    expected = [f"{paths[k]} refused: {scored[k].error}" for k in sorted(wrong)]
    assert [record.getMessage() for record in caplog.records] == expected
    assert {record.levelname for record in caplog.records} == {"WARNING"}


def test_nothing_is_printed_by_default(tmp_path):
    """Python prints warnings of a logger without a handler."""
    code = (
        "from classic_eyes import load_model\nfrom classic_eyes.inference import score_files\n"
        "list(score_files(['missing.png'], load_model('fast').program))\n"
        "try: load_model('missing.npz')\nexcept RuntimeError: pass"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("", "")


def test_the_command_writes_the_log_where_the_environment_says_so(tmp_path, monkeypatch, capsys):
    write_eyes(tmp_path / "eyes", 3)
    assert main("predict", tmp_path / "eyes", "--model", "fast") == 0
    usual = capsys.readouterr()
    assert "SHA-256" not in usual.err
    monkeypatch.setenv("CLASSIC_EYES_LOG", "info")
    assert main("predict", tmp_path / "eyes", "--model", "fast") == 0
    logged = capsys.readouterr()
    assert logged.out == usual.out
    (line,) = (line for line in logged.err.splitlines() if "SHA-256" in line)
    assert " INFO classic_eyes.predictor: model fast loaded in " in line
    assert not [each for each in logging.getLogger("classic_eyes").handlers if type(each) is logging.StreamHandler]


def test_an_unknown_level_is_one_line(monkeypatch, tmp_path):
    monkeypatch.setenv("CLASSIC_EYES_LOG", "loud")
    done = run("predict", tmp_path)
    assert done.returncode == 2
    expected = "CLASSIC_EYES_LOG is 'LOUD'; allowed is one of DEBUG, INFO, WARNING, ERROR\n"
    assert done.stderr == f"classic-eyes: error: {expected}"
