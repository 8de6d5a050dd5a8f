"""Measure how many non-eyes are detected at a false positive rate of 1%."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from typing import Any

import numpy as np
from tqdm import tqdm

from benchmarks.commands import print_failed
from benchmarks.non_eyes import DETECTORS, evaluate_detectors
from classic_eyes.cli.arguments import positive_integer, random_seed
from classic_eyes.datasets import load_images, read_eyes
from classic_eyes.synthetic import make_eyes

_SYNTHETIC = 1000


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of ``bench.py non-eyes``."""
    parser.add_argument(
        "paths", nargs="*", metavar="PATH", help="folders of eyes, labelled or not; default: synthetic eyes"
    )
    parser.add_argument("--folds", type=positive_integer, default=5, metavar="N", help="default: 5")
    parser.add_argument("--seed", type=random_seed, default=0, metavar="N", help="default: 0")


def work(arguments: Namespace) -> int:
    """Run ``bench.py non-eyes``: 0, or 1 if some images could not be read."""
    sets: list[tuple[str, Any, Any]] = []
    failed = False
    for path in arguments.paths:
        data = load_images(read_eyes(path))
        failed = failed or bool(data.failed)
        print_failed(data.failed)
        sets.append((data.eyes.source, data.images, data.eyes.groups))
    if not sets:
        print(f"no PATH: {_SYNTHETIC:,} synthetic eyes, which tell little about photographs", flush=True)
        eyes = make_eyes(_SYNTHETIC, random_state=arguments.seed)
        sets.append(("synthetic", eyes.images, np.arange(_SYNTHETIC)))
    total = arguments.folds * len(DETECTORS)
    with tqdm(total=total, unit=" steps", disable=not sys.stderr.isatty(), file=sys.stderr) as bar:
        results = evaluate_detectors(sets, n_splits=arguments.folds, random_state=arguments.seed, tick=bar.update)
    print(detector_table(results), flush=True)
    return int(failed)


def detector_table(results: dict[str, Any]) -> str:
    """Format the result of `evaluate_detectors` as Markdown tables."""
    names = list(results["detectors"])
    lines = [f"{results['n']:,} eyes, scored out of fold by group; 1% of them is above the threshold", ""]
    lines += [f"| detected non-eyes | n | {' | '.join(names)} |", "|---|---|" + "---|" * len(names)]
    for kind in results["detectors"][names[0]]["found"]:
        rates = [results["detectors"][name]["found"][kind] for name in names]
        lines.append(f"| {kind} | {rates[0]['n']:,} | {' | '.join(map(_cell, rates))} |")
    lines += ["", f"| eyes detected as non-eyes | n | {' | '.join(names)} | residuals, at the threshold of a model |"]
    lines.append("|---|---|" + "---|" * (len(names) + 1))
    for source, own in results["own_threshold"].items():
        rates = [*(results["detectors"][name]["eyes"][source] for name in names), own]
        lines.append(f"| {source} | {own['n']:,} | {' | '.join(map(_cell, rates))} |")
    return "\n".join(lines)


def _cell(rate: dict[str, Any]) -> str:
    return f"{rate['value']:.3f} ({rate['low']:.3f}-{rate['high']:.3f})"
