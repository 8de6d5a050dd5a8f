"""The report: it parses, says everything, escapes everything, and works in a browser."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import re
from html import unescape
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest
from classic_eyes.fake_results import HOSTILE, fake_dataset, fake_results, fake_thumbnails

from benchmarks.report.choose import ablations, chosen
from benchmarks.report.page import render_report, write_report
from benchmarks.report.panel import render_curves
from benchmarks.report.svg import Scale, log_ticks, nice_ticks, thinned
from classic_eyes.errors import ParameterError
from classic_eyes.labeling.page import render_history
from classic_eyes.labeling.page.text import amount, bytes_text, escape, interval, share, shortened, whole

VOID = {"meta", "link", "img", "br"}
FIGURES = {"ranking", "speed", "ablation", "roc", "det", "reliability", "histogram", "slices", "people", "tsne", "pca"}


class Page(HTMLParser):
    """Reads a page and refuses tags that do not close."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture(scope="module")
def results():
    return fake_results()


@pytest.fixture(scope="module")
def text(results):
    return render_report(results, fake_thumbnails(results))


@pytest.fixture(scope="module")
def page(text):
    return Page(text)


# What stands in it


def test_every_figure_has_words_and_scales(page, text):
    figures = re.findall(r"<figure.*?</figure>", text, re.S)
    ids = {re.match(r'<figure[^>]* id="d1-(\w+)"', figure)[1] for figure in figures}
    assert ids == FIGURES | {"errors0", "errors1"}
    for figure in figures:
        assert "<figcaption>" in figure
        if "errors" in figure[:60]:
            assert all(re.search(r'alt="[^"]+"', image) for image in re.findall("<img[^>]*>", figure))
            continue
        drawing = re.search(r'<svg role="img"[^>]*>', figure)[0]
        assert re.search(r'viewBox="0 0 440 \d+"', drawing)
        title, desc = re.search(r'aria-labelledby="(\S+) (\S+)"', drawing).groups()
        assert re.search(rf'<title id="{title}">[^<]+</title><desc id="{desc}">[^<]{{30,}}</desc>', figure)


def test_identifiers_are_unique():
    two = fake_results(fake_dataset("a", n=120), fake_dataset("b", n=120))
    ids = [attrs["id"] for _, attrs in Page(render_report(two)).tags if "id" in attrs]
    assert len(ids) == len(set(ids))


def test_every_number_of_the_table_appears(results, text):
    table = re.search(r'<table class="scenarios">.*?</table>', text, re.S)[0]
    rows = re.findall(r"<tr.*?</tr>", table, re.S)[1:]
    for row, entry in zip(rows, results["datasets"][0]["scenarios"], strict=True):
        words = unescape(re.sub(r"<[^>]+>", " ", row))
        assert entry["name"] in words
        assert entry["kind"] in words
        if entry["error"]:
            assert entry["error"] in unescape(row)
            continue
        expected = [whole(entry[key]) for key in ("n_features", "n_components", "n_support_vectors")]
        for key, held in list(entry["metrics"].items())[2:]:
            decimals = 4 if key in ("brier", "calibration_error") else 3
            expected += [share(held["value"], decimals), interval(held, decimals).strip("()")]
        for held in entry["speed"].values():
            expected.append(amount(held["median"] if isinstance(held, dict) else held))
        expected += [share(entry["agreed"]["accuracy"]["value"]), amount(entry["seconds"])]
        expected += [amount(entry["train_seconds"]), bytes_text(entry["model_bytes"]), amount(entry["peak_memory_mb"])]
        assert [number for number in expected if number not in words] == []


def test_the_head_says_what_was_run(page, results):
    said = " ".join(page.words)
    for fact in (
        "5-fold cross-validation by person",
        results["command"],
        "abc1234",
        "scikit-learn 1.9.1",
        "A processor",
    ):
        assert fact in said
    assert "Best:" in said
    assert "1 of 14 scenarios failed." in said


