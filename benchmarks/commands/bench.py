"""Measure accuracy, calibration and speed of features, classifiers and recipes on data sets; compare two runs."""

from __future__ import annotations

import re
import shlex
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from joblib import cpu_count
from numpy.typing import NDArray
from tqdm import tqdm

from benchmarks.commands import make_out_folder, print_failed
from benchmarks.compare import compare_results
from benchmarks.run import Settings, count_steps, run_benchmark
from benchmarks.scenarios import Scenario, choose_scenarios
from benchmarks.store import ScenarioStore, read_results, write_json
from benchmarks.tables import benchmark_markdown, benchmark_table, comparison_table
from benchmarks.workloads import (
    Protocol,
    Workload,
    folder_workload,
    parse_protocol,
    synthetic_workload,
    train_test_workload,
)
from classic_eyes import EyeClassifier
from classic_eyes.cli.arguments import (
    check_out,
    existing_file,
    names,
    natural_number,
    positive_integer,
    random_seed,
    views,
)
from classic_eyes.datasets import read_votes
from classic_eyes.errors import ParameterError
from classic_eyes.features import EXTRACTORS
from classic_eyes.images import SIZE
from classic_eyes.recipes import RECIPES
from classic_eyes.training.pipelines import CLASSIFIERS

# By --quick.
SYNTHETIC = {False: 600, True: 200}
SETTINGS = {False: Settings(), True: Settings(n_resamples=200, rounds=3, timed=200)}
FOLDS = {False: 5, True: 3}


