"""The documents are true: their code runs, their commands and options exist, their numbers are those of the cards."""

from __future__ import annotations

import inspect
import json
import re
import shlex
from argparse import ArgumentParser
from collections.abc import Iterator
from importlib import import_module

import pytest

from benchmarks.commands import STUDIES
from benchmarks.commands import build_parser as build_study_parser
from classic_eyes import EyeClassifier, cli, load_model, metrics
from classic_eyes._utils.shipped import SHIPPED_MODELS, shipped_model
from classic_eyes.features import EXTRACTORS
from classic_eyes.persistence.card import read_card
from classic_eyes.persistence.files import library_versions, sha256
from classic_eyes.recipes import RECIPES

from .conftest import ROOT, shared
from .test_public_api import PUBLIC

README = (ROOT / "README.md").read_text(encoding="utf-8")
# The change log names what is gone, and the benchmark document how its old runs were made.
CURRENT = sorted(
    path
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("examples/*.md"))
    if path.name not in ("CHANGELOG.md", "benchmark.md")
)
every_document = pytest.mark.parametrize("path", CURRENT, ids=lambda path: path.name)
every_model = pytest.mark.parametrize("model", SHIPPED_MODELS)


# -- code and commands ---------------------------------------------------------------------------------------------


def test_the_python_in_the_readme_runs(tmp_path, monkeypatch):
    blocks = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert README.index("```python") < len("\n".join(README.splitlines()[:60])), "the first Python code is too far down"
    monkeypatch.chdir(tmp_path)
    for block in blocks:
        exec(compile(block, "README.md", "exec"), {})
    assert (tmp_path / "mine.npz").is_file()


@pytest.mark.parametrize("mark", ["main-job", "tests"])
def test_ci_finds_the_commands_of_the_readme(mark):
    following = README.split(f"<!-- {mark} -->\n```bash\n")[1]
    assert following.startswith("python3 -m venv .venv && .venv/bin/pip install ")
    assert f"command_after {mark}" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_the_readme_names_every_command_feature_recipe_and_study():
    for name in cli.COMMANDS:
        assert re.search(rf"`{name}`|classic-eyes {name}|{name}\.py", README)
    for name in (*EXTRACTORS, *RECIPES):
        assert f"`{name}`" in README
    for name in STUDIES:
        assert f"python bench.py {name} " in README


def test_lines_of_the_readme_fit_a_screen():
    assert max(map(len, README.splitlines())) <= 150


def parsers() -> dict[tuple[str, ...], ArgumentParser]:
    """Return the parser of each command, by the words that start it."""
    found: dict[tuple[str, ...], ArgumentParser] = {("bench.py",): build_study_parser(None)}
    found |= {("bench.py", study): build_study_parser(study) for study in STUDIES}
    for name in cli.COMMANDS:
        parser = cli.OneLineParser()
        import_module(f"classic_eyes.cli.{name}").add_arguments(parser)
        found["classic-eyes", name] = parser
    found["predict.py",] = found["classic-eyes", "predict"]
    return found


PARSERS = parsers()


@pytest.mark.parametrize("name", PARSERS, ids=" ".join)
def test_every_command_prints_its_help(name):
    assert "--help" in PARSERS[name].format_help()


def commands_in(text: str) -> Iterator[list[str]]:
    """Yield the words of every command of ours in the code of a document, without ``python`` before it."""
    code = re.sub(r"\\\n\s*", "", text)
    lines = re.findall(r"^    (\S.*)$", code, flags=re.MULTILINE)
    lines += [line for block in re.findall(r"```bash\n(.*?)```", code, flags=re.DOTALL) for line in block.splitlines()]
    lines += re.findall(r"`([^`\n]+)`", code)
    for line in lines:
        for part in line.split("&&"):
            try:
                words = shlex.split(part, comments=True)
            except ValueError:  # an apostrophe in prose
                continue
            words = words[1:] if words and re.fullmatch(r"(\.venv/bin/)?python", words[0]) else words
            if words[:2] == ["-m", "classic_eyes"]:
                words = ["classic-eyes", *words[2:]]
            elif words and words[0] in cli.COMMANDS and len(words) > 1:  # `train --recipe`
                words = ["classic-eyes", *words]
            if words and words[0] in ("classic-eyes", "bench.py", "predict.py"):
                yield words


