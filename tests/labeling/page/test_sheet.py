"""The label page, as a person uses it in a browser, and the commands that make it."""

from __future__ import annotations

import csv
import json
import os
import re

import numpy as np
import pytest
from classic_eyes.conftest import shared, write_eyes, write_labelled

from classic_eyes import cli
from classic_eyes.cli.label import _compared
from classic_eyes.datasets import EyeSet, LoadedSet, read_eyes, read_label_table
from classic_eyes.errors import ParameterError
from classic_eyes.labeling.page import render_sheet

HOSTILE = (
    "</script><script>alert(1)</script>.png".replace("/", "\N{DIVISION SLASH}"),
    "<img src=x onerror=alert(2)>.png",
    "<!-- \" ' `${alert(3)}`, &amp;.png",
    "two\nlines\r.png",
    "\N{EYE}\ufe0f \u2028.png",
    "=1+1.png",
)


def main(*arguments: object) -> int:
    return cli.main([str(argument) for argument in arguments])


def told(page: str) -> dict:
    """Return what a page holds."""
    found = re.search(r'<script type="application/json" id="sheet">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


@pytest.fixture(scope="module")
def eyes(tmp_path_factory):
    """A hundred synthetic eyes, six of them with names that mean mischief, and their labels."""
    top = tmp_path_factory.mktemp("page") / "eyes"
    labels = write_eyes(top, 106)
    names = [f"{number:03}.png" for number in range(106)]
    for number, name in enumerate(HOSTILE):
        os.rename(top / names[number], top / name)
        names[number] = name
    return top, dict(zip(names, labels, strict=True))


@pytest.fixture
def page(eyes, tmp_path):
    out = tmp_path / "label.html"
    assert main("label", eyes[0], "--out", out, "--model", "fast", "--page", 40) == 0
    return out


@pytest.fixture
def tab(browser, request):
    """A window, watched: it may say nothing on the console and fetch nothing."""
    width, scheme = getattr(request, "param", (1600, "light"))
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, accept_downloads=True)
    window = context.new_page()
    trouble: list[str] = []
    window.on("console", lambda message: trouble.append(message.text))
    window.on("pageerror", lambda error: trouble.append(str(error)))
    window.on("dialog", lambda dialog: (trouble.append(dialog.message), dialog.dismiss()))
    window.on(
        "request",
        lambda asked: None if asked.url.startswith(("file:", "data:", "blob:")) else trouble.append(asked.url),
    )
    yield window
    context.close()
    assert trouble == []


def saved(tab, path):
    with tab.expect_download() as download:
        tab.keyboard.press("s")
    download.value.save_as(path)
    return path


# -- what it holds --


def test_it_holds_every_image_once_and_loads_nothing(page, eyes):
    text = page.read_text(encoding="utf-8")
    sheet = told(text)
    assert sorted(item["file"] for item in sheet["items"]) == sorted(eyes[1])
    assert sorted(k for one in sheet["pages"] for k in one["items"]) == list(range(106))
    assert len(set(sheet["images"])) > 100
    assert not re.search(r'(src|href)="(?!data:)', text.split("<script", 1)[0])
    assert "default-src 'none'" in text
    assert "alert(1)</script" not in text


def test_the_same_folder_gives_the_same_bytes(page, eyes, tmp_path):
    again = tmp_path / "again.html"
    assert main("label", eyes[0], "--out", again, "--model", "fast", "--page", 40) == 0
    assert again.read_bytes() == page.read_bytes()


@pytest.mark.parametrize("order", ["uncertain", "cluster", "random"])
def test_every_order_makes_a_page(eyes, tmp_path, order, capsys):
    out = tmp_path / "label.html"
    assert main("label", eyes[0], "--out", out, "--model", "fast", "--order", order, "--limit", 30) == 0
    items = told(out.read_text(encoding="utf-8"))["items"]
    assert len(items) == 30
    if order == "uncertain":
        sure = [round(abs(item["score"] - 0.5), 6) for item in items]  # as near on one side as on the other
        assert sure == sorted(sure)
    assert "30 of 106 images to be labelled" in capsys.readouterr().err


