"""A mirror machine that learns by which directions images differ for its purpose, and compares along those."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.linalg
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, validate_data

from ..errors import ParameterError
from .least_squares import LeastSquaresSvm, SymmetricSvm, image_kernels

__all__ = ["MetricSvm", "gradient_products"]

Rows = NDArray[np.float32]
Axes = tuple[Rows, Rows]  # even and odd, each (columns, directions)

_CHUNK = 2048
# Quarter: the matrix of gradients counts by its root, and a direction by the root of that.
_POWER = 0.25


class MetricSvm(SymmetricSvm):
    """Tell two classes apart by a mirror machine whose distance is learnt (a recursive feature machine).

    1. A `SymmetricSvm` learns from the rows.
    2. ``G``, the mean over the rows of ``grad f(x) grad f(x)'`` for its margin ``f``, tells along which directions the
       answer changes. Even and odd columns have no gradient in common, so each half has its own ``G``.
    3. Rows are turned onto the ``n_directions / 2`` leading eigenvectors ``u`` of either half, each scaled by
       ``lambda ** (1 / 4)``: the squared distance between two rows is ``(x - z)' root(G) (x - z)``, what is left out
       aside.
    4. Steps 1 to 3 again, ``n_rounds`` times in all; then the last machine.

    What distinguishes images and not the classes thus stops counting, and fewer numbers an image are needed: the
    directions fold into the projection of the step before.

    Parameters
    ----------
    n_support : int, optional
        As in `SymmetricSvm`.
    n_directions : int, default 96
        Directions, at most, half of them even and half odd; 2 or more.
    n_rounds : int, default 2
        How often the directions are learnt, 1 or more.
    gamma : float, default 0.25
        As in `SymmetricSvm`, along the directions; > 0.
    alpha : float, default 3e-6
        As in `SymmetricSvm`; > 0.
    random_state : int, default 0
        As in `SymmetricSvm`.
    group_effect : float, default 0.0
        As in `SymmetricSvm`; 0 or more.

    Attributes
    ----------
    even_, odd_ : float32 array of shape (d / 2, k)
        The directions of either half, scaled, as columns.
    support_vectors_ : float32 array of shape (n_support, 2 k)
        Along the directions.
    classes_, dual_coef_, intercept_, n_support_ : ndarray
        As in `LeastSquaresSvm`.

    Raises
    ------
    ParameterError
        In `fit`, as `SymmetricSvm`, and for n_directions or n_rounds that are not allowed.

    References
    ----------
    Radhakrishnan, Beaglehole, Pandit, Belkin, "Mechanism for feature learning in neural networks and
    backpropagation-free machine learning models", Science 383, 2024, doi:10.1126/science.adi5639: steps 2 to 4, with
    ``G`` itself; its root did better here. The machine is a kernel machine; no network is trained.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(500, 20))
    >>> y = (X[:, 0] > 0).astype(int)
    >>> machine = MetricSvm(100, n_directions=4).fit(X, y)
    >>> int(np.abs(machine.even_).sum(axis=1).argmax())
    0
    """

    def __init__(
        self,
        n_support: int | None = None,
        *,
        n_directions: int = 96,
        n_rounds: int = 2,
        gamma: float = 0.25,
        alpha: float = 3e-6,
        random_state: int = 0,
        group_effect: float = 0.0,
    ) -> None:
        super().__init__(n_support, gamma=gamma, alpha=alpha, random_state=random_state, group_effect=group_effect)
        self.n_directions = n_directions
        self.n_rounds = n_rounds

    def fit_without(
        self,
        X: ArrayLike,
        y: ArrayLike,
        left_out: Sequence[NDArray[np.bool_]],
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> list[LeastSquaresSvm]:
        """Learn from all rows, and once more without each of several parts, directions and all.

        Parameters
        ----------
        X : array of shape (n, d)
            Rows of features, even half first.
        y : array of shape (n,)
            Two classes.
        left_out : sequence of bool array of shape (n,)
            Rows that one machine must not learn from; both classes outside of each.
        sample_weight : array of shape (n,), optional
            Weight of each row, 0 or more.
        groups : array of shape (n,), optional
            Person of each row, for a group effect.

        Returns
        -------
        list of MetricSvm
            Fitted, one for each of `left_out`; this one is fitted to all rows.
        """
        rows, labels = validate_data(self, X, y, dtype=np.float32)
        check_classification_targets(labels)
        self._check_directions()
        weight = _check_sample_weight(sample_weight, rows, dtype=np.float64, ensure_non_negative=True)
        names = self._names_of(groups, len(rows))
        # The directions carry labels: unlike support vectors they cannot be shared with who must not have seen them.
        judges: list[LeastSquaresSvm] = []
        for part in left_out:
            kept = ~part
            own = None if names is None else names[kept]
            judges.append(clone(self).fit(rows[kept], labels[kept], weight[kept], own))
        self._learn(rows, labels, weight, names)
        return judges

    def _check_directions(self) -> None:
        for name, least in (("n_directions", 2), ("n_rounds", 1)):
            value = getattr(self, name)
            if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least:
                raise ParameterError(f"{name} is {value!r}; it must be a whole number, {least} or more")

    def _learn(self, rows: Rows, labels: NDArray[Any], weight: NDArray[np.float64], names: NDArray[Any] | None) -> None:
        machine = self._machine().fit(rows, labels, weight, names)
        half = rows.shape[1] // 2
        axes = np.eye(half, dtype=np.float32), np.eye(half, dtype=np.float32)
        for _ in range(self.n_rounds):
            axes = _leading(axes, gradient_products(machine, _turn(rows, axes), weight), self.n_directions // 2)
            machine = self._machine().fit(_turn(rows, axes), labels, weight, names)
        self.even_, self.odd_ = axes
        self.classes_, self._gamma = machine.classes_, machine._gamma
        self.support_vectors_, self.n_support_ = machine.support_vectors_, machine.n_support_
        self.dual_coef_, self.intercept_ = machine.dual_coef_, machine.intercept_

    def _machine(self) -> SymmetricSvm:
        shared = {name: value for name, value in self.get_params().items() if name not in ("n_directions", "n_rounds")}
        return SymmetricSvm(**shared)

    def _compared(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        return _turn(X, (self.even_, self.odd_))


def gradient_products(
    machine: SymmetricSvm, X: Rows, weight: NDArray[np.float64] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean outer product of the margin's gradient, for the even and for the odd half of the columns.

    With ``a`` and ``b`` the kernels of a row with the support vectors and with their mirror images, and coefficients
    ``c``, the gradient is ``gamma sum_j c_j (a_j + b_j) (s_j - x)`` along even columns, and ``gamma sum_j c_j ((a_j -
    b_j) s_j - (a_j + b_j) x)`` along odd ones.

    Parameters
    ----------
    machine : SymmetricSvm
        Fitted.
    X : float32 array of shape (n, 2 k)
        Rows, even half first.
    weight : float64 array of shape (n,), optional
        Weight of each row in the mean.

    Returns
    -------
    tuple of float64 array of shape (k, k)
        Even, odd; symmetric, no eigenvalue below 0 but by rounding.

    References
    ----------
    Radhakrishnan et al., as in `MetricSvm`: the average gradient outer product.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(300, 4)).astype(np.float32)
    >>> machine = SymmetricSvm(100, gamma=1.0, alpha=1e-3).fit(X, X[:, 1] > 0)
    >>> even, odd = gradient_products(machine, X)
    >>> int(np.diag(even).argmax())
    1
    """
    half = X.shape[1] // 2
    weight = np.ones(len(X)) if weight is None else weight
    support, dual = machine.support_vectors_, machine.dual_coef_[0].astype(np.float32)
    columns, squares = support.T, np.einsum("ij,ij->i", support, support)
    even, odd = (np.zeros((half, half), order="F") for _ in range(2))
    for start in range(0, len(X), _CHUNK):
        rows = X[start : start + _CHUNK]
        same, mirrored = image_kernels(rows, columns, squares, machine._gamma)
        both, difference = (same + mirrored) * dual, (same - mirrored) * dual
        pull = both.sum(axis=1)[:, np.newaxis]
        share = np.sqrt(weight[start : start + _CHUNK, np.newaxis]).astype(np.float32)
        for products, gradient in (
            (even, both @ support[:, :half] - pull * rows[:, :half]),
            (odd, difference @ support[:, half:] - pull * rows[:, half:]),
        ):
            products += scipy.linalg.blas.ssyrk(1.0, (gradient * share).T, lower=True)
    factor = machine._gamma**2 / weight.sum()
    even, odd = (factor * (products + np.tril(products, -1).T) for products in (even, odd))
    return even, odd