def test_the_verdict_names_the_best_with_its_interval(results, text):
    able = [entry for entry in results["datasets"][0]["scenarios"] if not entry["error"]]
    top = max(able, key=lambda entry: entry["metrics"]["accuracy"]["value"])
    verdict = re.search(r'<ul class="verdicts">.*?</ul>', text, re.S)[0]
    assert f"<b>{top['name']}</b>" in verdict
    assert interval(top["metrics"]["accuracy"]) in verdict
    assert "Baseline, haar cascade" in verdict


def test_a_scenario_with_a_note_is_marked_and_not_called_best():
    dataset = fake_dataset(n=120)
    seen = max(dataset["scenarios"][:13], key=lambda entry: entry["metrics"]["accuracy"]["value"])
    seen.update(note="it was trained on <these> images", name="seen before")
    text = render_report(fake_results(dataset))
    verdict = re.search(r'<ul class="verdicts">.*?</ul>', text, re.S)[0]
    assert "Best: <b>seen before</b>" not in verdict
    assert "Not in the running: seen before" in verdict
    assert '<small class="note">it was trained on &lt;these&gt; images</small>' in text


# Safety


def test_it_loads_nothing(page):
    for tag, attrs in page.tags:
        for name in ("src", "href", "srcset", "data", "poster"):
            assert (attrs.get(name) or "#").startswith(("#", "data:")), (tag, attrs)
    assert not any(attrs for attrs in page.all("script"))
    assert "url(" not in "".join(page.words)
    assert "@import" not in "".join(page.words)


def test_hostile_names_are_text():
    results = fake_results(fake_dataset(n=120))
    evil = HOSTILE[0] + HOSTILE[1]
    dataset = results["datasets"][0]
    dataset["name"] = dataset["protocol"] = results["command"] = evil
    dataset["files"] = [HOSTILE[k % 4] for k in range(120)]
    dataset["slices"] = {}
    for entry in dataset["scenarios"]:
        entry.update(name=evil, kind=evil, classifier=evil, features=[evil], parameters={evil: evil})
        if not entry["error"]:
            entry["per_slice"] = {evil: {evil: {"n": 3, "accuracy": {"value": 1.0, "low": 1.0, "high": 1.0}}}}
            entry["per_group"] = {evil: {"n": 3, "accuracy": 0.5}}
    page = Page(render_report(results, fake_thumbnails(results)))
    assert len(page.all("script")) == 1
    assert all(not name.startswith("on") for _, attrs in page.tags for name in attrs)
    assert all(attrs["src"].startswith("data:image/png;base64,") for attrs in page.all("img"))


def test_escape_leaves_no_markup_and_no_controls():
    assert escape("<a b='c'>&\"\n\udcff\x00") == "&lt;a b=&#x27;c&#x27;&gt;&amp;&quot;\ufffd\ufffd\ufffd"
    escape("\udcff").encode("utf-8")


def test_script_and_style_are_those_the_policy_names(text):
    for tag in ("script", "style"):
        body = re.search(rf"<{tag}>(.*?)</{tag}>", text, re.S)[1]
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in text


# What may be missing


def bare() -> dict:
    """The least that a data set may be."""
    return {"name": "bare", "labels": [0, 1], "scenarios": [{"name": "x", "error": None, "scores": [0.2, 0.9]}]}


def test_nothing_known_is_drawn_as_nothing():
    Page(render_report({"schema": 2, "datasets": []}))
    page = Page(render_report({"schema": 2, "datasets": [bare()]}))
    assert "No scenario finished, of 1." in "".join(page.words)


@pytest.mark.parametrize(
    "key", ["speed", "n_features", "train_seconds", "agreed", "per_group", "per_slice", "model_bytes"]
)
def test_null_in_a_scenario(key):
    results = fake_results(fake_dataset(n=120))
    for entry in results["datasets"][0]["scenarios"]:
        if not entry["error"]:
            entry[key] = None
    Page(render_report(results))


@pytest.mark.parametrize("key", ["maps", "decode", "files", "slices", "groups", "sha256", "n", "n_groups", "protocol"])
def test_null_in_a_data_set(key):
    results = fake_results(fake_dataset(n=120))
    results["datasets"][0][key] = None
    Page(render_report(results, fake_thumbnails(results)))


