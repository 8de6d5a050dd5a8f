"""A person's own decision threshold, fitted to a few dozen of their images and stored as JSON."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, fields, replace

import numpy as np
import numpy.typing as npt

from .._utils.files import write_whole
from ..errors import DataError, ParameterError

__all__ = ["Calibration", "Threshold", "calibrate", "fit_threshold", "read_calibration", "write_calibration"]

# With fewer images of a class, one blink would move the threshold.
MIN_IMAGES = 12
_KIND = "classic_eyes calibration"
_FORMAT = 1
_N_DEVIATIONS = 3.0
# The standard deviation of a normal distribution is this times its median absolute deviation.
_MAD_TO_STD = 1.4826
_MAX_BYTES = 1 << 16
# Log odds of a probability of 0.1.
_SURELY_CLOSED = -float(np.log(9))


@dataclass(frozen=True)
class Threshold:
    """A decision threshold on one scale, and the data it was fitted to.

    Parameters
    ----------
    value : float
        An eye is open from this value on.
    n_open : int
        Number of images of open eyes.
    n_closed : int
        Number of images of closed eyes; 0 if none were given.
    accuracy : float
        Accuracy on these images, 0 to 1.
    """

    value: float
    n_open: int
    n_closed: int
    accuracy: float


@dataclass(frozen=True)
class Calibration:
    """A person's thresholds: of the probability of open and, if measured, of the eye aspect ratio.

    Parameters
    ----------
    threshold : Threshold
        Of the probability, 0 to 1.
    ear : Threshold, optional
        Of the eye aspect ratio.
    model : str, default ""
        Fingerprint of the model that the probabilities came from.
    """

    threshold: Threshold
    ear: Threshold | None = None
    model: str = ""


def fit_threshold(
    opened: npt.ArrayLike, closed: npt.ArrayLike | None = None, *, usual: float, name: str = ""
) -> Threshold:
    """Fit one person's threshold between open and closed.

    Let ``m`` be the median of a class and ``s`` its robust standard deviation: 1.4826 times the median absolute
    deviation, at least a tenth of the distance between the medians.

    1. With both classes: ``(m_open s_closed + m_closed s_open) / (s_open + s_closed)``, which lies equally many
       deviations from either median.
    2. With open eyes alone: ``min(usual, m_open - 3 s_open)``. Narrow eyes lower the threshold. Wide eyes do not raise
       it, because their half-closed state was not seen.

    Parameters
    ----------
    opened : array of shape (n,)
        Values of one person's open eyes, 12 or more: log odds, or eye aspect ratios. Values that are not finite are
        dropped.
    closed : array of shape (m,), optional
        Values of their closed eyes, 12 or more.
    usual : float
        The threshold for everybody.
    name : str, default ""
        Name of the values, with which error messages begin.

    Returns
    -------
    Threshold
        On the scale of the values.

    Raises
    ------
    DataError
        If there are too few values, or if closed eyes are not lower than open ones.

    Examples
    --------
    >>> fit_threshold(np.linspace(2, 4, 21), np.linspace(-4, -2, 21), usual=0.0).value
    0.0
    >>> fit_threshold(np.full(12, -1.0), usual=0.0).value
    -1.0
    """
    up = _finite_values(opened, "open", name)
    median, deviation = _robust_moments(up)
    if closed is None:
        value = min(usual, median - _N_DEVIATIONS * deviation)
        return Threshold(float(value), len(up), 0, accuracy_of(value, up))
    down = _finite_values(closed, "closed", name)
    closed_median, closed_deviation = _robust_moments(down)
    if closed_median >= median:
        raise DataError(
            f"{_start(name)}the median is {closed_median:.3f} for closed eyes and {median:.3f} for open ones, but "
            "closed eyes must be lower; check whether the two were exchanged"
        )
    least = (median - closed_median) / 10
    deviation, closed_deviation = max(deviation, least), max(closed_deviation, least)
    value = (median * closed_deviation + closed_median * deviation) / (deviation + closed_deviation)
    return Threshold(float(value), len(up), len(down), accuracy_of(value, up, down))


def accuracy_of(value: float, opened: npt.ArrayLike, closed: npt.ArrayLike | None = None) -> float:
    """Return the accuracy of a threshold on the finite values."""
    up, down = (np.asarray([] if each is None else each, dtype=np.float64).ravel() for each in (opened, closed))
    correct = [up[np.isfinite(up)] >= value, down[np.isfinite(down)] < value]
    return float(np.concatenate(correct).mean())


def _finite_values(values: npt.ArrayLike, kind: str, name: str) -> npt.NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64).ravel()
    array = array[np.isfinite(array)]
    if len(array) < MIN_IMAGES:
        raise DataError(f"{_start(name)}{len(array)} images of {kind} eyes; {MIN_IMAGES} or more are needed")
    return array


def _start(name: str) -> str:
    return f"{name}: " if name else ""


def _robust_moments(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    median = float(np.median(values))
    return median, _MAD_TO_STD * float(np.median(np.abs(values - median)))


def calibrate(opened: npt.ArrayLike, closed: npt.ArrayLike | None = None, *, model: str = "") -> Calibration:
    """Fit one person's threshold to predicted log odds.

    Parameters
    ----------
    opened : array of shape (n,)
        Log odds of one person's open eyes, 12 or more.
    closed : array of shape (m,), optional
        Log odds of their closed eyes, 12 or more.
    model : str, default ""
        Fingerprint of the model that predicted them.

    Returns
    -------
    Calibration
        The threshold of `fit_threshold`, as a probability.

    Raises
    ------
    DataError
        See `fit_threshold`. If there are no closed eyes, and more than half of the open ones are closed with a
        probability of 0.9 or more. If the threshold 0.5 is more accurate on these images.

    Examples
    --------
    >>> round(calibrate(np.full(12, -1.0)).threshold.value, 3)
    0.269
    """
    threshold = fit_threshold(opened, closed, usual=0.0)
    if closed is None:
        values = np.asarray(opened, dtype=np.float64)
        n_closed = int((values <= _SURELY_CLOSED).sum())
        if n_closed > threshold.n_open / 2:
            raise DataError(
                f"{n_closed} of {threshold.n_open} images given as open look closed; are these the right images? If "
                "they are open, give closed ones as well (--closed), which tell them apart"
            )
    value, usual = float(1 / (1 + np.exp(-threshold.value))), accuracy_of(0.0, opened, closed)
    if threshold.accuracy < usual:
        raise DataError(
            f"the threshold fitted to these images, {value:.3f}, has an accuracy of {threshold.accuracy:.1%} on them, "
            f"and the usual one, 0.5, of {usual:.1%}; check that the closed eyes are closed and the open ones open, "
            "else keep the usual threshold"
        )
    return Calibration(replace(threshold, value=value), model=model)


def write_calibration(calibration: Calibration, path: str | os.PathLike[str]) -> None:
    """Write a calibration as JSON.

    Parameters
    ----------
    calibration : Calibration
        The calibration.
    path : path
        The file, in a folder that exists.

    Raises
    ------
    ParameterError
        If the file cannot be written.
    """
    content = {"kind": _KIND, "format": _FORMAT, **asdict(calibration)}
    try:
        write_whole(path, (json.dumps(content, indent=2) + "\n").encode("utf-8"))
    except OSError as error:
        raise ParameterError(f"{os.fspath(path)!r} cannot be written ({error.strerror}); name another file") from error


def read_calibration(path: str | os.PathLike[str], *, model: str = "") -> Calibration:
    """Read a calibration and check all its values.

    Parameters
    ----------
    path : path
        A file that `write_calibration` wrote.
    model : str, default ""
        Fingerprint of the model that it is used with; empty for any.

    Returns
    -------
    Calibration
        The calibration.

    Raises
    ------
    DataError
        If the file cannot be read, or is not a valid calibration.
    ParameterError
        If it was fitted to the probabilities of another model.
    """
    name = os.fspath(path)
    remedy = "name a file that classic-eyes calibrate wrote"
    try:
        with open(name, "rb") as file:
            content = json.loads(file.read(_MAX_BYTES))
    except OSError as error:
        raise DataError(f"{name!r} cannot be read ({error.strerror}); {remedy}") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{name!r} is no calibration: not JSON; {remedy}") from error
    if not isinstance(content, dict) or content.get("kind") != _KIND or content.get("format") != _FORMAT:
        raise DataError(f"{name!r} is no calibration of this format; {remedy}")
    threshold, fitted_to = _parse_threshold(content.get("threshold")), content.get("model")
    ear = None if content.get("ear") is None else _parse_threshold(content["ear"])
    if threshold is None or not 0 <= threshold.value <= 1 or (ear is None) != (content.get("ear") is None):
        raise DataError(f"{name!r} has no valid threshold; {remedy}")
    if not isinstance(fitted_to, str):
        raise DataError(f"{name!r} does not name its model; {remedy}")
    if model and fitted_to and fitted_to != model:
        raise ParameterError(
            f"{name!r} was fitted to the probabilities of another model; use that model, or calibrate again"
        )
    return Calibration(threshold, ear, fitted_to)


def _parse_threshold(content: object) -> Threshold | None:
    if not isinstance(content, dict) or set(content) != {field.name for field in fields(Threshold)}:
        return None
    numbers = [value for value in content.values() if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) < len(content) or not np.isfinite(numbers).all():
        return None
    return Threshold(
        float(content["value"]), int(content["n_open"]), int(content["n_closed"]), float(content["accuracy"])
    )
