"""Learn from rendered eyes where the six points of an eye are: for the feature ear."""

from __future__ import annotations

import hashlib
import json
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from .._version import __version__
from ..descriptors.ear import load_dlib
from ..landmarks import judge_points, learn_points
from ..writing import write_whole
from .arguments import check_out, positive_integer, random_seed

__all__ = ["add_arguments", "work"]


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of ``classic-eyes landmarks``.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Gets the arguments.
    """
    parser.add_argument(
        "--out", required=True, metavar="FILE", help="NAME.dat; its card NAME.json is written beside it"
    )
    parser.add_argument("--force", action="store_true", help="take the place of a file that is there already")
    parser.add_argument("--eyes", type=positive_integer, default=8000, metavar="N", help="rendered eyes; default: 8000")
    parser.add_argument("--seed", type=random_seed, default=0, metavar="N", help="default: 0")


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
    check_out(arguments.out, ".dat", force=arguments.force)
    card = Path(arguments.out).with_suffix(".json")
    check_out(str(card), ".json", force=arguments.force)
    print(f"learning from {arguments.eyes:,} rendered eyes ...", file=sys.stderr)
    learnt = learn_points(arguments.eyes, random_state=arguments.seed)
    write_whole(arguments.out, learnt)
    judged = judge_points(arguments.out, random_state=arguments.seed + 1)
    told = {
        "kind": "six points of an eye",
        "learnt_from": f"{arguments.eyes} rendered eyes of classic_eyes.synthetic; no photograph of anybody",
        "command": f"classic-eyes landmarks --out {card.stem}.dat --eyes {arguments.eyes} --seed {arguments.seed}",
        "sha256": hashlib.sha256(learnt).hexdigest(),
        "versions": {"classic_eyes": __version__, "dlib": load_dlib().__version__},
        "judged": {
            "n": judged.n,
            "error_in_widths_of_the_eye": round(judged.error, 4),
            "correlation_of_eye_aspect_ratio": round(judged.correlation, 4),
        },
    }
    write_whole(card, (json.dumps(told, indent=2) + "\n").encode("utf-8"))
    print(
        f"on {judged.n:,} other rendered eyes points are off by {judged.error:.3f} widths of the eye; the eye aspect "
        f"ratio correlates with the true one by {judged.correlation:.3f}"
    )
    print(f"wrote {arguments.out} ({len(learnt) / 1e6:.1f} MB) and {card}", file=sys.stderr)
    return 0
