"""Measure which changes of images `classic_eyes.evaluation.drift` finds on sources that the model never saw.

    python tools/evaluate_drift.py --models FOLDER

1. For each source a model is trained on the others, with a reference of its out-of-fold scores, as
   ``bench.py leave-source-out`` does. It is kept in FOLDER, and one that is there is used.
2. The images of the source are split at random into two halves, 200 times. The first is the reference. Of the second,
   200 or 1,000 images are compared with it, or all where it has fewer: as they are, the open eyes alone, the closed
   alone, and rotated by 15 to 25 degrees to either side, blurred, inverted, or zoomed to the middle.
3. The same images are compared with the reference of the model.

Prints the share of the draws that drifted. Of the first three columns these are false alarms. A source with fewer than
100 images in a half is missing.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

# Python looks for packages beside the script, and `benchmarks` is in the folder above.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.commands.leave_source_out import DEFAULT, read_source
from benchmarks.sources import Source
from classic_eyes import EyeClassifier, load_model
from classic_eyes.cli.arguments import positive_integer
from classic_eyes.cli.tables import markdown
from classic_eyes.evaluation import drift
from classic_eyes.inference.drift import MIN_IMAGES, Drift
from classic_eyes.persistence.estimators import save_classifier
from classic_eyes.predictor import EyePredictor

Images = NDArray[np.uint8]
DRAWS = (200, 1000)


def rotated(images: Images, rng: np.random.Generator) -> Images:
    """Turn by 15 to 25 degrees to either side; the pixels at the edge are repeated."""
    side = images.shape[1]
    middle = ((side - 1) / 2, (side - 1) / 2)
    angles = rng.uniform(15, 25, len(images)) * rng.choice((-1, 1), len(images))
    turns = (cv2.getRotationMatrix2D(middle, float(angle), 1) for angle in angles)
    found = [
        cv2.warpAffine(image, turn, (side, side), borderMode=cv2.BORDER_REPLICATE)
        for image, turn in zip(images, turns, strict=True)
    ]
    return np.stack(found).astype(np.uint8)


def blurred(images: Images, rng: np.random.Generator) -> Images:
    """Blur by a normal distribution of 1/16 to 1/12 of the side."""
    deviations = images.shape[1] * rng.uniform(1 / 16, 1 / 12, len(images))
    return np.stack([cv2.GaussianBlur(image, (0, 0), float(s)) for image, s in zip(images, deviations, strict=True)])


def inverted(images: Images, rng: np.random.Generator) -> Images:
    """Exchange dark and light."""
    return (255 - images).astype(np.uint8)


def zoomed(images: Images, rng: np.random.Generator) -> Images:
    """Cut out the middle, 1/2 to 2/3 of the side."""
    side = images.shape[1]
    found = []
    for image, share in zip(images, rng.uniform(1 / 2, 2 / 3, len(images)), strict=True):
        kept = round(side * share)
        start = (side - kept) // 2
        found.append(cv2.resize(image[start : start + kept, start : start + kept], (side, side)))
    return np.stack(found).astype(np.uint8)


LABELS = {"open alone": 1, "closed alone": 0}
CHANGES: dict[str, Callable[[Images, np.random.Generator], Images]] = {
    "rotated": rotated,
    "blurred": blurred,
    "inverted": inverted,
    "zoomed": zoomed,
}


def main(argv: list[str] | None = None) -> int:
    """Print the tables."""
    parser = ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("sources", nargs="*", metavar="[NAME=]PATH[,PATH]", help="default: those of the shipped models")
    parser.add_argument(
        "--models", required=True, metavar="FOLDER", help="where the models without each source are kept"
    )
    parser.add_argument("--recipe", default="default", help="default: default")
    parser.add_argument(
        "--at-most", type=positive_integer, default=2614, metavar="N", help="images a source in training"
    )
    parser.add_argument("--synthetic", type=int, default=6000, metavar="N", help="synthetic eyes; default: 6000")
    parser.add_argument("--draws", type=positive_integer, default=200, metavar="N", help="default: 200")
    arguments = parser.parse_args(argv)
    clf = EyeClassifier.from_recipe(arguments.recipe, n_synthetic=arguments.synthetic)
    texts = arguments.sources or DEFAULT
    training = [read_source(text, size=clf.gate_size, at_most=arguments.at_most)[0] for text in texts]
    rows: dict[tuple[str, int], list[list[str]]] = {}
    for text, own in zip(texts, training, strict=True):
        path = Path(arguments.models) / f"{arguments.recipe}-without-{own.name}.npz"
        if not path.exists():
            fit(clf, [source for source in training if source is not own], path)
            print(f"wrote {path}", file=sys.stderr, flush=True)
        source = read_source(text, size=clf.gate_size)[0]
        for key, shares in evaluate(load_model(path), source, arguments.draws).items():
            rows.setdefault(key, []).append(
                [own.name, f"{min(key[1], len(source.images) // 2):,}", *(f"{share:.2f}" for share in shares)]
            )
    for (reference, n), lines in rows.items():
        means = np.mean([[float(cell) for cell in line[2:]] for line in lines], axis=0)
        head = [f"at most {n:,} images; reference: {reference}", "n", "unchanged", *LABELS, *CHANGES]
        print(*markdown([head, *lines, ["mean", "", *(f"{mean:.2f}" for mean in means)]]), "", sep="\n", flush=True)
    return 0


def fit(clf: EyeClassifier, sources: list[Source], path: Path) -> None:
    """Train on sources as `benchmarks.sources.evaluate_left_out` does, and write the model with its card."""
    images, labels = (np.concatenate([getattr(each, key) for each in sources]) for key in ("images", "labels"))
    groups = np.concatenate([np.char.add(f"{each.name}/", each.groups) for each in sources])
    folders = [f"{each.name}/{folder}" for each in sources for folder in each.folders]
    clf.fit(images, labels, groups=groups, sources=folders)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_classifier(path, clf, {"score_reference": clf.score_reference_})


def evaluate(model: EyePredictor, source: Source, n_draws: int) -> dict[tuple[str, int], list[float]]:
    """Return, for each reference and number of images, the share of draws that drifted in each column."""
    rng = np.random.default_rng(0)
    unchanged = Predicted.of(model, source.images)
    columns = [(unchanged, None), *((unchanged, label) for label in LABELS.values())]
    columns += [(Predicted.of(model, change(source.images, rng)), None) for change in CHANGES.values()]
    card: dict[str, Any] = model.info()["score_reference"]
    found: dict[tuple[str, int], list[float]] = {}
    n = len(source.images)
    if n // 2 < MIN_IMAGES:
        return {}
    for n_drawn in DRAWS:
        for predicted, label in columns:
            drifted = {"the other half": 0, "the card of the model": 0}
            for _ in range(n_draws):
                # By image, not by person: a reference of the same people and light, as of one camera.
                order = rng.permutation(n)
                kept, others = order[: n // 2], order[n // 2 :]
                if label is not None:
                    others = others[source.labels[others] == label]
                before, drawn = unchanged.drift(None, kept).to_dict(), others[:n_drawn]
                drifted["the other half"] += bool(predicted.drift(before, drawn, same_source=True).drifted)
                drifted["the card of the model"] += bool(predicted.drift(card, drawn).drifted)
            for reference, count in drifted.items():
                found.setdefault((reference, n_drawn), []).append(count / n_draws)
    return found


@dataclass(frozen=True)
class Predicted:
    """Predictions for the images of a source."""

    scores: NDArray[np.float64]
    verdicts: NDArray[np.str_]
    novelty: NDArray[np.float64]

    @classmethod
    def of(cls, model: EyePredictor, images: Images) -> Predicted:
        """Predict."""
        return cls(model.predict_proba(images)[:, 1], np.array(model.verdict(images)), model.novelty_score(images))

    def drift(self, reference: dict[str, Any] | None, drawn: NDArray[np.intp], *, same_source: bool = False) -> Drift:
        """Return the drift of some of the images."""
        new = self.novelty[drawn]
        return drift(reference, self.scores[drawn], self.verdicts[drawn], novelty=new, same_source=same_source)


if __name__ == "__main__":
    sys.exit(main())
