"""How long people wait: from a folder to a CSV, for one image, for the start; as ratios within one run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import cv2
from numpy.typing import NDArray

from classic_eyes._utils.memory import memory_of_tree_mb
from classic_eyes._utils.threads import one_thread
from classic_eyes.cli.models import open_model, probability_of
from classic_eyes.cli.predict import list_images
from classic_eyes.cli.rows import write_rows
from classic_eyes.errors import ParameterError, WorkerError
from classic_eyes.images import read_images
from classic_eyes.inference import CHUNK, quickest_backend, score_files
from classic_eyes.predictor import EyePredictor
from classic_eyes.synthetic import make_eyes

__all__ = ["measure_speed", "speed_table"]

_SYNTHETIC = 1000
# One image takes less than the clock's own ticks are worth.
_SINGLES = 200
# Seconds between two looks at the memory of a run.
_LOOK = 0.05
# Where the package lies is given, for a clone may not be on the path of a new process.
_AT = "import sys; sys.path.append(sys.argv[1]); "
_PREDICT = _AT + "from classic_eyes.cli import main; status = main(['predict', *sys.argv[2:]]); "
# What measures loads no more than a run of predict does: a process is forked the quicker the less it holds.
_MEASURE = _AT + (
    "import json, signal; signal.signal(signal.SIGINT, signal.SIG_DFL); from benchmarks.commands.speed import _measure; "
    "print(json.dumps(_measure(**json.loads(sys.argv[2]))))"
)
_STARTS = {
    "python": "",
    "import numpy and cv2": "import numpy, cv2",
    "and classic_eyes": _AT + "import numpy, cv2, classic_eyes",
    "and its EyePredictor": _AT + "import numpy, cv2; from classic_eyes import EyePredictor",
}


def _seconds(action: Callable[[], Any]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def _command(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", code, str(Path(__file__).resolve().parents[2]), *arguments]


def _run(code: str, *arguments: str) -> str:
    done = subprocess.run(_command(code, *arguments), capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
        raise WorkerError(f"a new process failed: {said}")
    return done.stdout


def _to_csv(folder: str, model: EyePredictor, out: str, n_jobs: int | None) -> None:
    images = list_images([folder])
    paths, backend = [path for path, _ in images], quickest_backend()
    scored = score_files(paths, probability_of(model), size=model.size, n_jobs=n_jobs, backend=backend)
    with open(out, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        write_rows([name for _, name in images], scored, file)


def _decode(paths: Sequence[str]) -> None:
    for start in range(0, len(paths), CHUNK):
        read_images(paths[start : start + CHUNK])


def _answer_singly(model: EyePredictor, images: NDArray[Any]) -> None:
    for image in images[:_SINGLES]:
        model.predict_one(image)


def _render(folder: str) -> None:
    for number, image in enumerate(make_eyes(_SYNTHETIC, random_state=0).images):
        cv2.imwrite(os.path.join(folder, f"{number:04}.jpg"), image)


def _peak_memory(paths: Sequence[str], n: int, models: Sequence[str], scratch: str) -> dict[str, float]:
    """Return what a run over a folder of n images holds at most, by model, in MB (2**20 bytes)."""
    many = os.path.join(scratch, "many")
    os.mkdir(many)
    for number in range(n):
        path = paths[number % len(paths)]
        os.symlink(os.path.abspath(path), os.path.join(many, f"{number:07}{os.path.splitext(path)[1]}"))
    out = os.path.join(scratch, "many.csv")
    code = _PREDICT + "sys.exit(status)"
    return {name: _most_held([code, many, "--model", name, "--out", out]) for name in models}


def _most_held(arguments: Sequence[str]) -> float:
    """Run a command and return the most memory that its processes held together, in MB (2**20 bytes)."""
    most = 0.0
    with subprocess.Popen(
        _command(*arguments), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as running:
        while running.poll() is None:
            most = max(most, memory_of_tree_mb(running.pid))
            time.sleep(_LOOK)
        said = running.stderr.read() if running.stderr else ""
    if running.returncode:
        raise WorkerError(f"a run over many images failed: {(said.strip().splitlines() or ['no reason'])[-1]}")
    return most


def measure_speed(
    folder: str | None, models: Sequence[str], *, rounds: int = 5, n_jobs: int | None = None, many: int = 0
) -> dict[str, Any]:
    """Measure how long people wait for answers, each thing once a round, so that ratios share what the machine did.

    1. All of it happens in a new process, which loads no more than a run of ``predict``; everything is done once before
       the clock starts.
    2. Each round decodes the files and nothing else on one thread; and for each model goes from the folder to a CSV
       with all jobs, answers decoded images on one thread, answers images one by one, and answers one file in a
       process of its own.
    3. Each round also starts Python alone, with numpy and OpenCV, and with the library.
    4. Medians over the rounds count, of times and of their ratios to decoding within the round.

    Parameters
    ----------
    folder : str or None
        Images; None renders 1,000 eyes of 24 x 24 pixels as JPEG files.
    models : sequence of str
        As `classic_eyes.cli.models.open_model` takes them; only those with a compiled form.
    rounds : int, default 5
        1 or more.
    n_jobs : int, optional
        Threads from folder to CSV; by default one for each core.
    many : int, default 0
        Images of a run of its own whose memory is measured; 0 for none.

    Returns
    -------
    dict
        ``images``, ``rounds``, ``jobs``, ``models``; ``seconds``, name of what was done to its median;
        ``over_decode``, name to the median of its ratios; ``singles``, images answered one by one; ``memory``, model
        to MB, of ``many`` images.

    Raises
    ------
    ParameterError
        For a model without a compiled form.
    WorkerError
        If a process that is to be timed fails.
    """
    # Refused here, a mistake is one line; from another process it would be a traceback.
    for name in models:
        _open(name)
    if folder is not None:
        list_images([folder])
    asked = {"folder": folder, "models": list(models), "rounds": rounds, "n_jobs": n_jobs, "many": many}
    # Ctrl-C ends what measures at once; what it wrote is taken away here.
    with tempfile.TemporaryDirectory() as scratch:
        measured: dict[str, Any] = json.loads(_run(_MEASURE, json.dumps({**asked, "scratch": scratch})))
    return measured


def _measure(
    folder: str | None, models: Sequence[str], *, rounds: int, n_jobs: int | None, many: int, scratch: str
) -> dict[str, Any]:
    if folder is None:
        folder = os.path.join(scratch, "synthetic")
        os.mkdir(folder)
        _render(folder)
    paths = [path for path, _ in list_images([folder])]
    actions = _actions(folder, paths, models, os.path.join(scratch, "answers.csv"), n_jobs)
    taken: dict[str, list[float]] = {name: [] for name in actions}
    for number in range(rounds + 1):
        for name, action in actions.items():
            seconds = _seconds(action)
            if number > 0:
                taken[name].append(seconds)
    memory = _peak_memory(paths, many, models, scratch) if many else {}
    decode = taken["decode"]
    return {
        "images": len(paths),
        "rounds": rounds,
        "jobs": n_jobs or os.cpu_count(),
        "models": list(models),
        "seconds": {name: median(times) for name, times in taken.items()},
        "over_decode": {
            name: median(one / unit for one, unit in zip(times, decode, strict=True)) for name, times in taken.items()
        },
        "singles": min(_SINGLES, len(paths)),
        "many": many,
        "memory": memory,
    }


def _open(name: str) -> EyePredictor:
    model = open_model(name)
    if not isinstance(model, EyePredictor):
        raise ParameterError(f"model {name!r} has no compiled form beside it; its speed is not worth a table")
    return model


def _alone(action: Callable[..., Any], *arguments: Any) -> None:
    with one_thread():
        action(*arguments)


def _actions(
    folder: str, paths: list[str], models: Sequence[str], out: str, n_jobs: int | None
) -> dict[str, Callable[[], Any]]:
    actions: dict[str, Callable[[], Any]] = {"decode": partial(_alone, _decode, paths)}
    for name in models:
        model = _open(name)
        images, errors = read_images(paths, size=model.size)
        good = images[[error is None for error in errors]]
        asked = [paths[0], "--model", name]
        actions[f"{name}: folder to CSV"] = partial(_to_csv, folder, model, out, n_jobs)
        actions[f"{name}: arrays"] = partial(_alone, model.probability, good)
        actions[f"{name}: one image"] = partial(_alone, _answer_singly, model, good)
        actions[f"{name}: a process for one file"] = partial(_run, _PREDICT + "sys.exit(status)", *asked)
    for what, code in _STARTS.items():
        actions[what] = partial(_run, code)
    return actions


def speed_table(speed: dict[str, Any]) -> str:
    """Lay out what `measure_speed` found, for the terminal and for a document.

    Parameters
    ----------
    speed : dict
        As `measure_speed` returns it, with ``machine``, the processor's name.

    Returns
    -------
    str
        Lines of text, a table in Markdown.
    """
    n, singles, seconds = speed["images"], speed["singles"], speed["seconds"]
    over = speed["over_decode"]
    rows = [("decoding alone, one thread", n, "decode")]
    for name in speed["models"]:
        rows += [
            (f"{name}: folder to CSV, {speed['jobs']} jobs", n, f"{name}: folder to CSV"),
            (f"{name}: arrays, one thread", n, f"{name}: arrays"),
            (f"{name}: one image in a running program", singles, f"{name}: one image"),
        ]
    lines = [f"{n:,} images, median of {speed['rounds']}, {speed['machine']}", ""]
    lines += ["| what | an image | a second | x decode |", "|---|---|---|---|"]
    for what, count, key in rows:
        each = seconds[key] / count
        ratio = over[key] * n / count
        lines.append(f"| {what} | {each * 1e6:,.0f} us | {1 / each:,.0f} | {ratio:.2f} |")
    lines += ["", "| a process | seconds |", "|---|---|"]
    lines += [
        f"| classic-eyes predict one.jpg --model {name} | {seconds[f'{name}: a process for one file']:.2f} |"
        for name in speed["models"]
    ]
    lines += [f"| {what} | {seconds[what]:.2f} |" for what in _STARTS]
    if speed["memory"]:
        lines += ["", f"| most memory held, {speed['many']:,} images | MB |", "|---|---|"]
        lines += [f"| {name} | {memory:,.0f} |" for name, memory in speed["memory"].items()]
    return "\n".join(lines)
