"""Write a model as an ONNX file for other languages and browsers, or check such a file."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace

from ..errors import ParameterError
from ..predictor import load_model
from .arguments import add_model_arguments, check_out, existing_file, model_file

__all__ = ["add_arguments", "work"]


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of ``classic-eyes export``."""
    add_model_arguments(parser)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--out",
        metavar="ONNX",
        help="the file to write: grey patches in, probabilities of open out, standard operators only",
    )
    what.add_argument(
        "--check",
        type=existing_file,
        metavar="ONNX",
        help="compare the predictions of an exported file with those that it records, and write nothing",
    )
    parser.add_argument(
        "--novelty",
        action="store_true",
        help="a second output: novelty, above 1 for images that are no eyes; it takes longer than the rest",
    )
    parser.add_argument("--force", action="store_true", help="replace an existing file")


def work(arguments: Namespace) -> int:
    """Run ``classic-eyes export``."""
    if arguments.check is not None:
        from ..export import check_onnx

        for option in ("force", "novelty"):
            if getattr(arguments, option):
                raise ParameterError(f"--{option} needs --out, because --check writes nothing; give one of them")
        difference = check_onnx(arguments.check)
        print(f"{arguments.check}: predicts what it records; largest difference {difference:.1g}")
        return 0
    check_out(arguments.out, ".onnx", force=arguments.force, read=[model_file(arguments)])
    model = load_model(arguments.model, trusted=arguments.trust_model)
    difference = model.export_onnx(arguments.out, novelty=arguments.novelty)
    size = os.path.getsize(arguments.out) / 1e6
    print(
        f"wrote {arguments.out}: {size:.1f} MB; input: grey patches of {model.size} x {model.size} pixels, uint8; "
        f"output: probability of open{', novelty' if arguments.novelty else ''}; largest difference {difference:.1g}; "
        f"left out: reading of files{'' if arguments.novelty else ', the verdict not-an-eye'}",
        file=sys.stderr,
    )
    return 0
