"""Readers of data sets: what is found, which label it gets, and what is refused with which words."""

import os
import pickle
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classic_eyes.datasets import (
    UNLABELLED,
    EyeSet,
    concatenate,
    find_images,
    fingerprint,
    group_folds,
    load_labelled_csv,
    mrl_fields,
    read_class_folders,
    read_eyes,
    read_folder,
    read_mrl,
    read_votes,
)
from classic_eyes.errors import DataError, ParameterError

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data are not beside this checkout")
PNG = cv2.imencode(".png", np.zeros((8, 8), np.uint8))[1].tobytes()


@pytest.fixture
def put(tmp_path):
    """Write empty-looking images, each with its name in it so that no two files are equal."""

    def write(*names, below=tmp_path):
        for name in names:
            path = below / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(PNG + path.name.encode("utf-8", "surrogateescape"))
        return below

    return write


@pytest.fixture
def label(put, tmp_path):
    """Write a.png, b.png and images/c.png and a label file with these lines."""

    def write(*lines, name="assets.csv", end="\n"):
        put("a.png", "b.png", "images/c.png")
        (tmp_path / name).write_bytes(end.join(lines).encode("utf-8", "surrogateescape"))
        return tmp_path

    return write


def labels_of(eyes):
    return dict(zip(eyes.names, eyes.labels.tolist(), strict=True))


def groups_of(eyes):
    return dict(zip(eyes.names, eyes.groups.tolist(), strict=True))


# EyeSet


def test_an_eye_set_is_frozen_and_keeps_its_own_arrays():
    labels = np.array([1, 0, -1])
    eyes = EyeSet(["x/a", "x/b", "x/c"], labels, [1, 2, 2], ["a", "b", "c"])
    labels[:] = 0
    assert eyes.labels.tolist() == [1, 0, -1]
    assert eyes.labels.dtype == np.int8
    assert eyes.groups.tolist() == ["1", "2", "2"]
    assert (eyes.paths, eyes.names) == (("x/a", "x/b", "x/c"), ("a", "b", "c"))
    for array in (eyes.labels, eyes.groups):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = array[1]
    with pytest.raises(AttributeError):
        eyes.source = "y"
    again = pickle.loads(pickle.dumps(eyes))
    assert labels_of(again) == labels_of(eyes)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"labels": [1]}, r"one length; got .*'labels': 1"),
        ({"groups": ["a"] * 3}, r"one length; got .*'groups': 3"),
        ({"names": ()}, r"one length; got .*'names': 0"),
        ({"labels": [1, 2]}, r"labels holds .*2.*; allowed are 1 open, 0 closed and -1 unknown"),
        ({"labels": [0.5, 1]}, r"labels holds .*0.5"),
        ({"labels": [1, 257]}, r"labels holds .*257"),
    ],
)
def test_an_eye_set_that_does_not_fit_together_is_refused(change, reason):
    good = {"paths": ["a", "b"], "labels": [1, 0], "groups": ["a", "b"], "names": ["a", "b"]}
    with pytest.raises(ParameterError, match=reason):
        EyeSet(**good | change)


@pytest.mark.parametrize(
    ("index", "names"),
    [([2, 0], ("c", "a")), ([True, False, True], ("a", "c")), ([], ()), (np.array([-1]), ("c",)), (slice(2), None)],
)
def test_take_follows_the_index(index, names):
    eyes = EyeSet(["x/a", "x/b", "x/c"], [1, 0, -1], ["g", "h", "h"], ["a", "b", "c"], "src")
    if names is None:
        index, names = range(2), ("a", "b")
    part = eyes.take(index)
    assert part.names == names
    assert part.paths == tuple(f"x/{name}" for name in names)
    assert labels_of(part) == {name: labels_of(eyes)[name] for name in names}
    assert groups_of(part) == {name: groups_of(eyes)[name] for name in names}
    assert part.source == "src"


def test_summary_counts():
    eyes = EyeSet(["a", "b", "c", "d"], [1, 0, -1, 1], ["g", "h", "h", "g"], ["a", "b", "c", "d"], "src")
    assert eyes.summary() == "src: 4 images: 2 open, 1 closed, 1 unlabelled, in 2 groups"


# Finding


def test_images_of_all_levels_in_order_of_their_names(put):
    top = put("b.PNG", "a.jpeg", "z/y/x.Tif", "z/a.bmp", "z.png", "note.txt", "noending", "B.png")
    found = find_images(top)
    assert [name for _, name in found] == ["B.png", "a.jpeg", "b.PNG", "z.png", "z/a.bmp", "z/y/x.Tif"]
    for path, name in found:
        assert Path(path) == top / name
    assert find_images(str(top) + os.sep) == found


