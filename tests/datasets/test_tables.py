"""Tables of label files: merging in closed form, reading, writing."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classic_eyes._utils.files import csv_text
from classic_eyes.datasets import LabelTable, image_key, merge_tables, read_label_table, write_label_table
from classic_eyes.errors import DataError, ParameterError


def table(*rows: tuple[str, ...], columns: tuple[str, ...] = ("file", "label")) -> LabelTable:
    return LabelTable(columns, rows)


# -- merging, in closed form --


def test_kappa_of_two_raters():
    # 20 times both open, 15 times both closed, 5 and 10 different: kappa 0.4, the usual textbook example.
    labels = [(1, 1)] * 20 + [(1, 0)] * 5 + [(0, 1)] * 10 + [(0, 0)] * 15
    ours = table(*((f"{k}.png", str(a)) for k, (a, _) in enumerate(labels)))
    theirs = table(*((f"{k}.png", str(b)) for k, (_, b) in enumerate(labels)))
    merged = merge_tables(ours, theirs)
    assert (merged.both, merged.agreed) == (50, 35)
    assert merged.kappa == pytest.approx(0.4)
    assert [conflict[1:] for conflict in merged.conflicts] == [(1, 0)] * 5 + [(0, 1)] * 10


@pytest.mark.parametrize(("prefer", "kept"), [("neither", ""), ("first", "open"), ("second", "0")])
def test_prefer_settles_conflicts(prefer, kept):
    merged = merge_tables(table(("a.png", "open")), table(("a.png", "0")), prefer=prefer)
    assert merged.table.rows == (("a.png", kept),)
    assert merged.conflicts == (("a.png", 1, 0),)


def test_words_and_digits_are_equal_labels_and_the_first_spelling_is_kept():
    merged = merge_tables(table(("a.png", "Open")), table(("a.png", "1")))
    assert merged.conflicts == ()
    assert merged.table.rows == (("a.png", "Open"),)


def test_empty_fields_are_filled_and_all_columns_are_kept():
    ours = table(("a.png", "1", ""), ("b.png", "", "left"), columns=("file", "label", "Camera"))
    theirs = table(("x", "b.png", "0", "p1"), ("y", "c.png", "1", "p2"), columns=("note", "file", "label", "group"))
    merged = merge_tables(ours, theirs).table
    assert merged.columns == ("file", "label", "Camera", "note", "group")
    assert merged.rows == (
        ("a.png", "1", "", "", ""),
        ("b.png", "0", "left", "x", "p1"),
        ("c.png", "1", "", "y", "p2"),
    )


def test_other_differences_are_reported_and_the_first_is_kept():
    columns = ("file", "label", "group")
    merged = merge_tables(table(("a.png", "1", "p"), columns=columns), table(("a.png", "1", "q"), columns=columns))
    assert merged.differing == (("a.png", "group"),)
    assert merged.table.rows == (("a.png", "1", "p"),)


def test_names_with_and_without_images_folder_match():
    merged = merge_tables(table(("a.png", "1")), table(("images/a.png", "0"), ("./b.png", "1")))
    assert merged.table.rows == (("a.png", ""), ("./b.png", "1"))
    assert image_key("images/a.png") == image_key("./a.png") == "a.png"


@pytest.mark.parametrize(
    ("prefer", "kept", "swapped"),
    [("neither", ("0", ""), ("0", "")), ("first", ("", "maybe"), ("0", "")), ("second", ("0", ""), ("", "maybe"))],
)
def test_a_label_replaces_an_unsure_mark_unless_the_mark_is_preferred(prefer, kept, swapped):
    ours = table(("a.png", "", "maybe"), ("b.png", "", "1"), columns=("file", "label", "unsure"))
    merged = merge_tables(ours, table(("a.png", "0")), prefer=prefer)
    assert merged.table.rows == (("a.png", *kept), ("b.png", "", "1"))
    assert merged.doubts == ("a.png",)
    assert merge_tables(table(("a.png", "0")), ours, prefer=prefer).table.rows[0] == ("a.png", *swapped)


def test_an_unsure_mark_beside_a_label_is_kept():
    ours = table(("a.png", "1", "1"), columns=("file", "label", "unsure"))
    assert merge_tables(ours, table(("a.png", "1"))).table == ours
    assert merge_tables(ours, table(("a.png", "1"))).doubts == ()


def test_kappa_of_constant_labels_is_none():
    same = table(("a.png", "1"), ("b.png", "open"))
    assert merge_tables(same, same).kappa is None


def test_image_of_a_random_sample_stays_in_it_when_a_page_by_priority_shows_it_too():
    columns = ("file", "label", "chosen")
    hard, drawn = table(("a.png", "1", "priority"), columns=columns), table(("a.png", "1", "random"), columns=columns)
    for first, second in ((hard, drawn), (drawn, hard)):
        merged = merge_tables(first, second)
        assert merged.table.rows == (("a.png", "1", "random"),)
        assert merged.differing == ()


def test_how_images_were_chosen_is_kept():
    ours = table(("a.png", "1", "random"), ("b.png", "", ""), columns=("file", "label", "chosen"))
    theirs = table(("b.png", "0", "priority"), ("c.png", "1", "random"), columns=("file", "label", "chosen"))
    for first, second in ((ours, theirs), (theirs, ours)):
        merged = merge_tables(first, second).table
        chosen = dict(zip(merged.values("file"), merged.values("chosen"), strict=True))
        assert chosen == {"a.png": "random", "b.png": "priority", "c.png": "random"}


NAMES = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0/"), min_size=1, max_size=20)


@given(
    st.lists(st.tuples(NAMES.map(lambda name: f"{name}.png"), st.sampled_from(["", "0", "1", "open", "closed"]), NAMES))
)
def test_written_tables_are_read_back(tmp_path_factory, rows):
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
def test_written_csv_is_read_back(rows):
    assert list(csv.reader(io.StringIO(csv_text(rows), newline=""), strict=True)) == rows


# -- files --


def test_existing_files_are_replaced_only_with_force(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("precious")
    with pytest.raises(ParameterError, match="exists; name another file, or replace it with force=True"):
        write_label_table(table(("a.png", "1")), path)
    assert path.read_text() == "precious"
    write_label_table(table(("a.png", "1")), path, force=True)
    assert path.read_text() == "file,label\na.png,1\n"
    with pytest.raises(ParameterError, match="cannot be written"):
        write_label_table(table(("a.png", "1")), tmp_path / "no" / "a.csv")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,label\na.png,1\nimages/a.png,0\n", "line 3: file 'images/a.png' is already on line 2"),
        ("file,label\n,1\n", "line 2: the file name is empty"),
        ("file,label\na.png,maybe\n", "line 2: label 'maybe' is not 0, 1, open, closed or empty"),
        ("file,label,note,Note\na.png,1,x,y\n", "the column 'note' is there twice"),
        ("file,label\na.png\n", "line 2: 1 fields; the header has 2"),
        ("name,label\na.png,1\n", "no column 'file'"),
        ("file;name\na.png;1\n", "no column 'label' in the header 'file;name'; needed are file,label"),
        ("", "empty"),
    ],
)
def test_other_files_are_refused(tmp_path, text, message):
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        read_label_table(path)
