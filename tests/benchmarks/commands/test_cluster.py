"""The clustering study as a command."""

from __future__ import annotations

import re
from functools import partial

import pytest

from benchmarks.commands import cluster
from classic_eyes import EyeClassifier

from ...conftest import write_eyes
from ..conftest import bench

pytestmark = pytest.mark.xdist_group("cluster")


@pytest.fixture(scope="module")
def unlabelled(tmp_path_factory):
    """A folder of images, and their true labels in a file elsewhere."""
    top = tmp_path_factory.mktemp("unlabelled")
    labels = write_eyes(top / "eyes", 120, random_state=21)
    rows = [f"{number:03}.png,{label}" for number, label in enumerate(labels)]
    (top / "truth.csv").write_text("\n".join(["file,label", *rows]) + "\n")
    return top


@pytest.mark.slow
def test_true_labels_add_columns_and_change_nothing_else(unlabelled, capsys):
    options = ["--clusterers", "kmeans,informed", "--components", "8"]
    assert bench("cluster", unlabelled / "eyes", *options) == 0
    blind = capsys.readouterr().out
    assert "evaluation" not in blind
    assert bench("cluster", unlabelled / "eyes", *options, "--labels", unlabelled / "truth.csv") == 0
    evaluated = capsys.readouterr().out
    assert "accuracy (evaluation)" in evaluated.splitlines()[0]
    table = [line for line in blind.splitlines() if line.startswith(("kmeans", "informed"))]
    assert len(table) == 10
    for line in table:
        assert any(other.startswith(line) for other in evaluated.splitlines())
    assert re.search(r"^agreement +\d\.\d\d +\w+ ", evaluated, re.MULTILINE)
    assert "purity (evaluation)" in evaluated
    assert "silhouette" in blind.splitlines()[0]


def test_training_without_labels_is_evaluated_on_held_out_groups(unlabelled, capsys, monkeypatch):
    # The recipe default takes half a minute.
    small = partial(EyeClassifier, ("hog",), n_components=20, n_copies=1, n_synthetic=0, detect_non_eyes=False)
    monkeypatch.setattr(cluster, "EyeClassifier", small)
    options = ["--clusterers", "kmeans", "--components", "8", "--trained", 1, "--given", 12, "--format", "markdown"]
    options += ["--features", "hog,profile/lbp", "--not-mirrored"]
    assert bench("cluster", unlabelled / "eyes", *options, "--labels", unlabelled / "truth.csv") == 0
    out = capsys.readouterr().out
    assert re.search(
        r"^\| 0 \| 0\.\d{3} \| \d\.\d{3} \(\d\.\d{3}-\d\.\d{3}\) \| \d\.\d{3} \| 24 \| ", out, re.MULTILINE
    )
    assert "chosen: kmeans " in out
    assert re.search(r"^\| minimum \| ", out, re.MULTILINE)
    assert "| kmeans | hog+profile 8, not mirrored |" in out


def test_tuning_prints_the_best_setting_by_each_criterion(unlabelled, capsys):
    pytest.importorskip("optuna")
    options = ["--clusterers", "kmeans", "--features", "hog", "--components", "8", "--tune", 2]
    assert bench("cluster", unlabelled / "eyes", *options) == 0
    out = capsys.readouterr().out
    for criterion in ("agreement", "silhouette"):
        assert re.search(rf"^{criterion} +\w+ \S+ \d+", out, re.MULTILINE)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--clusterers", "kmean"], "'kmean' is not known"),
        (["--features", "hog,lbpp"], "did you mean 'lbp'"),
        (["--evaluate"], "the folders hold none"),
        (["--trained", "2"], "--trained evaluates with true labels"),
        (["--given", "5"], "--given 5 goes with --trained"),
        (["--components", "0"], "not a list of whole numbers"),
        (["--every", "50"], "3 images are too few to cluster"),
        (["--labels", "none.csv"], "none.csv"),
    ],
)
def test_wrong_arguments_give_one_line(unlabelled, capsys, options, message):
    assert bench("cluster", unlabelled / "eyes", *options) == 2
    assert message in capsys.readouterr().err.splitlines()[-1]
