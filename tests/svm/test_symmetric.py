"""The mirror machine: an image and its mirror image are one thing, exactly."""

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
from classic_eyes.svm import LeastSquaresSvm, SymmetricSvm, rbf, symmetric_rbf
from classic_eyes.svm.symmetric import SymmetricPca, SymmetricScaler, SymmetricUnion, mirrored_columns
from classic_eyes.synthetic import make_eyes
from classic_eyes.training.pipelines import build_pipeline

EYES = make_eyes(160, random_state=1)
OTHER = make_eyes(50, random_state=2)
RNG = np.random.default_rng(0)


def test_the_kernel_is_the_mean_over_both_images():
    X, S = RNG.normal(size=(7, 6)), RNG.normal(size=(5, 6))
    sign = np.array([1, 1, 1, -1, -1, -1])
    squares = (S**2).sum(1)
    both = (rbf(X, S.T, squares, 0.3) + rbf(X, (S * sign).T, squares, 0.3)) / 2
    np.testing.assert_allclose(symmetric_rbf(X, S.T, squares, 0.3), both, rtol=1e-12)


def test_one_support_vector_does_the_work_of_two():
    """A plain machine whose support vectors and rows come with their mirror images decides the same."""
    X = RNG.normal(size=(60, 4))
    y = (X[:, 0] + X[:, 2] ** 2 > 1).astype(int)
    sign = np.array([1, 1, -1, -1])
    mirror = SymmetricSvm(60, gamma=0.5, alpha=1e-3).fit(X, y)
    closed = np.concatenate([X, X * sign])
    plain = LeastSquaresSvm(120, gamma=0.5, alpha=1e-3).fit(closed, np.tile(y, 2))
    # The width is measured on the rows, and so differs by what the odd means are.
    plain.set_params(gamma=0.5 * plain.gamma / 0.5)
    scale = mirror._gamma / plain._gamma
    plain = LeastSquaresSvm(120, gamma=0.5 * scale, alpha=1e-3).fit(closed, np.tile(y, 2))
    probe = RNG.normal(size=(30, 4))
    np.testing.assert_allclose(mirror.decision_function(probe), plain.decision_function(probe), atol=2e-2)
    np.testing.assert_allclose(
        mirror.decision_function(probe), mirror.decision_function(probe * sign), rtol=1e-12, atol=1e-12
    )


def test_the_union_sets_both_images_side_by_side():
    union = SymmetricUnion(FeatureUnion([("hog", Hog()), ("lbp", Lbp())])).fit(EYES.images)
    rows = union.transform(OTHER.images)
    mirrored = union.transform(np.ascontiguousarray(OTHER.images[:, :, ::-1]))
    half = rows.shape[1] // 2
    np.testing.assert_array_equal(rows[:, :half], mirrored[:, half:])
    assert [name for name, _ in union.transformer_list] == ["hog", "lbp"]
    assert clone(union).get_params()["union"].transformer_list[0][0] == "hog"


def test_an_extractor_that_cannot_tell_is_asked_twice():
    assert mirrored_columns(Hog().fit(EYES.images)) is None
    assert mirrored_columns(StandardScaler()) is None
    assert sorted(mirrored_columns(Lbp().fit(EYES.images))) == list(range(2124))


def test_scaler_and_pca_are_those_of_the_closed_set():
    """With every mirror image among the rows, plain standardising and plain PCA find the same space."""
    rows = SymmetricUnion(FeatureUnion([("words", Words(n_words=10, mirrored=True))])).fit_transform(EYES.images)
    half = rows.shape[1] // 2
    closed = np.concatenate([rows[:, :half], rows[:, half:]]).astype(float)
    plain = PCA(40).fit(StandardScaler().fit_transform(closed))
    turned = SymmetricScaler().fit_transform(rows)
    pca = SymmetricPca(40).fit(turned)
    variance = np.sort(np.concatenate([turned[:, :half] @ pca.even_, turned[:, half:] @ pca.odd_], axis=1).var(0))
    # Each of the largest plain components is an even or an odd one.
    # Two images of one image hold each component twice.
    np.testing.assert_allclose(variance[::-1][:15] / 2, plain.explained_variance_[:15], rtol=0.02)
    for axes in (pca.even_, pca.odd_):
        np.testing.assert_allclose(axes.T @ axes, np.eye(axes.shape[1]), atol=1e-4)


def test_even_stays_and_odd_changes_sign():
    pipeline = build_pipeline(["hog", "lbp"], "mirror", n_components=20).fit(EYES.images, EYES.labels)
    one = pipeline[:-1].transform(OTHER.images)
    other = pipeline[:-1].transform(np.ascontiguousarray(OTHER.images[:, :, ::-1]))
    np.testing.assert_allclose(one[:, :10], other[:, :10], atol=1e-4)
    np.testing.assert_allclose(one[:, 10:], -other[:, 10:], atol=1e-4)


@pytest.mark.parametrize("features", [("hog", "lbp"), (("hog", "lbp"), ("words",)), ("pixels", "haar")])
def test_a_image_and_its_mirror_image_get_one_answer(features):
    clf = EyeClassifier(features, "mirror", n_copies=1, n_components=40).fit(EYES.images, EYES.labels)
    both = [clf.predict_proba(p)[:, 1] for p in (OTHER.images, OTHER.images[:, :, ::-1])]
    np.testing.assert_allclose(*both, atol=1e-4)
    assert clf.score(OTHER.images, OTHER.labels) > 0.85


def test_it_is_about_as_good_as_averaging_over_mirror_images():
    scores = {}
    for classifier in ("svm", "mirror"):
        clf = EyeClassifier(("hog", "lbp"), classifier, n_components=60).fit(EYES.images, EYES.labels)
        scores[classifier] = clf.decision_function(OTHER.images)
    assert np.corrcoef(scores["svm"], scores["mirror"])[0, 1] > 0.97


def test_same_seed_same_bytes():
    margins = [
        EyeClassifier(("lbp", "words"), "mirror", n_copies=1, n_components=30)
        .fit(EYES.images, EYES.labels)
        .decision_function(OTHER.images)
        for _ in range(2)
    ]
    np.testing.assert_array_equal(*margins)


@pytest.mark.parametrize("n_components", [None, 0.9, 1])
def test_components_that_cannot_be_halved_are_refused(n_components):
    with pytest.raises(ParameterError, match="n_components is"):
        EyeClassifier(("hog",), "mirror", n_components=n_components).fit(EYES.images, EYES.labels)
    with pytest.raises(ParameterError, match="n_components is"):
        SymmetricPca(n_components).fit(np.zeros((4, 4), np.float32))


def test_an_odd_number_of_columns_is_refused():
    with pytest.raises(ParameterError, match="3 columns"):
        SymmetricSvm(3).fit(np.eye(3), [0, 1, 1])


def test_a_constant_column_stays_finite():
    rows = np.ones((5, 4), np.float32)
    assert SymmetricScaler().fit_transform(rows).tolist() == [[0.0] * 4] * 5
