"""Compiling: the compiled view agrees with the formula and with scikit-learn's pipeline."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.special import logit
from sklearn.svm import SVC, LinearSVC

from classic_eyes import EyeClassifier
from classic_eyes.features import EXTRACTORS
from classic_eyes.inference import Program
from classic_eyes.persistence.npz import join_program, split_program
from classic_eyes.preprocessing.alignment import align
from classic_eyes.preprocessing.glare import remove_glare
from classic_eyes.synthetic import make_eyes
from classic_eyes.training.compiling import FittedView, NotCompilableError, compile_view, decision_values
from classic_eyes.training.pipelines import CLASSIFIERS, build_pipeline

from ..precision import log_odds_bound

EYES = make_eyes(150, random_state=1)
OTHER = make_eyes(60, random_state=2).images
COMPILED = ("svm", "symmetric", "metric", "libsvm")
PLAIN = {"n_copies": 0, "n_synthetic": 0, "remove_glare": False, "align": None, "detect_non_eyes": False}


def program_of(pipeline) -> Program:
    return Program(24, (compile_view(pipeline),), flip_average=False, slope=1.0, intercept=0.0)


def slow_decision(row: np.ndarray, pipeline) -> float:
    """The RBF decision as its formula says, one support vector at a time."""
    scaler, svm = pipeline.named_steps["scaler"], pipeline.named_steps["classifier"]
    z = (row - scaler.mean_) / scaler.scale_
    if "pca" in pipeline.named_steps:
        z = (z - pipeline.named_steps["pca"].mean_) @ pipeline.named_steps["pca"].components_.T
    pairs = zip(svm.support_vectors_, svm.dual_coef_[0], strict=True)
    return sum(a * np.exp(-svm._gamma * ((z - s) ** 2).sum()) for s, a in pairs) + svm.intercept_[0]


@pytest.mark.parametrize("n_components", [15, None])
def test_the_compiled_svm_is_the_formula(n_components):
    pipeline = build_pipeline(["profile"], n_components=n_components).fit(EYES.images, EYES.labels)
    expected = [slow_decision(row.astype(float), pipeline) for row in pipeline[0].transform(OTHER)]
    program = program_of(pipeline)
    bound = log_odds_bound(program, OTHER)
    assert bound < 1e-3
    np.testing.assert_allclose(program.log_odds(OTHER), expected, atol=bound, rtol=0)


@pytest.mark.parametrize(
    ("feature", "classifier"),
    [
        *((feature, "svm") for feature in EXTRACTORS),
        # Extractors of each kind in a symmetric view: columns that a flip permutes, and features computed twice.
        *((feature, "metric") for feature in ("ear", "hog", "lbp", "profile", "words_tt")),
        *(("profile", classifier) for classifier in CLASSIFIERS),
    ],
)
def test_compiled_and_fitted_views_agree_over_the_tables(feature, classifier):
    n_components = 14 if feature != "ear" else 6
    pipeline = build_pipeline([feature], classifier, n_components=n_components).fit(EYES.images, EYES.labels)
    fitted = FittedView(pipeline)
    expected = fitted.decide(fitted.describe(OTHER, OTHER))
    if classifier not in COMPILED:
        with pytest.raises(NotCompilableError, match="has no compiled form"):
            compile_view(pipeline)
        np.testing.assert_array_equal(expected, decision_values(pipeline[:-1].transform(OTHER), pipeline[-1]))
        return
    program = program_of(pipeline)
    bound = log_odds_bound(program, OTHER)
    assert bound < 0.01
    np.testing.assert_allclose(program.log_odds(OTHER), expected, atol=bound, rtol=0)
    header, arrays = split_program(program)
    again = join_program(json.loads(json.dumps(header)), arrays)
    np.testing.assert_array_equal(again.probability(OTHER), program.probability(OTHER))


@pytest.mark.parametrize("classifier", ["svm", "symmetric", "metric"])
@pytest.mark.parametrize(("glare", "aligned"), [(False, None), (True, "others"), (False, "all")])
def test_a_fitted_classifier_predicts_what_its_pipelines_do(classifier, glare, aligned):
    settings = {**PLAIN, "n_copies": 1, "n_components": 20, "cascade": None, "remove_glare": glare, "align": aligned}
    clf = EyeClassifier((("hog",), ("words",)), classifier, **settings).fit(EYES.images[:100], EYES.labels[:100])
    program = clf.program
    values = []
    for flipped in (OTHER, np.ascontiguousarray(OTHER[:, :, ::-1])):
        clean = remove_glare(flipped) if glare else flipped
        inputs = [align(clean, program.alignment) if view.aligned else clean for view in program.views]
        values += [
            decision_values(pipeline[:-1].transform(images), pipeline[-1])
            for pipeline, images in zip(clf.pipelines_.values(), inputs, strict=True)
        ]
    expected = program.slope * np.mean(values, axis=0) + program.intercept
    bound = log_odds_bound(program, OTHER)
    # The mean over both flips, which a symmetric SVM does not compute, is exact up to rounding of the warped pixels.
    np.testing.assert_allclose(clf.decision_function(OTHER), expected, atol=bound, rtol=0)
    alone = logit([clf.predict_one(image) for image in OTHER[:5]])
    np.testing.assert_allclose(alone, expected[:5], atol=bound, rtol=0)


def test_an_svm_of_another_kind_is_not_compiled():
    class Contrary(SVC):
        def decision_function(self, X):
            return -super().decision_function(X)

    for classifier in (Contrary(), SVC(kernel="poly"), LinearSVC()):
        pipeline = build_pipeline(["profile"], classifier, n_components=5).fit(EYES.images, EYES.labels)
        with pytest.raises(NotCompilableError, match=type(classifier).__name__):
            compile_view(pipeline)


def test_far_away_images_have_finite_decision_values():
    pipeline = build_pipeline(["pixels"], n_components=None).fit(EYES.images, EYES.labels)
    odd = np.stack(
        [np.zeros((24, 24), np.uint8), np.full((24, 24), 255, np.uint8), np.indices((24, 24)).sum(0) % 2 * 255]
    )
    assert np.isfinite(program_of(pipeline).log_odds(odd.astype(np.uint8))).all()
