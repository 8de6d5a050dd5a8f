"""EyeClassifier: the contract, scikit-learn's conventions, the calibration, and what it refuses."""

from __future__ import annotations

import inspect
import pickle

import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.exceptions import NotFittedError, SkipTestWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import estimator_checks_generator
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data

from classic_eyes import EyeClassifier, metrics
from classic_eyes.errors import ImageError, ModelError, ParameterError
from classic_eyes.features import Hog
from classic_eyes.preprocessing.augmentation import flip
from classic_eyes.synthetic import make_eyes
from classic_eyes.training.pipelines import CLASSIFIERS

TRAIN = make_eyes(160, random_state=1)
TEST = make_eyes(80, random_state=2)
SMALL = {"features": ("hog",), "n_components": 30, "n_copies": 0}


@pytest.fixture(scope="module")
def fitted():
    return EyeClassifier(**SMALL).fit(TRAIN.images, TRAIN.labels)


# -- the contract --


def test_it_tells_open_from_closed(fitted):
    assert fitted.score(TEST.images, TEST.labels) > 0.9


def test_predict_gives_0_and_1_and_probabilities_closed_then_open(fitted):
    labels, shares = fitted.predict(TEST.images), fitted.predict_proba(TEST.images)
    assert set(labels) == {0, 1}
    assert shares.shape == (80, 2)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert fitted.classes_.tolist() == [0, 1]
    assert shares[TEST.labels == 1, 1].mean() > 0.8 > 0.2 > shares[TEST.labels == 0, 1].mean()


def test_a_half_is_the_border_of_predict(fitted):
    np.testing.assert_array_equal(fitted.predict(TEST.images), fitted.predict_proba(TEST.images)[:, 1] >= 0.5)
    np.testing.assert_array_equal(fitted.predict(TEST.images), fitted.decision_function(TEST.images) >= 0)


@pytest.mark.parametrize("classifier", CLASSIFIERS)
@pytest.mark.parametrize("flip_average", [True, False])
def test_the_border_holds_for_every_classifier(classifier, flip_average):
    clf = EyeClassifier(**SMALL, classifier=classifier, flip_average=flip_average).fit(TRAIN.images, TRAIN.labels)
    np.testing.assert_array_equal(clf.predict(TEST.images), clf.predict_proba(TEST.images)[:, 1] >= 0.5)
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
    together = fitted.predict_proba(TEST.images)
    alone = np.concatenate([fitted.predict_proba(TEST.images[i : i + 1]) for i in range(80)])
    np.testing.assert_allclose(alone, together, atol=1e-4)


def test_flip_averaging_makes_the_mirror_image_the_same(fitted):
    np.testing.assert_allclose(
        fitted.decision_function(flip(TEST.images)), fitted.decision_function(TEST.images), atol=1e-5
    )
    plain = EyeClassifier(**SMALL, flip_average=False).fit(TRAIN.images, TRAIN.labels)
    assert np.abs(plain.decision_function(flip(TEST.images)) - plain.decision_function(TEST.images)).max() > 0.01


def rows_of(clf):
    return clf._learnt(TRAIN.images, TRAIN.labels, np.arange(160), None)


def test_copies_and_mirror_images_are_learnt():
    clf = EyeClassifier(**{**SMALL, "n_copies": 3})
    learnt, source, *_ = rows_of(clf)
    assert len(learnt) == len(source) == 160 * 5
    np.testing.assert_array_equal(learnt[:160], TRAIN.images)
    np.testing.assert_array_equal(learnt[160:320], flip(TRAIN.images))
    assert np.bincount(source).tolist() == [5] * 160
    assert len(rows_of(clf.set_params(augmentations=("blur",), n_copies=0))[0]) == 160


def test_features_may_be_objects_and_a_classifier_too():
    clf = EyeClassifier(
        features=(Hog(cells=(6,)), "profile"), classifier=LogisticRegression(C=0.1), n_components=None, n_copies=0
    ).fit(TRAIN.images, TRAIN.labels)
    assert list(clf.pipelines_) == ["hog+profile"]
    assert type(clf.pipelines_["hog+profile"]) is Pipeline
    assert type(clf.pipelines_["hog+profile"][-1]) is LogisticRegression
    assert clf.score(TEST.images, TEST.labels) > 0.85


def test_more_components_than_images_is_no_error():
    clf = EyeClassifier(features=("profile",), n_components=500, n_copies=0).fit(TRAIN.images[:20], TRAIN.labels[:20])
    assert clf.pipelines_["profile"].named_steps["pca"].n_components_ == 40  # twenty images and their mirror images
    assert clf.n_components == 500


