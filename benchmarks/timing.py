"""Time a model over files; every round also decodes the same files and runs the Haar cascade."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.scenarios import HaarBaseline
from classic_eyes._utils.resources import one_thread
from classic_eyes.images import SIZE, read_images
from classic_eyes.inference import CHUNK, score_files

__all__ = ["rates", "time_estimator"]

# Single images are timed with their overhead; a few are enough for the median.
_SINGLES = 30


def rates(seconds: Sequence[float], n: int) -> dict[str, float]:
    """Convert the seconds of several rounds over `n` images to images a second.

    Examples
    --------
    >>> rates([0.5, 1.0, 2.0], 10)
    {'median': 10.0, 'low': 5.0, 'high': 20.0, 'rounds': 3}
    """
    speed = n / np.asarray(seconds)
    median = n / float(np.median(seconds))
    return {"median": median, "low": float(speed.min()), "high": float(speed.max()), "rounds": len(speed)}


def _in_chunks(function: Callable[[Any], Any], rows: Any) -> list[Any]:
    return [function(rows[start : start + CHUNK]) for start in range(0, len(rows), CHUNK)]


@dataclass(frozen=True)
class _Scorer:
    """What `score_files` needs of a program, for estimators that have none."""

    probability: Callable[[NDArray[np.uint8]], NDArray[np.float64]]
    size: int = SIZE


def _size(estimator: Any) -> int:
    """Return the side of the images that an estimator receives."""
    program = getattr(estimator, "program", None)
    return SIZE if program is None else int(program.size)


def _steps(estimator: Any, paths: Sequence[str], images: NDArray[np.uint8]) -> dict[str, tuple[int, Callable[[], Any]]]:
    """Return the steps of a round in order: name to number of images and action."""

    def probability(batch: NDArray[np.uint8]) -> NDArray[np.float64]:
        return estimator.predict_proba(batch)[:, 1]

    n, singles, size = len(paths), paths[:_SINGLES], _size(estimator)
    haar = HaarBaseline().predict_proba
    steps: dict[str, tuple[int, Callable[[], Any]]] = {
        "decode": (n, lambda: _in_chunks(read_images, paths)),
        "haar": (n, lambda: _in_chunks(haar, images)),
        "end_to_end": (n, lambda: list(score_files(paths, _Scorer(probability, size), n_jobs=1))),
        "one_image": (len(singles), lambda: [probability(read_images([path], size=size)[0]) for path in singles]),
    }
    program = getattr(estimator, "program", None)
    if program is not None:
        steps["arrays"] = (n, lambda: program.probability(images))
        steps["one_array"] = (len(singles), lambda: [estimator.predict_one(image) for image in images[:_SINGLES]])
    return steps


def time_estimator(estimator: Any, paths: Sequence[str], *, rounds: int) -> dict[str, Any]:
    """Time a fitted estimator over files, on one thread; return `rates` for each step.

    1. Everything runs once before the clock starts, to fill the caches.
    2. Each round decodes the files and nothing else, runs the Haar cascade on the decoded images, predicts from files
       in chunks, predicts single files, and divides the time into features and classifier.
    3. Of each step the median over the rounds counts; ``over_decode`` is the ratio of the time from files to
       predictions to that of decoding. Steps that the estimator does not have are None.
    """
    seconds: dict[str, list[float]] = {}
    with one_thread():
        images, _ = read_images(paths, size=_size(estimator))
        steps = _steps(estimator, paths, images)
        program = getattr(estimator, "program", None)
        for number in range(rounds + 1):
            for name, (_, action) in steps.items():
                start = time.perf_counter()
                action()
                if number > 0:
                    seconds.setdefault(name, []).append(time.perf_counter() - start)
            if program is not None and number > 0:
                stages = program.stages(images)
                seconds.setdefault("features", []).append(stages["features"])
                seconds.setdefault("classifier", []).append(stages["decision"])
    speed: dict[str, Any] = {"features": None, "classifier": None}
    speed |= {name: rates(times, steps[name][0] if name in steps else len(paths)) for name, times in seconds.items()}
    speed["over_decode"] = float(np.median(seconds["end_to_end"]) / np.median(seconds["decode"]))
    speed["images"] = len(paths)
    return speed
