"""What the commands share that learn a file from synthetic eyes: their arguments, and the card of what they learnt."""

from __future__ import annotations

import hashlib
import json
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from classic_eyes._utils.writing import write_whole
from classic_eyes._version import __version__
from classic_eyes.cli.arguments import check_out, positive_integer, random_seed

__all__ = ["add_synthetic_arguments", "begin", "write_card"]


def add_synthetic_arguments(parser: ArgumentParser, ending: str, *, eyes: int, allowed: str = "") -> None:
    """Declare ``--out``, ``--force``, ``--eyes`` and ``--seed``.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Gets the arguments.
    ending : str
        Of the file, with its dot.
    eyes : int
        Synthetic eyes by default.
    allowed : str, default ""
        How many there may be, for the help.
    """
    parser.add_argument(
        "--out", required=True, metavar="FILE", help=f"NAME{ending}; its card NAME.json is written beside it"
    )
    parser.add_argument("--force", action="store_true", help="take the place of a file that is there already")
    said = f"synthetic eyes{allowed}; default: {eyes}"
    parser.add_argument("--eyes", type=positive_integer, default=eyes, metavar="N", help=said)
    parser.add_argument("--seed", type=random_seed, default=0, metavar="N", help="default: 0")


def begin(arguments: Namespace, ending: str) -> None:
    """Refuse a file that cannot be written, or say that learning begins.

    Parameters
    ----------
    arguments : argparse.Namespace
        As `add_synthetic_arguments` declares them.
    ending : str
        Of the file.
    """
    check_out(arguments.out, ending, force=arguments.force)
    check_out(str(_card(arguments)), ".json", force=arguments.force)
    print(f"learning from {arguments.eyes:,} synthetic eyes ...", file=sys.stderr)


def write_card(
    arguments: Namespace, command: str, learnt: bytes, *, kind: str, versions: dict[str, str], judged: dict[str, Any]
) -> None:
    """Write the card of a file that has been written, and say so.

    Parameters
    ----------
    arguments : argparse.Namespace
        As `add_synthetic_arguments` declares them.
    command : str
        Its name.
    learnt : bytes
        What the file holds.
    kind : str
        What it is.
    versions : dict of str to str
        Of the libraries that it hangs on.
    judged : dict
        How well it does.
    """
    card, file = _card(arguments), Path(arguments.out)
    seeded = f"--eyes {arguments.eyes} --seed {arguments.seed}"
    told = {
        "kind": kind,
        "learnt_from": f"{arguments.eyes} synthetic eyes of classic_eyes.synthetic; no photograph of anybody",
        "command": f"classic-eyes {command} --out {file.stem}{file.suffix} {seeded}",
        "sha256": hashlib.sha256(learnt).hexdigest(),
        "versions": {"classic_eyes": __version__, **versions},
        "judged": judged,
    }
    write_whole(card, (json.dumps(told, indent=2) + "\n").encode("utf-8"))
    print(f"wrote {arguments.out} ({len(learnt) / 1e6:.1f} MB) and {card}", file=sys.stderr)


def _card(arguments: Namespace) -> Path:
    return Path(arguments.out).with_suffix(".json")
