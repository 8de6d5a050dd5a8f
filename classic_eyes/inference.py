"""Scores from a fitted pipeline: compiled to float32 matrix products, over arrays or folders, in chunks."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from joblib import Parallel, cpu_count, delayed
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC

from .errors import ParameterError
from .images import read_pictures
from .svm import FixedSizeSvm, rbf
from .threads import one_thread

__all__ = ["CHUNK", "CompiledSvm", "Scored", "compile_decision", "margins", "score_files"]

# Large enough for BLAS to be at its best, small enough that a chunk's kernel rows stay in the cache of one core.
CHUNK = 256

Margins = NDArray[np.float64]


class Decision(Protocol):
    """What turns rows of features into margins, positive meaning open."""

    def __call__(self, features: NDArray[np.float32]) -> Margins: ...


@dataclass(frozen=True, eq=False)
class CompiledSvm:
    """Scaler, PCA and an RBF support vector machine as float32 matrix products.

    1. ``z = features @ weights + offset``: scaler and PCA folded into one matrix.
    2. ``d = |z|^2 + |s|^2 - 2 z s`` for every support vector ``s``.
    3. ``margin = exp(-gamma d) @ dual + intercept``.

    Parameters
    ----------
    weights : float32 array of shape (n_features, n_components)
        Columns of the projection.
    offset : float32 array of shape (n_components,)
        Added after the projection.
    support : float32 array of shape (n_components, n_support)
        Support vectors, as columns.
    support_norm : float32 array of shape (n_support,)
        Their squared lengths.
    dual : float32 array of shape (n_support,)
        Their coefficients.
    intercept : float
        Added to the kernel sum.
    gamma : float
        Width of the kernel, greater than 0.

    References
    ----------
    Cortes, Vapnik, Machine Learning 20, 1995, doi:10.1007/BF00994018.
    """

    weights: NDArray[np.float32]
    offset: NDArray[np.float32]
    support: NDArray[np.float32]
    support_norm: NDArray[np.float32]
    dual: NDArray[np.float32]
    intercept: float
    gamma: float

    def __call__(self, features: NDArray[np.float32]) -> Margins:
        """Return the margins of rows of features, float64 of shape (n,)."""
        z = features @ self.weights
        z += self.offset
        kernel = rbf(z, self.support, self.support_norm, self.gamma)
        return (kernel @ self.dual).astype(np.float64) + self.intercept


def _fold(pipeline: Pipeline) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return weights and offset so that ``features @ weights + offset`` is what scaler and PCA give."""
    scaler = pipeline.named_steps["scaler"]
    pca = pipeline.named_steps.get("pca")
    scale = 1 / scaler.scale_.astype(np.float64)
    rotation = np.eye(len(scale)) if pca is None else pca.components_.astype(np.float64).T
    weights = scale[:, np.newaxis] * rotation
    centre = np.zeros(len(scale)) if pca is None else pca.mean_.astype(np.float64)
    return weights, -(scaler.mean_.astype(np.float64) * scale + centre) @ rotation


def compile_decision(pipeline: Pipeline) -> Decision:
    """Return the fastest faithful decision of a fitted pipeline.

    An RBF machine, `FixedSizeSvm` or `SVC`, after scaler and PCA becomes a `CompiledSvm`, within 1e-4 in probability of
    the pipeline's own answer; every other classifier is asked through scikit-learn.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
        Fitted, as `classic_eyes.pipeline.build_pipeline` makes it.

    Returns
    -------
    callable
        From float32 features (n, d), as step ``features`` gives them, to float64 margins (n,).

    Examples
    --------
    >>> from classic_eyes.pipeline import build_pipeline
    >>> from classic_eyes.synthetic import make_eyes
    >>> eyes = make_eyes(40)
    >>> fitted = build_pipeline(["profile"], n_components=10).fit(eyes.pictures, eyes.labels)
    >>> type(compile_decision(fitted)).__name__
    'CompiledSvm'
    """
    classifier = pipeline.named_steps["classifier"]
    # A subclass may decide otherwise than its parent, so only the classes themselves are compiled.
    rbf = type(classifier) is FixedSizeSvm or (type(classifier) is SVC and classifier.kernel == "rbf")
    if not rbf:
        return _AsFitted(pipeline)
    weights, offset = _fold(pipeline)
    support = np.ascontiguousarray(classifier.support_vectors_.T, dtype=np.float32)
    return CompiledSvm(
        weights=np.ascontiguousarray(weights, dtype=np.float32),
        offset=offset.astype(np.float32),
        support=support,
        support_norm=np.einsum("ij,ij->j", support, support),
        dual=classifier.dual_coef_[0].astype(np.float32),
        intercept=float(classifier.intercept_[0]),
        gamma=float(classifier._gamma),
    )


