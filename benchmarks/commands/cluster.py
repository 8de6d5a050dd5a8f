"""Cluster images without labels in many ways, and choose a way without labels."""

from __future__ import annotations

import math
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.clustering.clusterers import CLUSTERERS
from benchmarks.clustering.evaluation import evaluate_consensus, evaluate_criteria, evaluate_held_out, evaluate_measured
from benchmarks.clustering.settings import FEATURE_SETS, Measurement, Setting, measure
from benchmarks.clustering.tuning import CRITERIA, require_optuna, tune
from benchmarks.commands import print_failed
from classic_eyes import EyeClassifier
from classic_eyes.cli.arguments import existing_file, known_views, names, natural_number, positive_integer, random_seed
from classic_eyes.cli.tables import aligned, markdown
from classic_eyes.datasets import EyeSet, LoadedSet, concatenate, load_images, read_eyes
from classic_eyes.errors import ParameterError
from classic_eyes.semisupervised import VIEW_FEATURES, Consensus, compute_priors, find_consensus, make_view
from classic_eyes.semisupervised.finding import MIN_IMAGES
from classic_eyes.semisupervised.priors import PriorScores
from classic_eyes.semisupervised.views import View
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
    """Declare the arguments of ``bench.py cluster``."""
    parser.add_argument("paths", nargs="+", metavar="PATH", help="folders of images; their labels are not used")
    parser.add_argument(
        "--labels",
        type=existing_file,
        metavar="CSV",
        help="true labels of a single PATH, for the columns marked as evaluation alone",
    )
    parser.add_argument(
        "--evaluate", action="store_true", help="the same with the labels that the folders themselves hold"
    )
    parser.add_argument(
        "--features",
        type=known_views,
        metavar="A,B/C",
        help="sets of features, separated by slashes; default: " + "/".join(",".join(each) for each in FEATURE_SETS),
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
        help="evaluation: with N seeds, train like `train` on 80%% of the groups without labels, evaluate on the rest",
    )
    parser.add_argument(
        "--given",
        type=natural_number,
        default=0,
        metavar="N",
        help="with --trained: give N of the true labels, and evaluate training on these alone, too",
    )
    parser.add_argument("--every", type=positive_integer, default=1, metavar="N", help="one image in N; default: 1")
    parser.add_argument("--seed", type=random_seed, default=0, metavar="N", help="default: 0")
    parser.add_argument("--format", choices=("table", "markdown"), default="table", help="default: table")


@dataclass(frozen=True, eq=False)
class _Context:
    """Shared by all settings."""

    data: LoadedSet
    truth: NDArray[np.int8] | None
    views: dict[tuple[str, ...], View]
    priors: PriorScores
    consensus: Consensus


def _feature_sets(arguments: Namespace) -> list[tuple[str, ...]]:
    if arguments.features is None:
        return list(FEATURE_SETS)
    chosen = [tuple(view) for view in split_views(arguments.features)]
    for view in chosen:
        build_pipeline(view)  # raises for unknown names before images are read
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
    if arguments.labels is not None and len(arguments.paths) > 1:
        raise ParameterError(f"--labels {arguments.labels} goes with one PATH, not {len(arguments.paths)}")
    sets = [read_eyes(path, labels=arguments.labels) for path in arguments.paths]
    read = [load_images(eyes.take(np.arange(0, len(eyes), arguments.every))) for eyes in sets]
    failed = [failure for part in read for failure in part.failed]
    joined: EyeSet = concatenate([part.eyes for part in read])
    return LoadedSet(joined, np.concatenate([part.images for part in read]), tuple(failed)), failed


def _prepare(data: LoadedSet, arguments: Namespace) -> _Context:
    evaluated = arguments.labels is not None or arguments.evaluate
    if evaluated and not (data.eyes.labels >= 0).any():
        raise ParameterError("--evaluate needs true labels, and the folders hold none; give them with --labels CSV")
    if arguments.trained and not evaluated:
        raise ParameterError(
            "--trained evaluates with true labels; give --labels CSV, or --evaluate where the folders hold them"
        )
    if arguments.given and not arguments.trained:
        raise ParameterError(f"--given {arguments.given} goes with --trained N; give both, or neither")
    if len(data.images) < MIN_IMAGES:
        raise ParameterError(f"{len(data.images)} images are too few to cluster; {MIN_IMAGES} are needed")
    priors = compute_priors(data.images, random_state=arguments.seed)
    feature_sets = dict.fromkeys([*_feature_sets(arguments), *FEATURE_SETS, *VIEW_FEATURES])
    views = {each: make_view(data.images, each, random_state=arguments.seed) for each in feature_sets}
    consensus = find_consensus([views[each] for each in VIEW_FEATURES], priors)
    return _Context(data, data.eyes.labels if evaluated else None, views, priors, consensus)


def _number(value: float, decimals: int = 3) -> str:
    return "-" if math.isnan(value) else f"{value:.{decimals}f}"


def _row(found: Measurement, truth: NDArray[np.int8] | None) -> list[str]:
    sizes = " ".join(f"{size:,}" for size in found.sizes[:3]) + (" ..." if len(found.sizes) > 3 else "")
    setting = found.setting
    cells = [
        setting.clusterer,
        f"{'+'.join(setting.features)} {setting.n_components}" + ("" if setting.mirrored else ", not mirrored"),
        _number(found.silhouette, 4),
        sizes + (f" ({found.noise:,} noise)" if found.noise else ""),
        *(_number(value) for value in (found.seeds, found.resamples, found.mirror, found.agreement)),
    ]
    return cells if truth is None else [*cells, _number(evaluate_measured(found, truth))]


