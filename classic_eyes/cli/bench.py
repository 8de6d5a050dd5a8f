"""Measure how good and how sure a classifier is on data sets, by group."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from typing import Any

import numpy as np

from ..benchmark import agreed_by_all, cross_validate, read_labelled, summarise_parts
from ..classifier import EyeClassifier
from ..datasets import read_eyes, read_votes
from ..errors import ParameterError
from ..pipeline import DEFAULT_FEATURES
from ..synthetic import make_eyes
from .arguments import names, natural_number, positive_integer
from .tables import results_table

RENDERED = 600


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of ``classic-eyes bench``.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Gets the arguments.
    """
    parser.add_argument(
        "--data",
        nargs="+",
        metavar="PATH",
        default=[],
        help="labelled folders, each judged alone; rendered eyes without",
    )
    parser.add_argument("--labels", metavar="CSV", help="file,label[,group] for a single PATH")
    parser.add_argument(
        "--raters", metavar="CSV", help="file and a column a rater: also judge what all of them agree on"
    )
    parser.add_argument("--features", type=names, default=DEFAULT_FEATURES, metavar="A,B", help="default: hog,lbp")
    parser.add_argument("--classifier", default="svm", metavar="NAME", help="svm, gb, linear or knn; default: svm")
    parser.add_argument("--copies", type=natural_number, default=2, metavar="N", help="varied copies; default: 2")
    parser.add_argument("--folds", type=positive_integer, default=5, metavar="N", help="default: 5")
    parser.add_argument("--seed", type=natural_number, default=0, metavar="N", help="default: 0")
    parser.add_argument("--jobs", type=positive_integer, metavar="N", help="folds at a time; by default one per core")


def _judge_rendered(clf: EyeClassifier, arguments: Namespace) -> dict[str, Any]:
    eyes = make_eyes(RENDERED, random_state=arguments.seed)
    groups = np.arange(len(eyes.labels))
    scores = cross_validate(
        clf,
        eyes.pictures,
        eyes.labels,
        groups,
        n_splits=arguments.folds,
        random_state=arguments.seed,
        n_jobs=arguments.jobs,
    )
    return summarise_parts(eyes.labels, scores, groups, [("rendered eyes", groups >= 0)])


def _judge_folder(clf: EyeClassifier, path: str, arguments: Namespace) -> dict[str, Any]:
    data = read_labelled(read_eyes(path, labels=arguments.labels), size=clf.size)
    for name, reason in data.failed:
        print(f"classic-eyes: left out {name}: {reason}", file=sys.stderr)
    labels, groups = data.eyes.labels, data.eyes.groups
    parts = [(path, np.ones(len(labels), dtype=bool))]
    if arguments.raters is not None:
        agreed = agreed_by_all(data.eyes, read_votes(arguments.raters))
        if agreed.any():
            parts.append((f"{path}, all raters agree", agreed))
    scores = cross_validate(
        clf,
        data.pictures,
        labels,
        groups,
        n_splits=arguments.folds,
        random_state=arguments.seed,
        n_jobs=arguments.jobs,
    )
    return summarise_parts(labels, scores, groups, parts)


def work(arguments: Namespace) -> int:
    """Run ``classic-eyes bench``.

    Parameters
    ----------
    arguments : argparse.Namespace
        As `add_arguments` declares them.

    Returns
    -------
    int
        0.
    """
    if arguments.labels is not None and len(arguments.data) != 1:
        raise ParameterError(f"--labels {arguments.labels} goes with one PATH after --data, not {len(arguments.data)}")
    clf = EyeClassifier(
        features=arguments.features,
        classifier=arguments.classifier,
        n_copies=arguments.copies,
        random_state=arguments.seed,
    )
    results: dict[str, Any] = {}
    if not arguments.data:
        print(f"no --data: {RENDERED} rendered eyes, which say little about photographs", file=sys.stderr)
        results = _judge_rendered(clf, arguments)
    for path in arguments.data:
        print(f"{path}: {arguments.folds} folds by group ...", file=sys.stderr)
        results |= _judge_folder(clf, path, arguments)
    print(f"{arguments.folds}-fold cross-validation by group; in brackets 95 % intervals, bootstrap over groups")
    print(results_table(results))
    return 0
