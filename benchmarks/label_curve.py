"""Accuracy against the number of labels a person gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import cpu_count
from numpy.typing import NDArray

from benchmarks.few_labels import LEARNERS, Pool, fit_learner
from benchmarks.scenarios import BASE
from classic_eyes import EyeClassifier, metrics
from classic_eyes._utils.workers import run_tasks
from classic_eyes.datasets import UNLABELLED, group_folds
from classic_eyes.errors import DataError, ParameterError
from classic_eyes.labeling import prioritize

__all__ = ["CURVE_ORDERS", "CURVE_SIZES", "Curve", "measure_label_curve"]

CURVE_SIZES = (25, 50, 100, 200, 400, 800)
CURVE_ORDERS = ("random", "priority")


@dataclass(frozen=True)
class Curve:
    """Accuracy of a learner at growing numbers of labels, given in one order.

    `accuracy` holds, for each seed, the accuracy at each size on the held-out groups.
    """

    learner: str
    order: str
    sizes: tuple[int, ...]
    accuracy: tuple[tuple[float, ...], ...]

    @property
    def mean(self) -> tuple[float, ...]:
        """Mean over the seeds, for each size."""
        return tuple(float(value) for value in np.mean(self.accuracy, axis=0))

    @property
    def minimum(self) -> tuple[float, ...]:
        """Minimum over the seeds, for each size."""
        return tuple(float(value) for value in np.min(self.accuracy, axis=0))


def measure_label_curve(
    images: NDArray[np.uint8],
    labels: NDArray[np.int8],
    groups: NDArray[Any],
    *,
    sizes: Sequence[int] = CURVE_SIZES,
    orders: Sequence[str] = CURVE_ORDERS,
    learners: Sequence[str] = tuple(LEARNERS),
    n_seeds: int = 5,
    random_state: int = 0,
    n_jobs: int | None = None,
) -> list[Curve]:
    """Train with growing numbers of labels, and evaluate on held-out groups.

    1. For each seed a fifth of the groups is held out. All labels of the rest are hidden.
    2. The next labels are revealed: of random images, or in the order of `classic_eyes.labeling.prioritize` by the
       predictions of the learner so far. For the first images that order needs a learner without labels; other
       learners start with random images.
    3. The learner is trained again and evaluated on the held-out groups.

    Returns a curve for each learner and order; the result does not depend on `n_jobs`.
    """
    if list(sizes) != sorted(set(sizes)) or not sizes:
        raise ParameterError(f"sizes is {tuple(sizes)}; it must be increasing numbers of labels")
    seeds = range(random_state, random_state + n_seeds)
    available = min(len(_held_out(groups, seed)[0]) for seed in seeds)
    if sizes[-1] > available:
        raise ParameterError(
            f"sizes ends at {sizes[-1]} labels, and four fifths of the groups hold {available} images; give "
            "more labelled images, or fewer sizes (--quick ends at 50)"
        )
    chains = [(learner, order, seed) for learner in learners for order in orders for seed in seeds]
    tasks = [(images, labels, groups, tuple(sizes), *chain) for chain in chains]
    results = dict(zip(chains, run_tasks(_accuracies, tasks, n_jobs=n_jobs or cpu_count()), strict=True))
    return [
        Curve(learner, order, tuple(sizes), tuple(results[learner, order, seed] for seed in seeds))
        for learner in learners
        for order in orders
    ]


def _held_out(groups: NDArray[Any], seed: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Split by groups alone, because no label is known yet."""
    return group_folds(np.zeros(len(groups), dtype=np.int8), groups, 5, random_state=seed)[0]


def _accuracies(
    images: NDArray[np.uint8],
    labels: NDArray[np.int8],
    groups: NDArray[Any],
    sizes: tuple[int, ...],
    learner: str,
    order: str,
    seed: int,
) -> tuple[float, ...]:
    """Return the accuracy at each size, for one learner, order and seed."""
    train, test = _held_out(groups, seed)
    pool = Pool(images[train], groups[train], seed)
    given = np.full(len(train), UNLABELLED, dtype=np.int8)
    scores = None if order == "random" else _scores_without_labels(learner, pool, seed)
    reached = []
    for size in sizes:
        revealed = _next(pool, given, scores, order, size - int((given >= 0).sum()), seed)
        given[revealed] = labels[train][revealed]
        fitted = fit_learner(learner, EyeClassifier(**BASE), pool, given, random_state=seed)
        scores = None if order == "random" else fitted.predict_proba(pool.images)[:, 1]
        reached.append(metrics.accuracy(labels[test], fitted.predict_proba(images[test])[:, 1]))
    return tuple(reached)


def _scores_without_labels(learner: str, pool: Pool, seed: int) -> NDArray[np.float64] | None:
    if learner != "self-training":
        return None
    unlabelled = np.full(len(pool.images), UNLABELLED, dtype=np.int8)
    try:
        fitted = fit_learner(learner, EyeClassifier(**BASE), pool, unlabelled, random_state=seed)
    except DataError:  # without labels the clusters are not reliable
        return None
    return np.asarray(fitted.predict_proba(pool.images)[:, 1])


def _next(
    pool: Pool, given: NDArray[np.int8], scores: NDArray[np.float64] | None, order: str, n: int, seed: int
) -> NDArray[np.intp]:
    rest = np.flatnonzero(given < 0)
    if scores is None:
        # One permutation for all sizes, so that larger label sets contain the smaller ones.
        drawn = np.random.default_rng(seed).permutation(len(given))
        return drawn[given[drawn] < 0][:n]
    chosen = prioritize(scores[rest], pool.rows[rest], order, page_size=n, limit=n, random_state=seed)
    return rest[chosen.positions]
