"""The extensions of the site: pages from parsers, ``__all__`` and cards; links; figures with text alternatives."""

from __future__ import annotations

import argparse
import re
import sys
from importlib import import_module

import pytest

from classic_eyes import cli
from classic_eyes._utils.files import SHIPPED_MODELS, shipped_model
from classic_eyes.persistence.card import read_card

from ..conftest import ROOT
from ..test_public_api import PUBLIC

pytest.importorskip("sphinx_gallery", reason="the extra docs is not installed")
sys.path.insert(0, str(ROOT / "docs" / "_ext"))

import api_pages
import command_pages
import gallery_images
import model_pages
from accessible_html import mend_signatures
from generated_pages import write_if_changed
from repository_links import ROOT_PAGES, rewrite

SCRIPTS = sorted((ROOT / "examples").glob("plot_*.py"))
every_script = pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
PARSERS = command_pages.parsers()
COMMANDS = command_pages.command_pages()
API = api_pages.api_pages()
CARDS = model_pages.model_pages()


# -- commands ------------------------------------------------------------------------------------------------------


def test_every_command_and_study_has_a_page():
    assert {f"classic-eyes {name}" for name in cli.COMMANDS} < set(PARSERS)
    assert {f"{name.replace(' ', '-').replace('.py', '')}.rst" for name in PARSERS} | {"index.rst"} == set(COMMANDS)
    for name in COMMANDS:
        assert name == "index.rst" or name.removesuffix(".rst") in COMMANDS["index.rst"]


@pytest.mark.parametrize("name", PARSERS)
def test_a_page_has_every_option_and_argument_with_its_help(name):
    page = COMMANDS[f"{name.replace(' ', '-').replace('.py', '')}.rst"]
    parser = PARSERS[name]
    for action in parser._actions:
        described = [each for each in action.option_strings or [str(action.metavar)] if f"{each}" in page]
        if action.help == argparse.SUPPRESS:
            continue
        assert described
        first = (parser._get_formatter()._expand_help(action)).split(";")[0]
        assert re.sub(r"\W", "", first) in re.sub(r"\W", "", page)


def test_values_of_options_are_shown_as_help_shows_them():
    page = COMMANDS["bench.rst"]
    assert ".. option:: --compare OLD.json NEW.json\n" in page
    assert ".. option:: --recipe {default,fast,accurate}\n" in page
    assert ".. option:: --quick\n" in page


def test_a_hidden_option_has_no_entry():
    parser = argparse.ArgumentParser(prog="p", description="Do.")
    parser.add_argument("--seen", help="is *seen*, %(default)s", default="a_b")
    parser.add_argument("--hidden", help=argparse.SUPPRESS)
    page = command_pages.command_page("p", parser)
    assert ".. option:: --seen SEEN" in page
    assert r"is \*seen\*, a\_b" in page
    assert "hidden" not in page


# -- Python --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", PUBLIC)
def test_every_public_name_is_in_the_reference(module):
    page = API[f"{module}.rst"]
    for name in import_module(module).__all__:
        if name.startswith("__"):
            continue
        assert re.search(rf"^   {name}$|data:: {name}$", page, re.MULTILINE)
        thing = getattr(import_module(module), name)
        assert (f"{module}.{name}.rst" in API) == (isinstance(thing, type) or hasattr(thing, "__code__"))


def test_a_constant_has_its_docstring_and_its_value():
    page = API["classic_eyes.synthetic.rst"]
    assert "An eye is labelled open if its ``opening`` is above this." in page
    assert re.search(r"data:: OPEN_THRESHOLD.*?0\.15", page, re.DOTALL)


def test_signatures_have_no_list_without_terms():
    html = '<dl><dt class="sig a">f(<dl>\n<dd>x</dd>\n</dl>\n)</dt><dd>text</dd></dl>'
    expected = (
        '<dl><dt class="sig a">f(<span>\n<span class="parameter-line">x</span>\n</span>\n)</dt><dd>text</dd></dl>'
    )
    assert mend_signatures(html) == expected


