"""The label page, as a person uses it in a browser."""

from __future__ import annotations

import csv
import os
import re

import numpy as np
import pytest

from classic_eyes import EyeClassifier
from classic_eyes.datasets import load_images, read_eyes
from classic_eyes.errors import ParameterError
from classic_eyes.labeling.page import render_sheet
from classic_eyes.synthetic import make_eyes

from ...conftest import main, write_eyes
from ...html_page import sheet_of, watch

HOSTILE = (
    "</script><script>alert(1)</script>.png".replace("/", "\N{DIVISION SLASH}"),
    "<img src=x onerror=alert(2)>.png",
    "<!-- \" ' `${alert(3)}`, &amp;.png",
    "two\nlines\r.png",
    "\N{EYE}\ufe0f \u2028.png",
    "=1+1.png",
)


@pytest.fixture(scope="module")
def eyes(tmp_path_factory):
    """A folder of synthetic eyes, six of them with hostile names, and their labels."""
    top = tmp_path_factory.mktemp("page") / "eyes"
    labels = write_eyes(top, 106)
    names = [f"{number:03}.png" for number in range(106)]
    for number, name in enumerate(HOSTILE):
        os.rename(top / names[number], top / name)
        names[number] = name
    return top, dict(zip(names, labels, strict=True))


@pytest.fixture(scope="module")
def page(eyes, tmp_path_factory):
    out = tmp_path_factory.mktemp("page") / "label.html"
    assert main("label", eyes[0], "--out", out, "--model", "fast", "--page", 40) == 0
    return out


@pytest.fixture
def tab(browser, request):
    """A window; it may print nothing on the console and load nothing."""
    width, scheme = getattr(request, "param", (1600, "light"))
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, accept_downloads=True)
    window = context.new_page()
    trouble = watch(window)
    yield window
    context.close()
    assert trouble == []


def saved(tab, path):
    with tab.expect_download() as download:
        tab.keyboard.press("s")
    download.value.save_as(path)
    return path


# Contents


def test_page_holds_every_image_once_and_loads_nothing(page, eyes):
    text = page.read_text(encoding="utf-8")
    sheet = sheet_of(text)
    assert sorted(item["file"] for item in sheet["items"]) == sorted(eyes[1])
    assert sorted(k for one in sheet["pages"] for k in one["items"]) == list(range(106))
    assert len(set(sheet["images"])) > 100
    assert not re.search(r'(src|href)="(?!data:)', text.split("<script", 1)[0])
    assert "default-src 'none'" in text
    assert "alert(1)</script" not in text


def test_same_folder_gives_the_same_bytes(page, eyes, tmp_path):
    again = tmp_path / "again.html"
    assert main("label", eyes[0], "--out", again, "--model", "fast", "--page", 40) == 0
    assert again.read_bytes() == page.read_bytes()


def test_page_of_four_thousand_images_is_small(tmp_path):
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
        "chosen": "",
        "items": items,
        "pages": pages,
        "reasons": False,
    }
    assert len(render_sheet(sheet, images)) < 10e6
    large = np.repeat(np.repeat(images, 3, axis=1), 3, axis=2)[:, :64, :64]
    assert len(render_sheet(sheet, large)) < 25e6
    with pytest.raises(ParameterError, match="an item names number 3999"):
        render_sheet(sheet, images[:10])


# In a browser


def test_saved_labels_train_a_model(tab, page, eyes, tmp_path):
    top, labels = eyes
    sheet = sheet_of(page.read_text(encoding="utf-8"))
    tab.goto(page.as_uri())
    tiles = tab.locator("[data-item]")
    assert tiles.count() == 40
    assert tab.locator("#done").inner_text() == "0 of 106 answered"

    def file_of(k):
        return sheet["items"][int(tiles.nth(k).get_attribute("data-item"))]["file"]

    def word(k):
        return tiles.nth(k).locator("span").inner_text()

    # Twenty images are switched, by click and by key, and one is marked as unsure.
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
    # Undo takes back one answer after the other.
    tab.keyboard.press("z")
    tab.keyboard.press("z")
    assert word(20).endswith("?")
    assert word(19) == before[19]
    assert tab.locator("#done").inner_text() == "19 of 106 answered"
    tiles.nth(20).focus()
    tab.keyboard.press("u")
    # Closing the window loses nothing. Browsers write the local storage a moment later.
    tab.wait_for_timeout(500)
    tab.reload()
    assert tab.locator("#done").inner_text() == "20 of 106 answered"
    assert word(20) == "unsure ✓"
    assert word(0).endswith("✓")
    # Correct each wrong label, then confirm the page.
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
    assert header == ["file", "label", "chosen", "unsure"]
    assert {chosen for *_, chosen, _ in rows} == {"priority"}
    saved_labels = {name: label for name, label, *_ in rows}
    (doubt,) = (name for name, *_, unsure in rows if unsure)
    assert saved_labels.pop(doubt) == ""
    assert saved_labels == {name: str(label) for name, label in labels.items() if name != doubt}
    data = load_images(read_eyes(top, labels=path))
    known = data.eyes.labels >= 0
    assert known.sum() == 105
    classifier = EyeClassifier(features=("hog",), classifier="svm", n_components=20, n_copies=0, n_synthetic=0)
    classifier.fit(data.images[known], data.eyes.labels[known])
    assert classifier.score(data.images[known], data.eyes.labels[known]) > 0.9


