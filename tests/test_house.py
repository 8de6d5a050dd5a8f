"""The house stands as designed: imports go down only, every room is on a floor, the top level is light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import classic_eyes

PACKAGE = Path(classic_eyes.__file__).parent

FLOORS = {
    "_version": 0,
    "errors": 0,
    "adaptation": 1,
    "calibration": 1,
    "memory": 0,
    "metrics": 0,
    "remote": 0,
    "shipped": 0,
    "threads": 0,
    "writing": 0,
    "descriptors": 1,
    "images": 1,
    "synthetic": 1,
    "datasets": 2,
    "augment": 2,
    "features": 2,
    "alignment": 2,
    "landmarks": 2,
    "svm": 2,
    "mirror": 2,
    "pipeline": 3,
    "inference": 4,
    "pseudolabel": 4,
    "fitting": 5,
    "novelty": 5,
    "persistence": 5,
    "classifier": 6,
    "compiled": 6,
    "faces": 7,
    "labeling": 7,
    "benchmark": 8,
    "report": 8,
    "cli": 9,
    "__main__": 10,
}
# Floor 0 has one wall that is open: everything may raise our errors and know our version.
ALWAYS_ALLOWED = {"errors", "_version"}
# Inside features, an extractor may know the base and nothing else.
FEATURE_BASE = "features.base"


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def dotted(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def imported(path: Path) -> set[str]:
    """Return our own modules that a module imports anywhere, as dotted names below the package."""
    package = path.relative_to(PACKAGE).parent.parts
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            stem = ".".join([*base, *([node.module] if node.module else [])])
            found |= {stem} if node.module else {".".join([*base, alias.name]) for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "classic_eyes":
            found.add((node.module or "").partition(".")[2])
        elif isinstance(node, ast.Import):
            found |= {
                alias.name.partition(".")[2] for alias in node.names if alias.name.split(".")[0] == "classic_eyes"
            }
    return found - {""}


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_imports_go_down_only(path):
    room = dotted(path).split(".")[0]
    assert room in FLOORS, f"{room} stands on no floor"
    for target in imported(path):
        other = target.split(".")[0]
        if other == room or other in ALWAYS_ALLOWED:
            continue
        assert other in FLOORS, f"{dotted(path)} imports {target}, which stands on no floor"
        assert FLOORS[other] < FLOORS[room], f"{dotted(path)} imports {target}, which is not below it"


@pytest.mark.parametrize("path", sorted((PACKAGE / "features").glob("*.py")), ids=lambda path: path.stem)
def test_an_extractor_knows_the_base_and_no_other_extractor(path):
    if path.stem == "__init__":
        return
    own = {target for target in imported(path) if target.startswith("features")}
    assert own <= {FEATURE_BASE}


def test_the_import_reader_sees_an_upward_import(tmp_path, monkeypatch):
    (tmp_path / "images.py").write_text("from .classifier import EyeClassifier\nfrom . import cli\n")
    monkeypatch.setattr(sys.modules[__name__], "PACKAGE", tmp_path)
    assert imported(tmp_path / "images.py") == {"classifier", "cli"}


def test_importing_the_package_imports_nothing_heavy():
    code = (
        "import sys, classic_eyes; "
        "print(*[name for name in ('sklearn', 'cv2', 'skimage', 'numpy', 'matplotlib', 'dlib') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""


def test_only_the_command_line_prints():
    printing = {
        dotted(path)
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    }
    assert {name.split(".")[0] for name in printing} == {"cli"}


def lines_of_code(path: Path) -> int:
    """Count the lines that are neither blank, comment nor docstring."""
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    documented = [node for node in ast.walk(tree) if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)]
    prose = {
        line
        for node in documented
        if ast.get_docstring(node) is not None
        for line in range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1)
    }
    lines = enumerate(text.splitlines(), start=1)
    return sum(number not in prose and line.strip()[:1] not in ("", "#") for number, line in lines)


def test_a_room_that_grows_becomes_a_folder():
    assert {dotted(path): lines_of_code(path) for path in modules() if lines_of_code(path) > 400} == {}


def test_shims_are_short():
    for name in ("predict.py", "bench.py"):
        shim = PACKAGE.parent / name
        if not shim.is_file():
            pytest.skip("the package is installed without the clone's top level")
        assert shim.read_text(encoding="utf-8").count("\n") < 15


def test_metrics_are_computed_in_one_room():
    """Nothing outside `metrics` uses a metric of scikit-learn."""
    users = {
        dotted(path)
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sklearn.metrics"))
        or (
            isinstance(node, ast.ImportFrom)
            and node.module == "sklearn"
            and any(alias.name == "metrics" for alias in node.names)
        )
    }
    assert users == {"metrics"}
