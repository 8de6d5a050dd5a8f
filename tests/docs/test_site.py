"""The site builds without a warning; its links lead somewhere; Chromium and axe-core find nothing to complain about.

``AXE_CORE`` names the file axe.min.js of the npm package axe-core.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest

from classic_eyes import __version__

from ..conftest import ROOT

pytest.importorskip("sphinx_gallery", reason="the extra docs is not installed")
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("site")]

HTML = ROOT / "docs" / "_build" / "html"
SEEN = (
    "index",
    "quickstart",
    "guides/index",
    "guides/video",
    "concepts/features",
    "gallery/index",
    "gallery/plot_mistakes",
    "api/classic_eyes.EyeClassifier",
    "api/classic_eyes.features.Words",
    "api/classic_eyes.synthetic",
    "commands/index",
    "commands/classic-eyes-predict",
    "benchmark",
    "models/default",
    "contributing",
    "search",
)
# Whatever reaches beyond the window, unless it lies in a part that scrolls by itself.
BEYOND = """() => {
  const width = document.documentElement.clientWidth;
  const scrolls = (each) => ["auto", "scroll", "hidden"].includes(getComputedStyle(each).overflowX);
  const contained = (each) => {
    for (let above = each.parentElement; above && above !== document.body; above = above.parentElement)
      if (scrolls(above) && above.getBoundingClientRect().right <= width + 1) return true;
    return false;
  };
  const beyond = [...document.querySelectorAll("main *")].filter((each) => {
    const box = each.getBoundingClientRect();
    return box.width > 0 && box.right > width + 1 && !contained(each);
  });
  const page = document.documentElement.scrollWidth > width ? ["the page"] : [];
  return [...page, ...beyond.slice(0, 5).map((each) => each.outerHTML.slice(0, 100))];
}"""


class Links(HTMLParser):
    """The links, anchors and images of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.anchors: set[str] = set()
        self.images: list[dict[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if found.get("id"):
            self.anchors.add(found["id"])
        self.targets += [found[name] for name in ("href", "src") if found.get(name)]
        if tag == "img":
            self.images.append(found)


@pytest.fixture(scope="module")
def site() -> Path:
    """The site, built without a warning; a build that is up to date takes seconds."""
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", "docs", str(HTML)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return HTML


@pytest.fixture(scope="module")
def pages(site) -> dict[Path, Links]:
    return {
        path: Links(path.read_text(encoding="utf-8"))
        for path in site.rglob("*.html")
        if "_static" not in path.relative_to(site).parts
    }


def test_links_inside_the_site_lead_to_pages_and_anchors(pages):
    missing = set()
    for path, page in pages.items():
        for link in page.targets:
            if re.match(r"[a-z]+:|//", link):
                continue
            name, anchor = urldefrag(unquote(link))
            target = (path.parent / name.split("?")[0]).resolve() if name else path.resolve()
            if not target.exists():
                missing.add(f"{path.relative_to(HTML)}: {link}")
            elif anchor and target.suffix == ".html" and target in pages and anchor not in pages[target].anchors:
                missing.add(f"{path.relative_to(HTML)}: {link}, no such anchor")
    assert missing == set()


def test_every_image_has_a_description(pages):
    bad = {
        f"{path.relative_to(HTML)}: {image.get('src')}"
        for path, page in pages.items()
        for image in page.images
        if len(image.get("alt") or "") < 15 or (image.get("alt") or "").endswith((".png", ".svg", ".jpg"))
    }
    assert bad == set()


def test_the_pages_show_the_version_and_a_title(pages):
    titles = {}
    for path in pages:
        text = path.read_text(encoding="utf-8")
        assert f'<span class="site-version">{__version__}</span>' in text
        titles.setdefault(re.search(r"<title>(.*?)</title>", text, re.DOTALL)[1], []).append(path)
    assert all("classic_eyes" in title for title in titles)


def test_examples_ran_and_printed(site):
    text = (site / "gallery" / "plot_blinks.html").read_text(encoding="utf-8")
    assert "sphx-glr-script-out" in text
    assert "long" in re.sub(r"<.*?>", "", text)


@pytest.fixture(scope="module")
def server(site) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site))) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


@pytest.fixture(scope="module")
def browser() -> Iterator:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no Chromium on this machine")
    with playwright.sync_playwright() as running:
        started = running.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(params=[(width, scheme) for width in (400, 1600) for scheme in ("light", "dark")], ids=str)
def tab(request, browser, server) -> Iterator:
    """A window of one width and colour scheme, and the list of what it complains about or loads from elsewhere."""
    width, scheme = request.param
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page, trouble = context.new_page(), []
    page.on("console", lambda message: trouble.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("request", lambda each: trouble.append(each.url) if not each.url.startswith((server, "data:")) else None)
    page.on("response", lambda each: trouble.append(f"{each.status} {each.url}") if each.status >= 400 else None)
    yield page, trouble
    context.close()


def test_pages_fit_the_window_and_complain_about_nothing(tab, server):
    page, trouble = tab
    for name in SEEN:
        page.goto(f"{server}/{name}.html", wait_until="load")
        assert page.evaluate(BEYOND) == [], name
        assert trouble == [], name


def test_axe_finds_nothing_serious(tab, server):
    axe = os.environ.get("AXE_CORE", "")
    if not os.path.isfile(axe):
        pytest.skip("AXE_CORE names no axe.min.js")
    page, _ = tab
    found = []
    for name in SEEN:
        page.goto(f"{server}/{name}.html", wait_until="load")
        page.add_script_tag(path=axe)
        found += [
            (name, each["id"], each["nodes"][0]["html"][:200])
            for each in page.evaluate("axe.run()")["violations"]
            if each["impact"] in ("serious", "critical")
        ]
    assert found == []


def test_search_finds_a_guide_an_option_and_a_function(browser, server):
    page = browser.new_page()
    for words, target in (("PERCLOS", "guides/video"), ("--trust-model", "commands"), ("find_events", "api/")):
        page.goto(f"{server}/search.html?q={words}")
        page.wait_for_selector("#search-results ul.search li a")
        links = page.eval_on_selector_all("#search-results ul.search li a", "all => all.map((each) => each.href)")
        assert any(target in link for link in links), words
    page.close()


def test_the_theme_can_be_switched_to_dark(browser, server):
    context = browser.new_context(color_scheme="light")
    page = context.new_page()
    page.goto(f"{server}/index.html")
    assert page.get_attribute("html", "data-theme") == "light"
    page.emulate_media(color_scheme="dark")
    page.reload()
    assert page.get_attribute("html", "data-theme") == "dark"
    context.close()
