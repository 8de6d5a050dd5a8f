"""The program ``classic-eyes``: its commands, what it imports, interruption, and the ways to start it."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from classic_eyes import cli

from ..conftest import ROOT, main, run


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_unknown_option_points_to_the_help_of_its_command(command, capsys):
    assert main(command, "x", "--bogus") == 2
    error = capsys.readouterr().err
    assert error.endswith(f"; see classic-eyes {command} --help\n")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("command", "option", "owners"),
    [
        ("faces", "--events", "video"),
        ("faces", "--events=e.csv", "video"),
        ("video", "--photos", "faces"),
        ("evaluate", "--start-from", "train"),
        ("predict", "--page", "faces, video, label, audit"),
    ],
)
def test_unknown_option_of_another_command_names_it(command, option, owners, capsys):
    assert main(command, "x", "y", option) == 2
    name = option.partition("=")[0]
    assert f"unrecognized arguments: {option}; {name} belongs to {owners}; see classic-eyes {command} --help" in (
        capsys.readouterr().err
    )


def test_missing_and_unknown_commands_and_the_version(capsys):
    assert main() == 2
    capsys.readouterr()
    assert main("frobnicate") == 2
    err = capsys.readouterr().err
    assert len(err.strip().splitlines()) == 1
    assert "predict" in err
    assert re.fullmatch(r"classic-eyes \d+\.\d+\.\d+\n", run("--version").stdout)


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_every_command_has_help(command, capsys):
    assert main(command, "--help") == 0
    assert command in capsys.readouterr().out


def test_ctrl_c_gives_one_line_and_status_130(monkeypatch, capsys):
    def stop(arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("classic_eyes.cli.predict.work", stop)
    assert main("predict", "anything") == 130
    assert capsys.readouterr().err == "classic-eyes: stopped\n"


def test_ctrl_c_says_how_to_continue_where_the_command_can(monkeypatch, capsys):
    def stop(arguments):
        raise KeyboardInterrupt("continue with --resume")

    monkeypatch.setattr("classic_eyes.cli.predict.work", stop)
    assert main("predict", "anything") == 130
    assert capsys.readouterr().err == "classic-eyes: stopped; continue with --resume\n"


def test_empty_path_is_refused(capsys):
    assert main("predict", "") == 2
    assert capsys.readouterr().err == "classic-eyes: error: the path is empty; name a folder or an image\n"


def test_installed_command_and_shims_are_the_program(small_model, folder):
    options = [folder, "--model", small_model.with_suffix(".npz")]
    expected = run("predict", *options).stdout
    assert len(expected.splitlines()) == 32
    installed = shutil.which("classic-eyes", path=os.path.dirname(sys.executable))
    assert installed, "the package is not installed; pip install -e '.[test]'"
    done = subprocess.run([installed, "predict", *map(str, options)], capture_output=True, text=True, timeout=120)
    assert done.stdout == expected
    assert run(*options, program=(str(ROOT / "predict.py"),), cwd=folder).stdout == expected
    assert run("--help", program=(str(ROOT / "bench.py"),), cwd=folder).returncode == 0


# -- imports --


def test_table_of_commands_repeats_the_module_docstrings():
    for name, help_ in cli.COMMANDS.items():
        assert help_ == (import_module(f"classic_eyes.cli.{name}").__doc__ or "").splitlines()[0]


def test_help_and_version_import_no_command():
    code = (
        "import sys, contextlib; from classic_eyes import cli\n"
        "with contextlib.suppress(SystemExit): cli.main([sys.argv[1]])\n"
        "assert not {'cv2', 'numpy', 'sklearn'} & set(sys.modules)"
    )
    for option in ("--help", "--version"):
        done = subprocess.run([sys.executable, "-c", code, option], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        assert done.stdout


HEAVY = ("sklearn", "scipy", "skimage", "tqdm", "classic_eyes.classifier", "benchmarks")


def imported_by(*arguments: object) -> list[str]:
    """Return which heavy modules a command imports, in a process of its own."""
    code = (
        "import sys; from classic_eyes import cli; status = cli.main(sys.argv[1:]); "
        f"print(status, *[name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    status, *names = done.stderr.splitlines()[-1].split()
    assert status == "0", done.stderr
    return names


def test_predict_with_a_compiled_model_imports_nothing_heavy(small_model, folder):
    assert imported_by("predict", folder, "--model", small_model.with_suffix(".npz")) == []


def test_info_imports_nothing_heavy(small_model):
    assert imported_by("info", small_model) == []


def test_no_module_imports_a_command():
    package = Path(cli.__file__).parent
    for path in sorted(package.glob("*.py")):
        nodes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
        assert not {node.module for node in nodes if node.level == 1} & set(cli.COMMANDS), path.name


# -- standard files that are closed --


def shell(line: str, **names: object) -> subprocess.CompletedProcess:
    """Run a command of ours with redirections in a shell."""
    line = line.format(program=f"{sys.executable} -m classic_eyes", **names)
    return subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("command", ["predict {folder} --model {model}", "info {model}"])
def test_closed_standard_output_is_one_line(folder, small_model, command):
    done = shell("{program} " + command + " >&-", folder=folder, model=small_model.with_suffix(".npz"))
    assert done.returncode == 2
    (message,) = done.stderr.splitlines()
    assert message.startswith("classic-eyes: error: standard output is closed; ")
    assert "--out FILE" in message


def test_a_closed_standard_output_is_not_needed_with_out(folder, small_model, tmp_path):
    names = {"folder": folder, "model": small_model.with_suffix(".npz"), "out": tmp_path / "a.csv"}
    assert shell("{program} predict {folder} --model {model} --out {out} >&- 2>&-", **names).returncode == 0
    lines = (tmp_path / "a.csv").read_text().splitlines()
    assert len(lines) == 32
    assert lines[-1].startswith("sub/A.PNG,")


def test_nothing_is_printed_among_the_rows_where_standard_error_is_closed(folder, small_model):
    names = {"folder": folder, "model": small_model.with_suffix(".npz")}
    expected = shell("{program} predict {folder} --model {model}", **names)
    assert shell("{program} predict {folder} --model {model} 2>&-", **names).stdout == expected.stdout
    assert expected.returncode == 0


@pytest.mark.parametrize("jobs", [1, 2])
def test_reader_that_leaves_ends_the_run_silently_with_status_0(folder, small_model, tmp_path, jobs):
    # More rows than a pipe holds.
    (tmp_path / "names.txt").write_text(f"{folder / '003.png'}\n" * 9000)
    line = "{program} predict --list {names} --model {model} --jobs {jobs} | head -2; echo ${{PIPESTATUS[0]}}"
    done = shell(line, names=tmp_path / "names.txt", model=small_model.with_suffix(".npz"), jobs=jobs)
    assert done.stdout.splitlines()[0] == "file,label,score,error"
    assert done.stdout.splitlines()[2:] == ["0"]
    assert done.stderr == ""


# -- errors --


def test_lack_of_memory_gives_a_one_line_error(monkeypatch, capsys):
    def allocate(arguments):
        raise MemoryError("Unable to allocate 9 GiB")

    monkeypatch.setattr("classic_eyes.cli.info.work", allocate)
    assert main("info", "default") == 2
    assert capsys.readouterr().err == (
        "classic-eyes: error: out of memory (Unable to allocate 9 GiB); take fewer images or jobs\n"
    )