def unknown_options(text: str) -> list[str]:
    """Return the commands of a document that do not exist, or have an option that does not."""
    unknown = []
    for words in commands_in(text):
        name = tuple(words[:2]) if tuple(words[:2]) in PARSERS else tuple(words[:1])
        if words[0] == "classic-eyes" and len(words) == 1:
            continue
        if words[:2] == ["classic-eyes", "COMMAND"]:
            continue
        if name not in PARSERS:
            unknown.append(" ".join(words))
            continue
        known = {"--help", *PARSERS[name]._option_string_actions}
        unknown += [f"{' '.join(name)} {word}" for word in words if word.startswith("--") and word not in known]
    return unknown


@every_document
def test_commands_and_their_options_exist(path):
    assert unknown_options(path.read_text(encoding="utf-8")) == []


@every_document
def test_options_in_sentences_exist(path):
    """An option in code of its own, such as `--resume`, belongs to one of our programs."""
    known = {"--help", "--version"}.union(*(parser._option_string_actions for parser in PARSERS.values()))
    for folder in ("tools", "tests/fuzz"):
        sources = (ROOT / folder).glob("*.py")
        known |= {name for file in sources for name in re.findall(r'"(--[a-z-]+)"', file.read_text(encoding="utf-8"))}
    named = re.findall(r"`(--[a-z-]+)[^`\n]*`", path.read_text(encoding="utf-8"))
    assert set(named) - known == set()


def test_the_reader_of_commands_finds_what_is_gone():
    text = "    python bench.py --speed x   # old\n    classic-eyes landmarks --out a\n"
    text += "`train --weights 2,1` and `label it`\n    python predict.py my_eyes \\\n        --threshhold 1\n"
    assert unknown_options(text) == [
        "bench.py --speed",
        "classic-eyes landmarks --out a",
        "predict.py --threshhold",
        "classic-eyes train --weights",
    ]


@every_document
def test_files_that_are_named_exist(path):
    """Scripts, modules and tests in code, and the targets of links."""
    text = path.read_text(encoding="utf-8")
    for name in re.findall(r"`?(?:python )?((?:tools|tests|benchmarks|classic_eyes|docs|models)/[\w./]+\.\w+)`?", text):
        assert (ROOT / name).exists() or "NAME" in name or not name.endswith((".py", ".md", ".json")), name
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (path.parent / target).exists(), target


def public_objects() -> Iterator:
    """Yield every function, class and method of the public API with its name."""
    for module in PUBLIC:
        found = import_module(module)
        for name in found.__all__:
            thing = getattr(found, name)
            if inspect.isroutine(thing) or (inspect.isclass(thing) and not issubclass(thing, Exception)):
                yield pytest.param(thing, id=f"{module}.{name}")
            for key, own in inspect.getmembers(thing, inspect.isroutine) if inspect.isclass(thing) else ():
                if not key.startswith("_") and (own.__module__ or "").startswith("classic_eyes"):
                    yield pytest.param(own, id=f"{module}.{name}.{key}")


@pytest.mark.parametrize("thing", list(public_objects()))
def test_documented_defaults_are_the_real_ones(thing):
    pattern = r"^(?:    )?(\w+) : .*?default[ =]+(.+?)$"
    documented = re.findall(pattern, inspect.getdoc(thing) or "", flags=re.MULTILINE)
    parameters = inspect.signature(thing).parameters
    for name, text in documented:
        assert name in parameters, f"{name} is documented, and not a parameter"
        assert eval(text.strip().strip("`")) == parameters[name].default, f"{name}: documented {text}"


# -- the shipped models and their cards ----------------------------------------------------------------------------


@every_model
def test_the_card_is_of_this_model(model):
    path = shipped_model(model)
    card = read_card(path)
    assert card["name"] == model
    assert card["files"] == {path.name: sha256(path)}
    assert path.stat().st_size < 8e6


