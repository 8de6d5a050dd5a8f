"""Warnings of what looks like labels and is not used; test_readers.py has the folders that are labels."""

from __future__ import annotations

import pytest

from classic_eyes.datasets import UNLABELLED, read_eyes


@pytest.mark.parametrize(
    ("names", "folders"),
    [
        (["awake/a.png", "sleepy/b.png"], "'awake', 'sleepy'"),
        (["Drowsy/a.png", "Non Drowsy/b.png", "c.png"], "'Drowsy', 'Non Drowsy'"),
        (["people/yes/a.png", "people/no/b.png"], "'people/no', 'people/yes'"),
        (["half_open/a.png", "not_open/b.png"], "'half_open', 'not_open'"),
        (["open_images/a.png", "open_mouth/b.png"], "'open_images', 'open_mouth'"),
        (["0_closed/a.png", "1_open/b.png"], "'0_closed', '1_open'"),
        (["opne/a.png", "clsoed/b.png", "closd/c.png"], "'closd', 'clsoed', 'opne'"),
        (["yawn/a.png", "Open/b.png"], "'yawn'"),
    ],
)
def test_folders_that_look_like_labels_and_are_not_used_warn(put, names, folders):
    top = put(*names)
    with pytest.warns(UserWarning, match="look like labels were not used, and their [123] images") as caught:
        eyes = read_eyes(top)
    (message,) = (str(each.message) for each in caught)
    assert f"have no label: {folders}; recognized are closed, close, shut, open, opened, also with eye" in message
    assert message.endswith("rename the folders, or write an assets.csv (file,label)")
    assert (eyes.labels == UNLABELLED).sum() >= folders.count("'") // 2


def test_many_folders_that_look_like_labels_are_one_line(put):
    top = put(*(f"{k:02}\n/half_open/a.png" for k in range(12)))
    with pytest.warns(UserWarning, match=r"their 12 images .*'09\\n/half_open' and 2 more; recognized") as caught:
        read_eyes(top)
    assert "\n" not in str(caught[0].message)


def test_names_of_images_that_look_like_labels_warn(put, tmp_path, recwarn):
    read_eyes(put("closed_1.png", "x.png", below=tmp_path / "one"))
    read_eyes(put("reopened.png", "disclosed.png", below=tmp_path / "two"))
    assert not recwarn.list
    top = put("p1/closed_1.png", "p2/openEye2.png", below=tmp_path / "three")
    with pytest.warns(UserWarning, match="names of images look like .*'p2/openEye2.png' and 'p1/closed_1.png'; put"):
        assert set(read_eyes(top).labels) == {UNLABELLED}


def test_the_name_of_the_folder_itself_is_no_label(put, tmp_path, recwarn):
    top = put("closed/a.png", "closed/deep/b.png")
    assert read_eyes(tmp_path).labels.tolist() == [0, 0]
    assert not recwarn.list
    with pytest.warns(UserWarning, match="the folder's own name, 'closed', is no label; give the folder that holds it"):
        assert set(read_eyes(top / "closed").labels) == {UNLABELLED}


@pytest.mark.parametrize(
    ("name", "content", "rename"),
    [
        ("labels.csv", "file,label\na.png,1\n", "rename it to assets.csv"),
        ("Assets.CSV", "File;Label\na.png;1\n", "rename it to assets.csv"),
        ("assets.csv.txt", "\ufefflabel\tfile\n1\ta.png\n", "rename it to assets.csv"),
        ("y.csv", "filename,class\na.png,open\n", "after renaming its columns to file and label"),
    ],
)
@pytest.mark.parametrize("codec", ["utf-8", "utf-16"])
def test_a_label_file_of_another_name_warns(put, tmp_path, name, content, rename, codec, recwarn):
    top = put("a.png")
    (tmp_path / name).write_bytes(content.encode(codec))
    with pytest.warns(UserWarning, match=f"'{name}' looks like a label file and was not used; name it") as w:
        read_eyes(top)
    assert f"--labels {top}/{name} (Python" in str(w[0].message)
    assert str(w[0].message).endswith(rename)
    recwarn.clear()
    # One that is used, or beside one that is used, is none.
    (tmp_path / "mine.csv").write_text("file,label\na.png,0\n")
    read_eyes(top, labels=tmp_path / "mine.csv")
    (tmp_path / "mine.csv").rename(tmp_path / "assets.csv")
    read_eyes(top)
    assert not recwarn.list


@pytest.mark.parametrize(
    "content",
    ["file,label,score,error\na.png,1,0.9,\n", "file,r1,r2\na.png,1,0\n", "", "\0\0", "file label", "\x89PNG\r\n,;"],
)
def test_other_files_beside_the_images_do_not_warn(put, tmp_path, content, recwarn):
    (tmp_path / "some.csv").write_text(content)
    (tmp_path / "folder.csv").mkdir()
    read_eyes(put("a.png"))
    assert not recwarn.list


@pytest.mark.parametrize("folder", ["opencv", "OpenCV_crops", "open-face"])
def test_names_of_software_are_no_labels(put, folder):
    read_eyes(put(f"{folder}/a.png"))  # warnings are errors here
