"""Metrics of predictions, as functions of labels and probabilities."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ._utils import training_packages  # noqa: F401

# isort: split
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv, stdtrit
from sklearn import metrics as skm

from .errors import ParameterError

__all__ = [
    "METRICS",
    "accuracy",
    "precision",
    "recall",
    "f1",
    "roc_auc",
    "equal_error_rate",
    "det_points",
    "roc_points",
    "brier",
    "calibration_error",
    "reliability_curve",
    "selective_accuracy",
    "confusion_matrix",
    "bootstrap_interval",
    "proportion_interval",
    "accuracy_difference",
    "summarize",
    "adjusted_rand",
    "cohen_kappa",
    "silhouette",
]

Floats = NDArray[np.float64]
Metric = Callable[..., float]
Function = TypeVar("Function", bound=Callable[..., Any])

_THRESHOLD = 0.5
_SHARED_PARAMETERS = {
    "pair": """y_true : array of shape (n,)
        1 open, 0 closed.
    score : array of shape (n,)
        Probability of open, 0 to 1.""",
    "sample_weight": """sample_weight : array of shape (n,), optional
        Weight of each image; by default 1.""",
    "resampling": """groups : array of shape (n,), optional
        Person or face of each image; by default every image is its own group.
    n_resamples : int, default=1000
        Number of bootstrap draws, at least 1.""",
    "level": """level : float, default=0.95
        Proportion of the draws inside the interval, between 0 and 1.
    random_state : int, default=0
        Seed of the draws.""",
}


def _shared_parameters(function: Function) -> Function:
    """Fill the placeholders of a docstring in with the parameters that several metrics share."""
    if function.__doc__:
        for name, text in _SHARED_PARAMETERS.items():
            function.__doc__ = function.__doc__.replace(f"{{{name}}}", text)
    return function


def _check_pair(
    y_true: ArrayLike, score: ArrayLike, sample_weight: ArrayLike | None = None
) -> tuple[NDArray[np.int8], Floats, Floats]:
    """Return labels of 0 and 1, scores in 0..1 and weights that are not negative, all of shape (n,)."""
    y, s = np.asarray(y_true), np.asarray(score)
    if s.dtype.kind not in "biuf":
        raise ParameterError(f"score has dtype {s.dtype}; pass the probabilities of open as numbers")
    s = s.astype(np.float64)
    if y.ndim != 1 or y.shape != s.shape or len(y) == 0:
        raise ParameterError(
            f"y_true has shape {y.shape} and score {s.shape}; allowed is one shape (n,) for both, n at least 1"
        )
    if not ((y == 0) | (y == 1)).all():
        raise ParameterError(f"y_true holds {np.unique(y)[:5].tolist()}; only 0 (closed) and 1 (open) are labels")
    if not ((s >= 0) & (s <= 1)).all():
        raise ParameterError(f"score ranges from {s.min():.4g} to {s.max():.4g}; probabilities of open lie in 0..1")
    w = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
    if w.shape != y.shape or not (w >= 0).all() or w.sum() == 0:
        raise ParameterError(
            f"sample_weight has shape {w.shape}; it must hold n numbers, none negative and not all of them zero"
        )
    return y.astype(np.int8), s, w


@_shared_parameters
def accuracy(y_true: ArrayLike, score: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Proportion of correct predictions; an image is predicted open if ``score >= 0.5``.

    Parameters
    ----------
    {pair}
    {sample_weight}

    Returns
    -------
    float
        0 to 1.

    Examples
    --------
    >>> accuracy([0, 0, 1, 1], [0.1, 0.6, 0.7, 0.9])
    0.75
    """
    y, s, w = _check_pair(y_true, score, sample_weight)
    return float(np.average((s >= _THRESHOLD) == (y == 1), weights=w))


def _positive_weights(y: NDArray[np.int8], s: Floats, w: Floats) -> tuple[float, float, float]:
    """Return the total weights of true positives, of positive predictions and of positive labels; open is positive."""
    # Plain sums: scikit-learn's checks cost a hundred times as much, and a bootstrap calls this thousands of times.
    predicted = s >= _THRESHOLD
    return float(w[predicted & (y == 1)].sum()), float(w[predicted].sum()), float(w[y == 1].sum())


