"""Learn from rendered eyes how an eye lies in its patch: for train --align."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

import cv2
import numpy as np

from ..errors import ParameterError
from ..framing import FEWEST, MOST, judge_framing, learn_framing, write_framing
from ..threads import one_thread
from ..writing import write_whole
from .rendered import add_rendered_arguments, begin, write_card

__all__ = ["add_arguments", "work"]


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of ``classic-eyes framing``.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Gets the arguments.
    """
    add_rendered_arguments(parser, ".npz", eyes=16000, allowed=f", {FEWEST} to {MOST}")


def work(arguments: Namespace) -> int:
    """Run ``classic-eyes framing``.

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
        raise ParameterError(f"--eyes {arguments.eyes}: {FEWEST} to {MOST} rendered eyes are allowed; 16000 do well")
    begin(arguments, ".npz")
    with one_thread():
        framing = learn_framing(arguments.eyes, random_state=arguments.seed)
        judged = judge_framing(framing, random_state=arguments.seed + 1)
    learnt = write_framing(framing)
    write_whole(arguments.out, learnt)
    print(
        f"on {judged.n:,} other rendered patches the middle of the eye is off by {judged.error:.2f} of 24 pixels, and "
        f"that of the mean eye by {judged.unknown:.2f}"
    )
    write_card(
        arguments,
        "framing",
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
