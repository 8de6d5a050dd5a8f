"""Label files grow and lose nothing: every column, every row, every name."""

from __future__ import annotations

import csv
import io

import pytest
from classic_eyes.conftest import write_eyes
from hypothesis import given
from hypothesis import strategies as st

from classic_eyes import cli
from classic_eyes._utils.writing import csv_text
from classic_eyes.datasets import LabelTable, image_key, merge_tables, read_eyes, read_label_table, write_label_table
from classic_eyes.errors import DataError, ParameterError


def main(*arguments: object) -> int:
    return cli.main([str(argument) for argument in arguments])


def table(*rows: tuple[str, ...], columns: tuple[str, ...] = ("file", "label")) -> LabelTable:
    return LabelTable(columns, rows)


# -- merging, in closed form --


def test_the_kappa_of_two_labellers_is_that_of_cohen():
    # 20 both yes, 15 both no, 5 and 10 apart: kappa .4, the example in every textbook.
    said = [(1, 1)] * 20 + [(1, 0)] * 5 + [(0, 1)] * 10 + [(0, 0)] * 15
    ours = table(*((f"{k}.png", str(a)) for k, (a, _) in enumerate(said)))
    theirs = table(*((f"{k}.png", str(b)) for k, (_, b) in enumerate(said)))
    merged = merge_tables(ours, theirs)
    assert (merged.both, merged.agreed) == (50, 35)
    assert merged.kappa == pytest.approx(0.4)
    assert [conflict[1:] for conflict in merged.conflicts] == [(1, 0)] * 5 + [(0, 1)] * 10


@pytest.mark.parametrize(("prefer", "kept"), [("neither", ""), ("first", "open"), ("second", "0")])
def test_a_conflict_is_settled_as_asked(prefer, kept):
    merged = merge_tables(table(("a.png", "open")), table(("a.png", "0")), prefer=prefer)
    assert merged.table.rows == (("a.png", kept),)
    assert merged.conflicts == (("a.png", 1, 0),)


def test_words_and_digits_are_the_same_label_and_the_first_spelling_stays():
    merged = merge_tables(table(("a.png", "Open")), table(("a.png", "1")))
    assert merged.conflicts == ()
    assert merged.table.rows == (("a.png", "Open"),)


def test_empty_fields_are_filled_and_all_columns_survive():
    ours = table(("a.png", "1", ""), ("b.png", "", "left"), columns=("file", "label", "Camera"))
    theirs = table(("x", "b.png", "0", "p1"), ("y", "c.png", "1", "p2"), columns=("note", "file", "label", "group"))
    merged = merge_tables(ours, theirs).table
    assert merged.columns == ("file", "label", "Camera", "note", "group")
    assert merged.rows == (
        ("a.png", "1", "", "", ""),
        ("b.png", "0", "left", "x", "p1"),
        ("c.png", "1", "", "y", "p2"),
    )


def test_other_differences_are_named_and_the_first_is_kept():
    columns = ("file", "label", "group")
    merged = merge_tables(table(("a.png", "1", "p"), columns=columns), table(("a.png", "1", "q"), columns=columns))
    assert merged.differing == (("a.png", "group"),)
    assert merged.table.rows == (("a.png", "1", "p"),)


def test_the_folder_images_is_looked_for_in_both():
    merged = merge_tables(table(("a.png", "1")), table(("images/a.png", "0"), ("./b.png", "1")))
    assert merged.table.rows == (("a.png", ""), ("./b.png", "1"))
    assert image_key("images/a.png") == image_key("./a.png") == "a.png"


@pytest.mark.parametrize(
    ("prefer", "kept", "turned"),
    [("neither", ("0", ""), ("0", "")), ("first", ("", "maybe"), ("0", "")), ("second", ("0", ""), ("", "maybe"))],
)
def test_who_was_unsure_gives_way_to_who_was_sure_unless_preferred(prefer, kept, turned):
    ours = table(("a.png", "", "maybe"), ("b.png", "", "1"), columns=("file", "label", "unsure"))
    merged = merge_tables(ours, table(("a.png", "0")), prefer=prefer)
    assert merged.table.rows == (("a.png", *kept), ("b.png", "", "1"))
    assert merged.doubts == ("a.png",)
    assert merge_tables(table(("a.png", "0")), ours, prefer=prefer).table.rows[0] == ("a.png", *turned)


