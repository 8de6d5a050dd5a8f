"""Readers of folders: MRL names, class folders, and their precedence."""

from __future__ import annotations

import numpy as np
import pytest

from classic_eyes.datasets import (
    UNLABELLED,
    mrl_fields,
    read_class_folders,
    read_eyes,
    read_folder,
    read_mrl,
    read_votes,
)
from classic_eyes.errors import DataError

from ..conftest import shared, write_eyes
from .conftest import groups_of, labels_of


def mrl(subject, number, state):
    return f"s{subject:04}_{number:05}_0_1_{state}_2_1_03.png"


def test_mrl_fields():
    assert mrl_fields("deep/er/s0012_00345_1_0_1_2_0_03.png") == {
        "subject": "s0012",
        "image": 345,
        "gender": 1,
        "glasses": 0,
        "state": 1,
        "reflections": 2,
        "lighting": 0,
        "sensor": 3,
    }


@pytest.mark.parametrize(
    "name",
    [
        "000000.jpg",
        "s0012_00345_1_0_2_2_0_03.png",
        "s0012_00345_1_0_1_3_0_03.png",
        "s0012_00345_1_0_1_0_03.png",
        "xs0012_00345_1_0_1_2_0_03.png",
        "s0012_00345_1_0_1_2_0_03_x.png",
        "s\u0661\u0662_00345_1_0_1_2_0_03.png",
    ],
)
def test_other_names_are_not_mrl(name):
    assert mrl_fields(name) is None


@pytest.mark.parametrize("folders", [("", ""), ("s0001/", "s0002/"), ("closed/", "open/")])
def test_mrl_names_are_read_in_any_folder(put, folders):
    first, second = folders[0] + mrl(1, 7, 1), folders[1] + mrl(2, 7, 0)
    top = put(first, second)
    for read in (read_eyes, read_mrl):
        eyes = read(top)
        assert labels_of(eyes) == {first: 1, second: 0}
        assert groups_of(eyes) == {first: "s0001", second: "s0002"}


def test_a_mix_of_names_is_refused(put):
    top = put(mrl(1, 1, 1), *(f"x{number:02}.png" for number in range(12)))
    for read in (read_eyes, read_mrl):
        with pytest.raises(DataError, match=r"12 of 13 images have no MRL name .*'x00.png'.*'x09.png'; and 2 more"):
            read(top)


# -- class folders --


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (["open/a.png", "closed/b.png"], [0, 1]),
        (["OPEN/a.png", "Closed/deep/b.png"], [0, 1]),
        (["1/a.png", "0/b.png"], [0, 1]),
        (["open/a.png"], [1]),
        (["0/a.png"], [0]),
        (["open/a.png", "maybe/b.png", "c.png"], [-1, -1, 1]),
        (["closed/a.png", "1/b.png", "open.png"], [-1, 0, -1]),
        (["1/a.png", "0/b.png", "c.png"], [0, 1, -1]),
        (["open/" + mrl(1, 1, 0), "closed/b.png"], [0, 1]),
        # Names that are near, at any depth.
        (["Closed_Eyes/a.png", "Open_Eyes/b.png"], [0, 1]),
        (["close/a.png", "opened/b.png"], [0, 1]),
        (["closed eye/a.png", "eyes-open/b.png"], [0, 1]),
        (["closedLeftEyes/a.png", "openRightEyes/b.png", "shut_left/c.png"], [0, 1, 0]),
        (["closedeyes/a.png", "openeyes/b.png"], [0, 1]),
        (["train/closed/a.png", "train/open/b.png", "val/Open/c.png"], [0, 1, 1]),
        (["images/closed/a.png", "images/open/anna/b.png"], [0, 1]),
        (["anna/closed/a.png", "ben/open/b.png", "c.png"], [0, 1, -1]),
        # The deepest folder decides.
        (["open/closed/a.png", "open/closed/anna/b.png", "open/c.png"], [1, 0, 0]),
        # Numbers, below a common folder or a split.
        (["images/0/a.png", "images/1/deep/b.png"], [0, 1]),
        (["test/1/a.png", "train/0/a.png", "train/1/b.png"], [1, 0, 1]),
        (["data/Test/1/a.png", "data/Train/0/a.png"], [1, 0]),
    ],
)
def test_class_folders(put, names, labels):
    top = put(*names)
    for read in (read_eyes, read_class_folders):
        eyes = read(top)
        assert eyes.names == tuple(sorted(names))
        assert eyes.labels.tolist() == labels
        assert groups_of(eyes) == {name: name for name in names}


