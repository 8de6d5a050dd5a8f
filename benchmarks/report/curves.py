"""Curves of the scores: ROC, detection error trade-off, reliability; histograms by class."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from scipy.stats import norm

from benchmarks.report import figure as fig
from benchmarks.report.choose import Entry, Scored, curve_scenarios, metric_value
from classic_eyes.labeling.page.text import count, proportion
from classic_eyes.metrics import det_points, reliability_curve, roc_points

SIDE = fig.RIGHT - fig.LEFT
HEIGHT = fig.TOP + SIDE + 42
FIFTHS = (0, 0.2, 0.4, 0.6, 0.8, 1)
RATES = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6)
N_BARS = 40
EDGES = np.linspace(0, 1, N_BARS + 1)
GAP, HEADING = 24, 34


@dataclass(frozen=True)
class CurveKind:
    """What a figure of curves shows, and how it is drawn."""

    slug: str
    title: str
    description: str
    caption: str
    metric: str
    metric_name: str
    draw: Callable[[Canvas, float, float, list[Scored]], Axes]
    needs_both_classes: bool = True

    def shown(self, scenarios: list[Scored]) -> list[Scored]:
        """Return the scenarios for which the curve is defined."""
        return [one for one in scenarios if one.has_both_classes or not self.needs_both_classes]

    def legend(self, scenarios: list[Scored]) -> list[tuple[int, str]]:
        """Return number and text of each scenario."""
        return [
            (one.number, f"{one.name} · {self.metric_name} {proportion(metric_value(one.entry, self.metric))}")
            for one in scenarios
        ]

    def described(self, scenarios: list[Scored]) -> str:
        """Return what the figure shows, for readers who cannot see it."""
        return f"{self.description} " + "; ".join(f"{n} {text}" for n, text in self.legend(scenarios)) + "."


@fig.figure_style
def curve_figure(kind: CurveKind, scenarios: list[Scored]) -> fig.Figure | None:
    """Draw curves of the scenarios, or nothing where none is defined."""
    shown = kind.shown(scenarios)
    if not shown:
        return None
    canvas = fig.new_canvas(HEIGHT)
    kind.draw(canvas, 0, 0, shown)
    return fig.Figure(kind.slug, kind.title, kind.described(shown), kind.caption, canvas, kind.legend(shown))


@fig.figure_style
def render_curves(dataset: Entry) -> str | None:
    """Return ROC, detection error trade-off and reliability side by side as an SVG file, or None without scores."""
    scenarios = curve_scenarios(dataset)
    kinds = [kind for kind in KINDS if kind.shown(scenarios)]
    if not kinds:
        return None
    height = HEADING + HEIGHT + 17 * len(scenarios) + GAP
    canvas = fig.new_canvas(height, len(kinds) * (fig.WIDTH + GAP) + GAP)
    for k, kind in enumerate(kinds):
        left, shown = GAP + k * (fig.WIDTH + GAP), kind.shown(scenarios)
        axes = kind.draw(canvas, left, HEADING, shown)
        texts = [f"{number}  {text}" for number, text in kind.legend(shown)]
        fig.add_words(canvas, left, kind.title, axes.get_lines()[-len(shown) :], texts, HEADING + HEIGHT)
    description = " ".join(f"{kind.title}: {kind.described(kind.shown(scenarios))}" for kind in kinds)
    return fig.svg_document(canvas, f"{dataset['name']}: curves", description)


def _square_axes(canvas: Canvas, left: float, top: float, y_label: str) -> Axes:
    return fig.add_axes(canvas, left + fig.LEFT, top + fig.TOP, left + fig.RIGHT, top + fig.TOP + SIDE, y_label)


def _tag_curves(axes: Axes, corner: tuple[float, float], shown: list[Scored]) -> None:
    """Put each number on its curve where a ray from the empty corner meets it; every curve has its own ray."""
    box = axes.bbox
    for style, (one, line) in enumerate(zip(shown, axes.get_lines()[-len(shown) :], strict=True)):
        x, y = np.asarray(line.get_data())
        inside = (axes.transData.transform(np.column_stack([x, y])) - (box.x0, box.y0)) / (box.width, box.height)
        away = np.abs(inside - np.array(corner))
        angle = np.degrees(np.arctan2(away[:, 1], away[:, 0]))
        at = int(np.argmin(np.abs(angle - (29 + 8 * style)) + 1e3 * (np.abs(inside - 0.5).max(axis=1) > 0.5)))
        fig.add_tag(axes, (x[at], y[at]), one.number, style)


def _draw_roc(canvas: Canvas, left: float, top: float, shown: list[Scored]) -> Axes:
    axes = _square_axes(canvas, left, top, "true positive rate")
    axes.plot([0, 1], [0, 1], **fig.DOTTED)
    for style, one in enumerate(shown):
        false_positive, true_positive, _ = roc_points(one.labels, one.scores)
        fig.plot_curve(axes, false_positive, true_positive, style)
    axes.set(xlim=(0, 1), ylim=(0, 1.005), xticks=FIFTHS, yticks=FIFTHS, xlabel="false positive rate")
    _tag_curves(axes, (1, 0), shown)
    return axes


def _draw_det(canvas: Canvas, left: float, top: float, shown: list[Scored]) -> Axes:
    axes = _square_axes(canvas, left, top, "false negative rate")
    # One image of the rarer class is the smallest rate that can be measured.
    rarer = min(min(int(one.labels.sum()), int((1 - one.labels).sum())) for one in shown)
    start = max(k for k in range(6) if k == 0 or RATES[k] <= 0.6 / rarer)
    worst = max(metric_value(one.entry, "eer") or 0.0 for one in shown)
    end = next((k for k in range(7, len(RATES)) if RATES[k] >= 1.8 * worst), len(RATES) - 1)
    rates = RATES[start : end + 1]
    axes.set_xscale("function", functions=(norm.ppf, norm.cdf))
    axes.set_yscale("function", functions=(norm.ppf, norm.cdf))
    axes.plot([rates[0], rates[-1]], [rates[0], rates[-1]], **fig.DOTTED)
    for style, one in enumerate(shown):
        false_positive, false_negative, _ = det_points(one.labels, one.scores)
        # Where a rate is 0 the curve lies at infinity.
        seen = (false_positive > 0) & (false_negative > 0)
        if not seen.any():
            seen[np.argmin(false_positive + false_negative)] = True
        limits = (rates[0], 0.9999)
        fig.plot_curve(axes, np.clip(false_positive[seen], *limits), np.clip(false_negative[seen], *limits), style)
    axes.set(xlim=(rates[0], rates[-1]), ylim=(rates[0], rates[-1]), xlabel="false positive rate")
    ticks = [rate for k, rate in enumerate(rates) if (len(rates) - 1 - k) % (2 if len(rates) > 9 else 1) == 0]
    percent = [f"{100 * rate:g}%" for rate in ticks]
    axes.set_xticks(ticks, percent)
    axes.set_yticks(ticks, percent)
    _tag_curves(axes, (1, 1), shown)
    return axes


def _draw_reliability(canvas: Canvas, left: float, top: float, shown: list[Scored]) -> Axes:
    axes = _square_axes(canvas, left, top, "proportion of open eyes")
    axes.plot([0, 1], [0, 1], **fig.DOTTED)
    for style, one in enumerate(shown):
        score, is_open, n = reliability_curve(one.labels, one.scores)
        # A proportion of a few images is mostly noise.
        kept = n >= (10 if len(one.rows) >= 300 else 1)
        score, is_open = score[kept], is_open[kept]
        fig.plot_curve(axes, score, is_open, style, with_markers=True)
        at = min(len(score) - 1, len(score) * (style + 1) // (len(shown) + 1))
        if at >= 0:
            fig.add_tag(axes, (score[at], is_open[at]), one.number, style, -13 if is_open[at] > 0.9 else 13)
    axes.set(xlim=(0, 1), ylim=(0, 1), xticks=FIFTHS, yticks=FIFTHS, xlabel="score")
    return axes


ROC = CurveKind(
    "roc",
    "ROC curves",
    "Proportion of open eyes classified as open against proportion of closed eyes classified as open.",
    "Open is the positive class. Better is closer to the upper left corner; the diagonal is chance. Numbers are those "
    "of the table.",
    "auc",
    "AUC",
    _draw_roc,
)
DET = CurveKind(
    "det",
    "Detection error trade-off",
    "Both error rates at every decision threshold.",
    "Open is the positive class. Better is closer to the lower left corner. The axes are normal deviates: normally "
    "distributed scores give a straight line. On the diagonal both error rates are the equal error rate (EER).",
    "eer",
    "EER",
    _draw_det,
)
RELIABILITY = CurveKind(
    "reliability",
    "Reliability of the score",
    "Proportion of open eyes in 15 bins of the score, against the mean score of the bin.",
    "On the diagonal 80% of the eyes with a score of 0.8 are open. Bins with fewer than 10 images are not shown where "
    "there are 300 or more in all.",
    "calibration_error",
    "calibration error",
    _draw_reliability,
    needs_both_classes=False,
)
KINDS = (ROC, DET, RELIABILITY)


@fig.figure_style
def histogram_figure(shown: list[Scored]) -> fig.Figure | None:
    """Draw histograms of the scores, open eyes upward and closed eyes downward."""
    if not shown:
        return None
    pitch = 104
    canvas = fig.new_canvas(len(shown) * pitch + 34)
    for place, one in enumerate(shown):
        axes = fig.add_axes(canvas, fig.LEFT, place * pitch + 26, fig.RIGHT, (place + 1) * pitch - 8)
        _draw_histogram(axes, one)
        axes.tick_params(labelbottom=one is shown[-1])
    axes.set_xlabel("score")
    errors = "; ".join(
        f"{one.number} {one.name}: {int(((one.scores >= 0.5) != one.labels).sum())} of {len(one.labels)} misclassified"
        for one in shown
    )
    return fig.Figure(
        "histogram",
        "Scores of open and of closed eyes",
        f"Histograms of the score, open eyes upward, closed eyes downward. At the threshold 0.5: {errors}.",
        "Open eyes upward, closed eyes downward; heights are square roots of counts, so that rare errors show. "
        "Hollow bars are misclassified at the threshold 0.5.",
        canvas,
    )


def _draw_histogram(axes: Axes, one: Scored) -> None:
    middles = EDGES[:-1] + 0.5 / N_BARS
    heights = [np.sqrt(np.histogram(one.scores[one.labels == label], bins=EDGES)[0]) for label in (0, 1)]
    top = max(np.max(heights), 1.0)
    for label, sign, word in ((0, -1, "closed"), (1, 1, "open")):
        color = fig.COLORS["s0" if label else "s1"]
        height, correct = heights[label], (middles >= 0.5) == bool(label)
        faces = np.where(correct, color, "none")[height > 0]
        axes.bar(middles[height > 0], sign * height[height > 0], 0.8 / N_BARS, linewidth=1, fc=faces, ec=color)
        axes.text(0.51, sign * 0.8 * top, word, va="center", **fig.NOTE)
    axes.axhline(0, **fig.THIN)
    axes.axvline(0.5, **fig.DOTTED)
    axes.spines.bottom.set_visible(False)
    axes.grid(visible=False)
    axes.set(xlim=(0, 1), ylim=(-1.05 * top, 1.05 * top), xticks=FIFTHS)
    axes.set_yticks([-top, top], [count(top**2)] * 2)
    axes.set_title(fig.label_text(f"{one.number}  {one.name}", 54), x=0, pad=4, color=fig.COLORS["ink"])
