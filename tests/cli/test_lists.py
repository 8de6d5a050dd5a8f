"""Lists of paths and URLs as the images of ``classic-eyes predict``."""

from __future__ import annotations

from pathlib import Path

import pytest

from classic_eyes import cli
from classic_eyes.cli import build_parser
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
        (["--list", "names.txt", "--out", "names.txt"], "is the list file"),
    ],
)
def test_unusable_list_is_refused(tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    Path("empty.txt").write_text("\n \n")
    Path("names.txt").write_text("a.png\n")
    assert cli.main(["predict", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert Path("names.txt").read_text() == "a.png\n"


def test_every_backend_is_an_option():
    for backend in BACKENDS:
        assert build_parser().parse_args(["predict", "x", "--backend", backend]).backend == backend