def test_the_margin_of_views_is_the_mean_of_theirs():
    features = (("hog",), ("profile", "lbp"))
    settings = {"n_components": 30, "n_copies": 0, "random_state": 2}
    both = EyeClassifier(features, **settings).fit(TRAIN.images, TRAIN.labels)
    assert list(both.pipelines_) == ["hog", "profile+lbp"]
    assert both.n_components_ == 60

    def margin(clf):
        slope, intercept = clf.calibration_
        return (clf.decision_function(TEST.images) - intercept) / slope

    alone = [EyeClassifier(view, **settings).fit(TRAIN.images, TRAIN.labels) for view in features]
    np.testing.assert_allclose(margin(both), np.mean([margin(clf) for clf in alone], axis=0), atol=1e-6)
    assert both.n_features_ == sum(clf.n_features_ for clf in alone)
    assert both.n_support_vectors_ == sum(clf.n_support_vectors_ for clf in alone)
    again = pickle.loads(pickle.dumps(both))
    np.testing.assert_array_equal(again.decision_function(TEST.images), both.decision_function(TEST.images))


def test_what_has_no_support_vectors_counts_none():
    clf = EyeClassifier(**SMALL, classifier="linear").fit(TRAIN.images, TRAIN.labels)
    assert clf.n_support_vectors_ is None


# -- calibration --


def test_probabilities_are_honest_where_the_task_is_hard():
    rng = np.random.default_rng(0)
    labels = np.arange(600) % 2
    # A grey step whose height says little: the best answer is unsure.
    X = np.clip(rng.normal(120, 20, (600, 24, 24)), 0, 255)
    X[:, 8:16] += rng.normal(6 * labels, 8)[:, np.newaxis, np.newaxis]
    X = np.clip(X, 0, 255).astype(np.uint8)
    clf = EyeClassifier(features=("profile",), n_components=10, n_copies=0).fit(X[:400], labels[:400])
    scores = clf.predict_proba(X[400:])[:, 1]
    assert 0.55 < metrics.accuracy(labels[400:], scores) < 0.9
    assert metrics.calibration_error(labels[400:], scores, n_bins=5) < 0.12


def test_probabilities_stay_finite_on_separable_images():
    X = np.zeros((40, 24, 24), np.uint8)
    X[::2, :12] = 200
    clf = EyeClassifier(features=("profile",), n_copies=0).fit(X, np.arange(40) % 2)
    scores = clf.predict_proba(X)[:, 1]
    assert (clf.predict(X) == np.arange(40) % 2).all()
    assert 0 < scores.min() < 0.2
    assert 0.8 < scores.max() < 1