def test_what_is_labelled_is_not_asked_again(eyes, tmp_path):
    top, labels = eyes
    names = sorted(labels)
    given = tmp_path / "given.csv"
    with open(given, "w", newline="", encoding="utf-8") as file:
        rows = [[name, labels[name], "", "left"] for name in names[:50]] + [[names[50], "", "1", ""]]
        csv.writer(file).writerows([["file", "label", "unsure", "camera"], *rows])
    out = tmp_path / "label.html"
    assert main("label", top, "--labels", given, "--out", out, "--model", "fast") == 0
    sheet = told(out.read_text(encoding="utf-8"))
    assert sorted(item["file"] for item in sheet["items"]) == names[51:]
    assert sheet["columns"] == ["file", "label", "unsure", "camera"]
    assert len(sheet["rows"]) == 51
    # Unless asked to: the doubt comes again, in its row.
    assert main("label", top, "--labels", given, "--out", out, "--model", "fast", "--unsure", "--force") == 0
    again = {item["file"]: item["row"] for item in told(out.read_text(encoding="utf-8"))["items"]}
    assert sorted(again) == names[50:]
    assert again[names[50]] == 50


def test_a_page_of_four_thousand_is_small(tmp_path):
    from classic_eyes.synthetic import make_eyes

    images = np.tile(make_eyes(400).images, (10, 1, 1))
    items = [
        {"file": f"{k}.png", "row": -1, "given": -1, "guess": 1, "score": 0.5, "image": k} for k in range(len(images))
    ]
    pages = [list(range(start, start + 50)) for start in range(0, len(items), 50)]
    sheet = {
        "title": "",
        "lead": "",
        "save": "a.csv",
        "columns": [],
        "rows": [],
        "items": items,
        "pages": pages,
        "reasons": False,
    }
    assert len(render_sheet(sheet, images)) < 10e6
    large = np.repeat(np.repeat(images, 3, axis=1), 3, axis=2)[:, :64, :64]
    assert len(render_sheet(sheet, large)) < 25e6
    with pytest.raises(ParameterError, match="an item names number 3999"):
        render_sheet(sheet, images[:10])


# -- as a person uses it --


def test_a_person_labels_and_the_saved_file_trains_a_model(tab, page, eyes, tmp_path, capsys):
    top, labels = eyes
    sheet = told(page.read_text(encoding="utf-8"))
    tab.goto(page.as_uri())
    tiles = tab.locator("[data-item]")
    assert tiles.count() == 40
    assert tab.locator("#done").inner_text() == "0 of 106 answered"

    def file_of(k):
        return sheet["items"][int(tiles.nth(k).get_attribute("data-item"))]["file"]

    def word(k):
        return tiles.nth(k).locator("span").inner_text()

    # Twenty are turned over, by click and by key, and one is a doubt.
    before = [word(k) for k in range(20)]
    for k in range(10):
        tiles.nth(k).click()
    for k in range(10, 20):
        tiles.nth(k).focus()
        tab.keyboard.press("Space" if k % 2 else "Enter")
    for k in range(20):
        assert word(k) == ("closed ✓" if before[k] == "open?" else "open ✓")
    tiles.nth(20).focus()
    tab.keyboard.press("u")
    assert word(20) == "unsure ✓"
    assert tab.locator("#done").inner_text() == "21 of 106 answered"
    # Undo takes back one after the other.
    tab.keyboard.press("z")
    tab.keyboard.press("z")
    assert word(20).endswith("?")
    assert word(19) == before[19]
    assert tab.locator("#done").inner_text() == "19 of 106 answered"
    tiles.nth(20).focus()
    tab.keyboard.press("u")
    # Closing the window loses nothing. A browser hands what a page stores to another process, a moment later.
    tab.wait_for_timeout(500)
    tab.reload()
    assert tab.locator("#done").inner_text() == "20 of 106 answered"
    assert word(20) == "unsure ✓"
    assert word(0).endswith("✓")
    # Every answer right, as a person would: those that are wrong are turned over, the page is confirmed.
    while "save" not in tab.locator("#confirm-text").inner_text():
        for k in range(tiles.count()):
            if k == 20 and tab.locator("#place").inner_text() == "Page 1 of 3":
                continue
            right = ("closed", "open")[labels[file_of(k)]]
            if not word(k).startswith(right):
                tiles.nth(k).focus()
                tab.keyboard.press("o" if right == "open" else "c")
        tab.keyboard.press("n")
    assert tab.locator("#done").inner_text() == "106 of 106 answered"
    path = saved(tab, tmp_path / "assets.csv")
    assert "saved" in tab.locator("#unsaved").inner_text()

    with open(path, newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file, strict=True)
    assert header == ["file", "label", "unsure"]
    told_labels = {name: label for name, label, _ in rows}
    (doubt,) = (name for name, _, unsure in rows if unsure)
    assert told_labels.pop(doubt) == ""
    assert told_labels == {name: str(label) for name, label in labels.items() if name != doubt}
    known = read_eyes(top, labels=path)
    assert (known.labels >= 0).sum() == 105
    options = ("--features", "hog", "--components", 20, "--copies", 0, "--folds", 2, "--labelled-only")
    assert main("train", top, "--labels", path, "--out", tmp_path / "m.joblib", *options) == 0
    assert "accuracy" in capsys.readouterr().out


