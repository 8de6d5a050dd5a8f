"""Saving a fitted classifier: the estimator, the compiled model beside it, and the card."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from ..errors import ModelError
from .card import write_card
from .estimators import ENDINGS, pack_estimator
from .files import check_path, npz_path, replace
from .npz import write_npz

__all__ = ["save_classifier"]


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
    check_path(path)
    target, compiled = Path(path), npz_path(path)
    if target.suffix not in (*ENDINGS, ".npz"):
        raise ModelError(f"model file {str(target)!r} must end in .npz, .joblib or .skops")
    if target.suffix == ".npz" and not clf.predictor_.program.compiled:
        raise ModelError(
            f"{str(target)!r} would hold a compiled model, and there is none: {clf.not_compiled_}; save as .joblib"
        )
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
