"""The support vector machine of fixed size: its formula, what it promises, and the machines that leave parts out."""

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
    machine: LeastSquaresSvm, X: np.ndarray, y: np.ndarray, weight: np.ndarray, groups: np.ndarray | None = None
) -> np.ndarray:
    """Weights on the support vectors and the intercept, from the normal equations in kernel form, in float64."""
    covariance = np.diag(1 / weight)
    if groups is not None:
        covariance += machine.group_effect * (groups[:, None] == groups)
    precision = np.linalg.inv(covariance)
    kernel = RBF(np.sqrt(0.5 / machine._gamma))
    K, S = kernel(X, machine.support_vectors_), kernel(machine.support_vectors_)
    K1 = np.column_stack([K, np.ones(len(X))])
    penalty = np.zeros((len(S) + 1, len(S) + 1))
    penalty[:-1, :-1] = machine.alpha * weight.sum() * (S + 1e-5 * np.eye(len(S)))
    return np.linalg.solve(K1.T @ precision @ K1 + penalty, K1.T @ precision @ (2.0 * y - 1))


@pytest.mark.parametrize("weighted", [False, True])
def test_it_is_the_solution_of_its_equations(weighted):
    weight = np.random.default_rng(1).uniform(0.2, 3, len(X)) if weighted else np.ones(len(X))
    machine = LeastSquaresSvm(40, gamma=1.0, alpha=1e-3).fit(X, Y, sample_weight=weight if weighted else None)
    solved = closed_form(machine, X.astype(float), Y, weight)
    K1 = np.column_stack([RBF(np.sqrt(0.5 / machine._gamma))(X, machine.support_vectors_), np.ones(len(X))])
    np.testing.assert_allclose(machine.decision_function(X), K1 @ solved, atol=1e-3)


GROUPS = np.array(["ada", "bob", "cy", "di", "eve"])[np.random.default_rng(2).integers(0, 5, len(X))]


@pytest.mark.parametrize("effect", [0.03, 2.0])
def test_with_an_effect_of_each_group_it_is_generalised_least_squares(effect):
    weight = np.random.default_rng(1).uniform(0.2, 3, len(X))
    part = np.isin(GROUPS, ["bob", "eve"])
    machine = LeastSquaresSvm(40, gamma=1.0, alpha=1e-3, group_effect=effect)
    (judge,) = machine.fit_without(X, Y, [part], weight, GROUPS)
    for fitted, rows in ((machine, np.ones(len(X), bool)), (judge, ~part)):
        solved = closed_form(fitted, X[rows].astype(float), Y[rows], weight[rows], GROUPS[rows])
        K1 = np.column_stack([RBF(np.sqrt(0.5 / fitted._gamma))(X, fitted.support_vectors_), np.ones(len(X))])
        np.testing.assert_allclose(fitted.decision_function(X), K1 @ solved, atol=2e-3)


def test_a_group_cut_in_two_counts_as_one_in_each_part():
    part = np.arange(len(X)) % 3 == 0
    machine = LeastSquaresSvm(40, alpha=1e-3, group_effect=1.0)
    machine.fit_without(X, Y, [part], groups=GROUPS)
    apart = LeastSquaresSvm(40, alpha=1e-3, group_effect=1.0).fit(X, Y, groups=np.char.add(GROUPS, part.astype(str)))
    np.testing.assert_allclose(machine.decision_function(X), apart.decision_function(X), atol=1e-4)


def test_an_effect_of_groups_takes_what_sets_groups_apart_out_of_the_answer():
    # The first column tells the groups apart, and with them, for the most part, the classes; the second the classes.
    rng = np.random.default_rng(3)
    group = rng.integers(0, 8, 800)
    y = (rng.uniform(size=800) < np.where(group < 4, 0.9, 0.1)).astype(int)
    rows = np.column_stack([group + rng.normal(0, 0.1, 800), y + rng.normal(0, 0.7, 800)])
    plain, mixed = (LeastSquaresSvm(200, alpha=0.1, group_effect=t).fit(rows, y, groups=group) for t in (0.0, 1.0))
    other = np.column_stack([7 - rows[:, 0], rows[:, 1]])
    assert mixed.score(other, y) > plain.score(other, y) + 0.3


def test_groups_without_an_effect_change_nothing():
    with_groups, without = LeastSquaresSvm(40).fit(X, Y, groups=GROUPS), LeastSquaresSvm(40).fit(X, Y)
    np.testing.assert_array_equal(with_groups.dual_coef_, without.dual_coef_)


@pytest.mark.parametrize(
    ("groups", "said"), [(None, "groups is None; give the groups, or 0"), (GROUPS[:5], r"groups has shape \(5,\)")]
)
def test_an_effect_needs_the_groups(groups, said):
    with pytest.raises(ParameterError, match=said):
        LeastSquaresSvm(group_effect=0.1).fit(X, Y, groups=groups)


