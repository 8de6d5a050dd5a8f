"""Forked processes and this one share the calls: every answer comes once, in order, and nobody waits for ever."""

from __future__ import annotations

import multiprocessing
import os
import time
from itertools import count

import pytest

from classic_eyes.errors import WorkerError
from classic_eyes.inference.processes import can_fork, run_forked

pytestmark = pytest.mark.skipif(not can_fork(), reason="processes are forked on Linux only")


@pytest.mark.parametrize("n_jobs", [1, 2, 3, 5])
@pytest.mark.parametrize("n", [0, 1, 2, 3, 100])
def test_every_call_is_answered_once_and_in_order(n_jobs, n):
    assert list(run_forked(lambda number: number * number, range(n), n_jobs=n_jobs)) == [k * k for k in range(n)]
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("n_jobs", [2, 3])
def test_this_process_and_each_forked_one_do_their_share(n_jobs):
    def slowly(number):
        time.sleep(0.01)
        return os.getpid()

    assert len(set(run_forked(slowly, range(40), n_jobs=n_jobs))) == n_jobs
    assert os.getpid() in set(run_forked(slowly, range(40), n_jobs=n_jobs))


def test_an_answer_that_takes_long_holds_up_no_other_and_comes_in_its_turn():
    began = []

    def unequal(number):
        time.sleep(0.5 if number == 0 else 0.001)
        return number

    def numbers():
        for number in range(20):
            began.append(number)
            yield number

    answers = run_forked(unequal, numbers(), n_jobs=2)
    assert next(answers) == 0
    assert len(began) > 10, "the others were made meanwhile"
    assert list(answers) == list(range(1, 20))


def test_what_another_was_given_and_has_not_begun_is_done_here_at_the_end():
    me = os.getpid()

    def slow_elsewhere(number):
        time.sleep(0.01 if os.getpid() == me else 1.0)
        return number, os.getpid() == me

    began = time.monotonic()
    answers = list(run_forked(slow_elsewhere, range(4), n_jobs=2))
    assert time.monotonic() - began < 1.9, "two calls there take two seconds"
    assert answers == [(0, False), (1, True), (2, True), (3, True)]
    assert not multiprocessing.active_children()


def test_no_more_is_asked_for_than_a_few_ahead():
    asked = []

    def numbers():
        for number in count():
            asked.append(number)
            yield number

    answers = run_forked(lambda number: number, numbers(), n_jobs=2)
    for number in range(50):
        assert next(answers) == number
        assert len(asked) < number + 50
    answers.close()
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("n_jobs", [2, 3])
def test_arguments_and_answers_larger_than_a_pipe_do_not_block(n_jobs):
    texts = [chr(97 + k) * 3_000_000 for k in range(8)]
    assert list(run_forked(str.upper, texts, n_jobs=n_jobs)) == [text.upper() for text in texts]


def test_small_arguments_with_answers_larger_than_a_pipe_do_not_block():
    assert [len(text) for text in run_forked(lambda k: "x" * 3_000_000, range(12), n_jobs=2)] == [3_000_000] * 12


@pytest.mark.parametrize("n_jobs", [1, 2, 3])
@pytest.mark.parametrize("bad", [0, 1, 2, 7])
def test_what_a_call_raises_is_raised_in_its_turn(n_jobs, bad):
    def fails(number):
        if number == bad:
            raise ValueError(f"number {number}")
        return number

    answers = run_forked(fails, range(20), n_jobs=n_jobs)
    assert [next(answers) for _ in range(bad)] == list(range(bad))
    with pytest.raises(ValueError, match=f"^number {bad}$"):
        next(answers)
    assert not multiprocessing.active_children()


def test_what_cannot_be_sent_back_is_an_error_and_not_silence():
    me = os.getpid()

    def returns_a_function(number):
        return number if os.getpid() == me else lambda: number

    with pytest.raises(WorkerError, match="cannot be sent"):
        list(run_forked(returns_a_function, range(10), n_jobs=2))


def test_a_process_that_ends_is_told_of():
    me = os.getpid()

    def ends(number):
        if os.getpid() != me:
            os._exit(3)
        time.sleep(0.01)
        return number

    with pytest.raises(WorkerError, match=r"a process was killed, .* take fewer --jobs"):
        list(run_forked(ends, range(10), n_jobs=3))
    assert not multiprocessing.active_children()
