"""The model card: a JSON file beside the model that says what it is, what it was trained on and how good it is."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._utils.dependencies import library_versions
from .._utils.files import read_whole, replace, wide_encoding
from ..errors import ModelError, ParameterError

__all__ = ["NOT_FOR", "card_path", "make_card", "read_about", "read_card", "trained_on", "write_card"]

_MAX_BYTES = 1 << 24
_WHAT = "classic_eyes model: probability that the eye in a patch is open (1) rather than closed (0)"
NOT_FOR = (
    "Decisions about a person's safety, health or fitness (for example whether a driver is awake) without other "
    "evidence; identification of people; images that are not patches of one human eye."
)
_FOUND = (
    "given labels only, each scored in self-training by a model not trained on its group; which clusters were kept may "
    "have depended on them"
)
# Bytes of a digest of an image: by chance, two of a million images in ten million pairs are equal.
_N_DIGEST = 6
_NOT_EVALUATED = "not evaluated: labels were missing, and labels that were found are no ground truth"


def make_card(
    clf: Any,
    *,
    name: str,
    command: str,
    data: list[dict[str, Any]],
    results: dict[str, Any] | None,
    n_folds: int = 0,
    predicted: bool = False,
    not_evaluated: str | None = None,
    notes: Iterable[str] = (),
    images: NDArray[np.uint8] | None = None,
    found: NDArray[np.uint8] | None = None,
    start: dict[str, Any] | None = None,
    about: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the card of a fitted `classic_eyes.EyeClassifier`.

    Parameters
    ----------
    clf : EyeClassifier
        Fitted.
    name : str
        Of the model.
    command : str
        What made it.
    data : list of dict
        A description of each source; see `classic_eyes.datasets.describe`.
    results : dict or None
        Part of the data to its metrics, as `classic_eyes.metrics.summarize` returns them; None if not evaluated.
    n_folds : int, default 0
        Folds of the cross-validation; 0 for none.
    predicted : bool, default False
        Whether the given labels are predictions of a model.
    not_evaluated : str, optional
        Why there are no results, if the given labels are no measure of the accuracy.
    notes : iterable of str, default ()
        What a reader of the results must know.
    images : uint8 array of shape (n, size, size), optional
        The labelled images, of which short digests are stored; see `trained_on`.
    found : uint8 array of shape (m, size, size), optional
        The images whose labels were found or predicted, of which short digests are stored too.
    start : dict, optional
        The card of the model that these images were added to; its images are named too.
    about : dict, optional
        Further entries: sources, licences, limits.
    """
    protocol = f"not evaluated: {not_evaluated}" if not_evaluated else _protocol(clf, results, n_folds)
    return {
        "name": name,
        "what": _WHAT,
        "not_for": NOT_FOR,
        "command": command,
        "data": data,
        "parameters": _parameters(clf),
        "pipelines": {view: list(pipeline.named_steps) for view, pipeline in clf.pipelines_.items()},
        "features": clf.n_features_,
        "components": clf.n_components_,
        "support_vectors": clf.n_support_vectors_,
        "synthetic_eyes": clf.n_synthetic_,
        "protocol": "; ".join([protocol, *(notes if results else ())]),
        "results": results,
        "score_reference": clf.score_reference_,
        "labels": {**_labels(clf.history_), **({"given_are": "predictions of a model"} if predicted else {})},
        **_known_images("trained_on", images, start),
        **_known_images("found_labels_on", found, start),
        "versions": library_versions(),
        **({"not_compiled": clf.not_compiled_} if clf.not_compiled_ else {}),
        **(about or {}),
    }


def _parameters(clf: Any) -> dict[str, Any]:
    parameters: dict[str, Any] = clf.get_params(deep=False)
    start = parameters.pop("start_from")
    # With a start, no other parameter has an effect.
    return parameters if start is None else {"start_from": start}


def _protocol(clf: Any, results: Any, n_folds: int) -> str:
    if clf.history_ is not None:
        return _FOUND if results else _NOT_EVALUATED
    if not results:
        return "not evaluated (no folds)"
    return (
        f"{n_folds}-fold cross-validation over all sources together, by group (no person or face is on both sides); "
        "intervals: 95%, over groups, see classic_eyes.metrics.summarize"
    )


