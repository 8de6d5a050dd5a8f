"""The HTML report of a benchmark, and its curves as SVG files."""
