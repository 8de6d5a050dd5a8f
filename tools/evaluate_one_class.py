"""Confidence with which labels are found in folders of one class, and of two.

    python tools/evaluate_one_class.py FOLDER...

Each folder holds labelled eyes. `find_labels` refuses images below `MIN_CONFIDENCE`, and warns below `GOOD_CONFIDENCE`.
"""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classic_eyes.cli.tables import markdown
from classic_eyes.datasets import load_labelled, read_eyes
from classic_eyes.semisupervised import VIEW_FEATURES, compute_priors, find_consensus, make_view


def confidence(images: NDArray[np.uint8]) -> float:
    """Return the confidence of the consensus, which `find_labels` compares with its limits."""
    views = [make_view(images, features) for features in VIEW_FEATURES]
    return find_consensus(views, compute_priors(images)).best.confidence


def choose(labels: NDArray[np.int8], open_share: float, random_state: int = 0) -> NDArray[np.intp]:
    """Return positions of as many images as the rarer class has, of which a share is open."""
    closed, is_open = (np.flatnonzero(labels == label) for label in (0, 1))
    n = min(len(closed), len(is_open))
    rng = np.random.default_rng(random_state)
    n_open = round(n * open_share)
    return np.sort(
        np.concatenate([rng.choice(is_open, n_open, replace=False), rng.choice(closed, n - n_open, replace=False)])
    )


def measure(folder: Path, *, most: int) -> list[str]:
    """Return the row of a folder: its name, and the confidence and number of images of each choice."""
    eyes = read_eyes(folder)
    loaded = load_labelled(eyes.take(np.arange(0, len(eyes), -(-len(eyes) // most))))
    labels = loaded.eyes.labels
    chosen = [np.arange(len(labels)), choose(labels, 0.1), choose(labels, 0.9)]
    chosen += [np.flatnonzero(labels == label) for label in (0, 1)]
    return [folder.name, *(f"{confidence(loaded.images[part]):.2f} ({len(part):,})" for part in chosen)]


def main(arguments: list[str] | None = None) -> None:
    """Print a table with a row for each folder."""
    parser = ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--most", type=int, default=4000, help="images of a folder, at equal steps (default: 4000)")
    chosen = parser.parse_args(arguments)
    head = ["images", "as they are", "a tenth open", "nine tenths open", "closed alone", "open alone"]
    print(markdown([head, *(measure(folder, most=chosen.most) for folder in chosen.folders)]))


if __name__ == "__main__":
    main()
