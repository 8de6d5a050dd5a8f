"""The layers of the package: imports go downwards only, no cycles, light imports, the library alone."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import classic_eyes

PACKAGE = Path(classic_eyes.__file__).parent
ROOT = PACKAGE.parent

# From the bottom up; a module may import modules of the lines before its own, and of its own package.
LAYERS = [
    ["_version", "errors"],
    ["_utils"],
    ["metrics", "images", "calibration"],
    ["preprocessing", "synthetic", "datasets"],
    ["descriptors"],
    ["features", "svm"],
    ["inference"],
    ["training", "persistence"],
    ["export"],
    ["semisupervised", "predictor"],
    ["recipes", "faces"],
    ["classifier", "video"],
    ["evaluation"],
    ["labeling"],
    ["cli"],
    ["__main__"],
]
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}


def modules(package: Path = PACKAGE) -> list[Path]:
    return sorted(path for path in package.rglob("*.py") if path != package / "__init__.py")


def dotted(path: Path, package: Path = PACKAGE) -> str:
    parts = path.relative_to(package).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def imported(path: Path, package: Path = PACKAGE) -> set[str]:
    """Return the modules of ours that a module imports anywhere, as dotted names below the package."""
    here = path.relative_to(package).parent.parts
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = here[: len(here) - node.level + 1]
            stem = [*base, *(node.module.split(".") if node.module else [])]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "classic_eyes":
            stem = (node.module or "").split(".")[1:]
        else:
            if isinstance(node, ast.Import):
                ours = [alias.name.split(".")[1:] for alias in node.names if alias.name.split(".")[0] == "classic_eyes"]
                found |= {".".join(name) for name in ours}
            continue
        for alias in node.names:
            # A name is a module where there is such a file, else an attribute of the module before it.
            name = [*stem, alias.name]
            is_module = package.joinpath(*name).with_suffix(".py").is_file() or package.joinpath(*name).is_dir()
            found.add(".".join(name if is_module else stem))
    return found - {""}


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_imports_go_to_lower_layers_only(path):
    own = dotted(path).split(".")[0]
    assert own in LEVEL, f"{own} is in no layer"
    for target in imported(path):
        other = target.split(".")[0]
        if other != own:
            assert LEVEL.get(other, 99) < LEVEL[own], f"{dotted(path)} imports {target}, which is not in a lower layer"


def test_no_cycle_between_modules():
    graph = {dotted(path): imported(path) - {dotted(path)} for path in modules()}
    packages = {dotted(path) for path in PACKAGE.rglob("__init__.py")}
    # A package's __init__ imports its modules; a module that imports the package for a name would be a cycle.
    try:
        TopologicalSorter(
            {name: targets - packages for name, targets in graph.items() if name not in packages}
        ).prepare()
    except CycleError as error:
        pytest.fail(f"modules import each other: {error.args[1]}")
    for name, targets in graph.items():
        parents = {name.rsplit(".", k)[0] for k in range(1, name.count(".") + 1)}
        assert not targets & parents & packages, f"{name} imports the package that it belongs to"


def test_the_import_reader_sees_an_upward_import_and_one_inside_a_function(tmp_path):
    (tmp_path / "cli").mkdir()
    (tmp_path / "cli" / "__init__.py").write_text("")
    (tmp_path / "images.py").write_text("from .classifier import EyeClassifier\ndef f():\n    from . import cli\n")
    assert imported(tmp_path / "images.py", tmp_path) == {"classifier", "cli"}


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_the_library_imports_neither_benchmarks_nor_tools_nor_their_dependencies(path):
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add((node.module or "").split(".")[0])
    assert not names & {"benchmarks", "tools", "tests", "skimage", "matplotlib", "optuna", "pandas"}


def test_importing_the_package_imports_nothing_heavy():
    code = (
        "import sys, classic_eyes; "
        "print(*[name for name in ('sklearn', 'cv2', 'skimage', 'numpy', 'matplotlib', 'dlib') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""


def test_predicting_imports_no_scikit_learn():
    code = (
        "import sys\n"
        "for name in ('sklearn', 'joblib', 'skimage', 'tqdm', 'dlib'): sys.modules[name] = None\n"
        "from classic_eyes import load_model\n"
        "import numpy as np\n"
        "print(load_model('fast').verdict(np.zeros((1, 24, 24), np.uint8)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "['not-an-eye']"


def calls_of(path: Path, function: str) -> bool:
    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == function
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    )


def test_only_the_command_line_prints():
    assert {dotted(path).split(".")[0] for path in modules() if calls_of(path, "print")} == {"cli"}


def test_metrics_are_computed_in_one_module():
    users = {
        dotted(path)
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
        and (
            (node.module or "").startswith("sklearn.metrics")
            or (node.module == "sklearn" and "metrics" in {a.name for a in node.names})
        )
    }
    assert users <= {"metrics"}


@pytest.mark.parametrize("name", ["predict.py", "bench.py"])
def test_scripts_of_the_top_level_are_shims(name):
    script = ROOT / name
    if not script.is_file():
        pytest.skip("the package is installed without the clone's top level")
    assert script.read_text(encoding="utf-8").count("\n") < 15
