"""The extractors: grey images ``(n, height, width)`` in, float32 features ``(n, d)`` with names out."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from ..errors import ParameterError
from .base import Extractor
from .ear import Ear
from .haar import Haar, count_hits
from .hog import Hog
from .lbp import Lbp
from .ltp import Ltp
from .pixels import Pixels
from .profile import Profile
from .words import TanTriggsWords, Words

__all__ = [
    "EXTRACTORS",
    "Ear",
    "Extractor",
    "Haar",
    "Hog",
    "Lbp",
    "Ltp",
    "Pixels",
    "Profile",
    "TanTriggsWords",
    "Words",
    "count_hits",
    "make_extractor",
]

EXTRACTORS: dict[str, type[Extractor]] = {
    "ear": Ear,
    "haar": Haar,
    "hog": Hog,
    "lbp": Lbp,
    "ltp": Ltp,
    "pixels": Pixels,
    "profile": Profile,
    "words": Words,
    "words_tt": TanTriggsWords,
}


def make_extractor(feature: Any) -> Any:
    """Give an extractor for a name, or an object back as it is.

    Parameters
    ----------
    feature : str or object
        A key of `EXTRACTORS`, or any transformer with `fit` and `transform` over uint8 images of shape (n, height,
        width).

    Returns
    -------
    object
        A new, unfitted extractor with its defaults for a name; otherwise `feature` itself, not a copy.

    Raises
    ------
    ParameterError
        If the name is unknown, if `feature` is a class, or if it has no `fit` and `transform`.

    Examples
    --------
    >>> make_extractor("hog")
    Hog()
    >>> make_extractor("hgo")
    Traceback (most recent call last):
        ...
    classic_eyes.errors.ParameterError: feature='hgo': expected one of 'ear', 'haar', 'hog', 'lbp', 'ltp',
    'pixels', 'profile', 'words', 'words_tt'; did you mean 'hog'?
    """
    if isinstance(feature, str):
        if feature in EXTRACTORS:
            return EXTRACTORS[feature]()
        close = get_close_matches(feature.lower(), EXTRACTORS, n=1)
        hint = f"did you mean {close[0]!r}?" if close else "or a transformer object over images"
        raise ParameterError(f"feature={feature!r}: expected one of {', '.join(map(repr, EXTRACTORS))}; {hint}")
    if isinstance(feature, type):
        raise ParameterError(
            f"feature={feature.__name__}: expected a name or an object, got a class; write {feature.__name__}()"
        )
    if not (callable(getattr(feature, "fit", None)) and callable(getattr(feature, "transform", None))):
        raise ParameterError(
            f"feature={feature!r}: expected one of {', '.join(map(repr, EXTRACTORS))}, or an object with fit and "
            f"transform over images; got a {type(feature).__name__}"
        )
    return feature
