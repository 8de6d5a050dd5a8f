"""The page of videos: of each clip the summary, the signals, and the events with their eyes, in one file."""

from .collector import ClipCollector, failed_entry
from .document import render_page

__all__ = ["ClipCollector", "failed_entry", "render_page"]