def test_a_click_can_mean_unsure_and_pages_can_be_turned(tab, page):
    tab.goto(page.as_uri())
    tab.get_by_label("says unsure").check()
    tab.locator("[data-item]").nth(3).click()
    assert tab.locator("[data-item]").nth(3).locator("span").inner_text() == "unsure ✓"
    tab.get_by_role("button", name="Forward").click()
    assert tab.locator("#place").inner_text() == "Page 2 of 3"
    tab.get_by_role("button", name=re.compile("^Back")).click()
    assert tab.locator("#place").inner_text() == "Page 1 of 3"
    # Undo goes to where it was answered.
    tab.get_by_role("button", name="Forward").click()
    tab.get_by_role("button", name=re.compile("^Undo")).click()
    assert tab.locator("#place").inner_text() == "Page 1 of 3"
    assert tab.locator("#done").inner_text() == "0 of 106 answered"
    assert tab.locator("#undo").is_disabled()


def test_arrows_go_where_they_point(tab, page):
    tab.goto(page.as_uri())
    tab.locator("[data-item]").first.focus()
    place = "(() => { const box = document.activeElement.getBoundingClientRect(); return [box.left, box.top]; })()"
    left, top = tab.evaluate(place)
    tab.keyboard.press("ArrowRight")
    right = tab.evaluate(place)
    assert right[0] > left
    assert right[1] == top
    tab.keyboard.press("ArrowDown")
    down = tab.evaluate(place)
    assert down[0] == right[0]
    assert down[1] > top
    tab.keyboard.press("ArrowUp")
    tab.keyboard.press("ArrowLeft")
    assert tab.evaluate(place) == [left, top]


def test_names_are_text_and_the_page_is_told_to_who_cannot_see(tab, page):
    tab.goto(page.as_uri())
    names = set()
    for number in range(3):
        for tile in tab.locator("[data-item]").all():
            assert tile.evaluate("tile => tile.tagName") == "BUTTON"
            said = tile.get_attribute("aria-label")
            found = re.fullmatch(r"probably (?:open|closed): (.*)\. Press to turn over\.", said, re.DOTALL)
            names.add(found[1])
        if number < 2:
            tab.get_by_role("button", name="Forward").click()
    assert names >= set(HOSTILE)
    tab.locator("[data-item]").first.click()
    assert re.match(r"answered (open|closed): ", tab.locator("[role=status]").inner_text())
    # Tab goes to one image and out again; buttons are called by their words.
    assert tab.locator('[data-item][tabindex="0"]').count() == 1
    tab.locator("[data-item]").nth(1).focus()
    assert tab.locator('[data-item][tabindex="0"]').get_attribute("data-item") == tab.locator("[data-item]").nth(
        1
    ).get_attribute("data-item")
    assert tab.get_by_role("button", name="Undo", exact=True).get_attribute("aria-keyshortcuts") == "Z"
    tab.get_by_label("says unsure").check()
    assert tab.locator("[data-item]").first.get_attribute("aria-label").endswith(". Press if unsure.")
    tab.reload()
    assert tab.get_by_label("says unsure").is_checked()
    assert tab.locator("progress").get_attribute("aria-label") == "answered"


@pytest.mark.parametrize("tab", [(400, "light"), (400, "dark"), (1600, "light"), (1600, "dark")], indirect=True)
def test_it_fits_the_window(tab, page):
    tab.goto(page.as_uri())
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert tab.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    # A finger needs some forty pixels.
    sides = tab.evaluate(
        "[...document.querySelectorAll('[data-item], .actions button')].map(e => e.getBoundingClientRect().height)"
    )
    assert min(sides) >= 40
    # What is at the end can be brought above the bar of buttons.
    tab.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    assert tab.evaluate(
        "[...document.querySelectorAll('[data-item]')].pop().getBoundingClientRect().bottom"
        " <= document.querySelector('.actions').getBoundingClientRect().top"
    )


