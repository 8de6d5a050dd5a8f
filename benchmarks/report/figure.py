"""Matplotlib figures as SVG that takes its colours, light or dark, from the style sheet of the page."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import matplotlib
import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure as Canvas
from numpy.typing import ArrayLike

from classic_eyes._utils.html import resource
from classic_eyes.labeling.page.text import escape, printable, shortened

# Lengths are in points. A figure is as wide as a telephone shows it, so that its text is readable there.
WIDTH = 440
LEFT, RIGHT, TOP = 44, WIDTH - 14, 30
COLORS = dict(re.findall(r"--(\w+): (#\w{6})", resource("classic_eyes.labeling.page", "colors.css").split("@media")[0]))
_VARIABLES = {color: f"var(--{name})" for name, color in reversed(COLORS.items())}
_DASHES = ((), (7, 3), (2, 2.5), (9, 3, 2, 3), (14, 4))
_MARKERS = ("o", "s", "^", "D", "X")
Style = dict[str, Any]
THIN: Style = {"color": COLORS["firm"], "linewidth": 1}
DOTTED = THIN | {"linestyle": (0, (1, 3))}
NOTE: Style = {"color": COLORS["quiet"], "fontsize": 10.5}
figure_style = matplotlib.style.context(
    {
        "font.size": 11,
        "text.color": COLORS["ink"],
        "text.parse_math": False,
        "axes.edgecolor": COLORS["firm"],
        "axes.facecolor": "none",
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.labelcolor": COLORS["quiet"],
        **{f"axes.spines.{side}": False for side in ("left", "right", "top")},
        "axes.titlecolor": COLORS["quiet"],
        "axes.titlelocation": "left",
        "axes.titlesize": 11,
        "figure.dpi": 72,
        "grid.color": COLORS["hair"],
        "legend.frameon": False,
        "legend.borderaxespad": 0,
        "legend.borderpad": 0,
        "legend.handlelength": 2.6,
        "lines.markersize": 7,
        "lines.scale_dashes": False,
        "path.simplify_threshold": 0.5,
        **{f"{axis}tick.{name}.size": 0 for axis in "xy" for name in ("major", "minor")},
        **{f"{axis}tick.major.pad": 6 for axis in "xy"},
        **{f"{axis}tick.color": COLORS["quiet"] for axis in "xy"},
        **{f"{axis}tick.labelsize": 10.5 for axis in "xy"},
    },
    after_reset=True,
)


def new_canvas(height: float, width: float = WIDTH) -> Canvas:
    """Return an empty, transparent matplotlib figure."""
    return Canvas(figsize=(width / 72, height / 72), facecolor="none")


def add_axes(canvas: Canvas, left: float, top: float, right: float, bottom: float, y_label: str = "") -> Axes:
    """Add axes at a place in points from the upper left corner, with the name of the y axis above."""
    width, height = canvas.bbox.size
    axes = canvas.add_axes((left / width, 1 - bottom / height, (right - left) / width, (bottom - top) / height))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_title(y_label, x=-26 / (right - left), pad=9)
    return axes


def label_text(text: object, limit: int) -> str:
    """Return a text from the results as a figure can show it."""
    return shortened(printable(text), limit)


def plot_curve(axes: Axes, x: ArrayLike, y: ArrayLike, style: int, with_markers: bool = False) -> None:
    """Plot the curve with the colour, dashes and marker of its number."""
    color = COLORS[f"s{style}"]
    marks: Style = {"marker": _MARKERS[style], "ms": 5, "mfc": COLORS["sheet"], "mew": 1.4, "clip_on": False}
    axes.plot(x, y, color=color, ls=(0, _DASHES[style]), lw=1.8, **(marks if with_markers else {}))


def add_tag(axes: Axes, point: tuple[Any, Any], number: int, style: int, up: float = 0.0) -> None:
    """Write the number of a scenario in a box of the colour of its curve, so many points above a point."""
    box = {"boxstyle": "round,pad=0.25,rounding_size=0.6", "fc": COLORS["sheet"], "ec": COLORS[f"s{style}"]}
    text: Style = {"ha": "center", "va": "center", "fontsize": 10, "fontweight": "bold", "zorder": 5, "bbox": box}
    axes.annotate(str(number), point, xytext=(0, up), textcoords="offset points", **text)


def add_words(canvas: Canvas, left: float, title: str, lines: Sequence[Any], texts: Sequence[str], top: float) -> None:
    """Write a title above axes and a legend of their lines below, from ``top`` on."""
    width, height = canvas.bbox.size
    canvas.text(left / width, 1 - 22 / height, label_text(title, 60), fontsize=13, fontweight="bold")
    corner = (left / width, 1 - top / height)
    canvas.legend(lines, [label_text(text, 60) for text in texts], loc="upper left", bbox_to_anchor=corner)


@dataclass(frozen=True)
class Figure:
    """A matplotlib figure with its words; ``legend`` has number and text of each curve."""

    slug: str
    title: str
    description: str
    caption: str
    canvas: Canvas
    legend: Sequence[tuple[int, str]] = ()

    def html(self, place: str) -> str:
        """Return the figure element; ``place`` makes its identifiers unique in the page."""
        key = f"{place}-{self.slug}"
        svg = ElementTree.tostring(_svg(self.canvas, key, self.title, self.description), encoding="unicode")
        rows = "".join(
            f'<li><svg viewBox="0 0 30 10" aria-hidden="true"><path d="M1 5h28" stroke="var(--s{style})" '
            f'stroke-width="1.8" stroke-dasharray="{" ".join(map(str, _DASHES[style])) or "none"}"/></svg>'
            f"<b>{number}</b> {escape(text)}</li>"
            for style, (number, text) in enumerate(self.legend)
        )
        legend = f'<ul class="legend">{rows}</ul>' if rows else ""
        return (
            f'<figure id="{key}"><h4>{escape(self.title)}</h4>{svg}{legend}'
            f"<figcaption>{escape(self.caption)}</figcaption></figure>"
        )


def svg_document(canvas: Canvas, title: str, description: str) -> str:
    """Return the drawing as an SVG file that needs no other file."""
    root = _svg(canvas, "figure", title, description)
    width, height = root.attrib["viewBox"].split()[2:]
    root.attrib |= {"xmlns": "http://www.w3.org/2000/svg", "width": width, "height": height}
    root.set("font-family", "system-ui, Arial, sans-serif")
    style = ElementTree.Element("style")
    style.text = resource("classic_eyes.labeling.page", "colors.css")
    root[2:2] = [style, ElementTree.Element("rect", {"width": "100%", "height": "100%", "fill": "var(--sheet)"})]
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def _svg(canvas: Canvas, key: str, title: str, description: str) -> ElementTree.Element:
    """Return the drawing as an SVG element; its identifiers depend on ``key``, and the same figure gives the same text.

    Matplotlib writes style attributes, which the Content-Security-Policy of the page forbids. They become presentation
    attributes, and colours become variables of the style sheet.
    """
    output = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": key, "svg.fonttype": "none"}), warnings.catch_warnings():
        # The browser chooses a font that has the glyph.
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        FigureCanvasSVG(canvas).print_svg(output, metadata={"Date": None})
    drawing = ElementTree.fromstring(output.getvalue())
    attributes = {"role": "img", "viewBox": drawing.attrib["viewBox"], "aria-labelledby": f"{key}-t {key}-d"}
    root = ElementTree.Element("svg", attributes | {"stroke-linejoin": "round"})
    for tag, name, text in (("title", f"{key}-t", title), ("desc", f"{key}-d", description)):
        ElementTree.SubElement(root, tag, {"id": name}).text = printable(text)
    root.extend(_cleaned(drawing))
    return root


def _cleaned(parent: ElementTree.Element) -> Iterator[ElementTree.Element]:
    """Yield the children without namespaces, style attributes, metadata and groups that group nothing."""
    for old in parent:
        tag = old.tag.rpartition("}")[2]
        if tag in ("metadata", "style"):
            continue
        new = ElementTree.Element(tag, {name: value for name, value in _attributes(old) if (tag, name) != ("g", "id")})
        new.text = old.text if tag == "text" else None
        new.extend(_cleaned(old))
        if tag == "g" and not new.attrib:
            yield from new
        elif tag != "defs" or len(new):
            yield new


def _attributes(element: ElementTree.Element) -> Iterator[tuple[str, str]]:
    for name, value in element.attrib.items():
        if name == "style":
            settings = (setting.partition(": ") for setting in value.split("; "))
            yield from ((key, _VARIABLES.get(text, text)) for key, _, text in settings if key != "font-family")
        elif name in ("d", "x", "y"):
            rounded = re.sub(r"\d+\.\d+", lambda number: f"{float(number[0]):.1f}".removesuffix(".0"), value)
            yield name, re.sub(r"(?<=[A-Z])\s+|\s+(?=[A-Zz]|$)", "", rounded)
        elif not value.startswith("rotate(-0 "):
            yield name.rpartition("}")[2], value
