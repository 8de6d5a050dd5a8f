"""One thread inside a scope, the settings from before once the last scope has ended, turns, and memory."""

from __future__ import annotations

import multiprocessing
import os
import platform
import subprocess
import sys
import threading
from contextlib import ExitStack, contextmanager

import cv2
import pytest
from sklearn.svm import SVC  # noqa: F401  loads OpenMP
from threadpoolctl import ThreadpoolController, threadpool_info, threadpool_limits

from classic_eyes._utils import resources
from classic_eyes._utils.resources import map_in_threads, memory_of_tree_mb, n_cores, one_thread, peak_memory_mb, turn

only_glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other allocators behave differently")


def settings() -> dict[str, int]:
    """Return the number of threads of OpenCV and of each library, as this thread sees them.

    But for the BLAS inside the wheels of OpenCV: no function sets its number.
    """
    found = {each["filepath"]: each["num_threads"] for each in threadpool_info() if "opencv" not in each["filepath"]}
    return {"OpenCV": cv2.getNumThreads()} | found


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
    # OpenMP has settings for each thread. The next scope in this one is the first again, and restores them.
    with one_thread():
        assert set(settings().values()) == {1}
    assert set(settings().values()) == {2}


def test_scope_closed_in_another_thread_leaves_that_thread_its_settings():
    scope = one_thread()
    scope.__enter__()
    seen = []

    def close():
        with threadpool_limits(1, user_api="openmp"):
            scope.__exit__(None, None, None)
            seen.extend(found["num_threads"] for found in threadpool_info() if found["user_api"] == "openmp")

    thread = threading.Thread(target=close)
    thread.start()
    thread.join()
    assert set(seen) == {1}
    with one_thread():
        pass


def test_limits_of_the_caller_around_and_inside_a_scope_hold():
    with threadpool_limits(3):
        with one_thread():
            assert {found["num_threads"] for found in threadpool_info()} == {1}
            with threadpool_limits(2):
                assert {found["num_threads"] for found in threadpool_info()} == {2}
        assert {found["num_threads"] for found in threadpool_info()} == {3}
    assert set(settings().values()) == {2}


def test_numbers_that_the_caller_sets_inside_a_scope_stay():
    with one_thread():
        cv2.setNumThreads(3)
    assert cv2.getNumThreads() == 3


def test_limits_that_a_caller_ends_inside_a_scope_are_not_brought_back():
    limits = threadpool_limits(3)
    scope = one_thread()
    with scope:
        limits.restore_original_limits()
    assert set(settings().values()) == {2}


def test_a_thread_that_holds_limits_does_not_keep_the_others_from_one_thread():
    """threadpoolctl lets one thread set OpenBLAS, and ignores the others."""
    seen = []

    def compute():
        with one_thread():
            seen.extend(found["num_threads"] for found in threadpool_info() if found["user_api"] == "blas")

    with threadpool_limits(2):
        thread = threading.Thread(target=compute)
        thread.start()
        thread.join()
        assert {found["num_threads"] for found in threadpool_info()} == {2}
    assert set(seen) == {1}


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system does not fork")


@contextmanager
def busy_elsewhere(scope):
    """Keep a scope open in another thread."""
    entered, done = threading.Event(), threading.Event()

    def hold():
        with scope:
            entered.set()
            done.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    assert entered.wait(10)
    yield
    done.set()
    thread.join()


def in_a_fork(check):
    """Return the exit status of a forked process: 0 where the check holds, 1 where not, 2 where it hangs."""
    pid = os.fork()
    if pid == 0:
        watch = threading.Timer(20, lambda: os._exit(2))
        watch.daemon = True
        watch.start()
        try:
            os._exit(0 if check() else 1)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@needs_fork
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_forked_process_has_the_settings_from_before_the_scopes_of_other_threads():
    def in_child():
        before = cv2.getNumThreads()
        with one_thread():
            inside = cv2.getNumThreads()
        return (before, inside, cv2.getNumThreads()) == (2, 1, 2)

    with busy_elsewhere(one_thread()):
        assert cv2.getNumThreads() == 1
        assert in_a_fork(in_child) == 0
        assert cv2.getNumThreads() == 1
    assert set(settings().values()) == {2}


@needs_fork
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_process_forked_inside_a_scope_stays_in_it():
    scope = one_thread()

    def in_child():
        inside = cv2.getNumThreads()
        scope.__exit__(None, None, None)
        return (inside, cv2.getNumThreads()) == (1, 2)

    with busy_elsewhere(one_thread()), scope:
        assert in_a_fork(in_child) == 0


