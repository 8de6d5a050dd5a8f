"""SVM with a learned metric: gradients by finite differences, directions, and properties."""

from __future__ import annotations

import multiprocessing

import numpy as np
import pytest

from classic_eyes._utils.resources import one_thread
from classic_eyes.errors import ParameterError
from classic_eyes.svm import MetricSvm, SymmetricSvm, metric
from classic_eyes.svm.metric import gradient_products

RNG = np.random.default_rng(0)
SIGN = np.repeat([1, -1], 10)


def noisy(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of 20 columns; the class depends on the even column 2 and the square of the odd column 13."""
    X = np.random.default_rng(seed).normal(size=(n, 20)).astype(np.float32)
    return X, (X[:, 2] + X[:, 13] ** 2 > 1).astype(int)


X, Y = noisy(1200, 0)
NEW_X, NEW_Y = noisy(1500, 1)
GROUPS = np.arange(len(X)) % 7


def slow_products(svm: SymmetricSvm, rows: np.ndarray) -> np.ndarray:
    """Return the mean outer product of gradients by central differences."""
    step, total = 1e-4, np.zeros((rows.shape[1],) * 2)
    for row in rows.astype(float):
        moved = row + step * np.concatenate([np.eye(len(row)), -np.eye(len(row))])
        up, down = np.split(svm.decision_function(moved), 2)
        gradient = (up - down) / (2 * step)
        total += np.outer(gradient, gradient)
    return total / len(rows)


def test_gradient_products_equal_finite_differences():
    svm = SymmetricSvm(60, gamma=1.0, alpha=1e-3).fit(X[:200], Y[:200])
    even, odd = gradient_products(svm, X[:50])
    slow = slow_products(svm, X[:50])
    np.testing.assert_allclose(even, slow[:10, :10], rtol=1e-3, atol=1e-5 * slow.max())
    np.testing.assert_allclose(odd, slow[10:, 10:], rtol=1e-3, atol=1e-5 * slow.max())


def test_even_and_odd_gradients_are_uncorrelated_over_mirror_images():
    svm = SymmetricSvm(60, gamma=1.0, alpha=1e-3).fit(X[:200], Y[:200])
    slow = slow_products(svm, np.concatenate([X[:20], X[:20] * SIGN]))
    np.testing.assert_allclose(slow[:10, 10:], 0, atol=1e-6 * slow.max())


def test_weight_of_two_equals_a_repeated_row():
    svm = SymmetricSvm(60, gamma=1.0, alpha=1e-3).fit(X[:200], Y[:200])
    weight = np.where(np.arange(40) < 10, 2.0, 1.0)
    weighted = gradient_products(svm, X[:40], weight)
    twice = gradient_products(svm, np.concatenate([X[:40], X[:10]]))
    for one, other in zip(weighted, twice, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6 * other.max())


def test_the_directions_are_the_columns_that_decide():
    svm = MetricSvm(300, n_directions=4, alpha=1e-4, group_effect=0).fit(X, Y)
    assert svm.even_.shape == svm.odd_.shape == (10, 2)
    for axes, column in ((svm.even_, 2), (svm.odd_, 3)):
        first = np.abs(axes[:, 0]) / np.linalg.norm(axes[:, 0])
        assert first.argmax() == column
        assert first.max() > 0.98


def test_learned_metric_is_more_accurate_than_a_given_one():
    learned = MetricSvm(300, n_directions=4, alpha=1e-4, group_effect=0).fit(X, Y).score(NEW_X, NEW_Y)
    given = max(SymmetricSvm(300, gamma=g, alpha=1e-4).fit(X, Y).score(NEW_X, NEW_Y) for g in (0.25, 1.0, 4.0))
    assert learned > given + 0.05


def test_one_round_by_hand():
    svm = MetricSvm(100, n_directions=6, n_rounds=1, alpha=1e-3, group_effect=0).fit(X, Y)
    first = SymmetricSvm(100, gamma=0.25, alpha=1e-3).fit(X, Y)
    products = gradient_products(first, X)
    largest = max(np.linalg.eigvalsh(g)[-1] for g in products)
    for axes, g in zip((svm.even_, svm.odd_), products, strict=True):
        values, vectors = np.linalg.eigh(g / largest)
        root = (vectors[:, -3:] * np.sqrt(values[-3:])) @ vectors[:, -3:].T
        np.testing.assert_allclose(axes @ axes.T, root, atol=1e-4)
    projected = np.hstack([X[:, :10] @ svm.even_, X[:, 10:] @ svm.odd_])
    last = SymmetricSvm(100, gamma=0.25, alpha=1e-3).fit(projected, Y)
    np.testing.assert_allclose(svm.decision_function(X), last.decision_function(projected), atol=1e-4)


def test_row_and_mirror_image_have_the_same_decision_value():
    svm = MetricSvm(100, n_directions=8, group_effect=0).fit(X, Y)
    np.testing.assert_allclose(svm.decision_function(NEW_X), svm.decision_function(NEW_X * SIGN), rtol=1e-9)


def test_directions_are_at_most_the_columns():
    svm = MetricSvm(50, n_directions=96, group_effect=0).fit(X[:100], Y[:100])
    assert svm.even_.shape == (10, 10)
    assert svm.support_vectors_.shape == (50, 20)


def test_svm_without_a_part_does_not_depend_on_it():
    part = np.arange(len(X)) % 3 == 0
    groups = np.arange(len(X)) % 7
    weight = np.random.default_rng(2).uniform(0.5, 2, len(X))
    svm = MetricSvm(100, n_directions=4, group_effect=0.1)
    (other,) = svm.fit_out_of_fold(X, Y, [part], weight, groups)
    for fitted, rows in ((svm, np.ones(len(X), bool)), (other, ~part)):
        alone = MetricSvm(100, n_directions=4, group_effect=0.1).fit(X[rows], Y[rows], weight[rows], groups[rows])
        np.testing.assert_array_equal(fitted.decision_function(NEW_X), alone.decision_function(NEW_X))


def test_seed_determines_bytes():
    one, two = (MetricSvm(40, n_directions=6, group_effect=0).fit(X, Y) for _ in range(2))
    np.testing.assert_array_equal(one.even_, two.even_)
    np.testing.assert_array_equal(one.dual_coef_, two.dual_coef_)
    other = MetricSvm(40, n_directions=6, random_state=1, group_effect=0).fit(X, Y)
    assert not np.array_equal(one.support_vectors_, other.support_vectors_)


def test_defaults_work_with_few_rows():
    svm = MetricSvm().fit(X[:60], Y[:60], groups=GROUPS[:60])
    assert (svm.n_support, svm.n_directions, svm.group_effect) == (1500, 96, 0.03)
    assert svm.support_vectors_.shape == (60, 20)
    assert svm.even_.shape == svm.odd_.shape == (10, 10)
    assert svm.score(X[:60], Y[:60]) > 0.9


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_directions": 1}, "n_directions is 1; allowed is an integer of at least 2"),
        ({"n_directions": 4.0}, "n_directions is 4.0"),
        ({"n_rounds": 0}, "n_rounds is 0; allowed is an integer of at least 1"),
        ({"n_rounds": True}, "n_rounds is True"),
        ({"gamma": 0, "group_effect": 0}, "gamma is 0"),
        ({"n_support": 0, "group_effect": 0}, "n_support is 0"),
    ],
)
def test_invalid_parameters_are_rejected(parameters, message):
    with pytest.raises(ParameterError, match=message):
        MetricSvm(**parameters).fit(X[:50], Y[:50])


def test_invalid_rows_are_rejected():
    with pytest.raises(ParameterError, match="3 columns"):
        MetricSvm(3, group_effect=0).fit(np.eye(3), [0, 1, 1])
    with pytest.raises(ParameterError, match="has no direction"):
        MetricSvm(3, group_effect=0).fit(np.ones((6, 4)), [0, 1, 1, 0, 1, 0])
    with pytest.raises(ParameterError, match=r"groups has shape \(5,\)"):
        MetricSvm(3, group_effect=0.1).fit_out_of_fold(X[:60], Y[:60], [np.arange(60) < 9], groups=np.arange(5))
    with pytest.raises(ParameterError, match="3 class"):
        MetricSvm(3, group_effect=0).fit(X[:60], np.arange(60) % 3)


def test_threads_change_no_byte(monkeypatch):
    held_out = [np.arange(len(X)) % 3 == k for k in range(3)]
    with one_thread():
        in_threads = MetricSvm(40, n_directions=6).fit_out_of_fold(X, Y, held_out)
        monkeypatch.setattr(multiprocessing, "parent_process", object)
        in_turn = MetricSvm(40, n_directions=6).fit_out_of_fold(X, Y, held_out)
    for one, other in zip(in_threads, in_turn, strict=True):
        np.testing.assert_array_equal(one.decision_function(X), other.decision_function(X))


def test_directions_of_many_rows_are_learned_from_some(monkeypatch):
    monkeypatch.setattr(metric, "_MAX_LEARNED", 400)
    monkeypatch.setattr(metric, "_MAX_HELD_OUT", 300)
    n_fitted = []
    fit = SymmetricSvm.fit

    def counted(self, rows, *others, **named):
        if type(self) is SymmetricSvm:
            n_fitted.append(len(rows))
        return fit(self, rows, *others, **named)

    monkeypatch.setattr(SymmetricSvm, "fit", counted)
    held_out = [np.arange(1200) < 400, (np.arange(1200) >= 400) & (np.arange(1200) < 800)]
    svm = MetricSvm(60, n_directions=6)
    with one_thread():
        parts = svm.fit_out_of_fold(X, Y, held_out)
    assert sorted(n_fitted) == [300] * 6 + [400, 400, 1200]
    for each in (svm, *parts):
        # The even column 2 and the odd column 13 are found all the same.
        assert np.abs(each.even_).sum(axis=1).argmax() == 2
        assert np.abs(each.odd_).sum(axis=1).argmax() == 3