def test_hidden_files_and_folders_are_left_out_but_a_hidden_top_is_not(put, tmp_path):
    put(".h/a.png", ".h/.b.png", ".h/.c/d.png")
    assert [name for _, name in find_images(tmp_path / ".h")] == ["a.png"]
    with pytest.raises(DataError, match="no images"):
        find_images(tmp_path)


def test_links_are_followed_once_and_loops_end(put, tmp_path):
    outside = put("o.png", below=tmp_path / "outside")
    top = put("real/a.png", below=tmp_path / "top")
    (top / "real" / "up").symlink_to(top)
    (top / "again").symlink_to(top / "real")
    (top / "link").symlink_to(outside)
    (top / "link2").symlink_to(outside)
    (outside / "back").symlink_to(top)
    (top / "file.png").symlink_to(outside / "o.png")
    assert [name for _, name in find_images(top)] == ["file.png", "link/o.png", "real/a.png"]


def test_what_cannot_be_read_is_still_listed_and_a_folder_of_such_a_name_too(put, tmp_path):
    put("folder.png/a.png")
    (tmp_path / "broken.png").symlink_to("nowhere")
    (tmp_path / "loop.png").symlink_to("loop.png")
    os.mkfifo(tmp_path / "pipe.png")
    assert [name for _, name in find_images(tmp_path)] == [
        "broken.png",
        "folder.png",
        "folder.png/a.png",
        "loop.png",
        "pipe.png",
    ]


def test_a_single_image_gives_itself(put, monkeypatch):
    monkeypatch.chdir(put("a.dat"))
    assert find_images("a.dat") == [("a.dat", "a.dat")]
    assert labels_of(read_eyes("a.dat")) == {"a.dat": UNLABELLED}


def test_names_that_are_not_utf8_are_found(put, tmp_path):
    name = os.fsdecode(b"\xff\xfe.png")
    try:
        put(name)
    except OSError:
        pytest.skip("the file system refuses this name")
    assert find_images(tmp_path) == [(os.path.join(tmp_path, name), name)]
    eyes = read_eyes(tmp_path)
    assert eyes.groups.tolist() == [name]
    assert len(fingerprint(eyes)) == 64


def test_a_missing_folder_and_one_without_images_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"nowhere': no such folder or image"):
        find_images(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"no images in this folder; endings looked for: .*\.jpg.* \.png"):
        find_images(tmp_path)


def test_a_folder_that_cannot_be_read_is_told_not_skipped(put, tmp_path, monkeypatch):
    put("a.png", "locked/b.png")
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(DataError, match=r"locked': cannot read this folder \(Permission denied\)"):
        find_images(tmp_path)


# assets.csv


def test_assets_csv_gives_labels_and_groups(label):
    eyes = read_eyes(label("file,label,group", "b.png,0,p1", "c.png,1,p1", "a.png,,"))
    assert eyes.names == ("a.png", "b.png", "images/c.png")
    assert labels_of(eyes) == {"a.png": -1, "b.png": 0, "images/c.png": 1}
    assert groups_of(eyes) == {"a.png": "a.png", "b.png": "p1", "images/c.png": "p1"}
    assert all(os.path.isfile(path) for path in eyes.paths)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0", 0), ("1", 1), ("open", 1), ("closed", 0), (" Open ", 1), ("CLOSED", 0), ("", -1), ("  ", -1)],
)
def test_every_spelling_of_a_label(label, text, expected):
    assert labels_of(read_eyes(label("file,label", f"a.png,{text}")))["a.png"] == expected


def test_images_that_the_csv_does_not_name_are_unlabelled_and_their_own_group(label):
    eyes = read_eyes(label("file,label", "a.png,1"))
    assert labels_of(eyes) == {"a.png": 1, "b.png": -1, "images/c.png": -1}
    assert groups_of(eyes) == {name: name for name in eyes.names}


