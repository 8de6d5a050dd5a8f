"""Fuzz test of the gates for images, label files and model files: each case is read or refused in one line.

``python -m tests.fuzz GATE... --cases N`` changes valid files at random, N times for each gate, from a seed. Model
files are also changed inside and written again, so that their checksums are valid. ``--atheris SECONDS`` passes images
or label files to atheris (``pip install atheris``), which searches for inputs that reach new code. A finding is
written to a file and raised.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from classic_eyes._utils.dependencies import opencv_log
from classic_eyes.images.decoding import decode

from .gates import temporary_folder
from .runs import GATES, SECONDS, run


def _with_atheris(gate: str, seconds: int) -> None:
    import atheris

    corpus = temporary_folder() / f"corpus-{gate}"
    corpus.mkdir()
    for number, seed in enumerate(GATES[gate][0]()):
        (corpus / str(number)).write_bytes(seed)
    read = GATES[gate][1]
    atheris.instrument_func(decode)
    atheris.Setup(
        [
            sys.argv[0],
            str(corpus),
            f"-max_total_time={seconds}",
            f"-timeout={SECONDS}",
            "-max_len=8192",
            "-print_final_stats=1",
        ],
        lambda data: read(data) and None,
    )
    atheris.Fuzz()


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="Fuzz test of the gates of classic_eyes.")
    parser.add_argument("gates", nargs="+", choices=tuple(GATES), metavar="GATE", help=", ".join(GATES))
    parser.add_argument("--cases", type=int, default=100_000, metavar="N", help="for each gate; default: 100,000")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    parser.add_argument("--seconds", type=float, default=float("inf"), metavar="N", help="for each gate, at most")
    parser.add_argument("--keep", metavar="FILE", help="write each case there before it is read")
    parser.add_argument("--atheris", type=int, metavar="SECONDS", help="use atheris, for one gate")
    arguments = parser.parse_args()
    opencv_log.setLogLevel(0)
    for gate in arguments.gates:
        if arguments.atheris:
            _with_atheris(gate, arguments.atheris)
        start = time.monotonic()
        keep = Path(arguments.keep) if arguments.keep else None
        results = run(gate, arguments.cases, random_state=arguments.seed, seconds=arguments.seconds, keep=keep)
        counts = ", ".join(f"{number:,} {what}" for what, number in sorted(results.items()))
        print(f"{gate}: {results.total():,} cases in {time.monotonic() - start:,.0f} s: {counts}", flush=True)


if __name__ == "__main__":
    main()
