"""Sphinx extension: links in Markdown work in the repository and in the site.

The documents link to files beside them, as a reader of the repository needs it. Here links to CHANGELOG.md and the
like lead to the pages that include these files, and a link to a script of the gallery to its page. A folder or a file
of the code, which the site has not, becomes its name.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from sphinx.application import Sphinx

__all__ = ["ROOT_PAGES", "rewrite"]

ROOT = Path(__file__).resolve().parents[2]
ROOT_PAGES = {
    "README.md": "index",
    "CHANGELOG.md": "changelog",
    "CONTRIBUTING.md": "contributing",
    "SECURITY.md": "security",
    "examples/README.md": "example-images",
    # pages that generated_pages writes
    **{
        f"examples/{path.parent.name}/README.md": f"programs/{path.parent.name}"
        for path in sorted(ROOT.glob("examples/*/README.md"))
    },
}
_LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s:#]+)(#[\w-]*)?\)")


def rewrite(text: str, folder: str) -> str:
    """Return Markdown whose links are those of the site; ``folder`` holds the file, from the root of the repository."""

    def link(found: re.Match[str]) -> str:
        words, target, anchor = found[1], found[2], found[3] or ""
        path = posixpath.normpath(posixpath.join(folder, target))
        if path in ROOT_PAGES:
            return f"[{words}](/{ROOT_PAGES[path]}.md{anchor})"
        if path.startswith("docs/") and (ROOT / path).is_file():
            return f"[{words}](/{path.removeprefix('docs/')}{anchor})"
        if re.fullmatch(r"examples/plot_\w+\.py", path):
            return f"[{words}](/gallery/{posixpath.basename(path).removesuffix('.py')}.rst{anchor})"
        if (ROOT / path).exists():
            return words
        return found[0]

    return _LINK.sub(link, text)


def read_source(app: Sphinx, docname: str, source: list[str]) -> None:
    for path, page in ROOT_PAGES.items():
        if docname == page != "index":
            app.env.note_dependency(str(ROOT / path))
            source[0] = rewrite((ROOT / path).read_text(encoding="utf-8"), posixpath.dirname(path))
            return
    if app.env.doc2path(docname).suffix == ".md":
        source[0] = rewrite(source[0], posixpath.join("docs", posixpath.dirname(docname)).rstrip("/"))


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", read_source)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
