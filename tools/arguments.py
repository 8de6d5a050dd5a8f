"""Shared by the training scripts: their arguments, and the card that describes the trained file."""

from __future__ import annotations

import hashlib
import json
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from classic_eyes._utils.files import write_whole
from classic_eyes._version import __version__
from classic_eyes.cli import OneLineParser
from classic_eyes.cli.arguments import check_out, positive_integer, random_seed

__all__ = ["announce", "training_parser", "write_card"]


def training_parser(script: str, description: str, *, suffix: str, eyes: int) -> ArgumentParser:
    """Return a parser with ``--out``, ``--force``, ``--eyes`` and ``--seed``."""
    parser = OneLineParser(prog=script, description=description)
    parser.add_argument(
        "--out", required=True, metavar="FILE", help=f"NAME{suffix}; its card NAME.json is written beside it"
    )
    parser.add_argument("--force", action="store_true", help="replace an existing file")
    parser.add_argument(
        "--eyes", type=positive_integer, default=eyes, metavar="N", help=f"synthetic eyes to train on; default: {eyes}"
    )
    parser.add_argument("--seed", type=random_seed, default=0, metavar="N", help="default: 0")
    return parser


def announce(arguments: Namespace, suffix: str) -> None:
    """Check that the file and its card can be written, and print that training starts."""
    check_out(arguments.out, suffix, force=arguments.force)
    check_out(str(_card_path(arguments)), ".json", force=arguments.force)
    print(f"training on {arguments.eyes:,} synthetic eyes ...", file=sys.stderr)


def write_card(
    arguments: Namespace,
    script: str,
    content: bytes,
    *,
    kind: str,
    versions: dict[str, str],
    evaluation: dict[str, float],
) -> None:
    """Write the card of the file with the given content, and print both names."""
    file, path = Path(arguments.out), _card_path(arguments)
    card: dict[str, Any] = {
        "kind": kind,
        "trained_on": f"{arguments.eyes} synthetic eyes of classic_eyes.synthetic; no photograph of anybody",
        "command": f"python tools/{script} --out {file.name} --eyes {arguments.eyes} --seed {arguments.seed}",
        "sha256": hashlib.sha256(content).hexdigest(),
        "versions": {"classic_eyes": __version__, **versions},
        "evaluation": evaluation,
    }
    write_whole(path, (json.dumps(card, indent=2) + "\n").encode("utf-8"))
    print(f"wrote {file} ({len(content) / 1e6:.1f} MB) and {path}", file=sys.stderr)


def _card_path(arguments: Namespace) -> Path:
    return Path(arguments.out).with_suffix(".json")
