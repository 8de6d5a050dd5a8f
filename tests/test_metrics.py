"""Metrics in closed form, their properties, and refused arguments."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import auc, roc_auc_score

from classic_eyes import metrics
from classic_eyes.errors import ParameterError

Y = np.array([0, 0, 0, 0, 1, 1, 1, 1, 1, 1])
S = np.array([0.1, 0.2, 0.3, 0.9, 0.2, 0.6, 0.7, 0.8, 0.9, 1.0])


def random_case(seed: int, n: int = 200) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(n) % 2)
    return y, np.clip(0.3 * y + rng.uniform(0, 0.7, n), 0, 1)


def test_closed_form_of_a_small_table():
    # 3 of 4 closed and 5 of 6 open eyes are predicted correctly; 6 are predicted open, 5 of them correctly.
    assert metrics.accuracy(Y, S) == pytest.approx(8 / 10)
    assert metrics.precision(Y, S) == pytest.approx(5 / 6)
    assert metrics.recall(Y, S) == pytest.approx(5 / 6)
    assert metrics.f1(Y, S) == pytest.approx(5 / 6)
    assert metrics.brier(Y, S) == pytest.approx(np.mean((Y - S) ** 2))


def test_a_score_of_one_half_is_open():
    assert metrics.accuracy([1, 0], [0.5, np.nextafter(0.5, 0)]) == 1.0


@pytest.mark.parametrize(
    ("scores_closed", "scores_open", "expected"),
    [
        ([0.1, 0.2], [0.8, 0.9], 0.0),
        ([0.8, 0.9], [0.1, 0.2], 1.0),
        ([0.5, 0.5], [0.5, 0.5], 0.5),
        ([0.1, 0.2, 0.3, 0.7], [0.4, 0.6, 0.8, 0.9], 0.25),
        # Interpolated: the rates cross between (0, 1/3) and (1/2, 1/3).
        ([0.1, 0.6], [0.2, 0.7, 0.8], 1 / 3),
    ],
)
def test_equal_error_rate_in_closed_form(scores_closed, scores_open, expected):
    y = np.repeat([0, 1], [len(scores_closed), len(scores_open)])
    assert metrics.equal_error_rate(y, [*scores_closed, *scores_open]) == pytest.approx(expected)


def test_equal_error_rate_agrees_with_a_slow_search():
    y, s = random_case(3, 400)
    fine = min(
        (abs((s[y == 0] >= threshold).mean() - (s[y == 1] < threshold).mean()), (s[y == 0] >= threshold).mean())
        for threshold in s
    )
    assert metrics.equal_error_rate(y, s) == pytest.approx(fine[1], abs=1 / 200)


def test_auc_counts_pairs():
    y, s = random_case(1)
    pairs = s[y == 1][:, None] - s[y == 0]
    assert metrics.roc_auc(y, s) == pytest.approx((pairs > 0).mean() + (pairs == 0).mean() / 2)


def test_det_points_start_and_end_at_the_corners():
    false_positive, false_negative, thresholds = metrics.det_points(*random_case(2))
    assert (false_positive[0], false_negative[0]) == (0, 1)
    assert (false_positive[-1], false_negative[-1]) == (1, 0)
    assert (np.diff(thresholds) < 0).all()
    assert (np.diff(false_positive) >= 0).all()
    assert (np.diff(false_negative) <= 0).all()


def test_calibration_error_in_closed_form():
    # One bin predicts .75 and half are open, the other predicts .05 and none is.
    y, s = [1, 0, 0, 0], [0.75, 0.75, 0.05, 0.05]
    assert metrics.calibration_error(y, s) == pytest.approx(0.5 * 0.25 + 0.5 * 0.05)


def test_calibration_error_of_calibrated_scores_is_small():
    rng = np.random.default_rng(0)
    s = rng.uniform(size=50_000)
    assert metrics.calibration_error(rng.uniform(size=50_000) < s, s) < 0.02


@given(seed=st.integers(0, 1000), coverage=st.sampled_from([0.2, 0.5, 0.9, 0.95, 1.0]))
@settings(max_examples=30, deadline=None)
def test_selective_accuracy_is_that_of_the_most_confident(seed, coverage):
    rng = np.random.default_rng(seed)
    y, s = rng.integers(0, 2, 200), rng.permutation(np.linspace(0.001, 0.998, 200))  # no two equally confident
    kept = np.argsort(-np.abs(s - 0.5))[: round(200 * coverage)]
    expected = np.mean((s[kept] >= 0.5) == y[kept])
    assert metrics.selective_accuracy(y, s, coverage=coverage) == pytest.approx(expected)


def test_equally_confident_images_count_in_part():
    # Two of four are dropped, from three equally confident ones. One of these is correct: 1 + 1/3 of 2 remain.
    assert metrics.selective_accuracy([1, 1, 0, 0], [0.9, 0.6, 0.6, 0.6], coverage=0.5) == pytest.approx(2 / 3)
    assert metrics.selective_accuracy([1, 0], [0.5, 0.5]) == metrics.accuracy([1, 0], [0.5, 0.5])


@pytest.mark.parametrize("coverage", [0, -1, 1.01, float("nan")])
def test_coverage_refused(coverage):
    with pytest.raises(ParameterError, match="coverage is"):
        metrics.selective_accuracy([0, 1], [0.1, 0.9], coverage=coverage)


@pytest.mark.parametrize("name", metrics.METRICS)
def test_weights_count_like_repeated_rows(name):
    y, s = random_case(4, 40)
    weight = np.random.default_rng(0).integers(1, 4, 40)
    weighted = metrics.METRICS[name](y, s, sample_weight=weight)
    assert weighted == pytest.approx(metrics.METRICS[name](np.repeat(y, weight), np.repeat(s, weight)))


@pytest.mark.parametrize("name", metrics.METRICS)
@given(seed=st.integers(0, 1000))
@settings(max_examples=15, deadline=None)
def test_every_metric_lies_in_0_to_1_and_ignores_order(name, seed):
    y, s = random_case(seed, 50)
    value = metrics.METRICS[name](y, s)
    order = np.random.default_rng(seed).permutation(50)
    assert 0 <= value <= 1
    assert metrics.METRICS[name](y[order], s[order]) == pytest.approx(value)


@pytest.mark.parametrize("name", ["auc", "eer"])
def test_rates_need_both_classes(name):
    assert np.isnan(metrics.METRICS[name]([1, 1], [0.2, 0.8]))
    with pytest.raises(ParameterError, match="one class"):
        metrics.det_points([1, 1], [0.2, 0.8])


def test_interval_over_groups_is_wider_than_over_images():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(20), 30)
    y = np.tile([0, 1], 300)
    # All images of a person are easy, or all are hard.
    wrong = np.repeat(rng.uniform(size=20) < 0.3, 30)
    s = np.where(wrong, 1 - y, y).astype(float)
    by_group = metrics.bootstrap_interval(metrics.accuracy, y, s, groups, n_resamples=300)
    by_image = metrics.bootstrap_interval(metrics.accuracy, y, s, n_resamples=300)
    assert by_group[1] - by_group[0] > 2 * (by_image[1] - by_image[0])


def test_interval_has_about_its_nominal_coverage():
    rng = np.random.default_rng(5)
    covered = 0
    for _ in range(60):
        right = rng.uniform(size=300) < 0.9
        low, high = metrics.bootstrap_interval(
            metrics.accuracy, np.ones(300, int), np.where(right, 0.9, 0.1), n_resamples=200
        )
        covered += low <= 0.9 <= high
    assert covered >= 50


def test_interval_of_a_proportion_in_closed_form():
    # Without an error the lower end p has p ** n = 0.025; one error of two: the exact interval of Clopper and Pearson.
    low, high = metrics.proportion_interval([1] * 50)
    assert (low, high) == (pytest.approx(0.025 ** (1 / 50)), 1.0)
    low, high = metrics.proportion_interval([0, 1])
    assert (low, high) == (pytest.approx(1 - 0.975**0.5), pytest.approx(0.975**0.5))
    # Images of a person that are all alike count once; of one person alone nothing is known about others.
    many = metrics.proportion_interval(np.repeat([1, 0, 1, 1, 0, 1, 1, 1], 30), np.repeat(np.arange(8), 30))
    few = metrics.proportion_interval([1, 0, 1, 1, 0, 1, 1, 1])
    assert many[0] < few[0] < 0.75 < few[1] < many[1]
    assert np.isnan(metrics.proportion_interval([1, 0, 1], ["a", "a", "a"])).all()
    for hits, options in (([], {}), ([[1]], {}), ([1], {"level": 95}), ([1, 0], {"groups": ["a"]})):
        with pytest.raises(ParameterError):
            metrics.proportion_interval(hits, **options)


@pytest.mark.parametrize(("n_groups", "size", "spread"), [(25, 1, 50), (100, 1, 50), (30, 10, 20)])
def test_interval_of_a_proportion_covers_it_in_95_of_100_cases(n_groups, size, spread):
    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(n_groups), size)
    covered = 0
    for _ in range(400):
        of_group = np.full(n_groups, 0.95) if size == 1 else rng.beta(0.95 * spread, 0.05 * spread, n_groups)
        low, high = metrics.proportion_interval(rng.random(len(groups)) < of_group[groups], groups)
        covered += low <= 0.95 <= high
    assert covered >= 0.94 * 400


def test_summary_is_not_certain_where_no_image_is_wrong():
    y = np.arange(40) % 2
    result = metrics.summarize(y, np.where(y, 0.9, 0.1), n_resamples=20)
    for name, n in (("accuracy", 40), ("precision", 20), ("recall", 20)):
        assert result[name]["low"] == pytest.approx(0.025 ** (1 / n))
        assert result[name]["high"] == 1.0
    assert 0.8 < result["f1"]["low"] < 0.95
    for name, value in (("eer", 0.0), ("auc", 1.0)):
        assert result[name] == {"value": value, "low": None, "high": None}
    # All of one person: there is no interval.
    assert metrics.summarize(y, np.full(40, 0.9), np.zeros(40), n_resamples=5)["accuracy"]["low"] is None


def test_confusion_matrix_counts_labels_in_rows():
    y, s = random_case(8)
    matrix = metrics.confusion_matrix(y, s)
    assert matrix.tolist() == [[int(((y == a) & ((s >= 0.5) == b)).sum()) for b in (0, 1)] for a in (0, 1)]
    assert metrics.summarize(y, s, n_resamples=2)["confusion"] == matrix.tolist()
    assert np.trace(matrix) / 200 == metrics.accuracy(y, s)


def test_interval_depends_on_the_seed():
    y, s = random_case(6)
    first = metrics.bootstrap_interval(metrics.roc_auc, y, s, n_resamples=50, random_state=1)
    assert first == metrics.bootstrap_interval(metrics.roc_auc, y, s, n_resamples=50, random_state=1)
    assert first != metrics.bootstrap_interval(metrics.roc_auc, y, s, n_resamples=50, random_state=2)


def test_summary_has_every_metric_with_its_interval_or_none():
    y, s = random_case(7)
    result = metrics.summarize(y, s, np.arange(200) // 2, n_resamples=50)
    assert (result["n"], result["n_groups"]) == (200, 100)
    for name in metrics.METRICS:
        assert result[name]["low"] <= result[name]["value"] <= result[name]["high"]
    assert result["auc"]["value"] == pytest.approx(roc_auc_score(y, s))
    assert metrics.summarize([1, 1], [0.9, 0.8], n_resamples=5)["eer"] == {"value": None, "low": None, "high": None}


@pytest.mark.parametrize(
    ("y", "score", "message"),
    [
        ([0, 1], [0.5], "shape"),
        ([], [], "n at least 1"),
        ([0, 2], [0.5, 0.5], "only 0"),
        ([0, 1], [0.5, 1.5], "0..1"),
        ([0, 1], [0.5, np.nan], "0..1"),
    ],
)
def test_bad_labels_and_scores_are_refused(y, score, message):
    with pytest.raises(ParameterError, match=message):
        metrics.accuracy(y, score)


def test_bad_options_are_refused():
    with pytest.raises(ParameterError, match="level is 95"):
        metrics.bootstrap_interval(metrics.accuracy, [0, 1], [0, 1], level=95)
    with pytest.raises(ParameterError, match="n_resamples is 0"):
        metrics.bootstrap_interval(metrics.accuracy, [0, 1], [0, 1], n_resamples=0)
    with pytest.raises(ParameterError, match="groups has shape"):
        metrics.bootstrap_interval(metrics.accuracy, [0, 1], [0, 1], [1])
    with pytest.raises(ParameterError, match="n_bins is 0"):
        metrics.calibration_error([0, 1], [0, 1], n_bins=0)
    with pytest.raises(ParameterError, match="sample_weight"):
        metrics.accuracy([0, 1], [0, 1], sample_weight=[-1, 1])


def test_roc_points_are_counts_above_each_threshold():
    y, s = random_case(11)
    false_positive_rate, true_positive_rate, thresholds = metrics.roc_points(y, s)
    for k in (0, 5, 50, len(thresholds) - 1):
        assert false_positive_rate[k] == pytest.approx((s[y == 0] >= thresholds[k]).mean())
        assert true_positive_rate[k] == pytest.approx((s[y == 1] >= thresholds[k]).mean())
    # The area under the interpolated curve is the AUC.
    assert auc(false_positive_rate, true_positive_rate) == pytest.approx(metrics.roc_auc(y, s))


def test_reliability_curve_in_closed_form():
    mean_score, open_share, weight = metrics.reliability_curve([0, 1, 0, 1], [0.1, 0.2, 0.6, 1.0], n_bins=2)
    assert mean_score == pytest.approx([0.15, 0.8])
    assert open_share == pytest.approx([0.5, 0.5])
    assert weight.tolist() == [2, 2]


def test_calibration_error_is_the_weighted_gap_of_the_reliability_curve():
    y, s = random_case(12)
    for n_bins in (1, 7, 15):
        mean_score, open_share, weight = metrics.reliability_curve(y, s, n_bins=n_bins)
        gap = np.average(np.abs(mean_score - open_share), weights=weight)
        assert metrics.calibration_error(y, s, n_bins=n_bins) == pytest.approx(gap)


def test_reliability_curve_refuses_zero_bins():
    with pytest.raises(ParameterError, match="n_bins is 0"):
        metrics.reliability_curve(Y, S, n_bins=0)


def test_accuracy_difference_is_paired():
    y, s = random_case(13)
    _, other = random_case(14)
    value, low, high = metrics.accuracy_difference(y, s, other, n_resamples=200)
    assert value == pytest.approx(metrics.accuracy(y, s) - metrics.accuracy(y, other))
    assert low <= value <= high
    assert metrics.accuracy_difference(y, s, s, n_resamples=20) == (0, 0, 0)
    # One prediction of 200 differs: the paired interval is narrower than that of either accuracy.
    close = s.copy()
    close[0] = 1 - close[0]
    _, low, high = metrics.accuracy_difference(y, s, close, n_resamples=200)
    own = metrics.bootstrap_interval(metrics.accuracy, y, s, n_resamples=200)
    assert high - low < (own[1] - own[0]) / 3


def test_accuracy_difference_draws_groups():
    y, s = random_case(15)
    _, other = random_case(16)
    groups = np.arange(200) // 20
    paired = metrics.accuracy_difference(y, s, other, groups, n_resamples=100, random_state=3)[1:]

    def gap(y_true, score, sample_weight):
        weights = {"sample_weight": sample_weight}
        return metrics.accuracy(y_true, score, **weights) - metrics.accuracy(y_true, other, **weights)

    assert paired == pytest.approx(metrics.bootstrap_interval(gap, y, s, groups, n_resamples=100, random_state=3))


OF_PAIRS = (
    *("accuracy", "precision", "recall", "f1", "roc_auc", "equal_error_rate", "brier", "calibration_error"),
    *("det_points", "roc_points", "reliability_curve", "confusion_matrix", "summarize"),
)
GOOD = np.array([0, 1, 0, 1]), np.array([0.1, 0.9, 0.2, 0.8])
BAD_PAIRS = {
    "NaN score": (GOOD[0], np.array([0.1, np.nan, 0.2, 0.8])),
    "infinite score": (GOOD[0], np.array([0.1, np.inf, 0.2, 0.8])),
    "score beyond 1": (GOOD[0], GOOD[1] * 255),
    "negative score": (GOOD[0], -GOOD[1]),
    "other length": (GOOD[0][:3], GOOD[1]),
    "two axes": (GOOD[0][:, None], GOOD[1][:, None]),
    "empty": (GOOD[0][:0], GOOD[1][:0]),
    "label 2": (GOOD[0] + 1, GOOD[1]),
    "label a half": (GOOD[0] / 2, GOOD[1]),
    "label NaN": (np.array([0, np.nan, 1, 1]), GOOD[1]),
    "text": (np.array(list("0101")), GOOD[1]),
    "score as text": (GOOD[0], np.array(list("0101"))),
    "None": (None, None),
    "complex": (GOOD[0], GOOD[1].astype(complex)),
}


@pytest.mark.parametrize("name", OF_PAIRS)
@pytest.mark.parametrize("what", BAD_PAIRS)
def test_every_metric_refuses_other_labels_and_scores(name, what):
    with pytest.raises(ParameterError) as caught:
        getattr(metrics, name)(*BAD_PAIRS[what])
    assert "\n" not in str(caught.value)
