"""Evaluate the shipped models on narrow synthetic eyes and on non-eyes, for docs/limits.md.

    python tools/evaluate_limits.py [FOLDER ...]

1. Each opening has 300 synthetic eyes of the same people. Their full height is 0.22 of their width, half of the
   default. Prints the proportion predicted open, and the ROC AUC against the same eyes closed.
2. The proportion of non-eyes that ``verdict`` detects, by kind.
3. The proportion of the eyes of each FOLDER that are detected as non-eyes.
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np

# Python looks for packages beside the script, and `benchmarks` is in the folder above.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.non_eyes import make_non_eyes
from classic_eyes import load_model
from classic_eyes._utils.files import SHIPPED_MODELS
from classic_eyes.cli.tables import markdown
from classic_eyes.datasets import load_images, read_eyes
from classic_eyes.metrics import roc_auc
from classic_eyes.synthetic import random_parameters, render

OPENINGS = (1.0, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.0)
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
    """Print the tables."""
    models = {name: load_model(name) for name in SHIPPED_MODELS}
    closed = {name: model.predict_proba(narrow_eyes(0.0))[:, 1] for name, model in models.items()}
    rows = [["opening", *(f"{name}: {what}" for name in models for what in ("open", "AUC"))]]
    labels = np.repeat([1, 0], PEOPLE)
    for opening in OPENINGS:
        rows.append([f"{opening:.1f}"])
        eyes = narrow_eyes(opening)
        for name, model in models.items():
            score = model.predict_proba(eyes)[:, 1]
            auc = f"{roc_auc(labels, np.concatenate([score, closed[name]])):.3f}" if opening else "-"
            rows[-1] += [f"{np.mean(score >= 0.5):.2f}", auc]
    print("\n".join(markdown(rows)))
    rows = [["non-eyes", "n", *models]]
    for kind, images in make_non_eyes().items():
        rows.append([kind, f"{len(images):,}"])
        rows[-1] += [f"{np.mean(np.equal(model.verdict(images), 'not-an-eye')):.3f}" for model in models.values()]
    print("", *markdown(rows), sep="\n")
    rows = [["eyes", "n", *models]]
    for folder in sys.argv[1:]:
        data = load_images(read_eyes(folder), size=48)
        rows.append([folder.rstrip("/").rsplit("/", 1)[-1], f"{len(data.images):,}"])
        rows[-1] += [f"{np.mean(np.equal(model.verdict(data.images), 'not-an-eye')):.3f}" for model in models.values()]
    if len(rows) > 1:
        print("", *markdown(rows), sep="\n")


if __name__ == "__main__":
    main()
