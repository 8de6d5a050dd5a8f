"""Accuracy against the number of labels: how many answers of a person are worth what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import cpu_count
from numpy.typing import NDArray

from benchmarks.few_labels import LEARNERS, Crowd, gather_crowd, learn_from_few
from classic_eyes import metrics
from classic_eyes._utils.workers import run_tasks
from classic_eyes.classifier import EyeClassifier
from classic_eyes.datasets import UNLABELLED, group_folds
from classic_eyes.errors import DataError, ParameterError
from classic_eyes.labeling import arrange

__all__ = ["CURVE_ORDERS", "CURVE_SIZES", "Curve", "measure_label_curve"]

CURVE_SIZES = (25, 50, 100, 200, 400, 800)
CURVE_ORDERS = ("random", "worth")


@dataclass(frozen=True)
class Curve:
    """How accurate a learner is with more and more labels.

    Parameters
    ----------
    learner : str
        A name of `classic_eyes.labeling.LEARNERS`.
    order : str
        In which images were asked about.
    sizes : tuple of int
        Numbers of labels.
    accuracy : tuple of tuple of float
        For each seed, the accuracy at each size on groups held out.
    """

    learner: str
    order: str
    sizes: tuple[int, ...]
    accuracy: tuple[tuple[float, ...], ...]

    @property
    def mean(self) -> tuple[float, ...]:
        """Return the mean over the seeds.

        Returns
        -------
        tuple of float
            One for each size.
        """
        return tuple(float(value) for value in np.mean(self.accuracy, axis=0))

    @property
    def least(self) -> tuple[float, ...]:
        """Return the least over the seeds.

        Returns
        -------
        tuple of float
            One for each size.
        """
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
    """Learn from more and more labels, and judge on groups held out.

    1. For each seed a fifth of the groups is held out; of the rest, nothing is labelled.
    2. The next images are asked about: drawn at random, or by `classic_eyes.labeling.arrange` from what the learner
       says with the labels it has. The first are asked about by what is found without labels, by a learner that can
       learn so, or else drawn at random.
    3. The learner learns anew, with whatever it makes of the unlabelled rest, and is judged on what was held out.

    Parameters
    ----------
    images : uint8 array of shape (n, h, w)
        Grey images.
    labels : int8 array of shape (n,)
        True labels, all known.
    groups : array of shape (n,)
        Person or face of each image.
    sizes : sequence of int, default (25, 50, 100, 200, 400, 800)
        Numbers of labels, growing.
    orders : sequence of str, default ("random", "worth")
        Of `classic_eyes.labeling.ORDERS`.
    learners : sequence of str
        Of `classic_eyes.labeling.LEARNERS`; by default all.
    n_seeds : int, default 5
        Seeds, each with other groups held out.
    random_state : int, default 0
        The first seed.
    n_jobs : int, optional
        Processes; one per core by default. The result does not depend on it.

    Returns
    -------
    list of Curve
        One for each learner and order.

    Raises
    ------
    ParameterError
        For sizes that do not grow, or more labels than four fifths of the groups hold.
    """
    if list(sizes) != sorted(set(sizes)) or not sizes:
        raise ParameterError(f"sizes is {tuple(sizes)}; numbers of labels must grow")
    seeds = range(random_state, random_state + n_seeds)
    least = min(len(_held_out(groups, seed)[0]) for seed in seeds)
    if sizes[-1] > least:
        raise ParameterError(
            f"sizes asks for {sizes[-1]} labels, and four fifths of the groups hold {least} images; give "
            "more images with labels, or ask for fewer (bench --quick ends at 50)"
        )
    chains = [(learner, order, seed) for learner in learners for order in orders for seed in seeds]
    tasks = [(images, labels, groups, tuple(sizes), *chain) for chain in chains]
    told = dict(zip(chains, run_tasks(_climb, tasks, n_jobs=n_jobs or cpu_count()), strict=True))
    return [
        Curve(learner, order, tuple(sizes), tuple(told[learner, order, seed] for seed in seeds))
        for learner in learners
        for order in orders
    ]


def _held_out(groups: NDArray[Any], seed: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Split by the groups alone, as nothing else is known before somebody labels."""
    return group_folds(np.zeros(len(groups), dtype=np.int8), groups, 5, random_state=seed)[0]


def _climb(
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
    crowd = gather_crowd(images[train], groups[train], random_state=seed)
    given = np.full(len(train), UNLABELLED, dtype=np.int8)
    scores = None if order == "random" else _scores_without_labels(learner, crowd, seed)
    reached = []
    for size in sizes:
        asked = _next(crowd, given, scores, order, size - int((given >= 0).sum()), seed)
        given[asked] = labels[train][asked]
        fitted = learn_from_few(learner, EyeClassifier(), crowd, given, random_state=seed)
        scores = None if order == "random" else fitted.predict_proba(crowd.images)[:, 1]
        reached.append(metrics.accuracy(labels[test], fitted.predict_proba(images[test])[:, 1]))
    return tuple(reached)


def _scores_without_labels(learner: str, crowd: Crowd, seed: int) -> NDArray[np.float64] | None:
    if learner != "self-training":
        return None
    nothing = np.full(len(crowd.images), UNLABELLED, dtype=np.int8)
    try:
        fitted = learn_from_few(learner, EyeClassifier(), crowd, nothing, random_state=seed)
    except DataError:  # without labels nothing to be trusted is found
        return None
    return np.asarray(fitted.predict_proba(crowd.images)[:, 1])


def _next(
    crowd: Crowd, given: NDArray[np.int8], scores: NDArray[np.float64] | None, order: str, n: int, seed: int
) -> NDArray[np.intp]:
    rest = np.flatnonzero(given < 0)
    if scores is None:
        # One draw for the whole chain: more labels contain the fewer.
        drawn = np.random.default_rng(seed).permutation(len(given))
        return drawn[given[drawn] < 0][:n]
    chosen = arrange(scores[rest], crowd.rows[rest], order, page_size=n, limit=n, random_state=seed)
    return rest[chosen.positions]
