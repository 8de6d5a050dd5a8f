"""EyeClassifier: the contract, one way to predict, scikit-learn's conventions, calibration, refusals."""

from __future__ import annotations

import copy
import inspect
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
from sklearn import config_context, get_config
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.exceptions import DataConversionWarning, NotFittedError, SkipTestWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import estimator_checks_generator
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data

from classic_eyes import EyeClassifier, load_model, metrics
from classic_eyes.errors import ImageError, ModelError, ParameterError
from classic_eyes.features import Hog
from classic_eyes.preprocessing.augmentation import flip
from classic_eyes.recipes import RECIPES
from classic_eyes.svm import LeastSquaresSvm, MetricSvm, SymmetricSvm
from classic_eyes.synthetic import make_eyes
from classic_eyes.training.pipelines import CLASSIFIERS

from .precision import log_odds_bound

TRAIN = make_eyes(160, random_state=1)
TEST = make_eyes(80, random_state=2)
PLAIN = {
    "classifier": "svm",
    "n_copies": 0,
    "n_synthetic": 0,
    "remove_glare": False,
    "align": None,
    "detect_non_eyes": False,
    "size": 24,
}
SMALL = {**PLAIN, "features": ("hog",), "n_components": 30}


@pytest.fixture(scope="module")
def fitted():
    return EyeClassifier(**SMALL).fit(TRAIN.images, TRAIN.labels)


# -- the contract --


def test_it_separates_open_from_closed(fitted):
    assert fitted.score(TEST.images, TEST.labels) > 0.9


def test_predict_returns_0_and_1_and_probabilities_closed_then_open(fitted):
    labels, shares = fitted.predict(TEST.images), fitted.predict_proba(TEST.images)
    assert set(labels) == {0, 1}
    assert shares.shape == (80, 2)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert fitted.classes_.tolist() == [0, 1]
    assert shares[TEST.labels == 1, 1].mean() > 0.8 > 0.2 > shares[TEST.labels == 0, 1].mean()


@pytest.mark.parametrize("classifier", CLASSIFIERS)
def test_the_decision_threshold_is_0_5_for_every_classifier(classifier):
    clf = EyeClassifier(**{**SMALL, "classifier": classifier}).fit(TRAIN.images, TRAIN.labels)
    np.testing.assert_array_equal(clf.predict(TEST.images), clf.predict_proba(TEST.images)[:, 1] >= 0.5)
    np.testing.assert_array_equal(clf.predict(TEST.images), clf.decision_function(TEST.images) >= 0)
    assert clf.score(TEST.images, TEST.labels) > 0.75


def test_images_may_come_in_any_form(fitted, tmp_path):
    import cv2

    X = TEST.images[:6]
    expected = fitted.predict_proba(X)
    colour = np.repeat(X[..., np.newaxis], 3, axis=3)
    paths = [tmp_path / f"{number}.png" for number in range(6)]
    for path, image in zip(paths, X, strict=True):
        cv2.imwrite(str(path), image)
    for form in (X / 255, colour, list(X), [*X[:3], *colour[3:]], paths, [str(path) for path in paths]):
        np.testing.assert_allclose(fitted.predict_proba(form), expected, atol=1e-6)


def test_larger_images_are_reduced(fitted):
    large = np.kron(TEST.images, np.ones((1, 3, 3), np.uint8))
    np.testing.assert_allclose(fitted.predict_proba(large), fitted.predict_proba(TEST.images), atol=1e-6)


def test_a_row_alone_is_the_row_in_a_batch(fitted):
    together = fitted.decision_function(TEST.images)
    alone = np.concatenate([fitted.decision_function(TEST.images[i : i + 1]) for i in range(80)])
    np.testing.assert_allclose(alone, together, atol=log_odds_bound(fitted.program, TEST.images), rtol=0)


def test_an_image_and_its_mirror_image_get_the_same_prediction(fitted):
    bound = log_odds_bound(fitted.program, TEST.images)
    both = (fitted.decision_function(images) for images in (TEST.images, flip(TEST.images)))
    np.testing.assert_allclose(*both, atol=bound, rtol=0)


def test_features_may_be_objects_and_a_classifier_too():
    changes = {"features": (Hog(cells=(6,)), "profile"), "classifier": LogisticRegression(C=0.1), "n_components": None}
    clf = EyeClassifier(**{**PLAIN, **changes}).fit(TRAIN.images, TRAIN.labels)
    assert list(clf.pipelines_) == ["hog+profile"]
    assert type(clf.pipelines_["hog+profile"]) is Pipeline
    assert type(clf.pipelines_["hog+profile"][-1]) is LogisticRegression
    assert clf.score(TEST.images, TEST.labels) > 0.85


