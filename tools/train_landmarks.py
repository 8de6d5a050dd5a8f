"""Train the predictor of an eye's six landmarks, for the feature ``ear``, on synthetic eyes.

python tools/train_landmarks.py --out models/eye.dat
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from arguments import announce, training_parser, write_card
from landmarks import evaluate_landmarks, train_landmarks

from classic_eyes._utils.files import write_whole
from classic_eyes.cli import guarded
from classic_eyes.descriptors.ear import load_dlib

SCRIPT, SUFFIX = "train_landmarks.py", ".dat"


def build_parser() -> ArgumentParser:
    """Return the parser."""
    return training_parser(SCRIPT, (__doc__ or "").splitlines()[0], suffix=SUFFIX, eyes=8000)


def work(arguments: Namespace) -> int:
    """Train, evaluate, and write the file with its card."""
    announce(arguments, SUFFIX)
    content = train_landmarks(arguments.eyes, random_state=arguments.seed)
    write_whole(arguments.out, content)
    score = evaluate_landmarks(arguments.out, random_state=arguments.seed + 1)
    print(
        f"{score.n:,} other synthetic eyes: the error of a landmark is {score.error:.3f} widths of the eye; the eye "
        f"aspect ratio correlates with the true one by {score.correlation:.3f}"
    )
    write_card(
        arguments,
        SCRIPT,
        content,
        kind="six landmarks of an eye",
        versions={"dlib": load_dlib().__version__},
        evaluation={
            "n": score.n,
            "error_in_widths_of_the_eye": round(score.error, 4),
            "correlation_of_eye_aspect_ratio": round(score.correlation, 4),
        },
    )
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the script."""
    return guarded(lambda: work(build_parser().parse_args(argv)), program=SCRIPT)


if __name__ == "__main__":
    sys.exit(main())
