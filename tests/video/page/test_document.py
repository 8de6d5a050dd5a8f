"""The page of videos, as somebody uses it in a browser."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from classic_eyes.video.page import failed_entry, render_page

from ...html_page import HOSTILE, Page, watch
from .clips import collect, event

DAY = [
    event(60, 68),
    event(150, 158, confidence=0.81),
    event(210, 216, "partial", maybe_gaze=True, confidence=0.48),
    event(262, 290, "long"),
    event(330, 337, "wink", "left"),
    event(344, 351, depth=0.9),
]
TWO = [
    event(60, 68),
    event(150, 158, track=1),
    event(410, 440, "long", track=1),
    event(900, 907, "wink", "right", track=1),
    event(1300, 1309),
]


def clips() -> list[dict]:
    warning = "15.2 frames/s: below 20 frames/s blinks are missed"
    return [
        collect("monday/day.mp4", 369, DAY, unseen=[range(100, 128)]),
        collect("monday/two.mp4", 1800, TWO, (0, 1), warnings=[warning]),
        failed_entry("broken.mp4", "no frame can be decoded"),
        collect("nobody.mp4", 30, [], ()),
    ]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    out = tmp_path_factory.mktemp("page") / "page.html"
    out.write_text(render_page(clips(), title="Monday <i>", version="1.2"), encoding="utf-8")
    return out


@pytest.fixture
def tab(browser, request):
    """A window; it may print nothing on the console and load nothing."""
    width, scheme = getattr(request, "param", (1600, "light"))
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    window = context.new_page()
    trouble = watch(window)
    yield window
    context.close()
    assert trouble == []


def opened(tab, path):
    """Open a page and wait for the plots that are near."""
    tab.goto(path.as_uri())
    tab.locator("svg.chart:visible text").first.wait_for()
    return tab


def write(tmp_path, *entries):
    out = tmp_path / "page.html"
    out.write_text(render_page(entries), encoding="utf-8")
    return out


def rows(clip) -> list[list[str]]:
    """Return the texts of the rows: kind, eye, track if there are several, start, duration, depth, confidence."""
    return clip.locator("tbody tr").evaluate_all(
        "all => all.map(row => [...row.cells].filter(c => !c.matches('.eyes')).map(c => "
        "[...c.childNodes].filter(n => !n.matches?.('.label')).map(n => n.textContent).join('')))"
    )


def starts(clip) -> list[str]:
    return clip.locator("td.start button").all_inner_texts()


def marks(clip) -> list[str]:
    """Return the kinds of the events that a plot shows."""
    return clip.locator(".mark:visible").evaluate_all("all => all.map(m => m.getAttribute('class').split(' ')[1])")


def window_of(clip) -> str:
    clip.page.wait_for_timeout(60)
    return clip.locator(".window").inner_text()


def focused(tab) -> str:
    return tab.evaluate("document.activeElement.getAttribute('aria-label') ?? ''")


def points(clip, kind: str, eye: int) -> np.ndarray:
    """Return the points of a curve: x, y."""
    path = clip.locator(f"svg.chart >> nth=0 >> path.curve.{kind}").nth(eye).get_attribute("d")
    return np.array([list(map(float, pair.split())) for pair in re.findall(r"[\d.]+ [\d.]+", path)])


# Contents


def test_same_entries_give_the_same_bytes(page):
    assert render_page(clips(), title="Monday <i>", version="1.2") == page.read_text(encoding="utf-8")


def test_page_is_strict_html_that_loads_nothing(page):
    text = page.read_text(encoding="utf-8")
    parsed = Page(re.sub(r"<(use|circle|path|input) [^>]*>", "", text))
    assert re.findall("<h1>.*?</h1>", text) == ["<h1>Monday &lt;i&gt;</h1>"]
    addresses = [value for _, attrs in parsed.tags for key, value in attrs.items() if key in ("src", "href")]
    assert addresses == ["data:,", "#clips", "#clip-0", "#clip-1", "#clip-2", "#clip-3"]
    assert "default-src 'none'" in text
    assert not re.search(r"\sstyle=|\son\w+=", re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL))


def test_page_says_what_its_numbers_mean_and_what_they_do_not(page):
    text = " ".join(Page(re.sub(r"<(use|circle|path|input) [^>]*>", "", page.read_text(encoding="utf-8"))).words)
    assert "track numbers identify nobody" in text
    assert "Share of the time seen with openness at most 0.2, that is 80% closed" in text
    assert "There is no rate below 15 s" in text
    assert "says nothing about health or fitness" in text
    assert "classic_eyes 1.2" in text
    assert not re.search(r"drows|sleep|fatigue|tired|alert|safe|drunk|disease", text, re.IGNORECASE)


def test_summary_of_each_track(page, tab):
    opened(tab, page)
    tiles = tab.locator("#clip-0 .tiles > div").evaluate_all(
        "all => Object.fromEntries(all.map(d => [d.firstChild.textContent, "
        "[...d.lastChild.childNodes].map(n => n.textContent)]))"
    )
    assert tiles == {
        "Seen": ["12.3 s", "0.0% not seen"],
        "Blinks": ["3", ""],
        "Blinks a minute": ["\N{EN DASH}", "no rate below 15 s"],
        "Median blink": ["300 ms", "mean 289 ms"],
        "Long closures": ["1", "1.0 s in all"],
        "Partial, winks": ["1, 1", ""],
        "Closed": ["4.0%", "of the time seen"],
        "PERCLOS": ["2.0%", "1 window"],
    }
    assert tab.locator("#clip-0 .facts").inner_text() == "12.3 s · 369 frames · 30 frames/s · 1 track · 6 events"
    assert tab.locator("#clip-1 .note").inner_text() == "15.2 frames/s: below 20 frames/s blinks are missed"
    assert tab.locator("#clip-1 h3").all_inner_texts()[:2] == ["Track 0 0:00 to 1:00", "Track 1 0:00 to 1:00"]
    assert tab.locator("#clip-2 .note").inner_text() == "Could not be read: no frame can be decoded"
    assert tab.locator("#clip-3 .empty").inner_text() == "No face was found in this clip."
    assert tab.locator(".lead").inner_text().startswith("4 clips, 3 tracks, 11 events. 1 could not be read.")


def test_numbers_that_are_unknown_are_dashes(tab, tmp_path):
    entry = collect("a.mp4", 60, [event(20, 28)])
    (track,) = entry["summary"]["tracks"]
    unknown = ["blink_ms_median", "blink_ms_mean", "closed_share", "unseen_share", "blinks_per_minute"]
    track |= dict.fromkeys(unknown)
    track["perclos"] = [{"start_s": 0.0, "end_s": 60.0, "visible_s": 2.0, "value": None}]
    entry["summary"] |= {"fps": None, "faceless_share": 0.125}
    bare = collect("b.mp4", 60, [event(20, 28)])
    bare["summary"] = {"frames": 60, "tracks": []}
    opened(tab, write(tmp_path, entry, bare))
    values = tab.locator("#clip-0 dd").evaluate_all("all => all.map(d => d.firstChild.textContent)")
    assert [value for value in values if value.startswith("\N{EN DASH}")] == ["\N{EN DASH}"] * 4
    assert tab.locator("#clip-0 dd small").last.inner_text() == "no window of 15 s"
    facts = tab.locator("#clip-0 .facts").inner_text().split(" · ")
    assert facts[2:] == ["30 frames/s", "1 track", "1 event", "no face in 12.5% of the time"]
    assert tab.locator("#clip-1 .tiles").count() == 0
    assert marks(tab.locator("#clip-1")) == ["blink"]


def test_perclos_by_windows(tab, tmp_path):
    opened(tab, write(tmp_path, collect("a.mp4", 9000, [event(20, 28)], pixels=False, windows=5)))
    assert tab.locator(".tiles dd", has_text="windows").inner_text().split("\n") == ["2.0\N{EN DASH}11.9%", "5 windows"]
    assert tab.locator(".bar").count() == 5
    assert not tab.locator(".windows").is_visible()
    tab.get_by_text("PERCLOS in 5 windows").click()
    assert tab.locator(".windows li").all_inner_texts()[3].split("\n") == ["3:00 to 4:00", "11.9%"]
    heights = tab.locator(".bar").evaluate_all("all => all.map(bar => Number(bar.getAttribute('height')))")
    assert heights[3] == max(heights)


# Plots


def test_curves_are_where_their_values_are(page, tab):
    """The first frame of the blink's bottom is at the bottom of both bands, the partial blink in the middle."""
    opened(tab, page)
    clip = tab.locator("#clip-0")
    box = json.loads(tab.evaluate("JSON.stringify(document.querySelector('#clip-0 svg.chart').viewBox.baseVal.width)"))
    for eye in (0, 1):
        curve = points(clip, "openness", eye)
        times = (curve[:, 0] - 66) / (box - 78) * 12.3
        ground = tab.locator("#clip-0 rect.ground").nth(eye)
        top, height = (float(ground.get_attribute(name)) for name in ("y", "height"))
        openness = (top + height - 4 - curve[:, 1]) / (height - 8) * 1.2
        assert openness[times < 1.9] == pytest.approx(1, abs=0.12)
        assert openness[np.abs(times - 64 / 30) < 0.04].min() == pytest.approx(0.03, abs=0.1)
        assert openness[np.abs(times - 213 / 30) < 0.04].min() == pytest.approx(0.45, abs=0.1)
        assert openness[np.abs(times - 333 / 30) < 0.04].min() == pytest.approx((1, 0.03)[eye], abs=0.15)
        # Nothing is drawn where the face is not seen.
        assert not np.any((times > 100 / 30 + 0.01) & (times < 127 / 30))


