"""Mirror-symmetric SVM with a learned metric: it compares rows along the directions that change its predictions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.linalg
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, validate_data

from .._utils.resources import map_in_threads
from ..errors import ParameterError
from .least_squares import LeastSquaresSvm, SymmetricSvm, image_kernels

__all__ = ["MetricSvm", "gradient_products"]

Rows = NDArray[np.float32]
Axes = tuple[Rows, Rows]  # even and odd, each (columns, directions)

_CHUNK = 2048
# The metric is the square root of the gradient products, and an axis is scaled by the square root of the metric.
_POWER = 0.25
# Rows that directions are learned from, and that a classifier without a part is fitted to, at most: drawn at random.
# All rows of a large training set take several times as long, and gain nothing.
_MAX_LEARNED, _MAX_HELD_OUT = 36_000, 24_000


class MetricSvm(SymmetricSvm):
    """Mirror-symmetric SVM with a learned metric (recursive feature machine).

    1. A `SymmetricSvm` is fitted to the rows.
    2. ``G``, the mean over the rows of ``grad f(x) grad f(x)'`` for its decision function ``f``, weights directions by
       their effect on the prediction. Even and odd columns have no common gradient, so each half has its own ``G``.
    3. The rows of each half are projected on the ``n_directions / 2`` leading eigenvectors of its ``G``, scaled by
       ``lambda ** (1 / 4)``. Up to the discarded directions, squared distances become ``(x - z)' sqrt(G) (x - z)``.
    4. Steps 1 to 3 are repeated ``n_rounds`` times in all, on 36,000 rows at most; then a last `SymmetricSvm` is fitted
       to all.

    Differences between images that do not concern the classes no longer count, and fewer numbers per image are needed:
    the projection can be merged with that of the PCA before it.

    The defaults are those of the recipe ``default``.

    Parameters
    ----------
    n_support : int or None, default 1500
        Number of support vectors, at most the number of rows; None is a tenth of the rows, from 1000 to 3000.
    n_directions : int, default 96
        Number of directions, half of them even and half odd, at most the number of columns; 2 or more.
    n_rounds : int, default 2
        Number of times that the directions are learned, 1 or more.
    gamma : float, default 0.25
        Kernel coefficient along the directions, as in `LeastSquaresSvm`; > 0.
    alpha : float, default 3e-6
        As in `LeastSquaresSvm`; > 0.
    random_state : int, default 0
        Seed of the draw of support vectors.
    group_effect : float, default 0.03
        Adds a random intercept per person, so that the classifier does not learn identity; as in `LeastSquaresSvm`.

    Attributes
    ----------
    even_, odd_ : float32 array of shape (d / 2, k)
        Scaled directions of each half, as columns.
    support_vectors_ : float32 array of shape (n_support, 2 k)
        Support vectors, projected on the directions.
    classes_, dual_coef_, intercept_, n_support_ : ndarray
        As in `LeastSquaresSvm`.

    Raises
    ------
    ParameterError
        In `fit`, as in `SymmetricSvm`, and if n_directions or n_rounds is out of its range.

    References
    ----------
    A. Radhakrishnan, D. Beaglehole, P. Pandit and M. Belkin, "Mechanism for feature learning in neural networks and
    backpropagation-free machine learning models", Science 383, 2024: steps 2 to 4, with ``G`` instead of its square
    root, which was more accurate here. This is a kernel method; no network is trained.
    https://doi.org/10.1126/science.adi5639

    Examples
    --------
    >>> import numpy as np
    >>> from classic_eyes.svm import MetricSvm
    >>> X = np.random.default_rng(0).normal(size=(500, 20))
    >>> y, people = (X[:, 0] > 0).astype(int), np.arange(500) // 10
    >>> svm = MetricSvm(100, n_directions=4).fit(X, y, groups=people)
    >>> int(np.abs(svm.even_).sum(axis=1).argmax())
    0
    """

    def __init__(
        self,
        n_support: int | None = 1500,
        *,
        n_directions: int = 96,
        n_rounds: int = 2,
        gamma: float = 0.25,
        alpha: float = 3e-6,
        random_state: int = 0,
        group_effect: float = 0.03,
    ) -> None:
        super().__init__(n_support, gamma=gamma, alpha=alpha, random_state=random_state, group_effect=group_effect)
        self.n_directions = n_directions
        self.n_rounds = n_rounds

    def fit_out_of_fold(
        self,
        X: ArrayLike,
        y: ArrayLike,
        held_out: Sequence[NDArray[np.bool_]],
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> list[LeastSquaresSvm]:
        """Fit to all rows, and to 24,000 rows at most without each of several parts, directions included.

        Parameters
        ----------
        X : array of shape (n, d)
            Rows of features, even half first.
        y : array of shape (n,)
            Labels of two classes.
        held_out : sequence of bool array of shape (n,)
            Parts; both classes must occur outside of each.
        sample_weight : array of shape (n,), optional
            Weight of each row, 0 or more.
        groups : array of shape (n,), optional
            Person of each row; used if ``group_effect`` is above 0.

        Returns
        -------
        list of MetricSvm
            One SVM for each part, fitted without it. The SVM itself is fitted to all rows.
        """
        rows, labels = validate_data(self, X, y, dtype=np.float32)
        check_classification_targets(labels)
        self._check_directions()
        weight = _check_sample_weight(sample_weight, rows, dtype=np.float64, ensure_non_negative=True)
        names = self._check_groups(groups, len(rows))

        def fit_one(part: NDArray[np.bool_] | None) -> LeastSquaresSvm:
            if part is None:
                self._fit_rounds(rows, labels, weight, names)
                return self
            kept = _draw(np.flatnonzero(~part), _MAX_HELD_OUT, self.random_state)
            own = None if names is None else names[kept]
            return clone(self).fit(rows[kept], labels[kept], weight[kept], own)

        # Unlike support vectors, directions depend on labels: each part needs its own.
        return map_in_threads(fit_one, [None, *held_out])[1:]

    def _check_directions(self) -> None:
        for name, least in (("n_directions", 2), ("n_rounds", 1)):
            value = getattr(self, name)
            if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least:
                raise ParameterError(f"{name} is {value!r}; allowed is an integer of at least {least}")

    def _fit_rounds(
        self, rows: Rows, labels: NDArray[Any], weight: NDArray[np.float64], names: NDArray[Any] | None
    ) -> None:
        chosen = _draw(np.arange(len(rows)), _MAX_LEARNED, self.random_state)
        part, own = rows[chosen], None if names is None else names[chosen]
        svm = self._make_svm().fit(part, labels[chosen], weight[chosen], own)
        half = rows.shape[1] // 2
        axes = np.eye(half, dtype=np.float32), np.eye(half, dtype=np.float32)
        for n_left in reversed(range(self.n_rounds)):
            products = gradient_products(svm, _project(part, axes), weight[chosen])
            axes = _update_axes(axes, products, self.n_directions // 2)
            if n_left:
                svm = self._make_svm().fit(_project(part, axes), labels[chosen], weight[chosen], own)
        svm = self._make_svm().fit(_project(rows, axes), labels, weight, names)
        self.even_, self.odd_ = axes
        self.classes_, self._gamma = svm.classes_, svm._gamma
        self.support_vectors_, self.n_support_ = svm.support_vectors_, svm.n_support_
        self.dual_coef_, self.intercept_ = svm.dual_coef_, svm.intercept_

    def _make_svm(self) -> SymmetricSvm:
        shared = {name: value for name, value in self.get_params().items() if name not in ("n_directions", "n_rounds")}
        return SymmetricSvm(**shared)

    def _project(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        return _project(X, (self.even_, self.odd_))


def _draw(rows: NDArray[np.intp], at_most: int, random_state: int) -> NDArray[np.intp]:
    """Return the rows, or as many of them as are allowed, drawn at random."""
    if len(rows) <= at_most:
        return rows
    return np.sort(np.random.default_rng(random_state).permutation(rows)[:at_most])


def gradient_products(
    svm: SymmetricSvm, X: Rows, weight: NDArray[np.float64] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the average gradient outer products of the decision function for even and for odd columns.

    With the kernels ``a`` and ``b`` of a row and the support vectors ``s`` and their mirror images, and coefficients
    ``c``, the gradient is ``gamma sum_j c_j (a_j + b_j) (s_j - x)`` along even columns, and ``gamma sum_j c_j ((a_j -
    b_j) s_j - (a_j + b_j) x)`` along odd columns.
    """
    half = X.shape[1] // 2
    weight = np.ones(len(X)) if weight is None else weight
    support, dual = svm.support_vectors_, svm.dual_coef_[0].astype(np.float32)
    columns, squares = support.T, np.einsum("ij,ij->i", support, support)
    even, odd = (np.zeros((half, half), order="F") for _ in range(2))
    for start in range(0, len(X), _CHUNK):
        rows = X[start : start + _CHUNK]
        same, mirrored = image_kernels(rows, columns, squares, svm._gamma)
        both, difference = (same + mirrored) * dual, (same - mirrored) * dual
        total = both.sum(axis=1)[:, np.newaxis]
        root = np.sqrt(weight[start : start + _CHUNK, np.newaxis]).astype(np.float32)
        for products, gradient in (
            (even, both @ support[:, :half] - total * rows[:, :half]),
            (odd, difference @ support[:, half:] - total * rows[:, half:]),
        ):
            products += scipy.linalg.blas.ssyrk(1.0, (gradient * root).T, lower=True)
    factor = svm._gamma**2 / weight.sum()
    even, odd = (factor * (products + np.tril(products, -1).T) for products in (even, odd))
    return even, odd


