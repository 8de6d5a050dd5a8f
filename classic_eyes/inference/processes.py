"""Chunks in threads, or in forked processes: no start-up, no copy of the model, and no interpreter to share."""

from __future__ import annotations

import multiprocessing
import pickle
import signal
import sys
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from typing import Any

from .._utils.memory import make_ready_to_fork
from ..errors import WorkerError

__all__ = ["can_fork", "run_forked", "run_threads"]

# Calls that a forked process has at a time: the one it makes, and the next, so that it need not wait for it.
_A_HELPER = 2
# Answers kept, for each process, while one before them is missing; they are some kilobytes each.
_KEPT = 16
# Bytes that a pipe is to take while nobody reads: a call of a thousand long paths, and one more.
_PIPE = 1 << 20


def can_fork() -> bool:
    """Say whether processes are forked here without harm.

    Returns
    -------
    bool
        True on Linux; elsewhere the system's own libraries do not bear it.

    Examples
    --------
    >>> can_fork() == sys.platform.startswith("linux")
    True
    """
    return sys.platform.startswith("linux")


@contextmanager
def _no_warning() -> Iterator[None]:
    with warnings.catch_warnings():
        # Python warns of every thread, and those of BLAS, which sleep, look after themselves when forked.
        warnings.filterwarnings("ignore", message=".*multi-threaded, use of fork", category=DeprecationWarning)
        yield


def run_forked(function: Callable[[Any], Any], arguments: Iterable[Any], *, n_jobs: int) -> Iterator[Any]:
    """Call a function in forked processes and in this one, in order, a few calls ahead of what is asked for.

    1. This process makes the calls that no other is free for, so one process less is forked: forking, and ending what
       was forked, takes as long as some hundred images.
    2. At the end it also makes those that another has been given and not begun; what the other makes of them later is
       thrown away.

    Parameters
    ----------
    function : callable
        It is inherited and need not be pickled; what it returns is. The same for the same argument: it may be called
        twice.
    arguments : iterable
        One for each call, pickled.
    n_jobs : int
        Processes, this one among them, 1 or more.

    Yields
    ------
    object
        What each call returned.

    Raises
    ------
    WorkerError
        If a forked process is killed, for example by the system for want of memory.

    Examples
    --------
    >>> list(run_forked(lambda number: -number, range(3), n_jobs=2)) if can_fork() else [0, -1, -2]
    [0, -1, -2]
    """
    helpers: list[_Helper] = []
    make_ready_to_fork()
    try:
        for _ in range(n_jobs - 1):
            helpers.append(_Helper(function, helpers))
        yield from _Shared(function, helpers).answers(arguments)
    except (EOFError, BrokenPipeError, ConnectionResetError) as error:
        raise WorkerError("a process was killed, perhaps for want of memory; take fewer --jobs") from error
    finally:
        for helper in helpers:
            helper.end()


class _Helper:
    """A forked process that calls a function with what it is given, one after the other."""

    def __init__(self, function: Callable[[Any], Any], others: Sequence[_Helper]) -> None:
        context = multiprocessing.get_context("fork")
        theirs, self._give = context.Pipe(duplex=False)
        self._room = _widen(self._give)
        self.answers, back = context.Pipe(duplex=False)
        # Who keeps an end of a pipe open that is not theirs would never learn that its owner is gone.
        not_theirs = [self._give, self.answers, *(end for other in others for end in (other._give, other.answers))]
        self._process = context.Process(target=_help, args=(function, theirs, back, not_theirs), daemon=True)
        with _no_warning():
            self._process.start()
        theirs.close()
        back.close()
        self.given: deque[int] = deque()

    def takes(self, payload: bytes) -> bool:
        """Say whether it has a hand free, and whether a call is sent without waiting for an answer first."""
        return len(self.given) < (1 if len(payload) >= self._room else _A_HELPER)

    def give(self, number: int, payload: bytes) -> None:
        self._give.send_bytes(payload)
        self.given.append(number)

    def no_more(self) -> None:
        self._give.close()

    def end(self) -> None:
        self._give.close()
        self.answers.close()
        self._process.terminate()
        self._process.join()


def _widen(end: Connection) -> int:
    """Make a pipe take more while nobody reads, if the system lets us; return half of what it takes."""
    import fcntl  # there is none but where processes are forked

    with suppress(OSError):  # the system's own limit for those who are not root
        fcntl.fcntl(end.fileno(), fcntl.F_SETPIPE_SZ, _PIPE)
    return fcntl.fcntl(end.fileno(), fcntl.F_GETPIPE_SZ) // 2


