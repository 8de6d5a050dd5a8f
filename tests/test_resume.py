"""A run that was stopped is gone on with: the same bytes as if it had never stopped, wherever it was cut."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from classic_eyes.conftest import write_eyes

from classic_eyes import cli
from classic_eyes.cli import predict
from classic_eyes.cli import rows as answers
from classic_eyes.errors import DataError
from classic_eyes.inference import CHUNK


def main(*arguments: object) -> int:
    return cli.main([str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """More than two chunks, among them what cannot be read and names that CSV must quote."""
    top = tmp_path_factory.mktemp("resume") / "eyes"
    write_eyes(top, 6)
    originals = sorted(top.iterdir())
    for number in range(2 * CHUNK + 40):
        os.link(originals[number % 6], top / f"n{number:04}.png")
    (top / "n0100x.png").write_bytes(b"hello")
    (top / 'n0300, "quoted"\nand broken.png').write_bytes(originals[0].read_bytes())
    (top / os.fsdecode(b"n0301\xff.png")).write_bytes(originals[1].read_bytes())
    (top / "n0302\r.png").write_bytes(originals[2].read_bytes())
    return top


@pytest.fixture(params=["csv", "jsonl"])
def ask(request, small_model, folder):
    """Ask about the folder in one of the formats that can be gone on with."""
    options = ("--format", request.param, "--model", small_model.with_suffix(".npz"), "--jobs", 1)

    def ask(out, *further, paths=(folder,)):
        return main("predict", *paths, *options, "--out", out, *further)

    return ask


def test_at_whatever_byte_it_was_cut_the_end_is_the_same(ask, tmp_path, capsys, monkeypatch):
    assert ask(tmp_path / "whole") == 1
    whole = (tmp_path / "whole").read_bytes()
    # Chunks of a quarter make each of the runs short; where rows begin anew does not depend on the number.
    places = {0, 1, 5, 22, 23, 24, len(whole) - 1, len(whole), *range(30, len(whole), len(whole) // 60)}
    quoted = whole.index(b"quoted")
    places |= set(range(quoted - 12, quoted + 40, 3))
    places |= set(range(whole.index(b"n0302") - 2, whole.index(b"n0302") + 12))
    for place in sorted(places):
        out = tmp_path / "cut"
        out.write_bytes(whole[:place])
        assert ask(out, "--resume") == 1, place
        assert out.read_bytes() == whole, place
    said = capsys.readouterr().err.splitlines()
    assert all(line.startswith(f"{2 * CHUNK + 49} read, ") and "1 failed" in line for line in said), said[:3]
    assert said[-1].endswith(f"; {2 * CHUNK + 50} rows were there already")


def test_without_a_file_it_begins_and_a_finished_one_stays(ask, tmp_path, capsys):
    out = tmp_path / "new"
    assert ask(out, "--resume") == 1
    whole, when = out.read_bytes(), out.stat().st_mtime_ns
    capsys.readouterr()
    assert ask(out, "--resume") == 1
    assert out.read_bytes() == whole
    assert out.stat().st_mtime_ns >= when
    assert "rows were there already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"something else\n", "is no such csv as this run would write; name another file, or leave --resume out"),
        (b"file,label,score,verdict,error\n", "is no such csv"),
        (b"file,label,score,error\nother.png,1,0.9,\n", "row 1 is about 'other.png', and this run has '000.png'"),
        (b"file,label,score,error\n000.png,7,0.9,\n", "row 1 is none that this run would write"),
        (b"file,label,score,error\n000.png,1\n", "row 1 is none that this run would write"),
        (b"file,label,score,error\n000.png,0,0.123456,\n", "another model, threshold or image"),
        (b"file,label,score,error\n000.png,1,0.123456,\n", "row 1 has label 1 and score 0.123456"),
    ],
)
def test_what_is_not_this_runs_own_is_refused_and_left_alone(folder, small_model, tmp_path, capsys, content, said):
    out = tmp_path / "a.csv"
    out.write_bytes(content)
    assert main("predict", folder, "--model", small_model.with_suffix(".npz"), "--out", out, "--resume") == 2
    assert out.read_bytes() == content
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_fewer_images_than_rows_are_refused(ask, folder, tmp_path, capsys):
    out = tmp_path / "a"
    ask(out)
    capsys.readouterr()
    assert ask(out, "--resume", paths=(folder / "000.png",)) == 2
    assert "row 1 is about" in capsys.readouterr().err


def test_another_threshold_is_another_run(ask, tmp_path, capsys):
    out = tmp_path / "a"
    ask(out)
    before = out.read_bytes()
    assert ask(out, "--resume", "--threshold", "0.9999") == 2
    assert out.read_bytes() == before
    assert "and --threshold is 0.9999: another threshold" in capsys.readouterr().err


def test_answers_of_another_threshold_are_refused_wherever_they_stand(tmp_path):
    rows = [answers.Row(f"{number}.png", 1, 0.9, None, None) for number in range(3 * CHUNK)]
    rows[5] = rows[5]._replace(score=0.7)
    out = tmp_path / "a.csv"
    out.write_text(answers._head("csv", False) + answers._LINES["csv"](rows, False))
    names = [row.file for row in rows]
    assert answers.read_done(str(out), names, threshold=0.6).rows == 3 * CHUNK
    with pytest.raises(DataError, match=r"row 6 has label 1 and score 0.700000, and --threshold is 0.8"):
        answers.read_done(str(out), names, threshold=0.8)
    # Rounded to six digits, nobody knows.
    assert answers.read_done(str(out), names, threshold=0.7000004).rows == 3 * CHUNK


@pytest.mark.parametrize("options", [(), ("--out", "{}/a.txt", "--format", "table")])
def test_only_rows_in_a_file_can_be_gone_on_with(folder, tmp_path, capsys, options):
    assert main("predict", folder, "--resume", *(option.format(tmp_path) for option in options)) == 2
    assert "give --out FILE with csv or jsonl" in capsys.readouterr().err


def test_a_pipe_is_not_waited_for(folder, tmp_path, capsys):
    os.mkfifo(tmp_path / "pipe")
    assert main("predict", folder, "--resume", "--out", tmp_path / "pipe") == 2
    assert "is no file that could be gone on with" in capsys.readouterr().err


def test_a_file_that_became_readable_does_not_stop_it(folder, small_model, tmp_path, capsys):
    out, model = tmp_path / "a.csv", small_model.with_suffix(".npz")
    copy = tmp_path / "eyes"
    copy.mkdir()
    for number, path in enumerate(sorted(folder.iterdir())[:4]):
        (copy / f"{number}.png").write_bytes(path.read_bytes() if number != 1 else b"")
    assert main("predict", copy, "--model", model, "--out", out) == 1
    (copy / "1.png").write_bytes((copy / "0.png").read_bytes())
    before = out.read_bytes()
    out.write_bytes(before[: before.rindex(b"3.png") + 2])
    assert main("predict", copy, "--model", model, "--out", out, "--resume") == 1
    assert out.read_bytes() == before, "what was answered stays"


@pytest.mark.parametrize("backend", ["fork", "threading"])
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_killed_run_leaves_whole_rows_and_is_gone_on_with(folder, small_model, tmp_path, how, backend):
    names = [
        str(path)
        for path in sorted(folder.iterdir(), key=lambda path: os.fsencode(path.name))
        if not {"\n", "\r"} & set(path.name)
    ]
    (tmp_path / "list").write_bytes(b"\n".join(os.fsencode(name) for name in names * 25) + b"\n")
    out = tmp_path / "a.csv"
    command = [sys.executable, "-m", "classic_eyes", "predict", "--list", str(tmp_path / "list"), "--out", str(out)]
    command += ["--model", str(small_model.with_suffix(".npz")), "--backend", backend, "--jobs", "2"]
    assert subprocess.run(command, capture_output=True, timeout=120, check=False).returncode == 1
    whole = out.read_bytes()
    out.unlink()
    for _ in range(2):
        # More than there was: before that the command may not have begun to listen to signals.
        had = out.stat().st_size if out.exists() else 0
        running = subprocess.Popen([*command, "--resume"], stderr=subprocess.PIPE, text=True)
        for _ in range(3000):
            if out.exists() and out.stat().st_size > had:
                break
            time.sleep(0.005)
        running.send_signal(how)
        error = running.communicate(timeout=60)[1]
        left = out.read_bytes()
        assert len(left) < len(whole), "it was not stopped in time"
        assert whole.startswith(left)
        assert left.endswith(b"\n"), "whole rows"
        if how != signal.SIGKILL:
            status = 130 if how == signal.SIGINT else 143
            assert (running.returncode, error) == (status, "classic-eyes: stopped\n")
    assert subprocess.run([*command, "--resume"], capture_output=True, timeout=120, check=False).returncode == 1
    assert out.read_bytes() == whole


def test_verdicts_are_gone_on_with_too(tmp_path, folder):
    """The rows of a run with verdicts are read back as they were written."""
    rows = [answers.Row("a.png", 1, 0.75, "open", None), answers.Row("b,\n.png", 0, 0.25, "not-an-eye", None)]
    rows.append(answers.Row("c.png", None, None, None, "empty file"))
    for style in ("csv", "jsonl"):
        text = answers._head(style, True) + answers._LINES[style](rows, True)
        (tmp_path / "a").write_text(text, newline="")
        done = answers.read_done(str(tmp_path / "a"), [row.file for row in rows], style=style, verdict=True)
        assert (done.rows, done.start, done.size) == (3, 0, len(text))
        assert done.kept == rows


def test_the_header_is_that_of_the_contract():
    assert answers._head("csv", False) == "file,label,score,error\n"
    assert answers._head("csv", True) == "file,label,score,verdict,error\n"
    line = answers._jsonl_text([answers.Row("a", 1, 0.5, None, None)], False)
    assert json.loads(line) == {"file": "a", "label": 1, "score": 0.5, "error": None}
    assert predict.MAX_PIXELS == 100_000_000