def test_what_is_not_seen_is_hatched(page, tab):
    opened(tab, page)
    hatch = tab.locator("#clip-0 svg.chart rect.hatch")
    assert hatch.count() == 2
    x, width = (float(hatch.first.get_attribute(name)) for name in ("x", "width"))
    ground = tab.locator("#clip-0 rect.ground").first
    left, inner = (float(ground.get_attribute(name)) for name in ("x", "width"))
    assert (x - left) / inner * 12.3 == pytest.approx(100 / 30, abs=0.02)
    assert width / inner * 12.3 == pytest.approx(28 / 30, abs=0.02)


def test_kinds_differ_in_more_than_colour(page, tab):
    """Each kind has a lane, and a shape or a fill of its own; its span covers the eyes that it is of."""
    opened(tab, page)
    clip = tab.locator("#clip-0")
    names = clip.locator("svg.chart text").all_text_contents()
    assert names[:4] == ["Long", "Wink", "Partial", "Blink"]
    looks = clip.locator(".mark").evaluate_all(
        """all => all.map(m => { const p = m.firstChild; const box = p.getBBox(); const s = getComputedStyle(p);
        return [m.getAttribute('class').split(' ')[1], Math.round(box.y + box.height / 2), Math.round(box.height),
        (p.getAttribute('d').match(/L/g) ?? []).length, s.fill === s.stroke]; })"""
    )
    found = {look[0]: tuple(look[1:]) for look in looks}
    assert len({middle for middle, *_ in found.values()}) == 4
    assert len({look[1:] for look in found.values()}) == 4
    heights = clip.locator("rect.span").evaluate_all(
        "all => all.map(r => [r.getAttribute('class').split(' ')[1], Number(r.getAttribute('height'))])"
    )
    by_kind = dict(heights)
    assert by_kind["wink"] * 2 < by_kind["blink"] == by_kind["long"] == by_kind["partial"]
    # An event that may be gaze is dashed, and says so.
    dashed = "getComputedStyle(document.querySelector('#clip-0 .mark.gaze path')).strokeDasharray"
    assert tab.evaluate(dashed) != "none"
    assert "may be gaze" in clip.locator(".mark.gaze").get_attribute("aria-label")


