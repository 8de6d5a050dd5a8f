"""The base class of every extractor: it checks the images and keeps their shape, the subclass computes one thing."""

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
    """Give back an integer parameter that is at least `least`.

    Parameters
    ----------
    name : str
        What the message calls the parameter.
    value : object
        The value to check; a bool is not an integer here.
    least : int
        Smallest value allowed.
    remedy : str
        What to write instead, for the message.

    Returns
    -------
    int
        `value` as a plain int.

    Raises
    ------
    ParameterError
        If `value` is not an integer or is below `least`.
    """
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise ParameterError(f"{name}={value!r}: expected an integer of at least {least}; {remedy}")
    return int(value)


def check_number(name: str, value: object, *, above: float, remedy: str) -> float:
    """Give back a finite real parameter that is greater than `above`.

    Parameters
    ----------
    name : str
        What the message calls the parameter.
    value : object
        The value to check; a bool is not a number here.
    above : float
        The value itself is not allowed, everything finite beyond it is.
    remedy : str
        What to write instead, for the message.

    Returns
    -------
    float
        `value` as a plain float.

    Raises
    ------
    ParameterError
        If `value` is not a finite real number or is not above `above`.
    """
    if not isinstance(value, Real) or isinstance(value, bool) or not above < float(value) < inf:
        raise ParameterError(f"{name}={value!r}: expected a finite number above {above:g}; {remedy}")
    return float(value)


def check_ring(radii: Any, grid: Any, shape: tuple[int, int]) -> None:
    """Check the distances of neighbours and the number of cells against the images.

    Parameters
    ----------
    radii : object
        Should be a sequence of int.
    grid : object
        Should be an int.
    shape : tuple of int
        Height and width of the images.

    Raises
    ------
    ParameterError
        For radii or a grid that are not allowed.
    """
    remedy = "(1, 2, 3, 4) is the default"
    if not isinstance(radii, Sequence) or isinstance(radii, str) or not radii:
        raise ParameterError(f"radii={radii!r}: expected a tuple of at least one distance; {remedy}")
    for radius in radii:
        if check_integer("radii", radius, least=1, remedy=remedy) >= min(shape):
            raise ParameterError(
                f"radii={radii!r}: a distance of {radius} pixels reaches across images of {shape} (height, "
                f"width) pixels; choose distances below {min(shape)}"
            )
    if len(set(radii)) < len(radii):
        raise ParameterError(f"radii={radii!r}: expected each distance once; {remedy}")
    cells = check_integer("grid", grid, least=1, remedy="3 is the default")
    if any(side % cells for side in shape):
        raise ParameterError(
            f"grid={grid!r}: does not divide images of {shape} (height, width) pixels; "
            "choose a common divisor of both sides"
        )


class Extractor(TransformerMixin, BaseEstimator):
    """Turn a batch of grey images into one row of numbers an image.

    A subclass names its `descriptor` and writes `_settings` and `_names`, and where it needs them `_check_parameters`,
    `_learn` and `_mirrored_columns`; or it writes `_compute` instead of the first two, and then has no compiled form.
    All checks of images happen here.

    Attributes
    ----------
    image_shape_ : tuple of int
        Height and width in pixels of the images seen in `fit`.
    n_features_out_ : int
        Length of a row of `transform`.
    """

    # A key of DESCRIPTORS: the function that computes the rows.
    descriptor: str | None = None
    image_shape_: tuple[int, int]
    n_features_out_: int

    def fit(self, X: np.ndarray, y: object = None) -> Self:
        """Check the parameters against the images and learn what there is to learn.

        Parameters
        ----------
        X : ndarray of uint8, shape (n, height, width)
            Grey images, indexed row first, 0 black to 255 white; not changed.
        y : object, default=None
            Not used; there because scikit-learn passes it.

        Returns
        -------
        Extractor
            The extractor itself, fitted.

        Raises
        ------
        ImageError
            If `X` is not a non-empty uint8 array of shape (n, height, width).
        ParameterError
            If a parameter is not allowed, by itself or for images of this size.
        """
        images = check_batch(X)
        shape = (int(images.shape[1]), int(images.shape[2]))
        self._check_parameters(shape)
        self.image_shape_ = shape
        self._learn(images)
        self.n_features_out_ = len(self._names())
        return self

    def transform(self, X: np.ndarray) -> np.ndarray:
        """Compute the features of each image by itself.

        Parameters
        ----------
        X : ndarray of uint8, shape (n, height, width)
            Grey images of the height and width seen in `fit`; not changed.

        Returns
        -------
        ndarray of float32, shape (n, n_features_out_)
            One C-contiguous row an image; a row does not depend on the other images of the batch.

        Raises
        ------
        NotFittedError
            If `fit` was not called.
        ImageError
            If `X` is not a non-empty uint8 array, or its images have another height or width than those of `fit`.
        """
        check_is_fitted(self)
        images = check_batch(X)
        shape = (int(images.shape[1]), int(images.shape[2]))
        if shape != self.image_shape_:
            raise ImageError(
                f"X: images of {shape} (height, width) pixels, but this {type(self).__name__} was fitted to "
                f"{self.image_shape_}; resize the images or fit again"
            )
        return np.ascontiguousarray(self._compute(images), dtype=np.float32)

    def get_feature_names_out(self, input_features: object = None) -> np.ndarray:
        """Name the columns of `transform`.

        Parameters
        ----------
        input_features : object, default=None
            Not used: the input is images and has no names.

        Returns
        -------
        ndarray of object, shape (n_features_out_,)
            Unique names, zero-padded so that their sorted order is the order of the columns.

        Raises
        ------
        NotFittedError
            If `fit` was not called.
        """
        check_is_fitted(self)
        return np.array(self._names(), dtype=object)

    def settings(self) -> dict[str, Any]:
        """Return what the descriptor needs to know to compute the rows of `transform`.

        Returns
        -------
        dict
            Keyword arguments of ``DESCRIPTORS[self.descriptor]``: what JSON can hold, and float32 arrays.

        Raises
        ------
        NotFittedError
            If `fit` was not called.
        """
        check_is_fitted(self)
        return self._settings()

    def mirrored_columns(self) -> np.ndarray | None:
        """Say what mirroring an image does to its row, if it only moves the columns.

        Returns
        -------
        ndarray of intp, shape (n_features_out_,), or None
            `p` with ``transform(X[:, :, ::-1]) == transform(X)[:, p]`` up to rounding; None where there is no such `p`.

        Raises
        ------
        NotFittedError
            If `fit` was not called.
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
        """Refuse parameters that are not allowed for images of this (height, width)."""

    def _learn(self, images: np.ndarray) -> None:
        """Learn from the images; most extractors have nothing to learn."""

    def _compute(self, images: np.ndarray) -> np.ndarray:
        """Compute the rows of checked images."""
        if self.descriptor is None:
            raise NotImplementedError
        return DESCRIPTORS[self.descriptor](images, **self._settings())

    def _settings(self) -> dict[str, Any]:
        """Return the keyword arguments of the descriptor."""
        raise NotImplementedError

    def _mirrored_columns(self) -> np.ndarray | None:
        """Say which column each becomes for the mirror image, where that is exact."""
        return None

    def _names(self) -> list[str]:
        """Name the columns, in their order."""
        raise NotImplementedError
