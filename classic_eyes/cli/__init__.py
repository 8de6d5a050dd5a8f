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

# The first lines of the modules' docstrings, written again: to import all modules takes two seconds, and who asks
# about one image has no use for the others.
COMMANDS = {
    "predict": "Say of every image in folders or files whether the eye is open (1) or closed (0).",
    "train": "Train a classifier on folders, with all, some or no labels, and write it, with its card, to a file.",
    "faces": "Say of every face in photographs whether its eyes are open: boxes, aspect ratio, probability, verdict.",
    "calibrate": "Fit one person's own threshold between open and closed to a few dozen of their images.",
    "label": "Make a page on which a person labels images, those worth most first.",
    "audit": "Say which of the given labels are most likely wrong, and make a page to look at them again.",
    "merge": "Put two label files into one, and say how far they agree.",
    "info": "Say what a model file is, without running any code of it.",
}


class OneLineParser(ArgumentParser):
    """An argument parser whose error message is one line."""

    def error(self, message: str) -> NoReturn:
        """Print one line and exit with status 2."""
        self.exit(2, f"{self.prog}: error: {message}; {self.prog} --help tells what is allowed\n")


class _CommandParser(OneLineParser):
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

    Parameters
    ----------
    build : callable
        Returns the parser. Its result has ``work``, a function from the parsed arguments to an exit status.
    argv : sequence of str or None
        The arguments; those of the process if None.
    program : str
        Name at the start of each message.

    Returns
    -------
    int
        0 all done; 1 done, but some files failed; 2 nothing could be done; 130 stopped by Ctrl-C, 143 by SIGTERM.
    """

    def tell(message: object) -> None:
        print(f"{program}: {message}", file=sys.stderr)

    with warnings.catch_warnings(), _stoppable():
        warnings.showwarning = lambda message, *_, **__: tell(f"warning: {message}")
        # joblib warns about discarded tasks when the reader of our output has gone.
        warnings.filterwarnings("ignore", message=".*tasks have been successfully executed", category=UserWarning)
        try:
            # Inside the try block, because Ctrl-C may arrive while a command is imported.
            arguments = build().parse_args(argv)
            arguments.argv = list(sys.argv[1:] if argv is None else argv)
            return int(arguments.work(arguments))
        except ClassicEyesError as error:
            tell(f"error: {' '.join(str(error).split())}")
            return 2
        except KeyboardInterrupt as stopped:
            tell("stopped")
            return 143 if isinstance(stopped, _Terminated) else 130
        except MemoryError as error:
            detail = f" ({error})" if str(error) else ""
            tell(f"error: memory does not suffice{detail}; take fewer images, copies or jobs")
            return 2
        except BrokenPipeError:
            # The reader of our output has gone (| head); Python would complain once more when it closes stdout.
            _forget_stdout()
            return 1
        except OSError as error:
            where = f" ({error.filename})" if error.filename else ""
            tell(f"error: {error.strerror or error}{where}; nothing after that is written")
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
