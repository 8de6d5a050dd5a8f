"""A person's own decision threshold: the rule in closed form, and the file."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classic_eyes.calibration import (
    Calibration,
    Threshold,
    calibrate,
    fit_threshold,
    read_calibration,
    write_calibration,
)
from classic_eyes.errors import DataError, ParameterError
from classic_eyes.predictor import load_model
from classic_eyes.synthetic import make_eyes

EYES = make_eyes(80, random_state=4)
OPEN, CLOSED = EYES.images[EYES.labels == 1], EYES.images[EYES.labels == 0]


# -- the rule --


def test_threshold_lies_equally_many_deviations_from_both_medians():
    # Medians 4 and -2, deviations 1.4826 and twice that: the threshold is a third of the way from 4 to -2.
    spread = np.array([-2, -1, -1, -1, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, -1], float)
    opened, closed = 4 + spread, -2 + 2 * spread
    assert np.median(np.abs(spread)) == 1
    found = fit_threshold(opened, closed, usual=0)
    assert found.value == pytest.approx(4 - 6 / 3)
    assert (found.n_open, found.n_closed) == (15, 15)
    assert found.accuracy == pytest.approx(np.mean([*(opened >= 2), *(closed < 2)]))


def test_open_eyes_alone_can_only_lower_the_threshold():
    assert fit_threshold(np.full(12, 5.0), usual=0).value == 0
    assert fit_threshold(np.full(12, -1.5), usual=0).value == -1.5
    wide = np.repeat([0.0, 1.0, 2.0], 5)
    assert fit_threshold(wide, usual=9).value == pytest.approx(1 - 3 * 1.4826)
    assert fit_threshold(wide, usual=9).n_closed == 0


def test_classes_without_spread_put_the_threshold_midway():
    assert fit_threshold(np.full(12, 3.0), np.full(12, 1.0), usual=0).value == pytest.approx(2)


@given(st.floats(-3, 3), st.floats(0.1, 10))
def test_threshold_is_equivariant_to_shift_and_scale(shift, scale):
    rng = np.random.default_rng(0)
    opened, closed = rng.normal(2, 1, 30), rng.normal(-2, 0.5, 20)
    value = fit_threshold(opened, closed, usual=0).value
    assert fit_threshold(opened * scale + shift, closed * scale + shift, usual=0).value == pytest.approx(
        value * scale + shift, abs=1e-6
    )


@pytest.mark.parametrize(
    ("opened", "closed", "message"),
    [
        (np.ones(11), None, "11 images of open eyes; 12 or more"),
        (np.ones(12), np.ones(3), "3 images of closed eyes"),
        (np.zeros(12), np.ones(12), "check whether the two were exchanged"),
        (np.full(30, np.nan), None, "0 images of open eyes"),
    ],
)
def test_unusable_values_are_refused(opened, closed, message):
    with pytest.raises(DataError, match=message) as caught:
        fit_threshold(opened, closed, usual=0)
    with pytest.raises(DataError) as named:
        fit_threshold(opened, closed, usual=0, name="eye aspect ratio")
    assert str(named.value) == f"eye aspect ratio: {caught.value}"


def test_calibration_converts_log_odds_to_probability():
    found = calibrate(np.full(12, -2.0), model="a")
    assert found.threshold.value == pytest.approx(1 / (1 + np.exp(2)))
    assert (found.model, found.ear) == ("a", None)


def test_a_threshold_that_is_worse_than_the_usual_one_is_refused():
    """Half-open lids are among the closed eyes."""
    opened, closed = np.repeat([5.0, 4.0], [14, 13]), np.repeat([4.6, -5.0], [11, 9])
    message = (
        r"^the threshold fitted to these images, 0\.99\d, has an accuracy of 72\.3% on them, and the usual one, 0\.5, "
    )
    with pytest.raises(DataError, match=message + r"of 76\.6%; check that the closed eyes are closed"):
        calibrate(opened, closed)
    assert fit_threshold(opened, closed, usual=0).accuracy == pytest.approx(34 / 47)


# -- in Python --


def test_predictor_and_classifier_calibrate_alike(small_classifier):
    predictor = small_classifier.predictor_
    one, other = predictor.calibrate(OPEN, CLOSED), small_classifier.calibrate(OPEN, CLOSED)
    assert one.threshold.value == pytest.approx(other.threshold.value, abs=1e-4)
    assert one.model == predictor.fingerprint != ""
    assert predictor.calibrate(OPEN).threshold.value <= 0.5


def test_own_threshold_improves_accuracy_on_narrow_eyes():
    """Half-open narrow eyes against closed ones: at the usual threshold most of them are classified as closed."""
    from classic_eyes.synthetic import EyeParameters, render

    def shots(opening, seed):
        rng = np.random.default_rng(seed)
        return np.stack(
            [
                render(EyeParameters(opening=opening + 0.02 * rng.random(), aspect=0.22, sclera=0.3), random_state=k)[0]
                for k in range(40)
            ]
        )

    clf = load_model()
    # Wider open, the usual threshold is enough.
    narrow, closed = shots(0.55, 0), shots(0.0, 1)
    usual = np.mean([*(clf.predict(narrow[20:]) == 1), *(clf.predict(closed[20:]) == 0)])
    mine = clf.calibrate(narrow[:20], closed[:20]).threshold.value
    own = np.mean([*(clf.predict_proba(narrow[20:])[:, 1] >= mine), *(clf.predict_proba(closed[20:])[:, 1] < mine)])
    assert own >= usual + 0.25
    assert mine < 0.5


# -- the file --


def test_write_and_read_round_trip(tmp_path):
    found = Calibration(Threshold(0.25, 20, 0, 1.0), Threshold(0.19, 40, 30, 0.9), "abc")
    write_calibration(found, tmp_path / "me.json")
    assert read_calibration(tmp_path / "me.json") == found
    assert len((tmp_path / "me.json").read_bytes()) < 1000
    with pytest.raises(ParameterError, match="cannot be written"):
        write_calibration(found, tmp_path / "no" / "me.json")


def valid_content() -> dict:
    threshold = {"value": 0.5, "n_open": 12, "n_closed": 0, "accuracy": 1.0}
    return {"kind": "classic_eyes calibration", "format": 1, "threshold": threshold, "ear": None, "model": ""}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "else"}, "no calibration of this format"),
        ({"format": 2}, "no calibration of this format"),
        ({"threshold": None}, "no valid threshold"),
        ({"threshold": {"value": 0.5}}, "no valid threshold"),
        ({"threshold": {**valid_content()["threshold"], "value": 7}}, "no valid threshold"),
        ({"threshold": {**valid_content()["threshold"], "value": True}}, "no valid threshold"),
        ({"threshold": {**valid_content()["threshold"], "value": float("nan")}}, "no valid threshold"),
        ({"ear": [1]}, "no valid threshold"),
        ({"model": 3}, "does not name its model"),
    ],
)
def test_invalid_content_is_refused(tmp_path, change, message):
    path = tmp_path / "me.json"
    path.write_text(json.dumps(valid_content()))
    assert read_calibration(path).threshold.value == 0.5
    path.write_text(json.dumps(valid_content() | change))
    with pytest.raises(DataError, match=message):
        read_calibration(path)


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 100_000, b"\xff\xfe", b"[]"])
def test_file_that_is_not_json_is_refused(tmp_path, content):
    (tmp_path / "me.json").write_bytes(content)
    with pytest.raises(DataError, match="is no calibration"):
        read_calibration(tmp_path / "me.json")
    with pytest.raises(DataError, match="cannot be read"):
        read_calibration(tmp_path / "none.json")


def test_open_eyes_that_look_closed_are_refused_unless_closed_ones_are_given():
    values = np.array([-3.0] * 11 + [1.0] * 10)
    with pytest.raises(DataError, match=r"^11 of 21 images given as open look closed; are these the right images\?"):
        calibrate(values)
    assert calibrate(values[1:]).threshold.n_open == 20  # half of them
    assert calibrate(values, values - 4).threshold.n_closed == 21
    calibrate(np.full(12, -2.0))  # narrow eyes, with a probability of 0.12
