"""From fitted scikit-learn pipelines to a `Program`, or to the fastest faithful decision where there is none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC

from ..features import Extractor
from ..inference.cascade import Cascade
from ..inference.novelty import Novelty
from ..inference.program import Block, Program, View
from ..preprocessing.alignment import Alignment
from ..svm import LeastSquaresSvm, MetricSvm, SymmetricSvm
from ..svm.symmetric import mirrored_columns

__all__ = ["NotCompilableError", "compile_program", "decide_as_fitted", "margins"]

Margins = NDArray[np.float64]


class NotCompilableError(Exception):
    """A pipeline has no compiled form; the message says why."""


def compile_program(
    pipelines: Sequence[Pipeline],
    *,
    size: int,
    flip_average: bool,
    calibration: tuple[float, float],
    shares: Sequence[float] | None = None,
    unsure: float = 0.0,
    novelty: Novelty | None = None,
    threshold: float | None = None,
    remove_glare: bool = False,
    alignment: Alignment | None = None,
    aligned: Sequence[bool] | None = None,
) -> Program:
    """Turn fitted pipelines, one a view of features, into float32 matrix products.

    1. Scaler and PCA become one matrix and an offset; of a mirror machine also the features of the mirror image, where
       they are the image's own in another order, and the directions along which one compares that learns them.
    2. The machine becomes its support vectors, their coefficients and the width of its kernel.

    The answers are within 1e-4 in probability of the pipelines' own.

    Parameters
    ----------
    pipelines : sequence of sklearn.pipeline.Pipeline
        Fitted, as `classic_eyes.training.pipelines.build_pipelines` makes them.
    size : int
        Side of the images in pixels.
    flip_average : bool
        Whether the margins of an image and of its mirror image are averaged.
    calibration : tuple of float
        Slope and intercept from margin to log odds of open.
    shares : sequence of float, optional
        What each view counts for in the average, 1 on average; all the same by default.
    unsure : float, default 0
        Log odds nearer to 0 than that are not sure.
    novelty : Novelty, optional
        Handed on as it is.
    threshold : float, optional
        Margin of the first view, nearer to 0 than which the others are asked; always by default.
    remove_glare : bool, default False
        Whether the images have lost their reflections when they come to the features.
    alignment : Alignment, optional
        What finds the eye in its patch.
    aligned : sequence of bool, optional
        Which views are shown the eye as `alignment` finds it; none by default.

    Returns
    -------
    Program
        The compiled form.

    Raises
    ------
    NotCompilableError
        For a classifier other than `LeastSquaresSvm`, `SymmetricSvm`, `MetricSvm` and `SVC` with an RBF kernel, or an
        extractor without a descriptor.

    Examples
    --------
    >>> from classic_eyes.training.pipelines import build_pipeline
    >>> from classic_eyes.synthetic import make_eyes
    >>> eyes = make_eyes(40)
    >>> fitted = build_pipeline(["profile"], n_components=10).fit(eyes.images, eyes.labels)
    >>> program = compile_program([fitted], size=24, flip_average=True, calibration=(2.0, 0.0))
    >>> program.probability(eyes.images).shape
    (40,)
    """
    given = np.ones(len(pipelines)) if shares is None else shares
    shown = [False] * len(pipelines) if aligned is None else aligned
    views = [_view(pipeline, float(share), own) for pipeline, share, own in zip(pipelines, given, shown, strict=True)]
    # A mirror machine answers the same about both images.
    flips = flip_average and not all(view.mirror for view in views)
    cascade = None if threshold is None else Cascade(threshold, float(given[0]))
    slope, intercept = map(float, calibration)
    return Program(size, views, flips, slope, intercept, unsure, novelty, cascade, remove_glare, alignment)


def _view(pipeline: Pipeline, share: float, aligned: bool) -> View:
    machine = pipeline.named_steps["classifier"]
    # A subclass may decide otherwise than its parent, so only the classes themselves are compiled.
    kind = type(machine)
    if not (kind in (LeastSquaresSvm, SymmetricSvm, MetricSvm) or (kind is SVC and machine.kernel == "rbf")):
        raise NotCompilableError(f"the classifier {kind.__name__} has no compiled form")
    if kind is SVC and machine.classes_.tolist() != [0, 1]:
        raise NotCompilableError("the classes are not 0 and 1")
    mirror = kind in (SymmetricSvm, MetricSvm)
    blocks, offset = _mirror_blocks(pipeline) if mirror else _plain_blocks(pipeline)
    support = machine.support_vectors_
    centre = np.zeros(support.shape[1])
    if not mirror:
        # Distances do not depend on the origin, rounding does: components of all rows may lie far from 0.
        centre = support.astype(np.float64).mean(axis=0)
    return View(
        blocks=blocks,
        offset=(offset - centre).astype(np.float32),
        support=np.ascontiguousarray((support - centre).T, dtype=np.float32),
        # Margins are averaged, so that a view counts for more by being larger.
        dual=(share * machine.dual_coef_[0]).astype(np.float32),
        intercept=share * float(machine.intercept_[0]),
        gamma=float(machine._gamma),
        mirror=mirror,
        aligned=aligned,
    )


def _extractors(union: Any) -> list[Extractor]:
    extractors = [extractor for _, extractor in union.transformer_list]
    for extractor in extractors:
        if not isinstance(extractor, Extractor) or extractor.descriptor is None:
            raise NotCompilableError(f"the extractor {type(extractor).__name__} has no compiled form")
    return extractors


def _plain_blocks(pipeline: Pipeline) -> tuple[list[Block], NDArray[np.float64]]:
    scaler, pca = pipeline.named_steps["scaler"], pipeline.named_steps.get("pca")
    scale = 1 / scaler.scale_.astype(np.float64)
    rotation = np.eye(len(scale)) if pca is None else pca.components_.astype(np.float64).T
    centre = np.zeros(len(scale)) if pca is None else pca.mean_.astype(np.float64)
    weights = scale[:, np.newaxis] * rotation
    blocks, start = [], 0
    for extractor in _extractors(pipeline[0]):
        end = start + extractor.n_features_out_
        blocks.append(_block(extractor, False, weights[start:end]))
        start = end
    return blocks, -(scaler.mean_.astype(np.float64) * scale + centre) @ rotation


def _mirror_blocks(pipeline: Pipeline) -> tuple[list[Block], NDArray[np.float64]]:
    scaler, pca = pipeline.named_steps["scaler"], pipeline.named_steps["pca"]
    factor = (np.sqrt(0.5) / scaler.scale_)[:, np.newaxis]
    even, odd = factor * pca.even_, factor * pca.odd_
    machine = pipeline.named_steps["classifier"]
    if isinstance(machine, MetricSvm):
        even, odd = even @ machine.even_.astype(np.float64), odd @ machine.odd_.astype(np.float64)
    seen, mirrored = np.hstack([even, odd]), np.hstack([even, -odd])
    blocks, start = [], 0
    for extractor in _extractors(pipeline[0]):
        part = slice(start, start + extractor.n_features_out_)
        columns = mirrored_columns(extractor)
        if columns is not None:
            # Column j of the mirror image is column columns[j] of the image.
            together = seen[part].copy()
            np.add.at(together, columns, mirrored[part])
            places = np.arange(len(columns))
            pairs = np.stack([places, columns])[:, places <= columns]
            # One that stays is added to itself.
            together[places == columns] /= 2
            blocks.append(_block(extractor, False, together[pairs[0]], pairs.astype(np.int32)))
        else:
            blocks += [_block(extractor, False, seen[part]), _block(extractor, True, mirrored[part])]
        start = part.stop
    return blocks, -2 * scaler.mean_ @ np.hstack([even, np.zeros_like(odd)])


def _block(
    extractor: Extractor, mirrored: bool, weights: NDArray[np.float64], pairs: NDArray[Any] | None = None
) -> Block:
    name = str(extractor.descriptor)
    return Block(name, extractor.settings(), mirrored, np.ascontiguousarray(weights, dtype=np.float32), pairs)


@dataclass(frozen=True, eq=False)
class _AsFitted:
    """The decision as scikit-learn computes it, after the features."""

    pipeline: Pipeline

    def __call__(self, images: NDArray[np.uint8]) -> Margins:
        return margins(self.pipeline[:-1].transform(images), self.pipeline[-1])


def decide_as_fitted(pipeline: Pipeline) -> Callable[[NDArray[np.uint8]], Margins]:
    """Return a fitted pipeline's own margins, as a function of images.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
        Fitted, as `classic_eyes.training.pipelines.build_pipeline` makes it.

    Returns
    -------
    callable
        From uint8 (n, size, size) to float64 margins (n,).
    """
    return _AsFitted(pipeline)


def margins(Z: NDArray[Any], classifier: Any) -> Margins:
    """Return a fitted classifier's margins for rows of components; log odds where it has no decision function.

    Parameters
    ----------
    Z : array of shape (n, n_components)
        What the step before the classifier gives.
    classifier : scikit-learn classifier
        Fitted on the classes 0 and 1.

    Returns
    -------
    float64 array of shape (n,)
        Positive means open.

    Examples
    --------
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> knn = KNeighborsClassifier(1).fit([[0.0], [1.0]], [0, 1])
    >>> margins(np.array([[0.2], [0.9]]), knn) > 0
    array([False,  True])
    """
    if hasattr(classifier, "decision_function"):
        return np.asarray(classifier.decision_function(Z), dtype=np.float64)
    # A vote of all neighbours is no certainty; the clip keeps its log odds finite.
    share = np.clip(classifier.predict_proba(Z)[:, 1], 1e-3, 1 - 1e-3)
    return np.log(share / (1 - share))
