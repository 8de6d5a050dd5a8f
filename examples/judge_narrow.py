"""Judge a model on synthetic eyes that are narrow by nature, at several openings. For README.md.

    python examples/judge_narrow.py [MODEL.npz]

Draws 300 eyes a row as `make_eyes` does, but for their full height, which is .22 of their width, half of the usual;
each row has the same 300 people. Prints how many are called open, and how well scores tell them from closed ones.
"""

from __future__ import annotations

import dataclasses
import sys

import numpy as np

from classic_eyes import EyePredictor
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
    eyes = EyePredictor.load(sys.argv[1]) if len(sys.argv) > 1 else EyePredictor.pretrained()
    closed = eyes.predict_proba(narrow_eyes(0.0))[:, 1]
    print(f"closed: {np.mean(closed >= 0.5):.2f} called open")
    print("| opening | called open | AUC against closed |")
    print("|---|---|---|")
    for opening in OPENINGS:
        score = eyes.predict_proba(narrow_eyes(opening))[:, 1]
        labels = np.repeat([1, 0], PEOPLE)
        print(
            f"| {opening:.1f} | {np.mean(score >= 0.5):.2f} | {roc_auc(labels, np.concatenate([score, closed])):.3f} |"
        )


if __name__ == "__main__":
    main()
