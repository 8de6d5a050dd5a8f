"""The commands of ``classic-eyes``: each module has a parser function and a worker function."""

from __future__ import annotations

import os
import sys
import warnings
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any, NoReturn

from .._version import __version__
from ..errors import ClassicEyesError
from . import bench, predict, train

__all__ = ["COMMANDS", "main"]

COMMANDS = {"predict": predict, "train": train, "bench": bench}


class _OneLineParser(ArgumentParser):
    """An argument parser whose refusal is one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message}; {self.prog} --help tells what is allowed\n")


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
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_OneLineParser)
    for name, module in COMMANDS.items():
        help_ = (module.__doc__ or "").splitlines()[0]
        command = commands.add_parser(name, help=help_, description=help_)
        module.add_arguments(command)
        command.set_defaults(work=module.work)
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
        0 all done; 1 done, but some files failed; 2 nothing could be done; 130 stopped by Ctrl-C.
    """
    arguments = build_parser().parse_args(argv)
    arguments.argv = list(sys.argv[1:] if argv is None else argv)
    with warnings.catch_warnings():
        warnings.showwarning = _say_warning
        try:
            return int(arguments.work(arguments))
        except ClassicEyesError as error:
            print(f"classic-eyes: error: {' '.join(str(error).split())}", file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            print("classic-eyes: stopped", file=sys.stderr)
            return 130
        except BrokenPipeError:
            # Who reads our output has gone (| head); Python would complain once more when it closes stdout.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