def test_more_components_than_images_is_no_error():
    clf = EyeClassifier(**PLAIN, features=("profile",), n_components=500).fit(TRAIN.images[:20], TRAIN.labels[:20])
    assert clf.pipelines_["profile"].named_steps["pca"].n_components_ == 40  # twenty images and their mirror images
    assert clf.n_components == 500


def uncalibrated(clf):
    """Return decision values before the calibration."""
    return (clf.decision_function(TEST.images) - clf.program.intercept) / clf.program.slope


@pytest.mark.parametrize("classifier", ["svm", "symmetric", "metric", "linear"])
def test_decision_values_of_views_are_averaged(classifier):
    features = (("hog",), ("profile", "lbp"))
    settings = {**PLAIN, "classifier": classifier, "n_components": 30, "random_state": 2, "cascade": None}
    both = EyeClassifier(features, **settings).fit(TRAIN.images, TRAIN.labels)
    assert list(both.pipelines_) == ["hog", "profile+lbp"]
    assert both.n_components_ == 60
    alone = [EyeClassifier(view, **settings).fit(TRAIN.images, TRAIN.labels) for view in features]
    # The same float32 numbers, calibrated and back: each step rounds in float64 only.
    expected = np.mean([uncalibrated(clf) for clf in alone], axis=0)
    np.testing.assert_allclose(uncalibrated(both), expected, rtol=1e-9, atol=1e-9)
    assert both.n_features_ == sum(clf.n_features_ for clf in alone)
    if classifier != "linear":
        assert both.n_support_vectors_ == sum(clf.n_support_vectors_ for clf in alone)


def test_a_classifier_without_support_vectors_counts_none():
    clf = EyeClassifier(**{**SMALL, "classifier": "linear"}).fit(TRAIN.images, TRAIN.labels)
    assert clf.n_support_vectors_ is None


# -- calibration --


def test_probabilities_are_calibrated_on_a_hard_task():
    rng = np.random.default_rng(0)
    labels = np.arange(600) % 2
    # A grey step whose height is a weak cue: the best predictions are uncertain.
    X = np.clip(rng.normal(120, 20, (600, 24, 24)), 0, 255)
    X[:, 8:16] += rng.normal(6 * labels, 8)[:, np.newaxis, np.newaxis]
    X = np.clip(X, 0, 255).astype(np.uint8)
    clf = EyeClassifier(**PLAIN, features=("profile",), n_components=10).fit(X[:400], labels[:400])
    scores = clf.predict_proba(X[400:])[:, 1]
    assert 0.55 < metrics.accuracy(labels[400:], scores) < 0.9
    assert metrics.calibration_error(labels[400:], scores, n_bins=5) < 0.12


def test_probabilities_stay_finite_on_separable_images():
    X = np.zeros((40, 24, 24), np.uint8)
    X[::2, :12] = 200
    clf = EyeClassifier(**PLAIN, features=("profile",)).fit(X, np.arange(40) % 2)
    scores = clf.predict_proba(X)[:, 1]
    assert (clf.predict(X) == np.arange(40) % 2).all()
    assert 0 < scores.min() < 0.2
    assert 0.8 < scores.max() < 1


def test_synthetic_eyes_are_three_an_image_and_none_without_sample_weights():
    clf = EyeClassifier(**{**SMALL, "n_synthetic": "auto"}).fit(TRAIN.images[:40], TRAIN.labels[:40])
    assert clf.n_synthetic_ == 120
    clf.set_params(classifier="knn").fit(TRAIN.images[:40], TRAIN.labels[:40])
    assert clf.n_synthetic_ == 0
    with pytest.raises(ParameterError, match="n_synthetic is 50, and KNeighborsClassifier cannot weigh synthetic eyes"):
        clf.set_params(n_synthetic=50).fit(TRAIN.images[:40], TRAIN.labels[:40])


# -- one way to predict --


def every_prediction(model):
    """Return the bytes of every method that predicts."""
    arrays = [model.decision_function(TEST.images), model.predict_proba(TEST.images), model.predict(TEST.images)]
    return b"".join(array.tobytes() for array in arrays) + np.float64(model.predict_one(TEST.images[3])).tobytes()


class MeanGrey(TransformerMixin, BaseEstimator):
    """An extractor of a user: the mean of each image, which cannot be compiled."""

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        return X.mean(axis=(1, 2), dtype=np.float32)[:, np.newaxis]


MODELS = {
    "compiled": SMALL,
    "views": {**SMALL, "features": (("hog",), ("lbp",)), "classifier": "metric", "align": "others", "cascade": 0.3},
    "wrapped": {**SMALL, "classifier": "gb"},
    "mixed": {**SMALL, "features": (("hog",), (MeanGrey(), "profile")), "cascade": 0.5},
}


@pytest.fixture(scope="module", params=MODELS)
def model(request):
    return EyeClassifier(**MODELS[request.param]).fit(TRAIN.images, TRAIN.labels)


