"""How good an answer is: every metric of the project, as functions of ``(y_true, score)``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
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
    "bootstrap_interval",
    "accuracy_difference",
    "summarize",
    "adjusted_rand",
    "cohen_kappa",
    "silhouette",
]

Metric = Callable[..., float]
BORDER = 0.5


def _pair(
    y_true: ArrayLike, score: ArrayLike, sample_weight: ArrayLike | None
) -> tuple[NDArray[np.int8], NDArray[np.float64], NDArray[np.float64]]:
    """Return the three arrays checked: labels 0 or 1, scores in 0..1, weights not negative."""
    y, s = np.asarray(y_true), np.asarray(score)
    if s.dtype.kind not in "biuf":
        raise ParameterError(f"score has dtype {s.dtype}; probabilities of open are numbers")
    s = s.astype(np.float64)
    if y.ndim != 1 or y.shape != s.shape or len(y) == 0:
        raise ParameterError(f"y_true has shape {y.shape} and score {s.shape}; both must be the same (n,) with n > 0")
    if not np.isin(y, (0, 1)).all():
        raise ParameterError(f"y_true holds {np.unique(y)[:5].tolist()}; only 0 (closed) and 1 (open) are labels")
    if not ((s >= 0) & (s <= 1)).all():
        raise ParameterError(f"score spans {s.min():.4g} to {s.max():.4g}; probabilities of open lie in 0..1")
    w = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
    if w.shape != y.shape or not (w >= 0).all() or w.sum() == 0:
        raise ParameterError(f"sample_weight has shape {w.shape}; one number per row, none negative, not all zero")
    return y.astype(np.int8), s, w


def accuracy(y_true: ArrayLike, score: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Share of images answered rightly, open meaning ``score >= 0.5``.

    Parameters
    ----------
    y_true : array of shape (n,)
        1 open, 0 closed.
    score : array of shape (n,)
        Probability of open, 0..1.
    sample_weight : array of shape (n,), optional
        Weight of each image.

    Returns
    -------
    float
        0..1.

    Examples
    --------
    >>> accuracy([0, 0, 1, 1], [0.1, 0.6, 0.7, 0.9])
    0.75
    """
    y, s, w = _pair(y_true, score, sample_weight)
    return float(np.average((s >= BORDER) == (y == 1), weights=w))


