"""The map of images as SVG."""

from __future__ import annotations

import re

import numpy as np

from classic_eyes.labeling.page.map import map_figures

from ...html_page import Page


def pca(places, labels, note: str = "") -> str:
    return map_figures("m", {"pca": places}, labels, note)


def moves(text: str, style: str) -> list[tuple[float, float]]:
    d = re.search(rf'<path class="{style}" d="([^"]*)"', text)[1]
    return [(float(x), float(y)) for x, y in re.findall(r"M([\d.]+) ([\d.]+)", d)]


def test_corners_of_a_square_are_the_corners_of_the_map():
    text = pca([[0, 0], [1, 0], [0, 1], [1, 1]], [1, 1, 0, 0])
    assert moves(text, "mapdot open") == [(10.0, 470.0), (470.0, 470.0)]
    assert moves(text, "mapcross closed") == [(10.0, 10.0), (470.0, 10.0)]
    assert 'viewBox="0 0 480 480"' in text


def test_both_axes_have_one_scale():
    text = pca([[0, 0], [4, 1]], [1, 1])
    (x0, y0), (x1, y1) = moves(text, "mapdot open")
    assert x1 - x0 == 4 * (y0 - y1)
    tall = pca([[0, 0], [1, 4]], [1, 1])
    (x0, y0), (x1, y1) = moves(tall, "mapdot open")
    assert 4 * (x1 - x0) == y0 - y1
    assert x0 + x1 == 480


def test_one_place_and_no_closed_eye():
    assert "1 open eyes as dots, 0 closed" in pca([[3, 3]], [1])


def test_words_are_escaped_and_marks_are_limited():
    rng = np.random.default_rng(0)
    text = pca(rng.normal(size=(3000, 2)).tolist(), rng.integers(0, 2, 3000).tolist(), "a & b.")
    assert "a &amp; b. " in text
    assert len(moves(text, "mapdot open")) + len(moves(text, "mapcross closed")) == 2000
    assert [tag for tag, _ in Page(text).tags].count("path") == 2


def test_known_maps_are_drawn_in_order():
    both = map_figures("m", {"pca": [[0, 0]], "tsne": [[0, 0]], "umap": [[0, 0]]}, [1])
    assert re.findall(r'<figure id="([^"]*)"', both) == ["m-tsne", "m-pca"]
    assert map_figures("m", {"pca": [], "tsne": None}, []) == ""
