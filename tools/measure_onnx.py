"""Compare exported models with the library on all images of folders: largest difference, images a second, file size.

    python tools/measure_onnx.py ../shared/data/eyes24 ../shared/data/mrl

Needs onnx and onnxruntime. Each speed is the best of three rounds, in which all ways take turns.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classic_eyes import EyePredictor, load_model
from classic_eyes._utils.files import SHIPPED_MODELS
from classic_eyes._utils.resources import map_in_threads, one_thread
from classic_eyes.cli.tables import markdown
from classic_eyes.export.model import INPUT, NOVELTY, OUTPUT
from classic_eyes.images import as_images
from classic_eyes.images.finding import find_images

_BATCH, _TIMED, _ROUNDS = 256, 4096, 3

Predict = Callable[[NDArray[np.uint8]], NDArray[np.float64]]


def measure(folders: list[str], rounds: int = _ROUNDS) -> tuple[list[list[str]], list[list[str]]]:
    """Return the rows of two tables: size and differences, and speed."""
    files = {Path(folder).name: [path for path, _ in find_images(Path(folder))] for folder in folders}
    differences, speeds = [], []
    for name in SHIPPED_MODELS:
        model = load_model(name)
        plain, larger = (_exported(model, novelty) for novelty in (False, True))
        images = {source: as_images(each, size=model.size) for source, each in files.items()}
        one, two = (_with_onnxruntime(plain, threads, OUTPUT) for threads in (1, 2))
        of_novelty = _with_onnxruntime(larger, 1, NOVELTY)
        sizes = [f"{len(content) / 1e6:.1f} MB" for content in (plain, larger)]
        found = [np.max(np.abs(one(each) - model.probability(each))) for each in images.values()]
        for each in images.values():
            expected = model.program.novelty_score(each)
            found.append(np.max(np.abs(of_novelty(each) - expected) / np.maximum(expected, 1)))
        differences.append([name, *sizes, *(f"{each:.1e}" for each in found)])
        timed = np.concatenate(list(images.values()))[-_TIMED:]
        ways: list[Predict] = [one, two, of_novelty, _in_one_thread(model), _in_two_threads(model)]
        seconds = np.array([[_seconds(way, timed) for way in ways] for _ in range(rounds)]).min(axis=0)
        a_second = len(timed) / seconds
        ratios = f"{a_second[0] / a_second[3]:.2f}", f"{a_second[1] / a_second[4]:.2f}"
        speeds.append([name, *(f"{each:,.0f}" for each in a_second), *ratios])
    return differences, speeds


def _exported(model: EyePredictor, novelty: bool) -> bytes:
    with tempfile.TemporaryDirectory() as made:
        path = Path(made) / "eyes.onnx"
        model.export_onnx(path, novelty=novelty)
        return path.read_bytes()


def _with_onnxruntime(content: bytes, threads: int, output: str) -> Predict:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # A thread that waits must not take the core of another one.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])

    def predict(images: NDArray[np.uint8]) -> NDArray[np.float64]:
        batches = range(0, len(images), _BATCH)
        return np.concatenate([session.run([output], {INPUT: images[k : k + _BATCH]})[0] for k in batches])

    return predict


def _in_one_thread(model: EyePredictor) -> Predict:
    def predict(images: NDArray[np.uint8]) -> NDArray[np.float64]:
        with one_thread():
            return np.asarray(model.probability(images))

    return predict


def _in_two_threads(model: EyePredictor) -> Predict:
    return lambda images: np.concatenate(map_in_threads(model.probability, np.array_split(images, 2)))


def _seconds(predict: Predict, images: NDArray[np.uint8]) -> float:
    began = time.perf_counter()
    predict(images)
    return time.perf_counter() - began


def main() -> int:
    """Parse the arguments and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", help="folders of eye patches")
    parser.add_argument("--rounds", type=int, default=_ROUNDS, help="default: %(default)s")
    arguments = parser.parse_args()
    differences, speeds = measure(arguments.folders, arguments.rounds)
    sources = [Path(each).name for each in arguments.folders]
    head = ["model", "file", "with novelty", *sources, *(f"novelty, {source}" for source in sources)]
    print("\n".join(markdown([head, *differences])))
    print()
    ways = [f"{way}, {n}" for way in ("onnxruntime", "classic_eyes") for n in ("1 thread", "2 threads")]
    ways.insert(2, "with novelty, 1 thread")
    print("\n".join(markdown([["model", *ways, "ratio, 1 thread", "ratio, 2 threads"], *speeds])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