def _protocol(text: str) -> Protocol:
    try:
        return parse_protocol(text)
    except ParameterError as error:
        raise ArgumentTypeError(str(error)) from error


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of ``bench.py``."""
    parser.description = (
        f"{parser.description}\n\nWithout --features the default features together are evaluated; with names, each "
        "alone and all together;\nwith 'all', the whole table of scenarios. The Haar cascade of OpenCV is always "
        "evaluated, too.\nExit status 1: a scenario failed, an image could not be read, or --compare found a change "
        "for the worse."
    )
    what = parser.add_argument_group("scenarios")
    what.add_argument(
        "--features",
        type=views,
        metavar="A,B/C",
        help=f"of {', '.join(EXTRACTORS)}, or all for the whole table; a slash separates views",
    )
    what.add_argument(
        "--classifiers", type=names, default=(), metavar="A,B", help=f"of {', '.join(CLASSIFIERS)}; default: svm"
    )
    what.add_argument("--recipe", choices=tuple(RECIPES), help="also this recipe, as train and EyeClassifier use it")
    what.add_argument(
        "--copies",
        type=natural_number,
        default=2,
        metavar="N",
        help="augmented copies of each image, but for recipes; default: 2",
    )
    what.add_argument(
        "--components",
        type=positive_integer,
        default=300,
        metavar="N",
        help="principal components of each view, but for recipes; default: 300",
    )
    data = parser.add_argument_group("data")
    data.add_argument(
        "--data",
        nargs="+",
        metavar="PATH",
        default=[],
        help="labelled folders, each evaluated alone; default: synthetic eyes",
    )
    data.add_argument("--labels", type=existing_file, metavar="CSV", help="file,label[,group] for a single PATH")
    data.add_argument("--labelled-only", action="store_true", help="leave out images without a label")
    data.add_argument(
        "--raters", metavar="CSV", help="column file, and a column of labels a rater: also evaluate where all agree"
    )
    data.add_argument(
        "--protocol",
        type=_protocol,
        action="append",
        metavar="P",
        help="cv, leave-people-out or train:PATH,test:PATH; may be repeated; default: cv",
    )
    data.add_argument("--folds", type=positive_integer, metavar="N", help="folds of cv; default: 5, with --quick 3")
    data.add_argument(
        "--every",
        type=positive_integer,
        default=1,
        metavar="N",
        help="use only every N-th image of groups of more than N",
    )
    data.add_argument("--seed", type=random_seed, default=0, metavar="N", help="default: 0")
    how = parser.add_argument_group("run and output")
    how.add_argument("--quick", action="store_true", help="fewer folds, bootstrap samples, timings, synthetic eyes")
    how.add_argument("--jobs", type=positive_integer, metavar="N", help="trainings at a time; default: one per core")
    how.add_argument("--out", metavar="DIR", help="write results.json and report.html, and each finished scenario")
    how.add_argument("--force", action="store_true", help="replace the files of an earlier run")
    how.add_argument("--resume", action="store_true", help="reuse unchanged scenarios that an earlier run left in DIR")
    how.add_argument("--markdown", metavar="FILE", help="write tables as Markdown, and curves as SVG beside it")
    how.add_argument("--remark", metavar="TEXT", help="a sentence about the runs for the --markdown document")
    finished = parser.add_argument_group("finished runs, without running anything")
    finished.add_argument(
        "--from", dest="runs", nargs="+", metavar="RESULTS.json", help="combine runs into one --markdown FILE"
    )
    finished.add_argument(
        "--compare",
        nargs=2,
        metavar=("OLD.json", "NEW.json"),
        help="print what is better, worse or the same. Speed (over_decode, the tables' x decode) has changed beyond a "
        "ratio of 1.2; it is comparable only if nothing else ran",
    )


def _check(arguments: Namespace) -> None:
    if arguments.labels is not None and len(arguments.data) != 1:
        raise ParameterError(f"--labels {arguments.labels} goes with one PATH after --data, not {len(arguments.data)}")
    if arguments.resume and arguments.out is None:
        raise ParameterError("--resume needs --out DIR; name the folder of the earlier run")
    if arguments.runs is not None and arguments.markdown is None:
        raise ParameterError("--from combines runs into a document; name it with --markdown FILE")
    if arguments.remark is not None and arguments.markdown is None:
        raise ParameterError("--remark goes into a document; name it with --markdown FILE")
    kinds = {protocol.kind for protocol in arguments.protocol or ()}
    if arguments.data and kinds == {"train"}:
        raise ParameterError(
            "--protocol train:PATH,test:PATH names its own folders; leave --data out, or add --protocol cv for it"
        )
    if arguments.folds == 1:
        raise ParameterError("--folds 1 leaves no training data; it must be 2 or more")
    _check_outputs(arguments)


def _check_outputs(arguments: Namespace) -> None:
    """Make the folder of the results; nothing that an earlier run wrote is replaced without ``--force``."""
    force, resume = arguments.force, arguments.resume
    if arguments.out is not None:
        make_out_folder(arguments.out, "results.json", "report.html", force=force, resume=resume)
        n_stored = ScenarioStore(_scenarios(arguments)).n_stored()
        if n_stored and not (force or resume):
            raise ParameterError(
                f"--out {arguments.out!r} holds {n_stored} finished parts of another run; continue it with --resume, "
                "replace them with --force, or name another folder"
            )
    if arguments.markdown is not None:
        read = [name for name in (arguments.labels, arguments.raters, *(arguments.runs or ())) if name is not None]
        check_out(arguments.markdown, force=force or resume, read=read, option="--markdown")


def _scenarios(arguments: Namespace) -> Path | None:
    return None if arguments.out is None else Path(arguments.out) / "scenarios"


# -- data --


def _workloads(arguments: Namespace) -> list[Workload]:
    votes = None if arguments.raters is None else read_votes(arguments.raters)
    folds = arguments.folds or FOLDS[arguments.quick]
    size = SIZE if arguments.recipe is None else EyeClassifier.from_recipe(arguments.recipe).gate_size
    works = []
    for protocol in arguments.protocol or [Protocol("cv")]:
        if protocol.kind == "train":
            pair = (protocol.train, protocol.test)
            works.append(
                train_test_workload(
                    *pair, every=arguments.every, votes=votes, size=size, labelled_only=arguments.labelled_only
                )
            )
        elif not arguments.data:
            n = SYNTHETIC[arguments.quick]
            works.append(synthetic_workload(n, kind=protocol.kind, folds=folds, random_state=arguments.seed))
        else:
            works += [
                folder_workload(
                    path,
                    labels=arguments.labels,
                    kind=protocol.kind,
                    folds=folds,
                    every=arguments.every,
                    votes=votes,
                    size=size,
                    labelled_only=arguments.labelled_only,
                    random_state=arguments.seed,
                )
                for path in arguments.data
            ]
    for work in works:
        if work.synthetic:
            print(f"no --data: {len(work.evaluated)} synthetic eyes, which tell little about photographs", flush=True)
        print_failed(work.failed)
    return works


# -- the run --


@contextmanager
def _progress(works: Sequence[Workload], scenarios: Sequence[Scenario]) -> Iterator[Any]:
    total = count_steps(works, scenarios)
    with tqdm(total=total, unit=" steps", disable=not sys.stderr.isatty(), file=sys.stderr) as bar:

        def advance(name: str, steps: int) -> None:
            bar.set_postfix_str(name, refresh=False)
            bar.update(steps)

        yield advance


def _run(works: list[Workload], scenarios: list[Scenario], arguments: Namespace) -> dict[str, Any]:
    settings = replace(
        SETTINGS[arguments.quick],
        n_copies=arguments.copies,
        n_components=arguments.components,
        seed=arguments.seed,
    )
    folder = _scenarios(arguments)
    store = ScenarioStore(folder, resume=arguments.resume)
    n_stored = store.n_stored()
    try:
        with _progress(works, scenarios) as progress:
            results = run_benchmark(
                works,
                scenarios,
                settings,
                n_jobs=arguments.jobs or cpu_count(),
                store=store,
                maps=arguments.out is not None,
                progress=progress,
            )
    except KeyboardInterrupt:
        if folder is not None:
            print(f"bench.py: finished scenarios are in {folder}; --resume reuses them", file=sys.stderr)
        raise
    if arguments.resume:
        others = "" if store.n_reused == n_stored else f" of {n_stored}; the others have other arguments, data or code"
        print(f"bench.py: reused {store.n_reused} finished parts from {folder}{others}", file=sys.stderr)
    return {**results, "command": _command(arguments), "quick": arguments.quick}


def _command(arguments: Namespace) -> str:
    return shlex.join(["python", "bench.py", *arguments.argv])


# -- output --


def _thumbnails(works: Sequence[Workload], results: dict[str, Any]) -> dict[str, NDArray[np.uint8]]:
    data_names = (data["name"] for data in results["datasets"])
    return {name: work.images[work.evaluated] for name, work in zip(data_names, works, strict=True)}


def _write(results: dict[str, Any], works: Sequence[Workload], arguments: Namespace) -> None:
    if arguments.out is not None:
        from benchmarks.report.page import write_report

        out = Path(arguments.out)
        write_json(out / "results.json", results)
        write_report(results, out / "report.html", _thumbnails(works, results))
        print(f"wrote {out / 'results.json'} and {out / 'report.html'}", file=sys.stderr)
    if arguments.markdown is not None:
        _write_markdown([results], arguments)


def _write_markdown(runs: Sequence[dict[str, Any]], arguments: Namespace) -> None:
    from benchmarks.report.curves import render_curves

    document = Path(arguments.markdown)
    figures: list[str | None] = []
    # Figures of the document that is replaced are replaced too; others are not.
    replaces = document.exists()
    try:
        for data in (data for results in runs for data in results["datasets"]):
            curves = render_curves(data)
            name = None if curves is None else _figure_name(document, data["name"], figures, replaces=replaces)
            figures.append(name)
            if name is not None and curves is not None:
                document.with_name(name).write_text(curves, encoding="utf-8")
        text = benchmark_markdown(runs, figures, _command(arguments), arguments.remark)
        document.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ParameterError(f"--markdown {str(document)!r} cannot be written: {error.strerror}") from error
    written = [str(document), *(str(document.with_name(figure)) for figure in figures if figure is not None)]
    print(f"wrote {', '.join(written)}", file=sys.stderr)


def _figure_name(document: Path, dataset: str, taken: Sequence[str | None], *, replaces: bool) -> str:
    slug = f"{document.stem}-" + (re.sub(r"[^a-z0-9]+", "-", dataset.lower()).strip("-") or "data")
    name, number = f"{slug}.svg", 2
    while name in taken or (not replaces and document.with_name(name).exists()):
        name, number = f"{slug}-{number}.svg", number + 1
    return name


def _compare(old_file: str, new_file: str) -> int:
    old, new = read_results(old_file), read_results(new_file)
    changes = compare_results(old, new)
    for what, before, after in (
        ("seed", old.get("seed"), new.get("seed")),
        ("processor", old.get("machine", {}).get("processor"), new.get("machine", {}).get("processor")),
    ):
        if before != after:
            print(f"bench.py: OLD has {what} {before} and NEW {after}; this may explain changes", file=sys.stderr)
    print(comparison_table(changes))
    return int(any(change.verdict == "worse" for change in changes))


def work(arguments: Namespace) -> int:
    """Run ``bench.py``: 0; 1 if a scenario failed, an image could not be read, or a comparison finds it worse."""
    if arguments.compare is not None:
        return _compare(*arguments.compare)
    _check(arguments)
    if arguments.runs is not None:
        _write_markdown([read_results(run) for run in arguments.runs], arguments)
        return 0
    scenarios = choose_scenarios(arguments.features, arguments.classifiers, arguments.recipe)
    works = _workloads(arguments)
    results = _run(works, scenarios, arguments)
    print(benchmark_table(results), flush=True)
    _write(results, works, arguments)
    failed = [entry for data in results["datasets"] for entry in data["scenarios"] if entry["error"]]
    return int(bool(failed) or any(each.failed for each in works))
