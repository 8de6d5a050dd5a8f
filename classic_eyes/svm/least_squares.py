"""Least-squares support vector machines of fixed size on a Nystroem map, and their RBF kernels."""

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

__all__ = ["LeastSquaresSvm", "SymmetricSvm", "image_kernels", "rbf", "symmetric_rbf"]

Rows = NDArray[np.float32]

# Keeps the kernel matrix of near-identical support vectors positive definite.
_JITTER = 1e-5
# Rows of the kernel at a time: few enough for the cache, enough for BLAS.
_CHUNK = 2048
# Where exp of a float32 is still normal; contributions of smaller values are negligible.
_MIN_EXPONENT = -80.0


def rbf(X: NDArray[Any], columns: NDArray[Any], squares: NDArray[Any], gamma: float) -> NDArray[Any]:
    """Return ``exp(-gamma |x - s|^2)`` for rows `X` and support vectors `columns` with squared lengths `squares`.

    >>> rbf(np.zeros((1, 2)), np.ones((2, 1)), np.array([2.0]), 0.5).round(4).tolist()
    [[0.3679]]
    """
    kernel = X @ columns
    kernel *= 2 * gamma
    kernel -= gamma * np.einsum("ij,ij->i", X, X)[:, np.newaxis]
    kernel -= gamma * squares
    np.maximum(kernel, _MIN_EXPONENT, out=kernel)
    return np.exp(kernel, out=kernel)


def symmetric_rbf(X: NDArray[Any], columns: NDArray[Any], squares: NDArray[Any], gamma: float) -> NDArray[Any]:
    """Return the mean of the `rbf` kernels of a row and of its mirror image, whose second half is negated.

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
    """Return the two kernels that `symmetric_rbf` averages, with the support vectors and with their mirror images.

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
        np.maximum(exponent, _MIN_EXPONENT, out=exponent)
        np.exp(exponent, out=exponent)
    return same, mirrored


class _Sums(NamedTuple):
    """Sufficient statistics of weighted least squares. They are sums over rows, so parts can be subtracted."""

    gram: NDArray[np.float64]  # weighted products of the columns; only the lower triangle
    target_products: NDArray[np.float64]  # weighted products of columns and targets
    columns: NDArray[np.float64]  # weighted sums of the columns
    weight: float
    targets: float  # weighted sum of the targets
    scale: float  # weight by which alpha is multiplied


