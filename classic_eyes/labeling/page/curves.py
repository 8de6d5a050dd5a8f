"""Curves of scores as inline SVG: ROC, detection error trade-off and reliability."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from ...metrics import det_points, reliability_curve, roc_points
from .text import escape

__all__ = ["score_curves"]

Floats = NDArray[np.float64]

_SIDE, _LEFT, _TOP, _RIGHT, _BOTTOM = 300.0, 52.0, 10.0, 12.0, 44.0
_FIFTHS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_RATES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6)
# Images in a bin below which its proportion is mostly noise, and beside how many in all such bins are left out.
_MIN_BIN, _MANY = 10, 300
_MIN_GAP = 0.1


@dataclass(frozen=True)
class _Plot:
    """A curve in a square: places of its points, and of the ticks of both axes, from 0 to 1."""

    key: str
    title: str
    caption: str
    x: Floats
    y: Floats
    x_label: str
    y_label: str
    ticks: Sequence[tuple[float, str]]
    with_marks: bool = False


def score_curves(labels: NDArray[np.int8], scores: Floats) -> str:
    """Return a figure element for each curve that is defined: for ROC and DET both classes are needed.

    >>> score_curves(np.array([0, 1, 1]), np.array([0.2, 0.4, 0.9])).count("<figure")
    3
    >>> score_curves(np.array([1, 1]), np.array([0.2, 0.4])).count("<figure")
    1
    """
    plots = [_reliability(labels, scores)]
    if 0 < labels.sum() < len(labels):
        plots = [_roc(labels, scores), _det(labels, scores), *plots]
    return "".join(map(_figure, plots))


def _roc(labels: NDArray[np.int8], scores: Floats) -> _Plot:
    false_positive, true_positive, _ = roc_points(labels, scores)
    return _Plot(
        "roc",
        "ROC curve",
        "Open is the positive class. Better is closer to the upper left corner; the diagonal is chance.",
        false_positive,
        true_positive,
        "false positive rate",
        "true positive rate",
        [(tick, f"{tick:g}") for tick in _FIFTHS],
    )


def _det(labels: NDArray[np.int8], scores: Floats) -> _Plot:
    rates = np.array(det_points(labels, scores)[:2])
    # One image of the rarer class is the smallest rate that can be measured.
    rarer = min(int(labels.sum()), int((1 - labels).sum()))
    start = max(k for k, rate in enumerate(_RATES[:6]) if k == 0 or rate <= 0.6 / rarer)
    shown = _RATES[start:]
    low, high = ndtri(shown[0]), ndtri(shown[-1])
    x, y = (ndtri(np.clip(rates, shown[0], shown[-1])) - low) / (high - low)
    return _Plot(
        "det",
        "Detection error trade-off",
        "Both error rates at every decision threshold, on axes of normal deviates. Better is closer to the lower left "
        "corner. On the diagonal both are the equal error rate.",
        x,
        y,
        "false positive rate",
        "false negative rate",
        _apart([(float((ndtri(rate) - low) / (high - low)), f"{100 * rate:g}%") for rate in shown]),
    )


def _apart(ticks: list[tuple[float, str]]) -> list[tuple[float, str]]:
    """Leave out ticks whose texts would touch."""
    kept = ticks[:1]
    for tick in ticks[1:]:
        if tick[0] - kept[-1][0] > _MIN_GAP:
            kept.append(tick)
    return kept


def _reliability(labels: NDArray[np.int8], scores: Floats) -> _Plot:
    score, is_open, n = reliability_curve(labels, scores)
    kept = n >= (_MIN_BIN if len(labels) >= _MANY else 1)
    return _Plot(
        "reliability",
        "Reliability of the probability",
        "Proportion of open eyes in 15 bins of the predicted probability. On the diagonal 80% of the eyes with a "
        f"probability of 0.8 are open. Bins with fewer than {_MIN_BIN} images are not shown where there are {_MANY} or "
        "more in all.",
        score[kept],
        is_open[kept],
        "predicted probability of open",
        "proportion of open eyes",
        [(tick, f"{tick:g}") for tick in _FIFTHS],
        with_marks=True,
    )


def _figure(plot: _Plot) -> str:
    width, height = _LEFT + _SIDE + _RIGHT, _TOP + _SIDE + _BOTTOM
    bottom, right = _TOP + _SIDE, _LEFT + _SIDE
    across, down = _LEFT + _SIDE * plot.x, bottom - _SIDE * plot.y
    grid = "".join(
        f"M{_LEFT + _SIDE * at:.1f} {_TOP}V{bottom}M{_LEFT} {bottom - _SIDE * at:.1f}H{right}" for at, _ in plot.ticks
    )
    texts = "".join(
        f'<text x="{_LEFT + _SIDE * at:.1f}" y="{bottom + 17}" text-anchor="middle">{text}</text>'
        f'<text x="{_LEFT - 7}" y="{bottom - _SIDE * at + 4:.1f}" text-anchor="end">{text}</text>'
        for at, text in plot.ticks
    )
    texts += (
        f'<text x="{_LEFT + _SIDE / 2}" y="{height - 6}" text-anchor="middle">{escape(plot.x_label)}</text>'
        f'<text transform="translate(12 {_TOP + _SIDE / 2}) rotate(-90)" text-anchor="middle">'
        f"{escape(plot.y_label)}</text>"
    )
    line = "L".join(f"{x:.1f} {y:.1f}" for x, y in zip(across, down, strict=True))
    marks = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>' for x, y in zip(across, down, strict=True))
    key, name = plot.key, escape(plot.title)
    return (
        f'<figure id="{key}"><h4>{name}</h4><svg class="curve" role="img" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'aria-labelledby="{key}-t {key}-d"><title id="{key}-t">{name}</title>'
        f'<desc id="{key}-d">{escape(plot.caption)}</desc><path class="grid" d="{grid}"/>'
        f'<path class="chance" d="M{_LEFT} {bottom}L{right} {_TOP}"/>{texts}'
        f'<path class="line" d="M{line}"/>{marks if plot.with_marks else ""}</svg>'
        f"<figcaption>{escape(plot.caption)}</figcaption></figure>"
    )