def test_classifier_and_predictor_predict_the_same_bytes(model):
    assert every_prediction(model) == every_prediction(model.predictor_)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda clf: pickle.loads(pickle.dumps(clf))])
def test_a_copy_and_a_pickle_predict_the_same_bytes(model, copied):
    assert every_prediction(copied(model)) == every_prediction(model)


def test_saved_files_predict_the_same_bytes(model, tmp_path):
    model.save(tmp_path / "m.joblib")
    again = EyeClassifier.load(tmp_path / "m.joblib", trusted=True)
    assert every_prediction(again) == every_prediction(model)
    assert again.get_params().keys() == model.get_params().keys()
    assert (tmp_path / "m.npz").exists() == (model.not_compiled_ is None)
    if model.not_compiled_ is None:
        assert every_prediction(load_model(tmp_path / "m.npz")) == every_prediction(model)
        assert load_model(tmp_path / "m.npz").fingerprint == model.fingerprint
    with pytest.raises(ModelError, match="trusted=True"):
        EyeClassifier.load(tmp_path / "m.joblib")


@pytest.mark.parametrize(
    "changed",
    [
        {"size": 36},
        {"remove_glare": True},
        {"align": "all"},
        {"cascade": 0.9},
        {"features": ("pixels",)},
        {"n_components": 3},
        {"classifier": "knn"},
        {"random_state": 5},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_parameters_that_change_after_fit_change_nothing_until_the_next_fit(changed, tmp_path):
    clf = EyeClassifier(**SMALL).fit(TRAIN.images, TRAIN.labels)
    before = every_prediction(clf)
    clf.set_params(**changed)
    assert every_prediction(clf) == before
    assert every_prediction(pickle.loads(pickle.dumps(clf))) == before
    clf.save(tmp_path / "m.npz")
    assert every_prediction(load_model(tmp_path / "m.npz")) == before


@pytest.mark.parametrize("classifier", [LogisticRegression(C=0.1), LeastSquaresSvm(40)])
def test_objects_of_the_caller_that_change_after_fit_change_nothing(classifier):
    hog = Hog(cells=(6,))
    clf = EyeClassifier(**{**SMALL, "features": (hog,), "classifier": classifier}).fit(TRAIN.images, TRAIN.labels)
    before = every_prediction(clf)
    hog.set_params(cells=(4,))
    clf.set_params(**{f"classifier__{name}": 3 for name in ("C", "alpha") if name in classifier.get_params()})
    classifier.fit(np.arange(8.0).reshape(4, 2), [1, 1, 0, 0])
    assert every_prediction(clf) == before


def test_a_pipeline_that_cannot_be_compiled_is_wrapped_and_named():
    clf = EyeClassifier(**MODELS["mixed"]).fit(TRAIN.images, TRAIN.labels)
    assert clf.not_compiled_ == "the extractor MeanGrey has no compiled form"
    assert [type(view).__name__ for view in clf.program.views] == ["View", "FittedView"]
    assert clf.score(TEST.images, TEST.labels) > 0.85


# -- recipes --


def test_the_defaults_are_the_recipe_default():
    assert EyeClassifier().get_params(deep=False) == EyeClassifier.from_recipe("default").get_params(deep=False)
    assert {**RECIPES["default"], "start_from": None, "random_state": 0} == EyeClassifier().get_params(deep=False)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_trains_on_few_images(name):
    clf = EyeClassifier.from_recipe(name).fit(TRAIN.images[:60], TRAIN.labels[:60])
    assert clf.not_compiled_ is None
    assert clf.n_synthetic_ == 180
    assert clf.score(TEST.images, TEST.labels) > 0.9


def test_an_unknown_recipe_names_the_known_ones():
    with pytest.raises(ParameterError, match="recipe 'best' is not known; known are default, fast, accurate"):
        EyeClassifier.from_recipe("best")


def test_the_constructor_has_at_most_12_parameters():
    assert len(inspect.signature(EyeClassifier).parameters) <= 12


# -- determinism --


def test_same_seed_same_bytes_and_another_seed_others():
    def bytes_of(seed):
        clf = EyeClassifier(**{**SMALL, "n_copies": 1, "random_state": seed})
        return clf.fit(TRAIN.images, TRAIN.labels).decision_function(TEST.images).tobytes()

    assert bytes_of(3) == bytes_of(3)
    assert bytes_of(3) != bytes_of(4)


def test_fit_changes_neither_images_nor_labels_nor_parameters():
    X, y = TRAIN.images.copy(), TRAIN.labels.copy()
    X.flags.writeable = y.flags.writeable = False
    clf = EyeClassifier(**SMALL)
    before = clf.get_params()
    clf.fit(X, y)
    assert clf.get_params() == before


# -- scikit-learn --


class Greys(TransformerMixin, BaseEstimator):
    """The grey levels as they are, so that rows of numbers survive being made images of."""

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        return np.float32(X[:, ::8, ::8].reshape(len(X), -1))


class RowsAsImages(EyeClassifier):
    """EyeClassifier for rows of numbers and any two labels, so that scikit-learn's checks apply to it.

    scikit-learn checks almost nothing of an estimator of images. Here a row becomes an image of as many blocks, and
    the two labels become 0 and 1; all else is EyeClassifier.
    """

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array, tags.input_tags.three_d_array = True, False
        return tags

    def _images(self, X):
        greys = np.uint8(127.5 * (1 + np.tanh(X / 4)))
        return np.kron(greys[:, np.newaxis, :], np.ones((1, 8, 8), np.uint8))

    def fit(self, X, y=None, groups=None, sample_weight=None):
        if y is None:
            raise ValueError("requires y to be passed, but the target y is None")
        X, y = validate_data(self, X, y)
        check_classification_targets(y)
        names, y = np.unique(y, return_inverse=True)
        if len(names) > 2:
            raise ValueError(
                f"Only binary classification is supported. The type of the target is {type_of_target(names)}."
            )
        n_features = self.n_features_in_
        super().fit(self._images(X), y, groups=groups, sample_weight=sample_weight)
        self.classes_, self.n_features_in_ = names, n_features
        return self

    def decision_function(self, X):
        check_is_fitted(self)
        return super().decision_function(self._images(validate_data(self, X, reset=False)))


# Every check of scikit-learn that an estimator of images, calibrated on folds, cannot pass, and why.
EXCUSED = {
    "check_sample_weight_equivalence_on_dense_data": (
        "removing a row and giving it weight 0 make different folds for the calibration, as in every classifier that "
        "calibrates itself by cross-validation"
    ),
    "check_methods_subset_invariance": (
        "wants 1e-7; the compiled decision is float32, test_a_row_alone_is_the_row_in_a_batch has the bound"
    ),
}


def scikit_learn_checks():
    estimator = RowsAsImages(**{**PLAIN, "features": (Greys(),), "n_components": 5})
    return [(estimator, check) for estimator, check in estimator_checks_generator(estimator)]


@pytest.mark.parametrize("pair", scikit_learn_checks(), ids=lambda pair: getattr(pair[1], "func", pair[1]).__name__)
@pytest.mark.filterwarnings("ignore")
def test_scikit_learn_checks_its_conventions(pair):
    estimator, check = pair
    name = getattr(check, "func", check).__name__
    if name in EXCUSED:
        pytest.skip(EXCUSED[name])
    check(estimator)


def test_the_single_check_of_scikit_learn_for_images():
    with pytest.warns(SkipTestWarning, match="three_d_array=True"):
        checks = list(estimator_checks_generator(EyeClassifier(**SMALL)))
    assert len(checks) >= 1
    for estimator, check in checks:
        check(estimator)


def test_no_excuse_is_stale():
    names = {getattr(check, "func", check).__name__ for _, check in scikit_learn_checks()}
    assert set(EXCUSED) <= names
    assert len(names) > 40


def test_init_stores_parameters_unchanged():
    for name, parameter in inspect.signature(EyeClassifier).parameters.items():
        marker = object()
        assert getattr(EyeClassifier(**{name: marker}), name) is marker
        assert parameter.default is not inspect.Parameter.empty


def test_clone_and_set_params_keep_every_parameter():
    clf = EyeClassifier(features=("lbp",), classifier="gb", n_components=7, cascade=None, random_state=5)
    assert clone(clf).get_params() == clf.get_params()
    assert clf.set_params(n_copies=1).n_copies == 1


def test_it_works_in_cross_val_score_grid_search_and_a_pipeline():
    clf = EyeClassifier(**SMALL)
    groups = np.arange(160) // 2
    scores = cross_val_score(clf, TRAIN.images, TRAIN.labels, groups=groups, cv=GroupKFold(3), scoring="roc_auc")
    assert scores.min() > 0.85
    search = GridSearchCV(clf, {"n_components": [5, 30]}, cv=2).fit(TRAIN.images, TRAIN.labels)
    assert search.best_estimator_.score(TEST.images, TEST.labels) > 0.85
    piped = make_pipeline(FunctionTransformer(np.ascontiguousarray), clf).fit(TRAIN.images, TRAIN.labels)
    assert piped.predict_proba(TEST.images).shape == (80, 2)


LABELS = {
    "texts": np.where(TRAIN.labels == 1, "open", "closed"),
    "capitals": np.where(TRAIN.labels == 1, "OPEN", "CLOSED"),
    "titles": ["Open" if label else "Closed" for label in TRAIN.labels],
    "objects": np.where(TRAIN.labels == 1, "open", "closed").astype(object),
    "truths": TRAIN.labels == 1,
    "floats": TRAIN.labels.astype(float),
    "column": TRAIN.labels[:, np.newaxis],
    "list": TRAIN.labels.tolist(),
}


@pytest.mark.parametrize("form", LABELS)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning")
def test_labels_may_come_in_any_form_and_predictions_have_it(form, fitted, tmp_path):
    y = LABELS[form]
    clf = EyeClassifier(**SMALL).fit(TRAIN.images, y)
    np.testing.assert_array_equal(clf.predict_proba(TEST.images), fitted.predict_proba(TEST.images))
    flat = np.ravel(np.asarray(y))
    np.testing.assert_array_equal(clf.classes_, np.unique(flat))
    np.testing.assert_array_equal(clf.classes_[fitted.predict(TRAIN.images)], clf.predict(TRAIN.images))
    assert clf.score(TRAIN.images, flat) == fitted.score(TRAIN.images, TRAIN.labels)
    assert set(clf.predictor_.predict(TEST.images)) == {0, 1}
    clf.save(tmp_path / "m.joblib")
    again = EyeClassifier.load(tmp_path / "m.joblib", trusted=True)
    np.testing.assert_array_equal(again.predict(TEST.images), clf.predict(TEST.images))


@pytest.mark.parametrize("form", ["texts", "truths", "floats"])
@pytest.mark.parametrize("scoring", ["accuracy", "roc_auc", "neg_log_loss"])
def test_scores_of_scikit_learn_do_not_depend_on_the_form_of_labels(form, scoring):
    clf = EyeClassifier(**SMALL)
    expected = cross_val_score(clf, TRAIN.images, TRAIN.labels, scoring=scoring, cv=2)
    np.testing.assert_allclose(cross_val_score(clf, TRAIN.images, LABELS[form], scoring=scoring, cv=2), expected)


def test_a_column_of_labels_is_warned_of():
    with pytest.warns(DataConversionWarning, match="column-vector y"):
        EyeClassifier(**SMALL).fit(TRAIN.images, TRAIN.labels[:, np.newaxis])


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_missing_texts_are_found():
    clf = EyeClassifier(**SMALL).fit(TRAIN.images, np.where(np.arange(160) % 8 == 0, "unknown", LABELS["texts"]))
    assert (clf.history_.given == -1).sum() == 20
    assert np.mean(clf.predict(TEST.images) == np.where(TEST.labels == 1, "open", "closed")) > 0.9


@pytest.mark.filterwarnings("default::UserWarning")
def test_labels_of_minus_one_and_one_are_warned_of():
    closed_as_minus_one = np.where(TRAIN.labels == 1, 1, -1)
    with pytest.warns(
        UserWarning, match=r"none is closed \(0\).*-1 in y means closed, pass \(y > 0\).astype\(int\)"
    ) as found:
        EyeClassifier(**SMALL).fit(TRAIN.images, closed_as_minus_one)
    assert found[0].filename == __file__


@pytest.mark.parametrize("make", [np.random.RandomState, np.random.default_rng, lambda _: None])
def test_other_random_states_draw_a_seed_in_each_fit(make, monkeypatch):
    def bytes_of(clf):
        return clf.fit(TRAIN.images, TRAIN.labels).decision_function(TEST.images).tobytes()

    np.random.seed(3)  # noqa: NPY002  scikit-learn's None is numpy's global state
    state = np.random.get_state()  # noqa: NPY002
    clf = EyeClassifier(**{**SMALL, "n_copies": 1, "random_state": make(3)})
    first, second = bytes_of(clf), bytes_of(clf)
    assert first != second
    np.random.set_state(state)  # noqa: NPY002
    assert bytes_of(clone(clf).set_params(random_state=make(3))) == first


def test_the_argument_of_images_is_x():
    clf = EyeClassifier(**SMALL).fit(X=TRAIN.images, y=TRAIN.labels)
    for model in (clf, clf.predictor_):
        for method in (model.predict, model.predict_proba, model.decision_function):
            np.testing.assert_array_equal(method(X=TEST.images), method(TEST.images))
    assert clf.score(X=TEST.images, y=TEST.labels) == clf.score(TEST.images, TEST.labels)
    assert clf.n_features_in_ == 24 * 24


def test_tables_of_pandas():
    pandas = pytest.importorskip("pandas")
    y, groups = pandas.Series(LABELS["texts"], index=np.arange(160) + 7), np.arange(160) // 2
    weight = np.where(TRAIN.labels == 1, 1.0, 2.0)
    expected = EyeClassifier(**SMALL).fit(TRAIN.images, TRAIN.labels, groups=groups, sample_weight=weight)
    tables = {"groups": pandas.Series(groups), "sample_weight": pandas.Series(weight)}
    clf = EyeClassifier(**SMALL).fit(TRAIN.images, y, **tables)
    np.testing.assert_array_equal(clf.predict_proba(TEST.images), expected.predict_proba(TEST.images))


# -- settings of scikit-learn --

CONFIGURATIONS = {
    "pandas": {"transform_output": "pandas"},
    "polars": {"transform_output": "polars"},
    "routing": {"enable_metadata_routing": True},
    "finite": {"assume_finite": True},
    "unchecked": {"skip_parameter_validation": True},
    "chunks": {"working_memory": 1, "pairwise_dist_chunk_size": 7, "enable_cython_pairwise_dist": False},
}


@pytest.fixture(params=CONFIGURATIONS)
def configuration(request):
    if request.param in ("pandas", "polars"):
        pytest.importorskip(request.param)
    return CONFIGURATIONS[request.param]


@pytest.mark.parametrize("name", MODELS)
def test_settings_of_scikit_learn_change_no_byte(name, configuration, tmp_path):
    parameters = {**MODELS[name], "detect_non_eyes": "auto"}
    expected = EyeClassifier(**parameters).fit(TRAIN.images, TRAIN.labels)
    expected.save(tmp_path / "expected.joblib")
    with config_context(**configuration):
        clf = EyeClassifier(**parameters).fit(TRAIN.images, TRAIN.labels)
        assert every_prediction(clf) == every_prediction(expected)
        clf.save(tmp_path / "m.joblib")
        again = EyeClassifier.load(tmp_path / "m.joblib", trusted=True)
        assert every_prediction(again) == every_prediction(expected)
        assert get_config() == {**get_config(), **configuration}
    for ending in (".joblib", ".npz"):
        if (tmp_path / f"expected{ending}").exists():
            assert (tmp_path / f"m{ending}").read_bytes() == (tmp_path / f"expected{ending}").read_bytes()


def test_searches_under_settings_of_scikit_learn(configuration):
    def search():
        found = GridSearchCV(EyeClassifier(**SMALL), {"n_components": [5, 30]}, cv=2).fit(TRAIN.images, TRAIN.labels)
        return found.cv_results_["mean_test_score"].tolist()

    expected, scores = search(), cross_val_score(EyeClassifier(**SMALL), TRAIN.images, TRAIN.labels, cv=2)
    with config_context(**configuration):
        assert search() == expected
        np.testing.assert_array_equal(cross_val_score(EyeClassifier(**SMALL), TRAIN.images, TRAIN.labels, cv=2), scores)


ARRAY_API = """
import sklearn
from classic_eyes import EyeClassifier
from classic_eyes.synthetic import make_eyes

eyes, found = make_eyes(60, random_state=1), []
for dispatch in (False, True):
    sklearn.set_config(array_api_dispatch=dispatch)
    for name in ("svm", "knn"):
        clf = EyeClassifier(("hog",), name, n_components=9, n_copies=0, n_synthetic=0, align=None)
        found.append(clf.fit(eyes.images, eyes.labels).predict_proba(eyes.images).tobytes())
        assert clf.score(eyes.images, eyes.labels) > 0.8
print(found[:2] == found[2:])
"""


def test_the_array_api_changes_no_byte():
    """scikit-learn dispatches only where scipy was imported with the variable."""
    environment = {**os.environ, "SCIPY_ARRAY_API": "1"}
    run = subprocess.run(
        [sys.executable, "-c", ARRAY_API], capture_output=True, text=True, check=False, env=environment
    )
    assert run.stdout.strip() == "True", run.stderr


def test_groups_and_weights_are_routed():
    groups, weight = np.arange(160) // 2, np.where(TRAIN.labels == 1, 1.0, 3.0)
    expected = EyeClassifier(**SMALL).fit(TRAIN.images, TRAIN.labels, groups=groups, sample_weight=weight)
    with config_context(enable_metadata_routing=True):
        clf = EyeClassifier(**SMALL).set_fit_request(groups=True, sample_weight=True)
        clf.set_score_request(sample_weight=False)
        search = GridSearchCV(clf, {"n_components": [30]}, cv=GroupKFold(2).set_split_request(groups=True))
        search.fit(TRAIN.images, TRAIN.labels, groups=groups, sample_weight=weight)
        assert not hasattr(clf, "set_predict_request")
    assert every_prediction(search.best_estimator_) == every_prediction(expected)


def test_strided_images(fitted):
    strided = np.asfortranarray(TEST.images)
    np.testing.assert_array_equal(fitted.decision_function(strided), fitted.decision_function(TEST.images))


def test_sample_weights_are_used():
    weight = np.ones(160)
    wrong = TRAIN.labels.copy()
    wrong[:60] = 1 - wrong[:60]
    weight[:60] = 1e-6
    clf = EyeClassifier(**SMALL).fit(TRAIN.images, wrong, sample_weight=weight)
    assert clf.score(TEST.images, TEST.labels) > 0.85
    assert EyeClassifier(**SMALL).fit(TRAIN.images, wrong).score(TEST.images, TEST.labels) < clf.score(
        TEST.images, TEST.labels
    )


# -- refusals --


def test_an_unfitted_classifier_refuses(tmp_path):
    for call in ("predict", "predict_proba", "decision_function"):
        with pytest.raises(NotFittedError):
            getattr(EyeClassifier(), call)(TEST.images)
    with pytest.raises(NotFittedError):
        EyeClassifier().save(tmp_path / "empty.joblib")


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([1, 1, 1, 1], r"one class only \(open\)"),
        ([0, 0, 0, 0], r"one class only \(closed\)"),
        ([0, 1, 2, 1], r"y holds \[2\]; allowed are 1 \(open\), 0 \(closed\) and -1 \(unknown\), or 'open', 'closed'"),
        ([0.0, 1.0, 0.5, 1.0], r"y holds \[0\.5\]; allowed are"),
        ([0, 1, np.inf, 1], r"y holds \[inf\]"),
        (["open", "shut", "Shut", "open"], r"y holds \['shut', 'Shut'\]; allowed are"),
        (["open", "open", "open", "open"], r"one class only \(open\)"),
        (["open", "Open", "closed", "closed"], r"y holds \['Open', 'closed', 'open'\]; write open and closed alike"),
        (["Open", "closed", "closed", "Open"], r"y holds \['Open', 'closed'\]; write open and closed alike"),
        (np.array(["open", 0, 1, 0], dtype=object), r"y holds \['0', '1', 'open'\]; write open and closed alike"),
        (np.array([b"open", b"closed"] * 2), r"y holds \[b'open', b'closed'\]"),
        ([0, 1], r"y has shape \(2,\); allowed is \(4,\) for 4 images"),
        ([[0, 1], [1, 0], [0, 1], [1, 0]], "y has shape"),
    ],
)
def test_labels_that_are_refused(labels, message):
    with pytest.raises(ParameterError, match=message):
        EyeClassifier(**SMALL).fit(TRAIN.images[:4], labels)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"features": ("hgo",)}, "hgo"),
        ({"classifier": "smv"}, "smv"),
        ({"n_components": 0}, "n_components is 0"),
        ({"n_copies": -1}, "n_copies is -1"),
        ({"n_copies": 1.5}, "n_copies is 1.5"),
        ({"random_state": -1}, "random_state is -1; allowed is a whole number from 0"),
        ({"random_state": 1 << 32}, "random_state is 4294967296"),
        ({"random_state": "one"}, "random_state is 'one'"),
        ({"n_synthetic": -1}, "n_synthetic is -1"),
        ({"n_synthetic": "some"}, "n_synthetic is 'some'"),
        ({"remove_glare": "yes"}, "remove_glare is 'yes'; allowed is True or False"),
        ({"align": "first"}, "align is 'first'; allowed is 'all', 'others'"),
        ({"detect_non_eyes": "yes"}, "detect_non_eyes is 'yes'"),
        ({"detect_non_eyes": True}, "detect_non_eyes needs 200 images or more, and there are 160"),
        ({"cascade": 0}, "cascade is 0; allowed is a share of the images"),
        ({"cascade": 1.0}, "cascade is 1.0; allowed is a share"),
        ({"cascade": "some"}, "cascade is 'some'"),
        ({"classifier": ("svm", "svm")}, "classifier holds 2 classifiers and features 1 views"),
        ({"classifier": ("svm", {"n_vectors": 3})}, "classifier is .*n_vectors"),
        ({"size": 3}, "size"),
    ],
)
def test_parameters_that_are_refused(parameters, message):
    with pytest.raises(ParameterError, match=message):
        EyeClassifier(**{**SMALL, **parameters}).fit(TRAIN.images, TRAIN.labels)


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((4, 24)),
        np.full((4, 24, 24), np.nan),
        np.full((4, 24, 24), np.inf),
        np.full((4, 24, 24), 300.0),
        np.zeros((0, 24, 24), np.uint8),
        np.array(["a", "b"], dtype=object).reshape(2, 1),
        "a/path.png",
    ],
    ids=["(n, h)", "nan", "inf", "beyond 1", "none", "objects", "a text"],
)
def test_images_that_are_refused(fitted, images):
    with pytest.raises(ImageError):
        fitted.predict(images)


