"""From labelled images to a fitted `Program`: what `EyeClassifier.fit` does, in one direction."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

from .._utils.resources import one_thread
from ..calibration.platt import fit_platt
from ..errors import ParameterError
from ..inference.drift import score_histogram
from ..inference.novelty import Novelty
from ..inference.program import Cascade, Program, ViewProtocol, blend, probability_of, reduce_images
from ..metrics import roc_auc
from ..preprocessing.alignment import Alignment, align, find_poses, shipped_alignment
from ..preprocessing.augmentation import flip
from ..preprocessing.glare import remove_glare
from ..svm import LeastSquaresSvm, SymmetricSvm
from .pipelines import FittedView, NotCompilableError, compile_view, decision_values
from .training_set import (
    MIN_CALIBRATING,
    TrainingSet,
    add_synthetic,
    balanced_weight,
    make_training_set,
    source_weight,
    split_for_calibration,
)

__all__ = ["UNSURE", "Fitted", "describe", "fit_program", "n_synthetic_eyes", "takes_weights"]

_steps = logging.getLogger("classic_eyes.steps")

_MAX_SYNTHETIC, _SYNTHETIC_PER_IMAGE = 12_000, 3
# Images described at a time. Last digits of the features depend on it, and with them the bytes of a trained model.
_CHUNK = 256
# Share of the held-out images that count as unsure.
UNSURE = 0.05
# Out-of-fold ROC AUC below which labels are hardly those of the images, from so many images on. With fewer, chance
# alone gives such a value.
_LEAST_AUC, _ENOUGH = 0.6, 50
_CONTRADICTED = (
    "the labels contradict the images: out of fold, open and closed eyes are not told apart; 1 means open and 0 "
    "closed, check whether they are exchanged, or names and labels are shifted"
)


@dataclass(frozen=True)
class Fitted:
    """A fitted program, and the scikit-learn pipelines that it was compiled from."""

    program: Program
    pipelines: dict[str, Pipeline]
    n_features: int
    n_components: int
    n_support_vectors: int | None
    not_compiled: str | None
    score_reference: dict[str, Any]


def takes_weights(classifier: Any) -> bool:
    """Whether a classifier can weigh synthetic eyes against images: its ``fit`` has ``sample_weight``."""
    return bool(has_fit_parameter(classifier, "sample_weight"))


def n_synthetic_eyes(n_synthetic: int | str, n_images: int, pipelines: Mapping[str, Pipeline]) -> int:
    """Return how many synthetic eyes are added: for ``"auto"`` three an image, 12,000 at most.

    A classifier without sample weights gets none with ``"auto"``, and raises ParameterError for any other number.
    """
    unweighted = [pipeline[-1] for pipeline in pipelines.values() if not takes_weights(pipeline[-1])]
    if n_synthetic == "auto":
        return 0 if unweighted else min(_MAX_SYNTHETIC, _SYNTHETIC_PER_IMAGE * n_images)
    if n_synthetic and unweighted:
        raise ParameterError(
            f"n_synthetic is {n_synthetic}, and {type(unweighted[0]).__name__} cannot weigh synthetic eyes against "
            "images; take a classifier whose fit has sample_weight, or n_synthetic=0"
        )
    return int(n_synthetic)


def fit_program(
    pipelines: dict[str, Pipeline],
    images: NDArray[np.uint8],
    labels: NDArray[np.int8],
    groups: NDArray[Any],
    weight: NDArray[np.float64] | None,
    sources: NDArray[np.intp],
    *,
    sizes: Sequence[int],
    n_copies: int,
    n_synthetic: int,
    glare: bool,
    aligned: Sequence[bool],
    cascade: float | None,
    novelty: Novelty | None,
    random_state: int,
) -> Fitted:
    """Fit the pipelines and compile them.

    1. The training set is the images, their mirror images and ``n_copies`` varied copies, and ``n_synthetic`` synthetic
       eyes; each view receives them reduced to its own of ``sizes``, without reflections if ``glare``, and aligned if
       its own of ``aligned``.
    2. Each view is fitted to all of it. Its out-of-fold decision values come from classifiers fitted without a third
       of the groups, for synthetic eyes from one fitted to images alone.
    3. The threshold of the cascade leaves the share ``cascade`` of the images to the later views.
    4. Platt scaling is fitted to the blended out-of-fold decision values. A UserWarning says where these show that the
       labels contradict the images.

    Of several sources, each counts as the root of its size in step 2, if the classifiers take weights, and each class
    of each source counts alike in steps 3 and 4. Sources want thresholds on both sides of that of the SVMs, so it
    stays: step 4 fits the slope alone, and to images alone.
    """
    n = len(images)
    calibrating = weight
    if sources.max() > 0:
        given = np.ones(n) if weight is None else weight
        calibrating = given * balanced_weight(sources, labels)
        if all(takes_weights(pipeline[-1]) for pipeline in pipelines.values()):
            weight = given * source_weight(sources)
    _steps.info("training: preparing %d images and %d synthetic eyes", n, n_synthetic)
    folds = split_for_calibration(labels, groups, random_state=random_state)
    # A symmetric SVM is trained on every mirror image without being given it.
    mirror = not all(isinstance(pipeline[-1], SymmetricSvm) for pipeline in pipelines.values())
    training = make_training_set(
        images, labels, groups, weight, mirror=mirror, n_copies=n_copies, random_state=random_state
    )
    if n_synthetic:
        training = add_synthetic(training, n_synthetic, random_state=random_state)
    n_scored = n + n_synthetic if n_synthetic >= MIN_CALIBRATING else n
    if n_scored > n:
        folds = [*folds, (np.arange(n), np.arange(n, n_scored))]
    finder = shipped_alignment() if any(aligned) else None
    with one_thread():
        rows = _inputs(training.images, sizes, aligned, finder, glare=glare)
        fits = []
        for number, (pipeline, own) in enumerate(zip(pipelines.values(), rows, strict=True), start=1):
            _steps.info("training: view %d of %d", number, len(pipelines))
            fits.append(_fit_view(pipeline, own, training, folds, n, n_scored))
        values = [value for value, _ in fits]
        threshold = None
        if cascade is not None and len(pipelines) > 1:
            threshold = _quantile(np.abs(values[0][:n]), cascade, calibrating)
        decisions = blend(values, threshold)
        if sources.max() > 0:
            slope, intercept = fit_platt(decisions[:n], labels, calibrating, intercept=False)
        else:
            slope, intercept = _fit_sigmoid(decisions, training.labels, calibrating, n)
    if slope <= 0 or (n >= _ENOUGH and roc_auc(labels, (1 + np.tanh(decisions[:n])) / 2) < _LEAST_AUC):
        warnings.warn(_CONTRADICTED, UserWarning, stacklevel=4)
    views, not_compiled = _compile(list(pipelines.values()), aligned, _sizes_of_views(sizes))
    program = Program(
        images.shape[1],
        views,
        flip_average=mirror,
        slope=slope,
        intercept=intercept,
        unsure=_quantile(np.abs(slope * decisions[:n] + intercept), UNSURE, calibrating),
        novelty=novelty,
        cascade=None if threshold is None else Cascade(threshold),
        remove_glare=glare,
        alignment=finder,
    )
    classifiers = [pipeline[-1] for pipeline in pipelines.values()]
    vectors = [int(np.sum(each.n_support_)) for each in classifiers if hasattr(each, "n_support_")]
    n_features = sum(int(pipeline["scaler"].n_features_in_) for pipeline in pipelines.values())
    reference = _score_reference(program, slope * decisions[:n] + intercept, calibrating)
    n_components = sum(k for _, k in fits)
    return Fitted(program, pipelines, n_features, n_components, sum(vectors) or None, not_compiled, reference)


def _score_reference(
    program: Program, log_odds: NDArray[np.float64], weight: NDArray[np.float64] | None
) -> dict[str, Any]:
    """Return how out-of-fold scores are distributed, each class of each source with the weight of the calibration."""
    near = np.abs(log_odds) < program.unsure
    return {
        "n": len(log_odds),
        "histogram": np.round(score_histogram(probability_of(log_odds), weight), 6).tolist(),
        "unsure": round(float(np.average(near, weights=weight)), 6),
        "protocol": "out-of-fold scores in training; of several sources each class of each counts alike",
    }


def _sizes_of_views(sizes: Sequence[int]) -> list[int | None]:
    """Return the size of each view as `View` has it: None for the largest."""
    return [None if size == max(sizes) else size for size in sizes]


def _inputs(
    images: NDArray[np.uint8], sizes: Sequence[int], aligned: Sequence[bool], finder: Alignment | None, *, glare: bool
) -> list[NDArray[np.uint8]]:
    """Return what each view receives: the images in its size, without reflections if ``glare``, and aligned or not."""
    made: dict[tuple[int, bool], NDArray[np.uint8]] = {}
    for size in set(sizes):
        reduced = reduce_images(images, size)
        made[size, False] = remove_glare(reduced) if glare else reduced
    if finder is not None:
        chosen = {size for size, own in zip(sizes, aligned, strict=True) if own}
        poses = find_poses(made[min(chosen), False], finder)
        made |= {(size, True): align(made[size, False], finder, poses) for size in chosen}
    return [made[key] for key in zip(sizes, aligned, strict=True)]


def _fit_view(
    pipeline: Pipeline,
    rows: NDArray[np.uint8],
    training: TrainingSet,
    folds: Sequence[tuple[NDArray[np.intp], NDArray[np.intp]]],
    n: int,
    n_scored: int,
) -> tuple[NDArray[np.float64], int]:
    """Fit a pipeline; return out-of-fold decision values of the scored images, and the number of components."""
    components = _fit_components(pipeline, rows, training.labels[training.source])
    scored = training.first_rows[:n_scored]
    mirrored = None
    if not isinstance(pipeline[-1], SymmetricSvm):
        # The mirror images of the images themselves are the second block of rows.
        mirrored = components[n : 2 * n]
        if n_scored > n:
            mirrored = pipeline[1:-1].transform(describe(pipeline[0], flip(rows[scored])))
    held_out = [np.isin(training.source, test) for _, test in folds]
    fitted = _fit_out_of_fold(pipeline[-1], components, training, held_out)
    values = np.empty(n_scored)
    for (_, test), classifier in zip(folds, fitted, strict=True):
        values[test] = decision_values(components[scored[test]], classifier)
        if mirrored is not None:
            values[test] = (values[test] + decision_values(mirrored[test], classifier)) / 2
    return values, components.shape[1]


def _fit_components(pipeline: Pipeline, images: NDArray[np.uint8], labels: NDArray[np.int8]) -> NDArray[Any]:
    """Fit every step before the classifier; return what the last of them gives."""
    rows = describe(pipeline[0].fit(images, labels), images)
    pca = pipeline.named_steps.get("pca")
    if type(pca) is PCA and isinstance(pca.n_components, int | np.integer):
        # A small folder has fewer images than components.
        pca.n_components = min(pca.n_components, *rows.shape)
        if len(rows) >= rows.shape[1]:
            # Exact, and on a tall matrix in half the time of the random projections that PCA would choose.
            pca.svd_solver = "covariance_eigh"
    return pipeline[1:-1].fit_transform(rows, labels)


def describe(union: Any, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the features of images, computed in chunks."""
    first = union.transform(images[:_CHUNK])
    rows = np.empty((len(images), first.shape[1]), dtype=np.float32)
    rows[: len(first)] = first
    for start in range(_CHUNK, len(images), _CHUNK):
        rows[start : start + _CHUNK] = union.transform(images[start : start + _CHUNK])
    return rows


