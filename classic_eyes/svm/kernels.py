"""RBF kernels, also averaged over a row and its mirror image."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["image_kernels", "rbf", "symmetric_rbf"]

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
