"""One person's own threshold between open and closed, from a few dozen of their images, as a small JSON file."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, fields, replace

import numpy as np
import numpy.typing as npt

from .._utils.writing import write_whole
from ..errors import DataError, ParameterError

__all__ = ["LEAST", "Threshold", "Calibration", "calibrate", "fit_threshold", "read_calibration", "write_calibration"]

# Images of a kind from which a threshold is fitted; of fewer, one blink would move it.
LEAST = 12
_KIND = "classic_eyes calibration"
_FORMAT = 1
# How far below their usual values open eyes may fall, in robust deviations.
_TAIL = 3.0
_TO_DEVIATION = 1.4826
_MOST_BYTES = 1 << 16


@dataclass(frozen=True)
class Threshold:
    """A threshold on one scale, and what it was fitted to.

    Parameters
    ----------
    value : float
        From there on an eye is open.
    n_open : int
        Images of open eyes.
    n_closed : int
        Images of closed eyes, 0 where none were given.
    right : float
        Share of these images that are on their side of it.
    """

    value: float
    n_open: int
    n_closed: int
    right: float


@dataclass(frozen=True)
class Calibration:
    """One person's thresholds: of the probability of open, and of the eye aspect ratio where it was measured.

    Parameters
    ----------
    threshold : Threshold
        Of the probability, 0 to 1.
    ear : Threshold, optional
        Of the eye aspect ratio.
    model : str, default ""
        Which model's probabilities they are.
    """

    threshold: Threshold
    ear: Threshold | None = None
    model: str = ""


def fit_threshold(
    opened: npt.ArrayLike, closed: npt.ArrayLike | None = None, *, usual: float, name: str = "values"
) -> Threshold:
    """Fit one person's threshold between open and closed.

    With ``m`` for the medians and ``s`` for the robust deviations (1.4826 times the median absolute deviation, at least
    a tenth of what lies between the medians) of the two kinds:

    1. Of both kinds: ``(m_open s_closed + m_closed s_open) / (s_open + s_closed)``, which is as many deviations from
       the one as from the other.
    2. Of open eyes alone: ``m_open - 3 s_open``, but no more than `usual`: narrow eyes may lower the threshold, and eyes
       that are always wide open do not raise it, for nothing is known of how they look half closed.

    Parameters
    ----------
    opened : array of shape (n,)
        Values of one person's open eyes, 12 or more: log odds, or eye aspect ratios.
    closed : array of shape (m,), optional
        Of their closed ones, 12 or more.
    usual : float
        The threshold for everybody.
    name : str, default "values"
        What they are, for messages.

    Returns
    -------
    Threshold
        On the scale of the values.

    Raises
    ------
    DataError
        For too few values, or closed eyes that are no lower than open ones.

    Examples
    --------
    >>> fit_threshold(np.linspace(2, 4, 21), np.linspace(-4, -2, 21), usual=0.0).value
    0.0
    >>> fit_threshold(np.full(12, -1.0), usual=0.0).value
    -1.0
    """
    up = _checked(opened, "open", name)
    middle, spread = _middle_and_spread(up)
    if closed is None:
        value = min(usual, middle - _TAIL * spread)
        return Threshold(float(value), len(up), 0, float((up >= value).mean()))
    down = _checked(closed, "closed", name)
    low, low_spread = _middle_and_spread(down)
    if low >= middle:
        raise DataError(
            f"{name}: half of the closed eyes are at {low:.3f} or above, and half of the open ones at {middle:.3f} or "
            "below; look whether the two were exchanged"
        )
    least = (middle - low) / 10
    spread, low_spread = max(spread, least), max(low_spread, least)
    value = (middle * low_spread + low * spread) / (spread + low_spread)
    right = np.concatenate([up >= value, down < value])
    return Threshold(float(value), len(up), len(down), float(right.mean()))


def _checked(values: npt.ArrayLike, kind: str, name: str) -> npt.NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64).ravel()
    array = array[np.isfinite(array)]
    if len(array) < LEAST:
        raise DataError(f"{name}: {len(array)} images of {kind} eyes; {LEAST} or more tell a person's own threshold")
    return array


def _middle_and_spread(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    middle = float(np.median(values))
    return middle, _TO_DEVIATION * float(np.median(np.abs(values - middle)))


def calibrate(opened: npt.ArrayLike, closed: npt.ArrayLike | None = None, *, model: str = "") -> Calibration:
    """Fit one person's own threshold to the answers about their images.

    Parameters
    ----------
    opened : array of shape (n,)
        Log odds of one person's open eyes, 12 or more.
    closed : array of shape (m,), optional
        Of their closed ones, 12 or more.
    model : str, default ""
        Whose answers they are.

    Returns
    -------
    Calibration
        The threshold of `fit_threshold`, as a probability.

    Raises
    ------
    DataError
        As for `fit_threshold`.

    Examples
    --------
    >>> round(calibrate(np.full(12, -1.0)).threshold.value, 3)
    0.269
    """
    threshold = fit_threshold(opened, closed, usual=0.0, name="log odds of open")
    return Calibration(replace(threshold, value=float(1 / (1 + np.exp(-threshold.value)))), model=model)


def write_calibration(calibration: Calibration, path: str | os.PathLike[str]) -> None:
    """Write a calibration as JSON.

    Parameters
    ----------
    calibration : Calibration
        What to write.
    path : path
        The file, in a folder that exists.

    Raises
    ------
    ParameterError
        If it cannot be written.
    """
    told = {"kind": _KIND, "format": _FORMAT, **asdict(calibration)}
    try:
        write_whole(path, (json.dumps(told, indent=2) + "\n").encode("utf-8"))
    except OSError as error:
        raise ParameterError(f"{os.fspath(path)!r} cannot be written ({error.strerror}); name another file") from error


def read_calibration(path: str | os.PathLike[str]) -> Calibration:
    """Read a calibration.

    Parameters
    ----------
    path : path
        What `write_calibration` wrote.

    Returns
    -------
    Calibration
        With all its values checked.

    Raises
    ------
    DataError
        For a file that cannot be read, or holds anything else.
    """
    name = os.fspath(path)
    remedy = "name a file that classic-eyes calibrate wrote"
    try:
        with open(name, "rb") as file:
            told = json.loads(file.read(_MOST_BYTES))
    except OSError as error:
        raise DataError(f"{name!r} cannot be read ({error.strerror}); {remedy}") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{name!r} is no calibration, it is not JSON; {remedy}") from error
    if not isinstance(told, dict) or told.get("kind") != _KIND or told.get("format") != _FORMAT:
        raise DataError(f"{name!r} is no calibration of this format; {remedy}")
    threshold, ear, model = _threshold(told.get("threshold")), told.get("ear"), told.get("model")
    found = None if ear is None else _threshold(ear)
    if threshold is None or not 0 <= threshold.value <= 1 or (ear is not None and found is None):
        raise DataError(f"{name!r} holds no threshold that makes sense; {remedy}")
    if not isinstance(model, str):
        raise DataError(f"{name!r} does not say whose probabilities it is about; {remedy}")
    return Calibration(threshold, found, model)


def _threshold(told: object) -> Threshold | None:
    if not isinstance(told, dict) or set(told) != {field.name for field in fields(Threshold)}:
        return None
    numbers = [value for value in told.values() if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) < len(told) or not np.isfinite(numbers).all():
        return None
    return Threshold(float(told["value"]), int(told["n_open"]), int(told["n_closed"]), float(told["right"]))
