"""Say where the time of a run goes: start, listing, decoding, features, decision, writing."""

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
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from classic_eyes._utils.threads import one_thread
from classic_eyes.cli.arguments import positive_integer
from classic_eyes.cli.models import add_model_arguments, open_model, probability_of
from classic_eyes.cli.predict import list_images
from classic_eyes.cli.rows import write_rows
from classic_eyes.errors import ModelError
from classic_eyes.images import read_images
from classic_eyes.inference import CHUNK, Scored, quickest_backend, score_files
from classic_eyes.predictor import EyePredictor

if TYPE_CHECKING:
    from classic_eyes.classifier import EyeClassifier

__all__ = ["add_arguments", "profile_table", "time_run", "time_start", "work"]

# As in work(): what a run needs, opened in the same way; where the package lies is given, for a clone may not be on the
# path of a new process.
_START = (
    "import sys; sys.path.append(sys.argv[1]); from classic_eyes.cli.models import open_model; "
    "open_model(sys.argv[3] if len(sys.argv) > 3 else None, trusted=sys.argv[2] == 'True')"
)
_MEANING = {
    "start": "a new process imports and loads the model",
    "listing": "finding the images",
    "decoding": "reading and decoding the files",
    "features": "describing the images",
    "decision": "from features to probabilities",
    "features and decision": "in one, for the model has no compiled form",
    "writing": "the CSV, to nowhere",
}


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of ``classic-eyes profile``.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Gets the arguments.
    """
    parser.epilog = (
        "Stages are timed on one thread, after everything was done once; then the real run, with all jobs. Times mean "
        "something only where nothing else runs. Ends with 1 if some files could not be read."
    )
    parser.add_argument("paths", nargs="+", metavar="PATH", help="a folder, searched through all levels, or an image")
    add_model_arguments(parser)
    parser.add_argument(
        "--jobs", type=positive_integer, metavar="N", help="threads of the real run; by default one per core"
    )
    parser.add_argument(
        "--rounds", type=positive_integer, default=3, metavar="N", help="times the median is taken of; default: 3"
    )
    parser.add_argument("--format", choices=("table", "json"), default="table", help="default: table")


def _seconds(action: Callable[[], Any]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def time_start(model: str | None, *, trusted: bool = False) -> float:
    """Say how long a new process takes to import and to load a model.

    Parameters
    ----------
    model : str, optional
        As `classic_eyes.cli.models.open_model` takes it.
    trusted : bool, default False
        Whether the user knows where a joblib file comes from.

    Returns
    -------
    float
        Seconds, with those of the interpreter itself.

    Raises
    ------
    ModelError
        If the process fails.
    """
    above = str(Path(__file__).resolve().parents[2])
    command = [sys.executable, "-c", _START, above, str(trusted), *([] if model is None else [model])]
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    seconds = time.perf_counter() - began
    if done.returncode:
        said = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
        raise ModelError(f"a new process cannot open the model: {said}; see whether classic-eyes predict can")
    return seconds


def _describe_and_decide(model: EyePredictor | EyeClassifier, images: NDArray[np.uint8]) -> dict[str, float]:
    if isinstance(model, EyePredictor):
        return model.stages(images)
    return {"features and decision": _seconds(lambda: model.predict_proba(images))}


def _stage_by_stage(model: EyePredictor | EyeClassifier, paths: Sequence[str]) -> dict[str, float]:
    """Return the seconds of all chunks, on the thread that asks."""
    spent = {"decoding": 0.0}
    for start in range(0, len(paths), CHUNK):
        began = time.perf_counter()
        images, errors = read_images(paths[start : start + CHUNK], size=model.size)
        spent["decoding"] += time.perf_counter() - began
        good = np.array([error is None for error in errors])
        if good.any():
            for stage, seconds in _describe_and_decide(model, images[good]).items():
                spent[stage] = spent.get(stage, 0.0) + seconds
    return spent


def time_run(
    paths: list[str], model: EyePredictor | EyeClassifier, *, n_jobs: int | None = None, rounds: int = 3
) -> dict[str, Any]:
    """Say how long each stage of a run takes on one thread, and how long the whole run with all jobs.

    1. The run is done once before the clock starts, so that files and code are in the caches.
    2. Each round lists, decodes, describes, decides and writes, one after the other in chunks of 256, and then runs all
       of it as ``predict`` does.
    3. Of each stage, and of the run, the median over the rounds counts.

    Parameters
    ----------
    paths : list of str
        Folders and images.
    model : EyePredictor or EyeClassifier
        What answers.
    n_jobs : int, optional
        Threads of the real run; by default one for each core.
    rounds : int, default 3
        1 or more.

    Returns
    -------
    dict
        ``images`` and ``failed``, numbers of files; ``rounds``; ``seconds``, stage to seconds; ``run``, with its
        ``jobs`` (None for one per core), ``seconds``, ``images_a_second`` and ``over_decode``, the seconds over those
        of decoding alone on one thread.

    Raises
    ------
    DataError
        For a path at which there is nothing, or a folder without images.
    """
    images = list_images(paths)
    files, names = [path for path, _ in images], [name for _, name in images]

    def _run() -> Iterator[Scored]:
        backend = quickest_backend()
        return score_files(files, probability_of(model), size=model.size, n_jobs=n_jobs, backend=backend)

    spent: dict[str, list[float]] = {}
    answers = list(_run())
    with open(os.devnull, "w", encoding="utf-8", errors="surrogateescape", newline="") as nowhere:
        for _ in range(rounds):
            with one_thread():
                one = {"listing": _seconds(lambda: list_images(paths)), **_stage_by_stage(model, files)}
                one["writing"] = _seconds(lambda: write_rows(names, answers, nowhere))
            one["run"] = _seconds(lambda: write_rows(names, _run(), nowhere))
            for stage, took in one.items():
                spent.setdefault(stage, []).append(took)
    seconds = {stage: median(times) for stage, times in spent.items()}
    whole = seconds.pop("run")
    return {
        "images": len(files),
        "failed": sum(answer.error is not None for answer in answers),
        "rounds": rounds,
        "seconds": seconds,
        "run": {
            "jobs": n_jobs,
            "seconds": whole,
            "images_a_second": len(files) / whole,
            "over_decode": whole / seconds["decoding"],
        },
    }


def _with_shares(timed: dict[str, Any]) -> dict[str, Any]:
    whole = sum(timed["seconds"].values())
    stages = [
        {
            "stage": stage,
            "seconds": seconds,
            "share": seconds / whole,
            "microseconds": seconds / timed["images"] * 1e6,
        }
        for stage, seconds in timed["seconds"].items()
    ]
    return {**{key: value for key, value in timed.items() if key != "seconds"}, "stages": stages}


def profile_table(profile: dict[str, Any]) -> str:
    """Lay out a profile for the terminal.

    Parameters
    ----------
    profile : dict
        As ``--format json`` shows it.

    Returns
    -------
    str
        Lines of text.

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
        lines.append(f"{profile['failed']:,} of the images could not be read; classic-eyes predict says why")
    return "\n".join(lines)


def work(arguments: Namespace) -> int:
    """Run ``classic-eyes profile``.

    Parameters
    ----------
    arguments : argparse.Namespace
        As `add_arguments` declares them.

    Returns
    -------
    int
        0 all read; 1 some files failed.
    """
    model = open_model(arguments.model, trusted=arguments.trust_model)
    timed = time_run(arguments.paths, model, n_jobs=arguments.jobs, rounds=arguments.rounds)
    starts = [time_start(arguments.model, trusted=arguments.trust_model) for _ in range(arguments.rounds)]
    profile = _with_shares({**timed, "seconds": {"start": median(starts), **timed["seconds"]}})
    print(json.dumps(profile, indent=2) if arguments.format == "json" else profile_table(profile))
    return 1 if timed["failed"] else 0
