"""Learn from rendered eyes how an eye lies in its patch: for train --align."""

from __future__ import annotations

import hashlib
import json
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

import cv2
import numpy as np

from .._version import __version__
from ..errors import ParameterError
from ..framing import FEWEST, MOST, judge_framing, learn_framing, write_framing
from ..threads import one_thread
from ..writing import write_whole
from .arguments import check_out, positive_integer, random_seed

__all__ = ["add_arguments", "work"]


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of ``classic-eyes framing``.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Gets the arguments.
    """
    parser.add_argument(
        "--out", required=True, metavar="FILE", help="NAME.npz; its card NAME.json is written beside it"
    )
    parser.add_argument("--force", action="store_true", help="take the place of a file that is there already")
    parser.add_argument(
        "--eyes",
        type=positive_integer,
        default=16000,
        metavar="N",
        help=f"rendered eyes, {FEWEST} to {MOST}; default: 16000",
    )
    parser.add_argument("--seed", type=random_seed, default=0, metavar="N", help="default: 0")


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
    check_out(arguments.out, ".npz", force=arguments.force)
    card = Path(arguments.out).with_suffix(".json")
    check_out(str(card), ".json", force=arguments.force)
    print(f"learning from {arguments.eyes:,} rendered eyes ...", file=sys.stderr)
    with one_thread():
        framing = learn_framing(arguments.eyes, random_state=arguments.seed)
        judged = judge_framing(framing, random_state=arguments.seed + 1)
    learnt = write_framing(framing)
    write_whole(arguments.out, learnt)
    told = {
        "kind": "how an eye lies in its patch",
        "learnt_from": f"{arguments.eyes} rendered eyes of classic_eyes.synthetic; no photograph of anybody",
        "command": f"classic-eyes framing --out {card.stem}.npz --eyes {arguments.eyes} --seed {arguments.seed}",
        "sha256": hashlib.sha256(learnt).hexdigest(),
        "versions": {"classic_eyes": __version__, "numpy": np.__version__, "opencv": cv2.__version__},
        "judged": {
            "n": judged.n,
            "error_in_pixels": round(judged.error, 3),
            "error_of_the_mean_eye_in_pixels": round(judged.unknown, 3),
        },
    }
    write_whole(card, (json.dumps(told, indent=2) + "\n").encode("utf-8"))
    print(
        f"on {judged.n:,} other rendered patches the middle of the eye is off by {judged.error:.2f} of 24 pixels, and "
        f"that of the mean eye by {judged.unknown:.2f}"
    )
    print(f"wrote {arguments.out} ({len(learnt) / 1e6:.1f} MB) and {card}", file=sys.stderr)
    return 0
