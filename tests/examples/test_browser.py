"""The page of examples/browser: built with onnxruntime-web from npm, opened in Chromium without a server."""

from __future__ import annotations

import base64
import contextlib
import importlib.util
import json
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from classic_eyes import load_model
from classic_eyes.images.arrays import square
from classic_eyes.synthetic import make_eyes

from ..conftest import ROOT
from ..html_page import watch

pytest.importorskip("onnx", reason="onnx is not installed; pip install 'classic-eyes[onnx]'")
pytestmark = pytest.mark.xdist_group("browser")

FOLDER = ROOT / "examples" / "browser"
CACHE = Path(tempfile.gettempdir()) / "classic_eyes_onnxruntime_web"
# Probabilities in the page and in the library, from the same grey levels.
TOLERANCE = 1e-4


def load_build():
    spec = importlib.util.spec_from_file_location("browser_build", FOLDER / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def runtime() -> Path:
    """The files of onnxruntime-web; skip where npm or the network is missing."""
    dist = CACHE / "package" / "dist"
    needed = load_build().RUNTIME.values()
    if all((dist / name).is_file() for name in needed):
        return dist
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed; it brings onnxruntime-web")
    version = json.loads((FOLDER / "package.json").read_text())["dependencies"]["onnxruntime-web"]
    # Complete before it has its name: tests of another run may look for it.
    made = Path(tempfile.mkdtemp(prefix=CACHE.name))
    command = [npm, "pack", "--silent", f"onnxruntime-web@{version}"]
    try:
        done = subprocess.run(command, cwd=made, capture_output=True, text=True, timeout=180)
    except subprocess.TimeoutExpired:
        pytest.skip("npm did not bring onnxruntime-web within three minutes")
    if done.returncode:
        pytest.skip(f"npm cannot bring onnxruntime-web: {' '.join(done.stderr.split())[-200:]}")
    package = made / done.stdout.split()[-1]
    with tarfile.open(package) as archive:
        for name in needed:
            archive.extract(f"package/dist/{name}", made, filter="data")
    package.unlink()
    with contextlib.suppress(OSError):  # the other run was quicker
        made.rename(CACHE)
    return dist


@pytest.fixture(scope="module")
def page(runtime, browser, tmp_path_factory):
    """The page in a window, ready; its console and its requests to the outside are watched."""
    path = tmp_path_factory.mktemp("browser") / "eyes.html"
    path.write_text(load_build().build("default", runtime), encoding="utf-8")
    tab = browser.new_page(viewport={"width": 1600, "height": 900})
    trouble = watch(tab)
    tab.goto(path.as_uri())
    tab.wait_for_function("document.getElementById('status').textContent !== 'Loading the model …'", timeout=60_000)
    assert tab.inner_text("#status") == "Ready."
    yield tab
    tab.close()
    assert trouble == []


def drop(page, files: dict[str, bytes]) -> list[dict]:
    """Drop files on the page; return its rows once the last is classified."""
    page.evaluate(
        """async (files) => {
          const transfer = new DataTransfer();
          for (const [name, content] of Object.entries(files)) {
            transfer.items.add(new File([await (await fetch(`data:;base64,${content}`)).blob()], name));
          }
          const event = (kind) => new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true });
          document.body.dispatchEvent(event("dragover"));
          document.body.dispatchEvent(event("drop"));
          await last;
        }""",
        {name: base64.b64encode(content).decode() for name, content in files.items()},
    )
    return page.evaluate("rows.map(({ name, probability, verdict }) => ({ name, probability, verdict }))")


def png(image: np.ndarray) -> bytes:
    return cv2.imencode(".png", image)[1].tobytes()


@pytest.fixture
def empty(page):
    """The page without results, before and after."""
    yield page
    if page.is_enabled("#clear"):
        page.click("#clear")


def test_dropped_patches_get_the_probabilities_of_the_library(empty):
    eyes = make_eyes(24, size=96, random_state=11).images
    shapes = [(96, 96), (48, 48), (24, 24), (60, 90), (17, 17), (96, 40)]
    files = {f"{k:02}.png": png(cv2.resize(eye, shapes[k % len(shapes)])) for k, eye in enumerate(eyes)}
    files["noise.png"] = png(np.random.default_rng(0).integers(0, 256, (48, 48)).astype(np.uint8))
    files["flat.png"] = png(np.full((30, 30), 9, np.uint8))
    rows = drop(empty, files)
    model = load_model()
    images = [cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE) for content in files.values()]
    expected = model.predict_proba(images)[:, 1]
    assert [row["name"] for row in rows] == list(files)
    np.testing.assert_allclose([row["probability"] for row in rows], expected, atol=TOLERANCE, rtol=0)
    words = model.verdict(images)
    assert [row["verdict"] for row in rows] == words
    assert set(words) >= {"open", "closed", "not-an-eye"}
    counts = ", ".join(f"{words.count(word)} {word}" for word in ("open", "closed", "unsure", "not-an-eye"))
    assert empty.inner_text("#status") == f"26 images: {counts}"
    assert empty.locator(".card").count() == 26
    assert empty.locator(".card img").first.get_attribute("alt").startswith("00.png, as the model sees it")


