"""`EyeClassifier`: images in, open (1) or closed (0) out; the one estimator of the library."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from . import persistence
from ._utils.shipped import SHIPPED_MODELS, shipped_model
from ._utils.threads import one_thread
from .calibration.adaptation import Adaptation, fit_adaptation
from .calibration.threshold import Calibration, calibrate
from .datasets import UNLABELLED
from .errors import ModelError, ParameterError
from .images import SIZE, as_image, as_images
from .inference import CHUNK
from .inference.cascade import blend
from .inference.novelty import verdicts
from .inference.program import Program
from .preprocessing.alignment import shipped_alignment
from .preprocessing.augmentation import augment, check_augmentations, flip
from .preprocessing.glare import remove_glare
from .semisupervised import History, check_confident, learn_labels
from .svm import SymmetricSvm
from .synthetic import make_eyes
from .training.compiling import NotCompilableError, compile_program, decide_as_fitted
from .training.fitting import (
    TrainingSet,
    add_synthetic,
    aligned_views,
    calibration_folds,
    check_synthetic,
    describe,
    first_rows,
    fit_last_step,
    fit_sigmoid,
    set_machines,
    shown_to,
)
from .training.novelty import fit_novelty
from .training.pipelines import DEFAULT_FEATURES, build_pipelines

__all__ = ["EyeClassifier"]

# Answers about so many synthetic eyes go into a compiled model, for whoever reads it to compare with.
_RECORDED = 8
# What a file of an earlier version does not have.
_ADDED_LATER = {
    "confident": (0.05, 0.95),
    "max_rounds": 4,
    "history_": None,
    "novelty": False,
    "novelty_": None,
    "unsure_": 0.0,
    "n_support": None,
    "weights": None,
    "group_effect": 0.0,
    "n_directions": None,
    "cascade": None,
    "cascade_": None,
    "remove_glare": False,
    "n_synthetic": 0,
    "calibrate_synthetic": False,
    "align": None,
    "alignment_": None,
}
# So many of the images left out in the calibration count as unsure.
_UNSURE = 0.05


class EyeClassifier(ClassifierMixin, BaseEstimator):
    """Tell open eyes from closed ones by classical features and a calibrated classifier.

    1. Images become grey uint8 ``(n, size, size)``; larger ones are reduced by area averaging.
    2. In `fit`, each image is joined by its mirror image and by ``n_copies`` varied copies, and all by ``n_synthetic``
       synthetic eyes. With ``remove_glare``, reflections are filled from around them, here and when asked.
    3. Features, scaler, PCA and classifier as in `classic_eyes.training.pipelines.build_pipeline` give a margin. The margins of a
       image and of its mirror image are averaged, and so are, by ``weights``, those of the views, each learnt by
       itself. With ``cascade``, the others are asked only where the first view is least sure.
    4. Margins of images left out, fold by fold and by ``groups``, are mapped to probabilities by Platt's sigmoid; its
       probability of a half is the threshold of `predict`. With ``calibrate_synthetic``, those of synthetic eyes join them.

    Without labels, or with some, `classic_eyes.semisupervised.learn_labels` comes first; what it labels is learnt.

    Parameters
    ----------
    features : sequence of str or extractor, default ``("hog", "lbp")``
        Names of `classic_eyes.features.EXTRACTORS`, or transformers from uint8 ``(n, h, w)`` to ``(n, d)``; nested, as
        in ``(("hog", "lbp"), ("words",))``, views with a classifier of their own.
    classifier : str or scikit-learn classifier, default ``"svm"``
        ``svm``, ``mirror``, ``metric``, ``libsvm``, ``gb``, ``linear``, ``knn`` or an object; see
        `classic_eyes.training.pipelines.make_classifier`.
    n_components : int, float or None, default 300
        Principal components, at most; a share of the variance if a float below 1; None for no PCA.
    augmentations : sequence of str, default ``("flip", "shift_scale_rotate", "clahe", "blur")``
        Names of `classic_eyes.preprocessing.augmentation.AUGMENTATIONS`; with ``flip`` among them every mirror image is learnt too, as the
        classifiers ``mirror`` and ``metric`` do in any case.
    n_copies : int, default 2
        Varied copies of each image, 0 or more.
    flip_average : bool, default True
        Whether to average the margins of an image and of its mirror image; the classifiers ``mirror`` and ``metric``
        always do.
    calibration_folds : int, default 3
        Folds for the calibration, 2 or more; fewer are used where a class has fewer groups.
    n_support : int or sequence of int, optional
        Support vectors of each view, at most, for the classifiers ``svm``, ``mirror`` and ``metric``: one number for
        all, or a number for each; by default what `classic_eyes.svm.LeastSquaresSvm` and `classic_eyes.svm.SymmetricSvm`
        take. With ``cascade``, few for the first view are quick, and many for the others cost little.
    weights : sequence of float, optional
        Weight of each view in the average, above 0; alike by default.
    cascade : float, optional
        Share of the images, from 0 to 1: those of which the first view is least sure, and about which the others
        are asked at all. The answers are much the same, for the cost of the first view and that share of the rest;
        by default all are asked about all. See `classic_eyes.inference.cascade.blend`.
    group_effect : float, default 0.0
        Variance of an intercept of each group's own, 0 or more, for the classifiers ``svm``, ``mirror`` and ``metric``,
        so that what sets people apart is not taken for what sets the classes apart; see
        `classic_eyes.svm.LeastSquaresSvm`.
    n_directions : int or sequence of int, optional
        Directions along which the classifier ``metric`` compares images, of each view, at most: one number for all,
        or a number for each; the fewer, the faster. By default what `classic_eyes.svm.MetricSvm` takes.
    remove_glare : bool, default False
        Whether to take reflections, as on glasses, out of every image; see `classic_eyes.preprocessing.glare`.
    n_synthetic : int, default 0
        Synthetic eyes (`classic_eyes.synthetic`) that are learnt from beside the images, each as much as an image and
        its copies, all together at most as much as all images; 100,000 at most. They show what eyes may look like
        that are of another kind than those given, and where the threshold between open and closed lies. Half of them are
        hard to tell (`classic_eyes.synthetic.harder`). Rendering takes some four seconds a thousand.
    calibrate_synthetic : bool, default False
        Whether the synthetic eyes calibrate too, as much as all images together, each judged by machines that have
        learnt from images alone. Where people draw the line between open and closed differs from source to source;
        synthetic eyes, whose opening is known, keep the threshold from being that of those who labelled the images. Needs
        an ``n_synthetic`` of 100 or more.
    align : str, optional
        ``"all"`` to show eyes in the middle of their images, level and as wide as these, ``"others"`` to show them
        so to all views but the first; by default as they are. Where the eye lies is found by ferns that have learnt
        from synthetic eyes; see `classic_eyes.preprocessing.alignment`.
    size : int, default 24
        Side to which images are reduced, in pixels.
    novelty : bool, default False
        Whether to learn also what eyes look like, so that `verdict` can tell what is none; it takes 200 images, three
        groups, and half a minute for 15,000.
    confident : tuple of float, default (0.05, 0.95)
        Where labels are missing: in self-training, closed below the first score and open above the second.
    max_rounds : int, default 4
        Where labels are missing: rounds of self-training, at most; 0 to learn from what the views agree on.
    random_state : int, default 0
        Seed of all that is random.

    Attributes
    ----------
    pipelines_ : dict of str to sklearn.pipeline.Pipeline
        The fitted pipeline of each view of features, by its features' names joined by plus signs.
    classes_ : ndarray
        ``[0, 1]``, closed and open.
    calibration_ : tuple of float
        Slope and intercept from margin to log odds of open.
    cascade_ : float or None
        Margin of the first view, nearer to 0 than which the others are asked; None without ``cascade``.
    alignment_ : classic_eyes.preprocessing.alignment.Alignment or None
        What finds the eye in its patch; None without ``align``.
    unsure_ : float
        Log odds nearer to 0 than that had the least sure twentieth of the images left out in the calibration.
    novelty_ : classic_eyes.inference.novelty.Novelty or None
        How unlike an eye an image is; None without ``novelty=True``.
    n_features_ : int
        Number of features before the PCA, of all views together.
    n_components_ : int
        Number of components after it, of all views together.
    n_support_vectors_ : int or None
        Support vectors, of all views together; None for a classifier without any.
    not_compiled_ : str or None
        Why there is no compiled form and scikit-learn answers; None where there is one.
    history_ : classic_eyes.semisupervised.History or None
        How missing labels came about, and which images are worth a person's minute; None where all were given.

    Raises
    ------
    ParameterError
        In `fit`, for a parameter or labels that are not allowed.
    DataError
        In `fit`, where labels are missing and nothing trustworthy is found without them.
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
    >>> clf = EyeClassifier(features=("hog",), n_copies=0).fit(eyes.images, eyes.labels)
    >>> clf.predict(eyes.images[:3]) == eyes.labels[:3]
    array([ True,  True,  True])
    """

    def __init__(
        self,
        features: Sequence[Any] = DEFAULT_FEATURES,
        classifier: Any = "svm",
        *,
        n_components: int | float | None = 300,
        augmentations: Sequence[str] = ("flip", "shift_scale_rotate", "clahe", "blur"),
        n_copies: int = 2,
        flip_average: bool = True,
        calibration_folds: int = 3,
        n_support: int | Sequence[int] | None = None,
        weights: Sequence[float] | None = None,
        cascade: float | None = None,
        group_effect: float = 0.0,
        n_directions: int | Sequence[int] | None = None,
        remove_glare: bool = False,
        n_synthetic: int = 0,
        calibrate_synthetic: bool = False,
        align: str | None = None,
        size: int = SIZE,
        novelty: bool = False,
        confident: tuple[float, float] = (0.05, 0.95),
        max_rounds: int = 4,
        random_state: int = 0,
    ) -> None:
        self.features = features
        self.classifier = classifier
        self.n_components = n_components
        self.augmentations = augmentations
        self.n_copies = n_copies
        self.flip_average = flip_average
        self.calibration_folds = calibration_folds
        self.n_support = n_support
        self.weights = weights
        self.cascade = cascade
        self.group_effect = group_effect
        self.n_directions = n_directions
        self.remove_glare = remove_glare
        self.n_synthetic = n_synthetic
        self.calibrate_synthetic = calibrate_synthetic
        self.align = align
        self.size = size
        self.novelty = novelty
        self.confident = confident
        self.max_rounds = max_rounds
        self.random_state = random_state

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.classifier_tags.multi_class = False
        return tags

    def fit(
        self,
        images: Any,
        y: ArrayLike | None = None,
        *,
        groups: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Learn from images, with all, some or none of them labelled.

        Parameters
        ----------
        images : array (n, h, w) or (n, h, w, 3), or sequence of arrays or paths
            See `classic_eyes.images.as_images`.
        y : array of shape (n,), optional
            1 open, 0 closed, -1 unknown; by default all unknown.
        groups : array of shape (n,), optional
            Person or face of each image, so that calibration never judges a person it has learnt from; each
            image by itself by default.
        sample_weight : array of shape (n,), optional
            Weight of each image, for a classifier that takes weights.

        Returns
        -------
        EyeClassifier
            Itself.

        Raises
        ------
        ParameterError
            For labels, groups, weights or parameters that are not allowed.
        DataError
            Where labels are missing and nothing trustworthy is found without them; the message names the remedy.

        Warns
        -----
        UserWarning
            Where labels were found, and there is reason to doubt them.
        """
        self._check_parameters()
        originals = as_images(images, size=self.size)
        labels = _check_labels(y, len(originals))
        names = _check_column("groups", groups, len(originals))
        weight = _check_weight(sample_weight, len(originals))
        pipelines = build_pipelines(
            self.features, self.classifier, n_components=self.n_components, random_state=self.random_state
        )
        shares = self._shares(len(pipelines))
        self._check_cascade(len(pipelines))
        aligned = aligned_views(self.align, len(pipelines))
        set_machines(
            pipelines,
            n_support=self.n_support,
            group_effect=self.group_effect or None,
            n_directions=self.n_directions,
        )
        check_synthetic(self.n_synthetic, next(iter(pipelines.values()))[-1], calibrate=self.calibrate_synthetic)
        # Before images are left out for want of a label: eyes they are all the same.
        self.novelty_ = fit_novelty(originals, names, random_state=self.random_state) if self.novelty else None
        self.history_ = self._find_labels(originals, labels, names)
        if self.history_ is not None:
            kept = self.history_.labels >= 0
            originals, labels, names = originals[kept], self.history_.labels[kept], names[kept]
            weight = None if weight is None else weight[kept]
        folds = calibration_folds(labels, names, self.calibration_folds, random_state=self.random_state)
        mirror = isinstance(next(iter(pipelines.values()))[-1], SymmetricSvm)
        learnt = self._learnt(originals, labels, names, weight, mirror=mirror)
        self.alignment_ = None if self.align is None else shipped_alignment()
        n, n_judged = len(originals), len(learnt.labels) if self.calibrate_synthetic else len(originals)
        folds = [*folds, (np.arange(n), np.arange(n, n_judged))] if n_judged > n else folds
        with one_thread():
            each, n_components = [], 0
            shown = shown_to(learnt.images, aligned, self.alignment_)
            for pipeline, rows in zip(pipelines.values(), shown, strict=True):
                components = self._fit_components(pipeline, rows, learnt.labels[learnt.source])
                n_components += components.shape[1]
                judged = rows[first_rows(learnt)[:n_judged]]
                mirrored = self._mirrored_components(pipeline, judged, components[n : 2 * n])
                each.append(fit_last_step(pipeline[-1], components, mirrored, learnt, folds))
            self.cascade_ = None if self.cascade is None else float(np.quantile(np.abs(each[0][:n]), self.cascade))
            margin = blend(each, shares, self.cascade_)
            self.calibration_ = fit_sigmoid(margin, learnt, n)
        slope, intercept = self.calibration_
        self.unsure_ = float(np.quantile(np.abs(slope * margin[:n] + intercept), _UNSURE))
        self.pipelines_ = pipelines
        self.n_features_ = sum(int(pipeline["scaler"].n_features_in_) for pipeline in pipelines.values())
        self.n_components_ = n_components
        machines = [pipeline[-1] for pipeline in pipelines.values()]
        vectors = [int(np.sum(machine.n_support_)) for machine in machines if hasattr(machine, "n_support_")]
        self.n_support_vectors_ = sum(vectors) or None
        self.classes_ = np.array([0, 1])
        self._compile()
        return self

    def _find_labels(
        self, originals: NDArray[np.uint8], labels: NDArray[np.int8], groups: NDArray[Any]
    ) -> History | None:
        if (labels != UNLABELLED).all():
            return None
        history = learn_labels(
            originals,
            labels,
            groups,
            confident=self.confident,
            max_rounds=self.max_rounds,
            random_state=self.random_state,
        )
        for said in history.warnings:
            warnings.warn(said, UserWarning, stacklevel=3)
        return history

    def _compile(self) -> None:
        pipelines = list(self.pipelines_.values())
        self._program: Program | None = None
        self.not_compiled_: str | None = None
        try:
            self._program = compile_program(
                pipelines,
                size=self.size,
                flip_average=bool(self.flip_average),
                calibration=self.calibration_,
                shares=self._shares(len(pipelines)).tolist(),
                unsure=self.unsure_,
                novelty=self.novelty_,
                threshold=self.cascade_,
                remove_glare=bool(self.remove_glare),
                alignment=self.alignment_,
                aligned=aligned_views(self.align, len(pipelines)),
            )
        except NotCompilableError as reason:
            self.not_compiled_ = str(reason)
        self._decisions = [decide_as_fitted(pipeline) for pipeline in pipelines]

    def _check_parameters(self) -> None:
        check_augmentations(self.augmentations)
        for name, least in (
            ("n_copies", 0),
            ("calibration_folds", 2),
            ("max_rounds", 0),
            ("n_synthetic", 0),
            ("random_state", 0),
        ):
            value = getattr(self, name)
            if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least:
                raise ParameterError(f"{name} is {value!r}; it must be a whole number, {least} or more")
        effect = self.group_effect
        if not isinstance(effect, int | float | np.number) or isinstance(effect, bool) or not 0 <= effect < np.inf:
            raise ParameterError(f"group_effect is {effect!r}; it must be a number, 0 or more")
        cascade = self.cascade
        if cascade is not None and (not isinstance(cascade, float | np.floating) or not 0 < cascade < 1):
            raise ParameterError(f"cascade is {cascade!r}; it must be a share of the images, above 0 and below 1")
        check_confident(self.confident)
        for name in ("calibrate_synthetic", "flip_average", "novelty", "remove_glare"):
            if not isinstance(getattr(self, name), bool | np.bool_):
                raise ParameterError(f"{name} is {getattr(self, name)!r}; it must be True or False")

    def _shares(self, n_views: int) -> NDArray[np.float64]:
        """Return what each view counts for; 1 on average."""
        if self.weights is None:
            return np.ones(n_views)
        given = np.asarray(self.weights, dtype=np.float64)
        if given.shape != (n_views,) or not (np.isfinite(given).all() and (given > 0).all()):
            raise ParameterError(
                f"weights is {self.weights!r}; it must hold a number above 0 for each of the {n_views} views"
            )
        return given * (n_views / given.sum())

    def _check_cascade(self, n_views: int) -> None:
        if self.cascade is not None and n_views < 2:
            raise ParameterError(
                f"cascade is {self.cascade!r}, and features is one view: there is no other to ask; give features as "
                'views, such as (("hog", "lbp"), ("words_tt",)), or leave cascade out'
            )

    def _learnt(
        self,
        originals: NDArray[np.uint8],
        labels: NDArray[np.int8],
        groups: NDArray[Any],
        weight: NDArray[np.float64] | None,
        *,
        mirror: bool = False,
    ) -> TrainingSet:
        """Return all that is learnt from, the originals first."""
        parts = [originals]
        # A mirror machine learns from every mirror image without being shown it.
        if "flip" in self.augmentations and not mirror:
            parts.append(flip(originals))
        if self.n_copies:
            parts.append(
                augment(
                    originals,
                    n_copies=self.n_copies,
                    augmentations=self.augmentations,
                    random_state=self.random_state,
                )
            )
        rows = np.concatenate(parts)
        learnt = TrainingSet(
            rows, np.tile(np.arange(len(originals)), len(rows) // len(originals)), labels, groups, weight
        )
        if self.n_synthetic:
            learnt = add_synthetic(learnt, self.n_synthetic, random_state=self.random_state)
        return learnt._replace(images=remove_glare(learnt.images)) if self.remove_glare else learnt

    def _fit_components(self, pipeline: Pipeline, images: NDArray[np.uint8], labels: NDArray[np.int8]) -> NDArray[Any]:
        """Fit every step before the classifier; return what the last of them gives."""
        rows = describe(pipeline[0].fit(images, labels), images)
        if type(pipeline.named_steps.get("pca")) is PCA and isinstance(self.n_components, int | np.integer):
            # A small folder has fewer images than the components asked for; its PCA keeps what there is.
            pipeline.named_steps["pca"].n_components = min(self.n_components, *rows.shape)
            if len(rows) >= rows.shape[1]:
                # Exact, and on a tall matrix in half the time of the random projections that PCA would choose.
                pipeline.named_steps["pca"].svd_solver = "covariance_eigh"
        return pipeline[1:-1].fit_transform(rows, labels)

    def _mirrored_components(
        self, pipeline: Pipeline, judged: NDArray[np.uint8], second: NDArray[Any]
    ) -> NDArray[Any] | None:
        """Return components of the mirror images; `second` holds those of the images, if they are learnt."""
        if not self.flip_average or isinstance(pipeline[-1], SymmetricSvm):
            return None
        if "flip" in self.augmentations and len(judged) == len(second):
            return second
        return pipeline[1:-1].transform(describe(pipeline[0], flip(judged)))

    def decision_function(self, images: Any) -> NDArray[np.float64]:
        """Return the calibrated log odds of open; positive means open.

        Parameters
        ----------
        images : array (n, h, w) or (n, h, w, 3), or sequence of arrays or paths
            See `classic_eyes.images.as_images`.

        Returns
        -------
        float64 array of shape (n,)
            Log odds.

        Raises
        ------
        ImageError
            For images that cannot be used.
        sklearn.exceptions.NotFittedError
            Before `fit`.
        """
        check_is_fitted(self, "pipelines_")
        X = as_images(images, size=self.size)
        with one_thread():
            if self._program is not None:
                return self._program.log_odds(X)
            margin = np.concatenate([self._margin(X[start : start + CHUNK]) for start in range(0, len(X), CHUNK)])
        slope, intercept = self.calibration_
        return slope * margin + intercept

    @property
    def program(self) -> Program | None:
        """The compiled form of the fitted classifier; None where there is none.

        Returns
        -------
        classic_eyes.inference.program.Program or None
            `not_compiled_` says why there is none.
        """
        check_is_fitted(self, "pipelines_")
        return self._program

    def _margin(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        if self.remove_glare:
            images = remove_glare(images)
        shown = shown_to(images, aligned_views(self.align, len(self._decisions)), self.alignment_)
        each = [decide(own) for decide, own in zip(self._decisions, shown, strict=True)]
        if self.flip_average:
            flipped = [decide(flip(own)) for decide, own in zip(self._decisions, shown, strict=True)]
            each = [(seen + mirrored) / 2 for seen, mirrored in zip(each, flipped, strict=True)]
        return blend(each, self._shares(len(each)), self.cascade_)

    def predict_one(self, image: Any) -> float:
        """Return the probability of open for one image, with as little around it as can be: for a camera's loop.

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
        sklearn.exceptions.NotFittedError
            Before `fit`.
        """
        program = self.program
        one = as_image(image, size=self.size)
        return float(program.probability(one)[0] if program is not None else self.predict_proba(one)[0, 1])

    def predict_proba(self, images: Any) -> NDArray[np.float64]:
        """Return the calibrated probabilities of closed and of open.

        Parameters
        ----------
        images : array (n, h, w) or (n, h, w, 3), or sequence of arrays or paths
            See `classic_eyes.images.as_images`.

        Returns
        -------
        float64 array of shape (n, 2)
            Columns closed, open; each row adds up to 1.

        Raises
        ------
        ImageError
            For images that cannot be used.
        sklearn.exceptions.NotFittedError
            Before `fit`.
        """
        open_ = expit(self.decision_function(images))
        return np.column_stack([1 - open_, open_])

    def predict(self, images: Any) -> NDArray[np.int64]:
        """Return 1 for each open eye and 0 for each closed one.

        Parameters
        ----------
        images : array (n, h, w) or (n, h, w, 3), or sequence of arrays or paths
            See `classic_eyes.images.as_images`.

        Returns
        -------
        int64 array of shape (n,)
            1 where the probability of open is a half or more.

        Raises
        ------
        ImageError
            For images that cannot be used.
        sklearn.exceptions.NotFittedError
            Before `fit`.
        """
        return (self.decision_function(images) >= 0).astype(np.int64)

    def novelty_score(self, images: Any) -> NDArray[np.float64]:
        """Return how unlike an eye images are; one eye in a hundred has more than 1.

        Parameters
        ----------
        images : array (n, h, w) or (n, h, w, 3), or sequence of arrays or paths
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
            For a classifier that was fitted without ``novelty=True``.
        sklearn.exceptions.NotFittedError
            Before `fit`.
        """
        check_is_fitted(self, "pipelines_")
        if self.novelty_ is None:
            raise ModelError("the classifier does not know what is no eye; fit it with novelty=True")
        with one_thread():
            return self.novelty_.score(as_images(images, size=self.size))

    def verdict(self, images: Any) -> list[str]:
        """Say of images whether they show an open eye, a closed one or none, or that the classifier is not sure.

        Parameters
        ----------
        images : array (n, h, w) or (n, h, w, 3), or sequence of arrays or paths
            See `classic_eyes.images.as_images`.

        Returns
        -------
        list of str
            Of ``closed``, ``open``, ``unsure`` and ``not-an-eye``; see `classic_eyes.inference.novelty.verdicts`.

        Raises
        ------
        ImageError
            For images that cannot be used.
        ModelError
            For a classifier that was fitted without ``novelty=True``.
        sklearn.exceptions.NotFittedError
            Before `fit`.

        Examples
        --------
        >>> from classic_eyes.synthetic import make_eyes
        >>> eyes = make_eyes(210, random_state=0)
        >>> clf = EyeClassifier(features=("hog",), n_copies=0, novelty=True).fit(eyes.images, eyes.labels)
        >>> clf.verdict(np.random.default_rng(0).integers(0, 256, (1, 24, 24), dtype=np.uint8))
        ['not-an-eye']
        """
        X = as_images(images, size=self.size)
        return verdicts(self.predict_proba(X)[:, 1], self.novelty_score(X), unsure=self.unsure_)

    def __getstate__(self) -> dict[str, Any]:
        # The compiled form repeats the pipeline; it is made again on the way back.
        compiled = ("_program", "_decisions", "not_compiled_")
        return {key: value for key, value in super().__getstate__().items() if key not in compiled}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__({**_ADDED_LATER, **state})
        if hasattr(self, "pipelines_"):
            self._compile()

    def adapt(self, images: Any) -> Adaptation:
        """Find where the answers about an unlabelled folder fall in two.

        Parameters
        ----------
        images : array (n, h, w) or (n, h, w, 3), or sequence of arrays or paths
            100 or more, open and closed, of one source.

        Returns
        -------
        Adaptation
            ``adaptation.probability(clf.predict_proba(images)[:, 1])`` are the probabilities of open there; where it
            declines, they stay as they are. See `classic_eyes.calibration.adaptation.fit_adaptation`.

        Raises
        ------
        ImageError
            For images that cannot be used.
        """
        return fit_adaptation(self.decision_function(images))

    def calibrate(self, open_images: Any, closed_images: Any = None) -> Calibration:
        """Fit one person's own threshold to a few dozen of their images.

        Parameters
        ----------
        open_images : array (n, h, w) or (n, h, w, 3), or sequence of arrays or paths
            12 or more of their open eyes.
        closed_images : the same, optional
            12 or more of their closed eyes.

        Returns
        -------
        Calibration
            ``calibration.threshold.value`` is the probability from which on this person's eyes are open; see
            `classic_eyes.calibration.threshold.fit_threshold`.

        Raises
        ------
        ImageError
            For images that cannot be used.
        DataError
            For too few, or closed eyes that answer no lower than open ones.
        """
        closed = None if closed_images is None else self.decision_function(closed_images)
        return calibrate(self.decision_function(open_images), closed)

    def save(self, path: str | os.PathLike[str], *, card: dict[str, Any] | None = None) -> None:
        """Write the fitted classifier to a file, its compiled form beside it, and a card if one is given.

        A ``.joblib`` file is read by whoever trusts it, for it can run code; a ``.skops`` file (extra ``skops``) by
        anyone. Both carry the answers about eight synthetic eyes, which are asked again on load.

        The compiled form, of the same name but ending in ``.npz``, is what ``predict`` reads: see
        `classic_eyes.EyePredictor`. Where there is none (`not_compiled_` says why), an older file of that name is
        removed, for it would be another model's.

        Parameters
        ----------
        path : path
            The file; its ending must be ``.joblib`` or ``.skops``.
        card : dict, optional
            Written as JSON beside it.

        Raises
        ------
        ModelError
            Where the file cannot be written; for ``.skops`` also where the classifier holds types of your own.
        MissingDependencyError
            For ``.skops`` without the extra ``skops``.
        """
        check_is_fitted(self, "pipelines_")
        if card is not None and self.not_compiled_ is not None:
            card = {**card, "not_compiled": self.not_compiled_}
        synthetic = as_images(make_eyes(_RECORDED, random_state=0).images, size=self.size)
        persistence.write_model(path, self, card, images=synthetic)
        compiled = persistence.compiled_path(path)
        if self._program is None:
            compiled.unlink(missing_ok=True)
            return
        persistence.write_compiled(compiled, self._program, synthetic, model_sha256=persistence.sha256(path))

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, trusted: bool = False) -> EyeClassifier:
        """Read a classifier that `save` wrote.

        Parameters
        ----------
        path : path
            The file.
        trusted : bool, default False
            Whether you know where the file comes from: reading a joblib file can run any code. A file that ships with
            the library needs no trust, nor does a ``.skops`` file.

        Returns
        -------
        EyeClassifier
            Fitted.

        Raises
        ------
        ModelError
            For a file that is missing, not trusted, not a model, or that does not reproduce its recorded answers.
        """
        loaded = persistence.read_model(path, trusted=trusted, known=SHIPPED_MODELS.values())
        if not isinstance(loaded, EyeClassifier):
            raise ModelError(f"{os.fspath(path)!r} holds a {type(loaded).__name__}, not an EyeClassifier")
        return loaded

    @classmethod
    def pretrained(cls, name: str = "default") -> EyeClassifier:
        """Return a classifier that ships with the library.

        Parameters
        ----------
        name : str, default ``"default"``
            A key of `SHIPPED_MODELS`.

        Returns
        -------
        EyeClassifier
            Fitted.

        Raises
        ------
        ModelError
            For an unknown name, or a file that is missing or altered.
        """
        return cls.load(shipped_model(name))


def _check_labels(y: ArrayLike | None, n: int) -> NDArray[np.int8]:
    if y is None:
        return np.full(n, UNLABELLED, dtype=np.int8)
    labels = np.asarray(y)
    if labels.shape != (n,):
        raise ParameterError(f"y has shape {labels.shape}; {n} images need ({n},), a label each")
    values = np.unique(labels) if labels.dtype.kind in "biuf" else labels[:5]
    if labels.dtype.kind not in "biuf" or not np.isin(values, (0, 1, UNLABELLED)).all():
        raise ParameterError(f"y holds {values[:5].tolist()}; labels are 1 (open), 0 (closed) and -1 (unknown)")
    if len(values) < 2 and values[0] != UNLABELLED:
        only = "open" if values[0] == 1 else "closed"
        raise ParameterError(f"y holds one class only ({only}); learning needs open and closed eyes")
    return labels.astype(np.int8)


def _check_column(name: str, given: ArrayLike | None, n: int) -> NDArray[Any]:
    if given is None:
        return np.arange(n)
    column = np.asarray(given)
    if column.shape != (n,):
        raise ParameterError(f"{name} has shape {column.shape}; {n} images need ({n},)")
    return column


def _check_weight(given: ArrayLike | None, n: int) -> NDArray[np.float64] | None:
    if given is None:
        return None
    weight = np.asarray(_check_column("sample_weight", given, n), dtype=np.float64)
    if not (np.isfinite(weight).all() and (weight >= 0).all() and weight.any()):
        raise ParameterError("sample_weight holds a negative or non-finite number, or zeros only; weights are positive")
    return weight