@_shared_parameters
def precision(y_true: ArrayLike, score: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Proportion of open eyes among those predicted open; 0 if none is predicted open.

    Parameters
    ----------
    {pair}
    {sample_weight}

    Returns
    -------
    float
        0 to 1.

    Examples
    --------
    >>> precision([0, 1, 1], [0.9, 0.6, 0.2])
    0.5
    """
    true_positive, predicted, _ = _positive_weights(*_check_pair(y_true, score, sample_weight))
    return true_positive / predicted if predicted else 0.0


@_shared_parameters
def recall(y_true: ArrayLike, score: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Proportion of the open eyes that are predicted open; 0 if no eye is open.

    Parameters
    ----------
    {pair}
    {sample_weight}

    Returns
    -------
    float
        0 to 1.

    Examples
    --------
    >>> recall([0, 1, 1, 1, 1], [0.9, 0.6, 0.2, 0.7, 0.8])
    0.75
    """
    true_positive, _, positive = _positive_weights(*_check_pair(y_true, score, sample_weight))
    return true_positive / positive if positive else 0.0


@_shared_parameters
def f1(y_true: ArrayLike, score: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Harmonic mean of precision and recall.

    Parameters
    ----------
    {pair}
    {sample_weight}

    Returns
    -------
    float
        0 to 1.

    Examples
    --------
    >>> f1([0, 1, 1], [0.9, 0.6, 0.2])
    0.5
    """
    true_positive, predicted, positive = _positive_weights(*_check_pair(y_true, score, sample_weight))
    return 2 * true_positive / (predicted + positive) if predicted + positive else 0.0


@_shared_parameters
def roc_auc(y_true: ArrayLike, score: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Area under the ROC curve: the probability that an open eye scores above a closed one.

    Parameters
    ----------
    {pair}
    {sample_weight}

    Returns
    -------
    float
        0 to 1; nan if only one class is present.

    Examples
    --------
    >>> roc_auc([0, 0, 1, 1], [0.1, 0.6, 0.5, 0.9])
    0.75
    """
    y, s, w = _check_pair(y_true, score, sample_weight)
    if not _has_both_classes(y, w):
        return float("nan")
    false_positive_rate, false_negative_rate, _ = _det_points(y, s, w)
    heights = 1 - false_negative_rate
    return float((np.diff(false_positive_rate) * (heights[1:] + heights[:-1]) / 2).sum())


@_shared_parameters
def det_points(
    y_true: ArrayLike, score: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> tuple[Floats, Floats, Floats]:
    """Return the points of the detection error trade-off curve: both error rates at every threshold.

    Parameters
    ----------
    {pair}
    {sample_weight}

    Returns
    -------
    false_positive_rate : ndarray of shape (k,)
        Proportion of the closed eyes at or above the threshold, rising from 0 to 1.
    false_negative_rate : ndarray of shape (k,)
        Proportion of the open eyes below the threshold, falling from 1 to 0.
    thresholds : ndarray of shape (k,)
        The distinct scores, falling, after an infinite first one at which no eye is predicted open.

    Raises
    ------
    ParameterError
        If only one class is present.

    Examples
    --------
    >>> false_positive_rate, false_negative_rate, thresholds = det_points([0, 1], [0.2, 0.8])
    >>> false_negative_rate.tolist()
    [1.0, 0.0, 0.0]
    """
    return _det_points(*_check_pair(y_true, score, sample_weight))


def _det_points(y: NDArray[np.int8], s: Floats, w: Floats) -> tuple[Floats, Floats, Floats]:
    if not _has_both_classes(y, w):
        raise ParameterError("y_true holds one class; error rates of both kinds need open and closed eyes")
    # As sklearn.metrics.roc_curve, without its checks: a bootstrap calls this thousands of times.
    order = np.argsort(-s, kind="stable")
    order = order[w[order] > 0]
    falling = s[order]
    last = np.append(np.flatnonzero(np.diff(falling)), len(falling) - 1)
    positive = np.cumsum(w[order] * y[order])[last]
    negative = np.cumsum(w[order] * (1 - y[order]))[last]
    false_positive_rate = np.concatenate([[0.0], negative / negative[-1]])
    true_positive_rate = np.concatenate([[0.0], positive / positive[-1]])
    return false_positive_rate, 1 - true_positive_rate, np.concatenate([[np.inf], falling[last]])


@_shared_parameters
def roc_points(
    y_true: ArrayLike, score: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> tuple[Floats, Floats, Floats]:
    """Return the points of the receiver operating characteristic curve.

    Parameters
    ----------
    {pair}
    {sample_weight}

    Returns
    -------
    false_positive_rate : ndarray of shape (k,)
        Proportion of the closed eyes at or above the threshold, rising from 0 to 1.
    true_positive_rate : ndarray of shape (k,)
        Proportion of the open eyes at or above the threshold, rising from 0 to 1.
    thresholds : ndarray of shape (k,)
        The distinct scores, falling, after an infinite first one at which no eye is predicted open.

    Raises
    ------
    ParameterError
        If only one class is present.

    Examples
    --------
    >>> false_positive_rate, true_positive_rate, thresholds = roc_points([0, 1], [0.2, 0.8])
    >>> true_positive_rate.tolist()
    [0.0, 1.0, 1.0]
    """
    false_positive_rate, false_negative_rate, thresholds = det_points(y_true, score, sample_weight=sample_weight)
    return false_positive_rate, 1 - false_negative_rate, thresholds


@_shared_parameters
def equal_error_rate(y_true: ArrayLike, score: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Error rate at the threshold where the false positive and the false negative rate are equal.

    The points of `det_points` are joined by straight lines. Only the order of the scores matters.

    Parameters
    ----------
    {pair}
    {sample_weight}

    Returns
    -------
    float
        0 to 1; nan if only one class is present.

    Examples
    --------
    >>> equal_error_rate([0, 0, 0, 0, 1, 1, 1, 1], [0.1, 0.2, 0.3, 0.7, 0.4, 0.8, 0.9, 0.6])
    0.25
    """
    y, s, w = _check_pair(y_true, score, sample_weight)
    if not _has_both_classes(y, w):
        return float("nan")
    false_positive_rate, false_negative_rate, _ = _det_points(y, s, w)
    gap = false_positive_rate - false_negative_rate
    after = int(np.argmax(gap >= 0))
    before = max(after - 1, 0)
    step = gap[after] - gap[before]
    fraction = 0.0 if step == 0 else -gap[before] / step
    return float(false_positive_rate[before] + fraction * (false_positive_rate[after] - false_positive_rate[before]))


@_shared_parameters
def brier(y_true: ArrayLike, score: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Brier score: the mean squared difference between probability and label.

    Parameters
    ----------
    {pair}
    {sample_weight}

    Returns
    -------
    float
        0 to 1, lower is better; a constant 0.5 gets 0.25.

    References
    ----------
    Brier, Monthly Weather Review 78(1), 1950, doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2.

    Examples
    --------
    >>> brier([0, 1], [0.5, 0.5])
    0.25
    """
    y, s, w = _check_pair(y_true, score, sample_weight)
    return float(np.average((s - y) ** 2, weights=w))


@_shared_parameters
def calibration_error(
    y_true: ArrayLike, score: ArrayLike, *, sample_weight: ArrayLike | None = None, n_bins: int = 15
) -> float:
    """Mean difference between predicted probability and observed proportion: the expected calibration error.

    1. Put the scores into `n_bins` bins of equal width.
    2. In each bin, take the absolute difference between the mean score and the proportion of open eyes.
    3. Average the differences, weighted by the total weight in each bin.

    Parameters
    ----------
    {pair}
    {sample_weight}
    n_bins : int, default=15
        Number of bins, at least 1.

    Returns
    -------
    float
        0 to 1, lower is better.

    References
    ----------
    Naeini, Cooper, Hauskrecht, AAAI 2015, doi:10.1609/aaai.v29i1.9602.

    Examples
    --------
    >>> calibration_error([0, 1, 1, 1], [0.75, 0.75, 0.75, 0.75])
    0.0
    """
    y, s, w = _check_pair(y_true, score, sample_weight)
    bins = _bin_numbers(s, n_bins)
    difference = np.abs(np.bincount(bins, w * (s - y), minlength=n_bins))
    return float(difference.sum() / w.sum())


@_shared_parameters
def reliability_curve(
    y_true: ArrayLike, score: ArrayLike, *, sample_weight: ArrayLike | None = None, n_bins: int = 15
) -> tuple[Floats, Floats, Floats]:
    """Return predicted probability and observed proportion in the bins of `calibration_error`, without empty bins.

    Parameters
    ----------
    {pair}
    {sample_weight}
    n_bins : int, default=15
        Number of bins of equal width, at least 1.

    Returns
    -------
    mean_score : ndarray of shape (k,)
        Mean score in each bin, rising.
    open_share : ndarray of shape (k,)
        Proportion of open eyes in each bin.
    weight : ndarray of shape (k,)
        Total weight of each bin; without `sample_weight` the number of images.

    Raises
    ------
    ParameterError
        If `n_bins` is below 1.

    Examples
    --------
    >>> mean_score, open_share, weight = reliability_curve([0, 1, 1, 1], [0.75, 0.75, 0.75, 0.75])
    >>> mean_score.tolist(), open_share.tolist(), weight.tolist()
    ([0.75], [0.75], [4.0])
    """
    y, s, w = _check_pair(y_true, score, sample_weight)
    bins = _bin_numbers(s, n_bins)
    total: Floats = np.bincount(bins, w, minlength=n_bins).astype(np.float64)
    filled = total > 0
    mean_score = np.bincount(bins, w * s, minlength=n_bins)[filled] / total[filled]
    open_share = np.bincount(bins, w * y, minlength=n_bins)[filled] / total[filled]
    return mean_score, open_share, total[filled]


@_shared_parameters
def selective_accuracy(
    y_true: ArrayLike, score: ArrayLike, *, sample_weight: ArrayLike | None = None, coverage: float = 0.95
) -> float:
    """Accuracy on the most confident images.

    1. Sort the images by ``|score - 0.5|`` and drop the first ``1 - coverage`` of the weight. Of equally confident
       images at the limit, each is dropped in part.
    2. Compute the accuracy of the rest.

    Parameters
    ----------
    {pair}
    {sample_weight}
    coverage : float, default=0.95
        Proportion of the images that is kept, above 0 and at most 1.

    Returns
    -------
    float
        0 to 1, higher is better; equals `accuracy` for a coverage of 1.

    Raises
    ------
    ParameterError
        If `coverage` is not above 0 and at most 1.

    References
    ----------
    El-Yaniv, Wiener, "On the foundations of noise-free selective classification", JMLR 11, 2010 (no DOI).

    Examples
    --------
    >>> selective_accuracy([0, 1, 1, 1], [0.6, 0.7, 0.8, 0.9], coverage=0.75)
    1.0
    """
    y, s, w = _check_pair(y_true, score, sample_weight)
    if not 0 < coverage <= 1:
        raise ParameterError(f"coverage is {coverage!r}; allowed is above 0 and at most 1")
    confidence, index = np.unique(np.abs(s - _THRESHOLD), return_inverse=True)
    total = np.bincount(index, w, minlength=len(confidence))
    correct = np.bincount(index, w * ((s >= _THRESHOLD) == y), minlength=len(confidence))
    before = np.cumsum(total) - total
    dropped = np.clip((1 - coverage) * w.sum() - before, 0, total)
    kept = 1 - np.divide(dropped, total, out=np.zeros_like(total), where=total > 0)
    return float(kept @ correct / (coverage * w.sum()))


@_shared_parameters
def confusion_matrix(y_true: ArrayLike, score: ArrayLike) -> NDArray[np.int64]:
    """Count images by label and prediction; an image is predicted open if ``score >= 0.5``.

    Parameters
    ----------
    {pair}

    Returns
    -------
    int array of shape (2, 2)
        Rows are the labels closed and open, columns the predictions closed and open.

    Examples
    --------
    >>> confusion_matrix([0, 0, 1, 1, 1], [0.1, 0.6, 0.7, 0.9, 0.2]).tolist()
    [[1, 1], [1, 2]]
    """
    y, s, _ = _check_pair(y_true, score)
    return np.bincount(2 * y + (s >= _THRESHOLD), minlength=4).reshape(2, 2).astype(np.int64)


def _bin_numbers(s: Floats, n_bins: int) -> NDArray[np.intp]:
    if n_bins < 1:
        raise ParameterError(f"n_bins is {n_bins}; allowed is 1 or more")
    return np.minimum((s * n_bins).astype(np.intp), n_bins - 1)


def _has_both_classes(y: NDArray[np.int8], w: Floats) -> bool:
    return bool(w[y == 0].sum() > 0 and w[y == 1].sum() > 0)


METRICS: dict[str, Metric] = {
    "accuracy": accuracy,
    "precision": precision,
    "recall": recall,
    "f1": f1,
    "auc": roc_auc,
    "eer": equal_error_rate,
    "brier": brier,
    "calibration_error": calibration_error,
    "selective_accuracy": selective_accuracy,
}


@_shared_parameters
def bootstrap_interval(
    metric: Metric,
    y_true: ArrayLike,
    score: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    n_resamples: int = 1000,
    level: float = 0.95,
    random_state: int = 0,
) -> tuple[float, float]:
    """Percentile interval of a metric, by bootstrap over groups rather than images.

    1. Draw as many groups as there are, with replacement.
    2. Compute the metric with each image weighted by how often its group was drawn.
    3. Repeat; the interval holds the middle `level` of the results.

    Images of one person are not independent, so an interval over images would be too narrow. A draw is noisier
    than the data, and noise only raises the calibration error: the lower end of its interval may lie above its value.

    Parameters
    ----------
    metric : callable
        One of `METRICS`, or any ``f(y_true, score, sample_weight=...) -> float``.
    {pair}
    {resampling}
    {level}

    Returns
    -------
    low, high : float
        Ends of the interval; nan if the metric is undefined in every draw.

    Raises
    ------
    ParameterError
        If `level` is not between 0 and 1, `n_resamples` is below 1, or `groups` has another length.

    References
    ----------
    Efron, Annals of Statistics 7(1), 1979, doi:10.1214/aos/1176344552.

    Examples
    --------
    >>> low, high = bootstrap_interval(accuracy, [0, 0, 1, 1], [0.1, 0.6, 0.7, 0.9])
    >>> 0 <= low < 0.75 < high <= 1
    True
    """
    if not 0 < level < 1:
        raise ParameterError(f"level is {level}; it must lie between 0 and 1, for example 0.95")
    if n_resamples < 1:
        raise ParameterError(f"n_resamples is {n_resamples}; allowed is 1 or more")
    y, s, _ = _check_pair(y_true, score)
    members = _group_numbers(groups, len(y))
    n_groups = int(members.max()) + 1
    rng = np.random.default_rng(random_state)
    values = []
    for _ in range(n_resamples):
        weight = np.bincount(rng.integers(n_groups, size=n_groups), minlength=n_groups)[members]
        values.append(metric(y, s, sample_weight=weight) if weight.any() else float("nan"))
    defined = np.array(values)[np.isfinite(values)]
    if len(defined) == 0:
        return float("nan"), float("nan")
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def proportion_interval(
    hits: ArrayLike, groups: ArrayLike | None = None, *, level: float = 0.95
) -> tuple[float, float]:
    """Interval of a proportion that is honest for few images, few groups, or no errors at all.

    1. The variance between groups gives the effective number of images: as many independent images as would have the
       same variance, at most n. Where all images are hits, or none, it is the number of groups.
    2. It is reduced by the square of the ratio of Student's t with n - 1 and with n_groups - 1 degrees of freedom.
    3. The interval is the exact one of Clopper and Pearson for that number.

    A bootstrap interval is too narrow there: without a single error all of its draws are equal.

    Parameters
    ----------
    hits : bool array of shape (n,)
        Which images count.
    groups : array of shape (n,), optional
        Person or face of each image; by default every image is its own group.
    level : float, default=0.95
        Confidence level, between 0 and 1.

    Returns
    -------
    low, high : float
        Ends of the interval, 0 to 1; nan for images of a single group among several.

    Raises
    ------
    ParameterError
        If there are no images, `level` is not between 0 and 1, or `groups` has another length.

    References
    ----------
    Clopper, Pearson, Biometrika 26(4), 1934, doi:10.1093/biomet/26.4.404.
    Korn, Graubard, "Confidence intervals for proportions with small expected number of positive counts estimated from
    survey data", Survey Methodology 24, 1998 (no DOI).

    Examples
    --------
    >>> low, high = proportion_interval([True] * 50)
    >>> round(low, 3), high
    (0.929, 1.0)
    """
    hit = np.asarray(hits, dtype=np.float64)
    if hit.ndim != 1 or not len(hit):
        raise ParameterError(f"hits has shape {hit.shape}; allowed is (n,), n at least 1")
    if not 0 < level < 1:
        raise ParameterError(f"level is {level}; it must lie between 0 and 1, for example 0.95")
    members, n = _group_numbers(groups, len(hit)), len(hit)
    n_groups = int(members.max()) + 1
    if n_groups == 1 < n:
        return float("nan"), float("nan")
    share, tail = float(hit.mean()), (1 - level) / 2
    between = float((np.bincount(members, hit - share) ** 2).sum())
    effective = float(n_groups)
    if between > 0 and n_groups > 1:
        # With each image its own group the ratio is n.
        effective = min(n, n * (n_groups - 1) / n_groups * n / (n - 1) * n * share * (1 - share) / between)
    if 1 < n_groups < n:
        effective *= float((stdtrit(n - 1, tail) / stdtrit(n_groups - 1, tail)) ** 2)
    up, down = share * effective, (1 - share) * effective
    low = 0.0 if up == 0 else float(betaincinv(up, down + 1, tail))
    high = 1.0 if down == 0 else float(betaincinv(up + 1, down, 1 - tail))
    return low, high


def _group_numbers(groups: ArrayLike | None, n: int) -> NDArray[np.intp]:
    if groups is None:
        return np.arange(n)
    names = np.asarray(groups)
    if names.shape != (n,):
        raise ParameterError(f"groups has shape {names.shape}; allowed is ({n},), one name per image")
    return np.unique(names, return_inverse=True)[1]


@_shared_parameters
def accuracy_difference(
    y_true: ArrayLike,
    score: ArrayLike,
    other: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    n_resamples: int = 1000,
    level: float = 0.95,
    random_state: int = 0,
) -> tuple[float, float, float]:
    """Difference of two accuracies on the same images, with its paired interval over groups.

    Both are computed on the same draws of `bootstrap_interval`, so that images difficult for both do not widen the
    interval.

    Parameters
    ----------
    {pair}
    other : array of shape (n,)
        The probabilities to compare with.
    {resampling}
    {level}

    Returns
    -------
    value, low, high : float
        Accuracy of `score` minus accuracy of `other`, -1 to 1, and the ends of its interval.

    Examples
    --------
    >>> accuracy_difference([0, 0, 1, 1], [0.1, 0.2, 0.7, 0.9], [0.1, 0.6, 0.7, 0.9])[0]
    0.25
    """
    y, s, _ = _check_pair(y_true, score)
    _, o, _ = _check_pair(y_true, other)
    gain = ((s >= _THRESHOLD) == (y == 1)).astype(np.float64) - ((o >= _THRESHOLD) == (y == 1))

    def _mean_gain(_y: ArrayLike, _s: ArrayLike, *, sample_weight: ArrayLike) -> float:
        return float(np.average(gain, weights=np.asarray(sample_weight)))

    low, high = bootstrap_interval(
        _mean_gain, y, s, groups, n_resamples=n_resamples, level=level, random_state=random_state
    )
    return float(gain.mean()), low, high


@_shared_parameters
def summarize(
    y_true: ArrayLike,
    score: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    n_resamples: int = 1000,
    random_state: int = 0,
) -> dict[str, Any]:
    """Compute every metric of `METRICS`, each with its 95% interval over groups.

    The intervals are those of `bootstrap_interval`. Accuracy, precision, recall and F1 have the wider ends of these and
    of `proportion_interval`. Others have none where all draws are equal, as for the equal error rate without errors.

    Parameters
    ----------
    {pair}
    {resampling}
    random_state : int, default=0
        Seed of the draws.

    Returns
    -------
    dict
        ``n``, ``n_groups``, for each metric ``{"value", "low", "high"}``, None if undefined, and ``confusion``, the
        counts of `confusion_matrix` as lists.

    Examples
    --------
    >>> result = summarize([0, 0, 1, 1], [0.1, 0.6, 0.7, 0.9], n_resamples=20)
    >>> result["n"], result["accuracy"]["value"]
    (4, 0.75)
    """
    y, s, _ = _check_pair(y_true, score)
    members = _group_numbers(groups, len(y))
    result: dict[str, Any] = {"n": len(y), "n_groups": int(members.max()) + 1}
    exact = _exact_intervals(y, s, members)
    for name, metric in METRICS.items():
        low, high = bootstrap_interval(metric, y, s, groups, n_resamples=n_resamples, random_state=random_state)
        if np.isfinite(exact.get(name, np.nan)).all():
            low, high = min(low, exact[name][0]), max(high, exact[name][1])
        elif np.isclose(low, high, rtol=0, atol=1e-12):  # an area is a sum, with a rounding error
            low = high = float("nan")
        entry = {"value": metric(y, s), "low": low, "high": high}
        result[name] = {key: number if np.isfinite(number) else None for key, number in entry.items()}
    result["confusion"] = confusion_matrix(y, s).tolist()
    return result


def _exact_intervals(y: NDArray[np.int8], s: Floats, members: NDArray[np.intp]) -> dict[str, tuple[float, float]]:
    """Return the intervals of `proportion_interval` for the metrics that are, or depend on, a proportion of images."""
    predicted, positive = s >= _THRESHOLD, y == 1
    of = {
        "accuracy": (np.ones(len(y), dtype=bool), predicted == positive),
        "precision": (predicted, positive),
        "recall": (positive, predicted),
        "f1": (predicted | positive, predicted & positive),
    }
    found = {}
    for name, (among, hits) in of.items():
        low, high = proportion_interval(hits[among], members[among]) if among.any() else (np.nan, np.nan)
        # F1 rises with the share p of true positives among them: 2 p / (1 + p).
        found[name] = (2 * low / (1 + low), 2 * high / (1 + high)) if name == "f1" else (low, high)
    return found


def cohen_kappa(first: ArrayLike, second: ArrayLike) -> float:
    """Agreement of two raters, corrected for chance: Cohen's kappa, ``(a - c) / (1 - c)``.

    Parameters
    ----------
    first, second : array of shape (n,)
        Labels that two raters give to the same images.

    Returns
    -------
    float
        1 for equal labels, about 0 for unrelated ones, at least -1; 0 if both give one and the same label to all.

    References
    ----------
    Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological Measurement 20, 1960,
    doi:10.1177/001316446002000104.

    Examples
    --------
    >>> cohen_kappa([0, 0, 1, 1], [0, 1, 1, 1])
    0.5
    """
    a, b = _check_same_length(first, second)
    values = np.unique(np.concatenate([a, b]))
    by_chance = float(sum((a == value).mean() * (b == value).mean() for value in values))
    return 0.0 if by_chance == 1 else float(((a == b).mean() - by_chance) / (1 - by_chance))


def adjusted_rand(first: ArrayLike, second: ArrayLike) -> float:
    """Agreement of two clusterings, corrected for chance: the adjusted Rand index. Names of clusters do not matter.

    Parameters
    ----------
    first, second : array of shape (n,)
        Cluster of each image.

    Returns
    -------
    float
        1 for equal clusterings, about 0 for unrelated ones.

    References
    ----------
    Hubert, Arabie, "Comparing partitions", Journal of Classification 2, 1985, doi:10.1007/BF01908075.

    Examples
    --------
    >>> adjusted_rand([0, 0, 1, 1], [7, 7, 3, 3])
    1.0
    """
    return float(skm.adjusted_rand_score(*_check_same_length(first, second)))


def silhouette(rows: ArrayLike, clusters: ArrayLike, *, at_most: int = 2000, random_state: int = 0) -> float:
    """Mean silhouette coefficient: how much closer rows are to their own cluster than to the next.

    Parameters
    ----------
    rows : float array of shape (n, d)
        The clustered features.
    clusters : int array of shape (n,)
        Cluster of each row; -1, noise, is ignored.
    at_most : int, default=2000
        Number of rows to sample, as the cost grows with its square.
    random_state : int, default=0
        Seed of the sampling.

    Returns
    -------
    float
        Mean of ``(b - a) / max(a, b)``, -1 to 1; nan with fewer than two clusters.

    References
    ----------
    Rousseeuw, Journal of Computational and Applied Mathematics 20, 1987, doi:10.1016/0377-0427(87)90125-7.

    Examples
    --------
    >>> silhouette([[0.0], [0.0], [1.0], [1.0]], [0, 0, 1, 1])
    1.0
    """
    X, labels = np.asarray(rows), np.asarray(clusters)
    kept = np.flatnonzero(labels >= 0)
    if len(kept) > at_most:
        kept = np.sort(np.random.default_rng(random_state).permutation(kept)[:at_most])
    n_clusters = len(np.unique(labels[kept]))
    if not 2 <= n_clusters < len(kept):
        return float("nan")
    return float(skm.silhouette_score(X[kept], labels[kept]))


def _check_same_length(first: ArrayLike, second: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    a, b = np.asarray(first), np.asarray(second)
    if a.ndim != 1 or a.shape != b.shape or a.size == 0:
        raise ParameterError(f"first has shape {a.shape} and second {b.shape}; allowed is (n,) for both, n at least 1")
    return a, b
