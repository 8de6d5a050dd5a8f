"""Evaluation of clusters and of found labels against true labels."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.clustering import evaluation
from benchmarks.clustering.evaluation import (
    evaluate_consensus,
    evaluate_criteria,
    evaluate_history,
    evaluate_measured,
)
from benchmarks.clustering.settings import Setting, measure

from ...semisupervised.conftest import synthetic_history

pytestmark = pytest.mark.xdist_group("semisupervised")


def test_consensus_is_evaluated_by_hand(consensus, hog_view, eyes):
    result = evaluate_consensus(consensus, hog_view, eyes.labels)
    kept = consensus.unanimous >= 0
    assert result["unanimous"]["kept"] == kept.mean()
    assert result["unanimous"]["purity"] == pytest.approx((consensus.unanimous == eyes.labels)[kept].mean())
    assert result["majority"]["purity"] == pytest.approx((consensus.majority == eyes.labels).mean())


def test_agreement_is_a_good_criterion_and_its_figures_are_computed_by_hand(eyes, hog_view, priors, consensus):
    many = [
        measure(Setting(("hog",), clusterer, 16), hog_view, consensus, priors, repeats=False)
        for clusterer in ("kmeans", "gmm", "dbscan", "hdbscan", "informed")
    ]
    result = evaluate_criteria(many, eyes.labels)["agreement"]
    accuracies = [(each.predictions == eyes.labels).mean() for each in many]
    best = int(np.argmax([each.agreement for each in many]))
    assert result["chosen"] == many[best].setting.name
    assert result["accuracy"] == pytest.approx(accuracies[best])
    assert result["short"] == pytest.approx(max(accuracies) - accuracies[best])
    assert result["short"] < 0.03
    assert result["rank correlation"] > 0.6
    assert evaluate_measured(many[best], eyes.labels) == pytest.approx(accuracies[best])


def test_found_labels_of_synthetic_eyes_are_correct(eyes):
    history = synthetic_history()
    result = evaluate_history(history, eyes.labels)
    assert result["final"] > 0.96
    assert result["purity"] > 0.98
    assert len(result["rounds"]) == len(history.rounds)


def test_every_function_that_takes_true_labels_is_named_evaluate():
    assert all(name.startswith("evaluate_") for name in evaluation.__all__)
