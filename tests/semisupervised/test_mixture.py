"""The Gaussian mixture that starts from a given assignment."""

from __future__ import annotations

import numpy as np
import pytest

from classic_eyes.errors import ParameterError
from classic_eyes.semisupervised.mixture import fit_informed_mixture


@pytest.mark.parametrize("meant", [0, 1])
def test_initial_assignment_selects_which_of_two_splits_is_found(meant):
    """Two independent splits of equal size: the initial assignment, a third of it wrong, selects one."""
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 2, (600, 2))
    rows = rng.normal(size=(600, 2)) + 5 * truth
    wrong = rng.random(600) < 0.33
    initial = np.where(wrong, 1 - truth[:, meant], truth[:, meant])
    found = fit_informed_mixture(rows, initial) >= 0.5
    assert (found == truth[:, meant]).mean() > 0.97


def test_initial_sets_of_fewer_than_two_rows_are_refused():
    with pytest.raises(ParameterError, match="1 of 5 rows in set 1; each set needs at least 2"):
        fit_informed_mixture(np.zeros((5, 2)), np.arange(5) == 0)