def _consensus_rows(context: _Context) -> list[list[str]]:
    view = context.views[VIEW_FEATURES[0]].leading(32)
    if context.truth is None:
        kept = float((context.consensus.unanimous >= 0).mean())
        return [["consensus of views", "kept"], ["unanimous", _number(kept)], ["majority", _number(1.0)]]
    rows = evaluate_consensus(context.consensus, view, context.truth)
    head = ["consensus of views", "kept", "silhouette", "purity (evaluation)"]
    return [
        head,
        *(
            [name, _number(row["kept"]), _number(row["silhouette"], 4), _number(row["purity"])]
            for name, row in rows.items()
        ),
    ]


def _criteria_rows(many: Sequence[Measurement], truth: NDArray[np.int8]) -> list[list[str]]:
    head = ["chosen by", "rank correlation with accuracy", "chosen", _EVALUATION, "below the best"]
    return [
        head,
        *(
            [name, _number(row["rank correlation"], 2), row["chosen"], _number(row["accuracy"]), _number(row["short"])]
            for name, row in evaluate_criteria(many, truth).items()
        ),
    ]


def _tuned_rows(context: _Context, arguments: Namespace) -> list[list[str]]:
    rows = [[f"best of {arguments.tune} by", "setting", "agreement", "silhouette"]]
    if context.truth is not None:
        rows[0].append(_EVALUATION)
    for by in CRITERIA:
        print(f"searching {arguments.tune} settings by {by} ...", file=sys.stderr)
        found = tune(
            context.views,
            context.consensus,
            context.priors,
            by=by,
            n_trials=arguments.tune,
            random_state=arguments.seed,
        )[0]
        cells = [by, found.setting.name, _number(found.agreement), _number(found.silhouette, 4)]
        rows.append(cells if context.truth is None else [*cells, _number(evaluate_measured(found, context.truth))])
    return rows


def _trained_rows(context: _Context, arguments: Namespace) -> list[list[str]]:
    assert context.truth is not None  # checked before
    eyes, n_given = context.data.eyes, arguments.given
    # As `classic-eyes train` does it: the recipe default, which has a view of larger images.
    images = load_images(eyes, size=EyeClassifier().gate_size).images
    results = []
    for seed in range(arguments.seed, arguments.seed + arguments.trained):
        print(f"training with {n_given or 'no'} labels, seed {seed} ...", file=sys.stderr)
        clf = EyeClassifier(random_state=seed)
        results.append(
            evaluate_held_out(clf, images, context.truth, eyes.groups, n_given=n_given, random_state=seed)
            | {"seed": str(seed)}
        )
    results += [
        {"seed": name} | {key: float(of([one[key] for one in results])) for key in ("same", "held_out", "alone")}
        for name, of in (("mean", np.mean), ("minimum", np.min))
    ]
    head = ["seed", "training images", "held-out groups", "given labels alone", "n held out", "confidence"]
    return [
        head,
        *(
            [
                one["seed"],
                _number(one["same"]),
                _number(one["held_out"]) + (f" ({one['low']:.3f}-{one['high']:.3f})" if "low" in one else ""),
                _number(one["alone"]),
                str(one.get("n", "")),
                _number(one["confidence"], 2) if "confidence" in one else "",
            ]
            for one in results
        ),
    ]


def work(arguments: Namespace) -> int:
    """Run ``bench.py cluster``: 0, or 1 if some images could not be read."""
    settings = _checked_settings(arguments)
    if arguments.tune:
        require_optuna()
    data, failed = _read(arguments)
    print_failed(failed)
    print(f"{len(data.images)} images; computing features and priors ...", file=sys.stderr)
    context = _prepare(data, arguments)
    many = []
    for setting in settings:
        print(f"{setting.name} ...", file=sys.stderr)
        many.append(
            measure(
                setting,
                context.views[setting.features],
                context.consensus,
                context.priors,
                random_state=arguments.seed,
            )
        )
    head = list(_HEAD) if context.truth is None else [*_HEAD, _EVALUATION]
    tables = [[head, *(_row(found, context.truth) for found in many)], _consensus_rows(context)]
    if context.truth is not None and len(many) > 2:
        tables.append(_criteria_rows(many, context.truth))
    if arguments.tune:
        tables.append(_tuned_rows(context, arguments))
    if arguments.trained:
        tables.append(_trained_rows(context, arguments))
    for table in tables:
        print("\n".join(aligned(table) if arguments.format == "table" else markdown(table)) + "\n")
    chosen = max(many, key=lambda found: found.agreement)
    print(
        f"chosen: {chosen.setting.name}, the highest agreement with views of other features "
        f"({chosen.agreement:.3f}); silhouette and stability do not predict accuracy (docs/guides/no-labels.md)"
    )
    best = context.consensus.best
    print(
        f"confidence of the consensus, with which training starts: {best.confidence:.2f} (views agree with kappa "
        f"{best.agreement:.2f})"
    )
    return 1 if failed else 0
