"""Measure features and classifiers on data sets: how good, how sure, how fast; and compare two such runs."""

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

from benchmarks import (
    Protocol,
    Scenario,
    ScenarioStore,
    Settings,
    Workload,
    choose_scenarios,
    compare_results,
    count_steps,
    folder_workload,
    parse_protocol,
    processor_name,
    read_results,
    recipe_of,
    run_benchmark,
    synthetic_workload,
    trained_elsewhere_workload,
    write_json,
)
from benchmarks.tables import benchmark_markdown, benchmark_table, comparison_table
from classic_eyes._utils.shipped import SHIPPED_MODELS
from classic_eyes.cli.arguments import existing_file, names, natural_number, positive_integer, random_seed, views
from classic_eyes.cli.info import describe_model
from classic_eyes.datasets import read_votes
from classic_eyes.errors import ModelError, ParameterError
from classic_eyes.features import EXTRACTORS
from classic_eyes.persistence import card_path
from classic_eyes.training.pipelines import CLASSIFIERS

SYNTHETIC, QUICK_SYNTHETIC = 600, 200
SETTINGS = {False: Settings(), True: Settings(n_resamples=200, rounds=3, timed=200)}
FOLDS = {False: 5, True: 3}


def _protocol(text: str) -> Protocol:
    try:
        return parse_protocol(text)
    except ParameterError as error:
        raise ArgumentTypeError(str(error)) from error


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of ``classic-eyes bench``.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Gets the arguments.
    """
    parser.epilog = (
        "Without --features the default features together are judged, with names each alone and all together, with "
        "'all' the whole table of scenarios: each extractor alone, all, all but one, without augmentation, without "
        "flip-averaging, each classifier, the shipped model. The Haar cascade of OpenCV is always there to compare "
        "with. Ends with 1 if a scenario failed, an image could not be read, or --compare finds anything worse."
    )
    what = parser.add_argument_group("what is compared")
    what.add_argument(
        "--features",
        type=views,
        metavar="A,B/C",
        help=f"of {', '.join(EXTRACTORS)}, or all for the whole table; a slash parts views, learnt apart",
    )
    what.add_argument(
        "--classifiers", type=names, default=(), metavar="A,B", help=f"{', '.join(CLASSIFIERS)}; default: svm"
    )
    what.add_argument(
        "--recipe",
        metavar="MODEL",
        help="learn as this model did, by its card: one of those that ship, or a file that train wrote",
    )
    what.add_argument(
        "--copies",
        type=natural_number,
        default=2,
        metavar="N",
        help="varied copies of each image to learn from; default: 2",
    )
    what.add_argument(
        "--components",
        type=positive_integer,
        default=300,
        metavar="N",
        help="principal components of each view; default: 300",
    )
    data = parser.add_argument_group("on which images")
    data.add_argument(
        "--data",
        nargs="+",
        metavar="PATH",
        default=[],
        help="labelled folders, each judged alone; synthetic eyes without",
    )
    data.add_argument("--labels", type=existing_file, metavar="CSV", help="file,label[,group] for a single PATH")
    data.add_argument("--raters", metavar="CSV", help="file and a column a rater: also judge what all of them agree on")
    data.add_argument(
        "--protocol",
        type=_protocol,
        action="append",
        metavar="P",
        help="cv, leave-people-out or train:PATH,test:PATH; may be given several times; default: cv",
    )
    data.add_argument("--folds", type=positive_integer, metavar="N", help="folds of cv; default: 5, with --quick 3")
    data.add_argument(
        "--every",
        type=positive_integer,
        default=1,
        metavar="N",
        help="take every N-th image only of groups of more than N",
    )
    data.add_argument("--seed", type=random_seed, default=0, metavar="N", help="default: 0")
    how = parser.add_argument_group("how")
    how.add_argument("--quick", action="store_true", help="fewer folds, draws, timings and synthetic eyes")
    how.add_argument("--jobs", type=positive_integer, metavar="N", help="trainings at a time; by default one per core")
    how.add_argument("--out", metavar="DIR", help="write results.json and report.html, and each scenario when finished")
    how.add_argument(
        "--resume", action="store_true", help="take up what an earlier run left in DIR, if nothing changed"
    )
    how.add_argument("--remark", metavar="TEXT", help="a sentence about the runs, put into the --markdown document")
    how.add_argument("--markdown", metavar="FILE", help="write tables as Markdown and curves as SVG beside it")
    wait = parser.add_argument_group("how long people wait, instead of all that")
    wait.add_argument(
        "--speed",
        action="store_true",
        help="time models from folder to CSV, from arrays, on one image, from the start; --data takes one folder",
    )
    wait.add_argument(
        "--models",
        type=names,
        metavar="A,B",
        help=f"of {', '.join(SHIPPED_MODELS)}, or .npz files; default: those that ship",
    )
    wait.add_argument("--rounds", type=positive_integer, metavar="N", help="medians are taken of; default: 5")
    wait.add_argument(
        "--many", type=natural_number, metavar="N", help="also the memory of a run over so many images; default: 0"
    )
    parser.add_argument(
        "--novelty",
        action="store_true",
        help="instead of all that: how many textures, faces, letters and noises are told from the eyes of --data, "
        "where one eye in a hundred is taken for none; also with --folds and --seed",
    )
    parser.add_argument(
        "--label-curve",
        action="store_true",
        help="instead of all that: accuracy against the number of labels, at random and in order of worth, by learners "
        "that use the unlabelled rest and others; --out DIR gets the figure; also with --labels, --seed, --quick",
    )
    parser.add_argument(
        "--from",
        dest="runs",
        nargs="+",
        metavar="RESULTS.json",
        help="put finished runs into one --markdown FILE; runs nothing",
    )
    parser.add_argument(
        "--compare",
        nargs=2,
        metavar=("OLD.json", "NEW.json"),
        help="say what is better, worse or the same; runs nothing. Speeds (over_decode, the tables' x decode) count as "
        "changed beyond a ratio of 1.2, and mean something only where nothing else ran",
    )


# -- arguments that do not go together --


def _check(arguments: Namespace) -> None:
    if arguments.labels is not None and len(arguments.data) != 1:
        raise ParameterError(f"--labels {arguments.labels} goes with one PATH after --data, not {len(arguments.data)}")
    if arguments.resume and arguments.out is None:
        raise ParameterError("--resume takes up what is in --out DIR; name the folder of the earlier run")
    if arguments.runs is not None and arguments.markdown is None:
        raise ParameterError("--from puts finished runs into a document; name it with --markdown FILE")
    if arguments.remark is not None and arguments.markdown is None:
        raise ParameterError("--remark goes into a document; name it with --markdown FILE")
    parent = None if arguments.markdown is None else Path(arguments.markdown).absolute().parent
    made_here = arguments.out is not None and parent == Path(arguments.out).absolute()
    if parent is not None and not parent.is_dir() and not made_here:
        raise ParameterError(f"--markdown {arguments.markdown!r}: there is no such folder; make it first")
    kinds = [protocol.kind for protocol in arguments.protocol or ()]
    if arguments.data and kinds and set(kinds) == {"train"}:
        raise ParameterError(
            "--protocol train:PATH,test:PATH names its own folders; leave --data out, or add --protocol cv for it"
        )
    if arguments.folds == 1:
        raise ParameterError("--folds 1 leaves nothing to learn from; 2 or more")
    given = [name for name in ("models", "rounds", "many") if getattr(arguments, name) is not None]
    if given and not arguments.speed:
        raise ParameterError(f"--{given[0]} says how --speed measures; add --speed or leave it out")


def _check_alone(arguments: Namespace, option: str, *also: str) -> None:
    """Refuse what asks for accuracy as well."""
    others = {
        "--features": arguments.features,
        "--classifiers": arguments.classifiers,
        "--recipe": arguments.recipe,
        "--labels": arguments.labels,
        "--raters": arguments.raters,
        "--protocol": arguments.protocol,
        "--folds": arguments.folds,
        "--markdown": arguments.markdown,
        "--resume": arguments.resume,
        "--quick": arguments.quick,
    }
    for other, value in others.items():
        if value and other not in also:
            raise ParameterError(f"{other} does not go with {option}; leave one of them out")


# -- what is judged on --


def _workloads(arguments: Namespace) -> list[Workload]:
    votes = None if arguments.raters is None else read_votes(arguments.raters)
    folds = arguments.folds or FOLDS[arguments.quick]
    works = []
    for protocol in arguments.protocol or [Protocol("cv")]:
        if protocol.kind == "train":
            works.append(trained_elsewhere_workload(protocol.train, protocol.test, every=arguments.every, votes=votes))
        elif not arguments.data:
            n = QUICK_SYNTHETIC if arguments.quick else SYNTHETIC
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
                    random_state=arguments.seed,
                )
                for path in arguments.data
            ]
    return works


def _say_what(works: Sequence[Workload]) -> None:
    for work in works:
        if work.synthetic:
            print(f"no --data: {len(work.judged)} synthetic eyes, which say little about photographs", flush=True)
        for name, reason in work.failed:
            print(f"classic-eyes: left out {name}: {reason}", file=sys.stderr)


def _say_what_differs(old: dict[str, Any], new: dict[str, Any]) -> None:
    for what, before, after in (
        ("seed", old.get("seed"), new.get("seed")),
        ("processor", old.get("machine", {}).get("processor"), new.get("machine", {}).get("processor")),
    ):
        if before != after:
            print(f"classic-eyes: OLD has {what} {before} and NEW {after}; differences may be theirs", file=sys.stderr)


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
    settings = replace(SETTINGS[arguments.quick], n_copies=arguments.copies, seed=arguments.seed)
    settings = replace(settings, n_components=arguments.components)
    folder = None if arguments.out is None else Path(arguments.out) / "scenarios"
    store = ScenarioStore(folder, resume=arguments.resume)
    left = store.n_left()
    if not arguments.resume and left:
        print(f"classic-eyes: {folder} holds {left} finished parts, done anew without --resume", file=sys.stderr)
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
            print(f"classic-eyes: finished scenarios are in {folder}; --resume takes them up", file=sys.stderr)
        raise
    if arguments.resume:
        other = "" if store.n_taken_up == left else f", of {left} there; others are of other arguments, data or code"
        print(f"classic-eyes: {store.n_taken_up} finished parts taken up from {folder}{other}", file=sys.stderr)
    command = shlex.join(["classic-eyes", *arguments.argv])
    return {**results, "command": command, "quick": arguments.quick}


def _thumbnails(works: Sequence[Workload], results: dict[str, Any]) -> dict[str, NDArray[np.uint8]]:
    shown = (data["name"] for data in results["datasets"])
    return {name: work.images[work.judged] for name, work in zip(shown, works, strict=True)}


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
    from benchmarks.report.panel import render_curves

    document = Path(arguments.markdown)
    command = shlex.join(["classic-eyes", *arguments.argv])
    figures: list[str | None] = []
    try:
        for data in (data for results in runs for data in results["datasets"]):
            drawn = render_curves(data)
            name = None if drawn is None else _figure_name(document.stem, data["name"], figures)
            figures.append(name)
            if name is not None and drawn is not None:
                document.with_name(name).write_text(drawn, encoding="utf-8")
        document.write_text(benchmark_markdown(runs, figures, command, arguments.remark), encoding="utf-8")
    except OSError as error:
        raise ParameterError(f"--markdown {str(document)!r} cannot be written: {error.strerror}") from error
    written = [str(document), *(str(document.with_name(figure)) for figure in figures if figure is not None)]
    print(f"wrote {', '.join(written)}", file=sys.stderr)


def _figure_name(stem: str, dataset: str, taken: Sequence[str | None]) -> str:
    slug = f"{stem}-" + (re.sub(r"[^a-z0-9]+", "-", dataset.lower()).strip("-") or "data")
    name, number = f"{slug}.svg", 2
    while name in taken:
        name, number = f"{slug}-{number}.svg", number + 1
    return name


def _recipe(model: str) -> Scenario:
    """Return how a model learnt, and say so: of two recipes the row has one name."""
    about = describe_model(model)
    card = card_path(about["file"])
    if about["card"] is None:
        raise ModelError(f"--recipe {model}: there is no card {str(card)!r} that says how it learnt; train writes one")
    outdated = model in SHIPPED_MODELS and not Path(model).exists() and about["shipped"] != model
    if outdated or not about["card_is_of_this_model"]:
        raise ModelError(
            f"--recipe {model}: the card {str(card)!r} is not of the model that "
            f"{'ships with this version; install classic-eyes again' if outdated else 'lies beside it; train again'}, "
            "or name a model file that has its card beside it"
        )
    row = recipe_of(about["card"])
    print(f"recipe of {about['file']}: {row.told}", file=sys.stderr)
    return row


def _measure_speed(arguments: Namespace) -> None:
    from benchmarks.commands.speed import measure_speed, speed_table

    _check_alone(arguments, "--speed")
    if len(arguments.data) > 1:
        raise ParameterError(f"--speed takes one folder after --data, not {len(arguments.data)}")
    speed = measure_speed(
        arguments.data[0] if arguments.data else None,
        arguments.models or tuple(SHIPPED_MODELS),
        rounds=arguments.rounds or 5,
        n_jobs=arguments.jobs,
        many=arguments.many or 0,
    )
    speed["machine"] = processor_name()
    print(speed_table(speed), flush=True)
    if arguments.out is not None:
        Path(arguments.out).mkdir(parents=True, exist_ok=True)
        write_json(Path(arguments.out) / "speed.json", speed)
        print(f"wrote {Path(arguments.out) / 'speed.json'}", file=sys.stderr)


def _measure_novelty(arguments: Namespace) -> None:
    from benchmarks.commands.non_eyes import measure_novelty, novelty_table

    _check_alone(arguments, "--novelty", "--folds")
    if arguments.speed or arguments.out:
        raise ParameterError(f"{'--speed' if arguments.speed else '--out'} does not go with --novelty; leave one out")
    folds = arguments.folds or FOLDS[False]
    print(novelty_table(measure_novelty(arguments.data, n_splits=folds, random_state=arguments.seed)), flush=True)


def _measure_label_curve(arguments: Namespace) -> None:
    from benchmarks.commands.label_curve import curve_table, draw_curves, measure_label_curve

    _check_alone(arguments, "--label-curve", "--labels", "--quick")
    if arguments.speed or arguments.novelty:
        other = "--speed" if arguments.speed else "--novelty"
        raise ParameterError(f"{other} does not go with --label-curve; leave one out")
    if len(arguments.data) > 1:
        raise ParameterError(f"--label-curve takes one folder after --data, not {len(arguments.data)}")
    name, curves = measure_label_curve(
        arguments.data, arguments.labels, quick=arguments.quick, random_state=arguments.seed, n_jobs=arguments.jobs
    )
    print(curve_table(name, curves), flush=True)
    if arguments.out is not None:
        print(f"wrote {draw_curves(name, curves, arguments.out)}", file=sys.stderr)


def work(arguments: Namespace) -> int:
    """Run ``classic-eyes bench``.

    Parameters
    ----------
    arguments : argparse.Namespace
        As `add_arguments` declares them.

    Returns
    -------
    int
        0; 1 if a scenario failed, an image could not be read, or a comparison finds anything worse.
    """
    if arguments.compare is not None:
        old, new = map(read_results, arguments.compare)
        changes = compare_results(old, new)
        _say_what_differs(old, new)
        print(comparison_table(changes))
        return int(any(change.verdict == "worse" for change in changes))
    _check(arguments)
    if arguments.runs is not None:
        _write_markdown([read_results(run) for run in arguments.runs], arguments)
        return 0
    if arguments.label_curve:
        _measure_label_curve(arguments)
        return 0
    if arguments.novelty:
        _measure_novelty(arguments)
        return 0
    if arguments.speed:
        _measure_speed(arguments)
        return 0
    recipes = [] if arguments.recipe is None else [_recipe(arguments.recipe)]
    scenarios = choose_scenarios(arguments.features, arguments.classifiers, recipes)
    works = _workloads(arguments)
    _say_what(works)
    results = _run(works, scenarios, arguments)
    print(benchmark_table(results), flush=True)
    _write(results, works, arguments)
    failed = [entry for data in results["datasets"] for entry in data["scenarios"] if entry["error"]]
    return int(bool(failed) or any(each.failed for each in works))
