"""Tasks in processes of their own: one each, so that the memory of one is not counted for another."""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any

from ..errors import ClassicEyesError

__all__ = ["TaskError", "run_tasks"]

# Loaded once by the server from which processes are forked; none of ours, whose place depends on the caller's path.
_PRELOADED = ["numpy", "cv2", "joblib", "sklearn.ensemble", "sklearn.linear_model", "sklearn.neighbors", "sklearn.svm"]


class TaskError(ClassicEyesError, RuntimeError):
    """A task failed; the message is one line that says how."""


def _serve(connection: Connection, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    # Ctrl-C reaches every process of a terminal; the one that started the others stops them, without their tracebacks.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        answer = (True, function(*arguments))
    except Exception as error:  # any failure is recorded, and the benchmark goes on
        kind = "" if isinstance(error, ClassicEyesError) else f"{type(error).__name__}: "
        answer = (False, kind + " ".join(str(error).split()))
    connection.send(answer)
    connection.close()


@contextmanager
def _ctrl_c_waits() -> Iterator[None]:
    """Hold Ctrl-C back while a process starts: cut short, it would end in a traceback of its own."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[tuple[Any, ...]] = []
    before = signal.signal(signal.SIGINT, lambda *told: held.append(told))
    try:
        with _masked():
            yield
    finally:
        signal.signal(signal.SIGINT, before)
    if held and callable(before):
        before(*held[0])


@contextmanager
def _masked() -> Iterator[None]:
    """Start processes deaf to Ctrl-C: the mask is inherited by the server, and by what is forked from it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # Started later, together with the server, the tracker would take the mask off in between.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start(context: Any, function: Callable[..., Any], task: tuple[Any, ...]) -> tuple[Connection, Any]:
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_serve, args=(theirs, function, task), daemon=True)
    process.start()
    theirs.close()
    return ours, process


def _context() -> multiprocessing.context.BaseContext:
    # A fork from a server that has loaded the libraries and nothing else is quick and starts from the same memory.
    if "forkserver" in multiprocessing.get_all_start_methods():
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(_PRELOADED)
        return context
    return multiprocessing.get_context("spawn")


def run_tasks(function: Callable[..., Any], tasks: Iterable[tuple[Any, ...]], *, n_jobs: int) -> Iterator[Any]:
    """Call a function for each task, each in a new process, several at a time; the results in order.

    Parameters
    ----------
    function : callable
        Of a module's top level.
    tasks : iterable of tuple
        The arguments of each call.
    n_jobs : int
        Processes at a time, 1 or more.

    Yields
    ------
    object
        What the function returned, in the order of the tasks.

    Raises
    ------
    TaskError
        Where a call failed or its process died. The others are stopped, as they are when the caller stops early.

    Examples
    --------
    >>> import math
    >>> list(run_tasks(math.sqrt, [(4.0,), (9.0,)], n_jobs=2))
    [2.0, 3.0]
    """
    context: Any = _context()
    waiting = list(enumerate(tasks))[::-1]
    # Pipes are of another class on Windows; both are waited for, read and closed alike.
    running: dict[Any, tuple[int, Any]] = {}
    done: dict[int, Any] = {}
    due = 0
    try:
        while waiting or running:
            while waiting and len(running) < n_jobs:
                number, task = waiting.pop()
                with _ctrl_c_waits():
                    ours, process = _start(context, function, task)
                    running[ours] = (number, process)
            for ready in wait(list(running)):
                number, process = running.pop(ready)
                done[number] = _answer(ready, process)
            while due in done:
                # In the order of the tasks, so that it does not depend on their speed which failure is told.
                if isinstance(answer := done.pop(due), TaskError):
                    raise answer
                yield answer
                due += 1
    finally:
        for connection, (_, process) in running.items():
            process.terminate()
            process.join()
            connection.close()


def _answer(connection: Any, process: Any) -> Any:
    """Return what a task answered, or its failure as a `TaskError` that is not raised yet."""
    try:
        fine, answer = connection.recv()
    except EOFError:
        process.join()
        return TaskError(f"the process ended with {process.exitcode} and no answer; out of memory?")
    finally:
        connection.close()
    process.join()
    return answer if fine else TaskError(answer)
