"""`EyeClassifier`: trains on eye patches, predicts open (1) or closed (0); the estimator of the library."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from typing import Any, Self

from ._utils import training_packages  # noqa: F401

# isort: split
import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import check_is_fitted

from ._utils.dependencies import check_opencv
from .datasets import UNLABELLED
from .errors import ModelError, ParameterError
from .images import as_images
from .images.arrays import check_size
from .inference.program import Program, View, reduce_images
from .persistence.estimators import read_estimator, save_classifier
from .predictor import EyePredictor, PredictionMethods, load_model
from .recipes import RECIPES, recipe
from .semisupervised import History, find_labels
from .training.fitting import fit_program, n_synthetic_eyes
from .training.novelty import MIN_GROUPS, MIN_IMAGES, expected_share, fit_novelty
from .training.pipelines import build_pipelines, default_settings, split_views
from .training.starting import adapt_program
from .training.training_set import check_groups, check_labels, check_sources, check_weight

__all__ = ["EyeClassifier"]


class EyeClassifier(ClassifierMixin, PredictionMethods, BaseEstimator):
    """Classify eyes as open or closed by classical features and a calibrated SVM.

    1. Images become grey uint8 ``(n, size, size)``: larger ones are reduced by area averaging, smaller ones enlarged.
    2. The training set is the images, their mirror images, ``n_copies`` varied copies of each and synthetic eyes.
    3. Each view (a set of features) has its own pipeline: features, scaler, PCA, classifier. The decision values of an
       image and of its mirror image are averaged, and so are those of the views. With ``cascade``, views after the
       first run only where the first is uncertain.
    4. Platt scaling of out-of-fold decision values, split by ``groups``, gives probabilities.
    5. The result is compiled to float32 matrix products, ``predictor_``; every prediction goes through it, and
       parameters that change after `fit` have no effect until the next one.

    Missing labels are found first, by clustering and self-training; see `classic_eyes.semisupervised.find_labels`.

    The defaults are the recipe ``default``; see `classic_eyes.recipes`.

    Parameters
    ----------
    features : sequence of str or extractor, optional
        Names of `classic_eyes.features.EXTRACTORS`, such a name with parameters (str, dict), or transformers from
        uint8 ``(n, h, w)`` to ``(n, d)``; the three views of the recipe if not given. Nested
        sequences are views with a classifier of their own; a flat one is a single view.
    classifier : str, (str, dict), scikit-learn classifier, or sequence of these, default ``"metric"``
        ``svm``, ``symmetric``, ``metric``, ``libsvm``, ``gb``, ``linear``, ``knn`` (see
        `classic_eyes.training.pipelines.CLASSIFIERS`), such a name with parameters, or an object. One for all views, or
        a sequence with one for each.
    n_components : int, float or None, default 700
        Principal components at most, of each view; a share of the variance if a float below 1; None for no PCA.
    n_copies : int, default 3
        Randomly varied copies of each image, 0 or more: shifted, scaled, rotated, equalized, blurred.
    n_synthetic : int or "auto", default "auto"
        Synthetic eyes in the training set, `classic_eyes.synthetic`. They generalize to kinds of images that are not in
        it. From 100 on they take part in the calibration, with as much weight as all images. ``"auto"`` is three an
        image, 12,000 at most, and none for a classifier without sample weights.
    remove_glare : bool, default True
        Whether to remove reflections, as on glasses, from every image; see `classic_eyes.preprocessing.remove_glare`.
    align : {"others", "all", None} or sequence of bool, default "others"
        Which views receive aligned images, with the eye centred, level and as wide as the image: all, all but the
        first, or none; or whether, for each view, as in ``size``. See `classic_eyes.preprocessing.align`.
    cascade : float or None, default 0.2
        Run later views only on this share of the images, above 0 and below 1, where the first is least confident; None
        for all images. Without effect with a single view.
    detect_non_eyes : bool or "auto", default "auto"
        Whether to fit also what eyes look like, so that `verdict` detects images of something else. Needs 200 images of
        3 groups; ``"auto"`` is True where there are as many.
    size : int or sequence of int, default ``(24, 24, 48)``
        Side in pixels to which images are reduced or enlarged; or one for each view, divisors of the largest. Views
        beyond the sizes have the last one.
    start_from : str, path or EyePredictor, optional
        A model that a few labelled images of one's own are added to: a shipped name, a ``.npz`` file, or a predictor.
        From 10 labelled images on, open and closed. Unlabelled images have no part in it, nor have all parameters
        above.
    random_state : int, RandomState, Generator or None, default 0
        Seed of everything random. Anything but an int draws a seed once in each `fit`: with None no two fits are alike.

    Attributes
    ----------
    predictor_ : classic_eyes.EyePredictor
        The fitted model, without scikit-learn.
    pipelines_ : dict of str to sklearn.pipeline.Pipeline
        The fitted pipeline of each view, by the names of its features joined by plus signs; none with `start_from`.
    classes_ : ndarray of shape (2,)
        Closed and open as ``y`` has them: ``[0, 1]``, ``[False, True]``, or texts such as ``["closed", "open"]``.
        `predict` returns these. `predictor_` always returns 0 and 1.
    n_features_in_ : int
        Number of pixels of each image after it was reduced.
    n_features_, n_components_ : int
        Number of features before the PCA and of components after it, over all views.
    n_support_vectors_ : int or None
        Number of support vectors over all views; None for a classifier without any.
    n_synthetic_ : int
        Synthetic eyes in the training set.
    not_compiled_ : str or None
        Why a view runs through scikit-learn; None where all views are compiled.
    score_reference_ : dict or None
        How the out-of-fold scores are distributed, for `classic_eyes.evaluation.drift`; None with `start_from`.
    history_ : classic_eyes.semisupervised.History or None
        How missing labels were found, and which images to label first; None where all labels were given.

    Raises
    ------
    ParameterError
        In `fit`, for a parameter or labels that are not allowed.
    DataError
        In `fit`, where labels are missing and no trustworthy ones are found.
    ImageError
        For images that cannot be used.

    References
    ----------
    Platt, Advances in Large Margin Classifiers, 1999, pp. 61-74 (no DOI).

    Examples
    --------
    >>> from classic_eyes import EyeClassifier
    >>> from classic_eyes.synthetic import make_eyes
    >>> eyes = make_eyes(60, random_state=0)
    >>> clf = EyeClassifier(features=("hog",), classifier="svm", n_copies=0, n_synthetic=0)
    >>> clf.fit(eyes.images, eyes.labels).predict(eyes.images[:3]) == eyes.labels[:3]
    array([ True,  True,  True])
    """

    def __init__(
        self,
        features: Sequence[Any] = RECIPES["default"]["features"],
        classifier: Any = "metric",
        *,
        n_components: int | float | None = 700,
        n_copies: int = 3,
        n_synthetic: int | str = "auto",
        remove_glare: bool = True,
        align: str | Sequence[bool] | None = "others",
        cascade: float | None = 0.2,
        detect_non_eyes: bool | str = "auto",
        size: int | Sequence[int] = (24, 24, 48),
        start_from: Any = None,
        random_state: int | np.random.RandomState | np.random.Generator | None = 0,
    ) -> None:
        self.features = features
        self.classifier = classifier
        self.n_components = n_components
        self.n_copies = n_copies
        self.n_synthetic = n_synthetic
        self.remove_glare = remove_glare
        self.align = align
        self.cascade = cascade
        self.detect_non_eyes = detect_non_eyes
        self.size = size
        self.start_from = start_from
        self.random_state = random_state

    @classmethod
    def from_recipe(cls, name: str, **changes: Any) -> Self:
        """Return an unfitted classifier with the parameters of a recipe.

        Parameters
        ----------
        name : str
            A key of `classic_eyes.recipes.RECIPES`: ``"default"``, ``"accurate"`` or ``"fast"``.
        **changes
            Parameters that differ from the recipe.

        Returns
        -------
        EyeClassifier
            Not fitted.

        Raises
        ------
        ParameterError
            For an unknown name.

        Examples
        --------
        >>> EyeClassifier.from_recipe("fast", random_state=1).cascade
        0.08
        """
        return cls(**{**recipe(name), **changes})

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.classifier_tags.multi_class = False
        return tags

    def fit(
        self,
        X: Any,
        y: ArrayLike | None = None,
        *,
        groups: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        sources: ArrayLike | None = None,
    ) -> Self:
        """Train on images, with all, some or none of them labelled.

        Parameters
        ----------
        X : array of shape (n, h, w) or (n, h, w, 3), or sequence of arrays or paths
            Eye patches; see `classic_eyes.images.as_images`.
        y : array of shape (n,), optional
            1 or True open, 0 or False closed, -1 or NaN unknown; or texts: ``"open"``, ``"closed"``, and ``"unknown"``,
            ``""`` or None for unknown. By default all are unknown.
        groups : array of shape (n,), optional
            Person or face of each image, so that no person is on both sides of a split for the calibration; by default
            each image is a group.
        sample_weight : array of shape (n,), optional
            Weight of each image, for a classifier that takes weights.
        sources : array of shape (n,), optional
            Data set of each image. Each counts as the root of its size in training, for a classifier that takes
            weights, and as much as any other in the calibration.

        Returns
        -------
        EyeClassifier
            Itself.

        Raises
        ------
        ParameterError
            For labels, groups, weights or parameters that are not allowed.
        DataError
            Where labels are missing and no trustworthy ones are found; the message names the remedy.

        Warns
        -----
        UserWarning
            Where labels were found and there is reason to doubt them, -1 may have been meant as closed, or labels
            contradict the images: they may be exchanged, or shifted against the images.
        sklearn.exceptions.DataConversionWarning
            For ``y`` of shape (n, 1).
        """
        check_opencv()
        self._check_parameters()
        with default_settings():
            return self._fit(X, y, groups, sample_weight, sources, _seed_of(self.random_state))

    def _fit(self, X: Any, y: Any, groups: Any, sample_weight: Any, sources: Any, seed: int) -> Self:
        originals = as_images(X, size=self.gate_size)
        labels, classes = check_labels(y, len(originals), allow_one_class=self.start_from is not None)
        names = check_groups(groups, len(originals))
        if self.start_from is not None:
            self._fit_start(originals, labels, names)
            self.classes_ = classes
            return self
        pipelines = build_pipelines(self.features, self.classifier, n_components=self.n_components, random_state=seed)
        sizes, aligned = self._sizes(len(pipelines)), self._aligned(len(pipelines))
        weight = check_weight(sample_weight, len(originals))
        owner = check_sources(sources, len(originals))
        small = reduce_images(originals, min(sizes))
        n_synthetic_eyes(self.n_synthetic, 1, pipelines)  # refuses before the long work
        # On all images: those that stay unlabelled are eyes all the same.
        detect = self.detect_non_eyes
        if detect == "auto":
            detect = len(originals) >= MIN_IMAGES and len(np.unique(names)) >= MIN_GROUPS
        novelty = fit_novelty(small, names, sources=owner, random_state=seed) if detect else None
        flagged = expected_share(owner) if detect else None
        self.history_ = _find_missing(small, labels, names, seed)
        if self.history_ is not None:
            kept = self.history_.labels >= 0
            originals, labels, names, owner = originals[kept], self.history_.labels[kept], names[kept], owner[kept]
            weight = None if weight is None else weight[kept]
        self.n_synthetic_ = n_synthetic_eyes(self.n_synthetic, len(originals), pipelines)
        fitted = fit_program(
            pipelines,
            originals,
            labels,
            names,
            weight,
            owner,
            sizes=sizes,
            n_copies=self.n_copies,
            n_synthetic=self.n_synthetic_,
            glare=bool(self.remove_glare),
            aligned=aligned,
            cascade=self.cascade,
            novelty=novelty,
            random_state=seed,
        )
        self.predictor_ = EyePredictor(fitted.program)
        self.pipelines_ = fitted.pipelines
        self.n_features_, self.n_components_ = fitted.n_features, fitted.n_components
        self.n_support_vectors_ = fitted.n_support_vectors
        self.not_compiled_ = fitted.not_compiled
        self.score_reference_: dict[str, Any] | None = {**fitted.score_reference, "not_an_eye": flagged}
        self.classes_ = classes
        self.n_features_in_ = self.gate_size**2
        return self

    def _start(self) -> EyePredictor:
        return self.start_from if isinstance(self.start_from, EyePredictor) else load_model(self.start_from)

    def _fit_start(self, images: NDArray[np.uint8], labels: NDArray[np.int8], groups: NDArray[Any]) -> None:
        """Add labelled images to the start, or keep it with a warning that says why."""
        start, known = self._start(), labels >= 0
        adapted = adapt_program(start.program, images[known], labels[known], groups[known])
        if adapted.why_kept is not None:
            warnings.warn(f"the start is kept unchanged: {adapted.why_kept}", UserWarning, stacklevel=4)
        program = adapted.program
        self.predictor_ = EyePredictor(program)
        self.pipelines_ = {}
        self.history_ = None
        self.n_features_ = self.n_components_ = self.n_synthetic_ = 0
        self.n_support_vectors_ = sum(view.support.shape[1] for view in program.views if isinstance(view, View))
        self.not_compiled_ = None
        self.score_reference_ = None
        self.n_features_in_ = self.gate_size**2

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the class of each eye, as ``y`` had it: 1 for open and 0 for closed, or texts.

        Parameters
        ----------
        X : array of shape (n, h, w) or (n, h, w, 3), or sequence of arrays or paths
            Eye patches; see `classic_eyes.images.as_images`.

        Returns
        -------
        array of shape (n,)
            Of `classes_`; open where the probability of open is 0.5 or more.

        Raises
        ------
        ImageError
            For images that cannot be used.
        """
        positions = super().predict(X)
        return self.classes_[positions]

    def _check_parameters(self) -> None:
        if not _is_whole(self.n_copies, 0):
            raise ParameterError(f"n_copies is {self.n_copies!r}; allowed is a whole number, 0 or more")
        if self.n_synthetic != "auto" and not _is_whole(self.n_synthetic, 0):
            raise ParameterError(
                f"n_synthetic is {self.n_synthetic!r}; allowed is a whole number, 0 or more, or 'auto'"
            )
        if not (self.cascade is None or (isinstance(self.cascade, float | np.floating) and 0 < self.cascade < 1)):
            raise ParameterError(
                f"cascade is {self.cascade!r}; allowed is a share of the images, above 0 and below 1, or None"
            )
        if isinstance(self.align, tuple | list):
            known = bool(self.align) and all(isinstance(own, bool | np.bool_) for own in self.align)
        else:
            known = self.align is None or (isinstance(self.align, str) and self.align in ("all", "others"))
        if not known:
            raise ParameterError(
                f"align is {self.align!r}; allowed is 'all', 'others' (all views but the first), None, or a bool "
                "for each view"
            )
        if not isinstance(self.remove_glare, bool | np.bool_):
            raise ParameterError(f"remove_glare is {self.remove_glare!r}; allowed is True or False")
        if not (isinstance(self.detect_non_eyes, bool | np.bool_) or self.detect_non_eyes == "auto"):
            raise ParameterError(f"detect_non_eyes is {self.detect_non_eyes!r}; allowed is True, False or 'auto'")

    @property
    def gate_size(self) -> int:
        """Side in pixels to which every image is reduced or enlarged first: the largest of ``size``.

        Returns
        -------
        int
            Pixels.
        """
        if self.start_from is not None:
            return int(self._start().program.size)
        return max(self._sizes(len(split_views(self.features))))

    def _sizes(self, n_views: int) -> list[int]:
        sizes = list(self.size) if isinstance(self.size, tuple | list) else [check_size(self.size)]
        if not sizes or not all(_is_whole(size, 1) for size in sizes) or any(max(sizes) % size for size in sizes):
            raise ParameterError(
                f"size is {self.size!r}; allowed is a whole number of pixels, or one for each view, divisors of the "
                "largest"
            )
        return [int(check_size(size)) for size in _one_each(sizes, n_views)]

    def _aligned(self, n_views: int) -> list[bool]:
        if isinstance(self.align, tuple | list):
            return [bool(own) for own in _one_each(self.align, n_views)]
        return [self.align == "all" or (self.align == "others" and k > 0) for k in range(n_views)]

    @property
    def program(self) -> Program:
        """The fitted model as arithmetic.

        Returns
        -------
        classic_eyes.inference.program.Program
            That of `predictor_`.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before `fit`.
        """
        check_is_fitted(self, "predictor_")
        return self.predictor_.program

    def save(self, path: str | os.PathLike[str], *, card: dict[str, Any] | None = None) -> None:
        """Write the fitted classifier, and the compiled model beside it.

        Parameters
        ----------
        path : path
            ``NAME.joblib`` or ``NAME.skops`` for the estimator, with ``NAME.npz`` beside it; ``NAME.npz`` for the
            compiled model alone, which is all that predicting needs.
        card : dict, optional
            Written as ``NAME.json``.

        Raises
        ------
        ModelError
            Where a file cannot be written; for ``.skops`` also where the classifier holds types of your own, and for
            ``.npz`` where it cannot be compiled.
        MissingDependencyError
            For ``.skops`` without the extra ``skops``.
        """
        check_is_fitted(self, "predictor_")
        save_classifier(path, self, card)

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, trusted: bool = False) -> EyeClassifier:
        """Read a classifier that `save` wrote.

        Parameters
        ----------
        path : path
            A ``.joblib`` or ``.skops`` file; for a ``.npz`` there is `classic_eyes.load_model`.
        trusted : bool, default False
            Whether you know where a joblib file comes from: reading one can run any code. A skops file needs no trust.

        Returns
        -------
        EyeClassifier
            Fitted.

        Raises
        ------
        ModelError
            For a file that is missing, not trusted or not a model.
        """
        loaded = read_estimator(path, trusted=trusted)
        if not isinstance(loaded, EyeClassifier):
            raise ModelError(f"{os.fspath(path)!r} holds a {type(loaded).__name__}, not an EyeClassifier")
        return loaded


def _one_each(values: Sequence[Any], n_views: int) -> list[Any]:
    """Return a value for each view; views beyond the values have the last."""
    return [*values, *[values[-1]] * n_views][:n_views]


def _is_whole(value: Any, least: int) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and bool(value >= least)


def _seed_of(random_state: Any) -> int:
    """Return the seed of one fit: an int as it is, else one that is drawn."""
    if _is_whole(random_state, 0) and random_state < 1 << 32:
        return int(random_state)
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(1 << 31))
    if random_state is None or isinstance(random_state, np.random.RandomState):
        return int(check_random_state(random_state).randint(1 << 31))
    raise ParameterError(
        f"random_state is {random_state!r}; allowed is a whole number from 0 to 2**32 - 1, a numpy RandomState or "
        "Generator, or None"
    )


def _find_missing(
    images: NDArray[np.uint8], labels: NDArray[np.int8], groups: NDArray[Any], seed: int
) -> History | None:
    if (labels != UNLABELLED).all():
        return None
    history = find_labels(images, labels, groups, random_state=seed)
    for text in history.warnings:
        warnings.warn(text, UserWarning, stacklevel=4)
    return history
