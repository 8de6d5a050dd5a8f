"""What is learnt from, and fitting the last step of a pipeline, once more without each part, for honest margins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

from ..calibration import fit_platt
from ..datasets import group_folds
from ..errors import ParameterError
from ..preprocessing.alignment import Alignment, align
from ..svm import LeastSquaresSvm
from ..synthetic import make_eyes
from .compiling import margins

__all__ = [
    "ALIGNED",
    "MIN_CALIBRATING",
    "MAX_SYNTHETIC",
    "TrainingSet",
    "aligned_views",
    "calibration_folds",
    "check_synthetic",
    "describe",
    "first_rows",
    "fit_last_step",
    "fit_sigmoid",
    "add_synthetic",
    "set_machines",
    "shown_to",
    "takes_weights",
]

MAX_SYNTHETIC = 100_000
"""Most synthetic eyes that are learnt from: their features take some gigabytes."""

MIN_CALIBRATING = 100
"""Fewest synthetic eyes that may calibrate: they count as much as all images."""

ALIGNED = (None, "all", "others")
"""Which views may be shown eyes aligned: none, all, or all but the first."""

# Images described at a time. The last digits of words hang on it, and with them the bytes of what is learnt.
_CHUNK = 256
# What says how large a machine is, and the least that it may be.
_LEAST = {"n_support": 1, "n_directions": 2}

# Far from the seeds that documents and tests ask about: no model is asked what it has learnt by heart.
_SYNTHETIC_SEED = 1_000_000_000
_HARD_SHARE = 0.5


class TrainingSet(NamedTuple):
    """What a classifier learns from: rows, and the images that they are variants of.

    Parameters
    ----------
    images : uint8 array of shape (m, size, size)
        Rows, those of the images themselves first.
    source : int array of shape (m,)
        Of which image each row is.
    labels : int array of shape (n,)
        0 and 1, of each image.
    groups : array of shape (n,)
        Person of each image.
    weight : float array of shape (n,) or None
        Of each image, and of each of its rows.
    """

    images: NDArray[np.uint8]
    source: NDArray[np.intp]
    labels: NDArray[np.int8]
    groups: NDArray[Any]
    weight: NDArray[np.float64] | None


def add_synthetic(learnt: TrainingSet, n_synthetic: int, *, random_state: int = 0) -> TrainingSet:
    """Join synthetic eyes to what is learnt.

    Each is a person of its own, and its one row weighs as much as all rows of an image together, or less where they
    would weigh more than all images. Half of them are harder to tell than eyes mostly are, see
    `classic_eyes.synthetic.harder`: such eyes, with labels that are certain, keep the border between open and closed
    from being that of one source.

    Parameters
    ----------
    learnt : TrainingSet
        Rows of images.
    n_synthetic : int
        Eyes of `classic_eyes.synthetic.make_eyes`, 1 or more.
    random_state : int, default 0
        Seed; another stream than that of ``make_eyes(random_state=random_state)``.

    Returns
    -------
    TrainingSet
        The rows that were there, then those of the synthetic eyes.

    References
    ----------
    Wood, Baltrusaitis, Morency, Robinson, Bulling, "Learning an appearance-based gaze estimator from one million
    synthesised images", ETRA 2016, doi:10.1145/2857491.2857492: the idea; no image or model of theirs is used.

    Examples
    --------
    >>> images = np.zeros((4, 24, 24), np.uint8)
    >>> learnt = TrainingSet(images, np.array([0, 1, 0, 1]), np.array([0, 1], np.int8), np.array(["a", "b"]), None)
    >>> joined = add_synthetic(learnt, 3)
    >>> joined.images.shape, joined.source.tolist(), joined.groups.tolist(), joined.weight.round(2).tolist()
    ((7, 24, 24), [0, 1, 0, 1, 2, 3, 4], [0, 1, 2, 3, 4], [1.0, 1.0, 1.33, 1.33, 1.33])
    """
    n = len(learnt.labels)
    side, seed = learnt.images.shape[1], _SYNTHETIC_SEED + int(random_state)
    eyes = make_eyes(n_synthetic, size=side, hard_share=_HARD_SHARE, random_state=seed)
    names, person = np.unique(learnt.groups, return_inverse=True)
    weight = np.ones(n) if learnt.weight is None else learnt.weight
    each = weight.mean() * len(learnt.images) / max(n, n_synthetic)
    return TrainingSet(
        np.concatenate([learnt.images, eyes.images]),
        np.concatenate([learnt.source, n + np.arange(n_synthetic)]),
        np.concatenate([learnt.labels, eyes.labels]),
        np.concatenate([person, len(names) + np.arange(n_synthetic)]),
        np.concatenate([weight, np.full(n_synthetic, each)]),
    )


def check_synthetic(n_synthetic: int, classifier: Any, *, calibrate: bool = False) -> None:
    """Refuse more synthetic eyes than memory holds, a classifier that cannot weigh them, and none that calibrate.

    Parameters
    ----------
    n_synthetic : int
        Synthetic eyes that are to be learnt from; 0 is always allowed.
    classifier : scikit-learn classifier
        The last step.
    calibrate : bool, default False
        Whether the synthetic eyes are to calibrate too.

    Raises
    ------
    ParameterError
        For any of them.

    Examples
    --------
    >>> from classic_eyes.training.pipelines import make_classifier
    >>> check_synthetic(100, make_classifier("gb"))
    """
    if n_synthetic > MAX_SYNTHETIC:
        raise ParameterError(
            f"n_synthetic is {n_synthetic}; it must be {MAX_SYNTHETIC:,} at most, and a few thousand do as well"
        )
    if calibrate and n_synthetic < MIN_CALIBRATING:
        raise ParameterError(
            f"calibrate_synthetic is True and n_synthetic is {n_synthetic}; set n_synthetic to {MIN_CALIBRATING} or more, or "
            "leave calibrate_synthetic out"
        )
    if n_synthetic and not takes_weights(classifier):
        raise ParameterError(
            f"n_synthetic is {n_synthetic}, and {type(classifier).__name__} cannot weigh synthetic eyes against images; "
            "take a classifier whose fit has sample_weight, or leave n_synthetic out"
        )


def takes_weights(classifier: Any) -> bool:
    """Say whether a classifier can weigh synthetic eyes against images.

    Parameters
    ----------
    classifier : scikit-learn classifier
        Fitted or not.

    Returns
    -------
    bool
        Whether its ``fit`` has ``sample_weight``.

    Examples
    --------
    >>> from classic_eyes.training.pipelines import make_classifier
    >>> takes_weights(make_classifier("gb")), takes_weights(make_classifier("knn"))
    (True, False)
    """
    return bool(has_fit_parameter(classifier, "sample_weight"))


def set_machines(pipelines: Mapping[str, Pipeline], **given: Any) -> None:
    """Hand on what only our own machines understand, and what is not None.

    Parameters
    ----------
    pipelines : mapping of str to sklearn.pipeline.Pipeline
        Not fitted, one for each view of features.
    **given
        Parameters of the classifiers; None for what they have by themselves. Those that say how large a machine is may
        be a sequence, a number for each view.

    Raises
    ------
    ParameterError
        For a parameter that a classifier does not have, and a size that is not allowed.

    Examples
    --------
    >>> from classic_eyes.training.pipelines import build_pipelines
    >>> pipelines = build_pipelines(["hog"])
    >>> set_machines(pipelines, n_support=500, group_effect=None)
    >>> pipelines["hog"][-1].n_support
    500
    >>> pipelines = build_pipelines((("lbp",), ("hog", "words_tt")), "metric")
    >>> set_machines(pipelines, n_support=(600, 1500))
    >>> [pipeline[-1].n_support for pipeline in pipelines.values()]
    [600, 1500]
    """
    for name, value in given.items():
        if value is None:
            continue
        values = _for_each(name, value, len(pipelines)) if name in _LEAST else [value] * len(pipelines)
        for pipeline, own in zip(pipelines.values(), values, strict=True):
            if name not in pipeline[-1].get_params(deep=False) or not isinstance(pipeline[-1], LeastSquaresSvm):
                which = "classifier 'metric'" if name == "n_directions" else "classifiers 'svm', 'mirror' and 'metric'"
                raise ParameterError(
                    f"{name} goes with the {which}, not with {type(pipeline[-1]).__name__}; leave it out, or change "
                    "the classifier"
                )
            pipeline[-1].set_params(**{name: own})


def _for_each(name: str, value: Any, n_views: int) -> list[Any]:
    """Return the size of each view's machine, of one number for all or a number for each."""
    each = list(value) if isinstance(value, tuple | list) else [value] * n_views
    if len(each) != n_views:
        raise ParameterError(
            f"{name} is {value!r}; it must be one number for all views or one for each of the {n_views}"
        )
    least = _LEAST[name]
    for one in each:
        if not isinstance(one, int | np.integer) or one is True or one < least:
            raise ParameterError(
                f"{name} is {value!r}; it must be a whole number from {least}, a tuple or list of one for each view, "
                "or None"
            )
    return each


