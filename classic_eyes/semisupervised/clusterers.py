"""Clusterers of rows of components: a literal table from names to functions."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import DBSCAN, HDBSCAN, AgglomerativeClustering, BisectingKMeans, KMeans
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import NearestNeighbors

from ..errors import ParameterError

__all__ = ["CLUSTERERS", "cluster_rows", "informed_mixture"]

Clusters = NDArray[np.int64]

_MAX_ITERATIONS = 300
# Added to every variance; rows are standardised features over the root of their number.
_FLOOR = 1e-6


def _kmeans(rows: NDArray[Any], start: NDArray[Any], random_state: int, *, n_init: int = 3) -> Clusters:
    del start
    return KMeans(2, n_init=n_init, random_state=random_state).fit_predict(rows)


def _bisecting(rows: NDArray[Any], start: NDArray[Any], random_state: int, *, n_init: int = 3) -> Clusters:
    del start
    return BisectingKMeans(2, n_init=n_init, random_state=random_state).fit_predict(rows)


def _agglomerative(rows: NDArray[Any], start: NDArray[Any], random_state: int, *, linkage: str = "ward") -> Clusters:
    del start, random_state
    return AgglomerativeClustering(2, linkage=linkage).fit_predict(rows)


def _dbscan(
    rows: NDArray[Any], start: NDArray[Any], random_state: int, *, reach: float = 0.5, min_samples: int = 8
) -> Clusters:
    """Take for ``eps`` that quantile of the distances to the neighbour which makes a row a core: ``reach``."""
    del start, random_state
    n_neighbors = min(min_samples, len(rows) - 1)
    distances = NearestNeighbors(n_neighbors=n_neighbors).fit(rows).kneighbors()[0][:, -1]
    return DBSCAN(eps=float(np.quantile(distances, reach)) + 1e-12, min_samples=min_samples).fit_predict(rows)


def _hdbscan(
    rows: NDArray[Any], start: NDArray[Any], random_state: int, *, least_share: float = 0.02, min_samples: int = 8
) -> Clusters:
    del start, random_state
    least = max(2, int(least_share * len(rows)))
    return HDBSCAN(min_cluster_size=least, min_samples=min_samples, copy=True).fit_predict(rows)


def _gmm(
    rows: NDArray[Any], start: NDArray[Any], random_state: int, *, covariance: str = "full", floor: float = _FLOOR
) -> Clusters:
    del start
    mixture = GaussianMixture(
        2, covariance_type=covariance, reg_covar=floor, max_iter=_MAX_ITERATIONS, random_state=random_state
    )
    return mixture.fit_predict(rows)


def _gmm_tied(rows: NDArray[Any], start: NDArray[Any], random_state: int, *, floor: float = _FLOOR) -> Clusters:
    return _gmm(rows, start, random_state, covariance="tied", floor=floor)


def _informed(rows: NDArray[Any], start: NDArray[Any], random_state: int, *, floor: float = _FLOOR) -> Clusters:
    del random_state
    return (informed_mixture(rows, start, floor=floor) >= 0.5).astype(np.int64)


CLUSTERERS: dict[str, Callable[..., Clusters]] = {
    "kmeans": _kmeans,
    "bisecting": _bisecting,
    "agglomerative": _agglomerative,
    "dbscan": _dbscan,
    "hdbscan": _hdbscan,
    "gmm": _gmm,
    "gmm_tied": _gmm_tied,
    "informed": _informed,
}


def informed_mixture(rows: NDArray[Any], start: NDArray[Any], *, floor: float = _FLOOR) -> NDArray[np.float64]:
    """Fit two Gaussians of one covariance by EM, beginning from a guess; return each row's share of the second.

    1. Means, weights and the common covariance of the two sets in `start` are where EM begins.
    2. EM runs until the likelihood settles. The guess only says which of the many ways in which images of eyes fall
       into two (person, glasses, light, open or closed) is meant; where the threshold runs, the images decide.

    Parameters
    ----------
    rows : float array of shape (n, d)
        Components.
    start : array of shape (n,)
        The guess, 0 or 1; at least 2 of each.
    floor : float, default 1e-6
        Added to every variance.

    Returns
    -------
    float64 array of shape (n,)
        Probability of having come from the second Gaussian.

    Raises
    ------
    ParameterError
        Where the guess has fewer than two of a kind.

    References
    ----------
    Dempster, Laird, Rubin, Journal of the Royal Statistical Society B 39, 1977, doi:10.1111/j.2517-6161.1977.tb01600.x.

    Examples
    --------
    >>> rows = np.random.default_rng(0).normal(size=(100, 2)) + np.repeat([[0, 0], [9, 9]], 50, axis=0)
    >>> shares = informed_mixture(rows, np.arange(100) >= 40)
    >>> int((shares >= 0.5).sum())
    50
    """
    rows = np.asarray(rows, dtype=np.float64)
    second = np.asarray(start).astype(bool)
    if min(second.sum(), (~second).sum()) < 2:
        raise ParameterError(
            f"start has {second.sum()} of {len(second)} in the second set; at least 2 of each are needed"
        )
    means = np.array([rows[~second].mean(axis=0), rows[second].mean(axis=0)])
    centred = rows - means[second.astype(int)]
    covariance = centred.T @ centred / len(rows)
    covariance[np.diag_indices_from(covariance)] += floor
    mixture = GaussianMixture(
        2,
        covariance_type="tied",
        means_init=means,
        weights_init=[1 - second.mean(), second.mean()],
        precisions_init=np.linalg.inv(covariance),
        reg_covar=floor,
        max_iter=_MAX_ITERATIONS,
        random_state=0,  # not used: everything is given
    )
    return mixture.fit(rows).predict_proba(rows)[:, 1]


def cluster_rows(
    rows: NDArray[Any], clusterer: str, start: NDArray[Any], *, random_state: int = 0, **parameters: Any
) -> Clusters:
    """Cluster rows by a name of `CLUSTERERS`.

    Parameters
    ----------
    rows : float array of shape (n, d)
        Components.
    clusterer : str
        A name.
    start : array of shape (n,)
        A guess, 0 or 1, for the one that begins from knowledge (``informed``).
    random_state : int, default 0
        Seed.
    **parameters
        Of the clusterer.

    Returns
    -------
    int64 array of shape (n,)
        Cluster of each row; -1 for noise.

    Raises
    ------
    ParameterError
        For an unknown name, listing the known ones.

    Examples
    --------
    >>> rows = np.array([[0.0], [0.1], [5.0], [5.1]])
    >>> clusters = cluster_rows(rows, "kmeans", np.zeros(4))
    >>> bool(clusters[0] == clusters[1] != clusters[2] == clusters[3])
    True
    """
    if clusterer not in CLUSTERERS:
        near = difflib.get_close_matches(clusterer, CLUSTERERS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ParameterError(f"clusterer {clusterer!r} is not known; known are {', '.join(CLUSTERERS)}{hint}")
    return np.asarray(CLUSTERERS[clusterer](rows, start, random_state, **parameters), dtype=np.int64)
