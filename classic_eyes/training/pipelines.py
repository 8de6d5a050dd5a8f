"""From names of features and of a classifier to plain, unfitted scikit-learn pipelines, one a view of features."""

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

__all__ = ["CLASSIFIERS", "DEFAULT_FEATURES", "build_pipeline", "build_pipelines", "make_classifier", "split_views"]

DEFAULT_FEATURES = ("hog", "lbp")
# What a mirror machine asks of the extractors that it makes from names.
_QUICK = {"mirrored": True, "coding": "squared", "gaussian": False}


def _svm(random_state: int) -> BaseEstimator:
    return LeastSquaresSvm(random_state=random_state)


def _mirror(random_state: int) -> BaseEstimator:
    return SymmetricSvm(random_state=random_state)


def _metric(random_state: int) -> BaseEstimator:
    return MetricSvm(random_state=random_state)


def _libsvm(random_state: int) -> BaseEstimator:
    # The cache is in MB; it changes the time of a fit and nothing else.
    return SVC(C=3.0, kernel="rbf", gamma="scale", cache_size=1000, random_state=random_state)


def _gradient_boosting(random_state: int) -> BaseEstimator:
    return HistGradientBoostingClassifier(
        max_iter=300, learning_rate=0.1, l2_regularization=1.0, early_stopping=False, random_state=random_state
    )


def _linear(random_state: int) -> BaseEstimator:
    return LogisticRegression(C=0.01, max_iter=2000, random_state=random_state)


def _nearest_neighbours(random_state: int) -> BaseEstimator:
    del random_state  # nothing in it is random
    return KNeighborsClassifier(n_neighbors=15, weights="distance")


CLASSIFIERS: dict[str, Callable[[int], BaseEstimator]] = {
    "svm": _svm,
    "mirror": _mirror,
    "metric": _metric,
    "libsvm": _libsvm,
    "gb": _gradient_boosting,
    "linear": _linear,
    "knn": _nearest_neighbours,
}


