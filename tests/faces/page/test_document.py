"""The page of photographs, as a photographer uses it in a browser."""

from __future__ import annotations

import csv
import json
import os
import re
import time
from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from skimage import data as images

from classic_eyes.faces.page import PageEntry, page_entry, render_page, thumbnail_side

from ...html_page import HOSTILE, Page, watch

NAMES = (
    *HOSTILE,
    '</script><img src=x onerror="alert(4)">.jpg',
    "\N{EYE}\ufe0f\N{ZERO WIDTH JOINER}\N{EYE} \u2028 \u202egpj.exe",
    "=1+1.jpg",
    ' "quoted", and commas.jpg ',
    "carriage\rreturn; semicolon.jpg",
    "\udcc3\udcff\udc80.jpg",
    "constructor",
    "__proto__",
)


def face(x: int, y: int, side: int, verdict: str, right: float, left: float | None) -> SimpleNamespace:
    eyes = [
        SimpleNamespace(
            probability=1.0 if p is None else p,
            hidden="not like an eye" if p is None else None,
            box=(x + k * side // 2, y + side // 4, side // 2, side // 5),
        )
        for k, p in enumerate((right, left))
    ]
    return SimpleNamespace(box=(x, y, side, side), verdict=verdict, eyes=eyes)


OPEN = ("open", 0.97, 0.91)
CLOSED = ("closed", 0.02, 0.05)
WINK = ("wink", 0.03, 0.96)
UNKNOWN = ("unknown", 0.4, None)


def entry(name: str, *faces: tuple, time: float | None = None, shift: int = 0, side: int = 400) -> PageEntry:
    """Return an entry whose faces stand side by side; ``shift`` makes its pixels differ from all others."""
    photograph = np.roll(images.astronaut()[:341], 7 * shift, axis=1)
    shown = [face(10 + 120 * k, 90, 100, *one) for k, one in enumerate(faces)]
    return page_entry(name, photograph, shown, time=time, side=side)


def folder() -> list[PageEntry]:
    noon = 1_777_809_600.0  # 2026-05-03 12:00:00
    return [
        entry("open1.jpg", OPEN),
        entry("wink.jpg", WINK, shift=1),
        entry("burst1.jpg", OPEN, CLOSED, time=noon, shift=2),
        entry("group.jpg", OPEN, CLOSED, OPEN, UNKNOWN, shift=3),
        entry("burst2.jpg", OPEN, OPEN, time=noon + 2, shift=4),
        entry("nobody.jpg", shift=5),
        PageEntry("broken.jpg", error="not an image"),
        entry("unknown.jpg", UNKNOWN, shift=6),
        entry("burst3.jpg", OPEN, ("open", 0.7, 0.9), time=noon + 4, shift=7),
        entry("sub folder/open2.jpg", OPEN, OPEN, OPEN, shift=8),
    ]


ORDER = ["burst1", "burst2", "burst3", "group", "wink", "unknown", "nobody", "broken", "open1", "open2"]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    out = tmp_path_factory.mktemp("page") / "page.html"
    out.write_text(render_page(folder(), title="Wedding <i>"), encoding="utf-8")
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


def data_of(page: str) -> dict:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def visible(tab) -> list[str]:
    """Return the names of the cards that are shown, without folder and ending."""
    return [name.removesuffix(".jpg") for name in tab.locator(".card:visible .name > bdi").all_text_contents()]


def card(tab, name: str):
    return tab.locator(".card", has=tab.locator(".name", has_text=f"{name}.jpg"))


def view(tab, name: str):
    return card(tab, name).locator(".view")


def focused(tab) -> str:
    return tab.evaluate("document.activeElement.closest('.card')?.querySelector('bdi').textContent ?? ''")


def press(tab, name: str) -> None:
    """Press a filter."""
    tab.get_by_role("complementary").get_by_role("button", name=re.compile(rf"^{name}\b")).click()


def marks(tab) -> dict[str, str]:
    stamps = {name: card(tab, name).locator(".stamp").text_content() for name in ORDER}
    return {name: stamp for name, stamp in stamps.items() if stamp}


def saved(tab, path, *, key: str | None = "s"):
    with tab.expect_download() as download:
        tab.keyboard.press(key) if key else tab.get_by_role("button", name="Save marks").click()
    download.value.save_as(path)
    with open(path, newline="", encoding="utf-8", errors="surrogateescape") as file:
        return list(csv.reader(file, strict=True))


# Contents


def test_photographs_that_need_a_look_come_first_and_bursts_stay_together(page):
    data = data_of(page.read_text(encoding="utf-8"))
    names = [item["name"].removesuffix(".jpg").removeprefix("sub folder/") for item in data["items"]]
    sections = {
        section["key"]: [[names[item] for item in group["items"]] for group in section["groups"]]
        for section in data["sections"]
    }
    assert sections == {
        "look": [["burst1", "burst2", "burst3"], ["group"], ["wink"], ["unknown"]],
        "none": [["nobody"]],
        "failed": [["broken"]],
        "open": [["open1"], ["open2"]],
    }
    best = [group["best"] for section in data["sections"] for group in section["groups"]]
    assert [names[item] for item in best if item >= 0] == ["burst2"]


def test_same_entries_give_the_same_bytes_and_another_folder_another_storage(page):
    text = page.read_text(encoding="utf-8")
    assert render_page(folder(), title="Wedding <i>") == text
    places = [data_of(render_page(folder()[:n], folder=place))["id"] for n, place in ((5, "/a"), (6, "/a"), (6, "/b"))]
    assert places[0] == places[1] != places[2]
    assert "/a" not in places[0]


def test_page_is_strict_html_that_loads_nothing(page):
    text = page.read_text(encoding="utf-8")
    parsed = Page(re.sub(r"<use href=\S+/>|<circle [^>]*/>|<path [^>]*/>|<input [^>]*>", "", text))
    (title,) = re.findall("<h1>.*?</h1>", text)
    assert title == "<h1>Wedding &lt;i&gt;</h1>"
    addresses = [value for _, attrs in parsed.tags for key, value in attrs.items() if key in ("src", "href")]
    assert addresses == ["data:,", "#photographs"]
    assert "default-src 'none'" in text
    assert not re.search(r"\sstyle=|\son\w+=", re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL))


