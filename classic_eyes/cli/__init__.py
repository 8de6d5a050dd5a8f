"""The commands of ``classic-eyes``: each module has a parser function and a worker function."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import warnings
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any, NoReturn

from .._version import __version__
from ..errors import ClassicEyesError

__all__ = ["COMMANDS", "main"]

# The first lines of the modules' docstrings, written again: to import all modules takes two seconds, and who asks
# about one image has no use for the others.
COMMANDS = {
    "predict": "Say of every image in folders or files whether the eye is open (1) or closed (0).",
    "train": "Train a classifier on folders, with all, some or no labels, and write it, with its card, to a file.",
    "faces": "Say of every face in photographs whether its eyes are open: boxes, aspect ratio, probability, verdict.",
    "calibrate": "Fit one person's own threshold between open and closed to a few dozen of their images.",
    "cluster": "Cluster images without labels in many ways, and say which way to believe.",
    "label": "Make a page on which a person labels images, those worth most first.",
    "audit": "Say which of the given labels are most likely wrong, and make a page to look at them again.",
    "merge": "Put two label files into one, and say how far they agree.",
    "bench": "Measure features and classifiers on data sets: how good, how sure, how fast; and compare two such runs.",
    "profile": "Say where the time of a run goes: start, listing, decoding, features, decision, writing.",
    "landmarks": "Learn from synthetic eyes where the six points of an eye are: for the feature ear.",
    "alignment": "Learn from synthetic eyes how an eye lies in its patch: for train --align.",
    "info": "Say what a model file is, without running any code of it.",
}


class _OneLineParser(ArgumentParser):
    """An argument parser whose refusal is one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message}; {self.prog} --help tells what is allowed\n")


class _CommandParser(_OneLineParser):
    """The parser of one command, whose module is imported when the command is asked for."""

    module: str | None = None

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Namespace, list[str]]:  # type: ignore[override]
        if self.module is not None:
            room = import_module(f".{self.module}", __name__)
            self.module = None
            room.add_arguments(self)
            self.set_defaults(work=room.work)
        return super().parse_known_args(args, namespace)


def build_parser() -> ArgumentParser:
    """Return the parser of the program with all its commands.

    Returns
    -------
    argparse.ArgumentParser
        Its result has ``work``, the worker function of the command.
    """
    parser = _OneLineParser(
        prog="classic-eyes", description="Is this eye open or closed? Classical computer vision, no deep learning."
    )
    parser.add_argument("--version", action="version", version=f"classic-eyes {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_CommandParser)
    for name, help_ in COMMANDS.items():
        commands.add_parser(name, help=help_, description=help_).module = name
    return parser


def _say_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    print(f"classic-eyes: warning: {message}", file=sys.stderr)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; those of the process by default.

    Returns
    -------
    int
        0 all done; 1 done, but some files failed; 2 nothing could be done; 130 stopped by Ctrl-C, 143 by SIGTERM.
    """
    with warnings.catch_warnings(), _stoppable():
        warnings.showwarning = _say_warning
        # joblib counts aloud what is thrown away when whoever reads our output has gone.
        warnings.filterwarnings("ignore", message=".*tasks have been successfully executed", category=UserWarning)
        try:
            # In here, for Ctrl-C may come while a command is imported.
            arguments = build_parser().parse_args(argv)
            arguments.argv = list(sys.argv[1:] if argv is None else argv)
            return int(arguments.work(arguments))
        except ClassicEyesError as error:
            print(f"classic-eyes: error: {' '.join(str(error).split())}", file=sys.stderr)
            return 2
        except KeyboardInterrupt as stopped:
            print("classic-eyes: stopped", file=sys.stderr)
            return 143 if isinstance(stopped, _Terminated) else 130
        except MemoryError as error:
            told = f" ({error})" if str(error) else ""
            print(
                f"classic-eyes: error: memory does not suffice{told}; take fewer images, copies or jobs",
                file=sys.stderr,
            )
            return 2
        except BrokenPipeError:
            # Who reads our output has gone (| head); Python would complain once more when it closes stdout.
            _forget_stdout()
            return 1
        except OSError as error:
            where = f" ({error.filename})" if error.filename else ""
            print(
                f"classic-eyes: error: {error.strerror or error}{where}; nothing after that is written", file=sys.stderr
            )
            _forget_stdout()
            return 2


class _Terminated(KeyboardInterrupt):
    """Somebody sent SIGTERM: the same as Ctrl-C, so that what is done is written and no process is left behind."""


@contextlib.contextmanager
def _stoppable() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ours = os.getpid()

    def stop(number: int, frame: object) -> None:
        if os.getpid() == ours:
            raise _Terminated
        # A process forked from this one has nothing to write.
        os._exit(143)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _forget_stdout() -> None:
    """Send what Python still holds for standard output nowhere, where it cannot fail again."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
