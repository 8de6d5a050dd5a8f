"""Each task runs in a process of its own; results and failures come in order."""

from __future__ import annotations

import math
import multiprocessing
import os
import time

import pytest

from classic_eyes._utils.workers import TaskError, run_tasks


def forked_children():
    """Return the processes of tasks that run; loky keeps others for later."""
    return [child for child in multiprocessing.active_children() if "Loky" not in type(child).__name__]


def test_results_are_in_order():
    assert list(run_tasks(divmod, [(7, 2), (9, 2), (5, 3)], n_jobs=2)) == [(3, 1), (4, 1), (1, 2)]
    assert list(run_tasks(math.sqrt, [(4.0,), (9.0,)], n_jobs=1)) == [2.0, 3.0]


def test_failure_ends_the_other_processes():
    start = time.monotonic()
    with pytest.raises(TaskError, match="ZeroDivisionError"):
        list(run_tasks(eval, [("1 / 0",), ("__import__('time').sleep(60)",)], n_jobs=2))
    assert time.monotonic() - start < 50
    assert not forked_children()


def test_stopping_early_ends_the_other_processes():
    start = time.monotonic()
    results = run_tasks(eval, [("1",), ("__import__('time').sleep(60)",)], n_jobs=2)
    assert next(results) == 1
    results.close()
    assert time.monotonic() - start < 50
    assert not forked_children()


def test_process_that_dies_is_an_error():
    with pytest.raises(TaskError, match="ended with 3"):
        list(run_tasks(os._exit, [(3,)], n_jobs=1))