@pytest.mark.parametrize(
    "lines",
    [
        ("\ufefffile,label", "a.png,1"),
        ("label,note,file", "1,hm,a.png"),
        (" File , LABEL", "", "a.png,1", "", ""),
        ('"file","label"', '"a.png","1"'),
        ("file,label,note", 'a.png,1,"two\nlines, one field"'),
        ("file,label", "./a.png,1"),
        ("file,label", "images/../a.png,1"),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_harmless_varieties_of_csv(label, lines, end):
    assert labels_of(read_eyes(label(*lines, end=end)))["a.png"] == 1


def test_beside_the_csv_comes_before_images(label, put):
    put("images/a.png")
    eyes = read_eyes(label("file,label", "a.png,1", "images/a.png,0"))
    assert labels_of(eyes) == {"a.png": 1, "b.png": -1, "images/a.png": 0, "images/c.png": -1}


def test_a_file_with_another_ending_counts_if_it_is_named(label, put):
    put("eye.dat", "other.dat")
    assert "other.dat" not in labels_of(eyes := read_eyes(label("file,label", "eye.dat,open")))
    assert labels_of(eyes)["eye.dat"] == 1


def test_another_csv_elsewhere_is_relative_to_the_folder(label, tmp_path_factory):
    top = label("file,label", "a.png,1")
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "mine.csv"
    elsewhere.write_text("file,label\nc.png,closed\n")
    eyes = read_eyes(top, labels=elsewhere)
    assert labels_of(eyes) == {"a.png": -1, "b.png": -1, "images/c.png": 0}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("a.png,opne", r"label 'opne' is not 0, 1, open, closed or empty"),
        ("a.png,2", r"label '2' is not"),
        ("a.png,1.0", r"label '1.0' is not"),
        ("a.png,-1", r"label '-1' is not"),
        ("x.png,1", r"file 'x.png' is not in the folder, nor in its images/"),
        ("A.PNG,1", r"file 'A.PNG' is not in the folder"),
        ("images,1", r"file 'images' is not in the folder"),
        ("b.png,1", r"file 'b.png' is already on line 2"),
        ("./b.png,1", r"file './b.png' is already on line 2"),
        ("../a.png,1", r"file '../a.png' leaves the folder"),
        ("images/../../a.png,1", r"file 'images/../../a.png' leaves the folder"),
        ("/a.png,1", r"file '/a.png' leaves the folder"),
        (",1", r"the file name is empty"),
        ("a.png", r"1 fields; the header has 2"),
        ("a.png,1,g", r"3 fields; the header has 2"),
        ("a\0.png,1", r"file 'a\\x00.png' is not in the folder"),
    ],
)
def test_a_wrong_line_is_named(label, line, reason):
    top = label("file,label", "b.png,0", "", line, "c.png,1")
    with pytest.raises(DataError, match=rf"^assets.csv, line 4: {reason}"):
        read_eyes(top)


def test_lines_are_counted_as_an_editor_shows_them(label):
    top = label("file,label,note", 'a.png,1,"one\ntwo\nthree"', "", "b.png,x,", 'c.png,y,"\n"')
    with pytest.raises(DataError, match=r"^assets.csv, line 6: label 'x' [^;]*; line 7: label 'y' [^;]*$"):
        read_eyes(top)


def test_up_to_ten_wrong_lines_are_listed(label):
    ten = ["file,label"] + [f"x{number}.png,1" for number in range(10)]
    with pytest.raises(DataError) as caught:
        read_eyes(label(*ten))
    assert str(caught.value).count("line ") == 10
    assert "more" not in str(caught.value)
    with pytest.raises(DataError, match=r"line 11: [^;]*; and 1 more$"):
        read_eyes(label(*ten, "y,1"))
    with pytest.raises(DataError, match=r"line 11: [^;]*; and 3 more$") as caught:
        read_eyes(label(*ten, "y,1", "y,1", "y,1"))
    assert str(caught.value).count("line ") == 10
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (
            ("name,label", "a.png,1"),
            r"^assets.csv, line 1: no column 'file' in the header 'name,label'; needed are file,label",
        ),
        (("file;label", "a.png;1"), r"line 1: no column 'file' in the header 'file;label'; .*with commas"),
        (("", "file,group", "a.png,1"), r"line 2: no column 'label'"),
        (("file,label,label", "a.png,1,0"), r"line 1: the column 'label' is there twice"),
        (("file,label,group,Group", "a.png,1,x,y"), r"line 1: the column 'group' is there twice"),
        (("file,label",), r"^assets.csv: a header but no rows"),
        (("file,label", "", ""), r"a header but no rows"),
        (("",), r"^assets.csv: empty file"),
        (("", "", ""), r"^assets.csv: no header; the first line names the columns file,label"),
        (("file,label", "a.png,1", 'b.png,"1'), r"^assets.csv, line 3: not CSV \(unexpected end of data\)"),
        (("file,label", "a.png,1", "b\udcff.png,1"), r"^assets.csv, line 3: not UTF-8; save the file as UTF-8"),
    ],
)
def test_a_file_that_is_not_a_label_file_is_refused(label, lines, reason):
    with pytest.raises(DataError, match=reason):
        read_eyes(label(*lines))


