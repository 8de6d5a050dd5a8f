"""A Dask cluster gives the results of threads; a worker that dies costs no row; a bad cluster is refused."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from classic_eyes import cli
from classic_eyes.errors import ClusterError, MissingDependencyError
from classic_eyes.inference import cluster, score_files
from classic_eyes.predictor import load_model

from ..conftest import Scorer, run, write_eyes

N = 40
# One process of pytest starts the cluster, once.
pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.filterwarnings("default")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("eyes")
    write_eyes(folder, N, random_state=4)
    (folder / "bad.png").write_text("not an image")
    return folder


@pytest.fixture(scope="module")
def paths(folder):
    return sorted(str(path) for path in folder.iterdir())


@pytest.fixture(scope="module")
def model(small_model):
    return load_model(small_model.with_suffix(".npz"))


@pytest.fixture(scope="module")
def dask_cluster():
    """A scheduler and two workers, processes of their own."""
    distributed = pytest.importorskip("distributed")
    # Dask sets variables for its workers, among them one that makes glibc return freed memory, and leaves them set.
    environment = dict(os.environ)
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", protocol="tcp://"
    ) as running:
        yield running
    os.environ.clear()
    os.environ.update(environment)


def test_cluster_gives_the_results_of_threads(paths, model, dask_cluster):
    expected = list(score_files(paths, model.program, chunk=7))
    address = dask_cluster.scheduler_address
    assert list(score_files(paths, model.program, chunk=7, backend="dask", scheduler=address)) == expected


def test_killed_worker_costs_no_row(paths, model, dask_cluster):
    many = paths * 100
    expected = list(score_files(many, model.program))
    scored = score_files(many, model.program, backend="dask", scheduler=dask_cluster.scheduler_address)
    got = [next(scored)]
    victim = next(iter(dask_cluster.scheduler_info["workers"]))
    with dask_client(dask_cluster) as client:
        os.kill(client.run(os.getpid, workers=[victim])[victim], signal.SIGKILL)
    got += list(scored)
    assert got == expected


def dask_client(running):
    from distributed import Client

    return Client(running, set_as_default=False)


def test_command_scores_on_a_cluster(folder, small_model, dask_cluster, tmp_path):
    model = small_model.with_suffix(".npz")
    here, there = tmp_path / "here.csv", tmp_path / "there.csv"
    assert run("predict", folder, "--model", model, "--out", here).returncode == 1
    options = ("--backend", "dask", "--scheduler", dask_cluster.scheduler_address)
    done = run("predict", folder, "--model", model, "--out", there, *options)
    assert done.returncode == 1, done.stderr
    assert here.read_bytes() == there.read_bytes()
    assert len(there.read_text().splitlines()) == N + 2


def test_worker_of_another_version_is_refused(paths, model, dask_cluster, monkeypatch):
    monkeypatch.setattr(cluster, "__version__", "0.0.0")
    with pytest.raises(ClusterError, match=r"has classic-eyes .*, this is 0\.0\.0; install the same version"):
        next(score_files(paths, model.program, backend="dask", scheduler=dask_cluster.scheduler_address))


def test_cluster_without_workers_is_refused(paths, model, monkeypatch):
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(cluster, "_WORKER_TIMEOUT", 1)
    with (
        distributed.LocalCluster(n_workers=0, processes=False, dashboard_address=":0", protocol="tcp://") as empty,
        pytest.raises(ClusterError, match="no worker after 1 s"),
    ):
        next(score_files(paths, model.program, backend="dask", scheduler=empty.scheduler_address))


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense", "", "ftp://somewhere:1"])
def test_scheduler_that_does_not_answer_costs_nothing(folder, small_model, tmp_path, monkeypatch, capsys, address):
    pytest.importorskip("distributed")
    monkeypatch.setattr(cluster, "_SCHEDULER_TIMEOUT", 1)
    out = tmp_path / "out.csv"
    out.write_text("rows of an earlier run")
    options = ["--model", str(small_model.with_suffix(".npz")), "--out", str(out), "--force"]
    assert cli.main(["predict", str(folder), *options, "--backend", "dask", "--scheduler", address]) == 2
    error = capsys.readouterr().err
    assert "use the address that dask scheduler printed" in error
    assert len(error.splitlines()) == 1
    assert out.read_text() == "rows of an earlier run"


def test_dask_without_its_package_names_the_extra(paths, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'classic-eyes\[distributed\]'"):
        next(score_files(paths, Scorer(lambda images: images), backend="dask", scheduler="tcp://127.0.0.1:1"))
