"""Calls of a function spread over threads or forked processes, with the results in order."""

from __future__ import annotations

import multiprocessing
import pickle
import signal
import sys
import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from importlib.util import find_spec
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any

from .._utils.resources import make_ready_to_fork
from ..errors import WorkerError

__all__ = ["can_fork", "run_forked", "run_in_processes", "run_threads"]

# Calls per worker that may be submitted and not yet yielded: one slow call does not stop the others, and memory is
# constant.
_AHEAD = 8


def can_fork() -> bool:
    """Return whether forking is safe. It is on Linux; system libraries of macOS do not survive it."""
    return sys.platform.startswith("linux")


def run_in_processes(
    function: Callable[[Any], Any], arguments: Sequence[Any], *, n_jobs: int
) -> Generator[Any, None, None]:
    """Yield the result of each call, in order, computed in processes, or here if there is only one of them.

    Where forking is not safe, joblib starts them, if it is installed; then the function is pickled too.
    """
    n_jobs = min(n_jobs, len(arguments))
    if n_jobs <= 1 or not (can_fork() or find_spec("joblib")):
        yield from map(function, arguments)
    elif can_fork():
        yield from run_forked(function, arguments, n_jobs=n_jobs)
    else:
        from joblib import Parallel, delayed

        parallel = Parallel(n_jobs=n_jobs, backend="loky", return_as="generator", pre_dispatch=f"{_AHEAD}*n_jobs")
        results = parallel(delayed(function)(argument) for argument in arguments)
        try:
            # "yield from" would close the results before the warning is caught.
            for result in results:  # noqa: UP028
                yield result
        finally:
            with warnings.catch_warnings():
                # joblib warns of work that is lost when the caller stops early.
                warnings.simplefilter("ignore", UserWarning)
                results.close()


def run_threads(
    function: Callable[[Any], Any], arguments: Iterable[Any], *, n_jobs: int, ahead: int = _AHEAD
) -> Iterator[Any]:
    """Yield the result of each call, in order, computed in threads; `ahead` calls a thread wait or have results."""
    pool = ThreadPoolExecutor(n_jobs)
    try:
        yield from _in_order(pool, function, arguments, ahead * n_jobs)
    finally:
        # Waits for running calls: OpenCV aborts a process that ends while one of its threads computes.
        pool.shutdown(cancel_futures=True)


def run_forked(function: Callable[[Any], Any], arguments: Iterable[Any], *, n_jobs: int) -> Iterator[Any]:
    """Yield the result of each call, in order, computed in forked processes.

    1. Fork the processes. They inherit the function, with the model in it. Only arguments and results are pickled.
    2. Run a pool of as many threads. Each sends an argument to an idle process and waits for the result.
    3. At the end, or when the caller stops early, kill the processes.

    `concurrent.futures.ProcessPoolExecutor` is as fast, but it can wait forever after a process was killed: while the
    process sent a result, and before Python 3.11.5 also while arguments were sent to it.
    """
    pool, idle, workers = ThreadPoolExecutor(n_jobs), SimpleQueue[_Worker](), list[_Worker]()

    def call(argument: Any) -> Any:
        worker = idle.get()
        try:
            return worker.call(argument)
        finally:
            idle.put(worker)

    make_ready_to_fork()
    try:
        for _ in range(n_jobs):
            workers.append(_Worker(function))
            idle.put(workers[-1])
        yield from _in_order(pool, call, arguments, _AHEAD * n_jobs)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for worker in workers:
            worker.process.kill()
        # The threads end now: their pipes are broken.
        pool.shutdown()
        for worker in workers:
            worker.process.join()
            worker.pipe.close()


class _Worker:
    """A forked process that calls a function with each argument it receives."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        context = multiprocessing.get_context("fork")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(function, theirs, self.pipe), daemon=True)
        with warnings.catch_warnings():
            # Python warns if other threads run. Those of BLAS are idle and handle a fork themselves.
            warnings.filterwarnings("ignore", message=".*multi-threaded, use of fork", category=DeprecationWarning)
            self.process.start()
        theirs.close()

    def call(self, argument: Any) -> Any:
        try:
            self.pipe.send(argument)
            result, error = self.pipe.recv()
        except (EOFError, ConnectionError) as broken:
            raise WorkerError("a process was killed, perhaps because memory ran out; use fewer --jobs") from broken
        if error is not None:
            raise error
        return result


def _serve(function: Callable[[Any], Any], pipe: Connection, not_ours: Connection) -> None:
    # Ctrl-C reaches every process of a terminal. The main process kills the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # Once the main process is gone, nobody else holds this end, and the pipe breaks. Processes forked earlier follow:
    # the later ones held copies of their ends.
    not_ours.close()
    with suppress(EOFError, ConnectionError):
        while True:
            argument = pipe.recv()
            try:
                reply = pickle.dumps((function(argument), None))
            except Exception as error:  # raised again in the main process
                reply = pickle.dumps((None, error))
            pipe.send_bytes(reply)


def _in_order(
    pool: Executor, function: Callable[[Any], Any], arguments: Iterable[Any], most_ahead: int
) -> Iterator[Any]:
    ahead: deque[Future[Any]] = deque()
    for argument in arguments:
        ahead.append(pool.submit(function, argument))
        if len(ahead) > most_ahead:
            yield ahead.popleft().result()
    while ahead:
        yield ahead.popleft().result()
