"""Threshold and calibration moved to where the scores of an unlabelled folder fall in two."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..errors import ParameterError

__all__ = ["Adaptation", "fit_adaptation"]

# Fewer images, or fewer of them on one side, say too little of both kinds.
_LEAST, _LEAST_SHARE = 100, 0.15
# Means further apart than that, in deviations, have a valley between them; and the furthest that a threshold may go, in
# log odds. docs/experiments.md has what other values would have accepted.
_LEAST_SEPARATION, _FARTHEST = 2.5, 2.5
_ROUNDS, _STILL = 500, 1e-7


@dataclass(frozen=True)
class Adaptation:
    """How the answers about a folder are moved: ``slope * (log odds - threshold)``.

    Parameters
    ----------
    n : int
        Images it was fitted to.
    threshold : float
        Log odds at which an eye of this folder is as likely open as closed.
    slope : float
        How much more, or less, log odds mean here.
    separation : float
        Distance of the means of both kinds in deviations; nan where that was not looked for.
    declined : str or None
        Why nothing is moved; then `threshold` is 0 and `slope` 1.
    """

    n: int
    threshold: float = 0.0
    slope: float = 1.0
    separation: float = float("nan")
    declined: str | None = None

    def probability(self, probability: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Move probabilities.

        Parameters
        ----------
        probability : array of shape (n,)
            Of open, as the model gives them.

        Returns
        -------
        float64 array of shape (n,)
            Of open, in this folder.

        Examples
        --------
        >>> Adaptation(200, threshold=1.0, slope=2.0).probability([0.5, 1 / (1 + np.exp(-1))]).round(3).tolist()
        [0.119, 0.5]
        """
        given = np.clip(np.asarray(probability, dtype=np.float64), 1e-12, 1 - 1e-12)
        if self.declined is not None:
            return np.asarray(probability, dtype=np.float64)
        return 1 / (1 + np.exp(-self.slope * (np.log(given / (1 - given)) - self.threshold)))


def fit_adaptation(log_odds: npt.ArrayLike) -> Adaptation:
    """Find where the answers about an unlabelled folder fall in two, and move the threshold there.

    1. The log odds are taken for a mixture of two normal distributions of one width, closed and open eyes; EM begins
       with those below and above 0.
    2. By Bayes' rule the log odds of open are then a straight line in the old ones, with `slope`
       ``(m_open - m_closed) / v`` and 0 at ``(m_open + m_closed) / 2 - log(w_open / w_closed) / slope``.
    3. It declines for fewer than 100 images, for fewer than 15 in 100 on one side of the old threshold (a folder of open
       eyes alone falls in two as well, at its gaze or its glasses), for means less than 2.5 deviations apart, and where
       the threshold would move by more than 2.5.

    Parameters
    ----------
    log_odds : array of shape (n,)
        Of open, of one folder.

    Returns
    -------
    Adaptation
        What to do with the probabilities; or why nothing.

    Raises
    ------
    ParameterError
        For numbers that are not finite.

    References
    ----------
    Dempster, Laird and Rubin, "Maximum likelihood from incomplete data via the EM algorithm", Journal of the Royal
    Statistical Society B 39, 1977, doi:10.1111/j.2517-6161.1977.tb01600.x. Saerens, Latinne and Decaestecker,
    "Adjusting the outputs of a classifier to new a priori probabilities", Neural Computation 14, 2002,
    doi:10.1162/089976602753284446, move the shares alone.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> found = fit_adaptation(np.concatenate([rng.normal(-2, 1, 400), rng.normal(4, 1, 400)]))
    >>> round(found.threshold, 1), found.declined
    (1.0, None)
    """
    values = np.asarray(log_odds, dtype=np.float64).ravel()
    if not np.isfinite(values).all():
        raise ParameterError("log_odds holds numbers that are not finite; leave out what has no answer")
    n = len(values)
    if n < _LEAST:
        return Adaptation(n, declined=f"{n} images; {_LEAST} or more are needed")
    share = float((values >= 0).mean())
    if not _LEAST_SHARE <= share <= 1 - _LEAST_SHARE:
        return Adaptation(n, declined=f"{share:.0%} look open; a folder must hold both kinds, {_LEAST_SHARE:.0%} each")
    means, variance, weights = _mixture(values)
    separation = float((means[1] - means[0]) / np.sqrt(variance))
    if separation < _LEAST_SEPARATION:
        told = f"the answers do not fall in two: {separation:.1f} deviations apart, {_LEAST_SEPARATION} are needed"
        return Adaptation(n, separation=separation, declined=told)
    slope = float((means[1] - means[0]) / variance)
    threshold = float(means.mean() - np.log(weights[1] / weights[0]) / slope)
    if abs(threshold) > _FARTHEST:
        told = f"the threshold would move by {threshold:+.1f} in log odds, and {_FARTHEST} is the furthest it may"
        return Adaptation(n, separation=separation, declined=told)
    return Adaptation(n, threshold, slope, separation)


def _mixture(
    values: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.float64], float, npt.NDArray[np.float64]]:
    """Return means, common variance and weights of two normal distributions."""
    above = (values >= 0).astype(np.float64)
    share = np.stack([1 - above, above])
    last = np.inf
    for _ in range(_ROUNDS):
        total = share.sum(axis=1)
        weights = total / len(values)
        means = (share @ values) / total
        variance = max(float((share * (values - means[:, None]) ** 2).sum() / len(values)), 1e-6)
        away = np.log(weights)[:, None] - (values - means[:, None]) ** 2 / (2 * variance)
        away -= away.max(axis=0)
        share = np.exp(away)
        share /= share.sum(axis=0)
        share = np.clip(share, 1e-12, None)
        if abs(means.sum() - last) < _STILL:
            break
        last = float(means.sum())
    return means, variance, weights