# In a browser


def test_a_photographer_sorts_a_folder(tab, page, tmp_path):
    tab.goto(page.as_uri())
    assert visible(tab) == ORDER
    assert tab.locator(".lead").inner_text() == (
        "10 photographs, 16 faces. 6 need a look: 4 closed, wink or unknown, 1 without a face, 1 not read."
    )
    counts = {b.get_attribute("data-kind"): b.locator("b").inner_text() for b in tab.locator("[data-kind]").all()}
    whole = {"all": "10", "closed": "2", "wink": "1", "unknown": "2", "none": "1", "failed": "1", "open": "4"}
    assert counts == whole | {"group": "3"}

    # Filters: a burst is shown whole.
    press(tab, "Closed")
    assert visible(tab) == ["burst1", "burst2", "burst3", "group"]
    assert tab.locator("#shown").inner_text() == "2 of 10 photographs, and 2 more of their bursts"
    press(tab, "No face")
    assert visible(tab) == ["nobody"]
    press(tab, "All")

    # Keys: the marks, and the way from card to card.
    tab.keyboard.press("ArrowDown")
    view(tab, "group").focus()
    tab.keyboard.press("k")
    tab.keyboard.press("ArrowRight")
    assert focused(tab) == "wink.jpg"
    tab.keyboard.press("r")
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("r")
    tab.keyboard.press("u")
    assert marks(tab) == {"group": "kept", "wink": "rejected"}
    assert tab.locator("#message").inner_text() == "unknown.jpg unmarked"

    # The mouse: a second click takes a mark back.
    tab.get_by_role("button", name="Keep open1.jpg").click()
    tab.get_by_role("button", name="Reject sub folder/open2.jpg").click()
    tab.get_by_role("button", name="Reject sub folder/open2.jpg").click()
    assert marks(tab) == {"group": "kept", "wink": "rejected", "open1": "kept"}

    # A burst: one button, and one step of undo.
    tab.get_by_role("button", name="Keep best, reject 2 others").click()
    everything = {"burst1": "rejected", "burst2": "kept", "burst3": "rejected", "group": "kept", "wink": "rejected"}
    assert marks(tab) == {**everything, "open1": "kept"}
    tab.get_by_role("button", name="Undo").click()
    assert marks(tab) == {"group": "kept", "wink": "rejected", "open1": "kept"}
    view(tab, "burst3").focus()
    tab.keyboard.press("b")
    counts = [b.locator("b").inner_text() for b in tab.locator("[data-mark]").all()]
    assert counts == ["10", "3", "3", "4"]

    # Closing the window loses nothing. Browsers write the local storage a moment later.
    tab.wait_for_timeout(500)
    tab.reload()
    assert marks(tab) == {**everything, "open1": "kept"}
    assert tab.locator("#unsaved").inner_text() == "Marks are kept in this browser, not saved yet."
    press(tab, "Rejected")
    assert visible(tab) == ["burst1", "burst2", "burst3", "wink"]
    # A photograph that does not match any more stays until the filter changes, and is not counted.
    press(tab, "Unmarked")
    assert tab.locator("#shown").inner_text() == "4 of 10 photographs"
    view(tab, "unknown").focus()
    tab.keyboard.press("r")
    assert "unknown" in visible(tab)
    assert tab.locator("#shown").inner_text() == "3 of 10 photographs, and 1 that you just marked"
    tab.keyboard.press("u")
    assert tab.locator("#shown").inner_text() == "4 of 10 photographs"
    press(tab, "Any mark")

    rows = saved(tab, tmp_path / "marks.csv")
    assert tab.locator("#unsaved").inner_text() == "Marks are saved."
    words = {"kept": "keep", "rejected": "reject"}
    stamped = marks(tab)
    assert rows == [
        ["file", "mark"],
        *([one.name, words.get(stamped.get(one.name.split("/")[-1][:-4], ""), "")] for one in folder()),
    ]


