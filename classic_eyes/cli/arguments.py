"""Kinds of arguments that several commands take."""

from __future__ import annotations

import itertools
import os
from argparse import ArgumentTypeError
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .._utils.writing import check_writable
from ..errors import ParameterError
from ..images.remote import is_url

__all__ = [
    "check_out",
    "existing_file",
    "views",
    "known_views",
    "names",
    "natural_number",
    "not_negative",
    "positive_integer",
    "positive_integers",
    "random_seed",
    "share",
    "weights",
]

_LARGEST_SEED = 2**31 - 1  # some generators take no more


def check_out(name: str, *endings: str, force: bool, read: Iterable[str] = ()) -> None:
    """Refuse before the long work a file that cannot, or may not, be written after it.

    Parameters
    ----------
    name : str
        What --out says.
    *endings : str
        What it may end in.
    force : bool
        Whether a file that is there already may be replaced.
    read : iterable of str
        Files that are read, whose place is never taken.

    Raises
    ------
    ParameterError
        For another ending, a folder in its place, one that is not there or takes no file, or a file that is there.
    """
    if Path(name).suffix not in endings:
        raise ParameterError(f"--out {name!r} must end in {' or '.join(endings)}")
    folder = Path(name).absolute().parent
    if not folder.is_dir():
        raise ParameterError(f"--out {name!r}: there is no folder {str(Path(name).parent)!r}; make it first")
    if os.path.isdir(name):
        raise ParameterError(f"--out {name!r} is a folder; name a file")
    if any(os.path.realpath(name) == os.path.realpath(each) for each in read):
        raise ParameterError(f"--out {name!r} is the label file that is read; name another file")
    if os.path.lexists(name) and not force:
        raise ParameterError(f"--out {name!r} is there already; name another file, or say --force to take its place")
    try:
        check_writable(folder)
    except OSError as error:
        raise ParameterError(
            f"--out {name!r}: no file can be made in {str(folder)!r} ({error.strerror}); name another folder"
        ) from error


def existing_file(text: str) -> str:
    """Read the name of a file that is there.

    Parameters
    ----------
    text : str
        What the user typed.

    Returns
    -------
    str
        The same; a URL is taken as it is.

    Raises
    ------
    argparse.ArgumentTypeError
        For a folder, or a name under which there is nothing.
    """
    if is_url(text):
        return text
    if os.path.isdir(text):
        raise ArgumentTypeError(f"{text!r} is a folder; name the CSV file itself")
    if not os.path.exists(text):
        raise ArgumentTypeError(f"{text!r}: no such file")
    return text


def positive_integer(text: str) -> int:
    """Read a whole number from 1.

    Parameters
    ----------
    text : str
        What the user typed.

    Returns
    -------
    int
        The number.

    Raises
    ------
    argparse.ArgumentTypeError
        For anything else.

    Examples
    --------
    >>> positive_integer("2")
    2
    """
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def positive_integers(text: str) -> int | tuple[int, ...]:
    """Read a whole number from 1, or several, one for each view of features.

    Parameters
    ----------
    text : str
        What the user typed, numbers parted by commas.

    Returns
    -------
    int or tuple of int
        One number alone, or all of them.

    Raises
    ------
    argparse.ArgumentTypeError
        For anything else.

    Examples
    --------
    >>> positive_integers("2"), positive_integers("600,1500")
    (2, (600, 1500))
    """
    try:
        numbers = tuple(map(positive_integer, text.split(",")))
    except ArgumentTypeError:
        raise ArgumentTypeError(f"{text!r} is not a whole number from 1, nor several parted by commas") from None
    return numbers[0] if len(numbers) == 1 else numbers


def random_seed(text: str) -> int:
    """Read the seed of all that is random.

    Parameters
    ----------
    text : str
        What the user typed.

    Returns
    -------
    int
        0 to 2147483647.

    Raises
    ------
    argparse.ArgumentTypeError
        For anything else.

    Examples
    --------
    >>> random_seed("7")
    7
    """
    if not text.isdecimal() or int(text) > _LARGEST_SEED:
        raise ArgumentTypeError(f"{text!r} is not a whole number from 0 to {_LARGEST_SEED}")
    return int(text)


