"""Saving a fitted classifier: the estimator, the compiled model beside it, and the card."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from ..errors import ModelError
from .card import card_path, write_card
from .estimators import ENDINGS, check_skops, pack_estimator
from .files import check_path, npz_path, replace
from .npz import write_npz

__all__ = ["check_target", "save_classifier", "written_files"]


def check_target(path: str | os.PathLike[str], clf: Any, *, not_compiled: str | None = None) -> None:
    """Refuse, before the training, a model file that `save_classifier` could not write for this classifier.

    ``not_compiled`` is why the classifier has no compiled form; None where it has one.

    Raises
    ------
    ModelError
        For another ending, a classifier that a skops file may not hold, or ``.npz`` for one that cannot be compiled.
    MissingDependencyError
        For ``.skops`` without the extra ``skops``.
    """
    target = _check_ending(path)
    if target.suffix == ".skops":
        check_skops(clf.classifier)
    _check_compiled(target, not_compiled)


def written_files(path: str | os.PathLike[str]) -> list[Path]:
    """Return the files that `save_classifier` writes or replaces: the model, the compiled model, the card.

    >>> [file.name for file in written_files("mine.npz")]
    ['mine.npz', 'mine.json']
    """
    return list(dict.fromkeys((Path(path), npz_path(path), card_path(path))))


def _check_ending(path: str | os.PathLike[str]) -> Path:
    check_path(path)
    target = Path(path)
    if target.suffix not in (*ENDINGS, ".npz"):
        raise ModelError(f"model file {str(target)!r} must end in .npz, .joblib or .skops")
    return target


def _check_compiled(target: Path, not_compiled: str | None) -> None:
    if target.suffix == ".npz" and not_compiled is not None:
        raise ModelError(
            f"{str(target)!r} would hold a compiled model, and there is none: {not_compiled}; save as .joblib"
        )


def save_classifier(path: str | os.PathLike[str], clf: Any, card: dict[str, Any] | None = None) -> list[Path]:
    """Write a fitted `classic_eyes.EyeClassifier`, each file whole or not at all; return the files written.

    1. ``NAME.joblib`` or ``NAME.skops``: the estimator. With ``NAME.npz`` as the path it is left out.
    2. ``NAME.npz``: the compiled model. Where the classifier has none, an older one of that name is removed.
    3. ``NAME.json``: the card, if there is one, with the SHA-256 of the other files.

    Raises
    ------
    ModelError
        For another ending, a folder that is missing, a disk that refuses, or ``.npz`` without a compiled model.
    """
    target, compiled = _check_ending(path), npz_path(path)
    _check_compiled(target, clf.not_compiled_)
    digests: dict[str, str] = {}
    if target.suffix != ".npz":
        content = pack_estimator(clf, target)
        replace(target, content)
        digests[target.name] = hashlib.sha256(content).hexdigest()
    if clf.predictor_.program.compiled:
        digests[compiled.name] = write_npz(compiled, clf.predictor_.program)
    else:
        compiled.unlink(missing_ok=True)
    written = [target.with_name(name) for name in digests]
    if card is not None:
        write_card(target, card, digests)
        written.append(target.with_suffix(".json"))
    return written
