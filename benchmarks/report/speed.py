"""Accuracy against speed, one point for each scenario."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullLocator
from matplotlib.transforms import Bbox

from benchmarks.report import figure as fig
from benchmarks.report.choose import finished, metric_value
from benchmarks.report.text import interval, quantity
from classic_eyes.labeling.page.text import proportion

HEIGHT = 400
ACCURACIES = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.96, 0.97, 0.98, 0.985, 0.99, 0.995, 0.998, 0.999)
SPEEDS = (("end_to_end", "images/s, from files to predictions"), ("features", "images/s, features only"))
MARKERS = {"shipped": "s", "baseline": "D"}
# Of a label at font size 10.5; rather too wide than too narrow.
CHARACTER_WIDTH, LINE_HEIGHT = 6.6, 13.0


@dataclass(frozen=True)
class _Point:
    number: int
    entry: dict[str, Any]
    accuracy: dict[str, Any]
    speed: dict[str, Any]

    def __str__(self) -> str:
        ends = interval(self.accuracy)
        accuracy = proportion(self.accuracy["value"]) + (f" ({ends})" if ends else "")
        return f"{self.number} {self.entry['name']}: accuracy {accuracy}, {quantity(self.speed['median'])} images/s"

    @property
    def accuracies(self) -> list[float]:
        """Low end, value and high end of the accuracy, clipped to the axis."""
        ends = (self.accuracy.get(key) for key in ("low", "value", "high"))
        return [min(max(self.accuracy["value"] if end is None else end, 0.02), 0.9995) for end in ends]

    @property
    def speeds(self) -> list[float]:
        """Lowest, median and highest speed."""
        return [self.speed.get(key) or self.speed["median"] for key in ("low", "median", "high")]


def _points(dataset: dict[str, Any]) -> tuple[list[_Point], str]:
    """Return the scenarios with accuracy and speed, by the first measure of speed that any of them has."""
    for key, label in SPEEDS:
        found = []
        for number, entry in finished(dataset):
            speed = (entry.get("speed") or {}).get(key) or {}
            if speed.get("median") and metric_value(entry, "accuracy") is not None:
                found.append(_Point(number, entry, entry["metrics"]["accuracy"], speed))
        if found:
            return sorted(found, key=lambda point: -point.accuracy["value"]), label
    return [], ""


@fig.figure_style
def speed_figure(dataset: dict[str, Any]) -> fig.Figure | None:
    """Draw accuracy against speed, or nothing where no speed was measured."""
    points, label = _points(dataset)
    if not points:
        return None
    canvas = fig.new_canvas(fig.TOP + HEIGHT + 42)
    axes = fig.add_axes(canvas, fig.LEFT, fig.TOP, fig.RIGHT, fig.TOP + HEIGHT, "accuracy")
    decoding = ((dataset.get("decode") or {}).get("images_per_second") or {}).get("median")
    _set_scales(axes, points, decoding, label)
    for point in points:
        low, value, high = point.accuracies
        slow, median, fast = point.speeds
        axes.vlines(median, low, high, **fig.THIN)
        axes.hlines(value, slow, fast, **fig.THIN)
        marker = MARKERS.get(point.entry.get("kind") or "", "o")
        axes.plot(median, value, marker, color=fig.COLORS["s0"], markeredgecolor=fig.COLORS["sheet"])
    if decoding:
        axes.axvline(decoding, **fig.DOTTED)
        axes.text(decoding, 1.02, "decoding only", ha="right", transform=axes.get_xaxis_transform(), **fig.NOTE)
    _label_points(axes, points)
    return fig.Figure(
        "speed",
        "Accuracy against speed",
        f"Accuracy and speed of each scenario: {'; '.join(map(str, points))}.",
        "Better is up and to the right. Lines are 95% intervals (accuracy) and the range of the rounds (speed). The "
        "axis of accuracy is logistic. Diamond: baseline; square: shipped model.",
        canvas,
    )


def _set_scales(axes: Axes, points: list[_Point], decoding: float | None, label: str) -> None:
    speeds = [speed for point in points for speed in point.speeds] + ([decoding] if decoding else [])
    accuracies = [accuracy for point in points for accuracy in point.accuracies]
    low, high = min(accuracies), max(accuracies)
    axes.set_xscale("log")
    axes.set_yscale("logit")
    axes.set(xlim=(min(speeds) / 1.4, max(speeds) * 1.4), ylim=(low - 0.1 * (1 - low), high + 0.15 * (1 - high)))
    axes.set_xlabel(label)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if max(speeds) < 300 * min(speeds) else (1,)))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    # The logit axis is crowded near 1.
    ticks: list[float] = []
    for tick in ACCURACIES:
        heights = axes.transData.transform([(1.0, tick), (1.0, ticks[-1] if ticks else 0.01)])[:, 1]
        if low <= tick <= high and heights[0] - heights[1] > 14:
            ticks.append(tick)
    axes.set_yticks(ticks)
    axes.yaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_minor_locator(NullLocator())


def _label_points(axes: Axes, points: list[_Point]) -> None:
    """Name each point at the nearest free place: in full, shortened, or by its number alone."""
    at = axes.transData.transform([(point.speeds[1], point.accuracies[1]) for point in points])
    taken = [Bbox.from_bounds(x - 6, y - 6, 12, 12) for x, y in at]
    for point, (x, y) in zip(points, at, strict=True):
        texts = [f"{point.number} {fig.label_text(point.entry['name'], limit)}" for limit in (30, 16)] + [
            str(point.number)
        ]
        places = ((text, _free_box(text, x, y, taken, axes.bbox)) for text in texts)
        nowhere = (texts[-1], Bbox.from_bounds(x + 6, y, 14, LINE_HEIGHT))
        text, box = next(((text, box) for text, box in places if box), nowhere)
        taken.append(box)
        background = {"fc": fig.COLORS["sheet"], "ec": "none", "alpha": 0.7, "pad": 0}
        style: fig.Style = {"xycoords": "figure points", "va": "center", "fontsize": 10.5, "bbox": background}
        axes.annotate(text, (box.x0 + 1, (box.y0 + box.y1) / 2), **style)
        near = np.clip((x, y), box.min, box.max)
        if np.abs(near - (x, y)).sum() > 12:
            axes.plot(*axes.transData.inverted().transform([(x, y), near]).T, zorder=1, **fig.THIN)


def _free_box(text: str, x: float, y: float, taken: list[Bbox], axes: Bbox) -> Bbox | None:
    """Return the nearest box for a label that lies inside the axes, or right of them, and on no other box."""
    width = CHARACTER_WIDTH * len(text) + 2
    for far in (8, 18, 30, 44, 60):
        slant = 0.75 * far
        steps = ((far, 0), (slant, slant), (slant, -slant))
        corners = [(left, y + up) for right, up in steps for left in (x + right, x - right - width)]
        corners += [(x - width / 2, y + sign * (far + LINE_HEIGHT / 2)) for sign in (1, -1)]
        for left, middle in corners:
            box = Bbox.from_bounds(left, middle - LINE_HEIGHT / 2, width, LINE_HEIGHT)
            fits = axes.x0 <= box.x0 and box.x1 <= fig.WIDTH and axes.y0 <= box.y0 and box.y1 <= axes.y1
            if fits and not box.count_overlaps(taken):
                return box
    return None