@dataclass(frozen=True, eq=False)
class _AsFitted:
    """The decision as scikit-learn computes it."""

    pipeline: Pipeline

    def __call__(self, features: NDArray[np.float32]) -> Margins:
        return margins(self.pipeline[1:-1].transform(features), self.pipeline[-1])


def margins(Z: NDArray[Any], classifier: Any) -> Margins:
    """Return a fitted classifier's margins for rows of components; log odds where it has no decision function.

    Parameters
    ----------
    Z : array of shape (n, n_components)
        What the step before the classifier gives.
    classifier : scikit-learn classifier
        Fitted on the classes 0 and 1.

    Returns
    -------
    float64 array of shape (n,)
        Positive means open.

    Examples
    --------
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> knn = KNeighborsClassifier(1).fit([[0.0], [1.0]], [0, 1])
    >>> margins(np.array([[0.2], [0.9]]), knn) > 0
    array([False,  True])
    """
    if hasattr(classifier, "decision_function"):
        return np.asarray(classifier.decision_function(Z), dtype=np.float64)
    # A vote of all neighbours is no certainty; the clip keeps its log odds finite.
    share = np.clip(classifier.predict_proba(Z)[:, 1], 1e-3, 1 - 1e-3)
    return np.log(share / (1 - share))


@dataclass(frozen=True)
class Scored:
    """The answer about one file: a probability of open, or the reason why there is none.

    Parameters
    ----------
    score : float or None
        Probability of open, 0..1.
    error : str or None
        Reason, one line.
    """

    score: float | None
    error: str | None


def _score_chunk(paths: Sequence[str], size: int, probability: Callable[[Any], Any]) -> list[Scored]:
    pictures, errors = read_pictures(paths, size=size)
    good = np.array([error is None for error in errors])
    scores = np.zeros(len(paths))
    if good.any():
        scores[good] = probability(pictures[good])
    return [
        Scored(float(score), None) if error is None else Scored(None, error)
        for score, error in zip(scores, errors, strict=True)
    ]


def score_files(
    paths: Sequence[str],
    probability: Callable[[NDArray[np.uint8]], NDArray[np.float64]],
    *,
    size: int = 24,
    n_jobs: int | None = None,
    chunk: int = CHUNK,
) -> Iterator[Scored]:
    """Read and score files in chunks; memory does not grow with their number.

    1. Paths are cut into chunks, the same ones for any number of jobs, so the answers are the same to the last bit.
    2. Each chunk is read, what could be read is scored, what could not keeps its reason.
    3. Chunks run in threads (the time goes into OpenCV and BLAS, which let go of the interpreter) and come back in
       order.

    Parameters
    ----------
    paths : sequence of str
        Picture files.
    probability : callable
        From uint8 (n, size, size) to the probability of open, (n,).
    size : int, default 24
        Side to which pictures are reduced, in pixels.
    n_jobs : int, optional
        Threads, 1 or more; by default one for each core.
    chunk : int, default 256
        Pictures at a time.

    Yields
    ------
    Scored
        One for each path, in the order given.

    Raises
    ------
    ParameterError
        For n_jobs below 1.

    Examples
    --------
    >>> [scored.error for scored in score_files(["missing.png"], lambda pictures: pictures.mean((1, 2)) / 255)]
    ['no such file']
    """
    if n_jobs is not None and n_jobs < 1:
        raise ParameterError(f"n_jobs is {n_jobs}; it must be 1 or more, or left out for one per core")
    jobs = n_jobs or cpu_count()
    chunks = (paths[start : start + chunk] for start in range(0, len(paths), chunk))
    work = Parallel(n_jobs=jobs, backend="threading", return_as="generator", pre_dispatch="2*n_jobs")
    with one_thread():
        answers = work(delayed(_score_chunk)(part, size, probability) for part in chunks)
        try:
            for scored in answers:
                yield from scored
        finally:
            with warnings.catch_warnings():
                # Who stops early knows that work is thrown away; joblib would tell them in a paragraph.
                warnings.simplefilter("ignore", UserWarning)
                answers.close()
