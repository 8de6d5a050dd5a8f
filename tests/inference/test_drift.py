"""Drift: the decision in closed form, what changes it and what does not, and references that are refused."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from classic_eyes import evaluation, load_model
from classic_eyes.errors import ParameterError
from classic_eyes.inference.drift import MARGIN, MIN_IMAGES, NOVELTY_MARGIN, OWN_MARGIN, Moments, drift, score_histogram
from classic_eyes.synthetic import make_eyes

EVEN = {"n": 10_000, "histogram": [0.1] * 10, "unsure": 0.05, "not_an_eye": 0.01}


def found(n, n_unsure, n_other=0, *, reference=EVEN, **options):
    """Return the drift of n images with so many verdicts that are not clear."""
    verdicts = ["unsure"] * n_unsure + ["not-an-eye"] * n_other + ["open"] * (n - n_unsure - n_other)
    return drift(reference, np.linspace(0, 1, n), verdicts, **options)


@pytest.mark.parametrize("n", [100, 1000, 10_000])
@pytest.mark.parametrize(("same_source", "margin"), [(False, MARGIN), (True, OWN_MARGIN)])
def test_the_limit_is_the_share_of_the_reference_a_margin_and_the_deviation_of_a_share(n, same_source, margin):
    likely = 602 / 10_004
    expected = 0.06 + margin + 1.96 * np.sqrt(likely * (1 - likely) * (1 / n + 1 / 10_000))
    one = found(n, 0, same_source=same_source)
    assert one.limit == pytest.approx(expected)
    below, above = int(np.floor(expected * n)), int(np.floor(expected * n)) + 1
    assert found(n, below, same_source=same_source).drifted is False
    assert found(n, above, same_source=same_source).drifted is True
    # Both verdicts count alike.
    assert found(n, above - 5, 5, same_source=same_source).drifted is True


def test_a_reference_without_unclear_verdicts_has_an_error_too():
    clear = {**EVEN, "n": 200, "unsure": 0.0, "not_an_eye": 0.0}
    assert found(200, 3, reference=clear, same_source=True).drifted is False
    assert found(200, 12, reference=clear, same_source=True).drifted is True


def test_fewer_unclear_verdicts_than_before_are_no_drift():
    assert found(1000, 0).drifted is False


def test_the_stability_index_is_that_of_the_shares():
    scores = np.repeat([0.05, 0.95], [900, 100])
    reference = {**EVEN, "n": 1000, "histogram": [0.5, *[0.0] * 8, 0.5]}
    p, q = (np.array([n + 0.5, *[0.5] * 8, m + 0.5]) / 1005 for n, m in ((500, 500), (900, 100)))
    one = drift(reference, scores, ["open"] * 1000)
    assert one.psi == pytest.approx(((q - p) * np.log(q / p)).sum())
    # It decides nothing: another share of open eyes is not another camera.
    assert one.psi > 0.25
    assert one.drifted is False
    assert drift(one.to_dict(), scores, ["open"] * 1000).psi == pytest.approx(0)


def test_shares_and_histogram_are_those_of_the_images():
    one = drift(None, [0.0, 0.1, 0.55, 1.0], ["closed", "unsure", "not-an-eye", "open"])
    assert (one.n, one.unsure, one.not_an_eye) == (4, 0.25, 0.25)
    assert one.histogram == (0.25, 0.25, 0, 0, 0, 0.25, 0, 0, 0, 0.25)
    assert (one.psi, one.limit, one.drifted) == (None, None, None)
    assert (one.novelty, one.novelty_change, one.novelty_limit) == (None, None, None)
    assert one.reason == "nothing to compare with: no reference"


def test_too_few_images_say_nothing():
    assert found(MIN_IMAGES - 1, 50).drifted is None
    assert "99 images are too few" in found(MIN_IMAGES - 1, 50).reason
    assert found(MIN_IMAGES, 50).drifted is True


def test_a_drift_is_a_reference_also_as_json():
    one = found(2000, 100)
    again = json.loads(json.dumps(one.to_dict()))
    assert found(500, 10, reference=again) == found(500, 10, reference=one.to_dict())
    assert found(500, 100, reference=again, same_source=True).drifted is True


def novel(scores, novelty, reference=None, **options):
    return drift(reference, scores, ["open"] * len(scores), novelty=novelty, **options)


def test_the_change_of_the_novelty_is_in_deviations_and_of_the_same_labels():
    rng = np.random.default_rng(0)
    scores = np.repeat([0.1, 0.9], 500)
    # The log novelty of closed eyes is higher: a mean of -1 against -2.
    logs = np.repeat([-1.0, -2.0], 500) + 0.5 * rng.standard_normal(1000)
    before = novel(scores, np.exp(logs))
    closed, opened = logs[:500], logs[500:]
    assert before.novelty["closed"].mean == pytest.approx(closed.mean())
    assert before.novelty["open"].deviation == pytest.approx(opened.std())
    later = novel(scores[400:], np.exp(logs[400:] + 0.3), before.to_dict(), same_source=True)
    parts = ((logs[400:500], closed), (opened, opened))
    weights = np.array([100, 500]) / 600
    scale = weights @ [old.std() for _, old in parts]
    rise = weights @ [new.mean() + 0.3 - old.mean() for new, old in parts] / scale
    squares = [old.var() * (1 / 500 + 1 / len(new)) for new, old in parts]
    error = np.sqrt(weights**2 @ squares)
    assert later.novelty_change == pytest.approx(rise)
    assert later.novelty_limit == pytest.approx(NOVELTY_MARGIN + 2.24 * error / scale)
    assert later.drifted is True
    assert "the mean novelty changed by +0." in later.reason
    # Closed eyes alone are no drift, though their novelty is higher.
    assert novel(scores[:500], np.exp(closed), before.to_dict()).drifted is False
    fallen = novel(scores, np.exp(logs - 1), before.to_dict())
    assert fallen.novelty_change < 0
    assert fallen.drifted is True
    assert "the mean novelty changed by -" in fallen.reason
    assert ", more than the limit of" in fallen.reason


def test_without_novelty_on_both_sides_it_is_not_compared():
    scores = np.linspace(0, 1, 200)
    with_it, without = novel(scores, np.ones(200)), drift(None, scores, ["open"] * 200)
    assert novel(scores, np.ones(200), without.to_dict()).novelty_change is None
    assert drift(with_it.to_dict(), scores, ["open"] * 200).novelty_change is None
    # Nor where all novelties of the reference are equal: there is no deviation to measure with.
    assert novel(scores, 2 * np.ones(200), with_it.to_dict()).novelty_change is None


def test_moments_of_parts_are_those_of_the_whole():
    values = np.random.default_rng(1).lognormal(size=50)
    parts = Moments.of(values[:0]) + Moments.of(values[:20]) + Moments.of(values[20:])
    whole = Moments.of(values)
    assert (parts.n, parts.mean, parts.deviation) == pytest.approx((whole.n, whole.mean, whole.deviation))
    assert Moments.of(np.zeros(2)).mean == pytest.approx(np.log(1e-3))


@pytest.mark.parametrize(
    ("novelty", "message"),
    [
        ([0.5], "novelty has shape"),
        ([0.5, -1], "novelty is negative or not finite"),
        ([0.5, np.inf], "novelty is negative or not finite"),
    ],
)
def test_what_is_no_novelty_is_refused(novelty, message):
    with pytest.raises(ParameterError, match=message):
        drift(None, [0.5, 0.6], ["open", "open"], novelty=novelty)


def test_a_weighted_histogram_counts_by_weight():
    histogram = score_histogram(np.array([0.05, 0.95]), np.array([3.0, 1.0]))
    assert histogram.tolist() == [0.75, *[0] * 8, 0.25]


@pytest.mark.parametrize(
    ("scores", "verdicts", "message"),
    [
        ([], [], "scores has shape"),
        ([[0.5]], ["open"], "scores has shape"),
        ([1.5], ["open"], "allowed is 0 to 1"),
        ([np.nan], ["open"], "allowed is 0 to 1"),
        ([0.5], [], "verdicts has 0 items; allowed is 1"),
        ([0.5], ["ajar"], "verdict 'ajar'; allowed is one of closed, open, unsure, not-an-eye"),
    ],
)
def test_what_are_no_predictions_is_refused(scores, verdicts, message):
    with pytest.raises(ParameterError, match=message):
        drift(None, scores, verdicts)


@pytest.mark.parametrize(
    "reference",
    [
        {},
        [],
        "default",
        3,
        {**EVEN, "n": 0},
        {**EVEN, "n": "many"},
        {**EVEN, "n": float("inf")},
        {**EVEN, "histogram": [0.5, 0.5]},
        {**EVEN, "histogram": [0.2] * 10},
        {**EVEN, "histogram": [-0.1, 0.3, *[0.1] * 8]},
        {**EVEN, "histogram": None},
        {**EVEN, "unsure": 1.5},
        {**EVEN, "unsure": float("nan")},
        {**EVEN, "unsure": None},
        {**EVEN, "novelty": 3},
        {**EVEN, "novelty": {"open": {"n": 1, "mean": 0, "deviation": 1}}},
        {**EVEN, "novelty": {key: {"n": 1, "mean": float("nan"), "deviation": 1} for key in ("open", "closed")}},
    ],
)
def test_what_is_no_reference_is_refused(reference):
    with pytest.raises(ParameterError, match="the reference is invalid; allowed is"):
        found(200, 3, reference=reference)


@pytest.mark.parametrize("change", ["inverted", "flat"])
def test_synthetic_eyes_that_are_inverted_or_covered_drift(change):
    model, images = load_model("fast"), make_eyes(500, random_state=4).images
    reference = drift(None, model.predict_proba(images[:250])[:, 1], model.verdict(images[:250])).to_dict()
    later = images[250:]
    assert drift(reference, model.predict_proba(later)[:, 1], model.verdict(later), same_source=True).drifted is False
    changed = 255 - later if change == "inverted" else np.full_like(later, 90)
    for same_source in (True, False):
        scores, verdicts = model.predict_proba(changed)[:, 1], model.verdict(changed)
        assert drift(reference, scores, verdicts, same_source=same_source).drifted is True


def test_it_is_of_the_evaluation_and_needs_no_scikit_learn():
    assert evaluation.drift is drift
    code = "import sys; from classic_eyes.inference.drift import drift; assert 'sklearn' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