def natural_number(text: str) -> int:
    """Read a whole number from 0.

    Parameters
    ----------
    text : str
        What the user typed.

    Returns
    -------
    int
        The number.

    Raises
    ------
    argparse.ArgumentTypeError
        For anything else.

    Examples
    --------
    >>> natural_number("0")
    0
    """
    if not text.isdecimal():
        raise ArgumentTypeError(f"{text!r} is not a whole number from 0")
    return int(text)


def not_negative(text: str) -> float:
    """Read a number, 0 or more.

    Parameters
    ----------
    text : str
        What the user typed.

    Returns
    -------
    float
        The number.

    Raises
    ------
    argparse.ArgumentTypeError
        For anything else.

    Examples
    --------
    >>> not_negative("0.03")
    0.03
    """
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found < float("inf"):
        raise ArgumentTypeError(f"{text!r} is not a number from 0; write for example 0.03")
    return found


def share(text: str) -> float:
    """Read a share, above 0 and below 1.

    Parameters
    ----------
    text : str
        What the user typed.

    Returns
    -------
    float
        The share.

    Raises
    ------
    argparse.ArgumentTypeError
        For anything else.

    Examples
    --------
    >>> share("0.2")
    0.2
    """
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0 < found < 1:
        raise ArgumentTypeError(f"{text!r} is not a share above 0 and below 1, such as 0.2")
    return found


def views(text: str) -> tuple[Any, ...]:
    """Read names of features: commas between those learnt together, slashes between views learnt apart.

    Parameters
    ----------
    text : str
        What the user typed.

    Returns
    -------
    tuple
        As `classic_eyes.EyeClassifier` takes it: names, or a tuple of names for each view.

    Raises
    ------
    argparse.ArgumentTypeError
        Where there is none, or a view is empty.

    Examples
    --------
    >>> views("hog,lbp")
    ('hog', 'lbp')
    >>> views("hog,lbp/words")
    (('hog', 'lbp'), ('words',))
    """
    found = tuple(names(part) for part in text.split("/"))
    return found if len(found) > 1 else found[0]


def known_views(text: str) -> tuple[Any, ...]:
    """Read names of features as `views` does, and refuse those that nobody knows.

    Parameters
    ----------
    text : str
        What the user typed.

    Returns
    -------
    tuple
        As from `views`.

    Raises
    ------
    argparse.ArgumentTypeError
        As `views`, and for a name that is not known.
    MissingDependencyError
        For ``ear`` without dlib.
    """
    from ..descriptors.ear import load_dlib
    from ..features import make_extractor

    found = views(text)
    for name in itertools.chain(*(found if isinstance(found[0], tuple) else [found])):
        try:
            make_extractor(name)
        except ParameterError as error:
            said = str(error).removeprefix("feature=").removesuffix("; or a transformer object over images")
            raise ArgumentTypeError(said) from error
        if name == "ear":
            load_dlib()  # says so before anything is read, not after the long work
    return found


def weights(text: str) -> tuple[float, ...]:
    """Read numbers above 0, separated by commas.

    Parameters
    ----------
    text : str
        What the user typed.

    Returns
    -------
    tuple of float
        The numbers.

    Raises
    ------
    argparse.ArgumentTypeError
        For anything else.

    Examples
    --------
    >>> weights("2,1")
    (2.0, 1.0)
    """
    try:
        found = tuple(float(part) for part in text.split(","))
    except ValueError:
        found = ()
    if not found or not all(0 < number < float("inf") for number in found):
        raise ArgumentTypeError(f"{text!r} does not hold numbers above 0; write for example 2,1")
    return found


def names(text: str) -> tuple[str, ...]:
    """Read names separated by commas.

    Parameters
    ----------
    text : str
        What the user typed.

    Returns
    -------
    tuple of str
        The names, without blanks.

    Raises
    ------
    argparse.ArgumentTypeError
        Where there is none.

    Examples
    --------
    >>> names("hog, lbp")
    ('hog', 'lbp')
    """
    found = tuple(part.strip() for part in text.split(",") if part.strip())
    if not found:
        raise ArgumentTypeError(f"{text!r} names nothing; write for example hog,lbp")
    return found