def test_two_pages_do_not_share_answers(tab, page, eyes, tmp_path):
    other = tmp_path / "other.html"
    assert main("label", eyes[0], "--out", other, "--model", "fast", "--page", 30) == 0
    tab.goto(page.as_uri())
    tab.locator("[data-item]").first.click()
    tab.goto(other.as_uri())
    assert tab.locator("#done").inner_text() == "0 of 106 answered"


def test_two_tabs_of_a_page_share_their_answers(tab, page):
    tab.goto(page.as_uri())
    other = tab.context.new_page()
    other.goto(page.as_uri())
    tab.locator("[data-item]").nth(0).click()
    other.locator("[data-item]").nth(1).click()
    tab.locator("[data-item]").nth(2).click()
    assert tab.locator("#done").inner_text() == "3 of 106 answered"
    other.reload()
    assert other.locator("#done").inner_text() == "3 of 106 answered"


def test_a_key_that_is_held_confirms_one_page(tab, page):
    tab.goto(page.as_uri())
    for _ in range(5):
        tab.keyboard.down("n")
    tab.keyboard.up("n")
    assert tab.locator("#done").inner_text() == "40 of 106 answered"


@pytest.mark.parametrize(
    "damaged",
    [
        "{",
        "null",
        "[1]",
        '{"answers": null}',
        '{"answers": {"9999": 1}}',
        '{"answers": {"0": 7}}',
        '{"answers": {"0": 1}, "past": [{"page": 77, "before": [[0, null]]}], "page": "x", "active": "soon"}',
    ],
)
def test_what_a_browser_kept_damaged_does_not_stop_the_page(tab, page, damaged):
    tab.goto(page.as_uri())
    tab.locator("[data-item]").first.click()
    tab.evaluate("text => localStorage.setItem(localStorage.key(0), text)", damaged)
    tab.reload()
    assert tab.locator("#done").inner_text() == f"{damaged.count('past')} of 106 answered"
    tab.locator("[data-item]").nth(5).click()
    tab.keyboard.press("n")
    assert tab.locator("#done").inner_text() == "40 of 106 answered"


def test_the_last_click_of_a_single_page_saves(tab, eyes, tmp_path):
    out = tmp_path / "label.html"
    assert main("label", eyes[0], "--out", out, "--model", "fast", "--limit", 10) == 0
    tab.goto(out.as_uri())
    blue = tab.locator("#confirm")
    assert blue.inner_text().startswith("Right as shown: all 10 left")
    assert "next page" not in blue.inner_text()
    blue.click()
    assert blue.inner_text().startswith("All is answered: save the labels")
    with tab.expect_download() as download:
        blue.click()
    download.value.save_as(tmp_path / "assets.csv")
    assert (read_eyes(eyes[0], labels=tmp_path / "assets.csv").labels >= 0).sum() == 10


@pytest.mark.parametrize("tab", [(400, "light"), (1600, "light")], indirect=True)
def test_what_is_focused_is_not_behind_a_bar(tab, page):
    tab.goto(page.as_uri())
    tab.locator("[data-item]").first.focus()
    for _ in range(12):
        tab.keyboard.press("ArrowDown")
    for key in ["ArrowDown"] * 12 + ["ArrowUp"] * 20:
        tab.keyboard.press(key)
        assert tab.evaluate(
            "(() => { const box = document.activeElement.getBoundingClientRect();"
            " return box.bottom <= document.querySelector('.actions').getBoundingClientRect().top"
            " && box.top >= document.querySelector('.state').getBoundingClientRect().bottom; })()"
        )


def test_without_a_place_to_keep_answers_it_says_so(tab, page):
    tab.add_init_script("Object.defineProperty(window, 'localStorage', { get() { throw new Error('no'); } })")
    tab.goto(page.as_uri())
    assert tab.locator("#lost").is_visible()
    tab.locator("[data-item]").first.click()
    assert tab.locator("#unsaved").inner_text() == "not saved yet"


# -- the audit --


def audit_options(*further: object) -> tuple[object, ...]:
    return ("--features", "hog", "--folds", 2, "--jobs", 1, *further)


