"""The command ``label``; tests/labeling/page has what its page does in a browser."""

from __future__ import annotations

import csv
import os

import pytest

from ..conftest import main, run, write_eyes, write_labelled
from ..html_page import sheet_of


@pytest.fixture(scope="module")
def eyes(tmp_path_factory):
    """A folder of synthetic eyes and their labels."""
    top = tmp_path_factory.mktemp("label") / "eyes"
    labels = write_eyes(top, 60)
    return top, {f"{number:03}.png": label for number, label in enumerate(labels)}


def label(top, out, *options) -> int:
    return main("label", top, "--out", out, "--model", "fast", *options)


def items_of(out) -> list[dict]:
    return sheet_of(out.read_text(encoding="utf-8"))["items"]


@pytest.mark.parametrize("order", ["priority", "uncertain", "cluster", "random", "mixed"])
def test_every_order_makes_a_page(eyes, tmp_path, order, capsys):
    out = tmp_path / "label.html"
    assert label(eyes[0], out, "--order", order, "--limit", 30) == 0
    items = items_of(out)
    assert len(items) == 30
    if order == "uncertain":
        distances = [round(abs(item["score"] - 0.5), 6) for item in items]
        assert distances == sorted(distances)
    error = capsys.readouterr().err
    assert "30 of 60 images to be labelled" in error
    measures = order in ("random", "mixed")
    assert (f"no accuracy can be measured on images that --order {order} chooses" in error) != measures
    # Of a page with all images one can.
    assert label(eyes[0], out, "--order", order, "--force") == 0
    assert "no accuracy" not in capsys.readouterr().err


def test_training_images_of_the_model_are_counted(tmp_path, capsys):
    folder, out = write_labelled(tmp_path / "eyes", 40), tmp_path / "m.npz"
    assert main("train", folder, "--out", out, "--features", "hog", "--classifier", "svm", "--folds", 0) == 0
    (folder / "assets.csv").unlink()
    write_eyes(folder / "more", 10, random_state=5)
    assert main("label", folder, "--model", out, "--order", "random", "--out", tmp_path / "a.html") == 0
    assert f"40 of 50 images are training images of the model {out}: evaluate will leave" in capsys.readouterr().err
    assert "The predictions of the model are hidden" in (tmp_path / "a.html").read_text(encoding="utf-8")
    assert label(folder, tmp_path / "b.html") == 0
    assert "training images" not in capsys.readouterr().err
    assert "decide what you see" not in (tmp_path / "b.html").read_text(encoding="utf-8")
    assert label(folder, tmp_path / "c.html", "--order", "mixed") == 0
    assert "decide what you see before you accept them" in (tmp_path / "c.html").read_text(encoding="utf-8")


def test_random_page_holds_no_prediction(eyes, tmp_path):
    out = tmp_path / "label.html"
    assert label(eyes[0], out, "--order", "random") == 0
    assert {key for item in items_of(out) for key in item} == {"file", "row", "given", "image"}


def test_mixed_page_says_of_each_image_how_it_was_chosen(eyes, tmp_path):
    out = tmp_path / "label.html"
    assert label(eyes[0], out, "--order", "mixed", "--limit", 21, "--page", 10) == 0
    sheet = sheet_of(out.read_text(encoding="utf-8"))
    assert sheet["chosen"] == "mixed"
    assert sorted(item["chosen"] for item in sheet["items"]) == ["priority"] * 10 + ["random"] * 11
    for page in sheet["pages"][:2]:
        assert sorted(sheet["items"][k]["chosen"] for k in page["items"]) == ["priority"] * 5 + ["random"] * 5
    assert label(eyes[0], out, "--order", "random", "--force") == 0
    assert "chosen" not in items_of(out)[0]


@pytest.mark.parametrize("order", ["priority", "cluster", "mixed"])
def test_one_image_makes_a_page(tmp_path, order):
    write_eyes(tmp_path / "one", 1)
    assert label(tmp_path / "one", tmp_path / "label.html", "--order", order) == 0


