"""Symmetric SVM and its pipeline steps: exactly the same prediction for an image and its mirror image."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.pipeline import FeatureUnion
from sklearn.preprocessing import StandardScaler

from classic_eyes import EyeClassifier
from classic_eyes.errors import ParameterError
from classic_eyes.features import Hog, Lbp, Words
from classic_eyes.svm import LeastSquaresSvm, SymmetricSvm
from classic_eyes.svm.least_squares import rbf, symmetric_rbf
from classic_eyes.svm.symmetric import SymmetricPca, SymmetricScaler, SymmetricUnion, mirrored_columns
from classic_eyes.synthetic import make_eyes
from classic_eyes.training.pipelines import build_pipelines

EYES = make_eyes(160, random_state=1)
OTHER = make_eyes(50, random_state=2)
RNG = np.random.default_rng(0)
SETTINGS = {"n_copies": 0, "n_synthetic": 0, "remove_glare": False, "align": None, "cascade": None}


def test_symmetric_kernel_is_the_mean_over_both_images():
    X, S = RNG.normal(size=(7, 6)), RNG.normal(size=(5, 6))
    sign = np.array([1, 1, 1, -1, -1, -1])
    squares = (S**2).sum(1)
    both = (rbf(X, S.T, squares, 0.3) + rbf(X, (S * sign).T, squares, 0.3)) / 2
    np.testing.assert_allclose(symmetric_rbf(X, S.T, squares, 0.3), both, rtol=1e-12)


def test_symmetric_svm_equals_a_plain_svm_on_mirrored_rows():
    X = RNG.normal(size=(60, 4))
    y = (X[:, 0] + X[:, 2] ** 2 > 1).astype(int)
    sign = np.array([1, 1, -1, -1])
    symmetric = SymmetricSvm(60, gamma=0.5, alpha=1e-3).fit(X, y)
    closed = np.concatenate([X, X * sign])
    plain = LeastSquaresSvm(120, gamma=0.5, alpha=1e-3).fit(closed, np.tile(y, 2))
    # The kernel coefficient depends on the variance of the rows, to which the odd means contribute.
    plain.set_params(gamma=0.5 * plain.gamma / 0.5)
    scale = symmetric._gamma / plain._gamma
    plain = LeastSquaresSvm(120, gamma=0.5 * scale, alpha=1e-3).fit(closed, np.tile(y, 2))
    probe = RNG.normal(size=(30, 4))
    np.testing.assert_allclose(symmetric.decision_function(probe), plain.decision_function(probe), atol=2e-2)
    np.testing.assert_allclose(
        symmetric.decision_function(probe), symmetric.decision_function(probe * sign), rtol=1e-12, atol=1e-12
    )


def test_union_returns_features_of_both_images():
    union = SymmetricUnion(FeatureUnion([("hog", Hog()), ("lbp", Lbp())])).fit(EYES.images)
    rows = union.transform(OTHER.images)
    mirrored = union.transform(np.ascontiguousarray(OTHER.images[:, :, ::-1]))
    half = rows.shape[1] // 2
    np.testing.assert_array_equal(rows[:, :half], mirrored[:, half:])
    assert [name for name, _ in union.transformer_list] == ["hog", "lbp"]
    assert clone(union).get_params()["union"].transformer_list[0][0] == "hog"


def test_mirrored_columns_of_extractors():
    assert mirrored_columns(Hog().fit(EYES.images)) is None
    assert mirrored_columns(StandardScaler()) is None
    assert sorted(mirrored_columns(Lbp().fit(EYES.images))) == list(range(2124))


def test_scaler_and_pca_equal_plain_ones_on_images_and_mirror_images():
    rows = SymmetricUnion(FeatureUnion([("words", Words(n_words=10, mirrored=True))])).fit_transform(EYES.images)
    half = rows.shape[1] // 2
    closed = np.concatenate([rows[:, :half], rows[:, half:]]).astype(float)
    plain = PCA(40).fit(StandardScaler().fit_transform(closed))
    rotated = SymmetricScaler().fit_transform(rows)
    pca = SymmetricPca(40).fit(rotated)
    variance = np.sort(np.concatenate([rotated[:, :half] @ pca.even_, rotated[:, half:] @ pca.odd_], axis=1).var(0))
    # Each of the largest plain components is even or odd. An image and its mirror image contain each component twice.
    np.testing.assert_allclose(variance[::-1][:15] / 2, plain.explained_variance_[:15], rtol=0.02)
    for axes in (pca.even_, pca.odd_):
        np.testing.assert_allclose(axes.T @ axes, np.eye(axes.shape[1]), atol=1e-4)


def test_flip_keeps_even_and_negates_odd_components():
    (pipeline,) = build_pipelines(["hog", "lbp"], "symmetric", n_components=20).values()
    pipeline.fit(EYES.images, EYES.labels)
    one = pipeline[:-1].transform(OTHER.images)
    other = pipeline[:-1].transform(np.ascontiguousarray(OTHER.images[:, :, ::-1]))
    np.testing.assert_allclose(one[:, :10], other[:, :10], atol=1e-4)
    np.testing.assert_allclose(one[:, 10:], -other[:, 10:], atol=1e-4)


@pytest.mark.parametrize("features", [("hog", "lbp"), (("hog", "lbp"), ("words",)), ("pixels", "haar")])
def test_image_and_mirror_image_have_the_same_prediction(features):
    clf = EyeClassifier(features, "symmetric", n_components=40, **SETTINGS).fit(EYES.images, EYES.labels)
    both = [clf.predict_proba(p)[:, 1] for p in (OTHER.images, OTHER.images[:, :, ::-1])]
    np.testing.assert_allclose(*both, atol=1e-4)
    assert clf.score(OTHER.images, OTHER.labels) > 0.85


def test_predictions_are_close_to_averaging_over_mirror_images():
    scores = {}
    for classifier in ("svm", "symmetric"):
        clf = EyeClassifier(("hog", "lbp"), classifier, n_components=60, **SETTINGS).fit(EYES.images, EYES.labels)
        scores[classifier] = clf.decision_function(OTHER.images)
    assert np.corrcoef(scores["svm"], scores["symmetric"])[0, 1] > 0.97


def test_seed_determines_bytes():
    decisions = [
        EyeClassifier(("lbp", Words(n_words=10)), "symmetric", n_components=30, **{**SETTINGS, "n_copies": 1})
        .fit(EYES.images[:40], EYES.labels[:40])
        .decision_function(OTHER.images)
        for _ in range(2)
    ]
    np.testing.assert_array_equal(*decisions)


@pytest.mark.parametrize("n_components", [None, 0.9, 1])
def test_invalid_n_components_are_rejected(n_components):
    with pytest.raises(ParameterError, match="n_components is"):
        EyeClassifier(("hog",), "symmetric", n_components=n_components).fit(EYES.images, EYES.labels)
    with pytest.raises(ParameterError, match=f"n_components is {n_components}; allowed is an integer of at least 2"):
        SymmetricPca(n_components).fit(np.zeros((4, 4), np.float32))


def test_odd_number_of_columns_is_rejected():
    with pytest.raises(ParameterError, match="3 columns"):
        SymmetricSvm(3).fit(np.eye(3), [0, 1, 1])


def test_constant_column_becomes_zero():
    rows = np.ones((5, 4), np.float32)
    assert SymmetricScaler().fit_transform(rows).tolist() == [[0.0] * 4] * 5
