"""How good, how sure and how fast: scenarios run over data sets under a protocol, and the verdict on two runs."""

from __future__ import annotations

from benchmarks.compare import RULES, Change, compare_results
from benchmarks.label_curve import CURVE_ORDERS, CURVE_SIZES, Curve, measure_label_curve
from benchmarks.non_eyes import DETECTORS, evaluate_novelty, not_eyes
from benchmarks.run import NOTES, Settings, count_steps, run_benchmark
from benchmarks.scenarios import SCENARIOS, HaarBaseline, Scenario, choose_scenarios, recipe_of
from benchmarks.store import ScenarioStore, processor_name, read_results, write_json
from benchmarks.workloads import (
    Protocol,
    Workload,
    folder_workload,
    parse_protocol,
    synthetic_workload,
    trained_elsewhere_workload,
)

__all__ = [
    "CURVE_ORDERS",
    "CURVE_SIZES",
    "DETECTORS",
    "NOTES",
    "RULES",
    "SCENARIOS",
    "Change",
    "Curve",
    "HaarBaseline",
    "Protocol",
    "Scenario",
    "ScenarioStore",
    "Settings",
    "Workload",
    "choose_scenarios",
    "compare_results",
    "count_steps",
    "folder_workload",
    "measure_label_curve",
    "evaluate_novelty",
    "not_eyes",
    "parse_protocol",
    "processor_name",
    "read_results",
    "recipe_of",
    "synthetic_workload",
    "run_benchmark",
    "trained_elsewhere_workload",
    "write_json",
]
