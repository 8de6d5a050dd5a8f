"""Measure the time of predictions: a folder, arrays, one image, and the start of a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import cv2
from numpy.typing import NDArray

from benchmarks.commands import make_out_folder
from classic_eyes import EyePredictor, load_model
from classic_eyes._utils.files import SHIPPED_MODELS
from classic_eyes._utils.resources import memory_of_tree_mb, one_thread
from classic_eyes.cli.arguments import names, natural_number, positive_integer
from classic_eyes.cli.rows import write_rows
from classic_eyes.datasets import find_images
from classic_eyes.errors import ParameterError, WorkerError
from classic_eyes.images import read_images
from classic_eyes.inference import CHUNK, quickest_backend, score_files
from classic_eyes.synthetic import make_eyes

_SYNTHETIC = 1000
_FILE = "speed.json"
# A single image takes too little time to be timed alone.
_SINGLES = 200
# Seconds between two samples of the memory of a run.
_INTERVAL = 0.05
# The path of the clone is passed on, because a new process may not have it.
_AT = "import sys; sys.path.append(sys.argv[1]); "
_PREDICT = _AT + "from classic_eyes.cli import main; sys.exit(main(['predict', *sys.argv[2:]]))"
# The measuring process loads no more than a run of predict: the less a process holds, the faster it is forked.
_MEASURE = _AT + (
    "import json, signal; signal.signal(signal.SIGINT, signal.SIG_DFL); "
    "from benchmarks.commands.speed import _measure; print(json.dumps(_measure(**json.loads(sys.argv[2]))))"
)
_STARTS = {
    "python": "",
    "import numpy and cv2": "import numpy, cv2",
    "and classic_eyes": _AT + "import numpy, cv2, classic_eyes",
    "and its EyePredictor": _AT + "import numpy, cv2; from classic_eyes import EyePredictor",
}


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of ``bench.py speed``."""
    parser.add_argument(
        "path", nargs="?", metavar="PATH", help=f"a folder of images; default: {_SYNTHETIC:,} synthetic eyes"
    )
    parser.add_argument(
        "--models",
        type=names,
        default=SHIPPED_MODELS,
        metavar="A,B",
        help=f"of {', '.join(SHIPPED_MODELS)}, or .npz files; default: those that ship",
    )
    parser.add_argument("--rounds", type=positive_integer, default=5, metavar="N", help="default: 5")
    parser.add_argument(
        "--jobs", type=positive_integer, metavar="N", help="threads from folder to CSV; default: one per core"
    )
    parser.add_argument(
        "--many", type=natural_number, default=0, metavar="N", help="also the memory of a run over N images; default: 0"
    )
    parser.add_argument("--force", action="store_true", help="replace the file of an earlier run")
    parser.add_argument("--out", metavar="DIR", help="write DIR/speed.json")


def work(arguments: Namespace) -> int:
    """Run ``bench.py speed``: 0."""
    from benchmarks.store import processor_name, write_json

    if arguments.out is not None:
        make_out_folder(arguments.out, _FILE, force=arguments.force)
    speed = measure_speed(
        arguments.path, arguments.models, rounds=arguments.rounds, n_jobs=arguments.jobs, many=arguments.many
    )
    speed["machine"] = processor_name()
    print(speed_table(speed), flush=True)
    if arguments.out is not None:
        write_json(Path(arguments.out) / _FILE, speed)
        print(f"wrote {Path(arguments.out) / _FILE}", file=sys.stderr)
    return 0


