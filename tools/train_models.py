"""Train the models that ship, from the recipes, with their cards: ``python tools/train_models.py [NAME ...]``."""

from __future__ import annotations

import sys
from argparse import ArgumentParser

from classic_eyes._utils.files import SHIPPED_MODELS
from classic_eyes.cli import main as classic_eyes
from classic_eyes.recipes import RECIPES

_KINDS = ("tight50", "harsh24", "rajn24", "siva224", "faiz", "clips")
SOURCES = ("../shared/data/eyes24", "../shared/data/mrl", *(f"../shared/data/kinds/{kind}" for kind in _KINDS))


def main(argv: list[str] | None = None) -> int:
    """Run ``classic-eyes train`` for each model; return the first exit status that is not 0."""
    parser = ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "names",
        nargs="*",
        choices=[[], *RECIPES],
        metavar="NAME",
        help=f"of {', '.join(RECIPES)}; default: those that ship",
    )
    parser.add_argument("--out", default="models", metavar="DIR", help="default: %(default)s")
    parser.add_argument("--folds", default="5", metavar="N", help="of the evaluation; 0 for none; default: %(default)s")
    arguments = parser.parse_args(argv)
    for name in arguments.names or SHIPPED_MODELS:
        file = f"{arguments.out}/{name}.npz"
        options = [
            "--recipe",
            name,
            "--folds",
            arguments.folds,
            "--about",
            "models/about.json",
            "--out",
            file,
            "--force",
        ]
        if status := classic_eyes(["train", *SOURCES, *options]):
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main())