def test_null_metrics_and_scores():
    results = fake_results(fake_dataset(n=120))
    entry = results["datasets"][0]["scenarios"][2]
    entry["scores"][5] = None
    for held in list(entry["metrics"].values())[2:]:
        held.update(value=None, low=None, high=None)
    Page(render_report(results))


def test_one_class_has_no_error_rates_but_a_page():
    dataset = fake_dataset(n=120)
    dataset["labels"] = [1] * 120
    text = render_report(fake_results(dataset))
    assert 'id="d1-roc"' not in text
    assert 'id="d1-histogram"' in text


def test_all_failed():
    results = fake_results(fake_dataset(n=120))
    for entry in results["datasets"][0]["scenarios"]:
        entry["error"] = "out of luck"
    assert "No scenario finished, of 14." in render_report(results, fake_thumbnails(results))


@pytest.mark.parametrize("n_scenarios", [1, 2, 30])
def test_few_and_many_scenarios(n_scenarios):
    page = Page(render_report(fake_results(fake_dataset(n=80, n_scenarios=n_scenarios))))
    assert len(page.all("tr")) == 2 * (n_scenarios + 1)


def test_without_thumbnails_names_and_scores_stay(results):
    page = Page(render_report(results))
    assert page.all("img") == []
    assert "Worst errors" in "".join(page.words)


def test_another_schema_and_wrong_thumbnails_are_refused(results):
    with pytest.raises(ParameterError, match="schema 7"):
        render_report({"schema": 7})
    with pytest.raises(ParameterError, match=r"thumbnails\['mrl'\]"):
        render_report(results, {"mrl": np.zeros((3, 24, 24), np.uint8)})


# The file


def test_same_results_same_bytes(results, text):
    again = json.loads(json.dumps(results))
    assert render_report(again, fake_thumbnails(again)) == text


def test_rendering_leaves_the_results_alone(results):
    before = copy.deepcopy(results)
    render_report(results)
    assert results == before


def test_it_is_written_whole_or_not_at_all(tmp_path, results, text, monkeypatch):
    target = tmp_path / "report.html"
    write_report(results, target, fake_thumbnails(results))
    assert target.read_text(encoding="utf-8") == text
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(ParameterError, match="No space left"):
        write_report({"schema": 2}, target)
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert target.read_text(encoding="utf-8") == text
    monkeypatch.undo()
    with pytest.raises(ParameterError, match="name a file in a folder"):
        write_report({"schema": 2}, tmp_path / "no" / "report.html")


def test_a_large_run_stays_small():
    """10,000 images and 20 scenarios, with scores that do not repeat."""
    dataset = fake_dataset(n=80, n_scenarios=20)
    rng = np.random.default_rng(0)
    dataset["labels"] = rng.integers(0, 2, 10_000).tolist()
    dataset["groups"] = [str(k) for k in range(10_000)]
    dataset["files"] = [f"{k:05}.png" for k in range(10_000)]
    dataset["maps"] = {"pca": rng.normal(size=(2000, 2)).tolist(), "tsne": rng.normal(size=(2000, 2)).tolist()}
    dataset["maps"]["index"] = list(range(2000))
    for entry in dataset["scenarios"]:
        entry["scores"] = np.round(rng.uniform(0, 1, 10_000), 4).tolist()
    text = render_report(fake_results(dataset), {"mrl": rng.integers(0, 256, (10_000, 24, 24), dtype=np.uint8)})
    assert len(text.encode()) < 1_000_000


# The parts


def test_choice_holds_the_best_the_shipped_and_the_baseline(results):
    shown = chosen(results["datasets"][0])
    kinds = {one.entry["kind"] for one in shown}
    assert {"shipped", "baseline", "together", "alone"} <= kinds
    accuracies = [one.entry["metrics"]["accuracy"]["value"] for one in shown]
    assert accuracies == sorted(accuracies, reverse=True)


def test_ablations_find_what_is_missing(results):
    pairs = ablations(results["datasets"][0])
    assert [(missing, full.name) for missing, _, full in pairs] == [
        ("haar", "haar+hog+lbp svm"),
        ("hog", "haar+hog+lbp svm"),
        ("lbp", "haar+hog+lbp svm"),
    ]


