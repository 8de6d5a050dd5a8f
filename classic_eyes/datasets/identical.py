"""Identical images: they belong to one group, and should have one label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .._utils.dependencies import check_training_packages
from ..images.finding import quoted
from .csvfile import UNLABELLED

if TYPE_CHECKING:
    from .eyeset import EyeSet

__all__ = ["describe_contradictions", "join_identical"]


def join_identical(eyes: EyeSet, images: NDArray[np.uint8]) -> EyeSet:
    """Join the groups that have identical images, so that no split has one of these on both sides."""
    first = _first_of(images)
    if (first == np.arange(len(first))).all():
        return eyes
    names, group = np.unique(eyes.groups, return_inverse=True)
    return replace(eyes, groups=names[_joined(group, group[first], len(names))])


def describe_contradictions(labels: NDArray[np.int8], names: Sequence[str], images: NDArray[np.uint8]) -> str | None:
    """Return how many images are there twice with different labels, with an example; None if there are none."""
    given = np.flatnonzero(labels != UNLABELLED)
    first = given[_first_of(images[given])] if len(given) else given
    # All that differ from the first image of their kind; both labels are there exactly if one of them does.
    others = given[labels[given] != labels[first]]
    if not len(others):
        return None
    firsts = first[labels[given] != labels[first]]
    words = [f"{quoted(names[k])} ({('closed', 'open')[labels[k]]})" for k in (firsts[0], others[0])]
    n = len(np.unique(firsts))
    return (
        f"{n:,} image{'s are' if n > 1 else ' is'} there twice with different labels, for example {' and '.join(words)}"
    )


def _first_of(images: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Return the position of the first image that equals each one; black and other flat images equal no other."""
    rows = np.ascontiguousarray(images.reshape(len(images), -1))
    _, first, number = np.unique(rows.view(f"V{rows.shape[1]}").ravel(), return_index=True, return_inverse=True)
    return np.where(np.ptp(rows, axis=1) == 0, np.arange(len(rows)), first[number.ravel()])


def _joined(one: NDArray[Any], other: NDArray[Any], n: int) -> NDArray[np.intp]:
    """Return for each pair the least number that it is connected with, directly or through other pairs."""
    check_training_packages()  # here, because prediction does not need them
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    component = connected_components(coo_array((np.ones(len(one)), (one, other)), shape=(n, n)), directed=False)[1]
    return np.unique(component, return_index=True)[1][component][one]
