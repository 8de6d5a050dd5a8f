"""A Dask cluster as joblib's back-end: connected, of our version, with the model on every worker."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .._version import __version__
from ..errors import ClusterError, MissingDependencyError, ParameterError

__all__ = ["connected"]

# Seconds.
_TO_ANSWER = 10
_FOR_WORKERS = 60


def _version() -> str:
    return __version__


@contextmanager
def connected(scheduler: str, model: Any) -> Iterator[Any]:
    """Connect to a cluster and lay a model down on every worker.

    1. The scheduler must answer within 10 seconds, and have a worker within 60.
    2. Every worker must have the library, in this version.
    3. The model goes to each of them once, and not with every chunk; with one copy each, the loss of a worker is not
       that of the model.

    Parameters
    ----------
    scheduler : str
        Its address, as ``dask scheduler`` prints it.
    model : picklable object
        An argument of the tasks to come; it is known again by its identity.

    Yields
    ------
    joblib back-end
        For `joblib.Parallel`.

    Raises
    ------
    ParameterError
        For an address that is none, or that does not answer.
    ClusterError
        For a cluster without workers, workers without the library or of another version, and one that breaks down.
    MissingDependencyError
        Without the extra ``distributed``.
    """
    from joblib import parallel_config

    try:
        from distributed import Client, KilledWorker
    except ImportError as error:
        raise MissingDependencyError(
            "backend 'dask' needs the package distributed; pip install 'classic-eyes[distributed]'"
        ) from error
    # A client that never started refers to itself: thrown away while another starts, both would wait for ever.
    gc.collect()
    try:
        client = Client(scheduler, timeout=_TO_ANSWER, set_as_default=False)
    except Exception as error:
        # Whatever keeps a client from starting, an assertion about its own threads on a busy machine too.
        raise ParameterError(
            f"scheduler {scheduler!r} does not answer ({_line(error)}); name the address that dask scheduler printed, "
            "such as tcp://host:8786"
        ) from error
    with client:
        _check_workers(client)
        # Left at once: a generator must not change the configuration of whoever reads from it.
        with parallel_config(backend="dask", client=client, scatter=[model]) as config:
            backend = config["backend"]
        try:
            yield backend
        except KilledWorker as error:
            raise ClusterError(
                "workers died again and again over the same images; their logs say why (often too little memory, or "
                f"a file that their decoder cannot bear): {_line(error)}"
            ) from error


def _check_workers(client: Any) -> None:
    try:
        client.wait_for_workers(1, timeout=_FOR_WORKERS)
        versions = client.run(_version)
    except TimeoutError as error:
        raise ClusterError(f"the scheduler has no worker after {_FOR_WORKERS} s; start some (dask worker)") from error
    except Exception as error:
        raise ClusterError(
            f"a worker cannot run classic-eyes ({_line(error)}); install version {__version__} on every one"
        ) from error
    for worker, version in versions.items():
        if version != __version__:
            raise ClusterError(f"worker {worker} has classic-eyes {version}, this is {__version__}; install the same")


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
