"""The command merge."""

from __future__ import annotations

import pytest

from classic_eyes.datasets import read_label_table

from ..conftest import main


def test_merge_writes_the_table_and_reports_agreement(tmp_path, capsys):
    (tmp_path / "a.csv").write_text("file,label,group\na.png,1,p\nb.png,0,q\nc.png,1,r\n")
    (tmp_path / "b.csv").write_text('file,label,note\nb.png,1,\n"<script>,\n.png",closed,"say ""hi"""\na.png,open,\n')
    out = tmp_path / "both.csv"
    assert main("merge", tmp_path / "a.csv", tmp_path / "b.csv", "--out", out) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("both label 2 images and agree on 1 (50.0%); Cohen's kappa 0.000\n")
    assert captured.out.splitlines()[-1].split() == ["b.png", "closed", "open"]
    assert "4 images, 1 without a label" in captured.err
    merged = read_label_table(out)
    assert merged.columns == ("file", "label", "group", "note")
    assert merged.rows[-1] == ("<script>,\n.png", "closed", "", 'say "hi"')
    before = out.read_bytes()
    assert main("merge", tmp_path / "a.csv", tmp_path / "b.csv", "--out", out) == 2
    assert out.read_bytes() == before
    assert capsys.readouterr().err.count("\n") == 1
    assert main("merge", tmp_path / "a.csv", tmp_path / "b.csv", "--out", out, "--force", "--prefer", "second") == 0
    assert read_label_table(out).rows[1] == ("b.png", "1", "q", "")
    # The files that were read are unchanged.
    assert (tmp_path / "a.csv").read_text().count("\n") == 4


def test_merge_reports_other_differences_without_control_characters(tmp_path, capsys):
    (tmp_path / "a.csv").write_text("file,label,note\na\x1b[31m.png,1,x\nb.png,1,x\nc.png,,x\n")
    (tmp_path / "b.csv").write_text(
        "file,label,note,unsure\na\x1b[31m.png,0,y\nb.png,,y,1\n".replace("0,y\n", "0,y,\n")
    )
    assert main("merge", tmp_path / "a.csv", tmp_path / "b.csv", "--out", tmp_path / "c.csv") == 0
    captured = capsys.readouterr()
    assert "\x1b" not in captured.out + captured.err
    assert "2 images differ in column 'note'" in captured.err
    assert (
        "1 images are labelled in one file and marked unsure in the other, for example b.png; the label is kept"
        in captured.err
    )
    assert captured.err.count("\n") == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("a.csv", "nothing.csv", "--out", "c.csv"), "'nothing.csv': no such file"),
        (("a.csv", ".", "--out", "c.csv"), "'.' is a folder; name the file itself"),
        (("a.csv", "b.csv", "--out", "c.txt"), "--out 'c.txt' must end in .csv"),
        (("a.csv", "b.csv", "--out", "b.csv", "--force"), "--out 'b.csv' is one of the files that are read"),
        (("none.csv", "none.csv", "--out", "c.csv"), "neither file names an image"),
    ],
)
def test_wrong_arguments_are_one_line(tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    for name, text in (("a", "a.png,1\n"), ("b", "b.png,0\n"), ("none", "")):
        (tmp_path / f"{name}.csv").write_text(f"file,label\n{text}")
    try:
        status = main("merge", *arguments)
    except SystemExit as stop:
        status = stop.code
    error = capsys.readouterr().err
    assert status == 2
    assert message in error
    assert error.count("\n") == 1
    assert (tmp_path / "b.csv").read_text() == "file,label\nb.png,0\n"


def test_files_without_common_labels(tmp_path, capsys):
    (tmp_path / "a.csv").write_text("file,label\na.png,1\n")
    (tmp_path / "b.csv").write_text("file,label\nb.png,0\n")
    assert main("merge", tmp_path / "a.csv", tmp_path / "b.csv", "--out", tmp_path / "c.csv") == 0
    assert capsys.readouterr().out == "both label 0 images\n"


def test_other_separators_and_how_images_were_chosen(tmp_path):
    (tmp_path / "a.csv").write_text("file;label;chosen\na.png;1.0;random\nb.png;;\n")
    (tmp_path / "b.csv").write_text("\ufefffile\tlabel\tchosen\nb.png\tclosed\tpriority\n", encoding="utf-8")
    assert main("merge", tmp_path / "a.csv", tmp_path / "b.csv", "--out", tmp_path / "c.csv") == 0
    written = (tmp_path / "c.csv").read_text()
    assert written == "file,label,chosen\na.png,1.0,random\nb.png,closed,priority\n"


def test_predictions_are_not_merged(tmp_path, capsys):
    (tmp_path / "a.csv").write_text("file,label\na.png,1\n")
    (tmp_path / "p.csv").write_text("file,label,score,error\na.png,1,0.9,\n")
    for first, second in (("a", "p"), ("p", "a")):
        out = tmp_path / "c.csv"
        assert main("merge", tmp_path / f"{first}.csv", tmp_path / f"{second}.csv", "--out", out) == 2
        error = capsys.readouterr().err
        assert "p.csv has the columns score and error: these are predictions, not labels" in error
        assert error.count("\n") == 1
        assert not out.exists()


def test_names_that_are_nearly_the_same_are_not_merged(tmp_path, capsys):
    (tmp_path / "a.csv").write_text("file,label\na.png,1\nb.png,0\n")
    (tmp_path / "b.csv").write_text("file,label\nA.PNG,1\nB.PNG,0\n")
    out = tmp_path / "c.csv"
    assert main("merge", tmp_path / "a.csv", tmp_path / "b.csv", "--out", out, "--force") == 2
    assert (
        "no name in common: of the second 'A.PNG' is not in the first, but 'a.png' is: upper and lower case differ"
        in capsys.readouterr().err
    )
    assert not out.exists()
    # With others in common it is a warning.
    (tmp_path / "b.csv").write_text("file,label\nA.PNG,1\nb.png,0\n")
    assert main("merge", tmp_path / "a.csv", tmp_path / "b.csv", "--out", out) == 0
    assert "warning: 1 names are nearly in both files: of the second 'A.PNG'" in capsys.readouterr().err


def test_two_parts_of_a_folder_are_merged(tmp_path, capsys):
    (tmp_path / "a.csv").write_text("file,label\nleft/1.png,1\n")
    (tmp_path / "b.csv").write_text("file,label\nright/1.png,0\n")
    assert main("merge", tmp_path / "a.csv", tmp_path / "b.csv", "--out", tmp_path / "c.csv") == 0
    assert "warning" not in capsys.readouterr().err
