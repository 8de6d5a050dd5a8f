"""Results of a benchmark as one HTML page: figures drawn by hand as SVG, no network, no library."""

from .page import SCHEMA, render_report, write_report

__all__ = ["SCHEMA", "render_report", "write_report"]