def test_labels_need_their_file_and_a_folder(label):
    top = label("file,label", "a.png,1")
    with pytest.raises(DataError, match=r"^none.csv: no such file$"):
        load_labelled_csv(top, top / "none.csv")
    with pytest.raises(DataError, match=r"a.png' is not a folder; a label file goes with the folder"):
        read_eyes(top / "a.png", labels=top / "assets.csv")


NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/\\"), min_size=1, max_size=12)


@settings(max_examples=30, deadline=None)
@given(
    rows=st.lists(st.tuples(NAMES, st.sampled_from(["0", "1", ""])), min_size=1, max_size=8, unique_by=lambda r: r[0])
)
def test_whatever_python_writes_as_csv_is_read_back(rows, tmp_path_factory):
    import csv

    top = tmp_path_factory.mktemp("csv")
    with (top / "assets.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "label"])
        for name, text in rows:
            (top / f"_{name}.png").write_bytes(PNG)
            writer.writerow([f"_{name}.png", text])
    assert labels_of(read_eyes(top)) == {f"_{name}.png": int(text or -1) for name, text in rows}


# MRL


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
def test_an_mrl_tree_is_read_from_its_names_wherever_they_lie(put, folders):
    first, second = folders[0] + mrl(1, 7, 1), folders[1] + mrl(2, 7, 0)
    top = put(first, second)
    for read in (read_eyes, read_mrl):
        eyes = read(top)
        assert labels_of(eyes) == {first: 1, second: 0}
        assert groups_of(eyes) == {first: "s0001", second: "s0002"}


def test_a_mix_of_names_is_refused_not_guessed(put):
    top = put(mrl(1, 1, 1), *(f"x{number:02}.png" for number in range(12)))
    for read in (read_eyes, read_mrl):
        with pytest.raises(DataError, match=r"12 of 13 images have no MRL name .*'x00.png'.*'x09.png'; and 2 more"):
            read(top)


# One folder a class


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
    ],
)
def test_class_folders(put, names, labels):
    top = put(*names)
    for read in (read_eyes, read_class_folders):
        eyes = read(top)
        assert eyes.labels.tolist() == labels
        assert eyes.names == tuple(sorted(names))
        assert groups_of(eyes) == {name: name for name in names}


@pytest.mark.parametrize(
    "names",
    [
        ["0/a.png", "1/b.png", "2/c.png"],
        ["opened/a.png", "close/b.png"],
        ["train/open/a.png", "train/closed/b.png"],
        ["open_1.png", "closed_1.png"],
        ["00/a.png", "01/b.png"],
    ],
)
def test_what_only_looks_like_class_folders_stays_unlabelled(put, names):
    top = put(*names)
    assert set(read_eyes(top).labels.tolist()) == {UNLABELLED}
    with pytest.raises(DataError, match=r"no class folders; directly in it open and closed, or 1 and 0 alone"):
        read_class_folders(top)


def test_empty_folders_beside_0_and_1_do_not_count(put, tmp_path):
    put("0/a.png", "1/b.png", "2/notes.txt")
    assert read_eyes(tmp_path).labels.tolist() == [0, 1]


def test_the_order_of_the_kinds(put, tmp_path):
    name = "closed/" + mrl(1, 1, 1)
    put(name)
    assert labels_of(read_folder(tmp_path)) == {name: -1}
    assert labels_of(read_class_folders(tmp_path)) == {name: 0}
    assert labels_of(read_eyes(tmp_path)) == {name: 1}
    (tmp_path / "assets.csv").write_text(f"file,label\n{name},0\n")
    assert labels_of(read_eyes(tmp_path)) == {name: 0}
    (tmp_path / "other.csv").write_text(f"file,label\n{name},\n")
    assert labels_of(read_eyes(tmp_path, labels=tmp_path / "other.csv")) == {name: -1}


# Votes