def _project(rows: NDArray[Any], axes: Axes) -> NDArray[Any]:
    half = rows.shape[1] // 2
    return np.hstack([rows[:, :half] @ axes[0], rows[:, half:] @ axes[1]])


def _update_axes(axes: Axes, products: tuple[NDArray[np.float64], NDArray[np.float64]], kept: int) -> Axes:
    """Return the axes of the gradient products of an SVM that was fitted to rows projected on `axes`."""
    before = [axis.astype(np.float64) for axis in axes]
    found = [scipy.linalg.eigh(a @ g @ a.T, check_finite=False) for a, g in zip(before, products, strict=True)]
    # One scale for both halves, so that the weight of the odd half relative to the even one is learned too.
    largest = max(values[-1] for values, _ in found)
    if largest <= 0:
        raise ParameterError("y does not depend on X: the decision function is constant and has no direction")
    even, odd = (_scale(values / largest, vectors, kept) for values, vectors in found)
    return even, odd


def _scale(values: NDArray[np.float64], vectors: NDArray[np.float64], kept: int) -> Rows:
    values, vectors = np.maximum(values[::-1][:kept], 0), vectors[:, ::-1][:, :kept]
    # The sign of an eigenvector is arbitrary; the largest entry decides it, so that the same rows give the same bytes.
    largest = vectors[np.abs(vectors).argmax(axis=0), np.arange(vectors.shape[1])]
    return np.ascontiguousarray(vectors * np.where(largest < 0, -1, 1) * values**_POWER, dtype=np.float32)
