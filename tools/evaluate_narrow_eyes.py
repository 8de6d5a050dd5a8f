"""Evaluate a model on narrow synthetic eyes at several openings, for README.md.

    python tools/evaluate_narrow_eyes.py [MODEL]

Each row has 300 eyes of the same people. Their full height is 0.22 of their width, half of the default. Prints the
proportion predicted open and the ROC AUC against the same eyes closed.
"""

from __future__ import annotations

import dataclasses
import sys

import numpy as np

from classic_eyes import load_model
from classic_eyes.metrics import roc_auc
from classic_eyes.synthetic import random_parameters, render

OPENINGS = (1.0, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3)
PEOPLE = 300


def narrow_eyes(opening: float) -> np.ndarray:
    """Render the same people at one opening."""
    images = []
    for person in range(PEOPLE):
        rng = np.random.default_rng((77, person))
        images.append(
            render(dataclasses.replace(random_parameters(opening, random_state=rng), aspect=0.22), random_state=rng)[0]
        )
    return np.array(images)


def main() -> None:
    """Print the table."""
    model = load_model(*sys.argv[1:])
    closed = model.predict_proba(narrow_eyes(0.0))[:, 1]
    print(f"closed: {np.mean(closed >= 0.5):.2f} predicted open")
    print("| opening | predicted open | AUC against closed |")
    print("|---|---|---|")
    for opening in OPENINGS:
        score = model.predict_proba(narrow_eyes(opening))[:, 1]
        labels = np.repeat([1, 0], PEOPLE)
        print(
            f"| {opening:.1f} | {np.mean(score >= 0.5):.2f} | {roc_auc(labels, np.concatenate([score, closed])):.3f} |"
        )


if __name__ == "__main__":
    main()