def test_groups_and_weights_that_are_refused():
    X, y = TRAIN.images, TRAIN.labels
    with pytest.raises(ParameterError, match="groups has shape"):
        EyeClassifier(**SMALL).fit(X, y, groups=[1, 2])
    with pytest.raises(ParameterError, match="sample_weight has shape"):
        EyeClassifier(**SMALL).fit(X, y, sample_weight=[1, 2])
    with pytest.raises(ParameterError, match="sample_weight holds"):
        EyeClassifier(**SMALL).fit(X, y, sample_weight=-np.ones(160))
    with pytest.raises(ParameterError, match="sample_weight holds something else than numbers"):
        EyeClassifier(**SMALL).fit(X, y, sample_weight=["heavy"] * 160)
    with pytest.raises(ParameterError, match="groups holds values of the types NoneType, str, which cannot"):
        EyeClassifier(**SMALL).fit(X, y, groups=[None, "anna"] * 80)
    with pytest.raises(ParameterError, match="calibration needs 2 of each"):
        EyeClassifier(**SMALL).fit(X, y, groups=np.zeros(160))
    # One face with both states, one person with open eyes only, one with closed ones only.
    few = np.r_[np.flatnonzero(y == 1)[:21], np.flatnonzero(y == 0)[:21]]
    with pytest.raises(ParameterError, match="one class only is left"):
        EyeClassifier(**SMALL).fit(X[few], y[few], groups=np.repeat([0, 1, 0, 2], [1, 20, 1, 20]))


