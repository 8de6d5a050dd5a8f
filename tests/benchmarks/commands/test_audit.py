"""The evaluation of an audit as a command."""

from __future__ import annotations

import numpy as np
import pytest

from classic_eyes.labeling import Reviewer

from ...conftest import shared, write_labelled
from ..conftest import bench


@pytest.fixture
def reviewed(tmp_path, monkeypatch):
    """Thirty eyes of which three have a wrong label, and reviewers that predict the true ones."""
    folder = write_labelled(tmp_path / "eyes", 30)
    head, *rows = (folder / "assets.csv").read_text().splitlines()
    labels = [int(row[-1]) for row in rows]
    wrong = [f"{row[:-1]}{1 - labels[k]}" if k < 3 else row for k, row in enumerate(rows)]
    (folder / "assets.csv").write_text("\n".join([head, *wrong]) + "\n")
    votes = [f"{k:03}.png,{label},{label}" for k, label in enumerate(labels)]
    (tmp_path / "raters.csv").write_text("\n".join(["file,anna,ben", *votes]) + "\n")
    scores = np.where(labels, 0.9, 0.1)
    scores[4:10] = 0.5
    module = "classic_eyes.cli.audit."
    monkeypatch.setattr(module + "out_of_fold_reviewer", lambda *_, **__: Reviewer("by the other labels", scores))
    monkeypatch.setattr(module + "independent_reviewer", lambda *_, **__: (None, "no independent reviewer"))
    return tmp_path


def test_wrong_labels_among_the_first_are_counted(reviewed, capsys):
    assert bench("audit", reviewed / "eyes", "--raters", reviewed / "raters.csv") == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[0] == "most raters contradict 3 of the labels"
    (row,) = (line.split() for line in out.splitlines() if line.startswith("this audit"))
    assert row == ["this", "audit", "3", "3", "3"]
    assert "no independent reviewer" in err
    assert bench("audit", reviewed / "eyes", "--raters", reviewed / "raters.csv", "--format", "markdown") == 0
    assert "| this audit | 3 | 3 | 3 |" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("raters", "message"),
    [
        ("eyes/assets.csv", "has a column label, so it is a label file"),
        ("eyes", "argument --raters: "),
        ("others.csv", "rates no image of this folder"),
        (None, "required: --raters"),
    ],
)
def test_wrong_arguments_give_one_line(reviewed, capsys, raters, message):
    (reviewed / "others.csv").write_text("file,anna,ben\nx.png,1,1\n")
    assert bench("audit", reviewed / "eyes", *([] if raters is None else ["--raters", reviewed / raters])) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.slow
def test_audit_of_eyes24_finds_wrong_labels(capsys):
    top = shared("eyes24")
    assert bench("audit", top, "--raters", top / "raters.csv") == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    (found,) = ([int(cell) for cell in line[2:]] for line in lines if line[:2] == ["this", "audit"])
    assert found[0] >= 30
    assert found[1] >= 45
