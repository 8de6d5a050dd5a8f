"""Text that becomes HTML, and pages that may load nothing."""

from __future__ import annotations

import json
import re

import pytest

from classic_eyes._utils.html import data_block, escape, html_page, printable

from ..html_page import HOSTILE, Page


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_text(name):
    page = Page(html_page(name, f'<p title="{escape(name)}">{escape(name)}</p>'))
    assert {tag for tag, _ in page.tags} == {"html", "head", "meta", "link", "title", "style", "body", "p"}
    assert page.all("p") == [{"title": printable(name)}]
    assert page.words.count(printable(name)) == 2
    html_page(name, escape(name)).encode("utf-8")


def test_data_comes_back_and_cannot_end_its_element():
    names = [*HOSTILE, "</script><script>alert(1)</script>", "<!--"]
    page = html_page("", data_block(json.dumps(names), "names"))
    assert page.count("<script") == 1
    found = re.search(r'<script type="application/json" id="names">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    assert json.loads(found[1]) == names


def test_policy_names_the_style_and_the_script_and_nothing_else():
    page = Page(html_page("a", "<p>b</p>", style="p { margin: 0 }", script="void 0;"))
    (policy,) = [attrs["content"] for attrs in page.all("meta") if attrs.get("http-equiv") == "Content-Security-Policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules.pop("default-src") == "'none'"
    assert rules.pop("img-src") == "data:"
    assert rules.pop("base-uri") == rules.pop("form-action") == "'none'"
    assert all(re.fullmatch(r"'sha256-[\w+/]{43}='", source) for source in rules.values())
    assert set(rules) == {"style-src", "script-src"}
    assert "script-src 'none'" in html_page("a", "<p>b</p>")
