"""``--stats`` of ``classic-eyes predict``: counts of the predictions, and whether they drifted from a reference."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._utils.files import write_whole
from .._version import __version__
from ..errors import ParameterError
from ..inference import Scored
from ..inference.drift import N_BINS, Moments, find_drift, score_histogram
from ..inference.novelty import VERDICTS, verdicts
from ..predictor import EyePredictor

__all__ = ["Stats"]

_AT_A_TIME = 4096
# Reasons that differ in a number, such as a size, might be as many as the images.
_MAX_REASONS = 100
_OTHERS = "other reasons"
_MAX_BYTES = 1 << 20
_REMEDY = "name a file that predict --stats wrote"
_DECISIONS = {True: "drift", False: "no drift", None: "drift unknown"}


def _read_reference(path: str) -> dict[str, Any]:
    """Read a file that `Stats.write` wrote."""
    try:
        with open(path, "rb") as file:
            found = json.loads(file.read(_MAX_BYTES))
    except OSError as error:
        raise ParameterError(f"reference {path!r} cannot be read: {error.strerror}; {_REMEDY}") from error
    except (ValueError, RecursionError) as error:
        raise ParameterError(f"reference {path!r} is no JSON; {_REMEDY}") from error
    if not isinstance(found, dict):
        raise ParameterError(f"reference {path!r} holds no JSON object; {_REMEDY}")
    try:
        find_drift(found, np.full(N_BINS, 1 / N_BINS), 0.0, 0.0, 1)
    except ParameterError as error:
        raise ParameterError(f"reference {path!r}: {error}") from error
    return found


class Stats:
    """Counts predictions on their way to the rows, in constant memory; `reference` is a file that ``write`` wrote."""

    def __init__(self, model: EyePredictor, threshold: float, reference: str | None) -> None:
        self._reference = None if reference is None else _read_reference(reference)
        used = (self._reference or {}).get("model")
        if isinstance(used, dict) and used.get("sha256") != model.fingerprint:
            raise ParameterError(
                f"reference {reference!r} is of another model, {used.get('name')!r}; make it with this model"
            )
        self._model, self._threshold, self._reference_name = model, threshold, reference
        self._detects = model.program.novelty is not None
        self._verdicts: Counter[str] = Counter()
        self._labels: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()
        self._bins = np.zeros(N_BINS)
        self._novelty = {label: Moments(0, 0.0, 0.0) for label in ("closed", "open")}
        self._held: list[Scored] = []

    def watch(self, scored: Iterable[Scored]) -> Iterator[Scored]:
        """Yield what is given, and count it."""
        for each in scored:
            self.add(each)
            yield each

    def add(self, each: Scored) -> None:
        """Count one prediction, or the reason why there is none."""
        if each.score is None:
            reason = each.error or ""
            known = reason in self._reasons or len(self._reasons) < _MAX_REASONS
            self._reasons[reason if known else _OTHERS] += 1
            return
        self._held.append(each)
        if len(self._held) == _AT_A_TIME:
            self._count()

    def _count(self) -> None:
        if not self._held:
            return
        scores = np.array([each.score for each in self._held], dtype=np.float64)
        novelty: NDArray[np.float64] = np.array([each.novelty or 0.0 for each in self._held])
        self._held.clear()
        self._bins += score_histogram(scores) * len(scores)
        for label, part in (("closed", scores < 0.5), ("open", scores >= 0.5)):
            self._novelty[label] += Moments.of(novelty[part])
        n_open = int((scores >= self._threshold).sum())
        self._labels += Counter({"open": n_open, "closed": len(scores) - n_open})
        self._verdicts.update(verdicts(scores, novelty, unsure=self._model.program.unsure, threshold=self._threshold))

    def to_dict(self) -> dict[str, Any]:
        """Return the counts, and the drift from the reference, or from that in the card of the model."""
        self._count()
        about = self._model.info()
        n = self._verdicts.total()
        found: dict[str, Any] = {
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "version": __version__,
            "model": {key: about[key] for key in ("name", "sha256")},
            "threshold": self._threshold,
            "failed": self._reasons.total(),
            "labels": {label: self._labels[label] for label in ("open", "closed")},
            "verdicts": {name: self._verdicts[name] for name in VERDICTS if self._detects or name != "not-an-eye"},
            "errors": dict(self._reasons.most_common()),
        }
        if not n:
            return {**found, "n": 0, "reference": None, "drifted": None, "reason": "no image was read"}
        reference = self._reference or about["score_reference"]
        # A model without non-eye detection has no such share to compare.
        if reference is not None and not self._detects:
            reference = {**reference, "not_an_eye": 0.0}
        unsure, not_an_eye = (self._verdicts[name] / n for name in ("unsure", "not-an-eye"))
        moments = self._novelty if self._detects else None
        own = self._reference is not None
        drifted = find_drift(reference, self._bins / n, unsure, not_an_eye, n, moments, same_source=own)
        used = self._reference_name if own else "the card of the model" if reference else None
        return {**found, **drifted.to_dict(), "reference": used}

    def write(self, path: str) -> str:
        """Write the counts as JSON, and return the decision in one line."""
        found = self.to_dict()
        write_whole(
            os.fspath(path), (json.dumps(found, indent=2, ensure_ascii=False) + "\n").encode("utf-8", "replace")
        )
        return f"{_DECISIONS[found['drifted']]}: {found['reason']}"
