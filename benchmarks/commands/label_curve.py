"""What few labels are worth: for ``classic-eyes bench --label-curve``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import Curve
from benchmarks import label_curve as curves
from classic_eyes._utils.writing import write_whole
from classic_eyes.cli.tables import markdown
from classic_eyes.datasets import load_labelled, read_eyes
from classic_eyes.synthetic import make_eyes

__all__ = ["curve_table", "draw_curves", "measure_label_curve"]

_SYNTHETIC = 600
_QUICK = {"sizes": (25, 50), "n_seeds": 2}


def measure_label_curve(
    paths: Sequence[str], labels: str | None, *, quick: bool, random_state: int, n_jobs: int | None
) -> tuple[str, list[Curve]]:
    """Judge learners on a labelled folder, or on synthetic eyes.

    Parameters
    ----------
    paths : sequence of str
        One labelled folder; synthetic eyes without.
    labels : str or None
        Its label file, if it is not its own.
    quick : bool
        Fewer numbers of labels, fewer seeds.
    random_state : int
        The first seed.
    n_jobs : int or None
        Processes.

    Returns
    -------
    tuple of (str, list of Curve)
        Name of the images, and a curve for each learner and order.
    """
    settings: dict[str, Any] = {**(_QUICK if quick else {}), "random_state": random_state, "n_jobs": n_jobs}
    if not paths:
        print(f"no --data: {_SYNTHETIC:,} synthetic eyes, which say little about photographs", flush=True)
        eyes = make_eyes(_SYNTHETIC, random_state=random_state)
        sizes = [size for size in settings.pop("sizes", (25, 50, 100, 200, 400)) if size <= _SYNTHETIC * 0.7]
        groups = np.arange(_SYNTHETIC).astype(str)
        return "synthetic", measure_label_curve(eyes.images, eyes.labels, groups, sizes=sizes, **settings)
    data = load_labelled(read_eyes(paths[0], labels=labels))
    for name, reason in data.failed:
        print(f"classic-eyes: left out {name}: {reason}", file=sys.stderr)
    return data.eyes.source, measure_label_curve(data.images, data.eyes.labels, data.eyes.groups, **settings)


def curve_table(name: str, curves: Sequence[Curve]) -> str:
    """Lay out curves, for the terminal and for a document.

    Parameters
    ----------
    name : str
        Of the images.
    curves : sequence of Curve
        As `measure_label_curve` returns them.

    Returns
    -------
    str
        Lines of text, a table in Markdown.
    """
    n_seeds = len(curves[0].accuracy)
    rows = [["learner", "asked about", *map(str, curves[0].sizes)]]
    rows += [
        [
            curve.learner,
            curve.order,
            *(f"{mean:.3f} ({least:.3f})" for mean, least in zip(curve.mean, curve.least, strict=True)),
        ]
        for curve in curves
    ]
    head = f"{name}: accuracy on groups held out, mean of {n_seeds} seeds (the worst), by the number of labels"
    return "\n".join([head, "", *markdown(rows)])


def draw_curves(name: str, curves: Sequence[Curve], folder: str) -> Path:
    """Write the figure.

    Parameters
    ----------
    name : str
        Of the images.
    curves : sequence of Curve
        As `measure_label_curve` returns them.
    folder : str
        Where to; made if it is not there.

    Returns
    -------
    pathlib.Path
        What was written.
    """
    from benchmarks.report.learning import render_learning

    Path(folder).mkdir(parents=True, exist_ok=True)
    path = Path(folder) / "label-curve.svg"
    told = [{"name": f"{each.learner}, {each.order}", "sizes": each.sizes, "mean": each.mean} for each in curves]
    write_whole(path, render_learning(told, name).encode("utf-8"))
    return path
