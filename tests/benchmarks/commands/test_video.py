"""``bench.py video`` on synthetic clips: known blinks are found, and no part analyses the people it was trained on."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("dlib", reason="dlib is not installed")
pytest.importorskip("skimage", reason="scikit-image is not installed")

from benchmarks.commands import video
from benchmarks.commands.video import RULES, Parts, Signals, find_all, make_record
from benchmarks.video import halves
from classic_eyes.errors import DataError, ParameterError
from classic_eyes.video.events import Rules

from ...video.clips import blinks, write_clip
from ..conftest import bench
from ..test_video import clip, write_folder

STARTS = (20, 60)
LABELS = "".join(f"{start},{start + 7},blink,{start + 2},{start + 4},\n" for start in STARTS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A labelled clip with two blinks, one without an event, and one without labels."""
    made = write_folder(tmp_path_factory.mktemp("videos") / "eyes", {"a": LABELS, "b": "", "c": None})
    (made / "clips").mkdir()
    write_clip(made / "clips" / "a.mp4", blinks(90, *STARTS))
    write_clip(made / "clips" / "b.mp4", blinks(40))
    return made


def test_known_blinks_are_found_and_the_results_are_written(folder, tmp_path, capsys):
    stored = tmp_path / "signals"
    options = ("video", folder, "--out", tmp_path, "--signals", stored)
    assert bench(*options, "--choose") == 0
    out, err = capsys.readouterr()
    # The analysis reports the events that find_events finds in its signals.
    assert "warning" not in err
    assert out.startswith("model: default.npz\nlocator: locator.npz\n")
    results = json.loads((tmp_path / "video.json").read_text())
    assert list(results["evaluations"]) == [
        "classic_eyes",
        "classic_eyes, without what may be a look down",
        "classic_eyes, rules chosen on the other half",
    ]
    own = results["evaluations"]["classic_eyes"]
    assert [each["file"] for each in own["clips"]] == ["a.mp4", "b.mp4"]
    at = own["groups"]["all"]["required"]["0.5"]
    assert (at["found"], at["missed"], at["false"]) == (2, 0, 0)
    assert own["clips"][0]["blinks"] == [2, 2]
    assert own["clips"][0]["closed_share"] == pytest.approx([6 / 90, 6 / 90], abs=2.1 / 90)
    assert own["groups"]["all"]["start_ms"]["90th_percentile"] <= 40
    assert results["chosen"][0] in RULES
    assert results["locator"] == ["locator.npz"]
    assert [(each["closed_s"], each["closures"], each["false"]) for each in results["alarms"]] == [
        (0.5, 0, 0),
        (1.0, 0, 0),
    ]
    # A second run reads the signals, and neither frames nor models.
    first = re.sub(r"\n.*chosen.*", "", out)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(video, "measure", None)
        assert bench(*options, "--force") == 0
    assert capsys.readouterr().out.strip() == first.strip()
    # Signals of other files are not used.
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(video, "sha256", lambda path: "other")
        monkeypatch.setattr(video, "measure", None)
        with pytest.raises(TypeError):
            bench(*options, "--force")


def test_results_are_not_replaced_without_force(folder, tmp_path, capsys):
    (tmp_path / "video.json").write_text("{}")
    assert bench("video", folder, "--out", tmp_path) == 2
    assert "exists" in capsys.readouterr().err


def test_a_clip_that_cannot_be_read_is_skipped(folder, tmp_path, capsys):
    made = tmp_path / "videos"
    shutil.copytree(folder, made)
    (made / "clips" / "a.mp4").write_bytes(b"no video")
    assert bench("video", made) == 1
    out, err = capsys.readouterr()
    assert "b.mp4" in out
    assert re.match(r"bench.py: skipped a.mp4: .+\n$", err)
    (made / "clips" / "b.mp4").unlink()
    assert bench("video", made) == 2
    assert capsys.readouterr().err.splitlines()[-1].endswith("no clip could be read")


def test_a_folder_without_labels_is_refused(tmp_path, capsys):
    assert bench("video", write_folder(tmp_path / "videos", {"a": None})) == 2
    assert "no clip has a label file in labels/" in capsys.readouterr().err


