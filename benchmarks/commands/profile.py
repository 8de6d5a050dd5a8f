"""Measure how the time of a prediction run divides into stages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from classic_eyes import EyePredictor, load_model
from classic_eyes._utils.files import SHIPPED_MODELS
from classic_eyes._utils.resources import one_thread
from classic_eyes.cli.arguments import positive_integer
from classic_eyes.cli.rows import write_rows
from classic_eyes.datasets import find_images
from classic_eyes.errors import ModelError
from classic_eyes.images import read_images
from classic_eyes.inference import CHUNK, Scored, quickest_backend, score_files

# What a run needs. The path of the clone is passed on, because a new process may not have it.
_START = (
    "import sys; sys.path.append(sys.argv[1]); import classic_eyes.cli.predict; from classic_eyes import load_model; "
    "load_model(sys.argv[2])"
)
_MEANING = {
    "start": "a new process imports the library and loads the model",
    "listing": "finding the images",
    "decoding": "reading and decoding the files",
    "features": "computing the features",
    "decision": "from features to probabilities",
    "writing": "the CSV, to the null device",
}


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of ``bench.py profile``."""
    parser.add_argument("paths", nargs="+", metavar="PATH", help="a folder, searched recursively, or an image")
    parser.add_argument(
        "--model",
        default="default",
        metavar="MODEL",
        help=f"a .npz file, or one of {', '.join(SHIPPED_MODELS)}; default: default",
    )
    parser.add_argument(
        "--jobs", type=positive_integer, metavar="N", help="threads of the full run; default: one per core"
    )
    parser.add_argument(
        "--rounds", type=positive_integer, default=3, metavar="N", help="the median is reported; default: 3"
    )
    parser.add_argument("--format", choices=("table", "json"), default="table", help="default: table")


def work(arguments: Namespace) -> int:
    """Run ``bench.py profile``: 0, or 1 if some images could not be read."""
    model = load_model(arguments.model)
    timed = time_run(arguments.paths, model, n_jobs=arguments.jobs, rounds=arguments.rounds)
    starts = [time_start(arguments.model) for _ in range(arguments.rounds)]
    profile = _with_shares({**timed, "seconds": {"start": median(starts), **timed["seconds"]}})
    print(json.dumps(profile, indent=2) if arguments.format == "json" else profile_table(profile))
    return 1 if timed["failed"] else 0


def _seconds(action: Callable[[], Any]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def time_start(model: str) -> float:
    """Return the seconds in which a new process imports the library and loads a model."""
    root = str(Path(__file__).resolve().parents[2])
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", _START, root, model], capture_output=True, text=True, errors="replace", check=False
    )
    seconds = time.perf_counter() - start
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
        raise ModelError(f"a new process cannot load the model: {reason}; try it with classic-eyes predict")
    return seconds


def _stage_by_stage(model: EyePredictor, paths: Sequence[str]) -> dict[str, float]:
    """Return the seconds of each stage on the calling thread, over all chunks."""
    seconds = {"decoding": 0.0, "features": 0.0, "decision": 0.0}
    for start in range(0, len(paths), CHUNK):
        began = time.perf_counter()
        images, errors = read_images(paths[start : start + CHUNK], size=model.size)
        seconds["decoding"] += time.perf_counter() - began
        readable = [error is None for error in errors]
        if any(readable):
            for stage, value in model.program.stages(images[readable]).items():
                seconds[stage] += value
    return seconds


def time_run(paths: list[str], model: EyePredictor, *, n_jobs: int | None = None, rounds: int = 3) -> dict[str, Any]:
    """Time each stage of a run on one thread, and the full run with all jobs.

    1. The run is done once before the clock starts, to fill the caches.
    2. Each round lists, decodes, computes features, decides and writes, in chunks of 256, and then runs all of it as
       ``predict`` does.
    3. Medians over the rounds are returned.

    Returns ``images`` and ``failed``, numbers of files; ``rounds``; ``seconds`` of each stage; ``run``, with its
    ``jobs``, ``seconds``, ``images_a_second`` and ``over_decode``, the ratio to decoding on one thread.
    """

    def _list() -> list[tuple[str, str]]:
        return [image for path in paths for image in find_images(path)]

    files, names = map(list, zip(*_list(), strict=True))

    def _run() -> Iterator[Scored]:
        return score_files(files, model.program, n_jobs=n_jobs, backend=quickest_backend())

    seconds: dict[str, list[float]] = {}
    predictions = list(_run())
    with open(os.devnull, "w", encoding="utf-8", errors="surrogateescape", newline="") as null:
        for _ in range(rounds):
            with one_thread():
                one = {"listing": _seconds(_list), **_stage_by_stage(model, files)}
                one["writing"] = _seconds(lambda: write_rows(names, predictions, null))
            one["run"] = _seconds(lambda: write_rows(names, _run(), null))
            for stage, value in one.items():
                seconds.setdefault(stage, []).append(value)
    medians = {stage: median(values) for stage, values in seconds.items()}
    full = medians.pop("run")
    return {
        "images": len(files),
        "failed": sum(prediction.error is not None for prediction in predictions),
        "rounds": rounds,
        "seconds": medians,
        "run": {
            "jobs": n_jobs,
            "seconds": full,
            "images_a_second": len(files) / full,
            "over_decode": full / medians["decoding"],
        },
    }


def _with_shares(timed: dict[str, Any]) -> dict[str, Any]:
    total = sum(timed["seconds"].values())
    stages = [
        {
            "stage": stage,
            "seconds": seconds,
            "share": seconds / total,
            "microseconds": seconds / timed["images"] * 1e6,
        }
        for stage, seconds in timed["seconds"].items()
    ]
    return {**{key: value for key, value in timed.items() if key != "seconds"}, "stages": stages}


def profile_table(profile: dict[str, Any]) -> str:
    """Format a profile for the terminal.

    Examples
    --------
    >>> stages = [{"stage": "decoding", "seconds": 0.5, "share": 1.0, "microseconds": 125.0}]
    >>> run = {"jobs": 2, "seconds": 0.4, "images_a_second": 10_000.0, "over_decode": 0.8}
    >>> print(profile_table({"images": 4000, "failed": 0, "rounds": 3, "stages": stages, "run": run}))
    4,000 images, stage by stage on one thread, median of 3
    stage      seconds   share  us an image
    decoding    0.5000  100.0%         125.0  reading and decoding the files
    the run with 2 jobs: 0.400 s, 10,000 images a second, 0.80 x decoding on one thread
    """
    stages, run = profile["stages"], profile["run"]
    width = max(len("stage"), *(len(entry["stage"]) for entry in stages))
    lines = [f"{profile['images']:,} images, stage by stage on one thread, median of {profile['rounds']}"]
    lines.append(f"{'stage':<{width}}  {'seconds':>8}  {'share':>6}  us an image")
    for entry in stages:
        numbers = f"{entry['seconds']:8.4f}  {entry['share']:6.1%}  {entry['microseconds']:12,.1f}"
        lines.append(f"{entry['stage']:<{width}}  {numbers}  {_MEANING[entry['stage']]}")
    jobs = "a job for each core" if run["jobs"] is None else f"{run['jobs']} job{'s' if run['jobs'] > 1 else ''}"
    lines.append(
        f"the run with {jobs}: {run['seconds']:.3f} s, {run['images_a_second']:,.0f} images a second, "
        f"{run['over_decode']:.2f} x decoding on one thread"
    )
    if profile["failed"]:
        lines.append(f"{profile['failed']:,} of the images could not be read; classic-eyes predict tells why")
    return "\n".join(lines)
