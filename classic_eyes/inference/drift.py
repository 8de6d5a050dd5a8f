"""Drift: whether new predictions differ from those of a reference, without labels; with numpy alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ParameterError
from .novelty import VERDICTS

__all__ = [
    "MARGIN",
    "MIN_IMAGES",
    "NOVELTY_MARGIN",
    "N_BINS",
    "OWN_MARGIN",
    "Drift",
    "Moments",
    "drift",
    "find_drift",
    "score_histogram",
]

MARGIN, OWN_MARGIN = 0.03, 0.01
"""Differences in the share of images without a clear verdict that are ignored: between sources, and within one."""
NOVELTY_MARGIN = 0.05
"""Differences in the mean novelty that are ignored, in standard deviations."""
MIN_IMAGES = 100
"""With fewer images nothing is decided."""
N_BINS = 10
"""Bins of equal width in the histogram of the probability of open."""

# Of the normal distribution: 2.5% lie above the first, and 2.5% beyond the second in either direction. So with two
# tests, false alarms are at most 5%.
_Z_SHARE, _Z_NOVELTY = 1.96, 2.24
# The novelty of a patch whose features are those of the median eye is 0; its logarithm must be finite.
_LEAST_NOVELTY = 1e-3
# A bin without an image counts as having half of one, so that its logarithm is finite.
_HALF = 0.5


@dataclass(frozen=True)
class Moments:
    """Number, mean and standard deviation of the log novelty of images with one predicted label.

    Parameters
    ----------
    n : int
        Number of images.
    mean, deviation : float
        Of the natural logarithm of the novelty.
    """

    n: int
    mean: float
    deviation: float

    @classmethod
    def of(cls, novelty: NDArray[np.float64]) -> Moments:
        """Return those of novelties (n,)."""
        logs = np.log(np.maximum(novelty, _LEAST_NOVELTY))
        return cls(len(logs), float(logs.mean()), float(logs.std())) if len(logs) else cls(0, 0.0, 0.0)

    def __add__(self, other: Moments) -> Moments:
        """Return the moments of both sets of images together."""
        n = self.n + other.n
        if not n:
            return self
        mean = (self.n * self.mean + other.n * other.mean) / n
        squares = sum(each.n * (each.deviation**2 + (each.mean - mean) ** 2) for each in (self, other))
        return Moments(n, mean, float(np.sqrt(squares / n)))


@dataclass(frozen=True)
class Drift:
    """How predictions differ from a reference.

    Parameters
    ----------
    n : int
        Number of images.
    histogram : tuple of float
        Share of the images in each tenth of the probability of open, the lowest first.
    unsure, not_an_eye : float
        Share of the images with these verdicts.
    psi : float or None
        Population stability index of the histogram. The decision does not use it: it also rises where more or fewer
        eyes are open. None without a reference.
    limit : float or None
        Largest sum of the shares of ``unsure`` and ``not-an-eye`` that is no drift. None without a reference.
    novelty : dict of str to Moments, or None
        ``closed`` and ``open``, as predicted, to the moments of their log novelty. None where no novelty was given.
    novelty_change : float or None
        How far the mean log novelty is above that of the reference, in standard deviations, for images with the same
        predicted labels. None where one of both has no novelty.
    novelty_limit : float or None
        Largest ``novelty_change`` that is no drift, up or down.
    drifted : bool or None
        Whether one of both is beyond its limit; None without a reference, and for fewer than 100 images.
    reason : str
        The decision in one sentence.
    """

    n: int
    histogram: tuple[float, ...]
    unsure: float
    not_an_eye: float
    psi: float | None
    limit: float | None
    novelty: dict[str, Moments] | None
    novelty_change: float | None
    novelty_limit: float | None
    drifted: bool | None
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers as plain data.

        Returns
        -------
        dict
            It can be written as JSON, and be the ``reference`` of a later call of `drift`.
        """
        return {**asdict(self), "histogram": list(self.histogram)}