def test_saved_file_records_how_each_image_was_chosen(tab, eyes, tmp_path):
    top, labels = eyes
    names = [name for name in sorted(labels) if name not in HOSTILE]
    # One image is labelled elsewhere, one was shown by an earlier page, one is merely listed.
    given = [f"{names[0]},{labels[names[0]]},", f"{names[1]},,random", f"{names[2]},,"]
    (tmp_path / "given.csv").write_text("\n".join(["file,label,Chosen", *given]) + "\n")
    page = tmp_path / "label.html"
    options = ("--labels", tmp_path / "given.csv", "--order", "uncertain", "--page", 200)
    assert main("label", top, "--out", page, "--model", "fast", *options) == 0
    tab.goto(page.as_uri())
    tab.locator("[data-item]").first.click()
    tab.keyboard.press("z")
    tab.keyboard.press("n")
    path = saved(tab, tmp_path / "all.csv")
    with open(path, newline="", encoding="utf-8") as file:
        assert next(csv.reader(file)) == ["file", "label", "Chosen"]
    eyes_read = read_eyes(top, labels=path)
    assert (eyes_read.labels >= 0).all()
    chosen = dict(zip(eyes_read.names, eyes_read.chosen.tolist(), strict=True))
    assert chosen.pop(names[0]) == ""
    assert chosen.pop(names[1]) == "random"
    assert set(chosen.values()) == {"uncertain"}


def test_saved_file_of_a_mixed_page_tells_the_random_half_apart(tab, eyes, tmp_path):
    page = tmp_path / "label.html"
    assert main("label", eyes[0], "--out", page, "--model", "fast", "--order", "mixed", "--page", 200) == 0
    expected = {item["file"]: item["chosen"] for item in sheet_of(page.read_text(encoding="utf-8"))["items"]}
    tab.goto(page.as_uri())
    tab.locator("[data-item]").first.click()
    tab.keyboard.press("n")
    with open(saved(tab, tmp_path / "all.csv"), newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["file"]: row["chosen"] for row in rows} == expected
    assert set(expected.values()) == {"random", "priority"}


def test_blind_page_shows_no_guess_and_takes_an_answer_for_each_image(tab, eyes, tmp_path):
    top, labels = eyes
    out = tmp_path / "label.html"
    options = ("--model", "fast", "--order", "random", "--limit", 30, "--page", 20)
    assert main("label", top, "--out", out, *options) == 0
    names = [item["file"] for item in sheet_of(out.read_text(encoding="utf-8"))["items"]]
    tab.goto(out.as_uri())
    tiles, confirm = tab.locator("[data-item]"), tab.locator("#confirm")
    assert [tile.get_attribute("title") for tile in tiles.all()] == names[:20]
    assert {tile.locator("span").inner_text() for tile in tiles.all()} == {"?"}
    assert tab.locator("h2").count() == 0
    assert tiles.first.get_attribute("aria-label").startswith("not answered: ")
    # The keys work at once.
    assert tab.evaluate("document.activeElement.title") == names[0]
    # The button answers nothing.
    assert confirm.inner_text().startswith("20 on this page without an answer, next page")
    confirm.click()
    assert tab.locator("#place").inner_text() == "Page 2 of 2"
    assert tab.locator("#done").inner_text() == "0 of 30 answered"
    tab.keyboard.press("p")
    # A key answers and goes to the next image; a click gives the chosen answer.
    tiles.first.focus()
    for name in names[:15]:
        tab.keyboard.press("co"[labels[name]])
    for word, label in (("closed", 0), ("open", 1)):
        tab.get_by_label(f"says {word}").check()
        for k in range(15, 19):
            if labels[names[k]] == label:
                tiles.nth(k).click()
    # The image that was forgotten is found again.
    tab.keyboard.press("n")
    tiles.first.focus()
    for name in names[20:]:
        tab.keyboard.press("co"[labels[name]])
    assert confirm.inner_text().startswith("Next page")
    tab.keyboard.press("n")
    assert tab.evaluate("document.activeElement.title") == names[19]
    tab.keyboard.press("u")
    tab.keyboard.press("z")
    assert tab.locator("#done").inner_text() == "29 of 30 answered"
    tab.keyboard.press("u")
    assert confirm.inner_text().startswith("All is answered")
    with open(saved(tab, tmp_path / "random.csv"), newline="", encoding="utf-8") as file:
        rows = {row["file"]: row for row in csv.DictReader(file)}
    assert rows.pop(names[19])["unsure"] == "1"
    assert {name: row["label"] for name, row in rows.items()} == {
        name: str(labels[name]) for name in names if name != names[19]
    }
    assert {row["chosen"] for row in rows.values()} == {"random"}