def test_large_view(tab, page):
    tab.goto(page.as_uri())
    view(tab, "group").focus()
    tab.keyboard.press("Enter")
    dialog = tab.get_by_role("dialog", name="group.jpg")
    assert dialog.is_visible()
    assert tab.locator("#zoom-summary").inner_text() == "4 faces, 1 closed, 1 unknown · 4 of 10"
    # All faces, those that need a look first.
    assert [image.get_attribute("alt") for image in dialog.locator(".crops img").all()] == [
        "face 2: closed",
        "face 4: unknown",
        "face 1: open",
        "face 3: open",
    ]
    assert dialog.locator(".crops li").nth(1).inner_text().split("\n")[-3:] == [
        "P(open)",
        "right 0.40",
        "left hidden",
    ]
    assert dialog.locator(".frame img").evaluate("i => i.decode().then(() => i.naturalWidth)") == 400
    # The photograph is as large as the window allows.
    stage, frame = (dialog.locator(place).bounding_box() for place in (".stage", ".frame"))
    assert max(frame["width"] / stage["width"], frame["height"] / stage["height"]) == pytest.approx(1, abs=0.01)
    assert frame["width"] <= stage["width"] + 1
    assert frame["height"] <= stage["height"] + 1

    tab.keyboard.press("r")
    assert tab.locator("#zoom-message").inner_text() == "group.jpg rejected"
    assert dialog.get_by_role("button", name="Reject").get_attribute("aria-pressed") == "true"
    tab.keyboard.press("ArrowRight")
    assert tab.get_by_role("dialog", name="wink.jpg").is_visible()
    assert dialog.count() == 0
    tab.get_by_role("button", name="Keep", exact=True).click()
    tab.get_by_role("button", name="Next").click()
    tab.keyboard.press("ArrowLeft")
    tab.keyboard.press("u")
    tab.keyboard.press("k")
    tab.keyboard.press("Escape")
    # The focus returns to the photograph that was seen last.
    tab.locator(".view:focus[aria-label^='wink.jpg']").wait_for()
    assert marks(tab) == {"group": "rejected", "wink": "kept"}
    # The view follows the filter, and stops at its ends.
    press(tab, "Not read")
    view(tab, "broken").click()
    assert tab.locator(".stage").inner_text() == "no image"
    assert tab.locator("#previous").is_disabled()
    assert tab.locator("#next").is_disabled()
    tab.keyboard.press("ArrowRight")
    tab.get_by_role("button", name="Close", exact=True).click()
    assert not tab.locator("#zoom").is_visible()


def test_search_and_help_by_key(tab, page):
    tab.goto(page.as_uri())
    tab.keyboard.press("/")
    tab.keyboard.type("BURST 2k")
    assert visible(tab) == []
    assert tab.locator("#empty").is_visible()
    tab.keyboard.press("Backspace")
    # The letters of a search mark nothing.
    assert visible(tab) == ["burst1", "burst2", "burst3"]
    assert tab.locator("#shown").inner_text() == "1 of 10 photographs, and 2 more of their bursts"
    tab.keyboard.press("Enter")
    assert focused(tab) == "burst1.jpg"
    assert marks(tab) == {}
    tab.keyboard.press("?")
    assert tab.get_by_role("dialog", name="Help").is_visible()
    tab.keyboard.press("k")
    tab.keyboard.press("Escape")
    assert marks(tab) == {}


@pytest.mark.parametrize("typed", ["JOSÉ", "jose\u0301", "jose strasse", "Łodz", "ŁÓDŹ", "lo\u0301dz", "straße"])
def test_search_ignores_case_accents_and_their_encoding(tab, tmp_path, typed):
    out = tmp_path / "page.html"
    names = ["José Straße Łódź.jpg", "Jose\u0301 STRASSE lo\u0301dz\u0301.jpg", "joke.jpg"]
    out.write_text(render_page([entry(name, OPEN, shift=k) for k, name in enumerate(names)]), encoding="utf-8")
    tab.goto(out.as_uri())
    tab.get_by_role("searchbox").fill(typed)
    assert tab.locator(".card:visible .name").evaluate_all("all => all.map(e => e.title)") == names[:2]


def test_keys_on_a_fresh_page_act_on_the_first_photograph(tab, page):
    for key, mark in (("k", "kept"), ("r", "rejected")):
        tab.goto(page.as_uri())
        tab.keyboard.press(key)
        assert marks(tab) == {"burst1": mark}
        assert tab.locator("#message").inner_text() == f"burst1.jpg {mark}"
        assert focused(tab) == "burst1.jpg"
    tab.goto(page.as_uri())
    tab.keyboard.press("Enter")
    assert tab.get_by_role("dialog", name="burst1.jpg").is_visible()
    tab.keyboard.press("Escape")
    # After a filter the keys act on what is shown, and without a photograph they say so.
    press(tab, "Wink")
    tab.keyboard.press("k")
    assert marks(tab) == {"burst1": "rejected", "wink": "kept"}
    tab.get_by_role("searchbox").fill("gone")
    press(tab, "All")
    tab.keyboard.press("r")
    assert tab.locator("#message").inner_text() == "There is no photograph to act on."
    assert marks(tab) == {"burst1": "rejected", "wink": "kept"}