# -- parameters of the SVM --


@pytest.mark.parametrize("svm", [LeastSquaresSvm, SymmetricSvm, MetricSvm])
def test_a_group_effect_is_trained_and_compiled(svm):
    groups = np.arange(160) % 9
    clf = EyeClassifier(**{**SMALL, "classifier": svm(40, group_effect=0.5)})
    clf.fit(TRAIN.images, TRAIN.labels, groups=groups)
    plain = clone(clf).set_params(classifier__group_effect=0.0).fit(TRAIN.images, TRAIN.labels, groups=groups)
    assert not np.allclose(plain.predict_proba(TEST.images), clf.predict_proba(TEST.images), atol=1e-4)
    assert clf.not_compiled_ is None
    # The classifiers of the calibration know the groups too: without, their decision values differ.
    assert (clf.program.slope, clf.program.intercept) != (plain.program.slope, plain.program.intercept)


def test_each_view_may_have_its_own_classifier():
    classifiers = (MetricSvm(20, n_directions=4), ("metric", {"n_support": 50, "n_directions": 10}))
    changes = {"features": (("lbp",), ("hog", "pixels")), "classifier": classifiers, "n_components": 20}
    clf = EyeClassifier(**{**PLAIN, **changes}).fit(TRAIN.images, TRAIN.labels)
    assert [view.support.shape for view in clf.program.views] == [(4, 20), (10, 50)]
    assert clf.n_support_vectors_ == 70
    assert clone(clf).get_params(deep=False)["classifier"][1] == classifiers[1]