def aligned_views(which: Any, n_views: int) -> list[bool]:
    """Say which views are shown eyes aligned.

    Parameters
    ----------
    which : object
        One of `ALIGNED`.
    n_views : int
        1 or more.

    Returns
    -------
    list of bool
        One for each view.

    Raises
    ------
    ParameterError
        For anything else, and for the others where there is one view.

    Examples
    --------
    >>> aligned_views("others", 3), aligned_views(None, 1)
    ([False, True, True], [False])
    """
    if which is not None and not (isinstance(which, str) and which in ALIGNED[1:]):
        raise ParameterError(f"align is {which!r}; it must be 'all', 'others' (all views but the first) or None")
    if which == "others" and n_views < 2:
        raise ParameterError(
            "align is 'others', and features is one view: there is no other; align 'all', or leave it out"
        )
    return [which == "all" or (which == "others" and k > 0) for k in range(n_views)]


def shown_to(
    images: NDArray[np.uint8], aligned: Sequence[bool], alignment: Alignment | None
) -> list[NDArray[np.uint8]]:
    """Return what each view is shown of images.

    Parameters
    ----------
    images : uint8 array of shape (n, size, size)
        Grey.
    aligned : sequence of bool
        Of `aligned_views`.
    alignment : Alignment or None
        What finds the eye; None where no view is aligned.

    Returns
    -------
    list of uint8 array of shape (n, size, size)
        One for each view: the images, or the images aligned.
    """
    turned = images if alignment is None else align(images, alignment)
    return [turned if own else images for own in aligned]