def _fit_out_of_fold(
    classifier: Any, rows: NDArray[Any], training: TrainingSet, held_out: Sequence[NDArray[np.bool_]]
) -> list[Any]:
    """Fit the classifier to all rows; return one like it for each part, fitted without the part."""
    labels, source = training.labels[training.source], training.source
    weights = {} if training.weight is None else {"sample_weight": training.weight[source]}
    if isinstance(classifier, LeastSquaresSvm):  # and its subclasses
        return classifier.fit_out_of_fold(rows, labels, held_out, groups=training.groups[source], **weights)
    fitted = []
    for part in held_out:
        kept = ~part
        fitted.append(clone(classifier).fit(rows[kept], labels[kept], **{k: w[kept] for k, w in weights.items()}))
    classifier.fit(rows, labels, **weights)
    return fitted


def _quantile(values: NDArray[np.float64], share: float, weight: NDArray[np.float64] | None) -> float:
    """Return the value that a share of the weight is at or below.

    >>> _quantile(np.array([3.0, 1.0, 2.0]), 0.5, np.array([8.0, 1.0, 1.0]))
    3.0
    """
    if weight is None:
        return float(np.quantile(values, share))
    order = np.argsort(values, kind="stable")
    below = np.cumsum(weight[order])
    return float(values[order[min(int(np.searchsorted(below, share * below[-1])), len(values) - 1)]])


