"""The documents tell the truth: their code runs, their commands exist, their numbers are the card's."""

from __future__ import annotations

import inspect
import json
import re
from importlib import import_module
from pkgutil import walk_packages

import pytest
from classic_eyes.conftest import ROOT, shared

import classic_eyes
from classic_eyes import EyeClassifier, cli, metrics
from classic_eyes._utils.shipped import SHIPPED_MODELS, shipped_model
from classic_eyes.features import EXTRACTORS
from classic_eyes.persistence import read_card, sha256

README = (ROOT / "README.md").read_text(encoding="utf-8")


def public_objects():
    """Yield every public function and class with its name."""
    for module in walk_packages(classic_eyes.__path__, "classic_eyes."):
        if module.name.endswith("__main__") or module.name.startswith("classic_eyes.models"):
            continue
        room = import_module(module.name)
        for name in getattr(room, "__all__", []):
            thing = getattr(room, name)
            if inspect.isroutine(thing) or (inspect.isclass(thing) and not issubclass(thing, Exception)):
                yield pytest.param(thing, id=f"{module.name}.{name}")


def test_the_python_in_the_readme_runs(tmp_path, monkeypatch):
    blocks = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert blocks
    monkeypatch.chdir(tmp_path)
    for block in blocks:
        exec(compile(block, "README.md", "exec"), {})
    assert (tmp_path / "mine.joblib").is_file()


@pytest.mark.parametrize("mark", ["main-job", "tests"])
def test_ci_finds_the_readmes_commands(mark):
    following = README.split(f"<!-- {mark} -->\n```bash\n")[1]
    assert following.startswith("python3 -m venv .venv && .venv/bin/pip install ")
    assert f"command_after {mark}" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_the_readme_names_every_command_and_feature():
    for name in cli.COMMANDS:
        assert re.search(rf"`{name}`|classic_eyes {name}|{name}\.py", README)
    for name in EXTRACTORS:
        assert f"`{name}`" in README


@pytest.mark.parametrize("thing", list(public_objects()))
def test_documented_defaults_are_the_real_ones(thing):
    documented = re.findall(r"^    (\w+) : .*?default[ =]+(.+?)$", inspect.getdoc(thing) or "", flags=re.MULTILINE)
    documented += re.findall(r"^(\w+) : .*?default[ =]+(.+?)$", inspect.getdoc(thing) or "", flags=re.MULTILINE)
    parameters = inspect.signature(thing).parameters
    for name, text in documented:
        assert name in parameters, f"{name} is documented and not taken"
        assert eval(text.strip().strip("`")) == parameters[name].default, f"{name}: documented {text}"


def test_the_shipped_model_is_the_one_the_package_knows():
    for name, digest in SHIPPED_MODELS.items():
        path = shipped_model(name)
        assert sha256(path) == digest, "put the card's model_sha256 into SHIPPED_MODELS"
        assert read_card(path)["model_sha256"] == digest
        assert path.stat().st_size < 20e6


def test_the_card_says_what_a_card_must():
    card = read_card(shipped_model())
    assert "safety" in card["not_for"]
    assert all("licence" in source for source in card["sources"])
    assert "--out models/default.joblib" in card["command"]
    assert not re.search(r'"/|\\\\', json.dumps(card)), "a path of the machine it was made on"
    assert {"parameters", "versions", "protocol", "limits", "pipelines"} <= set(card)
    for part in card["results"].values():
        assert {"accuracy", "eer", "calibration_error"} <= set(part)
    # The card is of this very model, through JSON, which makes lists of tuples.
    # Parameters that came after the model was made have their defaults.
    parameters = json.loads(json.dumps(EyeClassifier().get_params())) | card["parameters"]
    assert parameters == json.loads(json.dumps(EyeClassifier.pretrained().get_params()))


@pytest.mark.parametrize("model", SHIPPED_MODELS)
def test_contributing_tells_how_each_shipped_model_was_made(model):
    assert f"    {read_card(shipped_model(model))['command']}\n" in (ROOT / "CONTRIBUTING.md").read_text()


def test_the_card_is_about_the_data_beside_the_project():
    from classic_eyes.datasets import fingerprint, read_eyes

    for part in read_card(shipped_model())["data"]:
        name = part["path"].rsplit("/", 1)[-1]
        assert fingerprint(read_eyes(shared(name))) == part["sha256"]


@pytest.mark.parametrize(
    ("model", "begins"), [("default", "| {}, by the card"), ("fast", "| `fast` on {}, by its card")]
)
def test_the_readmes_numbers_of_the_shipped_models_are_the_cards(model, begins):
    results = read_card(shipped_model(model))["results"]
    for name, part in results.items():
        start = begins.format(name.rsplit("/", 1)[-1])
        row = next(line for line in README.splitlines() if line.startswith(start))
        for metric in ("accuracy", "eer", "calibration_error"):
            assert f"{part[metric]['value']:.4f}"[1:] in row


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "least", "eer"), [("eyes24", 0.957, 0.041), ("mrl", 0.92, None)], ids=["eyes24", "mrl"]
)
def test_cross_validation_reaches_what_was_promised(name, least, eer):
    """The promise of the first release, by group: about two minutes for eyes24, fifteen for mrl."""
    from classic_eyes.datasets import load_labelled, read_eyes, read_votes
    from classic_eyes.evaluation import agreed_by_all, cross_validate

    data = load_labelled(read_eyes(shared(name)))
    scores = cross_validate(EyeClassifier(), data.images, data.eyes.labels, data.eyes.groups)
    assert metrics.accuracy(data.eyes.labels, scores) >= least
    if eer is not None:
        assert metrics.equal_error_rate(data.eyes.labels, scores) <= eer
        agreed = agreed_by_all(data.eyes, read_votes(shared(name) / "raters.csv"))
        assert agreed.sum() == 3525
        assert metrics.accuracy(data.eyes.labels[agreed], scores[agreed]) >= 0.982
