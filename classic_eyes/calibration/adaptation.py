"""Adaptation of threshold and calibration to one unlabelled folder."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..errors import ParameterError

__all__ = ["Adaptation", "fit_adaptation"]

_MIN_IMAGES, _MIN_CLASS_SHARE = 100, 0.15
# Means further apart than this, in standard deviations, have a valley between them. The second is the largest shift
# of the threshold in log odds. docs/experiments.md compares other values.
_MIN_SEPARATION, _MAX_SHIFT = 2.5, 2.5
_MAX_ITERATIONS, _TOLERANCE = 500, 1e-7


@dataclass(frozen=True)
class Adaptation:
    """Linear map of log odds for one folder: ``slope * (log_odds - threshold)``.

    Parameters
    ----------
    n : int
        Number of images it was fitted to.
    threshold : float
        Log odds at which an eye of this folder is as likely open as closed.
    slope : float
        Factor of the log odds.
    separation : float
        Distance between the two means in standard deviations; nan if not computed.
    declined : str or None
        Why the folder was not adapted to; then `threshold` is 0 and `slope` is 1.
    """

    n: int
    threshold: float = 0.0
    slope: float = 1.0
    separation: float = float("nan")
    declined: str | None = None

    def probability(self, probability: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return the adapted probabilities; unchanged if adaptation was declined.

        Parameters
        ----------
        probability : array of shape (n,)
            The model's probabilities of open, 0 to 1.

        Returns
        -------
        float64 array of shape (n,)
            Adapted probabilities of open, 0 to 1.

        Examples
        --------
        >>> Adaptation(200, threshold=1.0, slope=2.0).probability([0.5, 1 / (1 + np.exp(-1))]).round(3).tolist()
        [0.119, 0.5]
        """
        if self.declined is not None:
            return np.asarray(probability, dtype=np.float64)
        clipped = np.clip(np.asarray(probability, dtype=np.float64), 1e-12, 1 - 1e-12)
        return 1 / (1 + np.exp(-self.slope * (np.log(clipped / (1 - clipped)) - self.threshold)))


def fit_adaptation(log_odds: npt.ArrayLike) -> Adaptation:
    """Fit threshold and calibration to the bimodal scores of an unlabelled folder.

    1. Model the log odds as two normal distributions (closed, open) of one variance ``v``. EM starts from the split
       at 0.
    2. By Bayes' rule, the log odds of open are then linear in the old ones: ``slope = (m_open - m_closed) / v``, with
       the zero at ``(m_open + m_closed) / 2 - log(w_open / w_closed) / slope``.
    3. Decline if there are fewer than 100 images, if fewer than 15% lie on one side of 0, if the means are less than
       2.5 standard deviations apart, or if the threshold would shift by more than 2.5.

    A folder of open eyes alone may be bimodal too, by gaze or glasses. The 15% rule excludes it.

    Parameters
    ----------
    log_odds : array of shape (n,)
        Log odds of open, all from one folder.

    Returns
    -------
    Adaptation
        The map, or the reason why it was declined.

    Raises
    ------
    ParameterError
        If `log_odds` has values that are not finite.

    References
    ----------
    Dempster, Laird and Rubin, "Maximum likelihood from incomplete data via the EM algorithm", Journal of the Royal
    Statistical Society B 39, 1977, doi:10.1111/j.2517-6161.1977.tb01600.x. Saerens, Latinne and Decaestecker,
    "Adjusting the outputs of a classifier to new a priori probabilities", Neural Computation 14, 2002,
    doi:10.1162/089976602753284446, adapt the class priors only.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> found = fit_adaptation(np.concatenate([rng.normal(-2, 1, 400), rng.normal(4, 1, 400)]))
    >>> round(found.threshold, 1), found.declined
    (1.0, None)
    """
    values = np.asarray(log_odds, dtype=np.float64).ravel()
    if not np.isfinite(values).all():
        raise ParameterError("log_odds has values that are not finite; leave out images without a prediction")
    n = len(values)
    if n < _MIN_IMAGES:
        return Adaptation(n, declined=f"{n} images; {_MIN_IMAGES} or more are needed")
    share = float((values >= 0).mean())
    if not _MIN_CLASS_SHARE <= share <= 1 - _MIN_CLASS_SHARE:
        return Adaptation(
            n, declined=f"{share:.0%} look open; a folder needs {_MIN_CLASS_SHARE:.0%} or more of both classes"
        )
    means, variance, weights = _fit_mixture(values)
    separation = float((means[1] - means[0]) / np.sqrt(variance))
    if separation < _MIN_SEPARATION:
        reason = f"the scores are not bimodal: separation {separation:.1f}, {_MIN_SEPARATION} is needed"
        return Adaptation(n, separation=separation, declined=reason)
    slope = float((means[1] - means[0]) / variance)
    threshold = float(means.mean() - np.log(weights[1] / weights[0]) / slope)
    if abs(threshold) > _MAX_SHIFT:
        reason = f"the threshold would shift by {threshold:+.1f} in log odds; {_MAX_SHIFT} is the maximum"
        return Adaptation(n, separation=separation, declined=reason)
    return Adaptation(n, threshold, slope, separation)


def _fit_mixture(
    values: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.float64], float, npt.NDArray[np.float64]]:
    """Return means, common variance and weights of two normal distributions."""
    above = (values >= 0).astype(np.float64)
    responsibility = np.stack([1 - above, above])
    previous = np.inf
    for _ in range(_MAX_ITERATIONS):
        total = responsibility.sum(axis=1)
        weights = total / len(values)
        means = (responsibility @ values) / total
        variance = max(float((responsibility * (values - means[:, None]) ** 2).sum() / len(values)), 1e-6)
        log_density = np.log(weights)[:, None] - (values - means[:, None]) ** 2 / (2 * variance)
        log_density -= log_density.max(axis=0)
        responsibility = np.exp(log_density)
        responsibility /= responsibility.sum(axis=0)
        responsibility = np.clip(responsibility, 1e-12, None)
        if abs(means.sum() - previous) < _TOLERANCE:
            break
        previous = float(means.sum())
    return means, variance, weights
