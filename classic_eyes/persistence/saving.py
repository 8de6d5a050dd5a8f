"""Saving a fitted classifier: the estimator, the compiled model beside it, and the card."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path
from typing import Any

from ..errors import ModelError
from .card import card_path, read_card, write_card
from .estimators import ENDINGS, check_skops, pack_estimator
from .files import check_path, npz_path, replace
from .npz import read_header, write_npz

__all__ = ["check_target", "save_classifier"]


def check_target(path: str | os.PathLike[str], clf: Any, *, not_compiled: str | None = None) -> None:
    """Refuse, before the training, a model file that `save_classifier` would refuse, or files beside it to keep.

    ``not_compiled`` is why the classifier has no compiled form; None where it has one.

    Raises
    ------
    ModelError
        For another ending, a folder that is missing, a folder of that name, a classifier that a skops file may not
        hold, ``.npz`` for one that cannot be compiled, or a ``.npz`` or ``.json`` of that name that no training wrote.
    MissingDependencyError
        For ``.skops`` without the extra ``skops``.
    """
    target = _check_ending(path)
    shown = repr(str(target))
    if not target.absolute().parent.is_dir():
        raise ModelError(f"model file {shown}: there is no folder {str(target.parent)!r}; make it first")
    if target.is_dir():
        raise ModelError(f"model file {shown} is a folder; name a file")
    if target.suffix == ".skops":
        check_skops(clf.classifier)
    _check_compiled(target, not_compiled)
    for beside, is_ours in ((card_path(target), _is_card), (npz_path(target), _is_npz)):
        if beside.exists() and not is_ours(beside):
            raise ModelError(
                f"model file {shown} would overwrite {str(beside)!r}, which no training wrote; name another file"
            )


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


def _is_card(path: Path) -> bool:
    with contextlib.suppress(ModelError):
        return "files" in read_card(path)
    return False


def _is_npz(path: Path) -> bool:
    with contextlib.suppress(ModelError):
        read_header(path)
        return True
    return False


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