def _seconds(action: Callable[[], Any]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def _command(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", code, str(Path(__file__).resolve().parents[2]), *arguments]


def _run(code: str, *arguments: str) -> str:
    done = subprocess.run(_command(code, *arguments), capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
        raise WorkerError(f"a new process failed: {reason}")
    return done.stdout


def _to_csv(folder: str, model: EyePredictor, out: str, n_jobs: int | None) -> None:
    images = find_images(folder)
    paths, backend = [path for path, _ in images], quickest_backend()
    scored = score_files(paths, model.program, n_jobs=n_jobs, backend=backend)
    with open(out, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        write_rows([name for _, name in images], scored, file)


def _decode(paths: Sequence[str]) -> None:
    for start in range(0, len(paths), CHUNK):
        read_images(paths[start : start + CHUNK])


def _predict_singly(model: EyePredictor, images: NDArray[Any]) -> None:
    for image in images[:_SINGLES]:
        model.predict_one(image)


def _write_synthetic(folder: str) -> None:
    for number, image in enumerate(make_eyes(_SYNTHETIC, random_state=0).images):
        cv2.imwrite(os.path.join(folder, f"{number:04}.jpg"), image)


def _peak_memory(paths: Sequence[str], n: int, models: Sequence[str], scratch: str) -> dict[str, float]:
    """Return the peak memory of a run over a folder of n images for each model, in MB (2**20 bytes)."""
    many = os.path.join(scratch, "many")
    os.mkdir(many)
    for number in range(n):
        path = paths[number % len(paths)]
        os.symlink(os.path.abspath(path), os.path.join(many, f"{number:07}{os.path.splitext(path)[1]}"))
    out = os.path.join(scratch, "many.csv")
    return {name: _peak_of_run([_PREDICT, many, "--model", name, "--out", out, "--force"]) for name in models}


def _peak_of_run(arguments: Sequence[str]) -> float:
    """Run a command and return the peak memory of all its processes together, in MB (2**20 bytes)."""
    peak = 0.0
    with subprocess.Popen(
        _command(*arguments), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as running:
        while running.poll() is None:
            peak = max(peak, memory_of_tree_mb(running.pid))
            time.sleep(_INTERVAL)
        error = running.stderr.read() if running.stderr else ""
    if running.returncode:
        raise WorkerError(f"a run over many images failed: {(error.strip().splitlines() or ['no reason'])[-1]}")
    return peak


def measure_speed(
    folder: str | None, models: Sequence[str], *, rounds: int = 5, n_jobs: int | None = None, many: int = 0
) -> dict[str, Any]:
    """Time predictions in several ways, each once a round, so that ratios share the state of the machine.

    1. Everything happens in a new process that loads no more than a run of ``predict``, and runs once before the clock
       starts.
    2. Each round decodes the files and nothing else on one thread. For each model it goes from the folder to a CSV
       with all jobs, predicts decoded images on one thread, single images, and one file in a process of its own.
    3. Each round also starts Python alone, with numpy and OpenCV, and with the library.
    4. Medians over the rounds are returned, of times and of their ratios to decoding in the same round.

    Without a folder, 1,000 synthetic eyes are written as JPEG files. Returns ``images``, ``rounds``, ``jobs``,
    ``models``; ``seconds`` and ``over_decode`` by step; ``singles``, images predicted one by one; ``memory``, the peak
    of a run over ``many`` images for each model, in MB.
    """
    # Errors are raised here as one line; from the other process they would be a traceback.
    for name in models:
        _open(name)
    if folder is not None:
        find_images(folder)
    arguments = {"folder": folder, "models": list(models), "rounds": rounds, "n_jobs": n_jobs, "many": many}
    # Ctrl-C ends the measuring process at once; its files are removed here.
    with tempfile.TemporaryDirectory() as scratch:
        measured: dict[str, Any] = json.loads(_run(_MEASURE, json.dumps({**arguments, "scratch": scratch})))
    return measured


def _measure(
    folder: str | None, models: Sequence[str], *, rounds: int, n_jobs: int | None, many: int, scratch: str
) -> dict[str, Any]:
    if folder is None:
        folder = os.path.join(scratch, "synthetic")
        os.mkdir(folder)
        _write_synthetic(folder)
    paths = [path for path, _ in find_images(folder)]
    actions = _actions(folder, paths, models, os.path.join(scratch, "predictions.csv"), n_jobs)
    times: dict[str, list[float]] = {name: [] for name in actions}
    for number in range(rounds + 1):
        for name, action in actions.items():
            seconds = _seconds(action)
            if number > 0:
                times[name].append(seconds)
    memory = _peak_memory(paths, many, models, scratch) if many else {}
    decode = times["decode"]
    return {
        "images": len(paths),
        "rounds": rounds,
        "jobs": n_jobs or os.cpu_count(),
        "models": list(models),
        "seconds": {name: median(values) for name, values in times.items()},
        "over_decode": {
            name: median(one / unit for one, unit in zip(values, decode, strict=True)) for name, values in times.items()
        },
        "singles": min(_SINGLES, len(paths)),
        "many": many,
        "memory": memory,
    }


def _open(name: str) -> EyePredictor:
    if name.endswith((".joblib", ".skops")):
        raise ParameterError(f"model {name!r}: only .npz files, and {', '.join(SHIPPED_MODELS)}, are timed")
    return load_model(name)


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
        readable = images[[error is None for error in errors]]
        one_file = [paths[0], "--model", name]
        actions[f"{name}: folder to CSV"] = partial(_to_csv, folder, model, out, n_jobs)
        actions[f"{name}: arrays"] = partial(_alone, model.program.probability, readable)
        actions[f"{name}: one image"] = partial(_alone, _predict_singly, model, readable)
        actions[f"{name}: a process for one file"] = partial(_run, _PREDICT, *one_file)
    for what, code in _STARTS.items():
        actions[what] = partial(_run, code)
    return actions


def speed_table(speed: dict[str, Any]) -> str:
    """Format the result of `measure_speed`, with ``machine``, as Markdown tables."""
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
    lines += ["| step | an image | a second | x decode |", "|---|---|---|---|"]
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
        lines += ["", f"| peak memory, {speed['many']:,} images | MB |", "|---|---|"]
        lines += [f"| {name} | {memory:,.0f} |" for name, memory in speed["memory"].items()]
    return "\n".join(lines)
