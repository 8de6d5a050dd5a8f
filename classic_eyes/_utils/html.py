"""The one place where text becomes HTML, and the skeleton of a page that loads nothing."""

from __future__ import annotations

import base64
import hashlib
import html
from importlib.resources import files

__all__ = ["data_block", "escape", "filter_page", "html_page", "printable", "resource"]


def printable(text: object) -> str:
    """Return the text with a replacement mark for control characters and half surrogates, which UTF-8 pages forbid."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(text))


def escape(text: object) -> str:
    """Return the text safe between tags and inside quoted attributes.

    >>> escape('<b title="x">')
    '&lt;b title=&quot;x&quot;&gt;'
    """
    return html.escape(printable(text), quote=True)


def data_block(text: str, name: str, kind: str = "application/json") -> str:
    r"""Return JSON or base64 text as an element that a script reads: it neither runs nor ends early.

    >>> data_block('["</script>"]', "names")
    '<script type="application/json" id="names">["\\u003c/script>"]</script>'
    """
    inner = text.replace("<", "\\u003c")
    return f'<script type="{kind}" id="{name}">{inner}</script>'


def html_page(title: str, body: str, *, style: str = "", script: str = "") -> str:
    """Return an HTML page of one style and one script, and with leave to load or run nothing else.

    >>> "<title>a &lt; b</title>" in html_page("a < b", "")
    True
    """
    # Nothing but what stands in this file may load or run, whatever a file name contains.
    policy = (
        f"default-src 'none'; img-src data:; style-src {_source(style)}; script-src {_source(script)}; "
        "base-uri 'none'; form-action 'none'"
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">'
        f"<title>{escape(title)}</title><style>{style}</style></head>\n<body>{body}"
        f"{f'<script>{script}</script>' if script else ''}</body></html>\n"
    )


def filter_page(title: str, body: str, *, style: str, script: str) -> str:
    """Return a page with a side column of filters: `html_page`, what such pages share before the style and script."""
    shared = [resource(__package__, f"filter_page.{kind}") for kind in ("css", "js")]
    return html_page(title, body, style=shared[0] + style, script=shared[1] + script)


def resource(package: str, name: str) -> str:
    """Return the text of a style sheet or script that lies in a package; it passes its own ``__package__``."""
    return (files(package) / name).read_text(encoding="utf-8")


def _source(text: str) -> str:
    """Return what a Content-Security-Policy allows: this very text, or nothing."""
    if not text:
        return "'none'"
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}'"
