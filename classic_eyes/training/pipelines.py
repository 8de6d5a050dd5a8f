"""The scikit-learn pipeline of a view: built from names of features and classifiers, and compiled for a `Program`."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.base import BaseEstimator, clone
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from ..errors import ParameterError
from ..features import EXTRACTORS, Extractor, make_extractor
from ..inference.program import Block, Decisions, View
from ..svm import LeastSquaresSvm, MetricSvm, SymmetricSvm
from ..svm.symmetric import SymmetricPca, SymmetricScaler, SymmetricUnion, mirrored_columns

__all__ = [
    "CLASSIFIERS",
    "FittedView",
    "NotCompilableError",
    "build_pipeline",
    "build_pipelines",
    "check_compilable",
    "compile_view",
    "decision_values",
    "default_settings",
    "make_classifier",
    "split_views",
]

# The forms of extractors that a flip only permutes or that are fast, for symmetric SVMs.
_FOR_SYMMETRIC = {"mirrored": True, "coding": "squared", "gaussian": False}


def _libsvm(random_state: int) -> BaseEstimator:
    # The cache is in MB; it changes the time of a fit and nothing else.
    return SVC(C=3.0, kernel="rbf", gamma="scale", cache_size=1000, random_state=random_state)


def _gradient_boosting(random_state: int) -> BaseEstimator:
    return HistGradientBoostingClassifier(
        max_iter=300, learning_rate=0.1, l2_regularization=1.0, early_stopping=False, random_state=random_state
    )


CLASSIFIERS: dict[str, Callable[[int], BaseEstimator]] = {
    "svm": lambda seed: LeastSquaresSvm(random_state=seed),
    "symmetric": lambda seed: SymmetricSvm(random_state=seed),
    "metric": lambda seed: MetricSvm(random_state=seed),
    "libsvm": _libsvm,
    "gb": _gradient_boosting,
    "linear": lambda seed: LogisticRegression(C=0.01, max_iter=2000, random_state=seed),
    "knn": lambda _: KNeighborsClassifier(n_neighbors=15, weights="distance"),
}
"""Name to a function of the seed:

