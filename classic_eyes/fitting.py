"""What is learnt from, and fitting the last step of a pipeline, once more without each part, for honest margins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

from .datasets import group_folds
from .descriptors.framing import Framing, align
from .errors import ParameterError
from .inference.compiling import margins
from .svm import FixedSizeSvm, platt
from .synthetic import make_eyes

__all__ = [
    "ALIGNED",
    "FEWEST_JUDGED",
    "MOST_RENDERED",
    "Learnt",
    "aligned_families",
    "calibration_folds",
    "check_rendered",
    "describe",
    "first_rows",
    "fit_last_step",
    "fit_sigmoid",
    "join_rendered",
    "set_machines",
    "shown_to",
    "takes_weights",
]

MOST_RENDERED = 100_000
"""Most rendered eyes that are learnt from: their features take some gigabytes."""

FEWEST_JUDGED = 100
"""Fewest rendered eyes that may calibrate: they count as much as all pictures."""

ALIGNED = (None, "all", "others")
"""Which families may be shown eyes aligned: none, all, or all but the first."""

# Pictures described at a time. The last digits of words hang on it, and with them the bytes of what is learnt.
_CHUNK = 256
# What says how large a machine is, and the least that it may be.
_LEAST = {"n_support": 1, "n_directions": 2}

# Far from the seeds that documents and tests ask about: no model is asked what it has learnt by heart.
_RENDERED_SEED = 1_000_000_000
_HARD_SHARE = 0.5


class Learnt(NamedTuple):
    """What a classifier learns from: rows, and the pictures that they are variants of.

    Parameters
    ----------
    pictures : uint8 array of shape (m, size, size)
        Rows, those of the pictures themselves first.
    source : int array of shape (m,)
        Of which picture each row is.
    labels : int array of shape (n,)
        0 and 1, of each picture.
    groups : array of shape (n,)
        Person of each picture.
    weight : float array of shape (n,) or None
        Of each picture, and of each of its rows.
    """

    pictures: NDArray[np.uint8]
    source: NDArray[np.intp]
    labels: NDArray[np.int8]
    groups: NDArray[Any]
    weight: NDArray[np.float64] | None


def join_rendered(learnt: Learnt, n_rendered: int, *, random_state: int = 0) -> Learnt:
    """Join rendered eyes to what is learnt.

    Each is a person of its own, and its one row weighs as much as all rows of a picture together, or less where they
    would weigh more than all pictures. Half of them are harder to tell than eyes mostly are, see
    `classic_eyes.synthetic.harder`: such eyes, with labels that are certain, keep the border between open and closed
    from being that of one source.

    Parameters
    ----------
    learnt : Learnt
        Rows of pictures.
    n_rendered : int
        Eyes of `classic_eyes.synthetic.make_eyes`, 1 or more.
    random_state : int, default 0
        Seed; another stream than that of ``make_eyes(random_state=random_state)``.

    Returns
    -------
    Learnt
        The rows that were there, then those of the rendered eyes.

    References
    ----------
    Wood, Baltrusaitis, Morency, Robinson, Bulling, "Learning an appearance-based gaze estimator from one million
    synthesised images", ETRA 2016, doi:10.1145/2857491.2857492: the idea; no picture or model of theirs is used.

    Examples
    --------
    >>> pictures = np.zeros((4, 24, 24), np.uint8)
    >>> learnt = Learnt(pictures, np.array([0, 1, 0, 1]), np.array([0, 1], np.int8), np.array(["a", "b"]), None)
    >>> joined = join_rendered(learnt, 3)
    >>> joined.pictures.shape, joined.source.tolist(), joined.groups.tolist(), joined.weight.round(2).tolist()
    ((7, 24, 24), [0, 1, 0, 1, 2, 3, 4], [0, 1, 2, 3, 4], [1.0, 1.0, 1.33, 1.33, 1.33])
    """
    n = len(learnt.labels)
    side, seed = learnt.pictures.shape[1], _RENDERED_SEED + int(random_state)
    eyes = make_eyes(n_rendered, size=side, hard_share=_HARD_SHARE, random_state=seed)
    names, person = np.unique(learnt.groups, return_inverse=True)
    weight = np.ones(n) if learnt.weight is None else learnt.weight
    each = weight.mean() * len(learnt.pictures) / max(n, n_rendered)
    return Learnt(
        np.concatenate([learnt.pictures, eyes.pictures]),
        np.concatenate([learnt.source, n + np.arange(n_rendered)]),
        np.concatenate([learnt.labels, eyes.labels]),
        np.concatenate([person, len(names) + np.arange(n_rendered)]),
        np.concatenate([weight, np.full(n_rendered, each)]),
    )


def check_rendered(n_rendered: int, classifier: Any, *, calibrate: bool = False) -> None:
    """Refuse more rendered eyes than memory holds, a classifier that cannot weigh them, and none that calibrate.

    Parameters
    ----------
    n_rendered : int
        Rendered eyes that are to be learnt from; 0 is always allowed.
    classifier : scikit-learn classifier
        The last step.
    calibrate : bool, default False
        Whether the rendered eyes are to calibrate too.

    Raises
    ------
    ParameterError
        For any of them.

    Examples
    --------
    >>> from classic_eyes.pipeline import make_classifier
    >>> check_rendered(100, make_classifier("gb"))
    """
    if n_rendered > MOST_RENDERED:
        raise ParameterError(
            f"n_rendered is {n_rendered}; it must be {MOST_RENDERED:,} at most, and a few thousand do as well"
        )
    if calibrate and n_rendered < FEWEST_JUDGED:
        raise ParameterError(
            f"calibrate_rendered is True and n_rendered is {n_rendered}; set n_rendered to {FEWEST_JUDGED} or more, or "
            "leave calibrate_rendered out"
        )
    if n_rendered and not takes_weights(classifier):
        raise ParameterError(
            f"n_rendered is {n_rendered}, and {type(classifier).__name__} cannot weigh rendered eyes against pictures; "
            "take a classifier whose fit has sample_weight, or leave n_rendered out"
        )


def takes_weights(classifier: Any) -> bool:
    """Say whether a classifier can weigh rendered eyes against pictures.

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
    >>> from classic_eyes.pipeline import make_classifier
    >>> takes_weights(make_classifier("gb")), takes_weights(make_classifier("knn"))
    (True, False)
    """
    return bool(has_fit_parameter(classifier, "sample_weight"))


def set_machines(pipelines: Mapping[str, Pipeline], **given: Any) -> None:
    """Hand on what only our own machines understand, and what is not None.

    Parameters
    ----------
    pipelines : mapping of str to sklearn.pipeline.Pipeline
        Not fitted, one for each family of features.
    **given
        Parameters of the classifiers; None for what they have by themselves. Those that say how large a machine is may
        be a sequence, a number for each family.

    Raises
    ------
    ParameterError
        For a parameter that a classifier does not have, and a size that is not allowed.

    Examples
    --------
    >>> from classic_eyes.pipeline import build_pipelines
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
            if name not in pipeline[-1].get_params(deep=False) or not isinstance(pipeline[-1], FixedSizeSvm):
                which = "classifier 'metric'" if name == "n_directions" else "classifiers 'svm', 'mirror' and 'metric'"
                raise ParameterError(
                    f"{name} goes with the {which}, not with {type(pipeline[-1]).__name__}; leave it out, or change "
                    "the classifier"
                )
            pipeline[-1].set_params(**{name: own})


