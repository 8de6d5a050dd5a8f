"""The search for clusterers and their parameters."""

from __future__ import annotations

import sys

import pytest

from benchmarks.clustering.settings import FEATURE_SETS
from benchmarks.clustering.tuning import tune
from classic_eyes.errors import MissingDependencyError, ParameterError

from ...semisupervised.conftest import synthetic_view

pytestmark = pytest.mark.xdist_group("semisupervised")


def test_search_is_seeded_and_returns_the_best_first(priors, consensus):
    pytest.importorskip("optuna")
    views = {features: synthetic_view(features) for features in FEATURE_SETS}
    one, other = (tune(views, consensus, priors, n_trials=6, random_state=2) for _ in range(2))
    assert [each.setting for each in one] == [each.setting for each in other]
    assert one[0].agreement == max(each.agreement for each in one)
    with pytest.raises(ParameterError, match="by is 'accuracy'; it must be one of agreement, silhouette"):
        tune(views, consensus, priors, by="accuracy")


def test_missing_optuna_is_reported_with_the_remedy(monkeypatch, priors, consensus):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingDependencyError, match=r"pip install -e '\.\[bench\]'"):
        tune({}, consensus, priors, n_trials=1)
