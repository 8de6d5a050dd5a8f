"""Settings of clustering, and their measures without labels."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.clustering.clusterers import CLUSTERERS
from benchmarks.clustering.evaluation import evaluate_consensus, evaluate_measured
from benchmarks.clustering.settings import SETTINGS, Setting, measure
from classic_eyes import metrics
from classic_eyes.semisupervised.views import View

pytestmark = pytest.mark.xdist_group("semisupervised")


def test_table_has_every_clusterer_over_every_set_of_features():
    assert len(SETTINGS) >= 40
    assert len({setting.name for setting in SETTINGS}) == len(SETTINGS)
    assert {setting.clusterer for setting in SETTINGS} == set(CLUSTERERS)


@pytest.mark.parametrize("clusterer", CLUSTERERS)
def test_measures_are_in_their_ranges_and_reproducible(hog_view, priors, consensus, clusterer):
    setting = Setting(("hog",), clusterer, 8)
    found = measure(setting, hog_view, consensus, priors)
    assert set(np.unique(found.predictions)) <= {-1, 0, 1}
    assert sum(found.sizes) + found.noise == 300
    assert found.seeds <= 1
    assert 0 <= found.mirror <= 1
    assert -1 <= found.agreement <= 1
    assert np.isnan(found.silhouette) or -1 <= found.silhouette <= 1
    again = measure(setting, hog_view, consensus, priors)
    assert np.array_equal(found.predictions, again.predictions)
    assert (found.seeds, found.resamples) == (again.seeds, again.resamples)


def test_features_shared_with_every_view_are_compared_with_all_views(hog_view, priors, consensus):
    features = ("hog", "words", "words_tt")
    view = View(features, hog_view.rows, hog_view.n)
    found = measure(Setting(features, "informed", 16), view, consensus, priors, repeats=False)
    assert found.agreement == pytest.approx(metrics.cohen_kappa(found.predictions, consensus.votes.mean(axis=0) >= 0.5))


def test_mirror_is_nan_without_mirror_images(hog_view, priors, consensus):
    found = measure(Setting(("hog",), "kmeans", 8, mirrored=False), hog_view, consensus, priors)
    assert np.isnan(found.mirror)


def test_evaluation_does_not_change_the_measures(eyes, hog_view, priors, consensus):
    setting = Setting(("hog",), "kmeans", 8)
    before = measure(setting, hog_view, consensus, priors)
    evaluate_measured(before, eyes.labels)
    evaluate_consensus(consensus, hog_view, 1 - eyes.labels)
    after = measure(setting, hog_view, consensus, priors)
    assert np.array_equal(before.predictions, after.predictions)
    assert before.agreement == after.agreement
