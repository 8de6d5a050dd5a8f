"""The short run of the fuzz: the first cases of ``python -m tests.fuzz``, and every finding that was mended."""

from __future__ import annotations

import io
import zipfile

import pytest

from classic_eyes import fuzz


def npz_of(header: bytes) -> bytes:
    """Return a compiled model, behind the letter of its kind, whose one array has this description."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("header.npy", b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header)
    return b"n" + buffer.getvalue()


# What an hour found, as it was found.
FINDINGS = [
    ("images", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x18\0\0\0\x18\x08\0\0\0\0\xc5\x1cb\xff\xff\xff\0\1IDAT"),
    ("images", b"II+\0" + b"\xf0" * 40),
    ("models", npz_of(b"{'descr': (")),
    ("labels", b"\r\ngroup,label,file,further\nx,OPEN,a.png,1\n\n\nx,0,b.png,2\n"),
]


@pytest.mark.parametrize(("gate", "data"), FINDINGS)
def test_what_was_found_is_mended(gate, data):
    assert fuzz.GATES[gate][1](data) in ("read", "refused")


@pytest.mark.parametrize(("gate", "n"), [("images", 2500), ("labels", 6000), ("models", 500)])
def test_the_first_cases_are_answered_in_one_line(gate, n, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    told = fuzz.run(gate, n)
    assert told.total() == n
    assert min(told["read"], told["refused"]) > n // 100, "the changes are too small or too large to tell anything"


@pytest.mark.parametrize("gate", fuzz.GATES)
def test_the_same_seed_is_the_same_cases(gate):
    first, again, other = (list(fuzz.cases(gate, 8, random_state=seed)) for seed in (3, 3, 4))
    assert first == again != other


@pytest.mark.parametrize("gate", fuzz.GATES)
def test_what_it_starts_from_is_read(gate):
    seeds, ask, _ = fuzz.GATES[gate]
    told = [ask(seed) for seed in seeds()]
    # A joblib file is refused, and so are names outside of the folder.
    assert told.count("refused") <= 2
