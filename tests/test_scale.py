"""Beyond one thread and one machine: back-ends give the same answers, a dead worker costs no row, URLs are images."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest
from classic_eyes.conftest import run, write_eyes

from classic_eyes import EyePredictor, cli
from classic_eyes.errors import ClusterError, ImageError, MissingDependencyError, ParameterError, WorkerError
from classic_eyes.images import read_image, read_images, remote
from classic_eyes.inference import BACKENDS, cluster, score_files
from classic_eyes.inference.processes import can_fork

N = 40
# One process of pytest starts the cluster, once.
pytestmark = pytest.mark.xdist_group("cluster")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("eyes")
    write_eyes(folder, N, random_state=4)
    (folder / "bad.png").write_text("no image")
    return folder


@pytest.fixture(scope="module")
def paths(folder):
    return sorted(str(path) for path in folder.iterdir())


@pytest.fixture(scope="module")
def compiled(small_model):
    return EyePredictor.load(small_model.with_suffix(".npz"))


@pytest.fixture(scope="module")
def dask_cluster():
    """A scheduler and two workers, processes of their own."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", protocol="tcp://"
    ) as running:
        yield running


# -- back-ends --

needs_fork = pytest.mark.skipif(not can_fork(), reason="processes are forked on Linux only")


@needs_fork
@pytest.mark.parametrize("n_jobs", [1, 2, 3])
def test_forked_processes_answer_as_threads_do(paths, compiled, n_jobs):
    expected = list(score_files(paths, compiled.probability, chunk=7))
    assert list(score_files(paths, compiled.probability, chunk=7, backend="fork", n_jobs=n_jobs)) == expected


@needs_fork
def test_a_forked_process_that_is_killed_ends_the_run_with_a_reason(paths):
    me = os.getpid()

    def die(images):
        if os.getpid() != me:
            os.kill(os.getpid(), signal.SIGKILL)
        return np.zeros(len(images))

    with pytest.raises(WorkerError, match=r"a process was killed, .* fewer --jobs"):
        list(score_files(paths, die, chunk=7, backend="fork", n_jobs=2))


@needs_fork
def test_no_forked_process_outlives_the_command(folder, small_model, tmp_path):
    with subprocess.Popen(long_run(folder, small_model, tmp_path), stderr=subprocess.PIPE) as running:
        children = wait_for(lambda: children_of(running.pid), n=2)
        running.kill()
    assert wait_for(lambda: [] if any(map(is_alive, children)) else [1], n=1)


def long_run(folder: Path, model: Path, scratch: Path) -> list[str]:
    """A command that forks and has long to go."""
    names = scratch / "names.txt"
    names.write_text(f"{folder / '001.png'}\n" * 300_000)
    command = [sys.executable, "-m", "classic_eyes", "predict", "--list", names, "--jobs", "3"]
    command += ["--model", model.with_suffix(".npz"), "--backend", "fork", "--out", scratch / "answers.csv"]
    return list(map(str, command))


def children_of(pid: int) -> list[int]:
    told = [path / "children" for path in Path(f"/proc/{pid}/task").iterdir()]
    return [int(child) for path in told for child in path.read_text().split()]


def is_alive(pid: int) -> bool:
    try:
        # A process that nobody waits for stays as a zombie.
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def wait_for(look, *, n: int):
    for _ in range(300):
        if len(found := look()) >= n:
            return found
        time.sleep(0.1)
    raise AssertionError("it did not come about in 30 s")


@needs_fork
def test_ctrl_c_ends_forked_processes_without_a_traceback(folder, small_model, tmp_path):
    with subprocess.Popen(
        long_run(folder, small_model, tmp_path), stderr=subprocess.PIPE, start_new_session=True
    ) as running:
        children = wait_for(lambda: children_of(running.pid), n=2)
        time.sleep(0.5)
        os.killpg(running.pid, signal.SIGINT)
        _, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert err.decode().splitlines() == ["classic-eyes: stopped"]
    assert not any(map(is_alive, children))


@pytest.mark.filterwarnings("ignore::DeprecationWarning:multiprocessing")
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_processes_answer_as_threads_do(paths, compiled, n_jobs):
    expected = list(score_files(paths, compiled.probability, chunk=7))
    assert list(score_files(paths, compiled.probability, chunk=7, backend="loky", n_jobs=n_jobs)) == expected
    assert sum(answer.error is not None for answer in expected) == 1


