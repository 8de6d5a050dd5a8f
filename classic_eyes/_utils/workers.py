"""Tasks that each run in a new process, so that the memory of one is not counted for another."""

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

# Imported once by the server that forks the processes. Not this package: its location depends on the caller's path.
_PRELOADED = ["numpy", "cv2", "joblib", "sklearn.ensemble", "sklearn.linear_model", "sklearn.neighbors", "sklearn.svm"]


class TaskError(ClassicEyesError, RuntimeError):
    """A task failed, or its process died. The message is one line."""


def _serve(connection: Connection, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    # Ctrl-C reaches every process of a terminal. The main process ends the others, without their tracebacks.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        reply = (True, function(*arguments))
    except Exception as error:  # raised in the main process as a TaskError
        kind = "" if isinstance(error, ClassicEyesError) else f"{type(error).__name__}: "
        reply = (False, kind + " ".join(str(error).split()))
    connection.send(reply)
    connection.close()


@contextmanager
def _delay_ctrl_c() -> Iterator[None]:
    """Delay Ctrl-C while a process starts: interrupted then, it would print a traceback of its own."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    delayed: list[tuple[Any, ...]] = []
    before = signal.signal(signal.SIGINT, lambda *arguments: delayed.append(arguments))
    try:
        with _block_ctrl_c():
            yield
    finally:
        signal.signal(signal.SIGINT, before)
    if delayed and callable(before):
        before(*delayed[0])


@contextmanager
def _block_ctrl_c() -> Iterator[None]:
    """Block Ctrl-C in processes started here; the server inherits the mask, and so does what it forks."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # Started together with the server, the tracker would lift the mask too early.
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
    # A fork of a server that has imported the libraries and nothing else is fast and starts with the same memory.
    if "forkserver" in multiprocessing.get_all_start_methods():
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(_PRELOADED)
        return context
    return multiprocessing.get_context("spawn")


def run_tasks(function: Callable[..., Any], tasks: Iterable[tuple[Any, ...]], *, n_jobs: int) -> Iterator[Any]:
    """Yield ``function(*task)`` for each task, in order, each computed in a new process, `n_jobs` at a time.

    The function is one of a module's top level. The first task in order that failed raises a `TaskError`. The other
    processes are ended then, as they are when the caller stops early.
    """
    context: Any = _context()
    pending = list(enumerate(tasks))[::-1]
    # By pipe, of another class on Windows.
    running: dict[Any, tuple[int, Any]] = {}
    results: dict[int, Any] = {}
    following = 0
    try:
        while pending or running:
            while pending and len(running) < n_jobs:
                number, task = pending.pop()
                with _delay_ctrl_c():
                    ours, process = _start(context, function, task)
                    running[ours] = (number, process)
            for ready in wait(list(running)):
                number, process = running.pop(ready)
                results[number] = _receive(ready, process)
            while following in results:
                # In order, so that the failure that is raised does not depend on the speed of the tasks.
                if isinstance(result := results.pop(following), TaskError):
                    raise result
                yield result
                following += 1
    finally:
        for connection, (_, process) in running.items():
            process.terminate()
            process.join()
            connection.close()


def _receive(connection: Any, process: Any) -> Any:
    """Return the result of a task, or its failure as a `TaskError`."""
    try:
        succeeded, result = connection.recv()
    except EOFError:
        process.join()
        return TaskError(f"the process ended with {process.exitcode} and no result; out of memory?")
    finally:
        connection.close()
    process.join()
    return result if succeeded else TaskError(result)