def test_scales_in_closed_form():
    assert Scale(0, 10, 100, 200)(5) == 150
    assert Scale(1, 100, 0, 10, "log")(10) == pytest.approx(5)
    assert Scale(0.1, 0.9, 0, 10, "logit")(0.5) == pytest.approx(5)
    assert Scale(0.01, 0.5, 0, 10, "probit")(0.5) == pytest.approx(10)
    assert Scale(0, 4, 0, 10, "root")(1) == pytest.approx(5)
    assert Scale(3, 3, 0, 10)(3) == 5
    assert Scale(0, 1, 0, 10).clipped(7) == 10


def test_ticks_are_round_and_inside():
    for low, high in ((0.731, 1.0), (-0.04, 0.03), (0, 17), (0.9871, 0.9934)):
        ticks = nice_ticks(low, high)
        assert 2 <= len(ticks) <= 7
        assert all(low <= tick <= high for tick in ticks)
    assert log_ticks(10, 100_000) == [10, 100, 1000, 10_000, 100_000]


def test_thinning_keeps_the_ends_and_the_bound():
    walk = np.cumsum(np.random.default_rng(0).uniform(0, 2, (5000, 2)), axis=0)
    kept = thinned(walk[:, 0], walk[:, 1])
    assert len(kept) <= 400
    assert (kept[0] == walk[0]).all()
    assert (kept[-1] == walk[-1]).all()
    assert len(thinned(np.zeros(1), np.zeros(1))) == 1


def test_shortened_keeps_both_ends():
    assert shortened("a" * 30 + "b" * 30, 21) == "a" * 10 + "…" + "b" * 10


# In a browser


