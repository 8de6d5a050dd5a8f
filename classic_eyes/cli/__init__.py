"""The commands of ``classic-eyes``: each module has a parser function and a worker function."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import warnings
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import Any, NoReturn

from .._version import __version__
from ..errors import ClassicEyesError

__all__ = ["COMMANDS", "OneLineParser", "main", "run_command"]

# The first lines of the modules' docstrings, repeated: importing all modules takes two seconds.
COMMANDS = {
    "predict": "Classify every eye image in folders or files as open (1) or closed (0).",
    "train": "Train a classifier on folders, with all, some or no labels, and write the model and its card.",
    "faces": "Find the eyes of every face in photographs and classify them: boxes, aspect ratio, probability, verdict.",
    "calibrate": "Fit a person's own decision threshold to a few dozen of their images.",
    "label": "Write a page on which a person labels images, highest priority first.",
    "audit": "Report which given labels are most likely wrong, and write a page to review them.",
    "merge": "Merge two label files into one, and report how far they agree.",
    "info": "Describe a model file, without running any code of it.",
}


class OneLineParser(ArgumentParser):
    """An argument parser whose error message is one line."""

    def error(self, message: str) -> NoReturn:
        """Print one line and exit with status 2."""
        self.exit(2, f"{self.prog}: error: {message}; see {self.prog} --help\n")


class _CommandParser(OneLineParser):
    """The parser of one command, whose module is imported when the command is run."""

    module: str | None = None

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Namespace, list[str]]:  # type: ignore[override]
        if self.module is not None:
            command = import_module(f".{self.module}", __name__)
            self.module = None
            command.add_arguments(self)
            self.set_defaults(work=command.work)
        return super().parse_known_args(args, namespace)


def build_parser() -> ArgumentParser:
    """Return the parser of the program with all its commands; its result has ``work``, that of the command."""
    parser = OneLineParser(
        prog="classic-eyes", description="Is this eye open or closed? Classical computer vision, no deep learning."
    )
    parser.add_argument("--version", action="version", version=f"classic-eyes {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_CommandParser)
    for name, help_ in COMMANDS.items():
        commands.add_parser(name, help=help_, description=help_).module = name
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command of ``classic-eyes``; see `run_command`."""
    return run_command(build_parser, argv, program="classic-eyes")


def run_command(build: Callable[[], ArgumentParser], argv: Sequence[str] | None, *, program: str) -> int:
    """Parse arguments, call their ``work`` function, and turn exceptions into one line and an exit status.

    ``build`` returns the parser, ``program`` begins each message. The status is 0 for success, 1 if some files failed,
    2 if nothing could be done, 130 after Ctrl-C and 143 after SIGTERM.
    """

    def report(message: object) -> None:
        print(f"{program}: {message}", file=sys.stderr)

    with warnings.catch_warnings(), _stoppable():
        warnings.showwarning = lambda message, *_, **__: report(f"warning: {message}")
        # joblib warns about discarded tasks when the reader has closed the output.
        warnings.filterwarnings("ignore", message=".*tasks have been successfully executed", category=UserWarning)
        try:
            # Inside the try block, because Ctrl-C may arrive while a command is imported.
            arguments = build().parse_args(argv)
            arguments.argv = list(sys.argv[1:] if argv is None else argv)
            return int(arguments.work(arguments))
        except ClassicEyesError as error:
            report(f"error: {' '.join(str(error).split())}")
            return 2
        except KeyboardInterrupt as stopped:
            report("stopped")
            return 143 if isinstance(stopped, _Terminated) else 130
        except MemoryError as error:
            detail = f" ({error})" if str(error) else ""
            report(f"error: out of memory{detail}; take fewer images or jobs")
            return 2
        except BrokenPipeError:
            # The reader of the output has closed it (| head); Python would fail once more when it closes stdout.
            _forget_stdout()
            return 1
        except OSError as error:
            where = f" ({error.filename})" if error.filename else ""
            report(f"error: {error.strerror or error}{where}; nothing further is written")
            _forget_stdout()
            return 2


class _Terminated(KeyboardInterrupt):
    """SIGTERM, treated like Ctrl-C: finished rows are written and no process is left behind."""


@contextlib.contextmanager
def _stoppable() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    own = os.getpid()

    def stop(number: int, frame: object) -> None:
        if os.getpid() == own:
            raise _Terminated
        # A process forked from this one has nothing to write.
        os._exit(143)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _forget_stdout() -> None:
    """Discard what Python still holds for standard output, so that it cannot fail again."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
