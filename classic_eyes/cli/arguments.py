"""Kinds of arguments that several commands take."""

from __future__ import annotations

from argparse import ArgumentTypeError
from typing import Any

__all__ = ["families", "names", "natural_number", "positive_integer"]


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


def families(text: str) -> tuple[Any, ...]:
    """Read names of features: commas between those learnt together, slashes between families learnt apart.

    Parameters
    ----------
    text : str
        What the user typed.

    Returns
    -------
    tuple
        As `classic_eyes.EyeClassifier` takes it: names, or a tuple of names for each family.

    Raises
    ------
    argparse.ArgumentTypeError
        Where there is none, or a family is empty.

    Examples
    --------
    >>> families("hog,lbp")
    ('hog', 'lbp')
    >>> families("hog,lbp/words")
    (('hog', 'lbp'), ('words',))
    """
    found = tuple(names(part) for part in text.split("/"))
    return found if len(found) > 1 else found[0]


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
