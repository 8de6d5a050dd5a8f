"""Settings of clustering, and measures of each that need no label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.clustering.clusterers import CLUSTERERS, cluster_rows
from classic_eyes import metrics
from classic_eyes._utils.resources import one_thread
from classic_eyes.semisupervised.consensus import Consensus
from classic_eyes.semisupervised.priors import PriorScores
from classic_eyes.semisupervised.views import View

__all__ = ["FEATURE_SETS", "SETTINGS", "Measurement", "Setting", "measure"]

FEATURE_SETS: tuple[tuple[str, ...], ...] = (("hog",), ("lbp",), ("hog", "lbp"), ("words",), ("words_tt",))
_SEEDS = 3
_RESAMPLES = 3
_RESAMPLED = 0.8


@dataclass(frozen=True)
class Setting:
    """One way to cluster: features, clusterer, leading principal components, with or without mirror images.

    Examples
    --------
    >>> Setting(("hog", "lbp"), "kmeans", 16).name
    'kmeans hog+lbp 16'
    """

    features: tuple[str, ...]
    clusterer: str
    n_components: int = 32
    mirrored: bool = True
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Clusterer, features, components, and what differs from the defaults."""
        rest = [
            f"{key}={value:.3g}" if isinstance(value, float) else f"{key}={value}"
            for key, value in self.parameters.items()
        ]
        rest += [] if self.mirrored else ["not mirrored"]
        return f"{self.clusterer} {'+'.join(self.features)} {self.n_components}" + "".join(f", {each}" for each in rest)


# The table of the original task: every clusterer over every set of features.
SETTINGS: tuple[Setting, ...] = tuple(
    Setting(features, clusterer) for clusterer in CLUSTERERS for features in FEATURE_SETS
)


@dataclass(frozen=True, eq=False)
class Measurement:
    """Measures of a setting that need no label.

    Parameters
    ----------
    setting : Setting
        The setting.
    predictions : int8 array of shape (n,)
        1 open, 0 closed, by the mean prior score of each cluster; -1 noise.
    sizes : tuple of int
        Images in each cluster, in descending order.
    noise : int
        Images in no cluster.
    silhouette : float
        Of the clusters, in the features they were found in; nan with fewer than two.
    seeds : float
        Mean pairwise adjusted Rand index over three seeds.
    resamples : float
        The same over three random subsets of 80% of the images, on the images of both.
    mirror : float
        Proportion of images in the same cluster as their mirror image; nan without mirror images.
    agreement : float
        The criterion: Cohen's kappa between the predictions and the majority of the views of other features.
    """

    setting: Setting
    predictions: NDArray[np.int8]
    sizes: tuple[int, ...]
    noise: int
    silhouette: float
    seeds: float
    resamples: float
    mirror: float
    agreement: float


def _predictions(clusters: NDArray[np.int64], priors: PriorScores) -> NDArray[np.int8]:
    """Label each cluster by its mean score of similarity to synthetic open eyes."""
    scores = priors.scores["synthetic eyes"]
    names = [name for name in np.unique(clusters) if name >= 0]
    predictions = np.full(len(clusters), -1, dtype=np.int8)
    means = {name: float(np.mean(scores[clusters == name])) for name in names}
    # Of two clusters one is open; of several, those above the midrange of the means.
    threshold = (max(means.values()) + min(means.values())) / 2 if len(names) > 1 else 0.0
    for name in names:
        predictions[clusters == name] = int(means[name] > threshold)
    return predictions


def _majority_of_others(setting: Setting, consensus: Consensus) -> NDArray[np.int8]:
    """Return the majority vote of the views without a feature of the setting; of all views if there are none."""
    others = [row for row, name in enumerate(consensus.views) if not set(name.split("+")) & set(setting.features)]
    return (consensus.votes[others or slice(None)].mean(axis=0) >= 0.5).astype(np.int8)


def _rand_of(many: Sequence[tuple[NDArray[Any], NDArray[Any]]]) -> float:
    """Return the mean pairwise adjusted Rand index of (positions, clusters) on shared positions."""
    indices = []
    for (first, one), (second, other) in combinations(many, 2):
        both, at, there = np.intersect1d(first, second, return_indices=True)
        if len(both):
            indices.append(metrics.adjusted_rand(one[at], other[there]))
    return float(np.mean(indices))


@one_thread()
def measure(
    setting: Setting,
    view: View,
    consensus: Consensus,
    priors: PriorScores,
    *,
    random_state: int = 0,
    repeats: bool = True,
) -> Measurement:
    """Cluster with a setting and measure the result without labels.

    `view` holds the setting's features with mirror images; `consensus` is that of views of other features. `repeats`
    measures stability, with five more clusterings.
    """
    narrow = view.leading(setting.n_components, mirrored=setting.mirrored)
    prior = priors.scores["synthetic eyes"] > 0

    def _clustered(positions: NDArray[np.intp], seed: int) -> NDArray[np.int64]:
        rows = np.concatenate([positions, positions + view.n]) if setting.mirrored else positions
        start = np.tile(prior[positions], len(rows) // len(positions))
        return cluster_rows(narrow.rows[rows], setting.clusterer, start, random_state=seed, **setting.parameters)

    all_positions = np.arange(view.n)
    found = _clustered(all_positions, random_state)
    own = found[: view.n]
    seeds = resamples = float("nan")
    if repeats:
        again = [own] + [_clustered(all_positions, random_state + more)[: view.n] for more in range(1, _SEEDS)]
        seeds = _rand_of([(all_positions, each) for each in again])
        rng = np.random.default_rng(random_state)
        drawn = [np.sort(rng.permutation(view.n)[: int(_RESAMPLED * view.n)]) for _ in range(_RESAMPLES)]
        resamples = _rand_of([(part, _clustered(part, random_state)[: len(part)]) for part in drawn])
    width = metrics.silhouette(narrow.rows[: view.n], own, random_state=random_state)
    predictions = _predictions(own, priors)
    counts = np.unique(own[own >= 0], return_counts=True)[1]
    return Measurement(
        setting=setting,
        predictions=predictions,
        sizes=tuple(sorted((int(count) for count in counts), reverse=True)),
        noise=int((own < 0).sum()),
        silhouette=width,
        seeds=seeds,
        resamples=resamples,
        mirror=float((found[: view.n] == found[view.n :]).mean()) if setting.mirrored else float("nan"),
        agreement=metrics.cohen_kappa(predictions, _majority_of_others(setting, consensus)),
    )
