"""The map of images as SVG."""

from __future__ import annotations

import re

import numpy as np

from classic_eyes.labeling.page.map import map_figure

from ...html_page import Page


def moves(text: str, style: str) -> list[tuple[float, float]]:
    d = re.search(rf'<path class="{style}" d="([^"]*)"', text)[1]
    return [(float(x), float(y)) for x, y in re.findall(r"M([\d.]+) ([\d.]+)", d)]


def test_corners_of_a_square_are_the_corners_of_the_map():
    text = map_figure("m", "PCA", "", [[0, 0], [1, 0], [0, 1], [1, 1]], [1, 1, 0, 0])
    assert moves(text, "mapdot open") == [(10.0, 470.0), (470.0, 470.0)]
    assert moves(text, "mapcross closed") == [(10.0, 10.0), (470.0, 10.0)]
    assert 'viewBox="0 0 480 480"' in text


def test_both_axes_have_one_scale():
    text = map_figure("m", "PCA", "", [[0, 0], [4, 1]], [1, 1])
    (x0, y0), (x1, y1) = moves(text, "mapdot open")
    assert x1 - x0 == 4 * (y0 - y1)
    tall = map_figure("m", "PCA", "", [[0, 0], [1, 4]], [1, 1])
    (x0, y0), (x1, y1) = moves(tall, "mapdot open")
    assert 4 * (x1 - x0) == y0 - y1
    assert x0 + x1 == 480


def test_one_place_and_no_closed_eye():
    assert "1 open eyes as dots, 0 closed" in map_figure("m", "PCA", "", [[3, 3]], [1])


def test_words_are_escaped_and_marks_are_limited():
    rng = np.random.default_rng(0)
    text = map_figure("m", "<b>", "a & b.", rng.normal(size=(3000, 2)), rng.integers(0, 2, 3000).tolist())
    assert '<desc id="m-d">a &amp; b. ' in text
    assert len(moves(text, "mapdot open")) + len(moves(text, "mapcross closed")) == 2000
    assert [tag for tag, _ in Page(text).tags].count("path") == 2
