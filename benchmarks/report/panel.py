"""The curves of one data set as an SVG file of their own, for documents that hold no HTML."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.report.choose import Entry, chosen
from benchmarks.report.curves import det_figure, reliability_figure, roc_figure
from benchmarks.report.svg import WIDTH, Figure
from classic_eyes.labeling.page.text import escape, resource

__all__ = ["figure_document", "render_curves"]

GAP = 24
TITLE = 34
ROW = 18


def render_curves(dataset: Entry) -> str | None:
    """Draw ROC, detection error trade-off and reliability of a handful of scenarios side by side.

    Parameters
    ----------
    dataset : dict
        One data set of the results.

    Returns
    -------
    str or None
        A whole SVG document without images and without links; None where there is nothing to draw.

    Examples
    --------
    >>> render_curves({"name": "none", "labels": [], "scenarios": []}) is None
    True
    """
    shown = chosen(dataset)
    drawn = [figure for figure in (roc_figure(shown), det_figure(shown), reliability_figure(shown)) if figure]
    if not drawn:
        return None
    return figure_document(drawn, f"{dataset['name']}: curves")


def figure_document(drawn: Sequence[Figure], title: str) -> str:
    """Put figures side by side into a document of their own.

    Parameters
    ----------
    drawn : sequence of Figure
        At least one.
    title : str
        Plain text.

    Returns
    -------
    str
        A whole SVG document without images and without links.
    """
    width = len(drawn) * (WIDTH + GAP) + GAP
    height = TITLE + max(figure.drawing.height + ROW * len(figure.legend) for figure in drawn) + GAP
    panels = "".join(_panel(figure, GAP + number * (WIDTH + GAP)) for number, figure in enumerate(drawn))
    spoken = " ".join(f"{figure.title}: {figure.desc}" for figure in drawn)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height:.0f}" width="{width}" '
        f'height="{height:.0f}" role="img" font-family="system-ui, Arial, sans-serif">'
        f"<title>{escape(title)}</title><desc>{escape(spoken)}</desc>"
        f"<style><![CDATA[{resource('page.css')}]]></style>"
        f'<rect width="100%" height="100%" style="fill: var(--sheet)"/>{panels}</svg>\n'
    )


def _panel(figure: Figure, left: float) -> str:
    below = TITLE + figure.drawing.height
    legend = "".join(
        f'<path class="curve s{style}" d="M{left} {below + ROW * row + 5:.0f}h28"/>'
        f'<text class="label" x="{left + 36}" y="{below + ROW * row + 9:.0f}">{number}  {escape(text)}</text>'
        for row, (style, number, text) in enumerate(figure.legend)
    )
    return (
        f'<text class="heading" x="{left}" y="24">{escape(figure.title)}</text>'
        f'<g transform="translate({left} {TITLE})">{"".join(figure.drawing.parts)}</g>{legend}'
    )
