"""One HTML file that needs no network: its skeleton, its blocks, and how it is written."""

from __future__ import annotations

import os

from ..._utils.files import write_whole
from ..._utils.html import escape, html_page, resource
from ...errors import ParameterError

__all__ = ["fact_list", "whole_page", "write_page"]


def whole_page(title: str, body: str, *, style: str = "", script: str = "") -> str:
    """Return an HTML page with the common style, a style and a script of its own, and leave to load nothing else.

    Examples
    --------
    >>> "<title>a &lt; b</title>" in whole_page("a < b", "")
    True
    """
    return html_page(
        title,
        body,
        style=resource(__package__, "colors.css") + resource(__package__, "page.css") + style,
        script=script,
    )


def write_page(page: str, path: str | os.PathLike[str]) -> None:
    """Write a page to a file in one step; a reader sees the old or the new one.

    Parameters
    ----------
    page : str
        HTML.
    path : path
        The file to write, in a folder that exists.

    Raises
    ------
    ParameterError
        For a file that cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_page("<p>", Path(folder, "page.html"))
    ...     Path(folder, "page.html").read_text(encoding="utf-8")
    '<p>'
    """
    try:
        write_whole(path, page.encode("utf-8"))
    except OSError as error:
        raise ParameterError(
            f"path is {os.fspath(path)!r}, which cannot be written ({error.strerror}); "
            "name a file in a folder that can be written to"
        ) from error


def fact_list(pairs: list[tuple[str, object]], style_class: str = "facts") -> str:
    """Return a description list of the names and values; pairs without a value are skipped.

    Examples
    --------
    >>> fact_list([("Images", 3), ("Groups", None)])
    '<dl class="facts"><div><dt>Images</dt><dd>3</dd></div></dl>'
    """
    rows = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(text)}</dd></div>" for name, text in pairs if text not in (None, "")
    )
    return f'<dl class="{style_class}">{rows}</dl>' if rows else ""