def test_pointing_at_an_event_shows_its_row(page, tab):
    opened(tab, page)
    clip = tab.locator("#clip-0")
    readout = clip.locator(".readout")
    assert readout.locator(".what").inner_text() == "Blink, both eyes"
    clip.locator(".mark.long").hover()
    assert readout.locator(".what").inner_text() == "Long, both eyes"
    assert readout.locator(".numbers span").all_inner_texts() == [
        "start 8.73 s",
        "duration 967 ms",
        "depth 0.97",
        "confidence 0.93",
    ]
    assert readout.locator("img").evaluate_all("all => all.map(i => i.alt)") == [
        "Eyes at the start",
        "Eyes at the deepest frame",
        "Eyes at the end",
    ]
    assert readout.locator("img").first.evaluate("i => i.decode().then(() => i.naturalWidth)") == 384
    # A press that ends outside of the plot leaves nothing behind.
    tab.mouse.down()
    tab.mouse.move(5, 5)
    tab.mouse.up()
    # Anywhere in the bands, too.
    box = clip.locator("rect.span.wink").bounding_box()
    tab.mouse.move(box["x"] + box["width"] / 2, box["y"] + 40)
    assert readout.locator(".what").inner_text() == "Wink, left eye"
    clip.locator(".mark.gaze").hover()
    assert readout.locator(".numbers").inner_text().endswith("may be gaze")


