"""Arguments that several commands share, and the types of their values."""

from __future__ import annotations

import itertools
import os
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from .._utils.files import SHIPPED_MODELS, check_writable, is_stream, shipped_model
from ..errors import ParameterError
from ..images.arrays import MAX_PIXELS
from ..images.files import is_url

__all__ = [
    "add_bits_argument",
    "add_calibration_argument",
    "add_landmarks_argument",
    "add_model_arguments",
    "add_reading_arguments",
    "bit_depth",
    "check_out",
    "check_standard_output",
    "existing_file",
    "fold_count",
    "known_views",
    "model_file",
    "names",
    "natural_number",
    "positive_integer",
    "proportion",
    "random_seed",
    "views",
]

_LARGEST_SEED = 2**31 - 1  # some generators take no more


def add_model_arguments(parser: ArgumentParser) -> None:
    """Declare ``--model`` and ``--trust-model``, the arguments of `classic_eyes.load_model`."""
    parser.add_argument(
        "--model",
        default="default",
        metavar="FILE",
        help="a model that train wrote, NAME.npz, NAME.skops or NAME.joblib, or the name of a shipped one: "
        f"{', '.join(SHIPPED_MODELS)}; default: default",
    )
    parser.add_argument(
        "--trust-model", action="store_true", help="read a joblib file, although reading one can run any code"
    )


def add_calibration_argument(parser: ArgumentParser, what: str) -> None:
    """Declare ``--calibration``."""
    parser.add_argument(
        "--calibration", type=existing_file, metavar="FILE", help=f"{what}, from classic-eyes calibrate"
    )


def add_landmarks_argument(parser: ArgumentParser) -> None:
    """Declare ``--landmarks``."""
    parser.add_argument(
        "--landmarks",
        metavar="FILE",
        help="a dlib shape predictor to locate the eyes, instead of the model that ships: 5 points are in the public "
        "domain, those with 68 may not be used commercially",
    )


def add_bits_argument(parser: ArgumentParser) -> None:
    """Declare ``--bits``."""
    parser.add_argument(
        "--bits",
        type=bit_depth,
        metavar="N",
        help="16-bit images use only the lowest N bits, 8 to 16, as those of many cameras do; default: 16",
    )


def add_reading_arguments(parser: ArgumentParser) -> None:
    """Declare ``--max-pixels`` and ``--bits``."""
    parser.add_argument(
        "--max-pixels",
        type=positive_integer,
        default=MAX_PIXELS,
        metavar="N",
        help="do not decode images that are larger by their header; default: %(default)s",
    )
    add_bits_argument(parser)


def model_file(arguments: Namespace) -> str:
    """Return the file that ``--model`` names, also where that is the name of a shipped model."""
    name: str = arguments.model
    return str(shipped_model(name)) if name in SHIPPED_MODELS and not os.path.exists(name) else name


def check_out(
    name: str | None,
    *endings: str,
    force: bool,
    resume: bool | None = None,
    read: Iterable[str] = (),
    option: str = "--out",
) -> None:
    """Refuse, before the long work, an output that cannot or must not be written.

    1. Standard output, which is ``name=None``, must not be closed. Devices and pipes are always allowed.
    2. A file that is read is never overwritten: ``read`` names these files.
    3. Another existing file is replaced only with ``force``, or continued with ``resume``. ``resume`` is None for a
       command that cannot continue.
    4. A file must be in an existing folder that is writable, and have one of the ``endings``, if there are any.
    5. ``-`` is refused: where standard output is possible, it is that without the option.
    """
    if name is None:
        check_standard_output()
        return
    if is_stream(name):
        return
    shown = f"{option} {name!r}"
    if name == "-":
        further = f"; omit {option} for standard output" if resume is not None and option == "--out" else ""
        raise ParameterError(f"{shown} names no file{further}, or write ./- for a file of this name")
    if endings and Path(name).suffix not in endings:
        raise ParameterError(f"{shown} must end in {' or '.join(endings)}")
    folder = Path(name).absolute().parent
    if not folder.is_dir():
        raise ParameterError(f"{shown}: there is no folder {str(Path(name).parent)!r}; make it first")
    if os.path.isdir(name):
        raise ParameterError(f"{shown} is a folder; name a file")
    if force and resume:
        raise ParameterError(f"--force replaces {shown} and --resume continues it; give one of them")
    if os.path.lexists(name):
        if _is_one_of(name, read):
            raise ParameterError(f"{shown} is one of the files that are read; name another file")
        if not (force or resume):
            further = "" if resume is None else "continue it with --resume, "
            raise ParameterError(f"{shown} exists; name another file, {further}or replace it with --force")
        if not endings:
            return  # such a file is written in place; to replace a file, the folder must be writable
    try:
        check_writable(folder)
    except OSError as error:
        raise ParameterError(
            f"{shown}: the folder {str(folder)!r} is not writable ({error.strerror}); name another folder"
        ) from error


