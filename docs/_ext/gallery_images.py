"""How sphinx-gallery takes the figures of the examples: with the descriptions that the scripts give them."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx_gallery.scrapers import matplotlib_scraper

__all__ = ["by_order", "reset", "scraper"]

_LINE = re.compile(r"^# sphinx_gallery_alt = (.+)\n?", re.MULTILINE)
_THUMBNAIL = re.compile(r"sphx_glr_(\w+)_thumb\.png$")
_ALT = re.compile(rf"(?:{_LINE.pattern})+", re.MULTILINE)
ORDER = (
    "plot_first_prediction",
    "plot_synthetic_eyes",
    "plot_mistakes",
    "plot_non_eyes",
    "plot_blinks",
    "plot_no_labels",
    "plot_few_labels",
    "plot_person_threshold",
    "plot_features",
    "plot_views",
    "plot_calibration",
    "plot_alignment",
    "plot_glare",
)


def descriptions_of(block: str) -> list[str]:
    """Return the text alternative of each figure of a block."""
    return [" ".join(ast.literal_eval(text) for text in _LINE.findall(found[0])) for found in _ALT.finditer(block)]


def scraper(block: tuple[str, str, int], block_vars: dict[str, Any], gallery_conf: dict[str, Any]) -> str:
    """Take the figures of a block as matplotlib's scraper does, with the text alternatives of the block.

    Each figure needs ``# sphinx_gallery_alt = "..."`` in its block, on one line or several; they are not shown.
    """
    rst = matplotlib_scraper(block, block_vars, gallery_conf)
    descriptions = descriptions_of(block[1])
    figures = len(re.findall(r":alt:", rst))
    if len(descriptions) != figures:
        name = Path(block_vars["src_file"]).name
        raise ExtensionError(
            f"{name}, line {block[2]}: {figures} figures, {len(descriptions)} sphinx_gallery_alt lines"
        )
    return re.sub(r":alt:.*", lambda _: f":alt: {descriptions.pop(0)}", rst)


def describe_thumbnails(app: Sphinx, doctree: nodes.document) -> None:
    """Give thumbnails the description of the script's first figure; sphinx-gallery leaves it empty."""
    for image in doctree.findall(nodes.image):
        found = _THUMBNAIL.search(image["uri"])
        if found and not image.get("alt"):
            page = Path(app.srcdir, "gallery", f"{found[1]}.rst").read_text(encoding="utf-8")
            image["alt"] = re.findall(r":alt: (.+)", page)[0]


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("doctree-read", describe_thumbnails)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def reset(gallery_conf: dict[str, Any], fname: str | None) -> None:
    """Let each script start with the same style."""
    import matplotlib.pyplot as plt

    plt.rcdefaults()
    plt.rcParams.update(
        {
            "figure.dpi": 100,
            "figure.constrained_layout.use": True,
            "font.size": 11,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "image.cmap": "gray",
            "savefig.facecolor": "white",
        }
    )


def by_order(name: str) -> int:
    """Return the place of a script in the gallery."""
    return ORDER.index(name.removesuffix(".py"))