def test_with_every_row_a_support_vector_it_is_kernel_ridge_regression():
    target = 2.0 * Y - 1
    machine = LeastSquaresSvm(len(X), gamma=1.0, alpha=1e-2).fit(X, Y)
    # Its own intercept is given to the regression, which has none.
    ridge = KernelRidge(alpha=1e-2 * len(X), kernel="rbf", gamma=machine._gamma)
    expected = ridge.fit(X, target - machine.intercept_[0]).predict(X) + machine.intercept_[0]
    np.testing.assert_allclose(machine.decision_function(X), expected, atol=2e-3)


def test_a_machine_without_a_part_is_the_machine_of_the_rest():
    part = np.arange(len(X)) % 3 == 0
    machine = LeastSquaresSvm(50, alpha=1e-3)
    (judge,) = machine.fit_without(X, Y, [part])
    solved = closed_form(judge, X[~part].astype(float), Y[~part], np.ones((~part).sum()))
    K1 = np.column_stack([RBF(np.sqrt(0.5 / judge._gamma))(X, judge.support_vectors_), np.ones(len(X))])
    np.testing.assert_allclose(judge.decision_function(X), K1 @ solved, atol=2e-3)
    alone = LeastSquaresSvm(50, alpha=1e-3).fit(X, Y)
    np.testing.assert_allclose(machine.decision_function(X), alone.decision_function(X), atol=1e-4)
    assert np.abs(machine.decision_function(X) - judge.decision_function(X)).max() > 0.01


def test_labels_of_a_part_left_out_change_nothing():
    part = np.arange(len(X)) < 100
    wrong = np.where(part, 1 - Y, Y)
    (one,), (other,) = (LeastSquaresSvm(50).fit_without(X, y, [part]) for y in (Y, wrong))
    np.testing.assert_allclose(one.decision_function(X), other.decision_function(X), atol=2e-3)


def test_it_learns_and_generalises():
    machine = LeastSquaresSvm(80, gamma=2.0).fit(X, Y)
    fresh, labels = rings(400, seed=5)
    assert machine.score(fresh, labels) > 0.95


def test_a_weight_of_two_is_a_row_twice_and_of_zero_a_row_less():
    weight = np.where(np.arange(len(X)) % 4 == 0, 2.0, 1.0)
    # All distinct rows are support vectors in both, so that only the weights differ.
    weighted = LeastSquaresSvm(1000, alpha=1e-2).fit(X, Y, sample_weight=weight)
    twice = np.repeat(np.arange(len(X)), weight.astype(int))
    repeated = LeastSquaresSvm(1000, alpha=1e-2, gamma=0.4 * X.var(0).sum() ** -1 * X[twice].var(0).sum())
    repeated.fit(X[twice], Y[twice])
    np.testing.assert_allclose(weighted.decision_function(X), repeated.decision_function(X), atol=5e-3)


def test_same_seed_same_bytes_and_another_seed_another_draw():
    one, two = LeastSquaresSvm(30).fit(X, Y), LeastSquaresSvm(30).fit(X, Y)
    np.testing.assert_array_equal(one.dual_coef_, two.dual_coef_)
    other = LeastSquaresSvm(30, random_state=1).fit(X, Y)
    assert not np.array_equal(one.support_vectors_, other.support_vectors_)


def test_the_number_of_support_vectors():
    assert LeastSquaresSvm().fit(X, Y).n_support_.tolist() == [300]
    assert LeastSquaresSvm(20).fit(X, Y).n_support_.tolist() == [20]
    many, labels = rings(16_000)
    assert LeastSquaresSvm().fit(many, labels).n_support_.tolist() == [1600]


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"n_support": 0}, "n_support is 0"),
        ({"n_support": 2.5}, "n_support is 2.5"),
        ({"gamma": 0}, "gamma is 0"),
        ({"gamma": np.nan}, "gamma is nan"),
        ({"alpha": -1.0}, "alpha is -1.0"),
        ({"alpha": "small"}, "alpha is 'small'"),
        ({"group_effect": -0.1}, "group_effect is -0.1"),
        ({"group_effect": "much"}, "group_effect is 'much'"),
    ],
)
def test_bad_parameters_are_named(parameters, said):
    with pytest.raises(ParameterError, match=said):
        LeastSquaresSvm(**parameters).fit(X, Y)


def test_three_classes_are_refused():
    with pytest.raises(ParameterError, match="3 class"):
        LeastSquaresSvm().fit(X, np.arange(len(X)) % 3)


EXPECTED = {"check_sample_weight_equivalence_on_dense_data": "the draw of support vectors sees rows, not weights"}


@parametrize_with_checks([LeastSquaresSvm()], expected_failed_checks=lambda estimator: EXPECTED)
def test_it_is_a_scikit_learn_classifier(estimator, check):
    check(estimator)
