"""The option ``--adapt`` of ``classic-eyes predict``."""

from __future__ import annotations

import csv

import cv2
import numpy as np

from classic_eyes.synthetic import make_eyes

from ..conftest import main, write_eyes


def test_predict_adapt_changes_scores_only_and_reports_the_threshold(tmp_path, capsys):
    labels = np.array(write_eyes(tmp_path / "eyes", 200, random_state=5))
    (tmp_path / "eyes" / "broken.png").write_bytes(b"hello")
    assert main("predict", tmp_path / "eyes", "--model", "fast") == 1
    plain = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert main("predict", tmp_path / "eyes", "--model", "fast", "--adapt") == 1
    captured = capsys.readouterr()
    adapted = list(csv.DictReader(captured.out.splitlines()))
    assert "adapted to 200 images: the threshold is the former probability 0." in captured.err
    assert [row["file"] for row in adapted] == [row["file"] for row in plain]
    assert [row["error"] for row in adapted] == [row["error"] for row in plain]
    accuracy = [
        np.mean([int(row["label"]) == label for row, label in zip(rows, labels, strict=False)])
        for rows in (plain, adapted)
    ]
    assert accuracy[1] >= accuracy[0] - 0.01
    assert [row["score"] for row in adapted] != [row["score"] for row in plain]
    assert main("predict", tmp_path / "eyes", "--model", "fast", "--adapt", "--jobs", 1) == 1
    assert capsys.readouterr().out == captured.out


def test_predict_adapt_warns_if_it_declines(tmp_path, capsys):
    write_eyes(tmp_path / "few", 30)
    assert main("predict", tmp_path / "few", "--model", "fast", "--adapt") == 0
    captured = capsys.readouterr()
    assert "30 images; 100 or more are needed" in captured.err
    assert main("predict", tmp_path / "few", "--model", "fast") == 0
    assert capsys.readouterr().out == captured.out
    eyes = make_eyes(300)
    (tmp_path / "open").mkdir()
    for k, image in enumerate(eyes.images[eyes.labels == 1]):
        cv2.imwrite(str(tmp_path / "open" / f"{k}.png"), image)
    assert main("predict", tmp_path / "open", "--model", "fast", "--adapt") == 0
    assert "look open; a folder needs" in capsys.readouterr().err
    assert main("predict", tmp_path / "few", "--adapt", "--resume", "--out", tmp_path / "a.csv") == 2
    assert "--resume cannot be combined with --adapt" in capsys.readouterr().err
