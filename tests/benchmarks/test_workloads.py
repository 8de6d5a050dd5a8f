"""Data sets and protocols: folds, slices, thinning and raters."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from benchmarks.workloads import folder_workload, parse_protocol, synthetic_workload, train_test_workload
from classic_eyes.datasets import fingerprint, read_eyes
from classic_eyes.errors import DataError, ParameterError

from ..conftest import write_labelled
from .conftest import write_mrl


@pytest.mark.parametrize("text", ["", "vc", "train:a", "train:,test:b", "train:a,test:", "test:b,train:a"])
def test_unknown_protocol_is_refused(text):
    with pytest.raises(ParameterError, match=r"known are cv, leave-people-out and train:PATH,test:PATH"):
        parse_protocol(text)


def test_people_are_left_out_one_at_a_time_and_mrl_names_give_slices(tmp_path):
    work = folder_workload(str(write_mrl(tmp_path / "mrl")), kind="leave-people-out")
    assert work.protocol == "leave-one-person-out over 4 people"
    assert set(work.slices) == {"gender", "glasses", "reflections", "lighting", "sensor"}
    assert set(work.slices["sensor"]) == {"IDS"}
    assert work.of_people
    for train, test in work.folds:
        assert len(set(work.groups[test])) == 1
        assert not set(work.groups[train]) & set(work.groups[test])


def test_people_cannot_be_left_out_where_there_are_none():
    with pytest.raises(ParameterError, match="use cv"):
        synthetic_workload(40, kind="leave-people-out")


def test_thinning_keeps_every_nth_image_of_each_person(tmp_path):
    folder = str(write_mrl(tmp_path / "mrl"))
    work = folder_workload(folder, folds=2, every=5)
    assert work.protocol == (
        "2-fold cross-validation by group, mrl thinned to one image in 5 of each group of more than 5"
    )
    assert {group: (work.groups == group).sum() for group in np.unique(work.groups)} == dict.fromkeys(
        ["s0000", "s0001", "s0002", "s0003"], 3
    )
    whole = read_eyes(folder)
    first = [name for name, group in zip(whole.names, whole.groups, strict=True) if group == "s0000"]
    assert [name for name in work.files if name.startswith("s0000")] == first[::5]
    # A model trained on the whole folder has been trained on this part, too.
    assert fingerprint(whole) in work.fingerprints
    assert work.sha256 != fingerprint(whole)


def test_small_groups_are_not_thinned(tmp_path):
    folder = str(write_mrl(tmp_path / "mrl"))
    work = folder_workload(folder, folds=2, every=12)
    assert work.protocol == "2-fold cross-validation by group"
    assert list(work.files) == list(read_eyes(folder).names)


def test_train_and_test_folder_make_one_fold(tmp_path):
    one, two = write_labelled(tmp_path / "one", 20, random_state=1), write_mrl(tmp_path / "two")
    work = train_test_workload(str(one), str(two))
    assert (work.name, work.protocol) == ("one to two", "trained on one, evaluated on two")
    ((train, test),) = work.folds
    assert (train.tolist(), test.tolist()) == (list(range(20)), list(range(20, 68)))
    assert work.files == tuple(read_eyes(two).names)
    with pytest.raises(DataError, match="two of the data sets"):
        train_test_workload(str(one), str(one))


def test_raters_make_a_slice_and_mark_agreement(tmp_path):
    folder = write_labelled(tmp_path / "eyes", 40)
    eyes = read_eyes(folder)
    votes = {
        name: [int(label), int(label) if number % 4 else 1 - int(label)]
        for number, (name, label) in enumerate(zip(eyes.names, eyes.labels, strict=True))
    }
    work = folder_workload(str(folder), folds=2, votes=votes)
    assert work.agreed.tolist() == [number % 4 != 0 for number in range(40)]
    assert work.slices["raters"].count("all agree") == 30
    assert folder_workload(str(folder), folds=2, votes={"other.png": [1]}).agreed is None


def test_unreadable_file_is_left_out_and_reported(tmp_path):
    folder = write_labelled(tmp_path / "eyes", 20)
    shutil.copy(__file__, folder / "003.png")
    work = folder_workload(str(folder), folds=2)
    assert [name for name, _ in work.failed] == ["003.png"]
    assert len(work.evaluated) == 19


def partly_labelled(folder, chosen):
    """Write 60 eyes of which the first 40 are labelled; those with an even number were chosen in the given way."""
    labels = write_labelled(folder, 60)
    lines = (labels / "assets.csv").read_text().splitlines()[1:41]
    rows = [f"{line},{'random' if k % 2 else chosen}" for k, line in enumerate(lines)]
    (folder / "assets.csv").write_text("\n".join(["file,label,chosen", *rows]) + "\n")
    return str(folder)


def test_images_without_a_label_are_left_out_when_asked_for(tmp_path):
    folder = partly_labelled(tmp_path / "eyes", "")
    with pytest.raises(DataError, match="20 of 60 images of 'eyes' have no label; leave them out with --labelled-only"):
        folder_workload(folder, folds=2)
    work = folder_workload(folder, folds=2, labelled_only=True)
    assert len(work.evaluated) == 40
    assert work.protocol == "2-fold cross-validation by group, of eyes the 40 of 60 images that are labelled"
    whole = str(write_labelled(tmp_path / "whole", 20, random_state=1))
    assert folder_workload(whole, folds=2, labelled_only=True).protocol == "2-fold cross-validation by group"


def test_of_partly_labelled_folders_the_random_part_is_evaluated(tmp_path):
    folder = partly_labelled(tmp_path / "eyes", "priority")
    work = folder_workload(folder, folds=2, labelled_only=True)
    assert work.protocol.endswith("of eyes the 20 of 60 images that are chosen at random for labelling")
    assert [int(name[:3]) % 2 for name in work.files] == [1] * 20
    # For training all labels are used.
    whole = str(write_labelled(tmp_path / "whole", 20, random_state=1))
    assert len(train_test_workload(folder, whole, labelled_only=True).folds[0][0]) == 40
    hard = tmp_path / "eyes" / "assets.csv"
    hard.write_text(hard.read_text().replace("random", "priority"))
    with pytest.raises(DataError, match="chosen by 'priority' and not at random"):
        folder_workload(folder, folds=2, labelled_only=True)
