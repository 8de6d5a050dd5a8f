"""What is no eye: residuals in closed form, thresholds that hold, verdicts by the rule, and the column of `predict`."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter

import cv2
import numpy as np
import pytest
from classic_eyes.conftest import write_labelled

from benchmarks import DETECTORS, evaluate_novelty, not_eyes
from classic_eyes import EyeClassifier, EyePredictor, cli
from classic_eyes.errors import ModelError, ParameterError
from classic_eyes.inference.novelty import VERDICTS, Novelty, Subspace, verdicts
from classic_eyes.synthetic import make_eyes
from classic_eyes.training.novelty import FEWEST, SUBSPACES, fit_novelty

EYES = make_eyes(400, random_state=0)
OTHERS = make_eyes(400, random_state=1)


def main(*arguments: object) -> int:
    return cli.main([str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def novelty():
    return fit_novelty(EYES.images, np.arange(400))


# -- closed form --


def view(components, scale=1.0, offset=0.0):
    d = 576
    wide = np.zeros((d, components.shape[1]), np.float16)
    wide[: len(components)] = components
    return Subspace("pixels", _pixel_settings(), np.full(d, scale, "f4"), np.full(d, offset, "f4"), wide)


def _pixel_settings():
    from classic_eyes.features import make_extractor

    return make_extractor("pixels").fit(EYES.images).settings()


def test_the_residual_is_what_pythagoras_leaves():
    from classic_eyes.descriptors import DESCRIPTORS

    rows = DESCRIPTORS["pixels"](EYES.images[:5], **_pixel_settings())
    one = view(np.eye(3)[:, :2], scale=2.0, offset=0.5)
    x = rows * 2.0 - 0.5
    expected = np.log(((x**2).sum(axis=1) - x[:, 0] ** 2 - x[:, 1] ** 2) / x.shape[1])
    np.testing.assert_allclose(one.log_residual(EYES.images[:5]), expected, atol=1e-5)


def test_all_components_leave_nothing_and_that_has_a_logarithm():
    whole = view(np.eye(576))
    assert (whole.log_residual(EYES.images[:3]) == np.log(1e-6)).all()


def test_the_score_is_the_stated_sum():
    two = Novelty((), np.array([0.0, 1.0]), np.array([2.0, 1.0]), np.array([1.0, 4.0]), 0.5)
    residuals = np.array([[0.0, 1.0], [2.0, 1.0], [0.0, 3.0], [-1.0, -3.0], [4.0, 3.0]])
    expected = [0, 1 / 0.5, 4 / 0.5, (0.5 + 0.5) / 0.5, (4 + 4) / 0.5]
    np.testing.assert_allclose(two.of_residuals(residuals), expected)


def test_verdicts_by_the_rule():
    p = np.array([0.0, 0.2, 0.49, 0.5, 0.51, 0.8, 1.0, 1.0, 0.0])
    new = np.array([0, 0.99, 0, 0, 0, 1.0, 0, 1.01, 9])
    told = verdicts(p, new, unsure=0.5)
    assert told == ["closed", "closed", "unsure", "unsure", "unsure", "open", "open", "not-an-eye", "not-an-eye"]
    assert verdicts(p[:7], new[:7], unsure=0.0) == ["closed"] * 3 + ["open"] * 4
    # The threshold of the threshold is what is near or far, and 0 and 1 are far from all others.
    assert verdicts(np.array([0.8, 0.79, 0.5, 0.99]), np.zeros(4), unsure=0.5, threshold=0.8) == [
        "unsure",
        "unsure",
        "closed",
        "open",
    ]
    assert verdicts(p[:7], new[:7], unsure=0.5, threshold=0.0) == ["open"] * 7
    assert set(told) == set(VERDICTS)


# -- what is learnt --


def test_one_eye_in_a_hundred_is_taken_for_none_be_it_new_or_learnt_from(novelty):
    assert (novelty.score(EYES.images) > 1).mean() <= 0.012
    assert (novelty.score(OTHERS.images) > 1).mean() < 0.04


def test_what_is_no_eye_is_found(novelty):
    for kind, images in not_eyes().items():
        assert (novelty.score(images) > 1).mean() > 0.85, kind
    flat = np.full((3, 24, 24), [[[0]], [[127]], [[255]]], np.uint8)
    assert (novelty.score(flat) > 1).all()


def test_a_row_alone_is_the_row_in_the_batch(novelty):
    together = novelty.score(OTHERS.images[:300])
    alone = [novelty.score(OTHERS.images[row : row + 1])[0] for row in (0, 7, 191, 192, 299)]
    np.testing.assert_allclose(alone, together[[0, 7, 191, 192, 299]], rtol=1e-4)


def test_same_seed_same_bytes():
    one, other = (fit_novelty(EYES.images[:240], np.arange(240) // 2, random_state=5) for _ in range(2))
    assert one.threshold == other.threshold
    for first, second in zip(one.views, other.views, strict=True):
        np.testing.assert_array_equal(first.components, second.components)


def test_parts_put_together_are_the_same(novelty):
    header, arrays = novelty.to_parts()
    again = Novelty.from_parts(json.loads(json.dumps(header)), arrays)
    np.testing.assert_array_equal(again.score(OTHERS.images[:50]), novelty.score(OTHERS.images[:50]))
    assert [view.components.shape[1] for view in again.views] == [min(most, 100) for most in SUBSPACES.values()]


@pytest.mark.parametrize(
    "change", [{"threshold": 0}, {"views": []}, {"above": [0, 1, 1, 1]}, {"below": [1]}, {"middle": None}]
)
def test_parts_that_do_not_belong_together_are_refused(novelty, change):
    header, arrays = novelty.to_parts()
    with pytest.raises((KeyError, TypeError, ValueError)):
        Novelty.from_parts({**header, **change}, arrays)


def test_too_few_eyes_or_groups_are_refused():
    with pytest.raises(ParameterError, match=f"novelty needs {FEWEST} images or more to learn from, and there are 199"):
        fit_novelty(EYES.images[:199], np.arange(199))
    with pytest.raises(ParameterError, match="novelty needs 3 groups or more to learn from, and there are 2"):
        fit_novelty(EYES.images, np.arange(400) % 2)
    with pytest.raises(ParameterError, match="novelty is 'yes'; it must be True or False"):
        EyeClassifier(novelty="yes").fit(EYES.images, EYES.labels)


# -- verdicts of classifiers --


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("novelty")
    clf = EyeClassifier(("hog",), n_components=30, n_copies=0, novelty=True).fit(EYES.images, EYES.labels)
    clf.save(folder / "m.joblib")
    return clf, folder / "m.npz"


def test_a_twentieth_is_unsure_and_it_is_the_one_with_the_errors(saved):
    clf, _ = saved
    told = np.array(clf.verdict(OTHERS.images))
    assert 0.01 < (told == "unsure").mean() < 0.12
    sure = np.isin(told, ("open", "closed"))
    right = clf.predict(OTHERS.images) == OTHERS.labels
    assert right[sure].mean() > right.mean()
    assert (told[sure] == np.where(clf.predict(OTHERS.images[sure]), "open", "closed")).all()


def test_without_novelty_the_remedy_is_named(tmp_path):
    clf = EyeClassifier(("hog",), n_components=5, n_copies=0).fit(EYES.images[:60], EYES.labels[:60])
    for ask in (clf.verdict, clf.novelty_score):
        with pytest.raises(ModelError, match="fit it with novelty=True"):
            ask(EYES.images[:2])
    clf.save(tmp_path / "m.joblib")
    with pytest.raises(ModelError, match="train it again, with 200 images or more"):
        EyePredictor.load(tmp_path / "m.npz").verdict(EYES.images[:2])


def test_predict_adds_the_column(saved, tmp_path, capsys):
    folder = tmp_path / "eyes"
    write_labelled(folder, 20)
    rng = np.random.default_rng(0)
    for number in range(5):
        cv2.imwrite(str(folder / f"noise{number}.png"), rng.integers(0, 256, (24, 24), dtype=np.uint8))
    (folder / "empty.png").write_bytes(b"")
    assert main("predict", folder, "--model", saved[1], "--verdict") == 1
    out, err = capsys.readouterr()
    rows = list(csv.DictReader(io.StringIO(out)))
    assert list(rows[0]) == ["file", "label", "score", "verdict", "error"]
    told = {row["file"]: row["verdict"] for row in rows}
    assert [told[f"noise{number}.png"] for number in range(5)] == ["not-an-eye"] * 5
    assert told["empty.png"] == ""
    count = Counter(told.values())
    assert f"{count['open']} open, {count['closed']} closed, " in err
    assert f"{count['not-an-eye']} not-an-eye, 1 failed" in err
    assert main("predict", folder, "--model", saved[1]) == 1
    plain = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(row["label"], row["score"]) for row in plain] == [(row["label"], row["score"]) for row in rows]
    assert main("predict", folder, "--model", saved[1], "--verdict", "--format", "jsonl") == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["verdict"] or "" for line in lines] == list(told.values())
    assert main("predict", folder, "--model", saved[1], "--verdict", "--format", "table") == 1
    assert capsys.readouterr().out.count("not-an-eye") == count["not-an-eye"]


@pytest.mark.parametrize("backend", ["threading", "fork", "loky"])
def test_verdicts_are_the_same_bytes_whoever_works(saved, tmp_path, capsys, backend):
    folder = tmp_path / "eyes"
    write_labelled(folder, 12)
    assert main("predict", folder, "--model", saved[1], "--verdict", "--jobs", 1) == 0
    expected = capsys.readouterr().out
    assert main("predict", folder, "--model", saved[1], "--verdict", "--backend", backend, "--jobs", 2) == 0
    assert capsys.readouterr().out == expected
    assert main("predict", folder, "--model", saved[1].with_suffix(".joblib"), "--trust-model", "--verdict") == 0
    assert capsys.readouterr().out == expected


def test_a_model_that_cannot_tell_is_refused_before_anything_is_asked(small_model, tmp_path, capsys):
    write_labelled(tmp_path / "eyes", 4)
    assert main("predict", tmp_path / "eyes", "--model", small_model.with_suffix(".npz"), "--verdict") == 2
    assert "--verdict: the model does not know what is no eye" in capsys.readouterr().err


def test_the_shipped_models_find_what_is_no_eye():
    for name in ("default", "fast"):
        program = EyePredictor.pretrained(name).program
        non_eyes = not_eyes(random_state=7)
        for kind in ("textures", "faces", "letters"):
            assert (program.novelty.score(non_eyes[kind]) > 1).mean() > 0.9, (name, kind)
        assert (program.novelty.score(non_eyes["noise"]) > 1).mean() > 0.8


# -- the benchmark --


def test_every_detector_is_judged_at_one_in_a_hundred():
    steps = []
    sets = [("one", EYES.images, np.arange(400)), ("two", OTHERS.images, np.arange(400))]
    told = evaluate_novelty(sets, n_splits=2, tick=lambda: steps.append(1))
    assert len(steps) == 2 * len(DETECTORS)
    assert told["n"] == 800
    for judged in told["detectors"].values():
        share = np.mean([judged["eyes"][name]["value"] for name in ("one", "two")])
        assert share == pytest.approx(0.01, abs=0.002)
        assert set(judged["found"]) == {*not_eyes(), "all four named"}
        for part in (*judged["found"].values(), *judged["eyes"].values()):
            assert 0 <= part["low"] <= part["value"] <= part["high"] <= 1
    assert told["detectors"]["residuals"]["found"]["all four named"]["value"] > 0.7


def test_bench_novelty_says_what_does_not_go_with_it(capsys):
    for options, said in (
        (("--features", "hog"), "--features does not go with --novelty"),
        (("--speed",), "--speed does not go with --novelty"),
        (("--out", "x"), "--out does not go with --novelty"),
    ):
        assert main("bench", "--novelty", *options) == 2
        assert said in capsys.readouterr().err
