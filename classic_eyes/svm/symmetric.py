"""Features of an image and of its mirror image, turned so that mirroring changes nothing but signs."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import scipy.linalg
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.pipeline import FeatureUnion
from sklearn.utils.validation import check_is_fitted

from ..errors import ParameterError

__all__ = ["SymmetricPca", "SymmetricScaler", "SymmetricUnion"]

Rows = NDArray[np.float32]

_CHUNK = 2048
_ROOT_HALF = np.float32(np.sqrt(0.5))


class SymmetricUnion(TransformerMixin, BaseEstimator):
    """The features of each image, and beside them those of its mirror image.

    An extractor that knows what mirroring does to its columns (``mirrored_columns``) is asked once, any other about
    both images.

    Parameters
    ----------
    union : sklearn.pipeline.FeatureUnion
        Extractors, from uint8 ``(n, h, w)`` to ``(n, d)``.

    Attributes
    ----------
    union_ : sklearn.pipeline.FeatureUnion
        Fitted.

    Examples
    --------
    >>> from classic_eyes.features import Lbp
    >>> from classic_eyes.synthetic import make_eyes
    >>> images = make_eyes(5).images
    >>> rows = SymmetricUnion(FeatureUnion([("lbp", Lbp())])).fit_transform(images)
    >>> mirrored = SymmetricUnion(FeatureUnion([("lbp", Lbp())])).fit_transform(images[:, :, ::-1])
    >>> bool((rows[:, :2124] == mirrored[:, 2124:]).all())
    True
    """

    def __init__(self, union: FeatureUnion) -> None:
        self.union = union

    @property
    def transformer_list(self) -> list[tuple[str, Any]]:
        """The extractors by name, fitted where this is.

        Returns
        -------
        list of (str, extractor)
            As `sklearn.pipeline.FeatureUnion` has it.
        """
        return getattr(self, "union_", self.union).transformer_list

    def fit(self, X: NDArray[np.uint8], y: Any = None) -> Self:
        """Fit the extractors.

        Parameters
        ----------
        X : uint8 array of shape (n, h, w)
            Images.
        y : object, optional
            Passed on.

        Returns
        -------
        SymmetricUnion
            Itself.
        """
        self.union_ = clone(self.union).fit(X, y)
        return self

    def transform(self, X: NDArray[np.uint8]) -> Rows:
        """Compute the features of both images.

        Parameters
        ----------
        X : uint8 array of shape (n, h, w)
            Images.

        Returns
        -------
        float32 array of shape (n, 2 d)
            Those of the images, then those of their mirror images.
        """
        check_is_fitted(self, "union_")
        flipped = np.ascontiguousarray(X[:, :, ::-1])
        seen, mirrored = [], []
        for _, extractor in self.union_.transformer_list:
            rows = np.asarray(extractor.transform(X), dtype=np.float32)
            columns = mirrored_columns(extractor)
            seen.append(rows)
            mirrored.append(rows[:, columns] if columns is not None else extractor.transform(flipped))
        return np.hstack([*seen, *mirrored]).astype(np.float32, copy=False)


def mirrored_columns(extractor: Any) -> NDArray[np.intp] | None:
    """Return which column of an extractor each column becomes for the mirror image; None where it cannot say.

    Parameters
    ----------
    extractor : object
        Fitted; a transformer that is not one of ours has nothing to say.

    Returns
    -------
    intp array of shape (d,) or None
        A permutation that is its own inverse.
    """
    tell = getattr(extractor, "mirrored_columns", None)
    return tell() if callable(tell) else None


class SymmetricScaler(TransformerMixin, BaseEstimator):
    """Standardise columns as if every mirror image were among the rows, and turn them into even and odd ones.

    1. ``f`` and ``g``, the two halves of a row, lose the mean and are divided by the deviation of both halves together.
    2. The even columns are ``(f + g) / sqrt 2``, the same for an image and its mirror image; the odd ones
       ``(f - g) / sqrt 2`` change their sign.

    Attributes
    ----------
    mean_, scale_ : float64 array of shape (d,)
        Mean and deviation of both halves; a constant column has the deviation 1.
    n_features_in_ : int
        ``2 d``.

    Examples
    --------
    >>> rows = np.array([[1.0, 3.0], [3.0, 1.0], [2.0, 2.0]], np.float32)
    >>> SymmetricScaler().fit_transform(rows).astype(float).round(3).tolist()
    [[0.0, -1.732], [0.0, 1.732], [0.0, 0.0]]
    """

    def fit(self, X: Rows, y: Any = None) -> Self:
        """Measure means and deviations.

        Parameters
        ----------
        X : float32 array of shape (n, 2 d)
            What `SymmetricUnion` gives.
        y : object, optional
            Not used.

        Returns
        -------
        SymmetricScaler
            Itself.
        """
        half = X.shape[1] // 2
        self.n_features_in_ = X.shape[1]
        self.mean_ = (X[:, :half].mean(axis=0, dtype=np.float64) + X[:, half:].mean(axis=0, dtype=np.float64)) / 2
        variance = np.zeros(half)
        for start in range(0, len(X), _CHUNK):
            for part in (X[start : start + _CHUNK, :half], X[start : start + _CHUNK, half:]):
                centred = part - self.mean_
                variance += np.einsum("ij,ij->j", centred, centred)
        deviation = np.sqrt(variance / (2 * len(X)))
        # What rounding leaves of a constant column must not be blown up.
        self.scale_ = np.where(deviation > 1e-6, deviation, 1.0)
        return self

    def transform(self, X: Rows) -> Rows:
        """Standardise, and part even from odd.

        Parameters
        ----------
        X : float32 array of shape (n, 2 d)
            What `SymmetricUnion` gives.

        Returns
        -------
        float32 array of shape (n, 2 d)
            Even half, odd half.
        """
        half = X.shape[1] // 2
        mean, factor = self.mean_.astype(np.float32), (_ROOT_HALF / self.scale_).astype(np.float32)
        turned = np.empty_like(X, dtype=np.float32)
        even, odd = turned[:, :half], turned[:, half:]
        np.add(X[:, :half], X[:, half:], out=even)
        even -= 2 * mean
        even *= factor
        np.subtract(X[:, :half], X[:, half:], out=odd)
        odd *= factor
        return turned


class SymmetricPca(TransformerMixin, BaseEstimator):
    """Principal components of the even and of the odd columns, as many of each.

    With every mirror image among the rows, even and odd columns have no correlation, so these are principal components
    of all columns. Their means are zero then and nothing is taken away.

    Parameters
    ----------
    n_components : int, default 200
        Components, at most, half of them even and half odd; 2 or more.

    Attributes
    ----------
    even_, odd_ : float32 array of shape (d, k)
        Columns of unit length, by falling variance.
    n_components_ : int
        ``2 k``.
    n_features_in_ : int
        ``2 d``.

    Raises
    ------
    ParameterError
        In `fit`, for n_components that is not a whole number from 2.

    Examples
    --------
    >>> rows = np.random.default_rng(0).normal(size=(50, 8)).astype(np.float32)
    >>> SymmetricPca(4).fit_transform(rows).shape
    (50, 4)
    """

    def __init__(self, n_components: int = 200) -> None:
        self.n_components = n_components

    def fit(self, X: Rows, y: Any = None) -> Self:
        """Find the components.

        Parameters
        ----------
        X : float32 array of shape (n, 2 d)
            What `SymmetricScaler` gives.
        y : object, optional
            Not used.

        Returns
        -------
        SymmetricPca
            Itself.
        """
        n_components = self.n_components
        if not isinstance(n_components, int | np.integer) or isinstance(n_components, bool) or n_components < 2:
            raise ParameterError(f"n_components is {n_components!r}; a mirror machine needs a whole number from 2")
        half = X.shape[1] // 2
        kept = min(int(n_components) // 2, half, len(X))
        self.even_, self.odd_ = _axes(X[:, :half], kept), _axes(X[:, half:], kept)
        self.n_components_, self.n_features_in_ = 2 * kept, X.shape[1]
        return self

    def transform(self, X: Rows) -> Rows:
        """Turn rows onto the components.

        Parameters
        ----------
        X : float32 array of shape (n, 2 d)
            What `SymmetricScaler` gives.

        Returns
        -------
        float32 array of shape (n, 2 k)
            Even half, odd half.
        """
        half = X.shape[1] // 2
        return np.hstack([X[:, :half] @ self.even_, X[:, half:] @ self.odd_])


def _axes(columns: Rows, kept: int) -> Rows:
    d = columns.shape[1]
    gram = np.zeros((d, d), order="F")
    for start in range(0, len(columns), 4 * _CHUNK):
        part = np.ascontiguousarray(columns[start : start + 4 * _CHUNK])
        gram += scipy.linalg.blas.ssyrk(1.0, part.T, lower=True)
    chosen = [d - kept, d - 1]
    _, axes = scipy.linalg.eigh(gram, subset_by_index=chosen, lower=True, overwrite_a=True, check_finite=False)
    axes = axes[:, ::-1]
    # An axis has no sign of its own; the largest entry decides, so that the same images give the same bytes.
    largest = axes[np.abs(axes).argmax(axis=0), np.arange(kept)]
    return np.ascontiguousarray(axes * np.where(largest < 0, -1, 1), dtype=np.float32)
