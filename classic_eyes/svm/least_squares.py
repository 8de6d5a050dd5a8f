"""A support vector machine of fixed size: least squares on a Nystroem map, trained in seconds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Self

import numpy as np
import scipy.linalg
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from ..errors import ParameterError

__all__ = ["LeastSquaresSvm", "SymmetricSvm", "image_kernels", "symmetric_rbf", "rbf"]

Rows = NDArray[np.float32]

# Keeps the kernel matrix of near-identical support vectors positive definite.
_JITTER = 1e-5
# Rows of the kernel at a time: few enough for the cache, enough for BLAS.
_CHUNK = 2048
# libm's exp of a float is smallest here; further out a support vector has no say anyway.
_EXP_FLOOR = -80.0


class _Sums(NamedTuple):
    """What least squares needs to know of rows; it adds up over them, so that a part can be taken away."""

    gram: NDArray[np.float64]  # weighted products of the columns; the lower triangle only
    pull: NDArray[np.float64]  # weighted products with the targets
    column: NDArray[np.float64]  # weighted sums of the columns
    weight: float
    target: float
    scale: float  # the weight that alpha is multiplied with


class LeastSquaresSvm(ClassifierMixin, BaseEstimator):
    """Tell two classes apart by a least-squares support vector machine with a fixed number of support vectors.

    1. ``n_support`` rows ``s`` are drawn from the training set; ``K_ss`` is their RBF kernel and ``K_ss = R R'``.
    2. Each row is mapped to ``phi(x) = R^-1 k(x, s)`` (Nystroem), so that ``phi(x)' phi(z)`` approximates
       ``exp(-gamma |x - z|^2)``.
    3. ``w, b`` minimise ``sum_i c_i (t_i - w' phi(x_i) - b)^2 + alpha sum_i c_i |w|^2`` for targets ``t`` of -1 and 1
       and sample weights ``c``: one linear system, no iterations.
    4. With ``group_effect`` each group has an intercept of its own besides, a random effect of that variance in units
       of a row's noise, so that what sets people apart is not learnt as what sets the classes apart. With ``c_g``, the
       weight of group g, all sums over rows lose ``sum_g q_g a_g b_g / c_g`` for the group's own sums ``a_g``, ``b_g``
       and ``q_g = group_effect c_g / (1 + group_effect c_g)``: the further above 0, the more the rows of a group are
       compared with each other only.
    5. ``decision_function(x) = k(x, s) R'^-1 w + b``: what an SVM with these support vectors computes.

    Parameters
    ----------
    n_support : int, optional
        Support vectors, at most; all rows where there are fewer. By default a tenth of the rows, from 1500 to 3000.
    gamma : float, default 0.4
        Width of the kernel in units of ``1 / sum of the variances of the columns``, scikit-learn's ``"scale"``; > 0.
    alpha : float, default 3e-6
        Weight of ``|w|^2`` for each unit of sample weight; > 0.
    random_state : int, default 0
        Seed of the draw.
    group_effect : float, default 0.0
        Variance of the groups' own intercepts, 0 or more; 0 for none. It needs ``groups`` in `fit`.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        The labels, the negative one first.
    support_vectors_ : float32 array of shape (n_support, d)
        The rows drawn.
    dual_coef_ : float64 array of shape (1, n_support)
        Their coefficients.
    intercept_ : float64 array of shape (1,)
        ``b``.
    n_support_ : int array of shape (1,)
        How many there are.

    Raises
    ------
    ParameterError
        In `fit`, for a parameter out of its range, other than two classes, or a group effect without groups.

    Notes
    -----
    The cost is ``n m^2`` for n rows and m support vectors, where libsvm's grows with ``n^2``; the memory ``4 n m``
    bytes. Sums keep their order, so the same rows give the
    same bytes with the same number of BLAS threads.

    References
    ----------
    Suykens, Vandewalle, "Least squares support vector machine classifiers", Neural Processing Letters 9, 1999,
    doi:10.1023/A:1018628609742.
    Williams, Seeger, "Using the Nystroem method to speed up kernel machines", NIPS 13, 2001 (no DOI).
    De Brabanter, De Brabanter, Suykens, De Moor, "Optimized fixed-size kernel models for large data sets",
    Computational Statistics & Data Analysis 54, 2010, doi:10.1016/j.csda.2010.01.024.
    Luts, Molenberghs, Verbeke, Van Huffel, Suykens, "A mixed effects least squares support vector machine model for
    classification of longitudinal data", Computational Statistics & Data Analysis 56, 2012,
    doi:10.1016/j.csda.2011.09.008: step 4.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 2))
    >>> y = (np.hypot(*X.T) < 1).astype(int)
    >>> bool(LeastSquaresSvm(50, gamma=1.0).fit(X, y).score(X, y) > 0.95)
    True
    """

    # Accuracy grows slowly with the number, the time of a fit with its square.
    _support_range = (1500, 3000)

    def __init__(
        self,
        n_support: int | None = None,
        *,
        gamma: float = 0.4,
        alpha: float = 3e-6,
        random_state: int = 0,
        group_effect: float = 0.0,
    ) -> None:
        self.n_support = n_support
        self.gamma = gamma
        self.alpha = alpha
        self.random_state = random_state
        self.group_effect = group_effect

    def __setstate__(self, state: dict[str, Any]) -> None:
        # A file of an earlier version knows nothing of the parameter.
        super().__setstate__({"group_effect": 0.0, **state})

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags

    def fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None, groups: ArrayLike | None = None
    ) -> Self:
        """Learn from labelled rows.

        Parameters
        ----------
        X : array of shape (n, d)
            Rows of features.
        y : array of shape (n,)
            Two classes.
        sample_weight : array of shape (n,), optional
            Weight of each row, 0 or more.
        groups : array of shape (n,), optional
            Person of each row, for a group effect; not used without one.

        Returns
        -------
        LeastSquaresSvm
            Itself.
        """
        self.fit_without(X, y, (), sample_weight, groups)
        return self

    def fit_without(
        self,
        X: ArrayLike,
        y: ArrayLike,
        left_out: Sequence[NDArray[np.bool_]],
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> list[LeastSquaresSvm]:
        """Learn from all rows and, at little more cost, once more without each of several parts.

        The machines share their support vectors, which carry no label; a part's share in the sums of step 3 is taken
        away before the system is solved.

        Parameters
        ----------
        X : array of shape (n, d)
            Rows of features.
        y : array of shape (n,)
            Two classes.
        left_out : sequence of bool array of shape (n,)
            Rows that one machine must not learn from; no row in two parts, and both classes outside of each.
        sample_weight : array of shape (n,), optional
            Weight of each row, 0 or more.
        groups : array of shape (n,), optional
            Person of each row, for a group effect; one that is in several parts counts as one in each.

        Returns
        -------
        list of LeastSquaresSvm
            Fitted, one for each of `left_out`; this one is fitted to all rows.
        """
        rows, labels = validate_data(self, X, y, dtype=np.float32)
        check_classification_targets(labels)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        self._check(codes)
        weight = _check_sample_weight(sample_weight, rows, dtype=np.float64, ensure_non_negative=True)
        names = self._names_of(groups, len(rows))
        target = np.where(codes == 1, 1.0, -1.0)
        n_support = self.n_support or int(np.clip(len(rows) // 10, *self._support_range))
        drawn = np.random.default_rng(self.random_state).permutation(len(rows))[:n_support]
        self.support_vectors_ = rows[np.sort(drawn)]
        self.n_support_ = np.array([len(drawn)])
        variance = float(rows.var(axis=0, dtype=np.float64).sum())
        self._gamma = self.gamma / (variance or 1.0)
        root = self._root()
        mapped = self._map(rows, root)
        rest = ~np.any(left_out, axis=0) if len(left_out) else np.ones(len(rows), dtype=bool)
        sums = [self._sums(mapped, target, weight, names, part) for part in (*left_out, rest)]
        whole = _Sums(*(sum(each) for each in zip(*sums, strict=True)))
        judges = [self._without(whole, part, root) for part in sums[:-1]]
        self._solve(whole, root)
        return judges

    def _check(self, codes: NDArray[np.intp]) -> None:
        if len(self.classes_) != 2:
            # scikit-learn's checks look for these words.
            one = "; with one class there is nothing to learn" if len(self.classes_) == 1 else ""
            raise ParameterError(
                f"Only binary classification is supported: y holds {len(self.classes_)} class(es), 2 are needed{one}"
            )
        n_support = self.n_support
        if n_support is not None and (not isinstance(n_support, int | np.integer) or n_support < 1):
            raise ParameterError(f"n_support is {n_support!r}; it must be a whole number from 1, or None")
        for name in ("gamma", "alpha"):
            value = getattr(self, name)
            if not isinstance(value, int | float | np.number) or not 0 < value < np.inf:
                raise ParameterError(f"{name} is {value!r}; it must be a number above 0")
        effect = self.group_effect
        if not isinstance(effect, int | float | np.number) or not 0 <= effect < np.inf:
            raise ParameterError(f"group_effect is {effect!r}; it must be a number, 0 or more")

    def _names_of(self, groups: ArrayLike | None, n: int) -> NDArray[Any] | None:
        """Return the name of each row's group; None where groups have no effect."""
        if not self.group_effect:
            return None
        if groups is None:
            raise ParameterError(f"group_effect is {self.group_effect!r} and groups is None; give the groups, or 0")
        names = np.asarray(groups)
        if names.shape != (n,):
            raise ParameterError(f"groups has shape {names.shape}; {n} rows need ({n},)")
        return names

    def _sums(
        self,
        mapped: Rows,
        target: NDArray[np.float64],
        weight: NDArray[np.float64],
        names: NDArray[Any] | None,
        part: NDArray[np.bool_],
    ) -> _Sums:
        rows, aims, weights = mapped[part], target[part], weight[part]
        sums = _add_up(rows, aims, weights)
        if names is None or not len(rows):
            return sums
        return _less(sums, self._effect(rows, aims, weights, names[part]))

    def _effect(
        self, rows: Rows, target: NDArray[np.float64], weight: NDArray[np.float64], names: NDArray[Any]
    ) -> _Sums:
        """Return what the sums over all rows lose where each group has an intercept of its own (step 4)."""
        _, members = np.unique(names, return_inverse=True)
        sizes = np.bincount(members, weight)
        columns = csr_array((weight.astype(np.float32), (members, np.arange(len(rows))))) @ rows
        targets = np.bincount(members, weight * target)
        share = self.group_effect / (1 + self.group_effect * sizes)
        scaled = (columns * np.sqrt(share)[:, np.newaxis]).astype(np.float32)
        gram = scipy.linalg.blas.ssyrk(1.0, scaled.T, lower=True).astype(np.float64)
        return _Sums(
            gram,
            columns.T @ (share * targets),
            columns.T @ (share * sizes),
            float(share @ sizes**2),
            float(share @ (sizes * targets)),
            0.0,
        )

    def _kernel(self, X: NDArray[Any], support: NDArray[Any]) -> NDArray[Any]:
        return _near_origin(X, support, self._gamma)

    def _compared(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what of the rows is compared with the support vectors."""
        return X

    def _root(self) -> Rows:
        # In float64 throughout: the kernel of near-identical rows must stay positive definite.
        support = self.support_vectors_.astype(np.float64)
        kernel = self._kernel(support, support)
        kernel[np.diag_indices_from(kernel)] += _JITTER
        return scipy.linalg.cholesky(kernel, lower=True, overwrite_a=True, check_finite=False).astype(np.float32)

    def _map(self, X: Rows, root: Rows) -> Rows:
        mapped = np.empty((len(X), len(root)), dtype=np.float32)
        for start in range(0, len(X), _CHUNK):
            kernel = self._kernel(X[start : start + _CHUNK], self.support_vectors_)
            mapped[start : start + _CHUNK] = scipy.linalg.solve_triangular(
                root, kernel.T, lower=True, overwrite_b=True, check_finite=False
            ).T
        return mapped

    def _without(self, whole: _Sums, part: _Sums, root: Rows) -> LeastSquaresSvm:
        judge = type(self)(**self.get_params())
        judge.classes_, judge.n_features_in_ = self.classes_, self.n_features_in_
        judge.support_vectors_, judge.n_support_, judge._gamma = self.support_vectors_, self.n_support_, self._gamma
        judge._solve(_less(whole, part), root)
        return judge

    def _solve(self, sums: _Sums, root: Rows) -> None:
        gram, pull, column, weight, total, scale = sums
        # The intercept is not shrunk: it is taken out of the system and put back afterwards.
        system = gram - np.outer(column, column) / weight
        system[np.diag_indices_from(system)] += self.alpha * scale
        factor = scipy.linalg.cho_factor(system, lower=True, overwrite_a=True, check_finite=False)
        w = scipy.linalg.cho_solve(factor, pull - column * total / weight, check_finite=False)
        self.intercept_ = np.array([(total - column @ w) / weight])
        self.dual_coef_ = scipy.linalg.solve_triangular(root.astype(np.float64), w, lower=True, trans=1)[np.newaxis]

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the margin of each row; positive means the second of `classes_`.

        Parameters
        ----------
        X : array of shape (n, d)
            Rows of features.

        Returns
        -------
        float64 array of shape (n,)
            Margins.
        """
        check_is_fitted(self, "dual_coef_")
        rows: NDArray[np.float64] = validate_data(self, X, dtype=np.float64, reset=False)
        support = self.support_vectors_.astype(np.float64)
        chunks = (self._compared(rows[start : start + _CHUNK]) for start in range(0, len(rows), _CHUNK))
        parts = [self._kernel(chunk, support) @ self.dual_coef_[0] for chunk in chunks]
        return np.concatenate(parts) + self.intercept_[0]

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the class of each row.

        Parameters
        ----------
        X : array of shape (n, d)
            Rows of features.

        Returns
        -------
        array of shape (n,)
            One of `classes_`.
        """
        positive = self.decision_function(X) >= 0
        return self.classes_[positive.astype(np.intp)]


class SymmetricSvm(LeastSquaresSvm):
    """Tell two classes apart by a machine that gives an image and its mirror image the same margin, exactly.

    Rows are what `classic_eyes.svm.symmetric.SymmetricPca` gives: a first half of even columns, the same for an image and its
    mirror image, and a second half of odd ones, which change their sign. Steps and parameters are those of
    `LeastSquaresSvm`, with the kernel averaged over both images::

        k(x, s) = (exp(-gamma |x - s|^2) + exp(-gamma |x - mirror(s)|^2)) / 2

    so each support vector does the work of two, no mirror image is needed among the training rows, and no second pass
    over a mirrored image when asked: both exponents come from one product of the even and one of the odd halves.

    Parameters
    ----------
    n_support : int, optional
        Support vectors, at most; all rows where there are fewer. By default a tenth of the rows, from 1000 to 3000.
    gamma : float, default 0.4
        As in `LeastSquaresSvm`; > 0.
    alpha : float, default 3e-6
        As in `LeastSquaresSvm`; > 0.
    random_state : int, default 0
        Seed of the draw.
    group_effect : float, default 0.0
        As in `LeastSquaresSvm`; 0 or more.

    Attributes
    ----------
    classes_, support_vectors_, dual_coef_, intercept_, n_support_ : ndarray
        As in `LeastSquaresSvm`.

    Raises
    ------
    ParameterError
        In `fit`, as `LeastSquaresSvm`, and for an odd number of columns.

    References
    ----------
    Haasdonk, Burkhardt, "Invariant kernel functions for pattern analysis and machine learning", Machine Learning 68,
    2007, doi:10.1007/s10994-007-5009-7: kernels averaged over transformations.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(200, 2))
    >>> machine = SymmetricSvm(50, gamma=1.0).fit(X, (X[:, 0] + X[:, 1] ** 2 > 1).astype(int))
    >>> bool(np.allclose(machine.decision_function(X), machine.decision_function(X * [1, -1])))
    True
    """

    # Each does the work of two, where there is one source; two sources need more.
    _support_range = (1000, 3000)

    def _kernel(self, X: NDArray[Any], support: NDArray[Any]) -> NDArray[Any]:
        half = X.shape[1] // 2
        if X.shape[1] % 2:
            raise ParameterError(f"X has {X.shape[1]} columns; an even half and an odd half of one length are needed")
        # The origin of the odd half is the mirror and stays where it is.
        origin = np.concatenate([support[:, :half].mean(axis=0), np.zeros(half, support.dtype)])
        X, support = X - origin, support - origin
        kernel = symmetric_rbf(X, support.T, np.einsum("ij,ij->i", support, support), self._gamma)
        return np.minimum(kernel, 1, out=kernel)


def symmetric_rbf(X: NDArray[Any], columns: NDArray[Any], squares: NDArray[Any], gamma: float) -> NDArray[Any]:
    """Return the RBF kernel averaged over a row and its mirror image, whose second half has the other sign.

    Parameters
    ----------
    X : float array of shape (n, 2 k)
        Rows, even half first.
    columns : float array of shape (2 k, m)
        Support vectors, as columns.
    squares : float array of shape (m,)
        Their squared lengths.
    gamma : float
        Width, greater than 0.

    Returns
    -------
    float array of shape (n, m)
        Above 0; above 1 by rounding at most.

    Examples
    --------
    >>> symmetric_rbf(np.array([[0.0, 1.0]]), np.array([[0.0], [1.0]]), np.array([1.0]), 0.5).round(4).tolist()
    [[0.5677]]
    """
    same, mirrored = image_kernels(X, columns, squares, gamma)
    same += mirrored
    same *= 0.5
    return same


def image_kernels(
    X: NDArray[Any], columns: NDArray[Any], squares: NDArray[Any], gamma: float
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the two RBF kernels that `symmetric_rbf` averages.

    Parameters
    ----------
    X : float array of shape (n, 2 k)
        Rows, even half first.
    columns : float array of shape (2 k, m)
        Support vectors, as columns.
    squares : float array of shape (m,)
        Their squared lengths.
    gamma : float
        Width, greater than 0.

    Returns
    -------
    tuple of float array of shape (n, m)
        Of the rows and the support vectors, and of the rows and the support vectors' mirror images.

    Examples
    --------
    >>> kernels = image_kernels(np.array([[0.0, 1.0]]), np.array([[0.0], [1.0]]), np.array([1.0]), 0.5)
    >>> [kernel.round(4).tolist() for kernel in kernels]
    [[[1.0]], [[0.1353]]]
    """
    half = X.shape[1] // 2
    even = X[:, :half] @ columns[:half]
    even *= 2 * gamma
    even -= gamma * np.einsum("ij,ij->i", X, X)[:, np.newaxis]
    even -= gamma * squares
    odd = X[:, half:] @ columns[half:]
    odd *= 2 * gamma
    same = even + odd
    mirrored = np.subtract(even, odd, out=even)
    for exponent in (same, mirrored):
        np.maximum(exponent, _EXP_FLOOR, out=exponent)
        np.exp(exponent, out=exponent)
    return same, mirrored