def test_labelled_and_unsure_images_are_skipped(eyes, tmp_path):
    top, labels = eyes
    names = sorted(labels)
    given = tmp_path / "given.csv"
    with open(given, "w", newline="", encoding="utf-8") as file:
        rows = [[name, labels[name], "", "left"] for name in names[:50]] + [[names[50], "", "1", ""]]
        csv.writer(file).writerows([["file", "label", "unsure", "camera"], *rows])
    out = tmp_path / "label.html"
    assert label(top, out, "--labels", given) == 0
    sheet = sheet_of(out.read_text(encoding="utf-8"))
    assert sorted(item["file"] for item in sheet["items"]) == names[51:]
    assert sheet["columns"] == ["file", "label", "unsure", "camera"]
    assert len(sheet["rows"]) == 51
    # With --unsure the image that is marked comes again, in its row.
    assert label(top, out, "--labels", given, "--unsure", "--force") == 0
    rows_of_files = {item["file"]: item["row"] for item in items_of(out)}
    assert sorted(rows_of_files) == names[50:]
    assert rows_of_files[names[50]] == 50


def test_unreadable_images_and_names_are_skipped(tmp_path, capsys):
    top = tmp_path / "mixed"
    write_eyes(top, 5)
    (top / "broken.png").write_bytes(b"hello")
    (top / "c.heic").write_bytes(b"")
    os.rename(top / "004.png", os.fsencode(top) + b"/caf\xe9.png")
    assert label(top, tmp_path / "a.html") == 1
    error = capsys.readouterr().err
    assert "skipped broken.png: text, not an image" in error
    assert "skipped 'caf\\udce9.png': label files are UTF-8, and its name is not" in error
    assert "left out of 6 images: 1 that could not be read (1 text, not an image)" in error
    assert error.splitlines()[-1] == "1 file passed over (1 .heic): convert it to JPEG or PNG"
    assert len(items_of(tmp_path / "a.html")) == 4
    # If only unreadable images remain, the message says so.
    (top / "assets.csv").write_text("file,label\n" + "".join(f"{k:03}.png,1\n" for k in range(4)))
    os.unlink(os.fsencode(top) + b"/caf\xe9.png")
    assert label(top, tmp_path / "b.html") == 2
    assert "4 of 5 images are labelled or marked; of the rest, none of 1" in capsys.readouterr().err


def test_page_has_the_same_names_in_every_locale(tmp_path):
    top = tmp_path / "eyes"
    write_eyes(top, 4)
    os.rename(top / "000.png", top / "caf\u00e9.png")
    os.rename(top / "001.png", top / "\N{EYE}.png")
    (top / "assets.csv").write_text("file,label\ncaf\u00e9.png,1\n\N{EYE}.png,\n", encoding="utf-8")
    out = tmp_path / "page.html"
    arguments = ["label", top, "--out", out, "--model", "fast"]
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = run(*arguments, env=environment)
    assert done.returncode == 0, done.stderr
    there = out.read_text(encoding="utf-8")
    assert main(*arguments, "--force") == 0
    assert out.read_text(encoding="utf-8") == there
    assert sorted(item["file"] for item in items_of(out)) == ["002.png", "003.png", "\N{EYE}.png"]
    assert [item["row"] for item in items_of(out) if item["file"] == "\N{EYE}.png"] == [1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("{eyes}", "--out", "a.txt"), "--out 'a.txt' must end in .html"),
        (("{eyes}", "--out", "no/a.html"), "there is no folder 'no'; make it first"),
        (("nothing", "--out", "a.html"), "'nothing': no such folder or image"),
        (("{eyes}", "--out", "a.html", "--order", "best"), "invalid choice: 'best'"),
        (("{eyes}", "--out", "a.html", "--model", "none.npz"), "model 'none.npz': no file of this name"),
        (("{done}", "--out", "a.html"), "all 30 images are labelled, or marked as unsure; --unsure includes those"),
        (("{eyes}", "--out", "others.html"), "--out 'others.html'"),
        (("{eyes}", "--labels", "no.csv", "--out", "a.html"), "argument --labels: 'no.csv': no such file"),
    ],
)
def test_wrong_arguments_are_one_line(eyes, tmp_path, capsys, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    write_labelled(tmp_path / "done", 30)
    (tmp_path / "others.html").write_text("precious")
    assert main("label", *(text.format(eyes=eyes[0], done=tmp_path / "done") for text in arguments)) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert [path.read_text() for path in tmp_path.glob("*.html")] == ["precious"]
