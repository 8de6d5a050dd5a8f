"""Measure how often the accuracy that simulated people are told contains the truth in its interval."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.commands import print_failed
from benchmarks.students import CLAIM_ORDERS, Claim, simulate_students
from classic_eyes.cli.arguments import existing_file, positive_integer, random_seed
from classic_eyes.cli.tables import markdown
from classic_eyes.datasets import load_labelled, read_eyes
from classic_eyes.metrics import proportion_interval

# A recipe that trains in seconds: what is stated is measured, not what a model can do.
_OPTIONS = ("--features", "hog", "--classifier", "svm")
_QUICK: dict[str, Any] = {"n_students": 2, "n_images": 200, "sizes": (50, 100)}


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of ``bench.py students``."""
    parser.add_argument("path", metavar="PATH", help="a labelled folder")
    parser.add_argument(
        "--labels", type=existing_file, metavar="CSV", help="file,label[,group]; default: those of PATH"
    )
    parser.add_argument(
        "--model", default="fast", metavar="FILE", help="what the label page and evaluate use; not trained on PATH"
    )
    parser.add_argument("--students", type=positive_integer, metavar="N", help="simulated people; default: 20")
    parser.add_argument("--images", type=positive_integer, metavar="N", help="images of each; default: 600")
    parser.add_argument("--seed", type=random_seed, default=0, metavar="N", help="the first seed; default: 0")
    parser.add_argument("--quick", action="store_true", help="two people with 200 images")
    parser.add_argument("--jobs", type=positive_integer, metavar="N", help="processes; default: one per core")


def work(arguments: Namespace) -> int:
    """Run ``bench.py students``: 0, or 1 if some images could not be read."""
    data = load_labelled(read_eyes(arguments.path, labels=arguments.labels))
    print_failed(data.failed)
    settings: dict[str, Any] = dict(_QUICK) if arguments.quick else {}
    settings |= {"n_students": arguments.students} if arguments.students else {}
    settings |= {"n_images": arguments.images} if arguments.images else {}
    claims = simulate_students(
        data, arguments.model, options=_OPTIONS, random_state=arguments.seed, n_jobs=arguments.jobs, **settings
    )
    print(claims_table(data.eyes.source, claims), flush=True)
    return int(bool(data.failed))


def claims_table(source: str, claims: Sequence[Claim]) -> str:
    """Format, for each command and order, how many accuracies are stated and how many are true, as Markdown."""
    rows = [
        ["command", "order", "people", "stated", "true of the stated", "mean of stated", "mean truth", "mean width"]
    ]
    for command in ("train", "evaluate"):
        for order in CLAIM_ORDERS:
            group = [claim for claim in claims if (claim.command, claim.order) == (command, order)]
            if group:
                rows.append([command, order, *_cells(group)])
    stated = [claim for claim in claims if claim.stated]
    rows.append(["both", "all", *_cells(claims)])
    low, high = proportion_interval([claim.is_true for claim in stated]) if stated else (float("nan"),) * 2
    head = (
        f"{source}: accuracies stated to {len({claim.seed for claim in claims})} simulated people; true means that the "
        "95% interval contains the accuracy on images that nobody labelled"
    )
    tail = f"True: {_share(stated)} that are stated (95% interval {low:.2f}-{high:.2f})."
    return "\n".join([head, "", *markdown(rows), "", tail])


def _cells(claims: Sequence[Claim]) -> list[str]:
    stated = [claim for claim in claims if claim.stated]
    ends = np.array([claim.stated for claim in stated]).reshape(-1, 3)
    means = [f"{ends[:, 0].mean():.3f}", f"{np.mean([claim.truth for claim in stated]):.3f}"] if stated else ["-", "-"]
    width = f"{(ends[:, 2] - ends[:, 1]).mean():.3f}" if stated else "-"
    return [str(len(claims)), str(len(stated)), _share(stated), *means, width]


def _share(stated: Sequence[Claim]) -> str:
    return f"{sum(claim.is_true for claim in stated)} of {len(stated)}"
