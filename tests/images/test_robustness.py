"""Folders with hostile files: every file is a row with a prediction or an error, and nothing blocks."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
import time

import numpy as np
import pytest

from classic_eyes import cli
from classic_eyes.cli import predict
from classic_eyes.images import read_image

from .. import hostile_files
from ..conftest import ROOT, write_eyes
from ..hostile_files import EYE, READ

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pipes, links and names of any bytes are POSIX's")


def main(*arguments: object) -> int:
    return cli.main([str(argument) for argument in arguments])


def rows_of(out: bytes) -> dict[str, list[str]]:
    header, *rows = csv.reader(io.StringIO(out.decode(errors="surrogateescape"), newline=""))
    assert header == ["file", "label", "score", "error"]
    by_name = {row[0]: row[1:] for row in rows}
    assert len(by_name) == len(rows), "a row is repeated"
    return by_name


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    return folder, hostile_files.build(folder)


@pytest.mark.parametrize("backend", ["threading", "fork", "loky"])
def test_every_file_is_a_row_with_a_prediction_or_an_error(hostile, small_model, tmp_path, backend):
    folder, expected = hostile
    out = tmp_path / "out.csv"
    command = [sys.executable, "-m", "classic_eyes", "predict", str(folder), "--out", str(out), "--backend", backend]
    command += ["--model", str(small_model.with_suffix(".npz")), "--jobs", "2"]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert done.returncode == 1
    failed = sum(result != READ for result in expected.values())
    assert done.stdout == b""
    assert f"{len(expected) - failed} read, " in done.stderr.decode()
    assert f", {failed} failed, " in done.stderr.decode()
    assert b"Traceback" not in done.stderr
    rows = rows_of(out.read_bytes())
    assert rows.keys() == expected.keys()
    for name, (label, score, error) in rows.items():
        if expected[name] == READ:
            assert label in ("0", "1"), name
            assert 0 <= float(score) <= 1, name
            assert error == "", name
        else:
            assert (label, score) == ("", ""), name
            assert error.startswith(expected[name]), name


@pytest.mark.parametrize("backend", ["threading", "fork"])
def test_hostile_files_change_no_row_of_good_ones(tmp_path, backend):
    folder = tmp_path / "eyes"
    write_eyes(folder, 100, random_state=8)

    def rows(status: int) -> dict[str, list[str]]:
        out = tmp_path / "out.csv"
        options = ["--out", out, "--force", "--backend", backend, "--jobs", 2, "--verdict"]
        assert main("predict", folder, "--model", "fast", *options) == status
        _, *found = csv.reader(io.StringIO(out.read_bytes().decode(errors="surrogateescape"), newline=""))
        return {row[0]: row[1:] for row in found}

    alone = rows(0)
    assert len(alone) == 100
    expected = hostile_files.build(folder)
    together = rows(1)
    assert together.keys() == alone.keys() | expected.keys()
    assert {name: together[name] for name in alone} == alone


def test_unusual_formats_are_decoded_correctly(hostile):
    folder, expected = hostile
    alike = (
        "16-bit.png",
        "palette.png",
        "alpha.png",
        "float.tif",
        "moving.gif",
        "pages.tif",
        "=1+1.png",
        "negative.tif",
        "tiles.tif",
    )
    for name in (*alike, "alpha.tif", "colour.pfm", "10-bit.pgm", "text.pgm"):
        assert np.abs(read_image(folder / name).astype(int) - EYE).max() <= 1, name
    for name in ("turned.jpg", "turned.avif"):
        assert np.abs(read_image(folder / name).astype(int) - EYE).mean() < 3, name
    assert np.abs(read_image(folder / "cmyk.jpg").astype(int) - EYE).mean() < 6
    assert (read_image(folder / "1x1.png") == 90).all()
    assert expected["folder.jpg/inside.png"] == READ


def test_each_file_alone_is_a_row(hostile, small_model, capsysbinary):
    folder, expected = hostile
    for name, result in expected.items():
        if name in ("folder.jpg", "dangling.png", "loop.png"):
            continue
        status = main("predict", folder / name, "--model", small_model.with_suffix(".npz"))
        out = capsysbinary.readouterr().out
        assert status == (0 if result == READ else 1), name
        assert len(rows_of(out)) == 1, name


def test_the_table_in_the_document_is_current():
    text = (ROOT / "docs" / "robustness.md").read_text(encoding="utf-8")
    assert hostile_files.table() in text, "python -m tests.hostile_files prints the table"


def test_memory_and_time_are_bounded(hostile, tmp_path):
    """A process with 1.5 GB of memory reads all files within 20 s."""
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (3 << 29, 3 << 29)); "
        "from tests import hostile_files; from pathlib import Path; folder = Path(sys.argv[1]); "
        "hostile_files.build(folder); from classic_eyes.images import read_images; "
        "print(sum(error is not None for error in read_images(sorted(folder.iterdir()))[1]))"
    )
    start = time.perf_counter()
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == sum(result != READ for result in hostile[1].values())
    assert time.perf_counter() - start < 20


def test_a_file_that_disappears_is_a_row(small_model, tmp_path, capsysbinary, monkeypatch):
    folder = tmp_path / "eyes"
    write_eyes(folder, 8)
    real = predict.list_images

    def list_and_remove(*arguments):
        found = real(*arguments)
        (folder / "003.png").unlink()
        (folder / "005.png").write_bytes(b"")
        return found

    monkeypatch.setattr(predict, "list_images", list_and_remove)
    assert main("predict", folder, "--model", small_model.with_suffix(".npz")) == 1
    rows = rows_of(capsysbinary.readouterr().out)
    assert len(rows) == 8
    assert {name: row[2] for name, row in rows.items() if row[2]} == {
        "003.png": "no such file",
        "005.png": "empty file",
    }


def test_a_file_without_permission_is_a_row(small_model, tmp_path, capsysbinary, monkeypatch):
    folder = tmp_path / "eyes"
    write_eyes(folder, 3)
    (folder / "001.png").chmod(0)
    if os.geteuid() == 0:
        # The permission does not apply to root, so the call is made to fail.
        real = os.open

        def refuse(path, *rest, **options):
            if str(path).endswith("001.png"):
                raise PermissionError(13, "Permission denied")
            return real(path, *rest, **options)

        monkeypatch.setattr(os, "open", refuse)
    assert main("predict", folder, "--model", small_model.with_suffix(".npz"), "--backend", "threading") == 1
    assert rows_of(capsysbinary.readouterr().out)["001.png"] == ["", "", "no permission"]


def test_a_read_only_working_directory(hostile, small_model):
    folder, expected = hostile
    command = [
        sys.executable,
        "-m",
        "classic_eyes",
        "predict",
        str(folder),
        "--model",
        str(small_model.with_suffix(".npz")),
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, capture_output=True, timeout=60, cwd="/proc", env=environment, check=False)
    assert done.returncode == 1, done.stderr
    assert rows_of(done.stdout).keys() == expected.keys()


def test_circular_links_end(small_model, tmp_path, capsysbinary):
    folder = tmp_path / "eyes"
    write_eyes(folder / "deeper", 2)
    (folder / "deeper" / "up").symlink_to(folder)
    (folder / "again").symlink_to(folder / "deeper")
    assert main("predict", folder, "--model", small_model.with_suffix(".npz")) == 0
    assert sorted(rows_of(capsysbinary.readouterr().out)) == ["deeper/000.png", "deeper/001.png"]


@pytest.mark.slow
def test_a_hundred_thousand_files(small_model, tmp_path):
    folder = tmp_path / "eyes"
    write_eyes(folder, 4)
    originals = sorted(folder.iterdir())
    for number in range(100_000 - 4):
        # File systems limit the number of links to one file.
        os.link(originals[number % 4], folder / f"n{number:06}.png")
    out = tmp_path / "out.csv"
    command = [sys.executable, "-m", "classic_eyes", "predict", str(folder), "--out", str(out)]
    command += ["--model", str(small_model.with_suffix(".npz"))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("100,000 read, ")
    with out.open("rb") as file:
        assert sum(1 for _ in file) == 100_001
