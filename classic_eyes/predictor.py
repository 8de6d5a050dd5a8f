"""`EyePredictor`: a fitted model that predicts with numpy and OpenCV alone, and the methods that predict."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ._utils.files import SHIPPED_MODELS, shipped_model
from ._utils.resources import n_cores, turn
from ._version import __version__
from .calibration.adaptation import Adaptation, fit_adaptation
from .calibration.threshold import Calibration, calibrate
from .errors import ClassicEyesError, ModelError, ParameterError
from .images import as_image
from .images.gate import in_blocks
from .inference.novelty import verdicts
from .inference.processes import run_threads
from .inference.program import BLOCK, Program, Scoring, probability_of
from .persistence.card import card_path
from .persistence.describing import describe_program, describe_training, own_card
from .persistence.npz import npz_path, pack_program, read_npz, write_npz

__all__ = ["EyePredictor", "PredictionMethods", "load_model"]

T = TypeVar("T")

_log = logging.getLogger(__name__)

# So many images take so little time that threads would compete for the interpreter; and arrays of so many values.
_BRIEF, _SMALL = 48, 48 * 24 * 24
# A threshold closer to 0 or 1 has no log odds.
_LEAST = 1e-9


class PredictionMethods:
    """The methods that predict, for every class with a `program`.

    ``X`` and ``images`` are an array ``(n, h, w)`` or ``(n, h, w, 3)`` in RGB, or a sequence of arrays or paths; see
    `classic_eyes.images.as_images`. Any number of threads may call them at once.
    """

    _n_jobs = 1

    @property
    def program(self) -> Program:
        """The fitted model as arithmetic; all predictions go through it."""
        raise NotImplementedError

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Return the calibrated log odds of open; positive means open.

        Parameters
        ----------
        X : array of shape (n, h, w) or (n, h, w, 3), or sequence of arrays or paths
            Eye patches; see `classic_eyes.images.as_images`.

        Returns
        -------
        float64 array of shape (n,)
            Log odds.

        Raises
        ------
        ImageError
            For images that cannot be used.
        """
        return self._compute(X)[0]

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return the calibrated probabilities of closed and of open.

        Parameters
        ----------
        X : array of shape (n, h, w) or (n, h, w, 3), or sequence of arrays or paths
            Eye patches; see `classic_eyes.images.as_images`.

        Returns
        -------
        float64 array of shape (n, 2)
            Columns closed, open; each row sums to 1.

        Raises
        ------
        ImageError
            For images that cannot be used.
        """
        open_ = probability_of(self.decision_function(X))
        return np.column_stack([1 - open_, open_])

    def predict(self, X: Any) -> NDArray[np.int64]:
        """Return 1 for each open eye and 0 for each closed one.

        Parameters
        ----------
        X : array of shape (n, h, w) or (n, h, w, 3), or sequence of arrays or paths
            Eye patches; see `classic_eyes.images.as_images`.

        Returns
        -------
        int64 array of shape (n,)
            1 where the probability of open is 0.5 or more.

        Raises
        ------
        ImageError
            For images that cannot be used.
        """
        return (self.decision_function(X) >= 0).astype(np.int64)

    def predict_one(self, image: Any) -> float:
        """Return the probability of open of one image, with little overhead.

        In the loop of a camera, `verdict_one` also tells frames without an eye, such as those of a covered camera.

        Parameters
        ----------
        image : array of shape (h, w) or (h, w, 3)
            One eye, values as in `classic_eyes.images.as_images`.

        Returns
        -------
        float
            From 0 to 1.

        Raises
        ------
        ImageError
            For an image that cannot be used.
        """
        return float(self._compute_one(image, self.program.probability)[0])

    def novelty_score(self, images: Any) -> NDArray[np.float64]:
        """Return how unlike an eye images are; 1% of eyes score above 1, and every flat image.

        Parameters
        ----------
        images : array of shape (n, h, w) or (n, h, w, 3), or sequence of arrays or paths
            See `classic_eyes.images.as_images`.

        Returns
        -------
        float64 array of shape (n,)
            0 or more; see `classic_eyes.inference.novelty.Novelty`.

        Raises
        ------
        ImageError
            For images that cannot be used.
        ModelError
            For a model that was trained without non-eye detection.
        """
        return self._compute(images, log_odds=False, novelty=True)[1]

    def verdict(self, images: Any) -> list[str]:
        """Return ``open``, ``closed``, ``unsure`` or ``not-an-eye`` for each image.

        Parameters
        ----------
        images : array of shape (n, h, w) or (n, h, w, 3), or sequence of arrays or paths
            See `classic_eyes.images.as_images`.

        Returns
        -------
        list of str
            See `classic_eyes.inference.novelty.verdicts`.

        Raises
        ------
        ImageError
            For images that cannot be used.
        ModelError
            For a model that was trained without non-eye detection.

        Examples
        --------
        >>> from classic_eyes.synthetic import make_eyes
        >>> load_model().verdict(make_eyes(3, random_state=0).images)
        ['closed', 'closed', 'open']
        """
        log_odds, novelty = self._compute(images, novelty=True)
        return verdicts(probability_of(log_odds), novelty, unsure=self.program.unsure)

    def verdict_one(self, image: Any) -> str:
        """Return the verdict on one image, as for the loop of a camera; see `verdict`.

        Parameters
        ----------
        image : array of shape (h, w) or (h, w, 3)
            One eye, values as in `classic_eyes.images.as_images`.

        Returns
        -------
        str
            ``open``, ``closed``, ``unsure`` or ``not-an-eye``.

        Raises
        ------
        ImageError
            For an image that cannot be used.
        ModelError
            For a model that was trained without non-eye detection.
        """
        program = self.program
        novelty, probability = self._compute_one(image, lambda X: (program.novelty_score(X), program.probability(X)))
        return verdicts(probability, novelty, unsure=program.unsure)[0]

    def _compute(
        self, images: Any, *, log_odds: bool = True, novelty: bool = False
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return log odds and novelty (n,) of images of any kind, in constant memory; what is not wanted is empty."""
        program = self.program
        scoring, novelties = None, [np.empty(0)]
        if self._n_jobs > 1 and hasattr(images, "__len__") and len(images) > BLOCK:
            return self._compute_in_threads(images, log_odds, novelty)
        with _conversion(images):
            for X in in_blocks(images, BLOCK, size=program.size):
                scoring = scoring or Scoring(program, len(images))
                with turn(brief=len(X) <= _BRIEF):
                    if novelty:
                        novelties.append(program.novelty_score(X))
                    if log_odds:
                        scoring.add(X)
            assert scoring is not None  # `in_blocks` refuses to yield nothing
            with turn(brief=True):
                return scoring.finish() if log_odds else np.empty(0), np.concatenate(novelties)

    def _compute_in_threads(
        self, images: Any, log_odds: bool, novelty: bool
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Do as `_compute`, several blocks at a time; chunks, and with them the bytes, are the same."""
        program, scoring, novelties = self.program, Scoring(self.program, len(images)), [np.empty(0)]
        at_a_time = threading.Semaphore(self._n_jobs)
        threads = {"n_jobs": self._n_jobs, "ahead": 2}

        def first(X: NDArray[np.uint8]) -> tuple[Any, ...]:
            with at_a_time, turn(brief=False):
                return X, scoring.first(X) if log_odds else None, program.novelty_score(X) if novelty else None

        def later(waiting: Any) -> tuple[Any, ...]:
            with at_a_time, turn(brief=False):
                return waiting, scoring.later(waiting)

        def uncertain() -> Iterator[Any]:
            blocks = in_blocks(images, BLOCK, size=program.size)
            for X, decisions, new in run_threads(first, blocks, **threads):
                if novelty:
                    novelties.append(new)
                if log_odds:
                    yield from scoring.take(X, decisions)
            yield from scoring.rest()

        for waiting, decisions in run_threads(later, uncertain(), **threads):
            scoring.blend(waiting, decisions)
        return scoring.finish() if log_odds else np.empty(0), np.concatenate(novelties)

    def _compute_one(self, image: Any, compute: Callable[[NDArray[np.uint8]], T]) -> T:
        with _conversion(image):
            X = as_image(image, size=self.program.size)
            with turn(brief=True):
                return compute(X)

    def probability(self, gated: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return the probability of open for images that `classic_eyes.images.as_images` returned.

        Parameters
        ----------
        gated : uint8 array of shape (n, size, size)
            Grey.

        Returns
        -------
        float64 array of shape (n,)
            From 0 to 1.
        """
        return self.program.probability(gated)

    def adapt(self, images: Any) -> Adaptation:
        """Fit threshold and calibration to an unlabelled folder of both open and closed eyes.

        Parameters
        ----------
        images : array of shape (n, h, w) or (n, h, w, 3), or sequence of arrays or paths
            100 or more, open and closed, of one source.

        Returns
        -------
        Adaptation
            ``model.calibrated(adaptation)`` is the adapted model, and ``adaptation.probability(...)`` are the adapted
            probabilities of open. Where it declines, both stay unchanged; see
            `classic_eyes.calibration.fit_adaptation`.

        Raises
        ------
        ImageError
            For images that cannot be used.
        """
        return fit_adaptation(self.decision_function(images))

    def calibrate(self, open_images: Any, closed_images: Any = None) -> Calibration:
        """Fit a person's own decision threshold to a few dozen of their images.

        Parameters
        ----------
        open_images : array of shape (n, h, w) or (n, h, w, 3), or sequence of arrays or paths
            12 or more of their open eyes.
        closed_images : the same, optional
            12 or more of their closed eyes.

        Returns
        -------
        Calibration
            ``model.calibrated(calibration)`` is the model with this person's threshold, which is
            ``calibration.threshold.value`` on the probability of open; see `classic_eyes.calibration.fit_threshold`.

        Raises
        ------
        ImageError
            For images that cannot be used.
        DataError
            For too few images, or closed eyes that score no lower than open ones.

        Examples
        --------
        >>> from classic_eyes.synthetic import make_eyes
        >>> eyes = make_eyes(60, random_state=2)
        >>> person = load_model().calibrate(eyes.images[eyes.labels == 1], eyes.images[eyes.labels == 0])
        >>> mine = load_model().calibrated(person)
        >>> mine.predict(eyes.images[:3]).tolist() == eyes.labels[:3].tolist()
        True
        """
        closed = None if closed_images is None else self.decision_function(closed_images)
        return calibrate(self.decision_function(open_images), closed, model=self.fingerprint)

    def calibrated(self, calibration: Calibration | Adaptation) -> EyePredictor:
        """Return a model with a person's threshold, or adapted to a folder, and all the methods of this one.

        The log odds of open are moved so that those of the threshold become 0. So the threshold is 0.5 again, in
        `predict`, `predict_one` and `verdict`, and wherever else the model is used: `classic_eyes.faces.FaceReader`,
        `classic_eyes.video.Monitor`, or a file that `EyePredictor.save` writes.

        Parameters
        ----------
        calibration : Calibration or Adaptation
            What `calibrate` or `adapt` returned, or `classic_eyes.calibration.read_calibration`.

        Returns
        -------
        EyePredictor
            This model stays as it is.

        Raises
        ------
        ParameterError
            For anything else, or a calibration that was fitted to another model.

        Examples
        --------
        >>> from classic_eyes.calibration import Adaptation
        >>> from classic_eyes.synthetic import make_eyes
        >>> model, images = load_model("fast"), make_eyes(3, random_state=0).images
        >>> found = Adaptation(200, threshold=1.0, slope=2.0)
        >>> moved = 2 * (model.decision_function(images) - 1)
        >>> bool(np.allclose(model.calibrated(found).decision_function(images), moved))
        True
        """
        if isinstance(calibration, Calibration):
            if calibration.model and self.fingerprint and calibration.model != self.fingerprint:
                raise ParameterError(
                    "the calibration was fitted to the probabilities of another model; calibrate again"
                )
            share = min(max(calibration.threshold.value, _LEAST), 1 - _LEAST)
            threshold, slope = float(np.log(share) - np.log1p(-share)), 1.0
        elif isinstance(calibration, Adaptation):
            threshold, slope = calibration.threshold, calibration.slope
        else:
            raise ParameterError(
                f"calibration is a {type(calibration).__name__}; allowed is a Calibration or an Adaptation, as the "
                "methods calibrate and adapt return them"
            )
        program = self.program
        moved = slope * (program.intercept - threshold)
        moved_program = replace(program, slope=slope * program.slope, intercept=moved)
        return EyePredictor(moved_program, n_jobs=self._n_jobs)

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the ``.npz`` file of the model; empty for a model that has none."""
        return hashlib.sha256(pack_program(self.program)).hexdigest() if self.program.compiled else ""


def _conversion(images: Any) -> AbstractContextManager[None]:
    """Return the turn in which small arrays are converted; reading files and large arrays keeps nobody waiting."""
    small = isinstance(images, np.ndarray) and images.size <= _SMALL
    return turn(brief=True) if small else nullcontext()


class EyePredictor(PredictionMethods):
    """A fitted model: predicts, and needs neither scikit-learn nor trust in its file.

    `load_model` reads one from a file; `classic_eyes.EyeClassifier.predictor_` is one.

    Parameters
    ----------
    program : classic_eyes.inference.program.Program
        The fitted model as arithmetic.
    about : dict, optional
        ``file``, ``format``, ``versions`` and ``sha256`` of the file that it was read from.
    n_jobs : int or None, default 1
        Threads that one call of more than 1,344 images computes in; None for one per core. Results are the same bytes.

    Attributes
    ----------
    size : int
        Side in pixels to which images are reduced.

    Examples
    --------
    >>> from classic_eyes import load_model
    >>> from classic_eyes.synthetic import make_eyes
    >>> model = load_model()
    >>> eyes = make_eyes(20, random_state=0)
    >>> model.predict(eyes.images).shape
    (20,)
    >>> 0 <= model.predict_one(eyes.images[0]) <= 1
    True
    """

    def __init__(self, program: Program, about: dict[str, Any] | None = None, *, n_jobs: int | None = 1) -> None:
        self._program = program
        self.about = about or {}
        self._n_jobs = _check_jobs(n_jobs)

    @property
    def n_jobs(self) -> int:
        """Threads that one call of many images computes in."""
        return self._n_jobs

    @property
    def program(self) -> Program:
        """The fitted model as arithmetic."""
        return self._program

    @property
    def size(self) -> int:
        """Side in pixels to which images are reduced."""
        return self._program.size

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the ``.npz`` file of the model; empty for a model that has none."""
        return str(self.about.get("sha256") or super().fingerprint)

    def info(self) -> dict[str, Any]:
        """Return what the model is, as plain data for a log or a status page.

        Returns
        -------
        dict
            ``name``, ``file``, ``sha256`` and ``megabytes`` of the file, and ``versions`` of the libraries that wrote
            it; None for a model that was read from no ``.npz`` file. ``size`` in pixels, ``views`` with their features
            and sizes, and other settings. From the card beside the file, None where there is none: ``parameters``,
            ``trained_on``, ``n_images``, ``accuracy`` by source with its 95% interval, the ``protocol`` behind it, and
            ``score_reference`` for `classic_eyes.evaluation.drift`.

        Raises
        ------
        ModelError
            For a card beside the file that is none of ours.

        Examples
        --------
        >>> from classic_eyes import load_model
        >>> about = load_model("fast").info()
        >>> about["name"], about["size"], about["n_images"] > 10_000
        ('fast', 24, True)
        >>> sorted(about["accuracy"]["all"])
        ['high', 'low', 'n', 'value']
        """
        file = self.about.get("file")
        path = None if file is None else Path(file)
        about: dict[str, Any] = {
            "name": None if path is None else path.stem,
            "file": file,
            "sha256": self.fingerprint or None,
            "megabytes": round(path.stat().st_size / 1e6, 2) if path is not None and path.exists() else None,
            "format": self.about.get("format"),
            "versions": self.about.get("versions"),
            **describe_program(self._program),
        }
        card, is_own = (None, False) if path is None else own_card(path, path.name, self.fingerprint)
        # A card of another file says nothing about this model.
        return about | describe_training(card if is_own else None, str(path and card_path(path)))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to a ``.npz`` file, whole or not at all.

        Parameters
        ----------
        path : path
            The file; its ending must be ``.npz``.

        Raises
        ------
        ModelError
            For another ending, a file that cannot be written, or a model that wraps a classifier of your own.
        """
        if not self._program.compiled:
            raise ModelError("the model wraps a classifier that cannot be compiled; save the EyeClassifier as .joblib")
        write_npz(path, self._program)

    def export_onnx(self, path: str | os.PathLike[str], *, novelty: bool = False) -> float:
        """Write the whole model, preprocessing included, as an ONNX file for other languages.

        Its input ``images`` is uint8 of shape ``(n, size, size)``, its output ``probability`` float32 of shape
        ``(n,)``: the probability of open. Every operator is a standard one of opset 17. The file holds images with
        their probabilities, which `classic_eyes.export.check_onnx` compares; this method does so before it writes.

        Parameters
        ----------
        path : path
            The file; its ending must be ``.onnx``.
        novelty : bool, default False
            Whether there is a second output ``novelty``, float32 of shape ``(n,)``: above 1 is a non-eye. It is that
            of `novelty_score`, and takes longer than the rest.

        Returns
        -------
        float
            Largest difference from the probabilities of this model, on the images in the file.

        Raises
        ------
        ModelError
            For another ending, a file that cannot be written, a model that was trained without non-eye detection if
            novelty is wanted, or one with features that have no translation:
            those that do are ``hog``, ``lbp``, ``ltp``, ``pixels``, ``words`` and ``words_tt``.
        MissingDependencyError
            Without the package onnx.

        Examples
        --------
        >>> import os, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     load_model("fast").export_onnx(os.path.join(folder, "eyes.onnx")) < 0.0001
        True
        """
        from .export.checking import export_onnx

        return export_onnx(self._program, path, novelty=novelty, fingerprint=self.fingerprint)

    def stages(self, gated: NDArray[np.uint8]) -> dict[str, float]:
        """Return where the time goes.

        Parameters
        ----------
        gated : uint8 array of shape (n, size, size)
            Images that `classic_eyes.images.as_images` returned.

        Returns
        -------
        dict of str to float
            Seconds spent in ``features`` and in ``decision``.
        """
        return self._program.stages(gated)


def _check_jobs(n_jobs: int | None) -> int:
    if n_jobs is None:
        return n_cores()
    if isinstance(n_jobs, bool) or not isinstance(n_jobs, int | np.integer) or n_jobs < 1:
        raise ParameterError(f"n_jobs is {n_jobs!r}; allowed is a whole number from 1, or None for one per core")
    return int(n_jobs)


def load_model(
    name_or_path: str | os.PathLike[str] = "default", *, trusted: bool = False, n_jobs: int | None = 1
) -> EyePredictor:
    """Return a model that ships with the library, or one from a file.

    Parameters
    ----------
    name_or_path : str or path, default "default"
        ``"default"`` or ``"fast"``, unless a file has that name; else a ``.npz``, ``.skops`` or ``.joblib`` file that
        `classic_eyes.EyeClassifier.save` or ``classic-eyes train`` wrote.
    trusted : bool, default False
        Whether you know where a ``.joblib`` file comes from: reading one can run any code. The other two cannot.
    n_jobs : int or None, default 1
        Threads that one call of more than 1,344 images computes in; None for one per core. Results are the same bytes.

    Returns
    -------
    EyePredictor
        Ready to predict.

    Raises
    ------
    ModelError
        For an unknown name, or a file that is missing, damaged, of a newer format, not trusted, or that does not
        reproduce its recorded predictions.
    MissingDependencyError
        For a ``.skops`` file without the extra ``skops``.
    ParameterError
        For ``n_jobs`` below 1.

    Examples
    --------
    >>> load_model("fast").size
    24
    """
    start, n_jobs = time.perf_counter(), _check_jobs(n_jobs)
    try:
        model = _load(name_or_path, trusted)
    except (ClassicEyesError, MemoryError) as error:
        _log.warning("model %r refused: %s", name_or_path, error)
        raise
    about = model.about
    _log.info(
        "model %s loaded in %.0f ms: SHA-256 %s, written by classic_eyes %s, read by %s",
        name_or_path,
        1000 * (time.perf_counter() - start),
        about.get("sha256", "of no .npz file"),
        about.get("versions", {}).get("classic_eyes", "of unknown version"),
        __version__,
    )
    return EyePredictor(model.program, model.about, n_jobs=n_jobs)


def _load(name_or_path: str | os.PathLike[str], trusted: bool) -> EyePredictor:
    if not isinstance(name_or_path, str | os.PathLike):
        raise ModelError(
            f"model {name_or_path!r}: allowed is the path of a model file, or one of {', '.join(SHIPPED_MODELS)}"
        )
    shown = os.fspath(name_or_path)
    if shown in SHIPPED_MODELS and not os.path.exists(shown):
        return _read(shipped_model(shown))
    ending = Path(shown).suffix
    if not os.path.exists(shown) or ending not in (".npz", ".skops", ".joblib"):
        what = "no file of this name" if not os.path.exists(shown) else "not a model file"
        raise ModelError(
            f"model {shown!r}: {what}; allowed is a .npz, .skops or .joblib file that classic-eyes train wrote, or one "
            f"of {', '.join(SHIPPED_MODELS)}"
        )
    if ending == ".npz":
        return _read(shown)
    if ending == ".joblib" and not trusted and (beside := npz_path(shown)).is_file():
        raise ModelError(
            f"model {shown!r}: a joblib file can run any code when it is read; name {str(beside)!r}, which cannot, or "
            "pass trusted=True (--trust-model on the command line)"
        )
    from .persistence.estimators import read_estimator  # a .npz needs none of it

    predictor = getattr(read_estimator(shown, trusted=trusted), "predictor_", None)
    if not isinstance(predictor, EyePredictor):
        raise ModelError(f"{shown!r} holds no fitted EyeClassifier; classic-eyes train makes one")
    return predictor


def _read(path: str | os.PathLike[str]) -> EyePredictor:
    program, about = read_npz(path)
    return EyePredictor(program, {"file": os.fspath(path), **about})
