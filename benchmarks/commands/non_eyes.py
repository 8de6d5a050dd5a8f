"""How well images that are no eyes are told from eyes: for ``classic-eyes bench --novelty``."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from tqdm import tqdm

from benchmarks import DETECTORS, evaluate_novelty
from classic_eyes.datasets import load_images, read_eyes
from classic_eyes.synthetic import make_eyes

__all__ = ["measure_novelty", "novelty_table"]

_SYNTHETIC = 1000


def measure_novelty(paths: list[str], *, n_splits: int, random_state: int) -> dict[str, Any]:
    """Judge all detectors on folders, or on synthetic eyes.

    Parameters
    ----------
    paths : list of str
        Folders of eyes, labelled or not; synthetic eyes where there is none.
    n_splits : int
        Folds.
    random_state : int
        Seed.

    Returns
    -------
    dict
        As `benchmarks.evaluate_novelty` returns it.
    """
    sets: list[tuple[str, Any, Any]] = []
    for path in paths:
        read = load_images(read_eyes(path))
        for name, reason in read.failed:
            print(f"classic-eyes: left out {name}: {reason}", file=sys.stderr)
        sets.append((read.eyes.source, read.images, read.eyes.groups))
    if not paths:
        print(f"no --data: {_SYNTHETIC:,} synthetic eyes, which say little about photographs", flush=True)
        eyes = make_eyes(_SYNTHETIC, random_state=random_state)
        sets.append(("synthetic", eyes.images, np.arange(_SYNTHETIC)))
    total = n_splits * len(DETECTORS)
    with tqdm(total=total, unit=" steps", disable=not sys.stderr.isatty(), file=sys.stderr) as bar:
        return evaluate_novelty(sets, n_splits=n_splits, random_state=random_state, tick=bar.update)


def novelty_table(told: dict[str, Any]) -> str:
    """Lay out what `measure_novelty` found, for the terminal and for a document.

    Parameters
    ----------
    told : dict
        As `measure_novelty` returns it.

    Returns
    -------
    str
        Lines of text, tables in Markdown.
    """
    names = list(told["detectors"])
    lines = [f"{told['n']:,} eyes, each scored by what has not learnt from its group; one in a hundred is flagged", ""]
    lines += [f"| no eyes that are flagged | n | {' | '.join(names)} |", "|---|---|" + "---|" * len(names)]
    for kind in told["detectors"][names[0]]["found"]:
        shares = [told["detectors"][name]["found"][kind] for name in names]
        lines.append(f"| {kind} | {shares[0]['n']:,} | {' | '.join(map(_shown, shares))} |")
    lines += ["", f"| eyes that are flagged | n | {' | '.join(names)} | residuals, by the threshold of a model |"]
    lines.append("|---|---|" + "---|" * (len(names) + 1))
    for source, at_its_border in told["own_threshold"].items():
        shares = [*(told["detectors"][name]["eyes"][source] for name in names), at_its_border]
        lines.append(f"| {source} | {at_its_border['n']:,} | {' | '.join(map(_shown, shares))} |")
    return "\n".join(lines)


def _shown(share: dict[str, Any]) -> str:
    return f"{share['value']:.3f} ({share['low']:.3f}-{share['high']:.3f})"
