"""A few labelled images of one's own on top of a fitted program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold

from ..errors import ParameterError
from ..inference.program import Program, View, blend

__all__ = ["MIN_LABELLED", "Adapted", "adapt_program"]

MIN_LABELLED = 10
"""Fewest labelled images with which a start is changed."""

# Prior variances of the change of the log odds.
_VARIANCES = (8.0, 32.0, 128.0)
# Variance that all images share, as a share of that of each: a shift of the threshold.
_SHIFT = 0.3
_N_FOLDS = 10
_N_STEPS, _TOLERANCE = 50, 1e-8


@dataclass(frozen=True)
class Adapted:
    """A program, and what the images changed.

    Parameters
    ----------
    program : Program
        The adapted program, or the start itself.
    why_kept : str or None
        Why the start was kept as it is, if it was.
    log_odds : float array of shape (n,)
        Out-of-fold log odds of the images.
    start : float array of shape (n,)
        Log odds by the start.
    """

    program: Program
    why_kept: str | None
    log_odds: NDArray[np.float64]
    start: NDArray[np.float64]


def adapt_program(
    program: Program, images: NDArray[np.uint8], labels: NDArray[np.int8], groups: NDArray[np.generic]
) -> Adapted:
    """Adapt a program to labelled images, by a Gaussian process whose mean is the program.

    1. The prior of the log odds of open is a Gaussian process. Its mean is those of the start. Its covariance is a
       variance times the mean of the kernels of all views, plus 0.3.
    2. Laplace's approximation gives the mean of the posterior: a sum of kernels with the images, which become support
       vectors of each view (Rasmussen and Williams, "Gaussian Processes for Machine Learning", 2006, chapter 3,
       ISBN 0-262-18253-X).
    3. The variance, 8, 32 or 128, is that with the least log loss out of fold, over folds of whole groups.
    4. If more of the images are wrong out of fold than by the start, the start is kept; and if all are of one class.

    Raises
    ------
    ParameterError
        For fewer than 10 images, or a program that is not compiled.
    """
    if len(images) < MIN_LABELLED:
        raise ParameterError(
            f"{len(images)} labelled images are too few to change a start; label {MIN_LABELLED} or more"
        )
    if not program.compiled:
        raise ParameterError("start_from is a model with a classifier of your own, which cannot be changed; train anew")
    views = [_View(program, number, images) for number in range(len(program.views))]
    target = (labels == 1).astype(np.float64)
    start = _log_odds(program, [view.start for view in views], program.intercept)
    if len(np.unique(labels)) < 2:
        why = f"all labels are {('closed', 'open')[int(labels[0])]}; open and closed eyes are needed"
        return Adapted(program, why, start, start)
    folds = _folds(groups)
    tried = []
    for variance in _VARIANCES:
        values = np.empty(len(images))
        for test in folds:
            train = np.setdiff1d(np.arange(len(images)), test)
            values[test] = _Posterior(program, views, train, start, target, variance).log_odds(test)
        tried.append((_loss(values, target), variance, values))
    _, variance, values = min(tried, key=lambda each: each[0])
    if ((values >= 0) != target).sum() > ((start >= 0) != target).sum():
        why = "in cross-validation, training with these labels made it worse; label more"
        return Adapted(program, why, start, start)
    everything = np.arange(len(images))
    posterior = _Posterior(program, views, everything, start, target, variance)
    return Adapted(posterior.program(), None, values, start)


class _View:
    """The images in one view of a program: components, kernel among them, decision values of the start."""

    def __init__(self, program: Program, number: int, images: NDArray[np.uint8]) -> None:
        view = program.views[number]
        assert isinstance(view, View)
        self.view = view
        # Images, and their mirror images where a program averages them.
        flips = program.components(images, number)
        self.components = flips[0]
        self.start = np.mean([view.kernel(z) @ view.dual + view.intercept for z in flips], axis=0)
        own = replace(view, support=np.ascontiguousarray(self.components.T), dual=np.ones(len(images), np.float32))
        self.kernel = np.mean([own.kernel(z) for z in flips], axis=0)


class _Posterior:
    """The mean of the posterior, given the images at the positions ``train``."""

    def __init__(
        self,
        program: Program,
        views: Sequence[_View],
        train: NDArray[np.intp],
        mean: NDArray[np.float64],
        target: NDArray[np.float64],
        variance: float,
    ) -> None:
        self._start, self._views, self._train = program, views, train
        kernel = np.mean([view.kernel[np.ix_(train, train)] for view in views], axis=0) + _SHIFT
        weights = variance * _fit_laplace(variance * (kernel + kernel.T) / 2, mean[train], target[train])
        self._intercept = program.intercept + _SHIFT * float(weights.sum())
        # Log odds are the slope times the mean of the views.
        self._dual = weights / program.slope

    def log_odds(self, test: NDArray[np.intp]) -> NDArray[np.float64]:
        decisions = [view.start[test] + view.kernel[np.ix_(test, self._train)] @ self._dual for view in self._views]
        return _log_odds(self._start, decisions, self._intercept)

    def program(self) -> Program:
        views = [
            replace(
                each.view,
                support=np.ascontiguousarray(np.hstack([each.view.support, each.components[self._train].T])),
                dual=np.concatenate([each.view.dual, self._dual.astype(np.float32)]),
            )
            for each in self._views
        ]
        return replace(self._start, views=tuple(views), intercept=self._intercept)


def _fit_laplace(
    covariance: NDArray[np.float64], mean: NDArray[np.float64], target: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the weights of the covariances at the mode of the posterior, by Newton's method with halved steps."""
    weights: NDArray[np.float64] = np.zeros(len(target))
    values = covariance @ weights
    objective = _log_posterior(values, weights, mean, target)
    for _ in range(_N_STEPS):
        p = (1 + np.tanh((mean + values) / 2)) / 2
        curvature = p * (1 - p) + 1e-9
        system = np.eye(len(target)) + curvature[:, np.newaxis] * covariance
        aim = np.asarray(np.linalg.solve(system, curvature * values + target - p), dtype=np.float64)
        step, before = 1.0, values
        # Where the start is sure and wrong, a whole step overshoots, and the next ones run away.
        for _ in range(_N_STEPS):
            trial = weights + step * (aim - weights)
            values = covariance @ trial
            reached = _log_posterior(values, trial, mean, target)
            if reached >= objective - _TOLERANCE:
                break
            step /= 2
        weights, objective = trial, reached
        if np.abs(values - before).max() < _TOLERANCE:
            break
    return weights


def _log_posterior(
    values: NDArray[np.float64], weights: NDArray[np.float64], mean: NDArray[np.float64], target: NDArray[np.float64]
) -> float:
    return -len(target) * _loss(mean + values, target) - float(weights @ values) / 2


def _log_odds(program: Program, decisions: Sequence[NDArray[np.float64]], intercept: float) -> NDArray[np.float64]:
    threshold = None if program.cascade is None else program.cascade.threshold
    return program.slope * blend(decisions, threshold) + intercept


def _folds(groups: NDArray[np.generic]) -> list[NDArray[np.intp]]:
    """Return the positions of each fold, whole groups each; of single images, if there are fewer than five groups."""
    if len(np.unique(groups)) < 5:
        groups = np.arange(len(groups))
    k = min(_N_FOLDS, len(np.unique(groups)))
    return [test for _, test in GroupKFold(k).split(groups, groups=groups)]


def _loss(log_odds: NDArray[np.float64], target: NDArray[np.float64]) -> float:
    return float(np.logaddexp(0, np.where(target == 1, -log_odds, log_odds)).mean())
