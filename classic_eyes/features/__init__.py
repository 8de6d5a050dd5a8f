"""Feature extractors: scikit-learn transformers from uint8 images (n, height, width) to named float32 features."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from .._utils import training_packages  # noqa: F401
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
    """Return the extractor for a name, or the given transformer.

    Parameters
    ----------
    feature : str or transformer
        A key of `EXTRACTORS`, or an object with `fit` and `transform` for uint8 images of shape (n, height, width).

    Returns
    -------
    transformer
        A new extractor with default parameters for a name; otherwise `feature` itself, not a copy.

    Raises
    ------
    ParameterError
        If the name is unknown, if `feature` is a class, or if it has no `fit` and `transform`.

    Examples
    --------
    >>> from classic_eyes.features import make_extractor
    >>> make_extractor("hog")
    Hog()
    >>> make_extractor("hgo")
    Traceback (most recent call last):
        ...
    classic_eyes.errors.ParameterError: feature is 'hgo'; allowed is one of 'ear', 'haar', 'hog', 'lbp', 'ltp',
    'pixels', 'profile', 'words', 'words_tt'; did you mean 'hog'?
    """
    if isinstance(feature, str):
        if feature in EXTRACTORS:
            return EXTRACTORS[feature]()
        close = get_close_matches(feature.lower(), EXTRACTORS, n=1)
        hint = f"did you mean {close[0]!r}?" if close else "or a transformer of images"
        raise ParameterError(f"feature is {feature!r}; allowed is one of {', '.join(map(repr, EXTRACTORS))}; {hint}")
    if isinstance(feature, type):
        raise ParameterError(
            f"feature is {feature.__name__}; allowed is a name or an object, not a class; use {feature.__name__}()"
        )
    if not (callable(getattr(feature, "fit", None)) and callable(getattr(feature, "transform", None))):
        raise ParameterError(
            f"feature is {feature!r}; allowed is one of {', '.join(map(repr, EXTRACTORS))}, or an object with fit and "
            f"transform for images; got {type(feature).__name__}"
        )
    return feature
