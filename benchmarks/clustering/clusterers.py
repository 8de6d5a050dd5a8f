"""The clusterers that the study compares, by name."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import DBSCAN, HDBSCAN, AgglomerativeClustering, BisectingKMeans, KMeans
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import NearestNeighbors

from classic_eyes.errors import ParameterError
from classic_eyes.semisupervised.mixture import fit_informed_mixture

__all__ = ["CLUSTERERS", "cluster_rows"]

Clusters = NDArray[np.int64]

_MAX_ITERATIONS = 300
_VARIANCE_FLOOR = 1e-6


def _kmeans(rows: NDArray[Any], initial: NDArray[Any], random_state: int, *, n_init: int = 3) -> Clusters:
    return KMeans(2, n_init=n_init, random_state=random_state).fit_predict(rows)


def _bisecting(rows: NDArray[Any], initial: NDArray[Any], random_state: int, *, n_init: int = 3) -> Clusters:
    return BisectingKMeans(2, n_init=n_init, random_state=random_state).fit_predict(rows)


def _agglomerative(rows: NDArray[Any], initial: NDArray[Any], random_state: int, *, linkage: str = "ward") -> Clusters:
    return AgglomerativeClustering(2, linkage=linkage).fit_predict(rows)


def _dbscan(
    rows: NDArray[Any], initial: NDArray[Any], random_state: int, *, reach: float = 0.5, min_samples: int = 8
) -> Clusters:
    """`reach` is the quantile of the distances to the neighbour that makes a row a core point; it sets ``eps``."""
    n_neighbors = min(min_samples, len(rows) - 1)
    distances = NearestNeighbors(n_neighbors=n_neighbors).fit(rows).kneighbors()[0][:, -1]
    return DBSCAN(eps=float(np.quantile(distances, reach)) + 1e-12, min_samples=min_samples).fit_predict(rows)


def _hdbscan(
    rows: NDArray[Any], initial: NDArray[Any], random_state: int, *, least_share: float = 0.02, min_samples: int = 8
) -> Clusters:
    size = max(2, int(least_share * len(rows)))
    return HDBSCAN(min_cluster_size=size, min_samples=min_samples, copy=True).fit_predict(rows)


def _gmm(
    rows: NDArray[Any],
    initial: NDArray[Any],
    random_state: int,
    *,
    covariance: str = "full",
    floor: float = _VARIANCE_FLOOR,
) -> Clusters:
    mixture = GaussianMixture(
        2, covariance_type=covariance, reg_covar=floor, max_iter=_MAX_ITERATIONS, random_state=random_state
    )
    return mixture.fit_predict(rows)


def _gmm_tied(
    rows: NDArray[Any], initial: NDArray[Any], random_state: int, *, floor: float = _VARIANCE_FLOOR
) -> Clusters:
    return _gmm(rows, initial, random_state, covariance="tied", floor=floor)


def _informed(
    rows: NDArray[Any], initial: NDArray[Any], random_state: int, *, floor: float = _VARIANCE_FLOOR
) -> Clusters:
    return (fit_informed_mixture(rows, initial, floor=floor) >= 0.5).astype(np.int64)


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


def cluster_rows(
    rows: NDArray[Any], clusterer: str, initial: NDArray[Any], *, random_state: int = 0, **parameters: Any
) -> Clusters:
    """Cluster rows by a name of `CLUSTERERS`; -1 is noise. Only ``informed`` uses the initial assignment (0 or 1).

    >>> rows = np.array([[0.0], [0.1], [5.0], [5.1]])
    >>> clusters = cluster_rows(rows, "kmeans", np.zeros(4))
    >>> bool(clusters[0] == clusters[1] != clusters[2] == clusters[3])
    True
    """
    if clusterer not in CLUSTERERS:
        near = difflib.get_close_matches(clusterer, CLUSTERERS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ParameterError(f"clusterer {clusterer!r} is not known; known are {', '.join(CLUSTERERS)}{hint}")
    return np.asarray(CLUSTERERS[clusterer](rows, initial, random_state, **parameters), dtype=np.int64)