def make_classifier(classifier: Any, *, random_state: int = 0) -> BaseEstimator:
    """Return a classifier for a name of `CLASSIFIERS`, or a clone of the scikit-learn classifier given.

    Parameters
    ----------
    classifier : str or scikit-learn classifier
        ``svm`` (`classic_eyes.svm.LeastSquaresSvm`: RBF, least squares, trained in seconds), ``mirror``
        (`classic_eyes.svm.SymmetricSvm`: the same about an image and its mirror image, at half the cost), ``metric``
        (`classic_eyes.svm.MetricSvm`: that along directions which it learns, fewer and better, for three times the
        training), ``libsvm`` (scikit-learn's RBF `SVC`), ``gb`` (histogram gradient boosting), ``linear`` (logistic
        regression), ``knn`` (15 nearest neighbours), or an object with ``fit`` and ``decision_function`` or
        ``predict_proba``.
    random_state : int, default 0
        Seed of a classifier made from a name.

    Returns
    -------
    scikit-learn classifier
        Not fitted.

    Raises
    ------
    ParameterError
        For an unknown name, listing the known ones, or an object that cannot fit and score.

    Examples
    --------
    >>> make_classifier("libsvm").kernel
    'rbf'
    >>> make_classifier("mirror"), make_classifier("metric")
    (SymmetricSvm(), MetricSvm())
    """
    if isinstance(classifier, str):
        if classifier not in CLASSIFIERS:
            near = difflib.get_close_matches(classifier, CLASSIFIERS, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ParameterError(f"classifier {classifier!r} is not known; known are {', '.join(CLASSIFIERS)}{hint}")
        return CLASSIFIERS[classifier](random_state)
    scores = hasattr(classifier, "decision_function") or hasattr(classifier, "predict_proba")
    if isinstance(classifier, type) or not hasattr(classifier, "fit") or not scores:
        raise ParameterError(
            f"classifier is {classifier!r}; it must be one of {', '.join(CLASSIFIERS)} "
            "or an object with fit and decision_function or predict_proba"
        )
    return clone(classifier)


def split_views(features: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Say which features are learnt together, by one machine, and which apart.

    Names and extractors side by side are one view. Where one of the entries is itself a sequence, every entry is a
    view, and a bare one is alone in its own.

    Parameters
    ----------
    features : sequence of str, extractor, or sequence of those
        As `classic_eyes.EyeClassifier` takes them.

    Returns
    -------
    list of tuple
        Views, none empty.

    Raises
    ------
    ParameterError
        For a text, or where there is nothing.

    Examples
    --------
    >>> split_views(("hog", "lbp"))
    [('hog', 'lbp')]
    >>> split_views((("hog", "lbp"), "words"))
    [('hog', 'lbp'), ('words',)]
    """
    if isinstance(features, str):
        raise ParameterError(
            f"features is the text {features!r}; give a sequence of names, for example ({features!r},)"
        )
    nested = any(isinstance(entry, tuple | list) for entry in features)
    if nested:
        views = [tuple(entry) if isinstance(entry, tuple | list) else (entry,) for entry in features]
    else:
        views = [tuple(features)]
    if not all(views):
        raise ParameterError(f"features is {features!r}; give at least one of {', '.join(EXTRACTORS)} to each view")
    return views


def _unique(stem: str, taken: Collection[str]) -> str:
    name, number = stem, 2
    while name in taken:
        name, number = f"{stem}{number}", number + 1
    return name


def _named_extractors(features: Sequence[Any], random_state: int, *, mirrored: bool) -> list[tuple[str, Any]]:
    """Pair each extractor with a unique name: its own, or that of its class.

    One made from a name takes the form that is closed under mirroring, and quick, if it has one and is to.
    """
    named: dict[str, Any] = {}
    for feature in features:
        if isinstance(feature, str):
            extractor = make_extractor(feature)
            known = extractor.get_params()
            if "random_state" in known:
                extractor.set_params(random_state=random_state)
            if mirrored:
                extractor.set_params(**{name: value for name, value in _QUICK.items() if name in known})
        else:
            # An extractor that a caller goes on using must not be fitted behind their back.
            extractor = clone(make_extractor(feature))
        named[_unique(feature if isinstance(feature, str) else type(feature).__name__.lower(), named)] = extractor
    return list(named.items())


def build_pipelines(
    features: Sequence[Any] = DEFAULT_FEATURES,
    classifier: Any = "svm",
    *,
    n_components: int | float | None = 300,
    random_state: int = 0,
) -> dict[str, Pipeline]:
    """Build a pipeline for each view of features, not fitted.

    Parameters
    ----------
    features : sequence of str, extractor, or sequence of those
        See `split_views`; by default one view.
    classifier : str or scikit-learn classifier, default ``"svm"``
        What learns from each view; see `make_classifier`.
    n_components : int, float or None, default 300
        As in `build_pipeline`, for each view.
    random_state : int, default 0
        Seed of the PCA, and of a classifier and of extractors made from names.

    Returns
    -------
    dict of str to sklearn.pipeline.Pipeline
        By the names of the view's features, joined by plus signs.

    Raises
    ------
    ParameterError
        As `build_pipeline` and `split_views`.

    Examples
    --------
    >>> list(build_pipelines((("hog", "lbp"), "words")))
    ['hog+lbp', 'words']
    """
    built: dict[str, Pipeline] = {}
    for view in split_views(features):
        pipeline = build_pipeline(view, classifier, n_components=n_components, random_state=random_state)
        built[_unique("+".join(name for name, _ in pipeline[0].transformer_list), built)] = pipeline
    return built


def build_pipeline(
    features: Sequence[Any] = DEFAULT_FEATURES,
    classifier: Any = "svm",
    *,
    n_components: int | float | None = 300,
    random_state: int = 0,
) -> Pipeline:
    """Build ``FeatureUnion -> StandardScaler -> PCA -> classifier`` for one view of features, not fitted.

    Parameters
    ----------
    features : sequence of str or extractor, default ``("hog", "lbp")``
        Names of `classic_eyes.features.EXTRACTORS`, or transformers from uint8 ``(n, h, w)`` to ``(n, d)``.
    classifier : str or scikit-learn classifier, default ``"svm"``
        See `make_classifier`.
    n_components : int, float or None, default 300
        Principal components kept; a share of the variance if a float below 1; None leaves the PCA out.
    random_state : int, default 0
        Seed of the PCA, and of a classifier and of extractors made from names.

    Returns
    -------
    sklearn.pipeline.Pipeline
        Steps ``features``, ``scaler``, ``pca`` (unless left out) and ``classifier``; for the classifiers
        ``mirror`` and ``metric`` those of `classic_eyes.svm.symmetric`.

    Raises
    ------
    ParameterError
        For an unknown name, no feature, or an n_components that is not allowed.

    Examples
    --------
    >>> list(build_pipeline(["hog", "profile"], "gb").named_steps)
    ['features', 'scaler', 'pca', 'classifier']
    """
    _check_n_components(n_components)
    (view, *others) = split_views(features)
    if others:
        raise ParameterError(f"features is {features!r}, {len(others) + 1} views; build_pipelines makes one for each")
    last = make_classifier(classifier, random_state=random_state)
    mirror = isinstance(last, SymmetricSvm)
    union = FeatureUnion(_named_extractors(view, random_state, mirrored=mirror))
    if mirror:
        return Pipeline(_mirror_steps(union, n_components, last))
    steps: list[tuple[str, Any]] = [("features", union), ("scaler", StandardScaler())]
    if n_components is not None:
        steps.append(("pca", PCA(n_components, random_state=random_state)))
    return Pipeline([*steps, ("classifier", last)])


def _mirror_steps(
    union: FeatureUnion, n_components: int | float | None, machine: BaseEstimator
) -> list[tuple[str, Any]]:
    if not isinstance(n_components, int) or n_components < 2:
        raise ParameterError(
            f"n_components is {n_components!r}; with the classifiers 'mirror' and 'metric' it must be a whole "
            "number from 2, half of it for even and half for odd components"
        )
    return [
        ("features", SymmetricUnion(union)),
        ("scaler", SymmetricScaler()),
        ("pca", SymmetricPca(n_components)),
        ("classifier", machine),
    ]


def _check_n_components(n_components: int | float | None) -> None:
    if n_components is None:
        return
    whole = isinstance(n_components, int) and not isinstance(n_components, bool) and n_components >= 1
    share = isinstance(n_components, float) and 0 < n_components < 1
    if not (whole or share):
        raise ParameterError(
            f"n_components is {n_components!r}; it must be a whole number from 1, a share between 0 and 1, "
            "or None for no PCA"
        )
