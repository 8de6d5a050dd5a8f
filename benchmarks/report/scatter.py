"""Figures made of points: accuracy against speed, and maps of the features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.report.choose import finished, value
from benchmarks.report.svg import WIDTH, Drawing, Figure, Frame, Scale, log_ticks, text_width
from classic_eyes.labeling.page.text import amount, interval, share, shortened, tick_text, whole

__all__ = ["map_figure", "speed_figure"]

LEFT, RIGHT, TOP, HEIGHT = 44, WIDTH - 14, 30, 400
ACCURACIES = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.96, 0.97, 0.98, 0.985, 0.99, 0.995, 0.998, 0.999)
SPEEDS = (("end_to_end", "images a second, from files to answers"), ("features", "images a second, features alone"))
MOST_MAPPED = 2000
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class _Point:
    """A scenario as a point with two intervals."""

    number: int
    name: str
    accuracy: dict[str, Any]
    speed: dict[str, Any]

    @property
    def hint(self) -> str:
        """What to say of it."""
        return (
            f"{self.number} {self.name}: accuracy {share(self.accuracy['value'])} {interval(self.accuracy)}, "
            f"{amount(self.speed['median'])} images a second"
        )


def speed_figure(dataset: dict[str, Any]) -> Figure | None:
    """Draw how accuracy is paid for in speed.

    Parameters
    ----------
    dataset : dict
        One data set of the results.

    Returns
    -------
    Figure or None
        None where no speed was measured.

    Examples
    --------
    >>> speed_figure({"scenarios": []}) is None
    True
    """
    points, label = _points(dataset)
    if not points:
        return None
    drawing = Drawing(TOP + HEIGHT + 42)
    frame = _speed_frame(drawing, points, _decode(dataset))
    low, high = frame.y.low, frame.y.high
    ticks = [tick for tick in ACCURACIES if low <= tick <= high]
    # Ticks at the crowded end of the bent axis would lie on one another.
    ticks = [t for k, t in enumerate(ticks) if k == 0 or abs(frame.y(t) - frame.y(ticks[k - 1])) > 14]
    frame.axes(log_ticks(frame.x.low, frame.x.high), ticks, label, "accuracy", whole, tick_text)
    _decode_line(frame, dataset)
    for point in points:
        _whiskers(frame, point)
    for point in points:
        shape = (
            3
            if point.number in _numbers(dataset, "baseline")
            else 1
            if point.number in _numbers(dataset, "shipped")
            else 0
        )
        drawing.mark(frame.x(point.speed["median"]), frame.y(point.accuracy["value"]), shape, "dot plain", point.hint)
    _label(frame, points)
    return Figure(
        "speed",
        "Accuracy against speed",
        "Each scenario with its accuracy and speed: " + "; ".join(point.hint for point in points) + ".",
        "Better is up and to the right. Lines are 95 % intervals (accuracy) and the range of the rounds (speed); the "
        "axis of accuracy is stretched towards 1. Diamond: baseline; square: shipped model.",
        drawing,
    )


def _numbers(dataset: dict[str, Any], kind: str) -> set[int]:
    return {number for number, entry in finished(dataset) if entry.get("kind") == kind}


def _points(dataset: dict[str, Any]) -> tuple[list[_Point], str]:
    """Return the scenarios that have both, by the first measure of speed that any of them has."""
    for key, label in SPEEDS:
        found = []
        for number, entry in finished(dataset):
            speed = (entry.get("speed") or {}).get(key) or {}
            if speed.get("median") and value(entry, "accuracy") is not None:
                found.append(_Point(number, entry["name"], entry["metrics"]["accuracy"], speed))
        if found:
            return sorted(found, key=lambda point: -point.accuracy["value"]), label
    return [], ""


def _decode(dataset: dict[str, Any]) -> float | None:
    return ((dataset.get("decode") or {}).get("images_per_second") or {}).get("median")


def _speed_frame(drawing: Drawing, points: list[_Point], decode: float | None) -> Frame:
    speeds = [point.speed.get(key) or point.speed["median"] for point in points for key in ("low", "high", "median")]
    speeds += [decode] if decode else []
    ends = [point.accuracy.get(key) for point in points for key in ("low", "high", "value")]
    known = [min(max(end, 0.02), 0.9995) for end in ends if end is not None]
    low, high = min(known), max(known)
    x = Scale(min(speeds) / 1.4, max(speeds) * 1.4, LEFT, RIGHT, "log")
    return Frame(drawing, x, Scale(low - 0.1 * (1 - low), high + 0.15 * (1 - high), TOP + HEIGHT, TOP, "logit"))


def _decode_line(frame: Frame, dataset: dict[str, Any]) -> None:
    decode = _decode(dataset)
    if decode and frame.x.low <= decode <= frame.x.high:
        at = frame.x(decode)
        frame.drawing.line(at, frame.y.start, at, frame.y.end, "chance")
        frame.drawing.text(at - 4, frame.y.start - 6, "decoding alone", "tick", "end")


def _whiskers(frame: Frame, point: _Point) -> None:
    x, y = frame.x(point.speed["median"]), frame.y(point.accuracy["value"])
    if point.accuracy.get("low") is not None and point.accuracy.get("high") is not None:
        low, high = frame.y.clipped(point.accuracy["low"]), frame.y.clipped(point.accuracy["high"])
        frame.drawing.line(x, low, x, high, "whisker thin")
    if point.speed.get("low") and point.speed.get("high"):
        frame.drawing.line(
            frame.x.clipped(point.speed["low"]), y, frame.x.clipped(point.speed["high"]), y, "whisker thin"
        )


def _label(frame: Frame, points: list[_Point]) -> None:
    """Name each point where nothing is in the way: in full, shorter, or by its number alone."""
    at = [(frame.x(point.speed["median"]), frame.y(point.accuracy["value"])) for point in points]
    taken: list[Box] = [(x - 6, y - 6, x + 6, y + 6) for x, y in at]
    for point, (x, y) in zip(points, at, strict=True):
        for text in (
            f"{point.number} {shortened(point.name, 30)}",
            f"{point.number} {shortened(point.name, 16)}",
            str(point.number),
        ):
            box = _free_place(frame, text, x, y, taken)
            if box is not None:
                break
        else:
            text, box = str(point.number), (x + 6, y - 12, x + 20, y)
        taken.append(box)
        _write_label(frame.drawing, text, box, x, y)


def _free_place(frame: Frame, text: str, x: float, y: float, taken: list[Box]) -> Box | None:
    """Return the nearest box for a label that lies inside the frame and on nothing else."""
    width, height = text_width(text), 13.0
    for far in (8, 18, 30, 44, 60):
        slant = 0.75 * far
        corners = (
            (x + far, y - height / 2),
            (x - far - width, y - height / 2),
            (x + slant, y - slant - height / 2),
            (x + slant, y + slant - height / 2),
            (x - slant - width, y - slant - height / 2),
            (x - slant - width, y + slant - height / 2),
            (x - width / 2, y - far - height),
            (x - width / 2, y + far),
        )
        for left, top in corners:
            box = (left, top, left + width, top + height)
            inside = left >= frame.x.start and box[2] <= WIDTH and top >= frame.y.end and box[3] <= frame.y.start
            if inside and not any(_overlap(box, other) for other in taken):
                return box
    return None


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _write_label(drawing: Drawing, text: str, box: Box, x: float, y: float) -> None:
    near_x, near_y = min(max(x, box[0]), box[2]), min(max(y, box[1]), box[3])
    if abs(near_x - x) + abs(near_y - y) > 12:
        drawing.line(x, y, near_x, near_y, "leader")
    drawing.text(box[0] + 1, box[3] - 3, text, "label halo")


def map_figure(dataset: dict[str, Any], kind: str) -> Figure | None:
    """Draw the features of the images as a map, open eyes as dots and closed ones as crosses.

    Parameters
    ----------
    dataset : dict
        One data set of the results.
    kind : {"pca", "tsne"}
        Which map.

    Returns
    -------
    Figure or None
        None where the map was not made.

    Examples
    --------
    >>> map_figure({"maps": None}, "pca") is None
    True
    """
    maps = dataset.get("maps") or {}
    places = np.array(maps.get(kind) or [], dtype=np.float64)[:MOST_MAPPED]
    if places.ndim != 2 or len(places) == 0:
        return None
    every = dataset["labels"]
    labels = np.array([every[k] for k in maps["index"]] if maps.get("index") else every)[: len(places)]
    low, high = places.min(axis=0), places.max(axis=0)
    # One scale for both directions: a map that is stretched tells lies about distances.
    unit = (WIDTH - 20.0) / max(high[0] - low[0], (high[1] - low[1]) / 1.05, 1e-9)
    height = unit * float(high[1] - low[1]) + 20
    across = WIDTH / 2 + unit * (places[:, 0] - (low[0] + high[0]) / 2)
    down = height / 2 - unit * (places[:, 1] - (low[1] + high[1]) / 2)
    drawing = Drawing(height + 34)
    drawing.rect(0.5, 0.5, WIDTH - 1, height - 1, "plot")
    for label, kind_class, mark in ((1, "mapdot open", "h0"), (0, "mapcross closed", "m-2-2l4 4m0-4l-4 4")):
        some = labels == label
        drawing.path(
            "".join(f"M{x:.1f} {y:.1f}{mark}" for x, y in zip(across[some], down[some], strict=True)), kind_class
        )
    _map_key(drawing, height + 26, int((labels == 1).sum()), int((labels == 0).sum()))
    name = {"pca": "PCA", "tsne": "t-SNE"}[kind]
    what = {
        "pca": "The two directions in which the features differ most.",
        "tsne": "Neighbours in the features are neighbours here; distances between clusters mean nothing.",
    }[kind]
    n = f"{len(places):,} of {len(every):,} images" if len(places) < len(every) else f"{len(every):,} images"
    return Figure(
        kind,
        f"{name} map of the features",
        f"{what} {n}: {(labels == 1).sum()} open eyes as dots, {(labels == 0).sum()} closed eyes as crosses.",
        f"{what} {n}.",
        drawing,
    )


def _map_key(drawing: Drawing, y: float, n_open: int, n_closed: int) -> None:
    drawing.path(f"M8 {y - 4:.1f}h0", "mapdot open big")
    drawing.text(18, y, f"open ({n_open:,})", "label")
    drawing.path(f"M150 {y - 4:.1f}m-4-4l8 8m0-8l-8 8", "mapcross closed big")
    drawing.text(162, y, f"closed ({n_closed:,})", "label")
