"""HTML pages that need no network: the label page, an evaluation, and how missing labels were found."""

from .document import write_page
from .evaluation import render_evaluation
from .history import render_history, write_history
from .sheet import render_sheet

__all__ = [
    "render_evaluation",
    "render_sheet",
    "render_history",
    "write_page",
    "write_history",
]