def _fit_sigmoid(
    decisions: NDArray[np.float64], labels: NDArray[np.int8], weight: NDArray[np.float64] | None, n: int
) -> tuple[float, float]:
    """Fit Platt's sigmoid to out-of-fold decision values; synthetic eyes weigh as much as all n images together."""
    weights = np.ones(len(decisions))
    weights[:n] = 1 if weight is None else weight
    if len(decisions) > n:
        weights[n:] = weights[:n].sum() / (len(decisions) - n)
    return fit_platt(decisions, labels[: len(decisions)], weights)


def _compile(
    pipelines: Sequence[Pipeline], aligned: Sequence[bool], sizes: Sequence[int | None]
) -> tuple[tuple[ViewProtocol, ...], str | None]:
    """Return the views, and why one of them is not compiled."""
    views: list[ViewProtocol] = []
    reason = None
    for pipeline, own, size in zip(pipelines, aligned, sizes, strict=True):
        try:
            views.append(compile_view(pipeline, aligned=own, size=size))
        except NotCompilableError as error:
            reason = str(error)
            views.append(FittedView(_contiguous(pipeline), own, size))
    return tuple(views), reason


def _contiguous(pipeline: Pipeline) -> Pipeline:
    """Make the arrays of a fitted pipeline contiguous, as they are when read from a file; the products then agree."""
    for step in pipeline.named_steps.values():
        for name, value in vars(step).items():
            if isinstance(value, np.ndarray) and not (value.flags.c_contiguous or value.flags.f_contiguous):
                setattr(step, name, np.ascontiguousarray(value))
    return pipeline