def rbf(X: NDArray[Any], columns: NDArray[Any], squares: NDArray[Any], gamma: float) -> NDArray[Any]:
    """Return the RBF kernel as one matrix product, ``exp(2 gamma x s - gamma |x|^2 - gamma |s|^2)``.

    Parameters
    ----------
    X : float array of shape (n, d)
        Rows, in the precision in which the kernel is to be.
    columns : float array of shape (d, m)
        Support vectors, as columns.
    squares : float array of shape (m,)
        Their squared lengths.
    gamma : float
        Width, greater than 0.

    Returns
    -------
    float array of shape (n, m)
        Above 0; above 1 by rounding at most.

    Examples
    --------
    >>> rbf(np.zeros((1, 2)), np.ones((2, 1)), np.array([2.0]), 0.5).round(4).tolist()
    [[0.3679]]
    """
    kernel = X @ columns
    kernel *= 2 * gamma
    kernel -= gamma * np.einsum("ij,ij->i", X, X)[:, np.newaxis]
    kernel -= gamma * squares
    np.maximum(kernel, _EXP_FLOOR, out=kernel)
    return np.exp(kernel, out=kernel)


def _near_origin(X: NDArray[Any], support: NDArray[Any], gamma: float) -> NDArray[Any]:
    """Return the RBF kernel of rows that may lie anywhere: distances do not depend on the origin, rounding does."""
    origin = support.mean(axis=0)
    X, support = X - origin, support - origin
    kernel = rbf(X, support.T, np.einsum("ij,ij->i", support, support), gamma)
    return np.minimum(kernel, 1, out=kernel)


def _less(whole: _Sums, part: _Sums) -> _Sums:
    pairs: Iterator[tuple[Any, Any]] = zip(whole, part, strict=True)
    return _Sums(*(all_ - own for all_, own in pairs))


def _add_up(mapped: Rows, target: NDArray[np.float64], weight: NDArray[np.float64]) -> _Sums:
    m = mapped.shape[1]
    gram = np.zeros((m, m), order="F")
    for start in range(0, len(mapped), 4 * _CHUNK):
        rows = slice(start, start + 4 * _CHUNK)
        part = mapped[rows] * np.sqrt(weight[rows, np.newaxis]).astype(np.float32)
        gram += scipy.linalg.blas.ssyrk(1.0, part.T, lower=True)
    total = float(weight.sum())
    return _Sums(gram, mapped.T @ (weight * target), mapped.T @ weight, total, float(weight @ target), total)
