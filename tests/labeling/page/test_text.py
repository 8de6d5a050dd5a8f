"""Numbers and names as the pages write them."""

from __future__ import annotations

import numpy as np
import pytest

from classic_eyes.labeling.page.text import count, escape, png_url, printable, proportion, shortened


def test_proportion_has_a_zero_before_the_point():
    assert [proportion(value) for value in (0.9664, 1.0, -0.0123, 0.0, -0.0001)] == [
        "0.966",
        "1.000",
        "\N{MINUS SIGN}0.012",
        "0.000",
        "0.000",
    ]
    assert proportion(0.5, 2) == "0.50"


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
def test_undefined_proportion_is_a_dash(value):
    assert proportion(value) == "\N{EN DASH}"


def test_count_sets_thousands_apart():
    assert (count(12345), count(0), count(None)) == ("12,345", "0", "\N{EN DASH}")


def test_escape_leaves_no_markup_and_no_control_characters():
    assert escape("<a b='c'>&\"\n\udcff\x00") == "&lt;a b=&#x27;c&#x27;&gt;&amp;&quot;\ufffd\ufffd\ufffd"
    escape("\udcff").encode("utf-8")
    assert printable("a b\t\N{EYE}") == "a b\ufffd\N{EYE}"


def test_shortened_keeps_both_ends():
    assert shortened("a" * 30 + "b" * 30, 21) == "a" * 10 + "\N{HORIZONTAL ELLIPSIS}" + "b" * 10
    assert shortened("short", 5) == "short"


def test_image_is_a_png_data_url():
    assert png_url(np.zeros((2, 2), np.uint8)).startswith("data:image/png;base64,iVBOR")
