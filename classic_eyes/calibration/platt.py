"""Platt scaling: decision values become calibrated log odds."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

from .._utils.dependencies import check_training_packages

__all__ = ["fit_platt"]


def fit_platt(
    decision: npt.NDArray[np.float64],
    y: npt.NDArray[Any],
    sample_weight: npt.NDArray[np.float64] | None = None,
    *,
    intercept: bool = True,
) -> tuple[float, float]:
    """Fit the slope and the intercept that turn decision values into log odds of open.

    Minimizes the cross-entropy between ``1 / (1 + exp(-(slope * decision + intercept)))`` and Platt's targets: with
    ``n1`` open and ``n0`` closed images, ``(n1 + 1) / (n1 + 2)`` for open and ``1 / (n0 + 2)`` for closed.

    The targets are smoothed because hard 0/1 targets have no finite optimum on separable data: the slope would grow
    without limit and every probability would be 0 or 1. The smoothed targets are the posterior means of the label
    under a uniform prior.

    Parameters
    ----------
    decision : float64 array of shape (n,)
        Out-of-fold decision values. In-sample values would make the probabilities overconfident.
    y : array of shape (n,)
        1 open, 0 closed.
    sample_weight : float64 array of shape (n,), optional
        Weight of each row; by default 1.
    intercept : bool, default True
        Whether to fit the intercept; without, it is 0 and the threshold stays where the SVM puts it.

    Returns
    -------
    tuple of float
        Slope and intercept.

    References
    ----------
    Platt, "Probabilistic outputs for support vector machines and comparisons to regularized likelihood methods",
    Advances in Large Margin Classifiers, 1999, pp. 61-74 (no DOI).

    Examples
    --------
    >>> slope, intercept = fit_platt(np.array([-1.0, -0.5, 0.5, 1.0]), np.array([0, 0, 1, 1]))
    >>> slope > 0, abs(intercept) < 1e-6
    (True, True)
    """
    check_training_packages()  # here: prediction imports this package without them
    from sklearn.linear_model import LogisticRegression

    weight = np.ones(len(y)) if sample_weight is None else sample_weight
    n_open, n_closed = (y == 1).sum(), (y == 0).sum()
    target = np.where(y == 1, (n_open + 1) / (n_open + 2), 1 / (n_closed + 2))
    # LogisticRegression takes hard labels: a row with target t enters as open with weight t and closed with 1 - t.
    with warnings.catch_warnings():
        # scikit-learn 1.8 warns of the C that means no penalty.
        warnings.filterwarnings("ignore", "Setting penalty=None", UserWarning)
        fitted = LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000, fit_intercept=intercept).fit(
            np.tile(decision, 2)[:, np.newaxis],
            np.repeat([1, 0], len(decision)),
            sample_weight=np.concatenate([weight * target, weight * (1 - target)]),
        )
    return float(fitted.coef_[0, 0]), float(np.ravel(fitted.intercept_)[0])
