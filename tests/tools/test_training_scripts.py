"""The training scripts as a maintainer starts them: the file, its card, and one line for each wrong argument."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

from classic_eyes.preprocessing.alignment import Alignment
from tools.landmarks import train_landmarks

from ..conftest import ROOT, run


def tool(name: str, *arguments: object):
    return run(*arguments, program=(str(ROOT / "tools" / name),))


def test_alignment_is_written_with_its_card(tmp_path):
    out = tmp_path / "f.npz"
    done = tool("train_alignment.py", "--out", out, "--eyes", 100)
    assert done.returncode == 0, done.stderr
    assert "the error of the middle of the eye is" in done.stdout
    with np.load(out) as arrays:
        Alignment.of(arrays)
    card = json.loads((tmp_path / "f.json").read_text())
    assert card["sha256"] == hashlib.sha256(out.read_bytes()).hexdigest()
    assert card["command"] == "python tools/train_alignment.py --out f.npz --eyes 100 --seed 0"
    again = tool("train_alignment.py", "--out", out, "--eyes", 100)
    assert (again.returncode, again.stderr.count("\n")) == (2, 1)
    assert "--force" in again.stderr


def test_landmarks_are_written_with_their_card(tmp_path):
    pytest.importorskip("dlib", reason="dlib is not installed")
    out = tmp_path / "e.dat"
    done = tool("train_landmarks.py", "--out", out, "--eyes", 100, "--seed", 1)
    assert done.returncode == 0, done.stderr
    assert "the error of a landmark is" in done.stdout
    assert out.read_bytes() == train_landmarks(100, random_state=1)
    card = json.loads((tmp_path / "e.json").read_text())
    assert card["sha256"] == hashlib.sha256(out.read_bytes()).hexdigest()
    assert set(card) == {"kind", "trained_on", "command", "sha256", "versions", "evaluation"}


def test_cards_of_the_shipped_files_have_the_same_keys():
    for name in ("alignment", "eye"):
        card = json.loads((ROOT / "models" / f"{name}.json").read_text())
        assert set(card) == {"kind", "trained_on", "command", "sha256", "versions", "evaluation"}
        assert card["command"].split()[1] in ("tools/train_alignment.py", "tools/train_landmarks.py")


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("train_alignment.py", ["--out", "{}/folder.npz", "--force"], "is a folder"),
        ("train_alignment.py", ["--out", "{}/g.npz", "--eyes", "5"], "--eyes 5: must be 100 to 100000 synthetic eyes"),
        ("train_landmarks.py", ["--out", "{}/g.npz"], "must end in .dat"),
        ("train_landmarks.py", [], "required: --out"),
    ],
)
def test_wrong_arguments_give_one_line(tmp_path, name, options, message):
    (tmp_path / "folder.npz").mkdir()
    done = tool(name, *(option.format(tmp_path) for option in options))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert message in done.stderr
