"""Pieces of reStructuredText."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

__all__ = ["code", "escape", "heading", "table"]


def escape(text: str) -> str:
    """Return text in which nothing is markup."""
    return re.sub(r"([\\*_`|])", r"\\\1", text)


def heading(text: str, underline: str = "=") -> str:
    return f"{text}\n{underline * len(text)}\n"


def code(text: str, language: str = "text") -> str:
    return f".. code-block:: {language}\n\n" + "".join(f"   {line}\n" for line in text.splitlines())


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for row in (header, *rows):
        lines += [f"   {'* -' if number == 0 else '  -'} {cell}" for number, cell in enumerate(row)]
    return "\n".join(lines) + "\n"
