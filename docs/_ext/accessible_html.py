"""Sphinx extension: correct HTML that screen readers stumble over.

Sphinx writes the parameters of a long signature as a list of definitions without terms.
"""

from __future__ import annotations

import re
from typing import Any

from sphinx.application import Sphinx

__all__ = ["mend_signatures"]

_SIGNATURE = re.compile(r'<dt class="sig .*?</dt>', re.DOTALL)


def mend_signatures(html: str) -> str:
    """Replace lists inside signatures by spans, which site.css lays out in lines."""

    def mend(found: re.Match[str]) -> str:
        text = re.sub(r"<(/?)dl>", r"<\1span>", found[0])
        return text.replace("<dd>", '<span class="parameter-line">').replace("</dd>", "</span>")

    return _SIGNATURE.sub(mend, html)


def mend_page(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    if "body" in context:
        context["body"] = mend_signatures(context["body"])


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("html-page-context", mend_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
