"""HTML pages that need no network: the label page, and the report on how missing labels were found."""

from .document import write_page
from .history import render_history, write_history
from .sheet import render_sheet

__all__ = [
    "render_sheet",
    "render_history",
    "write_page",
    "write_history",
]