def test_images_can_be_enlarged(tab, page):
    tab.goto(page.as_uri())
    width = "document.querySelector('[data-item] img').getBoundingClientRect().width"
    before = tab.evaluate(width)
    tab.get_by_label("larger and brighter").check()
    assert tab.evaluate(width) > 1.4 * before


def test_click_can_mark_as_unsure_and_pages_can_be_turned(tab, page):
    tab.goto(page.as_uri())
    tab.get_by_label("says unsure").check()
    tab.locator("[data-item]").nth(3).click()
    assert tab.locator("[data-item]").nth(3).locator("span").inner_text() == "unsure ✓"
    tab.get_by_role("button", name="Forward").click()
    assert tab.locator("#place").inner_text() == "Page 2 of 3"
    tab.get_by_role("button", name=re.compile("^Back")).click()
    assert tab.locator("#place").inner_text() == "Page 1 of 3"
    # Undo goes to the page of the answer.
    tab.get_by_role("button", name="Forward").click()
    tab.get_by_role("button", name=re.compile("^Undo")).click()
    assert tab.locator("#place").inner_text() == "Page 1 of 3"
    assert tab.locator("#done").inner_text() == "0 of 106 answered"
    assert tab.locator("#undo").is_disabled()


def test_arrow_keys_move_the_focus(tab, page):
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


def test_names_are_text_and_screen_readers_get_the_state(tab, page):
    tab.goto(page.as_uri())
    names = set()
    for number in range(3):
        for tile in tab.locator("[data-item]").all():
            assert tile.evaluate("tile => tile.tagName") == "BUTTON"
            label = tile.get_attribute("aria-label")
            found = re.fullmatch(r"probably (?:open|closed): (.*)\. Press to turn over\.", label, re.DOTALL)
            names.add(found[1])
        if number < 2:
            tab.get_by_role("button", name="Forward").click()
    assert names >= set(HOSTILE)
    tab.locator("[data-item]").first.click()
    assert re.match(r"answered (open|closed): ", tab.locator("[role=status]").inner_text())
    # Tab reaches one image; buttons have their words as names.
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
def test_page_fits_the_window(tab, page):
    tab.goto(page.as_uri())
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert tab.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    # A finger needs about 40 pixels.
    sides = tab.evaluate(
        "[...document.querySelectorAll('[data-item], .actions button')].map(e => e.getBoundingClientRect().height)"
    )
    assert min(sides) >= 40
    # The last image can be scrolled above the bar of buttons.
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


def test_key_that_is_held_down_confirms_one_page(tab, page):
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
def test_damaged_storage_is_discarded(tab, page, damaged):
    tab.goto(page.as_uri())
    tab.locator("[data-item]").first.click()
    tab.evaluate("text => localStorage.setItem(localStorage.key(0), text)", damaged)
    tab.reload()
    assert tab.locator("#done").inner_text() == f"{damaged.count('past')} of 106 answered"
    tab.locator("[data-item]").nth(5).click()
    tab.keyboard.press("n")
    assert tab.locator("#done").inner_text() == "40 of 106 answered"


def test_last_click_of_a_single_page_saves(tab, eyes, tmp_path):
    out = tmp_path / "label.html"
    assert main("label", eyes[0], "--out", out, "--model", "fast", "--limit", 10) == 0
    tab.goto(out.as_uri())
    confirm = tab.locator("#confirm")
    assert confirm.inner_text().startswith("Right as shown: all 10 left")
    assert "next page" not in confirm.inner_text()
    confirm.click()
    assert confirm.inner_text().startswith("All is answered: save the labels")
    with tab.expect_download() as download:
        confirm.click()
    download.value.save_as(tmp_path / "assets.csv")
    assert (read_eyes(eyes[0], labels=tmp_path / "assets.csv").labels >= 0).sum() == 10


@pytest.mark.parametrize("tab", [(400, "light"), (1600, "light")], indirect=True)
def test_focused_image_is_not_behind_a_bar(tab, page):
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


def test_page_warns_where_the_browser_stores_nothing(tab, page):
    tab.add_init_script("Object.defineProperty(window, 'localStorage', { get() { throw new Error('no'); } })")
    tab.goto(page.as_uri())
    assert tab.locator("#lost").is_visible()
    tab.locator("[data-item]").first.click()
    assert tab.locator("#unsaved").inner_text() == "not saved yet"
