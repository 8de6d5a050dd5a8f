"""The report: it parses, holds every number, escapes every name, and works in a browser."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import re
from html import unescape

import numpy as np
import pytest

from benchmarks.report.page import render_report, write_report
from benchmarks.report.text import file_size, interval, quantity
from classic_eyes.errors import ParameterError
from classic_eyes.labeling.page.text import count, proportion
from classic_eyes.metrics import confusion_matrix

from ...html_page import HOSTILE, Page, watch
from .fake_results import fake_dataset, fake_results, fake_thumbnails

FIGURES = {"ranking", "speed", "ablation", "roc", "det", "reliability", "histogram", "slices", "people", "tsne", "pca"}


@pytest.fixture(scope="module")
def results():
    return fake_results()


@pytest.fixture(scope="module")
def text(results):
    return render_report(results, fake_thumbnails(results))


@pytest.fixture(scope="module")
def page(text):
    return Page(text)


# Contents


def test_every_figure_has_a_caption_and_a_description(page, text):
    figures = re.findall(r"<figure.*?</figure>", text, re.S)
    ids = {re.match(r'<figure[^>]* id="d1-(\w+)"', figure)[1] for figure in figures}
    assert ids == FIGURES | {"errors0", "errors1"}
    for figure in figures:
        assert "<figcaption>" in figure
        if "errors" in figure[:60]:
            assert all(re.search(r'alt="[^"]+"', image) for image in re.findall("<img[^>]*>", figure))
            continue
        drawing = re.search(r'<svg role="img"[^>]*>', figure)[0]
        assert re.search(r'viewBox="0 0 4[48]0 \d+"', drawing)
        title, desc = re.search(r'aria-labelledby="(\S+) (\S+)"', drawing).groups()
        assert re.search(rf'<title id="{title}">[^<]+</title><desc id="{desc}">[^<]{{30,}}</desc>', figure)


def test_identifiers_are_unique():
    two = fake_results(fake_dataset("a", n=80, n_scenarios=3), fake_dataset("b", n=80, n_scenarios=3))
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
        expected = [count(entry[key]) for key in ("n_features", "n_components", "n_support_vectors")]
        for key, held in list(entry["metrics"].items())[2:]:
            decimals = 4 if key in ("brier", "calibration_error") else 3
            expected += [proportion(held["value"], decimals), interval(held, decimals)]
        for held in entry["speed"].values():
            expected.append(quantity(held["median"] if isinstance(held, dict) else held))
        expected += [proportion(entry["agreed"]["accuracy"]["value"]), quantity(entry["seconds"])]
        expected += [
            quantity(entry["train_seconds"]),
            file_size(entry["model_bytes"]),
            quantity(entry["peak_memory_mb"]),
        ]
        assert [number for number in expected if number not in words] == []


def test_confusion_matrices_have_the_counts_of_the_scores(results, text):
    data = results["datasets"][0]
    labels = np.array(data["labels"])
    (entry,) = [each for each in data["scenarios"] if each["name"] == "shipped default"]
    matrix = confusion_matrix(labels, entry["scores"])
    assert "Confusion matrices" in text
    for label in (0, 1):
        for n in matrix[label]:
            assert f"{n:,}<small>{n / matrix[label].sum():.1%}</small>" in text


def test_header_and_footer_name_command_versions_and_protocol(page, results):
    words = " ".join(page.words)
    for fact in (
        "5-fold cross-validation by person",
        results["command"],
        "abc1234",
        "scikit-learn 1.9.1",
        "A processor",
    ):
        assert fact in words
    assert "Best:" in words
    assert "1 of 14 scenarios failed." in words


def test_summary_names_the_best_scenario_and_the_baseline(results, text):
    able = [entry for entry in results["datasets"][0]["scenarios"] if not entry["error"]]
    top = max(able, key=lambda entry: entry["metrics"]["accuracy"]["value"])
    verdict = re.search(r'<ul class="verdicts">.*?</ul>', text, re.S)[0]
    assert f"<b>{top['name']}</b>" in verdict
    assert interval(top["metrics"]["accuracy"]) in verdict
    assert "Baseline: haar cascade" in verdict


def test_scenario_with_a_note_is_not_ranked():
    dataset = fake_dataset(n=80, n_scenarios=4)
    seen = max(dataset["scenarios"], key=lambda entry: entry["metrics"]["accuracy"]["value"])
    seen.update(note="it was trained on <these> images", name="seen before")
    text = render_report(fake_results(dataset))
    verdict = re.search(r'<ul class="verdicts">.*?</ul>', text, re.S)[0]
    assert "Best: <b>seen before</b>" not in verdict
    assert "Not ranked: seen before" in verdict
    assert '<small class="note">it was trained on &lt;these&gt; images</small>' in text


# Safety


def test_page_loads_nothing(page):
    for tag, attrs in page.tags:
        for name in ("src", "href", "srcset", "data", "poster"):
            assert (attrs.get(name) or "#").startswith(("#", "data:")), (tag, attrs)
    assert not any(attrs for attrs in page.all("script"))
    assert "url(" not in "".join(page.words)
    assert "@import" not in "".join(page.words)


def test_hostile_names_are_escaped():
    results = fake_results(fake_dataset(n=80, n_scenarios=5))
    evil = "".join(HOSTILE)
    dataset = results["datasets"][0]
    dataset["name"] = dataset["protocol"] = results["command"] = evil
    dataset["files"] = [HOSTILE[k % 4] for k in range(80)]
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


def test_policy_allows_only_this_script_and_style(text):
    for tag in ("script", "style"):
        body = re.search(rf"<{tag}>(.*?)</{tag}>", text, re.S)[1]
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in text


# Missing values


def bare() -> dict:
    """Return the smallest valid data set."""
    return {"name": "bare", "labels": [0, 1], "scenarios": [{"name": "x", "error": None, "scores": [0.2, 0.9]}]}


def test_missing_results_make_an_empty_page():
    Page(render_report({"schema": 2, "datasets": []}))
    page = Page(render_report({"schema": 2, "datasets": [bare()]}))
    assert "No scenario finished, of 1." in "".join(page.words)


@pytest.mark.parametrize("every", [False, True])
def test_missing_values_of_scenarios(every):
    keys = ("speed", "n_features", "train_seconds", "agreed", "per_group", "per_slice", "model_bytes")
    results = fake_results(fake_dataset(n=80, n_scenarios=len(keys)))
    for own, entry in zip(keys, results["datasets"][0]["scenarios"], strict=True):
        entry.update(dict.fromkeys(keys if every else (own,)))
    Page(render_report(results))


@pytest.mark.parametrize(
    "keys", ["maps files groups n", "decode slices sha256 n_groups protocol", "maps decode groups"]
)
def test_missing_values_of_a_data_set(keys):
    results = fake_results(fake_dataset(n=80, n_scenarios=2))
    results["datasets"][0].update(dict.fromkeys(keys.split()))
    Page(render_report(results, fake_thumbnails(results)))


def test_missing_metrics_and_scores():
    results = fake_results(fake_dataset(n=80, n_scenarios=3))
    entry = results["datasets"][0]["scenarios"][2]
    entry["scores"][5] = None
    for held in list(entry["metrics"].values())[2:]:
        held.update(value=None, low=None, high=None)
    Page(render_report(results))


def test_one_class_has_no_error_rates():
    dataset = fake_dataset(n=80, n_scenarios=3)
    dataset["labels"] = [1] * 80
    text = render_report(fake_results(dataset))
    assert 'id="d1-roc"' not in text
    assert 'id="d1-histogram"' in text


def test_all_scenarios_failed():
    results = fake_results(fake_dataset(n=80, n_scenarios=3))
    for entry in results["datasets"][0]["scenarios"]:
        entry["error"] = "broken"
    assert "No scenario finished, of 3." in render_report(results, fake_thumbnails(results))


@pytest.mark.parametrize("n_scenarios", [1, 2, 30])
def test_few_and_many_scenarios(n_scenarios):
    page = Page(render_report(fake_results(fake_dataset(n=40, n_scenarios=n_scenarios))))
    # The table of scenarios and that of parameters; a confusion matrix has three rows.
    n_matrices = min(n_scenarios, 5)
    assert len(page.all("tr")) == 2 * (n_scenarios + 1) + 3 * n_matrices


def test_names_and_scores_without_thumbnails():
    page = Page(render_report(fake_results(fake_dataset(n=80, n_scenarios=3))))
    assert page.all("img") == []
    assert "Worst errors" in "".join(page.words)


def test_wrong_schema_and_wrong_thumbnails_raise(results):
    with pytest.raises(ParameterError, match="schema 7"):
        render_report({"schema": 7})
    with pytest.raises(ParameterError, match=r"thumbnails\['mrl'\]"):
        render_report(results, {"mrl": np.zeros((3, 24, 24), np.uint8)})


# The file


def test_same_results_give_the_same_bytes_and_are_not_changed(results, text):
    again = json.loads(json.dumps(results))
    before = copy.deepcopy(again)
    assert render_report(again, fake_thumbnails(again)) == text
    assert again == before


def test_file_is_written_completely_or_not_at_all(tmp_path, monkeypatch):
    target = tmp_path / "report.html"
    results = {"schema": 2, "datasets": [bare()]}
    write_report(results, target)
    text = render_report(results)
    assert target.read_text(encoding="utf-8") == text
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(ParameterError, match="No space left"):
        write_report({"schema": 2}, target)
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert target.read_text(encoding="utf-8") == text
    monkeypatch.undo()
    with pytest.raises(ParameterError, match="name a file in a folder"):
        write_report({"schema": 2}, tmp_path / "no" / "report.html")


def test_large_run_makes_a_small_page():
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


# In a browser


@pytest.fixture(scope="module")
def address(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(text, encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def shown(browser, address, request):
    """The page in a window; it may print nothing on the console and load nothing."""
    width, scheme = getattr(request, "param", (1600, "light"))
    tab = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    trouble = watch(tab)
    tab.goto(address)
    yield tab
    tab.close()
    assert trouble == []


@pytest.mark.parametrize("shown", [(400, "light"), (400, "dark"), (1600, "light"), (1600, "dark")], indirect=True)
def test_every_figure_fits_the_window(shown):
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


def test_click_sorts_the_table(shown):
    head = shown.get_by_role("button", name="Accuracy", exact=True)
    head.click()
    values = column(shown, 2)
    known = [float(value) for value in values if value is not None]
    assert len(known) == 13
    assert known == sorted(known, reverse=True)
    assert values[-1] is None, "the failed scenario is last"
    assert directions(shown)[:4] == ["none", "none", "descending", "none"]
    head.click()
    values = column(shown, 2)
    assert [float(value) for value in values[:-1]] == sorted(known)
    assert values[-1] is None
    assert directions(shown)[2] == "ascending"


def test_keyboard_sorts_the_table(shown):
    shown.get_by_role("button", name="EER").focus()
    shown.keyboard.press("Enter")
    known = [float(value) for value in column(shown, 7) if value is not None]
    assert known == sorted(known)
    assert directions(shown)[7] == "ascending"
    shown.keyboard.press("Space")
    assert [float(value) for value in column(shown, 7) if value is not None] == known[::-1]
    shown.get_by_role("button", name="Scenario", exact=True).focus()
    shown.keyboard.press("Enter")
    names = column(shown, 0)
    assert names == sorted(names, key=str.lower)


def test_first_column_is_sticky(shown):
    place = "document.querySelector('.scenarios tbody th').getBoundingClientRect().left"
    before = shown.evaluate(place)
    shown.evaluate("document.querySelector('.scroll').scrollLeft = 300")
    assert shown.evaluate("document.querySelector('.scroll').scrollLeft") > 0
    assert shown.evaluate(place) == pytest.approx(before, abs=1)


def test_colours_follow_the_dark_mode(browser, address):
    grounds = set()
    for scheme in ("light", "dark"):
        tab = browser.new_page(color_scheme=scheme)
        tab.goto(address)
        grounds.add(tab.evaluate("getComputedStyle(document.body).backgroundColor"))
        tab.close()
    assert len(grounds) == 2


def test_labels_of_the_speed_figure_do_not_overlap(shown):
    boxes = shown.evaluate(
        """[...document.querySelectorAll("#d1-speed text")].filter(text => /^\\d+ [a-z]/.test(text.textContent))
            .map(text => text.getBoundingClientRect()).map(box => [box.left, box.top, box.right, box.bottom])"""
    )
    assert len(boxes) == 13
    for k, a in enumerate(boxes):
        for b in boxes[:k]:
            across = min(a[2], b[2]) - max(a[0], b[0])
            down = min(a[3], b[3]) - max(a[1], b[1])
            # A line box is higher than its letters by a few pixels.
            assert across <= 1 or down <= 4


def test_page_reads_without_script(browser, address):
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(address)
    assert "haar+hog+lbp svm" in tab.inner_text(".scenarios")
    assert tab.locator(".scenarios button").count() == 0
    context.close()
