"""Random parameters of synthetic eyes: seeds, labels and legal ranges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classic_eyes.errors import ParameterError
from classic_eyes.synthetic import OPEN_THRESHOLD, harder, random_parameters


def test_random_parameters_depend_on_the_seed_alone():
    assert random_parameters(random_state=7) == random_parameters(random_state=np.random.default_rng(7))
    assert random_parameters(random_state=7) != random_parameters(random_state=8)


def test_random_parameters_draw_both_labels_and_keep_a_given_opening():
    assert {random_parameters(random_state=seed).label for seed in range(12)} == {0, 1}
    assert random_parameters(0.17, random_state=0).opening == 0.17


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.integers(0, 2**40), st.floats(0.0, 1.0))
def test_random_parameters_are_legal_for_every_seed(seed, opening):
    parameters = random_parameters(opening, random_state=seed)  # the dataclass refuses anything illegal
    assert parameters.label == (opening > OPEN_THRESHOLD)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.integers(0, 2**40), st.floats(0.0, 1.0))
def test_harder_parameters_are_legal_and_of_the_same_label_for_every_seed(seed, opening):
    parameters = random_parameters(opening, random_state=seed)
    changed = harder(parameters, random_state=seed)
    assert changed.label == parameters.label
    assert changed == harder(parameters, random_state=seed)


@pytest.mark.parametrize("opening", [-0.1, 1.1, float("nan"), "open"])
def test_opening_refused(opening):
    with pytest.raises(ParameterError, match=r"^opening is .*from 0 to 1"):
        random_parameters(opening, random_state=0)


@pytest.mark.parametrize("seed", [-1, 1.5, "a", None, True])
def test_random_state_refused(seed):
    with pytest.raises(ParameterError, match=r"^random_state is .*at least 0 or a numpy.random.Generator; pass"):
        random_parameters(random_state=seed)
