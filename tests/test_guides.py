"""The code of the documents runs: Python blocks, and commands in ``console`` blocks, whose output is compared."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from classic_eyes.images import as_images
from tools.write_tables import DOCUMENTS

from .conftest import ROOT

PAGES = [
    path
    for path in DOCUMENTS
    if path.name != "CHANGELOG.md"
    and re.search(r"^ *```(python|console)$", path.read_text(encoding="utf-8"), re.MULTILINE)
]
NEEDED = {
    "photographs.md": ("dlib",),
    "video.md": ("dlib", "skimage"),
    "quickstart.md": ("dlib",),
    "onnx.md": ("onnx", "onnxruntime"),
}
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


def blocks_of(text: str) -> Iterator[tuple[str, str]]:
    """Yield the language and the text of each block to run, in order."""
    for indent, language, body in re.findall(r"^( *)```(python|console)\n(.*?)^\1```", text, re.DOTALL | re.MULTILINE):
        yield language, re.sub(rf"^{indent}", "", body, flags=re.MULTILINE)


def commands_of(block: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each command of a ``console`` block with the lines that it is shown to print."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, *lines = part.splitlines()
        yield command, lines


def matches(expected: str, line: str) -> bool:
    """Return whether a line is as shown: ``...`` stands for anything, and numbers may differ a little."""
    pattern = re.escape(NUMBER.sub("#", expected)).replace(re.escape("..."), ".*?").replace(r"\#", "#")
    numbers = [float(each.replace(",", "")) for each in NUMBER.findall(expected)]
    if "..." in expected:
        return re.fullmatch(pattern.replace("#", NUMBER.pattern), line) is not None
    found = [float(each.replace(",", "")) for each in NUMBER.findall(line)]
    if NUMBER.sub("#", line) != NUMBER.sub("#", expected):
        return False
    return all(abs(a - b) <= 0.02 + 0.02 * abs(b) for a, b in zip(found, numbers, strict=True))


def unlike(shown: list[str], printed: list[str]) -> list[str]:
    """Return what is shown and not printed, or, where nothing is left out by ``...``, printed and not shown."""
    left = list(printed)
    missing = []
    for expected in shown:
        if expected == "...":
            continue
        index = next((number for number, line in enumerate(left) if matches(expected, line)), None)
        if index is None:
            missing.append(f"not printed: {expected}")
        else:
            del left[index]
    return missing if missing or "..." in shown else [f"not shown: {line}" for line in left if line.strip()]


@pytest.fixture
def workplace(tmp_path, monkeypatch) -> Path:
    """A folder with the examples, where ``classic-eyes`` and ``python`` are those of the tests."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, start in (("python", ""), ("classic-eyes", " -m classic_eyes")):
        (programs / name).write_text(f'#!/bin/sh\nexec "{sys.executable}"{start} "$@"\n')
        (programs / name).chmod(0o755)
    folder = tmp_path / "work"
    folder.mkdir()
    for name in ("eyes", "photographs"):
        shutil.copytree(ROOT / "examples" / name, folder / "examples" / name)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return folder


@pytest.mark.skipif(sys.platform == "win32", reason="the commands are those of a Unix shell")
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_code_of_a_document_runs_and_prints_what_is_shown(path, workplace):
    for name in NEEDED.get(path.name, ()):
        pytest.importorskip(name, reason=f"{name} is not installed")
    names: dict[str, object] = {}
    for language, block in blocks_of(path.read_text(encoding="utf-8")):
        if language == "python":
            exec(compile(block, path.name, "exec"), names)
            continue
        for command, shown in commands_of(block):
            done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
            printed = [*done.stdout.splitlines(), *done.stderr.splitlines()]
            assert unlike(shown, printed) == [], f"{command}\n" + "\n".join(printed)


@pytest.mark.parametrize(
    ("shown", "printed", "found"),
    [
        (["a 1.00 b"], ["a 1.01 b"], []),
        (["a 1.00 b"], ["a 1.10 b"], ["not printed: a 1.00 b"]),
        (["22 read"], ["23 read"], ["not printed: 22 read"]),
        (["22 read, ... a second"], ["22 read, 5,404 images a second"], []),
        (["a"], ["a", "b"], ["not shown: b"]),
        (["a", "..."], ["a", "b"], []),
        ([], ["a"], ["not shown: a"]),
    ],
)
def test_outputs_that_differ_are_noticed(shown, printed, found):
    assert unlike(shown, printed) == found


def test_blocks_are_found_with_their_commands_and_outputs():
    text = "1. x\n\n   ```console\n   $ a b\n   out\n   $ c\n   ```\n\n```python\nx = 1\n```\n```bash\nno\n```\n"
    assert [language for language, _ in blocks_of(text)] == ["console", "python"]
    assert list(commands_of(next(blocks_of(text))[1])) == [("a b", ["out"]), ("c", [])]


@pytest.mark.parametrize("shape", [(48, 48), (24, 24), (18, 30), (31, 18), (1, 200), (97, 64), (200, 333)])
def test_patches_prepared_as_the_onnx_page_says_are_those_of_the_library(shape):
    text = (ROOT / "docs" / "onnx.md").read_text(encoding="utf-8")
    found = re.search(r"^def prepare.*?\n\n", text, re.DOTALL | re.MULTILINE)
    names = {"cv2": cv2, "size": 48}
    exec(found[0], names)
    image = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    np.testing.assert_array_equal(names["prepare"](image), as_images([image], size=48)[0])