def test_keys_go_from_event_to_event_and_zoom(page, tab):
    opened(tab, page)
    clip = tab.locator("#clip-0")
    # Tab reaches one event of a plot: the one that is chosen.
    assert clip.locator('.mark[tabindex="0"]').count() == 1
    clip.locator('.mark[tabindex="0"]').focus()
    assert focused(tab) == "Blink, both eyes, at 2.00 s, 300 ms, depth 0.97, confidence 0.93"
    seen = []
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "End", "ArrowRight", "Home"):
        tab.keyboard.press(key)
        seen.append(focused(tab).split(",")[0] + focused(tab).split("at")[1].split(",")[0])
    assert seen == ["Blink 5.00 s", "Partial 7.00 s", "Blink 5.00 s", "Blink 11.47 s", "Blink 11.47 s", "Blink 2.00 s"]
    tab.keyboard.press("End")
    assert clip.locator(".readout .numbers").inner_text().startswith("start 11.47 s")
    tab.keyboard.press("+")
    tab.keyboard.press("+")
    assert window_of(clip) == "8.7 s to 11.8 s"
    assert focused(tab).startswith("Blink, both eyes, at 11.47 s")
    # The view follows.
    tab.keyboard.press("Home")
    assert window_of(clip) == "0.6 s to 3.7 s"
    assert clip.locator(".now").is_visible()
    tab.keyboard.press("Shift+ArrowRight")
    assert window_of(clip) == "1.4 s to 4.5 s"
    tab.keyboard.press("-")
    tab.keyboard.press("0")
    assert window_of(clip) == ""
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("Enter")
    assert focused(tab) == "Show in the plot: 5.00 s"
    assert clip.locator("tr.chosen td.start button").inner_text() == "5.00 s"


def test_buttons_slider_wheel_and_mouse_move_the_view(page, tab):
    opened(tab, page)
    clip = tab.locator("#clip-0")
    assert not clip.locator(".position").is_visible()
    assert clip.get_by_role("button", name="Whole clip").is_disabled()
    clip.get_by_role("button", name="Zoom in").click()
    assert window_of(clip) == "3.1 s to 9.2 s"
    clip.get_by_role("slider").fill("0")
    assert window_of(clip) == "0.0 s to 6.2 s"
    box = clip.locator("rect.ground").first.bounding_box()
    tab.mouse.move(box["x"] + 0.75 * box["width"], box["y"] + 30)
    tab.mouse.down()
    tab.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + 30, steps=4)
    tab.mouse.up()
    assert window_of(clip) == "3.1 s to 9.2 s"
    # The wheel scrolls the page, and with Ctrl it zooms where the pointer is.
    before = tab.evaluate("scrollY")
    tab.mouse.wheel(0, 60)
    tab.wait_for_timeout(300)
    assert tab.evaluate("scrollY") > before
    assert window_of(clip) == "3.1 s to 9.2 s"
    tab.mouse.move(box["x"] + 0.5 * box["width"], box["y"] - 30)
    tab.keyboard.down("Control")
    for _ in range(40):
        tab.mouse.wheel(0, -60)
    tab.keyboard.up("Control")
    assert [float(word) for word in re.findall(r"[\d.]+", window_of(clip))] == pytest.approx([5.95, 6.35], abs=0.02)
    assert clip.locator("svg.chart text").all_text_contents()[-1].endswith("s")
    clip.get_by_role("button", name="Whole clip").click()
    assert window_of(clip) == ""
    assert marks(clip) == ["blink", "blink", "partial", "long", "wink", "blink"]


def test_tracks_of_a_clip_share_their_time(page, tab):
    opened(tab, page)
    clip = tab.locator("#clip-1")
    clip.scroll_into_view_if_needed()
    clip.locator("svg.chart").first.wait_for()
    clip.get_by_role("button", name="Zoom in").click()
    tab.wait_for_timeout(60)
    labels = [
        [text for text in chart.locator("text").all_text_contents() if ":" in text]
        for chart in clip.locator("svg.chart").all()
    ]
    assert labels[0] == labels[1]
    assert labels[0][0] == "0:16"