def check_standard_output() -> None:
    """Refuse a standard output that is closed, as by ``>&-``."""
    if sys.stdout is None:
        raise ParameterError("standard output is closed; leave it open, or name a file with --out FILE")


def _is_one_of(name: str, others: Iterable[str]) -> bool:
    """Return whether a file is one of others, by whatever name or link."""
    with suppress(OSError):
        own = os.stat(name)
        for other in others:
            with suppress(OSError, ValueError):
                if os.path.samestat(own, os.stat(other)):
                    return True
    return False


def existing_file(text: str) -> str:
    """Return the name of an existing file, or a URL."""
    if is_url(text):
        return text
    if os.path.isdir(text):
        raise ArgumentTypeError(f"{text!r} is a folder; name the file itself")
    if not os.path.exists(text):
        raise ArgumentTypeError(f"{text!r}: no such file")
    return text


def bit_depth(text: str) -> int:
    """Return a number of bits, 8 to 16.

    >>> bit_depth("12")
    12
    """
    if not text.isdecimal() or not 8 <= int(text) <= 16:
        raise ArgumentTypeError(f"{text!r} is not a whole number from 8 to 16")
    return int(text)


def positive_integer(text: str) -> int:
    """Return a whole number from 1.

    >>> positive_integer("2")
    2
    """
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def natural_number(text: str) -> int:
    """Return a whole number from 0.

    >>> natural_number("0")
    0
    """
    if not text.isdecimal():
        raise ArgumentTypeError(f"{text!r} is not a whole number from 0")
    return int(text)


def fold_count(text: str) -> int:
    """Return a number of folds: 0 for none, else 2 or more.

    >>> fold_count("5")
    5
    """
    if not text.isdecimal() or int(text) == 1:
        raise ArgumentTypeError(f"{text!r} is not a number of folds; 2 or more, or 0 for no evaluation")
    return int(text)


def random_seed(text: str) -> int:
    """Return a seed, 0 to 2147483647.

    >>> random_seed("7")
    7
    """
    if not text.isdecimal() or int(text) > _LARGEST_SEED:
        raise ArgumentTypeError(f"{text!r} is not a whole number from 0 to {_LARGEST_SEED}")
    return int(text)


def proportion(text: str) -> float:
    """Return a number from 0 to 1.

    >>> proportion("0.9")
    0.9
    """
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise ArgumentTypeError(f"{text!r} is not a number from 0 to 1")
    return value


def names(text: str) -> tuple[str, ...]:
    """Return names that are separated by commas.

    >>> names("hog, lbp")
    ('hog', 'lbp')
    """
    # Interned like names in source code: the bytes of a pickle depend on which of its strings are one object.
    found = tuple(sys.intern(part.strip()) for part in text.split(",") if part.strip())
    if not found:
        raise ArgumentTypeError(f"{text!r} names nothing; write for example hog,lbp")
    return found


def views(text: str) -> tuple[Any, ...]:
    """Return features as `classic_eyes.EyeClassifier` takes them; a slash separates views.

    >>> views("hog,lbp")
    ('hog', 'lbp')
    >>> views("hog,lbp/words")
    (('hog', 'lbp'), ('words',))
    """
    found = tuple(names(part) for part in text.split("/"))
    return found if len(found) > 1 else found[0]


def known_views(text: str) -> tuple[Any, ...]:
    """Return features as `views` does, if every extractor is known and can be used here."""
    from ..descriptors.ear import load_dlib
    from ..features import make_extractor

    found = views(text)
    for name in itertools.chain(*(found if isinstance(found[0], tuple) else [found])):
        try:
            make_extractor(name)
        except ParameterError as error:
            message = str(error).removeprefix("feature=").removesuffix("; or a transformer object over images")
            raise ArgumentTypeError(message) from error
        if name == "ear":
            load_dlib()  # refuses a missing dlib before anything is read
    return found
