"""Pipelines: names and objects become scikit-learn's, and the compiled view agrees with the formula and with them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.special import logit
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.svm import SVC, LinearSVC

from classic_eyes import EyeClassifier
from classic_eyes.errors import ParameterError
from classic_eyes.features import EXTRACTORS, Hog, Lbp, Words
from classic_eyes.inference import Program
from classic_eyes.persistence.npz import join_program, split_program
from classic_eyes.preprocessing.alignment import align
from classic_eyes.preprocessing.glare import remove_glare
from classic_eyes.synthetic import make_eyes
from classic_eyes.training.pipelines import (
    CLASSIFIERS,
    FittedView,
    NotCompilableError,
    build_pipeline,
    build_pipelines,
    compile_view,
    decision_values,
    make_classifier,
    split_views,
)

from ..precision import log_odds_bound

EYES = make_eyes(160, random_state=1)
COMPILED_EYES = make_eyes(150, random_state=1)
OTHER = make_eyes(60, random_state=2).images
COMPILED = ("svm", "symmetric", "metric", "libsvm")
PLAIN = {"n_copies": 0, "n_synthetic": 0, "remove_glare": False, "align": None, "detect_non_eyes": False}


class MeanGrey(TransformerMixin, BaseEstimator):
    """An extractor of a user: the mean of each image."""

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        return X.mean(axis=(1, 2), dtype=np.float32)[:, np.newaxis]

    def get_feature_names_out(self, input_features=None):
        return np.array(["mean"], dtype=object)


def test_the_steps_of_a_plain_pipeline():
    pipeline = build_pipeline(["hog", "lbp"], "svm", n_components=20)
    assert type(pipeline) is Pipeline
    assert list(pipeline.named_steps) == ["features", "scaler", "pca", "classifier"]
    assert type(pipeline.named_steps["features"]) is FeatureUnion
    assert pipeline.named_steps["pca"].n_components == 20


@pytest.mark.parametrize("classifier", CLASSIFIERS)
def test_every_classifier_separates_synthetic_eyes(classifier):
    fitted = build_pipeline(["hog"], classifier, n_components=20).fit(EYES.images, EYES.labels)
    other = make_eyes(60, random_state=2)
    assert fitted.score(other.images, other.labels) > 0.8


@pytest.mark.parametrize("feature", EXTRACTORS)
def test_every_extractor_separates_synthetic_eyes(feature):
    fitted = build_pipeline([feature], "svm", n_components=0.99).fit(EYES.images, EYES.labels)
    assert fitted.score(EYES.images, EYES.labels) > 0.75


def test_without_pca_the_step_is_left_out():
    assert list(build_pipeline(["profile"], n_components=None).named_steps) == ["features", "scaler", "classifier"]


def test_objects_and_names_mix_and_names_stay_unique():
    mine = Hog(cells=(6,))
    union = build_pipeline(["hog", mine, Lbp(radii=(1,)), MeanGrey()]).named_steps["features"]
    assert [name for name, _ in union.transformer_list] == ["hog", "hog2", "lbp", "meangrey"]
    assert union.fit(EYES.images).get_feature_names_out()[-1] == "meangrey__mean"
    # The caller's own extractor is not the one that is fitted.
    assert union.transformer_list[1][1] is not mine
    assert union.transformer_list[1][1].get_params() == mine.get_params()


def test_it_clones_and_takes_parameters_by_path():
    pipeline = clone(build_pipeline(["hog"])).set_params(
        features__hog__cells=(6,), classifier__alpha=1.0, pca__n_components=5
    )
    assert pipeline.fit(EYES.images, EYES.labels)[:-1].transform(EYES.images).shape == (160, 5)


def test_a_classifier_object_is_cloned():
    forest = RandomForestClassifier(5, random_state=0)
    made = make_classifier(forest)
    assert made is not forest
    assert made.get_params() == forest.get_params()


def test_the_seed_reaches_pca_and_classifier():
    pipeline = build_pipeline(["hog"], "gb", random_state=7)
    assert pipeline.named_steps["pca"].random_state == 7
    assert pipeline.named_steps["classifier"].random_state == 7


def test_the_seed_reaches_extractors_made_from_names_alone():
    union = build_pipeline(["words", Words(random_state=3)], random_state=7)["features"]
    assert [extractor.random_state for _, extractor in union.transformer_list] == [7, 3]


@pytest.mark.parametrize(
    ("features", "views"),
    [
        (("hog",), [("hog",)]),
        (["hog", "lbp"], [("hog", "lbp")]),
        ((("hog", "lbp"), ("words",)), [("hog", "lbp"), ("words",)]),
        ((["hog", "lbp"], "words"), [("hog", "lbp"), ("words",)]),
        ((("hog",),), [("hog",)]),
    ],
)
def test_a_flat_sequence_is_one_view_and_nested_ones_are_several(features, views):
    assert split_views(features) == views


def test_a_pipeline_for_each_view():
    pipelines = build_pipelines((("hog", Lbp(radii=(1,))), "hog", ("hog",)), "linear", n_components=9, random_state=4)
    assert list(pipelines) == ["hog+lbp", "hog", "hog2"]
    assert {pipeline["pca"].n_components for pipeline in pipelines.values()} == {9}
    assert {pipeline["classifier"].random_state for pipeline in pipelines.values()} == {4}
    assert len({id(pipeline["classifier"]) for pipeline in pipelines.values()}) == 3


def test_each_view_may_have_its_own_classifier():
    pipelines = build_pipelines((("hog",), ("lbp",)), ("linear", ("svm", {"n_support": 7})), n_components=9)
    assert [type(pipeline[-1]).__name__ for pipeline in pipelines.values()] == ["LogisticRegression", "LeastSquaresSvm"]
    assert pipelines["lbp"][-1].n_support == 7
    with pytest.raises(ParameterError, match="classifier holds 1 classifiers and features 2 views"):
        build_pipelines((("hog",), ("lbp",)), ["svm"])


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (["hgo"], r"'hgo'.*haar.*hog.*lbp.*pixels.*profile"),
        ("hog", "sequence of names"),
        ([], r"features is \[\]; give at least one of ear, haar, .* to each view"),
        ([("hog",), ()], "to each view"),
        ([Hog], "instance|Hog()"),
        ([3], "3"),
    ],
)
def test_bad_features_are_refused(features, message):
    with pytest.raises(ParameterError, match=message):
        build_pipelines(features, "svm")


@pytest.mark.parametrize(
    ("classifier", "message"),
    [
        ("smv", r"'smv' is not known; known are svm, symmetric, metric, libsvm, gb, linear, knn; did you mean 'svm'"),
        (RandomForestClassifier, "classifier is"),
        (3, "classifier is 3"),
        (("svm", {"n_vectors": 5}), "n_vectors"),
    ],
)
def test_bad_classifiers_are_refused(classifier, message):
    with pytest.raises(ParameterError, match=message):
        build_pipeline(["hog"], classifier)


@pytest.mark.parametrize("n_components", [0, -1, 1.5, "200", True])
def test_bad_n_components_is_refused(n_components):
    with pytest.raises(ParameterError, match="n_components is"):
        build_pipeline(["hog"], n_components=n_components)


def test_features_may_have_parameters():
    built = build_pipelines(((("hog", {"cells": (8,)}), "lbp"), ("words_tt",)), "metric")
    assert list(built) == ["hog+lbp", "words_tt"]
    hog = built["hog+lbp"]["features"].union.transformer_list[0][1]
    assert (hog.cells, hog.gaussian) == ((8,), False), "the form for symmetric classifiers stays"
    with pytest.raises(ParameterError, match=r"features holds \('hog', \{'bins': 9\}\): Invalid parameter 'bins'"):
        build_pipelines(((("hog", {"bins": 9}),),), "svm")


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
    pipeline = build_pipeline(["profile"], n_components=n_components).fit(COMPILED_EYES.images, COMPILED_EYES.labels)
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
    pipeline = build_pipeline([feature], classifier, n_components=n_components).fit(
        COMPILED_EYES.images, COMPILED_EYES.labels
    )
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
    clf = EyeClassifier((("hog",), ("words",)), classifier, **settings).fit(
        COMPILED_EYES.images[:100], COMPILED_EYES.labels[:100]
    )
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
        pipeline = build_pipeline(["profile"], classifier, n_components=5).fit(
            COMPILED_EYES.images, COMPILED_EYES.labels
        )
        with pytest.raises(NotCompilableError, match=type(classifier).__name__):
            compile_view(pipeline)


def test_far_away_images_have_finite_decision_values():
    pipeline = build_pipeline(["pixels"], n_components=None).fit(COMPILED_EYES.images, COMPILED_EYES.labels)
    odd = np.stack(
        [np.zeros((24, 24), np.uint8), np.full((24, 24), 255, np.uint8), np.indices((24, 24)).sum(0) % 2 * 255]
    )
    assert np.isfinite(program_of(pipeline).log_odds(odd.astype(np.uint8))).all()
