"""Shared by the tests of the commands: folders of eyes, a small model, the standard error on a terminal."""

from __future__ import annotations

import csv
import fcntl
import io
import os
import pty
import shutil
import struct
import subprocess
import termios
from pathlib import Path

import pytest

from ..conftest import main, write_eyes


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture
def folder(tmp_path) -> Path:
    """Thirty eyes, and one in a subfolder with an ending in capitals."""
    write_eyes(tmp_path / "eyes", 30, random_state=4)
    (tmp_path / "eyes" / "sub").mkdir()
    shutil.copy(tmp_path / "eyes" / "007.png", tmp_path / "eyes" / "sub" / "A.PNG")
    return tmp_path / "eyes"


@pytest.fixture
def predict(small_model):
    """``classic-eyes predict`` with the small model."""

    def call(*arguments: object) -> int:
        return main("predict", *arguments, "--model", small_model.with_suffix(".npz"))

    return call


def shown_on_a_terminal(command: list[object]) -> bytes:
    """Return what a command writes to a standard error that is a terminal."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=follower) as running:
        os.close(follower)
        shown = b""
        while True:
            try:
                part = os.read(leader, 65536)
            except OSError:
                break
            if not part:
                break
            shown += part
        os.close(leader)
    assert running.returncode == 0
    return shown
