"""A photographer's folder of portraits and groups, generated from the photographs beside the project."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from ..conftest import run, shared
from .photographer import TruePhotograph, make_folder

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder, and what is in it; another composition than the one that thresholds were chosen on."""
    shared("faces")
    top = tmp_path_factory.mktemp("photographer")
    return top, make_folder(top / "photographs", 300, random_state=1)


@pytest.fixture(scope="module")
def tables(folder):
    top, _ = folder
    command = ("faces", top / "photographs", "--out", top / "eyes.csv", "--photos", top / "photos.csv")
    done = run(*command)
    assert done.returncode == 0, done.stderr
    with open(top / "eyes.csv", newline="") as file:
        eyes = [row for row in csv.DictReader(file) if row["face"]]
    with open(top / "photos.csv", newline="") as file:
        photos = {row["file"]: row for row in csv.DictReader(file)}
    return eyes, photos


def _is_of(rows: list[dict[str, str]], photograph: TruePhotograph) -> tuple[int, int]:
    """Return how many true faces are found, and how many found faces are none."""
    middles = {}
    for row in rows:
        x, y, w, h = (float(row[key]) for key in "xywh")
        middles.setdefault(row["face"], []).append((x + w / 2, y + h / 2))
    centres = [np.mean(each, axis=0) for each in middles.values()]
    free, found = list(range(len(centres))), 0
    for face in photograph.faces:
        # The eyes lie above the centre of the box.
        expected = np.array([face.x, face.y - 0.2 * face.side])
        near = [k for k in free if np.abs(centres[k] - expected).max() < 0.4 * face.side]
        if near:
            free.remove(near[0])
            found += 1
    return found, len(free)


def test_faces_and_closed_eyes_are_found(folder, tables):
    _, truth = folder
    eyes, photos = tables
    assert photos.keys() == {each.file for each in truth}
    matched = [_is_of([row for row in eyes if row["file"] == each.file], each) for each in truth]
    n_faces = sum(len(each.faces) for each in truth)
    assert sum(found for found, _ in matched) / n_faces >= 0.98
    assert sum(extra for _, extra in matched) <= 2
    reported = {name: int(row["closed"]) + int(row["wink"]) > 0 for name, row in photos.items()}
    closed = [each for each in truth if each.has_closed]
    awake = [each for each in truth if not each.has_closed]
    assert len(closed) > 90
    assert np.mean([reported[each.file] for each in closed]) >= 0.97
    assert np.mean([reported[each.file] for each in awake]) <= 0.01
    verdicts = [row["verdict"] for row in eyes]
    assert verdicts.count("unknown") / len(verdicts) <= 0.02
