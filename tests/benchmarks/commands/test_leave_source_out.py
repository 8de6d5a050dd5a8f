"""Leaving a source out, as a command."""

from __future__ import annotations

from ...conftest import write_labelled
from ..conftest import bench


def test_a_row_for_each_source_and_the_mean_and_the_worst(tmp_path, capsys):
    folders = [write_labelled(tmp_path / name, n, random_state=n) for name, n in (("a", 60), ("b", 24), ("c", 30))]
    options = ("--copies", 0, "--synthetic", 30, "--jobs", 1, "--recipe", "fast")
    assert bench("leave-source-out", f"first={folders[0]}", f"others={folders[1]},{folders[2]}", *options) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("| source left out | n | accuracy | EER | AUC | closed missed | open missed |")
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| first", "| others", "| mean", "| worst"]
    assert [line.split(" | ")[1] for line in lines[2:4]] == ["60", "54"]


def test_only_some_are_left_out_of_a_few_images_each(tmp_path, capsys):
    folders = [write_labelled(tmp_path / name, 60, random_state=k) for k, name in enumerate("ab")]
    options = ("--copies", 0, "--synthetic", 0, "--jobs", 1, "--only", "b", "--at-most", 30)
    assert bench("leave-source-out", *folders, *options) == 0
    assert [line.split(" | ")[:2] for line in capsys.readouterr().out.splitlines()[2:3]] == [["| b", "30"]]


def test_wrong_arguments_give_one_line(tmp_path, capsys):
    folder = write_labelled(tmp_path / "a", 10)
    for arguments, message in (
        (("x=",), "source 'x=' names no folder"),
        ((folder,), "allowed are two or more with different names"),
        (("no-such",), "no such folder"),
    ):
        assert bench("leave-source-out", *arguments) == 2
        err = capsys.readouterr().err
        assert message in err
        assert err.count("\n") == 1
