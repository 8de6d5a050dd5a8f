"""Drift: whether predictions look like those that a model gave where its accuracy was measured; with numpy alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ParameterError
from .novelty import VERDICTS

__all__ = ["MARGIN", "MIN_IMAGES", "N_BINS", "OWN_MARGIN", "Drift", "drift", "find_drift", "score_histogram"]

MARGIN, OWN_MARGIN = 0.03, 0.01
"""How much the share of images without a clear verdict varies: between sources, and within one."""
MIN_IMAGES = 100
"""With fewer images nothing is said."""
N_BINS = 10
"""Bins of equal width in the histogram of the probability of open."""

# One-sided 95% of the normal distribution.
_Z = 1.645
# A bin without an image counts as having half of one, so that its logarithm is finite.
_HALF = 0.5


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
    drifted : bool or None
        Whether that sum is above the limit; None where nothing can be said.
    reason : str
        In one sentence.
    """

    n: int
    histogram: tuple[float, ...]
    unsure: float
    not_an_eye: float
    psi: float | None
    limit: float | None
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
    same_source: bool = False,
) -> Drift:
    """Compare predictions with those of a reference, without labels.

    1. The share of images without a clear verdict, ``unsure`` or ``not-an-eye``, is compared with that of the
       reference. The limit is its share, plus a margin for the differences between sources, 0.03, or within one source,
       0.01, plus 1.645 standard deviations of a share of so many images.
    2. The histogram of the scores is compared by the population stability index, the sum over its bins of
       ``(q - p) log(q / p)``. It is reported and decides nothing.

    Images that the model classifies with as much certainty as before are no drift, also where they look different:
    docs/deploy.md has the changes that were found.

    Parameters
    ----------
    reference : mapping or None
        ``model.info()["score_reference"]``, `Drift.to_dict` of images that were checked, or what ``predict --stats``
        wrote. None, as for a model without a card, gives the shares alone.
    scores : array of shape (n,)
        Probability of open.
    verdicts : sequence of str, length n
        ``open``, ``closed``, ``unsure`` or ``not-an-eye``, as `EyePredictor.verdict` returns them.
    same_source : bool, default False
        Whether the reference is of the same camera and people, so that less can differ.

    Returns
    -------
    Drift
        Shares, index and decision.

    Raises
    ------
    ParameterError
        For scores beyond 0 to 1, no images, verdicts of another number or another name, or a reference that is none.

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
    names = np.asarray(verdicts)
    unsure, not_an_eye = (float((names == name).mean()) for name in ("unsure", "not-an-eye"))
    return find_drift(reference, score_histogram(p), unsure, not_an_eye, len(p), same_source=same_source)


def find_drift(
    reference: Mapping[str, Any] | None,
    histogram: NDArray[np.float64],
    unsure: float,
    not_an_eye: float,
    n: int,
    *,
    same_source: bool = False,
) -> Drift:
    """Do as `drift`, for the shares of n images that were counted before."""
    found: dict[str, Any] = {"n": n, "histogram": tuple(histogram.tolist()), "unsure": unsure, "not_an_eye": not_an_eye}
    if reference is None:
        return Drift(**found, psi=None, limit=None, drifted=None, reason="nothing to compare with: no reference")
    known = _Reference.of(reference)
    psi = _stability_index(known.histogram, histogram, known.n, n)
    deviation = np.sqrt(known.undecided * (1 - known.undecided) * (1 / n + 1 / known.n))
    limit = float(known.undecided + (OWN_MARGIN if same_source else MARGIN) + _Z * deviation)
    share = unsure + not_an_eye
    found |= {"psi": psi, "limit": limit}
    if n < MIN_IMAGES:
        return Drift(**found, drifted=None, reason=f"{n} images are too few; {MIN_IMAGES} say something")
    above = share > limit
    reason = (
        f"{share:.1%} of the images have no clear verdict, {'more than' if above else 'within'} the limit of "
        f"{limit:.1%}"
    )
    return Drift(**found, drifted=above, reason=reason)


@dataclass(frozen=True)
class _Reference:
    n: int
    histogram: NDArray[np.float64]
    undecided: float

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> _Reference:
        """Check a reference, which may come from anywhere."""
        try:
            n, histogram = int(given["n"]), np.asarray(given["histogram"], dtype=np.float64)
            undecided = float(given["unsure"]) + float(given["not_an_eye"] or 0)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise ParameterError(_NO_REFERENCE) from error
        right = histogram.shape == (N_BINS,) and bool((histogram >= 0).all()) and abs(histogram.sum() - 1) < 1e-3
        if not right or n < 1 or not 0 <= undecided <= 1:
            raise ParameterError(_NO_REFERENCE)
        return cls(n, histogram, undecided)


_NO_REFERENCE = (
    'the reference is none; allowed is model.info()["score_reference"], Drift.to_dict(), or a file of predict --stats'
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
