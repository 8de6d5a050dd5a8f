"""Pages of the command reference, from the parsers that run."""

from __future__ import annotations

import argparse
import re
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from importlib import import_module

from rst import code, escape, heading

from benchmarks.commands import STUDIES
from benchmarks.commands import build_parser as build_study_parser
from classic_eyes import cli

__all__ = ["command_pages", "parsers"]

STATUS = """
Exit status: 0, all inputs were read; 1, the command is done, and some inputs could not be read; 2, nothing was done.
Errors are one line on standard error.
"""


def parsers() -> dict[str, ArgumentParser]:
    """Return the parser of every command by its words, as ``classic-eyes predict`` and ``bench.py speed``."""
    found: dict[str, ArgumentParser] = {}
    for name, what in cli.COMMANDS.items():
        parser = cli.OneLineParser(prog=f"classic-eyes {name}", description=what)
        import_module(f"classic_eyes.cli.{name}").add_arguments(parser)
        found[parser.prog] = parser
    for study in (None, *STUDIES):
        parser = build_study_parser(study)
        found[parser.prog] = parser
    return found


def command_pages() -> dict[str, str]:
    """Return the text of each page by file name."""
    pages = {}
    own: list[str] = []
    bench: list[str] = []
    for words, parser in parsers().items():
        name = words.replace(" ", "-").replace(".py", "")
        pages[f"{name}.rst"] = command_page(words, parser)
        (own if words.startswith("classic-eyes") else bench).append(name)
    index = [
        heading("Commands"),
        "Options and arguments of every command, as ``--help`` prints them.",
        STATUS,
        heading("classic-eyes", "-"),
        "``python -m classic_eyes`` is the same program, and in a clone ``python predict.py`` is its ``predict``.\n",
        *listing(own, pages),
        heading("bench.py", "-"),
        "The benchmark and its studies, in a clone. They need the extra ``bench``.\n",
        *listing(bench, pages),
    ]
    pages["index.rst"] = "\n".join(index)
    return pages


def listing(names: list[str], pages: dict[str, str]) -> list[str]:
    lines = [".. toctree::\n   :maxdepth: 1\n   :hidden:\n", *(f"   {name}" for name in names), "", ""]
    for name in names:
        title, _, _, what = pages[f"{name}.rst"].split("\n")[:4]
        lines.append(f":doc:`{title} <{name}>`\n    {what}\n")
    return lines


def command_page(words: str, parser: ArgumentParser) -> str:
    parser.formatter_class = lambda prog: RawDescriptionHelpFormatter(prog, width=88)
    description = (parser.description or "").splitlines()
    parts = [heading(words), escape(description[0]), ""]
    # Indented by four columns, not by the length of the command: it is read on narrow screens, too.
    parts += [code(re.sub(r"\n +", "\n    ", re.sub(r"^usage: ", "", parser.format_usage())), "text")]
    parts += [escape(line) for line in description[1:]] + [""]
    parts.append(f".. program:: {words}\n")
    for group in parser._action_groups:
        actions = [action for action in group._group_actions if action.help != argparse.SUPPRESS]
        if not actions:
            continue
        title = {"positional arguments": "Arguments", "options": "Options"}.get(group.title or "", group.title or "")
        parts += ["", heading(title[:1].upper() + title[1:], "-"), escape(group.description or ""), ""]
        for action in actions:
            parts += argument(parser, action)
    if words.startswith("classic-eyes"):
        parts += ["", heading("Exit status", "-"), STATUS]
    return "\n".join(parts)


def argument(parser: ArgumentParser, action: argparse.Action) -> list[str]:
    formatter = parser._get_formatter()
    shown = "" if action.nargs == 0 else formatter._format_args(action, action.dest.upper())
    names = [f"{name} {shown}".strip() for name in action.option_strings] or [shown]
    text = formatter._expand_help(action) if action.help else ""
    return [f".. option:: {', '.join(names)}\n", f"   {escape(text)}\n"]