def _help(function: Callable[[Any], Any], given: Connection, back: Connection, not_mine: list[Connection]) -> None:
    # Ctrl-C reaches every process of a terminal; the one that forked the others ends them.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for end in not_mine:
        end.close()
    # The pipe ends, or breaks, when the process that forked this one has no more to do, or is gone.
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            back.send_bytes(_packed(_outcome(function, given.recv())))


def _packed(outcome: tuple[Any, Exception | None]) -> bytes:
    try:
        return pickle.dumps(outcome)
    except Exception as error:  # pickle raises what it likes
        return pickle.dumps((None, WorkerError(f"an answer of a forked process cannot be sent back: {error}")))


def _outcome(function: Callable[[Any], Any], argument: Any) -> tuple[Any, Exception | None]:
    """Return what a call returns and None, or None and what it raises, which is raised in its turn."""
    try:
        return function(argument), None
    except Exception as error:
        return None, error


class _Shared:
    """Calls of which helpers make as many as they have hands for, and this process the rest."""

    def __init__(self, function: Callable[[Any], Any], helpers: Sequence[_Helper]) -> None:
        self._function = function
        self._helpers = helpers
        self._outcomes: dict[int, tuple[Any, Exception | None]] = {}
        self._asked: dict[int, Any] = {}
        self._following = 0

    def answers(self, arguments: Iterable[Any]) -> Iterator[Any]:
        number = -1
        for number, argument in enumerate(arguments):
            self._collect(wait_for=0)
            yield from self._in_turn()
            while len(self._outcomes) > _KEPT * len(self._helpers):
                self._collect(wait_for=None)
                yield from self._in_turn()
            self._call(number, argument)
        for helper in self._helpers:
            helper.no_more()
        yield from self._in_turn()
        while self._following <= number:
            waiting = self._next_in_hand()
            self._collect(wait_for=None if waiting is None else 0)
            yield from self._in_turn()
            if waiting is not None and waiting in self._asked:
                self._outcomes[waiting] = _outcome(self._function, self._asked.pop(waiting))

    def _call(self, number: int, argument: Any) -> None:
        if self._helpers:
            payload = pickle.dumps(argument)
            helper = min(self._helpers, key=lambda helper: len(helper.given))
            if helper.takes(payload):
                helper.give(number, payload)
                self._asked[number] = argument
                return
        self._outcomes[number] = _outcome(self._function, argument)

    def _next_in_hand(self) -> int | None:
        """Return the first call that a helper has not begun: nobody waits for it who can make it as well."""
        in_hand = (number for helper in self._helpers for number in list(helper.given)[1:])
        return min((number for number in in_hand if number in self._asked), default=None)

    def _collect(self, *, wait_for: float | None) -> None:
        busy = [helper for helper in self._helpers if helper.given]
        ready = wait([helper.answers for helper in busy], wait_for)
        for helper in busy:
            if helper.answers in ready:
                number, outcome = helper.given.popleft(), helper.answers.recv()
                # Unless this process has made the call itself meanwhile.
                if number in self._asked:
                    del self._asked[number]
                    self._outcomes[number] = outcome

    def _in_turn(self) -> Iterator[Any]:
        while self._following in self._outcomes:
            answer, error = self._outcomes.pop(self._following)
            self._following += 1
            if error is not None:
                raise error
            yield answer


def run_threads(function: Callable[[Any], Any], arguments: Iterable[Any], *, n_jobs: int) -> Iterator[Any]:
    """Call a function in threads, in order, a few calls ahead of what is asked for.

    Whoever stops early, by Ctrl-C too, waits for the calls that have begun: a process that ends while a thread computes
    in OpenCV is aborted by the C++ library.

    Parameters
    ----------
    function : callable
        Called with one argument.
    arguments : iterable
        One for each call.
    n_jobs : int
        Threads, 1 or more.

    Yields
    ------
    object
        What each call returned.

    Examples
    --------
    >>> list(run_threads(lambda number: -number, range(3), n_jobs=2))
    [0, -1, -2]
    """
    yield from _in_order(ThreadPoolExecutor(n_jobs), function, arguments, 2 * n_jobs)


def _in_order(
    pool: Executor, function: Callable[[Any], Any], arguments: Iterable[Any], most_ahead: int
) -> Iterator[Any]:
    ahead: deque[Future[Any]] = deque()
    try:
        for argument in arguments:
            with _no_warning():
                ahead.append(pool.submit(function, argument))
            if len(ahead) > most_ahead:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
