"""The study of simulated people: what they are told about an accuracy, and the truth."""

from __future__ import annotations

import pytest

from benchmarks.commands.students import claims_table
from benchmarks.students import Claim, simulate_students
from classic_eyes.datasets import load_labelled, read_eyes
from classic_eyes.errors import ParameterError

from ..conftest import write_labelled

pytestmark = [
    pytest.mark.filterwarnings("ignore:all views contradict"),
    pytest.mark.filterwarnings("ignore:self-training stopped"),
    pytest.mark.filterwarnings("ignore:doubtful labels"),
]


@pytest.mark.slow
def test_people_are_told_an_accuracy_only_of_random_labels(tmp_path, small_model):
    data = load_labelled(read_eyes(write_labelled(tmp_path / "eyes", 240, random_state=6)))
    claims = simulate_students(
        data,
        str(small_model.with_suffix(".npz")),
        options=("--features", "hog", "--classifier", "svm"),
        orders=("priority", "mixed"),
        n_students=1,
        n_images=100,
        sizes=(50,),
        slips=0.0,
        n_jobs=1,
    )
    assert [(claim.order, claim.command) for claim in claims] == [
        (order, command) for order in ("priority", "mixed") for command in ("train", "evaluate")
    ]
    for claim in claims:
        assert (claim.stated is None) == (claim.order == "priority")
        assert claim.is_true
        assert 0.8 < claim.truth <= 1
    table = claims_table("toy", claims)
    assert "| train | priority | 1 | 0 | 0 of 0 | - | - | - |" in table
    assert "True: 2 of 2 that are stated" in table


def test_claim_is_true_if_its_interval_contains_the_truth():
    assert Claim(0, "random", 50, "train", (0.9, 0.8, 0.95), 0.94).is_true
    assert not Claim(0, "random", 50, "train", (0.9, 0.8, 0.95), 0.96).is_true
    assert Claim(0, "priority", 50, "train", None, 0.5).is_true


def test_too_few_images_are_refused(tmp_path):
    data = load_labelled(read_eyes(write_labelled(tmp_path / "eyes", 60)))
    with pytest.raises(ParameterError, match="n_images is 100; allowed is 50 to 30"):
        simulate_students(data, "fast", options=(), n_images=100, sizes=(50,))