def test_a_mark_beside_a_label_stays():
    ours = table(("a.png", "1", "1"), columns=("file", "label", "unsure"))
    assert merge_tables(ours, table(("a.png", "1"))).table == ours
    assert merge_tables(ours, table(("a.png", "1"))).doubts == ()


def test_one_kind_of_answer_has_no_kappa():
    same = table(("a.png", "1"), ("b.png", "open"))
    assert merge_tables(same, same).kappa is None


NAMES = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0/"), min_size=1, max_size=20)


@given(
    st.lists(st.tuples(NAMES.map(lambda name: f"{name}.png"), st.sampled_from(["", "0", "1", "open", "closed"]), NAMES))
)
def test_a_table_is_read_as_it_was_written(tmp_path_factory, rows):
    kept = tuple({image_key(row[0]): row for row in rows}.values())
    path = tmp_path_factory.mktemp("tables") / "a.csv"
    written = LabelTable(("file", "label", "note"), kept)
    write_label_table(written, path)
    assert read_label_table(path) == written
    assert merge_tables(written, written).table == written


@given(
    st.lists(
        st.lists(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0")), min_size=2), min_size=1
    )
)
def test_csv_is_read_as_it_was_written(rows):
    assert list(csv.reader(io.StringIO(csv_text(rows), newline=""), strict=True)) == rows


# -- files --


def test_a_file_is_not_written_over(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("precious")
    with pytest.raises(ParameterError, match="is there already; name another file, or say --force"):
        write_label_table(table(("a.png", "1")), path)
    assert path.read_text() == "precious"
    write_label_table(table(("a.png", "1")), path, force=True)
    assert path.read_text() == "file,label\na.png,1\n"
    with pytest.raises(ParameterError, match="cannot be written"):
        write_label_table(table(("a.png", "1")), tmp_path / "no" / "a.csv")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("file,label\na.png,1\nimages/a.png,0\n", "line 3: file 'images/a.png' is already on line 2"),
        ("file,label\n,1\n", "line 2: the file name is empty"),
        ("file,label\na.png,maybe\n", "line 2: label 'maybe' is not 0, 1, open, closed or empty"),
        ("file,label,note,Note\na.png,1,x,y\n", "the column 'note' is there twice"),
        ("file,label\na.png\n", "line 2: 1 fields; the header has 2"),
        ("name,label\na.png,1\n", "no column 'file'"),
        ("file;label\na.png;1\n", "with commas; this file has semicolons, save it again as CSV with commas"),
        ("", "empty"),
    ],
)
def test_what_is_no_label_file_is_refused(tmp_path, text, said):
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=said):
        read_label_table(path)


def test_a_label_file_of_another_folder_is_told(tmp_path):
    write_eyes(tmp_path / "eyes", 3)
    (tmp_path / "a.csv").write_text("file,label\nx.png,1\ny.png,0\n")
    with pytest.raises(
        DataError, match="none of its files is in the folder, it may be the label file of another; line 2"
    ):
        read_eyes(tmp_path / "eyes", labels=tmp_path / "a.csv")


# -- the command --


def test_the_command_merges_and_tells(tmp_path, capsys):
    (tmp_path / "a.csv").write_text("file,label,group\na.png,1,p\nb.png,0,q\nc.png,1,r\n")
    (tmp_path / "b.csv").write_text('file,label,note\nb.png,1,\n"<script>,\n.png",closed,"say ""hi"""\na.png,open,\n')
    out = tmp_path / "both.csv"
    assert main("merge", tmp_path / "a.csv", tmp_path / "b.csv", "--out", out) == 0
    said = capsys.readouterr()
    assert said.out.startswith("both label 2 images and agree on 1 (50.0%); Cohen's kappa 0.000\n")
    assert said.out.splitlines()[-1].split() == ["b.png", "closed", "open"]
    assert "4 images, 1 without a label" in said.err
    merged = read_label_table(out)
    assert merged.columns == ("file", "label", "group", "note")
    assert merged.rows[-1] == ("<script>,\n.png", "closed", "", 'say "hi"')
    before = out.read_bytes()
    assert main("merge", tmp_path / "a.csv", tmp_path / "b.csv", "--out", out) == 2
    assert out.read_bytes() == before
    assert capsys.readouterr().err.count("\n") == 1
    assert main("merge", tmp_path / "a.csv", tmp_path / "b.csv", "--out", out, "--force", "--prefer", "second") == 0
    assert read_label_table(out).rows[1] == ("b.png", "1", "q", "")
    # What it read stays as it was.
    assert (tmp_path / "a.csv").read_text().count("\n") == 4


