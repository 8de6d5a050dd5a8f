"""The report on how missing labels were found."""

from __future__ import annotations

import re

import numpy as np
import pytest

from classic_eyes.errors import ParameterError
from classic_eyes.labeling.page import render_history, write_history

from ...html_page import HOSTILE, Page, watch


@pytest.fixture(scope="module")
def history():
    """What `History.to_dict` returns, with hostile names."""
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
def history_text(history):
    return render_history(history, np.random.default_rng(1).integers(0, 256, (60, 24, 24), dtype=np.uint8))


def test_page_holds_all_parts_and_escapes_names(history, history_text):
    page = Page(history_text)
    words = " ".join(page.words)
    for part in (
        "Initial proportions of open eyes",
        "Rounds of self-training",
        "Round 1: 2 added",
        "Round 1: 1 changed class",
        "settled",
        "doubtful labels: look",
        "0.82 (selected)",
        "Given labels to check",
    ):
        assert part in words
    flipped = re.search(r'<figure id="round1-flipped">.*?</figure>', history_text, re.S)[0]
    assert "<span>open</span>" in flipped
    rows = next(text for text in page.words if text.startswith("file,label")).splitlines()
    assert rows[0] == "file,label,chosen"
    # Rows that are filled in must not count as drawn at random.
    assert sum(row.endswith(",,uncertain") for row in rows) == history["labels"].count(-1)
    assert len(rows) > history["labels"].count(-1)
    uncertain = history["labels"].count(-1)
    assert f"{uncertain} images remain uncertain" in words
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert page.all("script") == []
    assert "script-src 'none'" in history_text
    assert not any("<" in name and name in history_text for name in HOSTILE)


def test_one_image_per_label_is_required(history):
    with pytest.raises(ParameterError, match=r"images has shape \(3, 24, 24\); allowed is \(60, height, width\)"):
        render_history(history, np.zeros((3, 24, 24), np.uint8))


def test_history_without_maps_rounds_and_uncertain_images(history):
    certain = history | {
        "labels": [k % 2 for k in range(60)],
        "maps": None,
        "warnings": [],
        "rounds": [],
        "contradicted": [],
    }
    text = render_history(certain, np.zeros((60, 24, 24), np.uint8))
    Page(text)
    assert "0 images remain uncertain" in text
    assert "Maps of" not in text
    assert "Given labels to check" not in text


@pytest.mark.parametrize("width", [400, 1600])
def test_every_figure_fits_the_window(browser, tmp_path, history_text, width):
    (tmp_path / "history.html").write_text(history_text, encoding="utf-8")
    tab = browser.new_page(viewport={"width": width, "height": 900})
    trouble = watch(tab)
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


def test_page_is_written_to_a_file(history, history_text, tmp_path):
    images = np.random.default_rng(1).integers(0, 256, (60, 24, 24), dtype=np.uint8)
    write_history(history, images, tmp_path / "history.html")
    assert (tmp_path / "history.html").read_text(encoding="utf-8") == history_text
    with pytest.raises(ParameterError, match="name a file in a folder"):
        write_history(history, images, tmp_path / "no" / "history.html")
