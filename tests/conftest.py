"""Shared by the tests: the data beside the project, folders of synthetic eyes, a small model, the program."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

if "PYTEST_XDIST_WORKER" in os.environ:
    # One process runs on each core. With as many threads in each, products of small matrices take ten times as long.
    # The variables are read when numpy is first imported.
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(name, "1")
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell ignores Ctrl-C in its background jobs, and processes that the tests start would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)

import cv2
import numpy as np
import pytest

from classic_eyes import EyeClassifier, cli
from classic_eyes.synthetic import make_eyes

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "data"
PNG = cv2.imencode(".png", np.zeros((8, 8), np.uint8))[1].tobytes()


@dataclass(frozen=True)
class Scorer:
    """A program of one function of grey images."""

    probability: Callable[[np.ndarray], np.ndarray]
    size: int = 24


def shared(name: str) -> Path:
    """Return a data set beside the project; skip the test if it is missing."""
    if not (SHARED / name).is_dir():
        pytest.skip(f"{name} is not beside the project; its images are not ours to ship")
    return SHARED / name


def write_eyes(folder: Path, n: int, *, random_state: int = 0) -> list[int]:
    """Write synthetic eyes into a folder, as 000.png and so on, and return their labels."""
    folder.mkdir(parents=True, exist_ok=True)
    eyes = make_eyes(n, random_state=random_state)
    for number, image in enumerate(eyes.images):
        cv2.imwrite(str(folder / f"{number:03}.png"), image)
    return eyes.labels.tolist()


def write_open_eyes(folder: Path, n: int, *, random_state: int = 0) -> Path:
    """Write the open ones of n synthetic eyes into a folder."""
    for number, label in enumerate(write_eyes(folder, n, random_state=random_state)):
        if not label:
            (folder / f"{number:03}.png").unlink()
    return folder


def write_labelled(folder: Path, n: int, *, random_state: int = 0) -> Path:
    """Write synthetic eyes and their assets.csv into a folder."""
    labels = write_eyes(folder, n, random_state=random_state)
    rows = [f"{number:03}.png,{label}" for number, label in enumerate(labels)]
    (folder / "assets.csv").write_text("\n".join(["file,label", *rows]) + "\n")
    return folder


@pytest.fixture
def put(tmp_path):
    """Write black images, each followed by its name so that no two files are equal."""

    def write(*names, below=tmp_path):
        for name in names:
            path = below / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(PNG + path.name.encode("utf-8", "surrogateescape"))
        return below

    return write


@pytest.fixture(scope="session")
def small_model(tmp_path_factory) -> Path:
    """A model that is fitted in a second, as small.joblib; small.npz is beside it."""
    path = tmp_path_factory.mktemp("model") / "small.joblib"
    eyes = make_eyes(160, random_state=9)
    small = {"features": ("hog",), "classifier": "svm", "n_components": 30, "n_copies": 0, "n_synthetic": 0}
    EyeClassifier(**small, detect_non_eyes=False).fit(eyes.images, eyes.labels).save(path)
    return path


@pytest.fixture(scope="session")
def browser():
    """The installed Chromium; tests that need it are skipped without one."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("Chromium is not installed; `apt-get install chromium` brings it")
    options = "no-sandbox disable-gpu disable-background-networking disable-component-update disable-sync no-first-run"
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=chromium, args=[f"--{option}" for option in options.split()]
        )
        yield running
        running.close()


def main(*arguments: object) -> int:
    """Run a command in this process; return its exit status."""
    try:
        return cli.main([str(argument) for argument in arguments])
    except SystemExit as stopped:  # argparse
        return int(stopped.code or 0)


def run(*arguments: object, cwd: Path | None = None, program: tuple[str, ...] = ("-m", "classic_eyes"), **options):
    """Run the program in a process of its own, as a user does."""
    command = [sys.executable, *program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=240, **options)
