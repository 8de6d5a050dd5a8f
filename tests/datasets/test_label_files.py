"""Label files: assets.csv and the votes of raters."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classic_eyes.datasets import read_assets_csv, read_eyes, read_label_table, read_votes
from classic_eyes.errors import DataError

from ..conftest import PNG, write_eyes
from .conftest import groups_of, labels_of


def test_assets_csv_gives_labels_and_groups(label):
    eyes = read_eyes(label("file,label,group", "b.png,0,p1", "c.png,1,p1", "a.png,,"))
    assert eyes.names == ("a.png", "b.png", "images/c.png")
    assert labels_of(eyes) == {"a.png": -1, "b.png": 0, "images/c.png": 1}
    assert groups_of(eyes) == {"a.png": "a.png", "b.png": "p1", "images/c.png": "p1"}
    assert all(os.path.isfile(path) for path in eyes.paths)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *[("0", 0), ("1", 1), ("open", 1), ("closed", 0), (" Open ", 1), ("CLOSED", 0), ("", -1), ("  ", -1)],
        *[("0.0", 0), ("1.0", 1), ("1.", 1), (" 1.000 ", 1), ("Opened", 1), ("close", 0), ("shut", 0)],
    ],
)
def test_spellings_of_labels(label, text, expected):
    assert labels_of(read_eyes(label("file,label", f"a.png,{text}")))["a.png"] == expected


def test_images_missing_in_the_csv_are_unlabelled_groups_of_their_own(label):
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
def test_variants_of_csv(label, lines, end):
    assert labels_of(read_eyes(label(*lines, end=end)))["a.png"] == 1


def test_the_folder_is_searched_before_its_images_folder(label, put):
    put("images/a.png")
    eyes = read_eyes(label("file,label", "a.png,1", "images/a.png,0"))
    assert labels_of(eyes) == {"a.png": 1, "b.png": -1, "images/a.png": 0, "images/c.png": -1}


def test_named_files_may_have_any_ending(label, put):
    put("eye.dat", "other.dat")
    assert "other.dat" not in labels_of(eyes := read_eyes(label("file,label", "eye.dat,open")))
    assert labels_of(eyes)["eye.dat"] == 1


def test_a_csv_elsewhere_is_relative_to_the_folder(label, tmp_path_factory):
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
        ("a.png,1.5", r"label '1.5' is not"),
        ("a.png,0.01", r"label '0.01' is not"),
        ("a.png,10", r"label '10' is not"),
        ("a.png,\u0661", r"label '\u0661' is not"),
        ("a.png,-1", r"label '-1' is not"),
        ("x.png,1", r"file 'x.png' is not in the folder, nor in its images/"),
        ("A.PNG,1", r"file 'A.PNG' is not in the folder, but 'a.png' is: upper and lower case differ"),
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
def test_a_wrong_line_is_reported_by_number(label, line, reason):
    top = label("file,label", "b.png,0", "", line, "c.png,1")
    with pytest.raises(DataError, match=rf"^assets.csv, line 4: {reason}"):
        read_eyes(top)


def test_lines_are_counted_as_in_an_editor(label):
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
            r"^assets.csv, line 1: no column 'file' in the header 'name,label'; needed are file,label, separated by "
            "commas, semicolons or tabs; rename the columns",
        ),
        (("filename;class", "a.png;1"), r"no column 'file' in the header 'filename;class'; needed are file,label"),
        (("file,label;group", "a.png,1;x"), r"no column 'label' in the header 'file,label;group'"),
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
def test_other_files_are_refused(label, lines, reason):
    with pytest.raises(DataError, match=reason):
        read_eyes(label(*lines))


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_the_header_decides_the_separator(label, separator, mark):
    lines = [("file", "label", "note"), ("a.png", "1.0", '"x, y; z\t"'), ("b.png", "0.0", "")]
    top = label(*(mark * (k == 0) + separator.join(line) for k, line in enumerate(lines)))
    assert labels_of(read_eyes(top)) == {"a.png": 1, "b.png": 0, "images/c.png": -1}
    assert read_label_table(top / "assets.csv").values("note") == ("x, y; z\t", "")


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
@pytest.mark.parametrize("read", [lambda path: read_assets_csv(path.parent, path), read_label_table, read_votes])
def test_wide_encodings_are_refused_by_name(label, codec, read):
    path = label("file,label", "a.png,1") / "assets.csv"
    path.write_bytes(path.read_text().encode(codec))
    with pytest.raises(DataError, match=rf"^assets.csv is {codec[:6].upper()}; save it as UTF-8$"):
        read(path)


def test_a_missing_csv_and_a_file_as_folder_are_refused(label):
    top = label("file,label", "a.png,1")
    with pytest.raises(DataError, match=r"^none.csv: no such file$"):
        read_assets_csv(top, top / "none.csv")
    with pytest.raises(DataError, match=r"a.png' is not a folder; a label file goes with the folder"):
        read_eyes(top / "a.png", labels=top / "assets.csv")


NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/\\"), min_size=1, max_size=12)


@settings(max_examples=30, deadline=None)
@given(
    rows=st.lists(st.tuples(NAMES, st.sampled_from(["0", "1", ""])), min_size=1, max_size=8, unique_by=lambda r: r[0])
)
def test_csv_written_by_python_is_read_back(rows, tmp_path_factory):
    import csv

    top = tmp_path_factory.mktemp("csv")
    with (top / "assets.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "label"])
        for name, text in rows:
            (top / f"_{name}.png").write_bytes(PNG)
            writer.writerow([f"_{name}.png", text])
    assert labels_of(read_eyes(top)) == {f"_{name}.png": int(text or -1) for name, text in rows}


def test_a_label_file_of_another_folder_is_named_as_such(tmp_path):
    write_eyes(tmp_path / "eyes", 3)
    (tmp_path / "a.csv").write_text("file,label\nx.png,1\ny.png,0\n")
    with pytest.raises(DataError, match="none of its files is in the folder, it may belong to another folder; line 2"):
        read_eyes(tmp_path / "eyes", labels=tmp_path / "a.csv")


def test_missing_images_are_reported_with_a_remedy(tmp_path):
    write_eyes(tmp_path / "eyes", 2)
    (tmp_path / "a.csv").write_text("file,label\n000.png,1\ngone.png,0\n")
    with pytest.raises(DataError, match=r"line 3: file 'gone.png' is not in .*; restore these images, or delete their"):
        read_eyes(tmp_path / "eyes", labels=tmp_path / "a.csv")


# -- predictions, and how images were chosen --


@pytest.mark.parametrize("header", ["file,label,score,error", "file,label,score,verdict,error"])
def test_predictions_are_no_labels_unless_accepted(label, header, tmp_path):
    verdict = ",open" if "verdict" in header else ""
    top = label(header, f"a.png,1,0.900000{verdict},", f"b.png,,{',' * bool(verdict)},empty file")
    for read in (read_eyes, lambda path: read_label_table(path / "assets.csv")):
        with pytest.raises(DataError, match=r"^assets.csv has the columns score and error: these are predictions") as e:
            read(top)
        for remedy in ("classic-eyes label", "train --accept-predictions", "accept_predictions=True"):
            assert remedy in str(e.value)
    os.rename(top / "assets.csv", top / "p.csv")
    with pytest.raises(DataError, match="these are predictions"):
        read_eyes(top, labels=top / "p.csv")
    eyes = read_eyes(top, labels=top / "p.csv", accept_predictions=True)
    assert labels_of(eyes) == {"a.png": 1, "b.png": -1, "images/c.png": -1}
    assert eyes.predicted


def test_labels_are_read_alike_where_predictions_would_be_accepted(label):
    top = label("file,label,score", "a.png,1,0.9")
    assert not read_eyes(top).predicted
    assert not read_eyes(top, accept_predictions=True).predicted


def test_how_images_were_chosen_is_read(label):
    eyes = read_eyes(label("file,label,Chosen", "c.png,1, random ", "a.png,,priority"))
    assert dict(zip(eyes.names, eyes.chosen.tolist(), strict=True)) == {
        "a.png": "priority",
        "b.png": "",
        "images/c.png": "random",
    }


# -- votes --


def test_votes_without_missing_ones(tmp_path):
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
def test_wrong_votes_are_refused(tmp_path, text, reason):
    path = tmp_path / "r.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=reason):
        read_votes(path)


# -- label files from spreadsheets --


@pytest.mark.parametrize(
    "lines",
    [
        ("sep=;", "file;label", "a.png;1"),
        ("SEP=,", "file,label", "a.png,1"),
        ("file,label", "a.png,1", ",", ", ,", ",,,"),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lines_that_spreadsheets_add_are_skipped(label, lines, end):
    assert labels_of(read_eyes(label(*lines, end=end))) == {"a.png": 1, "b.png": -1, "images/c.png": -1}


def test_numbers_of_lines_count_a_separator_line(label):
    with pytest.raises(DataError, match=r"^assets.csv, line 3: label 'x' is not"):
        read_eyes(label("sep=;", "file;label", "a.png;x"))


def test_a_missing_header_is_named(label):
    with pytest.raises(
        DataError, match=r"line 1: no column 'file' in .*'a.png,1'.*; add the line file,label before it$"
    ):
        read_eyes(label("a.png,1", "b.png,0"))


@pytest.mark.parametrize("start", [b"PK\x03\x04", b"\xd0\xcf\x11\xe0"])
def test_workbooks_of_excel_are_named(put, tmp_path, start):
    (put("a.png") / "labels.csv").write_bytes(start + b"\0\1\2")
    with pytest.raises(DataError, match=r"^labels.csv is an Excel workbook; save it as CSV UTF-8$"):
        read_eyes(tmp_path, labels=tmp_path / "labels.csv")


def test_an_absolute_path_in_the_folder_gets_the_relative_name(label, tmp_path):
    with pytest.raises(DataError, match=r"is an absolute path; names are relative to the folder, write 'images/c.png'"):
        read_eyes(label("file,label", f"{tmp_path}/images/c.png,1"))


@pytest.mark.parametrize("read", [read_eyes, lambda top: read_label_table(top / "assets.csv")])
def test_many_wrong_labels_are_summed_up(put, tmp_path, read):
    names = [f"{k:02}.png" for k in range(12)]
    rows = [f"{name},{'Yes' if k < 7 else 'No'}" for k, name in enumerate(names)]
    (put(*names) / "assets.csv").write_text("\n".join(["file,label", *rows]))
    message = r"line 2: this and 11 other labels are not 0, 1, open, closed or empty: 'Yes' \(7\), 'No' \(5\)$"
    with pytest.raises(DataError, match=message):
        read(tmp_path)


@pytest.mark.parametrize("encoding", ["cp1252", "mac_roman"])
def test_a_name_that_was_read_in_a_wrong_encoding(put, tmp_path, encoding):
    (put("é1.png") / "assets.csv").write_text(f"file,label\n{'é1.png'.encode().decode(encoding)},1\n", encoding="utf-8")
    with pytest.raises(
        DataError, match=r"'é1.png' is: it was read in a wrong encoding \(save the label file as UTF-8\)"
    ):
        read_eyes(tmp_path)
