"""Shared by the tests of the benchmark: ``bench.py`` in this process, and folders in MRL's naming."""

from __future__ import annotations

from pathlib import Path

from benchmarks.commands import main

from ..conftest import write_eyes


def bench(*arguments: object) -> int:
    """Run ``bench.py`` in this process; also return the status with which argparse exits."""
    try:
        return main([str(argument) for argument in arguments])
    except SystemExit as stopped:
        return int(stopped.code or 0)


def write_mrl(folder: Path, n: int = 48, people: int = 4) -> Path:
    """Write synthetic eyes with MRL file names: half with glasses, a third with small reflections."""
    labels = write_eyes(folder, n)
    for number, label in enumerate(labels):
        person = number % people
        fields = (f"s{person:04}", f"{number:05}", person % 2, number // people % 2, label, number % 3 // 2, 1, "02")
        (folder / f"{number:03}.png").rename(folder / ("_".join(map(str, fields)) + ".png"))
    return folder
