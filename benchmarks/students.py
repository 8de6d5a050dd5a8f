"""Whether the accuracy that a person is told is true: simulated people label, train and evaluate by the commands."""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from joblib import cpu_count
from numpy.typing import NDArray

from classic_eyes import cli, load_model, metrics
from classic_eyes._utils.files import csv_text
from classic_eyes._utils.workers import run_tasks
from classic_eyes.datasets import LoadedSet, group_folds
from classic_eyes.errors import ParameterError
from classic_eyes.labeling import queue_images

__all__ = ["CLAIM_ORDERS", "Claim", "simulate_students"]

CLAIM_ORDERS = ("random", "mixed", "priority")
_SLIPS = 0.02
_PAGE = 50


@dataclass(frozen=True)
class Claim:
    """What a simulated person is told about an accuracy, and the truth.

    Parameters
    ----------
    seed : int
        Of the person.
    order : str
        Order of the label page.
    n_answers : int
        Labels given.
    command : {"train", "evaluate"}
        What stated it.
    stated : tuple of float or None
        Value and ends of the interval; None where no accuracy is stated.
    truth : float
        Accuracy of the model on images that nobody labelled, by their true labels.
    """

    seed: int
    order: str
    n_answers: int
    command: str
    stated: tuple[float, float, float] | None
    truth: float

    @property
    def is_true(self) -> bool:
        """Whether the interval contains the truth, or none is stated."""
        return self.stated is None or self.stated[1] <= self.truth <= self.stated[2]


def simulate_students(
    data: LoadedSet,
    model: str,
    *,
    options: Sequence[str],
    orders: Sequence[str] = CLAIM_ORDERS,
    sizes: Sequence[int] = (50, 100, 200),
    n_students: int = 20,
    n_images: int = 600,
    slips: float = _SLIPS,
    random_state: int = 0,
    n_jobs: int | None = None,
) -> list[Claim]:
    """Let people label, train and evaluate, and compare what they are told with the truth.

    1. Each person has a folder of ``n_images`` without labels, of other groups than a test set of two fifths of them.
    2. For each order the label page chooses images by the predictions of ``model``; the answers are the true labels,
       a share ``slips`` of them wrong. The number of answers takes turns between ``sizes``.
    3. ``train`` states an accuracy or none; the truth is that of the trained model on the test set.
    4. ``evaluate`` states one of ``model`` on the same labels; the truth is that on the test set.

    ``options`` are arguments of ``train``, for a quick recipe. The result does not depend on ``n_jobs``.
    """
    seeds = range(random_state, random_state + n_students)
    n_most = len(data.eyes) // 2
    if not max(sizes) <= n_images <= n_most:
        raise ParameterError(
            f"n_images is {n_images}; allowed is {max(sizes)} to {n_most}, half of the images, or fewer answers"
        )
    tasks = [
        (data, model, tuple(options), order, sizes[(k + number) % len(sizes)], n_images, slips, seed)
        for number, seed in enumerate(seeds)
        for k, order in enumerate(orders)
    ]
    found = run_tasks(_student, tasks, n_jobs=n_jobs or cpu_count())
    return [claim for claims in found for claim in claims]


def _student(
    data: LoadedSet, model: str, options: tuple[str, ...], order: str, n: int, n_images: int, slips: float, seed: int
) -> list[Claim]:
    rng = np.random.default_rng(seed)
    n_eyes = len(data.eyes)
    folds = group_folds(np.zeros(n_eyes, dtype=np.int8), data.eyes.groups, 5, random_state=seed)
    test = np.concatenate([folds[0][1], folds[1][1]])
    pool = np.setdiff1d(np.arange(n_eyes), test)
    pool = np.sort(rng.permutation(pool)[:n_images])
    truth, images = data.eyes.labels[pool], data.images[pool]
    start = load_model(model)
    scores = start.predict_proba(images)[:, 1]
    queue = queue_images(images, scores, order, page_size=_PAGE, limit=n, random_state=seed)
    answers = np.where(rng.random(n) < slips, 1 - truth[queue.positions], truth[queue.positions])
    with TemporaryDirectory(prefix="classic_eyes_") as folder:
        top = Path(folder) / "eyes"
        top.mkdir()
        names = [f"{number:04}{Path(data.eyes.paths[k]).suffix}" for number, k in enumerate(pool)]
        for name, k in zip(names, pool.tolist(), strict=True):
            os.symlink(os.path.abspath(data.eyes.paths[k]), top / name)
        chosen = ["random" if k in queue.at_random else "priority" for k in queue.positions.tolist()]
        rows = [
            (names[k], str(answer), how if order == "mixed" else order)
            for k, answer, how in zip(queue.positions.tolist(), answers.tolist(), chosen, strict=True)
        ]
        (top / "assets.csv").write_text(csv_text([("file", "label", "chosen"), *rows]), encoding="utf-8")
        out = Path(folder) / "mine.npz"
        status, _ = _run("train", str(top), "--out", str(out), "--seed", str(seed), *options)
        card = json.loads(out.with_suffix(".json").read_text(encoding="utf-8")) if status == 0 else {}
        trained = load_model(out) if status == 0 else start
        status, text = _run("evaluate", str(top), "--model", model, "--format", "json")
        evaluated = json.loads(text)["results"]["all"] if status == 0 else None
    results = card.get("results") or {}
    of_train = results.get("given labels")
    return [
        Claim(seed, order, n, command, _stated(result), _accuracy(of, data, test))
        for command, result, of in (("train", of_train, trained), ("evaluate", evaluated, start))
    ]


def _run(*arguments: str) -> tuple[int, str]:
    """Run a command in this process; return its status and standard output."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        status = cli.main(list(arguments))
    return status, out.getvalue()


def _stated(result: dict[str, Any] | None) -> tuple[float, float, float] | None:
    if result is None:
        return None
    accuracy = result["accuracy"]
    return accuracy["value"], accuracy["low"], accuracy["high"]


def _accuracy(model: Any, data: LoadedSet, rows: NDArray[np.intp]) -> float:
    return metrics.accuracy(data.eyes.labels[rows], model.predict_proba(data.images[rows])[:, 1])
