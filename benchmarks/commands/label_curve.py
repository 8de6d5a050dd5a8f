"""Measure accuracy against the number of labels, for several learners."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.commands import make_out_folder, print_failed
from benchmarks.label_curve import CURVE_SIZES, Curve, measure_label_curve
from classic_eyes._utils.files import write_whole
from classic_eyes.cli.arguments import existing_file, positive_integer, random_seed
from classic_eyes.cli.tables import markdown
from classic_eyes.datasets import load_labelled, read_eyes
from classic_eyes.synthetic import make_eyes

_SYNTHETIC = 600
_FIGURE = "label-curve.svg"
_QUICK: dict[str, Any] = {"sizes": (25, 50), "n_seeds": 2}


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of ``bench.py label-curve``."""
    parser.add_argument("path", nargs="?", metavar="PATH", help="a labelled folder; default: synthetic eyes")
    parser.add_argument(
        "--labels", type=existing_file, metavar="CSV", help="file,label[,group]; default: those of PATH"
    )
    parser.add_argument("--seed", type=random_seed, default=0, metavar="N", help="the first seed; default: 0")
    parser.add_argument("--quick", action="store_true", help="fewer numbers of labels, fewer seeds")
    parser.add_argument("--jobs", type=positive_integer, metavar="N", help="processes; default: one per core")
    parser.add_argument("--force", action="store_true", help="replace the file of an earlier run")
    parser.add_argument("--out", metavar="DIR", help="also draw the curves: DIR/label-curve.svg")


def work(arguments: Namespace) -> int:
    """Run ``bench.py label-curve``: 0, or 1 if some images could not be read."""
    if arguments.out is not None:
        make_out_folder(arguments.out, _FIGURE, force=arguments.force)
    settings: dict[str, Any] = {**(_QUICK if arguments.quick else {}), "random_state": arguments.seed}
    failed: Sequence[Any] = ()
    if arguments.path is None:
        print(f"no PATH: {_SYNTHETIC:,} synthetic eyes, which tell little about photographs", flush=True)
        source, eyes = "synthetic", make_eyes(_SYNTHETIC, random_state=arguments.seed)
        images, labels, groups = eyes.images, eyes.labels, np.arange(_SYNTHETIC).astype(str)
        settings["sizes"] = [size for size in settings.get("sizes", CURVE_SIZES) if size < 0.7 * _SYNTHETIC]
    else:
        data = load_labelled(read_eyes(arguments.path, labels=arguments.labels))
        failed = data.failed
        print_failed(failed)
        source, images, labels, groups = data.eyes.source, data.images, data.eyes.labels, data.eyes.groups
    curves = measure_label_curve(images, labels, groups, n_jobs=arguments.jobs, **settings)
    print(curve_table(source, curves), flush=True)
    if arguments.out is not None:
        print(f"wrote {_draw(source, curves, arguments.out)}", file=sys.stderr)
    return int(bool(failed))


def curve_table(source: str, curves: Sequence[Curve]) -> str:
    """Format curves as a Markdown table."""
    rows = [["learner", "order of labels", *map(str, curves[0].sizes)]]
    rows += [
        [
            curve.learner,
            curve.order,
            *(f"{mean:.3f} ({minimum:.3f})" for mean, minimum in zip(curve.mean, curve.minimum, strict=True)),
        ]
        for curve in curves
    ]
    n_seeds = len(curves[0].accuracy)
    head = f"{source}: accuracy on held-out groups, mean of {n_seeds} seeds (minimum), by the number of labels"
    return "\n".join([head, "", *markdown(rows)])


def _draw(source: str, curves: Sequence[Curve], folder: str) -> Path:
    from benchmarks.report.learning import render_learning

    path = Path(folder) / _FIGURE
    lines = [{"name": f"{each.learner}, {each.order}", "sizes": each.sizes, "mean": each.mean} for each in curves]
    write_whole(path, render_learning(lines, source).encode("utf-8"))
    return path
