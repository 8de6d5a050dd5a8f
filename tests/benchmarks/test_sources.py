"""Leave-source-out evaluation."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.sources import Source, best_accuracy, evaluate_left_out, mean_and_worst, missed
from classic_eyes import EyeClassifier
from classic_eyes.errors import ParameterError
from classic_eyes.synthetic import make_eyes


def make_source(name: str, n: int, *, exchanged: bool = False) -> Source:
    """Synthetic eyes of their own seed, from two folders; their labels may be exchanged."""
    eyes = make_eyes(n, random_state=sum(map(ord, name)))
    labels = (1 - eyes.labels if exchanged else eyes.labels).astype(np.int8)
    return Source(name, eyes.images, labels, np.arange(n).astype(str), np.arange(n) % 2)


def plain_classifier() -> EyeClassifier:
    return EyeClassifier(
        ("hog",), "symmetric", n_components=20, n_copies=0, n_synthetic=0, align=None, detect_non_eyes=False
    )


def test_each_source_is_evaluated_by_a_classifier_that_was_trained_on_the_others():
    sources = [make_source("a", 120), make_source("b", 100), make_source("c", 40, exchanged=True)]
    ticks = []
    results = evaluate_left_out(sources, plain_classifier(), n_resamples=20, tick=lambda: ticks.append(1))
    assert list(results) == ["a", "b", "c"]
    assert len(ticks) == 3
    assert [each["n"] for each in results.values()] == [120, 100, 40]
    # Trained on its own labels, which are exchanged, it would be right about most of them.
    assert results["c"]["accuracy"]["value"] < 0.2
    assert results["c"]["closed_missed"] > 0.5
    assert results["c"]["open_missed"] > 0.5
    assert results["a"]["flagged"] is None
    others = sources[:2]
    expected = plain_classifier().fit(
        np.concatenate([each.images for each in others]),
        np.concatenate([each.labels for each in others]),
        groups=np.concatenate([np.char.add(f"{each.name}/", each.groups) for each in others]),
        sources=[f"{each.name}/{folder}" for each in others for folder in each.folders],
    )
    np.testing.assert_allclose(results["c"]["scores"], expected.predict_proba(sources[2].images)[:, 1])


@pytest.mark.slow
def test_non_eyes_are_part_of_it_where_they_are_detected():
    sources = [make_source("a", 240), make_source("b", 60)]
    clf = plain_classifier().set_params(detect_non_eyes=True)
    results = evaluate_left_out(sources, clf, left_out=["b"], n_resamples=20)
    assert list(results) == ["b"]
    assert 0 <= results["b"]["flagged"]["low"] <= results["b"]["flagged"]["value"] <= results["b"]["flagged"]["high"]
    assert set(results["b"]["found"]) == {"textures", "faces", "letters", "noise"}


def test_mean_and_worst():
    entry = {"value": 0.9, "low": 0.8, "high": 1.0}
    one = dict.fromkeys(("accuracy", "eer", "auc", "calibration_error", "selective_accuracy"), entry)
    one |= {"closed_missed": 0.1, "open_missed": 0.0, "best_accuracy": 0.95, "flagged": None}
    other = {**one, "accuracy": {"value": 0.7}, "closed_missed": 0.3, "flagged": {"value": 0.1}}
    mean, worst = mean_and_worst({"a": one, "b": other})
    assert mean["accuracy"] == pytest.approx(0.8)
    assert (worst["accuracy"], worst["closed_missed"], worst["open_missed"]) == (0.7, 0.3, 0.0)
    assert "flagged" not in mean, "it is known of one source only"


def test_best_accuracy_and_missed():
    labels = np.array([0, 0, 0, 1, 1])
    scores = np.array([0.1, 0.6, 0.7, 0.7, 0.9])
    # At 0.8 one open eye is wrong; 0.7 is on one side of any threshold.
    assert best_accuracy(labels, scores) == pytest.approx(0.8)
    assert missed(labels, scores) == (pytest.approx(2 / 3), 0.0)
    assert best_accuracy(1 - labels, np.full(5, 0.5)) == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("names", "left_out", "message"),
    [
        (["a"], [], "two or more with different names"),
        (["a", "a"], [], "two or more with different names"),
        (["a", "b"], ["c"], "left_out is 'c'; the sources are a, b"),
    ],
)
def test_wrong_sources_are_refused(names, left_out, message):
    with pytest.raises(ParameterError, match=message):
        evaluate_left_out([make_source(name, 12) for name in names], plain_classifier(), left_out=left_out)
