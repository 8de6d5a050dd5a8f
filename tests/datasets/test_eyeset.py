"""Eye sets: what they hold, joining, splitting by group, fingerprints."""

from __future__ import annotations

import pickle
import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classic_eyes.datasets import EyeSet, concatenate, fingerprint, group_folds, read_eyes
from classic_eyes.errors import DataError, ParameterError

from ..conftest import PNG
from .conftest import groups_of, labels_of


def test_eye_set_is_frozen_and_copies_its_arrays():
    labels = np.array([1, 0, -1])
    eyes = EyeSet(["x/a", "x/b", "x/c"], labels, [1, 2, 2], ["a", "b", "c"])
    labels[:] = 0
    assert eyes.labels.tolist() == [1, 0, -1]
    assert eyes.labels.dtype == np.int8
    assert eyes.groups.tolist() == ["1", "2", "2"]
    assert (eyes.paths, eyes.names) == (("x/a", "x/b", "x/c"), ("a", "b", "c"))
    assert eyes.chosen.tolist() == ["", "", ""]
    assert not eyes.predicted
    for array in (eyes.labels, eyes.groups, eyes.chosen):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = array[1]
    with pytest.raises(AttributeError):
        eyes.source = "y"
    again = pickle.loads(pickle.dumps(eyes))
    assert labels_of(again) == labels_of(eyes)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"labels": [1]}, r"lengths .*'labels': 1.*; allowed is one length"),
        ({"groups": ["a"] * 3}, r"lengths .*'groups': 3.*; allowed is one length"),
        ({"names": ()}, r"lengths .*'names': 0.*; allowed is one length"),
        ({"chosen": ["random"]}, r"lengths .*'chosen': 1.*; allowed is one length"),
        ({"labels": [1, 2]}, r"labels holds .*2.*; allowed are 1 open, 0 closed and -1 unknown"),
        ({"labels": [0.5, 1]}, r"labels holds .*0.5"),
        ({"labels": [1, 257]}, r"labels holds .*257"),
    ],
)
def test_inconsistent_eye_set_is_refused(change, reason):
    good = {"paths": ["a", "b"], "labels": [1, 0], "groups": ["a", "b"], "names": ["a", "b"]}
    with pytest.raises(ParameterError, match=reason):
        EyeSet(**good | change)


@pytest.mark.parametrize(
    ("index", "names"),
    [([2, 0], ("c", "a")), ([True, False, True], ("a", "c")), ([], ()), (np.array([-1]), ("c",)), (slice(2), None)],
)
def test_take_returns_the_rows_of_the_index(index, names):
    eyes = EyeSet(["x/a", "x/b", "x/c"], [1, 0, -1], ["g", "h", "h"], ["a", "b", "c"], "src")
    if names is None:
        index, names = range(2), ("a", "b")
    part = eyes.take(index)
    assert part.names == names
    assert part.paths == tuple(f"x/{name}" for name in names)
    assert labels_of(part) == {name: labels_of(eyes)[name] for name in names}
    assert groups_of(part) == {name: groups_of(eyes)[name] for name in names}
    assert part.source == "src"


def test_how_images_were_chosen_and_who_labelled_them_stay_with_them():
    how = {"chosen": ["random", "", "priority"], "predicted": True}
    eyes = EyeSet(["x/a", "x/b", "x/c"], [1, 0, -1], ["g", "h", "h"], ["a", "b", "c"], **how)
    assert eyes.take([2, 0]).chosen.tolist() == ["priority", "random"]
    assert eyes.take([]).chosen.tolist() == []
    assert eyes.take([1]).predicted
    other = EyeSet(["y/a"], [1], ["g"], ["a"])
    both = concatenate([other, eyes])
    assert both.chosen.tolist() == ["", "random", "", "priority"]
    assert both.predicted
    assert not concatenate([other, EyeSet(["z/a"], [1], ["g"], ["a"])]).predicted


def test_summary():
    eyes = EyeSet(["a", "b", "c", "d"], [1, 0, -1, 1], ["g", "h", "h", "g"], ["a", "b", "c", "d"], "src")
    assert eyes.summary() == "src: 4 images: 2 open, 1 closed, 1 unlabelled, in 2 groups"


