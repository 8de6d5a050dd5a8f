"""Train the alignment, which finds the eye in its patch, on synthetic eyes.

python tools/train_alignment.py --out models/alignment.npz
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

import cv2
import numpy as np
from alignment import MAX_EYES, MIN_EYES, evaluate_alignment, train_alignment, write_alignment
from arguments import announce, training_parser, write_card

from classic_eyes._utils.files import write_whole
from classic_eyes._utils.resources import one_thread
from classic_eyes.cli import guarded
from classic_eyes.errors import ParameterError

SCRIPT, SUFFIX = "train_alignment.py", ".npz"


def build_parser() -> ArgumentParser:
    """Return the parser."""
    return training_parser(SCRIPT, (__doc__ or "").splitlines()[0], suffix=SUFFIX, eyes=16000)


def work(arguments: Namespace) -> int:
    """Train, evaluate, and write the file with its card."""
    if not MIN_EYES <= arguments.eyes <= MAX_EYES:
        raise ParameterError(f"--eyes {arguments.eyes}: must be {MIN_EYES} to {MAX_EYES} synthetic eyes; try 16000")
    announce(arguments, SUFFIX)
    with one_thread():
        alignment = train_alignment(arguments.eyes, random_state=arguments.seed)
        score = evaluate_alignment(alignment, random_state=arguments.seed + 1)
    content = write_alignment(alignment)
    write_whole(arguments.out, content)
    print(
        f"{score.n:,} other synthetic patches: the error of the middle of the eye is {score.error:.2f} of 24 pixels, "
        f"and {score.baseline_error:.2f} for the mean pose"
    )
    write_card(
        arguments,
        SCRIPT,
        content,
        kind="alignment: pose of an eye in its patch",
        versions={"numpy": np.__version__, "opencv": cv2.__version__},
        evaluation={
            "n": score.n,
            "error_in_pixels": round(score.error, 3),
            "error_of_the_mean_pose_in_pixels": round(score.baseline_error, 3),
        },
    )
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the script."""
    return guarded(lambda: work(build_parser().parse_args(argv)), program=SCRIPT)


if __name__ == "__main__":
    sys.exit(main())