# -- cards ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", SHIPPED_MODELS)
def test_a_card_has_its_results_data_limits_and_command(model):
    card, page = read_card(shipped_model(model)), CARDS[f"{model}.rst"]
    for part in card["results"].values():
        for metric in ("accuracy", "eer", "auc"):
            assert f"{part[metric]['value']:.4f}" in page
        assert f"{part['n']:,} images" in page
    for text in (card["not_for"], *card["limits"], *(source["licence"] for source in card["sources"])):
        assert re.sub(r"\W", "", text) in re.sub(r"\W", "", page)
    assert re.sub(r"[\s\\]", "", card["command"]) in re.sub(r"[\s\\]", "", page)


def test_every_trained_file_has_a_card_page():
    names = {path.stem for path in (ROOT / "models").glob("*") if path.suffix in (".npz", ".dat")}
    assert {f"{name}.rst" for name in names} | {"index.rst"} == set(CARDS)


# -- links ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("folder", "link", "expected"),
    [
        ("docs", "[a](../CHANGELOG.md)", "[a](/changelog.md)"),
        ("docs/guides", "[a](../../SECURITY.md#reporting)", "[a](/security.md#reporting)"),
        ("", "[a](docs/limits.md)", "[a](/limits.md)"),
        ("", "[`a` b](docs/guides/video.md#limits)", "[`a` b](/guides/video.md#limits)"),
        ("docs", "[a](../README.md)", "[a](/index.md)"),
        ("docs", "[the images](../examples/eyes)", "the images"),
        ("docs", "[`bench.py`](../bench.py)", "`bench.py`"),
        ("docs", "[a](../examples/browser/README.md)", "[a](/programs/browser.md)"),
        ("docs", "[a](../examples/plot_glare.py)", "[a](/gallery/plot_glare.rst)"),
        ("docs", "[a](https://example.org/a.md)", "[a](https://example.org/a.md)"),
        ("docs", "[a](#part)", "[a](#part)"),
        ("docs", "![a](overview.png)", "![a](overview.png)"),
        ("docs", "[a](nothing.md)", "[a](nothing.md)"),  # Sphinx warns of it
        ("docs/concepts", "[blinks](../../examples/plot_blinks.py)", "[blinks](/gallery/plot_blinks.rst)"),
    ],
)
def test_links_of_the_repository_become_links_of_the_site(folder, link, expected):
    assert rewrite(link, folder) == expected


def test_pages_that_stand_for_files_of_the_root_link_to_them():
    """Who reads docs/ in the repository finds the way."""
    for path, page in ROOT_PAGES.items():
        assert (ROOT / path).is_file()
        if page != "index" and "/" not in page:
            assert f"](../{path})" in (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")


def test_an_unchanged_page_keeps_its_time(tmp_path):
    path = tmp_path / "page.rst"
    write_if_changed(path, "a")
    before = path.stat().st_mtime_ns
    write_if_changed(path, "a")
    assert path.stat().st_mtime_ns == before
    write_if_changed(path, "b")
    assert path.read_text() == "b"


# -- gallery -------------------------------------------------------------------------------------------------------


def test_every_script_has_a_place_in_the_gallery():
    assert sorted(gallery_images.ORDER) == [path.stem for path in SCRIPTS]


@every_script
def test_every_figure_of_a_script_is_described(path):
    """One figure, one description and one ``plt.show()`` in a block."""
    blocks = re.split(r"^# %%.*$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    shows = [block.count("plt.show()") for block in blocks]
    assert shows == [len(gallery_images.descriptions_of(block)) for block in blocks]
    assert sum(shows) >= 1
    for block in blocks:
        for text in gallery_images.descriptions_of(block):
            assert len(text) > 30
            assert text.endswith(".")


def test_a_description_may_take_several_lines():
    block = 'x\n# sphinx_gallery_alt = "One"\n# sphinx_gallery_alt = "two."\ny\n# sphinx_gallery_alt = "Three."\n'
    assert gallery_images.descriptions_of(block) == ["One two.", "Three."]


@every_script
def test_a_script_uses_public_names_only(path):
    text = path.read_text(encoding="utf-8")
    modules = re.findall(r"^from (classic_eyes[\w.]*) import (.+)$", text, re.MULTILINE)
    assert modules
    for module, names in modules:
        assert module in PUBLIC
        for name in names.split(", "):
            assert name in import_module(module).__all__