def _for_each(name: str, value: Any, n_families: int) -> list[Any]:
    """Return the size of each family's machine, of one number for all or a number for each."""
    each = list(value) if isinstance(value, tuple | list) else [value] * n_families
    if len(each) != n_families:
        raise ParameterError(
            f"{name} is {value!r}; it must be one number for all families or one for each of the {n_families}"
        )
    least = _LEAST[name]
    for one in each:
        if not isinstance(one, int | np.integer) or one is True or one < least:
            raise ParameterError(
                f"{name} is {value!r}; it must be a whole number from {least}, a tuple or list of one for each family, "
                "or None"
            )
    return each


def aligned_families(which: Any, n_families: int) -> list[bool]:
    """Say which families are shown eyes aligned.

    Parameters
    ----------
    which : object
        One of `ALIGNED`.
    n_families : int
        1 or more.

    Returns
    -------
    list of bool
        One for each family.

    Raises
    ------
    ParameterError
        For anything else, and for the others where there is one family.

    Examples
    --------
    >>> aligned_families("others", 3), aligned_families(None, 1)
    ([False, True, True], [False])
    """
    if which is not None and not (isinstance(which, str) and which in ALIGNED[1:]):
        raise ParameterError(f"align is {which!r}; it must be 'all', 'others' (all families but the first) or None")
    if which == "others" and n_families < 2:
        raise ParameterError(
            "align is 'others', and features is one family: there is no other; align 'all', or leave it out"
        )
    return [which == "all" or (which == "others" and k > 0) for k in range(n_families)]


def shown_to(pictures: NDArray[np.uint8], aligned: Sequence[bool], framing: Framing | None) -> list[NDArray[np.uint8]]:
    """Return what each family is shown of pictures.

    Parameters
    ----------
    pictures : uint8 array of shape (n, size, size)
        Grey.
    aligned : sequence of bool
        Of `aligned_families`.
    framing : Framing or None
        What finds the eye; None where no family is aligned.

    Returns
    -------
    list of uint8 array of shape (n, size, size)
        One for each family: the pictures, or the pictures aligned.
    """
    turned = pictures if framing is None else align(pictures, framing)
    return [turned if own else pictures for own in aligned]


