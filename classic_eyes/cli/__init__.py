"""The commands of ``classic-eyes``: each module has a parser function and a worker function."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import signal
import sys
import threading
import warnings
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import NoReturn

from .._version import __version__
from ..errors import ClassicEyesError, ParameterError

__all__ = ["COMMANDS", "OneLineParser", "build_parser", "guarded", "main"]

# The first lines of the modules' docstrings, repeated: importing all modules takes two seconds.
COMMANDS = {
    "predict": "Classify every eye image in folders or files as open (1) or closed (0).",
    "train": "Train a classifier on folders, with all, some or no labels, and write the model and its card.",
    "evaluate": "Score a model on labelled images that it was not trained on, or predictions that were made before.",
    "faces": "Find the eyes of every face in photographs and classify them: boxes, aspect ratio, probability, verdict.",
    "marks": "Copy or move the photographs that were kept or rejected on the page of faces.",
    "video": "Find blinks, closures and PERCLOS in videos or from a camera: events, frames, summaries, drawings.",
    "calibrate": "Fit a person's own decision threshold to a few dozen of their images.",
    "label": "Write a page on which a person labels images, highest priority first.",
    "audit": "Report which given labels are most likely wrong, and write a page to review them.",
    "merge": "Merge two label files into one, and report how far they agree.",
    "export": "Write a model as an ONNX file for other languages and browsers, or check such a file.",
    "info": "Describe a model file, without running any code of it.",
}

_LOG = "CLASSIC_EYES_LOG"
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


class OneLineParser(ArgumentParser):
    """An argument parser whose error message is one line."""

    def error(self, message: str) -> NoReturn:
        """Print one line and exit with status 2."""
        self.exit(2, f"{self.prog}: error: {message}; see {self.prog} --help\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command of ``classic-eyes``; see `guarded` for the exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    return guarded(lambda: _run(words), program="classic-eyes")


def _run(words: list[str]) -> int:
    # Words after the first are those of the command; what is no command ends here, like --help.
    name = build_parser().parse_args(words[:1]).command
    from .._utils import dependencies  # noqa: F401  # every command needs it; here a fault in it is named

    command = import_module(f".{name}", __name__)  # one command alone: importing all of them takes two seconds
    parser = _parser_of(name)
    arguments, unknown = parser.parse_known_args(words[1:])
    if unknown:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}{_owners(unknown)}")
    arguments.argv = words
    with _logged():
        return int(command.work(arguments))


def _parser_of(name: str) -> OneLineParser:
    parser = OneLineParser(prog=f"classic-eyes {name}", description=COMMANDS[name])
    import_module(f".{name}", __name__).add_arguments(parser)
    return parser


def _owners(unknown: Sequence[str]) -> str:
    """Return which commands have the first unknown option, as ``; --events belongs to video``."""
    option = next((word.partition("=")[0] for word in unknown if word.startswith("--")), None)
    owners = []
    for name in COMMANDS if option is not None else ():
        with contextlib.suppress(ImportError, ClassicEyesError):  # a command whose packages are not installed
            if any(option in action.option_strings for action in _parser_of(name)._actions):
                owners.append(name)
    return f"; {option} belongs to {', '.join(owners)}" if owners else ""


@contextlib.contextmanager
def _logged() -> Iterator[None]:
    """Write the log of the library to standard error, from the level that the environment names."""
    level = os.environ.get(_LOG, "").upper()
    if not level:
        yield
        return
    if level not in _LEVELS:
        raise ParameterError(f"{_LOG} is {level!r}; allowed is one of {', '.join(_LEVELS)}")
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger(__name__.partition(".")[0])
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(level)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


def build_parser() -> ArgumentParser:
    """Return the parser of the first word, which names a command."""
    parser = OneLineParser(
        prog="classic-eyes",
        usage="%(prog)s [-h] [--version] COMMAND ...",
        description="Is this eye open or closed? Classical computer vision, no deep learning.",
        epilog="\n".join(
            ["commands, classic-eyes COMMAND --help:", *(f"  {name:<11}{what}" for name, what in COMMANDS.items())]
        ),
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"classic-eyes {__version__}")
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND", help="one of those below")
    return parser


def guarded(run: Callable[[], int], *, program: str) -> int:
    """Return the exit status of a run, and turn its exceptions into one line, which ``program`` begins.

    The status is 0 for success, 1 if some files failed, 2 if nothing could be done, 130 after Ctrl-C and 143 after
    SIGTERM. It is 0 if the reader of the output left, as ``| head`` does.
    """

    def report(message: object) -> None:
        print(f"{program}: {message}", file=sys.stderr)

    _open_standard_files()
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A name that the encoding of the terminal does not have is printed with escapes.
        sys.stdout.reconfigure(errors="backslashreplace")
    with warnings.catch_warnings(), _stoppable():
        warnings.showwarning = lambda message, *_, **__: report(f"warning: {message}")
        # joblib warns about discarded tasks when the reader has closed the output.
        warnings.filterwarnings("ignore", message=".*tasks have been successfully executed", category=UserWarning)
        try:
            return run()
        except ClassicEyesError as error:
            report(f"error: {' '.join(str(error).split())}")
            return 2
        except KeyboardInterrupt as stopped:
            report("; ".join(["stopped", *map(str, stopped.args)]))  # a command may add how to continue
            return 143 if isinstance(stopped, _Terminated) else 130
        except MemoryError as error:
            detail = f" ({error})" if str(error) else ""
            report(f"error: out of memory{detail}; take fewer images or jobs")
            return 2
        except BrokenPipeError:
            # Python would fail once more when it closes standard output.
            _forget_stdout()
            return 0
        except OSError as error:
            where = f" ({error.filename})" if error.filename else ""
            report(f"error: {error.strerror or error}{where}; nothing further is written")
            _forget_stdout()
            return 2


def _open_standard_files() -> None:
    """Open closed standard files, as after ``2>&-``: else the next file opened would take their place."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number
    if sys.stderr is None:
        # print() to None goes to standard output, among the rows.
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115


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
    with contextlib.suppress(AttributeError, OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
