"""The command ``classic-eyes export``."""

from __future__ import annotations

import re
import sys

import pytest

from ..conftest import main, run

pytest.importorskip("onnx", reason="onnx is not installed; pip install 'classic-eyes[onnx]'")


def test_a_model_is_written_and_checked(small_model, tmp_path, capsys):
    out = tmp_path / "eyes.onnx"
    assert main("export", "--model", small_model.with_suffix(".npz"), "--out", out) == 0
    text = capsys.readouterr()
    assert text.out == ""
    assert re.fullmatch(r"wrote .*eyes\.onnx: \d\.\d MB; input: grey patches of 24 x 24 pixels, uint8; .*\n", text.err)
    assert re.search(r"probability of open; largest difference \d\S*; left out: .* not-an-eye\n", text.err)
    before = out.read_bytes()
    assert main("export", "--check", out) == 0
    assert re.fullmatch(r".*eyes\.onnx: predicts what it records; largest difference \S+\n", capsys.readouterr().out)
    assert out.read_bytes() == before


def test_an_existing_file_is_replaced_with_force_only(small_model, tmp_path, capsys):
    out = tmp_path / "eyes.onnx"
    out.write_text("mine")
    model = small_model.with_suffix(".npz")
    assert main("export", "--model", model, "--out", out) == 2
    assert "exists; name another file, or replace it with --force" in capsys.readouterr().err
    assert out.read_text() == "mine"
    assert main("export", "--model", model, "--out", out, "--force") == 0
    assert main("export", "--check", out) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "one of the arguments --out --check is required"),
        (("--out", "a.onnx", "--check", "setup.cfg"), "not allowed with argument"),
        (("--check", "missing.onnx"), "no such file"),
        (("--out", "a.txt"), r"must end in \.onnx"),
        (("--out", "-"), "names no file"),
        (("--out", "missing/a.onnx"), "there is no folder 'missing'"),
        (("--out", "a.onnx", "--model", "missing.npz"), "no file of this name"),
    ],
)
def test_wrong_arguments_end_in_one_line(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "setup.cfg").write_text("")
    assert main("export", *arguments) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert re.search(message, error)
    assert [path.name for path in tmp_path.iterdir()] == ["setup.cfg"]


def test_novelty_is_a_second_output(small_model, tmp_path, capsys):
    out = tmp_path / "eyes.onnx"
    assert main("export", "--model", "fast", "--out", out, "--novelty") == 0
    error = capsys.readouterr().err
    assert "probability of open, novelty; largest difference" in error
    assert error.endswith("left out: reading of files\n")
    assert main("export", "--check", out) == 0
    assert main("export", "--model", small_model.with_suffix(".npz"), "--out", out, "--force", "--novelty") == 2
    assert "trained without non-eye detection" in capsys.readouterr().err


def test_what_is_no_model_is_refused(tmp_path, capsys):
    (tmp_path / "a.onnx").write_text("text")
    assert main("export", "--check", tmp_path / "a.onnx") == 2
    assert "is not a whole ONNX file of classic_eyes" in capsys.readouterr().err
    for option in ("--force", "--novelty"):
        assert main("export", "--check", tmp_path / "a.onnx", option) == 2
        assert f"{option} needs --out" in capsys.readouterr().err


def test_a_missing_package_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert main("export", "--model", "fast", "--out", tmp_path / "a.onnx") == 2
    assert "pip install 'classic-eyes[onnx]'" in capsys.readouterr().err


def test_as_a_user_runs_it(tmp_path):
    done = run("export", "--model", "fast", "--out", "eyes.onnx", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert (tmp_path / "eyes.onnx").stat().st_size < 3_000_000
    done = run("export", "--check", "eyes.onnx", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