class LeastSquaresSvm(ClassifierMixin, BaseEstimator):
    """Binary least-squares SVM with a fixed number of support vectors.

    1. ``n_support`` rows ``s`` are drawn from the training set; ``K_ss`` is their RBF kernel matrix, ``K_ss = R R'``.
    2. Each row is mapped to ``phi(x) = R^-1 k(x, s)`` (Nystroem), so that ``phi(x)' phi(z)`` approximates
       ``exp(-gamma |x - z|^2)``.
    3. ``w, b`` minimize ``sum_i c_i (t_i - w' phi(x_i) - b)^2 + alpha sum_i c_i |w|^2`` for targets ``t`` of -1 and 1
       and sample weights ``c``: one linear system, no iterations.
    4. ``group_effect`` adds a random intercept per person, so that the classifier does not learn identity. It is the
       variance of the intercepts relative to that of the noise. Every sum over rows is reduced by
       ``sum_g q_g a_g b_g / c_g``, where ``a_g``, ``b_g`` are the sums over group g, ``c_g`` is its weight and ``q_g =
       group_effect c_g / (1 + group_effect c_g)``.
    5. ``decision_function(x) = k(x, s) R'^-1 w + b``, as for any SVM with these support vectors.

    Parameters
    ----------
    n_support : int, optional
        Number of support vectors, at most the number of rows. By default a tenth of the rows, from 1500 to 3000.
    gamma : float, default 0.4
        Kernel coefficient, multiplied by ``1 / sum of the variances of the columns`` (scikit-learn's ``"scale"``); > 0.
    alpha : float, default 3e-6
        Regularization, the weight of ``|w|^2`` per unit of sample weight; > 0.
    random_state : int, default 0
        Seed of the draw of support vectors.
    group_effect : float, default 0.0
        Adds a random intercept per person, so that the classifier does not learn identity: its variance, 0 or more.
        Without ``groups`` in `fit` there is none.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        The labels, the negative one first.
    support_vectors_ : float32 array of shape (n_support, d)
        Support vectors.
    dual_coef_ : float64 array of shape (1, n_support)
        Their coefficients.
    intercept_ : float64 array of shape (1,)
        Intercept ``b``.
    n_support_ : int array of shape (1,)
        Number of support vectors.

    Raises
    ------
    ParameterError
        In `fit`, if a parameter is out of its range, if there are not two classes, or if ``groups`` are missing.

    Notes
    -----
    The cost is ``n m^2`` for n rows and m support vectors, where that of libsvm grows with ``n^2``; the memory is
    ``4 n m`` bytes. The same rows give the same bytes with the same number of BLAS threads.

    References
    ----------
    J. Suykens and J. Vandewalle, "Least squares support vector machine classifiers", Neural Processing Letters 9,
    1999. https://doi.org/10.1023/A:1018628609742
    C. Williams and M. Seeger, "Using the Nystroem method to speed up kernel machines", NIPS 13, 2001 (no DOI).
    K. De Brabanter, J. De Brabanter, J. Suykens and B. De Moor, "Optimized fixed-size kernel models for large data
    sets", Computational Statistics & Data Analysis 54, 2010. https://doi.org/10.1016/j.csda.2010.01.024
    J. Luts, G. Molenberghs, G. Verbeke, S. Van Huffel and J. Suykens, "A mixed effects least squares support vector
    machine model for classification of longitudinal data", Computational Statistics & Data Analysis 56, 2012: step 4.
    https://doi.org/10.1016/j.csda.2011.09.008

    Examples
    --------
    >>> import numpy as np
    >>> from classic_eyes.svm import LeastSquaresSvm
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 2))
    >>> y = (np.hypot(*X.T) < 1).astype(int)
    >>> bool(LeastSquaresSvm(50, gamma=1.0).fit(X, y).score(X, y) > 0.95)
    True
    """

    # Accuracy grows slowly with the number of support vectors, the time of a fit with its square.
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

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags

    def fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None, groups: ArrayLike | None = None
    ) -> Self:
        """Fit the SVM.

        Parameters
        ----------
        X : array of shape (n, d)
            Rows of features.
        y : array of shape (n,)
            Labels of two classes.
        sample_weight : array of shape (n,), optional
            Weight of each row, 0 or more.
        groups : array of shape (n,), optional
            Person of each row; used if ``group_effect`` is above 0.

        Returns
        -------
        LeastSquaresSvm
            The fitted SVM.
        """
        self.fit_out_of_fold(X, y, (), sample_weight, groups)
        return self

    def fit_out_of_fold(
        self,
        X: ArrayLike,
        y: ArrayLike,
        held_out: Sequence[NDArray[np.bool_]],
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> list[LeastSquaresSvm]:
        """Fit to all rows, and at little extra cost to all rows but each of several parts.

        All SVMs share the support vectors, which carry no labels. The contribution of a part is subtracted from the
        sums of step 3 before the system is solved.

        Parameters
        ----------
        X : array of shape (n, d)
            Rows of features.
        y : array of shape (n,)
            Labels of two classes.
        held_out : sequence of bool array of shape (n,)
            Disjoint parts; both classes must occur outside of each.
        sample_weight : array of shape (n,), optional
            Weight of each row, 0 or more.
        groups : array of shape (n,), optional
            Person of each row; used if ``group_effect`` is above 0. A person in several parts is a group in each.

        Returns
        -------
        list of LeastSquaresSvm
            One SVM for each part, fitted without it. The SVM itself is fitted to all rows.
        """
        rows, labels = validate_data(self, X, y, dtype=np.float32)
        check_classification_targets(labels)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        self._check()
        weight = _check_sample_weight(sample_weight, rows, dtype=np.float64, ensure_non_negative=True)
        names = self._check_groups(groups, len(rows))
        target = np.where(codes == 1, 1.0, -1.0)
        n_support = self.n_support or int(np.clip(len(rows) // 10, *self._support_range))
        drawn = np.random.default_rng(self.random_state).permutation(len(rows))[:n_support]
        self.support_vectors_ = rows[np.sort(drawn)]
        self.n_support_ = np.array([len(drawn)])
        variance = float(rows.var(axis=0, dtype=np.float64).sum())
        self._gamma = self.gamma / (variance or 1.0)
        root = self._cholesky()
        mapped = self._map(rows, root)
        rest = ~np.any(held_out, axis=0) if len(held_out) else np.ones(len(rows), dtype=bool)
        sums = [self._sum(mapped, target, weight, names, part) for part in (*held_out, rest)]
        total = _Sums(*(sum(each) for each in zip(*sums, strict=True)))
        fitted = [self._fit_without(total, part, root) for part in sums[:-1]]
        self._solve(total, root)
        return fitted

    def _check(self) -> None:
        if len(self.classes_) != 2:
            # The first words are those that scikit-learn's checks expect.
            one = " (one class)" if len(self.classes_) == 1 else ""
            raise ParameterError(
                f"Only binary classification is supported: y has {len(self.classes_)} class(es){one}, expected 2"
            )
        n_support = self.n_support
        if n_support is not None and (not isinstance(n_support, int | np.integer) or n_support < 1):
            raise ParameterError(f"n_support is {n_support!r}; allowed is an integer of at least 1, or None")
        for name in ("gamma", "alpha"):
            value = getattr(self, name)
            if not isinstance(value, int | float | np.number) or not 0 < value < np.inf:
                raise ParameterError(f"{name} is {value!r}; allowed is a finite number above 0")
        effect = self.group_effect
        if not isinstance(effect, int | float | np.number) or not 0 <= effect < np.inf:
            raise ParameterError(f"group_effect is {effect!r}; allowed is a finite number of at least 0")

    def _check_groups(self, groups: ArrayLike | None, n: int) -> NDArray[Any] | None:
        """Return the group of each row; None without a group effect, or without groups."""
        if not self.group_effect or groups is None:
            return None
        names = np.asarray(groups)
        if names.shape != (n,):
            raise ParameterError(f"groups has shape {names.shape}; allowed is ({n},) for {n} rows")
        return names

    def _sum(
        self,
        mapped: Rows,
        target: NDArray[np.float64],
        weight: NDArray[np.float64],
        names: NDArray[Any] | None,
        part: NDArray[np.bool_],
    ) -> _Sums:
        rows, targets, weights = mapped[part], target[part], weight[part]
        sums = _add_up(rows, targets, weights)
        if names is None or not len(rows):
            return sums
        return _subtract(sums, self._sum_over_groups(rows, targets, weights, names[part]))

    def _sum_over_groups(
        self, rows: Rows, target: NDArray[np.float64], weight: NDArray[np.float64], names: NDArray[Any]
    ) -> _Sums:
        """Return the reduction of the sums by the random intercepts (step 4)."""
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
        # Distances do not depend on the origin, but rounding does.
        origin = support.mean(axis=0)
        X, support = X - origin, support - origin
        kernel = rbf(X, support.T, np.einsum("ij,ij->i", support, support), self._gamma)
        return np.minimum(kernel, 1, out=kernel)

    def _project(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the rows in the coordinates of the support vectors."""
        return X

    def _cholesky(self) -> Rows:
        # In float64: the kernel matrix of near-identical rows must stay positive definite.
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

    def _fit_without(self, total: _Sums, part: _Sums, root: Rows) -> LeastSquaresSvm:
        svm = type(self)(**self.get_params())
        svm.classes_, svm.n_features_in_ = self.classes_, self.n_features_in_
        svm.support_vectors_, svm.n_support_, svm._gamma = self.support_vectors_, self.n_support_, self._gamma
        svm._solve(_subtract(total, part), root)
        return svm

    def _solve(self, sums: _Sums, root: Rows) -> None:
        # The intercept is not regularized: it is eliminated from the system and recovered afterwards.
        system = sums.gram - np.outer(sums.columns, sums.columns) / sums.weight
        system[np.diag_indices_from(system)] += self.alpha * sums.scale
        factor = scipy.linalg.cho_factor(system, lower=True, overwrite_a=True, check_finite=False)
        right = sums.target_products - sums.columns * sums.targets / sums.weight
        w = scipy.linalg.cho_solve(factor, right, check_finite=False)
        self.intercept_ = np.array([(sums.targets - sums.columns @ w) / sums.weight])
        self.dual_coef_ = scipy.linalg.solve_triangular(root.astype(np.float64), w, lower=True, trans=1)[np.newaxis]

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the decision value of each row; positive values mean the second of `classes_`.

        Parameters
        ----------
        X : array of shape (n, d)
            Rows of features.

        Returns
        -------
        float64 array of shape (n,)
            Decision values.
        """
        check_is_fitted(self, "dual_coef_")
        rows: NDArray[np.float64] = validate_data(self, X, dtype=np.float64, reset=False)
        support = self.support_vectors_.astype(np.float64)
        chunks = (self._project(rows[start : start + _CHUNK]) for start in range(0, len(rows), _CHUNK))
        parts = [self._kernel(chunk, support) @ self.dual_coef_[0] for chunk in chunks]
        return np.concatenate(parts) + self.intercept_[0]

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the predicted class of each row.

        Parameters
        ----------
        X : array of shape (n, d)
            Rows of features.

        Returns
        -------
        array of shape (n,)
            Elements of `classes_`.
        """
        positive = self.decision_function(X) >= 0
        return self.classes_[positive.astype(np.intp)]


class SymmetricSvm(LeastSquaresSvm):
    """Least-squares SVM with exactly the same decision value for an image and its mirror image.

    Rows have a first half of even columns, the same for an image and its mirror image, and a second half of odd columns
    of opposite sign, as from `classic_eyes.svm.symmetric.SymmetricPca`. Steps and parameters are those of
    `LeastSquaresSvm`, with the kernel averaged over both images::

        k(x, s) = (exp(-gamma |x - s|^2) + exp(-gamma |x - mirror(s)|^2)) / 2

    Each support vector does the work of two, and mirror images are needed neither for training nor for prediction: both
    exponents follow from one product of the even and one of the odd halves.

    Parameters
    ----------
    n_support : int, optional
        Number of support vectors, at most the number of rows. By default a tenth of the rows, from 1000 to 3000.
    gamma : float, default 0.4
        As in `LeastSquaresSvm`; > 0.
    alpha : float, default 3e-6
        As in `LeastSquaresSvm`; > 0.
    random_state : int, default 0
        Seed of the draw of support vectors.
    group_effect : float, default 0.0
        As in `LeastSquaresSvm`; 0 or more.

    Attributes
    ----------
    classes_, support_vectors_, dual_coef_, intercept_, n_support_ : ndarray
        As in `LeastSquaresSvm`.

    Raises
    ------
    ParameterError
        In `fit`, as in `LeastSquaresSvm`, and if the number of columns is odd.

    References
    ----------
    B. Haasdonk and H. Burkhardt, "Invariant kernel functions for pattern analysis and machine learning", Machine
    Learning 68, 2007: kernels averaged over transformations. https://doi.org/10.1007/s10994-007-5009-7

    Examples
    --------
    >>> import numpy as np
    >>> from classic_eyes.svm import SymmetricSvm
    >>> X = np.random.default_rng(0).normal(size=(200, 2))
    >>> svm = SymmetricSvm(50, gamma=1.0).fit(X, (X[:, 0] + X[:, 1] ** 2 > 1).astype(int))
    >>> bool(np.allclose(svm.decision_function(X), svm.decision_function(X * [1, -1])))
    True
    """

    # Each support vector does the work of two on images of one data set; several data sets need more.
    _support_range = (1000, 3000)

    def _kernel(self, X: NDArray[Any], support: NDArray[Any]) -> NDArray[Any]:
        half = X.shape[1] // 2
        if X.shape[1] % 2:
            raise ParameterError(f"X has {X.shape[1]} columns; allowed is an even number, half even and half odd")
        # Moving the origin of the odd half would break the symmetry.
        origin = np.concatenate([support[:, :half].mean(axis=0), np.zeros(half, support.dtype)])
        X, support = X - origin, support - origin
        kernel = symmetric_rbf(X, support.T, np.einsum("ij,ij->i", support, support), self._gamma)
        return np.minimum(kernel, 1, out=kernel)


def _subtract(total: _Sums, part: _Sums) -> _Sums:
    pairs: Iterator[tuple[Any, Any]] = zip(total, part, strict=True)
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
