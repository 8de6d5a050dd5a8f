"""Least-squares SVM of fixed size: closed form, properties, and SVMs without held-out parts."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.gaussian_process.kernels import RBF
from sklearn.kernel_ridge import KernelRidge
from sklearn.utils.estimator_checks import parametrize_with_checks

from classic_eyes.errors import ParameterError
from classic_eyes.svm import LeastSquaresSvm


def rings(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Points inside (1) and outside (0) of a circle."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 2)).astype(np.float32)
    return X, (np.hypot(*X.T) < 1.1).astype(int)


X, Y = rings(300)


def closed_form(
    svm: LeastSquaresSvm, X: np.ndarray, y: np.ndarray, weight: np.ndarray, groups: np.ndarray | None = None
) -> np.ndarray:
    """Weights on the support vectors and the intercept, from the normal equations in kernel form, in float64."""
    covariance = np.diag(1 / weight)
    if groups is not None:
        covariance += svm.group_effect * (groups[:, None] == groups)
    precision = np.linalg.inv(covariance)
    kernel = RBF(np.sqrt(0.5 / svm._gamma))
    K, S = kernel(X, svm.support_vectors_), kernel(svm.support_vectors_)
    K1 = np.column_stack([K, np.ones(len(X))])
    penalty = np.zeros((len(S) + 1, len(S) + 1))
    penalty[:-1, :-1] = svm.alpha * weight.sum() * (S + 1e-5 * np.eye(len(S)))
    return np.linalg.solve(K1.T @ precision @ K1 + penalty, K1.T @ precision @ (2.0 * y - 1))


@pytest.mark.parametrize("weighted", [False, True])
def test_decision_function_solves_the_normal_equations(weighted):
    weight = np.random.default_rng(1).uniform(0.2, 3, len(X)) if weighted else np.ones(len(X))
    svm = LeastSquaresSvm(40, gamma=1.0, alpha=1e-3).fit(X, Y, sample_weight=weight if weighted else None)
    solved = closed_form(svm, X.astype(float), Y, weight)
    K1 = np.column_stack([RBF(np.sqrt(0.5 / svm._gamma))(X, svm.support_vectors_), np.ones(len(X))])
    np.testing.assert_allclose(svm.decision_function(X), K1 @ solved, atol=1e-3)


GROUPS = np.array(["ada", "bob", "cy", "di", "eve"])[np.random.default_rng(2).integers(0, 5, len(X))]


@pytest.mark.parametrize("effect", [0.03, 2.0])
def test_group_effect_is_generalized_least_squares(effect):
    weight = np.random.default_rng(1).uniform(0.2, 3, len(X))
    part = np.isin(GROUPS, ["bob", "eve"])
    svm = LeastSquaresSvm(40, gamma=1.0, alpha=1e-3, group_effect=effect)
    (other,) = svm.fit_out_of_fold(X, Y, [part], weight, GROUPS)
    for fitted, rows in ((svm, np.ones(len(X), bool)), (other, ~part)):
        solved = closed_form(fitted, X[rows].astype(float), Y[rows], weight[rows], GROUPS[rows])
        K1 = np.column_stack([RBF(np.sqrt(0.5 / fitted._gamma))(X, fitted.support_vectors_), np.ones(len(X))])
        np.testing.assert_allclose(fitted.decision_function(X), K1 @ solved, atol=2e-3)


def test_group_in_two_parts_is_a_group_in_each():
    part = np.arange(len(X)) % 3 == 0
    svm = LeastSquaresSvm(40, alpha=1e-3, group_effect=1.0)
    svm.fit_out_of_fold(X, Y, [part], groups=GROUPS)
    split = LeastSquaresSvm(40, alpha=1e-3, group_effect=1.0).fit(X, Y, groups=np.char.add(GROUPS, part.astype(str)))
    np.testing.assert_allclose(svm.decision_function(X), split.decision_function(X), atol=1e-4)


def test_group_effect_removes_differences_between_groups():
    # The first column depends on the group, which correlates with the class; the second on the class.
    rng = np.random.default_rng(3)
    group = rng.integers(0, 8, 800)
    y = (rng.uniform(size=800) < np.where(group < 4, 0.9, 0.1)).astype(int)
    rows = np.column_stack([group + rng.normal(0, 0.1, 800), y + rng.normal(0, 0.7, 800)])
    plain, mixed = (LeastSquaresSvm(200, alpha=0.1, group_effect=t).fit(rows, y, groups=group) for t in (0.0, 1.0))
    other = np.column_stack([7 - rows[:, 0], rows[:, 1]])
    assert mixed.score(other, y) > plain.score(other, y) + 0.3


def test_groups_without_group_effect_have_no_effect():
    with_groups, without = LeastSquaresSvm(40).fit(X, Y, groups=GROUPS), LeastSquaresSvm(40).fit(X, Y)
    np.testing.assert_array_equal(with_groups.dual_coef_, without.dual_coef_)


def test_without_groups_there_is_no_group_effect():
    with_effect, without = LeastSquaresSvm(40, group_effect=0.1).fit(X, Y), LeastSquaresSvm(40).fit(X, Y)
    np.testing.assert_array_equal(with_effect.dual_coef_, without.dual_coef_)


def test_groups_of_another_length_are_refused():
    with pytest.raises(ParameterError, match=r"groups has shape \(5,\)"):
        LeastSquaresSvm(group_effect=0.1).fit(X, Y, groups=GROUPS[:5])


def test_with_all_rows_as_support_vectors_it_is_kernel_ridge_regression():
    target = 2.0 * Y - 1
    svm = LeastSquaresSvm(len(X), gamma=1.0, alpha=1e-2).fit(X, Y)
    # Kernel ridge regression has no intercept, so the targets are centred by that of the SVM.
    ridge = KernelRidge(alpha=1e-2 * len(X), kernel="rbf", gamma=svm._gamma)
    expected = ridge.fit(X, target - svm.intercept_[0]).predict(X) + svm.intercept_[0]
    np.testing.assert_allclose(svm.decision_function(X), expected, atol=2e-3)


def test_svm_without_a_part_is_fitted_to_the_rest():
    part = np.arange(len(X)) % 3 == 0
    svm = LeastSquaresSvm(50, alpha=1e-3)
    (other,) = svm.fit_out_of_fold(X, Y, [part])
    solved = closed_form(other, X[~part].astype(float), Y[~part], np.ones((~part).sum()))
    K1 = np.column_stack([RBF(np.sqrt(0.5 / other._gamma))(X, other.support_vectors_), np.ones(len(X))])
    np.testing.assert_allclose(other.decision_function(X), K1 @ solved, atol=2e-3)
    alone = LeastSquaresSvm(50, alpha=1e-3).fit(X, Y)
    np.testing.assert_allclose(svm.decision_function(X), alone.decision_function(X), atol=1e-4)
    assert np.abs(svm.decision_function(X) - other.decision_function(X)).max() > 0.01


def test_labels_of_a_held_out_part_have_no_effect():
    part = np.arange(len(X)) < 100
    wrong = np.where(part, 1 - Y, Y)
    (one,), (other,) = (LeastSquaresSvm(50).fit_out_of_fold(X, y, [part]) for y in (Y, wrong))
    np.testing.assert_allclose(one.decision_function(X), other.decision_function(X), atol=2e-3)


def test_it_generalizes_to_new_rows():
    svm = LeastSquaresSvm(80, gamma=2.0).fit(X, Y)
    new, labels = rings(400, seed=5)
    assert svm.score(new, labels) > 0.95


def test_weight_of_two_equals_a_repeated_row():
    weight = np.where(np.arange(len(X)) % 4 == 0, 2.0, 1.0)
    # All distinct rows are support vectors in both, so that only the weights differ.
    weighted = LeastSquaresSvm(1000, alpha=1e-2).fit(X, Y, sample_weight=weight)
    twice = np.repeat(np.arange(len(X)), weight.astype(int))
    repeated = LeastSquaresSvm(1000, alpha=1e-2, gamma=0.4 * X.var(0).sum() ** -1 * X[twice].var(0).sum())
    repeated.fit(X[twice], Y[twice])
    np.testing.assert_allclose(weighted.decision_function(X), repeated.decision_function(X), atol=5e-3)


def test_seed_determines_bytes():
    one, two = LeastSquaresSvm(30).fit(X, Y), LeastSquaresSvm(30).fit(X, Y)
    np.testing.assert_array_equal(one.dual_coef_, two.dual_coef_)
    other = LeastSquaresSvm(30, random_state=1).fit(X, Y)
    assert not np.array_equal(one.support_vectors_, other.support_vectors_)


def test_number_of_support_vectors():
    assert LeastSquaresSvm().fit(X, Y).n_support_.tolist() == [300]
    assert LeastSquaresSvm(20).fit(X, Y).n_support_.tolist() == [20]
    many, labels = rings(16_000)
    assert LeastSquaresSvm().fit(many, labels).n_support_.tolist() == [1600]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_support": 0}, "n_support is 0; allowed is an integer of at least 1"),
        ({"n_support": 2.5}, "n_support is 2.5"),
        ({"gamma": 0}, "gamma is 0"),
        ({"gamma": np.nan}, "gamma is nan"),
        ({"alpha": -1.0}, "alpha is -1.0"),
        ({"alpha": "small"}, "alpha is 'small'"),
        ({"group_effect": -0.1}, "group_effect is -0.1"),
        ({"group_effect": "much"}, "group_effect is 'much'"),
    ],
)
def test_invalid_parameters_are_rejected(parameters, message):
    with pytest.raises(ParameterError, match=message):
        LeastSquaresSvm(**parameters).fit(X, Y)


def test_three_classes_are_rejected():
    with pytest.raises(ParameterError, match="3 class"):
        LeastSquaresSvm().fit(X, np.arange(len(X)) % 3)


EXPECTED = {"check_sample_weight_equivalence_on_dense_data": "support vectors are drawn regardless of weights"}


@parametrize_with_checks([LeastSquaresSvm()], expected_failed_checks=lambda estimator: EXPECTED)
def test_scikit_learn_checks(estimator, check):
    check(estimator)