def test_concatenate_keeps_groups_apart(put, tmp_path):
    sets = [read_eyes(put("a.png", "b.png", below=tmp_path / folder)) for folder in ("one", "two")]
    both = concatenate(sets)
    assert both.names == ("a.png", "b.png", "a.png", "b.png")
    assert both.groups.tolist() == ["0/a.png", "0/b.png", "1/a.png", "1/b.png"]
    assert both.paths == sets[0].paths + sets[1].paths
    assert both.source == "one + two"
    assert concatenate(sets[:1]) is sets[0]


def test_concatenate_refuses_no_sets_and_repeated_files(put, tmp_path):
    put("sub/a.png")
    with pytest.raises(ParameterError, match="sets is empty"):
        concatenate([])
    with pytest.raises(DataError, match=r"a.png' is in two of the data sets; give each folder once"):
        concatenate([read_eyes(tmp_path), read_eyes(tmp_path / "sub")])


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 1), st.integers(0, 9)), min_size=30, max_size=60).filter(
        lambda rows: len({group for _, group in rows}) >= 4 and 4 < sum(label for label, _ in rows) < len(rows) - 4
    ),
    st.integers(2, 4),
)
def test_folds_split_no_group_and_test_every_image_once(rows, n_splits):
    labels, groups = (np.array(column) for column in zip(*rows, strict=True))
    folds = group_folds(labels, groups, n_splits)
    assert len(folds) == n_splits
    for train, test in folds:
        assert not set(groups[train]) & set(groups[test])
        assert sorted([*train, *test]) == list(range(len(labels)))
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(len(labels)))


def test_folds_depend_on_the_seed_and_are_stratified():
    labels, groups = np.arange(200) % 2, np.arange(200) // 4
    tests = {seed: [test.tolist() for _, test in group_folds(labels, groups, random_state=seed)] for seed in (0, 1)}
    assert tests[0] == [test.tolist() for _, test in group_folds(labels, groups)]
    assert tests[0] != tests[1]
    assert all(labels[test].mean() == 0.5 for test in tests[0])


@pytest.mark.parametrize(
    ("labels", "groups", "n_splits", "reason"),
    [
        ([0, 1] * 4, ["a", "b"] * 4, 3, r"n_splits is 3, but there are 2 groups; at most 2 folds are possible"),
        ([0, 1], ["a", "b"], 2, r"n_splits is 2, but no label has more than 1 images"),
        ([0, 1], ["a", "b"], 1, r"n_splits is 1; allowed is an integer of at least 2"),
        ([0, 1], ["a", "b"], 2.0, r"n_splits is 2.0"),
        ([0, 1], ["a", "b"], True, r"n_splits is True"),
        ([0, 1], ["a"], 2, r"labels has shape \(2,\) and groups \(1,\)"),
        ([], [], 2, r"labels has shape \(0,\)"),
    ],
)
def test_group_folds_refuses_other_arguments(labels, groups, n_splits, reason):
    with pytest.raises(ParameterError, match=reason):
        group_folds(labels, groups, n_splits)


def test_fingerprint_ignores_order_and_location(put, tmp_path):
    put("a.png", "b.png", "open/c.png", below=tmp_path / "here")
    shutil.copytree(tmp_path / "here", tmp_path / "elsewhere")
    eyes = read_eyes(tmp_path / "here")
    expected = fingerprint(eyes)
    assert len(expected) == 64
    assert fingerprint(read_eyes(tmp_path / "elsewhere")) == expected
    assert fingerprint(eyes.take([2, 0, 1])) == expected


@pytest.mark.parametrize("field", ["labels", "groups", "names"])
def test_fingerprint_depends_on_every_field(put, field):
    eyes = read_eyes(put("a.png", "b.png"))
    fields = {name: list(getattr(eyes, name)) for name in ("paths", "labels", "groups", "names")}
    fields[field][1] = {"labels": 1, "groups": "g", "names": "c.png"}[field]
    assert fingerprint(EyeSet(**fields)) != fingerprint(eyes)


def test_fingerprint_depends_on_the_content_and_needs_every_file(put):
    top = put("a.png", "b.png")
    eyes = read_eyes(top)
    before = fingerprint(eyes)
    (top / "b.png").write_bytes(PNG)
    assert fingerprint(eyes) != before
    (top / "b.png").unlink()
    with pytest.raises(DataError, match=r"b.png': no such file; a fingerprint needs every file"):
        fingerprint(eyes)
