"""Numbers as the benchmark report writes them."""

from __future__ import annotations

from benchmarks.report.text import file_size, interval, quantity, signed


def test_quantity_has_three_significant_digits():
    values = (12345, 45.23, 3.4, 0.0412, 0, 999.9, None, float("nan"))
    expected = ["12,300", "45.2", "3.40", "0.0412", "0", "1,000", "\N{EN DASH}", "\N{EN DASH}"]
    assert [quantity(value) for value in values] == expected


def test_sign_is_written_where_there_is_one():
    assert [signed(value) for value in (0.012, -0.012, 0, 0.0001)] == [
        "+0.012",
        "\N{MINUS SIGN}0.012",
        "0.000",
        "0.000",
    ]


def test_interval_is_empty_where_it_is_not_defined():
    assert interval({"low": 0.9512, "high": 0.9734}) == "0.951\N{EN DASH}0.973"
    assert interval({"low": -0.01, "high": 0.02}, 2) == "\N{MINUS SIGN}0.01 to 0.02"
    assert interval({"low": None, "high": 1.0}) == interval(None) == ""


def test_file_size_is_in_kilobytes_or_megabytes():
    assert [file_size(value) for value in (1_234_567, 45_600, None)] == ["1.23 MB", "45.6 kB", "\N{EN DASH}"]
