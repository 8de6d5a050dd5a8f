"""One thread inside a scope, and the settings from before once the last scope has ended."""

from __future__ import annotations

import multiprocessing
import sys
import threading

import cv2
import pytest
from sklearn.svm import SVC  # noqa: F401  loads OpenMP
from threadpoolctl import ThreadpoolController, threadpool_info

from classic_eyes._utils import threads
from classic_eyes._utils.threads import map_in_threads, one_thread


def settings() -> dict[str, int]:
    """Return the number of threads of OpenCV and of each library, as this thread sees them."""
    return {"OpenCV": cv2.getNumThreads()} | {found["filepath"]: found["num_threads"] for found in threadpool_info()}


@pytest.fixture(autouse=True)
def two_threads():
    """Settings of two threads for each library, so that a limit shows."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(2)
    with ThreadpoolController().limit(limits=2):
        assert set(settings().values()) == {2}
        yield
    cv2.setNumThreads(before)


def test_scope_limits_to_one_thread_and_restores():
    with one_thread():
        assert set(settings().values()) == {1}
    assert set(settings().values()) == {2}


def test_nested_scopes_restore_at_the_end_of_the_outer():
    with one_thread():
        with one_thread():
            assert set(settings().values()) == {1}
        assert set(settings().values()) == {1}
    assert set(settings().values()) == {2}


def test_settings_are_restored_after_an_exception():
    with pytest.raises(KeyError), one_thread():
        raise KeyError
    assert set(settings().values()) == {2}


def test_decorated_function_runs_in_a_scope():
    assert set(one_thread()(settings)().values()) == {1}
    assert set(settings().values()) == {2}


def test_overlapping_scopes_of_one_thread_restore_at_the_end_of_the_last():
    """Two generators: the first to start is the first to end."""
    first, second = one_thread(), one_thread()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert set(settings().values()) == {1}
    second.__exit__(None, None, None)
    assert set(settings().values()) == {2}


def test_overlapping_scopes_of_two_threads_restore_at_the_end_of_the_last():
    second_open, first_closed = threading.Event(), threading.Event()
    seen = []

    def second():
        with ThreadpoolController().select(user_api="openmp").limit(limits=2):
            with one_thread():
                second_open.set()
                first_closed.wait(10)
                seen.append(settings())
            seen.append(settings())

    thread = threading.Thread(target=second)
    with one_thread():
        thread.start()
        assert second_open.wait(10)
        assert set(settings().values()) == {1}
    first_closed.set()
    thread.join()
    assert [set(each.values()) for each in seen] == [{1}, {2}]
    assert set(settings().values()) == {2}


def test_many_scopes_in_many_threads_restore():
    def enter_and_leave():
        for _ in range(50):
            with one_thread():
                assert cv2.getNumThreads() == 1

    running = [threading.Thread(target=enter_and_leave) for _ in range(4)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    assert set(settings().values()) == {2}


def test_scope_closed_in_another_thread_ends():
    scope = one_thread()
    scope.__enter__()
    thread = threading.Thread(target=scope.__exit__, args=(None, None, None))
    thread.start()
    thread.join()
    assert cv2.getNumThreads() == 2
    # OpenMP has settings for each thread. The next scope in this one is the first again.
    with one_thread():
        assert set(settings().values()) == {1}


def test_libraries_are_searched_again_only_after_an_import(monkeypatch):
    searched = []

    def search():
        searched.append(1)
        return ThreadpoolController()

    monkeypatch.setattr(threads, "ThreadpoolController", search)
    threads._libraries.cache_clear()
    with one_thread():
        with one_thread():
            assert len(searched) == 1
        monkeypatch.setitem(sys.modules, "a_new_module", threads)
        with one_thread():
            assert len(searched) == 2
            assert set(settings().values()) == {1}
    assert set(settings().values()) == {2}
    threads._libraries.cache_clear()


def test_calls_in_threads_keep_their_order_and_compute_in_one_thread():
    def describe(number):
        return number, cv2.getNumThreads()

    assert map_in_threads(describe, range(7)) == [(number, 1) for number in range(7)]


def test_an_error_of_a_call_in_a_thread_is_raised():
    with pytest.raises(ZeroDivisionError):
        map_in_threads(lambda number: 1 / number, [1, 0])


def test_a_child_process_makes_one_call_at_a_time(monkeypatch):
    monkeypatch.setattr(multiprocessing, "parent_process", object)
    here = threading.get_ident()
    assert map_in_threads(lambda _: threading.get_ident(), range(3)) == [here] * 3