@pytest.mark.parametrize(
    "names",
    [
        ["0/a.png", "1/b.png", "2/c.png"],
        ["00/a.png", "01/b.png"],
        ["train/0/a.png", "train/1/b.png", "test/2/c.png"],
        ["anna/0/a.png", "ben/1/b.png"],
        ["left/a.png", "right/b.png"],
    ],
)
def test_other_folders_are_unlabelled(put, names, recwarn):
    top = put(*names)
    assert set(read_eyes(top).labels.tolist()) == {UNLABELLED}
    assert not recwarn.list
    with pytest.raises(DataError, match=r"no class folders that hold images; recognized are closed, .*, and 1 and 0"):
        read_class_folders(top)


def test_a_single_image_has_no_label(put, tmp_path, monkeypatch, recwarn):
    put("open/a.png")
    monkeypatch.chdir(tmp_path)
    assert read_eyes("open/a.png").labels.tolist() == [UNLABELLED]
    assert not recwarn.list


def test_folders_without_images_beside_0_and_1_are_ignored(put, tmp_path):
    put("0/a.png", "1/b.png", "2/notes.txt")
    assert read_eyes(tmp_path).labels.tolist() == [0, 1]


def test_precedence_of_the_readers(put, tmp_path):
    name = "closed/" + mrl(1, 1, 1)
    put(name)
    assert labels_of(read_folder(tmp_path)) == {name: -1}
    assert labels_of(read_class_folders(tmp_path)) == {name: 0}
    assert labels_of(read_eyes(tmp_path)) == {name: 1}
    (tmp_path / "assets.csv").write_text(f"file,label\n{name},0\n")
    assert labels_of(read_eyes(tmp_path)) == {name: 0}
    (tmp_path / "other.csv").write_text(f"file,label\n{name},\n")
    assert labels_of(read_eyes(tmp_path, labels=tmp_path / "other.csv")) == {name: -1}


def test_a_label_file_that_overrides_class_folders_warns(tmp_path, recwarn):
    write_eyes(tmp_path / "eyes" / "open", 2)
    write_eyes(tmp_path / "eyes" / "closed", 1)
    assert (read_eyes(tmp_path / "eyes").labels >= 0).all()
    assert not recwarn.list
    (tmp_path / "eyes" / "assets.csv").write_text("file,label\nopen/000.png,1\n")
    with pytest.warns(UserWarning, match="overrides the folders 'closed', 'open': 2 images in them have no label"):
        eyes = read_eyes(tmp_path / "eyes")
    assert (eyes.labels >= 0).sum() == 1


# -- the shared data --


def test_eyes24_has_the_documented_size():
    eyes = read_eyes(shared("eyes24"))
    sizes = np.unique(np.unique(eyes.groups, return_counts=True)[1], return_counts=True)
    assert eyes.summary() == "eyes24: 4000 images: 2038 open, 1962 closed, 0 unlabelled, in 2346 groups"
    assert eyes.names[0] == "images/000000.jpg"
    assert [column.tolist() for column in sizes] == [[1, 2], [692, 1654]]
    votes = read_votes(shared("eyes24") / "raters.csv")
    assert {name.rsplit("/", 1)[-1] for name in eyes.names} == set(votes)


def test_mrl_has_the_documented_size():
    eyes = read_eyes(shared("mrl"))
    assert len(eyes) == 10577
    assert len(np.unique(eyes.groups)) == 25
    assert set(eyes.labels.tolist()) == {0, 1}
    assert all(name.startswith(f"{group}/") for name, group in zip(eyes.names, eyes.groups, strict=True))
