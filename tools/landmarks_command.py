"""Learn from synthetic eyes where the six points of an eye are: for the feature ear."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from classic_eyes._utils.writing import write_whole
from classic_eyes.descriptors.ear import load_dlib
from tools.arguments import add_synthetic_arguments, begin, write_card
from tools.landmarks import evaluate_landmarks, train_landmarks

__all__ = ["add_arguments", "work"]


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of ``classic-eyes landmarks``.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Gets the arguments.
    """
    add_synthetic_arguments(parser, ".dat", eyes=8000)


def work(arguments: Namespace) -> int:
    """Run ``classic-eyes landmarks``.

    Parameters
    ----------
    arguments : argparse.Namespace
        As `add_arguments` declares them.

    Returns
    -------
    int
        0.
    """
    begin(arguments, ".dat")
    learnt = train_landmarks(arguments.eyes, random_state=arguments.seed)
    write_whole(arguments.out, learnt)
    judged = evaluate_landmarks(arguments.out, random_state=arguments.seed + 1)
    print(
        f"on {judged.n:,} other synthetic eyes points are off by {judged.error:.3f} widths of the eye; the eye aspect "
        f"ratio correlates with the true one by {judged.correlation:.3f}"
    )
    write_card(
        arguments,
        "landmarks",
        learnt,
        kind="six points of an eye",
        versions={"dlib": load_dlib().__version__},
        judged={
            "n": judged.n,
            "error_in_widths_of_the_eye": round(judged.error, 4),
            "correlation_of_eye_aspect_ratio": round(judged.correlation, 4),
        },
    )
    return 0
