"""The profile of a prediction run as a command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.commands import profile
from classic_eyes.errors import ModelError

from ...conftest import write_eyes
from ..conftest import bench

STAGES = ["start", "listing", "decoding", "features", "decision", "writing"]


@pytest.fixture
def folder(tmp_path) -> Path:
    write_eyes(tmp_path / "eyes", 12, random_state=4)
    return tmp_path / "eyes"


def test_every_stage_has_its_time_and_share(small_model, folder, capsys):
    model = small_model.with_suffix(".npz")
    assert bench("profile", folder, "--model", model, "--rounds", 1, "--jobs", 2, "--format", "json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [entry["stage"] for entry in found["stages"]] == STAGES
    assert (found["images"], found["failed"], found["rounds"], found["run"]["jobs"]) == (12, 0, 1, 2)
    assert sum(entry["share"] for entry in found["stages"]) == pytest.approx(1)
    for entry in found["stages"]:
        assert entry["seconds"] > 0
        assert entry["microseconds"] == pytest.approx(entry["seconds"] / 12 * 1e6)
    decoding = found["stages"][2]["seconds"]
    assert found["run"]["over_decode"] == pytest.approx(found["run"]["seconds"] / decoding)
    assert found["run"]["images_a_second"] == pytest.approx(12 / found["run"]["seconds"])


def test_unreadable_images_are_counted(small_model, folder, capsys, monkeypatch):
    monkeypatch.setattr(profile, "time_start", lambda model: 0.5)
    model = small_model.with_suffix(".npz")
    (folder / "003.png").write_bytes(b"")
    assert bench("profile", folder, "--model", model, "--rounds", 1) == 1
    out = capsys.readouterr().out
    assert [line.split()[0] for line in out.splitlines()[2:8]] == STAGES
    assert out.splitlines()[-1].startswith("1 of the images could not be read")
    for path in folder.iterdir():
        path.write_bytes(b"")
    assert bench("profile", folder, "--model", model, "--rounds", 1) == 1
    assert "12 of the images" in capsys.readouterr().out


def test_start_is_timed_in_a_new_process(small_model):
    assert 0.05 < profile.time_start(str(small_model.with_suffix(".npz"))) < 60
    with pytest.raises(ModelError, match=r"a new process cannot load the model: .*no file of this name"):
        profile.time_start("none.npz")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["{}/none"], "no such folder or image"),
        (["{}", "--rounds", "0"], "not a whole number from 1"),
        (["{}", "--model", "none.npz"], "no file of this name"),
    ],
)
def test_wrong_arguments_give_one_line(folder, capsys, options, message):
    assert bench("profile", *(option.format(folder) for option in options)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert len(err.strip().splitlines()) == 1
