"""Train on all sources but one and evaluate on that one, for each source."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

import numpy as np
from joblib import cpu_count
from tqdm import tqdm

from benchmarks.commands import print_failed
from benchmarks.sources import Source, evaluate_left_out, mean_and_worst
from classic_eyes import EyeClassifier
from classic_eyes.cli.arguments import natural_number, positive_integer, random_seed
from classic_eyes.cli.tables import markdown
from classic_eyes.datasets import load_labelled, read_eyes
from classic_eyes.errors import ParameterError
from classic_eyes.recipes import RECIPES

_DATA = "../shared/data"
_KINDS = f"{_DATA}/kinds"
DEFAULT = (
    f"eyes24={_DATA}/eyes24",
    f"mrl={_DATA}/mrl",
    f"tight50={_KINDS}/tight50",
    f"harsh24={_KINDS}/harsh24",
    f"webcams={_KINDS}/rajn24,{_KINDS}/siva224,{_KINDS}/faiz",
    f"clips={_KINDS}/clips",
)
"""The sources of which one is left out, where none are given."""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of ``bench.py leave-source-out``."""
    parser.add_argument(
        "sources",
        nargs="*",
        metavar="[NAME=]PATH[,PATH]",
        help="labelled folders; those joined by commas are one source; default: the sources of the shipped models, in "
        f"{_DATA}",
    )
    parser.add_argument("--recipe", default="default", choices=tuple(RECIPES), help="default: default")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="leave out only these sources")
    parser.add_argument(
        "--at-most", type=positive_integer, metavar="N", help="images a source, spread evenly; default: all"
    )
    parser.add_argument("--copies", type=natural_number, metavar="N", help="default: that of the recipe")
    parser.add_argument("--synthetic", type=natural_number, metavar="N", help="default: that of the recipe")
    parser.add_argument("--seed", type=random_seed, default=0, metavar="N", help="default: 0")
    parser.add_argument("--jobs", type=positive_integer, metavar="N", help="trainings at a time; default: one per core")


def work(arguments: Namespace) -> int:
    """Run ``bench.py leave-source-out``: 0, or 1 if some images could not be read."""
    changes = {"n_copies": arguments.copies, "n_synthetic": arguments.synthetic}
    given = {name: value for name, value in changes.items() if value is not None}
    clf = EyeClassifier.from_recipe(arguments.recipe, random_state=arguments.seed, **given)
    sources, failed = [], False
    for text in arguments.sources or DEFAULT:
        source, skipped = read_source(text, size=clf.gate_size, at_most=arguments.at_most)
        print_failed(skipped)
        failed = failed or bool(skipped)
        sources.append(source)
    n_left_out = len(arguments.only) or len(sources)
    with tqdm(total=n_left_out, unit=" sources", disable=not sys.stderr.isatty(), file=sys.stderr) as bar:
        results = evaluate_left_out(
            sources, clf, left_out=arguments.only, n_jobs=arguments.jobs or cpu_count(), tick=bar.update
        )
    print(left_out_table(results), flush=True)
    return int(failed)


def read_source(text: str, *, size: int, at_most: int | None = None) -> tuple[Source, list[tuple[str, str]]]:
    """Read a source from ``[NAME=]PATH[,PATH]``; also return names and reasons of images that could not be read."""
    name, _, paths = text.rpartition("=")
    folders = [path for path in paths.split(",") if path]
    if not folders:
        raise ParameterError(f"source {text!r} names no folder; allowed is [NAME=]PATH[,PATH]")
    loaded = []
    for folder in folders:
        eyes = read_eyes(folder)
        if at_most is not None and len(eyes) > at_most:
            eyes = eyes.take(np.unique(np.linspace(0, len(eyes) - 1, at_most).astype(int)))
        loaded.append(load_labelled(eyes, size=size))
    source = Source(
        name or "+".join(Path(folder).name for folder in folders),
        np.concatenate([part.images for part in loaded]),
        np.concatenate([part.eyes.labels for part in loaded]),
        np.concatenate([np.char.add(f"{number}/", part.eyes.groups) for number, part in enumerate(loaded)]),
        np.repeat(np.arange(len(loaded)), [len(part.eyes) for part in loaded]),
    )
    return source, [failure for part in loaded for failure in part.failed]


def left_out_table(results: dict[str, dict[str, Any]]) -> str:
    """Format the result of `evaluate_left_out` as Markdown tables."""
    head = ["source left out", "n", "accuracy", "EER", "AUC", "closed missed", "open missed", "calibration error"]
    rows = [[*head, "surest 95%", "best threshold", "flagged as non-eyes"]]
    for name, each in results.items():
        flagged = "" if each["flagged"] is None else _interval(each["flagged"])
        rows.append(
            [
                name,
                f"{each['n']:,}",
                *(_interval(each[key]) for key in ("accuracy", "eer", "auc")),
                *(_number(each[key]) for key in ("closed_missed", "open_missed")),
                _number(each["calibration_error"]["value"]),
                _number(each["selective_accuracy"]["value"]),
                _number(each["best_accuracy"]),
                flagged,
            ]
        )
    for name, figures in zip(("mean", "worst"), mean_and_worst(results), strict=True):
        keys = ("accuracy", "eer", "auc", "closed_missed", "open_missed", "calibration_error", "selective_accuracy")
        rows.append([name, "", *(_number(figures.get(key)) for key in (*keys, "best_accuracy", "flagged"))])
    lines = list(markdown(rows))
    found = {name: each["found"] for name, each in results.items() if each["found"]}
    if found:
        kinds = list(next(iter(found.values())))
        table = [["detected non-eyes, trained without", *kinds]]
        table += [[name, *(_number(rates[kind]) for kind in kinds)] for name, rates in found.items()]
        lines += ["", *markdown(table)]
    return "\n".join(lines)


def _interval(entry: dict[str, Any]) -> str:
    if entry["value"] is None:
        return ""
    if entry["low"] is None:
        return _number(entry["value"])
    return f"{entry['value']:.4f} ({entry['low']:.3f}-{entry['high']:.3f})"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
