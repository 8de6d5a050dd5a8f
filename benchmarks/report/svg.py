"""Drawing by hand: scales, axes and marks as SVG text, and the figure that carries them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_eyes.labeling.page.text import escape, tick_text

__all__ = [
    "WIDTH",
    "Drawing",
    "Figure",
    "Frame",
    "Scale",
    "log_ticks",
    "nice_ticks",
    "points_text",
    "text_width",
    "thinned",
]

# Every figure is drawn as wide as a telephone shows it, so that its letters need no magnifying glass there.
WIDTH = 440
MOST_POINTS = 400
Bent = Callable[[float], float]


def _logit(value: float) -> float:
    value = min(max(value, 1e-6), 1 - 1e-6)
    return math.log(value / (1 - value))


def _probit(value: float) -> float:
    return NormalDist().inv_cdf(min(max(value, 1e-6), 1 - 1e-6))


BENDS: dict[str, Bent] = {
    "linear": float,
    "log": lambda value: math.log10(max(value, 1e-9)),
    "logit": _logit,
    "probit": _probit,
    "root": lambda value: math.sqrt(max(value, 0.0)),
}


@dataclass(frozen=True)
class Scale:
    """From numbers to positions, along one axis."""

    low: float
    high: float
    start: float
    end: float
    kind: str = "linear"

    def __call__(self, value: float) -> float:
        """Return the position of one number."""
        bend = BENDS[self.kind]
        low, high = bend(self.low), bend(self.high)
        part = 0.5 if high == low else (bend(value) - low) / (high - low)
        return self.start + part * (self.end - self.start)

    def every(self, values: ArrayLike) -> NDArray[np.float64]:
        """Return the positions of many.

        Parameters
        ----------
        values : array of float
            The numbers.

        Returns
        -------
        ndarray
            Their positions.
        """
        return np.array([self(float(value)) for value in np.asarray(values)], dtype=np.float64)

    def clipped(self, value: float) -> float:
        """Return the position of one number, at the edge where it lies outside.

        Parameters
        ----------
        value : float
            The number.

        Returns
        -------
        float
            Its position, between the ends of the axis.
        """
        return self(min(max(value, self.low), self.high))


class Drawing:
    """A growing piece of SVG: each call adds a mark.

    Parameters
    ----------
    height : float
        Height of the drawing.
    width : float, default 440
        Its width.
    """

    def __init__(self, height: float, width: float = WIDTH) -> None:
        self.width = width
        self.height = height
        self.parts: list[str] = []

    def add(self, markup: str) -> None:
        """Add markup made elsewhere.

        Parameters
        ----------
        markup : str
            SVG, safe as it is.
        """
        self.parts.append(markup)

    def line(self, x1: float, y1: float, x2: float, y2: float, kind: str) -> None:
        """Add a straight line of a CSS class.

        Parameters
        ----------
        x1 : float
            Position across of the start.
        y1 : float
            Position down of the start.
        x2 : float
            Position across of the end.
        y2 : float
            Position down of the end.
        kind : str
            CSS classes.
        """
        self.add(f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>')

    def rect(self, x: float, y: float, width: float, height: float, kind: str) -> None:
        """Add a box.

        Parameters
        ----------
        x : float
            Position across.
        y : float
            Position down.
        width : float
            Width.
        height : float
            Height.
        kind : str
            CSS classes.
        """
        size = f'width="{max(width, 0):.1f}" height="{max(height, 0):.1f}"'
        self.add(f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" {size}/>')

    def path(self, d: str, kind: str) -> None:
        """Add a path.

        Parameters
        ----------
        d : str
            Data of the path.
        kind : str
            CSS classes.
        """
        self.add(f'<path class="{kind}" d="{d}"/>')

    def text(self, x: float, y: float, text: str, kind: str = "tick", anchor: str = "start") -> None:
        """Add a piece of text; it is escaped here.

        Parameters
        ----------
        x : float
            Position across.
        y : float
            Position down.
        text : str
            What to write.
        kind : str, default "tick"
            CSS classes.
        anchor : {"start", "middle", "end"}, default "start"
            Which end of the text lies at the position.
        """
        self.add(f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>')

    def mark(self, x: float, y: float, shape: int, kind: str, hint: str = "", size: float = 4.0) -> None:
        """Add a point whose shape goes by number, with what to say when the pointer rests on it.

        Parameters
        ----------
        x : float
            Position across.
        y : float
            Position down.
        shape : int
            Circle, square, triangle, diamond, cross.
        kind : str
            CSS classes.
        hint : str, default ""
            What to say when the pointer rests on it.
        size : float, default 4.0
            Half its width.
        """
        title = f"<title>{escape(hint)}</title>" if hint else ""
        self.add(f'<path class="{kind}" d="{_shape(x, y, shape, size)}">{title}</path>')

    def tag(self, x: float, y: float, number: int, style: int) -> None:
        """Add the number of a scenario, in the colour of its curve.

        Parameters
        ----------
        x : float
            Position across.
        y : float
            Position down.
        number : int
            Number of the scenario.
        style : int
            Number of the curve.
        """
        width = 13 if number < 10 else 19
        box = f'x="{x - width / 2:.1f}" y="{y - 7:.1f}" width="{width}" height="14" rx="7"'
        self.add(f'<rect class="tagbox s{style}" {box}/>')
        self.text(x, y + 3.6, str(number), "tag", "middle")


def _shape(x: float, y: float, shape: int, r: float) -> str:
    """Return a circle, square, triangle, diamond or cross around a point."""
    at = f"M{x:.1f} {y:.1f}"
    d = f"{1.4 * r:.1f}"
    return (
        f"{at}m-{r} 0a{r} {r} 0 1 0 {2 * r} 0a{r} {r} 0 1 0-{2 * r} 0z",
        f"{at}m-{r} -{r}h{2 * r}v{2 * r}h-{2 * r}z",
        f"{at}m0 -{1.2 * r:.1f}l{1.15 * r:.1f} {2 * r}h-{2.3 * r:.1f}z",
        f"{at}m0 -{d}l{d} {d}l-{d} {d}l-{d} -{d}z",
        f"{at}m-{r} -{r}l{2 * r} {2 * r}m0 -{2 * r}l-{2 * r} {2 * r}",
    )[shape % 5]


@dataclass(frozen=True)
class Figure:
    """A drawing with everything that lets it be read without being seen."""

    slug: str
    title: str
    desc: str
    caption: str
    drawing: Drawing
    legend: Sequence[tuple[int, int, str]] = field(default_factory=tuple)

    def html(self, place: str) -> str:
        """Return the figure element; ``place`` makes its identifiers unique in the page.

        Parameters
        ----------
        place : str
            What makes identifiers unique in the page.

        Returns
        -------
        str
            The element.
        """
        key = f"{place}-{self.slug}"
        box = f"0 0 {self.drawing.width} {self.drawing.height:.0f}"
        body = "".join(self.drawing.parts)
        rows = "".join(
            f'<li><svg class="swatch" viewBox="0 0 30 10" aria-hidden="true"><path class="curve s{style}" d="M1 5h28"/>'
            f"</svg><b>{number}</b> {escape(text)}</li>"
            for style, number, text in self.legend
        )
        legend = f'<ul class="legend">{rows}</ul>' if rows else ""
        return (
            f'<figure id="{key}"><h4>{escape(self.title)}</h4>'
            f'<svg role="img" viewBox="{box}" aria-labelledby="{key}-t {key}-d">'
            f'<title id="{key}-t">{escape(self.title)}</title><desc id="{key}-d">{escape(self.desc)}</desc>{body}</svg>'
            f"{legend}<figcaption>{escape(self.caption)}</figcaption></figure>"
        )


class Frame:
    """A plot area: a drawing with two scales, its grid and the words at its axes.

    Parameters
    ----------
    drawing : Drawing
        What is drawn on.
    x : Scale
        From numbers to positions across.
    y : Scale
        From numbers to positions upward.
    """

    def __init__(self, drawing: Drawing, x: Scale, y: Scale) -> None:
        self.drawing = drawing
        self.x = x
        self.y = y

    def axes(
        self,
        x_ticks: Iterable[float],
        y_ticks: Iterable[float],
        x_label: str,
        y_label: str,
        x_text: Callable[[float], str] = tick_text,
        y_text: Callable[[float], str] = tick_text,
    ) -> None:
        """Draw the grid, the numbers at it and the names of the axes.

        Parameters
        ----------
        x_ticks : iterable of float
            Where the upright lines of the grid stand.
        y_ticks : iterable of float
            Where the level lines lie.
        x_label : str
            Name of the axis across.
        y_label : str
            Name of the upright axis.
        x_text : callable, default tick_text
            How numbers across are written.
        y_text : callable, default tick_text
            How numbers upward are written.
        """
        left, right, bottom, top = self.x.start, self.x.end, self.y.start, self.y.end
        for value in y_ticks:
            at = self.y(value)
            self.drawing.line(left, at, right, at, "grid")
            self.drawing.text(left - 7, at + 3.8, y_text(value), "tick", "end")
        for value in x_ticks:
            at = self.x(value)
            self.drawing.line(at, bottom, at, top, "grid")
            self.drawing.text(at, bottom + 16, x_text(value), "tick", "middle")
        self.drawing.line(left, bottom, right, bottom, "axis")
        self.drawing.text((left + right) / 2, bottom + 34, x_label, "name", "middle")
        # The name of the upright axis lies above it, so that nobody has to turn the head.
        self.drawing.text(left - 30, top - 12, y_label, "name")


def thinned(x: NDArray[np.float64], y: NDArray[np.float64], apart: float = 0.7) -> NDArray[np.float64]:
    """Leave out points of a curve that nobody can tell from the one before.

    Parameters
    ----------
    x : ndarray of shape (n,)
        Positions across.
    y : ndarray of shape (n,)
        Positions down.
    apart : float, default 0.7
        Least distance of two points.

    Returns
    -------
    ndarray of shape (k, 2)
        At most 400 points; the first and the last are kept.

    Examples
    --------
    >>> import numpy as np
    >>> thinned(np.linspace(0, 10, 1000), np.zeros(1000)).shape
    (16, 2)
    """
    points = np.column_stack([x, y])
    kept = [0]
    for number in range(1, len(points) - 1):
        if np.abs(points[number] - points[kept[-1]]).max() >= apart:
            kept.append(number)
    if len(points) > 1:
        kept.append(len(points) - 1)
    if len(kept) > MOST_POINTS:
        kept = [kept[at] for at in np.linspace(0, len(kept) - 1, MOST_POINTS).astype(int)]
    return points[kept]


def points_text(points: NDArray[np.float64]) -> str:
    """Write a curve as the data of an SVG path.

    Parameters
    ----------
    points : ndarray of shape (k, 2)
        Positions.

    Returns
    -------
    str
        Path data.

    Examples
    --------
    >>> import numpy as np
    >>> points_text(np.array([[0, 1], [2.25, 3]]))
    'M0.0 1.0L2.2 3.0'
    """
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def nice_ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Return round numbers inside a range.

    Parameters
    ----------
    low : float
        Lower end.
    high : float
        Upper end.
    most : int, default 6
        Largest number of them.

    Returns
    -------
    list of float
        Multiples of 1, 2 or 5 times a power of ten.

    Examples
    --------
    >>> nice_ticks(0.78, 1.0)
    [0.8, 0.85, 0.9, 0.95, 1.0]
    """
    if not high > low:
        return [low]
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    step = next(power * m for m in (1, 2, 5, 10, 20) if (high - low) / (power * m) <= most)
    first = math.ceil(low / step - 1e-9)
    return [round(k * step, 10) for k in range(first, math.floor(high / step + 1e-9) + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """Return powers of ten inside a range, with 2 and 5 times them where the range is short.

    Parameters
    ----------
    low : float
        Lower end, above 0.
    high : float
        Upper end.

    Returns
    -------
    list of float
        The ticks, rising.

    Examples
    --------
    >>> log_ticks(300, 20000)
    [500, 1000, 2000, 5000, 10000, 20000]
    """
    steps = (1, 2, 5) if high / low < 300 else (1, 3) if high / low < 3000 else (1,)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [step * 10**power for power in powers for step in steps if low <= step * 10**power <= high]


def text_width(text: str) -> float:
    """Estimate how wide a label is drawn, a little too wide rather than too narrow.

    Parameters
    ----------
    text : str
        The label.

    Returns
    -------
    float
        Its width in the units of the drawing.

    Examples
    --------
    >>> text_width("svm") < text_width("hog+lbp svm")
    True
    """
    return 6.5 * len(text) + 2


def figure_block(place: str, slug: str, title: str, figures: Sequence[Figure | None]) -> str:
    """Lay out figures under a heading.

    Parameters
    ----------
    place : str
        What makes identifiers unique in the page.
    slug : str
        Name of the block in its identifier.
    title : str
        HTML of the heading.
    figures : sequence of Figure or None
        None where there was nothing to draw.

    Returns
    -------
    str
        HTML, or nothing where nothing was drawn.

    Examples
    --------
    >>> figure_block("d1", "maps", "Maps", [None])
    ''
    """
    drawn = "".join(figure.html(place) for figure in figures if figure is not None)
    # Two or four stand in pairs, three in a row: none is left over alone.
    pairs = " pairs" if sum(figure is not None for figure in figures) % 3 else ""
    return f'<h3 id="{place}-part-{slug}">{title}</h3><div class="figures{pairs}">{drawn}</div>' if drawn else ""
