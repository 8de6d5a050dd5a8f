"""A Gaussian mixture whose EM starts from a given assignment."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.mixture import GaussianMixture

from ..errors import ParameterError

__all__ = ["fit_informed_mixture"]

# Variances are near 1 / (number of features), because rows are standardized and divided by the root of that number.
_VARIANCE_FLOOR = 1e-6
_MAX_ITERATIONS = 300


def fit_informed_mixture(
    X: NDArray[Any], initial: NDArray[Any], *, floor: float = _VARIANCE_FLOOR
) -> NDArray[np.float64]:
    """Fit two Gaussians with a common covariance by EM; return each row's probability of the second.

    EM starts from the means, weights and covariance of the two sets in `initial` (0 or 1, at least 2 of each). Images
    of eyes split in two in many ways: by person, glasses, light, or opening. The initial assignment selects which of
    them is meant, and the data decide where the boundary is.
    """
    X = np.asarray(X, dtype=np.float64)
    second = np.asarray(initial).astype(bool)
    if min(second.sum(), (~second).sum()) < 2:
        raise ParameterError(f"initial has {second.sum()} of {len(second)} rows in set 1; each set needs at least 2")
    means = np.array([X[~second].mean(axis=0), X[second].mean(axis=0)])
    centred = X - means[second.astype(int)]
    covariance = centred.T @ centred / len(X)
    covariance[np.diag_indices_from(covariance)] += floor
    mixture = GaussianMixture(
        2,
        covariance_type="tied",
        means_init=means,
        weights_init=[1 - second.mean(), second.mean()],
        precisions_init=np.linalg.inv(covariance),
        reg_covar=floor,
        max_iter=_MAX_ITERATIONS,
        random_state=0,  # has no effect: means, weights and precisions are all given
    )
    return mixture.fit(X).predict_proba(X)[:, 1]
