"""Detectors of non-eyes at a false positive rate of 1%, and the study as a command."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.commands.non_eyes import detector_table
from benchmarks.non_eyes import DETECTORS, evaluate_detectors, make_non_eyes
from classic_eyes.synthetic import make_eyes

from ..conftest import write_eyes
from .conftest import bench


@pytest.fixture(scope="module")
def evaluated():
    """Results on two sets of eyes, and the number of ticks."""
    steps = []
    eyes = make_eyes(800).images
    sets = [("one", eyes[:400], np.arange(400)), ("two", eyes[400:], np.arange(400))]
    return evaluate_detectors(sets, n_splits=2, tick=lambda: steps.append(1)), len(steps)


def test_same_seed_gives_the_same_non_eyes():
    first, second, other = make_non_eyes(3), make_non_eyes(3), make_non_eyes(4)
    assert all(np.array_equal(first[kind], second[kind]) for kind in first)
    assert not np.array_equal(first["letters"], other["letters"])
    assert all(images.dtype == np.uint8 and images.shape[1:] == (24, 24) for images in first.values())


@pytest.mark.slow
def test_every_detector_is_evaluated_at_one_percent(evaluated):
    results, n_steps = evaluated
    assert n_steps == 2 * len(DETECTORS)
    assert results["n"] == 800
    for detector in results["detectors"].values():
        rate = np.mean([detector["eyes"][name]["value"] for name in ("one", "two")])
        assert rate == pytest.approx(0.01, abs=0.002)
        assert set(detector["found"]) == {*make_non_eyes(), "all four named"}
        for part in (*detector["found"].values(), *detector["eyes"].values()):
            assert 0 <= part["low"] <= part["value"] <= part["high"] <= 1
    assert results["detectors"]["residuals"]["found"]["all four named"]["value"] > 0.7


@pytest.mark.slow
def test_table_has_a_row_for_each_kind_and_each_set(evaluated):
    lines = detector_table(evaluated[0]).splitlines()
    rows = [line.split(" | ")[0] for line in lines if line.startswith("| ")]
    kinds = [f"| {kind}" for kind in (*make_non_eyes(), "all four named")]
    assert rows == ["| detected non-eyes", *kinds, "| eyes detected as non-eyes", "| one", "| two"]


def test_command_prints_the_table(tmp_path, capsys, monkeypatch):
    module = "benchmarks.commands.non_eyes."
    monkeypatch.setattr(module + "evaluate_detectors", lambda sets, **_: [name for name, *_ in sets])
    monkeypatch.setattr(module + "detector_table", str)
    write_eyes(tmp_path / "eyes", 3)
    assert bench("non-eyes", tmp_path / "eyes") == 0
    assert capsys.readouterr().out == "['eyes']\n"
    (tmp_path / "eyes" / "002.png").write_bytes(b"")
    assert bench("non-eyes", tmp_path / "eyes") == 1
    assert "skipped 002.png" in capsys.readouterr().err
    assert bench("non-eyes") == 0
    assert capsys.readouterr().out.startswith("no PATH: 1,000 synthetic eyes")