def test_number_of_a_face_is_no_count_and_a_probability_has_its_name(tab, page):
    tab.goto(page.as_uri())
    card(tab, "group").locator(".tag").last.wait_for()  # cards are laid out shortly before they are seen
    assert card(tab, "group").locator(".tag").all_inner_texts() == ["#2 closed", "#4 unknown"]
    assert card(tab, "group").locator(".faces .verdict").all_inner_texts() == ["#2 closed", "#4 unknown"]
    assert card(tab, "group").locator(".eyes").first.inner_text().split() == [
        "P(open)",
        "right",
        "0.02",
        "left",
        "0.05",
    ]
    assert card(tab, "wink").locator(".tag").all_inner_texts() == ["wink"]


@pytest.mark.parametrize(
    ("best", "badge", "word"),
    [
        ((OPEN, OPEN), "best", "best"),
        ((OPEN, CLOSED), "least bad", "least bad"),
        ((WINK, UNKNOWN), "least bad", "least bad"),
    ],
)
def test_frame_with_eyes_that_are_not_open_is_least_bad(tab, tmp_path, best, badge, word):
    entries = [entry("first.jpg", *best, time=1.0), entry("second.jpg", CLOSED, CLOSED, time=2.0, shift=1)]
    out = tmp_path / "page.html"
    out.write_text(render_page(entries), encoding="utf-8")
    tab.goto(out.as_uri())
    assert tab.locator(".proposed").all_inner_texts() == [badge]
    assert card(tab, "first").locator(".proposed .icon").count() == (word == "best")
    assert f"{word}: first.jpg" in tab.locator(".burst p").first.inner_text()
    assert tab.get_by_role("button", name=f"Keep {word}, reject 1 other").count() == 1
    # It covers nothing of the image.
    image, proposed = (card(tab, "first").locator(place).bounding_box() for place in (".mat", ".proposed"))
    assert image["y"] + image["height"] <= proposed["y"]
    view(tab, "first").focus()
    tab.keyboard.press("Enter")
    assert f"{word} of its burst" in tab.locator("#zoom-summary").inner_text()


def test_arrow_keys_follow_the_rows(tab, page):
    tab.goto(page.as_uri())
    tab.keyboard.press("ArrowDown")
    assert focused(tab) == "burst1.jpg"
    place = "(() => { const box = document.activeElement.getBoundingClientRect(); return [box.left, box.top]; })()"
    left, top = tab.evaluate(place)
    tab.keyboard.press("ArrowRight")
    assert focused(tab) == "burst2.jpg"
    tab.keyboard.press("ArrowLeft")
    tab.keyboard.press("ArrowLeft")
    assert tab.evaluate(place) == [left, top]
    seen = []
    while not seen or seen[-1] != focused(tab):
        seen.append(focused(tab))
        tab.keyboard.press("ArrowDown")
    assert len(seen) >= 5
    tab.keyboard.press("Home")
    assert focused(tab) == "burst1.jpg"
    tab.keyboard.press("End")
    assert focused(tab) == "open2.jpg"


def test_screen_readers_get_names_headings_and_changes(tab, page):
    tab.goto(page.as_uri())
    for role in ("banner", "main", "complementary", "search"):
        assert tab.get_by_role(role).count() == 1
    assert tab.get_by_role("heading", level=1).inner_text() == "Wedding <i>"
    headings = [text.split(" ")[0] for text in tab.locator("main").get_by_role("heading", level=2).all_inner_texts()]
    assert headings == ["Closed,", "No", "Could", "All"]
    assert tab.get_by_role("heading", level=3).all_inner_texts() == ["Burst of 3"]
    assert tab.get_by_role("searchbox", name="Search by name").count() == 1
    assert view(tab, "group").locator("img").get_attribute("alt") == "group.jpg: 4 faces, 1 closed, 1 unknown"
    button = tab.get_by_role("button", name="group.jpg: 4 faces, 1 closed, 1 unknown", exact=True)
    button.focus()
    tab.keyboard.press("k")
    assert tab.get_by_role("button", name="group.jpg: 4 faces, 1 closed, 1 unknown, kept", exact=True).count() == 1
    assert tab.locator("#message").get_attribute("role") == "status"
    assert tab.get_by_role("button", name="Keep group.jpg").get_attribute("aria-pressed") == "true"
    # Every button has a name; Tab reaches one card, and of its burst the one button.
    names = tab.evaluate("[...document.querySelectorAll('button')].map(b => b.ariaLabel || b.textContent)")
    assert all(name.strip() for name in names)
    assert tab.locator('.card button[tabindex="0"]').count() == 3
    assert tab.locator('.best[tabindex="0"]').count() == 0
    view(tab, "burst2").focus()
    assert tab.locator('.card button[tabindex="0"]').count() == 3
    assert tab.locator('.best[tabindex="0"]').count() == 1
    # The focus is seen.
    tab.keyboard.press("ArrowRight")
    border = "getComputedStyle(document.activeElement, '::after').borderTopWidth"
    assert tab.evaluate(border) == "4px"
    # The crops stand beside the faces that need a look; in a burst beside all.
    assert [image.get_attribute("alt") for image in card(tab, "group").locator(".faces img").all()] == [
        "face 2: closed",
        "face 4: unknown",
    ]
    assert card(tab, "burst2").locator(".faces img").count() == 2
    assert card(tab, "open2").locator(".faces img").count() == 0