def calibration_folds(
    labels: NDArray[np.int8], groups: NDArray[Any], most: int, *, random_state: int = 0
) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Divide images for the calibration.

    Parameters
    ----------
    labels : int array of shape (n,)
        0 and 1.
    groups : array of shape (n,)
        Person of each image.
    most : int
        Folds, 2 or more; fewer are made where a class has fewer groups.
    random_state : int, default 0
        Seed.

    Returns
    -------
    list of (train, test)
        Positions of images; see `classic_eyes.datasets.group_folds`.

    Raises
    ------
    ParameterError
        For too few groups.
    """
    classes_per_group = [len(np.unique(groups[labels == label])) for label in (0, 1)]
    n_folds = min(most, *classes_per_group)
    if n_folds < 2:
        raise ParameterError(
            f"closed eyes come from {classes_per_group[0]} groups and open ones from {classes_per_group[1]}; "
            "calibration needs 2 of each, add images of other people"
        )
    folds = group_folds(labels, groups, n_folds, random_state=random_state)
    for train, _ in folds:
        if len(np.unique(labels[train])) < 2:
            raise ParameterError(
                "groups: leaving one fold of groups out leaves one class only; give finer groups or more people"
            )
    return folds


def describe(union: Any, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the features of images, some at a time.

    Parameters
    ----------
    union : transformer
        Fitted.
    images : uint8 array of shape (n, size, size)
        One or more.

    Returns
    -------
    float32 array of shape (n, d)
        A row an image.
    """
    first = union.transform(images[:_CHUNK])
    rows = np.empty((len(images), first.shape[1]), dtype=np.float32)
    rows[: len(first)] = first
    for start in range(_CHUNK, len(images), _CHUNK):
        rows[start : start + _CHUNK] = union.transform(images[start : start + _CHUNK])
    return rows


