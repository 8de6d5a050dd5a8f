"""Learn from synthetic eyes how an eye lies in its patch: for train --align."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

import cv2
import numpy as np

from classic_eyes._utils.threads import one_thread
from classic_eyes._utils.writing import write_whole
from classic_eyes.errors import ParameterError
from tools.alignment import FEWEST, MOST, evaluate_alignment, train_alignment, write_alignment
from tools.arguments import add_synthetic_arguments, begin, write_card

__all__ = ["add_arguments", "work"]


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of ``classic-eyes alignment``.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Gets the arguments.
    """
    add_synthetic_arguments(parser, ".npz", eyes=16000, allowed=f", {FEWEST} to {MOST}")


def work(arguments: Namespace) -> int:
    """Run ``classic-eyes alignment``.

    Parameters
    ----------
    arguments : argparse.Namespace
        As `add_arguments` declares them.

    Returns
    -------
    int
        0.
    """
    if not FEWEST <= arguments.eyes <= MOST:
        raise ParameterError(f"--eyes {arguments.eyes}: {FEWEST} to {MOST} synthetic eyes are allowed; 16000 do well")
    begin(arguments, ".npz")
    with one_thread():
        alignment = train_alignment(arguments.eyes, random_state=arguments.seed)
        judged = evaluate_alignment(alignment, random_state=arguments.seed + 1)
    learnt = write_alignment(alignment)
    write_whole(arguments.out, learnt)
    print(
        f"on {judged.n:,} other synthetic patches the middle of the eye is off by {judged.error:.2f} of 24 pixels, and "
        f"that of the mean eye by {judged.unknown:.2f}"
    )
    write_card(
        arguments,
        "alignment",
        learnt,
        kind="how an eye lies in its patch",
        versions={"numpy": np.__version__, "opencv": cv2.__version__},
        judged={
            "n": judged.n,
            "error_in_pixels": round(judged.error, 3),
            "error_of_the_mean_eye_in_pixels": round(judged.unknown, 3),
        },
    )
    return 0