def test_words_on_a_photograph_do_not_overlap_and_stay_on_it(tab, tmp_path):
    crowd = [face(10 + 50 * k, 20 + 3 * k, 44, *(CLOSED if k % 3 else WINK)) for k in range(10)]
    top = [face(0, 0, 80, *CLOSED), face(430, 260, 80, *UNKNOWN), face(-40, 200, 80, *WINK)]
    photograph = images.astronaut()[:341]
    entries = [page_entry("crowd.jpg", photograph, crowd), page_entry("edges.jpg", photograph, top)]
    out = tmp_path / "page.html"
    out.write_text(render_page(entries), encoding="utf-8")
    tab.goto(out.as_uri())
    boxes = """frame => [frame, ...frame.querySelectorAll('.tag')].map(e => {
        const {left, top, right, bottom} = e.getBoundingClientRect(); return [left, top, right, bottom]; })"""
    for name, where in (("crowd", ".card"), ("edges", ".card"), ("crowd", "#zoom"), ("edges", "#zoom")):
        if where == "#zoom":
            view(tab, name).click()
        (frame, *tags) = (
            (card(tab, name) if where == ".card" else tab.locator("#zoom")).locator(".frame").evaluate(boxes)
        )
        assert len(tags) >= 3
        for k, (left, upper, right, lower) in enumerate(tags):
            assert left >= frame[0] - 1
            assert upper >= frame[1] - 1
            assert right <= frame[2] + 1
            assert lower <= frame[3] + 1
            for other in tags[:k]:
                assert min(right, other[2]) - max(left, other[0]) < 1 or min(lower, other[3]) - max(upper, other[1]) < 1
        if where == "#zoom":
            tab.keyboard.press("Escape")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    entries = [entry(name, CLOSED, time=float(k), shift=k) for k, name in enumerate(NAMES)]
    entries.append(PageEntry("<b>", error='<script>alert("error")</script>'))
    out = tmp_path_factory.mktemp("page") / "hostile.html"
    out.write_text(render_page(entries, title=NAMES[0], save="a b.csv"), encoding="utf-8")
    return out


def test_names_are_text_and_are_saved_byte_by_byte(tab, hostile, tmp_path):
    tab.goto(hostile.as_uri())
    names = tab.locator(".card .name").evaluate_all("all => all.map(e => e.title)")
    assert len(names) == len(NAMES) + 1
    assert "=1+1.jpg" in names
    assert not any("\n" in name or "\u202e" in name for name in names)
    tab.locator(".view").first.focus()
    tab.keyboard.press("b")
    tab.keyboard.press("End")
    tab.keyboard.press("r")
    rows = saved(tab, tmp_path / "marks.csv")
    assert [name for name, _ in rows[1:]] == [*NAMES, "<b>"]
    assert [mark for _, mark in rows[1:]] == ["keep", *["reject"] * len(NAMES)]
    assert os.fsencode("\udcc3\udcff\udc80.jpg") in (tmp_path / "marks.csv").read_bytes()

    # In another browser the file gives the same marks.
    tab.evaluate("localStorage.clear()")
    tab.reload()
    assert tab.locator(".card.keep, .card.reject").count() == 0
    tab.locator("#file").set_input_files(tmp_path / "marks.csv")
    tab.locator(".card.keep").wait_for()
    assert tab.locator("#message").inner_text() == f"Loaded {len(NAMES) + 1} marks from marks.csv."
    assert saved(tab, tmp_path / "again.csv", key=None) == rows
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "marks.csv").read_bytes()


@pytest.mark.parametrize(
    ("content", "marked", "message"),
    [
        (
            b"\xef\xbb\xbffile;mark;note\r\nwink.jpg;Reject;a\r\ngroup.jpg;;\r\n\r\n",
            {"wink": "rejected"},
            "Loaded 1 mark from m.csv. 1 mark of yours was changed or removed; Undo restores it.",
        ),
        (
            b"file,mark\nwink.jpg,keep\ngroup.jpg,keep\nunknown.jpg,\n",
            {"wink": "kept", "group": "kept"},
            "Loaded 2 marks from m.csv.",
        ),
        (
            b'Mark,File\nkeep,"wink.jpg"\nkeep,gone.jpg\nmaybe,group.jpg\n',
            {"wink": "kept", "group": "kept"},
            "Loaded 1 mark from m.csv. 1 name not on this page. 1 row with a mark other than keep and reject.",
        ),
        (
            b"name,label\nwink.jpg,1\n",
            {"group": "kept"},
            "m.csv has no columns named file and mark: nothing was changed.",
        ),
        (
            "\ufefffile\tmark\r\nwink.jpg\tkeep\r\n".encode("utf-16-le"),
            {"wink": "kept", "group": "kept"},
            "Loaded 1 mark from m.csv.",
        ),
        (
            "file,mark\nwink.jpg,keep\nGruppe_Übung.jpg,keep\n".encode("cp1252"),
            {"wink": "kept", "group": "kept"},
            "Loaded 1 mark from m.csv. 1 name not on this page. The file is not UTF-8: save it as CSV UTF-8.",
        ),
        (b"", {"group": "kept"}, "m.csv has no columns named file and mark: nothing was changed."),
        (b"\xff\xfe\x00", {"group": "kept"}, "m.csv has no columns named file and mark: nothing was changed."),
    ],
)
def test_marks_from_a_spreadsheet_and_from_other_files(tab, page, tmp_path, content, marked, message):
    tab.goto(page.as_uri())
    view(tab, "group").focus()
    tab.keyboard.press("k")
    (tmp_path / "m.csv").write_bytes(content)
    with tab.expect_file_chooser() as chooser:
        tab.get_by_role("button", name="Load marks").click()
    chooser.value.set_files(tmp_path / "m.csv")
    tab.locator("#message", has_text="m.csv").wait_for()
    assert tab.locator("#message").inner_text() == message
    assert marks(tab) == marked
    if len(content) > 30 and "Loaded" in message:
        tab.keyboard.press("z")
        assert marks(tab) == {"group": "kept"}
        # Only what the file changed is undone and counted.
        undone = "2 photographs" if "yours" in message else "wink.jpg"
        assert tab.locator("#message").inner_text() == f"Undone: {undone}"