@pytest.fixture(scope="module")
def address(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(text, encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def shown(browser, address, request):
    """The page in a window, watched: it may say nothing on the console and fetch nothing."""
    width, scheme = getattr(request, "param", (1600, "light"))
    tab = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    trouble: list[str] = []
    tab.on("console", lambda message: trouble.append(message.text))
    tab.on("pageerror", lambda error: trouble.append(str(error)))
    tab.on("dialog", lambda dialog: (trouble.append(dialog.message), dialog.dismiss()))
    tab.on("request", lambda asked: None if asked.url.startswith(("file:", "data:")) else trouble.append(asked.url))
    tab.goto(address)
    yield tab
    tab.close()
    assert trouble == []


@pytest.mark.parametrize("shown", [(400, "light"), (400, "dark"), (1600, "light"), (1600, "dark")], indirect=True)
def test_it_fits_the_window_and_every_figure_shows(shown):
    wide = shown.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide[0] <= wide[1]
    figures = shown.evaluate(
        """[...document.querySelectorAll("figure")].map(figure => {
            const svg = figure.querySelector("svg[role=img]");
            const box = (svg ?? figure).getBoundingClientRect();
            const named = svg ? svg.getAttribute("aria-labelledby").split(" ").map(id => document.getElementById(id))
                .every(part => part.textContent.length > 3)
                : [...figure.querySelectorAll("img")].every(img => img.alt && img.naturalWidth === 24);
            return [figure.id, box.width, box.height, named, box.right <= innerWidth];
        })"""
    )
    assert len(figures) == len(FIGURES) + 2
    for name, width, height, named, inside in figures:
        assert width > 200, name
        assert height > 60, name
        assert named, name
        assert inside, name


def column(tab, number: int) -> list[str | None]:
    return tab.evaluate(
        """number => [...document.querySelectorAll("table.scenarios tbody tr")]
            .map(row => row.cells[number]?.dataset.value ?? null)""",
        number,
    )


def directions(tab) -> list[str]:
    return tab.evaluate("[...document.querySelectorAll('.scenarios thead th')].map(th => th.getAttribute('aria-sort'))")


def test_sorting_by_click(shown):
    head = shown.get_by_role("button", name="Accuracy", exact=True)
    head.click()
    values = column(shown, 2)
    known = [float(value) for value in values if value is not None]
    assert len(known) == 13
    assert known == sorted(known, reverse=True)
    assert values[-1] is None, "the failed scenario goes last"
    assert directions(shown)[:4] == ["none", "none", "descending", "none"]
    head.click()
    values = column(shown, 2)
    assert [float(value) for value in values[:-1]] == sorted(known)
    assert values[-1] is None
    assert directions(shown)[2] == "ascending"


def test_sorting_by_keyboard(shown):
    shown.get_by_role("button", name="EER").focus()
    shown.keyboard.press("Enter")
    known = [float(value) for value in column(shown, 7) if value is not None]
    assert known == sorted(known)
    assert directions(shown)[7] == "ascending"
    shown.keyboard.press("Space")
    assert [float(value) for value in column(shown, 7) if value is not None] == known[::-1]
    shown.get_by_role("button", name="Scenario").focus()
    shown.keyboard.press("Enter")
    names = column(shown, 0)
    assert names == sorted(names, key=str.lower)


def test_the_first_column_stays_while_the_table_scrolls(shown):
    place = "document.querySelector('.scenarios tbody th').getBoundingClientRect().left"
    before = shown.evaluate(place)
    shown.evaluate("document.querySelector('.scroll').scrollLeft = 300")
    assert shown.evaluate("document.querySelector('.scroll').scrollLeft") > 0
    assert shown.evaluate(place) == pytest.approx(before, abs=1)


def test_dark_and_light_differ(browser, address):
    grounds = set()
    for scheme in ("light", "dark"):
        tab = browser.new_page(color_scheme=scheme)
        tab.goto(address)
        grounds.add(tab.evaluate("getComputedStyle(document.body).backgroundColor"))
        tab.close()
    assert len(grounds) == 2


def test_no_label_of_the_speed_figure_lies_on_another(shown):
    boxes = shown.evaluate(
        """[...document.querySelectorAll("#d1-speed text.label")].map(text => {
            const box = text.getBoundingClientRect();
            return [box.left, box.top, box.right, box.bottom];
        })"""
    )
    assert len(boxes) == 13
    for k, a in enumerate(boxes):
        for b in boxes[:k]:
            across = min(a[2], b[2]) - max(a[0], b[0])
            down = min(a[3], b[3]) - max(a[1], b[1])
            # A line box is higher than its letters by a few pixels.
            assert across <= 1 or down <= 4


def test_it_reads_without_script(browser, address):
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(address)
    assert "haar+hog+lbp svm" in tab.inner_text(".scenarios")
    assert tab.locator(".scenarios button").count() == 0
    context.close()


# -- the curves as a file of their own --


def test_the_curves_alone_are_well_formed_and_need_nothing_else(results):
    for dataset in results["datasets"]:
        drawn = render_curves(dataset)
        root = ElementTree.fromstring(drawn)
        space = "{http://www.w3.org/2000/svg}"
        assert root.tag == f"{space}svg"
        assert len(root.findall(f"{space}g")) == 3
        assert root.find(f"{space}title").text.endswith(": curves")
        for name in (one.name for one in chosen(dataset) if one.both_classes):
            assert name in root.find(f"{space}desc").text
        assert not list(root.iter(f"{space}image"))
        assert re.findall(r"https?://[^\"]*", drawn) == ["http://www.w3.org/2000/svg"]


def test_without_scores_there_are_no_curves():
    assert render_curves({"name": "none", "labels": [], "scenarios": []}) is None


# The history of labels found without a labeller


@pytest.fixture(scope="module")
def told():
    """What a history says of itself, with a hostile name in it."""
    rng = np.random.default_rng(0)
    n = 60
    labels = np.where(np.arange(n) % 7 == 0, -1, np.arange(n) % 2)
    return {
        "name": HOSTILE[0],
        "files": [*HOSTILE, *(f"{k}.png" for k in range(len(HOSTILE), n))],
        "labels": labels.tolist(),
        "scores": rng.random(n).round(4).tolist(),
        "given": [1, *([-1] * (n - 1))],
        "confidence": 0.82,
        "good_confidence": 0.65,
        "min_confidence": 0.45,
        "views": ["hog+lbp", "words", "words_tt"],
        "consensus": labels.tolist(),
        "unanimous": 0.85,
        "orientation_confidence": 0.8,
        "evidence": {"synthetic eyes": 0.97, "eye cascade": 0.8},
        "initializations": [
            {
                "initial_share": 0.5,
                "open_shares": [0.5, 0.51],
                "agreement": 0.9,
                "prior_auc": 0.97,
                "confidence": 0.82,
                "kept": True,
            },
            {
                "initial_share": 0.1,
                "open_shares": [0.1, 0.2],
                "agreement": 0.3,
                "prior_auc": 0.9,
                "confidence": 0.2,
                "kept": False,
            },
        ],
        "rounds": [
            {
                "trained_on": 50,
                "added": {"7": 1, "14": 0},
                "flipped": {"3": 1},
                "removed": 2,
                "unlabelled": 8,
                "agreement": 0.99,
                "prior_auc": 0.97,
            },
            {
                "trained_on": 52,
                "added": {},
                "flipped": {},
                "removed": 0,
                "unlabelled": 8,
                "agreement": 1.0,
                "prior_auc": 1.0,
            },
        ],
        "contradicted": [0],
        "most_uncertain": np.argsort(np.abs(rng.random(n) - 0.5)).tolist(),
        "stop_reason": "settled",
        "warnings": ["doubtful labels: look"],
        "mapped": (np.arange(n) % 2).tolist(),
        "maps": {"index": list(range(n)), "pca": rng.random((n, 2)).tolist(), "tsne": rng.random((n, 2)).tolist()},
    }


@pytest.fixture(scope="module")
def history_text(told):
    return render_history(told, np.random.default_rng(1).integers(0, 256, (60, 24, 24), dtype=np.uint8))


def test_the_history_says_everything_and_escapes_it(told, history_text):
    page = Page(history_text)
    words = " ".join(page.words)
    for part in (
        "Guesses tried",
        "Rounds of self-training",
        "Round 1: 2 joined",
        "Round 1: 1 changed sides",
        "settled",
    ):
        assert part in words
    assert "doubtful labels: look" in words
    assert ".82 - kept" in words
    assert "Given labels to look at again" in words
    assert "as open" in words
    rows = next(text for text in page.words if text.startswith("file,label")).splitlines()
    assert len(rows) > told["labels"].count(-1)
    uncertain = told["labels"].count(-1)
    assert f"{uncertain} images remain uncertain" in words
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert len(page.all("script")) == 1
    assert not any("<" in name and name in history_text for name in HOSTILE)


def test_the_history_needs_a_image_for_each_label(told):
    with pytest.raises(ParameterError, match=r"images has shape \(3, 24, 24\); it must be \(60, height, width\)"):
        render_history(told, np.zeros((3, 24, 24), np.uint8))


def test_the_history_without_maps_and_without_doubt(told):
    sure = told | {"labels": [k % 2 for k in range(60)], "maps": None, "warnings": [], "rounds": [], "contradicted": []}
    text = render_history(sure, np.zeros((60, 24, 24), np.uint8))
    Page(text)
    assert "0 images remain uncertain" in text
    assert "Maps of" not in text


@pytest.mark.parametrize("width", [400, 1600])
def test_the_history_in_a_browser(browser, tmp_path, history_text, width):
    (tmp_path / "history.html").write_text(history_text, encoding="utf-8")
    tab = browser.new_page(viewport={"width": width, "height": 900})
    trouble: list[str] = []
    tab.on("console", lambda message: trouble.append(message.text))
    tab.on("pageerror", lambda error: trouble.append(str(error)))
    tab.on("dialog", lambda dialog: (trouble.append(dialog.message), dialog.dismiss()))
    tab.goto((tmp_path / "history.html").as_uri())
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    figures = tab.evaluate(
        """[...document.querySelectorAll("figure")].map(figure => {
            const box = figure.getBoundingClientRect();
            return [figure.id, box.width, box.height, [...figure.querySelectorAll("img")].every(img => img.alt)];
        })"""
    )
    tab.close()
    assert len(figures) == 2 + 2 + 2 + 1 + 1
    for name, across, down, named in figures:
        assert across > 200, name
        assert down > 60, name
        assert named, name
    assert trouble == []
