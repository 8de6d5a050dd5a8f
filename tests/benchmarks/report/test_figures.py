"""Matplotlib figures as SVG: in the colours of the page, without styles or scripts, the same bytes each time."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest

from benchmarks.report.choose import curve_scenarios
from benchmarks.report.curves import DET, KINDS, ROC, curve_figure, histogram_figure, render_curves
from benchmarks.report.figure import COLORS, Figure, add_axes, figure_style, new_canvas
from benchmarks.report.learning import render_learning
from benchmarks.report.rows import ablation_figure, people_figure, ranking_figure, slice_figure
from benchmarks.report.speed import speed_figure

from ...html_page import HOSTILE, Page
from .fake_results import fake_dataset

SPACE = "{http://www.w3.org/2000/svg}"
NOTHING = {"name": "none", "labels": [], "scenarios": []}


@pytest.fixture(scope="module")
def dataset():
    return fake_dataset()


@pytest.fixture(scope="module")
def square():
    """A line through known places: 0..1 on both axes is 100..200 points."""

    @figure_style
    def draw() -> Figure:
        canvas = new_canvas(300, 300)
        axes = add_axes(canvas, 100, 100, 200, 200)
        axes.plot([0, 0.25, 1], [0, 1, 0], color=COLORS["s1"])
        axes.text(0, 0, "$x$ <i>")
        axes.set(xlim=(0, 1), ylim=(0, 1), xlabel=HOSTILE[0])
        return Figure("square", "<t>", HOSTILE[3], "&", canvas, [(1, "<l>")])

    return draw()


def test_places_are_points_from_the_upper_left_corner(square):
    assert 'd="M100 200L125 100L200 200"' in square.html("d1")


def test_colours_are_variables_of_the_page(square):
    html = square.html("d1")
    assert 'stroke="var(--s1)"' in html
    assert set(re.findall(r"#[0-9a-f]{6}", html)) == set()


def test_figure_has_no_styles_and_no_links(square):
    html = square.html("d1")
    page = Page(html)
    tags = "figure h4 svg title desc g path text defs clippath use rect figcaption ul li b"
    assert {tag for tag, _ in page.tags} <= set(tags.split())
    assert not any("style" in attrs or name.startswith("on") for _, attrs in page.tags for name in attrs)
    assert all((attrs.get("href") or "#").startswith("#") for _, attrs in page.tags)


def test_text_is_text(square):
    html = square.html("d1")
    assert "$x$ &lt;i&gt;" in html
    assert "&lt;script&gt;" in html
    assert "<script" not in html
    assert "line\ufffdbreak \ufffd.png" in html


def test_identifiers_depend_on_the_place(square):
    one, two = (Page(square.html(place)) for place in ("d1", "d2"))
    ids = [[attrs["id"] for _, attrs in page.tags if "id" in attrs] for page in (one, two)]
    assert not set(ids[0]) & set(ids[1])
    assert len(ids[0]) == len(set(ids[0]))


def test_settings_of_the_user_do_not_matter(dataset):
    before = ranking_figure(dataset).html("d1")
    with matplotlib.rc_context({"font.size": 30, "axes.grid": False, "svg.fonttype": "path"}):
        assert ranking_figure(dataset).html("d1") == before
        assert matplotlib.rcParams["font.size"] == 30


def test_unknown_glyphs_and_formulas_raise_nothing():
    dataset = fake_dataset(n=80, n_scenarios=3)
    for entry in dataset["scenarios"]:
        entry["name"] = "\N{EYE} \u77bc $\\frac{1$ \udcff"
        entry["per_slice"] = {"$^": {"\u77bc": {"n": 3, "accuracy": {"value": 1.0, "low": 1.0, "high": 1.0}}}}
    shown = curve_scenarios(dataset)
    figures = [draw(dataset) for draw in (ranking_figure, slice_figure, people_figure, speed_figure)]
    figures += [curve_figure(kind, shown) for kind in KINDS] + [histogram_figure(shown)]
    for figure in figures:
        Page(figure.html("d1"))
    render_curves(dataset).encode("utf-8")


@pytest.mark.parametrize("draw", [ranking_figure, slice_figure, people_figure, ablation_figure, speed_figure])
def test_without_results_there_is_no_figure(draw):
    assert draw(NOTHING) is None


def test_without_scores_there_are_no_curves():
    assert render_curves(NOTHING) is None
    assert histogram_figure([]) is None
    assert all(curve_figure(kind, []) is None for kind in KINDS)


def perfect() -> dict:
    entry = {"name": "a", "error": None, "scores": [0.1] * 5 + [0.9] * 5, "metrics": {"eer": {"value": 0.0}}}
    return {"labels": [0] * 5 + [1] * 5, "scenarios": [entry]}


def test_perfect_scores_have_all_curves():
    shown = curve_scenarios(perfect())
    x, y = curve_figure(ROC, shown).canvas.axes[0].get_lines()[-1].get_data()
    assert list(zip(x, y, strict=True)) == [(0, 0), (0, 1), (1, 1)]
    assert all(curve_figure(kind, shown) for kind in KINDS)


def test_det_axes_are_normal_deviates(dataset):
    axes = curve_figure(DET, curve_scenarios(dataset)).canvas.axes[0]
    rates = [0.05, 0.5, 0.95]
    left, middle, right = axes.transScale.transform([(rate, rate) for rate in rates])[:, 0]
    assert (left, middle, right) == pytest.approx((-1.644854, 0, 1.644854), abs=1e-5)


def test_bars_of_the_histogram_are_square_roots_of_counts():
    axes = histogram_figure(curve_scenarios(perfect())).canvas.axes[0]
    heights = [bar.get_height() for bar in axes.patches]
    assert heights == pytest.approx([-np.sqrt(5), np.sqrt(5)])


def test_people_with_the_lowest_accuracy_are_first(dataset):
    figure = people_figure(dataset)
    accuracies = [float(value) for value in re.findall(r"s\d+ (\d\.\d+)", figure.description)]
    assert accuracies == sorted(accuracies)
    assert len(accuracies) == 30


# SVG files


def test_curves_file_is_well_formed_and_needs_nothing_else(dataset):
    text = render_curves(dataset)
    root = ElementTree.fromstring(text)
    assert root.tag == f"{SPACE}svg"
    words = [element.text for element in root.iter(f"{SPACE}text")]
    assert [word for word in words if word in {kind.title for kind in KINDS}] == [kind.title for kind in KINDS]
    assert root.find(f"{SPACE}title").text == "mrl: curves"
    for one in curve_scenarios(dataset):
        if one.has_both_classes:
            assert one.name in root.find(f"{SPACE}desc").text
    assert not list(root.iter(f"{SPACE}image"))
    assert re.findall(r"https?://[^\"]*", text) == ["http://www.w3.org/2000/svg"]
    assert "prefers-color-scheme: dark" in root.find(f"{SPACE}style").text
    assert render_curves(dataset) == text


def test_learning_file_shows_the_five_best():
    curves = [{"name": f"learner {k}", "sizes": (25, 50), "mean": (0.8 + k / 100, 0.9 + k / 100)} for k in range(7)]
    text = render_learning(curves, "<eyes>")
    assert "&lt;eyes&gt;" in text
    assert "<eyes>" not in text
    assert "learner 2" in text
    assert "learner 1" not in text
    assert "0.960 with 50" in text
    assert text == render_learning(curves, "<eyes>")


def test_learning_file_of_one_number_of_labels():
    ElementTree.fromstring(render_learning([{"name": "a", "sizes": [25], "mean": [0.9]}], "eyes"))
