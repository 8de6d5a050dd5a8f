"""The clusterers that the study compares."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.clustering.clusterers import CLUSTERERS, cluster_rows
from classic_eyes import metrics
from classic_eyes.errors import ParameterError


def blobs(n: int = 120, *, distance: float = 12.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    truth = np.arange(n) % 2
    return rng.normal(size=(n, 3)) + distance * truth[:, np.newaxis], truth


@pytest.mark.parametrize("name", CLUSTERERS)
def test_every_clusterer_separates_two_distant_blobs(name):
    rows, truth = blobs()
    found = cluster_rows(rows, name, truth)
    kept = found >= 0
    assert kept.mean() > 0.4
    assert metrics.adjusted_rand(found[kept], truth[kept]) == 1


@pytest.mark.parametrize("name", CLUSTERERS)
def test_same_seed_gives_the_same_clusters(name):
    rows, truth = blobs(distance=2.0)
    assert np.array_equal(*(cluster_rows(rows, name, truth, random_state=3) for _ in range(2)))


def test_unknown_clusterer_is_refused_with_the_known_ones():
    with pytest.raises(ParameterError, match=r"'kmean' is not known; known are kmeans.*did you mean 'kmeans'"):
        cluster_rows(np.zeros((4, 2)), "kmean", np.zeros(4))