def test_images_are_reduced_and_enlarged_to_the_same_grey_levels(page):
    rng = np.random.default_rng(0)
    shapes = [(48, 48), (96, 96), (72, 72), (24, 24), (192, 192), (1, 100), (100, 1), (5, 4), (3, 3), (49, 47)]
    shapes += rng.integers(1, 130, (90, 2)).tolist()
    images = [rng.integers(0, 256, shape).astype(np.uint8) for shape in shapes]
    sizes = rng.choice([24, 48], len(images)).tolist()
    found = page.evaluate(
        """(images) => images.map(([content, width, height, size]) => {
          return btoa(String.fromCharCode(...square(decoded(content), width, height, size)));
        })""",
        [
            [base64.b64encode(image.tobytes()).decode(), *image.shape[::-1], size]
            for image, size in zip(images, sizes, strict=True)
        ],
    )
    for image, size, content in zip(images, sizes, found, strict=True):
        assert base64.b64decode(content) == square(image, size).tobytes(), (image.shape, size)


def test_colours_become_the_same_grey(page):
    image = np.random.default_rng(1).integers(0, 256, (40, 40, 4)).astype(np.uint8)
    found = page.evaluate("(rgba) => Array.from(toGrey(Uint8ClampedArray.from(rgba)))", image.ravel().tolist())
    assert found == cv2.cvtColor(image, cv2.COLOR_RGBA2GRAY).ravel().tolist()


def test_a_file_that_is_no_image_is_named_and_the_others_are_classified(empty):
    eye = make_eyes(1, size=48, random_state=2).images[0]
    rows = drop(empty, {"<b>no.png": b"text", "a,b.png": png(eye)})
    assert [row["name"] for row in rows] == ["a,b.png"]
    assert empty.inner_text("#failed") == "<b>no.png: not an image that this browser can read"
    with empty.expect_download() as download:
        empty.click("#save")
    text = Path(download.value.path()).read_text()
    assert text == f'file,probability_open,verdict\n"a,b.png",{rows[0]["probability"]:.6f},{rows[0]["verdict"]}\n'


def test_images_can_be_chosen_with_the_keyboard(empty, tmp_path):
    (tmp_path / "eye.png").write_bytes(png(make_eyes(1, size=48, random_state=3).images[0]))
    empty.focus("#files")
    ring = "getComputedStyle(document.querySelector('.drop')).outlineStyle"
    assert empty.evaluate(ring) == "solid"
    with empty.expect_file_chooser() as chooser:
        empty.keyboard.press("Enter")
    chooser.value.set_files(tmp_path / "eye.png")
    empty.wait_for_function("rows.length === 1 && !document.getElementById('clear').disabled")
    empty.focus("#clear")
    empty.keyboard.press("Enter")
    assert empty.evaluate("rows.length") == 0
    assert empty.evaluate("document.activeElement.id") == "files"


@pytest.mark.parametrize("width", [400, 1600])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_and_its_text_has_contrast(empty, width, scheme):
    eyes = make_eyes(6, size=48, random_state=4).images
    drop(empty, {f"a rather long name of a file, number {k}.png": png(eye) for k, eye in enumerate(eyes)})
    empty.set_viewport_size({"width": width, "height": 900})
    empty.emulate_media(color_scheme=scheme)
    assert empty.evaluate("document.documentElement.scrollWidth") <= width
    ratios = empty.evaluate(
        """() => {
          const level = (text) => {
            const parts = text.match(/[\\d.]+/g).slice(0, 3).map((each) => each / 255);
            const linear = parts.map((each) => (each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4));
            return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
          };
          const behind = (node) => {
            const color = getComputedStyle(node).backgroundColor;
            return color === "rgba(0, 0, 0, 0)" ? behind(node.parentElement) : color;
          };
          const texts = "h1, .lead, .drop b, .verdict, .share, .name, button, footer p";
          return [...document.querySelectorAll(texts)].map((node) => {
            const pair = [level(getComputedStyle(node).color), level(behind(node))].sort((a, b) => a - b);
            return (pair[1] + 0.05) / (pair[0] + 0.05);
          });
        }"""
    )
    assert min(ratios) > 4.5


def test_a_model_that_does_not_reproduce_its_predictions_is_refused(runtime, browser, tmp_path):
    text = load_build().build("fast", runtime)
    about = json.loads(text.partition('id="about">')[2].partition("</script>")[0])
    other = json.loads(json.dumps(about))
    other["check"]["probability"][0] += 0.001
    (tmp_path / "eyes.html").write_text(text.replace(json.dumps(about), json.dumps(other)), encoding="utf-8")
    tab = browser.new_page()
    tab.goto((tmp_path / "eyes.html").as_uri())
    tab.wait_for_function("document.getElementById('status').textContent !== 'Loading the model …'", timeout=60_000)
    assert "the probability differs by 0.001" in tab.inner_text("#status")
    assert tab.is_disabled("#files")
    tab.close()


def test_a_missing_runtime_is_named(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["build.py", "--runtime", str(tmp_path)])
    assert load_build().main() == 2
    assert capsys.readouterr().err == f"{tmp_path} has no ort.wasm.min.js; run: npm install\n"
