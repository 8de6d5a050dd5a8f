"""Folders scored in chunks: in order, the same for any number of jobs and any backend, in constant memory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from classic_eyes.errors import ModelError, ParameterError, WorkerError
from classic_eyes.inference import Scored, score_files
from classic_eyes.inference.processes import can_fork
from classic_eyes.predictor import load_model
from classic_eyes.synthetic import make_eyes

from ..conftest import Scorer, write_eyes

needs_fork = pytest.mark.skipif(not can_fork(), reason="processes are forked on Linux only")


@pytest.fixture
def folder(tmp_path):
    paths = []
    for number, image in enumerate(make_eyes(23, random_state=4).images):
        paths.append(str(tmp_path / f"{number:02}.png"))
        cv2.imwrite(paths[-1], image)
    return paths


def mean_grey(images):
    return images.mean(axis=(1, 2)) / 255


@pytest.mark.parametrize("n_jobs", [1, 2, 5, None])
@pytest.mark.parametrize("chunk", [1, 4, 100])
def test_results_are_in_order_for_any_jobs_and_chunks(folder, n_jobs, chunk):
    expected = [Scored(float(cv2.imread(path, 0).mean() / 255), None) for path in folder]
    assert list(score_files(folder, Scorer(mean_grey), n_jobs=n_jobs, chunk=chunk)) == expected


def test_unreadable_file_is_an_error_in_its_place_alone(folder, tmp_path):
    bad = tmp_path / "bad.png"
    bad.write_text("not an image")
    paths = [*folder[:3], str(bad), str(tmp_path / "gone.png"), *folder[3:6]]
    scored = list(score_files(paths, Scorer(mean_grey), chunk=4))
    assert [each.error is None for each in scored] == [True] * 3 + [False] * 2 + [True] * 3
    assert scored[3].score is None
    assert [each.score for each in scored if each.error is None] == [
        each.score for each in score_files(folder[:6], Scorer(mean_grey))
    ]


def test_chunk_of_unreadable_files_calls_no_probability(tmp_path):
    def never(images):
        raise AssertionError("called")

    scored = list(score_files([str(tmp_path / "a.png")] * 3, Scorer(never)))
    assert all(each.error for each in scored)


def chunk_sizes(paths, n_jobs):
    sizes = []

    def note(images):
        sizes.append(len(images))
        return mean_grey(images)

    assert len(list(score_files(paths, Scorer(note), n_jobs=n_jobs, chunk=8))) == len(paths)
    return sizes


@pytest.mark.parametrize(
    ("n", "sizes"),
    [
        (0, []),
        (3, [2, 1]),
        (8, [2] * 4),
        (16, [4, 4, *[2] * 4]),
        (17, [8, 4, 2, 2, 1]),
        (36, [8, 8, 8, 4, *[2] * 4]),
    ],
)
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_last_chunks_are_smaller_for_any_jobs(folder, n, sizes, n_jobs):
    assert sorted(chunk_sizes((folder * 40)[:n], n_jobs)) == sorted(sizes)


@pytest.mark.parametrize("n", [9, 24, 37, 40])
def test_run_from_a_whole_chunk_is_cut_in_the_same_places(folder, n):
    paths = (folder * 40)[:n]
    whole = chunk_sizes(paths, 1)
    for start in range(0, n, 8):
        later = chunk_sizes(paths[start:], 1)
        assert whole[len(whole) - len(later) :] == later


def test_chunks_are_read_as_they_are_needed(folder):
    """Memory does not grow with the number of files."""
    read = []
    lock = threading.Lock()

    def count(images):
        with lock:
            read.append(len(images))
        return mean_grey(images)

    scored = score_files(folder * 40, Scorer(count), n_jobs=2, chunk=10)
    next(scored)
    ahead = sum(read)
    scored.close()
    assert ahead < len(folder) * 40 / 2


def test_paths_are_consumed_as_needed():
    consumed = []

    def paths():
        for number in range(10_000):
            consumed.append(number)
            yield f"{number}.png"

    scored = score_files(paths(), Scorer(lambda images: images), chunk=10, n_jobs=2)
    next(scored)
    ahead = len(consumed)
    scored.close()
    assert ahead < 1000


def test_jobs_below_one_are_refused():
    with pytest.raises(ParameterError, match="n_jobs is 0"):
        list(score_files([], Scorer(mean_grey), n_jobs=0))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"backend": "dusk"}, "backend is 'dusk'; allowed is one of threading, fork, loky, dask"),
        ({"backend": "dask"}, "needs scheduler"),
        ({"scheduler": "tcp://h:1"}, "needs backend 'dask'"),
        ({"backend": "dask", "scheduler": "tcp://h:1", "n_jobs": 2}, "has its own number of workers"),
    ],
)
def test_conflicting_options_are_refused(options, message):
    with pytest.raises(ParameterError, match=message):
        next(score_files(["a.png"], Scorer(lambda images: images), **options))


# -- backends --


@pytest.fixture(scope="module")
def eyes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("eyes")
    write_eyes(folder, 40, random_state=4)
    (folder / "bad.png").write_text("not an image")
    return folder


@pytest.fixture(scope="module")
def paths(eyes):
    return sorted(str(path) for path in eyes.iterdir())


@pytest.fixture(scope="module")
def model(small_model):
    return load_model(small_model.with_suffix(".npz"))


class _Failing:
    """Fails on batches that hold a marked image; picklable."""

    size = 24

    def probability(self, images):
        if (images == MARKED).all(axis=(1, 2)).any():
            raise ZeroDivisionError("no such\nluck")
        return mean_grey(images)


MARKED = 77


@pytest.mark.parametrize("backend", ["threading", "fork", "loky"])
def test_an_image_that_cannot_be_described_costs_no_other_its_row(folder, tmp_path, backend):
    if backend == "fork" and not can_fork():
        pytest.skip("processes are forked on Linux only")
    expected = list(score_files(folder, _Failing(), chunk=7))
    assert all(each.error is None for each in expected)
    bad = str(tmp_path / "bad.png")
    cv2.imwrite(bad, np.full((24, 24), MARKED, np.uint8))
    scored = list(score_files([*folder[:9], bad, *folder[9:]], _Failing(), chunk=7, n_jobs=2, backend=backend))
    assert scored.pop(9) == Scored(None, "unexpected error: ZeroDivisionError: no such luck")
    assert scored == expected


def test_errors_of_the_model_end_the_run(folder):
    class Untrained(_Failing):
        def probability(self, images):
            raise ModelError("no novelty")

    with pytest.raises(ModelError, match="no novelty"):
        list(score_files(folder, Untrained()))


@needs_fork
@pytest.mark.parametrize("n_jobs", [1, 2, 3])
def test_forked_processes_give_the_results_of_threads(paths, model, n_jobs):
    expected = list(score_files(paths, model.program, chunk=7))
    assert list(score_files(paths, model.program, chunk=7, backend="fork", n_jobs=n_jobs)) == expected


@pytest.mark.filterwarnings("ignore::DeprecationWarning:multiprocessing")
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_loky_gives_the_results_of_threads(paths, model, n_jobs):
    expected = list(score_files(paths, model.program, chunk=7))
    assert list(score_files(paths, model.program, chunk=7, backend="loky", n_jobs=n_jobs)) == expected
    assert sum(each.error is not None for each in expected) == 1


@needs_fork
def test_killed_process_ends_the_run_with_a_reason(paths):
    main_process = os.getpid()

    def die(images):
        if os.getpid() != main_process:
            os.kill(os.getpid(), signal.SIGKILL)
        return np.zeros(len(images))

    with pytest.raises(WorkerError, match=r"a process was killed, .* fewer --jobs"):
        list(score_files(paths, Scorer(die), chunk=7, backend="fork", n_jobs=2))


# -- the command --


def long_run(folder: Path, model: Path, scratch: Path) -> list[str]:
    """Return a command that forks and takes long."""
    names = scratch / "names.txt"
    names.write_text(f"{folder / '001.png'}\n" * 300_000)
    command = [sys.executable, "-m", "classic_eyes", "predict", "--list", names, "--jobs", "3"]
    command += ["--model", model.with_suffix(".npz"), "--backend", "fork", "--out", scratch / "out.csv"]
    return list(map(str, command))


def children_of(pid: int) -> list[int]:
    files = [path / "children" for path in Path(f"/proc/{pid}/task").iterdir()]
    return [int(child) for path in files for child in path.read_text().split()]


def is_alive(pid: int) -> bool:
    try:
        # A process that ended and was not waited for is a zombie.
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def wait_for(look, *, n: int):
    for _ in range(300):
        if len(found := look()) >= n:
            return found
        time.sleep(0.1)
    raise AssertionError("it did not happen in 30 s")


@needs_fork
def test_no_process_outlives_a_killed_command(eyes, small_model, tmp_path):
    with subprocess.Popen(long_run(eyes, small_model, tmp_path), stderr=subprocess.PIPE) as running:
        children = wait_for(lambda: children_of(running.pid), n=3)
        running.kill()
    assert wait_for(lambda: [] if any(map(is_alive, children)) else [1], n=1)


@needs_fork
@pytest.mark.parametrize(("how", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("to_group", [True, False])
def test_signal_ends_all_processes_without_a_traceback(eyes, small_model, tmp_path, how, status, to_group):
    with subprocess.Popen(
        long_run(eyes, small_model, tmp_path), stderr=subprocess.PIPE, start_new_session=True
    ) as running:
        children = wait_for(lambda: children_of(running.pid), n=3)
        time.sleep(0.5)
        (os.killpg if to_group else os.kill)(running.pid, how)
        _, err = running.communicate(timeout=60)
    assert running.returncode == status
    assert err.decode().splitlines() == ["classic-eyes: stopped"]
    assert not any(map(is_alive, children))
