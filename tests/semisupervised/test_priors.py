"""Prior scores, and the orientation of clusters."""

from __future__ import annotations

import numpy as np
import pytest

from classic_eyes.errors import DataError
from classic_eyes.semisupervised import compute_priors, orient_clusters

pytestmark = pytest.mark.xdist_group("semisupervised")


@pytest.mark.parametrize(("name", "area"), [("synthetic eyes", 0.98), ("eye cascade", 0.8), ("dark centre", 0.65)])
def test_every_prior_separates_open_from_closed_eyes(eyes, priors, name, area):
    """On synthetic eyes of another seed than the prior's own."""
    assert priors.roc_auc(eyes.labels)[name] > area


def test_scores_of_an_image_do_not_depend_on_the_others(eyes, priors):
    alone = compute_priors(eyes.images[5:8])
    for name, scores in priors.scores.items():
        assert np.allclose(alone.scores[name], scores[5:8], atol=1e-9)


def test_swapped_clusters_have_the_other_orientation(eyes, priors):
    one, other = (orient_clusters(clusters, priors) for clusters in (eyes.labels, 1 - eyes.labels))
    assert (one.open_cluster, other.open_cluster) == (1, 0)
    assert one.confidence == pytest.approx(other.confidence)
    assert one.evidence == pytest.approx(other.evidence)
    assert 0.5 < one.confidence <= 1


def test_noise_does_not_affect_the_orientation(eyes, priors):
    clusters = np.where(np.arange(300) % 3 == 0, -1, eyes.labels)
    kept = clusters >= 0
    assert orient_clusters(clusters, priors) == orient_clusters(clusters[kept], priors.take(kept))


def test_random_clusters_and_a_single_cluster_are_refused(priors):
    with pytest.raises(DataError, match=r"is uncertain: confidence 0\.\d\d, 0\.3 is needed.*label images"):
        orient_clusters(np.random.default_rng(0).integers(0, 2, 300), priors)
    with pytest.raises(DataError, match="only one cluster"):
        orient_clusters(np.zeros(300, dtype=int), priors)
