"""What a model file said when it was written, asked again when it is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from .files import library_versions

__all__ = ["TOLERANCE", "prove"]

# Recorded answers come from another processor, whose sums differ in the last digits and no more.
TOLERANCE = 1e-3


def prove(answers: NDArray[Any], recorded: Any, versions: Mapping[str, str], shown: str) -> None:
    """Refuse a model that does not answer as it did.

    Parameters
    ----------
    answers : float array
        Its answers now.
    recorded : array
        Those in the file, of the same shape. Where they are above 1, differences are taken as shares of them.
    versions : mapping of str to str
        Of the libraries with which it was made.
    shown : str
        The file, for the message.

    Raises
    ------
    ModelError
        For a difference of more than 0.001; it names the versions then and now.
    ValueError
        For another shape.
    """
    recorded = np.asarray(recorded, dtype=np.float64)
    if recorded.shape != answers.shape or not answers.size:
        raise ValueError("the recorded answers are not of the recorded images")
    difference = float(np.max(np.abs(answers - recorded) / np.maximum(np.abs(recorded), 1)))
    if not np.isfinite(difference):
        raise ModelError(
            f"{shown} does not reproduce its recorded answers: they are no numbers; copy it again, or train it"
        )
    if difference > TOLERANCE:
        now = library_versions()
        names = ("opencv", "numpy", "scikit-learn")
        made = ", ".join(f"{name} {versions.get(name)} (here {now[name]})" for name in names)
        raise ModelError(
            f"{shown} does not reproduce its recorded answers: they differ by {difference:.3g}, allowed is "
            f"{TOLERANCE}; it was made with {made}; train it again here, or install those versions"
        )
