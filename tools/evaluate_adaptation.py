"""Evaluate the adaptation to an unlabelled folder: train on one data set, predict another; for docs/experiments.md.

    python tools/evaluate_adaptation.py EYES24 MRL

Trains on each data set and prints accuracy and calibration error before and after the adaptation.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from classic_eyes import EyeClassifier
from classic_eyes.calibration.adaptation import fit_adaptation
from classic_eyes.datasets import read_eyes
from classic_eyes.images import read_images
from classic_eyes.metrics import accuracy, calibration_error
from classic_eyes.synthetic import make_eyes

CLASSIFIER: dict[str, Any] = {
    "features": (("hog", "lbp"), ("words",), ("words_tt",)),
    "classifier": "svm",
    "n_components": 300,
    "n_copies": 2,
    "remove_glare": False,
    "align": None,
    "n_synthetic": 0,
    "cascade": None,
    "detect_non_eyes": False,
}
SHARES = (0.0, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95, 1.0)


def row(name: str, log_odds: np.ndarray, labels: np.ndarray) -> str:
    """Return a row of the table."""
    found = fit_adaptation(log_odds)
    before = 1 / (1 + np.exp(-log_odds))
    after = found.probability(before)
    results = [f"{accuracy(labels, each):.4f} / {calibration_error(labels, each):.3f}" for each in (before, after)]
    parameters = found.declined or f"{found.threshold:+.2f}, {found.slope:.2f}"
    return "| " + " | ".join([name, f"{len(labels):,}", *results, parameters]) + " |"


def subsets(log_odds: np.ndarray, labels: np.ndarray, groups: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return log odds and labels of subsets: each person, one class of a person, 300 images at each share of open."""
    rng = np.random.default_rng(0)
    chosen = []
    for group in np.unique(groups):
        inside = np.flatnonzero(groups == group)
        if len(inside) >= 100:
            chosen += [inside, *(inside[labels[inside] == label] for label in (0, 1))]
    for share in SHARES:
        for _ in range(4):
            n_open = round(300 * share)
            chosen.append(
                np.concatenate(
                    [
                        rng.choice(np.flatnonzero(labels == 1), n_open, replace=False),
                        rng.choice(np.flatnonzero(labels == 0), 300 - n_open, replace=False),
                    ]
                )
            )
    return [(log_odds[inside], labels[inside]) for inside in chosen if len(inside) >= 100]


def main() -> None:
    """Print the table and a summary over subsets."""
    sets = [read_eyes(path) for path in sys.argv[1:3]]
    images = [read_images(eyes.paths)[0] for eyes in sets]
    synthetic = make_eyes(1500, random_state=77)
    print("| trained on, evaluated on | n | accuracy / calibration error before | after | threshold, slope |")
    print("|---|---|---|---|---|")
    gains = []
    for k in (0, 1):
        clf = EyeClassifier(**CLASSIFIER).fit(images[k], sets[k].labels, groups=sets[k].groups)
        other = clf.decision_function(images[1 - k])
        print(row(f"{sets[k].source}, {sets[1 - k].source}", other, sets[1 - k].labels), flush=True)
        print(
            row(f"{sets[k].source}, synthetic", clf.decision_function(synthetic.images), synthetic.labels), flush=True
        )
        for odds, labels in subsets(other, sets[1 - k].labels, sets[1 - k].groups):
            found = fit_adaptation(odds)
            if found.declined is None:
                before = 1 / (1 + np.exp(-odds))
                gains.append(accuracy(labels, found.probability(before)) - accuracy(labels, before))
            else:
                gains.append(np.nan)
    kept = np.array(gains)[~np.isnan(gains)]
    print(f"\n{len(kept)} of {len(gains)} subsets were adapted")
    if len(kept):
        print(
            f"accuracy {kept.mean():+.4f} on average, {(kept > 0.02).sum()} gain more than 0.02, "
            f"{(kept < -0.02).sum()} lose more than 0.02 (worst {kept.min():+.3f})"
        )


if __name__ == "__main__":
    main()