# -- turns --


def test_a_turn_computes_in_one_thread_and_ends_with_an_error():
    def fail(brief):
        with turn(brief=brief):
            raise KeyError(*set(settings().values()))

    for brief in (True, False) * (n_cores() + 1):
        with pytest.raises(KeyError, match="1"):
            fail(brief)
    assert set(settings().values()) == {2}


def most_at_once(brief):
    """Return how many of eight threads have a turn at once."""
    lock, ready = threading.Lock(), threading.Barrier(8)
    now, most = 0, 0

    def compute():
        nonlocal now, most
        ready.wait(10)
        for _ in range(20):
            with turn(brief=brief):
                with lock:
                    now += 1
                    most = max(most, now)
                threading.Event().wait(0.001)
                with lock:
                    now -= 1

    running = [threading.Thread(target=compute) for _ in range(8)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return most


def test_brief_turns_come_one_by_one_and_long_ones_as_many_as_cores():
    assert most_at_once(True) == 1
    assert most_at_once(False) == min(8, n_cores())


@pytest.mark.parametrize("outer", [True, False])
def test_a_turn_inside_a_turn_does_not_wait(outer):
    with turn(brief=outer), turn(brief=True), turn(brief=False):
        pass
    with turn(brief=True):
        pass


def test_a_brief_turn_does_not_wait_for_long_ones():
    with ExitStack() as busy:
        for _ in range(n_cores()):
            busy.enter_context(busy_elsewhere(turn(brief=False)))
        with turn(brief=True):
            assert cv2.getNumThreads() == 1


@needs_fork
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_forked_process_does_not_wait_for_turns_of_threads_that_it_does_not_have():
    def in_child():
        with turn(brief=True):
            return cv2.getNumThreads() == 1

    with busy_elsewhere(turn(brief=True)):
        assert in_a_fork(in_child) == 0


def test_libraries_are_searched_again_only_after_an_import(monkeypatch):
    searched = []

    def search():
        searched.append(1)
        return ThreadpoolController()

    monkeypatch.setattr(resources, "ThreadpoolController", search)
    resources._libraries.cache_clear()
    with one_thread():
        with one_thread():
            assert len(searched) == 1
        monkeypatch.setitem(sys.modules, "a_new_module", resources)
        with one_thread():
            assert len(searched) == 2
            assert set(settings().values()) == {1}
    assert set(settings().values()) == {2}
    resources._libraries.cache_clear()


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


def output_of(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout


@only_glibc
def test_freed_memory_is_kept():
    """Arrays of a batch get pages from the system once, not every time."""
    code = (
        "import resource, numpy as np\n"
        "from classic_eyes._utils.resources import keep_freed_memory\n"
        "faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "def work():\n"
        "    before = faults()\n"
        "    for _ in range(20): np.ones(2_000_000, np.uint8)\n"
        "    return faults() - before\n"
        "fresh = work()\n"
        "keep_freed_memory()\n"
        "work()\n"
        "print(fresh, work())"
    )
    fresh, kept = map(int, output_of(code).split())
    assert fresh > 20 * kept


@only_glibc
def test_freed_memory_is_returned_before_a_fork():
    code = (
        "import numpy as np\n"
        "from pathlib import Path\n"
        "from classic_eyes._utils.resources import keep_freed_memory, make_ready_to_fork\n"
        "held = lambda: int(Path('/proc/self/statm').read_text().split()[1]) * 4096 >> 20\n"
        "keep_freed_memory()\n"
        "arrays = [np.ones(1 << 20, np.uint8) for _ in range(12)]\n"
        "del arrays\n"
        "before = held()\n"
        "make_ready_to_fork()\n"
        "print(before - held())"
    )
    assert int(output_of(code)) >= 8


def test_peak_memory_is_that_of_a_python_process():
    assert peak_memory_mb() is None or 10 < peak_memory_mb() < 100_000


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux reports it")
def test_memory_of_a_tree_includes_the_children():
    code = "import sys; held = bytearray(b'x') * (50 << 20); print('ready', flush=True); sys.stdin.read()"
    alone = memory_of_tree_mb(os.getpid())
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        child.stdout.readline()
        assert 50 < memory_of_tree_mb(child.pid) < 100
        assert memory_of_tree_mb(os.getpid()) > alone + 45
        child.stdin.close()
    assert memory_of_tree_mb(child.pid) == 0
