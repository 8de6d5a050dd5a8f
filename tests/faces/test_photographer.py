"""A photographer's folder of portraits and groups, generated from the photographs beside the project."""

from __future__ import annotations

import numpy as np
import pytest

from ..conftest import shared
from .photographer import COMPOSITIONS, evaluate, make_folder

pytestmark = pytest.mark.slow


def test_faces_and_closed_eyes_are_found(tmp_path):
    shared("faces")
    truth = make_folder(tmp_path / "photographs", random_state=COMPOSITIONS["test"])
    result = evaluate(tmp_path / "photographs", truth, tmp_path)
    assert np.mean(result.found[True] + result.found[False]) >= 0.98
    assert result.n_extra <= 2
    assert len(result.reported[True]) > 90
    assert np.mean(result.reported[True]) >= 0.97
    assert np.mean(result.reported[False]) <= 0.01
    assert result.verdicts.count("unknown") / len(result.verdicts) <= 0.02