def test_votes_leave_out_who_left_a_image_out(tmp_path):
    path = tmp_path / "raters.csv"
    path.write_text("file,r1,r2,r3\na.png,1,,closed\nb.png,,,\n")
    assert read_votes(path) == {"a.png": [1, 0], "b.png": []}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("file\na.png\n", r"^r.csv: no column beside file"),
        ("r1\n1\n", r"^r.csv, line 1: no column 'file'"),
        ("file,r1\na,1\na,1\n,1\n", r"^r.csv, line 3: file 'a' is empty or there twice; line 4: file ''"),
        ("file,r1\na,2\nb\n", r"^r.csv, line 2: r1 '2' is not 0, 1, open, closed or empty; line 3: 1 fields"),
    ],
)
def test_votes_that_are_wrong_are_refused(tmp_path, text, reason):
    path = tmp_path / "r.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=reason):
        read_votes(path)


# Joining, splitting, fingerprint


def test_joining_keeps_groups_apart(put, tmp_path):
    sets = [read_eyes(put("a.png", "b.png", below=tmp_path / folder)) for folder in ("one", "two")]
    both = concatenate(sets)
    assert both.names == ("a.png", "b.png", "a.png", "b.png")
    assert both.groups.tolist() == ["0/a.png", "0/b.png", "1/a.png", "1/b.png"]
    assert both.paths == sets[0].paths + sets[1].paths
    assert both.source == "one + two"
    assert concatenate(sets[:1]) is sets[0]


def test_joining_nothing_or_the_same_file_twice_is_refused(put, tmp_path):
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
def test_folds_never_share_a_group_and_test_everything_once(rows, n_splits):
    labels, groups = (np.array(column) for column in zip(*rows, strict=True))
    folds = group_folds(labels, groups, n_splits)
    assert len(folds) == n_splits
    for train, test in folds:
        assert not set(groups[train]) & set(groups[test])
        assert sorted([*train, *test]) == list(range(len(labels)))
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(len(labels)))


def test_folds_follow_the_seed_and_balance_the_labels():
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
def test_folds_that_cannot_be_are_refused(labels, groups, n_splits, reason):
    with pytest.raises(ParameterError, match=reason):
        group_folds(labels, groups, n_splits)


def test_the_fingerprint_depends_on_nothing_but_the_data(put, tmp_path):
    put("a.png", "b.png", "open/c.png", below=tmp_path / "here")
    shutil.copytree(tmp_path / "here", tmp_path / "elsewhere")
    eyes = read_eyes(tmp_path / "here")
    print_here = fingerprint(eyes)
    assert len(print_here) == 64
    assert fingerprint(read_eyes(tmp_path / "elsewhere")) == print_here
    assert fingerprint(eyes.take([2, 0, 1])) == print_here


@pytest.mark.parametrize("field", ["labels", "groups", "names"])
def test_the_fingerprint_sees_every_field(put, field):
    eyes = read_eyes(put("a.png", "b.png"))
    fields = {name: list(getattr(eyes, name)) for name in ("paths", "labels", "groups", "names")}
    fields[field][1] = {"labels": 1, "groups": "g", "names": "c.png"}[field]
    assert fingerprint(EyeSet(**fields)) != fingerprint(eyes)


def test_the_fingerprint_sees_the_contents_and_needs_every_file(put):
    top = put("a.png", "b.png")
    eyes = read_eyes(top)
    before = fingerprint(eyes)
    (top / "b.png").write_bytes(PNG)
    assert fingerprint(eyes) != before
    (top / "b.png").unlink()
    with pytest.raises(DataError, match=r"b.png': no such file; a fingerprint needs every file"):
        fingerprint(eyes)


# The shared data


@needs_shared
def test_eyes24_is_read_as_documented():
    eyes = read_eyes(SHARED / "eyes24")
    sizes = np.unique(np.unique(eyes.groups, return_counts=True)[1], return_counts=True)
    assert eyes.summary() == "eyes24: 4000 images: 2038 open, 1962 closed, 0 unlabelled, in 2346 groups"
    assert eyes.names[0] == "images/000000.jpg"
    assert [column.tolist() for column in sizes] == [[1, 2], [692, 1654]]
    votes = read_votes(SHARED / "eyes24" / "raters.csv")
    assert {name.rsplit("/", 1)[-1] for name in eyes.names} == set(votes)


@needs_shared
def test_mrl_is_read_as_documented():
    eyes = read_eyes(SHARED / "mrl")
    assert len(eyes) == 10577
    assert len(np.unique(eyes.groups)) == 25
    assert set(eyes.labels.tolist()) == {0, 1}
    assert all(name.startswith(f"{group}/") for name, group in zip(eyes.names, eyes.groups, strict=True))