def drift(
    reference: Mapping[str, Any] | None,
    scores: ArrayLike,
    verdicts: Sequence[str] | NDArray[np.str_],
    *,
    novelty: ArrayLike | None = None,
    same_source: bool = False,
) -> Drift:
    """Compare predictions with those of a reference, without labels.

    1. The share of images without a clear verdict, ``unsure`` or ``not-an-eye``, is compared with that of the
       reference. The limit is the share of the reference, plus a margin, plus 1.96 standard errors of the difference.
       The margin is 0.03; with `same_source` it is 0.01. The standard error is that of a reference with two more
       images of each kind, so that it is not 0 where no verdict is unclear.
    2. With `novelty`, and a reference that has it, the mean log novelty is compared too: that of the images predicted
       open with that of the reference's, and that of the closed likewise, so that the share of open eyes does not
       matter. A fall counts as a rise does. The limit is 0.05 standard deviations, plus 2.24 standard errors.
    3. The histogram of the scores is compared by the population stability index, the sum over its bins of
       ``(q - p) log(q / p)``. It decides nothing.

    docs/deploy.md has the changes that this finds.

    Parameters
    ----------
    reference : mapping or None
        `Drift.to_dict` of images that were checked, a file of ``predict --stats``, or
        ``model.info()["score_reference"]``, which has no novelty. None compares with nothing.
    scores : array of shape (n,)
        Probability of open.
    verdicts : sequence of str, length n
        ``open``, ``closed``, ``unsure`` or ``not-an-eye``, as `EyePredictor.verdict` returns them.
    novelty : array of shape (n,), optional
        0 or more, as `EyePredictor.novelty_score` returns it.
    same_source : bool, default False
        Whether the reference is of the same camera.

    Returns
    -------
    Drift
        Shares, index and decision.

    Raises
    ------
    ParameterError
        For scores beyond 0 to 1, no images, verdicts or novelties of another number, unknown verdicts, negative
        novelties, or an invalid reference.

    Examples
    --------
    >>> from classic_eyes import load_model
    >>> from classic_eyes.synthetic import make_eyes
    >>> model, images = load_model(), make_eyes(400, random_state=0).images
    >>> before = drift(None, model.predict_proba(images)[:, 1], model.verdict(images)).to_dict()
    >>> inverted = 255 - images
    >>> drift(before, model.predict_proba(inverted)[:, 1], model.verdict(inverted), same_source=True).drifted
    True
    """
    p = np.asarray(scores, dtype=np.float64)
    if p.ndim != 1 or not len(p):
        raise ParameterError(f"scores has shape {p.shape}; allowed is (n,) with n at least 1")
    if not ((p >= 0) & (p <= 1)).all():
        raise ParameterError("scores are probabilities; allowed is 0 to 1")
    if len(verdicts) != len(p):
        raise ParameterError(f"verdicts has {len(verdicts)} items; allowed is {len(p)}, one for each score")
    if unknown := set(verdicts) - set(VERDICTS):
        raise ParameterError(f"verdict {min(map(str, unknown))!r}; allowed is one of {', '.join(VERDICTS)}")
    moments = None
    if novelty is not None:
        new = np.asarray(novelty, dtype=np.float64)
        if new.shape != p.shape:
            raise ParameterError(f"novelty has shape {new.shape}; allowed is {p.shape}, one for each score")
        if not (np.isfinite(new) & (new >= 0)).all():
            raise ParameterError("novelty is negative or not finite; allowed is 0 or more")
        moments = {"closed": Moments.of(new[p < 0.5]), "open": Moments.of(new[p >= 0.5])}
    names = np.asarray(verdicts)
    unsure, not_an_eye = (float((names == name).mean()) for name in ("unsure", "not-an-eye"))
    return find_drift(reference, score_histogram(p), unsure, not_an_eye, len(p), moments, same_source=same_source)


