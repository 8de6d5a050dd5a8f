"""Threshold and calibration moved to an unlabelled folder: closed form, what is declined, and the command."""

from __future__ import annotations

import csv

import cv2
import numpy as np
import pytest
from classic_eyes.calibration.threshold.adaptation import Adaptation, fit_adaptation
from classic_eyes.conftest import write_eyes

from classic_eyes import EyeClassifier, EyePredictor, cli
from classic_eyes.errors import ParameterError
from classic_eyes.synthetic import make_eyes


def main(*arguments: object) -> int:
    return cli.main([str(argument) for argument in arguments])


def two(closed: float, opened: float, deviation: float = 1.0, n: tuple[int, int] = (500, 500), seed: int = 0):
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.normal(closed, deviation, n[0]), rng.normal(opened, deviation, n[1])])


@pytest.mark.parametrize(("closed", "opened", "deviation"), [(-3, 3, 1), (-1, 5, 1), (-6, 3, 2), (-4, 2, 0.5)])
def test_two_normal_distributions_of_one_width(closed, opened, deviation):
    found = fit_adaptation(two(closed, opened, deviation, n=(20_000, 20_000)))
    assert found.declined is None
    assert found.threshold == pytest.approx((closed + opened) / 2, abs=0.1)
    assert found.slope == pytest.approx((opened - closed) / deviation**2, rel=0.05)
    assert found.separation == pytest.approx((opened - closed) / deviation, rel=0.03)


def test_unequal_shares_move_the_border_by_bayes_rule():
    found = fit_adaptation(two(-3, 3, 1.2, n=(30_000, 10_000)))
    assert found.threshold == pytest.approx(-np.log(1 / 3) / (6 / 1.44), abs=0.05)


@pytest.mark.parametrize("shift", [-1.5, 0.7])
def test_it_moves_with_the_scores(shift):
    scores = two(-3, 3)
    assert fit_adaptation(scores + shift).threshold == pytest.approx(fit_adaptation(scores).threshold + shift, abs=1e-4)


def test_order_changes_nothing_and_probabilities_keep_theirs():
    scores = two(-2, 4)
    found, turned = fit_adaptation(scores), fit_adaptation(scores[::-1])
    assert found.threshold == pytest.approx(turned.threshold, abs=1e-9)
    moved = found.probability(1 / (1 + np.exp(-np.sort(scores))))
    assert (np.diff(moved) >= 0).all()
    assert found.probability(1 / (1 + np.exp(-found.threshold))) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        (two(-3, 3, n=(50, 49)), "99 images; 100 or more"),
        (two(-3, 3, n=(950, 50)), "5% look open; a folder must hold both kinds"),
        (two(-3, 3, n=(10, 990)), "99% look open"),
        (np.zeros(200), "100% look open"),
        (two(0, 0.5), "do not fall in two"),
        (two(-1, 9), "the threshold would move by"),
    ],
)
def test_it_declines_and_then_changes_nothing(scores, said):
    found = fit_adaptation(scores)
    assert said in found.declined
    given = np.array([0.0, 0.3, 1.0])
    np.testing.assert_array_equal(found.probability(given), given)


def test_numbers_that_are_none_are_refused():
    with pytest.raises(ParameterError, match="not finite"):
        fit_adaptation([0.0] * 200 + [np.nan])


def test_both_kinds_of_model_adapt_alike():
    eyes = make_eyes(200, random_state=8)
    one, other = EyePredictor.pretrained("fast"), EyeClassifier.pretrained("fast")
    assert one.adapt(eyes.images).threshold == pytest.approx(other.adapt(eyes.images).threshold, abs=1e-3)
    assert isinstance(one.adapt(eyes.images[:20]), Adaptation)


# -- the command --


def test_the_command_moves_scores_and_says_so(tmp_path, capsys):
    labels = np.array(write_eyes(tmp_path / "eyes", 200, random_state=5))
    (tmp_path / "eyes" / "broken.png").write_bytes(b"hello")
    assert main("predict", tmp_path / "eyes", "--model", "fast") == 1
    plain = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert main("predict", tmp_path / "eyes", "--model", "fast", "--adapt") == 1
    said = capsys.readouterr()
    moved = list(csv.DictReader(said.out.splitlines()))
    assert "adapted to 200 images: as likely open as closed at 0." in said.err
    assert [row["file"] for row in moved] == [row["file"] for row in plain]
    assert [row["error"] for row in moved] == [row["error"] for row in plain]
    right = [
        np.mean([int(row["label"]) == label for row, label in zip(rows, labels, strict=False)])
        for rows in (plain, moved)
    ]
    assert right[1] >= right[0] - 0.01
    assert [row["score"] for row in moved] != [row["score"] for row in plain]
    assert main("predict", tmp_path / "eyes", "--model", "fast", "--adapt", "--jobs", 1) == 1
    assert capsys.readouterr().out == said.out


def test_the_command_says_if_it_declines(tmp_path, capsys):
    write_eyes(tmp_path / "few", 30)
    assert main("predict", tmp_path / "few", "--adapt") == 0
    said = capsys.readouterr()
    assert "answers stay as they are: 30 images; 100 or more are needed" in said.err
    assert main("predict", tmp_path / "few") == 0
    assert capsys.readouterr().out == said.out
    eyes = make_eyes(300)
    (tmp_path / "open").mkdir()
    for k, image in enumerate(eyes.images[eyes.labels == 1]):
        cv2.imwrite(str(tmp_path / "open" / f"{k}.png"), image)
    assert main("predict", tmp_path / "open", "--adapt") == 0
    assert "look open; a folder must hold both kinds" in capsys.readouterr().err
    assert main("predict", tmp_path / "few", "--adapt", "--resume", "--out", tmp_path / "a.csv") == 2
    assert "--adapt looks at all answers before any is written" in capsys.readouterr().err
