"""From fitted scikit-learn pipelines to the views of a `Program`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC

from ..features import Extractor
from ..inference.program import Block, Decisions, View
from ..svm import LeastSquaresSvm, MetricSvm, SymmetricSvm
from ..svm.symmetric import mirrored_columns

__all__ = [
    "FittedView",
    "NotCompilableError",
    "check_compilable",
    "compile_view",
    "decision_values",
    "default_settings",
]


class NotCompilableError(Exception):
    """A pipeline has no compiled form; the message says why."""


@contextmanager
def default_settings() -> Iterator[None]:
    """Use scikit-learn's own settings: a caller's `sklearn.set_config` is for the caller's data.

    Data frames between the steps of our pipelines, for example, would be of no use, and other sizes of chunks would
    change last digits.
    """
    with config_context(
        array_api_dispatch=False,
        assume_finite=False,
        enable_cython_pairwise_dist=True,
        enable_metadata_routing=False,
        pairwise_dist_chunk_size=256,
        skip_parameter_validation=False,
        transform_output="default",
        working_memory=1024,
    ):
        yield


@dataclass(frozen=True, eq=False)
class FittedView:
    """A view that cannot be compiled: the fitted pipeline itself, which needs scikit-learn."""

    pipeline: Pipeline
    aligned: bool = False
    size: int | None = None
    needs_flip: ClassVar[bool] = False

    def describe(self, images: NDArray[np.uint8], flipped: NDArray[np.uint8]) -> NDArray[Any]:
        """Return what the steps before the classifier make of images."""
        del flipped
        with default_settings():
            return self.pipeline[:-1].transform(images)

    def decide(self, described: NDArray[Any]) -> Decisions:
        """Return the classifier's decision values."""
        with default_settings():
            return decision_values(described, self.pipeline[-1])


def check_compilable(pipeline: Pipeline) -> None:
    """Raise NotCompilableError for a pipeline, fitted or not, that `compile_view` cannot compile."""
    classifier = pipeline.named_steps["classifier"]
    # A subclass may decide otherwise than its parent, so only the classes themselves are compiled.
    kind = type(classifier)
    if not (kind in (LeastSquaresSvm, SymmetricSvm, MetricSvm) or (kind is SVC and classifier.kernel == "rbf")):
        raise NotCompilableError(f"the classifier {kind.__name__} has no compiled form")
    for _, extractor in pipeline[0].transformer_list:
        if not isinstance(extractor, Extractor) or extractor.descriptor is None:
            raise NotCompilableError(f"the extractor {type(extractor).__name__} has no compiled form")


def compile_view(pipeline: Pipeline, *, aligned: bool = False, size: int | None = None) -> View:
    """Turn a fitted pipeline into float32 matrix products.

    1. Scaler and PCA become one matrix and an offset. With a symmetric SVM the features of the mirror image join them,
       as a permutation of the image's own where the extractor knows it, and so do the directions of a `MetricSvm`.
    2. The SVM becomes its support vectors, their coefficients and the width of its kernel.

    Raises
    ------
    NotCompilableError
        For a classifier other than `LeastSquaresSvm`, `SymmetricSvm`, `MetricSvm` and `SVC` with an RBF kernel, or an
        extractor without a descriptor.
    """
    check_compilable(pipeline)
    svm = pipeline.named_steps["classifier"]
    kind = type(svm)
    if kind is SVC and svm.classes_.tolist() != [0, 1]:
        raise NotCompilableError("the classes are not 0 and 1")
    symmetric = kind in (SymmetricSvm, MetricSvm)
    blocks, offset = _symmetric_blocks(pipeline) if symmetric else _plain_blocks(pipeline)
    support = svm.support_vectors_
    centre = np.zeros(support.shape[1])
    if not symmetric:
        # Distances do not depend on the origin, rounding does: components may lie far from 0.
        centre = support.astype(np.float64).mean(axis=0)
    return View(
        blocks=blocks,
        offset=(offset - centre).astype(np.float32),
        support=np.ascontiguousarray((support - centre).T, dtype=np.float32),
        dual=svm.dual_coef_[0].astype(np.float32),
        intercept=float(svm.intercept_[0]),
        gamma=float(svm._gamma),
        symmetric=symmetric,
        aligned=aligned,
        size=size,
    )


def _plain_blocks(pipeline: Pipeline) -> tuple[tuple[Block, ...], NDArray[np.float64]]:
    scaler, pca = pipeline.named_steps["scaler"], pipeline.named_steps.get("pca")
    scale = 1 / scaler.scale_.astype(np.float64)
    rotation = np.eye(len(scale)) if pca is None else pca.components_.astype(np.float64).T
    centre = np.zeros(len(scale)) if pca is None else pca.mean_.astype(np.float64)
    weights = scale[:, np.newaxis] * rotation
    blocks, start = [], 0
    for _, extractor in pipeline[0].transformer_list:
        end = start + extractor.n_features_out_
        blocks.append(_block(extractor, False, weights[start:end]))
        start = end
    return tuple(blocks), -(scaler.mean_.astype(np.float64) * scale + centre) @ rotation


def _symmetric_blocks(pipeline: Pipeline) -> tuple[tuple[Block, ...], NDArray[np.float64]]:
    scaler, pca = pipeline.named_steps["scaler"], pipeline.named_steps["pca"]
    factor = (np.sqrt(0.5) / scaler.scale_)[:, np.newaxis]
    even, odd = factor * pca.even_, factor * pca.odd_
    svm = pipeline.named_steps["classifier"]
    if isinstance(svm, MetricSvm):
        even, odd = even @ svm.even_.astype(np.float64), odd @ svm.odd_.astype(np.float64)
    seen, mirrored = np.hstack([even, odd]), np.hstack([even, -odd])
    blocks, start = [], 0
    for _, extractor in pipeline[0].transformer_list:
        part = slice(start, start + extractor.n_features_out_)
        columns = mirrored_columns(extractor)
        if columns is not None:
            # Column j of the mirror image is column columns[j] of the image.
            together = seen[part].copy()
            np.add.at(together, columns, mirrored[part])
            places = np.arange(len(columns))
            pairs = np.stack([places, columns])[:, places <= columns]
            # A column that a flip leaves in place was added to itself.
            together[places == columns] /= 2
            blocks.append(_block(extractor, False, together[pairs[0]], pairs.astype(np.int32)))
        else:
            blocks += [_block(extractor, False, seen[part]), _block(extractor, True, mirrored[part])]
        start = part.stop
    return tuple(blocks), -2 * scaler.mean_ @ np.hstack([even, np.zeros_like(odd)])


def _block(
    extractor: Extractor, mirrored: bool, weights: NDArray[np.float64], pairs: NDArray[Any] | None = None
) -> Block:
    name = str(extractor.descriptor)
    return Block(name, extractor.settings(), mirrored, np.ascontiguousarray(weights, dtype=np.float32), pairs)


def decision_values(rows: NDArray[Any], classifier: Any) -> Decisions:
    """Return a fitted classifier's decision values of rows; log odds where it has no decision function.

    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> knn = KNeighborsClassifier(1).fit([[0.0], [1.0]], [0, 1])
    >>> decision_values(np.array([[0.2], [0.9]]), knn) > 0
    array([False,  True])
    """
    if hasattr(classifier, "decision_function"):
        return np.asarray(classifier.decision_function(rows), dtype=np.float64)
    # All neighbours agreeing is no certainty; the clip keeps the log odds finite.
    share = np.clip(classifier.predict_proba(rows)[:, 1], 1e-3, 1 - 1e-3)
    return np.log(share / (1 - share))
