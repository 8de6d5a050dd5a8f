"""Curves of the scores: ROC, detection error trade-off, reliability, histograms by class."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from benchmarks.report.choose import Scored, value
from benchmarks.report.svg import WIDTH, Drawing, Figure, Frame, Scale, points_text, thinned
from classic_eyes.labeling.page.text import share, shortened, tick_text, whole
from classic_eyes.metrics import det_points, reliability_curve, roc_points

__all__ = ["det_figure", "histogram_figure", "reliability_figure", "roc_figure"]

LEFT, RIGHT, TOP = 44, WIDTH - 14, 30
SIDE = RIGHT - LEFT
RATES = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6)
N_BARS = 40
FEW = "Bins with fewer than 10 images are left out where there are 300 or more in all. "


def _legend(shown: list[Scored], metric: str, word: str) -> list[tuple[int, int, str]]:
    return [
        (style, one.number, f"{shortened(one.name, 40)} · {word} {share(value(one.entry, metric))}")
        for style, one in enumerate(shown)
    ]


def _spoken(shown: list[Scored], metric: str, word: str) -> str:
    """Say in words what the curves say."""
    return "; ".join(f"{one.number} {one.name}, {word} {share(value(one.entry, metric))}" for one in shown) + "."


def _tagged(
    drawing: Drawing, points: NDArray[np.float64], corner: tuple[float, float], style: int, one: Scored
) -> None:
    """Put the number on the curve where a ray from the empty corner meets it; every curve has a ray of its own."""
    away = np.abs(points - np.array(corner))
    angle = np.degrees(np.arctan2(away[:, 1], away[:, 0]))
    at = int(np.argmin(np.abs(angle - (29 + 8 * style))))
    drawing.tag(points[at, 0], points[at, 1], one.number, style)


def roc_figure(shown: list[Scored]) -> Figure | None:
    """Draw the receiver operating characteristic.

    Parameters
    ----------
    shown : list of Scored
        The scenarios, best first.

    Returns
    -------
    Figure or None
        None where only one class is present.

    Examples
    --------
    >>> roc_figure([]) is None
    True
    """
    shown = [one for one in shown if one.both_classes]
    if not shown:
        return None
    drawing = Drawing(TOP + SIDE + 42)
    frame = Frame(drawing, Scale(0, 1, LEFT, RIGHT), Scale(0, 1, TOP + SIDE, TOP))
    fifths = [0, 0.2, 0.4, 0.6, 0.8, 1]
    frame.axes(fifths, fifths, "closed eyes called open", "open eyes called open")
    drawing.line(LEFT, TOP + SIDE, RIGHT, TOP, "chance")
    drawn = []
    for style, one in enumerate(shown):
        false_positive, true_positive, _ = roc_points(one.labels, one.scores)
        points = thinned(frame.x.every(false_positive), frame.y.every(true_positive))
        drawing.path(points_text(points), f"curve s{style}")
        drawn.append(points)
    for style, one in enumerate(shown):
        _tagged(drawing, drawn[style], (RIGHT, TOP + SIDE), style, one)
    return Figure(
        "roc",
        "ROC curves",
        f"Share of open eyes called open against share of closed eyes called open. {_spoken(shown, 'auc', 'AUC')}",
        "The nearer to the upper left corner, the better; the diagonal is guessing. Numbers are those of the table.",
        drawing,
        _legend(shown, "auc", "AUC"),
    )


def det_figure(shown: list[Scored]) -> Figure | None:
    """Draw the detection error trade-off on normal-deviate axes.

    Parameters
    ----------
    shown : list of Scored
        The scenarios, best first.

    Returns
    -------
    Figure or None
        None where only one class is present.

    Examples
    --------
    >>> det_figure([]) is None
    True
    """
    shown = [one for one in shown if one.both_classes]
    if not shown:
        return None
    # One image of the rarer class is the smallest rate that can be seen.
    rarer = min(min(int(one.labels.sum()), int((1 - one.labels).sum())) for one in shown)
    start = max(k for k in range(6) if k == 0 or RATES[k] <= 0.6 / rarer)
    worst = max(value(one.entry, "eer") or 0.0 for one in shown)
    end = next((k for k in range(7, len(RATES)) if RATES[k] >= 1.8 * worst), len(RATES) - 1)
    ticks = RATES[start : end + 1]
    drawing = Drawing(TOP + SIDE + 42)
    frame = Frame(
        drawing,
        Scale(ticks[0], ticks[-1], LEFT, RIGHT, "probit"),
        Scale(ticks[0], ticks[-1], TOP + SIDE, TOP, "probit"),
    )
    # At the rare end the axis is crowded; a number that would touch its neighbour is left out.
    shown_ticks = [ticks[-1]]
    for tick in reversed(ticks[:-1]):
        if frame.x(shown_ticks[-1]) - frame.x(tick) > 32:
            shown_ticks.append(tick)
    frame.axes(shown_ticks, shown_ticks, "closed eyes called open", "open eyes called closed", _rate, _rate)
    drawing.line(LEFT, TOP + SIDE, RIGHT, TOP, "chance")
    drawn = []
    for style, one in enumerate(shown):
        points = _det_positions(frame, one)
        drawing.path(points_text(points), f"curve s{style}")
        drawn.append(points)
    for style, one in enumerate(shown):
        _tagged(drawing, drawn[style], (RIGHT, TOP), style, one)
    return Figure(
        "det",
        "Detection error trade-off",
        f"Both error rates at every border of the score. {_spoken(shown, 'eer', 'equal error rate')}",
        "The nearer to the lower left corner, the better. Axes in normal deviates: scores spread like two bells give a "
        "straight line. On the thin diagonal both errors are as frequent: the equal error rate (EER).",
        drawing,
        _legend(shown, "eer", "EER"),
    )


def _rate(rate: float) -> str:
    return f"{tick_text(100 * rate)}%"


def _det_positions(frame: Frame, one: Scored) -> NDArray[np.float64]:
    """Return the corners of the curve that lie inside the frame, with the first beyond it at each end."""
    across, up, _ = det_points(one.labels, one.scores)
    # Where one rate is 0 the curve only runs along the frame.
    seen = np.flatnonzero((across <= frame.x.high) & (up <= frame.y.high) & (across > 0) & (up > 0))
    if len(seen) == 0:
        seen = np.array([int(np.argmin(across + up))])
    clipped = [(frame.x.clipped(across[k]), frame.y.clipped(up[k])) for k in seen]
    points = np.array(clipped)
    return thinned(points[:, 0], points[:, 1])


def reliability_figure(shown: list[Scored]) -> Figure | None:
    """Draw what share of eyes is open where the score promises so, above how often each score is given.

    Parameters
    ----------
    shown : list of Scored
        The scenarios, best first; the histogram is that of the first.

    Returns
    -------
    Figure or None
        None where there is no scenario.

    Examples
    --------
    >>> reliability_figure([]) is None
    True
    """
    if not shown:
        return None
    low = TOP + SIDE - 86
    drawing = Drawing(TOP + SIDE + 42)
    tenths = [0, 0.2, 0.4, 0.6, 0.8, 1]
    frame = Frame(drawing, Scale(0, 1, LEFT, RIGHT), Scale(0, 1, low, TOP))
    for tick in tenths:
        drawing.line(LEFT, frame.y(tick), RIGHT, frame.y(tick), "grid")
        drawing.text(LEFT - 7, frame.y(tick) + 3.8, tick_text(tick), "tick", "end")
    drawing.text(LEFT - 30, TOP - 12, "share that is open", "name")
    drawing.line(LEFT, low, RIGHT, TOP, "chance")
    drawn = []
    for style, one in enumerate(shown):
        promised, came, held = reliability_curve(one.labels, one.scores)
        seen = held >= _least(one)
        points = np.column_stack([frame.x.every(promised[seen]), frame.y.every(came[seen])])
        drawing.path(points_text(points), f"curve s{style}")
        for x, y in points:
            drawing.mark(x, y, style, f"dot s{style}", size=2.6)
        drawn.append(points)
    for style, one in enumerate(shown):
        at = min(len(drawn[style]) - 1, math.floor(len(drawn[style]) * (style + 1) / (len(shown) + 1)))
        x, y = drawn[style][at]
        drawing.tag(x, y + (12 if y < TOP + 16 else -12), one.number, style)
    _strip(drawing, frame.x, shown[0], low + 24, TOP + SIDE)
    for tick in tenths:
        drawing.text(frame.x(tick), TOP + SIDE + 16, tick_text(tick), "tick", "middle")
    drawing.text((LEFT + RIGHT) / 2, TOP + SIDE + 34, "score", "name", "middle")
    return Figure(
        "reliability",
        "Reliability of the score",
        "Share of open eyes in 15 bins of the score, against the mean score of the bin. "
        + _spoken(shown, "calibration_error", "calibration error"),
        f"On the thin diagonal a score of .8 means that 8 of 10 such eyes are open. {FEW}"
        f"Below: how often scenario {shown[0].number} gives each score (heights are square roots).",
        drawing,
        _legend(shown, "calibration_error", "calibration error"),
    )


def _least(one: Scored) -> int:
    """Return how many images a bin must hold to be drawn: a share of three tells nothing."""
    return 10 if len(one.rows) >= 300 else 1


def _strip(drawing: Drawing, x: Scale, one: Scored, top: float, bottom: float) -> None:
    """Draw a small histogram of all scores."""
    counts, edges = np.histogram(one.scores, bins=N_BARS, range=(0, 1))
    height = Scale(0, max(int(counts.max()), 1), bottom, top, "root")
    for count, left, right in zip(counts, edges, edges[1:], strict=False):
        if count:
            drawing.rect(x(left) + 0.5, height(count), x(right) - x(left) - 1, bottom - height(count), "bar quiet")
    drawing.line(x.start, bottom, x.end, bottom, "axis")
    drawing.text(LEFT - 7, height(height.high) + 6, whole(height.high), "tick", "end")


def histogram_figure(shown: list[Scored]) -> Figure | None:
    """Draw how the scores of open and of closed eyes lie, back to back.

    Parameters
    ----------
    shown : list of Scored
        The scenarios, best first.

    Returns
    -------
    Figure or None
        None where there is no scenario.

    Examples
    --------
    >>> histogram_figure([]) is None
    True
    """
    if not shown:
        return None
    panel = 104
    drawing = Drawing(len(shown) * panel + 40)
    x = Scale(0, 1, LEFT, RIGHT)
    for place, one in enumerate(shown):
        _back_to_back(drawing, x, one, place * panel + 22, place * panel + panel - 8)
    bottom = len(shown) * panel - 8
    for tick in (0, 0.2, 0.4, 0.6, 0.8, 1):
        drawing.text(x(tick), bottom + 16, tick_text(tick), "tick", "middle")
    drawing.text((LEFT + RIGHT) / 2, bottom + 34, "score", "name", "middle")
    wrong = "; ".join(
        f"{one.number} {one.name}: {int(((one.scores >= 0.5) != one.labels).sum())} of {len(one.labels)} beyond .5"
        for one in shown
    )
    return Figure(
        "histogram",
        "Scores of open and of closed eyes",
        f"Histograms of the score, open eyes upward, closed eyes downward. On the wrong side of the border: {wrong}.",
        "Open eyes upward, closed eyes downward; heights are square roots of counts, so that rare errors show. "
        "Hollow bars lie on the wrong side of .5.",
        drawing,
    )


def _back_to_back(drawing: Drawing, x: Scale, one: Scored, top: float, bottom: float) -> None:
    middle = (top + bottom) / 2
    counts = [np.histogram(one.scores[one.labels == label], bins=N_BARS, range=(0, 1))[0] for label in (0, 1)]
    most = max(int(np.max(counts)), 1)
    edges = np.linspace(0, 1, N_BARS + 1)
    for label, end in ((0, bottom), (1, top)):
        height = Scale(0, most, middle, end, "root")
        for k, count in enumerate(counts[label]):
            if count:
                right = (edges[k] >= 0.5) == bool(label)
                kind = f"bar {('closed', 'open')[label]}{'' if right else ' wrong'}"
                y = height(count)
                drawing.rect(
                    x(edges[k]) + 0.5, min(y, middle), x(edges[k + 1]) - x(edges[k]) - 1, abs(y - middle), kind
                )
        drawing.text(LEFT - 7, end + (6 if label else 2), whole(most), "tick", "end")
        drawing.text(x(0.5) + 5, end + (9 if label else -3), ("closed", "open")[label], "tick")
    drawing.line(LEFT, middle, RIGHT, middle, "axis")
    drawing.line(x(0.5), top, x(0.5), bottom, "chance")
    drawing.text(LEFT, top - 6, f"{one.number}  {shortened(one.name, 54)}", "label")
