"""Measure the service on the loopback address: requests a second, p95, and memory; ``load_test.py --help``."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from argparse import ArgumentParser, Namespace
from http.client import HTTPConnection
from pathlib import Path

import cv2
import numpy as np

from classic_eyes._utils.resources import memory_of_tree_mb
from classic_eyes.synthetic import make_eyes

FOLDER = Path(__file__).resolve().parent
HEADERS = {"content-type": "image/jpeg"}


def main() -> int:
    """Start the service, load it, and print a row for each number of clients."""
    arguments = parse()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "app:app", "--port", str(port), "--log-level", "warning"]
    command += ["--limit-concurrency", "1000", "--workers", str(arguments.workers)]
    environment = {**os.environ, "CLASSIC_EYES_MODEL": arguments.model}
    service = subprocess.Popen(command, cwd=FOLDER, env=environment)
    try:
        wait_for(port, service)
        images = [cv2.imencode(".jpg", image)[1].tobytes() for image in make_eyes(64, random_state=0).images]
        print("| clients | requests a second | p95 | errors |\n|---|---|---|---|", flush=True)
        for n_clients in arguments.clients:
            run(port, images, n_clients, seconds=0.3)
            print(row(n_clients, *run(port, images, n_clients, seconds=arguments.seconds)), flush=True)
        if arguments.requests:
            print("\n| after requests | resident memory |\n|---|---|", flush=True)
            for before, share in ((0, 0), (0, 0.1), (0.1, 0.5), (0.5, 1)):
                n = round(share * arguments.requests)
                run(port, images, 8, requests=n - round(before * arguments.requests))
                print(f"| {n:,} | {memory_of_tree_mb(service.pid):.0f} MB |", flush=True)
    finally:
        service.terminate()
        service.wait()
    return 0


def parse() -> Namespace:
    """Read the arguments."""
    parser = ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 32], metavar="N", help="default: 1 8 32")
    parser.add_argument("--seconds", type=float, default=10, help="for each number of clients; default: 10")
    parser.add_argument("--requests", type=int, default=0, metavar="N", help="and the memory after so many requests")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes of uvicorn; default: 1")
    parser.add_argument("--model", default="default", help="default: default")
    return parser.parse_args()


def wait_for(port: int, service: subprocess.Popen[bytes]) -> None:
    """Wait until the service answers."""
    for _ in range(300):
        if service.poll() is not None:
            sys.exit(f"the service ended with status {service.returncode}")
        try:
            connection = HTTPConnection("127.0.0.1", port)
            connection.request("GET", "/health")
            connection.getresponse().read()
        except OSError:
            time.sleep(0.1)
        else:
            return
    sys.exit("the service does not answer")


def run(
    port: int, images: list[bytes], n_clients: int, *, seconds: float = np.inf, requests: float = np.inf
) -> tuple[list[float], float, int]:
    """Return the seconds of each request, those of the run, and the number of errors; clients never pause."""
    took: list[float] = []
    failed: list[int] = []
    began = time.perf_counter()

    def client(number: int) -> None:
        connection = HTTPConnection("127.0.0.1", port)
        for k in range(number, sys.maxsize, n_clients):
            start = time.perf_counter()
            if start - began > seconds or k >= requests:
                break
            connection.request("POST", "/patches", images[k % len(images)], HEADERS)
            answer = connection.getresponse()
            answer.read()
            took.append(time.perf_counter() - start)
            if answer.status != 200:
                failed.append(answer.status)
        connection.close()

    threads = [threading.Thread(target=client, args=(number,)) for number in range(n_clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return took, time.perf_counter() - began, len(failed)


def row(n_clients: int, took: list[float], seconds: float, n_failed: int) -> str:
    """Return a row of the table."""
    p95 = 1000 * np.percentile(took, 95)
    return f"| {n_clients} | {len(took) / seconds:,.0f} | {p95:.1f} ms | {n_failed} |"


if __name__ == "__main__":
    sys.exit(main())
