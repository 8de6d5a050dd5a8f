"""Results as one HTML page, of a benchmark or of labels found: figures drawn by hand as SVG, no network, no library."""

from .document import write_page
from .history import render_history, write_history
from .sheet import render_sheet

__all__ = [
    "render_sheet",
    "render_history",
    "write_page",
    "write_history",
]
