"""Results of a benchmark as one HTML page: figures drawn by hand as SVG, no network, no library."""

from .page import SCHEMA, render_report, write_report
from .panel import render_curves

__all__ = ["SCHEMA", "render_curves", "render_report", "write_report"]
