"""Figures made of rows: one row for each scenario, subset, person or missing feature."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from benchmarks.report.choose import Scored, ablations, best, finished
from benchmarks.report.figure import COLORS, NOTE, THIN, WIDTH, Figure, add_axes, figure_style, label_text, new_canvas
from benchmarks.report.text import interval, signed
from classic_eyes.labeling.page.text import count, proportion
from classic_eyes.metrics import accuracy_difference

Entry = dict[str, Any]
LEFT, RIGHT, TOP, PITCH = 176, WIDTH - 84, 6, 21
MOST_PEOPLE = 40
N_RESAMPLES = 1000


@dataclass(frozen=True)
class _Row:
    """A value with its interval, its name on the left and a note on the right."""

    name: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    note: str = ""
    is_heading: bool = False

    def __str__(self) -> str:
        ends = interval({"low": self.low, "high": self.high})
        return f"{self.name} {proportion(self.value)}" + (f" ({ends})" if ends else "")


def _row_axes(rows: list[_Row], label: str, pitch: float = PITCH, right: float = RIGHT) -> tuple[Canvas, Axes]:
    """Return axes with the names of the rows on the left and their notes on the right."""
    bottom = TOP + len(rows) * pitch
    canvas = new_canvas(bottom + 40)
    axes = add_axes(canvas, LEFT, TOP, right, bottom)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks(range(len(rows)), ["" if row.is_heading else label_text(row.name, 25) for row in rows])
    axes.tick_params(axis="y", labelcolor=COLORS["ink"])
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(label)
    beside: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "va": "center_baseline"}
    for place, row in enumerate(rows):
        if row.is_heading:
            axes.text(-LEFT / (right - LEFT), place, label_text(row.name, 40), fontweight="bold", **beside)
        else:
            axes.text(1 + 10 / (right - LEFT), place, row.note, **beside, **NOTE)
    return canvas, axes


def _intervals(axes: Axes, rows: list[_Row], color: str) -> None:
    for place, row in enumerate(rows):
        if row.low is not None and row.high is not None:
            axes.hlines(place, row.low, row.high, color=color, linewidth=1.4)


@figure_style
def _accuracy_figure(slug: str, title: str, description: str, caption: str, rows: list[_Row]) -> Figure:
    """Draw accuracies as points with intervals."""
    ends = [end for row in rows for end in (row.value, row.low, row.high) if end is not None]
    canvas, axes = _row_axes(rows, "accuracy")
    axes.set_xlim(math.floor(20 * min(ends, default=0.5) - 1e-9) / 20, 1.0)
    axes.locator_params(axis="x", nbins=4, steps=[1, 2, 5, 10])
    _intervals(axes, rows, COLORS["s0"])
    known = [(row.value, place) for place, row in enumerate(rows) if row.value is not None]
    axes.plot(*zip(*known, strict=True), "o", color=COLORS["s0"], markeredgecolor=COLORS["sheet"], clip_on=False)
    spoken = "; ".join(str(row) for row in rows if not row.is_heading)
    return Figure(slug, title, f"{description} {spoken}.", caption, canvas)


def ranking_figure(dataset: Entry) -> Figure | None:
    """Draw the accuracy of every scenario, or nothing where none is known."""
    rows = []
    for number, entry in finished(dataset):
        accuracy = (entry.get("metrics") or {}).get("accuracy") or {}
        if accuracy.get("value") is not None:
            name = f"{label_text(entry['name'], 20)}  {number}"
            rows.append(_Row(name, **accuracy, note=proportion(accuracy["value"])))
    if not rows:
        return None
    return _accuracy_figure(
        "ranking",
        "Accuracy of every scenario",
        "From the most to the least accurate:",
        "Most accurate first, with the number of the table and the 95% interval (bootstrap over groups).",
        sorted(rows, key=lambda row: -(row.value or 0)),
    )


def _best_scenario(dataset: Entry, part: str) -> tuple[str, Entry]:
    """Return number and name of the best scenario, and a part of its results."""
    number, entry = best(dataset) or (0, {})
    return f"scenario {number}, {entry.get('name')}", entry.get(part) or {}


def slice_figure(dataset: Entry) -> Figure | None:
    """Draw the accuracy of the best scenario in each subset, or nothing where there are no subsets."""
    scenario, subsets = _best_scenario(dataset, "per_slice")
    rows = []
    for kind, entries in subsets.items():
        rows.append(_Row(str(kind), is_heading=True))
        for name, entry in entries.items():
            note = f"{count(entry.get('n'))} · {proportion(entry.get('eer'))}"
            rows.append(_Row(str(name), **(entry.get("accuracy") or {}), note=note))
    if not rows:
        return None
    return _accuracy_figure(
        "slices",
        "Accuracy by subset",
        f"Accuracy of {scenario}, in each subset of the data:",
        f"{scenario.capitalize()}. On the right: number of images and equal error rate; a dash where a subset has one "
        "class only.",
        rows,
    )


def people_figure(dataset: Entry) -> Figure | None:
    """Draw the accuracy of the best scenario for each person, or nothing where groups are not people."""
    scenario, people = _best_scenario(dataset, "per_group")
    if not people:
        return None
    rows = [_Row(str(name), entry.get("accuracy"), note=count(entry.get("n"))) for name, entry in people.items()]
    rows.sort(key=lambda row: (row.value is None, row.value, row.name))
    limit = f"The {MOST_PEOPLE} people of {len(rows)} with the lowest accuracy. " if len(rows) > MOST_PEOPLE else ""
    return _accuracy_figure(
        "people",
        "Accuracy by person",
        f"{limit}Accuracy of {scenario}, for each person, lowest first:",
        f"{limit}{scenario.capitalize()}; lowest first. On the right: number of images.",
        rows[:MOST_PEOPLE],
    )


@figure_style
def ablation_figure(dataset: Entry) -> Figure | None:
    """Draw how much accuracy changes without one feature, or nothing where there is no ablation."""
    pairs = [(missing, one, full) for missing, one, full in ablations(dataset) if len(one.rows) == len(full.rows)]
    if not pairs:
        return None
    rows = sorted((_change(dataset, *pair) for pair in pairs), key=lambda row: row.value or 0)
    canvas, axes = _row_axes(rows, "change of accuracy", PITCH + 12, WIDTH - 120)
    reach = 1.05 * max(abs(end) for row in rows for end in (row.value or 0, row.low or 0, row.high or 0)) or 0.01
    axes.set_xlim(-reach, reach)
    axes.locator_params(axis="x", nbins=4, steps=[1, 2, 5, 10])
    values = [row.value or 0.0 for row in rows]
    colors = [COLORS["s1" if value < 0 else "s0"] for value in values]
    axes.barh(range(len(rows)), values, 0.5, color=colors)
    _intervals(axes, rows, COLORS["ink"])
    axes.axvline(0, **THIN)
    full = pairs[0][2]
    against = f"scenario {full.number}, {full.name}"
    return Figure(
        "ablation",
        "Accuracy without one feature",
        f"Change of accuracy against {against}: " + "; ".join(f"{r.name} {r.note}" for r in rows).replace("\n", " "),
        f"Against {against}. A bar to the left: accuracy is lower without that feature. 95% intervals of the "
        "difference on the same images (bootstrap over groups).",
        canvas,
    )


def _change(dataset: Entry, missing: str, one: Scored, full: Scored) -> _Row:
    groups = dataset.get("groups")
    rows = [groups[k] for k in one.rows] if groups else None
    value, low, high = accuracy_difference(one.labels, one.scores, full.scores, rows, n_resamples=N_RESAMPLES)
    return _Row(f"without {missing}", value, low, high, f"{signed(value)}\n{interval({'low': low, 'high': high})}")
