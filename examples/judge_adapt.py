"""Judge adapting to an unlabelled folder: learn from one source, answer about another. For docs/experiments.md.

    python examples/judge_adapt.py EYES24 MRL

Trains on each, with the features of the shipped model, and prints accuracy and calibration error before and after.
"""

from __future__ import annotations

import sys

import numpy as np
from classic_eyes.calibration.threshold.adaptation import fit_adaptation

from classic_eyes import EyeClassifier
from classic_eyes.datasets import read_eyes
from classic_eyes.images import read_images
from classic_eyes.metrics import accuracy, calibration_error
from classic_eyes.synthetic import make_eyes

FEATURES = (("hog", "lbp"), ("words",), ("words_tt",))
SHARES = (0.0, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95, 1.0)


def row(name: str, log_odds: np.ndarray, labels: np.ndarray) -> str:
    """Return a row of the first table."""
    found = fit_adaptation(log_odds)
    before = 1 / (1 + np.exp(-log_odds))
    after = found.probability(before)
    told = [f"{accuracy(labels, each):.4f} / {calibration_error(labels, each):.3f}" for each in (before, after)]
    how = found.declined or f"{found.border:+.2f}, {found.slope:.2f}"
    return "| " + " | ".join([name, f"{len(labels):,}", *told, how]) + " |"


def folders(log_odds: np.ndarray, labels: np.ndarray, groups: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return smaller folders: each person, each person's one kind, and 300 images with every share of open eyes."""
    rng = np.random.default_rng(0)
    cut = []
    for group in np.unique(groups):
        inside = np.flatnonzero(groups == group)
        if len(inside) >= 100:
            cut += [inside, *(inside[labels[inside] == label] for label in (0, 1))]
    for share in SHARES:
        for _ in range(4):
            n_open = round(300 * share)
            cut.append(
                np.concatenate(
                    [
                        rng.choice(np.flatnonzero(labels == 1), n_open, replace=False),
                        rng.choice(np.flatnonzero(labels == 0), 300 - n_open, replace=False),
                    ]
                )
            )
    return [(log_odds[inside], labels[inside]) for inside in cut if len(inside) >= 100]


def main() -> None:
    """Print the tables."""
    sets = [read_eyes(path) for path in sys.argv[1:3]]
    images = [read_images(eyes.paths)[0] for eyes in sets]
    synthetic = make_eyes(1500, random_state=77)
    print("| learnt from, judged on | n | accuracy / calibration error before | after | border, slope |")
    print("|---|---|---|---|---|")
    gains = []
    for k in (0, 1):
        clf = EyeClassifier(features=FEATURES).fit(images[k], sets[k].labels, groups=sets[k].groups)
        other = clf.decision_function(images[1 - k])
        print(row(f"{sets[k].source}, {sets[1 - k].source}", other, sets[1 - k].labels), flush=True)
        print(
            row(f"{sets[k].source}, synthetic", clf.decision_function(synthetic.images), synthetic.labels), flush=True
        )
        for odds, labels in folders(other, sets[1 - k].labels, sets[1 - k].groups):
            found = fit_adaptation(odds)
            if found.declined is None:
                before = 1 / (1 + np.exp(-odds))
                gains.append(accuracy(labels, found.probability(before)) - accuracy(labels, before))
            else:
                gains.append(np.nan)
    kept = np.array(gains)[~np.isnan(gains)]
    print(
        f"\nof {len(gains)} smaller folders {len(kept)} were adapted to: accuracy {kept.mean():+.4f} on average, "
        f"{(kept > 0.02).sum()} better by more than .02, {(kept < -0.02).sum()} worse by more than .02 (worst "
        f"{kept.min():+.3f})"
    )


if __name__ == "__main__":
    main()