def fit_last_step(
    classifier: Any,
    components: NDArray[Any],
    mirrored: NDArray[Any] | None,
    learnt: TrainingSet,
    folds: Sequence[tuple[NDArray[np.intp], NDArray[np.intp]]],
) -> NDArray[np.float64]:
    """Fit the last step; return for each image the margin of one like it that has not seen its fold.

    Parameters
    ----------
    classifier : scikit-learn classifier
        Fitted here, to all rows.
    components : array of shape (m, d)
        What the steps before give of ``learnt.images``.
    mirrored : array of shape (n, d) or None
        Rows of the mirror images, where both margins are averaged.
    learnt : TrainingSet
        Labels, weights and persons. Images that are in no fold come last; nobody judges them.
    folds : sequence of (train, test)
        Positions of images; each of the others is in one test part.

    Returns
    -------
    float64 array
        Margins of the images that are in a fold.
    """
    left_out = [np.isin(learnt.source, test) for _, test in folds]
    judges = _fit_judges(classifier, components, learnt, left_out)
    margin, row = np.empty(sum(len(test) for _, test in folds)), first_rows(learnt)
    for (_, test), judge in zip(folds, judges, strict=True):
        margin[test] = margins(components[row[test]], judge)
        if mirrored is not None:
            margin[test] = (margin[test] + margins(mirrored[test], judge)) / 2
    return margin


def first_rows(learnt: TrainingSet) -> NDArray[np.intp]:
    """Return the first row of each image, which is the image itself.

    Parameters
    ----------
    learnt : TrainingSet
        Rows of images.

    Returns
    -------
    int array of shape (n,)
        Positions in ``learnt.images``.

    Examples
    --------
    >>> images = np.zeros((5, 24, 24), np.uint8)
    >>> first_rows(TrainingSet(images, np.array([0, 1, 0, 1, 2]), np.array([0, 1, 1]), np.array(["a", "b", "c"]), None))
    array([0, 1, 4])
    """
    return np.unique(learnt.source, return_index=True)[1]


def fit_sigmoid(margin: NDArray[np.float64], learnt: TrainingSet, n: int) -> tuple[float, float]:
    """Fit Platt's sigmoid to the margins of images, and of synthetic eyes, if they were judged too.

    The synthetic eyes weigh as much as all images together.

    Parameters
    ----------
    margin : float64 array of shape (n,) or (n + n_synthetic,)
        Margins by machines that have not learnt from them, the images' first.
    learnt : TrainingSet
        Labels and weights.
    n : int
        Images.

    Returns
    -------
    tuple of float
        Slope and intercept of the log odds; see `classic_eyes.calibration.fit_platt`.

    Examples
    --------
    Two images whose margins are right, and two synthetic eyes of which an open one looks closed:

    >>> learnt = TrainingSet(np.zeros((4, 24, 24), np.uint8), np.arange(4), np.array([0, 1, 0, 1]), np.arange(4), None)
    >>> alone, both = fit_sigmoid(np.array([-1.0, 1.0]), learnt, 2), fit_sigmoid(np.array([-1, 1, -1, -0.5]), learnt, 2)
    >>> abs(alone[1]) < 1e-6 < both[1]
    True
    """
    labels = learnt.labels[: len(margin)]
    weight = np.ones(len(margin)) if learnt.weight is None else learnt.weight[: len(margin)].copy()
    if len(margin) > n:
        weight[n:] = weight[:n].sum() / (len(margin) - n)
    return fit_platt(margin, labels, weight)


def _fit_judges(
    classifier: Any, rows: NDArray[Any], learnt: TrainingSet, left_out: Sequence[NDArray[np.bool_]]
) -> list[Any]:
    """Fit the classifier to all rows; return one like it for each part that is fitted without the part."""
    labels, source = learnt.labels[learnt.source], learnt.source
    weights = {} if learnt.weight is None else {"sample_weight": learnt.weight[source]}
    if isinstance(classifier, LeastSquaresSvm):  # and its children
        return classifier.fit_without(rows, labels, left_out, groups=learnt.groups[source], **weights)
    judges = []
    for part in left_out:
        kept = ~part
        judges.append(clone(classifier).fit(rows[kept], labels[kept], **{k: w[kept] for k, w in weights.items()}))
    classifier.fit(rows, labels, **weights)
    return judges
