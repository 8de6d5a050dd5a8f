"""Rows of predictions: their text, and an interrupted run that is continued to the same bytes."""

from __future__ import annotations

import csv
import io
import itertools
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from classic_eyes.cli import predict, rows
from classic_eyes.errors import DataError, ParameterError
from classic_eyes.inference import CHUNK, Scored

from ..conftest import main, write_eyes


def test_csv_is_that_of_the_csv_module():
    names = ["a.png", "b,c.png", 'd"e.png', "f\ng.png", "=1.png"]
    scored = [Scored(0.5, None), Scored(None, "empty file"), Scored(0.1234567, None), Scored(1.0, None)]
    scored.append(Scored(0.0, None))
    file, expected = io.StringIO(), io.StringIO()
    assert rows.write_rows(names, scored, file) == Counter(open=2, closed=2, failed=1)
    writer = csv.writer(expected, lineterminator="\n")
    writer.writerow(["file", "label", "score", "error"])
    for name, each in zip(names, scored, strict=True):
        if each.score is None:
            writer.writerow([name, "", "", each.error])
        else:
            writer.writerow([name, int(each.score >= 0.5), f"{each.score:.6f}", ""])
    assert file.getvalue() == expected.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """More than two chunks, with a file that is no image and names that CSV must quote."""
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
def predict_to(request, small_model, folder):
    """Predict the folder in one of the formats that can be continued."""
    options = ("--format", request.param, "--model", small_model.with_suffix(".npz"), "--jobs", 1)

    def call(out, *further, paths=(folder,)):
        return main("predict", *paths, *options, "--out", out, *further)

    return call


def test_run_cut_at_any_byte_is_continued_to_the_same_bytes(predict_to, tmp_path, capsys, monkeypatch):
    assert predict_to(tmp_path / "whole") == 1
    whole = (tmp_path / "whole").read_bytes()
    places = {0, 1, 5, 22, 23, 24, len(whole) - 1, len(whole), *range(30, len(whole), len(whole) // 16)}
    quoted = whole.index(b"quoted")
    places |= set(range(quoted - 12, quoted + 40, 7))
    places |= set(range(whole.index(b"n0302") - 2, whole.index(b"n0302") + 12, 3))
    for place in sorted(places):
        out = tmp_path / "cut"
        out.write_bytes(whole[:place])
        assert predict_to(out, "--resume") == 1, place
        assert out.read_bytes() == whole, place
    lines = capsys.readouterr().err.splitlines()
    assert all(
        line.startswith(f"{2 * CHUNK + 50:,} images: {2 * CHUNK + 49:,} read, ") and "1 failed" in line
        for line in lines
    ), lines[:3]
    assert lines[-1].endswith(f"; {2 * CHUNK + 50:,} rows existed")


def test_resume_starts_without_a_file_and_keeps_a_finished_one(predict_to, tmp_path, capsys):
    out = tmp_path / "new"
    assert predict_to(out, "--resume") == 1
    whole, when = out.read_bytes(), out.stat().st_mtime_ns
    capsys.readouterr()
    assert predict_to(out, "--resume") == 1
    assert out.read_bytes() == whole
    assert out.stat().st_mtime_ns >= when
    assert "rows existed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"something else\n",
            "does not start with the csv header of this run; name another file, or replace it with --force",
        ),
        (b"file,label,score,verdict,error\n", "does not start with the csv header"),
        (b"file,label,score,error\nother.png,1,0.9,\n", "row 1 is of 'other.png', but this run has '000.png'"),
        (b"file,label,score,error\n000.png,7,0.9,\n", "row 1 is no row of this command"),
        (b"file,label,score,error\n000.png,1\n", "row 1 is no row of this command"),
        (b"file,label,score,error\n000.png,0,0.123456,\n", "another model, threshold or image"),
        (b"file,label,score,error\n000.png,1,0.123456,\n", "row 1 has label 1 and score 0.123456"),
    ],
)
def test_rows_of_another_run_are_refused_and_unchanged(folder, small_model, tmp_path, capsys, content, message):
    out = tmp_path / "a.csv"
    out.write_bytes(content)
    assert main("predict", folder, "--model", small_model.with_suffix(".npz"), "--out", out, "--resume") == 2
    assert out.read_bytes() == content
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_fewer_images_than_rows_are_refused(predict_to, folder, tmp_path, capsys):
    out = tmp_path / "a"
    predict_to(out)
    capsys.readouterr()
    assert predict_to(out, "--resume", paths=(folder / "000.png",)) == 2
    assert "row 1 is of" in capsys.readouterr().err


