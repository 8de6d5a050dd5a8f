"""Figures made of rows: one line for each scenario, slice, person or missing feature."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from benchmarks.report.choose import Scored, ablations, best, finished, value
from benchmarks.report.svg import WIDTH, Drawing, Figure, Frame, Scale, nice_ticks
from classic_eyes.labeling.page.text import interval, share, shortened, signed, whole
from classic_eyes.metrics import accuracy_difference

__all__ = ["ablation_figure", "people_figure", "ranking_figure", "slice_figure"]

LEFT, RIGHT, TOP, PITCH = 180, WIDTH - 80, 10, 21
MOST_PEOPLE = 40
ABLATION_DRAWS = 1000


@dataclass(frozen=True)
class _Row:
    """One line: its name, its number with an interval, and what stands at its end."""

    name: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    note: str = ""
    heading: bool = False
    number: str = ""


def _number(entry: Any) -> tuple[float | None, float | None, float | None]:
    """Return value, low and high of a metric that is a number or one with an interval."""
    if isinstance(entry, dict):
        return entry.get("value"), entry.get("low"), entry.get("high")
    return entry, None, None


def _accuracy_rows(slug: str, title: str, desc: str, caption: str, rows: list[_Row]) -> Figure:
    """Draw accuracies as points with intervals on one axis."""
    ends = [end for row in rows for end in (row.value, row.low, row.high) if end is not None]
    low = math.floor(20 * min(ends, default=0.5) - 1e-9) / 20
    drawing = Drawing(TOP + len(rows) * PITCH + 42)
    bottom = TOP + len(rows) * PITCH
    frame = Frame(drawing, Scale(low, 1.0, LEFT, RIGHT), Scale(0, 1, bottom, TOP))
    frame.axes(nice_ticks(low, 1.0, 4), (), "accuracy", "")
    for place, row in enumerate(rows):
        y = TOP + (place + 0.5) * PITCH
        if row.heading:
            drawing.text(0, y + 5, row.name, "heading")
            continue
        drawing.text(LEFT - 10, y + 4, row.number, "tag", "end")
        drawing.text(LEFT - (30 if row.number else 10), y + 4, shortened(row.name, 20), "label", "end")
        drawing.text(RIGHT + 10, y + 4, row.note, "tick")
        if row.value is None:
            continue
        if row.low is not None and row.high is not None:
            drawing.line(frame.x(row.low), y, frame.x(row.high), y, "whisker")
        drawing.mark(frame.x(row.value), y, 0, "dot plain", _said(row))
    return Figure(slug, title, f"{desc} {_told(rows)}", caption, drawing)


def _said(row: _Row) -> str:
    ends = {"low": row.low, "high": row.high}
    return f"{row.number} {row.name} {share(row.value)} {interval(ends)}".strip()


def _told(rows: list[_Row]) -> str:
    return "; ".join(_said(row) for row in rows if not row.heading) + "."


def ranking_figure(dataset: dict[str, Any]) -> Figure | None:
    """Draw the accuracy of every scenario, best first.

    Parameters
    ----------
    dataset : dict
        One data set of the results.

    Returns
    -------
    Figure or None
        None where no scenario has an accuracy.

    Examples
    --------
    >>> ranking_figure({"scenarios": []}) is None
    True
    """
    able = [pair for pair in finished(dataset) if value(pair[1], "accuracy") is not None]
    if not able:
        return None
    able.sort(key=lambda pair: -(value(pair[1], "accuracy") or 0))
    rows = [_ranked(number, entry) for number, entry in able]
    return _accuracy_rows(
        "ranking",
        "Accuracy of every scenario",
        "From the most to the least accurate:",
        "Best first, with 95 % intervals by bootstrap over groups.",
        rows,
    )


def _ranked(number: int, entry: dict[str, Any]) -> _Row:
    middle, low, high = _number(entry["metrics"]["accuracy"])
    return _Row(str(entry["name"]), middle, low, high, share(middle), number=str(number))


def slice_figure(dataset: dict[str, Any]) -> Figure | None:
    """Draw the accuracy of the best scenario in each slice of the data.

    Parameters
    ----------
    dataset : dict
        One data set of the results.

    Returns
    -------
    Figure or None
        None where the data have no slices.

    Examples
    --------
    >>> slice_figure({"scenarios": []}) is None
    True
    """
    top = best(dataset)
    slices = (top[1].get("per_slice") or {}) if top else {}
    if top is None or not slices:
        return None
    rows = []
    for kind, values in slices.items():
        rows.append(_Row(str(kind), heading=True))
        rows += [_sliced(str(name), entry) for name, entry in values.items()]
    return _accuracy_rows(
        "slices",
        "Where it is easy and where it is hard",
        f"Accuracy of scenario {top[0]}, {top[1]['name']}, in each slice of the data:",
        f"Scenario {top[0]}, {top[1]['name']}. At the right the number of images and the equal error rate; "
        "a dash where a slice holds one class only.",
        rows,
    )


def _sliced(name: str, entry: dict[str, Any]) -> _Row:
    middle, low, high = _number(entry.get("accuracy"))
    return _Row(name, middle, low, high, f"{whole(entry.get('n'))} · {share(_number(entry.get('eer'))[0])}")


def people_figure(dataset: dict[str, Any]) -> Figure | None:
    """Draw the accuracy of the best scenario for each person.

    Parameters
    ----------
    dataset : dict
        One data set of the results.

    Returns
    -------
    Figure or None
        None where groups are not people.

    Examples
    --------
    >>> people_figure({"scenarios": []}) is None
    True
    """
    top = best(dataset)
    people = (top[1].get("per_group") or {}) if top else {}
    if top is None or not people:
        return None
    rows = [_person(str(name), entry) for name, entry in people.items()]
    rows.sort(key=lambda row: (row.value is None, row.value, row.name))
    left_out = f"The {MOST_PEOPLE} hardest of {len(rows)} people. " if len(rows) > MOST_PEOPLE else ""
    return _accuracy_rows(
        "people",
        "Accuracy by person",
        f"{left_out}Accuracy of scenario {top[0]}, {top[1]['name']}, for each person, hardest first:",
        f"{left_out}Scenario {top[0]}, {top[1]['name']}; hardest first, at the right the number of images.",
        rows[:MOST_PEOPLE],
    )


def _person(name: str, entry: dict[str, Any]) -> _Row:
    middle, low, high = _number(entry.get("accuracy"))
    return _Row(name, middle, low, high, whole(entry.get("n")))


def ablation_figure(dataset: dict[str, Any]) -> Figure | None:
    """Draw what is lost when one feature is left out.

    Parameters
    ----------
    dataset : dict
        One data set of the results.

    Returns
    -------
    Figure or None
        None where there is no ablation.

    Examples
    --------
    >>> ablation_figure({"labels": [], "scenarios": []}) is None
    True
    """
    pairs = [(missing, one, whole_) for missing, one, whole_ in ablations(dataset) if len(one.rows) == len(whole_.rows)]
    if not pairs:
        return None
    rows = sorted((_lost(dataset, *pair) for pair in pairs), key=lambda row: row.value or 0)
    reach = max(abs(end) for row in rows for end in (row.value or 0, row.low or 0, row.high or 0)) or 0.01
    bottom = TOP + len(rows) * (PITCH + 5)
    drawing = Drawing(bottom + 42)
    frame = Frame(drawing, Scale(-1.05 * reach, 1.05 * reach, LEFT - 46, RIGHT - 14), Scale(0, 1, bottom, TOP))
    frame.axes(nice_ticks(-reach, reach, 5), (), "change of accuracy", "")
    for place, row in enumerate(rows):
        _difference_bar(frame, row, TOP + (place + 0.5) * (PITCH + 5))
    drawing.line(frame.x(0), bottom, frame.x(0), TOP, "axis")
    full = pairs[0][2]
    return Figure(
        "ablation",
        "What each feature adds",
        f"Change of accuracy against scenario {full.number}, {full.name}, when one feature is left out: "
        + "; ".join(f"{row.name} {row.note}" for row in rows)
        + ".",
        f"Against scenario {full.number}, {full.name}. A bar to the left: without that feature it is worse. "
        "95 % intervals of the difference on the same images, by bootstrap over groups.",
        drawing,
    )


def _lost(dataset: dict[str, Any], missing: str, one: Scored, full: Scored) -> _Row:
    groups = dataset.get("groups")
    rows = [groups[k] for k in one.rows] if groups else None
    middle, low, high = accuracy_difference(one.labels, one.scores, full.scores, rows, n_resamples=ABLATION_DRAWS)
    ends = interval({"low": low, "high": high})
    return _Row(f"without {missing}", middle, low, high, f"{signed(middle)} {ends}")


def _difference_bar(frame: Frame, row: _Row, y: float) -> None:
    drawing, x = frame.drawing, frame.x
    middle, low, high = row.value or 0.0, row.low or 0.0, row.high or 0.0
    drawing.text(x.start - 10, y + 4, shortened(row.name, 19), "label", "end")
    kind = "bar worse" if middle < 0 else "bar better"
    drawing.rect(min(x(middle), x(0)), y - 7, abs(x(middle) - x(0)), 14, kind)
    drawing.line(x(low), y, x(high), y, "whisker")
    for end in (low, high):
        drawing.line(x(end), y - 3, x(end), y + 3, "whisker")
    number, _, ends = row.note.partition(" ")
    drawing.text(x.end + 8, y - 1, number, "label")
    drawing.text(x.end + 8, y + 10, ends.strip("()"), "small")
