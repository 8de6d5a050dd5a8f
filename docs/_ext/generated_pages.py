"""Sphinx extension: write the pages that come from code and cards, before the sources are read."""

from __future__ import annotations

from pathlib import Path

from api_pages import api_pages
from command_pages import command_pages
from model_pages import model_pages
from repository_links import ROOT_PAGES
from sphinx.application import Sphinx
from sphinx.config import Config


def program_pages() -> dict[str, str]:
    """Return a page for each example program; repository_links puts its README there."""
    pages = [Path(page).name for page in ROOT_PAGES.values() if page.startswith("programs/")]
    lines = ["# Example programs", "", "Programs that use a model, in `examples/`.", ""]
    lines += ["```{toctree}", *pages, "```", ""]
    return {"index.md": "\n".join(lines), **{f"{page}.md": f"# {page}\n" for page in pages}}


FOLDERS = {"programs": program_pages, "api": api_pages, "commands": command_pages, "models": model_pages}


def write_pages(app: Sphinx, config: Config) -> None:
    for folder, make in FOLDERS.items():
        target = Path(app.srcdir) / folder
        target.mkdir(exist_ok=True)
        pages = make()
        for old in target.iterdir():
            if old.is_file() and old.name not in pages:
                old.unlink()
        for name, text in pages.items():
            write_if_changed(target / name, text)


def write_if_changed(path: Path, text: str) -> None:
    """Write a file, unless it is the same: then it keeps its time, and Sphinx does not read it again."""
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("config-inited", write_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