def _labels(history: Any) -> dict[str, Any]:
    if history is None:
        return {"given": "all"}
    return {
        "given": int((history.given >= 0).sum()),
        "found": int(((history.labels >= 0) & (history.given < 0)).sum()),
        "uncertain": int((history.labels < 0).sum()),
        "confidence": history.confidence,
        "stop_reason": history.stop_reason,
        "warnings": list(history.warnings),
    }


def _digests(images: NDArray[np.uint8]) -> list[bytes]:
    return [hashlib.blake2b(image.tobytes(), digest_size=_N_DIGEST).digest() for image in images]


def _known_images(key: str, images: NDArray[np.uint8] | None, start: dict[str, Any] | None) -> dict[str, Any]:
    """Return the entry of a card with the digests of images, and those that the card of a start has."""
    before = (start or {}).get(key)
    if images is None or not len(images):
        return {key: before} if before else {}
    return {key: _pack_digests(images, _stored_digests({key: before}, images.shape[1], key))}


def _pack_digests(images: NDArray[np.uint8], further: Iterable[bytes] = ()) -> dict[str, Any]:
    packed = b"".join(sorted({*_digests(images), *further}))
    return {"size": images.shape[1], "digests": base64.b64encode(packed).decode("ascii")}


def trained_on(card: dict[str, Any], images: NDArray[np.uint8], *, found: bool = False) -> NDArray[np.bool_]:
    """Return which images (n, size, size) the model of a card was trained on with their labels; False where unknown.

    With ``found``, those on which it was trained with labels that were found or predicted.
    """
    known = _stored_digests(card, images.shape[1], "found_labels_on" if found else "trained_on")
    return np.array([digest in known for digest in _digests(images)], dtype=bool)


def _stored_digests(card: dict[str, Any], size: int, key: str = "trained_on") -> set[bytes]:
    """Return the digests in a card; none for images of another size, or where there are none."""
    stored = card.get(key)
    try:
        if int(stored["size"]) != size:  # type: ignore[index]
            return set()
        packed = base64.b64decode(stored["digests"], validate=True)  # type: ignore[index]
    except (TypeError, KeyError, ValueError, binascii.Error):
        return set()
    return {packed[k : k + _N_DIGEST] for k in range(0, len(packed), _N_DIGEST)}


def card_path(path: str | os.PathLike[str]) -> Path:
    """Return the path of the card of a model file: the same name, ending in ``.json``."""
    return Path(path).with_suffix(".json")


def write_card(path: str | os.PathLike[str], card: dict[str, Any], digests: dict[str, str]) -> None:
    """Write a card beside a model file; ``digests`` are the SHA-256 of the files that it is about, by name."""
    text = json.dumps({**card, "files": digests}, indent=2, ensure_ascii=False, default=repr)
    # A file name that is not UTF-8 has half surrogates, which JSON writes as escapes.
    replace(card_path(path), f"{text}\n".encode(errors="backslashreplace"))


def read_about(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read further entries of a card from a JSON file; ParameterError for anything but a JSON object."""
    shown = os.fspath(path)
    try:
        content = Path(path).read_bytes()
        if wide := wide_encoding(content):
            raise ParameterError(f"about {shown!r} is {wide}; save it as UTF-8")
        about = json.loads(content.decode("utf-8-sig"))
    except OSError as error:
        raise ParameterError(f"about {shown!r} cannot be read: {error.strerror}; name a JSON file") from error
    except UnicodeDecodeError as error:
        raise ParameterError(f"about {shown!r} is not UTF-8; save it as UTF-8") from error
    except (json.JSONDecodeError, RecursionError) as error:
        raise ParameterError(
            f'about {shown!r} is not JSON: {error}; allowed is a JSON object, for example {{"sources": ["my camera"]}}'
        ) from error
    if not isinstance(about, dict):
        raise ParameterError(f"about {shown!r} holds a {type(about).__name__}; allowed is a JSON object")
    return about


def read_card(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the card beside a model file; ModelError where there is none, or it is no JSON object.

    >>> read_card("no-such-model.joblib")
    Traceback (most recent call last):
    classic_eyes.errors.ModelError: no card beside the model: 'no-such-model.json' is missing
    """
    card = card_path(path)
    try:
        content = json.loads(read_whole(card, max_bytes=_MAX_BYTES))
    except FileNotFoundError:
        raise ModelError(f"no card beside the model: {str(card)!r} is missing") from None
    except (ValueError, RecursionError) as error:
        raise ModelError(f"the card {str(card)!r} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise ModelError(f"the card {str(card)!r} holds no JSON object; train the model again or remove it")
    return content