def test_the_command_says_what_else_differs_and_shows_no_control_characters(tmp_path, capsys):
    (tmp_path / "a.csv").write_text("file,label,note\na\x1b[31m.png,1,x\nb.png,1,x\nc.png,,x\n")
    (tmp_path / "b.csv").write_text(
        "file,label,note,unsure\na\x1b[31m.png,0,y\nb.png,,y,1\n".replace("0,y\n", "0,y,\n")
    )
    assert main("merge", tmp_path / "a.csv", tmp_path / "b.csv", "--out", tmp_path / "c.csv") == 0
    said = capsys.readouterr()
    assert "\x1b" not in said.out + said.err
    assert "2 images have another 'note' in each file" in said.err
    assert "1 images are labelled by one and unsure to the other, for example b.png; the label is kept" in said.err
    assert said.err.count("\n") == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("a.csv", "nothing.csv", "--out", "c.csv"), "'nothing.csv': no such file"),
        (("a.csv", ".", "--out", "c.csv"), "'.' is a folder; name the CSV file itself"),
        (("a.csv", "b.csv", "--out", "c.txt"), "--out 'c.txt' must end in .csv"),
        (("a.csv", "b.csv", "--out", "b.csv", "--force"), "--out 'b.csv' is the label file that is read"),
        (("none.csv", "none.csv", "--out", "c.csv"), "neither file names an image"),
    ],
)
def test_wrong_arguments_of_merge_are_one_line(tmp_path, monkeypatch, capsys, arguments, said):
    monkeypatch.chdir(tmp_path)
    for name, text in (("a", "a.png,1\n"), ("b", "b.png,0\n"), ("none", "")):
        (tmp_path / f"{name}.csv").write_text(f"file,label\n{text}")
    try:
        status = main("merge", *arguments)
    except SystemExit as stopped:
        status = stopped.code
    error = capsys.readouterr().err
    assert status == 2
    assert said in error
    assert error.count("\n") == 1
    assert (tmp_path / "b.csv").read_text() == "file,label\nb.png,0\n"


def test_a_label_file_beside_class_folders_is_told_of(tmp_path, recwarn):
    write_eyes(tmp_path / "eyes" / "open", 2)
    write_eyes(tmp_path / "eyes" / "closed", 1)
    assert (read_eyes(tmp_path / "eyes").labels >= 0).all()
    assert not recwarn.list
    (tmp_path / "eyes" / "assets.csv").write_text("file,label\nopen/000.png,1\n")
    with pytest.warns(UserWarning, match="the folders closed, open do not: 2 images in them have no label"):
        eyes = read_eyes(tmp_path / "eyes")
    assert (eyes.labels >= 0).sum() == 1


def test_images_taken_away_since_are_named_with_the_remedy(tmp_path):
    write_eyes(tmp_path / "eyes", 2)
    (tmp_path / "a.csv").write_text("file,label\n000.png,1\ngone.png,0\n")
    with pytest.raises(DataError, match=r"line 3: file 'gone.png' is not in .*; put such images back, or take their"):
        read_eyes(tmp_path / "eyes", labels=tmp_path / "a.csv")


def test_a_labeller_who_says_nothing_agrees_with_nobody(tmp_path, capsys):
    (tmp_path / "a.csv").write_text("file,label\na.png,1\n")
    (tmp_path / "b.csv").write_text("file,label\nb.png,0\n")
    assert main("merge", tmp_path / "a.csv", tmp_path / "b.csv", "--out", tmp_path / "c.csv") == 0
    assert capsys.readouterr().out == "both label 0 images\n"