@pytest.fixture(scope="module")
def mislabelled(tmp_path_factory):
    top = write_labelled(tmp_path_factory.mktemp("audit") / "eyes", 150)
    lines = (top / "assets.csv").read_text().splitlines()
    wrong = [f"{k:03}.png" for k in range(0, 150, 15)]
    rows = [line.split(",") for line in lines[1:]]
    rows = [[name, str(1 - int(label)) if name in wrong else label, "x"] for name, label in rows]
    (top / "assets.csv").write_text("\n".join(["file,label,note", *map(",".join, rows)]) + "\n")
    return top, wrong


def test_the_audit_names_wrong_labels_and_the_page_mends_them(mislabelled, tab, tmp_path, capsys):
    top, wrong = mislabelled
    out = tmp_path / "audit.html"
    assert main("audit", top, "--out", out, "--limit", 15, *audit_options()) == 0
    said = capsys.readouterr().err
    assert "second witness: the images without labels" in said
    assert f"wrote {out}: the 15 most doubtful labels; it holds your images" in said
    sheet = told(out.read_text(encoding="utf-8"))
    named = [item["file"] for item in sheet["items"]]
    assert len(set(named) & set(wrong)) >= 8
    tab.goto(out.as_uri())
    assert "labelled" in tab.locator(".why").first.inner_text()
    for k, name in enumerate(named):
        if name in wrong:
            tab.locator("[data-item]").nth(k).click()
    mended = read_label_table(saved(tab, tmp_path / "mended.csv"))
    old = read_label_table(top / "assets.csv")
    assert mended.columns == old.columns
    changed = [a[0] for a, b in zip(old.rows, mended.rows, strict=True) if a != b]
    assert changed == [name for name in wrong if name in named]
    assert all(row[2] == "x" for row in mended.rows)


def test_the_audit_writes_a_csv_and_a_table(mislabelled, tmp_path, capsys):
    top, wrong = mislabelled
    out = tmp_path / "audit.csv"
    assert main("audit", top, "--out", out, *audit_options()) == 0
    with open(out, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, strict=True))
    assert list(rows[0]) == ["file", "label", "doubt", "reason", "other"]
    doubts = [float(row["doubt"]) for row in rows]
    assert doubts == sorted(doubts, reverse=True)
    assert len({row["file"] for row in rows[:12]} & set(wrong)) >= 8
    (tmp_path / "raters.csv").write_text(
        "file,a,b\n"
        + "".join(f"{k:03}.png,{label},{label}\n" for k, label in enumerate(write_eyes(tmp_path / "e", 150)))
    )
    capsys.readouterr()
    assert main("audit", top, "--raters", tmp_path / "raters.csv", *audit_options()) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].split() == ["doubt", "file", "why"]
    assert len([line for line in printed if "labelled" in line]) == 20
    assert "most raters contradict 10 of the labels" in printed
    assert any(line.split()[:2] == ["this", "audit"] for line in printed)


