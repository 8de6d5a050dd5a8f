"""Cluster images without labels in many ways, and say which way to believe."""

from __future__ import annotations

import math
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.clustering.evaluation import evaluate_consensus, evaluate_criteria, evaluate_held_out, evaluate_measured
from benchmarks.clustering.settings import FEATURE_SETS, Measured, Setting, measure
from benchmarks.clustering.tuning import CRITERIA, require_optuna, tune
from classic_eyes.classifier import EyeClassifier
from classic_eyes.cli.arguments import existing_file, known_views, names, natural_number, positive_integer, random_seed
from classic_eyes.cli.tables import aligned, markdown
from classic_eyes.cli.train import read_sets
from classic_eyes.datasets import EyeSet, LoadedSet, concatenate, load_images
from classic_eyes.errors import ParameterError
from classic_eyes.semisupervised import (
    CLUSTERERS,
    MIN_IMAGES,
    VIEW_FEATURES,
    Consensus,
    Knowledge,
    View,
    find_consensus,
    gather_knowledge,
    make_view,
)
from classic_eyes.training.pipelines import build_pipeline, split_views

_HEAD = ("clusterer", "features", "silhouette", "sizes", "seeds", "resamples", "mirror", "agreement")
_EVALUATION = "accuracy (evaluation)"