@pytest.mark.parametrize(
    ("classifier", "message"),
    [
        (LeastSquaresSvm(0), "n_support is 0"),
        (MetricSvm(n_directions=1), "n_directions is 1"),
        (LeastSquaresSvm(group_effect=-1), "group_effect is -1"),
    ],
)
def test_parameters_of_an_svm_that_are_refused(classifier, message):
    with pytest.raises(ParameterError, match=message):
        EyeClassifier(**{**SMALL, "classifier": classifier}).fit(TRAIN.images, TRAIN.labels)


def test_a_few_labels_on_top_of_a_model(tmp_path):
    eyes = make_eyes(160, random_state=5)
    images = np.ascontiguousarray(eyes.images[:, ::-1])  # upside down, which no model knows
    clf = EyeClassifier(start_from="fast").fit(images[:60], eyes.labels[:60])
    before, after = ((model.predict(images[60:]) != eyes.labels[60:]).mean() for model in (load_model("fast"), clf))
    assert after < before
    clf.save(tmp_path / "mine.npz")
    assert np.array_equal(load_model(tmp_path / "mine.npz").predict_proba(images), clf.predict_proba(images))
    again = EyeClassifier(start_from=clf.predictor_).fit(images[:60], eyes.labels[:60])
    assert again.n_support_vectors_ == clf.n_support_vectors_ + 2 * 60


def test_a_start_is_kept_with_a_warning():
    eyes = make_eyes(40, random_state=5)
    opened = eyes.images[eyes.labels == 1]
    with pytest.warns(UserWarning, match="the start is kept unchanged: all labels are open"):
        clf = EyeClassifier(start_from="fast").fit(opened, np.ones(len(opened), int))
    assert np.array_equal(clf.predict_proba(opened), load_model("fast").predict_proba(opened))
    with pytest.raises(ParameterError, match="5 labelled images are too few to change a start"):
        EyeClassifier(start_from="fast").fit(eyes.images, [1, 0, 1, 0, 1] + [-1] * 35)
    with pytest.raises(ModelError):
        EyeClassifier(start_from="missing.npz").fit(eyes.images, eyes.labels)
