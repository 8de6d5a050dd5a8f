"""Draw docs/guides/label-page.png: a screenshot of the label page with synthetic eyes.

    python tools/draw_label_page.py docs/guides/label-page.png

Needs Chromium and playwright.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import cv2
from playwright.sync_api import sync_playwright

from classic_eyes import cli
from classic_eyes.synthetic import make_eyes


def main(out: str) -> None:
    """Make the page, correct its guesses, mark one image as unsure, and take the screenshot."""
    with tempfile.TemporaryDirectory() as folder:
        eyes = Path(folder) / "synthetic"
        eyes.mkdir()
        synthetic = make_eyes(400, random_state=12)
        for number, image in enumerate(synthetic.images):
            cv2.imwrite(str(eyes / f"{number:03}.png"), image)
        page = Path(folder) / "label.html"
        cli.main(["label", str(eyes), "--out", str(page)])
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            tab = browser.new_page(viewport={"width": 1280, "height": 880})
            tab.goto(page.as_uri())
            for tile in tab.locator("[data-item]").all():
                label = synthetic.labels[int(str(tile.get_attribute("title")).partition(".")[0])]
                if not tile.inner_text().startswith(("closed", "open")[label]):
                    tile.click()
            tab.locator("[data-item]").nth(17).focus()
            tab.keyboard.press("u")
            tab.evaluate("window.scrollTo(0, 0)")
            tab.screenshot(path=out)
            browser.close()


if __name__ == "__main__":
    main(sys.argv[1])