def find_drift(
    reference: Mapping[str, Any] | None,
    histogram: NDArray[np.float64],
    unsure: float,
    not_an_eye: float,
    n: int,
    novelty: dict[str, Moments] | None = None,
    *,
    same_source: bool = False,
) -> Drift:
    """Do as `drift`, for the shares of n images that were counted before."""
    found: dict[str, Any] = {"n": n, "histogram": tuple(histogram.tolist()), "unsure": unsure, "not_an_eye": not_an_eye}
    found |= dict.fromkeys(("psi", "limit", "novelty_change", "novelty_limit", "drifted")) | {"novelty": novelty}
    if reference is None:
        return Drift(**found, reason="nothing to compare with: no reference")
    known = _Reference.of(reference)
    found["psi"] = _stability_index(known.histogram, histogram, known.n, n)
    # Two images of each kind are added: a reference without an unclear verdict has an error, too.
    likely = (known.unclear * known.n + 2) / (known.n + 4)
    error = np.sqrt(likely * (1 - likely) * (1 / n + 1 / known.n))
    limit = found["limit"] = float(known.unclear + (OWN_MARGIN if same_source else MARGIN) + _Z_SHARE * error)
    change, change_limit = _novelty_change(known.novelty, novelty)
    found |= {"novelty_change": change, "novelty_limit": change_limit}
    if n < MIN_IMAGES:
        return Drift(**found, reason=f"{n} images are too few; {MIN_IMAGES} are needed")
    share = unsure + not_an_eye
    reason = (
        f"{share:.1%} of the images have no clear verdict, {'more than' if share > limit else 'within'} the limit of "
        f"{limit:.1%}"
    )
    found["drifted"] = share > limit
    if change is not None and change_limit is not None:
        beyond = abs(change) > change_limit
        reason += (
            f"; the mean novelty changed by {round(change, 2) + 0.0:+.2f} standard deviations, "
            f"{'more than' if beyond else 'within'} the limit of {change_limit:.2f}"
        )
        found["drifted"] |= beyond
    return Drift(**found, reason=reason)


def _novelty_change(
    before: Mapping[str, Moments] | None, now: Mapping[str, Moments] | None
) -> tuple[float | None, float | None]:
    """Return the change of the mean log novelty in standard deviations, and its limit; labels count as often as now."""
    pairs = [(before[label], now[label]) for label in ("closed", "open")] if before and now else []
    # A label needs images on both sides, and a deviation to measure with.
    pairs = [(old, new) for old, new in pairs if old.n and new.n and old.deviation > 0]
    if not pairs:
        return None, None
    weights = np.array([new.n for _, new in pairs]) / sum(new.n for _, new in pairs)
    deviations = np.array([old.deviation for old, _ in pairs])
    scale = float(weights @ deviations)
    change = float(weights @ [new.mean - old.mean for old, new in pairs]) / scale
    squares = (weights * deviations) ** 2 @ [1 / old.n + 1 / new.n for old, new in pairs]
    return change, NOVELTY_MARGIN + _Z_NOVELTY * float(np.sqrt(squares)) / scale


@dataclass(frozen=True)
class _Reference:
    n: int
    histogram: NDArray[np.float64]
    unclear: float
    novelty: dict[str, Moments] | None

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> _Reference:
        """Check a reference, which may come from anywhere."""
        try:
            n, histogram = int(given["n"]), np.asarray(given["histogram"], dtype=np.float64)
            unclear = float(given["unsure"]) + float(given["not_an_eye"] or 0)
            moments = given.get("novelty")
            if moments is not None:
                parts = {label: moments[label] for label in ("closed", "open")}
                moments = {
                    label: Moments(int(part["n"]), float(part["mean"]), float(part["deviation"]))
                    for label, part in parts.items()
                }
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
            raise ParameterError(_INVALID) from error
        right = histogram.shape == (N_BINS,) and bool((histogram >= 0).all()) and abs(histogram.sum() - 1) < 1e-3
        for part in (moments or {}).values():
            right = right and part.n >= 0 and bool(np.isfinite([part.mean, part.deviation]).all())
        if not right or n < 1 or not 0 <= unclear <= 1:
            raise ParameterError(_INVALID)
        return cls(n, histogram, unclear, moments)


_INVALID = (
    "the reference is invalid; allowed is Drift.to_dict(), a file of predict --stats, or "
    'model.info()["score_reference"]'
)


def score_histogram(scores: NDArray[np.float64], weight: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    """Return the share of the scores, 0 to 1, in each of `N_BINS` bins of equal width.

    >>> score_histogram(np.array([0.0, 0.1, 0.99, 1.0])).tolist()
    [0.25, 0.25, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5]
    """
    counts, _ = np.histogram(scores, N_BINS, (0, 1), weights=weight)
    return np.asarray(counts / counts.sum(), dtype=np.float64)


def _stability_index(p: NDArray[np.float64], q: NDArray[np.float64], n_p: int, n_q: int) -> float:
    p, q = ((share * n + _HALF) / (n + _HALF * N_BINS) for share, n in ((p, n_p), (q, n_q)))
    return float(((q - p) * np.log(q / p)).sum())
