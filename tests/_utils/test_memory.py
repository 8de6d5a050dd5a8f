"""Freed memory is kept for later arrays, returned before a fork, and measured."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

from classic_eyes._utils.memory import memory_of_tree_mb, peak_memory_mb

only_glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other allocators behave differently")


def output_of(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout


@only_glibc
def test_freed_memory_is_kept():
    """Arrays of a batch get pages from the system once, not every time."""
    code = (
        "import resource, numpy as np\n"
        "from classic_eyes._utils.memory import keep_freed_memory\n"
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
        "from classic_eyes._utils.memory import keep_freed_memory, make_ready_to_fork\n"
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