def test_marks_where_the_browser_stores_nothing(tab, page, tmp_path):
    tab.add_init_script("Object.defineProperty(window, 'localStorage', { get() { throw new Error('no'); } })")
    tab.goto(page.as_uri())
    assert tab.locator("#lost").is_visible()
    view(tab, "wink").focus()
    tab.keyboard.press("k")
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("r")
    assert marks(tab) == {"wink": "kept", "unknown": "rejected"}
    assert tab.locator("#unsaved").inner_text() == "Marks are not saved yet."
    assert sum(bool(mark) for _, mark in saved(tab, tmp_path / "marks.csv")[1:]) == 2


@pytest.mark.parametrize(
    "damaged", ["{", "null", "[1]", '{"marks": null}', '{"marks": {"99": "keep", "0": "gone", "x": 1}, "saved": 3}']
)
def test_damaged_storage_is_discarded(tab, page, damaged):
    tab.goto(page.as_uri())
    view(tab, "wink").focus()
    tab.keyboard.press("k")
    tab.evaluate("text => localStorage.setItem(localStorage.key(0), text)", damaged)
    tab.reload()
    assert marks(tab) == {}
    view(tab, "wink").focus()
    tab.keyboard.press("r")
    assert marks(tab) == {"wink": "rejected"}


def test_two_tabs_share_their_marks_and_two_pages_do_not(tab, page, hostile):
    tab.goto(page.as_uri())
    other = tab.context.new_page()
    other.goto(page.as_uri())
    view(tab, "wink").focus()
    tab.keyboard.press("k")
    view(other, "group").focus()
    other.keyboard.press("r")
    tab.locator(".card.reject").wait_for()
    assert marks(tab) == marks(other) == {"wink": "kept", "group": "rejected"}
    other.goto(hostile.as_uri())
    assert other.locator(".card.keep, .card.reject").count() == 0


def test_a_new_page_of_a_folder_has_the_marks_of_the_photographs_that_it_still_has(tab, page, tmp_path):
    tab.goto(page.as_uri())
    for name, key in (("wink", "k"), ("group", "r"), ("unknown", "k")):
        view(tab, name).focus()
        tab.keyboard.press(key)
    tab.wait_for_timeout(500)
    # Photographs were added before the others, one is gone, and one has another size.
    entries = [entry("added.jpg", OPEN, shift=20), *folder()]
    entries = [
        replace(one, size=(9, 6)) if one.name == "group.jpg" else one for one in entries if one.name != "unknown.jpg"
    ]
    out = tmp_path / "page.html"
    out.write_text(render_page(entries, title="Wedding <i>"), encoding="utf-8")
    tab.goto(out.as_uri())
    assert tab.locator(".card.keep .name > bdi").all_inner_texts() == ["wink.jpg"]
    assert tab.locator(".card.reject").count() == 0
    assert tab.locator("#unsaved").inner_text() == "Marks are kept in this browser, not saved yet."
    view(tab, "added").focus()
    tab.keyboard.press("r")
    tab.wait_for_timeout(500)
    # The earlier page has lost none.
    tab.goto(page.as_uri())
    assert marks(tab) == {"wink": "kept", "group": "rejected", "unknown": "kept"}