@pytest.mark.filterwarnings("default")
def test_a_cluster_answers_as_threads_do(paths, compiled, dask_cluster):
    expected = list(score_files(paths, compiled.probability, chunk=7))
    address = dask_cluster.scheduler_address
    assert list(score_files(paths, compiled.probability, chunk=7, backend="dask", scheduler=address)) == expected


@pytest.mark.filterwarnings("default")
def test_a_worker_killed_in_mid_run_costs_no_row(paths, compiled, dask_cluster):
    many = paths * 100
    expected = list(score_files(many, compiled.probability))
    answers = score_files(many, compiled.probability, backend="dask", scheduler=dask_cluster.scheduler_address)
    got = [next(answers)]
    victim = next(iter(dask_cluster.scheduler_info["workers"]))
    with dask_client(dask_cluster) as client:
        os.kill(client.run(os.getpid, workers=[victim])[victim], signal.SIGKILL)
    got += list(answers)
    assert got == expected


def dask_client(running):
    from distributed import Client

    return Client(running, set_as_default=False)


@pytest.mark.filterwarnings("default")
def test_the_command_scores_on_a_cluster(folder, small_model, dask_cluster, tmp_path):
    model = small_model.with_suffix(".npz")
    here, there = tmp_path / "here.csv", tmp_path / "there.csv"
    assert run("predict", folder, "--model", model, "--out", here).returncode == 1
    options = ("--backend", "dask", "--scheduler", dask_cluster.scheduler_address)
    done = run("predict", folder, "--model", model, "--out", there, *options)
    assert done.returncode == 1, done.stderr
    assert here.read_bytes() == there.read_bytes()
    assert len(there.read_text().splitlines()) == N + 2


@pytest.mark.filterwarnings("default")
def test_a_worker_of_another_version_is_refused(paths, compiled, dask_cluster, monkeypatch):
    monkeypatch.setattr(cluster, "__version__", "0.0.0")
    with pytest.raises(ClusterError, match=r"has classic-eyes .*, this is 0\.0\.0; install the same"):
        next(score_files(paths, compiled.probability, backend="dask", scheduler=dask_cluster.scheduler_address))


@pytest.mark.filterwarnings("default")
def test_a_cluster_without_workers_is_refused(paths, compiled, monkeypatch):
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(cluster, "_FOR_WORKERS", 1)
    with (
        distributed.LocalCluster(n_workers=0, processes=False, dashboard_address=":0", protocol="tcp://") as empty,
        pytest.raises(ClusterError, match="no worker after 1 s"),
    ):
        next(score_files(paths, compiled.probability, backend="dask", scheduler=empty.scheduler_address))


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense", "ftp://somewhere:1"])
def test_a_scheduler_that_does_not_answer_costs_nothing(folder, small_model, tmp_path, monkeypatch, capsys, address):
    pytest.importorskip("distributed")
    monkeypatch.setattr(cluster, "_TO_ANSWER", 1)
    out = tmp_path / "answers.csv"
    out.write_text("of an earlier run")
    options = ["--model", str(small_model.with_suffix(".npz")), "--out", str(out)]
    assert cli.main(["predict", str(folder), *options, "--backend", "dask", "--scheduler", address]) == 2
    said = capsys.readouterr().err
    assert "does not answer" in said
    assert len(said.splitlines()) == 1
    assert out.read_text() == "of an earlier run"


def test_dask_without_its_package_says_what_to_install(paths, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'classic-eyes\[distributed\]'"):
        next(score_files(paths, lambda images: images, backend="dask", scheduler="tcp://127.0.0.1:1"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"backend": "dusk"}, "backend is 'dusk'; it must be one of threading, fork, loky, dask"),
        ({"backend": "dask"}, "needs scheduler"),
        ({"scheduler": "tcp://h:1"}, "goes with backend 'dask'"),
        ({"backend": "dask", "scheduler": "tcp://h:1", "n_jobs": 2}, "has its own number of workers"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options, said):
    with pytest.raises(ParameterError, match=said):
        next(score_files(["a.png"], lambda images: images, **options))


def test_the_command_knows_the_back_ends():
    from classic_eyes.cli import build_parser

    for backend in BACKENDS:
        assert build_parser().parse_args(["predict", "x", "--backend", backend]).backend == backend


# -- lists and URLs --


class Answering(BaseHTTPRequestHandler):
    """A server of one folder; what it has not, it denies."""

    def __init__(self, *arguments, folder: Path) -> None:
        self.folder = folder
        super().__init__(*arguments)

    def do_GET(self) -> None:
        path = self.folder / self.path.lstrip("/")
        status = 403 if "secret" in self.path else 200 if path.is_file() else 404
        self.send_response(status)
        self.end_headers()
        if status == 200:
            self.wfile.write(path.read_bytes())

    def log_message(self, *_) -> None:
        pass


@pytest.fixture
def site(folder):
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Answering, folder=folder))
    # So that closing waits for them.
    server.daemon_threads = False
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_url_is_a_image(site, folder):
    images, errors = read_images([f"{site}/003.png", f"{site}/gone.png", f"{site}/secret.png", f"{site}/bad.png"])
    np.testing.assert_array_equal(images[0], cv2.imread(str(folder / "003.png"), 0))
    assert errors == [None, "no such file", "the server returns status 403", "not an image OpenCV can read"]


