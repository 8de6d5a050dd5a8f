"""Lists of paths and URLs as the images of ``classic-eyes predict``."""

from __future__ import annotations

import os
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path

import pytest

from classic_eyes import cli
from classic_eyes.cli import predict
from classic_eyes.cli.listing import ListedImages
from classic_eyes.inference import BACKENDS

from ..conftest import write_eyes
from ..file_server import serve


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("eyes")
    write_eyes(folder, 10, random_state=4)
    return folder


@pytest.fixture(scope="module")
def site(folder):
    with serve(folder) as url:
        yield url


def test_rows_follow_the_list_line_by_line(site, folder, small_model, tmp_path, capsys):
    listed = [str(folder / "005.png"), f"{site}/003.png", str(folder / "gone.png"), str(folder / "005.png")]
    names = tmp_path / "names.txt"
    names.write_text("\ufeff" + "\n".join([listed[0], "", f"  {listed[1]}  ", *listed[2:]]) + "\n", encoding="utf-8")
    model = small_model.with_suffix(".npz")
    assert cli.main(["predict", "--list", str(names), "--model", str(model)]) == 1
    header, *rows = capsys.readouterr().out.splitlines()
    assert header == "file,label,score,error"
    assert [row.split(",")[0] for row in rows] == listed
    assert rows[2].endswith("no such file")
    # The last digit may depend on the position in the batch.
    assert float(rows[0].split(",")[2]) == pytest.approx(float(rows[3].split(",")[2]), abs=1e-4)


def test_url_is_accepted_as_a_path(site, small_model, capsys):
    assert cli.main(["predict", f"{site}/003.png", "--model", str(small_model.with_suffix(".npz"))]) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith(f"{site}/003.png,")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "neither is given"),
        (["x", "--list", "y"], "both are given"),
        (["--list", "gone.txt"], "'gone.txt' cannot be read: No such file or directory"),
        (["--list", "empty.txt"], "names no image"),
        (["--list", "names.txt", "--out", "names.txt", "--force"], "is one of the files that are read"),
        (["--list", "names.txt", "--out", "link.txt", "--force"], "is one of the files that are read"),
        (["--list", "."], "'.' cannot be read: Is a directory"),
        (["--list", "utf-16.txt"], "'utf-16.txt' is UTF-16; save it as UTF-8"),
        (["--list", "utf-16-be.txt"], "'utf-16-be.txt' is UTF-16; save it as UTF-8"),
        (["--list", "utf-32.txt"], "'utf-32.txt' is UTF-32; save it as UTF-8"),
        (
            ["--list", "truth.csv"],
            "'truth.csv' looks like a CSV with the columns file,label; a list holds a name in each",
        ),
        (["--list", "semicolons.csv"], "looks like a CSV with the columns file,label,score,error; a list"),
        (["--list", "zeros.txt"], "'zeros.txt' holds bytes that are 0, which no name has"),
    ],
)
def test_unusable_list_is_refused(tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    Path("empty.txt").write_text("\n \n")
    Path("names.txt").write_text("a.png\n")
    Path("link.txt").symlink_to("names.txt")
    for codec in ("utf-16", "utf-16-be", "utf-32"):
        Path(f"{codec}.txt").write_bytes("eyes/a.png\neyes/b.png\n".encode(codec))
    Path("truth.csv").write_text("file,label\na.png,1\n")
    Path("semicolons.csv").write_text('\ufeff"File";label;score;error\na.png;1;0.9;\n')
    Path("zeros.txt").write_bytes(b"a.png\0b.png\0")
    assert cli.main(["predict", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert Path("names.txt").read_text() == "a.png\n"


def test_every_backend_is_an_option():
    parser = ArgumentParser()
    predict.add_arguments(parser)
    for backend in BACKENDS:
        assert parser.parse_args(["x", "--backend", backend]).backend == backend


def listed_by(folder, *names) -> bytes:
    return b"".join(os.fsencode(folder / name) + b"\n" for name in names)


def predict_with(small_model, *arguments, **options) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "classic_eyes", "predict", "--model", small_model.with_suffix(".npz"), *arguments]
    return subprocess.run(list(map(str, command)), capture_output=True, timeout=120, check=False, **options)


def test_list_is_read_from_standard_input_and_from_pipes(folder, small_model, tmp_path):
    (tmp_path / "names.txt").write_bytes(listed_by(folder, "004.png", "001.png", "004.png"))
    expected = predict_with(small_model, "--list", tmp_path / "names.txt")
    names = [line.split(b",")[0] for line in expected.stdout.splitlines()[1:]]
    assert names == listed_by(folder, "004.png", "001.png", "004.png").splitlines()
    content = (tmp_path / "names.txt").read_bytes()
    assert predict_with(small_model, "--list", "-", input=content).stdout == expected.stdout
    assert predict_with(small_model, "--list", "/dev/stdin", input=content).stdout == expected.stdout
    empty = predict_with(small_model, "--list", "-", input=b"\n")
    assert (empty.returncode, b"'-' names no image" in empty.stderr) == (2, True)
    closed = f"{sys.executable} -m classic_eyes predict --list - <&-"
    done = subprocess.run(["bash", "-c", closed], capture_output=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr.count(b"\n") == 1
    assert b"standard input is closed" in done.stderr


def test_list_of_standard_input_is_continued_if_it_is_the_same(folder, small_model, tmp_path):
    content, out = listed_by(folder, *(f"{number:03}.png" for number in range(10))), tmp_path / "a.csv"
    assert predict_with(small_model, "--list", "-", "--out", out, input=content).returncode == 0
    whole = out.read_bytes()
    out.write_bytes(whole[: len(whole) // 2])
    other = predict_with(small_model, "--list", "-", "--out", out, "--resume", input=content.splitlines()[3] + b"\n")
    assert other.returncode == 2
    assert b"row 1 is of" in other.stderr
    assert predict_with(small_model, "--list", "-", "--out", out, "--resume", input=content).returncode == 0
    assert out.read_bytes() == whole


def test_iterations_over_a_list_do_not_disturb_each_other(tmp_path):
    names = [f"{number}.png" for number in range(20_000)]
    (tmp_path / "names.txt").write_text("\n".join(names))
    listed = ListedImages(str(tmp_path / "names.txt"))
    assert len(listed) == 20_000
    assert list(zip(listed, listed, strict=True)) == [(name, name) for name in names]


def test_names_of_a_list_are_bytes(tmp_path):
    names = [b"caf\xc3\xa9.png", b"caf\xe9.png", b"\xff\xfe.png", b"a\x85b.png"]
    (tmp_path / "names.txt").write_bytes(b"\n".join([names[2], *names]))
    listed = list(ListedImages(str(tmp_path / "names.txt")))
    assert list(map(os.fsencode, listed)) == [names[2], *names]
