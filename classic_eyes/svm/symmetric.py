"""Pipeline steps from features of an image and of its mirror image to even and odd columns."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import scipy.linalg
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.pipeline import FeatureUnion
from sklearn.utils.validation import check_is_fitted

from ..errors import ParameterError

__all__ = ["SymmetricPca", "SymmetricScaler", "SymmetricUnion", "mirrored_columns"]

Rows = NDArray[np.float32]

_CHUNK = 2048
_ROOT_HALF = np.float32(np.sqrt(0.5))


class SymmetricUnion(TransformerMixin, BaseEstimator):
    """Features of each image, followed by those of its mirror image.

    An extractor whose columns a horizontal flip permutes (``mirrored_columns``) runs once, any other on both images.
    """

    def __init__(self, union: FeatureUnion) -> None:
        self.union = union

    @property
    def transformer_list(self) -> list[tuple[str, Any]]:
        """The extractors by name, fitted after `fit`."""
        return getattr(self, "union_", self.union).transformer_list

    def fit(self, X: NDArray[np.uint8], y: Any = None) -> Self:
        """Fit the extractors."""
        self.union_ = clone(self.union).fit(X, y)
        return self

    def transform(self, X: NDArray[np.uint8]) -> Rows:
        """Return features of shape (n, 2 d), those of the images first."""
        check_is_fitted(self, "union_")
        flipped = np.ascontiguousarray(X[:, :, ::-1])
        own, mirrored = [], []
        for _, extractor in self.union_.transformer_list:
            rows = np.asarray(extractor.transform(X), dtype=np.float32)
            columns = mirrored_columns(extractor)
            own.append(rows)
            mirrored.append(rows[:, columns] if columns is not None else extractor.transform(flipped))
        return np.hstack([*own, *mirrored]).astype(np.float32, copy=False)


def mirrored_columns(extractor: Any) -> NDArray[np.intp] | None:
    """Return `classic_eyes.features.Extractor.mirrored_columns` of a fitted extractor; None for other transformers."""
    method = getattr(extractor, "mirrored_columns", None)
    return method() if callable(method) else None


class SymmetricScaler(TransformerMixin, BaseEstimator):
    """Standardize columns over images and mirror images, and rotate them to even and odd columns.

    1. The halves ``f`` and ``g`` of a row are standardized by the mean and standard deviation of both halves together.
    2. The even columns ``(f + g) / sqrt 2`` are the same for an image and its mirror image; the odd columns
       ``(f - g) / sqrt 2`` change their sign.

    >>> rows = np.array([[1.0, 3.0], [3.0, 1.0], [2.0, 2.0]], np.float32)
    >>> SymmetricScaler().fit_transform(rows).astype(float).round(3).tolist()
    [[0.0, -1.732], [0.0, 1.732], [0.0, 0.0]]
    """

    def fit(self, X: Rows, y: Any = None) -> Self:
        """Compute means and standard deviations; that of a constant column is 1."""
        half = X.shape[1] // 2
        self.n_features_in_ = X.shape[1]
        self.mean_ = (X[:, :half].mean(axis=0, dtype=np.float64) + X[:, half:].mean(axis=0, dtype=np.float64)) / 2
        variance = np.zeros(half)
        for start in range(0, len(X), _CHUNK):
            for part in (X[start : start + _CHUNK, :half], X[start : start + _CHUNK, half:]):
                centred = part - self.mean_
                variance += np.einsum("ij,ij->j", centred, centred)
        deviation = np.sqrt(variance / (2 * len(X)))
        # Rounding errors of a constant column must not be amplified.
        self.scale_ = np.where(deviation > 1e-6, deviation, 1.0)
        return self

    def transform(self, X: Rows) -> Rows:
        """Return rows of the same shape, the even half first."""
        half = X.shape[1] // 2
        mean, factor = self.mean_.astype(np.float32), (_ROOT_HALF / self.scale_).astype(np.float32)
        rotated = np.empty_like(X, dtype=np.float32)
        even, odd = rotated[:, :half], rotated[:, half:]
        np.add(X[:, :half], X[:, half:], out=even)
        even -= 2 * mean
        even *= factor
        np.subtract(X[:, :half], X[:, half:], out=odd)
        odd *= factor
        return rotated


class SymmetricPca(TransformerMixin, BaseEstimator):
    """Principal components of the even and of the odd columns, ``n_components / 2`` of each at most.

    Over images and mirror images, even and odd columns are uncorrelated and have mean 0, so these are principal
    components of all columns.
    """

    def __init__(self, n_components: int = 200) -> None:
        self.n_components = n_components

    def fit(self, X: Rows, y: Any = None) -> Self:
        """Compute the components of each half, in descending order of variance."""
        n_components = self.n_components
        if not isinstance(n_components, int | np.integer) or isinstance(n_components, bool) or n_components < 2:
            raise ParameterError(
                f"n_components is {n_components!r}; allowed is an integer of at least 2, half of them even and half odd"
            )
        half = X.shape[1] // 2
        kept = min(int(n_components) // 2, half, len(X))
        self.even_, self.odd_ = _components(X[:, :half], kept), _components(X[:, half:], kept)
        self.n_components_, self.n_features_in_ = 2 * kept, X.shape[1]
        return self

    def transform(self, X: Rows) -> Rows:
        """Return the projections of rows, the even half first."""
        half = X.shape[1] // 2
        return np.hstack([X[:, :half] @ self.even_, X[:, half:] @ self.odd_])


def _components(columns: Rows, kept: int) -> Rows:
    n, d = columns.shape
    # Few rows span few directions: their products are a smaller matrix than that of the columns.
    axes = _axes_of_rows(columns, kept) if n < d else _axes_of_columns(columns, kept)
    # The sign of an axis is arbitrary; the largest entry decides it, so that the same images give the same bytes.
    largest = axes[np.abs(axes).argmax(axis=0), np.arange(kept)]
    return np.ascontiguousarray(axes * np.where(largest < 0, -1, 1), dtype=np.float32)


def _axes_of_columns(columns: Rows, kept: int) -> NDArray[np.float64]:
    d = columns.shape[1]
    gram = np.zeros((d, d), order="F")
    for start in range(0, len(columns), 4 * _CHUNK):
        part = np.ascontiguousarray(columns[start : start + 4 * _CHUNK])
        gram += scipy.linalg.blas.ssyrk(1.0, part.T, lower=True)
    return _leading(gram, kept)


def _axes_of_rows(columns: Rows, kept: int) -> NDArray[np.float64]:
    wide = columns.astype(np.float64)
    axes, _ = scipy.linalg.qr(wide.T @ _leading(wide @ wide.T, kept), mode="economic")
    return axes


def _leading(gram: NDArray[np.float64], kept: int) -> NDArray[np.float64]:
    """Return the leading eigenvectors of a symmetric matrix, of which the lower half is used."""
    chosen = [len(gram) - kept, len(gram) - 1]
    _, vectors = scipy.linalg.eigh(gram, subset_by_index=chosen, lower=True, overwrite_a=True, check_finite=False)
    return vectors[:, ::-1]
