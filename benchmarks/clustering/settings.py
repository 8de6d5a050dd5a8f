"""Settings of clustering, and what can be said of each without a label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classic_eyes import metrics
from classic_eyes._utils.threads import one_thread
from classic_eyes.semisupervised.clusterers import CLUSTERERS, cluster_rows
from classic_eyes.semisupervised.consensus import Consensus
from classic_eyes.semisupervised.knowledge import Knowledge
from classic_eyes.semisupervised.views import View

__all__ = ["FEATURE_SETS", "SETTINGS", "Measured", "Setting", "measure"]

FEATURE_SETS: tuple[tuple[str, ...], ...] = (("hog",), ("lbp",), ("hog", "lbp"), ("words",), ("words_tt",))
_SEEDS = 3
_RESAMPLES = 3
_RESAMPLED = 0.8


@dataclass(frozen=True)
class Setting:
    """One way to cluster.

    Parameters
    ----------
    features : tuple of str
        A view of features.
    clusterer : str
        A name of `CLUSTERERS`.
    n_components : int, default 32
        Leading principal components.
    mirrored : bool, default True
        Whether mirror images are clustered too.
    parameters : mapping, optional
        Of the clusterer.

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
        """What it is called in tables.

        Returns
        -------
        str
            Clusterer, features, components, and what differs from the defaults.
        """
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
class Measured:
    """What can be said of a setting without a label.

    Parameters
    ----------
    setting : Setting
        The setting.
    answers : int8 array of shape (n,)
        1 open, 0 closed, by knowledge; -1 noise.
    sizes : tuple of int
        Images in each cluster, the largest first.
    noise : int
        Images in none.
    silhouette : float
        Of the clusters in the rows they were found in; nan with fewer than two.
    seeds : float
        Mean adjusted Rand index of three seeds, two by two.
    resamples : float
        The same of three draws of four fifths of the images, on those that both hold.
    mirror : float
        Share of images in the same cluster as their mirror image; nan where these are not clustered.
    agreement : float
        The criterion: Cohen's kappa of the answers with what most views of other features say, from knowledge on.
    """

    setting: Setting
    answers: NDArray[np.int8]
    sizes: tuple[int, ...]
    noise: int
    silhouette: float
    seeds: float
    resamples: float
    mirror: float
    agreement: float


def _answers(clusters: NDArray[np.int64], knowledge: Knowledge) -> NDArray[np.int8]:
    """Call a cluster open where its images look more like synthetic open eyes than the median image does."""
    scores = knowledge.scores["synthetic eyes"]
    names = [name for name in np.unique(clusters) if name >= 0]
    answers = np.full(len(clusters), -1, dtype=np.int8)
    means = {name: float(np.mean(scores[clusters == name])) for name in names}
    # Of two clusters one is open; with more of them, those above the middle of the means are.
    border = (max(means.values()) + min(means.values())) / 2 if len(names) > 1 else 0.0
    for name in names:
        answers[clusters == name] = int(means[name] > border)
    return answers


def _others_say(setting: Setting, consensus: Consensus) -> NDArray[np.int8]:
    """Return what most views say that have no feature of the setting's: nobody is asked about themselves.

    A setting that shares features with every view is held against all of them.
    """
    apart = [row for row, name in enumerate(consensus.views) if not set(name.split("+")) & set(setting.features)]
    return (consensus.votes[apart or slice(None)].mean(axis=0) >= 0.5).astype(np.int8)


def _rand_of(many: Sequence[tuple[NDArray[Any], NDArray[Any]]]) -> float:
    """Return the mean adjusted Rand index of clusterings, given as (positions, clusters), on what two of them share."""
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
    knowledge: Knowledge,
    *,
    random_state: int = 0,
    repeats: bool = True,
) -> Measured:
    """Cluster as a setting says, and say all that can be said without a label.

    Parameters
    ----------
    setting : Setting
        The setting.
    view : View
        Of its features, mirror images included, with as many components at least.
    consensus : Consensus
        Of views of other features.
    knowledge : Knowledge
        Of the same images.
    random_state : int, default 0
        Seed; the second and third are the two after it.
    repeats : bool, default True
        Whether to measure stability, which takes five clusterings more.

    Returns
    -------
    Measured
        What was found.
    """
    narrow = view.leading(setting.n_components, mirrored=setting.mirrored)
    guess = knowledge.scores["synthetic eyes"] > 0

    def _clustered(positions: NDArray[np.intp], seed: int) -> NDArray[np.int64]:
        rows = np.concatenate([positions, positions + view.n]) if setting.mirrored else positions
        start = np.tile(guess[positions], len(rows) // len(positions))
        return cluster_rows(narrow.rows[rows], setting.clusterer, start, random_state=seed, **setting.parameters)

    everything = np.arange(view.n)
    found = _clustered(everything, random_state)
    own = found[: view.n]
    seeds = resamples = float("nan")
    if repeats:
        again = [own] + [_clustered(everything, random_state + more)[: view.n] for more in range(1, _SEEDS)]
        seeds = _rand_of([(everything, each) for each in again])
        rng = np.random.default_rng(random_state)
        drawn = [np.sort(rng.permutation(view.n)[: int(_RESAMPLED * view.n)]) for _ in range(_RESAMPLES)]
        resamples = _rand_of([(part, _clustered(part, random_state)[: len(part)]) for part in drawn])
    width = metrics.silhouette(narrow.rows[: view.n], own, random_state=random_state)
    answers = _answers(own, knowledge)
    counts = np.unique(own[own >= 0], return_counts=True)[1]
    return Measured(
        setting=setting,
        answers=answers,
        sizes=tuple(sorted((int(count) for count in counts), reverse=True)),
        noise=int((own < 0).sum()),
        silhouette=width,
        seeds=seeds,
        resamples=resamples,
        mirror=float((found[: view.n] == found[view.n :]).mean()) if setting.mirrored else float("nan"),
        agreement=metrics.cohen_kappa(answers, _others_say(setting, consensus)),
    )
