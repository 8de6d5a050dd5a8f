"""Lists of paths and URLs as the images of ``classic-eyes predict``."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
import tarfile
import tracemalloc
from argparse import ArgumentParser
from pathlib import Path

import cv2
import pytest

from classic_eyes import cli
from classic_eyes.cli import predict
from classic_eyes.cli.listing import ListedImages, ListedMembers
from classic_eyes.inference import BACKENDS
from classic_eyes.inference.processes import can_fork
from classic_eyes.synthetic import make_eyes

from ..conftest import main, write_eyes
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


# -- tar files --


def pack(path, folder, names):
    with tarfile.open(path, "w") as tar:
        for name in names:
            tar.add(folder / name, name)
    return path


@pytest.fixture
def shards(folder, tmp_path):
    names = sorted(path.name for path in folder.iterdir())
    return [pack(tmp_path / "a.tar", folder, names[:6]), pack(tmp_path / "b.tar", folder, names[6:])]


def predicted(capsys, *arguments, status=0):
    assert main("predict", *arguments) == status
    return capsys.readouterr().out


def test_images_in_tar_files_are_predicted_as_those_of_a_folder(folder, shards, small_model, capsys):
    model = ("--model", small_model.with_suffix(".npz"))
    expected = predicted(capsys, folder, *model)
    found = predicted(capsys, *shards, *model)
    for shard in shards:
        found = found.replace(f"{shard}/", "")
    assert found == expected


def test_members_may_be_named_in_a_list(folder, shards, small_model, tmp_path, capsys):
    listed = [f"{shards[1]}/008.png", str(folder / "001.png"), f"{shards[0]}/gone.png", f"{shards[0]}/001.png"]
    (tmp_path / "names.txt").write_text("\n".join(listed))
    rows = predicted(capsys, "--list", tmp_path / "names.txt", "--model", small_model.with_suffix(".npz"), status=1)
    _, *rows = rows.splitlines()
    assert [row.split(",")[0] for row in rows] == listed
    assert rows[2].endswith(",,no such file")
    assert rows[1].split(",")[1:] == rows[3].split(",")[1:]


@pytest.mark.parametrize("backend", BACKENDS[:3])
def test_rows_of_tar_files_do_not_depend_on_jobs_and_a_run_is_resumed(shards, tmp_path, capsys, backend):
    if backend == "fork" and not can_fork():
        pytest.skip("processes are forked on Linux only")
    many = tmp_path / "many.tar"
    images = [cv2.imencode(".png", image)[1].tobytes() for image in make_eyes(20, random_state=3).images]
    with tarfile.open(many, "w") as tar:
        for k in range(1500):
            member = tarfile.TarInfo(f"{k:05}.png")
            member.size = len(images[k % 20])
            tar.addfile(member, io.BytesIO(images[k % 20]))
    whole = predicted(capsys, many, *shards, "--model", "fast", "--jobs", 1)
    assert whole.count("\n") == 1511
    out = tmp_path / "out.csv"
    run = (many, *shards, "--model", "fast", "--jobs", 2, "--backend", backend, "--out", out)
    assert predicted(capsys, *run) == ""
    assert out.read_text() == whole
    out.write_text(whole[: len(whole) * 2 // 3])
    assert predicted(capsys, *run, "--resume") == ""
    assert out.read_text() == whole


def test_a_hostile_archive_costs_no_other_row(folder, shards, small_model, tmp_path, capsys):
    hostile = tmp_path / "c.tar"
    with tarfile.open(hostile, "w") as tar:
        tar.add(folder / "001.png", "good.png")
        for name, kind in (("link.png", tarfile.SYMTYPE), ("pipe.png", tarfile.FIFOTYPE)):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc/passwd"
            tar.addfile(member)
    cut = tmp_path / "d.tar"
    cut.write_bytes(shards[0].read_bytes()[:4000])
    nothing = tmp_path / "e.tar"
    nothing.write_text("no archive")
    paths = (hostile, cut, nothing, shards[1])
    out = predicted(capsys, *paths, "--model", small_model.with_suffix(".npz"), status=1)
    rows = {row[0].removeprefix(f"{tmp_path}/"): row for row in csv.reader(out.splitlines()[1:])}
    errors = {name: row[3] for name, row in rows.items() if row[3]}
    assert {name: error.split(",")[0].split(":")[0] for name, error in errors.items()} == {
        "c.tar/link.png": "a link in the archive",
        "c.tar/pipe.png": "not a regular file (a pipe or device)",
        "d.tar": "the archive is cut off",
        "e.tar": "not a tar archive",
        **{name: "cut off" for name in errors if name.startswith("d.tar/")},
    }
    assert [name for name in rows if name.startswith("b.tar")] == [f"b.tar/{k:03}.png" for k in range(6, 10)]


def test_tar_files_and_folders_are_predicted_by_themselves(folder, shards, capsys):
    assert main("predict", shards[0], folder) == 2
    assert "is no tar file, and others of PATH are; predict them by themselves" in capsys.readouterr().err


def test_a_tar_file_without_images_is_refused(shards, tmp_path, capsys):
    with tarfile.open(tmp_path / "empty.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo("a.json"))
    assert main("predict", tmp_path / "empty.tar") == 2
    assert "no images in it; endings looked for: .apng" in capsys.readouterr().err


def test_an_output_never_replaces_a_tar_file_that_is_read(shards, capsys):
    link = shards[0].with_name("out.csv")
    link.hardlink_to(shards[0])
    assert main("predict", shards[0], "--out", link, "--force") == 2
    assert "is one of the files that are read" in capsys.readouterr().err


def test_members_take_no_memory(tmp_path):
    path = tmp_path / "many.tar"
    block = tarfile.TarInfo("0.png").tobuf(tarfile.USTAR_FORMAT)
    with open(path, "wb") as file:
        for k in range(30_000):
            member = tarfile.TarInfo(f"{'n' * 60}{k:06}.png")
            file.write(member.tobuf(tarfile.USTAR_FORMAT))
        file.write(bytes(2 * len(block)))
    tracemalloc.start()
    members = ListedMembers([str(path)])
    assert len(members) == sum(1 for _ in members) == 30_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # All names alone would take 4 MB, with their headers 30 MB.
    assert peak < 3 << 20


def test_iterations_over_members_may_go_on_at_the_same_time(shards):
    members = ListedMembers([str(shard) for shard in shards])
    assert list(zip(members, members, strict=True)) == [(each, each) for each in members]
    assert list(members) == [f"{shards[k > 5]}/{k:03}.png" for k in range(10)]
