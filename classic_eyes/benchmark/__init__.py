"""How good, how sure and how fast: scenarios run over data sets under a protocol, and the verdict on two runs."""

from __future__ import annotations

from .compare import RULES, Change, compare_results
from .label_curve import CURVE_ORDERS, CURVE_SIZES, Curve, judge_label_curve
from .run import NOTES, Settings, count_steps, run_benchmark
from .scenarios import SCENARIOS, HaarBaseline, Scenario, choose_scenarios, recipe_of
from .store import ScenarioStore, processor_name, read_results, write_json
from .strangers import DETECTORS, judge_novelty, not_eyes
from .validation import Readable, agreed_by_all, cross_validate, read_labelled, read_usable, summarise_parts
from .workers import TaskError
from .workloads import (
    Protocol,
    Workload,
    folder_workload,
    parse_protocol,
    rendered_workload,
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
    "Readable",
    "Scenario",
    "ScenarioStore",
    "Settings",
    "TaskError",
    "Workload",
    "agreed_by_all",
    "choose_scenarios",
    "compare_results",
    "count_steps",
    "cross_validate",
    "folder_workload",
    "judge_label_curve",
    "judge_novelty",
    "not_eyes",
    "parse_protocol",
    "processor_name",
    "read_labelled",
    "read_results",
    "read_usable",
    "recipe_of",
    "rendered_workload",
    "run_benchmark",
    "summarise_parts",
    "trained_elsewhere_workload",
    "write_json",
]
