"""From names of features and classifiers to unfitted scikit-learn pipelines, one for each view."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Sequence
from typing import Any

from sklearn.base import BaseEstimator, clone
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from ..errors import ParameterError
from ..features import EXTRACTORS, make_extractor
from ..svm import LeastSquaresSvm, MetricSvm, SymmetricSvm
from ..svm.symmetric import SymmetricPca, SymmetricScaler, SymmetricUnion

__all__ = ["CLASSIFIERS", "build_pipeline", "build_pipelines", "make_classifier", "split_views"]

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