@pytest.mark.parametrize("tab", [(400, "light"), (1000, "light"), (1600, "light")], indirect=True)
def test_verdicts_break_at_most_between_words(tab, tmp_path):
    words = (CLOSED, UNKNOWN, WINK, OPEN, CLOSED, UNKNOWN)
    entries = [entry(f"{k}.jpg", *words[: 1 + k % 6], time=3.0 * (k // 3) + 10 * (k // 3), shift=k) for k in range(9)]
    out = tmp_path / "page.html"
    out.write_text(render_page(entries), encoding="utf-8")
    tab.goto(out.as_uri())
    tab.locator(".faces .verdict").first.wait_for()
    broken = """all => all.flatMap(e => {
        const text = document.createTreeWalker(e, NodeFilter.SHOW_TEXT).nextNode();
        return [...text.data.matchAll(/\\S+/g)].filter(({0: word, index}) => {
            const range = document.createRange();
            range.setStart(text, index);
            range.setEnd(text, index + word.length);
            return range.getClientRects().length > 1;
        }).map(([word]) => word);
    })"""
    assert tab.locator(".faces .verdict").count() > 20
    assert tab.locator(".card .verdict, .proposed, .card .eyes span").evaluate_all(broken.replace("\\\\", "\\")) == []


def test_with_a_filter_one_heading_counts_and_the_rest_of_a_burst_is_faded(tab, page):
    tab.goto(page.as_uri())
    assert not tab.locator("#found").is_visible()
    press(tab, "Open")
    assert tab.locator("h2:visible").all_inner_texts() == ["Eyes", "Marks", "Open 4"]
    assert tab.locator("#shown").inner_text() == "4 of 10 photographs, and 1 more of their bursts"
    assert not tab.locator(".advice").is_visible()
    assert tab.get_by_text("shown with its burst").locator("visible=true").count() == 1
    assert card(tab, "burst1").get_by_text("shown with its burst").is_visible()
    press(tab, "Groups, all open")
    assert visible(tab) == ["burst1", "burst2", "burst3", "open2"]
    press(tab, "Unmarked")
    tab.get_by_role("searchbox").fill("open")
    assert tab.locator("#found").inner_text() == "Groups, all open, Unmarked, \u201copen\u201d 1"
    # A mark moves nothing and fades nothing until the filters change.
    tab.keyboard.press("Escape")
    card(tab, "open2").get_by_role("button", name="Keep").click()
    assert not card(tab, "open2").get_by_text("shown with its burst").is_visible()
    press(tab, "All")
    press(tab, "Any mark")
    tab.get_by_role("searchbox").fill("")
    assert not tab.locator("#found").is_visible()
    assert tab.locator(".section > h2").first.is_visible()


def test_a_burst_says_how_many_faces_differ_and_b_elsewhere_that_there_is_none(tab, page, tmp_path):
    tab.goto(page.as_uri())
    times = "12:00:00 to 12:00:04"
    assert tab.locator(".burst > div p").inner_text() == f"{times}, best: burst2.jpg (2 faces found, all open)"
    view(tab, "group").focus()
    tab.keyboard.press("b")
    assert tab.locator("#message").inner_text() == "group.jpg is not in a burst"
    assert marks(tab) == {}
    out = tmp_path / "burst.html"
    out.write_text(render_page([entry("a.jpg", OPEN, OPEN, time=0.0), entry("b.jpg", OPEN, time=2.0)]), "utf-8")
    tab.goto(out.as_uri())
    found = "1 to 2 faces found, best: a.jpg (2 faces found, all open)"
    assert tab.locator(".burst > div p").inner_text() == f"00:00:00 to 00:00:02, {found}"


def test_photographs_of_other_colours_are_no_burst():
    one = entry("a.jpg", OPEN, time=0.0)
    image = images.astronaut()[:341, :, ::-1]
    other = page_entry("b.jpg", image, [face(10, 90, 100, *OPEN)], time=2.0)
    for second, n in ((entry("b.jpg", OPEN, time=2.0, shift=1), 1), (other, 2)):
        (section,) = [each for each in data_of(render_page([one, second]))["sections"] if each["groups"]]
        assert len(section["groups"]) == n


def test_open_groups_come_with_advice_to_count_the_faces(tab, page, tmp_path):
    tab.goto(page.as_uri())
    section = tab.locator(".section.open")
    assert section.locator("h2").inner_text() == "All faces found are open 2"
    assert section.locator(".advice").inner_text().startswith("A face may have been missed. In groups, compare")
    assert tab.locator(".advice").count() == 1
    portraits = tmp_path / "portraits.html"
    portraits.write_text(render_page([entry("a.jpg", OPEN)]), encoding="utf-8")
    tab.goto(portraits.as_uri())
    assert tab.locator(".advice").count() == 0


@pytest.mark.parametrize("tab", [(390, "light")], indirect=True)
def test_phone_shows_photographs_soon_and_probabilities_in_lines(tab, page):
    tab.goto(page.as_uri())
    assert tab.locator(".section h2").first.bounding_box()["y"] < 420
    last = tab.get_by_role("button", name="Unmarked").bounding_box()
    assert last["x"] + last["width"] <= 390
    view(tab, "group").click()
    for face in tab.locator(".crops .eyes").all():
        lines = [span.bounding_box() for span in face.locator("span").all()]
        assert len({round(line["x"]) for line in lines}) == 1
        assert all(line["height"] < 25 for line in lines)


@pytest.mark.parametrize("tab", [(400, "light"), (400, "dark"), (800, "dark"), (1600, "light")], indirect=True)
def test_page_fits_the_window(tab, page, hostile):
    for each in (page, hostile):
        tab.goto(each.as_uri())
        tab.locator(".card img[src]").first.wait_for()
        assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
        sides = tab.evaluate(
            "[...document.querySelectorAll('main button, .tools button')].map(e => e.getBoundingClientRect().height)"
        )
        assert min(sides) >= 40
        tab.locator(".view").first.click()
        assert tab.evaluate("document.getElementById('zoom').scrollWidth <= innerWidth")
        for button in tab.locator("#zoom button").all():
            box = button.bounding_box()
            assert box["height"] >= 40
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= tab.viewport_size["width"]
            assert box["y"] + box["height"] <= tab.viewport_size["height"]


@pytest.mark.parametrize("tab", [(1600, "light"), (1600, "dark")], indirect=True)
def test_text_has_contrast_in_both_schemes(tab, page):
    tab.goto(page.as_uri())
    words = ["ink", "quiet", "closed", "wink", "unknown", "failed", "open", "keep", "reject", "warn"]
    names = [*words, "page", "sheet", "on", "accent"]
    read = (
        "([place, names]) => names.map(n => getComputedStyle(document.querySelector(place)).getPropertyValue(`--${n}`))"
    )

    def luminance(colour: str) -> float:
        digits = colour.strip().lstrip("#")
        digits = digits if len(digits) == 6 else "".join(2 * digit for digit in digits)
        values = np.array([int(digits[k : k + 2], 16) for k in (0, 2, 4)]) / 255
        linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
        return float(linear @ (0.2126, 0.7152, 0.0722))

    def contrast(one: float, other: float) -> float:
        return (max(one, other) + 0.05) / (min(one, other) + 0.05)

    colours = dict(zip(names, map(luminance, tab.evaluate(read, [":root", names])), strict=True))
    for ground in ("page", "sheet"):
        for name in words:
            assert contrast(colours[name], colours[ground]) >= 4.5, (name, ground)
    for ground in ("accent", "keep", "reject"):
        assert contrast(colours["on"], colours[ground]) >= 4.5
    zoom = dict(zip(names, map(luminance, tab.evaluate(read, ["#zoom", names])), strict=True))
    for name in ("ink", "quiet", "closed", "wink", "unknown", "open"):
        assert contrast(zoom[name], luminance("#17181b")) >= 4.5


def test_reduced_motion_is_respected(tab, page):
    tab.emulate_media(reduced_motion="reduce")
    tab.goto(page.as_uri())
    moving = (
        "[...document.querySelectorAll('*')].filter(e => parseFloat(getComputedStyle(e).transitionDuration) > 0).length"
    )
    assert tab.evaluate(moving) == 0


def test_page_of_no_photographs(tab, tmp_path):
    out = tmp_path / "page.html"
    out.write_text(render_page([]), encoding="utf-8")
    tab.goto(out.as_uri())
    assert tab.locator(".lead").inner_text() == "0 photographs, 0 faces. 0 need a look."
    for key in ("ArrowDown", "k", "b", "z", "/", "Enter"):
        tab.keyboard.press(key)


def test_strange_times_break_nothing(tab, tmp_path):
    times = [1e20, 1e20, float("inf"), float("nan"), -1e300, None]
    entries = [entry(f"{k}.jpg", OPEN, time=time, shift=k) for k, time in enumerate(times)]
    out = tmp_path / "page.html"
    out.write_text(render_page(entries), encoding="utf-8")
    tab.goto(out.as_uri())
    assert tab.locator(".card").count() == 6
    assert tab.locator(".burst p").first.inner_text() == "best: 0.jpg (1 face, open)"


def test_a_thousand_photographs_are_small_and_fast(tab, tmp_path):
    rng = np.random.default_rng(0)
    scenes = [cv2.resize(getattr(images, name)(), (1020, 680)) for name in ("astronaut", "coffee", "chelsea", "rocket")]
    side, entries = thumbnail_side(1000), []
    for k in range(1000):
        # Turned in colour and moved, so that no two are equal.
        photograph = np.roll(scenes[k % 4] ^ np.uint8(8 * (k % 5)), k, axis=1)
        shown = [
            face(int(rng.integers(750)), int(rng.integers(450)), 140, *(OPEN, OPEN, OPEN, OPEN, CLOSED, UNKNOWN)[j])
            for j in rng.integers(0, 6, k % 5)
        ]
        entries.append(page_entry(f"IMG_{k:04}.jpg", photograph, shown, time=20.0 * k + k % 3, side=side))
    assert len({one.thumbnail for one in entries}) == 1000
    out = tmp_path / "page.html"
    out.write_text(render_page(entries), encoding="utf-8")
    assert out.stat().st_size < 60e6
    start = time.perf_counter()
    tab.goto(out.as_uri())
    tab.locator(".card img[src]").first.wait_for()
    assert time.perf_counter() - start < 8
    assert tab.locator(".card").count() == 1000
    # Images are made when they come near, and only then.
    assert tab.locator("img[src]").count() < 200
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    start = time.perf_counter()
    tab.keyboard.press("ArrowDown")
    for _ in range(10):
        tab.keyboard.press("r")
        tab.keyboard.press("ArrowDown")
    press(tab, "Rejected")
    assert tab.locator("#shown").inner_text().startswith("10 of 1,000 photographs")
    assert time.perf_counter() - start < 8