``svm`` (`classic_eyes.svm.LeastSquaresSvm`: RBF, trained in seconds), ``symmetric`` (`classic_eyes.svm.SymmetricSvm`:
the same prediction for an image and its mirror image, at half the cost), ``metric`` (`classic_eyes.svm.MetricSvm`: the
same along learned directions, fastest to predict, three times the training), ``libsvm`` (scikit-learn's `SVC`), ``gb``
(histogram gradient boosting), ``linear`` (logistic regression), ``knn`` (15 nearest neighbours).
"""


def make_classifier(classifier: Any, *, random_state: int = 0) -> BaseEstimator:
    """Return a classifier for a name of `CLASSIFIERS`, a pair of name and parameters, or a scikit-learn classifier.

    >>> make_classifier("libsvm").kernel
    'rbf'
    >>> make_classifier(("svm", {"n_support": 500})).n_support
    500
    """
    if _is_pair(classifier):
        made = make_classifier(classifier[0], random_state=random_state)
        try:
            return made.set_params(**classifier[1])
        except (TypeError, ValueError) as error:
            raise ParameterError(f"classifier is {classifier!r}: {error}") from error
    if isinstance(classifier, str):
        if classifier not in CLASSIFIERS:
            near = difflib.get_close_matches(classifier, CLASSIFIERS, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ParameterError(f"classifier {classifier!r} is not known; known are {', '.join(CLASSIFIERS)}{hint}")
        return CLASSIFIERS[classifier](random_state)
    scores = hasattr(classifier, "decision_function") or hasattr(classifier, "predict_proba")
    if isinstance(classifier, type) or not hasattr(classifier, "fit") or not scores:
        raise ParameterError(
            f"classifier is {classifier!r}; allowed is one of {', '.join(CLASSIFIERS)}, a pair of such a name and its "
            "parameters, an object with fit and decision_function or predict_proba, or a sequence of one for each view"
        )
    return clone(classifier)


def _is_pair(entry: Any) -> bool:
    return isinstance(entry, tuple) and len(entry) == 2 and isinstance(entry[1], dict)


def _is_view(entry: Any) -> bool:
    return isinstance(entry, tuple | list) and not _is_pair(entry)


def split_views(features: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Return the views: names and extractors side by side are one view, nested sequences are one view each.

    >>> split_views(("hog", "lbp"))
    [('hog', 'lbp')]
    >>> split_views((("hog", "lbp"), "words"))
    [('hog', 'lbp'), ('words',)]
    >>> split_views((("hog", {"cells": (8,)}), "lbp"))
    [(('hog', {'cells': (8,)}), 'lbp')]
    """
    if isinstance(features, str):
        raise ParameterError(
            f"features is the text {features!r}; give a sequence of names, for example ({features!r},)"
        )
    if any(_is_view(entry) for entry in features):
        views = [tuple(entry) if _is_view(entry) else (entry,) for entry in features]
    else:
        views = [tuple(features)]
    if not all(views):
        raise ParameterError(f"features is {features!r}; give at least one of {', '.join(EXTRACTORS)} to each view")
    return views


def build_pipelines(
    features: Sequence[Any],
    classifier: Any,
    *,
    n_components: int | float | None = 300,
    random_state: int = 0,
) -> dict[str, Pipeline]:
    """Return an unfitted pipeline for each view, by the names of its features joined by plus signs.

    The steps are ``features``, ``scaler``, ``pca`` (not with ``n_components=None``) and ``classifier``; with a
    symmetric SVM those of `classic_eyes.svm.symmetric`. A sequence of classifiers holds one for each view.

    >>> list(build_pipelines((("hog", "lbp"), "words"), "svm"))
    ['hog+lbp', 'words']
    >>> list(build_pipelines(("hog", "profile"), "gb")["hog+profile"].named_steps)
    ['features', 'scaler', 'pca', 'classifier']
    """
    views = split_views(features)
    one_each = isinstance(classifier, tuple | list) and not _is_pair(classifier)
    classifiers = list(classifier) if one_each else [classifier] * len(views)
    if len(classifiers) != len(views):
        raise ParameterError(
            f"classifier holds {len(classifiers)} classifiers and features {len(views)} views; give one for all views, "
            "or one for each"
        )
    built: dict[str, Pipeline] = {}
    for view, own in zip(views, classifiers, strict=True):
        pipeline = build_pipeline(view, own, n_components=n_components, random_state=random_state)
        built[_unique("+".join(name for name, _ in pipeline[0].transformer_list), built)] = pipeline
    return built


def build_pipeline(
    view: Sequence[Any],
    classifier: Any = "svm",
    *,
    n_components: int | float | None = 300,
    random_state: int = 0,
) -> Pipeline:
    """Return the unfitted pipeline of one view; see `build_pipelines`."""
    _check_n_components(n_components)
    last = make_classifier(classifier, random_state=random_state)
    symmetric = isinstance(last, SymmetricSvm)
    union = FeatureUnion(_named_extractors(view, random_state, symmetric=symmetric))
    if symmetric:
        if not isinstance(n_components, int) or n_components < 2:
            raise ParameterError(
                f"n_components is {n_components!r}; with the classifiers 'symmetric' and 'metric' allowed is a whole "
                "number from 2, half of it for even and half for odd components"
            )
        steps: list[tuple[str, Any]] = [("features", SymmetricUnion(union)), ("scaler", SymmetricScaler())]
        steps.append(("pca", SymmetricPca(n_components)))
    else:
        steps = [("features", union), ("scaler", StandardScaler())]
        if n_components is not None:
            steps.append(("pca", PCA(n_components, random_state=random_state)))
    return Pipeline([*steps, ("classifier", last)])


def _named_extractors(features: Sequence[Any], random_state: int, *, symmetric: bool) -> list[tuple[str, Any]]:
    """Pair each extractor with a unique name: its own, or that of its class."""
    named: dict[str, Any] = {}
    for feature in features:
        name, own = feature if _is_pair(feature) else (feature, {})
        if isinstance(name, str):
            extractor = make_extractor(name)
            known = extractor.get_params()
            if "random_state" in known:
                extractor.set_params(random_state=random_state)
            if symmetric:
                extractor.set_params(**{key: value for key, value in _FOR_SYMMETRIC.items() if key in known})
            try:
                extractor.set_params(**own)
            except ValueError as error:
                raise ParameterError(f"features holds {feature!r}: {error}") from error
        else:
            # An extractor that a caller goes on using must not be fitted behind their back.
            extractor = clone(make_extractor(feature))
            name = type(feature).__name__.lower()
        named[_unique(name, named)] = extractor
    return list(named.items())


def _unique(stem: str, taken: Collection[str]) -> str:
    name, number = stem, 2
    while name in taken:
        name, number = f"{stem}{number}", number + 1
    return name


def _check_n_components(n_components: int | float | None) -> None:
    if n_components is None:
        return
    whole = isinstance(n_components, int) and not isinstance(n_components, bool) and n_components >= 1
    share = isinstance(n_components, float) and 0 < n_components < 1
    if not (whole or share):
        raise ParameterError(
            f"n_components is {n_components!r}; allowed is a whole number from 1, a share between 0 and 1, "
            "or None for no PCA"
        )


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
