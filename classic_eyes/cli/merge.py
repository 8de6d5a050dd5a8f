"""Put two label files into one, and say how far they agree."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

from ..datasets import PREFERENCES, Merged, merge_tables, read_label_table, write_label_table
from ..errors import DataError
from .arguments import check_out, existing_file
from .rows import printable
from .tables import aligned

_WORDS = ("closed", "open")


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of ``classic-eyes merge``.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Gets the arguments.
    """
    parser.add_argument(
        "first", type=existing_file, metavar="FIRST.csv", help="a label file; its rows and columns come first"
    )
    parser.add_argument(
        "second", type=existing_file, metavar="SECOND.csv", help="another about the same folder, or a part of it"
    )
    parser.add_argument("--out", required=True, metavar="CSV", help="the label file to write, with the columns of both")
    parser.add_argument(
        "--prefer",
        choices=PREFERENCES,
        default="neither",
        help="whose label is kept where they differ; neither leaves it empty, to be looked at again; default: neither",
    )
    parser.add_argument("--force", action="store_true", help="take the place of a file that is there already")


def work(arguments: Namespace) -> int:
    """Run ``classic-eyes merge``.

    Parameters
    ----------
    arguments : argparse.Namespace
        As `add_arguments` declares them.

    Returns
    -------
    int
        0.
    """
    check_out(arguments.out, ".csv", force=arguments.force, read=(arguments.first, arguments.second))
    merged = merge_tables(
        read_label_table(arguments.first), read_label_table(arguments.second), prefer=arguments.prefer
    )
    if not merged.table.rows:
        raise DataError("neither file names an image; each line of a label file names one, and its label")
    write_label_table(merged.table, arguments.out, force=arguments.force)
    print("\n".join(_told(merged)))
    for line in _kept(merged, arguments.prefer):
        print(f"classic-eyes: {line}", file=sys.stderr)
    unknown = sum(label < 0 for label in merged.table.labels)
    print(f"wrote {arguments.out}: {len(merged.table.rows):,} images, {unknown:,} without a label", file=sys.stderr)
    return 0


def _told(merged: Merged) -> list[str]:
    told = f"both label {merged.both:,} images"
    if merged.both:
        kappa = "cannot be told from one kind of answer" if merged.kappa is None else f"{merged.kappa:.3f}"
        told += f" and agree on {merged.agreed:,} ({merged.agreed / merged.both:.1%}); Cohen's kappa {kappa}"
    if not merged.conflicts:
        return [told]
    rows = [["file", "first", "second"], *([printable(f), _WORDS[a], _WORDS[b]] for f, a, b in merged.conflicts)]
    return [told, *aligned(rows)]


def _kept(merged: Merged, prefer: str) -> list[str]:
    """Say of what else the two differ, and what became of it."""
    lines = []
    if merged.doubts:
        kept = "the label is kept" if prefer == "neither" else f"what the {prefer} says is kept"
        lines.append(
            f"{len(merged.doubts):,} images are labelled by one and unsure to the other, for example "
            f"{printable(merged.doubts[0])}; {kept}"
        )
    for column in dict.fromkeys(column for _, column in merged.differing):
        files = [file for file, each in merged.differing if each == column]
        lines.append(
            f"{len(files):,} images have another {printable(column)!r} in each file, for example "
            f"{printable(files[0])}; the first's is kept"
        )
    return lines
