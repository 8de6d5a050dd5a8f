"""The commands of ``bench.py``: one module each, with a parser function and a worker function."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Iterable, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType

from classic_eyes.cli import OneLineParser, guarded
from classic_eyes.cli.arguments import check_out
from classic_eyes.errors import ParameterError

__all__ = ["STUDIES", "main", "make_out_folder", "print_failed"]

# The first lines of the modules' docstrings, repeated here so that no module is imported that does not run.
STUDIES = {
    "audit": "Measure how many wrong labels an audit finds, by the votes of raters.",
    "cluster": "Cluster images without labels in many ways, and choose a way without labels.",
    "label-curve": "Measure accuracy against the number of labels, for several learners.",
    "leave-source-out": "Train on all sources but one and evaluate on that one, for each source.",
    "non-eyes": "Measure how many non-eyes are detected at a false positive rate of 1%.",
    "profile": "Measure how the time of a prediction run divides into stages.",
    "speed": "Measure the time of predictions: a folder, arrays, one image, and the start of a process.",
    "students": "Measure how often the accuracy that simulated people are told contains the truth in its interval.",
    "video": "Measure how well blinks and closures of labelled clips are found, and how fast.",
}


def print_failed(failed: Iterable[tuple[str, str]]) -> None:
    """Print names and reasons of images that could not be read."""
    for name, reason in failed:
        print(f"bench.py: skipped {name}: {reason}", file=sys.stderr)


def make_out_folder(folder: str, *files: str, force: bool, resume: bool | None = None) -> None:
    """Make the folder ``--out``; refuse one that holds files of an earlier run, by the rule of `check_out`."""
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ParameterError(f"--out {folder!r}: the folder cannot be made ({error.strerror}); name another") from error
    for file in files:
        check_out(str(Path(folder) / file), Path(file).suffix, force=force, resume=resume)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the study that the first word names, or else the benchmark; see `guarded` for the exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    return guarded(lambda: _run(words), program="bench.py")


def _run(words: list[str]) -> int:
    study = words.pop(0) if words and words[0] in STUDIES else None
    arguments = build_parser(study).parse_args(words)
    arguments.argv = words
    return int(_module(study).work(arguments))


def build_parser(study: str | None) -> ArgumentParser:
    """Return the parser of a study, or of the benchmark."""
    module = _module(study)
    parser = OneLineParser(
        prog="bench.py" if study is None else f"bench.py {study}",
        description=(module.__doc__ or "").splitlines()[0],
        formatter_class=RawDescriptionHelpFormatter,
    )
    module.add_arguments(parser)
    if study is None:
        parser.epilog = "\n".join(
            ["other studies, bench.py STUDY --help:", *(f"  {name:<18}{what}" for name, what in STUDIES.items())]
        )
    return parser


def _module(study: str | None) -> ModuleType:
    return import_module(f"benchmarks.commands.{'bench' if study is None else study.replace('-', '_')}")
