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
        "\ufefffile\tmark\r\na.jpg\tkeep\r\n".encode("utf-16-le"),
        "\ufefffile\tmark\r\na.jpg\tkeep\r\n".encode("utf-16-be"),
        "file;mark\na.jpg;keep\n".encode("utf-16-le"),
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


def test_file_in_another_encoding_is_refused_before_anything_is_done(wedding, capsys):
    name = "Gruppe_Übung 3.jpg"
    (wedding / "wedding" / name).touch()
    (wedding / "marks.csv").write_bytes(f"file,mark\na.jpg,keep\n{name},keep\n".encode("cp1252"))
    assert main("marks", "marks.csv", "wedding", "--copy", "kept") == 2
    assert capsys.readouterr().err == (
        "classic-eyes: error: 'marks.csv' is not UTF-8: there is no 'Gruppe_\ufffdbung 3.jpg' in 'wedding'; save it as "
        "CSV UTF-8\n"
    )
    assert not (wedding / "kept").exists()
    # A name that is not UTF-8 is no error.
    odd = os.fsdecode(b"\xdcbung.jpg")
    (wedding / "wedding" / odd).touch()
    (wedding / "marks.csv").write_bytes(b"file,mark\n\xdcbung.jpg,keep\n")
    assert main("marks", "marks.csv", "wedding", "--copy", "kept") == 0
    assert below(wedding / "kept") == [odd]


@pytest.mark.parametrize(
    ("folder", "option", "place"),
    [
        ("wedding", "--copy", "wedding/kept"),
        ("wedding", "--move", "wedding/sub/rejected"),
        ("wedding", "--move", "wedding"),
        ("wedding", "--copy", "link/kept"),
        (".", "--copy", "wedding/kept"),
    ],
)
def test_folders_that_are_read_are_refused(wedding, capsys, folder, option, place):
    (wedding / "link").symlink_to("wedding")
    if folder == ".":  # as with several folders
        (wedding / "marks.csv").write_text("file,mark\nwedding/a.jpg,keep\n")
    before = below(wedding)
    assert main("marks", "marks.csv", folder, option, place) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"classic-eyes: error: {option} {place!r} is in ")
    assert "which is searched for photographs; the next run would read the photographs there; name a folder" in error
    assert below(wedding) == before


def test_folder_beside_several_that_were_read(wedding, capsys):
    (wedding / "marks.csv").write_text("file,mark\nwedding/a.jpg,keep\n")
    assert main("marks", "marks.csv", ".", "--copy", "kept") == 0
    assert capsys.readouterr().err == (
        "classic-eyes: warning: --copy 'kept' is in '.': faces on '.' would read the photographs there too\n"
        "copied 1 of 1 kept photographs to 'kept'\n"
    )
    assert below(wedding / "kept") == ["wedding/a.jpg"]


def test_changed_marks(wedding, capsys):
    """A rejected photograph that is kept now comes back; a copy that is rejected now is named."""
    command = ("marks", "marks.csv", "wedding", "--copy", "kept", "--move", "rejected")
    assert main(*command) == 0
    (wedding / "marks.csv").write_text("file,mark\na.jpg,reject\nsub/b.jpg,keep\nc.jpg,\n")
    capsys.readouterr()
    assert main(*command) == 0
    assert capsys.readouterr().err == (
        "moved 1 of 1 photographs that are kept now to 'wedding'\n"
        "copied 1 of 1 kept photographs to 'kept'\n"
        "classic-eyes: warning: 1 photograph in 'kept' is rejected now, such as 'a.jpg'; delete it there\n"
        "moved 1 of 1 rejected photographs to 'rejected'\n"
    )
    assert below(wedding / "wedding") == ["c.jpg", "d.jpg", "sub/b.jpg"]
    assert below(wedding / "kept") == ["a.jpg", "sub/b.jpg"]
    assert below(wedding / "rejected") == ["a.jpg"]


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
