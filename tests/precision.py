"""Bounds for decision values computed in single precision, valid for every BLAS kernel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from classic_eyes.inference import Program
from classic_eyes.inference.program import View, blending_weight

EPS = float(np.finfo(np.float32).eps)


def view_bound(view: View) -> float:
    """Return a bound for the error of a view's decision value due to float32 kernel values.

    The exponent of ``exp(-gamma |z - s|^2)`` is a sum of ``2 gamma z s``, ``gamma |z|^2`` and ``gamma |s|^2``, which
    have similar size wherever the kernel value is not small. BLAS kernels add ``z`` and the three in different orders,
    and each is rounded to eps / 2: the exponent has an error of ``2 eps gamma |s|^2``. exp and the float32 dual
    coefficients add eps. Dual coefficients of both signs cancel in the decision value, the errors of their kernel
    values do not. Observed errors are a tenth of this and less; a gamma that is wrong by 1% exceeds it ten times.
    """
    exponent = view.gamma * (view.support.astype(np.float64) ** 2).sum(axis=0)
    return EPS * float(np.abs(view.dual.astype(np.float64)) @ (1 + 2 * exponent))


def log_odds_bound(program: Program, images: np.ndarray) -> float:
    """Return a bound for the error of the log odds of images: the mean over the views, times the slope."""
    each = [view_bound(view) for view in program.views]
    bound = float(np.mean(each))
    if program.cascade is not None:
        threshold = program.cascade.threshold
        plain = replace(program, cascade=None, slope=1.0, intercept=0.0)
        first = replace(plain, views=program.views[:1]).log_odds(images)
        # An error of the first view also changes the blending weight of the later ones.
        weights = (blending_weight(first + sign * each[0], threshold) for sign in (1, -1))
        change = np.abs(np.subtract(*weights)) / 2
        bound = max(each[0], bound) + float((change * np.abs(plain.log_odds(images) - first)).max())
    return abs(program.slope) * bound
