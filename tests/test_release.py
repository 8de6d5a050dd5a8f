"""What a release needs: one version everywhere, and workflows that test and publish what .ci/run does."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from classic_eyes import __version__

from .conftest import ROOT

CI = (ROOT / ".ci" / "run").read_text("utf-8")
WORKFLOWS = ROOT / ".github" / "workflows"


def workflow(name: str) -> str:
    return (WORKFLOWS / f"{name}.yml").read_text("utf-8")


def test_the_citation_has_the_version():
    assert f"\nversion: {__version__}\n" in (ROOT / "CITATION.cff").read_text("utf-8")


def lowest_tests(text: str) -> list[str]:
    """Return the folders and files that are tested with the lowest versions."""
    (words,) = re.findall(r"-m pytest (?:-q )?(tests/_utils/\S+ .*?test_predictor\.py)", text, flags=re.DOTALL)
    return re.sub(r"[\\\n]", " ", words).split()


def test_the_lowest_versions_are_tested_alike():
    assert lowest_tests(CI) == lowest_tests(workflow("tests"))
    assert all((ROOT / name).exists() for name in lowest_tests(CI))


def test_every_python_of_the_package_is_tested_on_three_systems():
    named = re.findall(r"Python :: (3\.\d+)$", (ROOT / "setup.cfg").read_text("utf-8"), flags=re.MULTILINE)
    assert f"python: {json.dumps(named)}" in workflow("tests")
    assert "os: [ubuntu-latest, macos-latest, windows-latest]" in workflow("tests")


def test_the_tag_of_a_release_is_compared_with_the_version():
    """By the command of the workflow."""
    (command,) = re.findall(r'= "\$\((cut .*?)\)"$', workflow("publish"), flags=re.MULTILINE)
    if not sys.platform.startswith("linux"):
        pytest.skip("the workflow runs on Linux")
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == f"{__version__}\n"


@pytest.mark.parametrize("name", ["tests", "site", "publish"])
def test_the_workflows_can_be_read(name):
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
    jobs = yaml.safe_load(workflow(name))["jobs"]
    assert all("runs-on" in job and job["steps"] for job in jobs.values())


def test_publishing_needs_no_secret():
    """PyPI trusts the workflow itself, and records where the files come from."""
    text = workflow("publish")
    assert "secrets." not in text
    assert "id-token: write" in text
    assert "attest-build-provenance" in text


def test_ci_bounds_the_wheel_and_checks_the_descriptions():
    assert "12000000" in CI
    assert "twine check --strict" in CI
