"""The page of a folder of photographs: one HTML file on which a photographer keeps and rejects."""

from .bursts import best_of, find_bursts
from .document import render_page
from .entry import PageEntry, PageFace, page_entry, thumbnail_side

__all__ = ["PageEntry", "PageFace", "best_of", "find_bursts", "page_entry", "render_page", "thumbnail_side"]
