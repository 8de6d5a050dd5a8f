"""Results as one HTML page, of a benchmark or of labels found: figures drawn by hand as SVG, no network, no library."""

from .page import SCHEMA, render_report, write_report
from .panel import render_curves
from .trail import render_trail, write_trail

__all__ = ["SCHEMA", "render_curves", "render_report", "render_trail", "write_report", "write_trail"]
