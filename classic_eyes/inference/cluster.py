"""A Dask cluster as a joblib backend, with the same version of the library and the model on every worker."""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .._utils.dependencies import pip_install
from .._version import __version__
from ..errors import ClusterError, MissingDependencyError, ParameterError

__all__ = ["connected"]

# Seconds to wait for the scheduler, and for its first worker.
_SCHEDULER_TIMEOUT = 10
_WORKER_TIMEOUT = 60
_ADDRESS = "use the address that dask scheduler printed, such as tcp://host:8786"


@contextmanager
def connected(scheduler: str, model: Any) -> Iterator[Any]:
    """Connect to the cluster at an address and yield a backend for `joblib.Parallel`.

    1. Check that a scheduler answers, that it has a worker, and that every worker has this version of the library.
    2. Send the model, an argument of the later tasks, to each worker once. The loss of a worker does not lose it.
    """
    try:
        from distributed import Client, KilledWorker
        from joblib import parallel_config
    except ImportError as error:
        raise MissingDependencyError(
            f"backend 'dask' needs the package distributed; {pip_install('distributed')}"
        ) from error
    # With another address a client would fail only after its time is out, and with a traceback.
    if not re.fullmatch(r"((tcp|tls|ws|wss)://)?[^\s/]+:\d+", scheduler):
        raise ParameterError(f"scheduler is {scheduler!r}; {_ADDRESS}")
    # A client that failed to start refers to itself. Collected while another starts, both would wait forever.
    gc.collect()
    try:
        client = Client(scheduler, timeout=_SCHEDULER_TIMEOUT, set_as_default=False)
    except Exception as error:
        # Of any kind: on a busy machine, even an assertion about its own threads.
        raise ParameterError(f"scheduler {scheduler!r} does not answer ({_one_line(error)}); {_ADDRESS}") from error
    with client:
        _check_workers(client)
        # Left before the yield: a generator must not change the configuration of its caller.
        with parallel_config(backend="dask", client=client, scatter=[model]) as config:
            backend = config["backend"]
        try:
            yield backend
        except KilledWorker as error:
            raise ClusterError(
                "several workers died over the same images; their logs state why (often too little memory, or a file "
                f"that crashes the decoder): {_one_line(error)}"
            ) from error


def _check_workers(client: Any) -> None:
    try:
        client.wait_for_workers(1, timeout=_WORKER_TIMEOUT)
        versions = client.run(_version)
    except TimeoutError as error:
        raise ClusterError(f"the scheduler has no worker after {_WORKER_TIMEOUT} s; start one: dask worker") from error
    except Exception as error:
        raise ClusterError(
            f"a worker cannot run classic-eyes ({_one_line(error)}); install version {__version__} on every worker"
        ) from error
    for worker, version in versions.items():
        if version != __version__:
            raise ClusterError(
                f"worker {worker} has classic-eyes {version}, this is {__version__}; install the same version"
            )


def _version() -> str:
    return __version__


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
