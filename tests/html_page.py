"""What tests of HTML pages share: a strict parser, a watched browser window, file names that try to break a page."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

HOSTILE = (
    "<script>alert(1)</script>.png",
    "\"onerror='alert(2)'.png",
    "a & b/<img src=x onerror=alert(3)>.png",
    "line\nbreak \udcff.png",
)
VOID = {"meta", "link", "img", "br"}


class Page(HTMLParser):
    """Parse a page and refuse tags that do not close."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of all elements of a kind."""
        return [attrs for name, attrs in self.tags if name == tag]


def watch(tab) -> list[str]:
    """Return a list that gets whatever a window prints on its console, asks, or loads from outside."""
    trouble: list[str] = []
    tab.on("console", lambda message: trouble.append(message.text))
    tab.on("pageerror", lambda error: trouble.append(str(error)))
    tab.on("dialog", lambda dialog: (trouble.append(dialog.message), dialog.dismiss()))
    inside = ("file:", "data:", "blob:")
    tab.on("request", lambda request: None if request.url.startswith(inside) else trouble.append(request.url))
    return trouble


def sheet_of(page: str) -> dict:
    """Return the data of a label page."""
    found = re.search(r'<script type="application/json" id="sheet">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return json.loads(found[1])
