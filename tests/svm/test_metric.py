"""The machine that learns its distance: the gradients in closed form, what it finds, and what it promises."""

from __future__ import annotations

import numpy as np
import pytest

from classic_eyes.errors import ParameterError
from classic_eyes.svm import MetricSvm, SymmetricSvm, gradient_products

RNG = np.random.default_rng(0)
SIGN = np.repeat([1, -1], 10)


def noisy(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of 20 columns of which the even one 2 and the square of the odd one 13 decide."""
    X = np.random.default_rng(seed).normal(size=(n, 20)).astype(np.float32)
    return X, (X[:, 2] + X[:, 13] ** 2 > 1).astype(int)


X, Y = noisy(1200, 0)
FRESH, TRUTH = noisy(1500, 1)


def slow_products(machine: SymmetricSvm, rows: np.ndarray) -> np.ndarray:
    """The mean outer product of gradients taken by central differences."""
    step, total = 1e-4, np.zeros((rows.shape[1],) * 2)
    for row in rows.astype(float):
        moved = row + step * np.concatenate([np.eye(len(row)), -np.eye(len(row))])
        up, down = np.split(machine.decision_function(moved), 2)
        gradient = (up - down) / (2 * step)
        total += np.outer(gradient, gradient)
    return total / len(rows)


def test_the_gradients_are_those_of_the_margin():
    machine = SymmetricSvm(60, gamma=1.0, alpha=1e-3).fit(X[:200], Y[:200])
    even, odd = gradient_products(machine, X[:50])
    slow = slow_products(machine, X[:50])
    np.testing.assert_allclose(even, slow[:10, :10], rtol=1e-3, atol=1e-5 * slow.max())
    np.testing.assert_allclose(odd, slow[10:, 10:], rtol=1e-3, atol=1e-5 * slow.max())


def test_over_a_set_closed_under_mirroring_even_and_odd_gradients_have_nothing_in_common():
    machine = SymmetricSvm(60, gamma=1.0, alpha=1e-3).fit(X[:200], Y[:200])
    slow = slow_products(machine, np.concatenate([X[:20], X[:20] * SIGN]))
    np.testing.assert_allclose(slow[:10, 10:], 0, atol=1e-6 * slow.max())


def test_a_row_of_weight_two_is_the_row_twice():
    machine = SymmetricSvm(60, gamma=1.0, alpha=1e-3).fit(X[:200], Y[:200])
    weight = np.where(np.arange(40) < 10, 2.0, 1.0)
    weighed = gradient_products(machine, X[:40], weight)
    twice = gradient_products(machine, np.concatenate([X[:40], X[:10]]))
    for one, other in zip(weighed, twice, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6 * other.max())


def test_the_directions_are_the_columns_that_decide():
    machine = MetricSvm(300, n_directions=4, alpha=1e-4).fit(X, Y)
    assert machine.even_.shape == machine.odd_.shape == (10, 2)
    for axes, column in ((machine.even_, 2), (machine.odd_, 3)):
        first = np.abs(axes[:, 0]) / np.linalg.norm(axes[:, 0])
        assert first.argmax() == column
        assert first.max() > 0.98


def test_it_beats_the_machine_whose_distance_is_given():
    learnt = MetricSvm(300, n_directions=4, alpha=1e-4).fit(X, Y).score(FRESH, TRUTH)
    given = max(SymmetricSvm(300, gamma=g, alpha=1e-4).fit(X, Y).score(FRESH, TRUTH) for g in (0.25, 1.0, 4.0))
    assert learnt > given + 0.05


def test_rounds_are_rounds():
    """One round by hand: a machine, its gradients, their eigenvectors, a machine along those."""
    machine = MetricSvm(100, n_directions=6, n_rounds=1, alpha=1e-3).fit(X, Y)
    first = SymmetricSvm(100, gamma=0.25, alpha=1e-3).fit(X, Y)
    products = gradient_products(first, X)
    largest = max(np.linalg.eigvalsh(g)[-1] for g in products)
    for axes, g in zip((machine.even_, machine.odd_), products, strict=True):
        values, vectors = np.linalg.eigh(g / largest)
        root = (vectors[:, -3:] * np.sqrt(values[-3:])) @ vectors[:, -3:].T
        np.testing.assert_allclose(axes @ axes.T, root, atol=1e-4)
    turned = np.hstack([X[:, :10] @ machine.even_, X[:, 10:] @ machine.odd_])
    last = SymmetricSvm(100, gamma=0.25, alpha=1e-3).fit(turned, Y)
    np.testing.assert_allclose(machine.decision_function(X), last.decision_function(turned), atol=1e-4)


def test_a_row_and_its_mirror_image_get_one_answer():
    machine = MetricSvm(100, n_directions=8).fit(X, Y)
    np.testing.assert_allclose(machine.decision_function(FRESH), machine.decision_function(FRESH * SIGN), rtol=1e-9)


def test_more_directions_than_columns_are_all_columns():
    machine = MetricSvm(50, n_directions=96).fit(X[:100], Y[:100])
    assert machine.even_.shape == (10, 10)
    assert machine.support_vectors_.shape == (50, 20)


def test_the_machine_without_a_part_has_seen_nothing_of_it():
    part = np.arange(len(X)) % 3 == 0
    groups = np.arange(len(X)) % 7
    weight = np.random.default_rng(2).uniform(0.5, 2, len(X))
    machine = MetricSvm(100, n_directions=4, group_effect=0.1)
    (judge,) = machine.fit_without(X, Y, [part], weight, groups)
    for fitted, rows in ((machine, np.ones(len(X), bool)), (judge, ~part)):
        alone = MetricSvm(100, n_directions=4, group_effect=0.1).fit(X[rows], Y[rows], weight[rows], groups[rows])
        np.testing.assert_array_equal(fitted.decision_function(FRESH), alone.decision_function(FRESH))


def test_same_seed_same_bytes_and_another_seed_another_draw():
    one, two = (MetricSvm(40, n_directions=6).fit(X, Y) for _ in range(2))
    np.testing.assert_array_equal(one.even_, two.even_)
    np.testing.assert_array_equal(one.dual_coef_, two.dual_coef_)
    other = MetricSvm(40, n_directions=6, random_state=1).fit(X, Y)
    assert not np.array_equal(one.support_vectors_, other.support_vectors_)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"n_directions": 1}, "n_directions is 1; it must be a whole number, 2 or more"),
        ({"n_directions": 4.0}, "n_directions is 4.0"),
        ({"n_rounds": 0}, "n_rounds is 0; it must be a whole number, 1 or more"),
        ({"n_rounds": True}, "n_rounds is True"),
        ({"gamma": 0}, "gamma is 0"),
        ({"n_support": 0}, "n_support is 0"),
        ({"group_effect": 0.1}, "groups is None"),
    ],
)
def test_bad_parameters_are_named(parameters, said):
    with pytest.raises(ParameterError, match=said):
        MetricSvm(**parameters).fit(X[:50], Y[:50])


def test_rows_that_cannot_be_halved_or_told_apart_are_refused():
    with pytest.raises(ParameterError, match="3 columns"):
        MetricSvm(3).fit(np.eye(3), [0, 1, 1])
    with pytest.raises(ParameterError, match="has no direction"):
        MetricSvm(3).fit(np.ones((6, 4)), [0, 1, 1, 0, 1, 0])
    with pytest.raises(ParameterError, match=r"groups has shape \(5,\)"):
        MetricSvm(3, group_effect=0.1).fit_without(X[:60], Y[:60], [np.arange(60) < 9], groups=np.arange(5))
    with pytest.raises(ParameterError, match="3 class"):
        MetricSvm(3).fit(X[:60], np.arange(60) % 3)
