"""The arithmetic of docs/scale.md is that of the speeds, prices and sizes that the page states."""

from __future__ import annotations

import re

import pytest

from tools.write_tables import tables_in, value

from ..conftest import ROOT

TEXT = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
MILLION, BILLION = 10_000_000, 10_000_000_000
PER_SHARD = 10_000


def stated(pattern: str) -> float:
    """Return a number of the page, which states it once."""
    (found,) = re.findall(pattern, TEXT)
    return float(found.replace(",", ""))


def table(name: str) -> dict[str, dict[str, str]]:
    """Return the rows of a table by their first cell."""
    (head, *rows), *_ = tables_in(TEXT.split(f"<!-- {name} -->\n")[1])
    return {row[0]: dict(zip(head[1:], row[1:], strict=True)) for row in rows}


def per_core(model: str) -> float:
    """Return the images a second of one core, half of what two predict."""
    return value("speed", f"{model}: folder to CSV, 2 jobs", "a second") / 2


PER_HOUR = stated(r"costs some \$([\d.]+) an hour")
PER_THOUSAND_READS = stated(r"\$([\d.]+) a thousand cost")


def minutes(n: int, model: str, cores: int) -> str:
    whole = round(n / per_core(model) / cores / 60)
    return f"{whole} minute{'s' * (whole != 1)}"


@pytest.mark.parametrize("model", ["fast", "default"])
def test_ten_million_images(model):
    rows = table("ten million")
    hours = MILLION / per_core(model) / 3600
    assert rows["core hours"][f"`{model}`"] == f"{hours:.2f}"
    assert rows["two cores"][f"`{model}`"] == minutes(MILLION, model, 2)
    assert rows["sixteen cores"][f"`{model}`"] == minutes(MILLION, model, 16)
    assert rows["cost of the cores"][f"`{model}`"] == f"${hours * PER_HOUR:.2f}"


@pytest.mark.parametrize("model", ["fast", "default"])
def test_ten_billion_images(model):
    rows = table("ten billion")
    hours = BILLION / per_core(model) / 3600
    assert rows["core hours"][f"`{model}`"] == f"{hours:.0f}"
    assert rows["a thousand cores"][f"`{model}`"] == minutes(BILLION, model, 1000)
    assert rows["cost of the cores"][f"`{model}`"] == f"${hours * PER_HOUR:.0f}"
    reads = BILLION / 1000 * PER_THOUSAND_READS
    assert rows["reads from an object store, one each"][f"`{model}`"] == f"${reads:,.0f}"
    assert rows["reads of tar files of ten thousand"][f"`{model}`"] == f"${reads / PER_SHARD:.2f}"


def test_reads_of_ten_million_images():
    assert f"cost ${MILLION / 1000 * PER_THOUSAND_READS:.0f}, more than" in TEXT
    seconds = stated(r"A read takes some (\d+) ms") / 1000
    at_a_time = stated(r"a worker with (\d+) requests at a time")
    assert at_a_time / seconds == pytest.approx(stated(r"gets ([\d,]+) images a\s+second"), rel=0.1)
    size = stated(r"files of\s+some (\d+) bytes")
    member = 512 + -(-size // 512) * 512
    assert f"{size:.0f} bytes become {member:,.0f} and all of them {member * MILLION / 1e9:.0f} GB" in TEXT
    assert f"a thousand reads of {member * PER_SHARD / 1e6:.0f} MB" in TEXT
    assert f"{size * MILLION / 1e9:.0f} GB of images" in TEXT


def test_one_writer_and_one_scheduler():
    row = stated(r"writes a row in some (\d+) us") / 1e6
    assert 1 / row == stated(r"us: ([\d,]+) a second at best")
    assert BILLION * row / 3600 == pytest.approx(stated(r"at best, ([\d.]+)\s+hours"), abs=0.05)
    tasks = BILLION / stated(r"At ([\d,]+) images each that is two and a half million")
    assert tasks == 2_500_000
    found = re.search(r"million tasks, ([\d,]+) a second\s+for (\d+) minutes", TEXT)
    assert found is not None
    assert f"{found[2]} minutes" == minutes(BILLION, "default", 1000)
    assert float(found[1].replace(",", "")) == pytest.approx(tasks / int(found[2]) / 60, rel=0.03)