def _numbers(text: str) -> tuple[int, ...]:
    try:
        found = tuple(positive_integer(part) for part in names(text))
    except ArgumentTypeError as error:
        raise ArgumentTypeError(f"{text!r} is not a list of whole numbers from 1; write for example 16,64") from error
    return found


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of ``classic-eyes cluster``.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Gets the arguments.
    """
    parser.add_argument("paths", nargs="+", metavar="PATH", help="folders of images; labels in them are not looked at")
    parser.add_argument(
        "--labels",
        type=existing_file,
        metavar="CSV",
        help="true labels of a single PATH, for nothing but the columns marked as evaluation",
    )
    parser.add_argument(
        "--evaluate", action="store_true", help="the same with the labels that the folders themselves hold"
    )
    parser.add_argument(
        "--features",
        type=known_views,
        metavar="A,B/C",
        help="sets of features, parted by slashes; default: " + "/".join(",".join(each) for each in FEATURE_SETS),
    )
    parser.add_argument(
        "--clusterers", type=names, default=tuple(CLUSTERERS), metavar="A,B", help=f"of {', '.join(CLUSTERERS)}"
    )
    parser.add_argument(
        "--components", type=_numbers, default=(32,), metavar="N,M", help="principal components; default: 32"
    )
    parser.add_argument("--not-mirrored", action="store_true", help="cluster without mirror images")
    parser.add_argument("--tune", type=natural_number, default=0, metavar="N", help="search N settings with Optuna")
    parser.add_argument(
        "--trained",
        type=natural_number,
        default=0,
        metavar="N",
        help="evaluation: with N seeds, train on four fifths of the groups without labels, judge on the rest",
    )
    parser.add_argument(
        "--given",
        type=natural_number,
        default=0,
        metavar="N",
        help="with --trained: give N of the true labels, and judge what these alone are worth",
    )
    parser.add_argument("--every", type=positive_integer, default=1, metavar="N", help="one image in N; default: 1")
    parser.add_argument("--seed", type=random_seed, default=0, metavar="N", help="default: 0")
    parser.add_argument("--format", choices=("table", "markdown"), default="table", help="default: table")


@dataclass(frozen=True, eq=False)
class _Ground:
    """What all settings share."""

    data: LoadedSet
    truth: NDArray[np.int8] | None
    views: dict[tuple[str, ...], View]
    knowledge: Knowledge
    consensus: Consensus


def _feature_sets(arguments: Namespace) -> list[tuple[str, ...]]:
    if arguments.features is None:
        return list(FEATURE_SETS)
    chosen = [tuple(view) for view in split_views(arguments.features)]
    for view in chosen:
        build_pipeline(view)  # refuses unknown names before anything is read
    return chosen


def _checked_settings(arguments: Namespace) -> list[Setting]:
    unknown = [name for name in arguments.clusterers if name not in CLUSTERERS]
    if unknown:
        raise ParameterError(f"--clusterers {unknown[0]!r} is not known; known are {', '.join(CLUSTERERS)}")
    return [
        Setting(features, clusterer, n_components, not arguments.not_mirrored)
        for n_components in arguments.components
        for clusterer in arguments.clusterers
        for features in _feature_sets(arguments)
    ]


def _read(arguments: Namespace) -> tuple[LoadedSet, list[Any]]:
    sets = read_sets(arguments.paths, arguments.labels)
    read = [load_images(eyes.take(np.arange(0, len(eyes), arguments.every))) for eyes in sets]
    failed = [failure for part in read for failure in part.failed]
    joined: EyeSet = concatenate([part.eyes for part in read])
    return LoadedSet(joined, np.concatenate([part.images for part in read]), tuple(failed)), failed


def _prepare(data: LoadedSet, arguments: Namespace) -> _Ground:
    evaluated = arguments.labels is not None or arguments.evaluate
    if evaluated and not (data.eyes.labels >= 0).any():
        raise ParameterError("--evaluate needs true labels, and the folders hold none; give them with --labels CSV")
    if arguments.trained and not evaluated:
        raise ParameterError(
            "--trained judges by true labels; give --labels CSV, or --evaluate where the folders hold them"
        )
    if arguments.given and not arguments.trained:
        raise ParameterError(f"--given {arguments.given} goes with --trained N; give both, or neither")
    if len(data.images) < MIN_IMAGES:
        raise ParameterError(f"{len(data.images)} images are too few to cluster; {MIN_IMAGES} are needed")
    knowledge = gather_knowledge(data.images, random_state=arguments.seed)
    wanted = dict.fromkeys([*_feature_sets(arguments), *FEATURE_SETS, *VIEW_FEATURES])
    views = {each: make_view(data.images, each, random_state=arguments.seed) for each in wanted}
    consensus = find_consensus([views[each] for each in VIEW_FEATURES], knowledge)
    return _Ground(data, data.eyes.labels if evaluated else None, views, knowledge, consensus)


def _figure(value: float, decimals: int = 3) -> str:
    return "-" if math.isnan(value) else f"{value:.{decimals}f}"


def _row(found: Measured, truth: NDArray[np.int8] | None) -> list[str]:
    sizes = " ".join(f"{size:,}" for size in found.sizes[:3]) + (" ..." if len(found.sizes) > 3 else "")
    setting = found.setting
    cells = [
        setting.clusterer,
        f"{'+'.join(setting.features)} {setting.n_components}" + ("" if setting.mirrored else ", not mirrored"),
        _figure(found.silhouette, 4),
        sizes + (f" ({found.noise:,} noise)" if found.noise else ""),
        *(_figure(value) for value in (found.seeds, found.resamples, found.mirror, found.agreement)),
    ]
    return cells if truth is None else [*cells, _figure(evaluate_measured(found, truth))]


def _consensus_rows(ground: _Ground) -> list[list[str]]:
    view = ground.views[VIEW_FEATURES[0]].leading(32)
    if ground.truth is None:
        kept = float((ground.consensus.unanimous >= 0).mean())
        return [["consensus of views", "kept"], ["unanimous", _figure(kept)], ["majority", _figure(1.0)]]
    told = evaluate_consensus(ground.consensus, view, ground.truth)
    head = ["consensus of views", "kept", "silhouette", "purity (evaluation)"]
    return [
        head,
        *(
            [name, _figure(row["kept"]), _figure(row["silhouette"], 4), _figure(row["purity"])]
            for name, row in told.items()
        ),
    ]


def _criteria_rows(many: Sequence[Measured], truth: NDArray[np.int8]) -> list[list[str]]:
    head = ["chosen by", "rank correlation with accuracy", "chosen", _EVALUATION, "short of the best"]
    return [
        head,
        *(
            [name, _figure(row["rank correlation"], 2), row["chosen"], _figure(row["accuracy"]), _figure(row["short"])]
            for name, row in evaluate_criteria(many, truth).items()
        ),
    ]


def _tuned_rows(ground: _Ground, arguments: Namespace) -> list[list[str]]:
    rows = [[f"best of {arguments.tune} by", "setting", "agreement", "silhouette"]]
    if ground.truth is not None:
        rows[0].append(_EVALUATION)
    for by in CRITERIA:
        print(f"searching {arguments.tune} settings by {by} ...", file=sys.stderr)
        found = tune(
            ground.views,
            ground.consensus,
            ground.knowledge,
            by=by,
            n_trials=arguments.tune,
            random_state=arguments.seed,
        )[0]
        cells = [by, found.setting.name, _figure(found.agreement), _figure(found.silhouette, 4)]
        rows.append(cells if ground.truth is None else [*cells, _figure(evaluate_measured(found, ground.truth))])
    return rows


def _trained_rows(ground: _Ground, arguments: Namespace) -> list[list[str]]:
    assert ground.truth is not None  # checked before
    eyes, images, n_given = ground.data.eyes, ground.data.images, arguments.given
    told = []
    for seed in range(arguments.seed, arguments.seed + arguments.trained):
        print(f"learning with {n_given or 'no'} labels, seed {seed} ...", file=sys.stderr)
        clf = EyeClassifier(random_state=seed)
        told.append(
            evaluate_held_out(clf, images, ground.truth, eyes.groups, n_given=n_given, random_state=seed)
            | {"seed": str(seed)}
        )
    told += [
        {"seed": name} | {key: float(of([one[key] for one in told])) for key in ("same", "held_out", "alone")}
        for name, of in (("mean", np.mean), ("worst", np.min))
    ]
    head = ["seed", "on the same images", "on the groups kept back", "by the given alone", "n kept back", "trust"]
    return [
        head,
        *(
            [
                one["seed"],
                _figure(one["same"]),
                _figure(one["held_out"]) + (f" ({one['low']:.3f}-{one['high']:.3f})" if "low" in one else ""),
                _figure(one["alone"]),
                str(one.get("n", "")),
                _figure(one["trust"], 2) if "trust" in one else "",
            ]
            for one in told
        ),
    ]


def work(arguments: Namespace) -> int:
    """Run ``classic-eyes cluster``.

    Parameters
    ----------
    arguments : argparse.Namespace
        As `add_arguments` declares them.

    Returns
    -------
    int
        0 all read; 1 done, but some images could not be read.
    """
    settings = _checked_settings(arguments)
    if arguments.tune:
        require_optuna()
    data, failed = _read(arguments)
    for name, reason in failed:
        print(f"classic-eyes: left out {name}: {reason}", file=sys.stderr)
    print(f"{len(data.images)} images; features and knowledge ...", file=sys.stderr)
    ground = _prepare(data, arguments)
    many = []
    for setting in settings:
        print(f"{setting.name} ...", file=sys.stderr)
        many.append(
            measure(
                setting, ground.views[setting.features], ground.consensus, ground.knowledge, random_state=arguments.seed
            )
        )
    head = list(_HEAD) if ground.truth is None else [*_HEAD, _EVALUATION]
    tables = [[head, *(_row(found, ground.truth) for found in many)], _consensus_rows(ground)]
    if ground.truth is not None and len(many) > 2:
        tables.append(_criteria_rows(many, ground.truth))
    if arguments.tune:
        tables.append(_tuned_rows(ground, arguments))
    if arguments.trained:
        tables.append(_trained_rows(ground, arguments))
    for table in tables:
        print("\n".join(aligned(table) if arguments.format == "table" else markdown(table)) + "\n")
    chosen = max(many, key=lambda found: found.agreement)
    print(
        f"to be believed: {chosen.setting.name}, the greatest agreement with views of other features "
        f"({chosen.agreement:.3f}); silhouette and stability do not tell (docs/no-labels.md)"
    )
    start = ground.consensus.start
    print(
        f"trust of the consensus: {start.trust:.2f} (views agree with kappa {start.agreement:.2f}), "
        "what train would begin from"
    )
    return 1 if failed else 0