# -- wrong arguments --


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("label", "{eyes}", "--out", "a.txt"), "--out 'a.txt' must end in .html"),
        (("label", "{eyes}", "--out", "no/a.html"), "there is no folder 'no'; make it first"),
        (("label", "nothing", "--out", "a.html"), "'nothing': no such folder or image"),
        (("label", "{eyes}", "--out", "a.html", "--order", "best"), "invalid choice: 'best'"),
        (("label", "{eyes}", "--out", "a.html", "--model", "none.npz"), "no model file of this name"),
        (
            ("label", "{done}", "--out", "a.html"),
            "all 30 images are labelled, or marked as unsure; --unsure asks about those again",
        ),
        (("audit", "{eyes}"), "0 labels say closed and 0 open; 10 of each are needed"),
        (("audit", "{done}", "--folds", "1"), "--folds 1 leaves nothing to learn from"),
        (("audit", "{done}", "--folds", "40"), "--folds 40 needs 40 groups and there are 30"),
        (("audit", "{done}", "--out", "a.txt"), "--out 'a.txt' must end in .html or .csv"),
        (("audit", "{done}", "--features", "nose"), "'nose'"),
        (("audit", "{done}", "--out", "{done}/assets.csv", "--force"), "is the label file that is read"),
        (("audit", "{done}", "--raters", "{done}/assets.csv"), "has a column label, so it is a label file"),
        (("audit", "{done}", "--raters", "{done}"), "argument --raters: "),
        (("audit", "{done}", "--raters", "others.csv"), "nobody in it rates an image of this folder"),
        (("audit", "{done}", "--out", "/proc/a.csv"), "--out '/proc/a.csv': no file can be made in '/proc'"),
        (("label", "{eyes}", "--out", "others.html"), "--out 'others.html' is there already"),
        (("label", "{eyes}", "--labels", "no.csv", "--out", "a.html"), "argument --labels: 'no.csv': no such file"),
        (("train", "{done}", "--features", "hgo", "--out", "a.npz"), "argument --features: 'hgo': expected one of"),
        (("merge", "a.csv", "b.csv", "--out", "c.csv"), "'a.csv': no such file"),
        (("bench", "--label-curve", "--features", "hog"), "--features does not go with --label-curve"),
        (("bench", "--label-curve", "--novelty"), "--novelty does not go with --label-curve"),
        (("bench", "--label-curve", "--data", "a", "b"), "--label-curve takes one folder after --data, not 2"),
    ],
)
def test_wrong_arguments_are_one_line(eyes, tmp_path, capsys, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    write_labelled(tmp_path / "done", 30)
    (tmp_path / "others.csv").write_text("file,anna,ben\nx.png,1,1\n")
    (tmp_path / "others.html").write_text("precious")
    given = [argument.format(eyes=eyes[0], done=tmp_path / "done") for argument in arguments]
    try:
        status = main(*given)
    except SystemExit as stopped:
        status = stopped.code
    error = capsys.readouterr().err
    assert status == 2
    assert said in error
    assert error.count("\n") == 1
    assert [path.read_text() for path in tmp_path.glob("*.html")] == ["precious"]


def test_what_cannot_be_read_or_named_is_left_out_and_said(eyes, tmp_path, capsys):
    top = tmp_path / "mixed"
    write_eyes(top, 5)
    (top / "broken.png").write_bytes(b"hello")
    os.rename(top / "004.png", os.fsencode(top) + b"/caf\xe9.png")
    assert main("label", top, "--out", tmp_path / "a.html", "--model", "fast") == 1
    error = capsys.readouterr().err
    assert "left out broken.png: not an image OpenCV can read" in error
    assert "left out 'caf\\udce9.png': label files are UTF-8, and its name is not" in error
    assert len(told((tmp_path / "a.html").read_text(encoding="utf-8"))["items"]) == 4
    # Where only what cannot be read is left, that is said, and not that nothing can be read.
    (top / "assets.csv").write_text("file,label\n" + "".join(f"{k:03}.png,1\n" for k in range(4)))
    os.unlink(os.fsencode(top) + b"/caf\xe9.png")
    assert main("label", top, "--out", tmp_path / "b.html", "--model", "fast") == 2
    assert "4 of 5 images are labelled or marked; of the rest, none of 1" in capsys.readouterr().err


def test_one_image_makes_a_page(tmp_path):
    write_eyes(tmp_path / "one", 1)
    for order in ("priority", "cluster"):
        assert (
            main("label", tmp_path / "one", "--out", tmp_path / f"{order}.html", "--model", "fast", "--order", order)
            == 0
        )


@pytest.mark.parametrize(("order", "kept"), [("priority", [1, 2]), ("cluster", [0, 3]), ("random", [0, 1, 2, 3])])
def test_of_very_many_those_that_come_last_are_left_out(order, kept, capsys):
    names = [f"{k}.png" for k in range(4)]
    data = LoadedSet(EyeSet(names, np.full(4, -1), np.array(names), names), np.zeros((4, 24, 24), np.uint8), ())
    left, scores = _compared(data, np.array([0.9, 0.6, 0.45, 0.01]), order, most=2)
    assert [names.index(name) for name in left.eyes.names] == kept
    assert len(scores) == len(left.images) == len(kept)
    assert ("are compared with one another" in capsys.readouterr().err) == (len(kept) == 2)


@pytest.mark.slow
def test_the_audit_of_eyes24_is_worth_a_look(capsys):
    top = shared("eyes24")
    assert main("audit", top, "--raters", top / "raters.csv") == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    (found,) = ([int(cell) for cell in line[2:]] for line in lines if line[:2] == ["this", "audit"])
    assert found[0] >= 30
    assert found[1] >= 45