@pytest.mark.parametrize("n", [100, 1000, 20_000])
@pytest.mark.parametrize("tab", [(400, "light"), (1600, "light")], indirect=True)
def test_labels_of_a_plot_do_not_overlap_and_stay_inside(tab, tmp_path, n):
    entry = collect("a.mp4", n, [event(20, 28), event(50, 70, "long")], pixels=False, windows=max(1, n // 1800))
    opened(tab, write(tmp_path, entry))
    clip = tab.locator("#clip-0")
    for step in range(12):
        boxes = clip.locator("svg.chart").evaluate(
            """chart => [chart, ...chart.querySelectorAll('text')].map(e => {
            const {left, top, right, bottom} = e.getBoundingClientRect(); return [left, top, right, bottom]; })"""
        )
        frame, *texts = boxes
        assert len(texts) > 8
        for k, (left, top, right, bottom) in enumerate(texts):
            assert left >= frame[0] - 1
            assert right <= frame[2] + 1
            assert bottom <= frame[3] + 3
            for other in texts[:k]:
                across = min(right, other[2]) - max(left, other[0])
                assert across < 1 or min(bottom, other[3]) - max(top, other[1]) < 4, (step, k)
        if clip.get_by_role("button", name="Zoom in").is_enabled():
            clip.get_by_role("button", name="Zoom in").click()
            tab.wait_for_timeout(50)


def test_an_hour_is_drawn_fast_and_its_events_frame_by_frame(tab, tmp_path, monkeypatch):
    monkeypatch.setattr("classic_eyes.video.page.collector._COLUMNS", 500)
    events = [event(k, k + 8, confidence=0.9) for k in range(100, 11_900, 60)]
    out = write(tmp_path, collect("a.mp4", 12_000, events, pixels=False, noise=0.0))
    opened(tab, out)
    clip = tab.locator("#clip-0")
    assert len(events) == 197
    # As many points as pixels at most, and an area from the lowest to the highest.
    assert len(points(clip, "openness", 0)) < 1300
    assert clip.locator("path.area.openness").first.get_attribute("d") != ""
    start = clip.locator("td.start button").nth(30)
    label = start.inner_text()
    start.click()
    tab.wait_for_timeout(100)
    assert clip.locator(".readout .numbers").inner_text().startswith(f"start {label}")
    # Of the blink all 9 frames are seen.
    span = clip.locator("rect.span")
    x, width = (float(span.first.get_attribute(name)) for name in ("x", "width"))
    curve = points(clip, "openness", 0)
    inside = curve[(curve[:, 0] >= x - 1) & (curve[:, 0] <= x + width - 1)]
    assert len(inside) == 9
    assert np.argmax(inside[:, 1]) == 4
    assert inside[4, 1] - inside[0, 1] == pytest.approx(70 * 0.97 / 1.2, abs=2)
    took = tab.evaluate(
        """() => { const button = document.querySelector('[data-zoom=all]'); const start = performance.now();
        button.click(); return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(
        () => done(performance.now() - start)))); }"""
    )
    assert took < 1000


# The table


def test_table_has_the_events_and_sorts(page, tab):
    opened(tab, page)
    clip = tab.locator("#clip-0")
    table = clip.get_by_role("table", name="Events")
    assert table.get_by_role("columnheader").all_inner_texts()[:6] == [
        "Kind",
        "Eye",
        "Start",
        "Duration",
        "Depth",
        "Confidence",
    ]
    assert rows(clip) == [
        ["Blink", "both", "2.00 s", "300 ms", "0.97", "0.93"],
        ["Blink", "both", "5.00 s", "300 ms", "0.97", "0.81"],
        ["Partialmay be gaze", "both", "7.00 s", "233 ms", "0.55", "0.48"],
        ["Long", "both", "8.73 s", "967 ms", "0.97", "0.93"],
        ["Wink", "left", "11.00 s", "267 ms", "0.97", "0.93"],
        ["Blink", "both", "11.47 s", "267 ms", "0.90", "0.93"],
    ]
    assert clip.locator("th[aria-sort]").all_inner_texts() == ["Start"]
    expected = {
        "Duration": ["7.00 s", "11.00 s", "11.47 s", "2.00 s", "5.00 s", "8.73 s"],
        "Depth": ["7.00 s", "11.47 s", "2.00 s", "5.00 s", "8.73 s", "11.00 s"],
        "Confidence": ["7.00 s", "5.00 s", "2.00 s", "8.73 s", "11.00 s", "11.47 s"],
        "Kind": ["8.73 s", "11.00 s", "7.00 s", "2.00 s", "5.00 s", "11.47 s"],
        "Eye": ["2.00 s", "5.00 s", "7.00 s", "8.73 s", "11.47 s", "11.00 s"],
    }
    for name, order in expected.items():
        clip.get_by_role("button", name=name, exact=True).click()
        assert starts(clip) == order, name
        assert clip.locator('th[aria-sort="ascending"]').all_inner_texts() == [name]
    clip.get_by_role("button", name="Duration").click()
    clip.get_by_role("button", name="Duration").click()
    assert clip.locator('th[aria-sort="descending"]').all_inner_texts() == ["Duration"]
    assert starts(clip)[0] == "8.73 s"
    images = clip.locator("tbody tr").first.locator("img")
    assert images.evaluate_all("all => Promise.all(all.map(i => i.decode().then(() => i.naturalWidth)))") == [384] * 3


def test_start_of_an_event_leads_to_the_plot(page, tab):
    opened(tab, page)
    clip = tab.locator("#clip-0")
    clip.get_by_role("button", name="Show in the plot: 8.73 s").click()
    assert window_of(clip) == "7.7 s to 10.7 s"
    assert focused(tab).startswith("Long, both eyes, at 8.73 s")
    assert clip.locator("tr.chosen td.start button").inner_text() == "8.73 s"
    top = clip.locator("svg.chart").bounding_box()
    assert 0 <= top["y"] < 700


def test_filter_by_kind_and_track(page, tab):
    opened(tab, page)
    one, two = tab.locator("#clip-0"), tab.locator("#clip-1")
    two.scroll_into_view_if_needed()
    two.locator("svg.chart").first.wait_for()
    counts = {b.get_attribute("data-kind"): b.locator("b").inner_text() for b in tab.locator("[data-kind]").all()}
    assert counts == {"all": "11", "blink": "6", "partial": "1", "long": "2", "wink": "2", "gaze": "1"}
    press = tab.get_by_role("complementary").get_by_role("button")
    press.filter(has_text="Wink").click()
    assert tab.locator("#shown").inner_text() == "2 of 11 events"
    assert starts(one) == ["11.00 s"]
    assert marks(one) == ["wink"]
    assert starts(two) == ["0:30.00"]
    assert one.locator(".readout .what").inner_text() == "Wink, left eye"
    assert one.locator("rect.span").count() == 1
    assert two.locator(".readout").first.inner_text() == "No event of this kind."
    assert one.locator("[data-count]").inner_text() == "1 of 6"
    # Keys stay within the kind.
    one.locator('.mark[tabindex="0"]').focus()
    tab.keyboard.press("ArrowLeft")
    assert focused(tab).startswith("Wink, left eye")
    press.filter(has_text="May be gaze").click()
    assert starts(one) == ["7.00 s"]
    press.filter(has_text="All").click()
    assert tab.locator("#shown").inner_text() == "All 11 events"

    assert one.get_by_role("combobox").count() == 0
    assert [row[2] for row in rows(two)] == ["0", "1", "1", "1", "0"]
    two.get_by_role("combobox").select_option("Track 1")
    assert starts(two) == ["0:05.00", "0:13.67", "0:30.00"]
    assert two.locator("article:visible h3").all_inner_texts() == ["Track 1 0:00 to 1:00"]
    two.get_by_role("combobox").select_option("all tracks")
    assert two.locator("article:visible").count() == 2


def test_many_events_come_in_parts(tab, tmp_path):
    events = [event(k, k + 8) for k in range(20, 5000, 20)]
    opened(tab, write(tmp_path, collect("a.mp4", 5000, events, pixels=False)))
    clip = tab.locator("#clip-0")
    assert clip.locator("tbody tr").count() == 100
    clip.get_by_role("button", name="Show 100 more of 249 events").click()
    assert clip.locator("tbody tr").count() == 200
    assert focused(tab) == f"Show in the plot: {starts(clip)[100]}"
    # An event that is not listed yet is listed when it is selected.
    clip.locator('.mark[tabindex="0"]').focus()
    tab.keyboard.press("End")
    tab.keyboard.press("Enter")
    assert clip.locator("tbody tr").count() == 249
    assert clip.locator("tr.chosen td.start button").inner_text() == "2:46.00"
    assert clip.locator("th.eyes").count() == 0
    assert not clip.get_by_role("button", name="more of").is_visible()


def test_many_tracks_show_those_seen_longest(tab, tmp_path):
    entry = collect("a.mp4", 90, [event(10 + k, 18 + k, track=k) for k in range(9)], range(9), pixels=False)
    for track in entry["summary"]["tracks"]:
        track["visible_s"] = float(track["track"])
    opened(tab, write(tmp_path, entry))
    clip = tab.locator("#clip-0")
    names = [text.split(" ")[1] for text in clip.locator("article:visible h3").all_inner_texts()]
    assert names == ["3", "4", "5", "6", "7", "8"]
    # An event of a hidden track shows it.
    clip.locator("td.start button").first.click()
    assert clip.locator("article:visible").count() == 7
    clip.get_by_role("button", name="Show 3 more tracks, each seen for 2.0 s at most").click()
    assert clip.locator("article:visible").count() == 9
    assert clip.locator("article:visible svg.chart path.curve").count() == 9 * 4


def test_events_of_a_clip_without_images(tab, tmp_path):
    entry = collect("a.mp4", 369, DAY, pixels=False)
    opened(tab, write(tmp_path, entry, collect("b.mp4", 60, [])))
    assert tab.locator("img").count() == 0
    assert tab.locator("#clip-1 .empty").inner_text() == "No events."
    assert not tab.locator("#clip-1 .readout").is_visible()


# Everybody


def test_screen_readers_get_names_headings_and_changes(page, tab):
    opened(tab, page)
    for role in ("banner", "main", "complementary"):
        assert tab.get_by_role(role).count() == 1
    assert tab.get_by_role("heading", level=1).inner_text() == "Monday <i>"
    names = [text.split("\n")[0] for text in tab.get_by_role("main").get_by_role("heading", level=2).all_inner_texts()]
    assert names == ["day.mp4 monday", "two.mp4 monday", "broken.mp4", "nobody.mp4", "What the words mean"]
    links = tab.get_by_role("navigation", name="Clips").get_by_role("link")
    assert links.all_inner_texts() == [
        "day.mp4\n12.3 s, 6 events",
        "two.mp4\n1:00, 5 events",
        "broken.mp4\ncould not be read",
        "nobody.mp4\n1.0 s, 0 events",
    ]
    links.nth(2).click()
    assert tab.locator("#clip-2").bounding_box()["y"] < 900
    chart = tab.get_by_role("group", name="Track 0: openness and P(open) of both eyes over time, 6 events")
    assert chart.get_by_role("button").count() == 6
    buttons = tab.evaluate("[...document.querySelectorAll('button')].map(b => b.ariaLabel || b.textContent)")
    assert all(name.strip() for name in buttons)
    assert tab.locator("#shown").get_attribute("role") == "status"
    assert tab.locator("#clip-0 .window").get_attribute("role") == "status"
    assert tab.get_by_role("region", name="day.mp4").count() == 1
    assert tab.get_by_role("article", name="Track 0").count() >= 1
    # The focus is seen.
    tab.locator('#clip-0 .mark[tabindex="0"]').focus()
    tab.keyboard.press("ArrowRight")
    assert tab.evaluate("getComputedStyle(document.activeElement).outlineWidth") == "3px"


def test_names_warnings_and_errors_are_text(tab, tmp_path):
    entries = [collect(name, 60, [event(20, 28)], warnings=[name]) for name in HOSTILE]
    for entry in entries:
        entry["summary"]["perclos_definition"] = HOSTILE[0]
    entries += [failed_entry(HOSTILE[1], HOSTILE[0]), collect("folder/", 60, [], pixels=False)]
    out = tmp_path / "page.html"
    out.write_text(render_page(entries, title=HOSTILE[0], version=HOSTILE[1]), encoding="utf-8")
    opened(tab, out)
    for number in range(6):
        tab.locator(f"#clip-{number}").scroll_into_view_if_needed()
    assert tab.locator("#clip-0 h2").inner_text() == "script>.png <script>alert(1)<"
    assert tab.locator("#clip-1 .note").inner_text() == HOSTILE[1]
    assert tab.locator("#clip-4 .note").inner_text() == f"Could not be read: {HOSTILE[0]}"
    assert tab.locator("#clip-5 h2").inner_text().strip() == "folder/"


def test_page_of_no_clip(tab, tmp_path):
    tab.goto(write(tmp_path).as_uri())
    assert tab.locator(".lead").inner_text().startswith("0 clips, 0 tracks, 0 events.")
    for key in ("ArrowDown", "+", "0", "Enter"):
        tab.keyboard.press(key)


def test_strange_times_break_nothing(tab, tmp_path):
    one = collect("one frame.mp4", 1, [])
    still = collect("still.mp4", 40, [event(5, 12)], fps=1e9)
    late = collect("late.mp4", 40, [event(5, 12)])
    late["times_ms"][0] = 86_400_000
    late["end_ms"] += 86_400_000
    opened(tab, write(tmp_path, one, still, late))
    for number in range(3):
        clip = tab.locator(f"#clip-{number}")
        clip.scroll_into_view_if_needed()
        clip.locator("svg.chart").wait_for()
        for name in ("Zoom in", "Zoom out"):
            button = clip.get_by_role("button", name=name)
            if button.is_enabled():
                button.click()
        assert "NaN" not in clip.locator("svg.chart").inner_html()
    assert any(text.startswith("24:00:0") for text in tab.locator("#clip-2 svg.chart text").all_text_contents())


@pytest.mark.parametrize(
    "tab", [(400, "light"), (400, "dark"), (800, "dark"), (1100, "light"), (1600, "light")], indirect=True
)
def test_page_fits_the_window(page, tab):
    opened(tab, page)
    for number in (0, 1):
        clip = tab.locator(f"#clip-{number}")
        clip.scroll_into_view_if_needed()
        clip.locator("svg.chart").first.wait_for()
        clip.get_by_role("button", name="Zoom in").click()
        tab.wait_for_timeout(60)
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    beyond = """() => [...document.querySelectorAll('main *')].filter(e => e.getClientRects().length
        && !e.closest('.heard, svg') && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML)"""
    assert tab.evaluate(beyond) == []
    # Cells of all columns look alike.
    heights = "all => all.filter(e => e.offsetParent).map(e => Math.round(e.getBoundingClientRect().height))"
    assert len(set(tab.locator("#clip-1 th:not(.eyes)").evaluate_all(heights))) == 1
    assert len(set(tab.locator("#clip-1 tbody tr:first-child .number:not(.kind)").evaluate_all(heights))) == 1
    heights = tab.evaluate(
        "[...document.querySelectorAll('.filter, .tools button, .tools select, th button')].filter(e => e.offsetParent)"
        ".map(e => e.getBoundingClientRect().height)"
    )
    assert min(heights) >= 36
    sizes = tab.evaluate(
        "[...document.querySelectorAll('main *')].filter(e => e.getClientRects().length && e.textContent.trim())"
        ".map(e => parseFloat(getComputedStyle(e).fontSize))"
    )
    assert min(sizes) >= 12


@pytest.mark.parametrize("tab", [(1600, "light"), (1600, "dark")], indirect=True)
def test_text_and_marks_have_contrast_in_both_schemes(page, tab):
    opened(tab, page)
    words = ["ink", "quiet", "warn", "accent", "blink", "partial", "long", "wink", "gaze", "openness", "score"]
    names = [*words, "page", "sheet", "mat", "hatch"]
    values = tab.evaluate(
        "names => names.map(n => getComputedStyle(document.documentElement).getPropertyValue(`--${n}`))", names
    )

    def luminance(colour: str) -> float:
        digits = colour.strip().lstrip("#")
        digits = digits if len(digits) == 6 else "".join(2 * digit for digit in digits)
        channels = np.array([int(digits[k : k + 2], 16) for k in (0, 2, 4)]) / 255
        linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
        return float(linear @ (0.2126, 0.7152, 0.0722))

    def contrast(one: str, other: str) -> float:
        light = [colours[name] for name in (one, other)]
        return (max(light) + 0.05) / (min(light) + 0.05)

    colours = dict(zip(names, map(luminance, values), strict=True))
    for ground in ("page", "sheet", "mat"):
        for name in words:
            assert contrast(name, ground) >= 4.5, (name, ground)
    assert contrast("hatch", "mat") >= 1.3