def calibration_folds(
    labels: NDArray[np.int8], groups: NDArray[Any], most: int, *, random_state: int = 0
) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Divide pictures for the calibration.

    Parameters
    ----------
    labels : int array of shape (n,)
        0 and 1.
    groups : array of shape (n,)
        Person of each picture.
    most : int
        Folds, 2 or more; fewer are made where a class has fewer groups.
    random_state : int, default 0
        Seed.

    Returns
    -------
    list of (train, test)
        Positions of pictures; see `classic_eyes.datasets.group_folds`.

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
            "calibration needs 2 of each, add pictures of other people"
        )
    folds = group_folds(labels, groups, n_folds, random_state=random_state)
    for train, _ in folds:
        if len(np.unique(labels[train])) < 2:
            raise ParameterError(
                "groups: leaving one fold of groups out leaves one class only; give finer groups or more people"
            )
    return folds


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
    first = union.transform(pictures[:_CHUNK])
    rows = np.empty((len(pictures), first.shape[1]), dtype=np.float32)
    rows[: len(first)] = first
    for start in range(_CHUNK, len(pictures), _CHUNK):
        rows[start : start + _CHUNK] = union.transform(pictures[start : start + _CHUNK])
    return rows


def fit_last_step(
    classifier: Any,
    components: NDArray[Any],
    mirrored: NDArray[Any] | None,
    learnt: Learnt,
    folds: Sequence[tuple[NDArray[np.intp], NDArray[np.intp]]],
) -> NDArray[np.float64]:
    """Fit the last step; return for each picture the margin of one like it that has not seen its fold.

    Parameters
    ----------
    classifier : scikit-learn classifier
        Fitted here, to all rows.
    components : array of shape (m, d)
        What the steps before give of ``learnt.pictures``.
    mirrored : array of shape (n, d) or None
        Rows of the mirror images, where both margins are averaged.
    learnt : Learnt
        Labels, weights and persons. Pictures that are in no fold come last; nobody judges them.
    folds : sequence of (train, test)
        Positions of pictures; each of the others is in one test part.

    Returns
    -------
    float64 array
        Margins of the pictures that are in a fold.
    """
    left_out = [np.isin(learnt.source, test) for _, test in folds]
    judges = _fit_judges(classifier, components, learnt, left_out)
    margin, row = np.empty(sum(len(test) for _, test in folds)), first_rows(learnt)
    for (_, test), judge in zip(folds, judges, strict=True):
        margin[test] = margins(components[row[test]], judge)
        if mirrored is not None:
            margin[test] = (margin[test] + margins(mirrored[test], judge)) / 2
    return margin


def first_rows(learnt: Learnt) -> NDArray[np.intp]:
    """Return the first row of each picture, which is the picture itself.

    Parameters
    ----------
    learnt : Learnt
        Rows of pictures.

    Returns
    -------
    int array of shape (n,)
        Positions in ``learnt.pictures``.

    Examples
    --------
    >>> pictures = np.zeros((5, 24, 24), np.uint8)
    >>> first_rows(Learnt(pictures, np.array([0, 1, 0, 1, 2]), np.array([0, 1, 1]), np.array(["a", "b", "c"]), None))
    array([0, 1, 4])
    """
    return np.unique(learnt.source, return_index=True)[1]


def fit_sigmoid(margin: NDArray[np.float64], learnt: Learnt, n: int) -> tuple[float, float]:
    """Fit Platt's sigmoid to the margins of pictures, and of rendered eyes, if they were judged too.

    The rendered eyes weigh as much as all pictures together.

    Parameters
    ----------
    margin : float64 array of shape (n,) or (n + n_rendered,)
        Margins by machines that have not learnt from them, the pictures' first.
    learnt : Learnt
        Labels and weights.
    n : int
        Pictures.

    Returns
    -------
    tuple of float
        Slope and intercept of the log odds; see `classic_eyes.svm.platt`.

    Examples
    --------
    Two pictures whose margins are right, and two rendered eyes of which an open one looks closed:

    >>> learnt = Learnt(np.zeros((4, 24, 24), np.uint8), np.arange(4), np.array([0, 1, 0, 1]), np.arange(4), None)
    >>> alone, both = fit_sigmoid(np.array([-1.0, 1.0]), learnt, 2), fit_sigmoid(np.array([-1, 1, -1, -0.5]), learnt, 2)
    >>> abs(alone[1]) < 1e-6 < both[1]
    True
    """
    labels = learnt.labels[: len(margin)]
    weight = np.ones(len(margin)) if learnt.weight is None else learnt.weight[: len(margin)].copy()
    if len(margin) > n:
        weight[n:] = weight[:n].sum() / (len(margin) - n)
    return platt(margin, labels, weight)


def _fit_judges(
    classifier: Any, rows: NDArray[Any], learnt: Learnt, left_out: Sequence[NDArray[np.bool_]]
) -> list[Any]:
    """Fit the classifier to all rows; return one like it for each part that is fitted without the part."""
    labels, source = learnt.labels[learnt.source], learnt.source
    weights = {} if learnt.weight is None else {"sample_weight": learnt.weight[source]}
    if isinstance(classifier, FixedSizeSvm):  # and its children
        return classifier.fit_without(rows, labels, left_out, groups=learnt.groups[source], **weights)
    judges = []
    for part in left_out:
        kept = ~part
        judges.append(clone(classifier).fit(rows[kept], labels[kept], **{k: w[kept] for k, w in weights.items()}))
    classifier.fit(rows, labels, **weights)
    return judges