def test_another_threshold_is_refused(predict_to, tmp_path, capsys):
    out = tmp_path / "a"
    predict_to(out)
    before = out.read_bytes()
    assert predict_to(out, "--resume", "--threshold", "0.9999") == 2
    assert out.read_bytes() == before
    assert "but --threshold is 0.9999: another threshold" in capsys.readouterr().err


def test_label_that_contradicts_the_threshold_is_refused_in_any_row(tmp_path):
    written = [rows.Row(f"{number}.png", 1, 0.9, None, None) for number in range(3 * CHUNK)]
    written[5] = written[5]._replace(score=0.7)
    out = tmp_path / "a.csv"
    out.write_text(rows._head("csv", False) + rows._LINES["csv"](written, False))
    names = [row.file for row in written]
    assert rows.read_done(str(out), names, threshold=0.6).rows == 3 * CHUNK
    with pytest.raises(DataError, match=r"row 6 has label 1 and score 0.700000, but --threshold is 0.8"):
        rows.read_done(str(out), names, threshold=0.8)
    # Scores are rounded to six digits.
    assert rows.read_done(str(out), names, threshold=0.7000004).rows == 3 * CHUNK


@pytest.mark.parametrize("options", [(), ("--out", "{}/a.txt", "--format", "table")])
def test_resume_needs_rows_in_a_file(folder, tmp_path, capsys, options):
    assert main("predict", folder, "--resume", *(option.format(tmp_path) for option in options)) == 2
    assert "give --out FILE with csv or jsonl" in capsys.readouterr().err


def test_pipe_is_refused(folder, tmp_path, capsys):
    os.mkfifo(tmp_path / "pipe")
    assert main("predict", folder, "--resume", "--out", tmp_path / "pipe") == 2
    assert "is no regular file" in capsys.readouterr().err


def test_file_that_became_readable_does_not_stop_a_continued_run(folder, small_model, tmp_path, capsys):
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
    assert out.read_bytes() == before, "existing rows are unchanged"


@pytest.mark.parametrize(
    ("how", "backend"),
    [
        (signal.SIGKILL, "fork"),
        (signal.SIGINT, "fork"),
        (signal.SIGTERM, "threading"),
        pytest.param(signal.SIGKILL, "threading", marks=pytest.mark.slow),
        pytest.param(signal.SIGINT, "threading", marks=pytest.mark.slow),
        pytest.param(signal.SIGTERM, "fork", marks=pytest.mark.slow),
    ],
)
def test_killed_run_leaves_whole_rows_and_is_continued(folder, small_model, tmp_path, how, backend):
    names = [
        str(path)
        for path in sorted(folder.iterdir(), key=lambda path: os.fsencode(path.name))
        if not {"\n", "\r"} & set(path.name)
    ]
    (tmp_path / "list").write_bytes(b"\n".join(os.fsencode(name) for name in names * 12) + b"\n")
    out = tmp_path / "a.csv"
    command = [sys.executable, "-m", "classic_eyes", "predict", "--list", str(tmp_path / "list"), "--out", str(out)]
    command += ["--model", str(small_model.with_suffix(".npz")), "--backend", backend, "--jobs", "2"]
    assert subprocess.run(command, capture_output=True, timeout=120, check=False).returncode == 1
    whole = out.read_bytes()
    out.unlink()
    for _ in range(2):
        # Before there are more rows, the command may not handle signals yet.
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
        # SIGKILL ends even the system's own copying of a block of rows; --resume removes the part of a row.
        assert how == signal.SIGKILL or left.endswith(b"\n"), "whole rows"
        if how != signal.SIGKILL:
            status = 130 if how == signal.SIGINT else 143
            assert (running.returncode, error) == (status, "classic-eyes: stopped\n")
    assert subprocess.run([*command, "--resume"], capture_output=True, timeout=120, check=False).returncode == 1
    assert out.read_bytes() == whole


# -- a disk that is full --


