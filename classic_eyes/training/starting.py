"""A few labelled images of one's own on top of a fitted program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold

from ..errors import ParameterError
from ..inference.cascade import blend
from ..inference.program import Program, View
from ..preprocessing.augmentation import augment

__all__ = ["MIN_LABELLED", "Adapted", "adapt_program"]

MIN_LABELLED = 10
"""Fewest labelled images with which a start is changed."""

# Penalties of the least squares, from weak to strong, and copies of each image with another framing.
_PENALTIES = (0.1, 0.3, 1.0, 3.0, 10.0)
_N_COPIES = 2
_N_FOLDS = 10
# A shift of the log odds by so much is as likely as the labels make it unlikely: the standard deviation of its prior.
_SHIFT = 1.0
_SHIFTS = np.linspace(-3, 3, 121)
# Log loss that must be gained, in standard errors of the gain over the images.
_MIN_GAIN = 0.5


@dataclass(frozen=True)
class Adapted:
    """A program, and what the images changed.

    Parameters
    ----------
    program : Program
        The adapted program, or the start itself.
    penalty : float or None
        Of the least squares, chosen by cross-validation; None if no support vectors were added.
    shift : float
        Added to the log odds of open.
    decisions : float array of shape (n,)
        Out-of-fold log odds of the images.
    start : float array of shape (n,)
        Log odds by the start.
    """

    program: Program
    penalty: float | None
    shift: float
    decisions: NDArray[np.float64]
    start: NDArray[np.float64]


def adapt_program(
    program: Program,
    images: NDArray[np.uint8],
    labels: NDArray[np.int8],
    groups: NDArray[np.generic],
    *,
    random_state: int = 0,
) -> Adapted:
    """Add support vectors to a program.

    1. In each view, the images and two copies of each with another framing become support vectors. Their coefficients
       are those of a ridge regression, in the kernel of the view plus one, of ``label - decision`` of the start, where
       labels are -1 and 1 and decisions beyond the label count as the label.
    2. The log odds are shifted by the value with the largest posterior probability; prior is a normal distribution with
       standard deviation 1.
    3. The penalty is that with the least out-of-fold log loss, over folds of whole groups. If that is not less than the
       loss of the start by half a standard error, or if more of the images would be wrong, the start is kept.

    This is an adaptive SVM (Yang, Yan, Hauptmann, ACM Multimedia 2007, doi:10.1145/1291233.1291276) with squared loss.

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
    n = len(images)
    copies = augment(images, n_copies=_N_COPIES, augmentations=("shift_scale_rotate",), random_state=random_state)
    rows = [_View(program, number, np.concatenate([images, copies])) for number in range(len(program.views))]
    owner = np.concatenate([np.arange(n)] * (1 + _N_COPIES))
    targets = np.where(labels == 1, 1.0, -1.0)
    start = _log_odds(program, [view.start[:n] for view in rows])
    folds = _folds(groups)
    best: tuple[float, float | None, float, NDArray[np.float64]] = (_loss(start, labels).mean(), None, 0.0, start)
    for penalty in (*_PENALTIES, None):
        decisions = np.empty((len(rows), n))
        for test in folds:
            train = ~np.isin(owner, test)
            for k, view in enumerate(rows):
                decisions[k, test] = view.start[test]
                if penalty is not None:
                    decisions[k, test] += view.fit(train, targets[owner], penalty).of(test)
        values = _log_odds(program, list(decisions))
        shift = _fit_shift(values, labels)
        # The shift too is out of fold: by the other folds.
        moved = values.copy()
        for test in folds:
            others = np.setdiff1d(np.arange(n), test)
            moved[test] += _fit_shift(values[others], labels[others])
        loss = _loss(moved, labels).mean()
        if loss < best[0]:
            best = loss, penalty, shift, moved
    _, penalty, shift, values = best
    gain = _loss(start, labels) - _loss(values, labels)
    error = gain.std() / np.sqrt(n)
    is_worse = ((values >= 0) != labels).sum() > ((start >= 0) != labels).sum()
    if (penalty is None and shift == 0) or gain.mean() <= _MIN_GAIN * error or is_worse:
        return Adapted(program, None, 0.0, start, start)
    views = list(program.views)
    if penalty is not None:
        everything = np.ones(len(owner), bool)
        views = [view.fit(everything, targets[owner], penalty).added() for view in rows]
    adapted = replace(program, views=views, intercept=program.intercept + shift)
    return Adapted(adapted, penalty, shift, values, start)


class _View:
    """The images in one view of a program: components, kernel among them, decision values of the start."""

    def __init__(self, program: Program, number: int, images: NDArray[np.uint8]) -> None:
        view = program.views[number]
        assert isinstance(view, View)
        self.view = view
        parts = program.components(images, number)
        self.flips = parts
        self.components = parts[0]
        self.start = np.mean([view.kernel(z).astype(np.float64) @ view.dual + view.intercept for z in parts], axis=0)
        own = replace(view, support=np.ascontiguousarray(self.components.T), dual=np.ones(len(images), np.float32))
        self.kernel = np.mean([own.kernel(z) for z in parts], axis=0).astype(np.float64) + 1

    def fit(self, train: NDArray[np.bool_], targets: NDArray[np.float64], penalty: float) -> _Fitted:
        # Decisions beyond the label are right.
        residual = targets - np.where(targets > 0, np.minimum(self.start, 1), np.maximum(self.start, -1))
        kernel = self.kernel[np.ix_(train, train)]
        # The kernel of the mirror images is averaged where a program averages them, and is not quite symmetric then.
        system = (kernel + kernel.T) / 2 + penalty * np.eye(len(kernel))
        return _Fitted(self, np.flatnonzero(train), np.linalg.solve(system, residual[train]))


@dataclass(frozen=True, eq=False)
class _Fitted:
    owner: _View
    train: NDArray[np.intp]
    dual: NDArray[np.float64]

    def of(self, test: NDArray[np.intp]) -> NDArray[np.float64]:
        return self.owner.kernel[np.ix_(test, self.train)] @ self.dual

    def added(self) -> View:
        view = self.owner.view
        return replace(
            view,
            support=np.ascontiguousarray(np.hstack([view.support, self.owner.components[self.train].T])),
            dual=np.concatenate([view.dual, self.dual.astype(np.float32)]),
            intercept=view.intercept + float(self.dual.sum()),
        )


def _log_odds(program: Program, decisions: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    threshold = None if program.cascade is None else program.cascade.threshold
    return program.slope * blend(decisions, threshold) + program.intercept


def _folds(groups: NDArray[np.generic]) -> list[NDArray[np.intp]]:
    """Return the positions of each fold, whole groups each; of single images, if there are fewer than five groups."""
    if len(np.unique(groups)) < 5:
        groups = np.arange(len(groups))
    k = min(_N_FOLDS, len(np.unique(groups)))
    return [test for _, test in GroupKFold(k).split(groups, groups=groups)]


def _loss(log_odds: NDArray[np.float64], labels: NDArray[np.int8]) -> NDArray[np.float64]:
    return np.logaddexp(0, np.where(labels == 1, -log_odds, log_odds))


def _fit_shift(log_odds: NDArray[np.float64], labels: NDArray[np.int8]) -> float:
    losses = [_loss(log_odds + shift, labels).sum() + (shift / _SHIFT) ** 2 / 2 for shift in _SHIFTS]
    return float(_SHIFTS[int(np.argmin(losses))])
