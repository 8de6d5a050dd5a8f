"""The label curve as a command."""

from __future__ import annotations

import pytest

from benchmarks.commands import label_curve
from benchmarks.label_curve import Curve

from ...conftest import write_labelled
from ..conftest import bench

CURVES = [Curve("svm", "random", (25, 50), ((0.7, 0.8), (0.9, 0.9)))]


@pytest.fixture
def calls(monkeypatch):
    """Replace the measurement; return the numbers of images and the settings it was called with."""
    found = []

    def measure(images, labels, groups, **settings):
        found.append((len(images), settings))
        return CURVES

    monkeypatch.setattr(label_curve, "measure_label_curve", measure)
    return found


def test_table_and_figure_are_written(tmp_path, capsys, calls):
    folder = write_labelled(tmp_path / "eyes", 10)
    assert bench("label-curve", folder, "--quick", "--seed", 3, "--jobs", 1, "--out", tmp_path / "out") == 0
    assert calls == [(10, {"sizes": (25, 50), "n_seeds": 2, "random_state": 3, "n_jobs": 1})]
    out, err = capsys.readouterr()
    assert out.splitlines()[0] == (
        "eyes: accuracy on held-out groups, mean of 2 seeds (minimum), by the number of labels"
    )
    assert out.splitlines()[-1] == "| svm | random | 0.800 (0.700) | 0.850 (0.800) |"
    assert "<svg" in (tmp_path / "out" / "label-curve.svg").read_text()
    assert "label-curve.svg" in err
    # It is not replaced, and that is said before the work.
    assert bench("label-curve", "no-such-folder", "--out", tmp_path / "out") == 2
    assert "label-curve.svg' exists; name another file, or replace it with --force" in capsys.readouterr().err


def test_without_a_folder_synthetic_eyes_are_used(capsys, calls):
    assert bench("label-curve") == 0
    assert calls == [(600, {"random_state": 0, "sizes": [25, 50, 100, 200, 400], "n_jobs": None})]
    assert capsys.readouterr().out.startswith("no PATH: 600 synthetic eyes")


def test_wrong_arguments_give_one_line(tmp_path, capsys):
    for options, message in ((("a", "b"), "unrecognized arguments: b"), (("no-such",), "no such folder")):
        assert bench("label-curve", *options) == 2
        err = capsys.readouterr().err
        assert message in err
        assert err.count("\n") == 1