def _open_weights(y: NDArray[np.int8], s: NDArray[np.float64], w: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the weights of open eyes called open, of all called open, and of all open eyes."""
    # Plain sums: scikit-learn's checks cost a hundred times as much, and a bootstrap asks thousands of times.
    called = s >= BORDER
    return float(w[called & (y == 1)].sum()), float(w[called].sum()), float(w[y == 1].sum())


def precision(y_true: ArrayLike, score: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Share of those called open that are open; 0 where none is called open.

    Parameters
    ----------
    y_true : array of shape (n,)
        1 open, 0 closed.
    score : array of shape (n,)
        Probability of open, 0..1.
    sample_weight : array of shape (n,), optional
        Weight of each image.

    Returns
    -------
    float
        0..1.

    Examples
    --------
    >>> precision([0, 1, 1], [0.9, 0.6, 0.2])
    0.5
    """
    y, s, w = _pair(y_true, score, sample_weight)
    right, called, _ = _open_weights(y, s, w)
    return right / called if called else 0.0


def recall(y_true: ArrayLike, score: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Share of the open eyes that are called open; 0 where no eye is open.

    Parameters
    ----------
    y_true : array of shape (n,)
        1 open, 0 closed.
    score : array of shape (n,)
        Probability of open, 0..1.
    sample_weight : array of shape (n,), optional
        Weight of each image.

    Returns
    -------
    float
        0..1.

    Examples
    --------
    >>> recall([0, 1, 1, 1, 1], [0.9, 0.6, 0.2, 0.7, 0.8])
    0.75
    """
    y, s, w = _pair(y_true, score, sample_weight)
    right, _, present = _open_weights(y, s, w)
    return right / present if present else 0.0


def f1(y_true: ArrayLike, score: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Harmonic mean of precision and recall.

    Parameters
    ----------
    y_true : array of shape (n,)
        1 open, 0 closed.
    score : array of shape (n,)
        Probability of open, 0..1.
    sample_weight : array of shape (n,), optional
        Weight of each image.

    Returns
    -------
    float
        0..1.

    Examples
    --------
    >>> f1([0, 1, 1], [0.9, 0.6, 0.2])
    0.5
    """
    y, s, w = _pair(y_true, score, sample_weight)
    right, called, present = _open_weights(y, s, w)
    return 2 * right / (called + present) if called + present else 0.0


def roc_auc(y_true: ArrayLike, score: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Probability that an open eye scores above a closed one; nan where only one class is present.

    Parameters
    ----------
    y_true : array of shape (n,)
        1 open, 0 closed.
    score : array of shape (n,)
        Probability of open, 0..1.
    sample_weight : array of shape (n,), optional
        Weight of each image.

    Returns
    -------
    float
        0..1, or nan.

    Examples
    --------
    >>> roc_auc([0, 0, 1, 1], [0.1, 0.6, 0.5, 0.9])
    0.75
    """
    y, s, w = _pair(y_true, score, sample_weight)
    return float(skm.roc_auc_score(y, s, sample_weight=w)) if _both_classes(y, w) else float("nan")


def det_points(
    y_true: ArrayLike, score: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the two error rates at every border: the detection error trade-off.

    Parameters
    ----------
    y_true : array of shape (n,)
        1 open, 0 closed.
    score : array of shape (n,)
        Probability of open, 0..1.
    sample_weight : array of shape (n,), optional
        Weight of each image.

    Returns
    -------
    false_positive_rate : ndarray of shape (k,)
        Share of closed eyes at or above the border, rising from 0 to 1.
    false_negative_rate : ndarray of shape (k,)
        Share of open eyes below the border, falling from 1 to 0.
    border : ndarray of shape (k,)
        The scores tried, falling; the first is infinite (nothing is called open).

    Raises
    ------
    ParameterError
        Where only one class is present.

    Examples
    --------
    >>> false_positive_rate, false_negative_rate, border = det_points([0, 1], [0.2, 0.8])
    >>> false_negative_rate.tolist()
    [1.0, 0.0, 0.0]
    """
    y, s, w = _pair(y_true, score, sample_weight)
    if not _both_classes(y, w):
        raise ParameterError("y_true holds one class; error rates of both kinds need open and closed eyes")
    false_positive_rate, true_positive_rate, border = skm.roc_curve(y, s, sample_weight=w, drop_intermediate=False)
    return false_positive_rate, 1 - true_positive_rate, border


def roc_points(
    y_true: ArrayLike, score: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the share of both classes called open at every border: the receiver operating characteristic.

    Parameters
    ----------
    y_true : array of shape (n,)
        1 open, 0 closed.
    score : array of shape (n,)
        Probability of open, 0..1.
    sample_weight : array of shape (n,), optional
        Weight of each image.

    Returns
    -------
    false_positive_rate : ndarray of shape (k,)
        Share of closed eyes at or above the border, rising from 0 to 1.
    true_positive_rate : ndarray of shape (k,)
        Share of open eyes at or above the border, rising from 0 to 1.
    border : ndarray of shape (k,)
        The scores tried, falling; the first is infinite (nothing is called open).

    Raises
    ------
    ParameterError
        Where only one class is present.

    Examples
    --------
    >>> false_positive_rate, true_positive_rate, border = roc_points([0, 1], [0.2, 0.8])
    >>> true_positive_rate.tolist()
    [0.0, 1.0, 1.0]
    """
    false_positive_rate, false_negative_rate, border = det_points(y_true, score, sample_weight=sample_weight)
    return false_positive_rate, 1 - false_negative_rate, border


def equal_error_rate(y_true: ArrayLike, score: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Error rate at the border where closed eyes called open are as rare as open eyes called closed.

    The two rates are taken at every border and joined by straight lines; the answer is where the lines cross.

    Parameters
    ----------
    y_true : array of shape (n,)
        1 open, 0 closed.
    score : array of shape (n,)
        Probability of open, 0..1; only its order matters.
    sample_weight : array of shape (n,), optional
        Weight of each image.

    Returns
    -------
    float
        0..1, or nan where only one class is present.

    Examples
    --------
    >>> equal_error_rate([0, 0, 0, 0, 1, 1, 1, 1], [0.1, 0.2, 0.3, 0.7, 0.4, 0.8, 0.9, 0.6])
    0.25
    """
    y, s, w = _pair(y_true, score, sample_weight)
    if not _both_classes(y, w):
        return float("nan")
    false_positive_rate, false_negative_rate, _ = det_points(y, s, sample_weight=w)
    gap = false_positive_rate - false_negative_rate
    after = int(np.argmax(gap >= 0))
    before = max(after - 1, 0)
    step = gap[after] - gap[before]
    share = 0.0 if step == 0 else -gap[before] / step
    return float(false_positive_rate[before] + share * (false_positive_rate[after] - false_positive_rate[before]))


def brier(y_true: ArrayLike, score: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Mean squared distance of the probability from the truth.

    Parameters
    ----------
    y_true : array of shape (n,)
        1 open, 0 closed.
    score : array of shape (n,)
        Probability of open, 0..1.
    sample_weight : array of shape (n,), optional
        Weight of each image.

    Returns
    -------
    float
        0..1, lower is better; 0.25 is what a constant 0.5 gets.

    References
    ----------
    Brier, Monthly Weather Review 78(1), 1950, doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2.

    Examples
    --------
    >>> brier([0, 1], [0.5, 0.5])
    0.25
    """
    y, s, w = _pair(y_true, score, sample_weight)
    return float(np.average((s - y) ** 2, weights=w))


def calibration_error(
    y_true: ArrayLike, score: ArrayLike, *, sample_weight: ArrayLike | None = None, n_bins: int = 15
) -> float:
    """Return how far the stated probability is from the observed share: the expected calibration error.

    1. Scores are put into ``n_bins`` bins of equal width.
    2. In each bin, the distance of the mean score from the share of open eyes.
    3. The mean of the distances, each weighted by the weight of its bin.

    Parameters
    ----------
    y_true : array of shape (n,)
        1 open, 0 closed.
    score : array of shape (n,)
        Probability of open, 0..1.
    sample_weight : array of shape (n,), optional
        Weight of each image.
    n_bins : int, default 15
        Number of bins, at least 1.

    Returns
    -------
    float
        0..1, lower is better.

    References
    ----------
    Naeini, Cooper, Hauskrecht, AAAI 2015, doi:10.1609/aaai.v29i1.9602.

    Examples
    --------
    >>> calibration_error([0, 1, 1, 1], [0.75, 0.75, 0.75, 0.75])
    0.0
    """
    y, s, w = _pair(y_true, score, sample_weight)
    bins = _bin_numbers(s, n_bins)
    distance = np.abs(np.bincount(bins, w * (s - y), minlength=n_bins))
    return float(distance.sum() / w.sum())


def reliability_curve(
    y_true: ArrayLike, score: ArrayLike, *, sample_weight: ArrayLike | None = None, n_bins: int = 15
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return what was promised and what came of it, in the bins of `calibration_error`; empty bins are left out.

    Parameters
    ----------
    y_true : array of shape (n,)
        1 open, 0 closed.
    score : array of shape (n,)
        Probability of open, 0..1.
    sample_weight : array of shape (n,), optional
        Weight of each image.
    n_bins : int, default 15
        Number of bins of equal width, at least 1.

    Returns
    -------
    mean_score : ndarray of shape (k,)
        Mean score of each bin that holds something, rising.
    open_share : ndarray of shape (k,)
        Share of open eyes in it.
    weight : ndarray of shape (k,)
        Its weight: without ``sample_weight`` the number of images.

    Raises
    ------
    ParameterError
        For fewer than one bin.

    Examples
    --------
    >>> mean_score, open_share, weight = reliability_curve([0, 1, 1, 1], [0.75, 0.75, 0.75, 0.75])
    >>> mean_score.tolist(), open_share.tolist(), weight.tolist()
    ([0.75], [0.75], [4.0])
    """
    y, s, w = _pair(y_true, score, sample_weight)
    bins = _bin_numbers(s, n_bins)
    total: NDArray[np.float64] = np.bincount(bins, w, minlength=n_bins).astype(np.float64)
    held = total > 0
    mean_score = np.bincount(bins, w * s, minlength=n_bins)[held] / total[held]
    open_share = np.bincount(bins, w * y, minlength=n_bins)[held] / total[held]
    return mean_score, open_share, total[held]


def selective_accuracy(
    y_true: ArrayLike, score: ArrayLike, *, sample_weight: ArrayLike | None = None, coverage: float = 0.95
) -> float:
    """Share of images answered rightly where the least sure ones may be left without an answer.

    1. Images are sorted by ``|score - 0.5|``, and the first ``1 - coverage`` of the weight is left out. Of images
       that are equally sure, where the limit falls among them, each counts in part.
    2. The accuracy of the rest.

    Parameters
    ----------
    y_true : array of shape (n,)
        1 open, 0 closed.
    score : array of shape (n,)
        Probability of open, 0..1.
    sample_weight : array of shape (n,), optional
        Weight of each image.
    coverage : float, default 0.95
        Share of the images that is answered, above 0 and at most 1.

    Returns
    -------
    float
        0..1, higher is better; `accuracy` for a coverage of 1.

    Raises
    ------
    ParameterError
        For another coverage.

    References
    ----------
    El-Yaniv, Wiener, "On the foundations of noise-free selective classification", JMLR 11, 2010 (no DOI).

    Examples
    --------
    >>> selective_accuracy([0, 1, 1, 1], [0.6, 0.7, 0.8, 0.9], coverage=0.75)
    1.0
    """
    y, s, w = _pair(y_true, score, sample_weight)
    if not 0 < coverage <= 1:
        raise ParameterError(f"coverage is {coverage!r}; it must be above 0 and at most 1")
    sureness, place = np.unique(np.abs(s - BORDER), return_inverse=True)
    total = np.bincount(place, w, minlength=len(sureness))
    right = np.bincount(place, w * ((s >= BORDER) == y), minlength=len(sureness))
    before = np.cumsum(total) - total
    left_out = np.clip((1 - coverage) * w.sum() - before, 0, total)
    kept = 1 - np.divide(left_out, total, out=np.zeros_like(total), where=total > 0)
    return float(kept @ right / (coverage * w.sum()))


def _bin_numbers(s: NDArray[np.float64], n_bins: int) -> NDArray[np.intp]:
    if n_bins < 1:
        raise ParameterError(f"n_bins is {n_bins}; it must be 1 or more")
    return np.minimum((s * n_bins).astype(np.intp), n_bins - 1)


def _both_classes(y: NDArray[np.int8], w: NDArray[np.float64]) -> bool:
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
    3. Repeat; the interval is what holds the middle ``level`` of the results.

    Images of one person are not independent, so an interval over images would be too narrow. A draw is noisier
    than the data, and noise only raises the calibration error: the lower end of its interval may lie above its value.

    Parameters
    ----------
    metric : callable
        One of `METRICS`, or any ``f(y_true, score, sample_weight=...) -> float``.
    y_true : array of shape (n,)
        1 open, 0 closed.
    score : array of shape (n,)
        Probability of open, 0..1.
    groups : array of shape (n,), optional
        Person or face of each image; by default every image is its own group.
    n_resamples : int, default 1000
        Number of draws, at least 1.
    level : float, default 0.95
        Share of the draws inside the interval, between 0 and 1.
    random_state : int, default 0
        Seed.

    Returns
    -------
    low, high : float
        Ends of the interval; nan where the metric is defined in no draw.

    Raises
    ------
    ParameterError
        For a level outside 0..1, no resamples, or groups of another length.

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
        raise ParameterError(f"n_resamples is {n_resamples}; it must be 1 or more")
    y, s, _ = _pair(y_true, score, None)
    members = _group_numbers(groups, len(y))
    n_groups = int(members.max()) + 1
    rng = np.random.default_rng(random_state)
    values = []
    for _ in range(n_resamples):
        drawn = np.bincount(rng.integers(n_groups, size=n_groups), minlength=n_groups)[members]
        values.append(metric(y, s, sample_weight=drawn) if drawn.any() else float("nan"))
    kept = np.array(values)[np.isfinite(values)]
    if len(kept) == 0:
        return float("nan"), float("nan")
    low, high = np.quantile(kept, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _group_numbers(groups: ArrayLike | None, n: int) -> NDArray[np.intp]:
    if groups is None:
        return np.arange(n)
    given = np.asarray(groups)
    if given.shape != (n,):
        raise ParameterError(f"groups has shape {given.shape}; it must be ({n},), one name per image")
    return np.unique(given, return_inverse=True)[1]


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
    """Return how much more accurate one answer is than another on the same images, with its interval over groups.

    Both answers are judged on the same draws of `bootstrap_interval`, so what is hard for both does not widen the
    interval.

    Parameters
    ----------
    y_true : array of shape (n,)
        1 open, 0 closed.
    score : array of shape (n,)
        Probability of open, 0..1.
    other : array of shape (n,)
        The probabilities it is compared with.
    groups : array of shape (n,), optional
        Person or face of each image; by default every image is its own group.
    n_resamples : int, default 1000
        Number of draws, at least 1.
    level : float, default 0.95
        Share of the draws inside the interval, between 0 and 1.
    random_state : int, default 0
        Seed.

    Returns
    -------
    value, low, high : float
        Accuracy of ``score`` minus accuracy of ``other``, -1..1, and the ends of its interval.

    Examples
    --------
    >>> accuracy_difference([0, 0, 1, 1], [0.1, 0.2, 0.7, 0.9], [0.1, 0.6, 0.7, 0.9])[0]
    0.25
    """
    y, s, _ = _pair(y_true, score, None)
    _, o, _ = _pair(y_true, other, None)
    gain = ((s >= BORDER) == (y == 1)).astype(np.float64) - ((o >= BORDER) == (y == 1))

    def _gain(_y: ArrayLike, _s: ArrayLike, *, sample_weight: ArrayLike) -> float:
        return float(np.average(gain, weights=np.asarray(sample_weight)))

    low, high = bootstrap_interval(_gain, y, s, groups, n_resamples=n_resamples, level=level, random_state=random_state)
    return float(gain.mean()), low, high


def summarize(
    y_true: ArrayLike,
    score: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    n_resamples: int = 1000,
    random_state: int = 0,
) -> dict[str, Any]:
    """Compute every metric of `METRICS`, each with its 95 % interval over groups.

    Parameters
    ----------
    y_true : array of shape (n,)
        1 open, 0 closed.
    score : array of shape (n,)
        Probability of open, 0..1.
    groups : array of shape (n,), optional
        Person or face of each image.
    n_resamples : int, default 1000
        Number of bootstrap draws.
    random_state : int, default 0
        Seed of the draws.

    Returns
    -------
    dict
        ``n``, ``n_groups``, and per metric ``{"value", "low", "high"}``; None stands for not defined.

    Examples
    --------
    >>> result = summarize([0, 0, 1, 1], [0.1, 0.6, 0.7, 0.9], n_resamples=20)
    >>> result["n"], result["accuracy"]["value"]
    (4, 0.75)
    """
    y, s, _ = _pair(y_true, score, None)
    result: dict[str, Any] = {"n": len(y), "n_groups": int(_group_numbers(groups, len(y)).max()) + 1}
    for name, metric in METRICS.items():
        low, high = bootstrap_interval(metric, y, s, groups, n_resamples=n_resamples, random_state=random_state)
        entry = {"value": metric(y, s), "low": low, "high": high}
        result[name] = {key: number if np.isfinite(number) else None for key, number in entry.items()}
    return result


def cohen_kappa(first: ArrayLike, second: ArrayLike) -> float:
    """Agreement of two sets of answers beyond what chance would give: ``(a - c) / (1 - c)``.

    Parameters
    ----------
    first, second : array of shape (n,)
        Answers about the same images.

    Returns
    -------
    float
        1 for the same answers, about 0 for unrelated ones, down to -1; 0 where neither ever changes its answer.

    References
    ----------
    Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological Measurement 20, 1960,
    doi:10.1177/001316446002000104.

    Examples
    --------
    >>> cohen_kappa([0, 0, 1, 1], [0, 1, 1, 1])
    0.5
    """
    a, b = _same_length(first, second)
    values = np.unique(np.concatenate([a, b]))
    by_chance = float(sum((a == value).mean() * (b == value).mean() for value in values))
    return 0.0 if by_chance == 1 else float(((a == b).mean() - by_chance) / (1 - by_chance))


def adjusted_rand(first: ArrayLike, second: ArrayLike) -> float:
    """Agreement of two clusterings whatever their clusters are called, less what chance would give.

    Parameters
    ----------
    first, second : array of shape (n,)
        Cluster of each image.

    Returns
    -------
    float
        1 for the same clusters, about 0 for unrelated ones.

    References
    ----------
    Hubert, Arabie, "Comparing partitions", Journal of Classification 2, 1985, doi:10.1007/BF01908075.

    Examples
    --------
    >>> adjusted_rand([0, 0, 1, 1], [7, 7, 3, 3])
    1.0
    """
    return float(skm.adjusted_rand_score(*_same_length(first, second)))


def silhouette(rows: ArrayLike, clusters: ArrayLike, *, at_most: int = 2000, random_state: int = 0) -> float:
    """How much nearer rows are to their own cluster than to the next, from -1 to 1.

    Parameters
    ----------
    rows : float array of shape (n, d)
        What was clustered.
    clusters : int array of shape (n,)
        Cluster of each row; -1, noise, is left out.
    at_most : int, default 2000
        Rows drawn, for its cost grows with their square.
    random_state : int, default 0
        Seed of the draw.

    Returns
    -------
    float
        Mean of ``(b - a) / max(a, b)``; nan with fewer than two clusters.

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


def _same_length(first: ArrayLike, second: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    a, b = np.asarray(first), np.asarray(second)
    if a.ndim != 1 or a.shape != b.shape or a.size == 0:
        raise ParameterError(f"answers of shapes {a.shape} and {b.shape}; both must be (n,), n at least 1")
    return a, b
