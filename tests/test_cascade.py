"""The cascade: the first view answers, the others where it is in doubt, and no answer jumps."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from classic_eyes.conftest import write_labelled
from sklearn.base import clone

from classic_eyes import EyeClassifier, EyePredictor
from classic_eyes.cli import main
from classic_eyes.errors import ModelError, ParameterError
from classic_eyes.inference.cascade import Cascade, blend, doubt
from classic_eyes.inference.program import Program, View
from classic_eyes.persistence import read_header
from classic_eyes.synthetic import make_eyes

EYES = make_eyes(160, random_state=1)
OTHER = make_eyes(300, random_state=2).images
VIEWS = (("hog",), ("lbp",), ("pixels",))
HOW = {"n_copies": 0, "n_components": 20, "weights": (2.0, 1.0, 1.0)}


def learnt(**changes) -> EyeClassifier:
    return EyeClassifier(VIEWS, "mirror", **{**HOW, "cascade": 0.3, **changes}).fit(EYES.images, EYES.labels)


@pytest.fixture(scope="module")
def clf() -> EyeClassifier:
    return learnt()


def test_doubt_falls_from_one_to_zero_without_a_jump():
    margins = np.linspace(-1, 1, 2001)
    said = doubt(margins, 0.4)
    assert said.min() == 0
    assert said.max() == 1
    np.testing.assert_array_equal(said == 0, np.abs(margins) >= 0.4)
    np.testing.assert_allclose(said[np.abs(margins) <= 0.28], 1)
    assert np.abs(np.diff(said)).max() < 0.01
    np.testing.assert_allclose(said, doubt(-margins, 0.4))


def test_the_blend_is_the_first_beyond_the_border_and_the_mean_well_within():
    rng = np.random.default_rng(0)
    margins = rng.normal(size=(3, 500))
    mean = np.average(margins, axis=0, weights=[3, 2, 1])
    together = blend(list(margins), [3, 2, 1], 0.5)
    far, near = np.abs(margins[0]) >= 0.5, np.abs(margins[0]) <= 0.35
    np.testing.assert_array_equal(together[far], margins[0][far])
    np.testing.assert_allclose(together[near], mean[near], rtol=1e-12)
    between = ~far & ~near
    low, high = np.minimum(mean, margins[0])[between], np.maximum(mean, margins[0])[between]
    assert ((low <= together[between]) & (together[between] <= high)).all()
    np.testing.assert_allclose(blend(list(margins), [3, 2, 1], None), mean)


def test_the_border_leaves_the_share_asked_for(clf):
    assert clf.program.cascade.threshold == clf.cascade_
    assert clf.program.cascade.share == pytest.approx(1.5)
    # Of images like those that it learnt from; these are others, so the share is about what was asked for.
    asked = doubt(clf._decisions[0](OTHER), clf.cascade_) > 0
    assert 0.1 < asked.mean() < 0.5


def test_program_and_estimator_blend_alike(clf):
    slope, intercept = clf.calibration_
    each = [decide(OTHER) for decide in clf._decisions]
    expected = slope * blend(each, (2, 1, 1), clf.cascade_) + intercept
    np.testing.assert_allclose(clf.decision_function(OTHER), expected, atol=2e-3)
    np.testing.assert_allclose(slope * clf._margin(OTHER) + intercept, expected, atol=1e-4)
    plain = clone(clf).set_params(cascade=None).fit(EYES.images, EYES.labels)
    np.testing.assert_allclose(
        slope * plain._margin(OTHER) + intercept, slope * blend(each, (2, 1, 1), None) + intercept, atol=1e-4
    )


def test_the_others_are_asked_about_nothing_else(clf, monkeypatch):
    seen: list[tuple[int, int]] = []
    describe = View.describe

    def watched(self, images, flipped):
        seen.append(([id(view) for view in clf.program.views].index(id(self)), len(images)))
        return describe(self, images, flipped)

    monkeypatch.setattr(View, "describe", watched)
    clf.decision_function(OTHER)
    per_view = [sum(n for view, n in seen if view == k) for k in range(3)]
    asked = int((doubt(clf._decisions[0](OTHER), clf.cascade_) > 0).sum())
    assert per_view == [len(OTHER), asked, asked]
    sure = OTHER[doubt(clf._decisions[0](OTHER), clf.cascade_) == 0]
    seen.clear()
    assert 0 <= clf.predict_one(sure[0]) <= 1
    assert seen == [(0, 1)]


def test_no_image_at_all_and_nobody_in_doubt(clf):
    assert clf.program.log_odds(OTHER[:0]).shape == (0,)
    sure = OTHER[doubt(clf._decisions[0](OTHER), clf.cascade_) == 0]
    assert np.isfinite(clf.program.log_odds(sure)).all()


def test_a_row_does_not_depend_on_its_batch(clf):
    whole = clf.program.probability(OTHER)
    np.testing.assert_allclose([clf.predict_one(image) for image in OTHER], whole, atol=3e-4)


def test_both_mirror_images_are_asked_where_the_machine_is_not_a_mirror():
    svm = EyeClassifier((("hog",), ("lbp",)), n_copies=0, n_components=20, cascade=0.3).fit(EYES.images, EYES.labels)
    np.testing.assert_allclose(
        svm.predict_proba(OTHER)[:, 1], svm.predict_proba(np.ascontiguousarray(OTHER[:, :, ::-1]))[:, 1], atol=3e-4
    )
    slope, intercept = svm.calibration_
    np.testing.assert_allclose(svm.decision_function(OTHER), slope * svm._margin(OTHER) + intercept, atol=2e-3)


def test_what_scikit_learn_answers_itself_has_a_cascade_too():
    knn = EyeClassifier((("hog",), ("lbp",)), "knn", n_copies=0, n_components=20, cascade=0.3)
    knn.fit(EYES.images, EYES.labels)
    assert knn.program is None
    one, other = (np.mean([d(view) for view in (OTHER, OTHER[:, :, ::-1])], axis=0) for d in knn._decisions)
    slope, intercept = knn.calibration_
    expected = slope * blend([one, other], (1, 1), knn.cascade_) + intercept
    np.testing.assert_allclose(knn.decision_function(OTHER), expected, atol=1e-5)


def test_the_files_keep_it(clf, tmp_path):
    for ending in ("joblib", "skops"):
        clf.save(tmp_path / f"m.{ending}")
        read = EyeClassifier.load(tmp_path / f"m.{ending}", trusted=True)
        assert read.cascade == 0.3
        np.testing.assert_array_equal(read.predict_proba(OTHER), clf.predict_proba(OTHER))
        compiled = EyePredictor.load(tmp_path / "m.npz")
        np.testing.assert_allclose(compiled.predict_proba(OTHER), clf.predict_proba(OTHER), atol=1e-12)
    header = read_header(tmp_path / "m.npz")["program"]
    assert header["cascade"] == {"threshold": clf.cascade_, "share": 1.5}
    header, arrays = clf.program.to_parts()
    again = Program.from_parts(json.loads(json.dumps(header)), arrays)
    np.testing.assert_array_equal(again.log_odds(OTHER), clf.program.log_odds(OTHER))
    assert "cascade" not in dataclasses.replace(clf.program, cascade=None).to_parts()[0]


def test_a_view_that_was_altered_is_found_though_the_first_is_sure(clf, tmp_path):
    """The recorded answers are about the others too, whether or not any recorded image leaves doubt."""
    clf.save(tmp_path / "m.joblib")
    with np.load(tmp_path / "m.npz") as stored:
        arrays = dict(stored)
    arrays["view1.dual"] = -arrays["view1.dual"]
    # A threshold so near that nobody asks the second view, and answers recorded so.
    header = json.loads(bytes(arrays["header"]))
    header["program"]["cascade"]["threshold"] = 1e-9
    arrays["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
    sure = dataclasses.replace(clf.program, cascade=Cascade(1e-9, clf.program.cascade.share))
    arrays["check.answers"] = sure.probability(arrays["check.images"])
    np.savez(tmp_path / "m.npz", **arrays)
    with pytest.raises(ModelError, match="recorded"):
        EyePredictor.load(tmp_path / "m.npz")


@pytest.mark.parametrize("numbers", [(0, 1), (1, -1), (np.nan, 1), (1, np.inf)])
def test_a_border_that_is_none_is_refused(numbers):
    with pytest.raises(ValueError, match="must be above 0"):
        Cascade(*numbers)


@pytest.mark.parametrize("cascade", [0, 0.0, 1.0, 1, -0.2, "some", True, np.nan])
def test_a_share_that_is_none_is_named(cascade):
    with pytest.raises(ParameterError, match=r"cascade is .*; it must be a share of the images"):
        learnt(cascade=cascade)


def test_one_view_has_no_other_to_ask():
    with pytest.raises(ParameterError, match="features is one view: there is no other to ask"):
        EyeClassifier(("hog", "lbp"), cascade=0.2).fit(EYES.images, EYES.labels)


def test_train_and_info_say_it(tmp_path, capsys):
    folder = write_labelled(tmp_path / "eyes", 80)
    how = ["--features", "hog/lbp", "--copies", "0", "--components", "10", "--folds", "0", "--cascade", "0.4"]
    assert main(["train", str(folder), "--out", str(tmp_path / "m.joblib"), *how]) == 0
    card = json.loads((tmp_path / "m.json").read_text())
    assert card["parameters"]["cascade"] == 0.4
    assert main(["info", str(tmp_path / "m.npz")]) == 0
    assert "the others are asked where the first view's margin is within" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["train", str(folder), "--out", str(tmp_path / "m.joblib"), "--cascade", "2"])
    assert "is not a share above 0 and below 1" in capsys.readouterr().err
