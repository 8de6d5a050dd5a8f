"""Base class of the extractors, which checks images, and checks of parameters that several extractors share."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from ..descriptors import DESCRIPTORS
from ..errors import ImageError, ParameterError
from ..images import check_batch

__all__ = ["Extractor", "check_integer", "check_number", "check_ring"]


def check_integer(name: str, value: object, *, least: int, remedy: str) -> int:
    """Return `value` as int; raise ParameterError if it is not an integer (a bool is not) or below `least`."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise ParameterError(f"{name} is {value!r}; allowed is an integer of at least {least}; {remedy}")
    return int(value)


def check_number(name: str, value: object, *, above: float, remedy: str) -> float:
    """Return `value` as float; raise ParameterError if it is not a finite number (a bool is not) above `above`."""
    if not isinstance(value, Real) or isinstance(value, bool) or not above < float(value) < inf:
        raise ParameterError(f"{name} is {value!r}; allowed is a finite number above {above:g}; {remedy}")
    return float(value)


def check_ring(radii: Any, grid: Any, shape: tuple[int, int]) -> None:
    """Check the radii of local patterns and the number of cells for images of this (height, width)."""
    remedy = "(1, 2, 3, 4) is the default"
    if not isinstance(radii, Sequence) or isinstance(radii, str) or not radii:
        raise ParameterError(f"radii is {radii!r}; allowed is a tuple of at least one radius; {remedy}")
    for radius in radii:
        if check_integer("radii", radius, least=1, remedy=remedy) >= min(shape):
            raise ParameterError(
                f"radii is {radii!r}; a radius of {radius} pixels does not fit into images of {shape} (height, "
                f"width) pixels; choose radii below {min(shape)}"
            )
    if len(set(radii)) < len(radii):
        raise ParameterError(f"radii is {radii!r}; allowed is each radius once; {remedy}")
    cells = check_integer("grid", grid, least=1, remedy="3 is the default")
    if any(side % cells for side in shape):
        raise ParameterError(
            f"grid is {grid!r}; it does not divide images of {shape} (height, width) pixels; "
            "choose a common divisor of both sides"
        )


class Extractor(TransformerMixin, BaseEstimator):
    """Base class of extractors: transformers from grey images to rows of features.

    A subclass sets `descriptor` and implements `_settings` and `_names`, and if needed `_check_parameters`, `_fit` and
    `_mirrored_columns`. It may implement `_compute` instead of `descriptor` and `_settings`, but then it cannot be
    compiled. The base class checks the images.

    Attributes
    ----------
    image_shape_ : tuple of int
        Height and width in pixels of the images passed to `fit`.
    n_features_out_ : int
        Number of columns of `transform`.
    """

    # Key of DESCRIPTORS: the function that computes the rows.
    descriptor: str | None = None
    image_shape_: tuple[int, int]
    n_features_out_: int

    def fit(self, X: np.ndarray, y: object = None) -> Self:
        """Check the parameters against the images and fit what depends on them.

        Parameters
        ----------
        X : ndarray of uint8, shape (n, height, width)
            Grey images, row first, 0 black to 255 white.
        y : object, default=None
            Ignored.

        Returns
        -------
        Extractor
            The fitted extractor.

        Raises
        ------
        ImageError
            If `X` is not a non-empty uint8 array of shape (n, height, width).
        ParameterError
            If a parameter is invalid, or invalid for images of this size.
        """
        images = check_batch(X)
        shape = (int(images.shape[1]), int(images.shape[2]))
        self._check_parameters(shape)
        self.image_shape_ = shape
        self._fit(images)
        self.n_features_out_ = len(self._names())
        return self

    def transform(self, X: np.ndarray) -> np.ndarray:
        """Compute the features of each image.

        Parameters
        ----------
        X : ndarray of uint8, shape (n, height, width)
            Grey images of the height and width passed to `fit`.

        Returns
        -------
        ndarray of float32, shape (n, `n_features_out_`)
            One row per image, C-contiguous; a row does not depend on the other images of the batch.

        Raises
        ------
        NotFittedError
            If the extractor is not fitted.
        ImageError
            If `X` is not a non-empty uint8 array, or its images have another height or width than those of `fit`.
        """
        check_is_fitted(self)
        images = check_batch(X)
        shape = (int(images.shape[1]), int(images.shape[2]))
        if shape != self.image_shape_:
            raise ImageError(
                f"X: images of {shape} (height, width) pixels, but this {type(self).__name__} was fitted to "
                f"images of {self.image_shape_}; resize the images or fit again"
            )
        return np.ascontiguousarray(self._compute(images), dtype=np.float32)

    def get_feature_names_out(self, input_features: object = None) -> np.ndarray:
        """Return the names of the columns of `transform`.

        Parameters
        ----------
        input_features : object, default=None
            Ignored: images have no column names.

        Returns
        -------
        ndarray of object, shape (`n_features_out_`,)
            Unique names, zero-padded so that their sorted order is the order of the columns.

        Raises
        ------
        NotFittedError
            If the extractor is not fitted.
        """
        check_is_fitted(self)
        return np.array(self._names(), dtype=object)

    def settings(self) -> dict[str, Any]:
        """Return the parameters with which the descriptor computes the rows of `transform`.

        Returns
        -------
        dict
            Keyword arguments of ``DESCRIPTORS[self.descriptor]``: JSON values and float32 arrays.

        Raises
        ------
        NotFittedError
            If the extractor is not fitted.
        """
        check_is_fitted(self)
        return self._settings()

    def mirrored_columns(self) -> np.ndarray | None:
        """Return the permutation of the columns that a horizontal flip of the image causes, if it is one.

        Returns
        -------
        ndarray of intp, shape (`n_features_out_`,), or None
            `p` with ``transform(X[:, :, ::-1]) == transform(X)[:, p]`` up to rounding; None if there is no such `p`.

        Raises
        ------
        NotFittedError
            If the extractor is not fitted.
        """
        check_is_fitted(self)
        return self._mirrored_columns()

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.input_tags.positive_only = True
        tags.requires_fit = True
        tags.transformer_tags.preserves_dtype = []
        return tags

    def _check_parameters(self, shape: tuple[int, int]) -> None:
        """Raise ParameterError for parameters that are invalid for images of this (height, width)."""

    def _fit(self, images: np.ndarray) -> None:
        """Fit to checked images; most extractors have nothing to fit."""

    def _compute(self, images: np.ndarray) -> np.ndarray:
        """Compute the rows of checked images."""
        if self.descriptor is None:
            raise NotImplementedError
        return DESCRIPTORS[self.descriptor](images, **self._settings())

    def _settings(self) -> dict[str, Any]:
        """Return the keyword arguments of the descriptor."""
        raise NotImplementedError

    def _mirrored_columns(self) -> np.ndarray | None:
        """Return the result of `mirrored_columns`."""
        return None

    def _names(self) -> list[str]:
        """Return the names of the columns."""
        raise NotImplementedError
