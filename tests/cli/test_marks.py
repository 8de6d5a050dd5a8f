"""``classic-eyes marks``: photographs that are copied and moved by the marks of the page."""

from __future__ import annotations

import os

import pytest

from classic_eyes.cli import marks

from ..conftest import main

MARKS = "file,mark\na.jpg,keep\nsub/b.jpg,reject\nc.jpg,\n"


@pytest.fixture
def wedding(tmp_path, monkeypatch):
    """Four photographs, one of them not in the file of marks."""
    monkeypatch.chdir(tmp_path)
    for name in ("a.jpg", "sub/b.jpg", "c.jpg", "d.jpg"):
        path = tmp_path / "wedding" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
        os.utime(path, (1e9, 1e9))
    (tmp_path / "marks.csv").write_text(MARKS)
    return tmp_path


def below(folder) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_kept_are_copied_and_rejected_are_moved_once(wedding, capsys):
    command = ("marks", "marks.csv", "wedding", "--copy", "kept", "--move", "rejected")
    assert main(*command) == 0
    done = "copied 1 of 1 kept photographs to 'kept'\nmoved 1 of 1 rejected photographs to 'rejected'\n"
    assert capsys.readouterr() == ("", done)
    expected = ["a.jpg", "c.jpg", "d.jpg"], ["a.jpg"], ["sub/b.jpg"]
    assert (below(wedding / "wedding"), below(wedding / "kept"), below(wedding / "rejected")) == expected
    assert (wedding / "kept/a.jpg").read_bytes() == b"a.jpg"
    assert (wedding / "kept/a.jpg").stat().st_mtime == 1e9
    # Again: nothing changes.
    assert main(*command) == 0
    assert capsys.readouterr().err == (
        "copied 0 of 1 kept photographs to 'kept'; 1 was there before\n"
        "moved 0 of 1 rejected photographs to 'rejected'; 1 was there before\n"
    )
    assert (below(wedding / "wedding"), below(wedding / "kept"), below(wedding / "rejected")) == expected


def test_all_that_are_not_rejected(wedding, capsys):
    assert main("marks", "marks.csv", "wedding", "--copy", "kept", "--unmarked") == 0
    assert capsys.readouterr().err == "copied 2 of 2 photographs that are not rejected to 'kept'\n"
    assert below(wedding / "kept") == ["a.jpg", "c.jpg"]


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbffile;mark;note\r\na.jpg;Keep;x\r\n\r\nc.jpg\r\n",
        b"Mark\tFile\rkeep\ta.jpg\r",
        b'mark, file \nkeep,"a.jpg"\n',
    ],
)
def test_files_of_spreadsheets(wedding, content):
    (wedding / "marks.csv").write_bytes(content)
    assert main("marks", "marks.csv", "wedding", "--copy", "kept") == 0
    assert below(wedding / "kept") == ["a.jpg"]


def test_nothing_is_replaced_and_what_is_missing_is_named(wedding, capsys):
    names = ["a.jpg", *(f"gone{k}.jpg" for k in range(4))]
    (wedding / "marks.csv").write_text("file,mark\n" + "".join(f"{name},keep\n" for name in names))
    (wedding / "kept").mkdir()
    (wedding / "kept/a.jpg").write_bytes(b"other")
    assert main("marks", "marks.csv", "wedding", "--copy", "kept") == 1
    assert capsys.readouterr().err.splitlines() == [
        "copied 0 of 5 kept photographs to 'kept'",
        f"classic-eyes: skipped a.jpg: {str(os.path.join('kept', 'a.jpg'))!r} is another file of this name",
        "classic-eyes: skipped gone0.jpg: there is no such file",
        "classic-eyes: skipped gone1.jpg: there is no such file",
        "classic-eyes: skipped 2 more",
    ]
    assert (wedding / "kept/a.jpg").read_bytes() == b"other"


def test_names_that_lead_elsewhere_stay_in_the_folder(wedding):
    """As with several folders, whose photographs are named by their paths."""
    (wedding / "marks.csv").write_text(f"file,mark\n../wedding/a.jpg,keep\n{wedding / 'wedding/c.jpg'},keep\n")
    assert main("marks", "marks.csv", "wedding", "--copy", "kept") == 0
    assert below(wedding / "kept") == ["a.jpg", "c.jpg"]


def test_a_move_to_another_disk_copies_first(wedding, monkeypatch):
    def fail(*_):
        raise OSError("another disk")

    monkeypatch.setattr(marks.os, "rename", fail)
    assert main("marks", "marks.csv", "wedding", "--move", "rejected") == 0
    assert below(wedding / "rejected") == ["sub/b.jpg"]
    assert below(wedding / "wedding") == ["a.jpg", "c.jpg", "d.jpg"]


def test_a_copy_that_fails_leaves_nothing(wedding, monkeypatch, capsys):
    def fail(source, target):
        target.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(marks.shutil, "copy2", fail)
    assert main("marks", "marks.csv", "wedding", "--copy", "kept") == 1
    assert "skipped a.jpg: No space left on device" in capsys.readouterr().err
    assert below(wedding / "kept") == []


@pytest.mark.parametrize(
    ("content", "arguments", "message"),
    [
        (
            MARKS,
            ("wedding",),
            "nothing to do; give --copy DIR for the kept photographs, --move DIR for the rejected ones",
        ),
        (MARKS, ("wedding", "--move", "r", "--unmarked"), "--unmarked says what is copied, but --copy is not given"),
        (MARKS, ("wedding2", "--copy", "kept"), "there is no folder 'wedding2'; name the one that faces read"),
        (MARKS, (".", "--copy", "kept"), "none of the 3 photographs of 'marks.csv', such as 'a.jpg', is in '.'"),
        (MARKS, ("wedding", "--copy", "marks.csv"), "'marks.csv' is no folder; name another one"),
        ("name,label\na.jpg,1\n", ("wedding", "--copy", "kept"), "'marks.csv' has no columns named file and mark"),
        ("", ("wedding", "--copy", "kept"), "'marks.csv' has no columns named file and mark"),
        ("\0\0", ("wedding", "--copy", "kept"), "'marks.csv' has no columns named file and mark"),
        ("file,mark\n", ("wedding", "--copy", "kept"), "'marks.csv' names no photograph"),
        ("file,mark\na.jpg,maybe\n", ("wedding", "--copy", "kept"), "the mark of 'a.jpg' is 'maybe'; allowed is keep"),
    ],
)
def test_wrong_arguments_give_a_one_line_error_and_write_nothing(wedding, capsys, content, arguments, message):
    (wedding / "marks.csv").write_text(content)
    before = below(wedding)
    assert main("marks", "marks.csv", *arguments) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
    assert below(wedding) == before
    assert not (wedding / "kept").exists()
