"""Put two label files into one, and say how far they agree."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

from ..datasets import PREFERENCES, merge_tables, read_label_table, write_label_table
from .tables import aligned

_WORDS = ("closed", "open")


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of ``classic-eyes merge``.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Gets the arguments.
    """
    parser.add_argument("first", metavar="FIRST.csv", help="a label file; its rows and columns come first")
    parser.add_argument("second", metavar="SECOND.csv", help="another about the same folder, or a part of it")
    parser.add_argument("--out", required=True, metavar="CSV", help="the label file to write; every column is kept")
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
    merged = merge_tables(
        read_label_table(arguments.first), read_label_table(arguments.second), prefer=arguments.prefer
    )
    write_label_table(merged.table, arguments.out, force=arguments.force)
    told = f"both label {merged.both:,} pictures"
    if merged.kappa is not None:
        told += f" and agree on {merged.agreed:,} ({merged.agreed / merged.both:.1%}); Cohen's kappa {merged.kappa:.3f}"
    print(told)
    if merged.conflicts:
        rows = [["file", "first", "second"], *([f, _WORDS[a], _WORDS[b]] for f, a, b in merged.conflicts)]
        print("\n".join(aligned(rows)))
    for file, column in merged.differing:
        print(f"classic-eyes: {file}: the two have another {column}; the first's is kept", file=sys.stderr)
    unknown = sum(label < 0 for label in merged.table.labels)
    print(f"wrote {arguments.out}: {len(merged.table.rows):,} pictures, {unknown:,} without a label", file=sys.stderr)
    return 0