# -- which file analyses which clip --------------------------------------------------------------------------------

PEOPLE = ["p01", "p02", "p03", "p04", "several"]


@pytest.fixture
def files(tmp_path) -> list[str]:
    for name in ("one.npz", "two.npz"):
        (tmp_path / name).write_bytes(b"")
    return [str(tmp_path / name) for name in ("one.npz", "two.npz")]


def test_each_clip_is_analysed_by_the_file_of_the_other_half(files):
    parts = Parts.of("--model", files, PEOPLE)
    first, second = halves(PEOPLE)
    assert {parts.file(clip(person=person)) for person in first} == {files[1]}
    assert {parts.file(clip(person=person)) for person in second} == {files[0]}


def test_a_card_with_other_people_is_obeyed(files):
    Path(files[0]).with_suffix(".json").write_text(json.dumps({"people": ["p01", "p02", "p03"]}))
    Path(files[1]).with_suffix(".json").write_text(json.dumps({"people": ["p03", "p04"]}))
    parts = Parts.of("--model", files, PEOPLE)
    assert [parts.file(clip(person=person)) for person in ("p01", "p02", "p04")] == [files[1], files[1], files[0]]
    with pytest.raises(ParameterError, match=r"--model: .*one.npz, .*two.npz were trained on p03, the person of a.mp4"):
        parts.file(clip(person="p03"))


def test_one_file_analyses_all_clips_unless_its_card_lists_the_person(files):
    assert Parts.of("--model", files[:1], PEOPLE).file(clip(person="p01")) == files[0]
    Path(files[0]).with_suffix(".json").write_text(json.dumps({"people": ["p01"]}))
    with pytest.raises(ParameterError, match=r"trained on p01"):
        Parts.of("--model", files[:1], PEOPLE).file(clip(person="p01"))


def test_wrong_files_are_named(files):
    with pytest.raises(ParameterError, match=r"--model names 3 files; allowed are one, or one for each half"):
        Parts.of("--model", [*files, files[0]], PEOPLE)
    with pytest.raises(ParameterError, match=r"--locator: 'none.npz' does not exist"):
        Parts.of("--locator", ["none.npz"], PEOPLE)
    Path(files[0]).with_suffix(".json").write_text("[]")
    with pytest.raises(DataError, match=r"one.json' is no model card"):
        Parts.of("--model", files, PEOPLE)


# -- records -------------------------------------------------------------------------------------------------------


def signals(*tracks: np.ndarray) -> Signals:
    openness = np.repeat(np.array(tracks)[..., None], 2, axis=-1)
    return Signals(
        np.arange(openness.shape[1]) / 25, np.clip(openness, 0.01, 0.99), openness, np.array(1.0), openness[..., 0] * 0
    )


def test_frames_with_the_lids_together_are_closed_and_frames_without_eyes_unknown():
    one, two = blinks(100, 20, rest=1.0), np.full(100, np.nan)
    one[60:] = np.nan
    two[80:] = 1.0
    own = signals(one, two)
    record = make_record(own, find_all(own))
    assert len(record.events) == 1
    assert np.flatnonzero(record.closed == 1).tolist() == [22, 23, 24]
    assert np.flatnonzero(np.isnan(record.closed)).tolist() == list(range(60, 80))


def test_rules_are_given_to_the_events():
    own = signals(blinks(100, 20, rest=1.0))
    assert [event.kind for event in find_all(own)] == ["blink"]
    assert [event.kind for event in find_all(own, {"deep": -10.0})] == ["partial"]
    assert all(set(rules) <= set(Rules.__dataclass_fields__) for rules in RULES)
    # The first of equal rules is chosen, so it must be the one of the package.
    assert all(getattr(Rules(), name) == value for name, value in RULES[0].items())


def test_a_clip_without_faces_has_no_events():
    empty = Signals(np.arange(5) / 25, np.empty((0, 5, 2)), np.empty((0, 5, 2)), np.array(1.0), np.empty((0, 5)))
    record = make_record(empty, find_all(empty))
    assert list(record.events) == []
    assert np.isnan(record.closed).all()
