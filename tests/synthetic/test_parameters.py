"""Parameters of synthetic eyes: ranges, defaults, labels; random ones: seeds, labels and legal ranges."""

from __future__ import annotations

import inspect
import re
from dataclasses import FrozenInstanceError, fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classic_eyes.errors import ParameterError
from classic_eyes.synthetic import OPEN_THRESHOLD, RANGES, EyeParameters, harder, random_parameters, render


def test_label_at_the_threshold():
    assert EyeParameters(opening=OPEN_THRESHOLD).label == 0
    assert EyeParameters(opening=np.nextafter(OPEN_THRESHOLD, 1)).label == 1


def test_every_field_has_a_range_and_a_legal_default():
    assert {field.name for field in fields(EyeParameters)} == set(RANGES)
    for field in fields(EyeParameters):
        low, high = RANGES[field.name]
        assert field.default is None or low <= field.default <= high


def test_docstring_states_defaults_and_ranges():
    text = inspect.getdoc(EyeParameters)
    for field in fields(EyeParameters):
        kind = "int or None" if field.name == "jpeg" else "float"
        entry = re.search(rf"^{field.name} : {kind}, default=(\S+)\n((?:    .*\n)+)", text, re.M)
        assert entry, field.name
        assert entry[1] == str(field.default), field.name
        numbers = {float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", entry[2])}
        assert set(RANGES[field.name]) <= numbers, field.name


def test_parameters_are_frozen():
    with pytest.raises(FrozenInstanceError):
        EyeParameters().opening = 0.1


def test_edges_of_the_ranges_are_legal():
    for side in (0, 1):
        edges = {name: limits[side] for name, limits in RANGES.items()}
        image, points = render(EyeParameters(**edges | {"jpeg": int(edges["jpeg"])}))
        assert image.dtype == np.uint8
        assert np.isfinite(points).all()


@pytest.mark.parametrize("name", sorted(set(RANGES) - {"jpeg"}))
def test_field_outside_its_range(name):
    low, high = RANGES[name]
    for value in (low - 0.01, high + 0.01, float("nan"), float("inf"), None, "1", True):
        with pytest.raises(ParameterError, match=rf"^{name} is .*allowed is a number from {low:g} to {high:g}; RANGES"):
            EyeParameters(**{name: value})


@pytest.mark.parametrize("value", [4, 101, 50.0, "90", True])
def test_jpeg_quality_refused(value):
    with pytest.raises(ParameterError, match=r"^jpeg is .*None or a whole number from 5 to 100; None skips"):
        EyeParameters(jpeg=value)


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