def _turn(rows: NDArray[Any], axes: Axes) -> NDArray[Any]:
    half = rows.shape[1] // 2
    return np.hstack([rows[:, :half] @ axes[0], rows[:, half:] @ axes[1]])


def _leading(axes: Axes, products: tuple[NDArray[np.float64], NDArray[np.float64]], kept: int) -> Axes:
    """Return the axes along which a machine answers, for rows as they were before `axes` turned them."""
    before = [axis.astype(np.float64) for axis in axes]
    found = [scipy.linalg.eigh(a @ g @ a.T, check_finite=False) for a, g in zip(before, products, strict=True)]
    # Of both halves together: how much the odd half counts beside the even one is learnt too.
    largest = max(values[-1] for values, _ in found)
    if largest <= 0:
        raise ParameterError("y does not hang on the rows: the margin is the same everywhere and has no direction")
    even, odd = (_scaled(values / largest, vectors, kept) for values, vectors in found)
    return even, odd


def _scaled(values: NDArray[np.float64], vectors: NDArray[np.float64], kept: int) -> Rows:
    values, vectors = np.maximum(values[::-1][:kept], 0), vectors[:, ::-1][:, :kept]
    # A direction has no sign of its own; the largest entry decides, so that the same rows give the same bytes.
    largest = vectors[np.abs(vectors).argmax(axis=0), np.arange(vectors.shape[1])]
    return np.ascontiguousarray(vectors * np.where(largest < 0, -1, 1) * values**_POWER, dtype=np.float32)
