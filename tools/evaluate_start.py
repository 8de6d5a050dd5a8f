"""Evaluate what a few labels add to a model, on images that it was not trained on, for docs/guides/few-labels.md.

    python tools/evaluate_start.py FOLDER --start MODEL --labels 20 40 [--each-group] [--draws 5]

Draws labelled images of FOLDER at random, adds them to MODEL as ``train --start-from`` does, and counts errors on the
other images. With --each-group images are drawn and counted for each group (person) alone. --groups FILE keeps to the
groups that are named there, a line each.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classic_eyes import EyeClassifier, load_model
from classic_eyes.datasets import load_labelled, read_eyes
from classic_eyes.predictor import EyePredictor

_MIN_OF_CLASS = 20


def errors(
    start: EyePredictor, images: NDArray[np.uint8], labels: NDArray[np.int8], n: int, seed: int
) -> tuple[float, float]:
    """Return the share of errors of the start, and with ``n`` labelled images, on the others."""
    order = np.random.default_rng(seed).permutation(len(images))
    train, test = order[:n], order[n:]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="the start is kept")
        clf = EyeClassifier(start_from=start).fit(images[train], labels[train])
    before, after = (float((model.predict(images[test]) != labels[test]).mean()) for model in (start, clf))
    return before, after


def main() -> None:
    """Print a row for each number of labels."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="labelled images")
    parser.add_argument("--start", default="default", metavar="MODEL", help="not trained on them; default: default")
    parser.add_argument("--labels", type=int, nargs="+", default=[20, 40], metavar="N", help="default: 20 40")
    parser.add_argument("--draws", type=int, default=5, metavar="N", help="default: 5")
    parser.add_argument("--each-group", action="store_true", help="each group, a person, alone")
    parser.add_argument("--groups", type=Path, metavar="FILE", help="only the groups in this file, a line each")
    arguments = parser.parse_args()
    start = load_model(arguments.start)
    loaded = load_labelled(read_eyes(arguments.folder), size=start.size)
    labels, groups = loaded.eyes.labels, loaded.eyes.groups
    parts = [np.arange(len(labels))]
    if arguments.each_group:
        names = np.unique(groups) if arguments.groups is None else arguments.groups.read_text().split()
        parts = [np.flatnonzero(groups == name) for name in names]
        parts = [part for part in parts if min(np.bincount(labels[part], minlength=2)) >= _MIN_OF_CLASS]
    print("| labels | groups | errors of the start | with the labels | fewer | worst draw, mean over groups |")
    print("|---|---|---|---|---|---|")
    for n in arguments.labels:
        table = np.array(
            [[errors(start, loaded.images[p], labels[p], n, seed) for seed in range(arguments.draws)] for p in parts]
        )
        before, after = table.mean(axis=(0, 1))
        worst = (table[:, :, 1] - table[:, :, 0]).mean(axis=0).max()
        print(
            f"| {n} | {len(parts)} | {before:.4f} | {after:.4f} | {1 - after / before:.0%} | {worst:+.4f} |", flush=True
        )


if __name__ == "__main__":
    main()
