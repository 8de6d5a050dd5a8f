"""The documents are true: their code runs, their commands and options exist, their numbers are those of the cards."""

from __future__ import annotations

import inspect
import json
import re
import shlex
from argparse import ArgumentParser
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from benchmarks.commands import STUDIES
from benchmarks.commands import build_parser as build_study_parser
from classic_eyes import EyeClassifier, cli, load_model, metrics
from classic_eyes._utils.dependencies import library_versions
from classic_eyes._utils.files import SHIPPED_MODELS, sha256, shipped_model
from classic_eyes.features import EXTRACTORS
from classic_eyes.persistence.card import read_card
from classic_eyes.recipes import RECIPES
from classic_eyes.training.pipelines import CLASSIFIERS
from tools import write_tables

from .conftest import ROOT, shared
from .test_public_api import PUBLIC

README = (ROOT / "README.md").read_text(encoding="utf-8")
# The change log names what is gone.
CURRENT = [path for path in write_tables.DOCUMENTS if path.name != "CHANGELOG.md"]
# Their numbers are arithmetic from what they state.
OTHERS = {"docs/scale.md"}
RESULTS = sorted(write_tables.RESULTS.glob("*.txt"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


every_document = pytest.mark.parametrize("path", CURRENT, ids=name_of)
every_result = pytest.mark.parametrize("path", RESULTS, ids=name_of)
every_model = pytest.mark.parametrize("model", SHIPPED_MODELS)


# -- code and commands ---------------------------------------------------------------------------------------------


def test_the_readme_is_one_page():
    lines = README.splitlines()
    assert len(lines) <= 120
    assert max(map(len, lines)) <= 150
    assert "```python" in lines[:60], "the first Python code is too far down"


@pytest.mark.parametrize("mark", ["main-job", "tests"])
def test_ci_finds_the_commands_of_the_readme(mark):
    following = README.split(f"<!-- {mark} -->\n```bash\n")[1]
    assert following.startswith("python3 -m venv .venv && .venv/bin/pip install ")
    assert f"command_after {mark}" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_documents_name_every_command_feature_classifier_recipe_and_study():
    train, benchmark = (
        (ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("guides/train.md", "benchmark.md")
    )
    for name in cli.COMMANDS:
        assert re.search(rf"`{name}`|classic-eyes {name}", README), name
    for name in (*EXTRACTORS, *CLASSIFIERS, *RECIPES):
        assert f"`{name}`" in train, name
    for name in STUDIES:
        assert f"python bench.py {name} " in benchmark, name


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
    blocks = re.findall(r"```(?:bash|powershell|console)\n(.*?)```", code, flags=re.DOTALL)
    lines += [re.sub(r"^ *(\$ )?", "", line) for block in blocks for line in block.splitlines()]
    lines += re.findall(r"`([^`\n]+)`", code)
    for line in lines:
        for part in re.split(r"&&|\|", line):
            try:
                words = shlex.split(part, comments=True)
            except ValueError:  # an apostrophe in prose
                continue
            words = words[1:] if words and re.fullmatch(r"(\.venv/bin/|\.venvScripts)?python", words[0]) else words
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


def refused(text: str) -> list[str]:
    """Return the commands of a document that our parsers refuse; values of options may be of any type."""
    found = []
    for words in commands_in(text):
        name = tuple(words[:2]) if tuple(words[:2]) in PARSERS else tuple(words[:1])
        arguments = [word for word in words[len(name) :] if not re.match(r"\d?>", word)]
        if name not in PARSERS or len(arguments) < 2:  # a name in a sentence
            continue
        parser = parsers()[name]
        for action in parser._actions:
            action.type = None
        try:
            parser.parse_args(arguments)
        except SystemExit:
            found.append(" ".join(words))
    return found


@every_document
def test_commands_and_their_options_exist(path):
    assert unknown_options(path.read_text(encoding="utf-8")) == []


@every_document
def test_commands_are_understood(path):
    """A command with two words or more after its name is complete."""
    assert refused(path.read_text(encoding="utf-8")) == []


def test_commands_that_are_not_understood_are_noticed():
    text = "    classic-eyes export default --out a.onnx\n    classic-eyes export --out a.onnx\n"
    text += "`predict my_eyes --format tables` and `label my_eyes`\n    classic-eyes train my_eyes --folds 0\n"
    assert refused(text) == [
        "classic-eyes export default --out a.onnx",
        "classic-eyes train my_eyes --folds 0",
        "classic-eyes predict my_eyes --format tables",
    ]


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


def anchors(text: str) -> set[str]:
    """Return the anchors of the headings of a document, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@every_document
def test_links_to_headings_lead_to_one(path):
    text = path.read_text(encoding="utf-8")
    for target, anchor in re.findall(r"\]\(([^)#:]*)#([\w-]+)\)", text):
        other = (path.parent / target).read_text(encoding="utf-8") if target else text
        assert anchor in anchors(other), f"{target}#{anchor}"


@every_document
def test_tests_that_are_named_exist(path):
    sources = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "tests").rglob("*.py"))
    for name in re.findall(r"`(test_\w+)`", path.read_text(encoding="utf-8")):
        assert f"def {name}(" in sources, name


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
def test_the_shipped_models_detect_non_eyes(model):
    assert load_model(model).program.novelty is not None


# -- numbers -------------------------------------------------------------------------------------------------------


@every_document
def test_tables_and_numbers_are_those_of_cards_and_results(path):
    text = path.read_text(encoding="utf-8")
    assert write_tables.rewrite(text) == text, "python tools/write_tables.py writes the tables"


def test_a_number_of_a_card_that_changes_is_noticed(monkeypatch):
    real = read_card

    def _changed(path):
        card = real(path)
        card["results"]["../shared/data/eyes24"]["accuracy"]["value"] += 0.001
        if "sources_left_out" in card:
            card["sources_left_out"]["results"]["mrl"]["eer"] += 0.01
        return card

    monkeypatch.setattr(write_tables, "read_card", _changed)
    texts = {name_of(path): path.read_text(encoding="utf-8") for path in CURRENT}
    changed = {name for name, text in texts.items() if write_tables.rewrite(text) != text}
    assert {"README.md", "docs/benchmark.md", "docs/model-cards.md"} <= changed


def test_a_number_in_a_sentence_is_written_from_its_source():
    text = "0.9<!-- default | eyes24 | accuracy --> and 1,000<!-- faces | the locator that ships | faces found -->"
    value = write_tables.results_of("default")["eyes24"]["accuracy"]["value"]
    written = (
        f"{value:.1f}<!-- default | eyes24 | accuracy --> and 26<!-- faces | the locator that ships | faces found -->"
    )
    assert write_tables.rewrite(text.replace("1,000", "11")) == written
    assert write_tables.rewrite("97%<!-- limits 1 | 0.8 | default: open -->").startswith("9")


@every_result
def test_result_files_are_of_commands_that_exist_and_pages_that_name_them(path):
    text = path.read_text(encoding="utf-8")
    commands = write_tables.commands_of(text)
    assert commands or path.stem == "trials"
    assert unknown_options("".join(f"    {command}\n" for command in commands)) == []
    used = [page for page in CURRENT if f"<!-- table: {path.stem} " in page.read_text(encoding="utf-8")]
    used += [page for page in CURRENT if path.stem in ("classifiers", "features") and page.name == "benchmark.md"]
    assert used, "no page has a table of it"
    for page in used:
        joined = re.sub(r"\\\n\s*", "", page.read_text(encoding="utf-8"))
        assert all(f"    {command}\n" in joined for command in commands), f"{page.name} does not name the command"


@every_result
def test_results_of_shipped_models_are_of_those_that_ship(path):
    models = write_tables.models_of(path.read_text(encoding="utf-8"))
    current = {model: write_tables.fingerprint(model) for model in models}
    assert models == current, f"python tools/write_tables.py {path.stem} runs the command again"


def constants() -> dict[str, dict[str, float]]:
    """Return, by document, the numbers in sentences that are no measurements, with the value that the code has."""
    from classic_eyes import evaluation
    from classic_eyes.calibration import adaptation
    from classic_eyes.export import checking
    from classic_eyes.faces import cutting, verdict
    from classic_eyes.inference import drift
    from classic_eyes.persistence import npz
    from classic_eyes.semisupervised import history, selftraining
    from classic_eyes.training import fitting, novelty
    from classic_eyes.video import Rules, events, summary
    from classic_eyes.video.openness import DELAY_S

    low, high = selftraining.CONFIDENT
    rules = Rules()
    half = 0.5  # of a probability, or of an opening
    return {
        "SECURITY.md": {"0.001": npz.TOLERANCE},
        "docs/concepts/calibration.md": {"0.8": 80 / 100, "80%": 0.8, "0.5": half, "5%": fitting.UNSURE},
        "docs/experiments.md": {
            "15%": adaptation._MIN_CLASS_SHARE,
            "2.5": adaptation._MIN_SEPARATION,
            "1.5%": novelty._FLAGGED,
            "1%": 0.01,  # the false positive rate of the study
            "0.2": RECIPES["default"]["cascade"],
            "0.002": 0.002,  # the spread of the trials
            "0.005": 0.005,
        },
        # Widths of intervals, by the arithmetic of a proportion near 0.93 and the allowance for slips.
        "docs/guides/few-labels.md": {"0.2": 0.2, "0.1": 0.1, "0.05": 0.05, "2%": evaluation.SLIPS},
        "docs/guides/label.md": {"2%": evaluation.SLIPS},
        "docs/guides/no-labels.md": {
            "0.55": history.MIN_CONFIDENCE,
            "0.6": history.GOOD_CONFIDENCE,
            "0.05": low,
            "0.95": high,
        },
        "docs/guides/patches.md": {"0.5": half, "2%": evaluation.SLIPS},
        "docs/guides/photographs.md": {
            "2.1": 2.1,  # of LGPL
            "0.70": cutting.EYE_SHARE,
            "0.14": verdict.EAR_THRESHOLD,
            "0.03": verdict._EAR_STEP,
            "0.75": verdict._MIN_CLOSED_EVIDENCE,
        },
        "docs/guides/video.md": {
            "1.7": DELAY_S + 2 * rules.reach_s,
            "0.95": 0.95,  # the largest confidence
            "0.88": events._SURE,
            "0.75": rules.edge,
            "0.12": rules.wink_s,
            "80%": 1 - summary._COVERED,
            "0.2": rules.gap_s,
            "4.6": 4.6,  # minutes of the clips
            "90%": 0.9,  # a percentile
            "0.10": 0.10,  # a version of MediaPipe
        },
        "docs/deploy.md": {
            "0.03": drift.MARGIN,
            "0.01": drift.OWN_MARGIN,
            "0.05": drift.NOVELTY_MARGIN,
            "1.96": drift._Z_SHARE,
            "2.24": drift._Z_NOVELTY,
            "0.00001": 1e-5,  # between batches; novelties of 400 patches differed by less
        },
        "docs/onnx.md": {"0.0001": checking.TOLERANCE},
        "examples/browser/README.md": {"0.0001": checking.TOLERANCE},
        "docs/limits.md": {"1.0": 1.0, "0.0": 0.0, "0.5": half},
        "examples/service/README.md": {"0.00001": 1e-5},
        "docs/robustness.md": {
            "0.00001": 1e-5,
            "0.299": 0.299,
            "0.587": 0.587,
            "0.114": 0.114,
            "1.0": 1.0,
            "0.0": 0.0,
            "205.0": 205.0,
        },
    }


def prose(text: str) -> str:
    """Return the sentences of a document: without code, generated tables, numbers with a source, links and DOIs."""
    text = re.sub(r"<!-- table: .*?<!-- end -->", "", text, flags=re.DOTALL)
    text = re.sub(r"^( *)```.*?^\1```", "", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"^    \S.*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"[\d.,]+%?<!--[^>]*-->", "", text)
    return re.sub(r"`[^`\n]*`|\]\([^)]*\)|doi:\S+", "", text)


def unexplained(name: str, text: str) -> list[str]:
    """Return the numbers in sentences that are neither of a result nor of the code."""
    known = {token for token, value in constants().get(name, {}).items() if value == pytest.approx(_value(token))}
    # Real output of commands is compared with what they print.
    shown = " ".join(re.findall(r"```console\n.*?```", text, flags=re.DOTALL))
    known |= {re.sub(r"0$", "", token) for token in re.findall(r"\d+\.\d+", shown)}
    known |= set(re.findall(r"\d+\.\d+", shown)) | {"95%"}  # of intervals
    # Versions of Python and of libraries.
    known |= set(re.findall(r"\d+\.\d+", (ROOT / "setup.cfg").read_text(encoding="utf-8")))
    numbers = re.findall(r"(?<![\w.])(?:\d[\d,]*\.\d+(?!\.?\d)%?|\d+%)", prose(text))  # no versions such as 1.2.3
    return [token for token in numbers if token not in known]


def _value(token: str) -> float:
    number = float(token.rstrip("%").replace(",", ""))
    return number / 100 if token.endswith("%") else number


@every_document
def test_every_number_in_a_sentence_has_a_source(path):
    """Measured numbers stand in tables, or before a comment that names the result; others are constants of the code."""
    if name_of(path) in OTHERS:
        pytest.skip("arithmetic from numbers that the page states")
    assert unexplained(name_of(path), path.read_text(encoding="utf-8")) == []


def test_numbers_without_a_source_are_noticed():
    text = "Right in 0.97, wrong in 3%, of 0.5<!-- default | eyes24 | accuracy --> and `0.1`; doi:10.1/0.2, 0.55"
    assert unexplained("docs/guides/no-labels.md", text) == ["0.97", "3%"]


def test_the_version_of_python_is_that_of_the_package():
    assert "python_requires = >=3.11\n" in (ROOT / "setup.cfg").read_text(encoding="utf-8")


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
