"""Fitting the last step of a pipeline, and once more without each part of the rows, for honest margins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from .errors import ParameterError
from .inference import CHUNK
from .inference.compiling import margins
from .svm import FixedSizeSvm

__all__ = ["describe", "fit_last_step", "set_machines"]


def set_machines(pipelines: Mapping[str, Pipeline], **given: Any) -> None:
    """Hand on what only our own machines understand, and what is not None.

    Parameters
    ----------
    pipelines : mapping of str to sklearn.pipeline.Pipeline
        Not fitted.
    **given
        Parameters of the classifiers; None for what they have by themselves.

    Raises
    ------
    ParameterError
        For a parameter that a classifier does not have.

    Examples
    --------
    >>> from classic_eyes.pipeline import build_pipelines
    >>> pipelines = build_pipelines(["hog"])
    >>> set_machines(pipelines, n_support=500, group_effect=None)
    >>> pipelines["hog"][-1].n_support
    500
    """
    for name, value in given.items():
        for pipeline in pipelines.values() if value is not None else ():
            if name not in pipeline[-1].get_params(deep=False) or not isinstance(pipeline[-1], FixedSizeSvm):
                which = "classifier 'metric'" if name == "n_directions" else "classifiers 'svm', 'mirror' and 'metric'"
                raise ParameterError(
                    f"{name} goes with the {which}, not with {type(pipeline[-1]).__name__}; leave it out, or change "
                    "the classifier"
                )
            pipeline[-1].set_params(**{name: value})


def describe(union: Any, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the features of pictures, some at a time.

    Parameters
    ----------
    union : transformer
        Fitted.
    pictures : uint8 array of shape (n, size, size)
        One or more.

    Returns
    -------
    float32 array of shape (n, d)
        A row a picture.
    """
    first = union.transform(pictures[:CHUNK])
    rows = np.empty((len(pictures), first.shape[1]), dtype=np.float32)
    rows[: len(first)] = first
    for start in range(CHUNK, len(pictures), CHUNK):
        rows[start : start + CHUNK] = union.transform(pictures[start : start + CHUNK])
    return rows


def fit_last_step(
    classifier: Any,
    components: NDArray[Any],
    mirrored: NDArray[Any] | None,
    source: NDArray[np.intp],
    labels: NDArray[np.int8],
    weight: NDArray[np.float64] | None,
    groups: NDArray[Any],
    folds: Sequence[tuple[NDArray[np.intp], NDArray[np.intp]]],
) -> NDArray[np.float64]:
    """Fit the last step; return for each picture the margin of one like it that has not seen its fold.

    Parameters
    ----------
    classifier : scikit-learn classifier
        Fitted here, to all rows.
    components : array of shape (m, d)
        Rows, those of the pictures themselves first.
    mirrored : array of shape (n, d) or None
        Rows of the mirror images, where both margins are averaged.
    source : int array of shape (m,)
        Of which picture each row is.
    labels : int array of shape (n,)
        0 and 1.
    weight : array of shape (n,) or None
        Of each picture.
    groups : array of shape (n,)
        Person of each picture.
    folds : sequence of (train, test)
        Positions of pictures; each is in one test part.

    Returns
    -------
    float64 array of shape (n,)
        Margins.
    """
    left_out = [np.isin(source, test) for _, test in folds]
    judges = _fit_judges(classifier, components, labels[source], weight, groups, source, left_out)
    margin = np.empty(len(labels))
    for (_, test), judge in zip(folds, judges, strict=True):
        margin[test] = margins(components[test], judge)
        if mirrored is not None:
            margin[test] = (margin[test] + margins(mirrored[test], judge)) / 2
    return margin


def _fit_judges(
    classifier: Any,
    rows: NDArray[Any],
    labels: NDArray[np.int8],
    weight: NDArray[np.float64] | None,
    groups: NDArray[Any],
    source: NDArray[np.intp],
    left_out: Sequence[NDArray[np.bool_]],
) -> list[Any]:
    """Fit the classifier to all rows; return one like it for each part that is fitted without the part."""
    weights = {} if weight is None else {"sample_weight": weight[source]}
    if isinstance(classifier, FixedSizeSvm):  # and its children
        return classifier.fit_without(rows, labels, left_out, groups=groups[source], **weights)
    judges = []
    for part in left_out:
        kept = ~part
        judges.append(clone(classifier).fit(rows[kept], labels[kept], **{k: w[kept] for k, w in weights.items()}))
    classifier.fit(rows, labels, **weights)
    return judges
