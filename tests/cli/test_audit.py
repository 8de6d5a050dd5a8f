"""The command ``audit``, and its page in a browser."""

from __future__ import annotations

import csv
import os
import re

import pytest

from classic_eyes.cli import audit
from classic_eyes.datasets import load_images, read_eyes, read_label_table
from classic_eyes.labeling import independent_reviewer

from ..conftest import main, run, write_eyes, write_labelled
from ..html_page import sheet_of, watch

OPTIONS = ("--features", "hog", "--folds", 2, "--jobs", 1)


@pytest.fixture(scope="module")
def mislabelled(tmp_path_factory):
    """A folder of 150 labelled eyes, and the names of the ten with a wrong label."""
    top = write_labelled(tmp_path_factory.mktemp("audit") / "eyes", 150)
    lines = (top / "assets.csv").read_text().splitlines()
    wrong = [f"{k:03}.png" for k in range(0, 150, 15)]
    rows = [line.split(",") for line in lines[1:]]
    rows = [[name, str(1 - int(label)) if name in wrong else label, "x", "random"] for name, label in rows]
    (top / "assets.csv").write_text("\n".join(["file,label,note,chosen", *map(",".join, rows)]) + "\n")
    return top, wrong


def test_page_shows_wrong_labels_and_saves_corrections(mislabelled, browser, tmp_path, capsys):
    top, wrong = mislabelled
    out = tmp_path / "audit.html"
    assert main("audit", top, "--out", out, "--limit", 15, *OPTIONS) == 0
    error = capsys.readouterr().err
    assert f"wrote {out}: 15 of 150 labels, the most doubtful first; it contains your images" in error
    assert re.search(r"the program disagrees with \d+ of 150 labels; on difficult images, .* often wrong itself", error)
    names = [item["file"] for item in sheet_of(out.read_text(encoding="utf-8"))["items"]]
    assert len(set(names) & set(wrong)) >= 8
    tab = browser.new_context(accept_downloads=True).new_page()
    trouble = watch(tab)
    tab.goto(out.as_uri())
    assert "labelled" in tab.locator(".why").first.inner_text()
    for k, name in enumerate(names):
        if name in wrong:
            tab.locator("[data-item]").nth(k).click()
    with tab.expect_download() as download:
        tab.keyboard.press("s")
    download.value.save_as(tmp_path / "corrected.csv")
    tab.context.close()
    assert trouble == []
    old, new = read_label_table(top / "assets.csv"), read_label_table(tmp_path / "corrected.csv")
    assert new.columns == old.columns
    changed = [a[0] for a, b in zip(old.rows, new.rows, strict=True) if a != b]
    assert changed == [name for name in wrong if name in names]
    assert all(row[2:] == ("x", "random") for row in new.rows)


def test_csv_and_printed_table(mislabelled, tmp_path, capsys, monkeypatch):
    top, wrong = mislabelled
    data = load_images(read_eyes(top))
    reviewer = independent_reviewer(data.images, data.eyes.groups)
    # Computed once for both runs.
    monkeypatch.setattr(audit, "independent_reviewer", lambda *_, **__: reviewer)
    out = tmp_path / "audit.csv"
    assert main("audit", top, "--out", out, *OPTIONS) == 0
    with open(out, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, strict=True))
    assert list(rows[0]) == ["file", "label", "doubt", "reason", "other"]
    doubts = [float(row["doubt"]) for row in rows]
    assert doubts == sorted(doubts, reverse=True)
    assert len({row["file"] for row in rows[:12]} & set(wrong)) >= 8
    capsys.readouterr()
    assert main("audit", top, *OPTIONS) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].split() == ["doubt", "file", "why"]
    assert len([line for line in printed if "labelled" in line]) == 20


@pytest.mark.slow
def test_names_that_the_terminal_cannot_show_are_printed_with_escapes(tmp_path):
    labels = write_eyes(tmp_path / "eyes", 60)
    for state in ("open", "closed"):
        (tmp_path / "eyes" / state).mkdir()
    for number, label in enumerate(labels):
        state = ("closed", "open")[1 - label if number < 3 else label]
        os.rename(tmp_path / "eyes" / f"{number:03}.png", tmp_path / "eyes" / state / f"\u00e9{number:03}.png")
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = run("audit", tmp_path / "eyes", *OPTIONS, env=environment)
    assert done.returncode == 0, done.stderr
    assert len(re.findall(r"(?:open|closed)/\\xe9\d{3}\.png +labelled", done.stdout)) == 20


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("{eyes}",), "0 labels are closed and 0 open; 10 of each are needed"),
        (("{done}", "--folds", "1"), "--folds 1: an image is predicted from others; take 2 or more"),
        (("{done}", "--folds", "40"), "'done': 30 labelled images of 30 groups (a group is a person or face) are too"),
        (("{done}", "--out", "a.txt"), "--out 'a.txt' must end in .html or .csv"),
        (("{done}", "--features", "nose"), "'nose'"),
        (("{done}", "--out", "{done}/assets.csv", "--force"), "--out"),
        (("{done}", "--out", "/proc/a.csv"), "--out '/proc/a.csv'"),
    ],
)
def test_wrong_arguments_end_in_one_line(tmp_path, capsys, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    write_eyes(tmp_path / "eyes", 12)
    before = (write_labelled(tmp_path / "done", 30) / "assets.csv").read_text()
    assert main("audit", *(text.format(eyes=tmp_path / "eyes", done=tmp_path / "done") for text in arguments)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert (tmp_path / "done" / "assets.csv").read_text() == before