@contextmanager
def room_for(n_bytes: int) -> Iterator[None]:
    """Let no file grow beyond a size, like a full disk: a write is cut short, the next one fails."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


ODD = ["a.png", 'b, "quoted"\nand\n\n"broken"\n.png', "c\r.png", "d\udcff.png", "", "e.png"]


@pytest.mark.parametrize("style", ["csv", "jsonl", "table"])
def test_rows_that_do_not_fit_are_cut_off_as_a_whole(tmp_path, style):
    def write(out):
        with rows.open_output(str(out), style=style, force=True) as file:
            rows.write_rows(ODD, [Scored(0.25, None)] * len(ODD), file, style=style)

    write(tmp_path / "whole")
    whole = (tmp_path / "whole").read_bytes()
    ends = [0, *itertools.accumulate(map(len, rows._whole_rows(io.BytesIO(whole), style)))]
    assert len(ends) == len(ODD) + 1 + (style != "jsonl")
    for place in range(len(whole)):
        with room_for(place), pytest.raises(ParameterError, match=r"--out '.*cut': File too large; make room"):
            write(tmp_path / "cut")
        left = (tmp_path / "cut").read_bytes()
        assert left == whole[: max(end for end in ends if end <= place)], place


class InterruptedFile:
    """A file that is interrupted once some bytes have been written, before their number is returned."""

    def __init__(self, raw, place: int) -> None:
        self.raw, self.place = raw, place

    def write(self, data) -> int:
        self.raw.write(data[: self.place])
        raise KeyboardInterrupt

    def __getattr__(self, name):
        return getattr(self.raw, name)


@pytest.mark.parametrize(
    ("place", "left"), [(0, "file\na.png\n"), (8, "file\na.png\nb.png\n"), (18, "file\na.png\nb.png\nc.png\nd.png\n")]
)
def test_interrupted_writing_leaves_whole_rows(tmp_path, place, left):
    def write_and_interrupt():
        with rows.open_output(str(tmp_path / "a.csv")) as file:
            file.write("file\na.png\n")
            file.raw = InterruptedFile(file.raw, place)
            file.write("b.png\nc.png\nd.png\n")

    with pytest.raises(KeyboardInterrupt):
        write_and_interrupt()
    assert (tmp_path / "a.csv").read_text() == left


@pytest.mark.parametrize("style", ["csv", "jsonl"])
def test_full_disk_is_continued_to_the_same_bytes(folder, small_model, tmp_path, style):
    code = (
        "import resource, sys; limit = int(sys.argv[1]); resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)); "
        "from classic_eyes.cli import main; sys.exit(main(sys.argv[2:]))"
    )
    out = tmp_path / "a"
    arguments = ["predict", folder, "--format", style, "--model", small_model.with_suffix(".npz"), "--out", out]
    assert main(*arguments) == 1
    whole = out.read_bytes()
    out.unlink()
    # Within the first chunk, within the second, and where there were rows before.
    for limit, how in ((len(whole) // 3, "--resume"), (2 * len(whole) // 3, "--resume"), (len(whole) - 3, "--resume")):
        command = [sys.executable, "-c", code, limit, *arguments, how]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 2
        (message,) = done.stderr.splitlines()
        assert message.endswith(f"--out {str(out)!r}: File too large; make room, and continue it with --resume")
        left = out.read_bytes()
        assert whole.startswith(left)
        assert limit - 400 < len(left) <= limit
        assert left.endswith(b"\n")
    assert main(*arguments, "--resume") == 1
    assert out.read_bytes() == whole


def test_another_run_that_writes_the_same_file_meanwhile_is_not_overwritten(
    folder, small_model, tmp_path, monkeypatch, capsys
):
    out = tmp_path / "a.csv"
    real = predict.score_files

    def score_and_write(*arguments, **options):
        out.write_text("of another run")
        return real(*arguments, **options)

    monkeypatch.setattr(predict, "score_files", score_and_write)
    assert main("predict", folder, "--model", small_model.with_suffix(".npz"), "--out", out) == 2
    assert "exists" in capsys.readouterr().err
    assert out.read_text() == "of another run"


def test_rows_with_verdicts_are_read_as_they_were_written(tmp_path):
    written = [rows.Row("a.png", 1, 0.75, "open", None), rows.Row("b,\n.png", 0, 0.25, "not-an-eye", None)]
    written.append(rows.Row("c.png", None, None, None, "empty file"))
    for style in ("csv", "jsonl"):
        text = rows._head(style, True) + rows._LINES[style](written, True)
        (tmp_path / "a").write_text(text, newline="")
        done = rows.read_done(str(tmp_path / "a"), [row.file for row in written], style=style, verdict=True)
        assert (done.rows, done.start, done.size) == (3, 0, len(text))
        assert done.kept == written


def test_header_and_json_keys():
    assert rows._head("csv", False) == "file,label,score,error\n"
    assert rows._head("csv", True) == "file,label,score,verdict,error\n"
    line = rows._jsonl_text([rows.Row("a", 1, 0.5, None, None)], False)
    assert json.loads(line) == {"file": "a", "label": 1, "score": 0.5, "error": None}