@every_model
def test_the_card_says_what_a_card_must(model):
    card = read_card(shipped_model(model))
    assert "safety" in card["not_for"]
    assert all("licence" in source for source in card["sources"])
    assert {"what", "protocol", "limits", "pipelines", "labels"} <= set(card)
    assert set(card["versions"]) == set(library_versions())
    assert not re.search(r'"/|\\\\', json.dumps(card)), "a path of the machine it was made on"
    for part in card["results"].values():
        assert set(metrics.METRICS) <= set(part)


@every_model
def test_the_card_has_the_parameters_of_the_recipe(model):
    # Through JSON, which makes lists of tuples.
    parameters = json.loads(json.dumps(EyeClassifier.from_recipe(model).get_params(deep=False)))
    assert parameters.pop("start_from") is None
    assert read_card(shipped_model(model))["parameters"] == parameters


@every_model
def test_contributing_has_the_command_that_made_the_model(model):
    command = read_card(shipped_model(model))["command"]
    assert command.endswith(f"--out models/{model}.npz")
    assert f"    {command}\n" in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


@every_model
def test_the_card_is_about_the_data_beside_the_project(model):
    from classic_eyes.datasets import describe, read_eyes

    for part in read_card(shipped_model(model))["data"]:
        name = part["path"].rsplit("/", 1)[-1]
        assert describe(read_eyes(shared(name)), part["path"]) == part


@every_model
def test_the_readme_has_the_numbers_of_the_cards(model):
    results = read_card(shipped_model(model))["results"]
    parts = {name.rsplit("/", 1)[-1]: part for name, part in results.items()}
    for name in ("eyes24", "mrl", "all"):
        part, start = parts[name], f"| `{model}` on {name} "
        row = next(line for line in README.splitlines() if line.startswith(start))
        for metric in ("accuracy", "eer", "calibration_error"):
            found = part[metric]
            assert f"{found['value']:.4f} ({found['low']:.3f}-{found['high']:.3f})" in row
        assert f"| {part['n']:,} | {part['n_groups']:,} |" in row


def test_the_readme_describes_the_recipes():
    for name, recipe in RECIPES.items():
        (row,) = (line for line in README.splitlines() if line.startswith(f"| `{name}` |"))
        first, second, share = row.split("|")[2:5]
        names = [[each if isinstance(each, str) else each[0] for each in view] for view in recipe["features"]]
        assert re.findall(r"`(\w+)`", first) == names[0]
        assert all(re.findall(r"`(\w+)`", second) == later for later in names[1:])
        sizes = [recipe["size"]] if isinstance(recipe["size"], int) else list(recipe["size"])
        assert ("48 pixels" in first, "24 and at 48 pixels" in second) == (sizes[0] == 48, sizes[1:] == [24, 48])
        assert ("all images" if recipe["cascade"] is None else f"{recipe['cascade']:.0%}") in share


@every_model
def test_the_shipped_models_detect_non_eyes(model):
    assert load_model(model).program.novelty is not None


# -- promises ------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "least", "eer"), [("eyes24", 0.957, 0.041), ("mrl", 0.92, None)], ids=["eyes24", "mrl"]
)
def test_cross_validation_reaches_what_was_promised(name, least, eer):
    """The promise of the first release, by group, with the recipe ``default``."""
    from classic_eyes.datasets import load_labelled, read_eyes, read_votes
    from classic_eyes.evaluation import agreed_by_all, cross_validate

    data = load_labelled(read_eyes(shared(name)))
    clf = EyeClassifier.from_recipe("default")
    scores = cross_validate(clf, data.images, data.eyes.labels, data.eyes.groups)
    assert metrics.accuracy(data.eyes.labels, scores) >= least
    if eer is not None:
        assert metrics.equal_error_rate(data.eyes.labels, scores) <= eer
        agreed = agreed_by_all(data.eyes, read_votes(shared(name) / "raters.csv"))
        assert agreed.sum() == 3525
        assert metrics.accuracy(data.eyes.labels[agreed], scores[agreed]) >= 0.982
