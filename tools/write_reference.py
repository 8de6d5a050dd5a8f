"""Write reference scores for `classic_eyes.evaluation.drift` into the cards of shipped models that have none.

    python tools/write_reference.py [NAME ...]

``classic-eyes train`` writes them into every new card. The out-of-fold scores of models that were trained before are
gone, but not the shares that training fixes by them: of the eyes held out, 5% are unsure and 1.5% count as non-eyes.
The histogram is of the training images themselves, whose scores are more certain than those of new images.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

import numpy as np

from classic_eyes import load_model
from classic_eyes._utils.files import SHIPPED_MODELS, shipped_model, write_whole
from classic_eyes.datasets import load_labelled, read_eyes
from classic_eyes.inference.drift import score_histogram
from classic_eyes.persistence.card import card_path, read_card
from classic_eyes.recipes import RECIPES
from classic_eyes.training.fitting import UNSURE
from classic_eyes.training.novelty import expected_share
from classic_eyes.training.training_set import balanced_weight
from tools.train_models import SOURCES

PROTOCOL = (
    "shares of out-of-fold scores, as training fixes them; the histogram is of the training images, each class of each "
    "source alike, whose scores are more certain than those of new images"
)


def main(argv: list[str] | None = None) -> int:
    """Write the cards."""
    parser = ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(RECIPES)}; default: those that ship")
    parser.add_argument("--force", action="store_true", help="replace reference scores that a card has")
    arguments = parser.parse_args(argv)
    for name in arguments.names or SHIPPED_MODELS:
        path = shipped_model(name)
        card = read_card(path)
        if card.get("score_reference") and not arguments.force:
            print(f"{card_path(path)} has reference scores", file=sys.stderr)
            continue
        card["score_reference"] = reference(name, SOURCES)
        write_whole(card_path(path), (json.dumps(card, indent=2, ensure_ascii=False) + "\n").encode("utf-8"))
        print(f"wrote {card_path(path)}", file=sys.stderr)
    return 0


def reference(name: str, folders: tuple[str, ...]) -> dict[str, Any]:
    """Return reference scores of a model on the folders that it was trained on."""
    model = load_model(name)
    loaded = [load_labelled(read_eyes(folder), size=model.size) for folder in folders]
    labels = np.concatenate([part.eyes.labels for part in loaded])
    sources = np.repeat(np.arange(len(loaded)), [len(part.images) for part in loaded])
    scores = model.predict_proba(np.concatenate([part.images for part in loaded]))[:, 1]
    return {
        "n": len(labels),
        "histogram": np.round(score_histogram(scores, balanced_weight(sources, labels)), 6).tolist(),
        "unsure": UNSURE,
        "protocol": PROTOCOL,
        "not_an_eye": expected_share(sources),
    }


if __name__ == "__main__":
    sys.exit(main())
