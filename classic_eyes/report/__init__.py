"""Results as one HTML page, of a benchmark or of labels found: figures drawn by hand as SVG, no network, no library."""

from .document import write_page
from .learning import render_learning
from .page import SCHEMA, render_report, write_report
from .panel import render_curves
from .sheet import render_sheet
from .trail import render_trail, write_trail

__all__ = [
    "SCHEMA",
    "render_curves",
    "render_learning",
    "render_report",
    "render_sheet",
    "render_trail",
    "write_page",
    "write_report",
    "write_trail",
]
