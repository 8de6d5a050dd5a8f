"""Merge two label files into one, and report how far they agree."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

from ..datasets import PREFERENCES, LabelTable, Merged, merge_tables, read_label_table, write_label_table
from ..datasets.names import NearNames
from ..errors import DataError
from ..images.finding import quoted
from .arguments import check_out, existing_file
from .rows import printable
from .tables import aligned

__all__ = ["add_arguments", "work"]

_NAMES = ("closed", "open")


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of ``classic-eyes merge``."""
    parser.add_argument(
        "first", type=existing_file, metavar="FIRST.csv", help="a label file; its rows and columns come first"
    )
    parser.add_argument(
        "second", type=existing_file, metavar="SECOND.csv", help="another label file of the same folder"
    )
    parser.add_argument("--out", required=True, metavar="CSV", help="the label file to write, with the columns of both")
    parser.add_argument(
        "--prefer",
        choices=PREFERENCES,
        default="neither",
        help="whose label is kept where they differ; with neither the label is left empty; default: neither",
    )
    parser.add_argument("--force", action="store_true", help="replace an existing file")


def work(arguments: Namespace) -> int:
    """Run ``classic-eyes merge``."""
    check_out(arguments.out, ".csv", force=arguments.force, read=(arguments.first, arguments.second))
    first, second = read_label_table(arguments.first), read_label_table(arguments.second)
    near = _near_names(first, second)
    if near and not set(first.keys) & set(second.keys):
        raise DataError(
            f"the two files have no name in common: of the second {near[0]}; correct the names in one of them"
        )
    merged = merge_tables(first, second, prefer=arguments.prefer)
    if not merged.table.rows:
        raise DataError("neither file names an image; each line of a label file names an image and its label")
    write_label_table(merged.table, arguments.out, force=arguments.force)
    print("\n".join(_agreement(merged)))
    if near:
        print(
            f"classic-eyes: warning: {len(near):,} names are nearly in both files: of the second {near[0]}",
            file=sys.stderr,
        )
    for line in _differences(merged, arguments.prefer):
        print(f"classic-eyes: {line}", file=sys.stderr)
    n_unknown = sum(label < 0 for label in merged.table.labels)
    print(f"wrote {arguments.out}: {len(merged.table.rows):,} images, {n_unknown:,} without a label", file=sys.stderr)
    return 0


def _near_names(first: LabelTable, second: LabelTable) -> list[str]:
    """Return for each name that only the second file has which name of the first was probably meant."""
    ours, theirs = set(first.keys), set(second.keys)
    near = NearNames(ours - theirs)
    described = {name: near.describe(name, other_folders=False) for name in sorted(theirs - ours)}
    return [f"{quoted(name)} is not in the first, but {what}" for name, what in described.items() if what]


def _agreement(merged: Merged) -> list[str]:
    summary = f"both label {merged.both:,} images"
    if merged.both:
        kappa = "undefined, because only one class is given" if merged.kappa is None else f"{merged.kappa:.3f}"
        summary += f" and agree on {merged.agreed:,} ({merged.agreed / merged.both:.1%}); Cohen's kappa {kappa}"
    if not merged.conflicts:
        return [summary]
    rows = [["file", "first", "second"], *([printable(f), _NAMES[a], _NAMES[b]] for f, a, b in merged.conflicts)]
    return [summary, *aligned(rows)]


def _differences(merged: Merged, prefer: str) -> list[str]:
    """Return what else differs between the two files, and what was kept."""
    lines = []
    if merged.doubts:
        kept = "the label is kept" if prefer == "neither" else f"the entry of the {prefer} is kept"
        lines.append(
            f"{len(merged.doubts):,} images are labelled in one file and marked unsure in the other, for example "
            f"{printable(merged.doubts[0])}; {kept}"
        )
    for column in dict.fromkeys(column for _, column in merged.differing):
        files = [file for file, each in merged.differing if each == column]
        lines.append(
            f"{len(files):,} images differ in column {printable(column)!r}, for example {printable(files[0])}; the "
            "value of the first is kept"
        )
    return lines
