"""Forked processes share the calls: each result comes once and in order, and nothing waits forever."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from itertools import count
from multiprocessing.context import ForkProcess

import pytest

from classic_eyes.errors import WorkerError
from classic_eyes.inference import processes
from classic_eyes.inference.processes import can_fork, run_forked, run_in_processes, run_threads

pytestmark = pytest.mark.skipif(not can_fork(), reason="processes are forked on Linux only")

RUN = [run_forked, run_threads]


def forked_children() -> list[ForkProcess]:
    """Return the forked processes that run; loky keeps others for later."""
    return [child for child in multiprocessing.active_children() if isinstance(child, ForkProcess)]


@pytest.mark.parametrize("run", RUN)
@pytest.mark.parametrize("n_jobs", [1, 2, 3, 5])
@pytest.mark.parametrize("n", [0, 1, 2, 3, 100])
def test_each_result_comes_once_and_in_order(run, n_jobs, n):
    assert list(run(lambda number: number * number, range(n), n_jobs=n_jobs)) == [k * k for k in range(n)]
    assert not forked_children()


# When joblib gives up its calls, a thread of loky's may still look for one of them, and reports a KeyError.
@pytest.mark.filterwarnings(
    "ignore:Exception in thread ExecutorManagerThread:pytest.PytestUnhandledThreadExceptionWarning"
)
@pytest.mark.parametrize("forks", [True, False])
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_calls_are_made_here_or_in_processes_that_fork_or_start(forks, n_jobs, monkeypatch):
    monkeypatch.setattr(processes, "can_fork", lambda: forks)
    found = list(run_in_processes(square_and_process, [5, 3, 8], n_jobs=n_jobs))
    assert [number for number, _ in found] == [25, 9, 64]
    assert ({pid for _, pid in found} == {os.getpid()}) == (n_jobs == 1)
    assert list(run_in_processes(square_and_process, [], n_jobs=n_jobs)) == []
    with pytest.raises(ZeroDivisionError):
        list(run_in_processes(square_and_process, [5, 0, 8], n_jobs=n_jobs))
    results = run_in_processes(square_and_process, list(range(1, 50)), n_jobs=n_jobs)
    assert next(results)[0] == 1
    results.close()
    assert not forked_children()


def square_and_process(number: int) -> tuple[int, int]:
    return number * number // min(number, 1), os.getpid()


@pytest.mark.parametrize("n_jobs", [2, 3])
def test_every_process_makes_calls(n_jobs):
    def slowly(number):
        time.sleep(0.01)
        return os.getpid()

    processes = set(run_forked(slowly, range(40), n_jobs=n_jobs))
    assert len(processes) == n_jobs
    assert os.getpid() not in processes


@pytest.mark.parametrize("run", RUN)
def test_slow_call_does_not_stop_the_others(run):
    started = []

    def unequal(number):
        time.sleep(0.5 if number == 0 else 0.001)
        return number

    def numbers():
        for number in range(20):
            started.append(number)
            yield number

    results = run(unequal, numbers(), n_jobs=2)
    start = time.monotonic()
    assert next(results) == 0
    assert len(started) > 10
    assert list(results) == list(range(1, 20))
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("run", RUN)
def test_arguments_are_consumed_as_needed(run):
    started = []

    def numbers():
        for number in count():
            started.append(number)
            yield number

    results = run(lambda number: number, numbers(), n_jobs=2)
    for number in range(50):
        assert next(results) == number
        assert len(started) < number + 50
    results.close()
    assert not forked_children()


@pytest.mark.parametrize("n_jobs", [2, 3])
def test_arguments_and_results_larger_than_a_pipe_do_not_block(n_jobs):
    texts = [chr(97 + k) * 3_000_000 for k in range(8)]
    assert list(run_forked(str.upper, texts, n_jobs=n_jobs)) == [text.upper() for text in texts]


def test_small_arguments_with_results_larger_than_a_pipe_do_not_block():
    assert [len(text) for text in run_forked(lambda k: "x" * 3_000_000, range(12), n_jobs=2)] == [3_000_000] * 12


@pytest.mark.parametrize("run", RUN)
@pytest.mark.parametrize("n_jobs", [1, 2, 3])
@pytest.mark.parametrize("bad", [0, 1, 2, 7])
def test_exception_is_raised_in_order(run, n_jobs, bad):
    def fails(number):
        if number == bad:
            raise ValueError(f"number {number}")
        return number

    results = run(fails, range(20), n_jobs=n_jobs)
    assert [next(results) for _ in range(bad)] == list(range(bad))
    with pytest.raises(ValueError, match=f"^number {bad}$"):
        next(results)
    assert not forked_children()


def test_result_that_cannot_be_pickled_is_an_error():
    with pytest.raises((AttributeError, TypeError), match="pickle"):
        list(run_forked(lambda number: lambda: number, range(10), n_jobs=2))


@pytest.mark.parametrize("size", [1, 60_000, 3_000_000])
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_killed_process_is_an_error(how, size):
    def ends(text):
        if text.startswith("7"):
            os.kill(os.getpid(), how)
        time.sleep(0.01)
        return text

    with pytest.raises(WorkerError, match=r"a process was killed, .* use fewer --jobs"):
        list(run_forked(ends, (str(k % 10) * size for k in range(30)), n_jobs=3))
    assert not forked_children()


@pytest.mark.parametrize("size", [1, 60_000])
def test_stopping_early_kills_running_calls(size):
    def slow(text):
        time.sleep(0 if text.startswith("0") else 60)
        return text

    results = run_forked(slow, (str(k) * size for k in range(10)), n_jobs=2)
    assert next(results) == "0" * size
    start = time.monotonic()
    results.close()
    assert time.monotonic() - start < 10
    assert not forked_children()


def test_stopping_while_results_are_sent_ends_at_once():
    """Processes are killed while they write into their pipes."""
    n_threads = threading.active_count()
    start = time.monotonic()
    for wait in range(20):
        results = run_forked(lambda text: text, ("x" * 200_000 for _ in range(500)), n_jobs=2)
        next(results)
        time.sleep(wait / 5000)
        results.close()
    assert time.monotonic() - start < 30
    assert not forked_children()
    assert threading.active_count() == n_threads
