"""Sphinx extension: cells of tables that hold numbers get the class ``number``, which keeps them on one line."""

from __future__ import annotations

import re

from docutils import nodes
from sphinx.application import Sphinx

_NUMBER = re.compile(r"[\d.,:%/()x +-]{1,26}")


def mark_numbers(app: Sphinx, doctree: nodes.document) -> None:
    for entry in doctree.findall(nodes.entry):
        if _NUMBER.fullmatch(entry.astext()):
            entry["classes"].append("number")


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("doctree-read", mark_numbers)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