def test_many_urls_are_asked_at_a_time_and_keep_their_places(site, folder):
    names = [f"{site}/{number % N:03}.png" for number in range(3 * N)]
    names[50] = str(folder / "007.png")
    images, errors = read_images(names)
    assert errors == [None] * len(names)
    expected, _ = read_images([str(folder / f"{number:03}.png") for number in range(N)])
    np.testing.assert_array_equal(images[:N], expected)
    np.testing.assert_array_equal(images[50], expected[7])
    np.testing.assert_array_equal(read_image(names[3]), expected[3])


def test_a_server_that_is_not_there(tmp_path):
    _, (error,) = read_images(["http://127.0.0.1:9/eye.png"])
    assert error is not None
    assert error.startswith("cannot be opened (")


def test_other_schemes_go_through_fsspec(folder, tmp_path, monkeypatch):
    pytest.importorskip("fsspec")
    (tmp_path / "empty.png").touch()
    names = [(folder / "001.png").as_uri(), (tmp_path / "gone.png").as_uri(), (tmp_path / "empty.png").as_uri()]
    images, errors = read_images([*names, "nowhere://x/y.png"])
    np.testing.assert_array_equal(images[0], cv2.imread(str(folder / "001.png"), 0))
    assert errors[:3] == [None, "no such file", "empty file"]
    assert "Protocol not known: nowhere" in errors[3]
    monkeypatch.setitem(sys.modules, "fsspec", None)
    assert "needs the package fsspec" in read_images(names[:1])[1][0]


def test_a_url_of_too_much_is_refused(site, monkeypatch):
    with pytest.raises(ImageError, match="larger than 0 MiB"):
        remote.read_url(f"{site}/001.png", 10)


def test_a_list_keeps_its_order_and_every_line(site, folder, small_model, tmp_path, capsys):
    listed = [str(folder / "005.png"), f"{site}/003.png", str(folder / "gone.png"), str(folder / "005.png")]
    names = tmp_path / "names.txt"
    names.write_text("\ufeff" + "\n".join([listed[0], "", f"  {listed[1]}  ", *listed[2:]]) + "\n", encoding="utf-8")
    model = small_model.with_suffix(".npz")
    assert cli.main(["predict", "--list", str(names), "--model", str(model)]) == 1
    header, *rows = capsys.readouterr().out.splitlines()
    assert header == "file,label,score,error"
    assert [row.split(",")[0] for row in rows] == listed
    assert rows[2].endswith("no such file")
    # The last digit may depend on the place in the batch.
    assert float(rows[0].split(",")[2]) == pytest.approx(float(rows[3].split(",")[2]), abs=1e-4)


def test_a_url_stands_where_a_path_does(site, small_model, capsys):
    assert cli.main(["predict", f"{site}/003.png", "--model", str(small_model.with_suffix(".npz"))]) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith(f"{site}/003.png,")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "neither is given"),
        (["x", "--list", "y"], "both are given"),
        (["--list", "gone.txt"], "'gone.txt' cannot be read: No such file or directory"),
        (["--list", "empty.txt"], "names no image"),
        (["--list", "names.txt", "--out", "names.txt"], "is the list"),
    ],
)
def test_lists_that_cannot_be_used_are_refused(tmp_path, monkeypatch, capsys, arguments, said):
    monkeypatch.chdir(tmp_path)
    Path("empty.txt").write_text("\n \n")
    Path("names.txt").write_text("a.png\n")
    assert cli.main(["predict", *arguments]) == 2
    assert said in capsys.readouterr().err
    assert Path("names.txt").read_text() == "a.png\n"


def test_names_are_asked_for_as_they_are_needed():
    asked = []

    def names():
        for number in range(10_000):
            asked.append(number)
            yield f"{number}.png"

    answers = score_files(names(), lambda images: images, chunk=10, n_jobs=2)
    next(answers)
    ahead = len(asked)
    answers.close()
    assert ahead < 1000