def test_calibration_leaves_groups_out(monkeypatch):
    from classic_eyes.training import fitting as room

    seen = []
    original = room.group_folds

    def record(*args, **kwargs):
        folds = original(*args, **kwargs)
        seen.extend(folds)
        return folds

    monkeypatch.setattr(room, "group_folds", record)
    groups = np.arange(160) // 8
    EyeClassifier(**SMALL).fit(TRAIN.images, TRAIN.labels, groups=groups)
    assert len(seen) == 3
    for train, test in seen:
        assert not set(groups[train]) & set(groups[test])


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
    """EyeClassifier behind a door for rows of numbers and any two labels, so that scikit-learn's checks can ask it.

    scikit-learn asks an estimator of images almost nothing. Here a row becomes an image of as many blocks, and the
    two labels become 0 and 1; all that is asked after that is asked of EyeClassifier.
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
        super().fit(self._images(X), y, groups=groups, sample_weight=sample_weight)
        self.classes_ = names
        return self

    def decision_function(self, X):
        check_is_fitted(self, "pipelines_")
        return super().decision_function(self._images(validate_data(self, X, reset=False)))

    def predict(self, X):
        return np.asarray(self.classes_ if hasattr(self, "classes_") else [0, 1])[super().predict(X)]


# Every check of scikit-learn that an estimator of images, calibrated on folds, cannot pass, and why.
EXCUSED = {
    "check_sample_weight_equivalence_on_dense_data": (
        "leaving a row out and giving it weight 0 deal the folds of the calibration differently, as in every "
        "classifier that calibrates itself by cross-validation"
    ),
    "check_methods_subset_invariance": (
        "asks for 1e-7; the compiled decision is float32, test_a_row_alone_is_the_row_in_a_batch holds it to 1e-4"
    ),
}


def scikit_learn_checks():
    estimator = RowsAsImages(features=(Greys(),), n_copies=0, n_components=5)
    return [(estimator, check) for estimator, check in estimator_checks_generator(estimator)]


@pytest.mark.parametrize("asked", scikit_learn_checks(), ids=lambda asked: getattr(asked[1], "func", asked[1]).__name__)
@pytest.mark.filterwarnings("ignore")
def test_scikit_learn_checks_its_conventions(asked):
    estimator, check = asked
    name = getattr(check, "func", check).__name__
    if name in EXCUSED:
        pytest.skip(EXCUSED[name])
    check(estimator)


def test_the_one_check_scikit_learn_has_for_images():
    with pytest.warns(SkipTestWarning, match="three_d_array=True"):
        checks = list(estimator_checks_generator(EyeClassifier(**SMALL)))
    assert len(checks) >= 1
    for estimator, check in checks:
        check(estimator)


def test_no_excuse_is_stale():
    names = {getattr(check, "func", check).__name__ for _, check in scikit_learn_checks()}
    assert set(EXCUSED) <= names
    assert len(names) > 40


def test_init_stores_what_it_is_given():
    for name, parameter in inspect.signature(EyeClassifier).parameters.items():
        marker = object()
        assert getattr(EyeClassifier(**{name: marker}), name) is marker
        assert parameter.default is not inspect.Parameter.empty


def test_clone_and_set_params_keep_every_parameter():
    clf = EyeClassifier(features=("lbp",), classifier="gb", n_components=7, flip_average=False, random_state=5)
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


def test_it_pickles(fitted):
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.decision_function(TEST.images), fitted.decision_function(TEST.images))


def test_strided_images(fitted):
    strided = np.asfortranarray(TEST.images)
    np.testing.assert_array_equal(fitted.decision_function(strided), fitted.decision_function(TEST.images))


def test_weights_count():
    weight = np.ones(160)
    wrong = TRAIN.labels.copy()
    wrong[:60] = 1 - wrong[:60]
    weight[:60] = 1e-6
    clf = EyeClassifier(**SMALL).fit(TRAIN.images, wrong, sample_weight=weight)
    assert clf.score(TEST.images, TEST.labels) > 0.85
    assert EyeClassifier(**SMALL).fit(TRAIN.images, wrong).score(TEST.images, TEST.labels) < clf.score(
        TEST.images, TEST.labels
    )


# -- files --


def test_save_and_load(fitted, tmp_path):
    fitted.save(tmp_path / "mine.joblib", card={"what": "a test"})
    again = EyeClassifier.load(tmp_path / "mine.joblib", trusted=True)
    np.testing.assert_array_equal(again.decision_function(TEST.images), fitted.decision_function(TEST.images))
    assert again.get_params() == fitted.get_params()
    with pytest.raises(ModelError, match="trusted=True"):
        EyeClassifier.load(tmp_path / "mine.joblib")


def test_another_object_in_a_model_file_is_refused(tmp_path):
    from classic_eyes.persistence import write_model

    write_model(tmp_path / "list.joblib", [1])
    with pytest.raises(ModelError, match="holds a list"):
        EyeClassifier.load(tmp_path / "list.joblib", trusted=True)


def test_an_unknown_shipped_model_is_refused():
    with pytest.raises(ModelError, match=r"'best'.*default"):
        EyeClassifier.pretrained("best")


# -- refusals --


def test_before_fit_it_says_so(tmp_path):
    for call in ("predict", "predict_proba", "decision_function"):
        with pytest.raises(NotFittedError):
            getattr(EyeClassifier(), call)(TEST.images)
    with pytest.raises(NotFittedError):
        EyeClassifier().save(tmp_path / "empty.joblib")


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([1, 1, 1, 1], r"one class only \(open\)"),
        ([0, 0, 0, 0], r"one class only \(closed\)"),
        ([0, 1, 2, 1], r"holds \[0, 1, 2\]; labels are 1 \(open\), 0 \(closed\) and -1 \(unknown\)"),
        (["open", "closed", "open", "open"], "labels are 1"),
        ([0.0, 1.0, 0.5, 1.0], "labels are 1"),
        ([0.0, 1.0, np.nan, 1.0], "labels are 1"),
        ([0, 1], r"y has shape \(2,\); 4 images"),
        ([[0], [1], [0], [1]], "y has shape"),
    ],
)
def test_labels_that_are_refused(labels, said):
    with pytest.raises(ParameterError, match=said):
        EyeClassifier(**SMALL).fit(TRAIN.images[:4], labels)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"features": ("hgo",)}, "hgo"),
        ({"classifier": "smv"}, "smv"),
        ({"n_components": 0}, "n_components is 0"),
        ({"n_copies": -1}, "n_copies is -1"),
        ({"n_copies": 1.5}, "n_copies is 1.5"),
        ({"calibration_folds": 1}, "calibration_folds is 1"),
        ({"random_state": None}, "random_state is None"),
        ({"max_rounds": -1}, "max_rounds is -1"),
        ({"confident": (0.6, 0.9)}, "confident is"),
        ({"augmentations": ("turn",)}, "'turn' is not known"),
        ({"flip_average": "yes"}, "flip_average is 'yes'"),
        ({"calibrate_synthetic": 1}, "calibrate_synthetic is 1; it must be True or False"),
        ({"calibrate_synthetic": True}, "n_synthetic is 0; set n_synthetic to 100 or more"),
        ({"size": 3}, "size"),
    ],
)
def test_parameters_that_are_refused(parameters, said):
    with pytest.raises(ParameterError, match=said):
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
    with pytest.raises(ParameterError, match="calibration needs 2 of each"):
        EyeClassifier(**SMALL).fit(X, y, groups=np.zeros(160))
    # One face with both states, one person with open eyes only, one with closed ones only.
    few = np.r_[np.flatnonzero(y == 1)[:21], np.flatnonzero(y == 0)[:21]]
    with pytest.raises(ParameterError, match="leaves one class only"):
        EyeClassifier(**SMALL).fit(X[few], y[few], groups=np.repeat([0, 1, 0, 2], [1, 20, 1, 20]))


# -- views that count for more, and fewer support vectors --


def test_margins_are_averaged_by_weights():
    eyes, others = make_eyes(200, random_state=1), make_eyes(100, random_state=2)
    views = (("hog",), ("pixels",))

    def margins(**changes):
        clf = EyeClassifier(views, n_copies=0, n_components=30, **changes).fit(eyes.images, eyes.labels)
        slope, intercept = clf.calibration_
        return (clf.decision_function(others.images) - intercept) / slope

    alike, threefold = margins(), margins(weights=(3, 1))
    (hog, pixels) = (
        margins(weights=(1, 1e-9)),
        margins(weights=(1e-9, 1)),
    )
    # In the program, rows are float32.
    np.testing.assert_allclose(alike, (hog + pixels) / 2, atol=1e-3)
    np.testing.assert_allclose(threefold, (3 * hog + pixels) / 4, atol=1e-3)
    np.testing.assert_array_equal(margins(weights=(2, 2)), alike)


@pytest.mark.parametrize("classifier", ["svm", "mirror", "metric", "linear"])
def test_weights_and_vectors_are_kept_in_every_form(classifier, tmp_path):
    eyes = make_eyes(120, random_state=3)
    changes = {} if classifier == "linear" else {"n_support": 25}
    clf = EyeClassifier((("hog",), ("pixels",)), classifier, n_copies=0, n_components=20, weights=(2, 1), **changes)
    clf.fit(eyes.images, eyes.labels)
    assert clf.n_support_vectors_ == (None if classifier == "linear" else 50)
    assert (clf.not_compiled_ is None) == (classifier != "linear")
    clf.save(tmp_path / "a.joblib")
    read = EyeClassifier.load(tmp_path / "a.joblib", trusted=True)
    assert read.weights == (2, 1)
    np.testing.assert_array_equal(read.predict_proba(eyes.images), clf.predict_proba(eyes.images))
    plain = clone(clf).set_params(weights=None).fit(eyes.images, eyes.labels)
    assert not np.allclose(plain.predict_proba(eyes.images), clf.predict_proba(eyes.images), atol=1e-4)
    if clf.not_compiled_ is None:
        slope, intercept = clf.calibration_
        np.testing.assert_allclose(
            slope * clf._margin(eyes.images) + intercept, clf.decision_function(eyes.images), atol=1e-2
        )


@pytest.mark.parametrize("classifier", ["svm", "mirror", "metric"])
def test_an_effect_of_each_group_is_learnt_kept_and_compiled(classifier, tmp_path):
    eyes = make_eyes(160, random_state=3)
    people = np.arange(160) % 9
    clf = EyeClassifier(("hog",), classifier, n_copies=1, n_components=20, n_support=40, group_effect=0.5)
    plain = clone(clf).set_params(group_effect=0.0).fit(eyes.images, eyes.labels, groups=people)
    clf.fit(eyes.images, eyes.labels, groups=people)
    assert not np.allclose(plain.predict_proba(eyes.images), clf.predict_proba(eyes.images), atol=1e-4)
    clf.save(tmp_path / "a.joblib")
    read = EyeClassifier.load(tmp_path / "a.joblib", trusted=True)
    assert read.group_effect == 0.5
    assert read.pipelines_["hog"][-1].group_effect == 0.5
    assert clf.not_compiled_ is None
    np.testing.assert_array_equal(read.predict_proba(eyes.images), clf.predict_proba(eyes.images))
    # The machines of the calibration know whose images they are, too: without, its margins are other ones.
    assert clf.calibration_ != plain.calibration_


def test_each_view_has_a_size_of_its_own_kept_and_compiled(tmp_path):
    eyes = make_eyes(160, random_state=3)
    views, sizes = (("lbp",), ("hog", "pixels")), {"n_support": (20, 50), "n_directions": (4, 10)}
    clf = EyeClassifier(views, "metric", n_copies=0, n_components=20, **sizes).fit(eyes.images, eyes.labels)
    assert [pipeline[-1].support_vectors_.shape for pipeline in clf.pipelines_.values()] == [(20, 4), (50, 10)]
    assert clf.n_support_vectors_ == 70
    assert [view.support.shape for view in clf.program.views] == [(4, 20), (10, 50)]
    clf.save(tmp_path / "a.joblib")
    read = EyeClassifier.load(tmp_path / "a.joblib", trusted=True)
    assert read.get_params()["n_support"] == (20, 50)
    # One number for all is each view's number.
    alike = clone(clf).set_params(n_support=20, n_directions=4).fit(eyes.images, eyes.labels)
    both = clone(clf).set_params(n_support=(20, 20), n_directions=(4, 4)).fit(eyes.images, eyes.labels)
    np.testing.assert_array_equal(alike.predict_proba(eyes.images), both.predict_proba(eyes.images))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"n_support": 0}, "n_support is 0; it must be a whole number from 1"),
        ({"n_support": True}, "n_support is True"),
        (
            {"n_support": (5, 0)},
            r"n_support is \(5, 0\); it must be a whole number from 1, a tuple or list of one for each",
        ),
        ({"n_support": (5, 5, 5)}, r"n_support is \(5, 5, 5\); .* one for each of the 2"),
        (
            {"n_directions": [2, 1], "classifier": "metric"},
            r"n_directions is \[2, 1\]; it must be a whole number from 2",
        ),
        ({"n_directions": 1, "classifier": "metric"}, "n_directions is 1; it must be a whole number from 2"),
        (
            {"n_directions": 9, "classifier": "mirror"},
            "n_directions goes with the classifier 'metric', not with SymmetricSvm",
        ),
        ({"n_support": 5, "classifier": "gb"}, "n_support goes with the classifiers 'svm', 'mirror' and 'metric'"),
        ({"group_effect": -1}, "group_effect is -1; it must be a number, 0 or more"),
        ({"group_effect": "0.1"}, "group_effect is '0.1'"),
        (
            {"group_effect": 0.1, "classifier": "gb"},
            "group_effect goes with the classifiers 'svm', 'mirror' and 'metric'",
        ),
        ({"weights": (1,)}, r"weights is \(1,\); it must hold a number above 0 for each of the 2 views"),
        ({"weights": (1, 0)}, "a number above 0 for each"),
        ({"weights": (1, float("nan"))}, "a number above 0 for each"),
    ],
)
def test_weights_and_vectors_that_cannot_be(changes, said):
    eyes = make_eyes(40)
    with pytest.raises(ParameterError, match=said):
        EyeClassifier(**{"features": (("hog",), ("pixels",)), "n_copies": 0, **changes}).fit(eyes.images, eyes.labels)


@pytest.mark.parametrize("changed", [{"align": None}, {"flip_average": False}, {"remove_glare": True}, {"size": 36}])
@pytest.mark.parametrize("ending", [".joblib", ".skops"])
def test_what_would_not_answer_the_same_is_not_written(tmp_path, ending, changed):
    """Parameters changed after fit: whoever reads the file would be refused, or told something else."""
    eyes = make_eyes(60, random_state=3)
    clf = EyeClassifier(("hog",), n_components=8, n_copies=0, align="all").fit(eyes.images, eyes.labels)
    path = tmp_path / f"mine{ending}"
    clf.save(path)
    before = path.read_bytes()
    with pytest.raises(ModelError, match="fit it again, then save"):
        clf.set_params(**changed).save(path)
    assert path.read_bytes() == before
    clf.fit(eyes.images, eyes.labels).save(path)
    assert path.read_bytes() != before
