"""Runs over a gate: seeded cases, a limit on the time of each, and findings as files."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from .gates import image_case, image_seeds, label_case, label_seeds, model_case, model_seeds
from .mutations import change_bytes, change_model

# A case that takes longer is a finding.
SECONDS = 20

GATES: dict[str, tuple[Callable[[], list[bytes]], Callable[[bytes], str], Callable[..., bytes]]] = {
    "images": (image_seeds, image_case, change_bytes),
    "labels": (label_seeds, label_case, change_bytes),
    "models": (model_seeds, model_case, change_model),
}


def cases(gate: str, n: int, *, random_state: int = 0) -> Iterator[bytes]:
    """Yield changed files for a gate; the same seed gives the same cases."""
    make_seeds, _, change = GATES[gate]
    seeds = make_seeds()
    rng = np.random.default_rng(random_state)
    for _ in range(n):
        data = seeds[int(rng.integers(len(seeds)))]
        for _ in range(1 + int(rng.random() < 0.3)):
            data = change(data, seeds, rng)
        yield data


def _alarm(*_: object) -> None:
    raise AssertionError(f"a case took longer than {SECONDS} s")


def run(
    gate: str, n: int, *, random_state: int = 0, seconds: float = float("inf"), keep: Path | None = None
) -> Counter[str]:
    """Run n cases; count how many were read and how many refused. A finding is written to a file and raised."""
    results: Counter[str] = Counter()
    read = GATES[gate][1]
    before = signal.signal(signal.SIGALRM, _alarm)
    start = time.monotonic()
    try:
        for number, data in enumerate(cases(gate, n, random_state=random_state)):
            # Written first, so that it survives a crash of the process.
            if keep is not None:
                keep.write_bytes(data)
            signal.alarm(SECONDS)
            try:
                results[read(data)] += 1
            except BaseException:
                Path(f"finding-{gate}-{random_state}-{number}").write_bytes(data)
                raise
            finally:
                signal.alarm(0)
            if time.monotonic() - start > seconds:
                break
    finally:
        signal.signal(signal.SIGALRM, before)
    return results
